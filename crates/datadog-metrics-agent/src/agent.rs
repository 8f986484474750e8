//! The metrics agent as a whole: bound first, then started, flushed on request, and awaited at the end.
//!
//! Only the servers are told to stop. When they have ended, the door for producers in the process is closed, and each
//! later room ends because its channel does.

mod validate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use datadog_agent_runtime::bind::BindError;
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::event_bus;
pub use datadog_agent_runtime::tasks::Failure;
use datadog_agent_runtime::tasks::{Room, Watch};
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::FlushReport;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;

use crate::aggregator::Aggregator;
use crate::aggregator::service::{AggregatorHandle, AggregatorService, Stopped, Transport};
use crate::config::{Config, ConfigError};
use crate::enhanced::EnhancedService;
use crate::flusher::{Flusher, endpoints};
use crate::server::{Forward, KernelDrops, Server};

/// What the metrics agent shares with the rest of the process.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The client that all pipelines send with.
    pub client: Client,
    /// Where this agent counts.
    pub telemetry: Telemetry,
    /// Where flushes and failures are told of.
    pub events: event_bus::Sender,
}

/// Why the metrics agent did not start. Nothing of it is left running.
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

/// A metrics agent that runs. Dropping it cuts everything at once and loses what it holds; [`Running::join`] does not.
#[derive(Debug)]
pub struct Running {
    handle: AggregatorHandle,
    addrs: Vec<SocketAddr>,
    paths: Vec<(Transport, PathBuf)>,
    status: Status,
    drain: Drain,
    servers: JoinSet<()>,
    service: Room,
    sender: Room,
    /// Cut when this is dropped.
    _validation: JoinSet<()>,
    failure: Failure,
}

/// Tells how a metrics agent is doing; cheap to clone, and keeps nothing of it alive.
#[derive(Debug, Clone)]
pub struct Status {
    telemetry: Telemetry,
    /// Names of the endpoints, the primary first.
    endpoints: Vec<String>,
    drops: Vec<KernelDrops>,
    max_contexts: usize,
    max_queue_bytes: usize,
}

/// What became of everything, when the metrics agent has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DrainReport {
    /// Series, sketches, events and service checks that the primary accepted.
    pub sent: u64,
    /// Those lost since the start on their way to it, by reason; those of `pending` stand under `shutdown`.
    pub dropped: BTreeMap<String, u64>,
    /// Those that were unsent when the time was over.
    pub pending: u64,
}

/// Starts the metrics agent: everything is bound when this returns, and nothing runs when it fails.
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
        events,
    } = shared;
    let aggregator = Aggregator::new(config.aggregation.clone()).map_err(ConfigError::from)?;
    let endpoints = endpoints(&config)?;
    let mut validation = JoinSet::new();
    let ask = validate::run(config.validate_every, endpoints.clone(), client.clone());
    let (flusher, forwarder) = Flusher::new(&config, client, telemetry.clone(), &events)?;
    let (service, handle) =
        AggregatorService::new(&config, aggregator, flusher, &telemetry, drain.clone());
    let forward = match &config.forward_to {
        Some((host, port)) => Some(Forward::connect(host, *port, &telemetry).await),
        None => None,
    };
    let mut bound = Vec::new();
    for listen in &config.listen {
        let own = handle.clone();
        let server = Server::bind(listen, config.server, own, &telemetry, forward.as_ref());
        bound.push(server.await?);
    }
    let addrs = bound.iter().filter_map(Server::local_addr).collect();
    let paths = bound
        .iter()
        .filter_map(|server| Some((server.transport(), server.path()?.to_owned())))
        .collect();
    let drops = bound.iter().filter_map(Server::drops).collect();
    validation.spawn(ask);
    let watch = Watch::new("metrics", drain.clone());
    let mut servers = JoinSet::new();
    for server in bound {
        servers.spawn(watch.over("server", server.serve(drain.clone())));
    }
    if let Some(enhanced) = &config.enhanced {
        let source = EnhancedService::new(enhanced, handle.clone());
        servers.spawn(watch.over("enhanced", source.run(drain.clone())));
    }
    let sending = drain.clone();
    let sender = async move {
        // What it reports is in the counters.
        forwarder.run(sending).await;
    };
    Ok(Running {
        handle,
        addrs,
        paths,
        status: Status {
            telemetry,
            endpoints: endpoints.into_iter().map(|it| it.name).collect(),
            drops,
            max_contexts: config.aggregation.max_contexts,
            max_queue_bytes: config.queue_bytes,
        },
        servers,
        service: Room::spawn("aggregator", service.run(), &watch),
        sender: Room::spawn("sender", sender, &watch),
        _validation: validation,
        failure: watch.failure(),
        drain,
    })
}

impl Running {
    /// The door for producers in this process. It can be cloned and kept; after the signal to stop it refuses.
    #[must_use]
    pub fn handle(&self) -> AggregatorHandle {
        self.handle.clone()
    }

    /// The UDP addresses, with the ports that the system chose, in the order of the configuration.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The path of the first Unix socket of this kind, in the order of the configuration.
    #[must_use]
    pub fn path(&self, transport: Transport) -> Option<PathBuf> {
        let mut paths = self.paths.iter();
        let found = paths.find(|(of, _)| *of == transport);
        found.map(|(_, path)| path.clone())
    }

    /// Sends all that came before; see [`AggregatorHandle::flush`].
    ///
    /// # Errors
    /// When the agent stops meanwhile.
    pub async fn flush(&self, deadline: Instant) -> Result<FlushReport, Stopped> {
        self.handle.flush(deadline).await
    }

    /// Tells when a task ends although nobody asked it to; the agent is of no use then.
    #[must_use]
    pub fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// What [`Status::to_json`] says, for the part of `/status` about metrics.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Waits for the signal to stop, then for every room in turn, and reports what became of everything. Ends by the
    /// signal's deadline, as long as the forwarder does.
    pub async fn join(self) -> DrainReport {
        let Self {
            handle,
            status,
            drain,
            mut servers,
            service,
            sender,
            ..
        } = self;
        let deadline = drain.signalled().await;
        let ended = async { while servers.join_next().await.is_some() {} };
        if tokio::time::timeout_at(deadline, ended).await.is_err() {
            warn!("sockets were cut when the time to stop was over");
            servers.shutdown().await;
        }
        handle.shutdown().await;
        drop(handle);
        service.ended().await;
        sender.ended().await;
        let report = status.drained();
        if !report.dropped.is_empty() {
            warn!(sent = report.sent, dropped = ?report.dropped, "not all metrics were delivered");
        }
        report
    }
}

impl Status {
    /// The present state: what came, what was lost and why, contexts, and how each endpoint fares.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.drops.iter().for_each(KernelDrops::count);
        let sum = |metric| self.telemetry.sum(metric, &[]);
        let endpoints: serde_json::Map<_, _> = self
            .endpoints
            .iter()
            .map(|name| (name.clone(), self.endpoint(name)))
            .collect();
        json!({
            "packets": self.by(Metric::MetricsPackets, "transport"),
            "packets_dropped": self.by(Metric::MetricsPacketsDropped, "reason"),
            "packets_truncated": sum(Metric::MetricsPacketsTruncated),
            "messages": self.by(Metric::MetricsMessages, "kind"),
            "malformed": self.by(Metric::MetricsMalformed, "kind"),
            "samples": sum(Metric::MetricsSamples),
            "samples_dropped": self.by(Metric::MetricsSamplesDropped, "reason"),
            "contexts": {
                "known": sum(Metric::MetricsContexts),
                "max": self.max_contexts,
            },
            "memory_bytes": sum(Metric::MetricsMemoryBytes),
            "queue": {
                "bytes": sum(Metric::MetricsQueueBytes),
                "max_bytes": self.max_queue_bytes,
            },
            "flushed": self.by(Metric::MetricsFlushed, "kind"),
            "dropped": self.dropped(),
            "endpoints": endpoints,
        })
    }

    fn endpoint(&self, name: &str) -> Value {
        let sum = |metric| self.telemetry.sum(metric, &[("endpoint", name)]);
        json!({
            "sent": sum(Metric::MetricsSent),
            "bytes_raw": sum(Metric::MetricsBytesSentRaw),
            "bytes_wire": sum(Metric::MetricsBytesSentWire),
            "retries": sum(Metric::MetricsRetries),
            "redrive_bytes": sum(Metric::MetricsRedriveBytes),
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
            .by(Metric::MetricsDropped, "reason", |endpoint| {
                endpoint.is_none_or(|name| primary.is_some_and(|primary| primary == name))
            })
    }

    fn drained(&self) -> DrainReport {
        let dropped = self.dropped();
        let primary = self.endpoints.first().map_or("", String::as_str);
        DrainReport {
            sent: self
                .telemetry
                .sum(Metric::MetricsSent, &[("endpoint", primary)]),
            pending: dropped.get("shutdown").copied().unwrap_or_default(),
            dropped,
        }
    }
}
