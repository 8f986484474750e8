//! Halves bodies that an intake found too large.
//!
//! Works on what was written here: protobuf is cut between its outermost fields, JSON is read and written again.

use bytes::Bytes;
use datadog_forwarder::payload::Half;
use datadog_wire::metrics::event;
use serde_json::{Map, Value};

use super::Kind;
use crate::protobuf::outermost;

/// The halves of a body before compression, and the items of each; `None` for one with a single item.
pub fn halve(kind: Kind, body: &Bytes) -> Option<[Half; 2]> {
    match kind {
        Kind::Series | Kind::Sketches => halve_fields(body),
        // Columns belong together.
        Kind::SeriesColumns | Kind::SketchColumns => None,
        Kind::Events => halve_events(body),
        Kind::ServiceChecks => halve_array(body),
    }
}

/// Items are the fields with the number 1; what follows them belongs to both halves.
fn halve_fields(body: &Bytes) -> Option<[Half; 2]> {
    let items = outermost(body).filter(|(number, _)| *number == 1).count();
    let in_first = items / 2;
    if in_first == 0 {
        return None;
    }
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut seen = 0;
    for (number, field) in outermost(body) {
        if number != 1 {
            first.extend_from_slice(field);
            second.extend_from_slice(field);
        } else if seen < in_first {
            first.extend_from_slice(field);
            seen += 1;
        } else {
            second.extend_from_slice(field);
        }
    }
    let second_items = items - in_first;
    Some([
        (first.into(), in_first as u64),
        (second.into(), second_items as u64),
    ])
}

fn halve_array(body: &Bytes) -> Option<[Half; 2]> {
    let mut items: Vec<Value> = serde_json::from_slice(body).ok()?;
    let second = items.split_off(items.len() / 2);
    if items.is_empty() {
        return None;
    }
    let half = |items: Vec<Value>| {
        let count = items.len() as u64;
        (Value::Array(items).to_string().into(), count)
    };
    Some([half(items), half(second)])
}

fn halve_events(body: &Bytes) -> Option<[Half; 2]> {
    let whole: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let sources = whole.get(event::EVENTS)?.as_object()?;
    let items: usize = sources
        .values()
        .filter_map(Value::as_array)
        .map(Vec::len)
        .sum();
    let in_first = items / 2;
    if in_first == 0 {
        return None;
    }
    let part = |from: usize, to: usize| {
        let mut place = 0;
        let mut kept = Map::new();
        for (source, events) in sources {
            let events: Vec<Value> = events
                .as_array()
                .into_iter()
                .flatten()
                .filter(|_| {
                    place += 1;
                    (from..to).contains(&(place - 1))
                })
                .cloned()
                .collect();
            if !events.is_empty() {
                kept.insert(source.clone(), events.into());
            }
        }
        let mut half = whole.clone();
        half.insert(event::EVENTS.to_owned(), kept.into());
        let body = Value::Object(half).to_string();
        (body.into(), (to - from) as u64)
    };
    Some([part(0, in_first), part(in_first, items)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, body: &[u8], halves: Option<[(&[u8], u64); 2]>) {
        let found = halve(kind, &Bytes::copy_from_slice(body));
        let expect = halves.map(|halves| halves.map(|(it, n)| (Bytes::copy_from_slice(it), n)));
        assert_eq!(found, expect);
    }

    #[test]
    fn protobuf_is_cut_between_items_and_its_end_belongs_to_both() {
        let body = b"\x0a\x01a\x0a\x01b\x0a\x01c\x12\x00";
        check(
            Kind::Sketches,
            body,
            Some([
                (b"\x0a\x01a\x12\x00", 1),
                (b"\x0a\x01b\x0a\x01c\x12\x00", 2),
            ]),
        );
        check(Kind::Series, b"\x0a\x01a", None);
        check(Kind::Series, b"", None);
    }

    #[test]
    fn service_checks_are_cut_in_the_middle() {
        check(
            Kind::ServiceChecks,
            b"[1,2,3]",
            Some([(b"[1]", 1), (b"[2,3]", 2)]),
        );
        check(Kind::ServiceChecks, b"[1]", None);
        check(Kind::ServiceChecks, b"x", None);
    }

    #[test]
    fn events_are_cut_across_their_sources() {
        check(
            Kind::Events,
            br#"{"apiKey":"","events":{"a":[1],"b":[2,3]},"internalHostname":"h"}"#,
            Some([
                (
                    br#"{"apiKey":"","events":{"a":[1]},"internalHostname":"h"}"#,
                    1,
                ),
                (
                    br#"{"apiKey":"","events":{"b":[2,3]},"internalHostname":"h"}"#,
                    2,
                ),
            ]),
        );
        check(
            Kind::Events,
            br#"{"apiKey":"","events":{"a":[1]},"internalHostname":"h"}"#,
            None,
        );
    }
}
