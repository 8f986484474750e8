//! Numbers as clients write them: everything that the parser of Go accepts, underscores aside.

/// The values of a metric, all of which are numbers; one, or several packed into the message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers<'a> {
    /// The value, if it is the only one and finite.
    single: Option<f64>,
    /// The values with colons in between, if there are several.
    packed: &'a [u8],
    not_finite: u32,
}

impl<'a> Numbers<'a> {
    /// Reads numbers with colons in between; `None` if one is none, or all are empty.
    #[inline]
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        // Nearly all metrics have one value, and that is read in one go.
        match parse(text) {
            Some(value) => {
                let single = Some(value).filter(|value| value.is_finite());
                Some(Self {
                    single,
                    packed: &[],
                    not_finite: u32::from(single.is_none()),
                })
            }
            None if text.contains(&b':') => Self::parse_packed(text),
            None => None,
        }
    }

    fn parse_packed(text: &'a [u8]) -> Option<Self> {
        let mut numbers = Self {
            single: None,
            packed: text,
            not_finite: 0,
        };
        let mut any = false;
        for piece in pieces(text) {
            any = true;
            let not_finite = !parse(piece)?.is_finite();
            numbers.not_finite = numbers.not_finite.saturating_add(not_finite.into());
        }
        any.then_some(numbers)
    }

    /// The values that are finite, in their order.
    pub fn iter(self) -> impl Iterator<Item = f64> + 'a {
        let packed = pieces(self.packed)
            .filter_map(parse)
            .filter(|value| value.is_finite());
        self.single.into_iter().chain(packed)
    }

    /// Gives the values that are finite, in their order, to a function.
    #[inline]
    pub fn for_each(self, mut take: impl FnMut(f64)) {
        // Nearly always there is one.
        match self.single {
            Some(value) => take(value),
            None => self.iter().for_each(take),
        }
    }

    /// How many values are finite.
    #[inline]
    pub fn count(self) -> usize {
        match self.single {
            Some(_) => 1,
            None => self.iter().count(),
        }
    }

    /// How many values are left out because they are infinite or no numbers: the caller counts them.
    pub const fn not_finite(self) -> u32 {
        self.not_finite
    }
}

/// What stands between colons and is not empty.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b':')
        .filter(|piece| !piece.is_empty())
}

/// The powers of ten by which a number is divided without rounding twice.
const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Reads a number; infinite if it is too large.
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    short(text).or_else(|| long(text))
}

/// Whether there is a minus sign, and what follows a sign.
#[inline]
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// Reads a decimal number of at most 15 digits, of which both the digits and the power of ten are exact doubles, so
/// that their quotient is the nearest one.
#[inline]
fn short(text: &[u8]) -> Option<f64> {
    let (negative, digits) = signed(text);
    if digits.len() > POWERS.len() {
        return None;
    }
    let mut number = 0_u64;
    let mut point = None;
    for (index, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(index),
            _ => return None,
        }
    }
    let (count, fraction) = match point {
        Some(point) => (digits.len() - 1, digits.len() - 1 - point),
        None => (digits.len(), 0),
    };
    if !(1..POWERS.len()).contains(&count) {
        return None;
    }
    let number = number as f64 / POWERS.get(fraction)?;
    Some(if negative { -number } else { number })
}

/// Reads any other number.
#[cold]
fn long(text: &[u8]) -> Option<f64> {
    let (negative, rest) = signed(text);
    if let [b'0', b'x' | b'X', rest @ ..] = rest {
        return hexadecimal(rest).map(|number| if negative { -number } else { number });
    }
    let number: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    // What is no number has no sign.
    (!number.is_nan() || rest.len() == text.len()).then_some(number)
}

/// Reads hexadecimal digits with a point and a power of two, which has to be there.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let p = text.iter().position(|byte| matches!(byte, b'p' | b'P'))?;
    let (digits, power) = (text.get(..p)?, text.get(p + 1..)?);
    let mut number = 0_u64;
    let mut exponent = 0_i64;
    let (mut any, mut point) = (false, false);
    for &byte in digits {
        if byte == b'.' && !point {
            point = true;
            continue;
        }
        let digit = char::from(byte).to_digit(16)?;
        any = true;
        if number >> 60 == 0 {
            number = number << 4 | u64::from(digit);
            exponent -= if point { 4 } else { 0 };
        } else {
            // Beyond the precision: it only matters whether there is anything.
            number |= u64::from(digit != 0);
            exponent += if point { 0 } else { 4 };
        }
    }
    let power = whole(power)?;
    if !any {
        return None;
    }
    // In two steps, each of which is within the range of doubles unless the result is not.
    let exponent = i32::try_from(exponent.saturating_add(power).clamp(-2_000, 2_000)).ok()?;
    let half = exponent / 2;
    Some(number as f64 * f64::from(half).exp2() * f64::from(exponent - half).exp2())
}

/// Reads digits, with a sign before them or not; the nearest number that fits, if they are too many.
fn whole(text: &[u8]) -> Option<i64> {
    let (negative, digits) = signed(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut number = 0_i64;
    for byte in digits {
        number = number
            .saturating_mul(10)
            .saturating_add(i64::from(byte - b'0'));
    }
    Some(if negative { -number } else { number })
}

/// Reads a whole number as Go does: a sign, and digits that fit in 64 bits.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// Reads seconds, whole or with a fraction, which is rounded to the nearest, halves up.
///
/// Only positive numbers of seconds are timestamps.
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
    let (whole, fraction) = super::cut(text, b'.');
    let fraction = fraction.unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let up = i64::from(fraction.first().is_some_and(|&digit| digit >= b'5'));
    let seconds = integer(whole)?.checked_add(up)?;
    (seconds >= 1 && !whole.starts_with(b"-")).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_every_form_are_read() {
        for (text, number) in [
            ("1", 1.0),
            ("-1.5", -1.5),
            ("+2", 2.0),
            ("1e3", 1e3),
            ("1E+3", 1e3),
            (".5", 0.5),
            ("5.", 5.0),
            ("-.5e-2", -0.005),
            ("0x1p-2", 0.25),
            ("-0X1.8P1", -3.0),
            ("0x.8p+1", 1.0),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7fffp0", 2.0_f64.next_down()),
            ("0x1.0000000000000800p0", 1.0),
            ("0x1.0000000000000801p0", 1.0_f64.next_up()),
            ("0x10000000000000000000p-76", 1.0),
            ("0x1p-1074", 5e-324),
            ("0x1p99999999999999999999", f64::INFINITY),
            ("0x0p99999999999999999999", 0.0),
            ("123456789012345678901234567890", 1.2345678901234568e29),
            ("0.1", 0.1),
            ("999999999999999", 999_999_999_999_999.0),
            ("9999999999999999", 1e16),
            (".000000000000001", 1e-15),
            ("1e400", f64::INFINITY),
            ("-1e400", f64::NEG_INFINITY),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(number), "{text}");
        }
        assert!(parse(b"NaN").unwrap().is_nan());
        assert!(parse(b"-0").unwrap().is_sign_negative());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "+",
            "-",
            ".",
            "x",
            "1x",
            " 1",
            "1 ",
            "1_000",
            "1e",
            "e5",
            "1.2.3",
            "--1",
            "+-1",
            "0x1",
            "0xp1",
            "0x1p",
            "0x1p+-1",
            "0x1.1.1p0",
            "0x1_0p0",
            "+nan",
            "-NaN",
            "in",
            "1,5",
            "é",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"\xff"), None);
    }

    fn values(text: &[u8]) -> Option<(Vec<f64>, u32)> {
        let numbers = Numbers::parse(text)?;
        Some((numbers.iter().collect(), numbers.not_finite()))
    }

    #[test]
    fn packed_values_are_all_read_and_empty_ones_skipped() {
        assert_eq!(values(b"21::22:"), Some((vec![21.0, 22.0], 0)));
        assert_eq!(values(b":1"), Some((vec![1.0], 0)));
        assert_eq!(values(b"1:x"), None);
        assert_eq!(values(b":"), None);
        assert_eq!(values(b""), None);
    }

    #[test]
    fn values_that_are_not_finite_are_counted_and_left_out() {
        assert_eq!(values(b"nan"), Some((vec![], 1)));
        assert_eq!(values(b"1:inf:2:1e999"), Some((vec![1.0, 2.0], 2)));
    }

    #[test]
    fn seconds_are_positive_and_rounded() {
        for (text, expected) in [
            ("1", Some(1)),
            ("+1700000003", Some(1_700_000_003)),
            ("1700000003.4999", Some(1_700_000_003)),
            ("1700000003.5", Some(1_700_000_004)),
            ("0.5", Some(1)),
            ("5.", Some(5)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775807.5", None),
            ("9223372036854775808", None),
            ("0", None),
            ("0.4", None),
            ("-5", None),
            ("-0.7", None),
            ("", None),
            (".5", None),
            ("x", None),
            ("1e9", None),
            ("1.x", None),
            ("1.5.5", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(number: f64, short: i32, digits in 0usize..6) {
            for text in [
                number.to_string(),
                format!("{number:e}"),
                format!("{:.digits$}", f64::from(short) / 7.0),
            ] {
                let expected: f64 = text.parse().unwrap();
                let read = parse(text.as_bytes());
                prop_assert_eq!(read.map(f64::to_bits), Some(expected.to_bits()), "{}", text);
            }
        }

        #[test]
        fn short_forms_are_read_as_the_standard_library_does(text in "[+-]?[0-9]{0,12}[.]?[0-9]{0,12}") {
            let expected = text.parse::<f64>().ok();
            prop_assert_eq!(parse(text.as_bytes()).map(f64::to_bits), expected.map(f64::to_bits));
        }

        #[test]
        fn hexadecimal_numbers_are_exact(bits in any::<u64>(), power in -900i32..900) {
            let number = bits as f64 * f64::from(power).exp2();
            let text = format!("0x{bits:x}p{power}");
            prop_assert_eq!(parse(text.as_bytes()), Some(number));
        }
    }
}
