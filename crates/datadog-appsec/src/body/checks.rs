//! What must hold for any body and for any head of a request, for fuzz targets and tests alike.
//!
//! Panics when something does not hold; nothing else calls it.

mod head;

use serde_json::Value as Json;

use super::{Kind, Skipped, kind, parse, parse_response};
use crate::limits::{ADDRESS_DEPTH, Limits, Shaper, Truncated};
use crate::value::Value;

/// Small, so that small inputs reach them.
const LIMITS: Limits = Limits {
    depth: 5,
    container: 8,
    text: 32,
    values: 64,
};
/// Bytes of a body that is looked at.
const MAX_BYTES: usize = 4096;
/// From here on the first byte chooses the head of a request.
const HEAD: u8 = 0x80;

/// Reads bytes as what the first of them chooses, within small limits: a body of one of the types, or the lines of a
/// request's head with its query, its cookies and what it says of the client.
///
/// # Panics
/// When what was read breaks a limit, is larger than what it was read from, or is not what another reader makes of it.
pub fn any(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if *first >= HEAD => head::check(*first, rest),
        Some((first, rest)) => body(*first, rest),
        None => {}
    }
}

fn body(first: u8, body: &[u8]) {
    let content_type = match first % 9 {
        0 => "application/json",
        1 => "application/x-www-form-urlencoded",
        2 => "multipart/form-data; boundary=b",
        3 => "text/plain",
        4 => "application/soap+xml; charset=\"a;b\"",
        5 => "application/problem+json",
        6 => "",
        7 => "multipart/form-data; boundary=\"\\b\"; x=y",
        // Whatever the first line says.
        _ => return of_any_type(body),
    };
    of_type(content_type, "", body);
}

/// The first line is the content type, the second the content encoding.
fn of_any_type(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (content_type, encoding) = (line(), line());
    of_type(&content_type, &encoding, parts.next().unwrap_or_default());
}

fn of_type(content_type: &str, encoding: &str, body: &[u8]) {
    let headers = [
        ("Content-Type", content_type),
        ("content-encoding", encoding),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut shaper = Shaper::new(&LIMITS);
    let read = parse(body, &headers, MAX_BYTES, &mut shaper);
    match &read {
        Ok(read) => {
            within(&read.value);
            assert!(count(&read.value) <= 1 + LIMITS.values, "too many values");
            let files = read.filenames.iter().chain(&read.files_content);
            files.for_each(within);
            assert_eq!(read.filenames.len(), read.files_content.len());
            assert!(read.filenames.len() <= LIMITS.container, "too many files");
        }
        Err(Skipped::TooLarge) => assert!(body.len() > MAX_BYTES, "not too large"),
        Err(Skipped::Empty) => assert!(body.is_empty(), "not empty"),
        Err(Skipped::Encoded) => assert!(!encoding.is_empty(), "no encoding was told"),
        Err(Skipped::Unsupported | Skipped::Malformed) => {}
    }
    let cut = shaper.truncated();
    largest(cut, body.len());
    let of_response = parse_response(body, &headers, MAX_BYTES, &mut Shaper::new(&LIMITS));
    match read {
        Ok(read) if !matches!(kind(content_type), Some(Kind::Multipart { .. })) => {
            assert_eq!(of_response.as_ref().map(debug), Ok(debug(&read.value)));
        }
        Ok(_) | Err(_) => drop(of_response),
    }
    if encoding.is_empty()
        && matches!(
            content_type,
            "application/json" | "application/problem+json"
        )
    {
        strict(body, of_response_json(body, &headers), cut);
    }
}

fn of_response_json(body: &[u8], headers: &[(String, String)]) -> Result<Value, Skipped> {
    parse_response(body, headers, MAX_BYTES, &mut Shaper::new(&LIMITS))
}

/// What a strict reader takes is read, and as the same, as long as nothing was cut.
fn strict(body: &[u8], read: Result<Value, Skipped>, cut: Truncated) {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return;
    };
    if body.len() > MAX_BYTES {
        return;
    }
    match read {
        Ok(value) if !cut.any() => assert_eq!(value.to_json(), json, "read as something else"),
        Ok(_) => {}
        Err(why) => panic!("{why:?}, though it is JSON"),
    }
}

/// As text, in which numbers that are none are equal to themselves.
fn debug(value: &Value) -> String {
    format!("{value:?}")
}

/// Nothing is remembered as larger than it was.
fn largest(cut: Truncated, bytes: usize) {
    let largest = cut.text.max(cut.container).max(cut.depth);
    // A byte that is no text takes three once it is replaced.
    assert!(largest <= 3 * bytes + 3, "more than there was");
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| count(value)).sum::<usize>(),
        _ => 1,
    }
}

/// The value of an address is within the limits.
fn within(value: &Value) {
    within_at(value, ADDRESS_DEPTH);
}

fn within_at(value: &Value, depth: usize) {
    match value {
        Value::Text(text) => assert!(text.len() <= LIMITS.text, "a text is too long"),
        Value::Array(items) => {
            assert!(items.len() <= LIMITS.container, "an array is too large");
            assert!(depth <= LIMITS.depth, "an array is too deep");
            items.iter().for_each(|item| within_at(item, depth + 1));
        }
        Value::Map(pairs) => {
            assert!(pairs.len() <= LIMITS.container, "a map is too large");
            assert!(depth <= LIMITS.depth, "a map is too deep");
            for (key, item) in pairs {
                assert!(key.len() <= LIMITS.text, "a key is too long");
                within_at(item, depth + 1);
            }
        }
        _ => {}
    }
}
