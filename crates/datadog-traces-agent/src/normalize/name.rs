//! Names of spans, which become names of metrics: letters, digits, dots and underscores.

use std::borrow::Cow;

use super::Malformed;
use crate::truncate;

/// The name of spans that have none.
const UNNAMED: &str = "unnamed_operation";

/// Bytes of a name at most.
const NAME_BYTES: usize = 100;

/// Repairs the name of a span, and says what was wrong with it.
pub fn operation(name: &str) -> (Cow<'_, str>, Option<Malformed>) {
    if name.is_empty() {
        return (Cow::Borrowed(UNNAMED), Some(Malformed::SpanNameEmpty));
    }
    let cut = (name.len() > NAME_BYTES).then_some(Malformed::SpanNameTruncate);
    match metric_name(truncate::head(name, NAME_BYTES)) {
        Some(name) => (name, cut),
        None => (Cow::Borrowed(UNNAMED), Some(Malformed::SpanNameInvalid)),
    }
}

/// Repairs the name of a metric: it starts with a letter, and runs of what is neither letter nor digit nor dot become
/// one underscore, or nothing beside a dot and at the end. `None` if it has no letter.
///
/// Letters and digits are those of ASCII; case is kept.
pub fn metric_name(name: &str) -> Option<Cow<'_, str>> {
    let start = name.bytes().position(|byte| byte.is_ascii_alphabetic())?;
    // What is before a letter of ASCII is whole characters.
    let (_, name) = name.split_at_checked(start)?;
    if is_fine(name.as_bytes()) {
        return Some(Cow::Borrowed(name.strip_suffix('_').unwrap_or(name)));
    }
    let mut repaired = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => repaired.push(char::from(byte)),
            b'.' => {
                if repaired.ends_with('_') {
                    repaired.pop();
                }
                repaired.push('.');
            }
            _ if repaired.ends_with(['.', '_']) => {}
            _ => repaired.push('_'),
        }
    }
    if repaired.ends_with('_') {
        repaired.pop();
    }
    Some(Cow::Owned(repaired))
}

/// Whether nothing but an underscore at the end is to be changed.
fn is_fine(name: &[u8]) -> bool {
    let mut before = b'a';
    for &byte in name {
        let fine = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => true,
            b'.' => before != b'_',
            b'_' => before != b'_' && before != b'.',
            _ => false,
        };
        if !fine {
            return false;
        }
        before = byte;
    }
    true
}
