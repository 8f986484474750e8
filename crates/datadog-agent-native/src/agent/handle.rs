//! A door to a running agent that can be kept anywhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::FlushReport;
use crate::{logs, metrics, traces};

/// Why the agent is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ShutdownReason {
    /// SIGTERM, or a request of the program itself.
    GracefulShutdown = 0,
    /// SIGINT.
    UserInterrupt = 1,
    /// A part of the agent ended that must not end.
    FatalError = 2,
    /// The time that was given for waiting is over.
    Timeout = 3,
}

/// A door to an agent: cheap to clone, usable from any thread and task.
#[derive(Debug, Clone)]
pub struct AgentHandle {
    requested: Arc<watch::Sender<Option<ShutdownReason>>>,
    /// The door of the log pipeline while it runs.
    logs: Arc<Mutex<Option<logs::AggregatorHandle>>>,
    /// The door of the metrics pipeline while it runs.
    metrics: Arc<Mutex<Option<metrics::AggregatorHandle>>>,
    /// The door of the trace pipeline while it runs.
    traces: Arc<Mutex<Option<traces::Flush>>>,
}

impl AgentHandle {
    pub(super) fn new() -> Self {
        Self {
            requested: Arc::new(watch::channel(None).0),
            logs: Arc::default(),
            metrics: Arc::default(),
            traces: Arc::default(),
        }
    }

    /// Asks the agent to stop: whoever waits in `wait_for_shutdown` gets `GracefulShutdown`. Does not block.
    pub fn shutdown(&self) {
        self.request(ShutdownReason::GracefulShutdown);
    }

    /// Whether the agent was asked to stop.
    #[must_use]
    pub fn is_shutdown_requested(&self) -> bool {
        self.requested.borrow().is_some()
    }

    /// Sends what every pipeline holds; returns when it is settled or `deadline` is over. Reports nothing for a
    /// pipeline that does not run.
    pub async fn flush(&self, deadline: Duration) -> FlushReport {
        let deadline = Instant::now() + deadline;
        let logs = async { self.logs()?.flush(deadline).await.ok() };
        let metrics = async { self.metrics()?.flush(deadline).await.ok() };
        let traces = async { self.traces()?.flush(deadline).await.ok() };
        let (logs, metrics, traces) = tokio::join!(logs, metrics, traces);
        FlushReport {
            logs,
            metrics,
            traces,
        }
    }

    /// The door for logs of this process; `None` while logs are off or nothing runs.
    #[must_use]
    pub fn logs(&self) -> Option<logs::AggregatorHandle> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.clone()
    }

    /// The door for metrics of this process; `None` while DogStatsD is off or nothing runs.
    #[must_use]
    pub fn metrics(&self) -> Option<metrics::AggregatorHandle> {
        let metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.clone()
    }

    pub(super) fn traces(&self) -> Option<traces::Flush> {
        let traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.clone()
    }

    pub(super) fn set_traces(&self, door: Option<traces::Flush>) {
        *self.traces.lock().unwrap_or_else(PoisonError::into_inner) = door;
    }

    pub(super) fn set_metrics(&self, door: Option<metrics::AggregatorHandle>) {
        *self.metrics.lock().unwrap_or_else(PoisonError::into_inner) = door;
    }

    pub(super) fn set_logs(&self, door: Option<logs::AggregatorHandle>) {
        *self.logs.lock().unwrap_or_else(PoisonError::into_inner) = door;
    }

    /// The first reason given stays.
    pub(crate) fn request(&self, reason: ShutdownReason) {
        self.requested.send_if_modified(|held| {
            let first = held.is_none();
            held.get_or_insert(reason);
            first
        });
    }

    pub(crate) async fn requested(&self) -> ShutdownReason {
        let mut requested = self.requested.subscribe();
        let seen = requested
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|reason| *reason);
        seen.unwrap_or(ShutdownReason::GracefulShutdown)
    }

    pub(super) fn reset(&self) {
        self.requested.send_replace(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_stays() {
        let handle = AgentHandle::new();
        assert!(!handle.is_shutdown_requested());
        handle.clone().request(ShutdownReason::FatalError);
        handle.shutdown();
        assert_eq!(handle.requested().await, ShutdownReason::FatalError);
        assert!(handle.is_shutdown_requested());
    }
}
