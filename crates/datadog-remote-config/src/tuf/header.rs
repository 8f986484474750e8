//! What all four roles say of themselves: type, version, and until when they are valid.

use crate::Error;
use crate::tuf::member::Member;

/// Bytes of any of these texts.
const MAX_TEXT: usize = 64;

/// The members that every document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// From one up.
    pub(crate) version: u64,
    /// The first second at which it is not valid any more, since 1970.
    pub(crate) expires: i64,
}

impl Header {
    /// Reads them from `signed`.
    pub(crate) fn read(signed: Member<'_, '_>) -> Result<Self, Error> {
        let kind = signed.required("_type")?;
        let expected = kind.document().role.type_name();
        if kind.text(MAX_TEXT)? != expected {
            return Err(kind.wrong(format!("not {expected}")));
        }
        let spec = signed.required("spec_version")?;
        if !spec.text(MAX_TEXT)?.starts_with("1.") {
            return Err(spec.wrong("not a version 1 of TUF"));
        }
        let expires = signed.required("expires")?;
        let seconds = seconds(expires.text(MAX_TEXT)?);
        Ok(Self {
            version: signed.required("version")?.version()?,
            expires: seconds.ok_or_else(|| expires.wrong("not a time in UTC"))?,
        })
    }

    /// Fails if it is not valid at this second.
    pub(crate) fn valid_at(&self, now: i64, signed: &super::Document) -> Result<(), Error> {
        if self.expires > now {
            return Ok(());
        }
        Err(Error::Expired {
            document: signed.clone(),
            expires: self.expires,
            now,
        })
    }
}

/// Seconds since 1970 of `2026-10-31T17:00:00Z`; fractions are cut off.
fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let time = match time.split_once('.') {
        Some((time, fraction)) => {
            digits(fraction, 1..=18)?;
            time
        }
        None => time,
    };
    let [year, month, day] = three(date, '-', 4)?;
    let [hour, minute, second] = three(time, ':', 2)?;
    // A leap second is the first of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second)
}

fn three(text: &str, between: char, first: usize) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let read = [
        digits(parts.next()?, first..=first)?,
        digits(parts.next()?, 2..=2)?,
        digits(parts.next()?, 2..=2)?,
    ];
    parts.next().is_none().then_some(read)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let only = text.bytes().all(|byte| byte.is_ascii_digit());
    (only && length.contains(&text.len()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Days since 1970 of a date of the Gregorian calendar; `None` when there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T23:59:59Z"), Some(951_868_799));
        assert_eq!(seconds("2026-10-31T17:00:00Z"), Some(1_793_466_000));
        assert_eq!(seconds("2026-10-31T17:00:00.999Z"), Some(1_793_466_000));
        assert_eq!(seconds("2099-01-01T00:00:00Z"), Some(4_070_908_800));
        assert_eq!(seconds("0000-01-01T00:00:00Z"), Some(-62_167_219_200));
    }

    #[test]
    fn what_is_no_time_in_utc_is_refused() {
        for text in [
            "",
            "2026-10-31",
            "2026-10-31T17:00:00",
            "2026-10-31T17:00:00+00:00",
            "2026-10-31 17:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00Z",
            "2026-1-01T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
