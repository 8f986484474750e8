//! Text between double quotes, as one token: user agents, messages, values of `key="value"`.

use super::class::at;
use crate::token::Flags;

/// Bytes of the longest text between quotes that becomes one token.
const MAX_BYTES: usize = 4_096;

/// Where the text between quotes that starts behind this opening quote ends, and its flags.
///
/// Nothing, if the quote does not open a text, or what follows is the request line of a server's log.
pub(super) fn end(line: &[u8], open: usize) -> Option<(usize, Flags)> {
    let opens = open == 0 || matches!(line[open - 1], b' ' | b'=' | b'(' | b'[' | b',' | b':');
    if !opens {
        return None;
    }
    let rest = &line[open + 1..line.len().min(open + 1 + MAX_BYTES)];
    let len = closing(rest)?;
    let text = &rest[..len];
    let closes = matches!(
        at(line, open + 1 + len + 1),
        0 | b' ' | b',' | b')' | b']' | b'}' | b';' | b':' | b'.'
    );
    if text.is_empty() || !closes || is_request(text) {
        return None;
    }
    let plain = text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let flags = if plain { Flags::NONE } else { Flags::NOT_PLAIN };
    Some((open + 1 + len, flags))
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
