//! Batches become payloads.
//!
//! The way from the aggregator to the forwarder, and the reports of what became of it. Compression, attempts and the
//! queue of what waits for another try are the forwarder's.

mod endpoints;

use std::collections::BTreeMap;

use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::service::{self as forwarder, Metrics};
use datadog_forwarder::{Forwarder, ForwarderHandle, Payload, Reservation, Split};
use datadog_wire::status;
use serde::Serialize;
use tokio::time::Instant;

pub use self::endpoints::endpoints;
use crate::Config;
use crate::aggregator::{self, Batch};
use crate::config::ConfigError;

/// What the forwarder counts for logs.
const METRICS: Metrics = Metrics {
    sent: Metric::LogsSent,
    bytes_raw: Metric::LogsBytesSentRaw,
    bytes_wire: Metric::LogsBytesSentWire,
    responses: Metric::LogsHttpResponses,
    retries: Metric::LogsRetries,
    retry_wait_ms: Metric::LogsRetryWaitMs,
    dropped: Metric::LogsDropped,
    redrive_bytes: Metric::LogsRedriveBytes,
};

/// Hands batches to the forwarder; cheap to clone.
#[derive(Debug, Clone)]
pub struct Flusher {
    forwarder: ForwarderHandle,
}

/// What a flush did: all that was settled since the report before, and what is left. Flushes at the same time get
/// the same report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FlushReport {
    /// Batches that the primary accepted.
    pub batches_sent: u64,
    /// Entries that the primary accepted.
    pub entries_sent: u64,
    /// Bytes accepted before compression.
    pub bytes_raw: u64,
    /// Bytes accepted as sent.
    pub bytes_wire: u64,
    /// Attempts after the first.
    pub retried: u64,
    /// Batches that wait for another try.
    pub pending_batches: u64,
    /// Entries that are not settled: those in these batches, and those for which the forwarder had no room yet.
    pub pending_entries: u64,
    /// Bytes of these batches as they would be sent.
    pub pending_bytes: u64,
    /// Entries lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// The same per endpoint, by its name.
    pub per_endpoint: BTreeMap<String, Self>,
}

/// What became of all entries, when the log agent has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DrainReport {
    /// Entries that the primary accepted.
    pub sent: u64,
    /// Entries lost since the start, by reason; those of `pending` stand under `shutdown`.
    pub dropped: BTreeMap<String, u64>,
    /// Entries that were unsent when the time was over.
    pub pending: u64,
}

impl Flusher {
    /// The flusher of this configuration, and the forwarder that it feeds. Nothing is sent until the forwarder runs.
    ///
    /// # Errors
    /// A destination, key or header that cannot be used.
    pub fn new(
        config: &Config,
        client: Client,
        telemetry: Telemetry,
    ) -> Result<(Self, Forwarder), ConfigError> {
        let config = forwarder::Config {
            endpoints: endpoints(config)?,
            content_type: "application/json",
            user_agent: config.user_agent.clone(),
            status: status::LOGS,
            split: Split(std::sync::Arc::new(aggregator::halve)),
            metrics: METRICS,
            request_timeout: config.request_timeout,
            attempts: config.attempts,
            pauses: config.pauses,
            concurrency: config.concurrency,
            order: config.order,
            redrive_bytes: config.redrive_bytes,
            redrive_age: config.redrive_age,
            overflow: config.overflow,
        };
        let (task, handle) = Forwarder::new(config, client, telemetry);
        Ok((Self { forwarder: handle }, task))
    }

    /// Hands a batch over, waiting while the forwarder is full; says whether it was taken. A batch that was not is
    /// gone, because the forwarder is.
    pub async fn send(&self, batch: Batch, reservation: Option<Reservation>) -> bool {
        let payload = Payload {
            items: u64::from(batch.entries),
            body: batch.body,
            reservation,
        };
        self.forwarder.send(payload).await.is_ok()
    }

    /// Waits until what was handed over is settled, batches that wait for another try included, or `deadline` comes;
    /// `None` when the forwarder has stopped.
    pub async fn flush(&self, deadline: Instant) -> Option<FlushReport> {
        let report = self.forwarder.flush(deadline).await.ok()?;
        Some(report.into())
    }
}

impl From<forwarder::FlushReport> for FlushReport {
    fn from(report: forwarder::FlushReport) -> Self {
        Self {
            batches_sent: report.payloads_sent,
            entries_sent: report.items_sent,
            bytes_raw: report.bytes_raw,
            bytes_wire: report.bytes_wire,
            retried: report.retried,
            pending_batches: report.pending_payloads,
            pending_entries: report.pending_items,
            pending_bytes: report.pending_bytes,
            dropped: report.dropped,
            per_endpoint: report
                .per_endpoint
                .into_iter()
                .map(|(name, report)| (name, report.into()))
                .collect(),
        }
    }
}
