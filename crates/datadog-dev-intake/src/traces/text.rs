//! Names as agents leave them: what the intake would be surprised to get.
//!
//! Says only whether a text is such a name, and changes none.

use datadog_wire::traces::{MAX_NAME_BYTES, MAX_SERVICE_BYTES};

use super::Dislike;
use super::chunk::Found;

/// Looks at the name of a service.
pub(crate) fn check_service(service: &str, found: &mut Found<'_>) {
    if service.is_empty() {
        return found(Dislike::NoService, None);
    }
    if service.len() > MAX_SERVICE_BYTES {
        found(Dislike::LongService, None);
    }
    if !is_tag_value(service) {
        found(Dislike::OddService, Some(shown(service)));
    }
}

/// Looks at the name of a span.
pub(crate) fn check_name(name: &str, found: &mut Found<'_>) {
    if name.is_empty() {
        return found(Dislike::NoName, None);
    }
    if name.len() > MAX_NAME_BYTES {
        found(Dislike::LongName, None);
    }
    if !is_metric_name(name) {
        found(Dislike::OddName, Some(shown(name)));
    }
}

/// The start of a text, for a problem.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(MAX_NAME_BYTES).collect();
    format!("{start:?}")
}

/// Whether `text` is as an agent makes the value of a tag: lower case, `_` alone and never at the end.
fn is_tag_value(text: &str) -> bool {
    let is_plain = |character: char| {
        matches!(character, '_' | ':' | '.' | '/' | '-')
            || character.is_numeric()
            || (character.is_alphabetic() && is_lower(character))
    };
    text.chars().all(is_plain) && !text.contains("__") && !text.ends_with('_')
}

/// Whether `letter` has no lower-case form that would be written in as many bytes.
fn is_lower(letter: char) -> bool {
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower == letter || lower.len_utf8() != letter.len_utf8(),
        _ => true,
    }
}

/// Whether `text` is as an agent makes the name of a metric: a letter first, `_` alone, never beside a dot or last.
fn is_metric_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let has_odd_pair = ["__", "._", "_."].iter().any(|pair| text.contains(pair));
    starts_well && text.bytes().all(is_plain) && !has_odd_pair && !text.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_as_agents_leave_them() {
        for service in [
            "my_service",
            "9lives",
            "_a_b",
            "über-svc",
            "a:b/c.d",
            "İx",
            "unnamed-go-service",
        ] {
            assert!(is_tag_value(service), "{service}");
        }
        for service in ["My Service", "bad$", "bad_", "__a", "Über", "a b"] {
            assert!(!is_tag_value(service), "{service}");
        }
    }

    #[test]
    fn names_are_as_agents_leave_them() {
        for name in [
            "web.request",
            "My_Op",
            "a_b",
            "a.b",
            "a..b",
            "unnamed_operation",
        ] {
            assert!(is_metric_name(name), "{name}");
        }
        for name in ["123", "_a", "a__b", "a_.b", "a._b", "a_", "a-b", "é", ".a"] {
            assert!(!is_metric_name(name), "{name}");
        }
    }
}
