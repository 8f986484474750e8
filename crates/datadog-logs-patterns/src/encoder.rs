//! Turns logs into batches of operations: patterns and dictionary entries where they are new, and the logs that use them.
//!
//! The encoder keeps the state that the other end has, and decides what it is told.
//! Operations are written in the form of a profile of the wire when a batch is sealed, and can be written again later.
//! Every log is checked to come back byte for byte, also in release builds; one that would not travels as it is.

mod body;
#[cfg(any(test, fuzzing))]
pub mod checks;
mod columns;
mod options;
mod stats;
mod structures;
mod values;

use std::hash::BuildHasher as _;
use std::ops::Range;

use crate::admission::Seen;
use crate::cluster::Clusters;
use crate::dictionary::{Dictionary, Moment};
use crate::eviction::Limits;
use crate::operation::{DictId, Log, Operation, Operations};
use crate::tokenizer::{self, Tokenizer};
use crate::wire::{self, FieldOrder};

use self::columns::Columns;
pub use self::options::{BatchLimits, JsonMode, Options};
pub use self::stats::{RawReason, Stats, TextReason};
pub use self::structures::StructureSample;
use self::structures::Structures;

/// One log to encode.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its text; any bytes.
    pub body: &'a [u8],
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Its status.
    pub status: Option<&'a str>,
    /// Its service; profile A has it among the tags instead.
    pub service: Option<&'a str>,
    /// Its tag set, joined by commas; empty for none.
    pub tags: &'a str,
    /// The id that tells apart two copies of a log that is sent on two ways.
    pub uuid: Option<&'a str>,
}

/// Where a log belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// The id of its structure; lines that share it have the same pattern, or would have one.
    pub structure: u64,
}

/// A log that cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its text is larger than the limit; nothing of the state has changed.
    #[error("the log has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Bytes of the text.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// Encodes the logs of one stream.
#[derive(Debug)]
pub struct Encoder {
    options: Options,
    tokenizer: Tokenizer,
    clusters: Clusters,
    dictionary: Dictionary,
    seen: Seen,
    hasher: foldhash::quality::FixedState,
    open: Operations,
    open_raw_bytes: usize,
    evicted: Vec<u64>,
    /// Where the values of the log stand that is being encoded.
    values: Vec<Range<u32>>,
    hashes: Vec<u32>,
    structures: Structures,
    /// What JSON objects need, where they travel as columns.
    columns: Option<Box<Columns>>,
    /// How much the dictionary keeps.
    text_limits: Limits,
    stats: Stats,
}

impl Encoder {
    /// An encoder with empty state. The seed should be random where logs come from strangers.
    pub fn new(options: Options, seed: u64) -> Self {
        let (columns, text_limits) = match options.json {
            JsonMode::Text | JsonMode::Raw => (None, options.text_limits),
            JsonMode::Columns => {
                let (columns, text_limits) = Columns::new(options.text_limits);
                (Some(Box::new(columns)), text_limits)
            }
        };
        Self {
            tokenizer: Tokenizer::new(seed, tokenizer::Limits::default()),
            clusters: Clusters::new(options.learning, seed),
            dictionary: Dictionary::new(options.profile.first_dict_id()),
            seen: Seen::new(),
            hasher: foldhash::quality::FixedState::with_seed(seed),
            open: Operations::default(),
            open_raw_bytes: 0,
            evicted: Vec::new(),
            values: Vec::new(),
            hashes: Vec::new(),
            structures: Structures::new(options.sample_bytes),
            columns,
            text_limits,
            stats: Stats::default(),
            options,
        }
    }

    /// How the encoder was made.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Keeps other numbers of patterns and texts from the next log on, which lets go of what has become too much.
    pub fn set_limits(&mut self, patterns: Limits, texts: Limits) {
        self.options.pattern_limits = patterns;
        self.options.text_limits = texts;
    }

    /// Whether a log of so many bytes still belongs into the open batch, by its limits.
    pub fn has_room_for(&self, bytes: usize) -> bool {
        let limits = &self.options.batch;
        self.open.logs() == 0
            || (self.open.logs() < limits.logs
                && self.open_raw_bytes + bytes <= limits.raw_bytes
                && self.open.text_bytes() < limits.encoded_bytes)
    }

    /// Logs in the open batch.
    pub fn open_logs(&self) -> usize {
        self.open.logs()
    }

    /// Adds a log to the open batch. `now_ms` is the time by which things age.
    ///
    /// # Errors
    /// When the text is larger than [`Options::max_log_bytes`]; the state is as before.
    pub fn push(&mut self, input: &Input<'_>, now_ms: i64) -> Result<Assignment, Error> {
        let limit = self.options.max_log_bytes;
        if input.body.len() > limit {
            return Err(Error::TooLarge {
                bytes: input.body.len(),
                limit,
            });
        }
        self.stats.logs += 1;
        self.stats.raw_bytes += input.body.len() as u64;
        let now = Moment {
            ms: now_ms,
            log: self.stats.logs,
        };
        let tags = self.entry(input.tags, now);
        let status = self.entry(input.status.unwrap_or_default(), now);
        let service = self.entry(input.service.unwrap_or_default(), now);
        self.seen.begin_log();
        let (body, json, structure) = self.body(input.body, now);
        let uuid = input.uuid.map(|uuid| self.open.keep_text(uuid.as_bytes()));
        self.open.push(Operation::Log(Log {
            timestamp_ms: input.timestamp_ms,
            status,
            service,
            tags,
            uuid,
            body,
            json,
        }));
        self.open_raw_bytes += input.body.len();
        self.evict(now);
        Ok(Assignment { structure })
    }

    /// Ends the open batch and returns its operations, which are never changed again.
    pub fn seal(&mut self) -> Operations {
        self.seen.end_batch();
        self.open_raw_bytes = 0;
        let mut operations = std::mem::take(&mut self.open);
        operations.texts_first();
        operations
    }

    /// Appends the message of a sealed batch, uncompressed; the same bytes whenever it is called.
    pub fn write(&self, operations: &Operations, out: &mut Vec<u8>) {
        let options = wire::Options {
            exact_bytes_extension: self.options.exact_bytes_extension,
            order: FieldOrder::LengthsFirst,
        };
        wire::write(operations, self.options.profile, options, out);
    }

    /// Takes back the memory of a batch that is no longer needed.
    pub fn recycle(&mut self, mut operations: Operations) {
        if self.open.is_empty() {
            operations.clear();
            self.open = operations;
        }
    }

    /// What the encoder has done and holds.
    pub fn stats(&self) -> Stats {
        Stats {
            patterns: self.clusters.len(),
            clusters: self.clusters.clusters(),
            saturated_patterns: self.clusters.saturated(),
            hot_hits: self.clusters.hot_hits(),
            pattern_bytes: self.clusters.bytes(),
            waiting_bytes: self.clusters.waiting_bytes(),
            texts: self.dictionary.len(),
            text_bytes: self.dictionary.bytes(),
            admission_bytes: self.seen.bytes()
                + self.columns.as_ref().map_or(0, |it| it.once_bytes()),
            schemas: self.columns.as_ref().map_or(0, |it| it.len()),
            schema_bytes: self.columns.as_ref().map_or(0, |it| it.bytes()),
            patterns_compared: self.clusters.compared(),
            ..self.stats.clone()
        }
    }

    /// The ids of the patterns that the other end has to know.
    pub fn pattern_ids(&self) -> impl Iterator<Item = u64> {
        self.clusters.iter().map(|pattern| pattern.id)
    }

    /// The ids of the dictionary entries that the other end has to know.
    pub fn text_ids(&self) -> impl Iterator<Item = u64> {
        self.dictionary.ids()
    }

    /// The ids of the schemas that the other end has to know; none in profile A, where they are texts.
    pub fn schema_ids(&self) -> impl Iterator<Item = u64> {
        self.columns.iter().flat_map(|columns| columns.ids())
    }

    /// A sample of each structure, if [`Options::sample_bytes`] allows any.
    pub fn structures(&self) -> &[StructureSample] {
        self.structures.all()
    }

    /// The entry of a text that is always worth one; nothing for an empty text.
    fn entry(&mut self, text: &str, now: Moment) -> Option<DictId> {
        if text.is_empty() {
            return None;
        }
        Some(self.entry_of(text.as_bytes(), now))
    }

    fn entry_of(&mut self, text: &[u8], now: Moment) -> DictId {
        let hash = self.hasher.hash_one(text);
        if let Some(id) = self.dictionary.find(hash, text, now) {
            return id;
        }
        let id = self.dictionary.add(hash, text, now);
        let text = self.open.keep_text(text);
        self.open.push(Operation::DefineText { id, text });
        self.stats.texts_defined += 1;
        id
    }

    /// Lets go of what has become too much, after the log that may still use it.
    fn evict(&mut self, now: Moment) {
        self.clusters.evict(
            &self.options.pattern_limits,
            now.ms,
            now.log,
            &mut self.evicted,
        );
        self.stats.patterns_evicted += self.evicted.len() as u64;
        for id in self.evicted.drain(..) {
            self.open.push(Operation::DeletePattern { id });
        }
        if self.columns.is_some() {
            self.evict_schemas(now);
        }
        self.dictionary
            .evict(&self.text_limits, now, &mut self.evicted);
        self.stats.texts_evicted += self.evicted.len() as u64;
        for id in self.evicted.drain(..) {
            self.open.push(Operation::DeleteText { id });
        }
    }
}
