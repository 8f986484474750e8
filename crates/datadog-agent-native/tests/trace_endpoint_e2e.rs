//! Traces from a tracer's request to the intake, through a whole agent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::Duration;

use datadog_dev_intake::Intake;
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
