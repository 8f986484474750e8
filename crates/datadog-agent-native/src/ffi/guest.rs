//! An agent on threads of its own, for callers that know nothing of tasks.
//!
//! One thread owns the coordinator and the runtime; callers wait on channels and never run a future themselves, so that
//! they may be inside a runtime of their own.

use std::sync::mpsc;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::warn;

use super::error::{DatadogError, Failure};
use super::guard::said;
use super::log::Log;
use super::settings::{Settings, Setup, TakeSignals};
use super::{firewall_request, hooks, log, threads};
use crate::agent::{
    AgentCoordinator, AgentError, AgentHandle, FlushReport, ShutdownReason, Signals, SubmitError,
};

/// How long a stop waits for threads to end. One that the system keeps, in the look-up of a name for one, ends when it
/// is let go, and finds nothing to do.
const LINGER: Duration = Duration::from_millis(250);

/// An agent that runs on threads of its own.
#[derive(Debug)]
pub(super) struct Guest {
    runtime: Handle,
    agent: AgentHandle,
    stop_timeout: Duration,
    /// The most bytes of logs that are taken at once.
    logs_bytes: usize,
    /// Whether a wait for ever takes signals.
    takes_signals: bool,
    waiting: Waiting,
    end: Mutex<Option<End>>,
}

/// How it is ended, once.
#[derive(Debug)]
struct End {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), AgentError>>,
}

/// Where an agent listens, as its host is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) bound_port: Option<u16>,
    pub(super) dogstatsd_port: Option<u16>,
    pub(super) uds_path: Option<String>,
}

/// What the owning thread says when all listens.
struct Birth {
    runtime: Handle,
    agent: AgentHandle,
    started: Started,
}

impl Guest {
    /// Starts an agent; returns when it listens.
    ///
    /// # Errors
    /// Why it does not. Nothing is left running then.
    pub(super) fn start(settings: Settings) -> Result<(Self, Started), Failure> {
        let setup = settings.setup()?;
        let stop_timeout = setup.config.shutdown_timeout;
        let logs_bytes = setup.config.logs_max_body_bytes;
        let takes_signals = setup.signals == TakeSignals::Waiting;
        let (born, birth) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let thread =
            threads::spawn(move || live(setup, &born, stopped)).map_err(AgentError::IoError)?;
        match birth.recv() {
            Ok(Birth {
                runtime,
                agent,
                started,
            }) => {
                let guest = Self {
                    runtime,
                    agent,
                    stop_timeout,
                    logs_bytes,
                    takes_signals,
                    waiting: Waiting::default(),
                    end: Mutex::new(Some(End { stop, thread })),
                };
                Ok((guest, started))
            }
            Err(mpsc::RecvError) => Err(joined(thread, DatadogError::DATADOG_INIT_ERROR)
                .err()
                .unwrap_or_else(|| {
                    Failure::new(DatadogError::DATADOG_INIT_ERROR, "the agent ended at once")
                })),
        }
    }

    /// Waits until something asks the agent to stop, or the time is over. Without a limit, SIGINT and SIGTERM end it
    /// too, unless the host wants otherwise.
    ///
    /// # Errors
    /// When called on a thread of an agent.
    pub(super) fn wait(&self, time: Option<Duration>) -> Result<ShutdownReason, Failure> {
        let _waiting = self.waiting.begin();
        let agent = self.agent.clone();
        let takes_signals = self.takes_signals;
        let reason = self.run(async move {
            match time {
                Some(time) => tokio::time::timeout(time, agent.requested())
                    .await
                    .unwrap_or(ShutdownReason::Timeout),
                None if takes_signals => match take_signals() {
                    Some(signals) => signalled(signals, &agent).await,
                    None => agent.requested().await,
                },
                None => agent.requested().await,
            }
        })?;
        // A task that ends without a word was cut with its agent.
        Ok(reason.unwrap_or(ShutdownReason::FatalError))
    }

    /// Runs a future on the agent's threads and waits for what it yields; `None` if the agent ended meanwhile.
    fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        not_ours()?;
        let (tell, told) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // Whoever waits is still there, or is gone with its thread.
            tell.send(future.await).ok();
        });
        Ok(told.recv().ok())
    }

    /// The door to the agent.
    #[cfg(feature = "appsec")]
    pub(super) fn agent(&self) -> &AgentHandle {
        &self.agent
    }

    /// Asks the agent to stop; wakes whoever waits. Does not block.
    pub(super) fn request_shutdown(&self) {
        self.agent.shutdown();
    }

    /// Sends what is held. No time is as much as a stop may take.
    ///
    /// # Errors
    /// When not everything was sent in time, or the agent stops.
    pub(super) fn flush(&self, time: Option<Duration>) -> Result<(), Failure> {
        let agent = self.agent.clone();
        let time = time.unwrap_or(self.stop_timeout);
        match self.run(async move { agent.flush(time).await })? {
            Some(report) => complete(&report),
            None => Err(stopping()),
        }
    }

    /// Takes traces.
    ///
    /// # Errors
    /// Why none was taken.
    pub(super) fn submit_traces(&self, body: Bytes) -> Result<(), Failure> {
        let agent = self.agent.clone();
        match self.run(async move { agent.submit_traces(body).await })? {
            Some(taken) => taken.map_err(Failure::from),
            None => Err(stopping()),
        }
    }

    /// Takes logs.
    ///
    /// # Errors
    /// Why none was taken.
    pub(super) fn submit_logs(&self, json: Bytes) -> Result<(), Failure> {
        if json.len() > self.logs_bytes {
            let problem = format!("{} bytes are more than {}", json.len(), self.logs_bytes);
            return Err(SubmitError::Invalid(problem).into());
        }
        Ok(self.agent.submit_logs(json)?)
    }

    /// Stops the agent, once everybody who waits for it has left.
    ///
    /// # Errors
    /// When not everything was delivered in time; the agent is gone all the same.
    pub(super) fn stop(&self) -> Result<(), Failure> {
        let end = self
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(End { stop, thread }) = end else {
            return Ok(());
        };
        self.agent.shutdown();
        self.waiting.all_left();
        // A thread that panicked hears nothing, and is told of below.
        stop.send(()).ok();
        joined(thread, DatadogError::DATADOG_SHUTDOWN_ERROR)
    }
}

/// A thread of an agent that waited for its own work would wait for ever.
pub(super) fn not_ours() -> Result<(), Failure> {
    match threads::is_ours() {
        false => Ok(()),
        true => Err(Failure::new(
            DatadogError::DATADOG_RUNTIME_ERROR,
            "called on a thread of the agent",
        )),
    }
}

/// What a thread ended with; a panic is the code `on_panic`.
fn joined(
    thread: JoinHandle<Result<(), AgentError>>,
    on_panic: DatadogError,
) -> Result<(), Failure> {
    match thread.join() {
        Ok(result) => result.map_err(Failure::from),
        Err(panic) => Err(Failure::new(on_panic, said(&*panic))),
    }
}

fn stopping() -> Failure {
    Failure::new(
        DatadogError::DATADOG_NOT_AVAILABLE,
        "the agent is being stopped",
    )
}

/// The life of the owning thread.
fn live(
    setup: Setup,
    born: &mpsc::SyncSender<Birth>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), AgentError> {
    let log = Log::new(&setup.config, setup.log);
    log::begin(log.dispatch());
    for warning in &setup.warnings {
        warn!("{warning}");
    }
    let runtime = threads::runtime(log.dispatch().clone())?;
    let handle = runtime.handle().clone();
    let level = log.level();
    let result = runtime.block_on(async move {
        let builder = AgentCoordinator::builder(setup.config);
        let mut coordinator = firewall_request::obeyed(builder, setup.obeys_verdicts).build()?;
        coordinator.set_level_control(level);
        coordinator.start().await?;
        hooks::in_start();
        let agent = coordinator.handle().clone();
        if setup.signals == TakeSignals::Always
            && let Some(signals) = take_signals()
        {
            let agent = agent.clone();
            tokio::spawn(async move { signalled(signals, &agent).await });
        }
        let birth = Birth {
            runtime: handle,
            agent,
            started: started(&coordinator),
        };
        if born.send(birth).is_ok() {
            // A sender that is gone means a stop as well.
            stopped.await.ok();
        }
        let result = coordinator.shutdown().await;
        hooks::in_stop();
        result
    });
    runtime.shutdown_timeout(LINGER);
    log::end();
    result
}

fn started(coordinator: &AgentCoordinator) -> Started {
    let path = coordinator.listeners().trace_uds.as_ref();
    Started {
        bound_port: coordinator.get_bound_port(),
        dogstatsd_port: coordinator.get_dogstatsd_port(),
        uds_path: path.map(|path| path.display().to_string()),
    }
}

/// The signals; `None`, with a warning, when the system does not give them.
fn take_signals() -> Option<Signals> {
    Signals::install()
        .inspect_err(|error| warn!(%error, "signals cannot be waited for"))
        .ok()
}

/// Waits for a signal, or for what else may ask the agent to stop.
async fn signalled(signals: Signals, agent: &AgentHandle) -> ShutdownReason {
    tokio::select! {
        Ok(reason) = signals.next() => {
            agent.request(reason);
            reason
        }
        reason = agent.requested() => reason,
    }
}

/// Whether a flush left nothing behind.
fn complete(report: &FlushReport) -> Result<(), Failure> {
    match report.unsent() {
        None => Ok(()),
        Some(unsent) => Err(Failure::new(DatadogError::DATADOG_SUBMISSION_ERROR, unsent)),
    }
}

/// Who waits.
#[derive(Debug, Default)]
struct Waiting {
    count: Mutex<usize>,
    fewer: Condvar,
}

impl Waiting {
    fn begin(&self) -> Waiter<'_> {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Waiter(self)
    }

    fn all_left(&self) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.fewer
                .wait_while(count, |count| *count > 0)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// One that waits, until this is dropped.
struct Waiter<'a>(&'a Waiting);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.fewer.notify_all();
    }
}
