//! A trace agent on a port of its own, whose only site is an intake of the test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use datadog_agent_runtime::bind::Target;
use datadog_agent_runtime::bind::http::Pages;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::ApiKey;
use datadog_forwarder::endpoint::KeySource;
use datadog_traces_agent::agent::{self, Running, Shared};
use datadog_traces_agent::config::{Config, FlushStrategy};
use tokio::time::Instant;

use crate::client::{self, Answer};
use crate::intake::Intake;

/// Long enough never to be over in a test that passes.
pub(crate) const LONG: Duration = Duration::from_secs(600);

pub(crate) struct Agent {
    pub(crate) addr: SocketAddr,
    running: Running,
    signal: DrainSignal,
    telemetry: Telemetry,
}

impl Agent {
    /// Sends everything to this intake, but for what `change` changes.
    pub(crate) async fn start(intake: &Intake, change: impl FnOnce(&mut Config)) -> Self {
        let site = intake.site();
        let key = Some(ApiKey::fixed("key"));
        let mut config = Config::from_intake(&format!("http://{site}"), key, &site);
        config.listen = vec![Target::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 0,
        }];
        config.flush = FlushStrategy::OnDemand;
        config.identity.hostname = "h".to_owned();
        change(&mut config);
        let telemetry = Telemetry::default();
        let page = || Arc::new(|| serde_json::Value::Null);
        let shared = Shared {
            events: event_bus::Sender::default(),
            client: Client::new(ConnectConfig::default()).unwrap(),
            telemetry: telemetry.clone(),
            pages: Pages {
                info: page(),
                status: page(),
            },
            mounts: Vec::new(),
            statsd: None,
            inspector: None,
        };
        let (signal, drain) = drain::channel();
        let running = agent::start(config, shared, drain).await.unwrap();
        Self {
            addr: running.local_addrs()[0],
            running,
            signal,
            telemetry,
        }
    }

    /// Posts a body of a length that is announced.
    pub(crate) async fn post(&self, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        client::send(self.addr, "POST", path, headers, body).await
    }

    pub(crate) async fn flush(&self) {
        self.flush_for(LONG).await;
    }

    pub(crate) async fn flush_for(&self, time: Duration) {
        let flushed = self.running.flush(Instant::now() + time).await;
        assert!(flushed.is_ok());
    }

    pub(crate) async fn stop(self, time: Duration) -> Counts {
        self.signal.signal(Instant::now() + time);
        self.running.join().await;
        Counts(self.telemetry)
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts(self.telemetry.clone())
    }
}

/// What the agent counted.
pub(crate) struct Counts(Telemetry);

impl Counts {
    pub(crate) fn answered(&self, product: &str, status: &str) -> u64 {
        let labels = [("product", product), ("status", status)];
        self.0.sum(Metric::TracesProxied, &labels)
    }

    /// Requests that were lost, for this reason and for any.
    pub(crate) fn dropped(&self, product: &str, reason: &str) -> (u64, u64) {
        let labels = [("product", product), ("reason", reason)];
        let all = self.0.sum(Metric::TracesProxyDropped, &[]);
        (self.0.sum(Metric::TracesProxyDropped, &labels), all)
    }

    pub(crate) fn held_bytes(&self) -> u64 {
        self.0.sum(Metric::TracesProxyBytes, &[])
    }
}

/// A key that changes whenever it is asked to: `key0`, `key1` and so on.
#[derive(Default)]
pub(crate) struct Changing(AtomicUsize);

impl KeySource for Changing {
    fn current(&self) -> String {
        format!("key{}", self.0.load(Ordering::SeqCst))
    }

    fn refresh(&self) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst);
        true
    }
}
