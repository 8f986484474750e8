//! Clients that send too much, too slowly, or not what they announced.

use std::io::Write;
use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_logs_agent::Config;

use crate::agent::{Agent, without_intake};
use crate::client::{Connection, chunk, head};

const LIMIT: usize = 4_194_304;

/// A valid body of exactly this many bytes.
fn body_of(bytes: usize) -> Vec<u8> {
    let mut body = br#"[{"message":"a"}"#.to_vec();
    let mut entry = br#",{"message":""#.to_vec();
    entry.resize(1_000, b'x');
    entry.extend_from_slice(br#""}"#);
    while body.len() + entry.len() < bytes {
        body.extend_from_slice(&entry);
    }
    body.resize(bytes - 1, b' ');
    body.push(b']');
    body
}

/// Waits for the announced end of a wait that the server ends: a client that is slow on purpose.
fn impatient() -> Config {
    let mut config = without_intake();
    config.body.idle_timeout = Duration::from_millis(50);
    config
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_any_byte_of_the_body() {
    let agent = Agent::start(without_intake()).await;
    let mut connection = Connection::open(agent.addr()).await;
    connection
        .write(head(
            "/v1/input",
            "Content-Length: 4194305\r\nExpect: 100-continue\r\n",
        ))
        .await;
    let answer = connection.answer().await;
    answer.expect(413, "payload too large");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(connection.is_closed().await);
    assert_eq!(agent.sum(Metric::LogsBytesReceived), 0);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let agent = Agent::start(without_intake()).await;
    agent
        .post("/v1/input", body_of(LIMIT))
        .await
        .expect(200, "ok");
    assert!(agent.sum(Metric::LogsEntriesReceived) > 4_000);
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_at_the_limit() {
    let agent = Agent::start(without_intake()).await;
    let body = body_of(LIMIT + 1);
    let mut connection = Connection::open(agent.addr()).await;
    connection
        .write(head("/v1/input", "Transfer-Encoding: chunked\r\n"))
        .await;
    for piece in body.chunks(64 * 1_024) {
        connection.write(chunk(piece)).await;
    }
    let answer = connection.answer().await;
    answer.expect(413, "payload too large");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(agent.queued(), 0);
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_too() {
    let agent = Agent::start(without_intake()).await;
    let mut connection = Connection::open(agent.addr()).await;
    connection
        .write(head("/v1/input", "Transfer-Encoding: chunked\r\n"))
        .await;
    // More than the limit and all buffers on the way: this can only end because the server stops reading.
    for _ in 0..2 * LIMIT / (64 * 1_024) {
        connection.write(chunk(&[b' '; 64 * 1_024])).await;
    }
    connection.answer().await.expect(413, "payload too large");
}

#[tokio::test]
async fn contradictory_framing_is_refused() {
    let agent = Agent::start(without_intake()).await;
    for headers in [
        "Content-Length: ten\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
    ] {
        let mut connection = Connection::open(agent.addr()).await;
        connection
            .write(format!("{}[]", head("/v1/input", headers)))
            .await;
        assert_eq!(connection.answer().await.status, 400, "{headers}");
    }
    assert_eq!(agent.sum(Metric::LogsBytesReceived), 0);
}

#[tokio::test]
async fn a_small_body_that_grows_large_is_refused() {
    let agent = Agent::start(without_intake()).await;
    let mut zlib = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..9 {
        zlib.write_all(&vec![b' '; 1024 * 1_024]).unwrap();
    }
    let bomb = zlib.finish().unwrap();
    assert!(bomb.len() < 16 * 1_024);
    agent
        .post_with("/v1/input", "Content-Encoding: gzip\r\n", bomb)
        .await
        .expect(413, "payload too large");

    let bomb = zstd::bulk::compress(&vec![b' '; 1024 * 1_024 * 1_024], 3).unwrap();
    agent
        .post_with("/v1/input", "Content-Encoding: zstd\r\n", bomb)
        .await
        .expect(413, "payload too large");
}

#[tokio::test]
async fn a_compressed_body_may_grow_to_the_second_limit() {
    let agent = Agent::start(without_intake()).await;
    let body = body_of(2 * LIMIT);
    let encoded = zstd::bulk::compress(&body, 3).unwrap();
    agent
        .post_with("/v1/input", "Content-Encoding: zstd\r\n", encoded)
        .await
        .expect(200, "ok");
    let encoded = zstd::bulk::compress(&body_of(2 * LIMIT + 1), 3).unwrap();
    agent
        .post_with("/v1/input", "Content-Encoding: zstd\r\n", encoded)
        .await
        .expect(413, "payload too large");
}

#[tokio::test]
async fn a_client_that_stops_within_a_body_is_told_and_left() {
    let agent = Agent::start(impatient()).await;
    let mut connection = Connection::open(agent.addr()).await;
    connection
        .write(head("/v1/input", "Content-Length: 17\r\n"))
        .await;
    connection.write("[{\"mess").await;
    let answer = connection.answer().await;
    answer.expect(408, "request timeout");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(connection.is_closed().await);
    assert_eq!(agent.queued(), 0);
}

#[tokio::test]
async fn a_client_that_goes_away_within_a_body_queues_nothing() {
    let agent = Agent::start(without_intake()).await;
    {
        let mut connection = Connection::open(agent.addr()).await;
        connection
            .write(head("/v1/input", "Content-Length: 17\r\n"))
            .await;
        connection.write(r#"[{"message":"a"}"#).await;
    }
    agent.log("b").await;
    assert_eq!(agent.queued(), 1);
}

#[tokio::test]
async fn too_many_bytes_in_reception_refuse_new_ones_until_they_are_gone() {
    let mut config = without_intake();
    config.body.received_bytes = 1_000;
    config.body.reception_bytes = 1_500;
    let agent = Agent::start(config).await;
    let body = body_of(1_000);
    let mut first = Connection::open(agent.addr()).await;
    first
        .write(head("/v1/input", "Content-Length: 1000\r\n"))
        .await;
    first.write(&body[..999]).await;
    // Until the server has read that much, the second is not one too many.
    let refused = loop {
        let answer = agent.post("/v1/input", &body).await;
        if answer.status != 200 {
            break answer;
        }
    };
    refused.expect(429, "queue full");
    assert_eq!(refused.header("retry-after"), Some("1"));
    first.write(&body[999..]).await;
    first.answer().await.expect(200, "ok");
    agent.post("/v1/input", &body).await.expect(200, "ok");
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let agent = Agent::start(without_intake()).await;
    let mut connection = Connection::open(agent.addr()).await;
    let long = format!("X-Long: {}\r\n", "x".repeat(17 * 1_024));
    connection.write(head("/v1/input", &long)).await;
    assert_eq!(connection.answer().await.status, 431);
}
