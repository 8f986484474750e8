//! The structures of objects: lines of one schema whose messages have one structure.

use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;

use crate::cluster::Pattern;
use crate::json::scan::Scanner;

use super::{Columns, Encoder};
use crate::encoder::body::Fit;
use crate::encoder::structures::{varying, words};

/// Tells the structures of objects from those of texts.
const OBJECT: u64 = 1 << 63;
/// Where the number of the structure of a schema stands in that of an object.
const SCHEMA_SHIFT: u32 = 32;

impl Encoder {
    /// The structure of an object of this schema, whose message was fitted before.
    pub(super) fn object_structure(
        &mut self,
        columns: &Columns,
        index: u32,
        line: &[u8],
        message: &[u8],
        fit: Fit,
    ) -> u64 {
        let schema = columns.schemas.get(index).map_or(0, |it| it.structure);
        let pattern = match fit {
            Fit::Pattern(index) => self.clusters.get(index),
            Fit::Raw { .. } => None,
        };
        let of_message = match (fit, pattern) {
            (Fit::Raw { structure, .. }, _) => structure,
            (Fit::Pattern(_), pattern) => pattern.map_or(0, |pattern| pattern.structure),
        };
        if !self.structures.is_wanted() {
            return OBJECT | schema << SCHEMA_SHIFT | of_message;
        }
        let words = pattern.and_then(|pattern| words(message, pattern, &self.values));
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        hasher.write_u64(of_message);
        hasher.write_u64(words.unwrap_or_default());
        let scanner = &columns.scanner;
        let values = &self.values;
        self.structures
            .note_variant(schema, hasher.finish(), line, || {
                variable(scanner, line, message, pattern, values)
            })
    }
}

/// What varies in the line: the values of all members, and of the message those of its pattern.
fn variable(
    scanner: &Scanner,
    line: &[u8],
    message: &[u8],
    pattern: Option<&Pattern>,
    values: &[Range<u32>],
) -> Vec<Range<u32>> {
    let mut variable = Vec::new();
    for (index, member) in (0..).zip(scanner.members()) {
        let whole = member.range();
        if Some(index) != scanner.message_index() {
            variable.push(whole);
            continue;
        }
        let written = &line[whole.start as usize..whole.end as usize];
        let inside = pattern.map(|pattern| varying(message, pattern, values));
        let places = Places::new(written);
        let inside = inside.unwrap_or_default().into_iter();
        variable.extend(inside.map(|range| {
            whole.start + places.written(range.start)..whole.start + places.written(range.end)
        }));
    }
    variable.retain(|range| range.start < range.end);
    variable
}

/// Where the bytes of a string stand in its written form.
struct Places {
    /// For each byte the place where its spelling begins, and at last the end; `None` where there are no escapes.
    starts: Option<Vec<u32>>,
}

impl Places {
    fn new(written: &[u8]) -> Self {
        if !written.contains(&b'\\') {
            return Self { starts: None };
        }
        let (mut starts, mut at) = (Vec::with_capacity(written.len()), 0);
        while let Some(byte) = written.get(at) {
            starts.push(u32::try_from(at).unwrap_or(u32::MAX));
            at += match (byte, written.get(at + 1)) {
                (b'\\', Some(b'u')) => 6,
                (b'\\', _) => 2,
                _ => 1,
            };
        }
        starts.push(u32::try_from(written.len()).unwrap_or(u32::MAX));
        Self {
            starts: Some(starts),
        }
    }

    fn written(&self, at: u32) -> u32 {
        match &self.starts {
            None => at,
            Some(starts) => starts.get(at as usize).copied().unwrap_or(at),
        }
    }
}
