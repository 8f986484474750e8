//! Logs of a stateful stream as entries: what the same logs would have been in the body of a request.
//!
//! Over a stream a log is a text with tags. Host, source and, where they have no field of their own, service stand
//! among the tags; an entry with attributes stands in the text, as the JSON of its message and attributes.

use datadog_logs_patterns::decoder::Record;
use datadog_wire::logs::{
    DDSOURCE, DDTAGS, HOSTNAME, MAX_AGE_MS, MESSAGE, SERVICE, STATUS, TIMESTAMP,
};

use super::{Decoded, Entry};
use crate::problem::What;
use crate::store::origin::LogNote;

/// The logs of one batch as the body of a request.
#[derive(Debug, Default)]
pub(crate) struct Rebuilt {
    /// A JSON array.
    pub(crate) body: Vec<u8>,
    /// Where its entries stand, and their facets.
    pub(crate) decoded: Decoded,
    /// What has no place in an entry, one for each.
    pub(crate) notes: Vec<LogNote>,
    /// What the intake would not like, each with the place of its log.
    pub(crate) problems: Vec<(usize, What)>,
}

/// Writes the logs of one batch. `has_service_tag` says that the service is one of the tags.
pub(crate) fn rebuild(records: &[Record], has_service_tag: bool, now_ms: i64) -> Rebuilt {
    let mut rebuilt = Rebuilt::default();
    rebuilt.body.push(b'[');
    for record in records {
        if !rebuilt.decoded.entries.is_empty() {
            rebuilt.body.push(b',');
        }
        rebuilt.add(record, has_service_tag, now_ms);
    }
    rebuilt.body.push(b']');
    rebuilt.decoded.items = Some(records.len());
    rebuilt
}

impl Rebuilt {
    fn add(&mut self, record: &Record, has_service_tag: bool, now_ms: i64) {
        let start = self.body.len();
        write_entry(&mut self.body, record, has_service_tag);
        // The caps on what a batch may grow to keep this far below 4 GiB.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let written = self.body.get(start..).unwrap_or_default();
        let text = std::str::from_utf8(written).unwrap_or_default();
        if let Ok(entry) = Entry::parse(text, |_| ()) {
            self.decoded.facets.add(&entry);
        }
        let range = offset(start)..offset(self.body.len());
        self.decoded.entries.push(range);
        if now_ms.saturating_sub(record.timestamp_ms) > MAX_AGE_MS {
            self.problems.push((self.notes.len(), What::TooOld));
        }
        let is_text = std::str::from_utf8(&record.body).is_ok();
        self.notes.push(LogNote {
            pattern: record.pattern,
            uuid: record.uuid.as_deref().map(Into::into),
            exact: (!is_text).then(|| record.body.as_slice().into()),
        });
    }
}

fn write_entry(out: &mut Vec<u8>, record: &Record, has_service_tag: bool) {
    let text = String::from_utf8_lossy(&record.body);
    out.push(b'{');
    match members(&text) {
        // Of a key that stands here and below, the one below counts, as the last of two.
        Some(members) => out.extend_from_slice(members.as_bytes()),
        None => write_member(out, MESSAGE, &text),
    }
    write_key(out, TIMESTAMP);
    out.extend_from_slice(record.timestamp_ms.to_string().as_bytes());
    let tags = Tags::of(record, has_service_tag);
    let fields = [
        (HOSTNAME, tags.hostname),
        (SERVICE, record.service.as_deref().or(tags.service)),
        (DDSOURCE, tags.source),
        (DDTAGS, Some(&*tags.others)),
        (STATUS, record.status.as_deref()),
    ];
    for (key, value) in fields {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            write_member(out, key, value);
        }
    }
    out.push(b'}');
}

/// The members of a text that is a JSON object with a message.
fn members(text: &str) -> Option<&str> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut has_message = false;
    Entry::parse(text, |key| has_message |= key == MESSAGE).ok()?;
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    has_message.then_some(inner)
}

fn write_member(out: &mut Vec<u8>, key: &str, value: &str) {
    write_key(out, key);
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a string can be written to memory");
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

/// The tags of a log, parted by what they mean.
///
/// A sender puts its own behind those of the user, so the last of two is the one that means something.
#[derive(Default)]
struct Tags<'a> {
    hostname: Option<&'a str>,
    service: Option<&'a str>,
    source: Option<&'a str>,
    /// The rest, joined by commas.
    others: String,
}

impl<'a> Tags<'a> {
    fn of(record: &'a Record, has_service_tag: bool) -> Self {
        let mut tags = Self::default();
        let mut others = Vec::new();
        let all: Vec<&str> = record.tags().collect();
        for tag in all.into_iter().rev() {
            let slot = match tag.split_once(':') {
                Some((HOSTNAME, value)) => Some((&mut tags.hostname, value)),
                Some((DDSOURCE, value)) => Some((&mut tags.source, value)),
                Some((SERVICE, value)) if has_service_tag => Some((&mut tags.service, value)),
                _ => None,
            };
            match slot {
                Some((slot @ None, value)) => *slot = Some(value),
                _ => others.push(tag),
            }
        }
        others.reverse();
        tags.others = others.join(",");
        tags
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn record(body: &[u8], tags: &str) -> Record {
        Record {
            body: body.to_vec(),
            timestamp_ms: 5,
            status: Some(Arc::from("error")),
            service: None,
            tags: Some(Arc::from(tags)),
            uuid: None,
            pattern: None,
        }
    }

    #[track_caller]
    fn check(record: &Record, entry: &str) {
        let rebuilt = rebuild(std::slice::from_ref(record), true, 0);
        assert_eq!(
            String::from_utf8(rebuilt.body).unwrap(),
            format!("[{entry}]")
        );
    }

    #[test]
    fn a_text_is_a_message_and_its_tags_are_parted() {
        check(
            &record(b"a \"b\"", "env:x,hostname:h,service:s,ddsource:d"),
            r#"{"message":"a \"b\"","timestamp":5,"hostname":"h","service":"s","ddsource":"d","ddtags":"env:x","status":"error"}"#,
        );
    }

    #[test]
    fn of_two_tags_that_mean_the_same_the_last_counts() {
        check(
            &record(b"", "service:user,x,service:own"),
            r#"{"message":"","timestamp":5,"service":"own","ddtags":"service:user,x","status":"error"}"#,
        );
    }

    #[test]
    fn a_service_of_its_own_leaves_the_tags_alone() {
        let mut with_service = record(b"m", "service:tag");
        with_service.service = Some(Arc::from("own"));
        with_service.status = None;
        let rebuilt = rebuild(&[with_service, record(b"n", "service:tag")], false, 0);
        assert_eq!(
            String::from_utf8(rebuilt.body).unwrap(),
            r#"[{"message":"m","timestamp":5,"service":"own","ddtags":"service:tag"},{"message":"n","timestamp":5,"ddtags":"service:tag","status":"error"}]"#
        );
        assert_eq!(rebuilt.decoded.entries.len(), 2);
    }

    #[test]
    fn an_object_with_a_message_is_the_entry_itself() {
        check(
            &record(b" {\"a\": 1.50, \"message\":\"m\",\"status\":\"own\"} ", ""),
            r#"{"a": 1.50, "message":"m","status":"own","timestamp":5,"status":"error"}"#,
        );
        check(
            &record(br#"{"message":{"k":[]},"b":null}"#, ""),
            r#"{"message":{"k":[]},"b":null,"timestamp":5,"status":"error"}"#,
        );
    }

    #[test]
    fn other_json_is_a_text() {
        for text in [
            r#"{"msg":"m"}"#,
            r#"{"message":"m"} x"#,
            r#"["message"]"#,
            "{",
        ] {
            let quoted = serde_json::to_string(text).unwrap();
            check(
                &record(text.as_bytes(), ""),
                &format!(r#"{{"message":{quoted},"timestamp":5,"status":"error"}}"#),
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_beside_it() {
        let rebuilt = rebuild(&[record(b"\xff!", "")], true, 0);
        assert_eq!(rebuilt.notes[0].exact.as_deref(), Some(&b"\xff!"[..]));
        let text = String::from_utf8(rebuilt.body).unwrap();
        assert!(text.starts_with("[{\"message\":\"\u{fffd}!\""), "{text}");
    }

    #[test]
    fn values_beyond_a_thousand_in_a_batch_are_counted_as_one() {
        let with_status = |number: usize| Record {
            status: Some(Arc::from(number.to_string())),
            ..record(b"", "")
        };
        let records: Vec<Record> = (0..1_005).chain([7]).map(with_status).collect();
        let tally = rebuild(&records, true, 0).decoded.facets.status.0;
        assert_eq!(tally.len(), 1_001);
        assert_eq!(tally[7], ("7".to_owned(), 2));
        assert_eq!(tally[1_000], ("other".to_owned(), 5));
    }

    #[test]
    fn a_log_that_is_too_old_is_noted_with_its_place() {
        let young = Record {
            timestamp_ms: MAX_AGE_MS,
            ..record(b"", "")
        };
        let records = [young, record(b"", "")];
        let at = |now_ms| rebuild(&records, true, now_ms).problems;
        assert_eq!(at(MAX_AGE_MS + 5), []);
        assert_eq!(at(MAX_AGE_MS + 6), [(1, What::TooOld)]);
    }
}
