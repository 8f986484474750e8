//! Collects serialised entries into batches bounded by count and by bytes.
//!
//! Knows nothing of time: the service decides when a batch is due.
//! The byte bound covers the JSON as sent, brackets and commas included.

pub mod service;

use std::collections::VecDeque;

use bytes::Bytes;

use crate::EntryBlock;
use crate::processor::scan::Scanner;

/// Limits of one batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Entries.
    pub entries: usize,
    /// Bytes of the JSON array.
    pub bytes: usize,
}

/// One request body: a JSON array of entries.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The array, before compression.
    pub body: Bytes,
    /// Entries in it.
    pub entries: u32,
}

/// What was dropped to make room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Entries.
    pub entries: usize,
    /// Bytes of their JSON.
    pub json_bytes: usize,
}

/// The queue of entries and the batch that is being filled.
///
/// Holds the blocks as they come and copies each entry once, into the batch that takes it. A block stays in memory
/// until its last entry is taken.
#[derive(Debug)]
pub struct Aggregator {
    limits: BatchLimits,
    blocks: VecDeque<EntryBlock>,
    /// Entries of the first block that earlier batches took.
    taken: usize,
    len: usize,
    bytes: usize,
    next: NextBatch,
}

/// How far the next batch reaches into what is held.
#[derive(Debug, Default)]
struct NextBatch {
    entries: usize,
    /// Bytes of the array, 0 without entries.
    bytes: usize,
    /// Whether it cannot take the entry after its last.
    is_full: bool,
}

impl NextBatch {
    /// Counts one more entry in, unless it does not fit.
    fn add(&mut self, length: usize, limits: &BatchLimits) {
        // Two brackets around the first, a comma before each other.
        let bytes = match self.entries {
            0 => length + 2,
            _ => self.bytes + length + 1,
        };
        // The first always fits: an entry beyond the limit travels alone rather than block those behind it.
        if self.entries > 0 && bytes > limits.bytes {
            self.is_full = true;
            return;
        }
        self.entries += 1;
        self.bytes = bytes;
        self.is_full = self.entries >= limits.entries || bytes >= limits.bytes;
    }
}

impl Aggregator {
    /// An empty one. An entry beyond `limits.bytes` becomes a batch of its own, the only kind that exceeds a limit.
    #[must_use]
    pub fn new(limits: BatchLimits) -> Self {
        Self {
            limits,
            blocks: VecDeque::new(),
            taken: 0,
            len: 0,
            bytes: 0,
            next: NextBatch::default(),
        }
    }

    /// Adds entries behind those already held.
    pub fn push(&mut self, block: EntryBlock) {
        if block.is_empty() {
            return;
        }
        self.len += block.len();
        self.bytes += block.json_bytes();
        extend(&mut self.next, &self.limits, &block, 0);
        self.blocks.push_back(block);
    }

    /// Whether a batch is ready that cannot take another entry.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.next.is_full
    }

    /// Entries held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of JSON held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the next batch, full or not; `None` when nothing is held.
    pub fn take(&mut self) -> Option<Batch> {
        let NextBatch { entries, bytes, .. } = std::mem::take(&mut self.next);
        if entries == 0 {
            return None;
        }
        let mut body = Vec::with_capacity(bytes);
        body.push(b'[');
        let mut wanted = entries;
        while let Some(block) = self.blocks.front() {
            let count = wanted.min(block.len() - self.taken);
            if count == 0 {
                break;
            }
            if body.len() > 1 {
                body.push(b',');
            }
            block.copy_joined(self.taken, count, &mut body);
            wanted -= count;
            self.taken += count;
            if self.taken == block.len() {
                self.blocks.pop_front();
                self.taken = 0;
            }
        }
        body.push(b']');
        debug_assert_eq!(body.len(), bytes, "the array is as long as it was counted");
        self.len -= entries;
        self.bytes -= bytes - 2 - (entries - 1);
        self.find_next();
        Some(Batch {
            body: body.into(),
            // A batch of more entries than that would not fit in memory.
            entries: u32::try_from(entries).unwrap_or(u32::MAX),
        })
    }

    /// Drops the oldest entries until at least so many entries, and so many bytes of JSON, are gone, or none is left.
    pub fn evict(&mut self, entries: usize, json_bytes: usize) -> Evicted {
        let mut evicted = Evicted::default();
        while evicted.entries < entries || evicted.json_bytes < json_bytes {
            let Some(block) = self.blocks.front() else {
                break;
            };
            evicted.json_bytes += block.lengths(self.taken).next().unwrap_or_default();
            evicted.entries += 1;
            self.taken += 1;
            if self.taken == block.len() {
                self.blocks.pop_front();
                self.taken = 0;
            }
        }
        self.len -= evicted.entries;
        self.bytes -= evicted.json_bytes;
        self.next = NextBatch::default();
        self.find_next();
        evicted
    }

    /// Measures the next batch anew. Each entry is looked at once a batch that it is in.
    fn find_next(&mut self) {
        let mut first = self.taken;
        for block in &self.blocks {
            extend(&mut self.next, &self.limits, block, first);
            if self.next.is_full {
                break;
            }
            first = 0;
        }
    }
}

/// Reaches further, into the entries of `block` from number `first` on.
fn extend(next: &mut NextBatch, limits: &BatchLimits, block: &EntryBlock, first: usize) {
    let mut lengths = block.lengths(first);
    while !next.is_full {
        let Some(length) = lengths.next() else { return };
        next.add(length, limits);
    }
}

/// Halves a batch by entries, for an intake that found it too large; `None` for a batch of one. The first half has
/// the odd entry. What is no array of JSON values is not halved either.
#[must_use]
pub fn halve(body: &Bytes) -> Option<[(Bytes, u64); 2]> {
    let commas = commas(std::str::from_utf8(body).ok()?)?;
    let entries = commas.len() + 1;
    let first = entries.div_ceil(2);
    let comma = *commas.get(first - 1)?;
    let mut head = Vec::with_capacity(comma + 1);
    head.extend_from_slice(&body[..comma]);
    head.push(b']');
    let mut tail = Vec::with_capacity(body.len() - comma);
    tail.push(b'[');
    tail.extend_from_slice(&body[comma + 1..]);
    Some([
        (head.into(), first as u64),
        (tail.into(), (entries - first) as u64),
    ])
}

/// Positions of the commas between the elements of a JSON array; `None` when it is none, or empty.
fn commas(json: &str) -> Option<Vec<usize>> {
    let mut scanner = Scanner::new(json);
    let mut commas = Vec::new();
    let mut separator = b'[';
    loop {
        scanner.skip_space();
        if !scanner.accept(separator) {
            break;
        }
        if separator == b',' {
            commas.push(scanner.position() - 1);
        }
        separator = b',';
        scanner.skip_space();
        scanner.value(1).ok()?;
    }
    let is_array = separator == b',' && scanner.accept(b']');
    scanner.skip_space();
    (is_array && scanner.is_at_end()).then_some(commas)
}

#[cfg(test)]
mod tests;
