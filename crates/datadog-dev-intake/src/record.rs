//! Records as they are shown: one line of JSON each, made from what is stored only when somebody asks.
//!
//! A log's own keys are written as they came, numbers and order included. Never writes a whole API key.

use hyper::HeaderMap;
use hyper::header::HeaderName;
use serde_json::{Map, Value, json};

use crate::logs::Entry;
use crate::store::{Received, Stored};

/// How a request came in.
const VIA: &str = "http";
/// Characters of a key that are shown.
const KEY_TAIL: usize = 4;
/// Headers whose value is a secret.
const SECRET_HEADERS: [&str; 5] = [
    "dd-api-key",
    "dd-application-key",
    "authorization",
    "proxy-authorization",
    "cookie",
];
/// Query parameters whose value is a secret.
const SECRET_PARAMETERS: [&str; 3] = ["api_key", "application_key", "dd-api-key"];
/// The keys that a log's record has beside those of the entry.
const LOG_KEYS: [&str; 6] = [
    "seq",
    "received_at",
    "via",
    "api_key",
    "endpoint",
    "request",
];

/// Whether the value of the header `name` is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET_HEADERS.contains(&name)
}

/// The last characters of a key.
pub(crate) fn tail(key: &str) -> &str {
    let start = key
        .char_indices()
        .rev()
        .nth(KEY_TAIL - 1)
        .map_or(0, |(at, _)| at);
    key.get(start..).unwrap_or(key)
}

/// Writes the record of the log at `index`, without a line end.
///
/// Where the entry itself has a key named like one of ours, ours is written with `_` in front, as often as it takes.
pub(crate) fn write_log(out: &mut Vec<u8>, stored: &Stored, index: usize) {
    let text = stored.log_text(index);
    let received = &stored.received;
    let values: [Value; 6] = [
        stored.log_seq(index).into(),
        received.received_at_ms.into(),
        VIA.into(),
        received.api_key.as_deref().map(tail).into(),
        received.path.as_str().into(),
        stored.seq.into(),
    ];
    let taken = taken_keys(text);
    out.push(b'{');
    for (name, value) in LOG_KEYS.iter().zip(values) {
        out.push(b'"');
        let mut name = (*name).to_owned();
        while taken.contains(&name) {
            name.insert(0, '_');
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value.to_string().as_bytes());
        out.push(b',');
    }
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or("");
    let before = out.len();
    write_compact(out, inner);
    if out.len() == before {
        out.pop(); // the comma in front of an entry without keys
    }
    out.push(b'}');
}

/// Keys of the entry that are named like one of ours, with or without `_` in front.
fn taken_keys(text: &str) -> Vec<String> {
    let mut taken = Vec::new();
    let parsed = Entry::parse(text, |key| {
        if LOG_KEYS.contains(&key.trim_start_matches('_')) {
            taken.push(key.to_owned());
        }
    });
    debug_assert!(parsed.is_ok(), "the decoder accepted this entry");
    taken
}

/// Copies JSON without the blanks between its tokens, so that a record stays on one line.
fn write_compact(out: &mut Vec<u8>, json: &str) {
    let mut in_string = false;
    let mut is_escaped = false;
    for &byte in json.as_bytes() {
        if in_string {
            out.push(byte);
            if is_escaped {
                is_escaped = false;
            } else if byte == b'\\' {
                is_escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
        } else if !byte.is_ascii_whitespace() {
            in_string = byte == b'"';
            out.push(byte);
        }
    }
}

/// The record of a request.
pub(crate) fn request(stored: &Stored) -> Value {
    let received = &stored.received;
    json!({
        "seq": stored.seq,
        "received_at": received.received_at_ms,
        "via": VIA,
        "api_key": received.api_key.as_deref().map(tail),
        "endpoint": received.path,
        "method": received.method.as_str(),
        "path": received.path,
        "query": received.query.as_deref().map(mask_query),
        "http_version": format!("{:?}", received.version),
        "headers": headers(&received.headers),
        "status": received.status,
        "fault": received.fault,
        "wire_bytes": received.wire_bytes,
        "raw_bytes": raw_bytes(received),
        "encoding": received.encoding,
        "items": received.items,
        "problems": received.problems.lines(),
        "duration_ms": received.duration_ms,
    })
}

/// Length of the decompressed body; `None` when it could not be decompressed.
fn raw_bytes(received: &Received) -> Option<u64> {
    received.raw.is_some().then(|| received.raw_bytes())
}

/// Headers as an object, repeated ones joined by a comma and secrets masked.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .map(|name| (name.as_str().to_owned(), header(headers, name).into()))
        .collect()
}

fn header(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            if is_secret(name.as_str()) {
                mask(&text)
            } else {
                text.into_owned()
            }
        })
        .collect();
    values.join(", ")
}

fn mask(secret: &str) -> String {
    format!("***{}", tail(secret))
}

fn mask_query(query: &str) -> String {
    let parts: Vec<String> = query
        .split('&')
        .map(|part| match part.split_once('=') {
            Some((name, value))
                if SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) =>
            {
                format!("{name}={}", mask(value))
            }
            _ => part.to_owned(),
        })
        .collect();
    parts.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_its_last_four_characters() {
        assert_eq!(tail("0123456789"), "6789");
        assert_eq!(tail("abc"), "abc");
        assert_eq!(tail(""), "");
        assert_eq!(tail("ключи"), "лючи");
    }

    #[test]
    fn secrets_in_a_query_are_masked() {
        assert_eq!(
            mask_query("ddtags=a:b&api_key=0123456789&API_KEY=zzzzyyyy&x"),
            "ddtags=a:b&api_key=***6789&API_KEY=***yyyy&x"
        );
    }

    #[test]
    fn a_record_is_one_line_whatever_the_entry_looks_like() {
        let mut out = Vec::new();
        write_compact(
            &mut out,
            "\n \"a b\\\" \\\\\" :\t[ 1.50 , {\"c\" : \" \"} ]\r\n",
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#""a b\" \\":[1.50,{"c":" "}]"#
        );
    }

    #[test]
    fn keys_like_ours_are_found_with_and_without_underscores() {
        assert_eq!(
            taken_keys(r#"{"seq":1,"__via":2,"other":3}"#),
            ["seq", "__via"]
        );
    }
}
