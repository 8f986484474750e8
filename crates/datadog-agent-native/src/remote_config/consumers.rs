//! What this agent takes of remote configuration itself: rates of the samplers, and the level of its log.

use std::sync::{Arc, Mutex, PoisonError};

use datadog_remote_config::product::{agent_config, agent_task, apm_sampling};
use serde_json::{Map, Value, json};
use tracing::level_filters::LevelFilter;
use tracing::{info, warn};

use super::{Interest, RemoteConfigHandle};
use crate::VERSION;
use crate::event_bus::{self, Event};
use crate::logger::{self, LevelControl};
use crate::traces::{Samplers, Sampling};

/// What is in effect, for `/status`, and who is told when it changes; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Active {
    values: Arc<Mutex<Map<String, Value>>>,
    events: event_bus::Sender,
}

impl Active {
    pub(super) fn telling(events: event_bus::Sender) -> Self {
        Self {
            values: Arc::default(),
            events,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        Value::Object(self.lock().clone())
    }

    fn set(&self, name: &str, value: Value) {
        let mut active = self.lock();
        match value.is_null() {
            true => drop(active.remove(name)),
            false => drop(active.insert(name.to_owned(), value)),
        }
        self.events.send(Event::ConfigUpdated);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Map<String, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn interest(product: &str) -> Interest {
    Interest {
        name: "trace-agent".to_owned(),
        version: VERSION.to_owned(),
        products: vec![product.to_owned()],
        capabilities: Vec::new(),
    }
}

/// Tells the samplers what they are to want, whenever that changes.
pub(super) fn sampling(
    handle: &RemoteConfigHandle,
    env: String,
    samplers: Samplers,
    active: Active,
) -> impl Future<Output = ()> + Send + use<> {
    let mut subscriber = handle.subscribe(interest(apm_sampling::PRODUCT));
    async move {
        while let Some(files) = subscriber.changed().await {
            let outcome = match apm_sampling::read(&files, &env) {
                Ok(None) => continue,
                Ok(Some(wanted)) => {
                    samplers.set(Sampling {
                        target_tps: wanted.priority_sampler_target_tps,
                        error_tps: wanted.errors_sampler_target_tps,
                        rare: wanted.rare_sampler_enabled,
                    });
                    info!(?wanted, "sampling follows remote configuration");
                    let shown = json!({
                        "target_tps": wanted.priority_sampler_target_tps,
                        "error_tps": wanted.errors_sampler_target_tps,
                        "rare": wanted.rare_sampler_enabled,
                        "version": files.first().map(|file| file.version),
                    });
                    active.set("sampling", shown);
                    Ok(())
                }
                Err(problem) => {
                    warn!(problem, "sampling of remote configuration is not taken");
                    Err(problem)
                }
            };
            for file in files.iter() {
                subscriber.report(file, outcome.as_ref().copied().map_err(String::as_str));
            }
        }
    }
}

/// Changes the level of the log, and restores it when nobody wants another.
pub(super) fn log_level(
    handle: &RemoteConfigHandle,
    control: LevelControl,
    active: Active,
) -> impl Future<Output = ()> + Send + use<> {
    let mut subscriber = handle.subscribe(interest(agent_config::PRODUCT));
    async move {
        // Restored when this task is cut.
        let control = Restoring(control);
        while let Some(files) = subscriber.changed().await {
            let wanted = match agent_config::log_level(&files) {
                Ok(wanted) => wanted,
                Err(unreadable) => {
                    let problem = &unreadable.problem;
                    warn!(
                        problem,
                        "a layer of remote configuration cannot be read; none is taken"
                    );
                    subscriber.report(unreadable.file, Err(problem));
                    continue;
                }
            };
            let outcome = control.apply(wanted.as_deref());
            match &outcome {
                Ok(()) => active.set("log_level", json!(wanted)),
                Err(problem) => warn!(
                    problem,
                    "the log level of remote configuration is not taken"
                ),
            }
            for file in files.iter() {
                subscriber.report(file, outcome.as_ref().copied().map_err(String::as_str));
            }
        }
    }
}

/// Refuses every task, so that whoever asked for it is told.
pub(super) fn tasks(handle: &RemoteConfigHandle) -> impl Future<Output = ()> + Send + use<> {
    let mut subscriber = handle.subscribe(interest(agent_task::PRODUCT));
    async move {
        while let Some(files) = subscriber.changed().await {
            for file in files.iter() {
                let problem = agent_task::refusal(file);
                info!(problem, "a task of remote configuration is refused");
                subscriber.report(file, Err(&problem));
            }
        }
    }
}

/// Restores the configured level when it is dropped.
struct Restoring(LevelControl);

impl Restoring {
    fn apply(&self, wanted: Option<&str>) -> Result<(), String> {
        let level: Option<LevelFilter> = match wanted {
            None => None,
            Some(name) => match logger::level_of(name) {
                Some(level) => Some(level),
                None => return Err(format!("{name} is no log level")),
            },
        };
        self.0.set(level);
        info!(
            level = wanted.unwrap_or("configured"),
            "log level follows remote configuration"
        );
        Ok(())
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
