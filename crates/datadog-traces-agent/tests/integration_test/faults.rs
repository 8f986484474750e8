//! An intake that misbehaves: whatever it does, a trace arrives once, or is counted as dropped with its reason.
//!
//! A trace may arrive twice only where the intake took it and its answer did not come in time.

use std::collections::BTreeMap;
use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;

use crate::agent::*;

/// Time for an attempt, where the intake will not answer; it answers anything else far sooner.
const PATIENCE: Duration = Duration::from_secs(1);

/// Spans sent, and lost by reason, once nothing waits any more.
async fn settle(agent: &Agent) -> (u64, BTreeMap<&'static str, u64>) {
    let (mut sent, mut dropped) = (0, BTreeMap::new());
    loop {
        let report = agent.flush().await.traces;
        sent += report.items_sent;
        for (reason, items) in report.dropped {
            *dropped.entry(reason).or_default() += items;
        }
        if report.pending_items == 0 {
            return (sent, dropped);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_now_arrives_once() {
    for status in [403, 408, 429, 500, 503, 599] {
        let intake = Intake::start().await;
        intake.on("*").reply(status).times(10);
        let agent = Agent::start(config(&intake)).await;
        agent.trace(vec![chunk(1, "a", 1.0)]).await;
        assert_eq!(settle(&agent).await, (1, BTreeMap::new()), "{status}");
        while hits(&intake) == 0 {
            agent.flush().await;
        }
        assert_eq!(arrived(&intake), ["a"], "{status}");
        assert_eq!(hits(&intake), 1, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_tried_once_and_counted() {
    for (status, reason) in [
        (301, "client_4xx"),
        (400, "client_4xx"),
        (401, "client_4xx"),
        (404, "client_4xx"),
        (413, "too_large"),
        (415, "client_4xx"),
    ] {
        let intake = Intake::start().await;
        intake.on("*").reply(status);
        let agent = Agent::start(config(&intake)).await;
        agent.trace(vec![chunk(1, "a", 1.0)]).await;
        let expected = BTreeMap::from([(reason, 1)]);
        assert_eq!(settle(&agent).await, (0, expected), "{status}");
        assert_eq!(intake.requests(TRACES), 1, "{status}");
        assert_eq!(intake.requests(STATS), 1, "{status}");
        let lost = agent.by_reason(Metric::TraceStatsWriterDropped);
        assert_eq!(lost, BTreeMap::from([(reason.to_owned(), 1)]), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_lose_nothing() {
    let intake = Intake::start().await;
    intake.on(TRACES).close().times(2);
    intake.on(TRACES).close_after(10).times(1);
    intake.on(TRACES).close_after_reading(1).times(1);
    let agent = Agent::start(config(&intake)).await;
    agent.trace(vec![chunk(1, "a", 1.0)]).await;
    assert_eq!(settle(&agent).await, (1, BTreeMap::new()));
    assert_eq!(arrived(&intake), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intake_that_hangs_is_given_up_and_tried_again() {
    let intake = Intake::start().await;
    intake.on(TRACES).hang().times(1);
    let mut config = config(&intake);
    config.request_timeout = PATIENCE;
    let agent = Agent::start(config).await;
    agent.trace(vec![chunk(1, "a", 1.0)]).await;
    assert_eq!(settle(&agent).await, (1, BTreeMap::new()));
    assert_eq!(arrived(&intake), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intake_that_was_down_gets_all_when_it_is_back() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    intake.kill().await;
    for number in 1..=5 {
        agent.trace(vec![chunk(number, "a", 1.0)]).await;
        let report = agent.flush().await;
        assert_eq!(report.traces.pending_items, number);
    }
    intake.revive().await.unwrap();
    assert_eq!(settle(&agent).await, (5, BTreeMap::new()));
    assert_eq!(arrived(&intake).len(), 5);
    assert_eq!(hits(&intake), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_the_oldest_traces_and_turns_no_tracer_away() {
    let intake = Intake::start().await;
    intake.on(TRACES).reply(503).times(10_000);
    let mut config = config(&intake);
    config.requests.traces_bytes = 256 * 1_024;
    config.requests.stats_bytes = 256 * 1_024;
    config.requests.memory_bytes = 1_024 * 1_024;
    config.attempts = 1;
    let agent = Agent::start(config).await;
    let mut received = 0;
    for number in 1..=40 {
        let chunk = large(number, &format!("{number:02}"), 100_000);
        received += chunk.spans.len() as u64;
        agent.trace(vec![chunk]).await;
        agent.flush().await;
    }
    let refused = agent.by_reason(Metric::TracesPayloadsRefused);
    assert_eq!(refused, BTreeMap::new(), "no body was turned away");
    assert_eq!(agent.by_reason(Metric::TracesSpansDropped), BTreeMap::new());
    intake.reset();
    settle(&agent).await;
    let arrived = arrived(&intake);
    assert_eq!(arrived.last().map(String::as_str), Some("40"));
    let kept = arrived.len();
    assert!((2..40).contains(&kept), "{arrived:?}");
    let newest: Vec<_> = (41 - kept..=40).map(|it| format!("{it:02}")).collect();
    assert_eq!(arrived, newest, "the oldest went");
    let lost = agent.by_reason(Metric::TracesWriterDropped);
    let sent = agent.sum(Metric::TracesSent);
    assert_eq!(lost.keys().collect::<Vec<_>>(), ["redrive_full"]);
    assert_eq!(lost.values().sum::<u64>() + sent, received);
    assert_eq!(hits(&intake), 0, "stats went out before the reset");
}
