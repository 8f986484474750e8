//! From what a client or source gave to serialised entries: parsing, rules, enrichment, oversize policy.
//!
//! Pure: time is an argument, counts come back in a [`Tally`]. Never builds a tree of a client's JSON. An entry that
//! lacks nothing is checked and sliced out of the request. One that lacks a key or a tag is copied once, in its own
//! order of keys, with what it lacks put before its last brace. Only one whose message changes, that is too large, or
//! that has a reserved key which cannot stay as it is, is written anew, with the reserved keys first.
//!
//! Rules come before the limits, so that what a mask hides is hidden before anything is cut.

mod body;
#[cfg(any(test, fuzzing))]
pub mod checks;
mod draft;
pub(crate) mod outline;
mod plan;
mod run;
pub(crate) mod scan;

use bytes::Bytes;
use datadog_wire::logs;

use crate::intake_entry::BlockBuilder;
use crate::rules::Rules;
use crate::{EntryBlock, IntakeEntry};
use body::Form;
use outline::Outline;
use run::Run;
use scan::Scanner;

/// What stands where a message was cut.
const TRUNCATION_MARKER: &str = "...TRUNCATED...";
/// The largest entry that a request can hold, whatever the limits say: an array of it alone.
const REQUEST_ENTRY_BYTES: usize = logs::MAX_CONTENT_BYTES - 2;

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
    /// Cut the message until the entry fits, and tag it `truncated:single_line`. A line of a file is cut into pieces
    /// instead, of which each is sent. What is too large even without its message is dropped.
    Truncate,
    /// Drop and count.
    Drop,
    /// Send as it is, for the backend to cut. What no request can hold is dropped all the same.
    Send,
}

/// Limits of one entry.
#[derive(Debug, Clone, Copy)]
pub struct EntryLimits {
    /// Bytes of a message that are kept, the marker of a cut aside. Usually 900,000.
    pub message_bytes: usize,
    /// Bytes of a serialised entry. Usually 1,048,576; a batch must be able to hold one.
    pub entry_bytes: usize,
    /// What happens beyond.
    pub oversize: Oversize,
}

/// What became of entries; every one received is processed, excluded or dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries received. Each piece of a long line counts as one.
    pub received: u64,
    /// Entries in the block.
    pub processed: u64,
    /// Entries that a rule dropped, by its name.
    pub excluded: Vec<(String, u64)>,
    /// Messages and lines cut.
    pub truncated: u64,
    /// Entries dropped as too large, or nested too deeply to be sent beside others.
    pub too_large: u64,
    /// Entries in the block that are older than the intake shows.
    pub too_old: u64,
}

impl Tally {
    /// Adds what became of further entries.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.processed += other.processed;
        self.truncated += other.truncated;
        self.too_large += other.too_large;
        self.too_old += other.too_old;
        for (rule, count) in &other.excluded {
            match self.excluded.iter_mut().find(|(name, _)| name == rule) {
                Some((_, sum)) => *sum += count,
                None => self.excluded.push((rule.clone(), *count)),
            }
        }
    }
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

/// What becomes of lines without a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyLines {
    /// Each is an entry with an empty message: every line is delivered.
    Keep,
    /// They are passed over, and not counted: collectors of log files do not send them.
    Skip,
}

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
    /// Plain text gives an entry a line, as [`Processor::lines`] does. Anything else is an array of objects and strings, one object, or objects on
    /// lines of their own; of the content type only `text/plain`, `application/x-ndjson` and `application/jsonl` are
    /// believed. An entry without a time gets `now_ms`.
    ///
    /// # Errors
    /// Names the entry that could not be read, counted from 0.
    pub fn body(
        &self,
        body: Bytes,
        content_type: Option<&str>,
        defaults: &Defaults,
        now_ms: i64,
    ) -> Result<(EntryBlock, Tally), BodyError> {
        let body = body::without_mark(body)?;
        let block = BlockBuilder::slicing(body.clone());
        let mut run = Run::new(self, defaults, block, now_ms);
        body::read(&mut run, &body, Form::from_content_type(content_type))?;
        Ok(run.finish())
    }

    /// Entries of a handle.
    #[must_use]
    pub fn entries(&self, entries: &[IntakeEntry], now_ms: i64) -> (EntryBlock, Tally) {
        let mut run = Run::new(self, &Defaults::default(), BlockBuilder::writing(), now_ms);
        let mut json = Vec::new();
        for entry in entries {
            json.clear();
            entry.write_json(&mut json);
            // What was written is UTF-8 and JSON; it can only be nested too deeply.
            let text = std::str::from_utf8(&json).unwrap_or_default();
            match Outline::read(text, &mut Scanner::new(text)) {
                Ok(outline) => run.object(text, &outline),
                Err(_) => run.unsendable(),
            }
        }
        run.finish()
    }

    /// Lines of a file or stream, without their ends; bytes that are not UTF-8 are replaced. Each becomes an entry
    /// of its own (or several, when it is longer than a message may be), white space and all.
    #[must_use]
    pub fn lines<'a>(
        &self,
        lines: impl Iterator<Item = &'a [u8]>,
        empty: EmptyLines,
        now_ms: i64,
    ) -> (EntryBlock, Tally) {
        let mut run = Run::new(self, &Defaults::default(), BlockBuilder::writing(), now_ms);
        for line in lines {
            run.line(line, empty);
        }
        run.finish()
    }

    /// As [`Processor::lines`], for lines that each have a time of arrival of their own, in Unix milliseconds.
    #[must_use]
    pub fn timed_lines<'a>(
        &self,
        lines: impl Iterator<Item = (&'a [u8], i64)>,
        empty: EmptyLines,
    ) -> (EntryBlock, Tally) {
        let mut run = Run::new(self, &Defaults::default(), BlockBuilder::writing(), 0);
        for (line, at_ms) in lines {
            run.set_time(at_ms);
            run.line(line, empty);
        }
        run.finish()
    }
}

#[cfg(test)]
mod tests;
