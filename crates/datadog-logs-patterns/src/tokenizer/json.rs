//! JSON lines: what stands between two values is one token, the values are text.
//!
//! A light machine: it tells keys from values by the colon behind them and looks after no brackets.
//! Where a line turns out to be no JSON, the rest of it is plain text.

use super::class::{SPACE, at, is, run_end};
use super::{Scan, TooLarge};
use crate::token::Kind;

/// Whether a line looks like an object of JSON from both ends.
pub(super) fn is_likely(line: &[u8]) -> bool {
    let start = run_end(line, 0, SPACE);
    if at(line, start) != b'{' {
        return false;
    }
    let end = line.trim_ascii_end();
    let inside = run_end(line, start + 1, SPACE);
    matches!(at(line, inside), b'"' | b'}') && end.ends_with(b"}")
}

/// Tokenizes a line as JSON.
pub(super) fn scan(scan: &mut Scan<'_>, line: &[u8]) -> Result<(), TooLarge> {
    let (mut structure, mut pos) = (0, 0);
    while pos < line.len() {
        match at(line, pos) {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => pos += 1,
            _ if is(line, pos, SPACE) => pos += 1,
            b'"' => {
                let Some(close) = string_end(line, pos + 1) else {
                    pos += 1;
                    break;
                };
                let next = run_end(line, close + 1, SPACE);
                if at(line, next) == b':' || close == pos + 1 {
                    pos = close + 1;
                    continue;
                }
                scan.structure(structure, pos + 1)?;
                scan.text(&line[..close], pos + 1)?;
                (structure, pos) = (close, close + 1);
            }
            _ => {
                let Some((kind, end)) = scalar(line, pos) else {
                    break;
                };
                scan.structure(structure, pos)?;
                scan.value(kind, end)?;
                (structure, pos) = (end, end);
            }
        }
    }
    scan.structure(structure, pos)?;
    scan.text(line, pos)
}

/// The closing quote of the string whose content starts at an index.
fn string_end(line: &[u8], start: usize) -> Option<usize> {
    let mut pos = start;
    loop {
        let found = pos + memchr::memchr2(b'"', b'\\', line.get(pos..)?)?;
        if at(line, found) == b'"' {
            return Some(found);
        }
        pos = found + 2;
    }
}

/// The number or literal name at an index, if something of JSON follows it.
fn scalar(line: &[u8], start: usize) -> Option<(Kind, usize)> {
    let rest = line.get(start..)?;
    let (kind, len) = match at(line, start) {
        b't' if rest.starts_with(b"true") => (Kind::Word, 4),
        b'f' if rest.starts_with(b"false") => (Kind::Word, 5),
        b'n' if rest.starts_with(b"null") => (Kind::Word, 4),
        b'-' | b'0'..=b'9' => (Kind::Number, number_len(rest)?),
        _ => return None,
    };
    let end = start + len;
    let ends = matches!(at(line, end), b',' | b'}' | b']') || is(line, end, SPACE);
    ends.then_some((kind, end))
}

/// The length of the number of JSON that the bytes begin with.
fn number_len(bytes: &[u8]) -> Option<usize> {
    let len = bytes
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        .count();
    bytes[..len].iter().any(u8::is_ascii_digit).then_some(len)
}
