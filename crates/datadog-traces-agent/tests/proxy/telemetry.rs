//! Telemetry is answered before it is sent, within its own bounds.

use std::sync::Arc;
use std::time::Duration;

use datadog_forwarder::ApiKey;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::agent::{Agent, Changing, LONG};
use crate::intake::{Intake, Reply};

const PATH: &str = "/telemetry/proxy/api/v2/apmtelemetry";

#[tokio::test]
async fn it_is_answered_before_the_intake_has_answered() {
    let intake = Intake::start().await;
    let gate = Arc::new(Semaphore::new(0));
    intake.reply([Reply::Late(Arc::clone(&gate))]);
    let agent = Agent::start(&intake, |_| {}).await;
    let answer = agent
        .post(PATH, &["datadog-container-id: cid"], b"{\"a\":1}")
        .await;
    assert_eq!((answer.status, answer.text()), (200, "{}"));
    assert_eq!(answer.headers["content-type"], "application/json");
    let request = &intake.wait_for(1).await[0];
    assert_eq!(request.line, "POST /api/v2/apmtelemetry");
    assert_eq!(request.body, b"{\"a\":1}");
    assert_eq!(request.header("datadog-container-id"), Some("cid"));
    assert_eq!(request.header("dd-agent-hostname"), Some("h"));
    assert_eq!(agent.counts().held_bytes(), 7);
    gate.add_permits(1);
    agent.flush().await;
    assert_eq!(agent.counts().held_bytes(), 0);
    assert_eq!(agent.counts().answered("telemetry", "202"), 1);
}

#[tokio::test]
async fn a_hundred_are_in_flight_at_most_and_twenty_of_them_under_way() {
    let intake = Intake::start().await;
    let gate = Arc::new(Semaphore::new(0));
    intake.reply_always(Reply::Late(Arc::clone(&gate)));
    let agent = Agent::start(&intake, |_| {}).await;
    let answers = join_all((0..100).map(|_| agent.post(PATH, &[], b"{}"))).await;
    assert!(answers.iter().all(|it| it.status == 200));
    let answer = agent.post(PATH, &[], b"{}").await;
    assert_eq!((answer.status, answer.text()), (429, "{}"));
    assert_eq!(agent.counts().dropped("telemetry", "memory"), (1, 1));
    intake.wait_for(20).await;
    agent.flush_for(Duration::from_millis(50)).await;
    assert_eq!(intake.heads(), 20);
    gate.add_permits(100);
    agent.flush().await;
    assert_eq!(intake.requests().len(), 100);
    assert_eq!(agent.post(PATH, &[], b"{}").await.status, 200);
}

#[tokio::test]
async fn twenty_five_million_bytes_are_in_flight_at_most() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Hang);
    let agent = Agent::start(&intake, |_| {}).await;
    let body = vec![b'x'; 5_000_000];
    for _ in 0..5 {
        assert_eq!(agent.post(PATH, &[], &body).await.status, 200);
    }
    let answer = agent.post(PATH, &[], b"1").await;
    assert_eq!((answer.status, answer.text()), (429, "{}"));
    assert_eq!(agent.counts().held_bytes(), 25_000_000);
}

#[tokio::test]
async fn one_request_has_its_limit_too() {
    const LIMIT: usize = 5 * 1_024 * 1_024;
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |_| {}).await;
    let status = async |bytes| agent.post(PATH, &[], &vec![b'x'; bytes]).await.status;
    assert_eq!((status(LIMIT).await, status(LIMIT + 1).await), (200, 413));
}

#[tokio::test]
async fn a_refused_key_is_replaced_and_the_request_sent_again() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(403)]);
    let key = ApiKey::from_source(Arc::new(Changing::default()));
    let agent = Agent::start(&intake, |config| config.api_key = Some(key)).await;
    assert_eq!(agent.post(PATH, &[], b"{}").await.status, 200);
    agent.flush().await;
    let requests = intake.requests();
    let keys: Vec<_> = requests.iter().map(|it| it.header("dd-api-key")).collect();
    assert_eq!(keys, [Some("key0"), Some("key1")]);
    assert_eq!(agent.counts().dropped("telemetry", "").1, 0);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_intake_that_hangs() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Hang);
    let agent = Agent::start(&intake, |_| {}).await;
    for _ in 0..3 {
        assert_eq!(agent.post(PATH, &[], b"{}").await.status, 200);
    }
    // Were it to wait until the deadline, this test would not end.
    let counts = agent.stop(LONG).await;
    assert_eq!(counts.dropped("telemetry", "shutdown"), (3, 3));
    assert_eq!(counts.held_bytes(), 0);
}

#[tokio::test]
async fn what_the_intake_refuses_is_counted() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(400)]);
    let agent = Agent::start(&intake, |_| {}).await;
    assert_eq!(agent.post(PATH, &[], b"{}").await.status, 200);
    agent.flush().await;
    assert_eq!(agent.counts().answered("telemetry", "400"), 1);
    assert_eq!(agent.counts().dropped("telemetry", "client_4xx"), (1, 1));
}
