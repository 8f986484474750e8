//! The dictionary of the stream: texts that both ends know by a number.

use hashbrown::HashTable;

use crate::eviction::{Candidate, Limits, Usage};
use crate::operation::DictId;

/// The log that is being encoded, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds, on any clock that does not jump.
    pub(crate) ms: i64,
    /// The number of the log.
    pub(crate) log: u64,
}

/// Texts by their ids, and ids by their texts.
#[derive(Debug)]
pub(crate) struct Dictionary {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    by_text: HashTable<u32>,
    next_id: DictId,
    text_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: DictId,
    hash: u64,
    text: Box<[u8]>,
    usage: Usage,
    /// The log that used it last: what a log uses stays until the log is out.
    log: u64,
}

/// Memory of an entry besides its text: the entry, and its place in the table of hashes.
const ENTRY_BYTES: usize = size_of::<Option<Entry>>() + 2 * size_of::<u32>();
/// Entries for which room is made at once.
const GROWTH: usize = 64;

impl Dictionary {
    /// An empty dictionary whose first entry will have the given id.
    pub(crate) fn new(first_id: DictId) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            by_text: HashTable::new(),
            next_id: first_id,
            text_bytes: 0,
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.by_text.len()
    }

    /// The memory that the entries take.
    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes + self.len() * ENTRY_BYTES
    }

    /// The memory that is allocated, with the room for entries to come.
    pub(crate) fn allocated(&self) -> usize {
        self.text_bytes
            + self.entries.capacity() * size_of::<Option<Entry>>()
            + self.free.capacity() * size_of::<u32>()
            + self.by_text.allocation_size()
    }

    /// The id of a text, if it has an entry; counts the use by a log.
    pub(crate) fn find(&mut self, hash: u64, text: &[u8], now: Moment) -> Option<DictId> {
        let entries = &self.entries;
        let index = *self.by_text.find(hash, |index| {
            entries[*index as usize]
                .as_ref()
                .is_some_and(|entry| *entry.text == *text)
        })?;
        let entry = self.entries[index as usize].as_mut()?;
        entry.usage.touch(now.ms);
        entry.log = now.log;
        Some(entry.id)
    }

    /// Adds a text that has no entry, and returns its new id.
    pub(crate) fn add(&mut self, hash: u64, text: &[u8], now: Moment) -> DictId {
        let id = self.next_id;
        self.next_id += 1;
        self.text_bytes += text.len();
        let entry = Some(Entry {
            id,
            hash,
            text: text.into(),
            usage: Usage::new(now.ms),
            log: now.log,
        });
        let index = if let Some(index) = self.free.pop() {
            self.entries[index as usize] = entry;
            index
        } else {
            if self.entries.len() == self.entries.capacity() {
                self.entries.reserve_exact(GROWTH);
            }
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        };
        let entries = &self.entries;
        self.by_text.insert_unique(hash, index, |index| {
            entries[*index as usize]
                .as_ref()
                .map_or(0, |entry| entry.hash)
        });
        id
    }

    /// Removes the entries that the limits ask to leave, except those that the current log uses, and names them.
    pub(crate) fn evict(&mut self, limits: &Limits, now: Moment, evicted: &mut Vec<DictId>) {
        if !limits.exceeded(self.len(), self.bytes()) {
            return;
        }
        let mut candidates: Vec<Candidate> = (0_u32..)
            .zip(&self.entries)
            .filter_map(|(index, entry)| Some((index, entry.as_ref()?)))
            .filter(|(_, entry)| entry.log != now.log && limits.may_leave(&entry.usage, now.ms))
            .map(|(index, entry)| Candidate {
                index,
                bytes: entry.text.len() + ENTRY_BYTES,
                score: entry.usage.score(now.ms, limits.age_decay),
            })
            .collect();
        let leaving = limits.choose(self.len(), self.bytes(), &mut candidates);
        for candidate in &candidates[..leaving] {
            if let Some(id) = self.remove(candidate.index) {
                evicted.push(id);
            }
        }
    }

    /// The ids of all entries, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = DictId> {
        self.entries.iter().flatten().map(|entry| entry.id)
    }

    fn remove(&mut self, index: u32) -> Option<DictId> {
        let entry = self.entries.get_mut(index as usize)?.take()?;
        if let Ok(found) = self.by_text.find_entry(entry.hash, |other| *other == index) {
            found.remove();
        }
        self.free.push(index);
        self.text_bytes -= entry.text.len();
        Some(entry.id)
    }
}
