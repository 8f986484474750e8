//! The queue between sources and batches: who is refused, who waits, and what a flush covers.

use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_forwarder::service::Overflow;
use datadog_logs_agent::config::OnFull;
use datadog_logs_agent::processor::EmptyLines;
use datadog_logs_agent::rules::{RuleConfig, RuleKind};
use datadog_logs_agent::{Config, FlushStrategy, InsertError, IntakeEntry, Source};
use serde_json::json;

use crate::agent::{Agent, PATH, config, without_intake};

fn entries(messages: std::ops::Range<usize>) -> Vec<IntakeEntry> {
    messages
        .map(|n| IntakeEntry::from_message(n.to_string(), 1))
        .collect()
}

/// Batches of one entry, one request at a time, and no more than a few waiting.
fn narrow(intake: &Intake) -> Config {
    let mut config = config(intake);
    config.batch.entries = 1;
    config.buffer.entries = 4;
    config.concurrency = 1;
    config.redrive_bytes = 1;
    config.overflow = Overflow::Wait;
    config.request_timeout = Duration::from_secs(60);
    config
}

#[tokio::test]
async fn a_full_queue_refuses_the_whole_request() {
    let intake = Intake::start().await;
    intake.on(PATH).hang();
    let agent = Agent::start(narrow(&intake)).await;
    let refused = loop {
        let answer = agent
            .post("/v1/input", r#"[{"message":"a"},{"message":"b"}]"#)
            .await;
        if answer.status != 200 {
            break answer;
        }
    };
    refused.expect(429, "queue full");
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Four at most, overshot by one request at most.
    assert!((4..=5).contains(&agent.handle().len()));
    let lost = agent
        .telemetry
        .sum(Metric::LogsDropped, &[("reason", "queue_full")]);
    assert_eq!(lost, 2);
    // What the queue holds can still be asked, and a flush still ends.
    let report = agent.flush_within(Duration::from_millis(100)).await;
    assert_eq!(report.entries_sent, 0);
    let settled = agent.sum(Metric::LogsProcessed);
    assert_eq!(report.pending_entries, settled);
}

#[tokio::test]
async fn a_full_queue_takes_the_newest_or_drops_it_where_that_is_configured() {
    for (on_full, reason) in [
        (OnFull::DropOldest, "evicted"),
        (OnFull::DropNewest, "queue_full"),
    ] {
        let intake = Intake::start().await;
        intake.on(PATH).hang();
        let mut config = narrow(&intake);
        config.on_full = on_full;
        let agent = Agent::start(config).await;
        let lost = || {
            agent
                .telemetry
                .sum(Metric::LogsDropped, &[("reason", reason)])
        };
        let mut sent = 0;
        while lost() == 0 {
            let answer = agent.post("/v1/input", r#"[{"message":"a"}]"#).await;
            answer.expect(200, "ok");
            sent += 1;
        }
        assert!(agent.handle().len() <= 5);
        assert_eq!(lost(), 1, "after {sent}");
        let file = agent.handle().for_source(Source::File(1));
        let line = [&b"a line"[..]];
        let inserted = file.insert_lines(line.into_iter(), EmptyLines::Skip).await;
        inserted.unwrap();
    }
}

#[tokio::test]
async fn a_source_that_can_wait_loses_nothing_to_a_hanging_intake() {
    let intake = Intake::start().await;
    intake.on(PATH).hang().times(1);
    let mut config = narrow(&intake);
    config.request_timeout = Duration::from_millis(200);
    let agent = Agent::start(config).await;
    let file = agent.handle().for_source(Source::File(1));
    let lines: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
    for line in &lines {
        file.insert_lines([line.as_bytes()].into_iter(), EmptyLines::Skip)
            .await
            .unwrap();
        assert!(agent.handle().len() <= 4);
    }
    agent.flush().await;
    intake.expect_logs(&lines).await;
    assert_eq!(agent.sum(Metric::LogsDropped), 0);
}

#[tokio::test]
async fn the_buffer_limits_of_a_handle_are_exact() {
    let mut config = without_intake();
    config.batch.entries = 1_000;
    let agent = Agent::start(config).await;
    let handle = agent.handle();
    // Nothing yields in between, so that the service takes nothing out.
    for n in 0..10_000 {
        handle.insert_batch(&entries(n..n + 1)).unwrap();
    }
    assert_eq!(handle.insert_batch(&entries(0..1)), Err(InsertError::Full));
    assert_eq!(handle.len(), 10_000);
}

#[tokio::test]
async fn what_could_never_fit_is_told_apart_from_what_does_not_now() {
    let mut config = without_intake();
    config.memory_bytes = 3 * 1_024 * 1_024;
    let agent = Agent::start(config).await;
    let large = format!(
        r#"[{}{{"message":"a"}}]"#,
        r#"{"message":"a"},"#.repeat(49_999)
    );
    assert_eq!(
        agent.handle().insert_raw(Bytes::from(large.clone())),
        Err(InsertError::TooLarge)
    );
    agent
        .post("/v1/input", large)
        .await
        .expect(413, "payload too large");
    assert_eq!(agent.running.status().to_json()["memory"]["bytes"], 0);
}

#[tokio::test]
async fn memory_is_a_hard_limit_whatever_is_in_the_way() {
    let mut config = without_intake();
    config.memory_bytes = 3 * 1_024 * 1_024;
    config.buffer.bytes = usize::MAX;
    config.buffer.entries = 1_000_000;
    let agent = Agent::start(config).await;
    let block = format!(r#"[{{"message":"{}"}}]"#, "x".repeat(500_000));
    let mut taken = 0;
    while agent
        .handle()
        .insert_raw(Bytes::from(block.clone()))
        .is_ok()
    {
        taken += 1;
    }
    assert_eq!(taken, 6);
    let status = agent.running.status().to_json();
    assert!(status["memory"]["bytes"].as_u64() <= Some(3 * 1_024 * 1_024));
}

#[tokio::test]
async fn the_oldest_entries_make_room_when_asked_to() {
    let intake = Intake::start().await;
    intake.on(PATH).hang();
    let agent = Agent::start(narrow(&intake)).await;
    let handle = agent.handle();
    let mut queued = 0;
    // Until the forwarder takes no more, and the queue is full.
    while agent
        .flush_within(Duration::from_millis(20))
        .await
        .pending_entries
        == queued
        && handle.insert_batch(&entries(0..1)).is_ok()
    {
        queued += 1;
    }
    assert_eq!(handle.len(), 4);
    let (block, tally) = handle.processor().entries(&entries(0..2), 1);
    handle.insert_evict_oldest(block, &tally).await.unwrap();
    let lost = |reason| {
        agent
            .telemetry
            .sum(Metric::LogsDropped, &[("reason", reason)])
    };
    assert_eq!((lost("evicted"), handle.len()), (1, 5));
    assert_eq!(lost("queue_full"), 1, "that of the first one too many");
}

#[tokio::test]
async fn a_flush_covers_what_was_queued_before_it() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent.handle().insert_batch(&entries(0..3_500)).unwrap();
    let report = agent.flush().await;
    assert_eq!((report.entries_sent, report.batches_sent), (3_500, 4));
    assert_eq!(report.pending_entries, 0);
    assert_eq!(agent.handle().len(), 0);
    assert_eq!(agent.running.status().to_json()["memory"]["bytes"], 0);
}

#[tokio::test]
async fn flushes_at_the_same_time_send_everything_once() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent.handle().insert_batch(&entries(0..10)).unwrap();
    let (first, second) = tokio::join!(agent.flush(), agent.flush());
    assert_eq!((first.entries_sent, second.entries_sent), (10, 10));
    assert_eq!(intake.requests(PATH), 1);
}

#[tokio::test]
async fn a_flush_of_nothing_ends_at_once() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let report = agent.flush().await;
    assert_eq!((report.entries_sent, report.pending_entries), (0, 0));
    assert_eq!(intake.requests(PATH), 0);
}

#[tokio::test]
async fn full_batches_go_without_being_asked_for() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent.handle().insert_batch(&entries(0..1_500)).unwrap();
    intake
        .expect(|seen| seen.log_count() == 1_000, "one full batch")
        .await;
    assert_eq!(agent.handle().len(), 500);
}

#[tokio::test]
async fn the_rest_goes_when_its_oldest_entry_has_waited() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.flush = FlushStrategy::Interval(Duration::from_millis(20));
    let agent = Agent::start(config).await;
    agent.log("a").await;
    intake.expect_logs(&["a"]).await;
    agent.log("b").await;
    intake.expect_logs(&["a", "b"]).await;
}

#[tokio::test]
async fn received_is_sent_and_dropped_and_excluded_and_queued() {
    let intake = Intake::start().await;
    intake.on(PATH).reply_once(400);
    let mut config = config(&intake);
    config.buffer.entries = 50;
    config.rules.push(RuleConfig {
        kind: RuleKind::ExcludeAtMatch,
        name: "no debug".to_owned(),
        pattern: "debug".to_owned(),
        replace_placeholder: String::new(),
    });
    let agent = Agent::start(config).await;
    let handle = agent.handle();
    for round in 0..20 {
        // Nothing yields in between, so that the second finds the queue full.
        handle.insert_batch(&entries(0..50 + round)).unwrap();
        assert_eq!(handle.insert_batch(&entries(0..3)), Err(InsertError::Full));
        agent
            .post(
                "/v1/input",
                json!([{"message": "x"}, {"message": "debug"}]).to_string(),
            )
            .await;
        if round % 3 == 0 {
            agent.flush().await;
        }
    }
    agent.log("queued").await;
    let settled = || {
        agent.sum(Metric::LogsSent)
            + agent.sum(Metric::LogsDropped)
            + agent.sum(Metric::LogsExcluded)
    };
    let received = agent.sum(Metric::LogsEntriesReceived);
    assert!(received > settled(), "one at least is queued");
    let report = agent.flush().await;
    assert_eq!((report.pending_entries, agent.queued()), (0, 0));
    assert_eq!(received, settled());
    for reason in ["queue_full", "client_4xx"] {
        let lost = agent
            .telemetry
            .sum(Metric::LogsDropped, &[("reason", reason)]);
        assert!(lost > 0, "{reason} is part of the mix");
    }
}
