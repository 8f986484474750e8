//! The task that sends, and the door to it.
//!
//! One task owns everything: the payload on its way in, the state of every endpoint, and the attempts under way.
//! Endpoints share nothing but the bytes of a body, so that none waits for another.
//!
//! Delivery is at least once: an intake that takes a payload and fails to say so in time gets it again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::{Reason, Telemetry};
use futures_util::future::{AbortHandle, Abortable, Aborted, BoxFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::endpoint::Names;
use crate::{Endpoint, Payload, Reliability};

mod attempt;
mod dispatch;
mod flush;
mod ledger;
mod worker;

pub use crate::config::{Config, Metrics, Order, Overflow, Pauses};
pub use crate::report::FlushReport;

use attempt::{Ended, Route};
use dispatch::{Desk, Left};
use flush::{Flush, FlushCall};
use ledger::{Ledger, count};
use worker::{Outcome, Start, Worker};

/// Calls of `flush` that may wait to be seen; a further one waits until there is room.
const FLUSH_CALLS: usize = 16;

/// How often the drain looks whether its deadline was moved forward.
const DRAIN_TICK: Duration = Duration::from_millis(100);

/// How long the task sleeps when there is nothing to wait for.
const NEVER: Duration = Duration::from_secs(86_400);

/// The task.
#[derive(Debug)]
pub struct Forwarder {
    workers: Vec<Worker>,
    routes: Vec<Arc<Route>>,
    /// At most one payload, so that whoever hands over the next one waits.
    intake: mpsc::Receiver<Payload>,
    flush_calls: mpsc::Receiver<FlushCall>,
    door: Arc<Door>,
    desk: Desk,
    attempts: FuturesUnordered<BoxFuture<'static, Done>>,
    cancels: HashMap<AttemptId, AbortHandle>,
    flush: Option<Flush>,
    totals: watch::Sender<FlushReport>,
    /// The totals of the last report.
    reported: FlushReport,
    random: fastrand::Rng,
    stage: Stage,
}

/// The door; cheap to clone. When the last one is gone the task drains and ends.
#[derive(Debug, Clone)]
pub struct ForwarderHandle {
    intake: mpsc::Sender<Payload>,
    flush_calls: mpsc::Sender<FlushCall>,
    door: Arc<Door>,
    totals: watch::Receiver<FlushReport>,
}

/// The pipeline has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the forwarder has stopped")]
pub struct Stopped;

/// What was handed over and has not reached the endpoints' queues.
#[derive(Debug, Default)]
struct Door {
    payloads: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
}

/// The index of an endpoint, and the attempt's number there.
type AttemptId = (usize, u64);

type Done = (AttemptId, Result<Ended, Aborted>);

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is a handle.
    Open,
    /// The last handle is gone; all goes on until nothing is left.
    Closed,
    /// The time of the end is known.
    Draining(Instant),
}

impl Forwarder {
    /// The task and its door. Nothing runs until [`Forwarder::run`].
    #[must_use]
    pub fn new(config: Config, client: Client, telemetry: Telemetry) -> (Self, ForwarderHandle) {
        let (intake_in, intake) = mpsc::channel(1);
        let (calls_in, flush_calls) = mpsc::channel(FLUSH_CALLS);
        let (totals, totals_out) = watch::channel(FlushReport::default());
        let door = Arc::<Door>::default();
        let endpoints = named_apart(config.endpoints.clone());
        let forwarder = Self {
            workers: workers(&config, &endpoints, &telemetry),
            routes: endpoints
                .into_iter()
                .map(|endpoint| Arc::new(Route::new(&config, endpoint, client.clone())))
                .collect(),
            intake,
            flush_calls,
            door: Arc::clone(&door),
            desk: Desk::default(),
            attempts: FuturesUnordered::new(),
            cancels: HashMap::new(),
            flush: None,
            totals,
            reported: FlushReport::default(),
            random: fastrand::Rng::new(),
            stage: Stage::Open,
        };
        let handle = ForwarderHandle {
            intake: intake_in,
            flush_calls: calls_in,
            door,
            totals: totals_out,
        };
        (forwarder, handle)
    }

    /// Runs until every handle is gone and then until all is settled, or until the deadline of `drain` if that comes
    /// first. Returns the totals since the start; what was then still unsent is counted as dropped with the reason
    /// `shutdown`.
    ///
    /// Once handles are gone and the deadline is known, pauses are no longer kept, whoever asked for them: all that
    /// waits is tried until the deadline, at most ten times a second.
    pub async fn run(mut self, drain: Drain) -> FlushReport {
        if self.workers.is_empty() {
            return FlushReport::default();
        }
        loop {
            let now = Instant::now();
            self.advance(now);
            if self.is_over(&drain, now) {
                return self.end(now);
            }
            let wakes_at = self.wakes_at(now);
            tokio::select! {
                Some(payload) = self.intake.recv(), if self.desk.is_free() => {
                    self.desk.take(payload, &self.workers, Instant::now());
                }
                encoded = self.desk.encoded() => self.desk.finish_encoding(encoded, &self.workers),
                call = self.flush_calls.recv(), if self.stage == Stage::Open => match call {
                    Some(call) => self.begin_flush(call),
                    None => self.stage = Stage::Closed,
                },
                Some(done) = self.attempts.next() => self.finish(done),
                deadline = drain.signalled(), if self.stage == Stage::Closed => {
                    self.stage = Stage::Draining(deadline);
                }
                () = sleep_until(wakes_at) => {}
            }
        }
    }

    /// Moves everything as far as it goes at this moment.
    fn advance(&mut self, now: Instant) {
        if let Stage::Draining(deadline) = self.stage {
            for worker in &mut self.workers {
                worker.drain(deadline, now);
            }
        }
        self.start_attempts(now);
        if let Some(left) = self.desk.hand_on(&mut self.workers, now) {
            self.door.left(left);
            self.cover(left.seq);
            self.start_attempts(now);
        }
        for worker in &mut self.workers {
            worker.trim(now);
        }
        self.advance_flush(now);
        for worker in &self.workers {
            worker.show_waiting();
        }
        self.totals.send_replace(self.count_totals());
    }

    fn start_attempts(&mut self, now: Instant) {
        for (index, (worker, route)) in self.workers.iter_mut().zip(&self.routes).enumerate() {
            while let Some(start) = worker.start(now) {
                let (done, cancel, id) = attempt((index, start.id), route, start);
                self.cancels.insert(id, cancel);
                self.attempts.push(done);
            }
        }
    }

    fn finish(&mut self, (id, result): Done) {
        self.cancels.remove(&id);
        let (index, number) = id;
        let (Ok(ended), Some(worker)) = (result, self.workers.get_mut(index)) else {
            // Cancelled: the payload went back to the queue when that was decided.
            return;
        };
        let now = Instant::now();
        if let Some(status) = ended.status {
            worker.ledger.answered(status);
            if matches!(ended.outcome, Outcome::Busy { .. }) {
                worker.ledger.busy(status, now);
            }
        }
        if let Some(problem) = ended.problem {
            worker.ledger.unreachable(&problem, now);
        }
        worker.finish(number, ended.outcome, now, self.random.f64());
    }

    fn begin_flush(&mut self, call: FlushCall) {
        // What is in the channel was handed over before the call.
        let mark = self.desk.last_seq() + count(self.intake.len());
        if let Some(flush) = &mut self.flush {
            flush.join(mark, call);
            let (mark, deadline) = (flush.mark(), flush.deadline());
            for worker in &mut self.workers {
                worker.widen_flush(mark, deadline);
            }
        } else {
            for worker in &mut self.workers {
                worker.begin_flush(mark, call.deadline);
            }
            self.flush = Some(Flush::new(mark, call));
        }
    }

    /// Lets the flush under way, if it covers the payload with this number, see to it.
    fn cover(&mut self, seq: u64) {
        if let Some(flush) = self.flush.as_ref().filter(|flush| seq <= flush.mark()) {
            for worker in &mut self.workers {
                worker.widen_flush(flush.mark(), flush.deadline());
            }
        }
    }

    fn advance_flush(&mut self, now: Instant) {
        let Some(mut flush) = self.flush.take() else {
            return;
        };
        let mut done = true;
        for worker in &mut self.workers {
            done &= worker.settle_flush(now);
        }
        done &= !self.desk.expects(flush.mark());
        if now >= flush.deadline() {
            self.cut_flush(now);
            done = true;
        }
        let totals = self.count_totals();
        let report = totals.since(&self.reported);
        for call in flush.take_late(now) {
            answer(call, &report);
        }
        if done {
            for call in flush.into_calls() {
                answer(call, &report);
            }
            self.reported = totals;
        } else {
            self.flush = Some(flush);
        }
    }

    /// Cancels what is under way for the flush, after a last look at what has just been answered.
    fn cut_flush(&mut self, now: Instant) {
        self.finish_answered();
        for (index, worker) in self.workers.iter_mut().enumerate() {
            for number in worker.cut_flush(now) {
                if let Some(cancel) = self.cancels.remove(&(index, number)) {
                    cancel.abort();
                }
            }
        }
        // Drops what was cancelled, so that nothing is half sent when the flush returns.
        self.finish_answered();
    }

    fn finish_answered(&mut self) {
        while let Some(Some(done)) = self.attempts.next().now_or_never() {
            self.finish(done);
        }
    }

    /// Whether nothing is left to do, or no time to do it.
    fn is_over(&mut self, drain: &Drain, now: Instant) -> bool {
        match &mut self.stage {
            Stage::Open => false,
            Stage::Closed => self.is_idle(),
            Stage::Draining(deadline) => {
                // The deadline can be moved forward while we drain.
                *deadline = drain.deadline().map_or(*deadline, |it| it.min(*deadline));
                now >= *deadline || self.is_idle()
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.intake.is_empty() && self.desk.is_free() && self.workers.iter().all(Worker::is_idle)
    }

    /// Counts what is left as lost in the shutdown.
    fn end(mut self, now: Instant) -> FlushReport {
        self.finish_answered();
        self.attempts.clear();
        while let Some(left) = self.desk.clear().or_else(|| self.next_unseen()) {
            self.door.left(left);
            for worker in &mut self.workers {
                worker.ledger.dropped(Reason::Shutdown, left.items, now);
            }
        }
        for worker in &mut self.workers {
            worker.abandon(now);
            worker.show_waiting();
        }
        let totals = self.count_totals();
        self.totals.send_replace(totals.clone());
        totals
    }

    /// A payload that was handed over and not even looked at.
    fn next_unseen(&mut self) -> Option<Left> {
        let payload = self.intake.try_recv().ok()?;
        Some(Left {
            seq: self.desk.last_seq() + 1,
            items: payload.items,
            raw_len: payload.raw_len(),
        })
    }

    /// When there is something to do although nothing came.
    fn wakes_at(&self, now: Instant) -> Instant {
        let workers = self
            .workers
            .iter()
            .filter_map(|worker| worker.wakes_at(now));
        let flush = self.flush.as_ref().map(Flush::next_deadline);
        let drain = match self.stage {
            Stage::Draining(deadline) => Some(deadline.min(now + DRAIN_TICK)),
            Stage::Open | Stage::Closed => None,
        };
        let next = workers.chain(flush).chain(drain).min();
        next.unwrap_or(now + NEVER).min(now + NEVER)
    }

    fn count_totals(&self) -> FlushReport {
        let mut endpoints = self.workers.iter().map(|worker| {
            let mut totals = worker.totals();
            self.door.add_to(&mut totals);
            (worker.ledger.name().to_owned(), totals)
        });
        let Some((name, primary)) = endpoints.next() else {
            return FlushReport::default();
        };
        let mut per_endpoint: BTreeMap<_, _> = endpoints.collect();
        per_endpoint.insert(name, primary.clone());
        FlushReport {
            per_endpoint,
            ..primary
        }
    }
}

impl ForwarderHandle {
    /// Hands a payload over, waiting while the queue is full: back-pressure.
    ///
    /// Whoever drops the future before it is ready drops the payload with it, uncounted.
    ///
    /// # Errors
    /// When the task is gone; the payload comes back.
    pub async fn send(&self, payload: Payload) -> Result<(), Payload> {
        match self.intake.reserve().await {
            Ok(place) => {
                self.door.entered(&payload);
                place.send(payload);
                Ok(())
            }
            Err(_) => Err(payload),
        }
    }

    /// Sends all that was handed over before, payloads that wait for another try included, until `deadline`;
    /// what is not settled then goes on waiting.
    ///
    /// Each payload gets one round of attempts, as far as the pauses that its endpoint needs or asks for end in time,
    /// and nothing that was handed over later starts at an endpoint before it is done with the flush. An attempt
    /// that the deadline cuts off goes back to the queue, so that none is left half sent. Returns as soon as nothing
    /// more can be done.
    ///
    /// Calls that come while a flush is under way join it and get its report. The report covers all that was settled
    /// since the report before, so that none is left out between two flushes, and what pends.
    ///
    /// # Errors
    /// When the task is gone.
    pub async fn flush(&self, deadline: Instant) -> Result<FlushReport, Stopped> {
        let (report, done) = oneshot::channel();
        let call = FlushCall { deadline, report };
        self.flush_calls.send(call).await.map_err(|_| Stopped)?;
        done.await.map_err(|_| Stopped)
    }

    /// Totals since the start, for `status` and final reports.
    #[must_use]
    pub fn totals(&self) -> FlushReport {
        self.totals.borrow().clone()
    }
}

impl Door {
    fn entered(&self, payload: &Payload) {
        self.payloads.fetch_add(1, Ordering::Relaxed);
        self.items.fetch_add(payload.items, Ordering::Relaxed);
        self.bytes
            .fetch_add(count(payload.raw_len()), Ordering::Relaxed);
    }

    fn left(&self, left: Left) {
        self.payloads.fetch_sub(1, Ordering::Relaxed);
        self.items.fetch_sub(left.items, Ordering::Relaxed);
        self.bytes.fetch_sub(count(left.raw_len), Ordering::Relaxed);
    }

    fn add_to(&self, report: &mut FlushReport) {
        report.pending_payloads += self.payloads.load(Ordering::Relaxed);
        report.pending_items += self.items.load(Ordering::Relaxed);
        report.pending_bytes += self.bytes.load(Ordering::Relaxed);
    }
}

fn workers(config: &Config, endpoints: &[Endpoint], telemetry: &Telemetry) -> Vec<Worker> {
    endpoints
        .iter()
        .enumerate()
        .map(|(index, endpoint)| {
            let reliability = match index {
                0 => Reliability::Reliable,
                _ => endpoint.reliability,
            };
            let ledger = Ledger::new(&endpoint.name, &endpoint.url, config.metrics, telemetry);
            // What further endpoints do is told in counters alone.
            let notices = config.notices.clone().filter(|_| index == 0);
            let ledger = ledger.with_notices(notices);
            Worker::new(config, endpoint, reliability, ledger)
        })
        .collect()
}

/// Numbers endpoints of the same name, as two organisations at one intake are, so that each has books of its own.
fn named_apart(mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    let mut names = Names::default();
    for endpoint in &mut endpoints {
        endpoint.name = names.apart(std::mem::take(&mut endpoint.name));
    }
    endpoints
}

fn attempt(
    id: AttemptId,
    route: &Arc<Route>,
    start: Start,
) -> (BoxFuture<'static, Done>, AbortHandle, AttemptId) {
    let (cancel, registration) = AbortHandle::new_pair();
    let attempt = Abortable::new(Arc::clone(route).attempt(start), registration);
    (attempt.map(move |result| (id, result)).boxed(), cancel, id)
}

/// The caller may have gone away, which is its right.
fn answer(call: FlushCall, report: &FlushReport) {
    drop(call.report.send(report.clone()));
}
