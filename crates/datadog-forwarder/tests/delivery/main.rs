//! The forwarder against real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod endpoints;
mod flush;
mod intake;
mod memory;
mod stop;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::service::{Metrics, Order, Overflow, Pauses};
use datadog_forwarder::{
    ApiKey, Compressed, Config, Encoding, Endpoint, FlushReport, Form, Forwarder, ForwarderHandle,
    Payload, Reliability, Split,
};
use hyper::HeaderMap;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use intake::Intake;

/// Longer than anything that is supposed to happen takes.
const LONG: Duration = Duration::from_secs(60);

/// A forwarder that runs.
struct Running {
    handle: ForwarderHandle,
    task: JoinHandle<FlushReport>,
    stop: DrainSignal,
    telemetry: Telemetry,
}

impl Running {
    fn start(config: Config) -> Self {
        let client = Client::new(ConnectConfig::default()).unwrap();
        let telemetry = Telemetry::default();
        let (forwarder, handle) = Forwarder::new(config, client, telemetry.clone());
        let (stop, drain) = drain::channel();
        let task = tokio::spawn(forwarder.run(drain));
        Self {
            handle,
            task,
            stop,
            telemetry,
        }
    }

    async fn send(&self, words: &str) {
        self.handle.send(payload(words)).await.unwrap();
    }

    async fn flush(&self) -> FlushReport {
        self.flush_within(LONG).await
    }

    async fn flush_within(&self, time: Duration) -> FlushReport {
        let deadline = Instant::now() + time;
        self.handle.flush(deadline).await.unwrap()
    }

    /// Sends one payload and flushes.
    async fn deliver(&self, words: &str) -> FlushReport {
        self.send(words).await;
        self.flush().await
    }

    /// Waits until the totals are as wanted.
    async fn wait_until(&self, wanted: impl Fn(&FlushReport) -> bool) {
        while !wanted(&self.handle.totals()) {
            tokio::task::yield_now().await;
        }
    }

    /// Drops the handle and stops at the end of `time`.
    async fn stop_within(self, time: Duration) -> FlushReport {
        self.stop.signal(Instant::now() + time);
        drop(self.handle);
        self.task.await.unwrap()
    }

    fn count(&self, metric: Metric, labels: &[(&'static str, &str)]) -> u64 {
        self.telemetry.sum(metric, labels)
    }
}

fn payload(words: &str) -> Payload {
    let items = u64::try_from(words.split(',').count()).unwrap();
    Payload::from_body(Bytes::copy_from_slice(words.as_bytes()), items)
}

fn endpoint(intake: &Intake) -> Endpoint {
    endpoint_at(&intake.url())
}

fn endpoint_at(url: &str) -> Endpoint {
    let url: hyper::Uri = url.parse().unwrap();
    Endpoint {
        name: url.authority().unwrap().to_string(),
        url,
        api_key: Some(ApiKey::fixed("key")),
        headers: HeaderMap::new(),
        encoding: Encoding::Zstd(3),
        reliability: Reliability::Reliable,
    }
}

fn config(endpoints: impl Into<Vec<Endpoint>>) -> Config {
    Config {
        endpoints: endpoints.into(),
        content_type: "application/json",
        user_agent: "tests/1".to_owned(),
        status: datadog_wire::status::LOGS,
        split: Split(Arc::new(halve)),
        metrics: Metrics {
            sent: Metric::LogsSent,
            bytes_raw: Metric::LogsBytesSentRaw,
            bytes_wire: Metric::LogsBytesSentWire,
            responses: Metric::LogsHttpResponses,
            retries: Metric::LogsRetries,
            retry_wait_ms: Metric::LogsRetryWaitMs,
            dropped: Metric::LogsDropped,
            redrive_bytes: Metric::LogsRedriveBytes,
        },
        request_timeout: LONG,
        attempts: 3,
        pauses: Pauses::Jitter {
            first: Duration::from_millis(2),
            max: Duration::from_millis(10),
        },
        concurrency: 4,
        order: Order::Free,
        redrive_bytes: 15 << 20,
        redrive_age: Duration::from_secs(18 * 3600),
        overflow: Overflow::DropOldest,
        notices: None,
    }
}

/// Tries again by itself, and soon.
const SOON: Pauses = Pauses::ErrorCount {
    factor: 2.0,
    base_s: 0.001,
    max_s: 0.1,
    recovery_interval: 2,
    recovery_reset: false,
};

/// Halves a list of words at its middle comma.
fn halve(body: &Bytes) -> Option<[(Bytes, u64); 2]> {
    let commas: Vec<_> = body
        .iter()
        .enumerate()
        .filter_map(|(at, &byte)| (byte == b',').then_some(at))
        .collect();
    let middle = commas.len() / 2;
    let at = *commas.get(middle)?;
    let first = u64::try_from(middle + 1).unwrap();
    let second = u64::try_from(commas.len() - middle).unwrap();
    Some([(body.slice(..at), first), (body.slice(at + 1..), second)])
}
