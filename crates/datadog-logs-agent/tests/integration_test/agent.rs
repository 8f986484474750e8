//! An agent under test, and how it is set up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use datadog_agent_runtime::bind::Target;
use datadog_agent_runtime::bind::http::Pages;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_dev_intake::Intake;
use datadog_forwarder::ApiKey;
use datadog_forwarder::service::Pauses;
use datadog_logs_agent::{
    AggregatorHandle, Config, Destination, DrainReport, FlushReport, FlushStrategy, Running,
    Shared, StartError, start,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Answer, Connection};

pub(crate) const PATH: &str = "/api/v2/logs";

/// A running agent with one listener on a free port.
pub(crate) struct Agent {
    pub(crate) running: Running,
    pub(crate) signal: DrainSignal,
    pub(crate) telemetry: Telemetry,
}

/// Sends to `intake` when asked to, with pauses that a test can bear.
pub(crate) fn config(intake: &Intake) -> Config {
    config_to(&format!("{}{PATH}", intake.url()))
}

/// An agent that sends nothing by itself, to an intake that is not there.
pub(crate) fn without_intake() -> Config {
    config_to("http://127.0.0.1:9/api/v2/logs")
}

fn config_to(url: &str) -> Config {
    let destination = Destination::Datadog {
        url: url.to_owned(),
    };
    let mut config = Config::from_destination(destination, Some(ApiKey::fixed("0123456789abcdef")));
    config.listen = vec![loopback(0)];
    config.flush = FlushStrategy::OnDemand;
    config.pauses = Pauses::Jitter {
        first: Duration::from_millis(2),
        max: Duration::from_millis(2),
    };
    config
}

pub(crate) fn loopback(port: u16) -> Target {
    Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port,
    }
}

pub(crate) async fn try_start(
    config: Config,
) -> Result<(Running, DrainSignal, Telemetry), StartError> {
    let (signal, drain) = drain::channel();
    let telemetry = Telemetry::default();
    let shared = Shared {
        events: event_bus::Sender::default(),
        client: Client::new(ConnectConfig::default()).unwrap(),
        telemetry: telemetry.clone(),
        pages: Pages {
            info: Arc::new(|| json!({"version": "1"})),
            status: Arc::new(|| json!({})),
        },
    };
    let running = start(config, shared, drain).await?;
    Ok((running, signal, telemetry))
}

impl Agent {
    pub(crate) async fn start(config: Config) -> Self {
        let (running, signal, telemetry) = try_start(config).await.unwrap();
        Self {
            running,
            signal,
            telemetry,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.local_addrs()[0]
    }

    pub(crate) fn handle(&self) -> AggregatorHandle {
        self.running.handle()
    }

    /// Posts a body on a connection of its own.
    pub(crate) async fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.post_with(path, "", body).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &str,
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let mut connection = Connection::open(self.addr()).await;
        connection.post(path, headers, body).await
    }

    /// Queues one entry with this message.
    pub(crate) async fn log(&self, message: &str) {
        let answer = self
            .post("/v1/input", json!([{"message": message}]).to_string())
            .await;
        answer.expect(200, "ok");
    }

    pub(crate) async fn flush(&self) -> FlushReport {
        self.flush_within(Duration::from_secs(20)).await
    }

    pub(crate) async fn flush_within(&self, time: Duration) -> FlushReport {
        self.running.flush(Instant::now() + time).await.unwrap()
    }

    /// Signals the drain and waits for the end.
    pub(crate) async fn stop_within(self, time: Duration) -> DrainReport {
        self.signal.signal(Instant::now() + time);
        self.running.join().await
    }

    pub(crate) async fn stop(self) -> DrainReport {
        self.stop_within(Duration::from_secs(20)).await
    }

    /// The status, once `check` finds it as it is to be.
    pub(crate) async fn status_when(&self, check: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let status = self.running.status().to_json();
            if check(&status) {
                return status;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "{status:#}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn sum(&self, metric: Metric) -> u64 {
        self.telemetry.sum(metric, &[])
    }

    /// The entries that the service has not taken from the channel count as queued, so that nothing is in between.
    pub(crate) fn queued(&self) -> u64 {
        self.handle().len() as u64
    }
}

/// Entries lost, by reason, for comparisons.
pub(crate) fn reasons<const N: usize>(dropped: [(&'static str, u64); N]) -> BTreeMap<String, u64> {
    dropped
        .into_iter()
        .map(|(reason, entries)| (reason.to_owned(), entries))
        .collect()
}
