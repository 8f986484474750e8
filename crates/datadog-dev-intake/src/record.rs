//! Records as they are shown: one line of JSON each, made from what is stored only when somebody asks.
//!
//! A log's own keys are written as they came, numbers and order included. Never writes a whole API key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use datadog_wire::remote_config::{CONFIGURATIONS_PATH, LatestConfigsRequest};
use hyper::HeaderMap;
use hyper::header::HeaderName;
use prost::Message as _;
use serde_json::{Map, Value, json};

use crate::logs::Entry;
use crate::product::Product;
use crate::remote_config::AgentSnapshot;
use crate::server::now_ms;
use crate::store::{Batch, Origin, Received, Stored};
use crate::streams::Live;

/// Characters of a key that are shown.
const KEY_TAIL: usize = 4;
/// Headers whose value is a secret.
const SECRET_HEADERS: [&str; 6] = [
    "dd-api-key",
    "dd-application-key",
    "dd-par-jwt",
    "authorization",
    "proxy-authorization",
    "cookie",
];
/// Query parameters whose value is a secret.
const SECRET_PARAMETERS: [&str; 3] = ["api_key", "application_key", "dd-api-key"];
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
    let mut notes = notes(stored, index);
    if let Origin::Batch(batch) = &stored.received.origin {
        notes.extend(stream_notes(batch, index));
    }
    write_noted(out, notes, stored.log_text(index));
}

/// What every record says of its arrival.
pub(crate) fn notes(stored: &Stored, index: usize) -> Vec<(&'static str, Value)> {
    let received = &stored.received;
    vec![
        ("seq", stored.log_seq(index).into()),
        ("received_at", received.received_at_ms.into()),
        ("via", received.origin.via().into()),
        ("api_key", received.api_key.as_deref().map(tail).into()),
        ("endpoint", received.path.as_str().into()),
        ("request", stored.request_seq().into()),
    ]
}

/// Writes an object of `notes` and then the keys of the object `text`, as they stand there.
pub(crate) fn write_noted(out: &mut Vec<u8>, notes: Vec<(&'static str, Value)>, text: &str) {
    let taken = taken_keys(text, &notes);
    out.push(b'{');
    for (name, value) in notes {
        out.push(b'"');
        let mut name = name.to_owned();
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

/// Writes an object of `notes` and then the keys of the object `fields`, none of which is among them.
pub(crate) fn write_fields(out: &mut Vec<u8>, notes: Vec<(&'static str, Value)>, fields: Value) {
    let mut record: Map<String, Value> = notes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if let Value::Object(fields) = fields {
        record.extend(fields);
    }
    out.extend_from_slice(Value::Object(record).to_string().as_bytes());
}

/// A number, or in words one that JSON does not have.
pub(crate) fn number(value: f64) -> Value {
    if value.is_finite() {
        value.into()
    } else {
        value.to_string().into()
    }
}

/// What is noted of a log that came over a stream.
fn stream_notes(batch: &Batch, index: usize) -> [(&'static str, Value); 7] {
    let note = batch.logs.get(index);
    let opened = &batch.live.opened;
    let exact = note.and_then(|note| note.exact.as_deref());
    [
        ("stream", batch.live.number.into()),
        ("batch_id", batch.batch_id.into()),
        ("pattern_id", note.and_then(|note| note.pattern).into()),
        ("uuid", note.and_then(|note| note.uuid.as_deref()).into()),
        ("wire", opened.wire().into()),
        ("shadow", opened.is_shadow.into()),
        (
            "body_base64",
            exact.map(|exact| BASE64.encode(exact)).into(),
        ),
    ]
}

/// Keys of the entry that are named like one of `notes`, with or without `_` in front.
fn taken_keys(text: &str, notes: &[(&'static str, Value)]) -> Vec<String> {
    let mut taken = Vec::new();
    let parsed = Entry::parse(text, |key| {
        let bare = key.trim_start_matches('_');
        if notes.iter().any(|(name, _)| *name == bare) {
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

/// The record of a request, or of a stream as it is now.
pub(crate) fn request(stored: &Stored) -> Value {
    let received = &stored.received;
    let mut record = head(stored);
    if let Some(fields) = record.as_object_mut() {
        if let Origin::Stream(live) = &received.origin {
            fields.extend(stream(live));
        }
        if let Some(seen) = &received.seen {
            fields.extend(seen.fields());
        }
        if let Some(poll) = poll(received) {
            fields.insert("poll".to_owned(), poll);
        }
    }
    record
}

/// What a poll of remote configuration says; `None` of anything else.
fn poll(received: &Received) -> Option<Value> {
    let seen = received.seen.as_ref();
    let is_poll = seen.is_some_and(|seen| seen.product == Product::RemoteConfig);
    let is_poll = is_poll && received.path == CONFIGURATIONS_PATH;
    let raw = received.raw.as_ref().filter(|_| is_poll)?;
    let request = LatestConfigsRequest::decode(&raw[..]).ok()?;
    let mut poll =
        serde_json::to_value(AgentSnapshot::of(&request, received.received_at_ms)).ok()?;
    if let Some(fields) = poll.as_object_mut() {
        // What only the agent as a whole has.
        for name in ["polls", "polled_at", "director_targets_version"] {
            fields.shift_remove(name);
        }
    }
    Some(poll)
}

fn head(stored: &Stored) -> Value {
    let received = &stored.received;
    json!({
        "seq": stored.seq,
        "received_at": received.received_at_ms,
        "via": received.origin.via(),
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

/// What the record of a stream has in place of that of a request, or beside it.
fn stream(live: &Live) -> Map<String, Value> {
    let now = live.snapshot(now_ms());
    let until_ms = now.ended.as_ref().map_or_else(now_ms, |end| end.at_ms);
    let http_status = match &now.ended {
        Some(end) => end.http_status,
        None => Some(200),
    };
    let fields = json!({
        "status": http_status,
        "fault": now.fault,
        "wire_bytes": now.wire_bytes,
        "raw_bytes": now.body_bytes,
        "items": now.logs,
        "problems": now.problems,
        "duration_ms": until_ms.saturating_sub(now.opened_at_ms),
        "stream": now.stream,
        "wire": now.wire,
        "shadow": now.shadow,
        "batches": now.batches,
        "last_acked": now.last_acked,
        "ended": now.ended,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
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
        let notes = [("seq", Value::Null), ("via", Value::Null)];
        assert_eq!(
            taken_keys(r#"{"seq":1,"__via":2,"other":3}"#, &notes),
            ["seq", "__via"]
        );
    }
}
