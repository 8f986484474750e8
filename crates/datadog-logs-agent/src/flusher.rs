//! Batches become payloads.
//!
//! The way from the aggregator to the forwarder or to the stateful stream, and the reports of what became of it.
//! Compression, attempts and the queue of what waits for another try are theirs.

mod endpoints;

use std::collections::BTreeMap;

use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::event_bus::{self, Producer, Product};
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::service::{self as forwarder, Metrics};
use datadog_forwarder::{Endpoint, Forwarder, ForwarderHandle, Payload, Reservation, Split};
use datadog_wire::status;
use serde::Serialize;
use tokio::time::Instant;

pub use self::endpoints::endpoints;
use crate::Config;
use crate::aggregator::{self, Batch};
use crate::config::ConfigError;
use crate::stream::{self, Streams};

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

/// The way over HTTP; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    forwarder: ForwarderHandle,
}

/// Hands batches on; cheap to clone.
#[derive(Debug, Clone)]
pub struct Flusher {
    way: Way,
}

/// Which ways a batch goes.
#[derive(Debug, Clone)]
enum Way {
    /// Over HTTP alone.
    Http(Http),
    /// Over HTTP, with a copy over the stream.
    Both { http: Http, copies: Streams },
    /// Over the stream, which falls back to `http`, and to further endpoints over HTTP if there are any.
    Stream {
        streams: Streams,
        http: Http,
        additional: Option<Http>,
    },
}

/// The tasks behind a flusher, to be run.
pub(crate) struct Tasks {
    /// What sends over HTTP. With a stream, one to fall back to and one for further endpoints, else one for all.
    pub(crate) forwarders: Vec<Forwarder>,
    pub(crate) streams: Option<stream::Tasks>,
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

impl Http {
    /// Hands a batch over, waiting while the forwarder is full; says whether it was taken. A batch that was not is
    /// gone, because the forwarder is.
    pub(crate) async fn send(&self, batch: Batch, reservation: Option<Reservation>) -> bool {
        let payload = Payload {
            reservation,
            ..Payload::from_body(batch.body, u64::from(batch.entries))
        };
        self.forwarder.send(payload).await.is_ok()
    }

    async fn flush(&self, deadline: Instant) -> Option<FlushReport> {
        let report = self.forwarder.flush(deadline).await.ok()?;
        Some(report.into())
    }
}

impl Flusher {
    /// The flusher of this configuration, and the tasks that it feeds. Nothing is sent until they run.
    ///
    /// # Errors
    /// A destination, key or header that cannot be used.
    pub(crate) fn new(
        config: &Config,
        client: Client,
        telemetry: Telemetry,
        events: &event_bus::Sender,
        drain: &Drain,
    ) -> Result<(Self, Tasks), ConfigError> {
        let mut endpoints = endpoints(config)?;
        let mut forwarders = Vec::new();
        let notices = events.of(Product::Logs);
        let mut http = |endpoints: Vec<Endpoint>, notices: Option<Producer>| {
            let config = forwarder_config(config, endpoints, notices);
            let (task, handle) = Forwarder::new(config, client.clone(), telemetry.clone());
            forwarders.push(task);
            Http { forwarder: handle }
        };
        let Some(stream) = config.stream.clone() else {
            let way = Way::Http(http(endpoints, Some(notices)));
            let streams = None;
            return Ok((
                Self { way },
                Tasks {
                    forwarders,
                    streams,
                },
            ));
        };
        let additional = match stream.role() {
            stream::Role::Primary => endpoints.split_off(1),
            stream::Role::Shadow => Vec::new(),
        };
        let additional = (!additional.is_empty()).then(|| http(additional, None));
        let http = http(endpoints, Some(notices.clone()));
        let own = http.clone();
        let (streams, tasks) = Streams::new(stream, &client, own, &telemetry, notices, drain);
        let way = match streams.is_shadow() {
            true => Way::Both {
                http,
                copies: streams,
            },
            false => Way::Stream {
                streams,
                http,
                additional,
            },
        };
        let streams = Some(tasks);
        Ok((
            Self { way },
            Tasks {
                forwarders,
                streams,
            },
        ))
    }

    /// Hands a batch on, waiting while the next room is full; says whether it was taken. A batch that was not is gone,
    /// because what takes it is.
    pub async fn send(&self, batch: Batch, reservation: Option<Reservation>) -> bool {
        match &self.way {
            Way::Http(http) => http.send(batch, reservation).await,
            Way::Both { http, copies } => {
                let batch = copies.mark(batch);
                copies.copy(&batch);
                http.send(batch, reservation).await
            }
            Way::Stream {
                streams,
                additional,
                ..
            } => {
                if let Some(additional) = additional {
                    // What these lose is their own loss, and shows in their own counters.
                    additional.send(batch.clone(), None).await;
                }
                streams.send(batch, reservation).await
            }
        }
    }

    /// Waits until what was handed over is settled, batches that wait for another try included, or `deadline` comes;
    /// `None` when what takes batches has stopped.
    pub async fn flush(&self, deadline: Instant) -> Option<FlushReport> {
        match &self.way {
            Way::Http(http) | Way::Both { http, .. } => http.flush(deadline).await,
            Way::Stream {
                streams,
                http,
                additional,
            } => {
                let mut report = streams.flush(deadline).await;
                report.add(http.flush(deadline).await?);
                if let Some(additional) = additional {
                    let further = additional.flush(deadline).await?;
                    report.per_endpoint.extend(further.per_endpoint);
                }
                Some(report)
            }
        }
    }

    /// How the stream is doing, if there is one.
    pub(crate) fn stream_status(&self) -> Option<stream::Status> {
        match &self.way {
            Way::Http(_) => None,
            Way::Both { copies, .. } => Some(copies.status()),
            Way::Stream { streams, .. } => Some(streams.status()),
        }
    }
}

fn forwarder_config(
    config: &Config,
    endpoints: Vec<Endpoint>,
    notices: Option<Producer>,
) -> forwarder::Config {
    forwarder::Config {
        endpoints,
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
        notices,
    }
}

impl FlushReport {
    /// Adds what went another way to the same place.
    fn add(&mut self, other: Self) {
        self.batches_sent += other.batches_sent;
        self.entries_sent += other.entries_sent;
        self.bytes_raw += other.bytes_raw;
        self.bytes_wire += other.bytes_wire;
        self.retried += other.retried;
        self.pending_batches += other.pending_batches;
        self.pending_entries += other.pending_entries;
        self.pending_bytes += other.pending_bytes;
        for (reason, count) in other.dropped {
            *self.dropped.entry(reason).or_default() += count;
        }
        self.per_endpoint.extend(other.per_endpoint);
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
