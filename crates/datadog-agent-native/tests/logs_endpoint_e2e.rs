//! Logs from a request to the intake, through a whole agent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::Duration;

use datadog_dev_intake::Intake;
use support::{ask, assert_ok, config, post, start};

#[tokio::test]
async fn logs_of_both_paths_arrive_in_order_with_the_agents_tags() {
    let intake = Intake::start().await;
    let agent = start(config(
        &intake,
        &[("DD_TAGS", "team:a"), ("DD_ENV", "prod")],
    ))
    .await;
    let address = agent.listeners().logs_tcp.unwrap();
    let body = r#"[{"message":"one","service":"shop"},{"message":"two"}]"#;
    assert_ok(&ask(address, &post("/v1/input", body)).await);
    let answer = ask(address, &post("/api/v2/logs", r#"{"message":"three"}"#)).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let report = agent.flush(Duration::from_secs(10)).await.logs.unwrap();
    assert_eq!((report.entries_sent, report.pending_entries), (3, 0));
    assert_eq!(intake.messages(), ["one", "two", "three"]);
    for log in intake.logs() {
        let tags = log.get("ddtags").unwrap().to_owned();
        assert!(
            tags.contains("team:a") && tags.contains("env:prod"),
            "{tags}"
        );
    }
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_was_accepted_before_a_stop_is_delivered_by_it() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[])).await;
    let address = agent.listeners().logs_tcp.unwrap();
    let lines: Vec<String> = (0..2_500).map(|number| format!("line {number}")).collect();
    for lines in lines.chunks(500) {
        let entries: Vec<String> = lines
            .iter()
            .map(|it| format!(r#"{{"message":"{it}"}}"#))
            .collect();
        assert_ok(
            &ask(
                address,
                &post("/v1/input", &format!("[{}]", entries.join(","))),
            )
            .await,
        );
    }
    agent.shutdown().await.unwrap();
    let mut arrived = intake.messages();
    arrived.sort_by_key(|line| line.trim_start_matches("line ").parse::<u32>().unwrap());
    assert_eq!(arrived, lines);
}

#[tokio::test]
async fn what_is_no_log_is_refused_and_the_next_request_is_taken() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[])).await;
    let address = agent.listeners().logs_tcp.unwrap();
    let answer = ask(address, &post("/v1/input", r#"[{"message":"cut"#)).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_ok(&ask(address, &post("/v1/input", r#"[{"message":"whole"}]"#)).await);
    agent.shutdown().await.unwrap();
    assert_eq!(intake.messages(), ["whole"]);
}
