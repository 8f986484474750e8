//! The state of one endpoint: what waits, what is under way, and what may start.
//!
//! Pure: it opens no socket and asks no clock. The service tells it the time, carries out what [`Worker::start`]
//! hands out and brings back the [`Outcome`].
//!
//! A payload holds a slot for a whole round of attempts, pauses between them included. A round that ends without
//! success sends the payload back to the queue, where it waits for the next flush or, if none comes, for a tick.
//! The tick comes at once where the endpoint pauses as a whole, and after [`REDRIVE_TICK`] where each payload pauses
//! by itself.

mod finish;
mod window;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::telemetry::Reason;
use tokio::time::Instant;

use crate::Encoding;
use crate::config::{Config, Order, Overflow};
use crate::endpoint::{Endpoint, Reliability};
use crate::payload::Form;
use crate::queue::{Pending, PendingQueue};
use crate::report::FlushReport;
use crate::retry::Backoff;
use crate::service::ledger::{Ledger, count};

use window::Window;

/// How long a payload whose attempts are used up waits for a flush before it is tried again without one.
pub(crate) const REDRIVE_TICK: Duration = Duration::from_secs(5);

/// The longest time limit: far beyond any that is meant, and near enough to be added to the time.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Bytes that may wait for an unreliable endpoint, which nothing holds back. One payload may always wait.
const UNRELIABLE_BYTES: usize = 4 << 20;

/// Payloads in a row without any answer after which a single one goes ahead to see whether the endpoint is back.
const CIRCUIT_FAILURES: u32 = 3;

/// The state of one endpoint.
#[derive(Debug)]
pub(crate) struct Worker {
    /// What became of the payloads.
    pub(crate) ledger: Ledger,
    reliability: Reliability,
    encoding: Encoding,
    /// Whether the endpoint refused our encoding once.
    plain: bool,
    order: Order,
    overflow: Overflow,
    concurrency: usize,
    attempts: u32,
    request_timeout: Duration,
    queue_bytes: usize,
    max_age: Duration,
    queue: PendingQueue,
    slots: Vec<Slot>,
    next_id: u64,
    /// Whether the last new start was a redrive, so that new payloads and redrives alternate.
    redrive_was_last: bool,
    backoff: Backoff,
    /// The pause of the endpoint as a whole, by its error count.
    backed_off: Option<Pause>,
    /// Until when `Retry-After` asks to wait.
    asked_until: Option<Instant>,
    /// Whether the last attempt asked for another.
    failing: bool,
    circuit: Circuit,
    tick_at: Option<Instant>,
    flush: Option<Window>,
    /// The end of the drain, once it has begun.
    drain: Option<Instant>,
}

/// A payload that holds a slot.
#[derive(Debug)]
struct Slot {
    id: u64,
    pending: Pending,
    state: SlotState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotState {
    Sending { since: Instant },
    Pausing { until: Instant },
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    since: Instant,
    until: Instant,
}

/// Counts payloads without any answer.
#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    /// Whether a payload may go ahead although the circuit is open.
    probe: bool,
}

/// One attempt that the service is to make.
#[derive(Debug)]
pub(crate) struct Start {
    /// What the outcome is brought back under.
    pub(crate) id: u64,
    /// The body as encoded.
    pub(crate) body: Bytes,
    /// What it is encoded in.
    pub(crate) encoding: Encoding,
    /// What it, or its halves, must travel in if they are encoded at all.
    pub(crate) travels_in: Encoding,
    /// Bytes before compression.
    pub(crate) raw_len: usize,
    /// Items in it.
    pub(crate) items: u64,
    /// Which kind of body it is, if its product has several.
    pub(crate) form: Option<Arc<Form>>,
    /// Whether a refused key may still be replaced.
    pub(crate) may_refresh_key: bool,
    /// When to give up.
    pub(crate) give_up_at: Instant,
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The intake has it.
    Accepted,
    /// The intake asks for another try.
    Busy {
        /// The pause it asks for.
        retry_after: Option<Duration>,
    },
    /// No complete answer came.
    Unreachable,
    /// The key was refused.
    KeyRefused {
        /// By which status; `None` if no header can carry it.
        status: Option<u16>,
        /// Whether there is another key now.
        changed: bool,
    },
    /// The encoding was refused.
    EncodingRefused,
    /// The body was too large; its halves, if it can be halved.
    TooLarge(Option<[Half; 2]>),
    /// Nothing helps.
    Refused {
        /// By which status.
        status: u16,
    },
    /// Our own encoding of the body could not be undone.
    Unreadable,
}

impl Outcome {
    /// Whether a payload is lost, or waits for a try which it did not deserve.
    fn is_failure(&self) -> bool {
        match self {
            Self::Accepted
            | Self::KeyRefused { changed: true, .. }
            | Self::EncodingRefused
            | Self::TooLarge(Some(_)) => false,
            Self::Busy { .. }
            | Self::Unreachable
            | Self::KeyRefused { changed: false, .. }
            | Self::TooLarge(None)
            | Self::Refused { .. }
            | Self::Unreadable => true,
        }
    }
}

/// A half of a body that was too large, encoded.
#[derive(Debug)]
pub(crate) struct Half {
    pub(crate) body: Bytes,
    pub(crate) encoding: Encoding,
    pub(crate) raw_len: usize,
    pub(crate) items: u64,
}

impl Worker {
    /// The state of an endpoint that was never tried.
    pub(crate) fn new(
        config: &Config,
        endpoint: &Endpoint,
        reliability: Reliability,
        ledger: Ledger,
    ) -> Self {
        let queue_bytes = match reliability {
            Reliability::Reliable => config.redrive_bytes,
            Reliability::Unreliable => config.redrive_bytes.min(UNRELIABLE_BYTES),
        };
        let concurrency = match config.order {
            Order::Kept => 1,
            Order::Free => config.concurrency.max(1),
        };
        let attempts = match reliability {
            Reliability::Reliable => config.attempts.max(1),
            Reliability::Unreliable => 1,
        };
        Self {
            ledger,
            reliability,
            encoding: endpoint.encoding,
            plain: false,
            order: config.order,
            overflow: config.overflow,
            concurrency,
            attempts,
            request_timeout: config.request_timeout.min(FOREVER),
            queue_bytes,
            max_age: config.redrive_age.min(FOREVER),
            queue: PendingQueue::default(),
            slots: Vec::new(),
            next_id: 0,
            redrive_was_last: false,
            backoff: Backoff::new(config.pauses),
            backed_off: None,
            asked_until: None,
            failing: false,
            circuit: Circuit::default(),
            tick_at: None,
            flush: None,
            drain: None,
        }
    }

    /// The encoding for bodies that are yet to be encoded.
    pub(crate) fn encoding(&self) -> Encoding {
        if self.plain {
            Encoding::Identity
        } else {
            self.encoding
        }
    }

    pub(crate) fn is_reliable(&self) -> bool {
        self.reliability == Reliability::Reliable
    }

    /// Whether the last attempt asked for another.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing
    }

    /// Whether a body of `bytes` may wait here without anything being dropped for it.
    ///
    /// While the endpoint fails, what holds a slot is likely to come back to the queue and counts as being there.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let slots = if self.failing {
            self.slots.as_slice()
        } else {
            &[]
        };
        let held = self.queue.bytes() + slot_bytes(slots);
        held == 0 || held.saturating_add(bytes) <= self.queue_bytes
    }

    /// Whether this endpoint takes a body of `bytes`, at the cost of its oldest if need be.
    pub(crate) fn takes(&self, bytes: usize) -> bool {
        let makes_room = self.overflow == Overflow::DropOldest && self.failing;
        self.has_room(bytes) || makes_room
    }

    /// Hands a payload over, or drops and counts it if there is no room and it is not worth the oldest.
    pub(crate) fn push(&mut self, pending: Pending, now: Instant) {
        if self.has_room(pending.body.len()) {
            self.queue.push(pending);
        } else if !self.is_reliable() {
            self.ledger.dropped(Reason::QueueFull, pending.items, now);
        } else if self.overflow == Overflow::DropOldest {
            self.queue.push(pending);
        } else {
            self.ledger.dropped(Reason::RedriveFull, pending.items, now);
        }
    }

    /// The next attempt that may be made now.
    pub(crate) fn start(&mut self, now: Instant) -> Option<Start> {
        self.settle_flush(now);
        self.tick(now);
        if now < self.resumes_at(now) || self.is_too_late(now) {
            return None;
        }
        let paused = self
            .slots
            .iter()
            .position(|slot| matches!(slot.state, SlotState::Pausing { until } if until <= now));
        if let Some(index) = paused {
            return self.attempt(index, now);
        }
        if !self.has_free_slot() {
            return None;
        }
        let pending = self.pick()?;
        self.redrive_was_last = pending.redriven;
        self.circuit.probe = false;
        self.slots.push(Slot {
            id: self.next_id,
            pending,
            state: SlotState::Pausing { until: now },
        });
        self.next_id += 1;
        self.attempt(self.slots.len() - 1, now)
    }

    /// Drops what has waited too long, and what is too much; call it when all that may start has started.
    pub(crate) fn trim(&mut self, now: Instant) {
        while self
            .queue
            .oldest()
            .is_some_and(|at| now >= at + self.max_age)
        {
            self.drop_oldest(Reason::RedriveExpired, now);
        }
        let drops = self.is_reliable() && self.overflow == Overflow::DropOldest;
        while drops && self.queue.len() > 1 && self.queue.bytes() > self.queue_bytes {
            self.drop_oldest(Reason::RedriveFull, now);
        }
    }

    /// When something may happen here without an outcome or a command; later than `now`.
    pub(crate) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let resumes_at = self.resumes_at(now);
        let pauses = self.slots.iter().filter_map(|slot| match slot.state {
            SlotState::Pausing { until } => Some(until.max(resumes_at)),
            SlotState::Sending { .. } => None,
        });
        let queued = (!self.queue.is_empty()).then_some(resumes_at);
        let expires = self.queue.oldest().map(|at| at + self.max_age);
        let tick = self.ticks().then_some(self.tick_at).flatten();
        pauses
            .chain(queued)
            .chain(expires)
            .chain(tick)
            .filter(|&at| at > now)
            .min()
    }

    /// Whether nothing waits and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.slots.is_empty()
    }

    /// Totals since the start, and what is pending.
    pub(crate) fn totals(&self) -> FlushReport {
        let bytes = slot_bytes(&self.slots);
        let items: u64 = self.slots.iter().map(|slot| slot.pending.items).sum();
        FlushReport {
            pending_payloads: count(self.queue.len() + self.slots.len()),
            pending_items: self.queue.items() + items,
            pending_bytes: count(self.queue.bytes() + bytes),
            ..self.ledger.totals().clone()
        }
    }

    /// Sets the gauge of bytes that wait for another try.
    pub(crate) fn show_waiting(&self) {
        let paused = self.slots.iter().filter(|slot| slot.is_pausing());
        self.ledger
            .waiting(self.queue.redrive_bytes() + slot_bytes(paused));
    }

    fn attempt(&mut self, index: usize, now: Instant) -> Option<Start> {
        let travels_in = self.encoding();
        let give_up_at = self.drain.unwrap_or(now + self.request_timeout);
        let slot = self.slots.get_mut(index)?;
        slot.state = SlotState::Sending { since: now };
        let pending = &mut slot.pending;
        pending.attempts += 1;
        if let Some(tried_at) = pending.tried_at {
            self.ledger.retried(now.saturating_duration_since(tried_at));
        }
        Some(Start {
            id: slot.id,
            body: pending.body.clone(),
            encoding: pending.encoding,
            travels_in,
            raw_len: pending.raw_len,
            items: pending.items,
            form: pending.form.clone(),
            may_refresh_key: !pending.key_refreshed,
            give_up_at,
        })
    }

    /// The payload that gets a free slot.
    fn pick(&mut self) -> Option<Pending> {
        let picked = self.pick_ready();
        if picked.is_some() || self.drain.is_none() {
            return picked;
        }
        // While draining, a payload whose attempts are used up is tried again when all others had theirs.
        self.queue.release();
        self.pick_ready()
    }

    fn pick_ready(&mut self) -> Option<Pending> {
        let through = self.flush.map_or(u64::MAX, |flush| flush.mark);
        if self.order == Order::Kept {
            return self.queue.pop_in_order(through);
        }
        let redrives = self.slots.iter().filter(|slot| slot.pending.redriven);
        let half = (self.concurrency / 2).max(1);
        if !self.redrive_was_last && redrives.count() < half {
            let due = self.queue.pop_due(through);
            due.or_else(|| self.queue.pop_fresh(through))
        } else {
            let fresh = self.queue.pop_fresh(through);
            fresh.or_else(|| self.queue.pop_due(through))
        }
    }

    fn has_free_slot(&self) -> bool {
        if self.circuit.is_open() && self.drain.is_none() {
            self.slots.is_empty() && self.circuit.probe
        } else {
            self.slots.len() < self.concurrency
        }
    }

    /// Lets what waits for another try have it.
    fn tick(&mut self, now: Instant) {
        if self.ticks() && self.tick_at.is_some_and(|at| at <= now) {
            self.tick_at = None;
            self.circuit.probe = true;
            self.queue.release();
        }
    }

    /// A flush gives each payload one round of attempts, and the drain one after the other: neither needs a tick.
    fn ticks(&self) -> bool {
        self.flush.is_none() && self.drain.is_none()
    }

    /// The end of the endpoint's pause, or `now` if there is none.
    fn resumes_at(&self, now: Instant) -> Instant {
        let backed_off = self.backed_off.map_or(now, |pause| pause.until);
        self.asked_until
            .map_or(now, |at| at.max(now))
            .max(backed_off)
    }

    fn drop_oldest(&mut self, reason: Reason, now: Instant) {
        if let Some(oldest) = self.queue.pop_oldest() {
            self.ledger.dropped(reason, oldest.items, now);
        }
    }

    /// How long a payload whose attempts are used up waits without a flush.
    fn redrive_tick(&self) -> Duration {
        if self.backoff.is_of_endpoint() {
            Duration::ZERO
        } else {
            REDRIVE_TICK
        }
    }
}

impl Slot {
    fn is_pausing(&self) -> bool {
        matches!(self.state, SlotState::Pausing { .. })
    }
}

fn slot_bytes<'a>(slots: impl IntoIterator<Item = &'a Slot>) -> usize {
    let bodies = slots.into_iter().map(|slot| slot.pending.body.len());
    bodies.sum()
}

impl Circuit {
    fn is_open(&self) -> bool {
        self.failures >= CIRCUIT_FAILURES
    }

    fn close(&mut self) {
        self.failures = 0;
    }

    fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.probe = false;
    }
}

#[cfg(test)]
mod tests;
