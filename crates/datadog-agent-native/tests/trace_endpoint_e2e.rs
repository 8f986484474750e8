//! Traces from a tracer's request to the intake, through a whole agent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::Duration;

use datadog_dev_intake::Intake;
use serde_json::json;
use support::{ask, assert_ok, config, get, post, request, start, trace};

#[tokio::test]
async fn a_trace_arrives_with_its_stats_and_the_agents_environment() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[("DD_ENV", "prod")])).await;
    let address = agent.listeners().trace_tcp.unwrap();
    let answer = ask(address, &post("/v0.4/traces", &trace(7, "shop"))).await;
    assert_ok(&answer);
    assert!(answer.contains("rate_by_service"), "{answer}");
    let report = agent.flush(Duration::from_secs(10)).await.traces.unwrap();
    assert_eq!((report.traces.items_sent, report.stats.items_sent), (1, 1));
    let traces = intake.traces();
    let span = &traces[0].spans()[0];
    assert_eq!(
        (traces.len(), span.trace_id, &*span.service),
        (1, 7, "shop")
    );
    let stats = intake.stats();
    assert_eq!((stats[0].group.hits, &*stats[0].group.service), (1, "shop"));
    assert!(
        intake
            .raw_requests()
            .iter()
            .all(|it| it.problems.is_empty())
    );
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn msgpack_and_every_spelling_of_the_path_are_taken() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[])).await;
    let address = agent.listeners().trace_tcp.unwrap();
    // [[{"trace_id": 9, "span_id": 1, "service": "s", "name": "n", "resource": "r", "start": 1<<60, "duration": 1}]]
    let mut body = vec![0x91, 0x91, 0x87];
    let text = |body: &mut Vec<u8>, text: &str| {
        body.push(0xa0 | u8::try_from(text.len()).unwrap());
        body.extend_from_slice(text.as_bytes());
    };
    for (key, value) in [("trace_id", 9), ("span_id", 1), ("duration", 1)] {
        text(&mut body, key);
        body.push(value);
    }
    text(&mut body, "start");
    body.push(0xcf);
    body.extend_from_slice(&(1_700_000_000_000_000_000_u64).to_be_bytes());
    for (key, value) in [("service", "s"), ("name", "n"), ("resource", "r")] {
        text(&mut body, key);
        text(&mut body, value);
    }
    for path in ["/v0.3/traces", "/v0.4/traces"] {
        assert_ok(&ask(address, &request("PUT", path, "application/msgpack", &body)).await);
    }
    agent.shutdown().await.unwrap();
    let ids: Vec<u64> = intake
        .traces()
        .iter()
        .map(|it| it.spans()[0].trace_id)
        .collect();
    assert_eq!(ids, [9, 9]);
}

#[tokio::test]
async fn a_body_that_is_no_trace_is_refused_and_nothing_of_it_arrives() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[])).await;
    let address = agent.listeners().trace_tcp.unwrap();
    let answer = ask(address, &post("/v0.4/traces", "[[{]]")).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let answer = ask(address, &post("/v0.4/traces", "[]")).await;
    assert_ok(&answer);
    let info = ask(address, &get("/info")).await;
    assert!(
        info.contains("/v0.4/traces") && info.contains("/v0.6/stats"),
        "{info}"
    );
    agent.shutdown().await.unwrap();
    assert!(intake.traces().is_empty());
}

/// What the intake shows under a path of its own: lines of JSON.
async fn shown(intake: &Intake, path: &str) -> String {
    let address = ([127, 0, 0, 1], intake.port()).into();
    let asked = String::from_utf8(get(path)).unwrap();
    let asked = asked.replace("Host: agent", "Host: localhost");
    let answer = ask(address, asked.as_bytes()).await;
    assert_ok(&answer);
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.to_owned()
}

#[tokio::test]
async fn traces_that_only_carry_security_events_are_dropped_without_one_but_for_a_sign_of_life() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[("DD_APM_TRACING_ENABLED", "false")])).await;
    let address = agent.listeners().trace_tcp.unwrap();
    // A tracer with a firewall of its own says so; the agent needs none for that.
    let found = trace(9, "shop").replace("}]]", r#","meta":{"_dd.p.ts":"02"}}]]"#);
    for body in [trace(7, "shop"), trace(8, "shop"), found] {
        assert_ok(&ask(address, &post("/v0.4/traces", &body)).await);
    }
    let info = ask(address, &get("/info")).await;
    assert!(info.contains(r#""client_drop_p0s":false"#), "{info}");
    assert!(!info.contains("/v0.6/stats"), "{info}");
    agent.flush(Duration::from_secs(10)).await;
    let status = agent.health().pipelines["traces"].clone();
    assert_eq!(status["traces"]["dropped"], json!({"standalone": 1}));
    agent.shutdown().await.unwrap();
    let traces = shown(&intake, "/inspect/traces").await;
    assert_eq!(traces.matches("_dd.apm.enabled").count(), 2, "{traces}");
    let stats = shown(&intake, "/inspect/stats").await;
    assert!(!stats.contains('{'), "{stats}");
    for trace in intake.traces() {
        assert_eq!(trace.spans()[0].metrics["_dd.apm.enabled"].to_bits(), 0);
    }
    let mut ids: Vec<u64> = intake
        .traces()
        .iter()
        .map(|it| it.spans()[0].trace_id)
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [7, 9]);
}
