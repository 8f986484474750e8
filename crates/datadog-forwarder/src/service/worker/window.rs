//! Times at which an endpoint has to be done: the deadline of a flush, and that of the drain.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Reason;
use tokio::time::Instant;

use super::{Slot, SlotState, Worker};
use crate::config::Order;

/// An attempt with less time than this is not begun.
const LEAST_TIME: Duration = Duration::from_millis(50);

/// A flush under way: payloads up to number `mark` are to be settled until `deadline`, and none after it starts
/// before that, so that nothing is under way when the endpoint is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) mark: u64,
    pub(super) deadline: Instant,
}

impl Worker {
    /// Begins a flush: what waits for another try gets a round of attempts.
    pub(crate) fn begin_flush(&mut self, mark: u64, deadline: Instant) {
        self.queue.release();
        self.circuit.probe = true;
        self.flush = Some(Window { mark, deadline });
    }

    /// Widens a flush that is under way, or reopens it for payloads that arrived since.
    pub(crate) fn widen_flush(&mut self, mark: u64, deadline: Instant) {
        let waits = self.queue.has_ready(mark) || !self.slots.is_empty();
        if self.flush.is_some() || waits {
            self.flush = Some(Window { mark, deadline });
        }
    }

    /// Ends the flush if it is done with this endpoint: all is settled, or waits since it cannot be tried in time.
    /// Returns whether there is none any more.
    pub(crate) fn settle_flush(&mut self, now: Instant) -> bool {
        let Some(Window { mark, deadline }) = self.flush else {
            return true;
        };
        if !self.may_start_before(deadline, now) {
            self.set_aside(now, mark);
        }
        let resumes_at = self.resumes_at(now);
        self.park_slots(now, |slot| match slot.state {
            SlotState::Pausing { until } => until.max(resumes_at) + LEAST_TIME > deadline,
            SlotState::Sending { .. } => false,
        });
        let under_way = self.slots.iter().any(|slot| slot.seq() <= mark);
        if !under_way && !self.queue.has_ready(mark) {
            self.flush = None;
        }
        self.flush.is_none()
    }

    /// Ends a flush that is not done: what is under way for it goes back to the queue, to be tried at the next flush
    /// or tick. Returns the attempts to cancel.
    pub(crate) fn cut_flush(&mut self, now: Instant) -> Vec<u64> {
        let Some(Window { mark, .. }) = self.flush.take() else {
            return Vec::new();
        };
        let cancelled = self
            .slots
            .iter()
            .filter(|slot| matches!(slot.state, SlotState::Sending { .. }) && slot.seq() <= mark)
            .map(|slot| slot.id)
            .collect();
        self.set_aside(now, mark);
        self.park_slots(now, |slot| slot.seq() <= mark);
        cancelled
    }

    /// Begins the drain, or shortens it: pauses are over, and all is tried until `deadline`.
    pub(crate) fn drain(&mut self, deadline: Instant, now: Instant) {
        if self.drain.replace(deadline).is_some() {
            return;
        }
        self.flush = None;
        self.queue.release();
        self.asked_until = None;
        self.backed_off = None;
        for slot in &mut self.slots {
            if let SlotState::Pausing { until } = &mut slot.state {
                *until = now;
            }
        }
    }

    /// Counts all that is left as lost in the shutdown.
    pub(crate) fn abandon(&mut self, now: Instant) {
        for slot in std::mem::take(&mut self.slots) {
            self.ledger
                .dropped(Reason::Shutdown, slot.pending.items, now);
        }
        while !self.queue.is_empty() {
            self.drop_oldest(Reason::Shutdown, now);
        }
    }

    /// Whether too little time is left to begin an attempt.
    pub(super) fn is_too_late(&self, now: Instant) -> bool {
        let deadlines = [self.flush.map(|flush| flush.deadline), self.drain];
        deadlines
            .into_iter()
            .flatten()
            .any(|deadline| now + LEAST_TIME > deadline)
    }

    /// Whether a queued payload may still get its turn before `deadline`.
    fn may_start_before(&self, deadline: Instant, now: Instant) -> bool {
        if self.resumes_at(now) + LEAST_TIME > deadline {
            return false;
        }
        let probe_is_over = self.circuit.is_open() && !self.circuit.probe;
        let held_back = self.order == Order::Kept && self.queue.is_held_back();
        !self.slots.is_empty() || !(probe_is_over || held_back)
    }

    /// Lets queued payloads up to number `mark` wait for the next flush or tick.
    fn set_aside(&mut self, now: Instant, mark: u64) {
        if self.queue.has_ready(mark) {
            self.queue.park_through(mark);
            self.schedule_tick(now);
        }
    }

    /// Sends the payloads of some slots back to the queue.
    fn park_slots(&mut self, now: Instant, parks: impl Fn(&Slot) -> bool) {
        let parked: Vec<_> = self.slots.extract_if(.., |slot| parks(slot)).collect();
        if parked.is_empty() {
            return;
        }
        for slot in parked {
            self.queue.park(slot.pending);
        }
        self.schedule_tick(now);
    }

    fn schedule_tick(&mut self, now: Instant) {
        self.tick_at = Some(now + self.redrive_tick());
    }
}

impl Slot {
    fn seq(&self) -> u64 {
        self.pending.place.seq()
    }
}
