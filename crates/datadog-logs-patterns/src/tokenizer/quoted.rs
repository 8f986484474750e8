//! Text between double quotes, as one token: user agents, messages, values of `key="value"`.

use super::class::at;
use super::dispatch::Found;
use crate::token::Kind;

/// Bytes of the longest text between quotes that becomes one token.
const MAX_BYTES: usize = 4_096;

/// The text that this quote opens, up to its closing quote.
///
/// Nothing, if the quote does not open a text, or if what follows is the request line of a server's log.
pub(super) fn text(line: &[u8], open: usize) -> Option<Found> {
    let opens = open == 0 || matches!(line[open - 1], b' ' | b'=' | b'(' | b'[' | b',' | b':');
    if !opens {
        return None;
    }
    let start = open + 1;
    let rest = &line[start..line.len().min(start + MAX_BYTES)];
    let end = start + closing(rest)?;
    let closes = matches!(
        at(line, end + 1),
        0 | b' ' | b',' | b')' | b']' | b'}' | b';' | b':' | b'.'
    );
    if start == end || !closes || is_request(&line[start..end]) {
        return None;
    }
    Some(Found::printable_or_not(line, start, Kind::Quoted, end))
}

/// Where the closing quote stands, behind all that a backslash hides.
fn closing(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'"', text).find(|at| {
        let backslashes = text[..*at]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        backslashes % 2 == 0
    })
}

/// Whether this is a method in upper case and a path.
fn is_request(text: &[u8]) -> bool {
    let method = text
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    (3..=7).contains(&method) && text[method..].starts_with(b" /")
}
