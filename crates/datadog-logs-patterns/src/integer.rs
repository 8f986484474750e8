//! Integers whose decimal text is exactly what they are printed as, so that the number can stand for the text.

/// Digits that always fit a `u64`; `i64::MIN` has as many.
const MAX_DIGITS: usize = 19;

/// The number whose printed form is exactly this text, if there is one that fits an `i64`.
///
/// Leading zeros, `+`, `-0`, separators and spaces are no such form.
#[must_use]
pub fn is_canonical_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'0'] => return Some(0),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let [b'1'..=b'9', ..] = digits else {
        return None;
    };
    if digits.len() > MAX_DIGITS {
        return None;
    }
    let mut magnitude = 0u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_printed_form_of_an_i64_is_canonical() {
        for text in [
            "0",
            "-1",
            "7",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            let number = text.parse().unwrap();
            assert_eq!(is_canonical_int(text.as_bytes()), Some(number), "{text}");
        }
        for text in [
            "00",
            "-0",
            "+1",
            "01",
            "9223372036854775808",
            "-9223372036854775809",
            "9999999999999999999",
            "10000000000000000000",
            "18446744073709551617",
            "1.0",
            "1_000",
            "",
            "-",
            "--1",
            "-01",
            " 1",
            "1 ",
            "1/",
            "1:",
            "\u{0661}",
        ] {
            assert_eq!(is_canonical_int(text.as_bytes()), None, "{text}");
        }
    }

    fn parse_then_print(text: &str) -> Option<i64> {
        let number: i64 = text.parse().ok()?;
        (number.to_string() == text).then_some(number)
    }

    proptest! {
        #[test]
        fn it_is_what_parses_and_prints_as_itself(text in "[-+]?[0-9]{0,21}|.{0,4}") {
            prop_assert_eq!(is_canonical_int(text.as_bytes()), parse_then_print(&text));
        }

        #[test]
        fn every_printed_number_is_canonical(number: i64, shift in 0u32..64) {
            let number = number >> shift;
            prop_assert_eq!(is_canonical_int(number.to_string().as_bytes()), Some(number));
        }
    }
}
