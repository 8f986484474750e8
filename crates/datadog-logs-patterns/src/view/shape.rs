//! What the form of a word tells: that it is surely a value, or that it looks like a name.
//!
//! Only general notations; no words of particular systems.

use super::VariableKind;

/// The kind of value that the word surely is, or nothing when it may be a word of the message.
pub(super) fn variable(word: &[u8]) -> Option<VariableKind> {
    let text = std::str::from_utf8(word).unwrap_or_default();
    if is_truth(word) {
        return Some(VariableKind::Text);
    }
    if text.contains("://") {
        return Some(VariableKind::Uri);
    }
    if is_path(word) {
        return Some(VariableKind::Path);
    }
    if !word.iter().any(u8::is_ascii_digit) {
        return is_email(text).then_some(VariableKind::Email);
    }
    Some(with_digits(text))
}

fn with_digits(text: &str) -> VariableKind {
    if is_number(text) {
        VariableKind::Number
    } else if is_ip(text) {
        VariableKind::Ip
    } else if is_uuid(text) {
        VariableKind::Uuid
    } else if is_hex(text) {
        VariableKind::Hex
    } else if is_timestamp(text) {
        VariableKind::Timestamp
    } else if is_email(text) {
        VariableKind::Email
    } else {
        VariableKind::Text
    }
}

/// The values that every language prints for a truth value or for nothing.
fn is_truth(word: &[u8]) -> bool {
    [&b"true"[..], b"false", b"null", b"nil", b"undefined"]
        .iter()
        .any(|truth| word.eq_ignore_ascii_case(truth))
}

/// A sign, digits with dots and commas, and a unit of at most three letters or `%`.
fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+', '#', '<']);
    let unit = digits.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    digits.starts_with(|c: char| c.is_ascii_digit())
        && unit.len() <= 3
        && unit.chars().all(|c| c.is_ascii_alphabetic() || c == '%')
        && digits.matches('.').count() <= 1
}

/// An address of IPv4 or IPv6, with a port, a prefix length or a leading slash if it has them.
fn is_ip(text: &str) -> bool {
    let text = text.trim_start_matches('/');
    let host = text.split_once('/').map_or(text, |(host, _)| host);
    host.parse::<std::net::IpAddr>().is_ok() || host.parse::<std::net::SocketAddr>().is_ok()
}

fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(str::len);
    groups.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_hex(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match digits {
        Some(digits) => digits.chars().all(|c| c.is_ascii_hexdigit()),
        None => text.len() >= 8 && text.chars().all(|c| c.is_ascii_hexdigit()),
    }
}

/// Groups of digits with the separators of dates and times.
fn is_timestamp(text: &str) -> bool {
    let separators = text.matches([':', '/', '-']).count();
    separators >= 2
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '/' | '-' | '.' | 'T' | 'Z' | '+'))
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !host.contains(['@', '/'])
    })
}

/// Begins with `/`, `~/`, `./`, `\\` or a drive, or has two and more separators.
fn is_path(word: &[u8]) -> bool {
    let separators = word.iter().filter(|b| matches!(b, b'/' | b'\\')).count();
    let ends_in_word = word.last().is_some_and(|b| !matches!(b, b'/' | b'\\'));
    match word {
        [b'/' | b'\\', rest @ ..] if !rest.is_empty() => {
            rest.iter().any(u8::is_ascii_alphanumeric)
                && !std::str::from_utf8(word).is_ok_and(is_ip)
        }
        [b'~' | b'.', b'/', ..] | [_, b':', b'\\' | b'/', ..] => true,
        _ => separators >= 2 && ends_in_word && word.iter().any(u8::is_ascii_alphanumeric),
    }
}

/// Whether the word looks like a name that a program or a person gave, not like a word of a sentence.
pub(super) fn is_name(word: &[u8]) -> bool {
    let inner = word
        .get(1..word.len().saturating_sub(1))
        .unwrap_or_default();
    let joined = inner
        .iter()
        .any(|b| matches!(b, b'_' | b'.' | b'/' | b'\\' | b'@' | b'$'));
    let camel = word
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    joined || camel
}

/// Whether the word is a name with its path, as `org.example.Class`.
pub(super) fn is_qualified(word: &[u8]) -> bool {
    word.iter().filter(|b| **b == b'.').count() >= 2 && is_dotted(word)
}

/// Whether the word is names with dots between.
pub(super) fn is_dotted(word: &[u8]) -> bool {
    let named = |part: &[u8]| {
        part.first()
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
    };
    word.contains(&b'.') && word.split(|b| *b == b'.').all(named)
}

/// Whether the value is a name with its path and a number, as `org.example.Class.method:12`.
pub(super) fn is_place(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b':');
    parts.next().is_some_and(is_qualified) && parts.next().is_some()
}

/// Whether the word is a form of a verb: what happened, not to whom.
pub(super) fn is_verb_form(word: &[u8]) -> bool {
    let lower = word.iter().all(|b| b.is_ascii_alphabetic());
    lower && word.len() >= 5 && (word.ends_with(b"ed") || word.ends_with(b"ing"))
}

/// Whether the value of this key is the message itself, in JSON and in `key=value` lines.
pub(super) fn is_message_key(key: &[u8]) -> bool {
    let name = key.trim_ascii();
    let name = name.strip_prefix(b"\"").unwrap_or(name);
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    [&b"msg"[..], b"message"]
        .iter()
        .any(|message| name.eq_ignore_ascii_case(message))
}
