//! Where something is: addresses of the internet and of electronic mail, URIs and paths.

use super::class::{DIGIT, ENDS_PATH, ENDS_URI, HEX, LOCAL, WORD, at, before, class, is, run_end};
use crate::token::Kind;

/// Pairs of hexadecimal digits in a fingerprint of 256 bits.
const MAX_PAIRS: usize = 32;

/// How far earlier attempts have looked, so that none looks at the same bytes again.
#[derive(Debug, Default)]
pub(super) struct Lookahead {
    /// Before this index no address and no scheme ends a run of their characters.
    run: usize,
    /// Before this index no groups with colons between them are an address.
    groups: usize,
}

impl Lookahead {
    /// The address of electronic mail, or the URI with a scheme of several words, that starts at a word.
    pub(super) fn mail_or_uri(&mut self, line: &[u8], start: usize) -> Option<(Kind, usize)> {
        if start < self.run {
            return None;
        }
        let end = run_end(line, start, LOCAL);
        let found = match at(line, end) {
            b'@' => mail_domain(line, end + 1).map(|end| (Kind::Email, end)),
            b':' => uri(line, start, end).map(|end| (Kind::Uri, end)),
            _ => None,
        };
        if found.is_none() {
            self.run = end;
        }
        found
    }

    /// The address or fingerprint that starts with a hexadecimal word or `::`.
    pub(super) fn groups(&mut self, line: &[u8], start: usize) -> Option<(Kind, usize)> {
        if start < self.groups {
            return None;
        }
        let groups = Groups::read(line, start);
        if groups.kind.is_none() {
            self.groups = groups.end;
        }
        Some((groups.kind?, groups.end))
    }
}

/// Hexadecimal groups with colons between them.
struct Groups {
    /// What they are, if anything.
    kind: Option<Kind>,
    /// Where they end.
    end: usize,
}

/// What was read of the groups so far.
#[derive(Default)]
struct Shape {
    groups: usize,
    /// Groups of two digits.
    pairs: usize,
    /// Whether `::` was among them.
    gap: bool,
    /// Whether a decimal digit was among them: `a::b` is a name in a program.
    digit: bool,
}

impl Groups {
    fn read(line: &[u8], start: usize) -> Self {
        let (mut shape, mut end) = (Shape::default(), start);
        while let Some(group) = shape.separator(line, start, end) {
            if shape.gap
                && let Some(address) = ipv4(line, group)
            {
                shape.groups += 2;
                shape.digit = true;
                end = address;
                break;
            }
            end = hex_group(line, group);
            if end == group {
                break;
            }
            shape.groups += 1;
            shape.pairs += usize::from(end - group == 2);
            shape.digit |= line[group..end].iter().any(u8::is_ascii_digit);
        }
        Self {
            kind: shape.kind(line, end),
            end,
        }
    }
}

impl Shape {
    /// Where the next group starts, if there may be one.
    fn separator(&mut self, line: &[u8], start: usize, end: usize) -> Option<usize> {
        let most = if self.pairs == self.groups {
            MAX_PAIRS
        } else {
            8
        };
        if self.groups >= most {
            return None;
        }
        let gap = !self.gap && at(line, end) == b':' && at(line, end + 1) == b':';
        if gap {
            self.gap = true;
            return Some(end + 2);
        }
        if end == start {
            return Some(end);
        }
        let one_more = at(line, end) == b':' && is(line, end + 1, HEX);
        one_more.then_some(end + 1)
    }

    fn kind(&self, line: &[u8], end: usize) -> Option<Kind> {
        let all_pairs = self.pairs == self.groups;
        // A port may follow eight groups.
        let complete = !self.gap && self.groups == 8;
        let port = complete && !all_pairs;
        let goes_on = at(line, end) == b':'
            && (at(line, end + 1) == b':' || (is(line, end + 1, WORD) && !port));
        if is(line, end, WORD) || goes_on {
            return None;
        }
        if complete || (self.gap && (1..8).contains(&self.groups) && self.digit) {
            return Some(Kind::Ipv6);
        }
        (!self.gap && all_pairs && self.groups >= 6).then_some(Kind::Hex)
    }
}

/// The end of up to four hexadecimal digits.
fn hex_group(line: &[u8], start: usize) -> usize {
    let digits = (0..4)
        .take_while(|index| is(line, start + index, HEX))
        .count();
    start + digits
}

/// The end of the IPv4 address at an index, if it is not a piece of a longer row of numbers.
pub(super) fn ipv4(line: &[u8], start: usize) -> Option<usize> {
    if before(line, start) == b'.' {
        return None;
    }
    let mut end = start;
    for part in 0..4 {
        if part > 0 {
            if at(line, end) != b'.' {
                return None;
            }
            end += 1;
        }
        end = octet(line, end)?;
    }
    let goes_on = at(line, end) == b'.' && is(line, end + 1, WORD);
    (!goes_on && !is(line, end, WORD)).then_some(end)
}

/// The end of a number from 0 to 255 of up to three digits.
fn octet(line: &[u8], start: usize) -> Option<usize> {
    let (mut end, mut value) = (start, 0_u16);
    while end < start + 3 && is(line, end, DIGIT) {
        value = value * 10 + u16::from(at(line, end) - b'0');
        end += 1;
    }
    (end > start && value <= 255).then_some(end)
}

/// The end of a domain of two labels or more, the last of two letters or more.
fn mail_domain(line: &[u8], start: usize) -> Option<usize> {
    let (mut label, mut found) = (start, None);
    loop {
        let end = label_end(line, label);
        if end == label {
            break;
        }
        let letters = (label..end).all(|index| at(line, index).is_ascii_alphabetic());
        if label > start && letters && end - label >= 2 && !is(line, end, WORD) {
            found = Some(end);
        }
        if at(line, end) != b'.' {
            break;
        }
        label = end + 1;
    }
    found
}

/// The end of a label of a domain: letters, digits, and hyphens between them.
fn label_end(line: &[u8], start: usize) -> usize {
    let mut end = start;
    loop {
        while at(line, end).is_ascii_alphanumeric() {
            end += 1;
        }
        let hyphens = end > start
            && at(line, end) == b'-'
            && (at(line, end + 1) == b'-' || at(line, end + 1).is_ascii_alphanumeric());
        if !hyphens {
            return end;
        }
        end += 1;
    }
}

/// The end of the URI whose scheme is `start..colon`.
pub(super) fn uri(line: &[u8], start: usize, colon: usize) -> Option<usize> {
    let rest = line.get(colon..)?.strip_prefix(b"://")?;
    let scheme = line.get(start..colon)?;
    let valid = scheme.first()?.is_ascii_lowercase()
        && scheme
            .iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'.' | b'-'));
    if !valid || rest.is_empty() {
        return None;
    }
    let authority = colon + 3;
    let end = trim(
        line,
        authority,
        balanced_end(line, authority, ENDS_URI),
        b".,;:!?",
    );
    (end > authority).then_some(end)
}

/// The end of the path that starts with the slash at an index.
pub(super) fn path(line: &[u8], start: usize) -> Option<usize> {
    let starts = matches!(
        before(line, start),
        b' ' | b'\t'
            | b'\n'
            | b'"'
            | b'\''
            | b'`'
            | b'='
            | b'('
            | b'['
            | b'{'
            | b'>'
            | b','
            | b':'
            | b';'
            | b'|'
    );
    let second = at(line, start + 1);
    if !starts
        || (class(second) & WORD == 0
            && !matches!(second, b'.' | b'~' | b'-' | b'%' | b'@' | b'$' | b'{'))
    {
        return None;
    }
    let end = balanced_end(line, start + 1, ENDS_PATH);
    let end = trim(line, start + 2, end, b".!");
    (end > start + 1).then_some(end)
}

/// The end of the bytes up to one of the classes or a bracket that closes what was not opened since.
fn balanced_end(line: &[u8], start: usize, ends: u8) -> usize {
    let mut open = 0_usize;
    for (offset, &byte) in line[start.min(line.len())..].iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' if open == 0 => return start + offset,
            b')' | b']' | b'}' => open -= 1,
            _ if class(byte) & ends != 0 => return start + offset,
            _ => {}
        }
    }
    line.len()
}

/// The end without the marks that belong to the sentence around it.
fn trim(line: &[u8], start: usize, mut end: usize, marks: &[u8]) -> usize {
    while end > start && marks.contains(&at(line, end - 1)) {
        end -= 1;
    }
    end
}
