//! Remote configuration, put together from the configuration; its types are re-exported here.
//!
//! It is opened before the trace listener, which serves it to tracers, and asks nobody before everything else runs.
//! Whatever is wrong with it is shown in `/status` and logged once; the agent starts all the same.

mod consumers;
mod settings;

use std::sync::Arc;

use datadog_agent_runtime::tasks::{Room, Watch};
use datadog_remote_config::endpoint::Endpoint;
use datadog_remote_config::service::Clock;
use datadog_traces_agent::Mount;
use datadog_wire::remote_config::CLIENT_PATH;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tracing::{error, info};

pub use datadog_remote_config::consumer::{
    APPSEC_PRODUCTS, ConfigFile, Files, Interest, Subscriber,
};
pub use datadog_remote_config::service::ServiceSnapshot;
pub use datadog_remote_config::{RemoteConfigHandle, RemoteConfigService, StoreMode};

use crate::agent::{AgentError, Face, Shared};
use crate::config::Config;
use crate::logger::LevelControl;
use crate::{appsec, traces};
use consumers::{Active, log_level, sampling, tasks};

/// Remote configuration that is opened, and asks nobody yet.
pub(crate) struct Opened {
    service: RemoteConfigService,
    handle: RemoteConfigHandle,
}

/// The parts of this agent that take configuration, as far as there are any.
#[derive(Default)]
pub(crate) struct Consumers<'r> {
    pub(crate) traces: Option<&'r traces::Running>,
    pub(crate) level: Option<LevelControl>,
    pub(crate) appsec: Option<&'r appsec::Opened>,
}

/// Remote configuration that runs. Dropping it cuts it.
#[derive(Debug)]
pub(crate) struct Running {
    handle: RemoteConfigHandle,
    room: Room,
    /// Those who take configuration in this process; cut when it ends.
    _consumers: JoinSet<()>,
}

impl Running {
    pub(crate) fn handle(&self) -> RemoteConfigHandle {
        self.handle.clone()
    }

    /// Waits until it has ended, once the signal to stop was given.
    pub(crate) async fn join(self) {
        self.room.ended().await;
    }
}

/// Opens it, if it is on, there is a key and nothing is wrong; else says why not, where anything is wrong. A `store`
/// comes before that of the configuration.
pub(crate) async fn open(
    config: &Config,
    shared: &Shared,
    store: Option<StoreMode>,
) -> Option<Opened> {
    if !config.remote_configuration_enabled {
        return None;
    }
    match try_open(config, shared, store).await {
        Ok(opened) => {
            if opened.is_none() {
                info!("remote configuration is off: there is no API key for it");
            }
            opened
        }
        Err(problem) => {
            error!(%problem, "remote configuration cannot run");
            let text = problem.to_string();
            let report = move || json!({ "state": "failed", "last_error": text });
            add(shared, &[], Arc::new(report));
            None
        }
    }
}

async fn try_open(
    config: &Config,
    shared: &Shared,
    store: Option<StoreMode>,
) -> Result<Option<Opened>, AgentError> {
    let Some(mut settings) = settings::read(config, &shared.hostname)? else {
        return Ok(None);
    };
    settings.service.store = store.unwrap_or(settings.service.store);
    let opened = RemoteConfigService::open(
        settings.service,
        settings.transport,
        settings.key,
        Clock::of_the_machine(),
        shared.board.telemetry(),
    );
    let (service, handle) = opened.await.map_err(settings::failure)?;
    Ok(Some(Opened { service, handle }))
}

fn add(
    shared: &Shared,
    paths: &'static [&'static str],
    report: Arc<dyn Fn() -> Value + Send + Sync>,
) {
    let limits = json!({});
    let face = Face {
        paths,
        limits,
        report,
    };
    shared.board.add("remote_config", face);
}

impl Opened {
    /// What the trace listener answers tracers with.
    pub(crate) fn mount(&self) -> Mount {
        let prepare = Arc::new(settings::normalize);
        let endpoint = Endpoint::new(self.handle.clone(), prepare);
        Mount {
            path: CLIENT_PATH,
            advertised: true,
            handler: Arc::new(move |request| {
                let endpoint = endpoint.clone();
                Box::pin(async move { endpoint.handle(request).await })
            }),
        }
    }

    /// Begins to ask, and puts into effect what this agent takes itself.
    pub(crate) fn run(self, config: &Config, shared: &Shared, taking: Consumers<'_>) -> Running {
        let Consumers {
            traces,
            level,
            appsec,
        } = taking;
        let active = Active::telling(shared.events.clone());
        let mut consumers = JoinSet::new();
        if let (true, Some(traces)) = (settings::takes_sampling(config), traces) {
            let env = settings::env(config);
            let samplers = traces.samplers();
            consumers.spawn(sampling(&self.handle, env, samplers, active.clone()));
        }
        if let (true, Some(level)) = (settings::takes_log_level(config), level) {
            consumers.spawn(log_level(&self.handle, level, active.clone()));
        }
        let follow = appsec.and_then(|appsec| appsec.follow(self.handle.clone()));
        if let Some(follow) = follow {
            consumers.spawn(follow);
        }
        consumers.spawn(tasks(&self.handle));
        let handle = self.handle.clone();
        let report = move || report(&handle.snapshot(), &active);
        let paths: &[&str] = match traces {
            Some(_) => &[CLIENT_PATH],
            None => &[],
        };
        add(shared, paths, Arc::new(report));
        let watch = Watch::new("remote_config", shared.drain.clone());
        let run = self.service.run(shared.drain.clone());
        Running {
            room: Room::spawn("service", run, &watch),
            handle: self.handle,
            _consumers: consumers,
        }
    }
}

fn report(snapshot: &ServiceSnapshot, active: &Active) -> Value {
    let mut report = json!(snapshot);
    report["state"] = match &snapshot.last_error {
        Some(_) => json!("failing"),
        None if snapshot.is_fresh => json!("running"),
        None => json!("starting"),
    };
    let files = snapshot.files.iter();
    report["files"] = files
        .map(|(path, version)| (path.clone(), json!(version)))
        .collect();
    report["active"] = active.to_json();
    report
}
