//! From what a client or source gave to serialised entries: parsing, rules, enrichment, oversize policy.
//!
//! Pure: time is an argument, counts come back in a [`Tally`]. Where no rule and no enrichment applies, JSON is
//! checked and sliced, never rebuilt.

use bytes::Bytes;

use crate::rules::Rules;
use crate::{EntryBlock, IntakeEntry};

/// What is added to entries that lack it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enrichment {
    /// Host name, for entries without one.
    pub hostname: Option<String>,
    /// Service, for entries without one.
    pub service: Option<String>,
    /// Source, for entries without one.
    pub ddsource: Option<String>,
    /// Tags appended to those of the entry, exact repeats left out.
    pub tags: Vec<String>,
    /// Status, for entries without one.
    pub status: Option<String>,
}

/// What happens to entries over the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// Cut the message until the entry fits.
    Truncate,
    /// Drop and count.
    Drop,
    /// Send as it is, for the backend to cut.
    Send,
}

/// Limits of one entry.
#[derive(Debug, Clone, Copy)]
pub struct EntryLimits {
    /// Bytes of a message that are kept.
    pub message_bytes: usize,
    /// Bytes of a serialised entry.
    pub entry_bytes: usize,
    /// What happens beyond.
    pub oversize: Oversize,
}

/// What became of entries; every one received is processed, excluded or dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries received.
    pub received: u64,
    /// Entries in the block.
    pub processed: u64,
    /// Entries that a rule dropped, by its name.
    pub excluded: Vec<(String, u64)>,
    /// Entries cut.
    pub truncated: u64,
    /// Entries dropped as too large.
    pub too_large: u64,
    /// Entries older than the intake shows.
    pub too_old: u64,
}

/// Values that fill absent keys of every entry of one request, from its query string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `hostname`.
    pub hostname: Option<String>,
    /// `service`.
    pub service: Option<String>,
    /// `ddsource`.
    pub ddsource: Option<String>,
    /// `ddtags`.
    pub ddtags: Option<String>,
}

/// Why a body was refused; its text never holds more than 64 bytes of the client's data.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("invalid JSON: {0}")]
pub struct BodyError(pub String);

/// Turns bytes and entries into blocks.
#[derive(Debug, Clone)]
pub struct Processor {
    /// Applied to every entry.
    pub rules: Rules,
    /// Added to every entry.
    pub enrichment: Enrichment,
    /// Limits of every entry.
    pub limits: EntryLimits,
}

impl Processor {
    /// One request body, whole or not at all.
    ///
    /// # Errors
    /// Names the entry that could not be read.
    pub fn body(
        &self,
        _body: Bytes,
        _content_type: Option<&str>,
        _defaults: &Defaults,
        _now_ms: i64,
    ) -> Result<(EntryBlock, Tally), BodyError> {
        Ok((EntryBlock::default(), Tally::default()))
    }

    /// Entries of a handle.
    #[must_use]
    pub fn entries(&self, _entries: &[IntakeEntry], _now_ms: i64) -> (EntryBlock, Tally) {
        (EntryBlock::default(), Tally::default())
    }

    /// Lines of a file or stream, without their ends; bytes that are not UTF-8 are replaced. Each becomes an entry
    /// of its own (or several, when it is longer than a message may be).
    #[must_use]
    pub fn lines<'a>(
        &self,
        _lines: impl Iterator<Item = &'a [u8]>,
        _now_ms: i64,
    ) -> (EntryBlock, Tally) {
        (EntryBlock::default(), Tally::default())
    }
}
