//! Events on a span: as JSON beside those that stand there already, or as msgpack.
//!
//! Leaves whole events out at the end where all of them would be too long, and never part of one.

use serde_json::{Value as Json, json};

/// Where events stand as JSON.
pub(super) const JSON_NAME: &str = "_dd.appsec.json";
/// Where they stand as msgpack.
pub(super) const STRUCT_NAME: &str = "appsec";
/// Bytes of the text that intakes take.
const MAX_BYTES: usize = 25_000;
/// What stands around the events.
const FRAME: &str = "{\"triggers\":[]}";

/// The text of all events, those before first; and how many new ones were left out.
pub(super) fn to_json(before: Option<&str>, events: &[Json]) -> (String, u64) {
    let before = before.and_then(|text| serde_json::from_str::<Json>(text).ok());
    let before = before.as_ref().and_then(|json| json["triggers"].as_array());
    let before = before.map_or(&[][..], Vec::as_slice);
    let mut list = String::new();
    let mut dropped = 0;
    for (index, event) in before.iter().chain(events).enumerate() {
        let text = event.to_string();
        let comma = usize::from(!list.is_empty());
        // What the span has already stays, however long it is.
        let fits = FRAME.len() + list.len() + comma + text.len() <= MAX_BYTES;
        if index >= before.len() && (dropped > 0 || !fits) {
            dropped += 1;
            continue;
        }
        if comma > 0 {
            list.push(',');
        }
        list.push_str(&text);
    }
    (format!("{{\"triggers\":[{list}]}}"), dropped)
}

/// The same as msgpack.
pub(super) fn to_msgpack(events: &[Json]) -> Option<Vec<u8>> {
    rmp_serde::to_vec(&json!({ "triggers": events })).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_stand_behind_those_that_were_there() {
        let (text, dropped) = to_json(Some(r#"{"triggers":[{"a":1}]}"#), &[json!({"b": 2})]);
        assert_eq!(text, r#"{"triggers":[{"a":1},{"b":2}]}"#);
        assert_eq!(dropped, 0);
        assert_eq!(to_json(Some("no"), &[json!(1)]).0, r#"{"triggers":[1]}"#);
    }

    #[test]
    fn whole_events_are_left_out_at_the_end() {
        let event = json!("x".repeat(9_990));
        let (text, dropped) = to_json(None, &[event.clone(), event.clone(), event, json!(1)]);
        assert_eq!(dropped, 2);
        assert!(text.len() <= MAX_BYTES);
        let read: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(read["triggers"].as_array().unwrap().len(), 2);
        let rest = MAX_BYTES - FRAME.len() - 2;
        let longest = json!("x".repeat(rest));
        assert_eq!(to_json(None, &[longest]).0.len(), MAX_BYTES);
        assert_eq!(to_json(None, &[json!("x".repeat(rest + 1))]).1, 1);
    }

    #[test]
    fn msgpack_has_the_same_events() {
        let bytes = to_msgpack(&[json!({"rule": {"id": "a"}})]).unwrap();
        let read: Json = rmp_serde::from_slice(&bytes).unwrap();
        assert_eq!(read, json!({"triggers": [{"rule": {"id": "a"}}]}));
    }
}
