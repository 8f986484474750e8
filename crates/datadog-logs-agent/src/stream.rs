//! Batches become logs of the stateful stream, in as many pipelines as are configured.
//!
//! A batch stays in memory as the JSON that it would be over HTTP until its logs are acknowledged: what the stream
//! cannot deliver leaves over HTTP as it is. All entries of one source go the same way, so that their order is kept.

mod entry;
mod logs;
mod route;
mod shadow;
mod status;
mod time;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::event_bus::Producer;
use datadog_agent_runtime::telemetry::{Metric, Reason, Series, Telemetry};
use datadog_forwarder::Reservation;
use datadog_logs_stream::service::{Handle, Owner, Service};
use datadog_logs_stream::state::DropReason;
use datadog_logs_stream::{client, service};
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::entry::Marked;
use self::logs::EntryLogs;
use self::route::Ways;
use self::status::Publisher;
use crate::aggregator::Batch;
use crate::flusher::{FlushReport, Http};

pub use self::status::Status;
pub use datadog_logs_stream as transport;

/// How logs travel over the stream.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to, and as whom.
    pub endpoint: client::Endpoint,
    /// How each pipeline behaves.
    pub pipeline: service::Config,
    /// Pipelines, each with a stream of its own. Default: as many as cores, four at most.
    pub pipelines: usize,
    /// What the stream is to HTTP.
    pub role: Role,
    /// Bytes of the body of a log beyond which it goes over HTTP. `None`: none does.
    pub http_above_bytes: Option<usize>,
    /// Whether logs with an empty message are sent. Default: yes.
    pub send_empty: bool,
}

/// What the stream is to HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Logs go over the stream, and over HTTP where the stream cannot take them.
    #[default]
    Primary,
    /// Logs go over HTTP; the stream carries copies for the intake to compare, as far as it keeps up.
    Shadow,
}

impl Config {
    pub(crate) fn role(&self) -> Role {
        self.role
    }
}

/// The pipelines; cheap to clone. When the last clone is gone they settle what they hold and end.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    handles: Arc<[Handle<EntryLogs>]>,
    ways: Ways,
    role: Role,
    http: Http,
    counts: Arc<Counts>,
    publisher: Arc<Publisher>,
}

/// The tasks of the pipelines, to be run.
pub(crate) struct Tasks {
    services: Vec<Service<EntryLogs, EntryOwner>>,
}

/// What became of entries that were given to the stream.
#[derive(Debug)]
struct Counts {
    sent: Series,
    bytes_raw: Series,
    poison: Series,
    encoder: Series,
    shutdown: Series,
    shadow_dropped: Series,
    empty: Series,
    /// Batches, entries and bytes acknowledged, for reports of flushes.
    batches: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
    /// Entries that are given and not settled.
    open: AtomicU64,
    /// As of the last report: batches, entries, bytes, bytes on the wire.
    reported: std::sync::Mutex<[u64; 4]>,
}

impl Streams {
    /// The pipelines of this configuration, and their tasks. Nothing is sent until these run.
    pub(crate) fn new(
        config: Config,
        client: &Client,
        http: Http,
        telemetry: &Telemetry,
        notices: Producer,
        drain: &Drain,
    ) -> (Self, Tasks) {
        let name = endpoint_name(&config.endpoint);
        let destination = client::Client::new(config.endpoint.clone(), client.connector());
        let counts = Arc::new(Counts::new(telemetry, &name));
        let owner = EntryOwner {
            counts: Arc::clone(&counts),
            http: http.clone(),
            notices,
            drain: drain.clone(),
            is_shadow: config.role == Role::Shadow,
        };
        let (services, handles): (Vec<_>, Vec<_>) = (0..config.pipelines.max(1))
            .map(|_| {
                let (config, seed) = (config.pipeline.clone(), fastrand::u64(..));
                Service::new(config, destination.clone(), owner.clone(), seed)
            })
            .unzip();
        let reports = handles.iter().map(Handle::reports).collect();
        let streams = Self {
            ways: Ways {
                pipelines: handles.len(),
                http_above_bytes: config.http_above_bytes,
                send_empty: config.send_empty,
            },
            role: config.role,
            handles: handles.into(),
            http,
            counts,
            publisher: Arc::new(Publisher::new(reports, telemetry, name)),
        };
        (streams, Tasks { services })
    }

    /// Tells how the pipelines are doing, and keeps nothing of them alive.
    pub(crate) fn status(&self) -> Status {
        Status(Arc::clone(&self.publisher))
    }

    pub(crate) fn is_shadow(&self) -> bool {
        self.role == Role::Shadow
    }

    /// Gives a batch to the pipelines of its entries, and waits while they have no space; says whether all was taken.
    pub(crate) async fn send(&self, batch: Batch, reservation: Option<Reservation>) -> bool {
        let routed = route::route(batch, reservation, self.ways);
        self.counts.empty.add(routed.empty);
        if let Some(large) = routed.http {
            self.http.send(large.batch, large.reservation).await;
        }
        let taken = join_all(routed.pipelines.into_iter().map(|part| self.give(part))).await;
        self.publisher.publish();
        taken.into_iter().all(|taken| taken)
    }

    /// Gives entries to their pipeline; says whether it took them.
    async fn give(&self, part: route::Part) -> bool {
        let entries = u64::from(part.batch.entries);
        self.counts.open.fetch_add(entries, Ordering::Relaxed);
        let logs = EntryLogs::new(part.batch, part.reservation, Marked::No);
        let is_taken = self.handles[part.pipeline].send(logs).await.is_ok();
        if !is_taken {
            self.counts.open.fetch_sub(entries, Ordering::Relaxed);
        }
        is_taken
    }

    /// Gives copies of a batch that goes over HTTP, where the pipelines have space at once: the first way must not
    /// wait for the second.
    pub(crate) fn copy(&self, batch: &Batch) {
        let routed = route::route(batch.clone(), None, self.ways);
        for part in routed.pipelines {
            let entries = u64::from(part.batch.entries);
            let handle = &self.handles[part.pipeline];
            let logs = EntryLogs::new(part.batch, None, Marked::Yes);
            if handle.try_send(logs).is_err() {
                self.counts.shadow_dropped.add(entries);
            }
        }
        self.publisher.publish();
    }

    /// Marks each entry of a batch, so that the copies on both ways can be told to be the same.
    pub(crate) fn mark(&self, batch: Batch) -> Batch {
        shadow::mark(batch)
    }

    /// Waits until what was given is settled, or `deadline` comes; what went over HTTP meanwhile is the forwarder's.
    pub(crate) async fn flush(&self, deadline: Instant) -> FlushReport {
        join_all(self.handles.iter().map(|handle| handle.flush(deadline))).await;
        self.publisher.publish();
        self.counts.report(self.publisher.wire_bytes())
    }
}

impl Tasks {
    /// Runs all pipelines until they have ended.
    pub(crate) async fn run(self, drain: Drain) {
        let mut tasks = JoinSet::new();
        for service in self.services {
            tasks.spawn(service.run(drain.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(failure) = ended {
                tracing::error!(%failure, "a pipeline of the stateful stream failed");
            }
        }
    }
}

/// What the pipelines tell of the entries that they were given.
#[derive(Debug, Clone)]
struct EntryOwner {
    counts: Arc<Counts>,
    http: Http,
    notices: Producer,
    drain: Drain,
    is_shadow: bool,
}

impl EntryOwner {
    fn settle(&self, logs: &EntryLogs) {
        let entries = u64::from(logs.entries());
        if !self.is_shadow {
            self.counts.open.fetch_sub(entries, Ordering::Relaxed);
        }
    }
}

impl Owner<EntryLogs> for EntryOwner {
    fn dropped(&mut self, lost: u64, reason: DropReason) {
        let series = match (self.is_shadow, reason) {
            (true, _) => &self.counts.shadow_dropped,
            (false, DropReason::Poison) => &self.counts.poison,
            (false, DropReason::Compression | DropReason::Encoder) => &self.counts.encoder,
        };
        series.add(lost);
        if reason == DropReason::Encoder && !self.is_shadow {
            // The encoder has taken them with it.
            self.counts.open.fetch_sub(lost, Ordering::Relaxed);
        }
    }

    fn settled(&mut self, logs: EntryLogs, lost: u64) {
        self.settle(&logs);
        let entries = u64::from(logs.entries()).saturating_sub(lost);
        if self.is_shadow || entries == 0 {
            return;
        }
        let bytes = logs.json_bytes() as u64;
        self.counts.sent.add(entries);
        self.counts.bytes_raw.add(bytes);
        self.counts.batches.fetch_add(1, Ordering::Relaxed);
        self.counts.entries.fetch_add(entries, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.notices.flushed(entries);
    }

    fn undelivered(&mut self, logs: EntryLogs) {
        self.settle(&logs);
        let entries = u64::from(logs.entries());
        match self.is_shadow {
            true => self.counts.shadow_dropped.add(entries),
            false => self.counts.shutdown.add(entries),
        }
    }

    fn over_http(&mut self, logs: EntryLogs) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.settle(&logs);
        let entries = u64::from(logs.entries());
        if self.is_shadow {
            // HTTP has them already.
            self.counts.shadow_dropped.add(entries);
            return Box::pin(std::future::ready(()));
        }
        let (http, drain, counts) = (
            self.http.clone(),
            self.drain.clone(),
            Arc::clone(&self.counts),
        );
        Box::pin(async move {
            let (batch, reservation) = logs.into_batch();
            let is_taken = tokio::select! {
                is_taken = http.send(batch, reservation) => is_taken,
                () = crate::aggregator::service::end_of(drain) => false,
            };
            if !is_taken {
                counts.shutdown.add(entries);
            }
        })
    }
}

impl Counts {
    fn new(telemetry: &Telemetry, endpoint: &str) -> Self {
        let dropped = |reason: Reason| {
            let labels = [("reason", reason.name()), ("endpoint", endpoint)];
            telemetry.series(Metric::LogsDropped, &labels)
        };
        let labels = [("endpoint", endpoint)];
        Self {
            sent: telemetry.series(Metric::LogsSent, &labels),
            bytes_raw: telemetry.series(Metric::LogsBytesSentRaw, &labels),
            poison: dropped(Reason::Poison),
            encoder: dropped(Reason::Encoder),
            shutdown: dropped(Reason::Shutdown),
            shadow_dropped: telemetry.series(Metric::LogsStreamShadowDropped, &[]),
            empty: telemetry.series(Metric::LogsStreamEmpty, &[]),
            batches: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            open: AtomicU64::new(0),
            reported: std::sync::Mutex::default(),
        }
    }

    /// What was settled since the report before.
    fn report(&self, wire_bytes: u64) -> FlushReport {
        let now = [
            self.batches.load(Ordering::Relaxed),
            self.entries.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
            wire_bytes,
        ];
        let mut reported =
            (self.reported.lock()).unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = std::mem::replace(&mut *reported, now);
        let since = |index: usize| now[index].saturating_sub(before[index]);
        FlushReport {
            batches_sent: since(0),
            entries_sent: since(1),
            bytes_raw: since(2),
            bytes_wire: since(3),
            pending_entries: self.open.load(Ordering::Relaxed),
            ..FlushReport::default()
        }
    }
}

/// Host and port, and what tells it from the same host over HTTP.
fn endpoint_name(endpoint: &client::Endpoint) -> String {
    let origin = &endpoint.origin;
    let default_port = match origin.scheme_str() {
        Some("http") => 80,
        _ => 443,
    };
    let port = origin.port_u16().unwrap_or(default_port);
    format!("{}:{port}/stream", origin.host().unwrap_or_default())
}
