//! What arrives over the stream is what would have arrived over HTTP.

use std::time::{SystemTime, UNIX_EPOCH};

use datadog_dev_intake::Intake;
use datadog_logs_agent::Config;
use datadog_logs_agent::stream::transport::state::Wire;
use serde_json::{Map, Value, json};

use super::{config, config_with, settings};
use crate::agent::{self, Agent};

/// Bodies as clients send them. Every entry has its number, and nothing else that differs from one run to another.
const BODIES: &[&str] = &[
    r#"[{"message":"plain"},{"message":"plain"},{"message":"plainer"}]"#,
    r#"{"message":"everything","timestamp":PAST,"hostname":"web-1","service":"shop","ddsource":"nginx","ddtags":"env:prod,team:a","status":"warn"}"#,
    r#"{"message":"attributes","user":{"id":1,"name":"\u00e9"},"list":[1,2.50,"x",null,true],"n":1.0e3,"big":12345678901234567890}"#,
    r#"{"message":"spaces", "x" : { "y" : [ 1 , " a  b " ] } , "service" : "shop" }"#,
    r#"{"message":{"nested":{"a":1},"text":"x"},"service":"objects"}"#,
    r#"{"message":["array",1]}"#,
    r#"{"message":5}"#,
    r#"{"message":true}"#,
    r#"{"message":"unicode \u00e9 😀 \u202eright to left\u202c \"quoted\" \\ back \n newline \u0000 nul \u001b[31mred"}"#,
    r#"[{"message":""},{"message":" "},{"message":"\t\r\n"}]"#,
    r#"{"message":"a time as text","timestamp":"ISO"}"#,
    r#"{"message":"a time nobody can tell","timestamp":"yesterday"}"#,
    r#"{"message":"a time of parts","timestamp":PAST.5}"#,
    r#"{"message":"{\"level\":\"info\",\"msg\":\"JSON in text\"}"}"#,
    r#"{"message":"a user's own uuid","uuid":"550e8400-e29b-41d4-a716-446655440000"}"#,
    r#"{"uuid":"550e8400-e29b-41d4-a716-446655440000","message":"a user's own uuid in front"}"#,
    r#"{"uuid":"short","message":"a user's own uuid that is none, in front of more than it would be long"}"#,
    r#"{"message":"reserved keys of other kinds","status":5,"service":["a"],"hostname":null,"ddtags":{}}"#,
    r#"{"message":"nothing in reserved keys","status":"","service":"","hostname":"","ddtags":"","ddsource":""}"#,
    r#"{"message":"a key twice","a":1,"a":2}"#,
    r#"{"message":"commas","hostname":"a,b","service":"x,y","ddsource":"p,q"}"#,
    r#"{"message":"odd tags","ddtags":" env:prod , team:a ","hostname":" h "}"#,
    r#"{"message":"names in tags","ddtags":"service:old,hostname:old,env:x","service":"new","hostname":"newer"}"#,
    r#"{"mess\u0061ge":"an escaped key","st\u0061tus":"error","\u0061ttribute":1}"#,
    r#"[{"message":"user alice took 5ms","status":"info"},{"message":"user bob took 7ms"},{"message":"user eve took 9ms","ddtags":"a:b"},{"message":"user dan took 11ms"}]"#,
];

/// A time that some entries have: some minutes ago, so that the agent's own are later.
fn past_ms() -> u64 {
    now_ms() - 600_000
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// Sends all bodies to an agent and returns the entries that arrive, in their order.
async fn arrive(intake: &Intake, config: Config, past_ms: u64) -> Vec<Map<String, Value>> {
    let agent = Agent::start(config).await;
    for body in BODIES {
        let body = body
            .replace("PAST", &past_ms.to_string())
            .replace("ISO", "2026-01-02T03:04:05.678Z");
        let answer = agent.post("/v1/input", &body).await;
        assert_eq!(answer.status, 200, "{body}");
    }
    let report = agent.flush().await;
    assert_eq!(report.pending_entries, 0);
    let dropped = agent.stop().await.dropped;
    assert!(dropped.is_empty(), "{dropped:?}");
    intake.logs().into_iter().map(|log| log.entry).collect()
}

/// An entry in a form that is the same on both ways: with a time as text told, without one that the agent gave it or that
/// nobody can tell, and without what is empty.
fn comparable(entry: &Map<String, Value>, past_ms: u64) -> Map<String, Value> {
    let mut entry = entry.clone();
    let is_own = |time: &Value| time.as_u64().is_none_or(|time| time > past_ms);
    if entry.get("timestamp") == Some(&json!("2026-01-02T03:04:05.678Z")) {
        entry.insert("timestamp".to_owned(), json!(1_767_323_045_678_u64));
    } else if entry.get("timestamp").is_some_and(is_own) {
        entry.remove("timestamp");
    }
    for key in ["status", "service", "hostname", "ddtags", "ddsource"] {
        if entry.get(key).is_some_and(|value| *value == "") {
            entry.remove(key);
        }
    }
    entry
}

#[tokio::test]
async fn every_entry_is_the_same_over_the_stream_as_over_http() {
    let plain = Intake::start().await;
    let past_ms = past_ms();
    let over_http = arrive(&plain, agent::config(&plain), past_ms).await;
    assert!(over_http.len() > BODIES.len());

    for wire in [Wire::A, Wire::C] {
        let intake = Intake::start().await;
        let config = config_with(&intake, |stream| settings(stream).wire = wire);
        let over_stream = arrive(&intake, config, past_ms).await;
        assert!(intake.logs().iter().all(|log| log.stream.is_some()));
        assert_eq!(over_stream.len(), over_http.len());
        let differences: Vec<_> = (over_http.iter().zip(&over_stream))
            .map(|(http, stream)| (comparable(http, past_ms), comparable(stream, past_ms)))
            .filter(|(http, stream)| http != stream)
            .collect();
        assert_eq!(differences, [], "in {wire:?}");
    }
}

#[tokio::test]
async fn a_log_without_a_time_gets_that_of_its_arrival() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let before = now_ms();
    agent.log("now").await;
    agent.flush().await;
    let log = intake.logs().remove(0);
    let time = log.entry["timestamp"].as_u64().unwrap();
    assert!((before..=now_ms()).contains(&time));
}
