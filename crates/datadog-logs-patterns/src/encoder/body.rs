//! What becomes of the text of a log: a pattern and its values, or the text as it is.

use std::hash::BuildHasher as _;
use std::ops::Range;

use crate::cluster::{Found, Reason};
use crate::dictionary::Moment;
use crate::operation::{Body, Operation};
use crate::template::{Line, Template};
use crate::wire::Profile;

use super::structures::finer_structure;
use super::values::Values;
use super::{Encoder, JsonMode, RawReason};

impl Encoder {
    pub(super) fn body(&mut self, text: &[u8], now: Moment) -> (Body, u64) {
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
}
