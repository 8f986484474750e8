//! Clients that mean no good: each is answered, none costs more than its share, and the next one is served.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_traces_agent::span::Chunk;

use crate::agent::*;
use crate::client::{Connection, head};

const MIB: usize = 1_024 * 1_024;

async fn serves(agent: &Agent) {
    agent.trace(vec![chunk(1, "next", 1.0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_arrays_of_the_largest_size_are_malformed() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    for (path, headers, byte) in [
        ("/v0.4/traces", MSGPACK, 0x91),
        ("/v0.5/traces", MSGPACK, 0x92),
        ("/v0.7/traces", MSGPACK, 0x81),
        ("/v1.0/traces", MSGPACK, 0x91),
        ("/v0.4/traces", "", b'['),
        ("/v0.6/stats", MSGPACK, 0x91),
    ] {
        let size = if path == "/v0.6/stats" { 25 } else { 50 };
        let answer = agent.post(path, headers, vec![byte; size * MIB]).await;
        // What each bracket of JSON might become is too large before it is known to be nothing.
        let status = if headers.is_empty() { 413 } else { 400 };
        assert_eq!(answer.status, status, "{path} {headers}");
    }
    serves(&agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_of_four_billion_are_no_reason_to_allocate() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    for marker in [0xdb_u8, 0xc6, 0xdd, 0xdf] {
        let mut value = vec![marker];
        value.extend(u32::MAX.to_be_bytes());
        for (path, before) in [
            ("/v0.4/traces", &[][..]),
            ("/v0.4/traces", &[0x91]),
            (
                "/v0.4/traces",
                &[0x91, 0x91, 0x81, 0xa4, b'm', b'e', b't', b'a'],
            ),
            ("/v0.5/traces", &[0x92]),
            ("/v0.5/traces", &[0x92, 0x90]),
            (
                "/v0.7/traces",
                &[0x81, 0xa6, b'c', b'h', b'u', b'n', b'k', b's'],
            ),
            ("/v1.0/traces", &[0x81, 0x0b]),
            ("/v0.6/stats", &[0x81, 0xa5, b'S', b't', b'a', b't', b's']),
        ] {
            let body = [before, &value].concat();
            let answer = agent.post(path, MSGPACK, body).await;
            assert_eq!(answer.status, 400, "{path} {marker:x}");
        }
    }
    serves(&agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_spans_in_a_chunk_are_taken() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let first = span(1, "a", 1.0);
    let spans = (0..100_000).map(|number| {
        let mut span = first.clone();
        span.span_id += number;
        span.parent_id = if number == 0 { 0 } else { first.span_id };
        span
    });
    let chunk = Chunk {
        spans: spans.collect(),
        ..Chunk::default()
    };
    agent.trace(vec![chunk]).await;
    let report = agent.flush().await;
    assert_eq!(report.traces.items_sent, 100_000);
    assert_eq!(hits(&intake), 100_000);
}

/// Chunks that take some 25 MB when they are decoded.
fn many() -> Vec<Chunk<'static>> {
    let chunks = (1..=600).map(|number| {
        let resource = format!("{number:03}");
        let mut chunk = chunk(number, &resource, 1.0);
        let first = chunk.spans[0].clone();
        chunk.spans.extend((1..100).map(|index| {
            let mut span = first.clone();
            span.span_id += index * 10_000_000;
            span.parent_id = first.span_id;
            span
        }));
        chunk
    });
    chunks.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_taken_in_slices_arrives_once_and_whole() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let headers = format!("{MSGPACK}Datadog-Client-Dropped-P0-Traces: 7\r\n");
    let answer = agent.post("/v0.4/traces", &headers, body(many())).await;
    assert_eq!(answer.status, 200);
    let report = agent.flush().await;
    assert_eq!(report.traces.items_sent, 60_000);
    let expected: Vec<_> = (1..=600).map(|number| format!("{number:03}")).collect();
    let mut roots = arrived(&intake);
    roots.dedup();
    assert_eq!(roots, expected);
    assert_eq!(hits(&intake), 60_000);
    assert_eq!(agent.sum(Metric::TracesReceived), 600);
    assert_eq!(agent.sum(Metric::TracesClientDropped), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_used_of_a_large_body_that_ends_too_early() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut body = body(many());
    body.pop();
    let answer = agent.post("/v0.4/traces", MSGPACK, body).await;
    answer.expect(400, "unexpected-eof");
    assert_eq!(agent.sum(Metric::TracesReceived), 0);
    let report = agent.flush().await;
    assert_eq!((report.traces.items_sent, hits(&intake)), (0, 0));
}

/// A body of v0.5 whose tags all refer to one long text.
fn references(text_bytes: usize, tags: u32) -> Vec<u8> {
    let mut body = vec![0x92, 0x91, 0xdb];
    body.extend(u32::try_from(text_bytes).unwrap().to_be_bytes());
    body.extend(vec![b'a'; text_bytes]);
    body.extend([0x91, 0x91, 0x9c, 0, 0, 0, 1, 2, 0, 5, 5, 0, 0xdf]);
    body.extend(tags.to_be_bytes());
    body.extend(vec![0; 2 * tags as usize]);
    body.extend([0x80, 0]);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_body_that_stands_for_gigabytes_is_refused() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    // 2 MiB that would be 50 GB.
    let body = references(25_000, 1_000_000);
    let answer = agent.post("/v0.5/traces", MSGPACK, body).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.starts_with("too many references"),
        "{}",
        answer.body
    );
    serves(&agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_50_mib_is_refused_and_its_connection_ends_cleanly() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let body = vec![0xc0; 51 * MIB];
    let mut connection = agent.connect().await;
    let answer = connection.post("/v0.4/traces", MSGPACK, &body).await;
    answer.expect(413, "payload-too-large");
    assert!(connection.is_closed().await);
    serves(&agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_writers_hold_nobody_up() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.requests.timeout = Duration::from_millis(500);
    let agent = Agent::start(config).await;
    let mut writers = Vec::new();
    for _ in 0..200 {
        let mut writer = agent.connect().await;
        writer
            .write(head("/v0.4/traces", "Content-Length: 100000\r\n"))
            .await;
        writer.write("x").await;
        writers.push(writer);
    }
    serves(&agent).await;
    for mut writer in writers {
        writer.answer().await.expect(408, "timeout");
    }
    assert_eq!(
        agent.by_reason(Metric::TracesPayloadsRefused)["timeout"],
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_are_served_at_once_and_one_more_waits() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.connections.keep_alive = LONG;
    let agent = Agent::start(config).await;
    let body = body(vec![chunk(1, "a", 1.0)]);
    let mut connections: Vec<Connection> = Vec::new();
    for _ in 0..1_000 {
        connections.push(agent.connect().await);
    }
    for connection in &mut connections {
        let answer = connection.post("/v0.4/traces", MSGPACK, &body).await;
        assert_eq!(answer.status, 200);
    }
    let mut waiting = agent.connect().await;
    let length = format!("{MSGPACK}Content-Length: {}\r\n", body.len());
    waiting.write(head("/v0.4/traces", &length)).await;
    waiting.write(&body).await;
    assert_eq!(agent.sum(Metric::TracesPayloadsAccepted), 1_000);
    connections.pop();
    assert_eq!(waiting.answer().await.status, 200);
    let report = agent.flush().await;
    assert_eq!(report.traces.items_sent, 1_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_names_that_clients_make_up_do_no_harm() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let huge = u64::MAX;
    let long = "x".repeat(8_000);
    let headers = format!(
        "{MSGPACK}X-Datadog-Trace-Count: {huge}\r\nDatadog-Client-Dropped-P0-Traces: {huge}\r\n\
         Datadog-Client-Dropped-P0-Spans: {huge}\r\nDatadog-Meta-Lang: {long}\r\n"
    );
    for _ in 0..3 {
        let answer = agent
            .post("/v0.4/traces", &headers, body(vec![chunk(1, "a", 1.0)]))
            .await;
        assert_eq!(answer.status, 200);
    }
    let most = u64::from(u32::MAX);
    assert_eq!(agent.sum(Metric::TracesClientDropped), 3 * most);
    let report = agent.flush().await;
    assert_eq!(report.traces.items_sent, 3);
    let requests = intake.raw_requests();
    let mut requests = requests.iter();
    assert!(requests.all(|it| it.header("x-datadog-reported-languages").is_none()));
}
