//! Several intakes of a product: each gets a copy, and the first answers.

use std::sync::Arc;

use datadog_traces_agent::config::{AdditionalEndpoint, ProxyTarget};
use tokio::sync::Semaphore;

use crate::agent::{Agent, LONG};
use crate::intake::{Intake, Reply};

const PROFILE: &str = "/profiling/v1/input";

async fn with_two() -> (Intake, Intake, Agent) {
    let (first, second) = (Intake::start().await, Intake::start().await);
    let url = format!("{}/p/api/v2/profile", second.url());
    let agent = Agent::start(&first, |config| {
        config.proxies.profiling.push(ProxyTarget {
            url,
            api_key: Some("second".to_owned()),
        });
    })
    .await;
    (first, second, agent)
}

#[tokio::test]
async fn each_intake_gets_a_copy_with_its_own_key_and_the_first_answers() {
    let (first, second, agent) = with_two().await;
    let gate = Arc::new(Semaphore::new(0));
    first.reply([Reply::Whole(202, "x-from: first\r\n", b"{}".to_vec())]);
    second.reply([Reply::Late(Arc::clone(&gate))]);
    let answer = agent
        .post(PROFILE, &["x-of: client"], &[b'x'; 100_000])
        .await;
    assert_eq!((answer.status, answer.text()), (200, "{}"));
    assert_eq!(answer.headers["x-from"], "first");
    let copies = [&first.wait_for(1).await[0], &second.wait_for(1).await[0]];
    assert_eq!(
        agent.counts().held_bytes(),
        100_000,
        "the second still has to answer"
    );
    gate.add_permits(1);
    agent.flush().await;
    assert_eq!(agent.counts().held_bytes(), 0);
    assert_eq!(agent.counts().answered("profiling", "202"), 2);
    let lines = copies.map(|it| it.line.as_str());
    assert_eq!(lines, ["POST /api/v2/profile", "POST /p/api/v2/profile"]);
    let keys = copies.map(|it| it.header("dd-api-key").unwrap());
    assert_eq!(keys, ["key", "second"]);
    for copy in copies {
        assert_eq!(copy.body, [b'x'; 100_000]);
        assert_eq!(copy.header("x-of"), Some("client"));
    }
}

#[tokio::test]
async fn what_a_further_intake_refuses_is_counted_and_not_sent_again() {
    let (first, second, agent) = with_two().await;
    second.reply([Reply::Status(400), Reply::Status(503)]);
    assert_eq!(agent.post(PROFILE, &[], b"1").await.status, 200);
    agent.flush().await;
    assert_eq!(agent.counts().dropped("profiling", "client_4xx"), (1, 1));
    assert_eq!(agent.post(PROFILE, &[], b"2").await.status, 200);
    agent.flush().await;
    assert_eq!(agent.counts().dropped("profiling", "not_accepted"), (1, 2));
    assert_eq!(first.bodies(), ["1", "2"]);
    assert_eq!(second.bodies(), ["1", "2"]);
}

#[tokio::test]
async fn a_copy_that_is_under_way_at_the_end_is_counted() {
    let (_, second, agent) = with_two().await;
    second.reply([Reply::Hang]);
    assert_eq!(agent.post(PROFILE, &[], b"1").await.status, 200);
    second.wait_for(1).await;
    let counts = agent.stop(std::time::Duration::from_millis(100)).await;
    assert_eq!(counts.dropped("profiling", "shutdown"), (1, 1));
    assert_eq!(counts.held_bytes(), 0);
}

#[tokio::test]
async fn a_copy_that_can_be_sent_is_sent_before_the_end() {
    let (_, second, agent) = with_two().await;
    let gate = Arc::new(Semaphore::new(0));
    second.reply([Reply::Late(Arc::clone(&gate))]);
    assert_eq!(agent.post(PROFILE, &[], b"1").await.status, 200);
    second.wait_for(1).await;
    gate.add_permits(1);
    let counts = agent.stop(LONG).await;
    assert_eq!(counts.answered("profiling", "202"), 2);
    assert_eq!(counts.dropped("profiling", "").1, 0);
}

#[tokio::test]
async fn pipeline_stats_go_to_every_trace_intake() {
    let (first, second) = (Intake::start().await, Intake::start().await);
    let url = second.url();
    let agent = Agent::start(&first, |config| {
        config.additional_endpoints = vec![AdditionalEndpoint {
            url,
            api_key: "second".to_owned(),
        }];
    })
    .await;
    let answer = agent.post("/v0.1/pipeline_stats", &[], b"1").await;
    assert_eq!(answer.status, 202);
    for (intake, key) in [(first, "key"), (second, "second")] {
        let request = &intake.wait_for(1).await[0];
        assert_eq!(request.line, "POST /api/v0.1/pipeline_stats");
        assert_eq!(request.header("dd-api-key"), Some(key));
    }
}
