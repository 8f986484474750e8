//! What a product asks of its forwarder. Holds values and checks none: the pipeline that fills them has done so.

use std::time::Duration;

use datadog_agent_runtime::event_bus::Producer;
use datadog_agent_runtime::telemetry::Metric;
use datadog_wire::status::StatusTable;

use crate::{Endpoint, Split};

/// What a product asks of its forwarder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The first is the primary, which is reliable whatever it says. Without any, the task ends at once and every
    /// payload comes back to its sender.
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
    /// Attempts of one payload before it goes to the redrive queue; 0 counts as 1.
    pub attempts: u32,
    /// Pauses between attempts.
    pub pauses: Pauses,
    /// Requests in flight at once, per endpoint; 0 counts as 1.
    pub concurrency: usize,
    /// Whether a payload may overtake one that waits.
    pub order: Order,
    /// Bytes of encoded bodies that wait to be sent, first or again, per reliable endpoint. One payload may always
    /// wait, however large.
    pub redrive_bytes: usize,
    /// Age, since it was handed over, past which a waiting payload is given up.
    pub redrive_age: Duration,
    /// What happens when the redrive queue is full.
    pub overflow: Overflow,
    /// Tells of what the primary accepted and of what it did not; `None` tells nobody.
    pub notices: Option<Producer>,
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
    ///
    /// Each payload pauses by itself. One whose attempts are used up waits for the next flush, or five seconds.
    Jitter {
        /// The base before the second attempt.
        first: Duration,
        /// The largest base.
        max: Duration,
    },
    /// The core agent's policy: a count of errors per endpoint decides.
    ///
    /// The whole endpoint pauses, payloads that wait for another try included; a value outside its range is replaced
    /// by the core agent's default.
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
