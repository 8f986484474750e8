//! The status of a gRPC call as its number, from whatever a tracer wrote.

use std::borrow::Cow;

/// Where tracers write it; the first one counts.
pub(super) const KEYS: [&str; 5] = [
    "rpc.grpc.status_code",
    "grpc.code",
    "rpc.grpc.status.code",
    "grpc.status.code",
    "rpc.response.status_code",
];

/// The numbers with the names that are in use.
const STATUSES: [(&str, &[&str]); 17] = [
    ("0", &["OK"]),
    ("1", &["CANCELLED", "CANCELED"]),
    ("2", &["UNKNOWN"]),
    ("3", &["INVALID_ARGUMENT", "INVALIDARGUMENT"]),
    ("4", &["DEADLINE_EXCEEDED", "DEADLINEEXCEEDED"]),
    ("5", &["NOT_FOUND", "NOTFOUND"]),
    ("6", &["ALREADY_EXISTS", "ALREADYEXISTS"]),
    ("7", &["PERMISSION_DENIED", "PERMISSIONDENIED"]),
    ("8", &["RESOURCE_EXHAUSTED", "RESOURCEEXHAUSTED"]),
    ("9", &["FAILED_PRECONDITION", "FAILEDPRECONDITION"]),
    ("10", &["ABORTED"]),
    ("11", &["OUT_OF_RANGE", "OUTOFRANGE"]),
    ("12", &["UNIMPLEMENTED"]),
    ("13", &["INTERNAL"]),
    ("14", &["UNAVAILABLE"]),
    ("15", &["DATA_LOSS", "DATALOSS"]),
    ("16", &["UNAUTHENTICATED"]),
];

/// The number in a text: itself or by its name; empty if it is neither.
pub(super) fn of_text(text: &str) -> &str {
    if text.parse::<u32>().is_ok() {
        // Without a sign and zeros in front.
        let digits = text.trim_start_matches(['+', '0']);
        return if digits.is_empty() { "0" } else { digits };
    }
    let name = text.strip_prefix("StatusCode.").unwrap_or(text);
    let status = STATUSES.iter().find(|(_, names)| {
        names
            .iter()
            .any(|candidate| candidate.eq_ignore_ascii_case(name))
    });
    status.map_or("", |(number, _)| number)
}

/// The number as a text.
pub(super) fn of_number(number: f64) -> Cow<'static, str> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the whole part is meant, and the cast saturates"
    )]
    let number = number as u32;
    match STATUSES.get(number as usize) {
        Some((text, _)) => Cow::Borrowed(text),
        None => Cow::Owned(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_or_names_of_any_kind() {
        for (text, number) in [
            ("0", "0"),
            ("007", "7"),
            ("42", "42"),
            ("OK", "0"),
            ("StatusCode.CANCELLED", "1"),
            ("Canceled", "1"),
            ("InvalidArgument", "3"),
            ("deadline_exceeded", "4"),
            ("StatusCode.NotFound", "5"),
            ("DATALOSS", "15"),
            ("Unauthenticated", "16"),
            ("-1", ""),
            ("4294967296", ""),
            ("what", ""),
            ("statuscode.OK", ""),
        ] {
            assert_eq!(of_text(text), number, "{text}");
        }
        assert_eq!(of_number(14.0), "14");
        assert_eq!(of_number(99.9), "99");
        assert_eq!(of_number(-5.0), "0");
    }
}
