//! The task that sends, and the door to it.

use std::collections::BTreeMap;
use std::time::Duration;

use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_wire::status::StatusTable;
use tokio::time::Instant;

use crate::{Endpoint, Payload, Split};

/// What a product asks of its forwarder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The first is the primary.
    pub endpoints: Vec<Endpoint>,
    /// `Content-Type` of every body.
    pub content_type: &'static str,
    /// `User-Agent` of every request.
    pub user_agent: String,
    /// What each status means.
    pub status: StatusTable,
    /// How a body is halved.
    pub split: Split,
    /// The names under which this product counts.
    pub metrics: Metrics,
    /// Longest time of one attempt.
    pub request_timeout: Duration,
    /// Attempts of one payload before it goes to the redrive queue.
    pub attempts: u32,
    /// Pauses between attempts.
    pub pauses: Pauses,
    /// Requests in flight at once, per endpoint.
    pub concurrency: usize,
    /// Whether a payload may overtake one that waits.
    pub order: Order,
    /// Bytes of encoded bodies that wait for another try, per reliable endpoint.
    pub redrive_bytes: usize,
    /// Age past which a waiting payload is given up.
    pub redrive_age: Duration,
    /// What happens when the redrive queue is full.
    pub overflow: Overflow,
}

/// The names under which a product counts.
#[derive(Debug, Clone, Copy)]
pub struct Metrics {
    /// Items accepted, by `endpoint`.
    pub sent: Metric,
    /// Bytes accepted before compression, by `endpoint`.
    pub bytes_raw: Metric,
    /// Bytes accepted as sent, by `endpoint`.
    pub bytes_wire: Metric,
    /// Answers, by `endpoint` and `status`.
    pub responses: Metric,
    /// Attempts after the first, by `endpoint`.
    pub retries: Metric,
    /// Milliseconds between attempts, by `endpoint`.
    pub retry_wait_ms: Metric,
    /// Items lost, by `reason` and `endpoint`.
    pub dropped: Metric,
    /// Gauge of bytes waiting for another try, by `endpoint`.
    pub redrive_bytes: Metric,
}

/// Pauses between attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pauses {
    /// Before attempt k: full jitter in [base/2, base] with base = `first` × 2^(k−2), at most `max`.
    Jitter {
        /// The base before the second attempt.
        first: Duration,
        /// The largest base.
        max: Duration,
    },
    /// The core agent's policy: a count of errors per endpoint decides.
    ErrorCount {
        /// Divides the lower end of the random range; at least 2.
        factor: f64,
        /// Seconds at one error, halved.
        base_s: f64,
        /// Longest pause in seconds.
        max_s: f64,
        /// Errors that one success takes back.
        recovery_interval: u32,
        /// Whether one success takes back all of them.
        recovery_reset: bool,
    },
}

/// Whether payloads keep their order on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One at a time; a payload that waits holds back those behind it.
    Kept,
    /// A payload that waits is overtaken.
    Free,
}

/// What happens when the redrive queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// No payload is taken until there is room: for sources that can wait.
    Wait,
    /// The oldest payload is dropped and counted.
    DropOldest,
}

/// What a flush did, or what was left when it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Payloads that the primary accepted.
    pub payloads_sent: u64,
    /// Items that the primary accepted.
    pub items_sent: u64,
    /// Bytes accepted before compression.
    pub bytes_raw: u64,
    /// Bytes accepted as sent.
    pub bytes_wire: u64,
    /// Attempts after the first.
    pub retried: u64,
    /// Items lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Payloads that wait for another try.
    pub pending_payloads: u64,
    /// Items in them.
    pub pending_items: u64,
    /// Encoded bytes in them.
    pub pending_bytes: u64,
    /// The same per endpoint, by its name.
    pub per_endpoint: BTreeMap<String, FlushReport>,
}

/// The task.
#[derive(Debug)]
pub struct Forwarder {}

/// The door; cheap to clone. When the last one is gone the task drains and ends.
#[derive(Debug, Clone)]
pub struct ForwarderHandle {}

/// The pipeline has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the forwarder has stopped")]
pub struct Stopped;

impl Forwarder {
    /// The task and its door. Nothing runs until [`Forwarder::run`].
    #[must_use]
    pub fn new(_config: Config, _client: Client, _telemetry: Telemetry) -> (Self, ForwarderHandle) {
        (Self {}, ForwarderHandle {})
    }

    /// Runs until every handle is gone, then drains until `drain_deadline` answers, and reports what was left;
    /// what is then still unsent is counted as dropped with the reason `shutdown`.
    pub async fn run(self, _drain: datadog_agent_runtime::drain::Drain) -> FlushReport {
        FlushReport::default()
    }
}

impl ForwarderHandle {
    /// Hands a payload over, waiting while the queue is full: back-pressure.
    ///
    /// # Errors
    /// When the task is gone; the payload comes back.
    pub async fn send(&self, payload: Payload) -> Result<(), Payload> {
        Err(payload)
    }

    /// Sends all that was handed over before, payloads that wait for another try included, until `deadline`;
    /// what is not settled then goes on waiting.
    ///
    /// # Errors
    /// When the task is gone.
    pub async fn flush(&self, _deadline: Instant) -> Result<FlushReport, Stopped> {
        Err(Stopped)
    }

    /// Totals since the start, for `status` and final reports.
    #[must_use]
    pub fn totals(&self) -> FlushReport {
        FlushReport::default()
    }
}
