//! Collects serialised entries into batches bounded by count and by bytes.
//!
//! Knows nothing of time: the service decides when a batch is due.
//! The byte bound covers the JSON as sent, brackets and commas included.

pub mod service;

use bytes::Bytes;

use crate::EntryBlock;

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

/// The queue of entries and the batch that is being filled.
#[derive(Debug)]
pub struct Aggregator {}

impl Aggregator {
    /// An empty one.
    #[must_use]
    pub fn new(_limits: BatchLimits) -> Self {
        Self {}
    }

    /// Adds entries behind those already held.
    pub fn push(&mut self, _block: EntryBlock) {}

    /// Whether a batch is ready that cannot take another entry.
    #[must_use]
    pub fn is_full(&self) -> bool {
        false
    }

    /// Entries held.
    #[must_use]
    pub fn len(&self) -> usize {
        0
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Bytes of JSON held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        0
    }

    /// Takes the next batch, full or not; `None` when nothing is held.
    pub fn take(&mut self) -> Option<Batch> {
        None
    }
}

/// Halves a batch by entries, for an intake that found it too large; `None` for a batch of one.
#[must_use]
pub fn halve(_body: &Bytes) -> Option<[(Bytes, u64); 2]> {
    None
}
