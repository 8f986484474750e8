//! Limits: on what is received, on what it grows to, and on what is kept.

use std::io::Write;

use datadog_dev_intake::Intake;
use serde_json::json;

use crate::client::{Lines, get, post_logs, send, send_raw};

/// Just past what a body may grow to.
const BOMB_BYTES: usize = (256 << 20) + 1;

async fn is_defused(encoding: &str, bomb: Vec<u8>) {
    let intake = Intake::start().await;
    let headers = [
        ("dd-api-key", "k"),
        ("content-type", "application/json"),
        ("content-encoding", encoding),
    ];

    let answer = send(&intake, "POST", "/api/v2/logs", &headers, bomb).await;

    assert_eq!(answer.status, 413);
    let request = &intake.raw_requests()[0];
    assert_eq!(request.problems, ["body over 256 MiB decoded"]);
    assert_eq!((request.body.len(), request.items), (0, None));
}

#[tokio::test]
async fn a_zstd_bomb_is_defused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..=BOMB_BYTES >> 20 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    is_defused("zstd", encoder.finish().unwrap()).await;
}

#[tokio::test]
async fn a_gzip_bomb_is_defused() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..=BOMB_BYTES >> 20 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    is_defused("gzip", encoder.finish().unwrap()).await;
}

#[tokio::test]
async fn the_longest_body_is_read() {
    let intake = Intake::start().await;

    let answer = send(&intake, "POST", "/anything", &[], vec![b' '; 64 << 20]).await;

    assert_eq!(answer.status, 200);
    let request = &intake.raw_requests()[0];
    assert_eq!(
        (request.wire_body.len(), request.problems.len()),
        (64 << 20, 0)
    );
}

#[tokio::test]
async fn a_body_announced_as_too_long_is_not_read() {
    let intake = Intake::start().await;
    let head = format!(
        "POST /api/v2/logs HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        (64 << 20) + 1
    );

    let answer = send_raw(&intake, head.as_bytes()).await;

    assert!(
        answer.starts_with(b"HTTP/1.1 413 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let request = &intake.raw_requests()[0];
    assert_eq!((request.status, request.wire_body.len()), (Some(413), 0));
    assert_eq!(request.problems[0], "body over 64 MiB received");
}

#[tokio::test]
async fn a_body_that_turns_out_too_long_is_dropped() {
    let intake = Intake::start().await;
    let mut bytes =
        b"POST /api/v2/logs HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n4000001\r\n"
            .to_vec();
    bytes.resize(bytes.len() + (64 << 20) + 1, b' ');
    bytes.extend_from_slice(b"\r\n0\r\n\r\n");

    send_raw(&intake, &bytes).await;

    let request = &intake.raw_requests()[0];
    assert_eq!((request.status, request.wire_body.len()), (Some(413), 0));
}

#[tokio::test]
async fn a_client_that_leaves_halfway_is_recorded_and_uses_no_fault_up() {
    let intake = Intake::start().await;
    intake.on("*").reply_once(429);
    let bytes =
        b"POST /api/v2/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n[{\"message\":\"x\"}";
    {
        use tokio::io::AsyncWriteExt;
        let mut stream = tokio::net::TcpStream::connect(intake.addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        intake
            .expect(
                |seen| seen.requests("/api/v2/logs") == 1,
                "the torn request",
            )
            .await;
    }
    let request = &intake.raw_requests()[0];
    assert_eq!(request.status, None);
    assert_eq!(request.problems, ["body ended early"]);
    assert_eq!(intake.summary()["faults"][0]["hits"], 0);
    assert_eq!(request.wire_body, "[{\"message\":\"x\"}");
    assert!(intake.logs().is_empty());
}

#[tokio::test]
async fn the_oldest_records_make_room_and_are_counted() {
    let intake = Intake::builder().keep_bytes(20_000).start().await.unwrap();
    for number in 0..20 {
        post_logs(
            &intake,
            format!(r#"[{{"message":"{number} {}"}}]"#, "x".repeat(2_000)),
        )
        .await;
    }

    let summary = intake.summary();
    let kept = intake.messages();
    let evicted = 20 - kept.len();
    assert!((1..10).contains(&kept.len()), "{}", kept.len());
    assert!(kept.last().unwrap().starts_with("19 "));
    assert!(summary["kept_bytes"].as_u64().unwrap() <= 20_000);
    assert_eq!(summary["evicted"]["records"], 2 * evicted);
    assert_eq!(summary["signals"]["logs"]["items"], 20);
    assert_eq!(intake.requests("/api/v2/logs"), 20);
    let shown = get(&intake, "/inspect/logs?after=0").await.lines();
    assert_eq!(shown.len(), kept.len());
    assert_eq!(shown[0]["seq"], json!(2 * evicted + 2));
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_cut_off() {
    let intake = Intake::builder().keep_bytes(20_000).start().await.unwrap();
    post_logs(&intake, r#"[{"message":"first"}]"#).await;
    let mut lines = Lines::open(&intake, "/inspect/logs?follow=1").await;
    assert_eq!(lines.next().await.unwrap().unwrap()["message"], "first");

    // On this runtime of one thread nothing reads in between.
    let requests = 100;
    let body = format!(r#"[{{"message":"{}"}}]"#, "x".repeat(15_000));
    let posted =
        futures_util::future::join_all((0..requests).map(|_| post_logs(&intake, body.clone())));
    posted.await;

    let mut read = 0;
    let end = loop {
        match lines.next().await {
            Ok(Some(_)) => read += 1,
            end => break end,
        }
    };
    assert!(end.is_err(), "{end:?}");
    assert!(read < requests, "{read}");
}
