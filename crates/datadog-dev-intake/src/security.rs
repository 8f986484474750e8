//! What a firewall says on a span: its events, the fingerprints of the request, and the schemas of what it carried.
//!
//! Read from a span whenever somebody asks, within bounds; nothing of it is kept. What is malformed is a problem of the
//! request, never a reason to refuse it, and stays on the span as it came.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use datadog_wire::traces::Span;
use serde_json::Value;

use crate::problem::What;
use crate::records::Names;
use crate::server::body::decompress;
use crate::traces::Dislike;
use crate::traces::chunk::Found;
pub use event::{MatchedParameter, RuleMatch, SecurityEvent, SecurityRule};

mod document;
mod event;
pub(crate) mod record;

/// Tag: events as JSON.
const EVENTS_JSON: &str = "_dd.appsec.json";
/// Structured tag: the same as msgpack.
const EVENTS_STRUCT: &str = "appsec";
/// What the keys of tags with schemas begin with.
const SCHEMA: &str = "_dd.appsec.s.";
/// What the keys of tags with fingerprints begin with.
const FINGERPRINT: &str = "_dd.appsec.fp.";
/// Metric: 1 where a firewall looked at the request.
const ENABLED: &str = "_dd.appsec.enabled";
/// Tag: `true` where there are events.
const HAS_EVENT: &str = "appsec.event";
/// Tag: `true` where the request was not let through.
const BLOCKED: &str = "appsec.blocked";

/// Events that are read of one span.
pub(crate) const MAX_EVENTS: usize = 100;
/// Events that are read of one chunk, as each is shown with all that its span says.
pub(crate) const MAX_CHUNK_EVENTS: usize = 1_000;
/// Schemas that are read of one span; there are eight kinds and those of GraphQL.
pub(crate) const MAX_SCHEMAS: usize = 32;
/// Fingerprints that are read of one span; there are four kinds.
const MAX_FINGERPRINTS: usize = 16;
/// Bytes of a fingerprint, and of the key of a tag in a problem.
const MAX_SHORT_BYTES: usize = 1_024;
/// Bytes of one list of events.
pub(crate) const MAX_EVENTS_BYTES: usize = 512 * 1024;
/// Bytes of one schema, as it is sent and decompressed.
pub(crate) const MAX_SCHEMA_BYTES: usize = 256 * 1024;
/// Bytes that are read of one chunk, after decompression.
const MAX_CHUNK_BYTES: usize = 2 << 20;
/// Bytes that are read of one body as it arrives.
const MAX_BODY_BYTES: usize = 32 << 20;

/// What a firewall says on a span.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Security {
    /// Those of the tag, then those of the structured tag.
    pub(crate) events: Vec<SecurityEvent>,
    /// Whether the request was not let through.
    pub(crate) is_blocked: bool,
    /// By what they are of, such as `http.endpoint`.
    pub(crate) fingerprints: BTreeMap<String, String>,
    /// By what they are of, such as `req.body`.
    pub(crate) schemas: BTreeMap<String, Value>,
    /// What is wrong, with more words.
    pub(crate) problems: Vec<(Dislike, String)>,
}

/// The security events of one body, counted.
#[derive(Debug, Default)]
pub(crate) struct SecurityCount {
    pub(crate) events: u64,
    /// Those of them that kept a request from being answered.
    pub(crate) blocked: u64,
    /// By the id of the rule.
    pub(crate) rules: Names,
}

/// How many bytes and events may still be read.
#[derive(Debug)]
pub(crate) struct Budget {
    of_body: usize,
    of_chunk: usize,
    events: usize,
}

impl Budget {
    /// That of a body, or of a chunk by itself.
    pub(crate) fn new() -> Self {
        Self {
            of_body: MAX_BODY_BYTES,
            of_chunk: MAX_CHUNK_BYTES,
            events: MAX_CHUNK_EVENTS,
        }
    }

    /// Begins another chunk of the body.
    fn next_chunk(&mut self) {
        self.of_chunk = MAX_CHUNK_BYTES.min(self.of_body);
        self.events = MAX_CHUNK_EVENTS;
    }

    /// Takes so many bytes away; false if there are not so many, and then there are none.
    fn take(&mut self, bytes: usize) -> bool {
        let has = bytes <= self.of_chunk;
        let bytes = bytes.min(self.of_chunk);
        self.of_chunk -= bytes;
        self.of_body -= bytes;
        has
    }
}

/// Looks at the spans of one chunk, tells of everything that the intake would not like, and counts.
pub(crate) fn check(
    spans: &[Span],
    budget: &mut Budget,
    count: &mut SecurityCount,
    found: &mut Found<'_>,
) {
    budget.next_chunk();
    for (index, span) in spans.iter().enumerate() {
        let Some(security) = read(span, budget) else {
            continue;
        };
        for (dislike, detail) in &security.problems {
            found(*dislike, Some(format!("span {index}: {detail}")));
        }
        for event in &security.events {
            count.events += 1;
            count.blocked += u64::from(security.blocks(event));
            count.rules.add(&event.rule.id, 1);
        }
    }
}

/// Reads what a firewall says on `span`; `None` if it says nothing.
pub(crate) fn read(span: &Span, budget: &mut Budget) -> Option<Security> {
    let is_true = |key| span.meta.get(key).is_some_and(|value| value == "true");
    let mut security = Security {
        is_blocked: is_true(BLOCKED),
        ..Security::default()
    };
    if let Some(text) = span.meta.get(EVENTS_JSON) {
        let read = || document::from_json(text.as_bytes());
        security.read_events(EVENTS_JSON, text.len(), read, budget);
    }
    if let Some(bytes) = span.meta_struct.get(EVENTS_STRUCT) {
        let read = || document::from_msgpack(bytes);
        security.read_events(EVENTS_STRUCT, bytes.len(), read, budget);
    }
    let has_events = !security.events.is_empty();
    if has_events && !is_true(HAS_EVENT) {
        security.dislike(Dislike::NoEventTag, "it is not \"true\"");
    }
    security.read_named(&span.meta, budget);
    let is_empty = security == Security::default();
    let says_something = span.metrics.contains_key(ENABLED) || is_true(HAS_EVENT) || !is_empty;
    says_something.then_some(security)
}

impl Security {
    /// Whether it was `event` that kept the request from being answered: it asked for that, or nothing did that is known.
    pub(crate) fn blocks(&self, event: &SecurityEvent) -> bool {
        self.is_blocked
            && (event.asks_to_block() || !self.events.iter().any(SecurityEvent::asks_to_block))
    }

    fn dislike(&mut self, dislike: Dislike, detail: impl Into<String>) {
        self.problems.push((dislike, detail.into()));
    }

    /// Reads `{"triggers":[…]}` of so many bytes, which stands under `key`.
    fn read_events(
        &mut self,
        key: &str,
        bytes: usize,
        read: impl FnOnce() -> Result<Value, String>,
        budget: &mut Budget,
    ) {
        if bytes > MAX_EVENTS_BYTES {
            return self.dislike(Dislike::LongEvents, key);
        }
        if !budget.take(bytes) {
            return self.dislike(Dislike::SecurityCut, key);
        }
        let document = match read() {
            Ok(document) => document,
            Err(why) => return self.dislike(Dislike::BadEvents, format!("{key}: {why}")),
        };
        let Some(triggers) = document.get("triggers").and_then(Value::as_array) else {
            return self.dislike(Dislike::BadEvents, format!("{key}: no array of triggers"));
        };
        let room = budget.events.min(MAX_EVENTS - self.events.len());
        budget.events -= room.min(triggers.len());
        for (index, trigger) in triggers.iter().enumerate() {
            if index >= room {
                let more = triggers.len() - index;
                return self.dislike(Dislike::TooManyEvents, format!("{key}: {more} more"));
            }
            let lacks = match SecurityEvent::read(trigger) {
                Ok((event, lacks)) => {
                    self.events.push(event);
                    lacks
                }
                Err(why) => Some(why),
            };
            if let Some(why) = lacks {
                self.dislike(Dislike::BadEvent, format!("{key}: trigger {index}: {why}"));
            }
        }
    }

    /// Reads fingerprints and schemas, of which the rest of the key says what they are of.
    fn read_named(&mut self, meta: &BTreeMap<String, String>, budget: &mut Budget) {
        for (key, text) in meta {
            if let Some(of) = key.strip_prefix(FINGERPRINT) {
                let is_short = key.len().max(text.len()) <= MAX_SHORT_BYTES;
                if is_short && self.fingerprints.len() < MAX_FINGERPRINTS {
                    self.fingerprints.insert(of.to_owned(), text.clone());
                } else {
                    self.dislike(Dislike::SecurityCut, start(key, MAX_SHORT_BYTES));
                }
            } else if let Some(of) = key.strip_prefix(SCHEMA) {
                match read_schema(text, self.schemas.len(), budget) {
                    Ok(schema) => {
                        self.schemas.insert(of.to_owned(), schema);
                    }
                    Err((dislike, why)) => {
                        let key = start(key, MAX_SHORT_BYTES);
                        self.dislike(dislike, format!("{key}{why}"));
                    }
                }
            }
        }
    }
}

/// The start of a text, of at most so many bytes.
fn start(text: &str, most: usize) -> &str {
    let end = text.floor_char_boundary(most);
    text.get(..end).unwrap_or_default()
}

/// Reads a schema: JSON, plain or as base64 of gzip. `others` were read of the same span.
///
/// # Errors
/// What it is not, with more words.
fn read_schema(text: &str, others: usize, budget: &mut Budget) -> Result<Value, (Dislike, String)> {
    let bad = |why: &str| (Dislike::BadSchema, format!(": {why}"));
    let cut = || (Dislike::SecurityCut, String::new());
    if text.len() > MAX_SCHEMA_BYTES {
        return Err((Dislike::LongSchema, String::new()));
    }
    if others >= MAX_SCHEMAS || !budget.take(text.len()) {
        return Err(cut());
    }
    if text.starts_with(['[', '{']) {
        return document::from_json(text.as_bytes()).map_err(|why| bad(&why));
    }
    let packed = BASE64.decode(text).map_err(|_| bad("not base64"))?;
    match decompress(&packed.into(), "gzip", MAX_SCHEMA_BYTES) {
        Ok(json) if budget.take(json.len()) => document::from_json(&json).map_err(|why| bad(&why)),
        Ok(_) => Err(cut()),
        Err(What::Bomb) => {
            budget.take(MAX_SCHEMA_BYTES);
            Err((Dislike::LongSchema, String::new()))
        }
        Err(_) => Err(bad("not gzip")),
    }
}

#[cfg(test)]
mod tests;
