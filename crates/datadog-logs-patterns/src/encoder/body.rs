//! What becomes of the text of a log: a pattern and its values, or the text as it is.

use std::hash::BuildHasher as _;
use std::ops::Range;

use crate::cluster::{Found, Reason};
use crate::dictionary::Moment;
use crate::operation::{Body, JsonRef, Operation};
use crate::template::{Line, Template};
use crate::wire::Profile;

use super::structures::finer_structure;
use super::values::Values;
use super::{Encoder, JsonMode, RawReason};

/// The structure of all texts that have no tokens.
const LONE: u64 = 0;

/// What a text is to the patterns that are known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fit {
    /// It fits this pattern, which is defined, and its values are found.
    Pattern(u32),
    /// It has no pattern.
    Raw {
        /// Its structure.
        structure: u64,
        /// Why.
        reason: RawReason,
    },
}

impl Encoder {
    /// The body of a log, the object around it if it is a message, and the structure of the log.
    pub(super) fn body(&mut self, text: &[u8], now: Moment) -> (Body, Option<JsonRef>, u64) {
        if self.columns.is_some()
            && text.first() == Some(&b'{')
            && let Some(found) = self.object(text, now)
        {
            return found;
        }
        let (body, structure) = self.whole(text, now);
        (body, None, structure)
    }

    /// The body of a log that is its text as a whole.
    fn whole(&mut self, text: &[u8], now: Moment) -> (Body, u64) {
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
        match self.fit(text, now) {
            Fit::Pattern(index) => {
                let structure = self.structure(text, index);
                match self.structured(text, index, now) {
                    Some(body) => (body, structure),
                    None => (self.raw(text, RawReason::Guard), structure),
                }
            }
            Fit::Raw { structure, reason } => {
                self.structures.note(structure, text, Vec::new);
                (self.raw(text, reason), structure)
            }
        }
    }

    /// Finds, makes or widens the pattern of a text, and finds its values; nothing of the text is sent yet.
    pub(super) fn fit(&mut self, text: &[u8], now: Moment) -> Fit {
        if text.is_ascii()
            && let Some(index) = self.clusters.guess(text, &mut self.values, now.ms, now.log)
        {
            return Fit::Pattern(index);
        }
        if self.tokenizer.tokenize(text).is_err() {
            return Fit::Raw {
                structure: LONE,
                reason: RawReason::TooLong,
            };
        }
        let line = Line {
            text,
            tokens: self.tokenizer.tokens(),
        };
        match self.clusters.assign(line, now.ms, now.log) {
            Found::Known(index) => {
                self.find_values(text, index);
                Fit::Pattern(index)
            }
            Found::Changed(index) => {
                self.define_pattern(index);
                self.find_values(text, index);
                Fit::Pattern(index)
            }
            Found::Raw { structure, reason } => {
                let reason = match reason {
                    Reason::New => RawReason::New,
                    Reason::Unsuitable => RawReason::Unsuitable,
                };
                Fit::Raw { structure, reason }
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
        self.structures.note(LONE, text, Vec::new);
        LONE
    }

    pub(super) fn raw(&mut self, text: &[u8], reason: RawReason) -> Body {
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

    /// The structure of a line that fits a pattern.
    fn structure(&mut self, text: &[u8], index: u32) -> u64 {
        match self.clusters.get(index) {
            Some(pattern) if self.structures.is_wanted() => {
                finer_structure(&mut self.structures, text, pattern, &self.values)
            }
            Some(pattern) => pattern.structure,
            None => LONE,
        }
    }

    /// A text as the values of its pattern, which were found before; `None` if there is no such pattern.
    pub(super) fn structured(&mut self, text: &[u8], index: u32, now: Moment) -> Option<Body> {
        let pattern = self.clusters.get_mut(index)?;
        let id = pattern.id;
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
        Some(Body::Pattern {
            id,
            values: first..self.open.next_value(),
        })
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
}
