//! Requests that the program asked about itself, and their spans, which tracers send.

use std::time::{Duration, Instant};

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::appsec::{HttpRequest, HttpResponse, WafVerdict, settings};
use datadog_appsec::FakeEngine;
use datadog_dev_intake::Intake;
use serde_json::{Value, json};

use crate::support::{config, start};
use crate::{attack, library, send, shown, until, with_engine, with_settings};

/// A trace of one web span that nothing but its id says much of.
fn span_of(trace_id: u64, meta: &Value) -> String {
    let mut span = json!({
        "service": "shop", "name": "web.request", "resource": "GET /", "type": "web", "trace_id": trace_id,
        "span_id": 8, "start": 1_700_000_000_000_000_000_u64, "duration": 5,
        "metrics": {"_sampling_priority_v1": 1}, "meta": {"http.method": "GET"},
    });
    for (name, value) in meta.as_object().unwrap() {
        span["meta"][name] = value.clone();
    }
    json!([[span]]).to_string()
}

fn request(target: &str) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        uri: target.to_owned(),
        headers: vec![("user-agent".to_owned(), "Arachni/v1".to_owned())],
        ..HttpRequest::default()
    }
}

fn response(status_code: i64) -> HttpResponse {
    HttpResponse {
        status_code,
        ..HttpResponse::default()
    }
}

/// What became of traces that were held.
fn let_go(agent: &AgentCoordinator) -> Value {
    agent.health().pipelines["traces"]["held"]["let_go"].clone()
}

#[tokio::test]
async fn a_request_is_told_on_the_span_of_its_id_instead_of_what_the_span_says() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    let agent = with_engine(&engine, config(&intake, &[])).await;
    let processor = agent.appsec_processor().unwrap();
    let now = Instant::now();
    let ids = [
        "named",
        "also named",
        "30",
        "000000000000001f",
        "000000000000000a0000000000000020",
    ];
    for id in ids {
        engine.answer(Ok(attack()));
        processor.process_http_request(id, &request("/asked"), now);
        processor.process_http_response(id, &response(418));
    }
    for (trace, meta) in [
        (1, json!({"request_id": "named"})),
        (2, json!({"http.request_id": "also named"})),
        (30, json!({})),
        (31, json!({})),
        (32, json!({"_dd.p.tid": "000000000000000a"})),
    ] {
        send(&agent, &span_of(trace, &meta)).await;
    }
    // None was looked at again.
    let status = shown(&agent);
    assert_eq!(
        (&status["requests"], &status["waiting"]),
        (&json!(5), &json!(0))
    );
    assert_eq!(let_go(&agent), json!({}), "none had to be held");
    agent.shutdown().await.unwrap();
    let traces = intake.traces();
    assert_eq!(traces.len(), 5);
    for trace in traces {
        let span = &trace.spans()[0];
        let meta = |name: &str| span.meta[name].as_str();
        assert_eq!(
            (meta("http.status_code"), meta("appsec.event")),
            ("418", "true")
        );
        assert_eq!((meta("http.url"), meta("http.method")), ("/asked", "GET"));
        assert_eq!((trace.chunk.priority, meta("_dd.p.ts")), (2, "02"));
    }
}

#[tokio::test]
async fn a_trace_that_comes_before_the_response_is_held_for_it() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    let agent = with_engine(&engine, config(&intake, &[])).await;
    let processor = agent.appsec_processor().unwrap();
    processor.process_http_request("7", &request("/"), Instant::now());
    // The tracer has its answer at once.
    send(&agent, &span_of(7, &json!({}))).await;
    assert_eq!(agent.health().pipelines["traces"]["held"]["traces"], 1);
    engine.answer(Ok(attack()));
    let verdict = processor.process_http_response("7", &response(404));
    assert_eq!(verdict, WafVerdict::Allow);
    until("the trace goes on", || {
        let_go(&agent) == json!({"settled": 1})
    })
    .await;
    assert_eq!(shown(&agent)["unanswered"], 0);
    agent.shutdown().await.unwrap();
    let span = &intake.traces()[0].spans()[0].clone();
    assert_eq!(span.meta["http.status_code"], "404");
    assert_eq!(span.meta["appsec.event"], "true");
}

#[tokio::test]
async fn a_flush_sends_a_trace_whose_response_was_not_seen_with_what_is_known() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    let agent = with_engine(&engine, config(&intake, &[])).await;
    let processor = agent.appsec_processor().unwrap();
    engine.answer(Ok(attack()));
    processor.process_http_request("7", &request("/"), Instant::now());
    send(&agent, &span_of(7, &json!({}))).await;
    let report = agent.flush(Duration::from_secs(10)).await.traces.unwrap();
    assert_eq!(report.traces.items_sent, 1);
    assert_eq!(let_go(&agent), json!({"flushed": 1}));
    processor.process_http_response("7", &response(200));
    let status = shown(&agent);
    assert_eq!(
        (&status["unanswered"], &status["unmatched"]),
        (&json!(1), &json!(1))
    );
    agent.shutdown().await.unwrap();
    let traces = intake.traces();
    let span = &traces[0].spans()[0];
    assert_eq!(span.meta["appsec.event"], "true");
    assert!(!span.meta.contains_key("http.status_code"));
}

#[tokio::test]
async fn a_firewall_alone_marks_its_spans_and_has_the_others_dropped() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    let standalone = config(&intake, &[("DD_APM_TRACING_ENABLED", "false")]);
    let agent = with_settings(settings(&standalone), &engine, standalone).await;
    send(&agent, &span_of(1, &json!({}))).await;
    engine.answer(Ok(attack()));
    send(&agent, &span_of(2, &json!({}))).await;
    send(&agent, &span_of(3, &json!({}))).await;
    let status = agent.health().pipelines["traces"]["traces"].clone();
    assert_eq!(status["kept"], json!({"finding": 1, "heartbeat": 1}));
    assert_eq!(status["dropped"], json!({"standalone": 1}));
    agent.shutdown().await.unwrap();
    assert!(intake.stats().is_empty());
    let traces = intake.traces();
    assert_eq!(traces.len(), 2);
    for trace in traces {
        assert_eq!(trace.spans()[0].metrics["_dd.apm.enabled"].to_bits(), 0);
        let is_found = trace.spans()[0].trace_id == 2;
        assert_eq!(trace.chunk.priority, if is_found { 2 } else { 1 });
    }
}

#[tokio::test]
async fn the_real_library_tells_of_a_request_that_is_over_on_a_span_that_says_nothing() {
    let Some(path) = library() else { return };
    let intake = Intake::start().await;
    let extra = [
        ("DD_APPSEC_ENABLED", "true"),
        ("DD_APPSEC_LIBDDWAF_PATH", path),
        ("DD_APPSEC_WAF_TIMEOUT", "1s"),
    ];
    let agent = start(config(&intake, &extra)).await;
    let processor = agent.appsec_processor().unwrap();
    // As the other languages do it: begun and ended elsewhere.
    let mut begun = agent.appsec().unwrap().transaction();
    begun.request(&request("/.git/config"));
    processor.adopt("7", begun, Instant::now());
    send(&agent, &span_of(7, &json!({}))).await;
    assert_eq!(agent.health().pipelines["traces"]["held"]["traces"], 1);
    processor.process_http_response("7", &response(404));
    until("the trace goes on", || {
        let_go(&agent) == json!({"settled": 1})
    })
    .await;
    agent.shutdown().await.unwrap();
    let traces = intake.traces();
    let span = &traces[0].spans()[0];
    let found: Value = serde_json::from_str(&span.meta["_dd.appsec.json"]).unwrap();
    let kinds: Vec<_> = found["triggers"].as_array().unwrap().iter().collect();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|it| it["rule"]["tags"]["type"].as_str().unwrap())
        .collect();
    // The tool with the request, the missing page with the response.
    assert_eq!(kinds, ["attack_tool", "security_scanner"]);
}
