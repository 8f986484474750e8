//! Which way logs go: over the stream of their source, over HTTP where that cannot be, and to everybody who is to get
//! them.

use std::collections::BTreeSet;
use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::{Ack, GrpcStatus, Intake};
use datadog_forwarder::Encoding;
use datadog_logs_agent::AdditionalEndpoint;
use datadog_logs_agent::stream::transport::state::Fallback;
use datadog_wire::stateful::METHOD_A;
use serde_json::{Value, json};

use super::{config, config_with, expect_no_memory, post, settings, streams, ways};
use crate::agent::{Agent, PATH, reasons};

fn entries(first: usize, count: usize) -> Value {
    let entry = |number| json!({"message": format!("log {number} took {}ms", number % 90), "service": format!("s{}", number % 7)});
    (first..first + count).map(entry).collect()
}

#[tokio::test]
async fn logs_go_over_the_stream_and_the_status_tells_of_it() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    post(&agent, &entries(0, 100)).await;
    let report = agent.flush().await;
    assert_eq!((report.batches_sent, report.entries_sent), (1, 100));
    assert_eq!((report.pending_entries, report.dropped.len()), (0, 0));
    assert!(report.bytes_wire > 0 && report.bytes_raw > report.bytes_wire);
    assert_eq!(intake.requests(PATH), 0);

    let status = agent.status_when(|_| true).await;
    let endpoint = format!("127.0.0.1:{}/stream", intake.port());
    assert_eq!(status["stream"]["endpoint"], endpoint.as_str());
    let pipeline = &status["stream"]["pipelines"][0];
    assert_eq!(pipeline["state"], "active");
    assert_eq!(pipeline["logs"]["acknowledged"], 100);
    assert_eq!(pipeline["encoder"]["logs"], 100);
    assert_eq!(pipeline["inflight"], json!({"batches": 0, "bytes": 0}));
    assert_eq!(pipeline["bytes_wire"], intake.streams()[0].wire_bytes);
    assert_eq!(status["endpoints"][&endpoint]["sent"], 100);
    assert_eq!(status["memory"]["bytes"], 0);
    assert_eq!(agent.sum(Metric::LogsStreamAcks), 1);
    let report = agent.stop().await;
    assert_eq!((report.sent, report.pending), (100, 0));
    assert!(report.dropped.is_empty());
}

#[tokio::test]
async fn several_pipelines_keep_the_order_of_each_source() {
    let intake = Intake::start().await;
    let config = config_with(&intake, |stream| stream.pipelines = 3);
    let agent = Agent::start(config).await;
    for first in (0..600).step_by(60) {
        post(&agent, &entries(first, 60)).await;
        if first % 120 == 0 {
            agent.flush().await;
        }
    }
    agent.flush().await;
    assert_eq!(intake.logs().len(), 600);
    for source in 0..7 {
        let service = format!("s{source}");
        let of_source: Vec<_> = (intake.logs().into_iter())
            .filter(|log| log.entry["service"] == service.as_str())
            .collect();
        let on: BTreeSet<_> = of_source.iter().map(|log| log.request).collect();
        assert_eq!(on.len(), 1, "{service} came over several streams");
        let messages: Vec<_> = of_source.into_iter().map(|log| log.message).collect();
        let sent: Vec<_> = (0..600)
            .filter(|number| number % 7 == source)
            .map(|number| format!("log {number} took {}ms", number % 90))
            .collect();
        assert_eq!(messages, sent);
    }
    assert_eq!(streams(&intake), 3);
    expect_no_memory(&agent).await;
    assert_eq!(agent.stop().await.sent, 600);
}

#[tokio::test]
async fn what_the_stream_does_not_take_arrives_over_http_until_it_does() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::FailedPrecondition)
        .times(1);
    let config = config_with(&intake, |stream| {
        settings(stream).fallback_recheck = Duration::from_millis(400);
    });
    let agent = Agent::start(config).await;
    let is = |state: &'static str| {
        move |status: &Value| status["stream"]["pipelines"][0]["state"] == state
    };
    agent.status_when(is("away")).await;
    agent.log("one").await;
    let report = agent.flush().await;
    assert_eq!((report.entries_sent, report.pending_entries), (1, 0));

    agent.status_when(is("active")).await;
    agent.log("two").await;
    assert_eq!(agent.flush().await.entries_sent, 1);
    let expected = [("one".to_owned(), "http"), ("two".to_owned(), "stream")];
    assert_eq!(ways(&intake), expected);
    expect_no_memory(&agent).await;
    let report = agent.stop().await;
    assert!(report.dropped.is_empty(), "{report:?}");
}

#[tokio::test]
async fn what_was_in_flight_when_the_stream_was_refused_goes_over_http() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::Unimplemented)
        .end_after_batches(3)
        .ack(Ack::None);
    let agent = Agent::start(config(&intake)).await;
    for number in 0..3 {
        post(&agent, &entries(number * 10, 10)).await;
        agent.flush_within(Duration::from_millis(30)).await;
    }
    agent.flush().await;
    let over_http: Vec<_> = (intake.logs().into_iter())
        .filter(|log| log.stream.is_none())
        .map(|log| log.message)
        .collect();
    let sent: Vec<_> = (0..30)
        .map(|number| format!("log {number} took {number}ms"))
        .collect();
    assert_eq!(over_http, sent);
    expect_no_memory(&agent).await;
    assert_eq!(agent.stop().await.sent, 30);
}

#[tokio::test]
async fn large_logs_go_over_http() {
    let intake = Intake::start().await;
    let config = config_with(&intake, |stream| stream.http_above_bytes = Some(100));
    let agent = Agent::start(config).await;
    let large = "x".repeat(101);
    let most = "y".repeat(100);
    post(
        &agent,
        &json!([
            {"message": "small"},
            {"message": large},
            {"message": most},
            {"message": "attributes count too", "padding": "z".repeat(100)},
        ]),
    )
    .await;
    assert_eq!(agent.flush().await.entries_sent, 4);
    let mut ways = ways(&intake);
    ways.sort_unstable();
    let expected = [
        ("attributes count too", "http"),
        ("small", "stream"),
        (large.as_str(), "http"),
        (most.as_str(), "stream"),
    ];
    assert_eq!(
        ways,
        expected.map(|(message, way)| (message.to_owned(), way))
    );
    expect_no_memory(&agent).await;
    let report = agent.stop().await;
    assert_eq!(report.sent, 4);
}

#[tokio::test]
async fn additional_endpoints_get_every_batch_over_http() {
    let (intake, further) = (Intake::start().await, Intake::start().await);
    let mut config = config_with(&intake, |stream| stream.pipelines = 2);
    config.additional_endpoints = vec![AdditionalEndpoint {
        url: format!("{}{PATH}", further.url()),
        api_key: "further-key".to_owned(),
        is_reliable: true,
        encoding: Encoding::Zstd(3),
    }];
    let agent = Agent::start(config).await;
    for first in [0, 50, 100] {
        post(&agent, &entries(first, 50)).await;
        agent.flush().await;
    }
    let sorted = |intake: &Intake| {
        let mut messages = intake.messages();
        messages.sort_unstable();
        messages
    };
    assert_eq!(sorted(&further).len(), 150);
    assert_eq!(sorted(&further), sorted(&intake));
    assert_eq!((further.requests(PATH), intake.requests(PATH)), (3, 0));
    assert_eq!(streams(&further), 0);
    assert_eq!(agent.stop().await.sent, 150);
}

#[tokio::test]
async fn empty_logs_are_left_out_and_counted_where_that_is_asked_for() {
    let intake = Intake::start().await;
    let config = config_with(&intake, |stream| stream.send_empty = false);
    let agent = Agent::start(config).await;
    post(
        &agent,
        &json!([{"message": ""}, {"message": "one"}, {"message": "", "a": 1}]),
    )
    .await;
    agent.flush().await;
    assert_eq!(intake.messages(), ["one", ""]);
    assert_eq!(agent.sum(Metric::LogsStreamEmpty), 1);
    expect_no_memory(&agent).await;
}

#[tokio::test]
async fn logs_that_the_intake_refuses_again_and_again_are_dropped_and_counted() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::InvalidArgument)
        .end_after_batches(1)
        .ack(Ack::NotLast)
        .times(4);
    let agent = Agent::start(config(&intake)).await;
    post(&agent, &entries(0, 5)).await;
    agent.flush().await;
    post(&agent, &entries(5, 5)).await;
    assert_eq!(agent.flush().await.entries_sent, 5);
    expect_no_memory(&agent).await;
    let report = agent.stop().await;
    assert_eq!((report.sent, report.dropped), (5, reasons([("poison", 5)])));
}

#[tokio::test]
async fn of_a_batch_that_is_refused_in_part_the_rest_counts_as_sent() {
    let intake = Intake::start().await;
    let statuses = [
        (GrpcStatus::ResourceExhausted, 1),
        (GrpcStatus::InvalidArgument, 4),
    ];
    for (status, times) in statuses {
        intake
            .on(METHOD_A)
            .grpc_status(status)
            .end_after_batches(1)
            .ack(Ack::NotLast)
            .times(times);
    }
    let agent = Agent::start(config(&intake)).await;
    post(&agent, &entries(0, 10)).await;
    assert_eq!(agent.flush().await.entries_sent, 5);
    expect_no_memory(&agent).await;
    let report = agent.stop().await;
    assert_eq!((report.sent, report.dropped), (5, reasons([("poison", 5)])));
}

#[tokio::test]
async fn the_end_gives_back_what_a_stuck_stream_has_not_acknowledged_and_counts_it() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).hang();
    let config = config_with(&intake, |stream| {
        stream.pipelines = 2;
        settings(stream).fallback = Fallback::None;
        settings(stream).max_inflight_payloads = 1;
    });
    let agent = Agent::start(config).await;
    for first in (0..50).step_by(10) {
        post(&agent, &entries(first, 10)).await;
        agent.flush_within(Duration::from_millis(20)).await;
    }
    let running_memory = agent.running.status();
    let report = agent.stop_within(Duration::from_millis(300)).await;
    assert_eq!((report.sent, report.pending), (0, 50));
    assert_eq!(report.dropped, reasons([("shutdown", 50)]));
    assert_eq!(running_memory.to_json()["memory"]["bytes"], 0);
}

#[tokio::test]
async fn a_queue_behind_a_stuck_stream_fills_and_refuses_within_the_memory() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).hang();
    let mut config = config_with(&intake, |stream| {
        settings(stream).fallback = Fallback::None;
        settings(stream).max_inflight_payloads = 2;
    });
    config.memory_bytes = 4 << 20;
    config.buffer.entries = 1_000;
    let agent = Agent::start(config).await;
    let mut refused = 0;
    while refused < 20 {
        let answer = agent.post("/v1/input", entries(0, 500).to_string()).await;
        refused += usize::from(answer.status == 429);
        agent.flush_within(Duration::from_millis(5)).await;
        let status = agent.running.status().to_json();
        let memory = status["memory"]["bytes"].as_u64().unwrap();
        assert!(memory <= 4 << 20, "{memory}");
    }
    intake.kill().await;
    intake.reset();
    intake.revive().await.unwrap();
    let report = agent.flush().await;
    assert_eq!(report.pending_entries, 0);
    expect_no_memory(&agent).await;
    let received = agent.sum(Metric::LogsProcessed);
    assert_eq!(agent.stop().await.sent, received);
}
