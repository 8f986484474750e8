//! The cheapest form of a value: a number, its text, or an entry of the dictionary.

use std::hash::BuildHasher as _;

use crate::admission::{Seen, Sighting};
use crate::cluster::Slot;
use crate::dictionary::{Dictionary, Moment};
use crate::integer::is_canonical_int;
use crate::operation::{Operation, Operations, Value};

use super::{Encoder, Stats};

/// How long a value has to be for an entry of the dictionary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shortest {
    /// Bytes of the shortest value that may get an entry at its first sighting.
    early: usize,
    /// Bytes of the shortest value that may get an entry at all.
    entry: usize,
}

impl Shortest {
    /// A value of a pattern: words that stay the same are in its template, so the short ones are fragments.
    pub(super) const OF_PATTERN: Self = Self { early: 8, entry: 6 };
    /// A member of an object, which has no template: severities and methods are among its values, again and again.
    pub(super) const OF_OBJECT: Self = Self { early: 3, entry: 3 };
}

/// Bytes of the longest value that may get an entry.
const ENTRY_MAX_BYTES: usize = 2_000;
/// What one use of an entry saves of each byte of its text, after compression, in percent.
const SAVED_PERCENT: usize = 15;
/// What an entry costs besides its text, in percent of a byte.
const ENTRY_COST_PERCENT: usize = 600;

/// Digits of the longest number that travels as one.
const INT_MAX_DIGITS: usize = 16;

/// What is needed to find the cheapest form of a value.
pub(super) struct Values<'a> {
    pub(super) dictionary: &'a mut Dictionary,
    pub(super) seen: &'a mut Seen,
    pub(super) hasher: &'a foldhash::quality::FixedState,
    pub(super) open: &'a mut Operations,
    pub(super) stats: &'a mut Stats,
}

impl Encoder {
    /// What is needed to find the cheapest form of a value.
    pub(super) fn values(&mut self) -> Values<'_> {
        Values {
            dictionary: &mut self.dictionary,
            seen: &mut self.seen,
            hasher: &self.hasher,
            open: &mut self.open,
            stats: &mut self.stats,
        }
    }
}

impl Values<'_> {
    /// The value of a pattern, where a number and its text are the same.
    pub(super) fn encode(&mut self, text: &[u8], slot: &mut Slot, now: Moment) -> Value {
        if let Some(number) = is_canonical_int(text)
            && is_shorter_as_int(number, text)
        {
            return Value::Int(number);
        }
        self.encode_text(text, slot, Shortest::OF_PATTERN, now)
    }

    /// A value that is no number, whatever it looks like.
    ///
    /// Inlined by force, as it was before it had three callers: a call for each value is one percent of all work.
    #[inline(always)]
    pub(super) fn encode_text(
        &mut self,
        text: &[u8],
        slot: &mut Slot,
        shortest: Shortest,
        now: Moment,
    ) -> Value {
        if text.len() < shortest.entry || text.len() > ENTRY_MAX_BYTES || slot.fleeting {
            return Value::Text(self.open.keep_text(text));
        }
        let hash = self.hasher.hash_one(text);
        slot.seen = slot.seen.saturating_add(1);
        if let Some(id) = self.dictionary.find(hash, text, now) {
            self.stats.dictionary_hits += 1;
            return Value::Dict(id);
        }
        self.stats.dictionary_misses += 1;
        let sighting = self.seen.note(hash);
        if sighting == Sighting::First {
            slot.fresh = slot.fresh.saturating_add(1);
        }
        if sighting == Sighting::Before || slot.expects_return(text.len(), shortest) {
            let id = self.dictionary.add(hash, text, now);
            let text = self.open.keep_text(text);
            self.open.push(Operation::DefineText { id, text });
            self.stats.texts_defined += 1;
            return Value::Dict(id);
        }
        Value::Text(self.open.keep_text(text))
    }
}

impl Slot {
    /// Whether a new value of so many bytes will be used so often that an entry pays from the start.
    fn expects_return(&self, bytes: usize, shortest: Shortest) -> bool {
        if bytes < shortest.early {
            return false;
        }
        // Each fresh value so far has come back so many times on average.
        let (returns, fresh) = (
            u64::from(self.seen.saturating_sub(self.fresh)),
            u64::from(self.fresh) + 1,
        );
        returns * (SAVED_PERCENT * bytes) as u64 > fresh * ENTRY_COST_PERCENT as u64
    }
}

/// A negative number takes ten bytes; and a long one is random, which as bytes hinders the compressor more than as digits.
fn is_shorter_as_int(number: i64, text: &[u8]) -> bool {
    number >= 0 && text.len() <= INT_MAX_DIGITS
}
