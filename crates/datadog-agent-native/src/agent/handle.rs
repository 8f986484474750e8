//! A door to a running agent that can be kept anywhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::FlushReport;
use super::pace::{Due, Pace};
use crate::config::Config;
use crate::{logs, metrics, strategy, traces};

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
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    requested: watch::Sender<Option<ShutdownReason>>,
    doors: Mutex<Doors>,
    pace: Mutex<Pace>,
    /// What the readings of the pace count from.
    begin: Instant,
}

/// The doors of the pipelines while they run.
#[derive(Debug, Clone, Default)]
pub(super) struct Doors {
    pub(super) logs: Option<logs::AggregatorHandle>,
    pub(super) metrics: Option<metrics::AggregatorHandle>,
    pub(super) traces: Option<traces::Flush>,
    #[cfg(feature = "appsec")]
    pub(super) appsec: Option<crate::appsec::Opened>,
    /// Where the pipelines run.
    pub(super) runtime: Option<Handle>,
}

impl Doors {
    async fn flush(self, deadline: Instant) -> FlushReport {
        let logs = async { self.logs?.flush(deadline).await.ok() };
        let metrics = async { self.metrics?.flush(deadline).await.ok() };
        let traces = async { self.traces?.flush(deadline).await.ok() };
        let (logs, metrics, traces) = tokio::join!(logs, metrics, traces);
        FlushReport {
            logs,
            metrics,
            traces,
            skipped: false,
        }
    }
}

impl AgentHandle {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            inner: Arc::new(Inner {
                requested: watch::channel(None).0,
                doors: Mutex::default(),
                pace: Mutex::new(pace(config, Duration::ZERO)),
                begin: Instant::now(),
            }),
        }
    }

    /// Asks the agent to stop: whoever waits in `wait_for_shutdown` gets `GracefulShutdown`. Does not block.
    pub fn shutdown(&self) {
        self.request(ShutdownReason::GracefulShutdown);
    }

    /// Whether the agent was asked to stop.
    #[must_use]
    pub fn is_shutdown_requested(&self) -> bool {
        self.inner.requested.borrow().is_some()
    }

    /// Sends what every pipeline holds; returns when it is settled or `deadline` is over. Reports nothing for a
    /// pipeline that does not run.
    ///
    /// With the flush strategy `end,MS` a call that comes within MS of the last flush does nothing, and says so.
    pub async fn flush(&self, deadline: Duration) -> FlushReport {
        let is_due = self.with_pace(Pace::asked);
        match is_due {
            true => self.flush_now(deadline).await,
            false => FlushReport {
                skipped: true,
                ..FlushReport::default()
            },
        }
    }

    /// Tells that an invocation of a function begins, and flushes first if the strategy says so: `periodically` waits
    /// for that, `continuously` does not. `None` when no flush was waited for.
    ///
    /// With the strategy `default`, the pace of these calls decides: at the end of each invocation while few are
    /// known or long pauses lie between them, else every 20 seconds.
    pub async fn invocation_began(&self, deadline: Duration) -> Option<FlushReport> {
        let due = self.with_pace(Pace::began);
        self.act(due, deadline).await
    }

    /// Tells that an invocation has ended, and flushes if the strategy says so. Await it before the platform is told
    /// that the function is done: it may freeze the process then.
    pub async fn invocation_ended(&self, deadline: Duration) -> Option<FlushReport> {
        let due = self.with_pace(Pace::ended);
        self.act(due, deadline).await
    }

    /// The door for logs of this process; `None` while logs are off or nothing runs.
    #[must_use]
    pub fn logs(&self) -> Option<logs::AggregatorHandle> {
        self.doors().logs.clone()
    }

    /// The door for metrics of this process; `None` while DogStatsD is off or nothing runs.
    #[must_use]
    pub fn metrics(&self) -> Option<metrics::AggregatorHandle> {
        self.doors().metrics.clone()
    }

    async fn act(&self, due: Due, deadline: Duration) -> Option<FlushReport> {
        match due {
            Due::Nothing => None,
            Due::Awaited => Some(self.flush_now(deadline).await),
            Due::Background => {
                drop(self.begin_flush(deadline));
                None
            }
        }
    }

    pub(super) fn traces(&self) -> Option<traces::Flush> {
        self.doors().traces.clone()
    }

    #[cfg(feature = "appsec")]
    pub(crate) fn opened_appsec(&self) -> Option<crate::appsec::Opened> {
        self.doors().appsec.clone()
    }

    async fn flush_now(&self, deadline: Duration) -> FlushReport {
        let Some(flush) = self.begin_flush(deadline) else {
            return FlushReport::default();
        };
        // The runtime may be gone, and the pipelines with it.
        flush.await.unwrap_or_default()
    }

    /// Begins a flush where the pipelines run, whoever asks for it; `None` while nothing runs.
    fn begin_flush(&self, deadline: Duration) -> Option<JoinHandle<FlushReport>> {
        let deadline = Instant::now() + deadline;
        let doors = self.doors().clone();
        let runtime = doors.runtime.clone()?;
        Some(runtime.spawn(doors.flush(deadline)))
    }

    fn doors(&self) -> MutexGuard<'_, Doors> {
        (self.inner.doors.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    fn with_pace<T>(&self, ask: impl FnOnce(&mut Pace, Duration) -> T) -> T {
        let now = self.inner.begin.elapsed();
        let mut pace = (self.inner.pace.lock()).unwrap_or_else(PoisonError::into_inner);
        ask(&mut pace, now)
    }

    /// Opens the doors of a run, or closes them all.
    pub(super) fn set_doors(&self, doors: Doors) {
        *self.doors() = doors;
    }

    /// The first reason given stays.
    pub(crate) fn request(&self, reason: ShutdownReason) {
        self.inner.requested.send_if_modified(|held| {
            let first = held.is_none();
            held.get_or_insert(reason);
            first
        });
    }

    pub(crate) async fn requested(&self) -> ShutdownReason {
        let mut requested = self.inner.requested.subscribe();
        let seen = requested
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|reason| *reason);
        seen.unwrap_or(ShutdownReason::GracefulShutdown)
    }

    /// Forgets the run before: what was asked of it, and when it flushed.
    pub(super) fn reset(&self, config: &Config) {
        self.inner.requested.send_replace(None);
        self.with_pace(|held, now| *held = pace(config, now));
    }
}

fn pace(config: &Config, now: Duration) -> Pace {
    let timeout = Duration::from_secs(config.flush_timeout);
    Pace::new(strategy::effective(config), timeout, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(strategy: &str) -> AgentHandle {
        AgentHandle::new(&Config::from_env_iter([(
            "DD_SERVERLESS_FLUSH_STRATEGY",
            strategy,
        )]))
    }

    const fn can_be_kept_anywhere<T: Clone + Send + Sync + 'static>() {}

    #[tokio::test]
    async fn the_first_reason_stays() {
        const { can_be_kept_anywhere::<AgentHandle>() };
        let handle = handle("default");
        assert!(!handle.is_shutdown_requested());
        handle.clone().request(ShutdownReason::FatalError);
        handle.shutdown();
        assert_eq!(handle.requested().await, ShutdownReason::FatalError);
        assert!(handle.is_shutdown_requested());
    }

    #[tokio::test(start_paused = true)]
    async fn flushes_on_request_are_as_rare_as_the_strategy_says() {
        let limit = Duration::from_secs(1);
        let handle = handle("end,500");
        assert!(handle.flush(limit).await.skipped);
        assert_eq!(handle.invocation_ended(limit).await, None);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(!handle.flush(limit).await.skipped);
        assert!(handle.flush(limit).await.skipped);
        tokio::time::advance(Duration::from_millis(500)).await;
        let report = handle.invocation_ended(limit).await;
        assert_eq!(report, Some(FlushReport::default()));
    }

    #[tokio::test(start_paused = true)]
    async fn default_flushes_at_each_end_until_twenty_invocations_came_fast() {
        let limit = Duration::from_secs(1);
        let handle = handle("default");
        for call in 0..19 {
            assert_eq!(handle.invocation_began(limit).await, None);
            assert!(handle.invocation_ended(limit).await.is_some(), "{call}");
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert_eq!(handle.invocation_began(limit).await, None);
        assert_eq!(handle.invocation_ended(limit).await, None);
    }
}
