//! What clients may send, and what they are told.

use std::io::Write;

use datadog_agent_runtime::bind::Target;
use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_logs_agent::StartError;
use serde_json::{Value, json};

use crate::agent::{Agent, config, loopback, try_start, without_intake};
use crate::client::{Connection, chunk, head};

/// What a body gets on `/v1/input`, and how many entries are queued then.
#[track_caller]
fn check(body: &'static [u8], status: u16, text: &'static str, queued: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let agent = Agent::start(without_intake()).await;
        agent.post("/v1/input", body).await.expect(status, text);
        assert_eq!(agent.handle().len(), queued);
    });
}

#[test]
fn an_array_is_queued() {
    check(br#"[{"message":"a","timestamp":1}]"#, 200, "ok", 1);
}

#[test]
fn an_empty_array_is_fine_and_queues_nothing() {
    check(b"[]", 200, "ok", 0);
}

#[test]
fn one_object_is_one_entry() {
    check(br#"{"message":"a"}"#, 200, "ok", 1);
}

#[test]
fn objects_on_lines_are_one_entry_each() {
    check(b"{\"message\":\"a\"}\n{\"message\":\"b\"}\n", 200, "ok", 2);
}

#[test]
fn a_bad_element_rejects_the_whole_request_and_is_named() {
    check(
        br#"[{"message":"a"},{"x":1}]"#,
        400,
        "invalid JSON: entry 1: missing field message",
        0,
    );
}

#[test]
fn an_empty_body_is_no_json() {
    check(b"", 400, "invalid JSON: empty body", 0);
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let agent = Agent::start(without_intake()).await;
    let answer = agent.post("/v1/input", "not-json").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.starts_with("invalid JSON"), "{}", answer.body);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(agent.queued(), 0);
}

#[tokio::test]
async fn a_body_without_a_length_is_queued() {
    let agent = Agent::start(without_intake()).await;
    let mut connection = Connection::open(agent.addr()).await;
    connection
        .write(head("/v1/input", "Transfer-Encoding: chunked\r\n"))
        .await;
    connection.write(chunk(br#"[{"message":"#)).await;
    connection.write(chunk(br#""a","timestamp":1}]"#)).await;
    connection.write(chunk(b"")).await;
    connection.answer().await.expect(200, "ok");
    assert_eq!(agent.queued(), 1);
}

#[tokio::test]
async fn clients_of_the_public_api_get_what_they_expect_there() {
    let agent = Agent::start(without_intake()).await;
    let body = r#"[{"message":"a"}]"#;
    agent.post("/api/v2/logs", body).await.expect(202, "{}");
    agent.post("/api/v2/logs/", body).await.expect(202, "{}");
    agent
        .post("/v1/input/", body)
        .await
        .expect(404, "not found");
    assert_eq!(agent.queued(), 2);
}

#[tokio::test]
async fn other_methods_and_paths_are_refused_methods_first() {
    let agent = Agent::start(without_intake()).await;
    let mut connection = Connection::open(agent.addr()).await;
    for path in ["/v1/input", "/nope"] {
        connection
            .write(format!("GET {path} HTTP/1.1\r\nHost: agent\r\n\r\n"))
            .await;
        let answer = connection.answer().await;
        answer.expect(405, "method not allowed");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    // The same connection goes on, until a body is left unread.
    connection
        .post("/v1/input", "", "[]")
        .await
        .expect(200, "ok");
    let answer = connection.post("/wrong/path", "", "[]").await;
    answer.expect(404, "not found");
    assert_eq!(answer.header("connection"), Some("close"));
}

#[tokio::test]
async fn the_shared_pages_are_answered_too() {
    let agent = Agent::start(without_intake()).await;
    let mut connection = Connection::open(agent.addr()).await;
    for (path, body) in [
        ("/health", "ok"),
        ("/info", r#"{"version":"1"}"#),
        ("/status", "{}"),
    ] {
        connection
            .write(format!("GET {path} HTTP/1.1\r\nHost: agent\r\n\r\n"))
            .await;
        connection.answer().await.expect(200, body);
    }
}

#[tokio::test]
async fn compressed_bodies_are_taken() {
    let agent = Agent::start(without_intake()).await;
    let body = br#"[{"message":"a"},{"message":"b"}]"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(body).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(body).unwrap();
    for (encoding, encoded) in [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
        ("zstd", zstd::bulk::compress(body, 3).unwrap()),
        ("identity", body.to_vec()),
    ] {
        agent
            .post_with(
                "/v1/input",
                &format!("Content-Encoding: {encoding}\r\n"),
                encoded,
            )
            .await
            .expect(200, "ok");
    }
    assert_eq!(agent.queued(), 8);
}

#[tokio::test]
async fn an_unknown_encoding_and_a_broken_one_are_told_apart() {
    let agent = Agent::start(without_intake()).await;
    agent
        .post_with("/v1/input", "Content-Encoding: br\r\n", "[]")
        .await
        .expect(415, "unsupported content encoding");
    agent
        .post_with(
            "/v1/input",
            "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
            "[]",
        )
        .await
        .expect(415, "unsupported content encoding");
    agent
        .post_with("/v1/input", "Content-Encoding: gzip\r\n", "[]")
        .await
        .expect(400, "failed to read body");
}

#[tokio::test]
async fn the_query_fills_absent_keys() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent
        .post(
            "/v1/input?ddtags=env%3Aprod&service=shop&hostname=h&ddsource=java&other=1",
            r#"[{"message":"a","service":"own","timestamp":1}]"#,
        )
        .await
        .expect(200, "ok");
    agent.flush().await;
    intake.expect_logs(&["a"]).await;
    assert_eq!(
        Value::Object(intake.logs()[0].entry.clone()),
        json!({
            "message": "a", "timestamp": 1, "hostname": "h", "service": "own", "ddsource": "java",
            "ddtags": "env:prod",
        })
    );
}

#[tokio::test]
async fn an_entry_without_a_time_gets_that_of_its_arrival() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent.log("a").await;
    agent.flush().await;
    intake.expect_logs(&["a"]).await;
    let log = &intake.logs()[0];
    let age = log.received_at_ms - log.entry["timestamp"].as_i64().unwrap();
    assert!((0..60_000).contains(&age), "{age} ms");
}

#[tokio::test]
async fn a_unix_socket_serves_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs.sock");
    let mut config = without_intake();
    config.listen.push(Target::Unix {
        path: path.clone(),
        mode: 0o600,
    });
    let agent = Agent::start(config).await;
    assert_eq!(agent.running.paths(), std::slice::from_ref(&path));
    let mut connection = Connection::open_unix(&path).await;
    connection
        .post("/v1/input", "", r#"[{"message":"a"}]"#)
        .await
        .expect(200, "ok");
    assert_eq!(agent.queued(), 1);
}

#[tokio::test]
async fn a_taken_port_fails_the_start() {
    let agent = Agent::start(without_intake()).await;
    let mut config = without_intake();
    config.listen = vec![loopback(agent.addr().port())];
    match try_start(config).await {
        Err(StartError::Bind(error)) => {
            assert!(
                error.to_string().contains("Address already in use"),
                "{error}"
            );
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_behind() {
    let taken = Agent::start(without_intake()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs.sock");
    let mut config = without_intake();
    config.listen = vec![
        Target::Unix {
            path: path.clone(),
            mode: 0o600,
        },
        loopback(taken.addr().port()),
    ];
    assert!(try_start(config).await.is_err());
    assert!(!path.exists());
}

#[tokio::test]
async fn port_zero_yields_an_address_that_can_be_used() {
    let agent = Agent::start(without_intake()).await;
    assert_ne!(agent.addr().port(), 0);
    agent.log("a").await;
    assert_eq!(agent.queued(), 1);
}

#[tokio::test]
async fn what_is_received_is_counted() {
    let agent = Agent::start(without_intake()).await;
    let body = r#"[{"message":"a"},{"message":"b"}]"#;
    agent.post("/v1/input", body).await.expect(200, "ok");
    agent.post("/v1/input", "nonsense").await;
    // What cannot be read counts as one entry.
    assert_eq!(agent.sum(Metric::LogsEntriesReceived), 3);
    assert_eq!(agent.sum(Metric::LogsDropped), 1);
    assert_eq!(agent.sum(Metric::LogsProcessed), 2);
    assert_eq!(
        agent.sum(Metric::LogsBytesReceived),
        (body.len() + "nonsense".len()) as u64
    );
    assert_eq!(agent.sum(Metric::LogsQueueEntries), 2);
}
