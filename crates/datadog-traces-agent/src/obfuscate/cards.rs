//! Tells numbers of payment cards from other numbers.
//!
//! Looks at whole values only: a card number within a sentence is not found.

/// Digits of a card number, at most.
const MAX_DIGITS: usize = 16;
/// Digits of a card number, at least.
const MIN_DIGITS: usize = 12;

/// Tags that hold no card numbers, though some of their values look like them.
const SAFE_KEYS: [&str; 33] = [
    "_sample_rate",
    "_sampling_priority_v1",
    "account_id",
    "aws_account",
    "config.spark_app_startTime",
    "config.spark_databricks_job_parentRunId",
    "databricks_job_id",
    "databricks_job_run_id",
    "databricks_task_run_id",
    "env",
    "error",
    "error.msg",
    "error.stack",
    "error.type",
    "graphql.field",
    "graphql.operation.name",
    "graphql.query",
    "graphql.type",
    "grpc.code",
    "grpc.method",
    "grpc.request",
    "http.method",
    "http.status_code",
    "out.host",
    "out.port",
    "runtime-id",
    "sampling.priority",
    "service",
    "service.name",
    "span.name",
    "span.type",
    "sql.query",
    "version",
];

/// Whether the values of a key are never card numbers.
pub(crate) fn is_safe_key(key: &str) -> bool {
    key.starts_with('_') || SAFE_KEYS.contains(&key)
}

/// Whether card numbers must have a right check digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckDigit {
    /// Any digit will do.
    Ignored,
    /// It must be right.
    Right,
}

/// Whether a value is a card number: digits, spaces and dashes alone, and the first digits are those of an issuer.
pub(crate) fn is_card_number(value: &str, check_digit: CheckDigit) -> bool {
    let bytes = value.as_bytes();
    if bytes.len() < MIN_DIGITS {
        return false;
    }
    let mut digits = [0_u8; MAX_DIGITS];
    let mut count = 0;
    for &byte in bytes {
        match byte {
            b' ' | b'-' => continue,
            b'0'..=b'9' => {}
            _ => return false,
        }
        let Some(digit) = digits.get_mut(count) else {
            return false;
        };
        *digit = byte - b'0';
        count += 1;
    }
    let Some(digits) = digits.get(..count).filter(|_| count >= MIN_DIGITS) else {
        return false;
    };
    has_issuer(digits) && (check_digit == CheckDigit::Ignored || has_right_check_digit(digits))
}

/// Whether the first one to six digits are those of an issuer of cards.
fn has_issuer(digits: &[u8]) -> bool {
    let mut prefix = 0_u32;
    // No issuer begins with 0, which the number made of the digits would not show.
    digits.first() != Some(&0)
        && digits.iter().take(6).any(|digit| {
            prefix = prefix * 10 + u32::from(*digit);
            is_issuer(prefix)
        })
}

const fn is_issuer(prefix: u32) -> bool {
    matches!(
        prefix,
        1 | 4
            | 34..=39
            | 51..=55
            | 62
            | 65
            | 300..=305
            | 309
            | 636
            | 644..=649
            | 3_528..=3_589
            | 5_019
            | 6_011
            | 222_100..=272_099
            | 500_000..=509_999
            | 560_000..=589_999
            | 600_000..=699_999
    )
}

/// Luhn's check: every second digit from the right counts twice, and the sum of all digits is a multiple of ten.
fn has_right_check_digit(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit @ 0..=4) => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, any: bool, right: bool) {
        assert_eq!(is_card_number(value, CheckDigit::Ignored), any, "{value}");
        assert_eq!(is_card_number(value, CheckDigit::Right), right, "{value}");
    }

    #[test]
    fn card_numbers_are_found_with_spaces_and_dashes() {
        check("4111 1111 1111 1111", true, true);
        check("378282246310005", true, true);
        check("--3782-8224-6310-005 ", true, true);
        check("5105105105105100", true, true);
        check("6011000990139424", true, true);
        check("30569309025904", true, true);
        check("5019717010103742", true, true);
        check("2223003122003222", true, true);
    }

    #[test]
    fn the_check_digit_counts_only_when_asked() {
        check("4111111111111112", true, false);
        check("4111111111111111", true, true);
    }

    #[test]
    fn other_values_are_not_card_numbers() {
        check("abc4111111111111111", false, false);
        check("4111111111111111x", false, false);
        check("", false, false);
        check("            ", false, false);
        check("41111111111", false, false);
        check("411111111111", true, false);
        check("4111111111111111", true, true);
        check("41111111111111111", false, false);
        check("9111111111111111", false, false);
        check("0411111111111111", false, false);
        check("3111111111111111", false, false);
        check("2220991111111111", false, false);
        check("2721001111111111", false, false);
        check("３７８２８２２４６３１０００５", false, false);
    }

    #[test]
    fn keys_that_hold_other_numbers_are_safe() {
        assert!(is_safe_key("_dd.p.tid"));
        assert!(is_safe_key("databricks_job_id"));
        assert!(!is_safe_key("card"));
        assert!(!is_safe_key("error.message"));
    }
}
