//! Times of entries in Unix milliseconds.

/// The whole milliseconds of a JSON number.
pub(super) fn whole_milliseconds(number: &str) -> Option<i64> {
    let fraction = || {
        number
            .parse()
            .ok()
            .and_then(crate::intake_entry::whole_milliseconds)
    };
    number.parse().ok().or_else(fraction)
}

/// A time as ISO 8601 and RFC 3339 have it: date, `T` or a space, time of day to the second, perhaps a fraction, and
/// `Z` or an offset. Anything else, and a time without a zone, is nobody's guess.
pub(super) fn from_iso_8601(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    let month = after(&mut rest, b'-', 2)?;
    let day = after(&mut rest, b'-', 2)?;
    let (b'T' | b't' | b' ', time) = rest.split_first()? else {
        return None;
    };
    rest = time;
    let hour = number(&mut rest, 2)?;
    let minute = after(&mut rest, b':', 2)?;
    let second = after(&mut rest, b':', 2)?;
    let milliseconds = fraction(&mut rest)?;
    let offset_minutes = offset(rest)?;
    let is_date = (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
    // A leap second is the last millisecond of its minute, as most clocks have it.
    let is_time = hour < 24 && minute < 60 && second <= 60;
    if !is_date || !is_time {
        return None;
    }
    let minutes = days_since_1970(year, month, day) * 1_440 + hour * 60 + minute - offset_minutes;
    let (second, milliseconds) = if second == 60 {
        (59, 999)
    } else {
        (second, milliseconds)
    };
    Some(minutes * 60_000 + second * 1_000 + milliseconds)
}

/// So many digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (number, behind) = rest.split_at_checked(digits)?;
    if !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    *rest = behind;
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn after(rest: &mut &[u8], separator: u8, digits: usize) -> Option<i64> {
    *rest = rest.strip_prefix(&[separator])?;
    number(rest, digits)
}

/// The milliseconds of a fraction, if there is one; what is finer is cut.
fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let Some(fraction) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) else {
        return Some(0);
    };
    let digits = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (fraction, behind) = fraction.split_at_checked(digits).filter(|_| digits > 0)?;
    *rest = behind;
    let digit = |index: usize| i64::from(fraction.get(index).map_or(0, |digit| digit - b'0'));
    Some(digit(0) * 100 + digit(1) * 10 + digit(2))
}

/// Minutes east of UTC.
fn offset(mut rest: &[u8]) -> Option<i64> {
    if matches!(rest, b"Z" | b"z") {
        return Some(0);
    }
    let (sign, behind) = rest.split_first()?;
    rest = behind;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number(&mut rest, 2)?;
    rest = rest.strip_prefix(b":").unwrap_or(rest);
    let minutes = if rest.is_empty() {
        0
    } else {
        number(&mut rest, 2)?
    };
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the first of January 1970 in the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let years = year - 1;
    let leap_days = years / 4 - years / 100 + years / 400 - 477;
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    (year - 1970) * 365 + leap_days + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::from_iso_8601 as time;

    #[test]
    fn times_with_a_zone_are_told() {
        assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(time("1969-12-31T23:59:59.999Z"), Some(-1));
        assert_eq!(time("2000-02-29T12:00:00z"), Some(951_825_600_000));
        assert_eq!(time("2024-01-15T10:30:45+00:00"), Some(1_705_314_645_000));
        assert_eq!(
            time("2024-01-15 10:30:45,1234-0130"),
            Some(1_705_320_045_123)
        );
        assert_eq!(time("2016-12-31T23:59:60Z"), Some(1_483_228_799_999));
        assert_eq!(time("2024-01-15T10:30:45+05"), Some(1_705_296_645_000));
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "2024-01-15",
            "2024-01-15T10:30:45",
            "2024-02-30T10:30:45Z",
            "2023-02-29T10:30:45Z",
            "2024-13-01T10:30:45Z",
            "2024-01-15T24:30:45Z",
            "2024-01-15T10:30:45.Z",
            "2024-01-15T10:30:45Zx",
            "2024-01-15T10:30:45+5",
            "15/Jan/2024:10:30:45 +0000",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
