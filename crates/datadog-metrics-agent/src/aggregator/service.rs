//! The task around the aggregator, and the door to it.
//!
//! What sockets read comes as bytes and is parsed here, in the order in which it was read, so that a flush behind it
//! has seen all of it. The queue is bounded in bytes. The task never waits for the forwarder without listening to its
//! door; payloads for which the forwarder has no room yet wait here, within a bound of their own.

mod batch;
mod counters;
mod handle;
mod own;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::{Reason, Telemetry};
use datadog_forwarder::{Budget, FlushReport, Reservation};
use smallvec::SmallVec;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::{debug, warn};

pub use self::batch::Transport;
pub(crate) use self::batch::{Batch, Wait};
use self::counters::Counters;
pub(crate) use self::handle::Barrier;
pub use self::handle::{AggregatorHandle, InsertError, Stopped};
use self::own::Own;
use crate::aggregator::{Aggregator, Incoming, TOGETHER, Which};
use crate::config::{Config, FlushStrategy};
use crate::flusher::Flusher;
use crate::parse::{self, Message, messages};
use crate::payload::Finished;

/// Commands in the channel at most, besides what the bytes of the queue allow.
const COMMANDS: usize = 1_024;
/// Flushes whose sockets are still being read, at most.
const BARRIERS: usize = 16;
/// How often samples with a timestamp are looked at, and gauges are brought up to date.
const TICK: Duration = Duration::from_secs(2);
/// Bytes of payloads that wait for the forwarder at most; beyond, the oldest are dropped and counted.
const MAX_OUTBOX_BYTES: usize = 16 * 1_024 * 1_024;
/// How often the drain looks whether its deadline was moved forward.
const DRAIN_TICK: Duration = Duration::from_millis(100);
/// Pause between two complaints about malformed messages or refused contexts.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(10);

/// What a handle asks of the service.
#[derive(Debug)]
pub(crate) enum Command {
    /// Take these packets.
    Take {
        batch: Batch,
        reservation: Reservation,
    },
    /// Send what came before this.
    Flush {
        deadline: Instant,
        done: oneshot::Sender<FlushReport>,
    },
    /// Take no more commands than are already in the channel.
    Close,
}

/// A flush whose payloads are not all in the forwarder's hands.
#[derive(Debug)]
struct Flush {
    deadline: Instant,
    done: oneshot::Sender<FlushReport>,
}

/// Hands a payload to the forwarder; says whether it was taken.
type Sending = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Owns the aggregator; ends when every handle is gone or [`AggregatorHandle::shutdown`] was called, after it has
/// handed over what it held.
pub struct AggregatorService {
    aggregator: Aggregator,
    options: parse::Options,
    quiet: bool,
    strategy: FlushStrategy,
    on_request: Which,
    at_the_end: Which,
    pass_batch: u64,
    commands: mpsc::Receiver<Command>,
    flusher: Flusher,
    counters: Counters,
    /// Nothing is told of what is counted without it.
    own: Option<Own>,
    budget: Budget,
    drain: Drain,
    outbox: VecDeque<Finished>,
    outbox_bytes: usize,
    /// The payload that the forwarder is taking, and how many items are in it.
    sending: Option<(u64, Sending)>,
    flushes: Vec<Flush>,
    settling: JoinSet<()>,
    passed_before: u64,
    complained_at: Option<Instant>,
}

impl AggregatorService {
    /// The task and its door.
    pub(crate) fn new(
        config: &Config,
        aggregator: Aggregator,
        flusher: Flusher,
        telemetry: &Telemetry,
        drain: Drain,
    ) -> (Self, AggregatorHandle) {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let (barriers, _) = broadcast::channel(BARRIERS);
        let budget = Budget::new(config.queue_bytes);
        let handle = AggregatorHandle::new(sender, barriers, budget.clone(), telemetry);
        let service = Self {
            aggregator,
            options: config.parse,
            quiet: config.quiet,
            strategy: config.flush,
            on_request: config.flush_on_request,
            at_the_end: config.flush_at_the_end,
            pass_batch: config.pass_batch as u64,
            commands,
            flusher,
            counters: Counters::new(telemetry),
            own: config.own_metrics.then(|| Own::new(telemetry)),
            budget,
            drain,
            outbox: VecDeque::new(),
            outbox_bytes: 0,
            sending: None,
            flushes: Vec::new(),
            settling: JoinSet::new(),
            passed_before: 0,
            complained_at: None,
        };
        (service, handle)
    }

    /// Runs until every handle is gone, then hands over what is left. What the forwarder does not take before the
    /// drain's deadline is counted as dropped.
    pub async fn run(mut self) {
        let mut cut = std::pin::pin!(end_of(self.drain.clone()));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_flush = self.next_flush();
        let mut open = true;
        loop {
            self.pass_flushes();
            self.start_sending();
            if !open && self.sending.is_none() {
                break;
            }
            let deadline = self.flushes.iter().map(|flush| flush.deadline).min();
            tokio::select! {
                command = self.commands.recv(), if open => match command {
                    Some(command) => self.obey(command),
                    None => {
                        open = false;
                        self.flush(self.at_the_end);
                    }
                },
                taken = taken(&mut self.sending) => self.sent(taken),
                () = wait(next_flush), if open => {
                    self.flush(Which::Closed);
                    next_flush = self.next_flush();
                }
                () = wait(deadline) => {}
                _ = tick.tick(), if open => self.tick(),
                Some(_) = self.settling.join_next() => {}
                () = &mut cut, if !open => break,
            }
        }
        self.give_up();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Take { batch, reservation } => {
                self.take(&batch);
                drop(reservation);
            }
            Command::Flush { deadline, done } => {
                self.flush(self.on_request);
                self.flushes.push(Flush { deadline, done });
            }
            Command::Close => self.commands.close(),
        }
    }

    fn take(&mut self, batch: &Batch) {
        let now = now_s();
        let mut malformed = None;
        let mut read = 0;
        let mut metrics = SmallVec::<[Incoming<'_>; TOGETHER]>::new();
        for (packet, sender) in batch.packets() {
            for message in messages(packet, &self.options) {
                // Why something was refused is in the tally.
                match message {
                    Ok(Message::Metric(metric)) => {
                        if metrics.len() == TOGETHER {
                            self.aggregator.metrics(&metrics, now);
                            metrics.clear();
                        }
                        metrics.push(Incoming { metric, sender });
                        read += 1;
                    }
                    Ok(Message::Event(event)) => {
                        let _counted = self.aggregator.event(&event, sender, now).is_err();
                        self.counters.read(parse::Kind::Event, 1);
                    }
                    Ok(Message::ServiceCheck(check)) => {
                        let _counted = self.aggregator.service_check(&check, sender, now).is_err();
                        self.counters.read(parse::Kind::ServiceCheck, 1);
                    }
                    Err(error) => {
                        self.counters.malformed(error.kind);
                        malformed = Some(error);
                    }
                }
            }
        }
        self.aggregator.metrics(&metrics, now);
        self.counters.read(parse::Kind::Metric, read);
        self.counters.publish(self.aggregator.tally());
        self.complain(malformed);
        if self.aggregator.passed() >= self.pass_batch {
            self.send_passed();
        }
    }

    /// Tells of malformed messages and refused contexts, now and then.
    fn complain(&mut self, malformed: Option<parse::Error>) {
        let tally = self.aggregator.tally();
        let limited = self.counters.new_context_refusals(tally);
        if malformed.is_none() && limited == 0 {
            return;
        }
        let now = Instant::now();
        if self
            .complained_at
            .is_some_and(|at| now < at + COMPLAINT_PAUSE)
        {
            return;
        }
        self.complained_at = Some(now);
        if let Some(error) = malformed {
            let count = self.counters.malformed_count();
            let text = "a message of DogStatsD is malformed";
            if self.quiet {
                debug!(kind = ?error.kind, reason = %error.reason, count, "{text}");
            } else {
                warn!(kind = ?error.kind, reason = %error.reason, count, "{text}");
            }
        }
        if limited > 0 {
            warn!(
                limit = self.aggregator.contexts(),
                values = tally.context_limit,
                "there are too many contexts, new ones are dropped"
            );
        }
    }

    fn flush(&mut self, which: Which) {
        self.tell_own();
        let done = self.aggregator.flush(now_s(), which);
        self.put_out(done);
        self.counters.publish(self.aggregator.tally());
        self.show();
    }

    /// Aggregates what the pipeline counted since the last time.
    fn tell_own(&mut self) {
        let Some(own) = &mut self.own else {
            return;
        };
        let now = now_s();
        let options = parse::Options {
            timestamps: false,
            client_origin: false,
        };
        own.tell(|line| {
            for message in messages(line, &options) {
                if let Ok(Message::Metric(metric)) = message {
                    // Why one was refused is in the tally.
                    let _counted = self.aggregator.metric(&metric, None, now).is_err();
                }
            }
        });
    }

    fn tick(&mut self) {
        self.tell_own();
        let passed = self.aggregator.passed();
        // Nothing came since the last look.
        if passed > 0 && passed == self.passed_before {
            self.send_passed();
        }
        self.passed_before = self.aggregator.passed();
        self.show();
    }

    fn send_passed(&mut self) {
        let mut done = Vec::new();
        self.aggregator.take_passed(&mut done);
        self.put_out(done);
    }

    fn put_out(&mut self, done: Vec<Finished>) {
        for payload in done {
            self.counters.flushed(&payload);
            self.outbox_bytes += payload.body.len();
            self.outbox.push_back(payload);
        }
        while self.outbox_bytes > MAX_OUTBOX_BYTES {
            let Some(oldest) = self.take_out() else {
                break;
            };
            self.counters.lost(Reason::QueueFull, oldest.items);
        }
    }

    fn take_out(&mut self) -> Option<Finished> {
        let payload = self.outbox.pop_front()?;
        self.outbox_bytes -= payload.body.len();
        Some(payload)
    }

    fn show(&self) {
        self.counters.show(
            self.aggregator.contexts(),
            self.aggregator.bytes(),
            self.budget.used(),
        );
    }

    /// Hands over the next payload if the last one is in the forwarder's hands.
    fn start_sending(&mut self) {
        if self.sending.is_some() {
            return;
        }
        if let Some(payload) = self.take_out() {
            let flusher = self.flusher.clone();
            let items = payload.items;
            let sending = Box::pin(async move { flusher.send(payload).await });
            self.sending = Some((items, sending));
        }
    }

    fn sent(&mut self, taken: bool) {
        if let Some((items, _)) = self.sending.take()
            && !taken
        {
            self.counters.lost(Reason::Shutdown, items);
        }
    }

    /// Passes on the flushes whose payloads are in the forwarder's hands, and those whose time is over.
    fn pass_flushes(&mut self) {
        let is_empty = self.sending.is_none() && self.outbox.is_empty();
        let now = Instant::now();
        let left: u64 = self.outbox.iter().map(|payload| payload.items).sum();
        let under_way = self.sending.as_ref().map_or(0, |(items, _)| *items);
        for flush in std::mem::take(&mut self.flushes) {
            if !is_empty && now < flush.deadline {
                self.flushes.push(flush);
                continue;
            }
            let flusher = self.flusher.clone();
            self.settling.spawn(async move {
                // Without an answer the caller learns that the agent has stopped.
                if let Some(mut report) = flusher.flush(flush.deadline).await {
                    report.pending_items += left + under_way;
                    let _unheard = flush.done.send(report).is_err();
                }
            });
        }
    }

    /// Counts what nobody will send any more.
    fn give_up(&mut self) {
        let under_way = self.sending.take().map_or(0, |(items, _)| items);
        let left: u64 = self.outbox.iter().map(|payload| payload.items).sum();
        self.counters.lost(Reason::Shutdown, left + under_way);
        self.counters.publish(self.aggregator.tally());
        self.show();
    }

    fn next_flush(&self) -> Option<Instant> {
        match self.strategy {
            FlushStrategy::Interval(interval) => Some(Instant::now() + interval),
            FlushStrategy::OnDemand => None,
        }
    }
}

impl std::fmt::Debug for AggregatorService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AggregatorService")
            .field("outbox_bytes", &self.outbox_bytes)
            .finish_non_exhaustive()
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Waits until the forwarder has the payload, and says whether it took it; for ever while there is none.
async fn taken(sending: &mut Option<(u64, Sending)>) -> bool {
    match sending {
        Some((_, sending)) => sending.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Waits until the deadline of the drain, which may be moved forward meanwhile.
async fn end_of(drain: Drain) {
    let mut deadline = drain.signalled().await;
    while Instant::now() < deadline {
        sleep_until(deadline.min(Instant::now() + DRAIN_TICK)).await;
        deadline = drain.deadline().map_or(deadline, |it| it.min(deadline));
    }
}

/// Now, in seconds since 1970. A clock before that counts as 1970.
fn now_s() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
