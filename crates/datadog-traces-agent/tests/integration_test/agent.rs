//! An agent under test, how it is set up, and what tracers send it.

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
use datadog_traces_agent::inspect::Inspector;
use datadog_traces_agent::span::{Chunk, Payload, Span, Text};
use datadog_traces_agent::{
    AdditionalEndpoint, Config, DrainReport, FlushStrategy, Reports, Running, Shared, start,
};
use serde_json::json;
use tokio::time::Instant;

use crate::client::{Answer, Connection};
use crate::msgpack;

/// Longer than anything that is supposed to happen takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const TRACES: &str = "/api/v0.2/traces";
pub(crate) const STATS: &str = "/api/v0.2/stats";
pub(crate) const MSGPACK: &str = "Content-Type: application/msgpack\r\n";
/// The rates before anything was sampled by them.
pub(crate) const NO_RATES: &str = "{\"rate_by_service\":{}}\n";
/// The rates while there is little to sample.
pub(crate) const ALL: &str = "{\"rate_by_service\":{\"service:,env:\":1}}\n";

/// A running agent with one listener on a free port.
pub(crate) struct Agent {
    pub(crate) running: Running,
    pub(crate) signal: DrainSignal,
    pub(crate) telemetry: Telemetry,
}

/// Sends to `intake` when asked to, with pauses that a test can bear.
pub(crate) fn config(intake: &Intake) -> Config {
    let key = Some(ApiKey::fixed("0123456789abcdef"));
    let mut config = Config::from_intake(&intake.url(), key, "127.0.0.1:9");
    config.listen = vec![loopback()];
    config.flush = FlushStrategy::OnDemand;
    config.identity.hostname = "box".to_owned();
    config.pauses = Pauses::Jitter {
        first: Duration::from_millis(2),
        max: Duration::from_millis(2),
    };
    config
}

/// Sends to a second intake too, with a key of its own.
pub(crate) fn config_of_two(primary: &Intake, additional: &Intake) -> Config {
    let mut config = config(primary);
    config.additional_endpoints = vec![AdditionalEndpoint {
        url: additional.url(),
        api_key: "fedcba9876543210".to_owned(),
    }];
    config
}

pub(crate) fn loopback() -> Target {
    Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    }
}

impl Agent {
    pub(crate) async fn start(config: Config) -> Self {
        Self::inspected(config, None).await
    }

    /// One whose traces somebody looks at.
    pub(crate) async fn inspected(config: Config, inspector: Option<Arc<dyn Inspector>>) -> Self {
        let (signal, drain) = drain::channel();
        let telemetry = Telemetry::default();
        let shared = Shared {
            events: event_bus::Sender::default(),
            client: Client::new(ConnectConfig::default()).unwrap(),
            telemetry: telemetry.clone(),
            pages: Pages {
                info: Arc::new(|| json!({})),
                status: Arc::new(|| json!({"traces": "well"})),
            },
            mounts: Vec::new(),
            statsd: None,
            inspector,
        };
        let running = start(config, shared, drain).await.unwrap();
        Self {
            running,
            signal,
            telemetry,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.local_addrs()[0]
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.addr()).await
    }

    /// Posts a body on a connection of its own.
    pub(crate) async fn post(&self, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
        self.connect().await.post(path, headers, body).await
    }

    /// Posts chunks as v0.4, which must be taken.
    pub(crate) async fn trace(&self, chunks: Vec<Chunk<'_>>) {
        let answer = self.post("/v0.4/traces", MSGPACK, body(chunks)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub(crate) async fn flush(&self) -> Reports {
        self.flush_within(LONG).await
    }

    pub(crate) async fn flush_within(&self, time: Duration) -> Reports {
        self.running.flush(Instant::now() + time).await.unwrap()
    }

    /// Signals the drain and waits for the end.
    pub(crate) async fn stop_within(self, time: Duration) -> DrainReport {
        self.signal.signal(Instant::now() + time);
        self.running.join().await
    }

    pub(crate) fn sum(&self, metric: Metric) -> u64 {
        self.telemetry.sum(metric, &[])
    }

    pub(crate) fn by_reason(&self, metric: Metric) -> BTreeMap<String, u64> {
        self.telemetry.by(metric, "reason", |_| true)
    }
}

/// A span of a server, the root of its trace.
pub(crate) fn span(trace_id: u64, resource: &str, priority: f64) -> Span<'static> {
    let texts = |tags: &[(&'static str, &'static str)]| {
        let tags = tags.iter();
        tags.map(|(key, value)| (Text::from(*key), Text::from(*value)))
            .collect()
    };
    Span {
        service: "web".into(),
        name: "web.request".into(),
        resource: resource.to_owned().into(),
        kind: "web".into(),
        trace_id,
        span_id: trace_id + 1_000_000,
        start: 1_700_000_000_000_000_000,
        duration: 1_000_000,
        meta: texts(&[("env", "prod"), ("span.kind", "server")]),
        metrics: [(Text::from("_sampling_priority_v1"), priority)]
            .into_iter()
            .collect(),
        ..Span::default()
    }
}

/// A chunk of that span alone.
pub(crate) fn chunk(trace_id: u64, resource: &str, priority: f64) -> Chunk<'static> {
    Chunk {
        spans: vec![span(trace_id, resource, priority)],
        ..Chunk::default()
    }
}

/// A chunk of about so many bytes, of tags that do not compress.
pub(crate) fn large(trace_id: u64, resource: &str, bytes: usize) -> Chunk<'static> {
    let mut chunk = chunk(trace_id, resource, 1.0);
    let mut state = trace_id | 1;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    for number in 1..=bytes.div_ceil(16_000) {
        let mut child = span(trace_id, "child", 1.0);
        child.span_id += number as u64 * 10_000_000;
        child.parent_id = trace_id + 1_000_000;
        let text: String = (0..1_000).map(|_| noise()).collect();
        child.meta.push("noise", text.into());
        chunk.spans.push(child);
    }
    chunk
}

/// A body of v0.4.
pub(crate) fn body(chunks: Vec<Chunk<'_>>) -> Vec<u8> {
    msgpack::v04(&Payload {
        chunks,
        ..Payload::default()
    })
}

/// The resources of the chunks that arrived, sorted.
pub(crate) fn arrived(intake: &Intake) -> Vec<String> {
    let mut resources: Vec<_> = intake.traces().into_iter().map(|it| it.resource).collect();
    resources.sort();
    resources
}

/// The hits of all stats that arrived.
pub(crate) fn hits(intake: &Intake) -> u64 {
    intake.stats().iter().map(|it| it.group.hits).sum()
}
