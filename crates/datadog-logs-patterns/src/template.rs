//! A pattern: literal text with places for values, and the rules by which it fits a line or is widened to fit.
//!
//! A pattern is made from the tokens of a line. Each token is literal or variable;
//! neighbouring variables become one value, and so does what stands between them when it is a single byte.
//! The ends of a value may stay literal where all lines agree: `blk_` of `blk_17`, the date of a time.

use std::ops::Range;

use crate::direct::{self, Search};
use crate::token::{Flags, Kind, Tokens};

/// Longest literal between two variables that becomes part of their value.
const GAP_BYTES: usize = 1;

/// Bytes of the shortest text in front of an identifier's digits that stays out of the value.
const MIN_HEAD: usize = 3;
/// Bytes of a date with its separators.
const DATE_BYTES: usize = 11;

/// A line with its tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) tokens: &'a Tokens,
}

impl<'a> Line<'a> {
    pub(crate) fn token(&self, index: usize) -> &'a [u8] {
        &self.text[self.tokens.range(index)]
    }

    /// Bytes of a range of tokens.
    pub(crate) fn gap(&self, tokens: &Range<usize>) -> usize {
        self.start(tokens.end) - self.start(tokens.start)
    }

    fn start(&self, index: usize) -> usize {
        self.tokens.starts()[index] as usize
    }
}

/// What a pattern says of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The same bytes in every line; how many.
    Literal(u16),
    /// Part of a value, with literal bytes before and behind that can stay out of it.
    Variable { head: u16, tail: u16 },
    /// A separator that is carried by the value around it.
    Inner,
}

impl Mark {
    pub(crate) const VARIABLE: Self = Self::Variable { head: 0, tail: 0 };

    pub(crate) fn is_variable(self) -> bool {
        matches!(self, Self::Variable { .. })
    }
}

/// Where a value stands among the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Param {
    /// The first token.
    pub(crate) first: u16,
    /// The token behind the last.
    pub(crate) end: u16,
    /// Literal bytes of the first token.
    pub(crate) head: u16,
    /// Literal bytes of the last token.
    pub(crate) tail: u16,
}

/// Literal text with places for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    text: Box<[u8]>,
    positions: Box<[u32]>,
    params: Box<[Param]>,
    marks: Box<[Mark]>,
    searches: Option<Box<[Search]>>,
}

impl Template {
    /// Lays out the tokens of a line as marked.
    pub(crate) fn new(line: Line<'_>, mut marks: Vec<Mark>) -> Self {
        let params = lay_out(line, &mut marks);
        let mut text = Vec::with_capacity(line.text.len());
        let mut positions = Vec::with_capacity(params.len());
        let mut from = 0;
        for param in &params {
            let value = value_range(line, param).unwrap_or(from..from);
            text.extend_from_slice(&line.text[from..value.start]);
            positions.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            from = value.end;
        }
        text.extend_from_slice(&line.text[from..]);
        Self {
            searches: direct::searches(line, &marks, &params, &text, &positions),
            text: text.into(),
            positions: positions.into(),
            params: params.into(),
            marks: marks.into(),
        }
    }

    /// The literal text.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the values go.
    pub(crate) fn positions(&self) -> &[u32] {
        &self.positions
    }

    pub(crate) fn params(&self) -> &[Param] {
        &self.params
    }

    pub(crate) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The memory behind this value.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
            + size_of_val(&*self.positions)
            + size_of_val(&*self.params)
            + size_of_val(&*self.marks)
            + self.searches.as_deref().map_or(0, size_of_val)
    }

    /// Finds the values of an ASCII line without its tokens; tells whether it fits.
    pub(crate) fn fits_directly(&self, line: &[u8], values: &mut Vec<Range<u32>>) -> bool {
        self.searches.as_deref().is_some_and(|searches| {
            direct::fits(searches, &self.text, &self.positions, line, values)
        })
    }

    /// Whether the template with the values of this line gives the line back, byte for byte.
    ///
    /// This is the check of losslessness: every literal byte is compared, and the values are the bytes between.
    pub(crate) fn fits(&self, line: Line<'_>) -> bool {
        if self.marks.len() != line.tokens.len() {
            return false;
        }
        let (mut from, mut at) = (0, 0);
        for (param, position) in self.params.iter().zip(&self.positions) {
            let Some(value) = value_range(line, param) else {
                return false;
            };
            let position = *position as usize;
            if value.start < from || line.text[from..value.start] != self.text[at..position] {
                return false;
            }
            (from, at) = (value.end, position);
        }
        line.text[from..] == self.text[at..]
    }

    /// The range of a value in a line that fits.
    pub(crate) fn value(line: Line<'_>, param: &Param) -> Range<usize> {
        value_range(line, param).unwrap_or(0..0)
    }

    /// What the pattern knows of the text of each token.
    pub(crate) fn known(&self) -> Vec<Known<'_>> {
        let mut rest = &*self.text;
        let mut take = |len: u16| {
            let (taken, left) = rest.split_at(usize::from(len).min(rest.len()));
            rest = left;
            taken
        };
        let mut params = self.params.iter().peekable();
        let mut known = Vec::with_capacity(self.marks.len());
        for (index, mark) in self.marks.iter().enumerate() {
            while params
                .next_if(|param| usize::from(param.end) <= index)
                .is_some()
            {}
            known.push(match *mark {
                Mark::Literal(len) => Known::Literal(take(len)),
                Mark::Inner => Known::Inner,
                Mark::Variable { .. } => {
                    let param = params.peek();
                    let first = param.filter(|param| usize::from(param.first) == index);
                    let last = param.filter(|param| usize::from(param.end) == index + 1);
                    Known::Variable {
                        head: take(first.map_or(0, |param| param.head)),
                        tail: take(last.map_or(0, |param| param.tail)),
                    }
                }
            });
        }
        known
    }
}

/// What a pattern knows of the text of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known<'a> {
    /// It is this.
    Literal(&'a [u8]),
    /// It begins and ends like this.
    Variable { head: &'a [u8], tail: &'a [u8] },
    /// It is a separator inside of a value, given by the signature.
    Inner,
}

/// The range of a value, or nothing when the tokens are too short for its literal ends.
fn value_range(line: Line<'_>, param: &Param) -> Option<Range<usize>> {
    let start = line.start(usize::from(param.first)) + usize::from(param.head);
    let end = line
        .start(usize::from(param.end))
        .checked_sub(usize::from(param.tail))?;
    let first_end = line.start(usize::from(param.first) + 1);
    let last_start = line.start(usize::from(param.end) - 1);
    (start <= end && start <= first_end && end >= last_start).then_some(start..end)
}

/// Gathers variables into values: neighbours, and those with nothing or a single byte between them.
///
/// What is marked as inner beforehand stays inner, however long it is.
fn lay_out(line: Line<'_>, marks: &mut [Mark]) -> Vec<Param> {
    let mut params: Vec<Param> = Vec::new();
    for index in 0..marks.len() {
        let Mark::Variable { mut head, tail } = marks[index] else {
            continue;
        };
        let position = u16::try_from(index).unwrap_or(u16::MAX);
        if let Some(last) = params.last_mut() {
            let between = usize::from(last.end)..index;
            let wanted = marks[between.clone()].contains(&Mark::Inner);
            let gap = line.start(index) - line.start(between.start);
            let open = last.tail == 0
                && head == 0
                && gap <= GAP_BYTES
                && !between
                    .clone()
                    .any(|gap| line.tokens.kind(gap) == Kind::Structure);
            if wanted || open {
                marks[between].fill(Mark::Inner);
                last.end = position + 1;
                last.tail = tail;
                continue;
            }
        }
        if params.is_empty() && marks[..index].contains(&Mark::Inner) {
            head = 0;
        }
        params.push(Param {
            first: position,
            end: position + 1,
            head,
            tail,
        });
    }
    params
}

/// Whether a token can stand in a template.
pub(crate) fn may_be_literal(line: Line<'_>, index: usize) -> bool {
    !line.tokens.flags(index).contains(Flags::NOT_PLAIN)
        && u16::try_from(line.tokens.range(index).len()).is_ok()
}

/// The literal ends that two texts of a token agree on.
pub(crate) fn common_ends(kind: Kind, one: &[u8], other: &[u8]) -> Mark {
    let (head, tail) = match kind {
        Kind::Timestamp => time_ends(one, other),
        Kind::Word | Kind::Path => (word_head(one, other), 0),
        _ => (0, 0),
    };
    Mark::Variable {
        head: u16::try_from(head).unwrap_or(0),
        tail: u16::try_from(tail).unwrap_or(0),
    }
}

/// The date and hour, and the zone or year, if two times agree on them.
fn time_ends(one: &[u8], other: &[u8]) -> (usize, usize) {
    let head = common_head(one, other)
        .min(hour_end(one))
        .min(hour_end(other));
    let zone = zone(one);
    let tail = if !zone.is_empty() && zone == self::zone(other) {
        zone.len()
    } else {
        0
    };
    (head, tail)
}

/// What stands in front of the digits, if two identifiers agree on it.
fn word_head(one: &[u8], other: &[u8]) -> usize {
    let head = common_head(one, other);
    let digits = one[..head].iter().any(u8::is_ascii_digit);
    if head < MIN_HEAD || digits { 0 } else { head }
}

/// Bytes at the start that both have, up to a border inside of the token.
pub(crate) fn common_head(one: &[u8], other: &[u8]) -> usize {
    let same = one
        .iter()
        .zip(other)
        .take_while(|(a, b)| a == b && is_plain(**a))
        .count();
    (1..=same)
        .rev()
        .find(|end| is_border(one, *end) && is_border(other, *end))
        .unwrap_or(0)
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Whether a value may begin at this place: behind a separator, or where digits follow letters.
fn is_border(text: &[u8], at: usize) -> bool {
    let before = text[at - 1];
    let after = text.get(at);
    !before.is_ascii_alphanumeric()
        || (before.is_ascii_alphabetic() && after.is_some_and(u8::is_ascii_digit))
}

/// The place behind the hour and its colon; minutes change too often to be literal.
fn hour_end(time: &[u8]) -> usize {
    let mut colons = memchr::memrchr_iter(b':', time);
    let last = colons.next();
    match (colons.next(), last) {
        (Some(second_to_last), _) => second_to_last + 1,
        (None, Some(only)) => only.saturating_sub(2),
        (None, None) => DATE_BYTES.min(time.len()),
    }
}

/// What stands behind the time of day: ` +0000`, `Z`, ` 2005`.
fn zone(time: &[u8]) -> &[u8] {
    let from = memchr::memrchr(b':', time).map_or(time.len(), |colon| colon + 1);
    let behind = &time[from..];
    let start = behind
        .iter()
        .position(|byte| matches!(byte, b' ' | b'+' | b'-' | b'Z'));
    start.map_or(&[], |start| &behind[start..])
}

/// Whether a token of time has a time of day.
pub(crate) fn has_time_of_day(time: &[u8]) -> bool {
    time.len() > DATE_BYTES || time.contains(&b':')
}
