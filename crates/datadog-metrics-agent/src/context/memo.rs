//! Where messages lead that came before, found by their bytes.
//!
//! A message is known by 128 bits of two hashes with random seeds, since to compare its bytes would cost more than all
//! the rest: with a million of them, two are taken for one with a chance of one in 10^26.
//! Bounded in number, and in time: what is not asked for between two calls of [`Memo::age`] is forgotten, or else
//! messages that never come again would take the place of those that do.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::{Found, Message};

/// Messages for which memory is kept when few are left.
const KEPT: usize = 1_024;

/// The bytes of a message, as far as they matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fingerprint([u64; 2]);

/// The messages that are known.
#[derive(Debug)]
pub(super) struct Memo {
    table: HashTable<Entry>,
    max: usize,
    hashes: [RandomState; 2],
}

/// Aligned so that none lies in two cache lines.
#[derive(Debug)]
#[repr(align(32))]
struct Entry {
    fingerprint: Fingerprint,
    found: Found,
    /// Whether it was asked for since the last look.
    used: bool,
}

impl Memo {
    /// Of at most so many messages.
    pub(super) fn new(max: usize) -> Self {
        Self {
            table: HashTable::new(),
            max,
            hashes: [RandomState::default(), RandomState::default()],
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.table.allocation_size()
    }

    /// Where a message leads, if that is known.
    #[inline]
    pub(super) fn find(&mut self, fingerprint: Fingerprint) -> Option<Found> {
        let same = |entry: &Entry| entry.fingerprint == fingerprint;
        let entry = self.table.find_mut(fingerprint.hash(), same)?;
        // Not written where it is so already: that is nearly always.
        if !entry.used {
            entry.used = true;
        }
        Some(entry.found)
    }

    /// Remembers where a message leads, if there is room.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, found: Found) {
        let same = |entry: &Entry| entry.fingerprint == fingerprint;
        if let Some(entry) = self.table.find_mut(fingerprint.hash(), same) {
            (entry.found, entry.used) = (found, true);
        } else if self.table.len() < self.max {
            let entry = Entry {
                fingerprint,
                found,
                used: true,
            };
            let hash = |entry: &Entry| entry.fingerprint.hash();
            self.table.insert_unique(fingerprint.hash(), entry, hash);
        }
    }

    /// Keeps those messages whose end is still there.
    pub(super) fn retain(&mut self, is_there: impl Fn(Found) -> bool) {
        self.table.retain(|entry| is_there(entry.found));
    }

    /// Forgets the messages that were not asked for since the last time, and gives memory back that is of no use.
    pub(super) fn age(&mut self) {
        self.table
            .retain(|entry| std::mem::replace(&mut entry.used, false));
        if self.table.len() < self.table.capacity() / 8 {
            let kept = (2 * self.table.len()).max(KEPT);
            let hash = |entry: &Entry| entry.fingerprint.hash();
            self.table.shrink_to(kept, hash);
        }
    }

    #[inline]
    pub(super) fn fingerprint(&self, message: &Message<'_>) -> Fingerprint {
        let [first, second] = &self.hashes;
        let Message {
            class,
            name,
            tags,
            origin,
        } = *message;
        // The lengths keep name and tags apart.
        let kind = class as u64 ^ (tags.len() as u64) << 8 ^ (name.len() as u64) << 32;
        let mut hashers = [first.build_hasher(), second.build_hasher()];
        for hasher in &mut hashers {
            hasher.write_u64(kind);
            hasher.write(tags);
            hasher.write(name);
            if !origin.is_empty() {
                hasher.write(origin);
            }
        }
        Fingerprint(hashers.map(|hasher| hasher.finish()))
    }
}

impl Fingerprint {
    const fn hash(self) -> u64 {
        self.0[0]
    }
}
