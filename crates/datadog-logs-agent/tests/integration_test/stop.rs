//! What becomes of entries when the agent is told to stop.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_logs_agent::processor::EmptyLines;
use datadog_logs_agent::{InsertError, IntakeEntry, Source};
use tokio::time::Instant;

use crate::agent::{Agent, PATH, config, reasons};
use crate::client::{Connection, head};

#[tokio::test]
async fn what_is_queued_is_sent_before_the_end() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let lines: Vec<String> = (0..2_345).map(|n| n.to_string()).collect();
    agent
        .handle()
        .for_source(Source::File(1))
        .insert_lines(lines.iter().map(String::as_bytes), EmptyLines::Skip)
        .await
        .unwrap();
    let report = agent.stop().await;
    assert_eq!((report.sent, report.pending), (2_345, 0));
    assert_eq!(report.dropped, reasons([]));
    intake.expect_logs(&lines).await;
}

#[tokio::test]
async fn what_waits_for_another_try_is_sent_before_the_end() {
    let intake = Intake::start().await;
    intake.on(PATH).reply(500).times(3);
    let agent = Agent::start(config(&intake)).await;
    agent.log("hello").await;
    assert_eq!(agent.flush().await.pending_entries, 1);
    let report = agent.stop().await;
    assert_eq!((report.sent, report.pending), (1, 0));
    intake.expect_logs(&["hello"]).await;
}

#[tokio::test]
async fn what_cannot_be_sent_in_time_is_counted() {
    let intake = Intake::start().await;
    intake.on(PATH).hang();
    let mut config = config(&intake);
    config.request_timeout = Duration::from_secs(60);
    let agent = Agent::start(config).await;
    let telemetry = agent.telemetry.clone();
    agent.log("a").await;
    agent.log("b").await;
    let report = agent.stop_within(Duration::from_millis(300)).await;
    assert_eq!((report.sent, report.pending), (0, 2));
    assert_eq!(report.dropped, reasons([("shutdown", 2)]));
    assert_eq!(telemetry.sum(Metric::LogsEntriesReceived, &[]), 2);
    assert_eq!(telemetry.sum(Metric::LogsQueueEntries, &[]), 0);
}

#[tokio::test]
async fn a_request_that_is_being_read_is_finished() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = Connection::open(agent.addr()).await;
    connection
        .write(head(
            "/v1/input",
            "Content-Length: 17\r\nExpect: 100-continue\r\n",
        ))
        .await;
    // The server reads the body once it says so.
    connection.continues().await;
    agent
        .signal
        .signal(Instant::now() + Duration::from_secs(20));
    let client = async {
        connection.write(r#"[{"message":"a"}]"#).await;
        connection.answer().await.expect(200, "ok");
    };
    let (report, ()) = tokio::join!(agent.running.join(), client);
    assert_eq!(report.sent, 1);
    intake.expect_logs(&["a"]).await;
}

#[tokio::test]
async fn a_request_that_does_not_come_to_its_end_does_not_use_up_the_time() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = Connection::open(agent.addr()).await;
    connection
        .write(head(
            "/v1/input",
            "Content-Length: 17\r\nExpect: 100-continue\r\n",
        ))
        .await;
    connection.continues().await;
    agent.log("a").await;
    let report = agent.stop_within(Duration::from_secs(2)).await;
    assert_eq!((report.sent, report.pending), (1, 0));
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn the_port_is_closed_and_handles_refuse_afterwards() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let (addr, handle) = (agent.addr(), agent.handle());
    agent.stop().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    let entry = [IntakeEntry::from_message("late", 1)];
    assert_eq!(handle.insert_batch(&entry), Err(InsertError::Stopped));
    assert_eq!(
        handle.insert_batch_wait(&entry).await,
        Err(InsertError::Stopped)
    );
    assert!(handle.flush(Instant::now()).await.is_err());
}

#[tokio::test]
async fn an_intake_mounted_elsewhere_says_that_it_shuts_down() {
    use http_body_util::{BodyExt, Full};

    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mounted = agent.running.intake();
    let request = || {
        hyper::Request::post("/v1/input")
            .body(Full::new(bytes::Bytes::from(r#"[{"message":"a"}]"#)))
            .unwrap()
    };
    assert_eq!(mounted.handle(request()).await.status(), 200);
    agent
        .signal
        .signal(Instant::now() + Duration::from_secs(20));
    let refused = mounted.handle(request()).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["connection"], "close");
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "shutting down");
    assert_eq!(agent.running.join().await.sent, 1);
}
