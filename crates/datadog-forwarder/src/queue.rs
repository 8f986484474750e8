//! The queue of an endpoint, bounded in bytes.
//!
//! The queue knows the order of payloads and their bytes. When one is due, too old or one too many is its owner's
//! decision.
//!
//! # Whose bytes a payload holds
//!
//! A payload comes with a [`Reservation`] for its raw body. Once it is compressed, the raw body is gone and the
//! reservation is divided: each encoded body that a reliable endpoint uses keeps its own size, and the rest is given
//! back. Endpoints with the same encoding share one body and one part, which is given back when the last of them has
//! settled the payload. The halves of a payload hold the part of the whole until both are settled. Unreliable
//! endpoints hold no part, since they must never hold anything back: what only they still have is bounded by their
//! own buffer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use datadog_agent_runtime::budget::Reservation;
use tokio::time::Instant;

use crate::{Encoding, Form};

/// Where a payload stands in the order of handing over. Halves divide the place of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    seq: u64,
    part: u32,
    span: u32,
}

impl Place {
    /// The place of the payload that was handed over as number `seq`.
    pub(crate) fn whole(seq: u64) -> Self {
        Self {
            seq,
            part: 0,
            span: 1 << 31,
        }
    }

    /// The number of the payload that this is, or is a part of.
    pub(crate) fn seq(self) -> u64 {
        self.seq
    }

    /// The places of its halves; `None` after 31 halvings, so that a product which never halves really is no endless
    /// loop.
    pub(crate) fn halves(self) -> Option<[Self; 2]> {
        let span = self.span / 2;
        let first = Self { span, ..self };
        let second = Self {
            part: self.part + span,
            ..first
        };
        (span > 0).then_some([first, second])
    }
}

/// A payload on its way to one endpoint.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) place: Place,
    /// The body as encoded.
    pub(crate) body: Bytes,
    /// What it is encoded in.
    pub(crate) encoding: Encoding,
    /// Bytes before compression.
    pub(crate) raw_len: usize,
    pub(crate) items: u64,
    /// Which kind of body it is, if its product has several.
    pub(crate) form: Option<Arc<Form>>,
    /// When it was handed over.
    pub(crate) accepted_at: Instant,
    /// Attempts in this round.
    pub(crate) attempts: u32,
    /// When its last attempt ended, if there was one.
    pub(crate) tried_at: Option<Instant>,
    /// Whether a round of attempts has ended without success.
    pub(crate) redriven: bool,
    /// Whether its refusal has already made the source of the key look for another.
    pub(crate) key_refreshed: bool,
    /// Its part of the pipeline's budget, held until dropped.
    pub(crate) reservation: Option<Arc<Reservation>>,
}

/// The payloads of one endpoint that are not under way, in the order of handing over.
#[derive(Debug, Default)]
pub(crate) struct PendingQueue {
    /// Never tried.
    fresh: Class,
    /// To be tried again, now.
    due: Class,
    /// To be tried again, after the next release.
    parked: Class,
}

#[derive(Debug, Default)]
struct Class {
    payloads: BTreeMap<Place, Pending>,
    bytes: usize,
    items: u64,
}

impl PendingQueue {
    /// Adds a payload that may start now.
    pub(crate) fn push(&mut self, pending: Pending) {
        if pending.redriven {
            self.due.insert(pending);
        } else {
            self.fresh.insert(pending);
        }
    }

    /// Adds a payload that waits for the next release.
    pub(crate) fn park(&mut self, mut pending: Pending) {
        pending.redriven = true;
        pending.attempts = 0;
        self.parked.insert(pending);
    }

    /// Parks what may start now and was handed over up to number `through`.
    pub(crate) fn park_through(&mut self, through: u64) {
        while let Some(pending) = self.pop_due(through).or_else(|| self.pop_fresh(through)) {
            self.park(pending);
        }
    }

    /// Lets all that is parked start.
    pub(crate) fn release(&mut self) {
        let Class {
            mut payloads,
            bytes,
            items,
        } = std::mem::take(&mut self.parked);
        self.due.payloads.append(&mut payloads);
        self.due.bytes += bytes;
        self.due.items += items;
    }

    /// Takes the oldest never tried, if its number is at most `through`.
    pub(crate) fn pop_fresh(&mut self, through: u64) -> Option<Pending> {
        self.fresh.pop(through)
    }

    /// Takes the oldest that is to be tried again now, if its number is at most `through`.
    pub(crate) fn pop_due(&mut self, through: u64) -> Option<Pending> {
        self.due.pop(through)
    }

    /// Takes the oldest of all, if it may start and its number is at most `through`.
    pub(crate) fn pop_in_order(&mut self, through: u64) -> Option<Pending> {
        if self.is_held_back() {
            return None;
        }
        match (self.fresh.first(), self.due.first()) {
            (Some(fresh), Some(due)) if due < fresh => self.due.pop(through),
            (Some(_), _) => self.fresh.pop(through),
            (None, _) => self.due.pop(through),
        }
    }

    /// Whether the oldest of all is parked.
    pub(crate) fn is_held_back(&self) -> bool {
        let ready = [self.fresh.first(), self.due.first()];
        let ready = ready.into_iter().flatten().min();
        match (self.parked.first(), ready) {
            (Some(parked), Some(ready)) => parked < ready,
            (parked, None) => parked.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// Whether something with a number of at most `through` may start.
    pub(crate) fn has_ready(&self, through: u64) -> bool {
        [self.fresh.first(), self.due.first()]
            .into_iter()
            .flatten()
            .any(|place| place.seq <= through)
    }

    /// Takes the oldest of all.
    pub(crate) fn pop_oldest(&mut self) -> Option<Pending> {
        let oldest = self
            .classes_mut()
            .into_iter()
            .filter(|class| !class.payloads.is_empty())
            .min_by_key(|class| class.first())?;
        oldest.pop(u64::MAX)
    }

    /// When the oldest of all was handed over.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let firsts = self.classes().map(|class| class.payloads.first_key_value());
        let (_, pending) = firsts.into_iter().flatten().min_by_key(|entry| entry.0)?;
        Some(pending.accepted_at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Payloads held.
    pub(crate) fn len(&self) -> usize {
        self.classes()
            .map(|class| class.payloads.len())
            .iter()
            .sum()
    }

    /// Encoded bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.classes().map(|class| class.bytes).iter().sum()
    }

    /// Encoded bytes of those that were tried before.
    pub(crate) fn redrive_bytes(&self) -> usize {
        self.due.bytes + self.parked.bytes
    }

    /// Items held.
    pub(crate) fn items(&self) -> u64 {
        self.classes().map(|class| class.items).iter().sum()
    }

    fn classes(&self) -> [&Class; 3] {
        [&self.fresh, &self.due, &self.parked]
    }

    fn classes_mut(&mut self) -> [&mut Class; 3] {
        [&mut self.fresh, &mut self.due, &mut self.parked]
    }
}

impl Class {
    fn insert(&mut self, pending: Pending) {
        self.bytes += pending.body.len();
        self.items += pending.items;
        let twin = self.payloads.insert(pending.place, pending);
        debug_assert!(twin.is_none(), "each place is taken once");
    }

    fn first(&self) -> Option<Place> {
        self.payloads.first_key_value().map(|(place, _)| *place)
    }

    fn pop(&mut self, through: u64) -> Option<Pending> {
        let first = self.payloads.first_entry()?;
        if first.key().seq > through {
            return None;
        }
        let pending = first.remove();
        self.bytes -= pending.body.len();
        self.items -= pending.items;
        Some(pending)
    }
}

#[cfg(test)]
mod tests;
