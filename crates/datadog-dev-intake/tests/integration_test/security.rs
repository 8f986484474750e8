//! Security events on spans: how they are shown, asked for, counted and waited for, and what is told of malformed ones.

use datadog_dev_intake::Intake;
use datadog_wire::traces::Span;
use prost::Message;
use serde_json::{Value, json};

use crate::client::{Answer, get};
use crate::traces::{chunk, payload, post_traces, span};

/// Text of an attack.
const ATTACK: &str = "<script>alert(document.cookie)</script>";

/// An event of a rule, which asks for `action`.
fn trigger(rule: &str, action: &str) -> Value {
    json!({
        "rule": {
            "id": rule, "name": "XSS", "on_match": [action],
            "tags": {"type": "xss", "category": "attack_attempt"}
        },
        "rule_matches": [{
            "operator": "match_regex", "operator_value": "alert",
            "parameters": [{
                "address": "server.request.query", "key_path": ["q", 0], "value": ATTACK, "highlight": ["alert(d"]
            }]
        }]
    })
}

/// A span with these events.
fn attacked(trace_id: u64, span_id: u64, triggers: &[Value]) -> Span {
    let mut attacked = span(trace_id, span_id, "GET /search");
    let tags = [
        ("appsec.event", "true"),
        ("actor.ip", "203.0.113.7"),
        ("http.client_ip", "203.0.113.8"),
        ("_dd.appsec.fp.http.network", "net-0-0000000000"),
        ("_dd.appsec.s.req.query", r#"[{"q":[[[8]],{"len":1}]}]"#),
    ];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    attacked.meta.extend(tags);
    let events = json!({ "triggers": triggers }).to_string();
    attacked.meta.insert("_dd.appsec.json".to_owned(), events);
    attacked
}

async fn post(intake: &Intake, spans: Vec<Vec<Span>>) -> Answer {
    let chunks = spans.into_iter().map(chunk).collect();
    post_traces(intake, payload(chunks).encode_to_vec()).await
}

fn problems(intake: &Intake) -> Vec<String> {
    intake.raw_requests().last().unwrap().problems.clone()
}

/// The rules of the events that are shown, with the numbers of their records.
async fn rules(intake: &Intake, parameters: &str) -> Vec<(u64, String)> {
    let answer = get(intake, &format!("/inspect/security{parameters}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines = answer.lines();
    let rule = |line: &Value| {
        let id = line["rule"]["id"].as_str().unwrap().to_owned();
        (line["seq"].as_u64().unwrap(), id)
    };
    lines.iter().map(rule).collect()
}

#[tokio::test]
async fn an_event_is_shown_with_its_span_to_the_last_field() {
    let intake = Intake::start().await;
    let mut blocked = attacked(1, 2, &[trigger("crs-941-390", "block")]);
    let tag = ("appsec.blocked".to_owned(), "true".to_owned());
    blocked.meta.extend([tag]);

    let answer = post(&intake, vec![vec![blocked]]).await;

    assert_eq!((answer.status, answer.text()), (202, "{}"));
    assert_eq!(problems(&intake), [""; 0]);
    let mut lines = get(&intake, "/inspect/security").await.lines();
    assert_eq!(lines.len(), 1);
    let received_at = lines[0].as_object_mut().unwrap().remove("received_at");
    assert!(received_at.unwrap().is_i64());
    assert_eq!(
        lines[0],
        json!({
            "seq": 2,
            "via": "http",
            "api_key": "cdef",
            "endpoint": "/api/v0.2/traces",
            "request": 1,
            "trace_id": "00000000000000000000000000000001",
            "spanID": "2",
            "service": "web",
            "name": "web.request",
            "resource": "GET /search",
            "start": "1700000000123456789",
            "actor_ip": "203.0.113.7",
            "blocked": true,
            "rule": {
                "id": "crs-941-390",
                "name": "XSS",
                "type": "xss",
                "category": "attack_attempt",
                "on_match": ["block"],
                "tags": {"type": "xss", "category": "attack_attempt"},
            },
            "rule_matches": [{
                "operator": "match_regex",
                "operator_value": "alert",
                "parameters": [{
                    "name": null,
                    "address": "server.request.query",
                    "key_path": ["q", 0],
                    "value": ATTACK,
                    "highlight": ["alert(d"],
                }],
            }],
            "security_response_id": null,
            "stack_id": null,
            "fingerprints": {"http.network": "net-0-0000000000"},
        })
    );
}

#[tokio::test]
async fn a_span_of_a_chunk_says_what_its_firewall_does() {
    let intake = Intake::start().await;
    let mut in_struct = span(1, 3, "GET /");
    let document = json!({"triggers": [trigger("t-3", "monitor")]});
    let document = rmp_serde::to_vec(&document).unwrap();
    in_struct.meta_struct.insert("appsec".to_owned(), document);
    let tag = ("appsec.event".to_owned(), "true".to_owned());
    in_struct.meta.extend([tag]);

    post(
        &intake,
        vec![vec![
            span(1, 1, "plain"),
            attacked(1, 2, &[trigger("t-2", "monitor")]),
            in_struct,
        ]],
    )
    .await;

    let lines = get(&intake, "/inspect/traces").await.lines();
    let spans = lines[0]["spans"].as_array().unwrap();
    assert_eq!(spans[0].get("security"), None);
    let security = &spans[1]["security"];
    assert_eq!(
        (
            &security["blocked"],
            &security["schemas"],
            &security["problems"]
        ),
        (
            &json!(false),
            &json!({"req.query": [{"q": [[[8]], {"len": 1}]}]}),
            &json!([])
        )
    );
    assert_eq!(security["events"][0]["rule"]["id"], "t-2");
    assert_eq!(spans[2]["security"]["events"][0]["rule"]["id"], "t-3");
}

#[tokio::test]
async fn events_are_asked_for_by_trace_service_and_rule() {
    let intake = Intake::start().await;
    let mut of_api = attacked(7, 3, &[trigger("b", "monitor")]);
    of_api.service = "api".to_owned();
    let two = [trigger("a", "monitor"), trigger("b", "monitor")];
    post(
        &intake,
        vec![
            vec![span(1, 1, "plain")],
            vec![attacked(6, 1, &two), of_api],
            vec![attacked(7, 1, &[trigger("a", "monitor")])],
        ],
    )
    .await;
    let of = |seq, rule: &str| (seq, rule.to_owned());
    let all = [of(3, "a"), of(3, "b"), of(3, "b"), of(4, "a")];
    assert_eq!(rules(&intake, "").await, all);
    assert_eq!(rules(&intake, "?after=3").await, all[3..]);
    assert_eq!(rules(&intake, "?trace_id=7").await, all[3..]);
    assert_eq!(rules(&intake, "?service=api").await, all[2..3]);
    assert_eq!(rules(&intake, "?service=web&rule=b").await, all[1..2]);
    // What shares a number is not parted.
    assert_eq!(rules(&intake, "?limit=1").await, all[..3]);
    assert_eq!(rules(&intake, "?limit=4").await, all);
    let refused = get(&intake, "/inspect/security?status=200").await;
    assert_eq!(
        (refused.status, refused.text()),
        (400, "unknown parameter status\n")
    );
}

#[tokio::test]
async fn events_are_counted_and_waited_for_by_rule() {
    let intake = Intake::start().await;
    let none = json!({"events": 0, "blocked": 0, "by_rule": {}});
    assert_eq!(intake.summary()["security"], none);
    let two = [trigger("a", "monitor"), trigger("b", "monitor")];
    post(&intake, vec![vec![attacked(6, 1, &two)]]).await;
    post(&intake, vec![vec![attacked(6, 2, &two[..1])]]).await;

    intake.expect_security(&["a", "a", "b"]).await;

    let counts = json!({"events": 3, "blocked": 0, "by_rule": {"a": 2, "b": 1}});
    assert_eq!(intake.summary()["security"], counts);
    let records = intake.security();
    assert_eq!(records.len(), 3);
    let first = &records[0];
    assert_eq!((first.seq, first.trace_id, first.span_id), (2, 6, 1));
    assert_eq!(first.actor_ip.as_deref(), Some("203.0.113.7"));
    assert_eq!(first.event.rule_matches[0].parameters[0].value, ATTACK);
    assert_eq!(
        first.schemas["req.query"],
        json!([{"q": [[[8]], {"len": 1}]}])
    );
    intake.reset();
    assert_eq!(intake.summary()["security"], none);
}

#[tokio::test]
async fn what_is_malformed_is_taken_and_told() {
    let intake = Intake::start().await;
    let mut broken = attacked(1, 1, &[]);
    let tags = [
        ("_dd.appsec.json", "{\"triggers\":[{}]}"),
        ("_dd.appsec.s.req.body", "<img onerror=alert(1)>"),
    ];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    broken.meta.extend(tags);
    broken.meta_struct.insert("appsec".to_owned(), vec![0xc0]);

    let answer = post(&intake, vec![vec![span(1, 2, "plain"), broken]]).await;

    assert_eq!(answer.status, 202);
    assert_eq!(
        problems(&intake),
        [
            "chunk 0: a security event lacks something: span 1: _dd.appsec.json: trigger 0: no rule",
            "chunk 0: security events cannot be read: span 1: appsec: no array of triggers",
            "chunk 0: a schema cannot be read: span 1: _dd.appsec.s.req.body: not base64",
        ]
    );
    let summary = intake.summary();
    assert_eq!(summary["problems"]["a schema cannot be read"], 1);
    let lines = get(&intake, "/inspect/traces").await.lines();
    assert_eq!(
        lines[0]["spans"][1]["security"]["problems"],
        json!([
            "a security event lacks something: _dd.appsec.json: trigger 0: no rule",
            "security events cannot be read: appsec: no array of triggers",
            "a schema cannot be read: _dd.appsec.s.req.body: not base64",
        ])
    );
    assert_eq!(rules(&intake, "").await, []);
}
