//! The answer to a question about the counts.

use serde_json::{Map, Value, json};

use crate::records::Signal;
use crate::server::{Shared, now_ms};
use crate::store::counts::Counts;

/// Counts of everything since the start or the last reset.
pub(crate) fn summary(shared: &Shared) -> Value {
    let faults = shared.script().rules().to_vec();
    let hint = shared.hint().clone();
    let streams = shared.streams().totals();
    let pushed = shared.remote_config().count();
    let store = shared.store();
    let counts = store.counts();
    let problems: Map<String, Value> = counts
        .problems
        .iter()
        .map(|(what, count)| (what.to_string(), (*count).into()))
        .collect();
    let mut signals = Map::new();
    signals.insert("logs".to_owned(), logs(counts));
    for signal in Signal::ALL {
        signals.insert(signal.name().to_owned(), records(counts, signal));
    }
    json!({
        "started_at": shared.started_at_ms,
        "now": now_ms(),
        "seq": store.last_seq(),
        "signals": signals,
        "requests": {
            "total": counts.requests,
            "by_path": counts.by_path.shown(),
            "by_status": counts.by_status.shown(),
        },
        "security": {
            "events": counts.security.events,
            "blocked": counts.security.blocked,
            "by_rule": counts.security.by_rule.shown(),
        },
        "streams": streams,
        "remote_config": { "pushed": pushed },
        "problems": problems,
        "kept_bytes": store.kept_bytes(),
        "keep_bytes": store.keep_bytes(),
        "evicted": store.evicted(),
        "faults": faults,
        "hint": hint,
    })
}

fn logs(counts: &Counts) -> Value {
    json!({
        "items": counts.logs.items,
        "requests": counts.logs.requests,
        "raw_bytes": counts.logs.raw_bytes,
        "wire_bytes": counts.logs.wire_bytes,
        "by_via": {
            "http": counts.logs.over_http,
            "stream": counts.logs.over_streams,
        },
        "by_status": counts.logs.by_status.shown(),
        "by_service": counts.logs.by_service.shown(),
        "by_source": counts.logs.by_source.shown(),
    })
}

fn records(counts: &Counts, signal: Signal) -> Value {
    let counts = counts.of(signal);
    let by = match signal {
        Signal::Series | Signal::Sketches => "by_metric",
        Signal::Events => "by_alert_type",
        Signal::Checks => "by_status",
        Signal::Traces | Signal::Stats => "by_service",
    };
    let mut shown = Map::new();
    shown.insert("items".to_owned(), counts.items.into());
    shown.insert("requests".to_owned(), counts.requests.into());
    shown.insert("raw_bytes".to_owned(), counts.raw_bytes.into());
    shown.insert("wire_bytes".to_owned(), counts.wire_bytes.into());
    let points = match signal {
        Signal::Series | Signal::Sketches => Some("points"),
        Signal::Traces => Some("spans"),
        Signal::Stats => Some("hits"),
        Signal::Events | Signal::Checks => None,
    };
    if let Some(points) = points {
        shown.insert(points.to_owned(), counts.points.into());
    }
    shown.insert(by.to_owned(), counts.by.shown().into());
    Value::Object(shown)
}
