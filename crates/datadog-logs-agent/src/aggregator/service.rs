//! The task around the aggregator, and the door to it.
//!
//! Admission is decided on the caller's side, by count, bytes and memory; this task owns the queue, decides when a
//! batch is due and hands it to the forwarder. It never waits for the forwarder without listening to its door:
//! while the forwarder is full the queue fills, and then admission refuses.

mod admission;
mod counters;
mod handle;
mod ledger;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::{Reason, Telemetry};
use datadog_forwarder::{Budget, Reservation};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use self::admission::{Admission, Size};
use self::handle::Shared;
pub(crate) use self::handle::now_ms;
pub use self::handle::{AggregatorHandle, InsertError, Stopped};
use self::ledger::Ledger;
use crate::aggregator::{Aggregator, Batch};
use crate::config::FlushStrategy;
use crate::flusher::{FlushReport, Flusher};
use crate::processor::Processor;
use crate::rules::Rules;
use crate::{Config, EntryBlock, Source};

/// Places in the channel for commands that carry no entries.
const SPARE_COMMANDS: usize = 64;
/// How often the drain looks whether its deadline was moved forward.
const DRAIN_TICK: Duration = Duration::from_millis(100);
/// What an entry costs besides its JSON; part of the promise of [`EntryBlock::cost`].
const ENTRY_OVERHEAD: usize = 64;

/// What a handle asks of the service.
#[derive(Debug)]
enum Command {
    /// Queue these entries, which have been admitted.
    Push {
        source: Source,
        block: EntryBlock,
        size: Size,
        reservation: Reservation,
        /// Since when it counts as queued.
        since: Instant,
    },
    /// Drop the oldest entries until a block of this size could enter; answers whether it can.
    Evict {
        size: Size,
        done: oneshot::Sender<bool>,
    },
    /// Send what was queued before this.
    Flush {
        deadline: Instant,
        done: oneshot::Sender<FlushReport>,
    },
    /// Take no more commands than are already in the channel.
    Close,
}

/// A flush whose entries are not all in the forwarder's hands.
#[derive(Debug)]
struct Flush {
    /// The flush covers the entries up to this one, counted since the start.
    up_to: u64,
    deadline: Instant,
    done: oneshot::Sender<FlushReport>,
}

/// A batch that the forwarder is taking.
struct Sending {
    entries: u64,
    taken: Pin<Box<dyn Future<Output = bool> + Send>>,
}

/// Owns the queue; ends when every handle is gone or [`AggregatorHandle::shutdown`] was called, after it has handed
/// over what it held.
#[derive(Debug)]
pub struct AggregatorService {
    aggregator: Aggregator,
    ledger: Ledger,
    flusher: Flusher,
    shared: Arc<Shared>,
    strategy: FlushStrategy,
    commands: mpsc::Receiver<Command>,
    drain: Drain,
    /// Entries that came in, and that went out or were evicted, since the start.
    entered: u64,
    left: u64,
    sending: Option<Sending>,
    flushes: Vec<Flush>,
    /// Flushes that wait for the forwarder.
    settling: JoinSet<()>,
}

impl AggregatorService {
    /// The task and its door, the door of [`Source::Handle`]. `rules` are those of the configuration, compiled; `drain`
    /// only tells how long handing over the rest may take.
    #[must_use]
    pub fn new(
        config: &Config,
        rules: Rules,
        flusher: Flusher,
        budget: Budget,
        telemetry: Telemetry,
        drain: Drain,
    ) -> (Self, AggregatorHandle) {
        let (sender, commands) =
            mpsc::channel(config.buffer.entries.saturating_add(SPARE_COMMANDS));
        let clients = Processor {
            rules: rules.clone(),
            enrichment: config.client_enrichment.clone(),
            limits: config.entry,
        };
        let files = Processor {
            rules,
            enrichment: config.file_enrichment.clone(),
            limits: config.entry,
        };
        let admission = Admission::new(config.buffer, &telemetry);
        let shared = Arc::new(Shared::new(
            admission,
            config.on_full,
            budget,
            telemetry,
            clients,
            files,
        ));
        let service = Self {
            aggregator: Aggregator::new(config.batch),
            ledger: Ledger::default(),
            flusher,
            shared: Arc::clone(&shared),
            strategy: config.flush,
            commands,
            drain,
            entered: 0,
            left: 0,
            sending: None,
            flushes: Vec::new(),
            settling: JoinSet::new(),
        };
        (
            service,
            AggregatorHandle::new(shared, sender, Source::Handle),
        )
    }

    /// Runs until every handle is gone, then hands over what is left. What the forwarder does not take before the
    /// drain's deadline is counted as dropped.
    pub async fn run(mut self) {
        let mut cut = std::pin::pin!(end_of(self.drain.clone()));
        let mut open = true;
        loop {
            self.pass_flushes();
            self.start_sending(!open);
            if !open && self.sending.is_none() {
                break;
            }
            let due = self.next_due();
            tokio::select! {
                command = self.commands.recv(), if open => match command {
                    Some(command) => self.obey(command),
                    None => open = false,
                },
                taken = taken(&mut self.sending) => self.sent(taken),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                Some(_) = self.settling.join_next() => {}
                () = &mut cut, if !open => break,
            }
        }
        self.give_up();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Push {
                source,
                block,
                size,
                reservation,
                since,
            } => {
                self.entered += size.entries as u64;
                self.ledger.push(source, size, reservation, since);
                self.aggregator.push(block);
            }
            Command::Evict { size, done } => {
                let has_room = self.evict(size);
                // The caller may have stopped waiting; the room is made all the same.
                let _unheard = done.send(has_room).is_err();
            }
            Command::Flush { deadline, done } => self.flushes.push(Flush {
                up_to: self.entered,
                deadline,
                done,
            }),
            Command::Close => self.commands.close(),
        }
    }

    /// Hands the next batch to the forwarder if one is due and the last one is in its hands.
    fn start_sending(&mut self, closing: bool) {
        if self.sending.is_some() || !(closing || self.is_due(Instant::now())) {
            return;
        }
        let Some(batch) = self.aggregator.take() else {
            return;
        };
        let entries = u64::from(batch.entries);
        let reservation = self.release(Size::of_batch(&batch));
        let flusher = self.flusher.clone();
        self.sending = Some(Sending {
            entries,
            taken: Box::pin(async move { flusher.send(batch, reservation).await }),
        });
    }

    fn is_due(&self, now: Instant) -> bool {
        self.aggregator.is_full()
            || !self.flushes.is_empty()
            || self.oldest_is_due().is_some_and(|due| due <= now)
            || self.shared.admission.is_full()
    }

    /// When the oldest entry must go, if it is up to this task.
    fn oldest_is_due(&self) -> Option<Instant> {
        match self.strategy {
            FlushStrategy::Interval(interval) => self.ledger.oldest()?.checked_add(interval),
            FlushStrategy::OnDemand => None,
        }
    }

    /// When to look again although nothing happened.
    fn next_due(&self) -> Option<Instant> {
        let batch = match self.sending {
            Some(_) => None,
            None => self.oldest_is_due(),
        };
        let flush = self.flushes.iter().map(|flush| flush.deadline).min();
        [batch, flush].into_iter().flatten().min()
    }

    fn sent(&mut self, taken: bool) {
        let Some(sending) = self.sending.take() else {
            return;
        };
        self.left += sending.entries;
        if !taken {
            error!("the forwarder has ended before the queue");
            self.lose(Reason::Shutdown, sending.entries);
        }
    }

    /// Passes on the flushes whose entries are all in the forwarder's hands, and those whose time is over: the
    /// forwarder ends those at once, with nothing half sent.
    fn pass_flushes(&mut self) {
        let now = Instant::now();
        for flush in std::mem::take(&mut self.flushes) {
            let ready = self.sending.is_none() && flush.up_to <= self.left;
            if !ready && now < flush.deadline {
                self.flushes.push(flush);
                continue;
            }
            let flusher = self.flusher.clone();
            let not_handed_over = flush.up_to.saturating_sub(self.left);
            self.settling.spawn(async move {
                // Without an answer the caller learns that the agent has stopped.
                if let Some(mut report) = flusher.flush(flush.deadline).await {
                    report.pending_entries += not_handed_over;
                    let _unheard = flush.done.send(report).is_err();
                }
            });
        }
    }

    /// Drops the oldest entries until the queue is below its limits and `size` fits the memory; says whether that
    /// could be had.
    fn evict(&mut self, size: Size) -> bool {
        let queued = self.shared.admission.total();
        let budget = &self.shared.budget;
        let memory = budget.used().saturating_add(size.bytes);
        let excess = memory.saturating_sub(budget.limit());
        if excess > queued.bytes {
            // Batches on their way out hold the memory: dropping what is queued would not help.
            return false;
        }
        let over = self.shared.admission.over_limit();
        let evicted = self.aggregator.evict(over.entries, over.bytes.max(excess));
        let entries = evicted.entries as u64;
        drop(self.release(Size {
            entries: evicted.entries,
            bytes: evicted.json_bytes + evicted.entries * ENTRY_OVERHEAD,
        }));
        self.left += entries;
        self.lose(Reason::Evicted, entries);
        true
    }

    /// Takes the oldest entries out of the books; their memory stays held until the reservation is dropped.
    fn release(&mut self, size: Size) -> Option<Reservation> {
        let taken = self.ledger.take(size);
        for (source, size) in taken.blocks {
            self.shared.admission.leave(source, size);
        }
        taken.reservation
    }

    /// Counts what nobody will send any more.
    fn give_up(&mut self) {
        let unsent = self.entered - self.left;
        if unsent > 0 {
            self.lose(Reason::Shutdown, unsent);
            let size = self.shared.admission.total();
            drop(self.release(size));
        }
    }

    fn lose(&self, reason: Reason, entries: u64) {
        self.shared.losses.count(reason, entries);
    }
}

impl Size {
    /// What the entries of a batch cost in the queue: without the brackets and commas that the batch adds.
    fn of_batch(batch: &Batch) -> Self {
        let entries = batch.entries as usize;
        let framing = 2 + entries.saturating_sub(1);
        Self {
            entries,
            bytes: batch.body.len().saturating_sub(framing) + entries * ENTRY_OVERHEAD,
        }
    }
}

impl std::fmt::Debug for Sending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sending")
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}

/// Waits until the deadline of the drain, which may be moved forward meanwhile.
pub(crate) async fn end_of(drain: Drain) {
    let mut deadline = drain.signalled().await;
    while Instant::now() < deadline {
        sleep_until(deadline.min(Instant::now() + DRAIN_TICK)).await;
        deadline = drain.deadline().map_or(deadline, |it| it.min(deadline));
    }
}

/// Waits until the forwarder has the batch, and says whether it took it; for ever while there is none.
async fn taken(sending: &mut Option<Sending>) -> bool {
    match sending {
        Some(sending) => sending.taken.as_mut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
