//! What reaches the intake, and what becomes of entries when it answers badly.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_forwarder::{ApiKey, Encoding};
use datadog_logs_agent::processor::{EmptyLines, Enrichment};
use datadog_logs_agent::rules::{RuleConfig, RuleKind};
use datadog_logs_agent::{
    AdditionalEndpoint, Config, Destination, FlushReport, IntakeEntry, Source,
};
use serde_json::{Value, json};

use crate::agent::{Agent, PATH, config, reasons};

/// Flushes one entry to an intake that answers so, and then with 202; returns the attempts and the report.
async fn deliver(answers: &[u16]) -> (usize, FlushReport) {
    let intake = Intake::start().await;
    for &status in answers {
        intake.on(PATH).reply_once(status);
    }
    let agent = Agent::start(config(&intake)).await;
    agent.log("hello").await;
    let report = agent.flush().await;
    (intake.requests(PATH), report)
}

fn dropped(report: &FlushReport) -> Vec<(&'static str, u64)> {
    report
        .dropped
        .iter()
        .map(|(&reason, &entries)| (reason, entries))
        .collect()
}

#[tokio::test]
async fn what_is_accepted_is_sent_once() {
    let (attempts, report) = deliver(&[]).await;
    assert_eq!((attempts, report.entries_sent), (1, 1));
    assert_eq!((report.batches_sent, report.pending_entries), (1, 0));
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for answers in [&[500, 500][..], &[408], &[425], &[429], &[503]] {
        let (attempts, report) = deliver(answers).await;
        assert_eq!(attempts, answers.len() + 1, "{answers:?}");
        assert_eq!(report.entries_sent, 1, "{answers:?}");
        assert_eq!(report.retried, answers.len() as u64, "{answers:?}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_dropped_and_counted() {
    for status in [400, 403, 404, 422] {
        let (attempts, report) = deliver(&[status]).await;
        assert_eq!(attempts, 1, "{status}");
        assert_eq!(dropped(&report), [("client_4xx", 1)], "{status}");
        assert_eq!((report.entries_sent, report.pending_entries), (0, 0));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (attempts, report) = deliver(&[302]).await;
    assert_eq!(attempts, 1);
    assert_eq!(report.entries_sent, 0);
    assert_eq!(report.dropped.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn an_intake_that_fails_gets_the_same_bytes_at_the_next_flush() {
    let intake = Intake::start().await;
    intake.on(PATH).reply(500).times(3);
    let agent = Agent::start(config(&intake)).await;
    agent.log("hello").await;
    let report = agent.flush().await;
    assert_eq!(intake.requests(PATH), 3);
    assert_eq!((report.entries_sent, report.pending_batches), (0, 1));
    assert_eq!(report.pending_entries, 1);

    let report = agent.flush().await;
    assert_eq!((report.entries_sent, report.pending_batches), (1, 0));
    let requests = intake.raw_requests();
    assert_eq!(requests.len(), 4);
    assert!(
        requests
            .iter()
            .all(|r| r.wire_body == requests[0].wire_body)
    );
    intake.expect_logs(&["hello"]).await;
}

#[tokio::test]
async fn a_pause_that_the_intake_asks_for_outlasts_a_short_flush() {
    let intake = Intake::start().await;
    intake.on(PATH).reply_once(429).retry_after(120);
    let agent = Agent::start(config(&intake)).await;
    agent.log("hello").await;
    let report = agent.flush_within(Duration::from_millis(300)).await;
    assert_eq!(intake.requests(PATH), 1);
    assert_eq!((report.entries_sent, report.pending_entries), (0, 1));
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved() {
    let intake = Intake::start().await;
    intake.on(PATH).min_items(3).reply(413);
    let agent = Agent::start(config(&intake)).await;
    let body = json!([{"message":"a"},{"message":"b"},{"message":"c"},{"message":"d"}]);
    agent.post("/v1/input", body.to_string()).await;
    let report = agent.flush().await;
    assert_eq!(intake.requests(PATH), 3);
    assert_eq!(report.entries_sent, 4);
    intake.expect_logs(&["a", "b", "c", "d"]).await;
}

#[tokio::test]
async fn an_intake_that_does_not_answer_costs_no_more_than_the_deadline() {
    let intake = Intake::start().await;
    intake.on(PATH).hang();
    let agent = Agent::start(config(&intake)).await;
    agent.log("hello").await;
    let report = agent.flush_within(Duration::from_millis(300)).await;
    assert_eq!(intake.requests(PATH), 1);
    assert_eq!((report.entries_sent, report.pending_entries), (0, 1));
}

#[tokio::test]
async fn a_datadog_intake_gets_the_headers_of_the_protocol() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent.log("hello").await;
    agent.flush().await;
    let requests = intake.raw_requests();
    let [request] = requests.as_slice() else {
        panic!("one request");
    };
    for (name, value) in [
        ("dd-api-key", "0123456789abcdef"),
        ("dd-protocol", "agent-json"),
        ("content-type", "application/json"),
        ("content-encoding", "zstd"),
        ("dd-evp-origin", "datadog-agent-native"),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    let agent_name = request.header("user-agent").unwrap();
    assert!(
        agent_name.starts_with("datadog-agent-native/"),
        "{agent_name}"
    );
    assert_eq!(request.problems, [""; 0]);
}

fn worker(intake: &Intake) -> Config {
    let mut config = config(intake);
    config.destination = Destination::ObservabilityPipelinesWorker { url: intake.url() };
    config.api_key = None;
    config
}

#[tokio::test]
async fn a_worker_gets_plain_bodies_and_no_key() {
    let intake = Intake::start().await;
    let agent = Agent::start(worker(&intake)).await;
    agent.log("hello").await;
    agent.flush().await;
    intake.expect_logs(&["hello"]).await;
    let requests = intake.raw_requests();
    for name in ["dd-api-key", "dd-protocol", "content-encoding"] {
        assert_eq!(requests[0].header(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_worker_gets_a_key_that_is_there() {
    let intake = Intake::start().await;
    let mut config = worker(&intake);
    config.api_key = Some(ApiKey::fixed("key"));
    let agent = Agent::start(config).await;
    agent.log("hello").await;
    agent.flush().await;
    assert_eq!(intake.raw_requests()[0].header("dd-api-key"), Some("key"));
}

#[tokio::test]
async fn an_additional_endpoint_gets_every_batch_with_its_own_key() {
    let (primary, additional) = (Intake::start().await, Intake::start().await);
    let mut config = worker(&primary);
    config.additional_endpoints = vec![AdditionalEndpoint {
        url: format!("{}{PATH}", additional.url()),
        api_key: "other".to_owned(),
        is_reliable: true,
        encoding: Encoding::Zstd(3),
    }];
    let agent = Agent::start(config).await;
    agent.log("hello").await;
    let report = agent.flush().await;
    assert_eq!(report.entries_sent, 1);
    assert_eq!(report.per_endpoint.len(), 2);
    primary.expect_logs(&["hello"]).await;
    additional.expect_logs(&["hello"]).await;
    let requests = additional.raw_requests();
    for (name, value) in [
        ("dd-api-key", "other"),
        ("dd-protocol", "agent-json"),
        ("content-encoding", "zstd"),
    ] {
        assert_eq!(requests[0].header(name), Some(value));
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_neither_the_primary_nor_another() {
    let (primary, hanging, other) = (
        Intake::start().await,
        Intake::start().await,
        Intake::start().await,
    );
    hanging.on(PATH).hang();
    let mut config = config(&primary);
    config.additional_endpoints = [&hanging, &other]
        .map(|intake| AdditionalEndpoint {
            url: format!("{}{PATH}", intake.url()),
            api_key: "other".to_owned(),
            is_reliable: false,
            encoding: Encoding::Zstd(3),
        })
        .into();
    let agent = Agent::start(config).await;
    agent.log("hello").await;
    let (report, (), ()) = tokio::join!(
        agent.flush_within(Duration::from_millis(500)),
        primary.expect_logs(&["hello"]),
        other.expect_logs(&["hello"]),
    );
    assert_eq!(report.entries_sent, 1);
}

#[tokio::test]
async fn batches_obey_both_limits_and_leave_nothing_out() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let entries: Vec<_> = (0..2_001)
        .map(|n| IntakeEntry::from_message(n.to_string(), 1_700_000_000_000))
        .collect();
    agent.handle().insert_batch(&entries).unwrap();
    let report = agent.flush().await;
    assert_eq!((report.entries_sent, report.batches_sent), (2_001, 3));
    let mut sizes: Vec<_> = intake.raw_requests().iter().map(|r| r.items).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [Some(1), Some(1_000), Some(1_000)]);
    let mut messages: Vec<u32> = intake
        .messages()
        .iter()
        .map(|message| message.parse().unwrap())
        .collect();
    messages.sort_unstable();
    assert!(messages.into_iter().eq(0..2_001));
}

#[tokio::test]
async fn rules_and_enrichment_apply_whatever_way_an_entry_came() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.rules = vec![
        RuleConfig {
            kind: RuleKind::ExcludeAtMatch,
            name: "no debug".to_owned(),
            pattern: "debug".to_owned(),
            replace_placeholder: String::new(),
        },
        RuleConfig {
            kind: RuleKind::MaskSequences,
            name: "numbers".to_owned(),
            pattern: r"\d{4}".to_owned(),
            replace_placeholder: "[n]".to_owned(),
        },
    ];
    config.client_enrichment = Enrichment {
        tags: vec!["env:test".to_owned()],
        ..Enrichment::default()
    };
    config.file_enrichment = Enrichment {
        service: Some("files".to_owned()),
        status: Some("info".to_owned()),
        ..Enrichment::default()
    };
    let agent = Agent::start(config).await;
    let handle = agent.handle();
    agent.log("http 1234").await;
    agent.log("http debug").await;
    handle
        .insert_batch(&[IntakeEntry::from_message("handle 1234", 1)])
        .unwrap();
    handle
        .insert_raw(r#"{"message":"raw 1234"}"#.into())
        .unwrap();
    let lines = [&b"file 1234"[..], b"file debug"];
    handle
        .for_source(Source::File(1))
        .insert_lines(lines.into_iter(), EmptyLines::Skip)
        .await
        .unwrap();
    agent.flush().await;
    intake
        .expect_logs(&["http [n]", "handle [n]", "raw [n]", "file [n]"])
        .await;
    for log in intake.logs() {
        let (tags, service, status) = match log.message.as_str() {
            "file [n]" => (None, Some("files"), Some("info")),
            _ => (Some("env:test"), None, None),
        };
        assert_eq!(
            (log.get("ddtags"), log.get("service"), log.get("status")),
            (tags, service, status),
            "{}",
            log.text
        );
    }
    assert_eq!(agent.sum(Metric::LogsExcluded), 2);
}

#[tokio::test]
async fn the_status_page_says_what_became_of_entries() {
    let intake = Intake::start().await;
    intake.on(PATH).reply_once(400);
    let agent = Agent::start(config(&intake)).await;
    agent.log("lost").await;
    agent.flush().await;
    agent.log("sent").await;
    agent.flush().await;
    agent.log("queued").await;
    let status = agent.running.status().to_json();
    assert_eq!(status["received"], 3);
    assert_eq!(status["dropped"], json!({"client_4xx": 1}));
    assert_eq!(status["queue"]["entries"], 1);
    let endpoint = &status["endpoints"][intake.addr().to_string()];
    assert_eq!(endpoint["sent"], 1);
    assert!(endpoint["bytes_wire"].as_u64().unwrap() > 0);
    assert_ne!(status["memory"]["bytes"], Value::from(0));

    let report = agent.stop().await;
    assert_eq!(report.sent, 2);
    assert_eq!(report.dropped, reasons([("client_4xx", 1)]));
}
