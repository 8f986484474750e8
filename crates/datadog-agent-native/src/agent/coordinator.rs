//! Starts, flushes and stops the agent: the order of things, and nothing else.

#[cfg(feature = "appsec")]
mod appsec;
mod doors;
mod running;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use datadog_agent_runtime::event_bus::{self, Event};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::{info, warn};

use self::running::{Running, listeners, on_runtime, start_pipelines};
use super::builder::Options;
use super::handle::Doors;
use super::{
    AgentError, AgentHandle, Board, Builder, FlushReport, Shared, ShutdownReason, Signals, State,
    StopReport, keepers,
};
use crate::config::{Config, Severity};
use crate::logger::LevelControl;
use crate::{logger, logs, metrics, strategy, traces};

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

/// One agent. Several can live in one process; nothing of it is global but the handlers of signals.
///
/// Dropped while it runs, it removes its sockets, cuts its tasks and says so in the log: what it held is lost. Only
/// [`stop`](Self::stop) sends it.
#[derive(Debug)]
pub struct AgentCoordinator {
    config: Config,
    options: Options,
    handle: AgentHandle,
    board: Board,
    listeners: Listeners,
    running: Option<Running>,
    last_stop: Option<StopReport>,
}

impl AgentCoordinator {
    /// Checks the configuration. Binds nothing, spawns nothing, needs no runtime.
    ///
    /// # Errors
    /// [`AgentError::ConfigError`] with every reason for which the agent must not start.
    pub fn new(config: Config) -> Result<Self, AgentError> {
        Self::with(config, Options::default())
    }

    /// For an embedder who decides more than the configuration does.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    pub(super) fn with(config: Config, options: Options) -> Result<Self, AgentError> {
        let board = Board::checked(&config)?;
        Ok(Self {
            handle: AgentHandle::new(&config),
            config,
            options,
            board,
            listeners: Listeners::default(),
            running: None,
            last_stop: None,
        })
    }

    /// Lets remote configuration change the level of this program's log, from the next start on. Without it the log is
    /// somebody else's, and its level is not taken.
    pub fn set_level_control(&mut self, level: LevelControl) {
        self.options.level = Some(level);
    }

    /// Looks, without starting anything, at what a start would need besides a sound configuration: files with keys and
    /// certificates, proxies, processing rules.
    ///
    /// # Errors
    /// The first thing for which a start would fail.
    pub fn preflight(&self) -> Result<(), AgentError> {
        let client = self.options.http_client.clone();
        let (shared, _drain) = Shared::new(&self.config, self.board.clone(), client)?;
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
    /// called again. Needs no network: intakes are connected to when there is something to send.
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
        if self.options.logger {
            // A logger of the host stays.
            if let Ok(level) = logger::install(logger::config_of(&self.config)) {
                self.options.level.get_or_insert(level);
            }
        }
        self.board.begin();
        self.handle.reset(&self.config);
        self.announce_issues();
        let start = Box::pin(start_pipelines(
            self.config.clone(),
            self.options.clone(),
            self.board.clone(),
            self.handle.clone(),
        ));
        let started = on_runtime(self.options.runtime.as_ref(), start).await;
        let started = started.unwrap_or_else(|gone| {
            let problem = format!("the runtime of the agent: {gone}");
            Err(AgentError::StartupError(problem))
        });
        match started {
            Ok(running) => {
                self.opened(&running);
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

    /// Shows what was opened, and opens the doors to it.
    fn opened(&mut self, running: &Running) {
        let Running {
            logs,
            metrics,
            traces,
            ..
        } = running;
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
        self.handle.set_doors(Doors {
            logs: logs.as_ref().map(logs::Running::handle),
            metrics: metrics.as_ref().map(metrics::Running::handle),
            traces: traces.as_ref().map(traces::Running::flush_handle),
            #[cfg(feature = "appsec")]
            appsec: running.appsec.clone(),
            runtime: Some(running.runtime.clone()),
        });
        self.board.set_running();
        running
            .events
            .send(Event::HealthChanged(event_bus::Health::Running));
    }

    fn announce_issues(&self) {
        for issue in self.config.issues() {
            match issue.severity {
                Severity::Info => info!("{issue}"),
                Severity::Warning | Severity::Fatal => warn!("{issue}"),
            }
        }
        if strategy::asks_nobody(&self.config) {
            warn!(
                "there are no invocations here: data is sent by the timers of the pipelines, not at the end"
            );
        }
    }

    /// Sends what every pipeline holds; returns when it is settled or `deadline` is over. See
    /// [`AgentHandle::flush`].
    pub async fn flush(&self, deadline: Duration) -> FlushReport {
        self.handle.flush(deadline).await
    }

    /// Drains, flushes and ends everything within the configured time; [`last_stop`](Self::last_stop) has the figures.
    /// Does nothing when nothing runs.
    ///
    /// # Errors
    /// [`AgentError::ShutdownError`] that counts what was not delivered in time.
    pub async fn stop(&mut self) -> Result<(), AgentError> {
        let Some(running) = self.running.take() else {
            return Ok(());
        };
        self.board.set_state(State::Stopping);
        running
            .events
            .send(Event::HealthChanged(event_bus::Health::Stopping));
        self.handle.set_doors(Doors::default());
        let begin = Instant::now();
        let deadline = begin + self.config.shutdown_timeout;
        let logs_deadline = begin + self.config.logs_stop_timeout();
        let end = Box::pin(running.end(deadline, logs_deadline));
        let ended = on_runtime(self.options.runtime.as_ref(), end).await;
        self.listeners = Listeners::default();
        self.board.clear();
        self.board.set_state(State::Stopped);
        let mut report = ended.map_err(|gone| {
            AgentError::ShutdownError(format!("the runtime of the agent: {gone}"))
        })?;
        report.took = begin.elapsed();
        info!("{}", report.summary());
        let outcome = report.outcome();
        self.last_stop = Some(report);
        outcome
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
        match self.within(Signals::install) {
            Ok(signals) => self.wait_for(signals).await,
            Err(error) => {
                warn!(%error, "signals cannot be waited for");
                self.handle.requested().await
            }
        }
    }

    /// As [`wait_for_shutdown`](Self::wait_for_shutdown), for so long at most: [`ShutdownReason::Timeout`] then, which
    /// asks nothing of the agent.
    pub async fn wait_for_shutdown_timeout(&self, limit: Duration) -> ShutdownReason {
        let over = self.within(|| tokio::time::sleep(limit));
        tokio::select! {
            biased;
            reason = self.wait_for_shutdown() => reason,
            () = over => ShutdownReason::Timeout,
        }
    }

    /// As [`wait_for_shutdown`](Self::wait_for_shutdown), with signals that were taken earlier.
    pub async fn wait_for(&self, signals: Signals) -> ShutdownReason {
        tokio::select! {
            reason = keepers::signalled(signals) => {
                self.handle.request(reason);
                reason
            }
            reason = self.handle.requested() => reason,
        }
    }

    /// Makes something that needs a runtime, on that of the agent if it has one of its own.
    fn within<T>(&self, make: impl FnOnce() -> T) -> T {
        let _inside = self.options.runtime.as_ref().map(Handle::enter);
        make()
    }
}

impl Drop for AgentCoordinator {
    fn drop(&mut self) {
        if self.running.take().is_some() {
            warn!("an agent was dropped while it ran: what it had not sent is lost");
            self.handle.set_doors(Doors::default());
            self.board.clear();
            self.board.set_state(State::Stopped);
        }
    }
}

#[cfg(test)]
mod tests;
