//! Fits a line to a pattern without cutting it into tokens first, which saves most of the work for most lines.
//!
//! Literals are compared; a value ends where the next literal begins, and may hold only bytes of the classes
//! that its tokens can have. So a line that fits here fits as its tokens would, but for rare lines
//! whose values are cut elsewhere; those come back byte for byte just the same.

use std::ops::Range;

use crate::template::{Line, Mark, Param};
use crate::token::Kind;

/// Classes of bytes, as bits.
type Classes = u16;

const DIGIT: Classes = 1;
const HEX: Classes = 1 << 1;
const LETTER: Classes = 1 << 2;
const DASH: Classes = 1 << 3;
const COLON: Classes = 1 << 4;
const DOT: Classes = 1 << 5;
const PLUS: Classes = 1 << 6;
const SLASH: Classes = 1 << 7;
const COMMA: Classes = 1 << 8;
const SPACE: Classes = 1 << 9;
const OTHER: Classes = 1 << 10;
const QUOTE: Classes = 1 << 11;
/// Whatever has no other class: control characters and bytes beyond ASCII.
const NEVER: Classes = 1 << 15;

/// How a value can be found by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Search {
    /// Classes of the bytes that the value may have.
    allowed: Classes,
    /// How often the byte that ends the value stands inside of it.
    stops_inside: u8,
}

/// How each value of a pattern can be found; nothing, if one of them cannot.
pub(crate) fn searches(
    line: Line<'_>,
    marks: &[Mark],
    params: &[Param],
    text: &[u8],
    positions: &[u32],
) -> Option<Box<[Search]>> {
    let ends = positions.iter().skip(1).map(|end| *end as usize);
    let ends = ends.chain([text.len()]);
    let mut searches = Vec::with_capacity(params.len());
    for ((param, position), end) in params.iter().zip(positions).zip(ends) {
        let is_last = searches.len() + 1 == params.len();
        let literal = &text[*position as usize..end];
        if literal.is_empty() && !is_last {
            return None;
        }
        let inside = usize::from(param.first)..usize::from(param.end);
        let mut allowed = 0;
        let mut stops_inside = 0;
        for index in inside {
            let token = line.token(index);
            if marks[index].is_variable() {
                allowed |= classes(line.tokens.kind(index));
                continue;
            }
            for byte in token {
                allowed |= CLASSES[usize::from(*byte)];
                stops_inside += u8::from(literal.first() == Some(byte));
            }
        }
        if allowed & NEVER != 0 {
            return None;
        }
        searches.push(Search {
            allowed,
            stops_inside,
        });
    }
    Some(searches.into())
}

/// Finds the values of an ASCII line; tells whether the pattern with them gives the line back.
pub(crate) fn fits(
    searches: &[Search],
    text: &[u8],
    positions: &[u32],
    line: &[u8],
    values: &mut Vec<Range<u32>>,
) -> bool {
    values.clear();
    let first = positions.first().map_or(text.len(), |end| *end as usize);
    if !line.starts_with(&text[..first]) || (positions.is_empty() && line.len() != first) {
        return false;
    }
    let mut at = first;
    for (index, search) in searches.iter().enumerate() {
        let from = positions[index] as usize;
        let to = positions
            .get(index + 1)
            .map_or(text.len(), |end| *end as usize);
        let literal = &text[from..to];
        let Some(end) = value_end(&line[at..], *search, literal, index + 1 == searches.len())
        else {
            return false;
        };
        let end = at + end;
        values.push(place(at)..place(end));
        at = end + literal.len();
    }
    at == line.len()
}

/// Where a value ends that this literal follows.
fn value_end(rest: &[u8], search: Search, literal: &[u8], is_last: bool) -> Option<usize> {
    let allowed = |byte: &u8| CLASSES[usize::from(*byte)] & !search.allowed == 0;
    let Some(stop) = literal.first().filter(|_| !is_last) else {
        let end = rest.len().checked_sub(literal.len())?;
        let (value, behind) = rest.split_at(end);
        return (end > 0 && behind == literal && value.iter().all(allowed)).then_some(end);
    };
    let mut skip = search.stops_inside;
    for (end, byte) in rest.iter().enumerate() {
        if byte == stop {
            if skip == 0 && end > 0 && rest[end..].starts_with(literal) {
                return Some(end);
            }
            skip = skip.saturating_sub(1);
        }
        if !allowed(byte) {
            return None;
        }
    }
    None
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The classes of the bytes that tokens of a kind may have.
fn classes(kind: Kind) -> Classes {
    let word = DIGIT | HEX | LETTER;
    match kind {
        Kind::HttpStatus => DIGIT,
        Kind::Number => word | DASH | PLUS | DOT | OTHER,
        Kind::Severity | Kind::HttpMethod => HEX | LETTER,
        Kind::Word => word | DASH | COLON,
        Kind::Timestamp => word | DASH | COLON | DOT | COMMA | SLASH | PLUS | SPACE,
        Kind::Uuid => DIGIT | HEX | DASH,
        Kind::Hex => word | COLON,
        Kind::Ipv4 => DIGIT | DOT,
        Kind::Ipv6 => DIGIT | HEX | COLON | DOT,
        Kind::Email => word | DASH | DOT | PLUS | OTHER,
        Kind::Uri | Kind::Path => word | DASH | COLON | DOT | PLUS | SLASH | COMMA | OTHER,
        Kind::Quoted => word | DASH | COLON | DOT | PLUS | SLASH | COMMA | OTHER | SPACE,
        Kind::Space | Kind::Special | Kind::Structure => NEVER,
    }
}

static CLASSES: [Classes; 256] = {
    let mut table = [NEVER; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        table[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' | b'A'..=b'F' => HEX,
            b'g'..=b'z' | b'G'..=b'Z' | b'_' => LETTER,
            b'-' => DASH,
            b':' => COLON,
            b'.' => DOT,
            b'+' => PLUS,
            b'/' => SLASH,
            b',' => COMMA,
            b' ' => SPACE,
            b'"' => QUOTE,
            _ => OTHER,
        };
        byte += 1;
    }
    table
};
