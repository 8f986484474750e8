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
    entries: Vec<Entry>,
    by_text: HashTable<u32>,
    next_id: DictId,
    text_bytes: usize,
    /// Entries that may not leave, and their memory.
    pinned: usize,
    pinned_bytes: usize,
    /// The log before which nothing is evicted, unless a limit is reached.
    evict_from: u64,
}

/// Logs from one eviction to the next, as long as no limit is reached.
const EVICTION_PAUSE: u64 = 64;

#[derive(Debug)]
struct Entry {
    id: DictId,
    hash: u64,
    text: Box<[u8]>,
    usage: Usage,
    /// The log that used it last: what a log uses stays until the log is out.
    log: u64,
    /// How many schemas have it as a key: they need it as long as they live.
    pins: u32,
}

/// Memory of an entry besides its text: the entry, and its place in the table of hashes.
const ENTRY_BYTES: usize = size_of::<Entry>() + 2 * size_of::<u32>();
/// Entries for which room is made at once.
const GROWTH: usize = 64;

impl Dictionary {
    /// The memory of an entry besides its text.
    pub(crate) const ENTRY_BYTES: usize = ENTRY_BYTES;

    /// An empty dictionary whose first entry will have the given id.
    pub(crate) fn new(first_id: DictId) -> Self {
        Self {
            entries: Vec::new(),
            by_text: HashTable::new(),
            next_id: first_id,
            text_bytes: 0,
            pinned: 0,
            pinned_bytes: 0,
            evict_from: 0,
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.by_text.len()
    }

    /// The memory that is allocated, with the room for entries to come.
    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes
            + self.entries.capacity() * size_of::<Entry>()
            + self.by_text.allocation_size()
    }

    /// The id of a text, if it has an entry; counts the use by a log.
    pub(crate) fn find(&mut self, hash: u64, text: &[u8], now: Moment) -> Option<DictId> {
        let entries = &self.entries;
        let index = *self
            .by_text
            .find(hash, |index| *entries[*index as usize].text == *text)?;
        let entry = &mut self.entries[index as usize];
        entry.usage.touch(now.ms);
        entry.log = now.log;
        Some(entry.id)
    }

    /// Adds a text that has no entry, and returns its new id.
    pub(crate) fn add(&mut self, hash: u64, text: &[u8], now: Moment) -> DictId {
        let id = self.next_id;
        self.next_id += 1;
        self.text_bytes += text.len();
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(GROWTH);
        }
        self.entries.push(Entry {
            id,
            hash,
            text: text.into(),
            usage: Usage::new(now.ms),
            log: now.log,
            pins: 0,
        });
        self.list(self.entries.len() - 1);
        id
    }

    /// Removes the entries that the limits ask to leave, except those that the current log
    /// uses and those that are pinned, and names them.
    pub(crate) fn evict(&mut self, limits: &Limits, now: Moment, evicted: &mut Vec<DictId>) {
        let (items, bytes) = (self.len(), self.bytes());
        let full = limits.full(items, bytes);
        if !limits.exceeded(items, bytes) || (!full && now.log < self.evict_from) {
            return;
        }
        let mut candidates: Vec<Candidate> = (0_u32..)
            .zip(&self.entries)
            .filter(|(_, entry)| entry.log != now.log && entry.pins == 0)
            .filter(|(_, entry)| full || limits.may_leave(&entry.usage, now.ms))
            .map(|(index, entry)| Candidate {
                index,
                bytes: entry.text.len() + ENTRY_BYTES,
                score: entry.usage.score(now.ms, limits.age_decay),
            })
            .collect();
        let leaving = limits.choose(items, bytes, &mut candidates);
        evicted.extend(candidates[..leaving].iter().map(|leaving| {
            let entry = &mut self.entries[leaving.index as usize];
            std::mem::take(&mut entry.id)
        }));
        if leaving > 0 {
            self.forget_nameless();
        }
        if limits.exceeded(self.len(), self.bytes()) {
            // What is too young to leave now need not be looked at again for every log.
            self.evict_from = now.log + EVICTION_PAUSE;
        }
    }

    /// Keeps an entry until it is unpinned as often.
    pub(crate) fn pin(&mut self, id: DictId) {
        let Some(entry) = self.by_id(id) else {
            return;
        };
        entry.pins += 1;
        if entry.pins == 1 {
            let bytes = entry.text.len() + ENTRY_BYTES;
            self.pinned += 1;
            self.pinned_bytes += bytes;
        }
    }

    /// Takes one pin away.
    pub(crate) fn unpin(&mut self, id: DictId) {
        let Some(entry) = self.by_id(id) else {
            return;
        };
        entry.pins -= 1;
        if entry.pins == 0 {
            let bytes = entry.text.len() + ENTRY_BYTES;
            self.pinned -= 1;
            self.pinned_bytes -= bytes;
        }
    }

    /// How many entries are pinned.
    pub(crate) fn pinned(&self) -> usize {
        self.pinned
    }

    /// The memory of the entries that are pinned.
    pub(crate) fn pinned_bytes(&self) -> usize {
        self.pinned_bytes
    }

    /// Entries stand in the order of their ids: a new one has the highest.
    fn by_id(&mut self, id: DictId) -> Option<&mut Entry> {
        let index = self.entries.binary_search_by_key(&id, |entry| entry.id);
        self.entries.get_mut(index.ok()?)
    }

    /// The ids of all entries, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = DictId> {
        self.entries.iter().map(|entry| entry.id)
    }

    /// Lets go of the entries whose id was taken away, and of the memory that is too much for the others.
    fn forget_nameless(&mut self) {
        self.entries.retain(|entry| entry.id != 0);
        self.entries.shrink_to(self.entries.len() + GROWTH);
        self.text_bytes = self.entries.iter().map(|entry| entry.text.len()).sum();
        self.by_text.clear();
        self.by_text.shrink_to(self.entries.len(), |_| 0);
        for index in 0..self.entries.len() {
            self.list(index);
        }
    }

    /// Makes an entry known by its text.
    fn list(&mut self, index: usize) {
        let entries = &self.entries;
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        self.by_text
            .insert_unique(entries[index].hash, place, |index| {
                entries[*index as usize].hash
            });
    }
}
