//! Numbers with their units, hexadecimal numbers and UUIDs.

use super::class::{DIGIT, HEX, WORD, at, is, run_end};

/// Parts that a duration like `1h2m3.5s` may have.
const DURATION_PARTS: usize = 6;

/// The end of the number that starts with the digits `start..digits`, with fraction, exponent and unit.
///
/// `None` if letters follow that are none of these.
pub(super) fn number(line: &[u8], start: usize, digits: usize) -> Option<usize> {
    if at(line, digits) == b'.' && is(line, digits + 1, DIGIT) {
        let fraction = run_end(line, digits + 1, DIGIT);
        if let Some(end) = suffix(line, fraction) {
            return Some(end);
        }
    }
    suffix(line, digits).or_else(|| duration(line, start))
}

/// The end of exponent and unit, both of which may be missing, if no word goes on there.
fn suffix(line: &[u8], start: usize) -> Option<usize> {
    if !is(line, start, WORD) {
        let percent = at(line, start) == b'%' && !is(line, start + 1, WORD);
        return Some(start + usize::from(percent));
    }
    let mut end = start;
    if at(line, end) | 0x20 == b'e' {
        let sign = usize::from(matches!(at(line, end + 1), b'+' | b'-'));
        end = run_end(line, end + 1 + sign, DIGIT);
        if end == start + 1 + sign {
            return None;
        }
    }
    let end = end + unit(line, end).unwrap_or(0);
    (!is(line, end, WORD)).then_some(end)
}

/// The length of the unit that the rest of the word at an index is.
fn unit(line: &[u8], start: usize) -> Option<usize> {
    let len = (0..4).find(|len| !is(line, start + len, WORD))?;
    let known = matches!(
        line.get(start..start + len)?,
        b"ns"
            | b"us"
            | b"\xc2\xb5s"
            | b"\xce\xbcs"
            | b"ms"
            | b"s"
            | b"m"
            | b"h"
            | b"d"
            | b"B"
            | b"kB"
            | b"KB"
            | b"MB"
            | b"GB"
            | b"TB"
            | b"KiB"
            | b"MiB"
            | b"GiB"
            | b"TiB"
            | b"Ki"
            | b"Mi"
            | b"Gi"
    );
    known.then_some(len)
}

/// The end of a duration of several parts, like `1h2m3.5s`.
fn duration(line: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    for _ in 0..DURATION_PARTS {
        let digits = run_end(line, end, DIGIT);
        let fraction = match at(line, digits) {
            b'.' => run_end(line, digits + 1, DIGIT),
            _ => digits,
        };
        let letters = match [at(line, fraction), at(line, fraction + 1)] {
            [b'm' | b'u' | b'n', b's'] => 2,
            [b's' | b'm' | b'h' | b'd', _] => 1,
            _ => return None,
        };
        end = fraction + letters;
        if !is(line, end, WORD) {
            return Some(end);
        }
        if !is(line, end, DIGIT) {
            return None;
        }
    }
    None
}

/// Whether a word of digits and letters is hexadecimal: `0x…`, or an even number of digits, 8 at least.
///
/// `all_hex` says that the whole word is made of hexadecimal digits.
pub(super) fn is_hex(word: &[u8], all_hex: bool) -> bool {
    match word {
        [b'0', b'x' | b'X', digits @ ..] => {
            !digits.is_empty() && run_end(digits, 0, HEX) == digits.len()
        }
        _ => all_hex && word.len() >= 8 && word.len().is_multiple_of(2),
    }
}

/// The end of the UUID whose first group is the word `start..first`.
pub(super) fn uuid(line: &[u8], start: usize, first: usize) -> Option<usize> {
    if first - start != 8 {
        return None;
    }
    let mut end = first;
    for group in [4, 4, 4, 12] {
        let digits = line.get(end + 1..end + 1 + group)?;
        if at(line, end) != b'-' || run_end(digits, 0, HEX) != group {
            return None;
        }
        end += 1 + group;
    }
    (!is(line, end, WORD)).then_some(end)
}
