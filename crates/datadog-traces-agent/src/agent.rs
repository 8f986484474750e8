//! The trace agent as a whole: bound first, then started, flushed on request, and awaited at the end.
//!
//! Only the servers are told to stop. When they have ended, each later room ends because its channel does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::bind::BindError;
use datadog_agent_runtime::bind::http::Pages;
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::event_bus;
pub use datadog_agent_runtime::tasks::Failure;
use datadog_agent_runtime::tasks::{Room, Watch};
use datadog_agent_runtime::telemetry::{Metric, Reason, Telemetry};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

pub use crate::aggregator::service::{AggregatorHandle, Reports, Stopped};
use crate::aggregator::service::{AggregatorService, SharedStats};
use crate::config::{Config, ConfigError};
use crate::flusher::{Flusher, Kind, endpoints};
use crate::inspect::Inspector;
use crate::processor::{Processor, Which};
use crate::proxy::Proxy;
use crate::sampler;
pub use crate::server::submit::SubmitError;
use crate::server::{BoundServer, Mount, Receiver, Rooms, Statsd};

/// How long rooms may take to end by themselves when the deadline has come.
const GRACE: Duration = Duration::from_millis(100);

/// What the trace agent shares with the rest of the process.
pub struct Shared {
    /// The client that all pipelines send with.
    pub client: Client,
    /// Where this agent counts.
    pub telemetry: Telemetry,
    /// What every listener of the agent answers.
    pub pages: Pages,
    /// Paths that other parts of the agent answer.
    pub mounts: Vec<Mount>,
    /// Where messages of DogStatsD go; `None` while it is off.
    pub statsd: Option<Arc<Statsd>>,
    /// Where received traces, flushes and failures are told of.
    pub events: event_bus::Sender,
    /// Who looks at traces before values in them are hidden; `None` if nobody does, which costs nothing.
    pub inspector: Option<Arc<dyn Inspector>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("mounts", &self.mounts)
            .finish_non_exhaustive()
    }
}

/// Why the trace agent did not start. Nothing of it is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration cannot be run.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A listener could not be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
}

/// A trace agent that runs. Dropping it cuts everything at once and loses what it holds; [`Running::join`] does not.
#[derive(Debug)]
pub struct Running {
    handle: AggregatorHandle,
    receiver: Receiver,
    proxy: Proxy,
    addrs: Vec<SocketAddr>,
    paths: Vec<PathBuf>,
    status: Status,
    drain: Drain,
    servers: JoinSet<()>,
    service: Room,
    senders: Room,
    failure: Failure,
    samplers: Samplers,
}

/// Changes what the samplers want while the agent runs; cheap to clone, and keeps nothing of it alive.
#[derive(Debug, Clone)]
pub struct Samplers {
    processor: Weak<Processor>,
    configured: sampler::Config,
}

/// What the samplers are to want; `None` is what the configuration says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sampling {
    /// Traces a second.
    pub target_tps: Option<f64>,
    /// Traces with errors a second, beyond those.
    pub error_tps: Option<f64>,
    /// Whether traces with spans of a rare kind are kept.
    pub rare: Option<bool>,
}

impl Samplers {
    /// Wants this from now on. Does nothing when the agent has stopped.
    pub fn set(&self, sampling: Sampling) {
        let Some(processor) = self.processor.upgrade() else {
            return;
        };
        let configured = &self.configured;
        processor.change_sampling(|sampler| {
            sampler.set_target_tps(sampling.target_tps.unwrap_or(configured.target_tps));
            sampler.set_error_tps(sampling.error_tps.unwrap_or(configured.error_tps));
            sampler.set_rare(sampling.rare.unwrap_or(configured.rare));
        });
    }
}

/// The door for flushes and traces from elsewhere in the process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Flush {
    handle: AggregatorHandle,
    proxy: Proxy,
    receiver: Receiver,
}

impl Flush {
    /// Takes traces of the process itself, as if they had come in a request: an array of traces, each an array of
    /// spans, in msgpack or JSON as `/v0.4/traces` takes them, or the map of `/v0.7/traces`.
    ///
    /// # Errors
    /// When they cannot be read, when there is no room for them, or when the agent stops.
    pub async fn submit(&self, body: Bytes) -> Result<(), SubmitError> {
        self.receiver.submit(body).await
    }

    /// Sends all that came before, proxied requests and traces that are held included; see [`AggregatorHandle::flush`].
    ///
    /// # Errors
    /// When the agent has stopped, or stops meanwhile.
    pub async fn flush(&self, deadline: Instant) -> Result<Reports, Stopped> {
        let traces = async {
            // What is not handed on in time is still held, or on its way.
            drop(timeout_at(deadline, self.receiver.let_go(Which::All)).await);
            self.handle.flush(deadline).await
        };
        let ((), reports) = tokio::join!(self.proxy.flush(deadline), traces);
        reports
    }
}

/// Tells how a trace agent is doing; cheap to clone, and keeps nothing of it alive.
#[derive(Debug, Clone)]
pub struct Status {
    telemetry: Telemetry,
    /// Names of the endpoints, the primary first.
    endpoints: Vec<String>,
}

/// What became of everything, when the trace agent has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DrainReport {
    /// Spans that the primary accepted.
    pub sent: u64,
    /// Spans lost since the start on their way to it, by reason; those of `pending` stand under `shutdown`.
    pub dropped: BTreeMap<String, u64>,
    /// Spans that were unsent when the time was over.
    pub pending: u64,
    /// Groups of stats that the primary accepted.
    pub stats_sent: u64,
    /// Groups of stats that were unsent when the time was over.
    pub stats_pending: u64,
    /// Requests for other intakes that were unsent when the time was over.
    pub proxied_pending: u64,
}

/// Starts the trace agent: everything is bound when this returns, and nothing runs when it fails.
///
/// Flushes and serves until `drain` is signalled; await [`Running::join`] then.
///
/// # Errors
/// A configuration that cannot be run, or a listener that could not be bound.
pub async fn start(config: Config, shared: Shared, drain: Drain) -> Result<Running, StartError> {
    config.check()?;
    let Shared {
        client,
        telemetry,
        pages,
        mounts,
        statsd,
        events,
        inspector,
    } = shared;
    let names = endpoints(&config, Kind::Traces)?;
    let (traces, traces_task) = Flusher::new(
        Kind::Traces,
        &config,
        client.clone(),
        telemetry.clone(),
        &events,
    )?;
    let (stats, stats_task) = Flusher::new(
        Kind::Stats,
        &config,
        client.clone(),
        telemetry.clone(),
        &events,
    )?;
    let open_stats = SharedStats::new(&config);
    let is_inspected = inspector.is_some();
    let processor = Processor::new(&config, open_stats.clone(), &telemetry, events, inspector)?;
    let proxy = Proxy::new(&config, client, &telemetry)?;
    let (service, handle) = AggregatorService::new(
        &config,
        open_stats,
        [traces, stats],
        &telemetry,
        drain.clone(),
    );
    let listeners = BoundServer::bind(&config.listen).await?;
    let samplers = Samplers {
        processor: Arc::downgrade(&processor),
        configured: config.sampler.clone(),
    };
    let rooms = Rooms {
        processor,
        handle: handle.clone(),
        proxy: proxy.clone(),
        pages,
        mounts,
        statsd,
        telemetry: telemetry.clone(),
        drain: drain.clone(),
    };
    let receiver = Receiver::new(&config, rooms, &listeners);
    let bound: Vec<BoundServer> = listeners
        .into_iter()
        .map(|it| BoundServer::new(it, config.connections.clone(), receiver.clone()))
        .collect();
    let addrs = bound.iter().filter_map(BoundServer::local_addr).collect();
    let paths = bound.iter().filter_map(BoundServer::path);
    let paths = paths.map(ToOwned::to_owned).collect();
    let watch = Watch::new("traces", drain.clone());
    let mut servers = JoinSet::new();
    for server in bound {
        let serving = drain.clone();
        let serve = async move {
            server.serve(serving).await;
        };
        servers.spawn(watch.over("server", serve));
    }
    if is_inspected {
        let (holding, receiver) = (drain.clone(), receiver.clone());
        let revisit = async move { receiver.revisit_until(&holding).await };
        servers.spawn(watch.over("held traces", revisit));
    }
    let sending = drain.clone();
    let proxying = proxy.clone();
    let senders = async move {
        // What they report is in the counters.
        tokio::join!(
            traces_task.run(sending.clone()),
            stats_task.run(sending.clone()),
            proxying.run(sending),
        );
    };
    Ok(Running {
        handle,
        receiver,
        proxy,
        addrs,
        paths,
        status: Status {
            telemetry,
            endpoints: names.into_iter().map(|it| it.name).collect(),
        },
        servers,
        service: Room::spawn("aggregator", service.run(), &watch),
        senders: Room::spawn("senders", senders, &watch),
        failure: watch.failure(),
        samplers,
        drain,
    })
}

impl Running {
    /// The door for flushes from elsewhere in the process. It can be cloned and kept.
    #[must_use]
    pub fn flush_handle(&self) -> Flush {
        Flush {
            handle: self.handle.clone(),
            proxy: self.proxy.clone(),
            receiver: self.receiver.clone(),
        }
    }

    /// Changes what the samplers want. It can be cloned and kept.
    #[must_use]
    pub fn samplers(&self) -> Samplers {
        self.samplers.clone()
    }

    /// The TCP addresses, with the ports that the system chose, in the order of the configuration.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The paths of the Unix sockets, in the order of the configuration.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Sends all that came before; see [`Flush::flush`].
    ///
    /// # Errors
    /// When the agent stops meanwhile.
    pub async fn flush(&self, deadline: Instant) -> Result<Reports, Stopped> {
        self.flush_handle().flush(deadline).await
    }

    /// Tells when a task ends although nobody asked it to; the agent is of no use then.
    #[must_use]
    pub fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// What [`Status::to_json`] says, for the part of `/status` about traces.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Waits for the signal to stop, then for every room in turn, and reports what became of everything. Ends by the
    /// signal's deadline: what has not ended then is cut a moment later.
    pub async fn join(self) -> DrainReport {
        let Self {
            handle,
            receiver,
            proxy,
            status,
            drain,
            mut servers,
            service,
            senders,
            ..
        } = self;
        let deadline = drain.signalled().await;
        let ended = async { while servers.join_next().await.is_some() {} };
        if timeout_at(deadline, ended).await.is_err() {
            warn!("tracers were cut when the time to stop was over");
            servers.shutdown().await;
        }
        // What was received is handed on, within half of what is left: the rest is for sending.
        let left = deadline.saturating_duration_since(Instant::now());
        receiver.settled(Instant::now() + left / 2).await;
        drop(timeout_at(deadline, receiver.let_go(Which::Last)).await);
        drop(receiver);
        let last = deadline + GRACE;
        // The service ends too when the last handle is gone.
        drop(timeout_at(last, handle.shutdown()).await);
        drop(handle);
        let (_, ()) = tokio::join!(timeout_at(last, service.ended()), proxy.stop(deadline));
        if timeout_at(last, senders.ended()).await.is_err() {
            warn!("the senders of traces were cut when the time to stop was over");
        }
        let report = status.drained();
        if !report.dropped.is_empty() {
            warn!(sent = report.sent, dropped = ?report.dropped, "not all traces were delivered");
        }
        report
    }
}

impl Status {
    /// The present state: what came, what was lost and why, and how each endpoint fares.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let sum = |metric| self.telemetry.sum(metric, &[]);
        let endpoints: serde_json::Map<_, _> = self
            .endpoints
            .iter()
            .map(|name| (name.clone(), self.endpoint(name)))
            .collect();
        json!({
            "payloads": {
                "accepted": sum(Metric::TracesPayloadsAccepted),
                "refused": self.by(Metric::TracesPayloadsRefused, "reason"),
            },
            "traces": {
                "received": sum(Metric::TracesReceived),
                "dropped": self.by(Metric::TracesDropped, "reason"),
                "filtered": sum(Metric::TracesFiltered),
                "kept": self.by(Metric::TracesKept, "sampler"),
                "sampled_out": sum(Metric::TracesSampledOut),
                "dropped_by_tracers": sum(Metric::TracesClientDropped),
            },
            "spans": {
                "received": sum(Metric::TracesSpansReceived),
                "dropped": self.by(Metric::TracesSpansDropped, "reason"),
                "malformed": self.by(Metric::TracesSpansMalformed, "reason"),
                "filtered": sum(Metric::TracesSpansFiltered),
                "sampled_out": sum(Metric::TracesSpansSampledOut),
            },
            "held": {
                "traces": sum(Metric::TracesHeld),
                "bytes": sum(Metric::TracesHeldBytes),
                "let_go": self.by(Metric::TracesLetGo, "outcome"),
            },
            "buffer_bytes": sum(Metric::TracesBufferBytes),
            "dropped": self.dropped(),
            "stats": {
                "payloads": sum(Metric::TraceStatsPayloads),
                "groups": sum(Metric::TraceStatsReceived),
                "dropped": self.by(Metric::TraceStatsDropped, "reason"),
                "spans": self.by(Metric::TraceStatsSpans, "outcome"),
                "memory_bytes": sum(Metric::TraceStatsBytes),
                "groups_lost": self.by(Metric::TraceStatsWriterDropped, "reason"),
            },
            "proxy": {
                "requests": self.by(Metric::TracesProxied, "product"),
                "dropped": self.by(Metric::TracesProxyDropped, "reason"),
                "bytes": sum(Metric::TracesProxyBytes),
            },
            "endpoints": endpoints,
        })
    }

    fn endpoint(&self, name: &str) -> Value {
        let sum = |metric| self.telemetry.sum(metric, &[("endpoint", name)]);
        json!({
            "spans": sum(Metric::TracesSent),
            "bytes_raw": sum(Metric::TracesBytesSentRaw),
            "bytes_wire": sum(Metric::TracesBytesSentWire),
            "retries": sum(Metric::TracesRetries),
            "queue_bytes": sum(Metric::TracesRedriveBytes),
            "stats_groups": sum(Metric::TraceStatsSent),
            "stats_retries": sum(Metric::TraceStatsRetries),
        })
    }

    /// The series of a metric that are not 0, added up by a label.
    fn by(&self, metric: Metric, label: &str) -> BTreeMap<String, u64> {
        self.telemetry.by(metric, label, |_| true)
    }

    /// What was lost before it was sent, or by the primary. What an additional endpoint lost is its own loss.
    fn dropped(&self) -> BTreeMap<String, u64> {
        let primary = self.endpoints.first();
        self.telemetry
            .by(Metric::TracesWriterDropped, "reason", |endpoint| {
                endpoint.is_none_or(|name| primary.is_some_and(|primary| primary == name))
            })
    }

    fn drained(&self) -> DrainReport {
        let mut dropped = self.dropped();
        // What was received and found no room on its way to the writer.
        let received = self.by(Metric::TracesSpansDropped, "reason");
        for reason in [Reason::QueueFull, Reason::TooLarge, Reason::Shutdown] {
            if let Some(spans) = received.get(reason.name()) {
                *dropped.entry(reason.name().to_owned()).or_default() += spans;
            }
        }
        let primary = self.endpoints.first().map_or("", String::as_str);
        let sent = [("endpoint", primary)];
        let stats = |of: Option<&str>| of.is_none_or(|name| name == primary);
        let stats_lost = (self.telemetry).by(Metric::TraceStatsWriterDropped, "reason", stats);
        let proxied_lost = self.by(Metric::TracesProxyDropped, "reason");
        DrainReport {
            sent: self.telemetry.sum(Metric::TracesSent, &sent),
            pending: dropped.get("shutdown").copied().unwrap_or_default(),
            dropped,
            stats_sent: self.telemetry.sum(Metric::TraceStatsSent, &sent),
            stats_pending: stats_lost.get("shutdown").copied().unwrap_or_default(),
            proxied_pending: proxied_lost.get("shutdown").copied().unwrap_or_default(),
        }
    }
}
