//! The end: in time, with nothing lost that is not counted.

use std::pin::pin;
use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_traces_agent::Stopped;
use tokio::time::Instant;

use crate::agent::*;
use crate::client::head;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sends_what_is_held_stats_included() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent
        .trace(vec![chunk(1, "a", 1.0), chunk(2, "b", 0.0)])
        .await;
    let report = agent.stop_within(LONG).await;
    assert_eq!((report.sent, report.pending), (1, 0));
    assert!(report.dropped.is_empty());
    assert_eq!(arrived(&intake), ["a"]);
    assert_eq!(hits(&intake), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intake_that_hangs_does_not_outlast_the_deadline() {
    let intake = Intake::start().await;
    intake.on("*").hang();
    let mut config = config(&intake);
    config.request_timeout = LONG;
    let agent = Agent::start(config).await;
    for number in 1..=3 {
        agent.trace(vec![chunk(number, "a", 1.0)]).await;
        agent.flush_within(Duration::ZERO).await;
    }
    agent.trace(vec![chunk(4, "a", 1.0)]).await;
    let begin = Instant::now();
    let report = agent.stop_within(Duration::from_secs(2)).await;
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!((report.sent, report.pending), (0, 4));
    assert_eq!(report.dropped["shutdown"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_with_a_later_deadline_does_not_keep_the_end() {
    let intake = Intake::start().await;
    intake.on("*").hang();
    let mut config = config(&intake);
    config.request_timeout = 10 * LONG;
    let agent = Agent::start(config).await;
    agent.trace(vec![chunk(1, "a", 1.0)]).await;
    let flush = agent.running.flush_handle();
    let mut flush = pin!(flush.flush(Instant::now() + 10 * LONG));
    tokio::select! {
        biased;
        _ = &mut flush => panic!("the intake hangs"),
        () = tokio::task::yield_now() => {}
    }
    let stopped = tokio::time::timeout(LONG, agent.stop_within(Duration::from_secs(1)));
    let report = stopped.await.expect("the end has a deadline of its own");
    assert_eq!((report.sent, report.pending), (0, 1));
    assert_eq!(flush.await, Err(Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_under_way_at_the_end_are_settled() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let bodies: Vec<_> = (1..=8)
        .map(|number| body(vec![large(number, "a", 1_000_000)]))
        .collect();
    let mut connections = Vec::new();
    for body in &bodies {
        let mut connection = agent.connect().await;
        let headers = format!(
            "{MSGPACK}Content-Length: {}\r\nExpect: 100-continue\r\n",
            body.len()
        );
        connection.write(head("/v0.4/traces", &headers)).await;
        connection.continues().await;
        connection.write(&body[..body.len() - 1]).await;
        connections.push(connection);
    }
    let last: Vec<_> = bodies.iter().map(|body| body[body.len() - 1]).collect();
    let telemetry = agent.telemetry.clone();
    let stop = tokio::spawn(agent.stop_within(LONG));
    let mut taken = 0;
    for (mut connection, last) in connections.into_iter().zip(last) {
        connection.write([last]).await;
        // Gone at once: what was received is settled all the same.
        drop(connection);
        taken += 1;
    }
    let report = stop.await.unwrap();
    assert_eq!(taken, 8);
    let received = telemetry.sum(Metric::TracesSpansReceived, &[]);
    let lost = telemetry.sum(Metric::TracesSpansDropped, &[]);
    let unsent: u64 = report.dropped.values().sum();
    assert_eq!(received, report.sent + lost.max(unsent), "{report:?}");
    let accepted = telemetry.sum(Metric::TracesPayloadsAccepted, &[]);
    let refused = telemetry.sum(Metric::TracesPayloadsRefused, &[]);
    assert_eq!(accepted + refused, 8);
    assert_eq!(arrived(&intake).len() as u64, accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_complete_at_the_end_is_told_so() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = agent.connect().await;
    connection
        .write(head(
            "/v0.4/traces",
            "Content-Length: 100\r\nExpect: 100-continue\r\n",
        ))
        .await;
    connection.continues().await;
    let begin = Instant::now();
    agent.stop_within(Duration::from_secs(2)).await;
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert!(connection.is_closed().await);
}
