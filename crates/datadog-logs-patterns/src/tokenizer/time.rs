//! Points in time in the notations that logs use; a date and the time after it are one token.
//!
//! Each function looks at a bounded number of bytes, and returns where the token ends.

use super::class::{DIGIT, WORD, at, is, run_end};

/// The timestamp that starts with the digits `start..digits`.
pub(super) fn from_digits(line: &[u8], start: usize, digits: usize) -> Option<usize> {
    match (digits - start, at(line, digits)) {
        (1 | 2, b':') => clock(line, start),
        (4, b'-' | b'/' | b'.') => year_first(line, start),
        (1 | 2, b'/' | b'-' | b'.') => short_first(line, start, digits),
        (1 | 2, b' ') => day_month_year(line, start),
        (8, b'-' | b'T') => compact(line, start, digits),
        _ => None,
    }
}

/// The timestamp that starts with a word of three letters, the name of a month or a day of the week.
pub(super) fn from_name(line: &[u8], start: usize) -> Option<usize> {
    if is_month(line, start) {
        return month_day(line, start);
    }
    if !is_weekday(line, start) {
        return None;
    }
    let comma = usize::from(at(line, start + 3) == b',');
    let date = start + 4 + comma;
    if at(line, date - 1) != b' ' {
        return None;
    }
    if !is_month(line, date) {
        return day_month_year(line, date);
    }
    let end = month_day(line, date)?;
    Some(year_after(line, end).unwrap_or(end))
}

/// `MMDD HH:MM:SS.ffffff` after a severity letter, as klog writes it.
pub(super) fn klog(line: &[u8], start: usize) -> Option<usize> {
    let month = two_digits(line, start + 1, 1..=12)?;
    let day = two_digits(line, month, 1..=31)?;
    if at(line, day) != b' ' {
        return None;
    }
    clock(line, day + 1)
}

/// `YYYY-MM-DD`, `YYYY/MM/DD` or `YYYY.MM.DD`, and a time.
fn year_first(line: &[u8], start: usize) -> Option<usize> {
    let mark = at(line, start + 4);
    let year = year(line, start)?;
    let month = up_to_two_digits(line, year + 1, 12)?;
    if at(line, month) != mark {
        return None;
    }
    let day = up_to_two_digits(line, month + 1, 31)?;
    time_after(line, day).or_else(|| date_end(line, day, mark))
}

/// `DD/Mon/YYYY`, `MM/DD/YYYY`, `YY/MM/DD` and `MM-DD`, the last two only with a time.
fn short_first(line: &[u8], start: usize, first: usize) -> Option<usize> {
    up_to_two_digits(line, start, 99)?;
    let mark = at(line, first);
    if is_month(line, first + 1) {
        let month = first + 4;
        return year_at(line, month, mark, |year| {
            time_after(line, year).or_else(|| date_end(line, year, mark))
        });
    }
    let second = up_to_two_digits(line, first + 1, 31)?;
    if at(line, second) == b' ' && mark != b'.' {
        return clock(line, second + 1);
    }
    if at(line, second) != mark {
        return None;
    }
    if let Some(year) = year(line, second + 1) {
        return time_after(line, year).or_else(|| date_end(line, year, mark));
    }
    let third = two_digits(line, second + 1, 1..=31)?;
    time_after(line, third)
}

/// What follows a month and its mark: a year of four digits.
fn year_at(
    line: &[u8],
    month: usize,
    mark: u8,
    then: impl Fn(usize) -> Option<usize>,
) -> Option<usize> {
    if at(line, month) != mark {
        return None;
    }
    then(year(line, month + 1)?)
}

/// `DD Mon YYYY HH:MM:SS`.
fn day_month_year(line: &[u8], start: usize) -> Option<usize> {
    let day = up_to_two_digits(line, start, 31)?;
    if at(line, day) != b' ' || !is_month(line, day + 1) {
        return None;
    }
    year_at(line, day + 4, b' ', |year| time_after(line, year))
}

/// `Mon D HH:MM:SS`, with a year or without.
fn month_day(line: &[u8], start: usize) -> Option<usize> {
    if at(line, start + 3) != b' ' {
        return None;
    }
    let padded = usize::from(at(line, start + 4) == b' ');
    let day = up_to_two_digits(line, start + 4 + padded, 31)?;
    let comma = usize::from(at(line, day) == b',');
    if at(line, day + comma) != b' ' {
        return None;
    }
    let time = match year(line, day + comma + 1) {
        Some(year) if at(line, year) == b' ' => year + 1,
        _ => day + 1,
    };
    clock(line, time)
}

/// The year, and the name of a time zone before it, that follow a time.
fn year_after(line: &[u8], end: usize) -> Option<usize> {
    let zone = match line.get(end..end + 4)? {
        [b' ', b'A'..=b'Z', b'A'..=b'Z', b'A'..=b'Z'] => run_end(line, end + 1, WORD),
        _ => end,
    };
    if zone > end + 5 || at(line, zone) != b' ' {
        return None;
    }
    let end = year(line, zone + 1)?;
    (!is(line, end, WORD)).then_some(end)
}

/// `YYYYMMDD-HH:MM:SS` and `YYYYMMDDTHHMMSS`.
fn compact(line: &[u8], start: usize, date: usize) -> Option<usize> {
    let year = year(line, start)?;
    let month = two_digits(line, year, 1..=12)?;
    two_digits(line, month, 1..=31)?;
    if let Some(end) = clock(line, date + 1) {
        return Some(end);
    }
    let hour = two_digits(line, date + 1, 0..=24)?;
    let minute = two_digits(line, hour, 0..=59)?;
    let second = two_digits(line, minute, 0..=60)?;
    clock_end(line, second)
}

/// The time after a date, with what separates them.
fn time_after(line: &[u8], date: usize) -> Option<usize> {
    let time = match [at(line, date), at(line, date + 1)] {
        [b',', b' '] => date + 2,
        [b' ' | b'T' | b't' | b'_' | b':' | b'-' | b',', _] => date + 1,
        _ => return None,
    };
    clock(line, time).or_else(|| match at(line, date) {
        b' ' | b'T' | b't' => hour_minute(line, time),
        b'-' => dotted_clock(line, time),
        _ => None,
    })
}

/// `HH:MM:SS` with fraction and zone.
fn clock(line: &[u8], start: usize) -> Option<usize> {
    let hour = up_to_two_digits_or_zero(line, start, 24)?;
    let minute = two_digits(line, mark(line, hour, b':')?, 0..=59)?;
    let second = two_digits(line, mark(line, minute, b':')?, 0..=60)?;
    clock_end(line, fraction(line, second))
}

/// `HH:MM` with a zone, after a date.
fn hour_minute(line: &[u8], start: usize) -> Option<usize> {
    let hour = two_digits(line, start, 0..=24)?;
    let minute = two_digits(line, mark(line, hour, b':')?, 0..=59)?;
    clock_end(line, minute)
}

/// `HH.MM.SS` with a fraction, after a date.
fn dotted_clock(line: &[u8], start: usize) -> Option<usize> {
    let hour = two_digits(line, start, 0..=24)?;
    let minute = two_digits(line, mark(line, hour, b'.')?, 0..=59)?;
    let second = two_digits(line, mark(line, minute, b'.')?, 0..=60)?;
    clock_end(line, fraction(line, second))
}

/// The end of a date that no time follows.
fn date_end(line: &[u8], end: usize, mark: u8) -> Option<usize> {
    let goes_on = mark == b'.' && at(line, end) == b'.' && is(line, end + 1, DIGIT);
    (!goes_on && !is(line, end, WORD)).then_some(end)
}

/// The end of a time with its zone; `None` if digits or letters go on there.
fn clock_end(line: &[u8], end: usize) -> Option<usize> {
    let end = zone(line, end).unwrap_or(end);
    let goes_on = at(line, end) == b':' && is(line, end + 1, DIGIT);
    (!goes_on && !is(line, end, WORD)).then_some(end)
}

/// The end of a fraction of a second: after a full stop any digits, after a comma or colon whole thousandths.
fn fraction(line: &[u8], second: usize) -> usize {
    let mark = at(line, second);
    if !matches!(mark, b'.' | b',' | b':') {
        return second;
    }
    let digits = (1..11)
        .take_while(|&index| is(line, second + index, DIGIT))
        .count();
    let fits = match mark {
        b'.' => (1..=9).contains(&digits),
        b',' => matches!(digits, 3 | 6 | 9),
        _ => digits == 3,
    };
    if fits { second + 1 + digits } else { second }
}

/// The end of a zone: `Z`, or an offset like `+0200`, `+02:00`, `+02` or ` +0200`.
fn zone(line: &[u8], end: usize) -> Option<usize> {
    let space = match at(line, end) {
        b'Z' | b'z' => return Some(end + 1),
        b' ' => 1,
        _ => 0,
    };
    if !matches!(at(line, end + space), b'+' | b'-') {
        return None;
    }
    let hour = two_digits(line, end + space + 1, 0..=14)?;
    let colon = usize::from(at(line, hour) == b':');
    match two_digits(line, hour + colon, 0..=59) {
        Some(minute) => zone_end(line, minute),
        None if space == 0 => zone_end(line, hour),
        None => None,
    }
}

/// The end of an offset, which nothing of a number or time may follow.
fn zone_end(line: &[u8], end: usize) -> Option<usize> {
    (!is(line, end, WORD) && at(line, end) != b':').then_some(end)
}

/// The index after a certain byte.
fn mark(line: &[u8], index: usize, byte: u8) -> Option<usize> {
    (at(line, index) == byte).then_some(index + 1)
}

/// The end of a year from 1900 to 2199 of exactly four digits.
fn year(line: &[u8], start: usize) -> Option<usize> {
    let end = two_digits(line, start, 19..=21)?;
    two_digits(line, end, 0..=99)
}

/// The end of a number of two digits within bounds.
fn two_digits(line: &[u8], start: usize, bounds: std::ops::RangeInclusive<u8>) -> Option<usize> {
    let tens = at(line, start).wrapping_sub(b'0');
    let ones = at(line, start + 1).wrapping_sub(b'0');
    let valid = tens < 10 && ones < 10 && bounds.contains(&(tens * 10 + ones));
    valid.then_some(start + 2)
}

/// The end of a number of one or two digits from 1 up to a bound.
fn up_to_two_digits(line: &[u8], start: usize, most: u8) -> Option<usize> {
    if is(line, start + 1, DIGIT) {
        return two_digits(line, start, 1..=most);
    }
    matches!(at(line, start), b'1'..=b'9').then_some(start + 1)
}

/// The end of a number of one or two digits from 0 up to a bound.
fn up_to_two_digits_or_zero(line: &[u8], start: usize, most: u8) -> Option<usize> {
    if is(line, start + 1, DIGIT) {
        return two_digits(line, start, 0..=most);
    }
    is(line, start, DIGIT).then_some(start + 1)
}

fn is_month(line: &[u8], start: usize) -> bool {
    let name = line.get(start..start + 3).unwrap_or_default();
    matches!(
        name,
        b"Jan"
            | b"Feb"
            | b"Mar"
            | b"Apr"
            | b"May"
            | b"Jun"
            | b"Jul"
            | b"Aug"
            | b"Sep"
            | b"Oct"
            | b"Nov"
            | b"Dec"
    )
}

fn is_weekday(line: &[u8], start: usize) -> bool {
    let name = line.get(start..start + 3).unwrap_or_default();
    matches!(
        name,
        b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun"
    )
}
