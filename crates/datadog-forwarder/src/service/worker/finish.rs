//! What an outcome does to a payload and to its endpoint.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Reason;
use tokio::time::Instant;

use crate::queue::Pending;

use super::{Half, Outcome, Pause, Slot, SlotState, Worker};

/// The pauses between attempts while draining: time is short, but a refused connection must not become a busy loop.
const MIN_DRAIN_PAUSE: Duration = Duration::from_millis(10);
const MAX_DRAIN_PAUSE: Duration = Duration::from_millis(100);

impl Worker {
    /// Takes back the outcome of an attempt; one that was cancelled meanwhile changes nothing.
    ///
    /// `unit` is random in [0, 1).
    pub(crate) fn finish(&mut self, id: u64, outcome: Outcome, now: Instant, unit: f64) {
        let Some(index) = self.slots.iter().position(|slot| slot.id == id) else {
            return;
        };
        let mut slot = self.slots.swap_remove(index);
        slot.pending.tried_at = Some(now);
        let reached = !matches!(outcome, Outcome::Unreachable);
        if reached {
            self.circuit.close();
        }
        let items = slot.pending.items;
        if outcome.is_failure() {
            self.ledger.failed(slot.pending.attempts.saturating_sub(1));
        }
        match outcome {
            Outcome::Accepted => self.accepted(&slot.pending, now, unit),
            Outcome::Busy { retry_after } => self.failed(slot, retry_after, reached, now, unit),
            Outcome::Unreachable => self.failed(slot, None, reached, now, unit),
            Outcome::KeyRefused { changed: true, .. } => self.again_with_new_key(slot, now),
            Outcome::KeyRefused { status, .. } => self.ledger.key_refused(items, status, now),
            Outcome::EncodingRefused => self.again_uncompressed(slot, now),
            Outcome::TooLarge(halves) => self.too_large(&slot.pending, halves, now),
            Outcome::Refused { status } => self.ledger.refused(items, status, now),
            Outcome::Unreadable => self.ledger.dropped(Reason::Parse, items, now),
        }
    }

    fn accepted(&mut self, pending: &Pending, now: Instant, unit: f64) {
        let wire = match self.plain {
            true => pending.raw_len,
            false => pending.body.len(),
        };
        self.ledger.sent(pending, wire);
        self.failing = false;
        self.backoff.succeeded();
        // Errors that one success does not take back still slow the endpoint down.
        let pause = self.backoff.pause(1, unit);
        let slow = self.backoff.is_of_endpoint() && !pause.is_zero() && self.drain.is_none();
        self.backed_off = slow.then(|| Pause {
            since: now,
            until: now + pause,
        });
    }

    /// The next try needs no pause and is not counted as one, since the endpoint is well.
    fn again_with_new_key(&mut self, mut slot: Slot, now: Instant) {
        slot.pending.key_refreshed = true;
        self.again(slot, now);
    }

    fn again_uncompressed(&mut self, slot: Slot, now: Instant) {
        self.plain = true;
        self.again(slot, now);
    }

    fn again(&mut self, mut slot: Slot, now: Instant) {
        slot.pending.attempts = slot.pending.attempts.saturating_sub(1);
        slot.state = SlotState::Pausing { until: now };
        self.slots.push(slot);
    }

    /// The halves stand where the whole stood, so that they go ahead of all that is behind it.
    fn too_large(&mut self, whole: &Pending, halves: Option<[Half; 2]>, now: Instant) {
        let Some((halves, places)) = halves.zip(whole.place.halves()) else {
            self.ledger.dropped(Reason::TooLarge, whole.items, now);
            return;
        };
        for (half, place) in halves.into_iter().zip(places) {
            self.queue.push(Pending {
                place,
                body: half.body,
                encoding: half.encoding,
                raw_len: half.raw_len,
                items: half.items,
                form: whole.form.clone(),
                accepted_at: whole.accepted_at,
                attempts: 0,
                tried_at: None,
                redriven: whole.redriven,
                key_refreshed: whole.key_refreshed,
                reservation: whole.reservation.clone(),
            });
        }
    }

    fn failed(
        &mut self,
        mut slot: Slot,
        retry_after: Option<Duration>,
        reached: bool,
        now: Instant,
        unit: f64,
    ) {
        self.failing = true;
        let until = self.back_off(&slot, retry_after, now, unit);
        if slot.pending.attempts < self.attempts {
            slot.state = SlotState::Pausing { until };
            self.slots.push(slot);
            return;
        }
        if !reached {
            self.circuit.failed();
        }
        let tick = self.redrive_tick();
        self.tick_at.get_or_insert(now + tick);
        if self.is_reliable() {
            self.queue.park(slot.pending);
        } else {
            // An unreliable endpoint has no queue of payloads that wait for another try.
            self.ledger
                .dropped(Reason::RedriveFull, slot.pending.items, now);
        }
    }

    /// Notes a failure for the endpoint; returns when the payload may be tried again.
    fn back_off(
        &mut self,
        slot: &Slot,
        retry_after: Option<Duration>,
        now: Instant,
        unit: f64,
    ) -> Instant {
        if self.drain.is_some() {
            self.backoff.failed();
            let pause = self.backoff.pause(slot.pending.attempts, unit);
            let until = now + pause.clamp(MIN_DRAIN_PAUSE, MAX_DRAIN_PAUSE);
            self.backed_off = Some(Pause { since: now, until });
            return until;
        }
        if let Some(asked) = retry_after {
            self.asked_until = self.asked_until.max(Some(now + asked));
        }
        if !self.backoff.is_of_endpoint() {
            return now + self.backoff.pause(slot.pending.attempts, unit);
        }
        if let Some(pause) = self.backed_off
            && slot.began_before(pause.since)
        {
            // It was under way when the endpoint began its pause, and says nothing new.
            return pause.until;
        }
        self.backoff.failed();
        let until = now + self.backoff.pause(slot.pending.attempts, unit);
        self.backed_off = Some(Pause { since: now, until });
        until
    }
}

impl Slot {
    fn began_before(&self, time: Instant) -> bool {
        matches!(self.state, SlotState::Sending { since } if since < time)
    }
}
