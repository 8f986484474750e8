//! Security events as they are shown: one line of JSON each; and what a firewall says on a span, in the record of its
//! chunk.
//!
//! The events of one chunk share its number, so that a line is found again by it.

use datadog_wire::traces::Span;
use serde_json::{Value, json};

use super::{Budget, Security, SecurityEvent, start};
use crate::record::{notes, write_fields};
use crate::store::Stored;
use crate::traces::chunk::Chunk;

/// Bytes of what a span is called that stand beside each of its events; an agent keeps no longer ones.
const MAX_NAME_BYTES: usize = 15_000;
/// Tags of whom a request came from: who attacked, if that is known, or whoever sent it.
const ACTORS: [&str; 2] = ["actor.ip", "http.client_ip"];

/// Writes a line for each event of the chunk at `index` that `admits` lets through, without the last line end.
pub(crate) fn write(
    out: &mut Vec<u8>,
    stored: &Stored,
    index: usize,
    chunk: &Chunk,
    admits: impl Fn(&Span, &SecurityEvent) -> bool,
) {
    let trace_id = format!("{:032x}", chunk.trace_id());
    let mut is_first = true;
    each(chunk, |span, security| {
        for event in security.events.iter().filter(|event| admits(span, event)) {
            if !std::mem::take(&mut is_first) {
                out.push(b'\n');
            }
            let fields = json!({
                "trace_id": trace_id,
                "spanID": span.span_id.to_string(),
                "service": start(&span.service, MAX_NAME_BYTES),
                "name": start(&span.name, MAX_NAME_BYTES),
                "resource": start(&span.resource, MAX_NAME_BYTES),
                "start": span.start.to_string(),
                "actor_ip": actor(span).map(|address| start(address, MAX_NAME_BYTES)),
                "blocked": security.blocks(event),
                "rule": event.rule,
                "rule_matches": event.rule_matches,
                "security_response_id": event.security_response_id,
                "stack_id": event.stack_id,
                "fingerprints": security.fingerprints,
            });
            write_fields(out, notes(stored, index), fields);
        }
    });
}

/// Calls `look` with every span of a chunk on which a firewall says something.
pub(crate) fn each<'a>(chunk: &'a Chunk, mut look: impl FnMut(&'a Span, Security)) {
    let mut budget = Budget::new();
    for span in &chunk.message.spans {
        if let Some(security) = super::read(span, &mut budget) {
            look(span, security);
        }
    }
}

/// What a firewall says on a span, as JSON.
pub(crate) fn of_span(security: &Security) -> Value {
    let events: Vec<Value> = security
        .events
        .iter()
        .map(|event| {
            json!({
                "blocked": security.blocks(event),
                "rule": event.rule,
                "rule_matches": event.rule_matches,
                "security_response_id": event.security_response_id,
                "stack_id": event.stack_id,
            })
        })
        .collect();
    let problems: Vec<String> = security
        .problems
        .iter()
        .map(|(dislike, detail)| format!("{dislike}: {detail}"))
        .collect();
    json!({
        "blocked": security.is_blocked,
        "events": events,
        "fingerprints": security.fingerprints,
        "schemas": security.schemas,
        "problems": problems,
    })
}

/// The address that a request came from, as far as a span says it.
pub(crate) fn actor(span: &Span) -> Option<&str> {
    let known = ACTORS.iter().find_map(|key| span.meta.get(*key));
    known.map(String::as_str)
}
