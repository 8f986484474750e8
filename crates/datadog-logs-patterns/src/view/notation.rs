//! Notations of values that have space or colons inside: dates, quantities with units, addresses of hardware, requests.
//!
//! Each function looks at the start of a text and says how many bytes of it are the value.

use super::shape;

/// The words of one date at most.
const MAX_DATE_WORDS: usize = 7;

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Abbreviations of units of size and time; spelt out, a unit belongs to the message.
const UNITS: [&str; 24] = [
    "B", "kB", "KB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "K", "M", "G", "ns", "us",
    "µs", "ms", "s", "sec", "secs", "min", "mins", "h",
];

/// The methods of HTTP.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE",
];

/// What a word of a date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DateWord {
    Weekday,
    Month,
    /// A day or a year.
    Number,
    Time,
    Zone,
}

/// A date as in `Tue Mar  3 10:04:05 UTC 2020` or `03 Mar 2020 10:04`: a month and a number at least.
pub(super) fn date(text: &[u8]) -> Option<usize> {
    let mut end = 0;
    let mut seen: Vec<DateWord> = Vec::new();
    while seen.len() < MAX_DATE_WORDS {
        let space = text[end..].iter().take_while(|b| **b == b' ').count();
        let start = end + space;
        let stops = |b: &u8| !b.is_ascii_alphanumeric() && !matches!(b, b':' | b'.' | b'+' | b'-');
        let length = text[start..]
            .iter()
            .position(stops)
            .unwrap_or(text.len() - start);
        let word = &text[start..start + length];
        let word = word.strip_suffix(b".").unwrap_or(word);
        let Some(kind) = date_word(word, &seen) else {
            break;
        };
        seen.push(kind);
        end = start + word.len();
        let comma = text.get(end) == Some(&b',') && text.get(end + 1) == Some(&b' ');
        if comma && next_belongs(&text[end + 1..], &seen) {
            end += 1;
        }
    }
    let month_and_day = seen.contains(&DateWord::Month) && seen.contains(&DateWord::Number);
    month_and_day.then_some(end)
}

fn next_belongs(text: &[u8], seen: &[DateWord]) -> bool {
    let text = text.trim_ascii_start();
    let length = text
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b':')
        .count();
    date_word(&text[..length], seen).is_some()
}

/// What the word is, if the date may still have such a word.
fn date_word(word: &[u8], seen: &[DateWord]) -> Option<DateWord> {
    let text = std::str::from_utf8(word).ok()?;
    let count = |kind: DateWord| seen.iter().filter(|word| **word == kind).count();
    let kind = if is_one_of(text, &WEEKDAYS) {
        DateWord::Weekday
    } else if is_one_of(text, &MONTHS) {
        DateWord::Month
    } else if text.len() <= 4 && is_digits(text) {
        DateWord::Number
    } else if is_time(text) {
        DateWord::Time
    } else if is_zone(text) && count(DateWord::Time) == 1 {
        DateWord::Zone
    } else {
        return None;
    };
    let most = if kind == DateWord::Number { 2 } else { 1 };
    (count(kind) < most).then_some(kind)
}

/// One of the names with a capital, whole or its first three letters.
fn is_one_of(text: &str, names: &[&str]) -> bool {
    let capital = text.starts_with(|c: char| c.is_ascii_uppercase());
    let short = |name: &str| {
        name.get(..3)
            .is_some_and(|short| text.eq_ignore_ascii_case(short))
    };
    let known = |name: &&str| text.eq_ignore_ascii_case(name) || short(name);
    capital && names.iter().any(known)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Digits with one or two colons, with a fraction if it has one.
pub(super) fn is_time(text: &str) -> bool {
    let colons = text.matches(':').count();
    let digits = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.');
    (1..=2).contains(&colons)
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(digits)
}

fn is_zone(text: &str) -> bool {
    let offset = text
        .strip_prefix(['+', '-'])
        .is_some_and(|rest| rest.len() == 4 && is_digits(rest));
    let name = (3..=4).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase())
        && (text.ends_with('T') || text == "UTC");
    offset || name
}

/// The space and the unit behind a number.
pub(super) fn unit(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b" ")?;
    let length = rest
        .iter()
        .take_while(|b| {
            b.is_ascii_alphanumeric()
                || **b >= 0x80
                || matches!(b, b'_' | b'-' | b'/' | b':' | b'=')
        })
        .count();
    let word = std::str::from_utf8(&rest[..length]).ok()?;
    UNITS.contains(&word).then_some(1 + length)
}

/// Four and more pairs of hexadecimal digits with colons between.
pub(super) fn hardware_address(text: &[u8]) -> Option<usize> {
    let mut end = 0;
    loop {
        let pair = text.get(end..end + 2)?;
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        end += 2;
        match text.get(end) {
            Some(b':') => end += 1,
            Some(byte) if byte.is_ascii_alphanumeric() => return None,
            _ => break,
        }
    }
    (end >= 11).then_some(end)
}

/// An address of IPv6 with `::` or eight groups.
pub(super) fn ipv6(text: &[u8]) -> Option<usize> {
    const LONGEST: usize = 45;
    let run = text
        .iter()
        .take(LONGEST + 1)
        .take_while(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
        .count();
    let ends = text
        .get(run)
        .is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    let address = std::str::from_utf8(&text[..run])
        .ok()?
        .trim_end_matches('.');
    let has_digit = address.contains(|c: char| c.is_ascii_digit());
    let is_address = address.parse::<std::net::Ipv6Addr>().is_ok();
    (ends && has_digit && is_address).then_some(address.len())
}

/// A host or a place in a program with a number behind it: `db.example.org:5432`, `main.rs:12`.
///
/// `state.topAmount:12` is a key and its value.
pub(super) fn numbered_place(text: &[u8]) -> Option<usize> {
    let name = text
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'$'))
        .count();
    let rest = text.get(name..)?.strip_prefix(b":")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let ends = rest
        .get(digits)
        .is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b':' | b'_'));
    let name_text = &text[..name];
    let is_key_like = name_text.iter().any(u8::is_ascii_uppercase);
    let short = digits >= 2 && shape::is_dotted(name_text) && !is_key_like;
    let is_place = shape::is_qualified(name_text) || short;
    let place = (1..=5).contains(&digits) && ends && is_place;
    place.then_some(name + 1 + digits)
}

/// The method of a request, if the text is one: `GET /index HTTP/1.1`.
pub(super) fn request_method(text: &[u8]) -> Option<usize> {
    let length = text.iter().position(|b| *b == b' ')?;
    let method = std::str::from_utf8(&text[..length]).ok()?;
    let target = text.get(length + 1)?;
    let known = METHODS.contains(&method) && !target.is_ascii_whitespace();
    known.then_some(length)
}

/// The space and the time of day behind a date.
pub(super) fn time_after_date(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b" ")?;
    let length = rest
        .iter()
        .take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))
        .count();
    let word = std::str::from_utf8(&rest[..length]).ok()?;
    let fraction = rest[length..].strip_prefix(b",").map_or(0, |rest| {
        rest.iter().take_while(|b| b.is_ascii_digit()).count()
    });
    let fraction = if fraction == 3 { 4 } else { 0 };
    is_time(word.trim_end_matches('.')).then_some(1 + word.trim_end_matches('.').len() + fraction)
}

#[cfg(test)]
mod tests;
