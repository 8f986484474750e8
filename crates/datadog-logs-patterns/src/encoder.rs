//! Turns logs into batches of operations: patterns and dictionary entries where they are new, and the logs that use them.
//!
//! The encoder keeps the state that the other end has, and decides what it is told.
//! Operations are written in the form of a profile of the wire when a batch is sealed, and can be written again later.
//! Every log is checked to come back byte for byte, also in release builds; one that would not travels as it is.

#[cfg(any(test, fuzzing))]
pub mod checks;
mod options;
mod stats;
mod structures;

use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;

use crate::admission::{Seen, Sighting};
use crate::cluster::{Clusters, Found, Pattern, Reason, Slot};
use crate::dictionary::{Dictionary, Moment};
use crate::integer::is_canonical_int;
use crate::operation::{Body, DictId, Log, Operation, Operations, Value};
use crate::template::{Line, Template};
use crate::tokenizer::{self, Tokenizer};
use crate::wire::{self, FieldOrder, Profile};

pub use self::options::{BatchLimits, JsonMode, Options};
pub use self::stats::{RawReason, Stats};
pub use self::structures::StructureSample;
use self::structures::Structures;

/// Bytes of the shortest value that may get an entry of the dictionary at its first sighting.
const EARLY_BYTES: usize = 8;
/// Bytes of the shortest value that may get an entry of the dictionary at all.
const ENTRY_BYTES: usize = 6;
/// Bytes of the longest value that may get an entry.
const ENTRY_MAX_BYTES: usize = 2_000;
/// What one use of an entry saves of each byte of its text, after compression, in percent.
const SAVED_PERCENT: usize = 15;
/// What an entry costs besides its text, in percent of a byte.
const ENTRY_COST_PERCENT: usize = 600;

/// Bytes of the longest word that tells structures apart.
const WORD_BYTES: usize = 40;
/// Digits of the longest number that travels as one.
const INT_MAX_DIGITS: usize = 16;

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
    stats: Stats,
}

impl Encoder {
    /// An encoder with empty state. The seed should be random where logs come from strangers.
    pub fn new(options: Options, seed: u64) -> Self {
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
            stats: Stats::default(),
            options,
        }
    }

    /// How the encoder was made.
    pub fn options(&self) -> &Options {
        &self.options
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
        let (body, structure) = self.body(input.body, now);
        let uuid = input.uuid.map(|uuid| self.open.keep_text(uuid.as_bytes()));
        self.open.push(Operation::Log(Log {
            timestamp_ms: input.timestamp_ms,
            status,
            service,
            tags,
            uuid,
            body,
            json: None,
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
            admission_bytes: self.seen.bytes(),
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

    /// A sample of each structure, if [`Options::sample_bytes`] allows any.
    pub fn structures(&self) -> &[StructureSample] {
        self.structures.all()
    }

    /// The entry of a text that is always worth one; nothing for an empty text.
    fn entry(&mut self, text: &str, now: Moment) -> Option<DictId> {
        if text.is_empty() {
            return None;
        }
        let text = text.as_bytes();
        let hash = self.hasher.hash_one(text);
        if let Some(id) = self.dictionary.find(hash, text, now) {
            return Some(id);
        }
        Some(self.define_text(hash, text, now))
    }

    fn define_text(&mut self, hash: u64, text: &[u8], now: Moment) -> DictId {
        let id = self.dictionary.add(hash, text, now);
        let text = self.open.keep_text(text);
        self.open.push(Operation::DefineText { id, text });
        self.stats.texts_defined += 1;
        id
    }

    fn body(&mut self, text: &[u8], now: Moment) -> (Body, u64) {
        if simdutf8::basic::from_utf8(text).is_err() {
            let lossy = String::from_utf8_lossy(text);
            let body = Body::Bytes {
                lossy: self.open.keep_text(lossy.as_bytes()),
                exact: self.open.keep_text(text),
            };
            self.stats.count_raw(RawReason::Binary);
            return (body, self.lone_structure(text));
        }
        if text.is_empty() && self.options.profile == Profile::C {
            return self.empty(now);
        }
        if text.is_empty() || self.is_raw_json(text) {
            let reason = if text.is_empty() {
                RawReason::Empty
            } else {
                RawReason::Json
            };
            return (self.raw(text, reason), self.lone_structure(text));
        }
        if text.is_ascii()
            && let Some(index) = self.clusters.guess(text, &mut self.values, now.ms, now.log)
        {
            return self.structured(text, index, now);
        }
        if self.tokenizer.tokenize(text).is_err() {
            return (
                self.raw(text, RawReason::TooLong),
                self.lone_structure(text),
            );
        }
        let line = Line {
            text,
            tokens: self.tokenizer.tokens(),
        };
        match self.clusters.assign(line, now.ms, now.log) {
            Found::Known(index) => {
                self.find_values(text, index);
                self.structured(text, index, now)
            }
            Found::Changed(index) => {
                self.define_pattern(index);
                self.find_values(text, index);
                self.structured(text, index, now)
            }
            Found::Raw { structure, reason } => {
                let reason = match reason {
                    Reason::New => RawReason::New,
                    Reason::Unsuitable => RawReason::Unsuitable,
                };
                self.structures.note(structure, text, Vec::new);
                (self.raw(text, reason), structure)
            }
        }
    }

    /// An empty text in profile C, which has no word for it: a pattern without text and values.
    fn empty(&mut self, now: Moment) -> (Body, u64) {
        let (id, is_new) = self.clusters.empty_pattern(now.ms, now.log);
        if is_new {
            let template = self.open.keep_text(b"");
            let positions = self.open.keep_positions(&[]);
            self.open.push(Operation::DefinePattern {
                id,
                template,
                positions,
            });
            self.stats.patterns_defined += 1;
        }
        let values = self.open.next_value()..self.open.next_value();
        (Body::Pattern { id, values }, self.lone_structure(b""))
    }

    fn is_raw_json(&self, text: &[u8]) -> bool {
        self.options.json == JsonMode::Raw && text.first() == Some(&b'{')
    }

    /// The structure of a text that has no tokens: all such texts share one.
    fn lone_structure(&mut self, text: &[u8]) -> u64 {
        self.structures.note(0, text, Vec::new);
        0
    }

    fn raw(&mut self, text: &[u8], reason: RawReason) -> Body {
        self.stats.count_raw(reason);
        Body::Raw(self.open.keep_text(text))
    }

    fn define_pattern(&mut self, index: u32) {
        let Some(pattern) = self.clusters.get(index) else {
            return;
        };
        let template = self.open.keep_text(pattern.template.text());
        let positions = self.open.keep_positions(pattern.template.positions());
        self.open.push(Operation::DefinePattern {
            id: pattern.id,
            template,
            positions,
        });
        self.stats.patterns_defined += 1;
    }

    /// Finds the values of a line by its tokens.
    fn find_values(&mut self, text: &[u8], index: u32) {
        let line = Line {
            text,
            tokens: self.tokenizer.tokens(),
        };
        self.values.clear();
        if let Some(pattern) = self.clusters.get(index) {
            let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let ranges = pattern.template.params().iter().map(|param| {
                let value = Template::value(line, param);
                place(value.start)..place(value.end)
            });
            self.values.extend(ranges);
        }
    }

    /// A log as the values of its pattern, which were found before.
    fn structured(&mut self, text: &[u8], index: u32, now: Moment) -> (Body, u64) {
        let Some(pattern) = self.clusters.get_mut(index) else {
            return (self.raw(text, RawReason::Guard), 0);
        };
        let id = pattern.id;
        let structure = match self.structures.is_wanted() {
            true => finer_structure(&mut self.structures, text, pattern, &self.values),
            false => pattern.structure,
        };
        let first = self.open.next_value();
        for (range, slot) in self.values.iter().zip(&mut pattern.slots) {
            let value = &text[range.start as usize..range.end as usize];
            let value = Values {
                dictionary: &mut self.dictionary,
                seen: &mut self.seen,
                hasher: &self.hasher,
                open: &mut self.open,
                stats: &mut self.stats,
            }
            .encode(value, slot, now);
            self.open.keep_value(value);
        }
        self.observe(text, index);
        let body = Body::Pattern {
            id,
            values: first..self.open.next_value(),
        };
        (body, structure)
    }

    /// Lets a pattern that wants to know look at the values of a line.
    fn observe(&mut self, text: &[u8], index: u32) {
        let Some(pattern) = self.clusters.get(index) else {
            return;
        };
        if !pattern
            .joints
            .is_curious(pattern.usage.count, self.values.len())
        {
            return;
        }
        let hash = |range: &Range<u32>| {
            let value = &text[range.start as usize..range.end as usize];
            u32::try_from(self.hasher.hash_one(value) >> 32).unwrap_or_default()
        };
        self.hashes.clear();
        self.hashes.extend(self.values.iter().map(hash));
        self.clusters.observe(index, &self.hashes);
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
        self.dictionary
            .evict(&self.options.text_limits, now, &mut self.evicted);
        self.stats.texts_evicted += self.evicted.len() as u64;
        for id in self.evicted.drain(..) {
            self.open.push(Operation::DeleteText { id });
        }
    }
}

/// What is needed to find the cheapest form of a value.
struct Values<'a> {
    dictionary: &'a mut Dictionary,
    seen: &'a mut Seen,
    hasher: &'a foldhash::quality::FixedState,
    open: &'a mut Operations,
    stats: &'a mut Stats,
}

impl Values<'_> {
    fn encode(&mut self, text: &[u8], slot: &mut Slot, now: Moment) -> Value {
        if let Some(number) = is_canonical_int(text)
            && is_shorter_as_int(number, text)
        {
            return Value::Int(number);
        }
        if text.len() < ENTRY_BYTES || text.len() > ENTRY_MAX_BYTES || slot.fleeting {
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
        if sighting == Sighting::Before || slot.expects_return(text.len()) {
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
    fn expects_return(&self, bytes: usize) -> bool {
        if bytes < EARLY_BYTES {
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

/// The structure of a line for people: words that the wire takes for values tell structures apart.
fn finer_structure(
    structures: &mut Structures,
    text: &[u8],
    pattern: &Pattern,
    values: &[Range<u32>],
) -> u64 {
    let slots = || values.iter().zip(&pattern.slots);
    if !slots().any(|(_, slot)| slot.word) {
        structures.note(pattern.structure, text, || values.to_vec());
        return pattern.structure;
    }
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for (range, slot) in slots() {
        let words = pieces(text, range).filter(|piece| slot.word && is_word(&text[piece.clone()]));
        words.for_each(|word| hasher.write(&text[word]));
        hasher.write_u8(0);
    }
    structures.note_variant(pattern.structure, hasher.finish(), text, || {
        let varies = slots().flat_map(|(range, slot)| {
            let pieces = pieces(text, range);
            pieces.filter(|piece| !slot.word || !is_word(&text[piece.clone()]))
        });
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        varies
            .map(|piece| place(piece.start)..place(piece.end))
            .collect()
    })
}

/// The parts of a value between spaces.
fn pieces<'a>(text: &'a [u8], value: &Range<u32>) -> impl Iterator<Item = Range<usize>> + 'a {
    let range = value.start as usize..value.end as usize;
    let mut start = range.start;
    text[range].split(|byte| *byte == b' ').map(move |piece| {
        let place = start..start + piece.len();
        start = place.end + 1;
        place
    })
}

fn is_word(text: &[u8]) -> bool {
    text.len() <= WORD_BYTES && !text.iter().any(u8::is_ascii_digit)
}
