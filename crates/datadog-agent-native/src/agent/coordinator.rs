//! Starts, flushes and stops the agent: the order of things, and nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use datadog_agent_runtime::drain::DrainSignal;
use datadog_agent_runtime::event_bus::{self, Event, EventBus};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::health::Board;
use super::shared::Shared;
use super::{AgentError, AgentHandle, Health, ShutdownReason, Signals, State};
use crate::config::table::Pipeline;
use crate::config::{Config, Severity};
use crate::metrics::Transport;
use crate::{logs, metrics, traces};

/// Where a running agent listens; `None` for what is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listeners {
    /// The trace listener's port.
    pub trace_tcp: Option<SocketAddr>,
    /// The trace listener's Unix socket.
    pub trace_uds: Option<PathBuf>,
    /// The log server's port.
    pub logs_tcp: Option<SocketAddr>,
    /// The log server's Unix socket.
    pub logs_uds: Option<PathBuf>,
    /// The DogStatsD listener's port.
    pub dogstatsd_udp: Option<SocketAddr>,
    /// The DogStatsD listener's Unix socket of datagrams.
    pub dogstatsd_uds: Option<PathBuf>,
    /// The DogStatsD listener's Unix socket of streams.
    pub dogstatsd_stream_uds: Option<PathBuf>,
}

/// What a flush delivered, by pipeline; `None` for what is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Logs.
    pub logs: Option<logs::FlushReport>,
    /// Series, sketches, events and service checks.
    pub metrics: Option<metrics::FlushReport>,
    /// Spans, and groups of trace stats.
    pub traces: Option<traces::Reports>,
}

/// One agent. Several can live in one process; nothing of it is global but the handlers of signals.
#[derive(Debug)]
pub struct AgentCoordinator {
    config: Config,
    handle: AgentHandle,
    board: Board,
    listeners: Listeners,
    running: Option<Running>,
}

/// What runs between a start and a stop. Dropping it cuts everything at once.
#[derive(Debug)]
struct Running {
    drain: DrainSignal,
    events: event_bus::Sender,
    /// The reader of notices, and who watches over the pipelines.
    keepers: JoinSet<()>,
    logs: Option<logs::Running>,
    metrics: Option<metrics::Running>,
    traces: Option<traces::Running>,
}

impl AgentCoordinator {
    /// Checks the configuration. Binds nothing, spawns nothing, needs no runtime.
    ///
    /// # Errors
    /// [`AgentError::ConfigError`] with every reason for which the agent must not start.
    pub fn new(config: Config) -> Result<Self, AgentError> {
        let board = Board::checked(&config)?;
        Ok(Self {
            config,
            handle: AgentHandle::new(),
            board,
            listeners: Listeners::default(),
            running: None,
        })
    }

    /// Looks, without starting anything, at what a start would need besides a sound configuration: files with keys and
    /// certificates, proxies, processing rules.
    ///
    /// # Errors
    /// The first thing for which a start would fail.
    pub fn preflight(&self) -> Result<(), AgentError> {
        let (shared, _drain) = Shared::new(&self.config, self.board.clone())?;
        if self.config.logs_enabled {
            logs::preflight(&self.config, &shared)?;
        }
        if metrics::is_wanted(&self.config) {
            metrics::preflight(&self.config, &shared)?;
        }
        if self.config.apm_enabled {
            traces::preflight(&self.config, &shared)?;
        }
        Ok(())
    }

    /// Starts every enabled pipeline; returns once all listeners accept. After a [`stop`](Self::stop) it can be
    /// called again.
    ///
    /// # Errors
    /// [`AgentError::StartupError`] when a listener cannot be bound, [`AgentError::InitError`] when the HTTP client
    /// cannot be built. Nothing is left running then.
    pub async fn start(&mut self) -> Result<(), AgentError> {
        if self.running.is_some() {
            return Err(AgentError::StartupError(
                "the agent is already started".to_owned(),
            ));
        }
        self.board.begin();
        self.handle.reset();
        match self.start_pipelines().await {
            Ok(running) => {
                self.board.set_state(State::Running);
                running
                    .events
                    .send(Event::HealthChanged(event_bus::Health::Running));
                self.running = Some(running);
                Ok(())
            }
            Err(error) => {
                self.board.clear();
                self.board.set_state(State::Failed);
                Err(error)
            }
        }
    }

    async fn start_pipelines(&mut self) -> Result<Running, AgentError> {
        self.announce_issues();
        let (shared, drain) = Shared::new(&self.config, self.board.clone())?;
        let (bus, events) = EventBus::run(self.config.event_bus_capacity, &self.board.telemetry());
        let logs = match self.config.logs_enabled {
            true => Some(logs::start(&self.config, &shared).await?),
            false => None,
        };
        let metrics = match metrics::is_wanted(&self.config) {
            true => Some(metrics::start(&self.config, &shared).await?),
            false => None,
        };
        let traces = match self.config.apm_enabled {
            true => {
                Some(traces::start(&self.config, &shared, logs.as_ref(), metrics.as_ref()).await?)
            }
            false => None,
        };
        self.listeners = listeners(logs.as_ref(), metrics.as_ref(), traces.as_ref());
        self.board.set_listeners(json!({
            "trace_tcp": self.listeners.trace_tcp,
            "trace_uds": self.listeners.trace_uds,
            "logs_tcp": self.listeners.logs_tcp,
            "logs_uds": self.listeners.logs_uds,
            "dogstatsd_udp": self.listeners.dogstatsd_udp,
            "dogstatsd_uds": self.listeners.dogstatsd_uds,
            "dogstatsd_stream_uds": self.listeners.dogstatsd_stream_uds,
        }));
        self.handle
            .set_logs(logs.as_ref().map(logs::Running::handle));
        self.handle
            .set_metrics(metrics.as_ref().map(metrics::Running::handle));
        self.handle
            .set_traces(traces.as_ref().map(traces::Running::flush_handle));
        let mut keepers = JoinSet::new();
        keepers.spawn(consume(bus, self.handle.clone()));
        if let Some(logs) = &logs {
            let failure = logs.failure();
            let (board, handle) = (self.board.clone(), self.handle.clone());
            keepers.spawn(supervise(failure.seen(), board, handle, events.clone()));
        }
        if let Some(metrics) = &metrics {
            let failure = metrics.failure();
            let (board, handle) = (self.board.clone(), self.handle.clone());
            keepers.spawn(supervise(failure.seen(), board, handle, events.clone()));
        }
        if let Some(traces) = &traces {
            let failure = traces.failure();
            let (board, handle) = (self.board.clone(), self.handle.clone());
            keepers.spawn(supervise(failure.seen(), board, handle, events.clone()));
        }
        Ok(Running {
            drain,
            events,
            keepers,
            logs,
            metrics,
            traces,
        })
    }

    fn announce_issues(&self) {
        for issue in self.config.issues() {
            match issue.severity {
                Severity::Info => info!("{issue}"),
                Severity::Warning | Severity::Fatal => warn!("{issue}"),
            }
        }
    }

    /// Sends what every pipeline holds; returns when it is settled or `deadline` is over.
    pub async fn flush(&self, deadline: Duration) -> FlushReport {
        let report = self.handle.flush(deadline).await;
        if let (Some(running), Some(logs)) = (&self.running, &report.logs) {
            let count = usize::try_from(logs.entries_sent).unwrap_or(usize::MAX);
            running.events.send(Event::LogsFlushed { count });
        }
        report
    }

    /// Drains, flushes and ends everything within the configured time. Does nothing when nothing runs.
    ///
    /// # Errors
    /// [`AgentError::ShutdownError`] that counts what was not delivered in time.
    pub async fn stop(&mut self) -> Result<(), AgentError> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        self.board.set_state(State::Stopping);
        running
            .events
            .send(Event::HealthChanged(event_bus::Health::Stopping));
        let begin = Instant::now();
        running
            .drain
            .signal(begin + self.config.logs_stop_timeout());
        self.handle.set_logs(None);
        self.handle.set_metrics(None);
        self.handle.set_traces(None);
        let logs = async {
            match running.logs {
                Some(logs) => logs.join().await,
                None => logs::DrainReport::default(),
            }
        };
        let metrics = async {
            match running.metrics {
                Some(metrics) => metrics.join().await,
                None => metrics::DrainReport::default(),
            }
        };
        let traces = async {
            match running.traces {
                Some(traces) => traces.join().await,
                None => traces::DrainReport::default(),
            }
        };
        let (logs, metrics, traces) = tokio::join!(logs, metrics, traces);
        running.keepers.shutdown().await;
        let dropped = [&logs.dropped, &metrics.dropped, &traces.dropped];
        let dropped: u64 = dropped.into_iter().flat_map(|it| it.values()).sum();
        let elapsed_ms = begin.elapsed().as_millis();
        info!(
            "flushed logs={} metrics={} spans={} dropped={dropped} in {elapsed_ms}ms",
            logs.sent, metrics.sent, traces.sent
        );
        self.listeners = Listeners::default();
        self.board.clear();
        self.board.set_state(State::Stopped);
        let late: Vec<String> = [
            (logs.pending, "logs"),
            (metrics.pending, "metrics"),
            (traces.pending, "spans"),
        ]
        .into_iter()
        .filter(|(pending, _)| *pending > 0)
        .map(|(pending, what)| format!("{pending} {what}"))
        .collect();
        match late.is_empty() {
            true => Ok(()),
            false => Err(AgentError::ShutdownError(format!(
                "{} were not delivered in time",
                late.join(" and ")
            ))),
        }
    }

    /// [`stop`](Self::stop), and the end of this agent.
    ///
    /// # Errors
    /// As for [`stop`](Self::stop).
    pub async fn shutdown(mut self) -> Result<(), AgentError> {
        self.stop().await
    }

    /// Waits until something asks the agent to stop: SIGINT, SIGTERM, or [`AgentHandle::shutdown`]. Takes the two
    /// signals from the process only while it waits; the first is consumed, a second one ends the process.
    ///
    /// A program that announces its start should rather take the signals before, and call
    /// [`wait_for`](Self::wait_for).
    pub async fn wait_for_shutdown(&self) -> ShutdownReason {
        match Signals::install() {
            Ok(signals) => self.wait_for(signals).await,
            Err(error) => {
                warn!(%error, "signals cannot be waited for");
                self.handle.requested().await
            }
        }
    }

    /// As [`wait_for_shutdown`](Self::wait_for_shutdown), with signals that were taken earlier.
    pub async fn wait_for(&self, signals: Signals) -> ShutdownReason {
        let signalled = async {
            match signals.next().await {
                Ok(reason) => reason,
                Err(error) => {
                    warn!(%error, "signals cannot be waited for");
                    std::future::pending().await
                }
            }
        };
        tokio::select! {
            reason = signalled => {
                self.handle.request(reason);
                reason
            }
            reason = self.handle.requested() => reason,
        }
    }

    /// A door to this agent.
    #[must_use]
    pub fn handle(&self) -> &AgentHandle {
        &self.handle
    }

    /// The configuration that it runs with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where it listens.
    #[must_use]
    pub fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// How it fares.
    #[must_use]
    pub fn health(&self) -> Health {
        self.board.health()
    }

    /// The door for logs of this process; `None` while logs are off or nothing runs.
    #[must_use]
    pub fn logs(&self) -> Option<logs::AggregatorHandle> {
        self.handle.logs()
    }

    /// The door for metrics of this process; `None` while DogStatsD is off or nothing runs.
    #[must_use]
    pub fn metrics(&self) -> Option<metrics::AggregatorHandle> {
        self.handle.metrics()
    }

    /// Takes the events of Lambda from an extension that receives them, and says of them what Datadog's extension does;
    /// `None` elsewhere, while enhanced metrics are off, or while [`Self::metrics`] is. An extension asks for it once,
    /// since each has a memory of its own of what it was told.
    #[must_use]
    pub fn invocations(
        &self,
        billing: metrics::invocations::Billing,
    ) -> Option<metrics::invocations::Invocations> {
        metrics::invocations(&self.config, self.metrics()?, billing)
    }

    /// The TCP port of the trace listener; `None` while there is none.
    #[must_use]
    pub fn get_bound_port(&self) -> Option<u16> {
        self.listeners.trace_tcp.map(|address| address.port())
    }

    /// The UDP port of the DogStatsD listener; `None` while there is none.
    #[must_use]
    pub fn get_dogstatsd_port(&self) -> Option<u16> {
        self.listeners.dogstatsd_udp.map(|address| address.port())
    }

    /// Whether this build has remote configuration, and it is on.
    #[must_use]
    pub fn is_remote_config_enabled(&self) -> bool {
        Pipeline::RemoteConfiguration.available() && self.config.remote_configuration_enabled
    }

    /// Whether this build has AppSec, and it is on.
    #[must_use]
    pub fn is_appsec_enabled(&self) -> bool {
        Pipeline::AppSec.available() && self.config.appsec_enabled == Some(true)
    }

    /// Where notices are sent; [`Event::Tombstone`] asks the agent to stop. `None` while nothing runs.
    #[must_use]
    pub fn events(&self) -> Option<event_bus::Sender> {
        self.running.as_ref().map(|running| running.events.clone())
    }
}

fn listeners(
    logs: Option<&logs::Running>,
    metrics: Option<&metrics::Running>,
    traces: Option<&traces::Running>,
) -> Listeners {
    Listeners {
        trace_tcp: traces.and_then(|traces| traces.local_addrs().first().copied()),
        trace_uds: traces.and_then(|traces| traces.paths().first().cloned()),
        logs_tcp: logs.and_then(|logs| logs.local_addrs().first().copied()),
        logs_uds: logs.and_then(|logs| logs.paths().first().cloned()),
        dogstatsd_udp: metrics.and_then(|metrics| metrics.local_addrs().first().copied()),
        dogstatsd_uds: metrics.and_then(|metrics| metrics.path(Transport::UnixDatagram)),
        dogstatsd_stream_uds: metrics.and_then(|metrics| metrics.path(Transport::UnixStream)),
    }
}

/// Writes notices to the log; the last one asks the agent to stop, if nothing has yet.
async fn consume(mut bus: EventBus, handle: AgentHandle) {
    while let Some(event) = bus.next().await {
        debug!(?event, "notice");
        if event == Event::Tombstone {
            handle.shutdown();
        }
    }
}

/// Asks the agent to stop when a task of a pipeline ended that must not end.
async fn supervise(
    failure: impl Future<Output = &'static str>,
    board: Board,
    handle: AgentHandle,
    events: event_bus::Sender,
) {
    let task = failure.await;
    error!(task, "a task of a pipeline ended by itself");
    board.set_state(State::Failed);
    events.send(Event::HealthChanged(event_bus::Health::Failed));
    handle.request(ShutdownReason::FatalError);
}

#[cfg(test)]
mod tests;
