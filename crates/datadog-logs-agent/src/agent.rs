//! The log agent as a whole: bound first, then started, flushed on request, and awaited at the end.
//!
//! Only the servers are told to stop. When they have ended, the door for producers in the process is closed, and each
//! later room ends because its channel does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use datadog_agent_runtime::bind::BindError;
use datadog_agent_runtime::bind::http::{Pages, ServeStats};
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::event_bus;
pub use datadog_agent_runtime::tasks::Failure;
use datadog_agent_runtime::tasks::{Room, Watch};
use datadog_agent_runtime::telemetry::{Metric, Reason, Telemetry};
use datadog_forwarder::Budget;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, warn};

use crate::Config;
use crate::aggregator::service::{AggregatorHandle, AggregatorService, Stopped};
use crate::config::{BufferLimits, ConfigError};
use crate::flusher::{DrainReport, FlushReport, Flusher, Tasks, endpoints};
use crate::rules::Rules;
use crate::server::{BoundServer, Intake, Server};
use crate::stream;

/// What the log agent shares with the rest of the process.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The client that all pipelines send with.
    pub client: Client,
    /// Where this agent counts.
    pub telemetry: Telemetry,
    /// What every listener answers besides its own paths.
    pub pages: Pages,
    /// Where flushes and failures are told of.
    pub events: event_bus::Sender,
}

/// Why the log agent did not start. Nothing of it is left running.
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

/// A log agent that runs. Dropping it cuts everything at once and loses what is queued; [`Running::join`] does not.
#[derive(Debug)]
pub struct Running {
    handle: AggregatorHandle,
    intake: Intake,
    addrs: Vec<SocketAddr>,
    paths: Vec<PathBuf>,
    status: Status,
    drain: Drain,
    servers: JoinSet<ServeStats>,
    service: Room,
    senders: Room,
    failure: Failure,
}

/// Tells how a log agent is doing; cheap to clone, and keeps nothing of it alive.
#[derive(Debug, Clone)]
pub struct Status {
    telemetry: Telemetry,
    budget: Budget,
    /// Names of the endpoints, the primary first.
    endpoints: Vec<String>,
    stream: Option<stream::Status>,
    limits: BufferLimits,
}

/// Starts the log agent: everything is bound when this returns, and nothing runs when it fails.
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
        events,
    } = shared;
    let rules = Rules::compile(&config.rules).map_err(ConfigError::from)?;
    let (flusher, tasks) = Flusher::new(&config, client, telemetry.clone(), &events, &drain)?;
    let budget = Budget::new(config.memory_bytes);
    let status = Status {
        telemetry: telemetry.clone(),
        budget: budget.clone(),
        endpoints: endpoints(&config)?
            .into_iter()
            .map(|endpoint| endpoint.name)
            .collect(),
        stream: flusher.stream_status(),
        limits: config.buffer,
    };
    let (service, handle) = AggregatorService::new(
        &config,
        rules,
        flusher,
        budget,
        telemetry.clone(),
        drain.clone(),
    );
    let intake = Intake::new(&handle, config.body, &telemetry, drain.clone());
    let bound = bind_all(&config, &intake, &pages).await?;
    let addrs = bound.iter().filter_map(BoundServer::local_addr).collect();
    let paths = bound
        .iter()
        .filter_map(|server| server.path().map(ToOwned::to_owned))
        .collect();
    let watch = Watch::new("logs", drain.clone());
    let mut servers = JoinSet::new();
    for server in bound {
        servers.spawn(watch.over("server", server.serve(drain.clone())));
    }
    Ok(Running {
        handle,
        intake,
        addrs,
        paths,
        status,
        service: Room::spawn("aggregator", service.run(), &watch),
        senders: Room::spawn("senders", run(tasks, drain.clone()), &watch),
        failure: watch.failure(),
        drain,
        servers,
    })
}

async fn bind_all(
    config: &Config,
    intake: &Intake,
    pages: &Pages,
) -> Result<Vec<BoundServer>, BindError> {
    let mut bound = Vec::new();
    for target in &config.listen {
        let limits = config.http.clone();
        bound.push(Server::bind(target, limits, intake.clone(), pages.clone()).await?);
    }
    Ok(bound)
}

/// Runs what sends. What is left is in the counters, as everything else.
async fn run(tasks: Tasks, drain: Drain) {
    let Tasks {
        forwarders,
        streams,
    } = tasks;
    let forwarders = forwarders.into_iter().map(|it| it.run(drain.clone()));
    let streams = async {
        if let Some(streams) = streams {
            streams.run(drain.clone()).await;
        }
    };
    let (_reports, ()) = tokio::join!(join_all(forwarders), streams);
}

impl Running {
    /// The door for producers in this process. It can be cloned and kept; after the signal to stop it refuses.
    #[must_use]
    pub fn handle(&self) -> AggregatorHandle {
        self.handle.clone()
    }

    /// Answers requests that carry logs, for a listener of another pipeline to mount.
    #[must_use]
    pub fn intake(&self) -> Intake {
        self.intake.clone()
    }

    /// The TCP addresses of the log server, with the ports that the system chose, in the order of the configuration.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The paths of its Unix sockets, in the order of the configuration.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Sends all that was queued before, batches that wait for another try included, until `deadline`; what is not
    /// settled then stays where it is.
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

    /// What [`Status::to_json`] says, for the part of `/status` about logs.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Waits for the signal to stop, then for every room in turn, and reports what became of all entries. Ends by the
    /// signal's deadline, as long as the forwarder does.
    pub async fn join(self) -> DrainReport {
        let Self {
            handle,
            intake,
            status,
            drain,
            mut servers,
            service,
            senders,
            ..
        } = self;
        drain.signalled().await;
        drop(intake);
        while let Some(ended) = servers.join_next().await {
            match ended {
                Ok(stats) if stats.aborted > 0 => {
                    warn!(
                        connections = stats.aborted,
                        "requests were cut when the time to stop was over"
                    );
                }
                Ok(_) => {}
                Err(failure) => error!(%failure, "the log server failed"),
            }
        }
        handle.shutdown().await;
        drop(handle);
        service.ended().await;
        senders.ended().await;
        let report = status.drained();
        // Whoever sent what could not be read or taken was told so at once.
        let told = [Reason::Parse.name(), Reason::QueueFull.name()];
        if report
            .dropped
            .keys()
            .any(|reason| !told.contains(&reason.as_str()))
        {
            warn!(sent = report.sent, dropped = ?report.dropped, "not all logs were delivered");
        }
        report
    }
}

impl Status {
    /// Queue, memory, drops by reason, and what each endpoint got.
    #[must_use]
    pub fn to_json(&self) -> Value {
        // Memory is given back in many places; the gauge is brought up to date when somebody looks.
        let memory = self.telemetry.series(Metric::LogsMemoryBytes, &[]);
        memory.set(self.budget.used() as u64);
        let sum = |metric| self.telemetry.sum(metric, &[]);
        // Asked first, since that brings its counters up to date.
        let stream = self.stream.as_ref().map(stream::Status::to_json);
        let endpoints: serde_json::Map<_, _> = self
            .names()
            .map(|name| (name.to_owned(), self.endpoint(name)))
            .collect();
        let mut status = json!({
            "received": sum(Metric::LogsEntriesReceived),
            "processed": sum(Metric::LogsProcessed),
            "excluded": sum(Metric::LogsExcluded),
            "truncated": sum(Metric::LogsTruncated),
            "too_old": sum(Metric::LogsTooOld),
            "dropped": self.dropped(),
            "queue": {
                "entries": sum(Metric::LogsQueueEntries),
                "bytes": sum(Metric::LogsQueueBytes),
                "max_entries": self.limits.entries,
                "max_bytes": self.limits.bytes,
            },
            "memory": {
                "bytes": self.budget.used(),
                "max_bytes": self.budget.limit(),
            },
            "endpoints": endpoints,
        });
        if let Some(stream) = stream {
            status["stream"] = stream;
        }
        status
    }

    fn endpoint(&self, name: &str) -> Value {
        let sum = |metric| self.telemetry.sum(metric, &[("endpoint", name)]);
        json!({
            "sent": sum(Metric::LogsSent),
            "bytes_raw": sum(Metric::LogsBytesSentRaw),
            "bytes_wire": sum(Metric::LogsBytesSentWire),
            "retries": sum(Metric::LogsRetries),
            "redrive_bytes": sum(Metric::LogsRedriveBytes),
            "dropped": self.dropped_where(|endpoint| endpoint == Some(name)),
        })
    }

    /// All endpoints; the stream is one.
    fn names(&self) -> impl Iterator<Item = &str> {
        let stream = self.stream.as_ref().map(stream::Status::endpoint);
        let http = self.endpoints.iter().map(String::as_str);
        stream.into_iter().chain(http)
    }

    /// The primary, over HTTP and over the stream.
    fn primary(&self) -> impl Iterator<Item = &str> {
        let further = self.endpoints.len().saturating_sub(1);
        let all = self.names().count();
        self.names().take(all - further)
    }

    /// Entries lost before they were sent, or by the primary. What an additional endpoint lost is its own loss.
    fn dropped(&self) -> BTreeMap<String, u64> {
        self.dropped_where(|endpoint| {
            endpoint.is_none_or(|name| self.primary().any(|primary| primary == name))
        })
    }

    fn dropped_where(&self, include: impl Fn(Option<&str>) -> bool) -> BTreeMap<String, u64> {
        self.telemetry.by(Metric::LogsDropped, "reason", include)
    }

    fn drained(&self) -> DrainReport {
        let dropped = self.dropped();
        let sent = |name| self.telemetry.sum(Metric::LogsSent, &[("endpoint", name)]);
        DrainReport {
            sent: self.primary().map(sent).sum(),
            pending: dropped.get("shutdown").copied().unwrap_or_default(),
            dropped,
        }
    }
}
