//! Requests that are answered at once and sent at a flush.

use std::time::Duration;

use datadog_traces_agent::config::{Config, FlushStrategy, ProxyMode, ProxyTarget};

use crate::agent::{Agent, LONG};
use crate::intake::{Intake, Received, Reply};

const PROFILE: &str = "/profiling/v1/input";

async fn start(intake: &Intake, change: impl FnOnce(&mut Config)) -> Agent {
    Agent::start(intake, |config| {
        config.proxies.mode = ProxyMode::Buffered;
        change(config);
    })
    .await
}

async fn take(agent: &Agent, body: &str) {
    let answer = agent.post(PROFILE, &[], body.as_bytes()).await;
    assert_eq!(
        (answer.status, answer.text()),
        (200, "Acknowledged request for profiling")
    );
}

#[tokio::test]
async fn a_request_is_acknowledged_at_once_and_sent_at_the_flush() {
    let intake = Intake::start().await;
    let agent = start(&intake, |_| {}).await;
    take(&agent, "1").await;
    let answer = agent.post("/telemetry/proxy/x", &[], b"2").await;
    assert_eq!(answer.text(), "Acknowledged request for telemetry");
    assert_eq!(intake.heads(), 0);
    assert_eq!(agent.counts().held_bytes(), 2);
    agent.flush().await;
    let requests = intake.requests();
    let mut lines: Vec<_> = requests.iter().map(|it| it.line.as_str()).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["POST /api/v2/profile", "POST /x"]);
    for request in &requests {
        assert_eq!(request.header("dd-api-key"), Some("key"));
        assert!(request.header("via").unwrap().starts_with("trace-agent "));
    }
    assert_eq!(agent.counts().held_bytes(), 0);
    assert_eq!(agent.counts().answered("profiling", "202"), 1);
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused_at_once() {
    let intake = Intake::start().await;
    let agent = start(&intake, |_| {}).await;
    assert_eq!(agent.post("/evp_proxy/v2/api", &[], b"1").await.status, 400);
    let length = ["content-length: 26214401"];
    let sending = crate::client::begin(agent.addr, "POST", "/symdb/v1/input", &length).await;
    assert_eq!(sending.answer().await.status, 413);
    assert_eq!(agent.counts().dropped("symdb", "too_large"), (1, 2));
}

#[tokio::test]
async fn a_failed_request_is_tried_once_in_every_flush() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(503)]);
    let agent = start(&intake, |_| {}).await;
    take(&agent, "1").await;
    agent.flush().await;
    assert_eq!(intake.bodies(), ["1"]);
    agent.flush().await;
    assert_eq!(intake.bodies(), ["1", "1"]);
    agent.flush().await;
    assert_eq!(intake.heads(), 2);
    assert_eq!(agent.counts().dropped("profiling", "").1, 0);
}

#[tokio::test]
async fn requests_that_failed_do_not_hold_new_ones_back() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(503));
    let agent = start(&intake, |config| config.proxies.timeout = LONG).await;
    for _ in 0..20 {
        take(&agent, "old").await;
    }
    agent.flush().await;
    intake.reply_always(Reply::Only("new"));
    take(&agent, "new").await;
    let has_new = |it: &[Received]| it.iter().any(|it| it.body == b"new");
    tokio::select! {
        // Were the old ones first, which hang now, neither would ever end.
        () = agent.flush() => panic!("the intake does not answer the old ones"),
        () = intake.wait_until(has_new) => {}
    }
}

#[tokio::test]
async fn a_request_is_tried_four_times_and_then_counted() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(503));
    let agent = start(&intake, |_| {}).await;
    take(&agent, "1").await;
    for tried in 1..=4 {
        assert_eq!(agent.counts().dropped("profiling", "").1, 0);
        agent.flush().await;
        assert_eq!(intake.heads(), tried);
    }
    assert_eq!(
        agent.counts().dropped("profiling", "redrive_expired"),
        (1, 1)
    );
    assert_eq!(agent.counts().held_bytes(), 0);
    agent.flush().await;
    assert_eq!(intake.heads(), 4);
}

#[tokio::test]
async fn what_another_try_cannot_help_is_tried_once() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(400));
    let agent = start(&intake, |_| {}).await;
    take(&agent, "1").await;
    agent.flush().await;
    agent.flush().await;
    assert_eq!(intake.heads(), 1);
    assert_eq!(agent.counts().dropped("profiling", "client_4xx"), (1, 1));
}

#[tokio::test]
async fn an_intake_that_has_a_request_does_not_get_it_again_for_another() {
    let (first, second) = (Intake::start().await, Intake::start().await);
    second.reply([Reply::Status(503)]);
    let url = second.url();
    let agent = start(&first, |config| {
        config
            .proxies
            .profiling
            .push(ProxyTarget { url, api_key: None });
    })
    .await;
    take(&agent, "1").await;
    agent.flush().await;
    agent.flush().await;
    assert_eq!((first.heads(), second.heads()), (1, 2));
}

#[tokio::test]
async fn the_oldest_make_room_in_number() {
    let intake = Intake::start().await;
    let agent = start(&intake, |_| {}).await;
    for number in 0..1_001 {
        take(&agent, &number.to_string()).await;
    }
    assert_eq!(agent.counts().dropped("profiling", "evicted"), (1, 1));
    agent.flush().await;
    let bodies = intake.bodies();
    assert_eq!(bodies.len(), 1_000);
    assert!(!bodies.contains(&"0".to_owned()));
    assert!(bodies.contains(&"1000".to_owned()));
}

#[tokio::test]
async fn the_oldest_make_room_in_bytes() {
    let intake = Intake::start().await;
    let agent = start(&intake, |_| {}).await;
    let large = "x".repeat(13 * 1_024 * 1_024);
    take(&agent, "small").await;
    take(&agent, &large).await;
    take(&agent, &large).await;
    assert_eq!(agent.counts().dropped("profiling", "evicted"), (2, 2));
    assert_eq!(agent.counts().held_bytes(), large.len() as u64);
    agent.flush().await;
    assert_eq!(intake.heads(), 1);
}

#[tokio::test]
async fn what_a_flush_could_not_send_in_time_is_kept() {
    let intake = Intake::start().await;
    intake.reply([Reply::Hang]);
    let agent = start(&intake, |_| {}).await;
    take(&agent, "1").await;
    agent.flush_for(Duration::from_millis(500)).await;
    assert_eq!(agent.counts().held_bytes(), 1);
    agent.flush().await;
    assert_eq!(intake.bodies(), ["1", "1"]);
    assert_eq!(agent.counts().held_bytes(), 0);
    assert_eq!(agent.counts().dropped("profiling", "").1, 0);
}

#[tokio::test]
async fn what_waits_at_the_end_is_sent_and_what_cannot_be_is_counted() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(202), Reply::Status(503)]);
    let agent = start(&intake, |_| {}).await;
    take(&agent, "1").await;
    agent.flush().await;
    take(&agent, "2").await;
    let counts = agent.stop(LONG).await;
    assert_eq!(intake.bodies(), ["1", "2"]);
    assert_eq!(counts.dropped("profiling", "shutdown"), (1, 1));
    assert_eq!(counts.held_bytes(), 0);
}

#[tokio::test]
async fn with_an_interval_nobody_has_to_ask() {
    let intake = Intake::start().await;
    let agent = start(&intake, |config| {
        config.flush = FlushStrategy::Interval(Duration::from_millis(20));
    })
    .await;
    take(&agent, "1").await;
    intake.wait_for(1).await;
    take(&agent, "2").await;
    assert_eq!(intake.wait_for(2).await.len(), 2);
}
