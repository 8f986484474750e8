//! What has to arrive of the span that every shop makes by hand, in whichever form its tracer sends links and events.

use serde_json::{Value, json};

use super::Findings;
use crate::language::Language;
use crate::tracers::arrived::{Arrived, list, word};
use crate::tracers::plan::Plan;
use crate::tracers::shop::TRACE;

/// `{"items": [1, 2, {"deep": "yes"}]}` in msgpack, in base64.
const PAYLOAD: &str = "gaVpdGVtc5MBAoGkZGVlcKN5ZXM=";

/// Checks it.
pub(crate) fn by_hand(client: Language, plan: Plan, arrived: &Arrived, out: &mut Findings) {
    let chunks = arrived.chunks.iter();
    let chunks: Vec<_> = chunks.filter(|chunk| chunk["trace_id"] == TRACE).collect();
    let [chunk] = chunks.as_slice() else {
        out.add(format!("{} chunks by hand arrived, not 1", chunks.len()));
        return;
    };
    out.equal("by hand: origin", &"rum".into(), &chunk["origin"]);
    out.equal("by hand: priority", &1.into(), &chunk["priority"]);
    let spans = list(&chunk["spans"]);
    let Some(span) = spans.iter().find(|span| span["name"] == "shop.by_hand") else {
        out.add("the span by hand did not arrive".to_owned());
        return;
    };
    out.equal("by hand: resource", &"Größe 🚀".into(), &span["resource"]);
    out.equal("by hand: type", &"worker".into(), &span["type"]);
    out.equal("by hand: error", &1.into(), &span["error"]);
    let meta = &span["meta"];
    out.equal("by hand: city", &"Köln".into(), &meta["city"]);
    out.equal("by hand: weight", &12.5.into(), &span["metrics"]["weight"]);
    let message = &meta["error.message"];
    out.equal("by hand: error.message", &"no tea left".into(), message);
    out.equal("by hand: link", &link(), &links(span));
    out.equal("by hand: event", &event(), &events(span));
    if client == Language::Python && plan == Plan::Checked {
        let payload = &span["meta_struct"]["payload"];
        out.equal("by hand: payload", &PAYLOAD.into(), payload);
    }
}

fn link() -> Value {
    json!([{
        "trace_id": "0123456789abcdeffedcba9876543210",
        "span_id": "1122334455667788",
        "attributes": { "reason": "retry" },
    }])
}

fn event() -> Value {
    json!([{
        "name": "cache.miss",
        "attributes": {
            "key": "a", "tries": 3, "share": 0.5, "cold": true, "tiers": ["l1", "l2"],
        },
    }])
}

/// The links in one form, whether they came as such or as a tag; if as both, as such.
fn links(span: &Value) -> Value {
    let native: Value = list(&span["spanLinks"]).iter().map(|link| {
        json!({
            "trace_id": format!("{:016x}{:016x}", number(&link["traceID_high"]), number(&link["traceID"])),
            "span_id": format!("{:016x}", number(&link["spanID"])),
            "attributes": link["attributes"],
        })
    }).collect();
    if !list(&native).is_empty() {
        return native;
    }
    let tag = in_tag(span, "_dd.span_links");
    let tagged = list(&tag).iter();
    tagged
        .map(|link| {
            json!({
                "trace_id": link["trace_id"],
                "span_id": link["span_id"],
                "attributes": link["attributes"],
            })
        })
        .collect()
}

/// The events likewise, without their time.
fn events(span: &Value) -> Value {
    let tag = in_tag(span, "events");
    let events = list(&span["spanEvents"]).iter().chain(list(&tag));
    events
        .filter(|event| event["name"] != "exception")
        .map(|event| json!({ "name": event["name"], "attributes": event["attributes"] }))
        .collect()
}

fn in_tag(span: &Value, key: &str) -> Value {
    let text = span["meta"][key].as_str().unwrap_or("[]");
    serde_json::from_str(text).unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    word(value).parse().unwrap_or_default()
}
