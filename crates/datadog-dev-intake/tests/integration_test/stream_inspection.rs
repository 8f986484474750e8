//! Questions about streams and patterns, and what streams change in the answers to older ones.

use datadog_dev_intake::Intake;
use serde_json::json;

use crate::client::{Lines, get, post_logs, send};
use crate::grpc::{
    Connection, KEY, METHOD_A, THREE_MESSAGES, batch, datums_a, ended, open, pattern_a, raw_a,
    stream, structured_a, three_logs_a,
};

/// What is wrong with the known logs.
const OLD: [&str; 3] = [
    "batch 1, log 0: timestamp over 18 hours old",
    "batch 1, log 1: timestamp over 18 hours old",
    "batch 1, log 2: timestamp over 18 hours old",
];

#[tokio::test]
async fn a_stream_is_shown_with_its_numbers_and_its_state() {
    let intake = Intake::start().await;
    let metadata = [KEY, ("dd-content-encoding", "identity")];
    let mut call = Connection::to(&intake)
        .await
        .open(METHOD_A, &metadata)
        .await;
    call.deliver(1, three_logs_a()).await;

    let shown = get(&intake, "/inspect/streams").await.json();

    let first = &shown["streams"][0];
    let bodies: usize = THREE_MESSAGES.iter().map(|message| message.len()).sum();
    assert_eq!(
        shown["streams"],
        json!([{
            "stream": 1, "request": 1, "wire": "a", "path": METHOD_A, "opened_at": first["opened_at"],
            "age_s": first["age_s"], "encoding": "identity", "api_key": "cdef", "shadow": false,
            "state_request_bytes": null, "fault": null, "batches": 1, "last_batch": 1, "last_acked": 1,
            "logs": 3, "wire_bytes": 213 + 5, "body_bytes": bodies,
            "state": {"patterns": 1, "texts": 2, "schemas": 0, "state_bytes": first["state"]["state_bytes"]},
            "http": {"batches": 0, "logs": 0, "wire_bytes": 0, "http_bytes": 0},
            "problems": OLD,
            "ended": null,
        }])
    );
    assert!(first["state"]["state_bytes"].as_u64().unwrap() > 100);
    assert_eq!(shown["http_batches_left"], json!(null));
    call.close();
    call.end().await;
    ended(&intake, 1).await;
    let shown = get(&intake, "/inspect/streams").await.json();
    let end = &shown["streams"][0]["ended"];
    assert_eq!(
        *end,
        json!({"at": end["at"], "grpc_status": "OK", "http_status": 200, "message": ""})
    );
}

#[tokio::test]
async fn the_cost_over_http_is_worked_out_when_asked_for_and_only_once() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, three_logs_a()).await;
    call.deliver(2, Vec::new()).await;

    let asked = get(&intake, "/inspect/streams?http_bytes=1").await.json();

    let entries: Vec<String> = intake.logs().into_iter().map(|log| log.text).collect();
    let body = format!("[{}]", entries.join(","));
    let http_bytes = zstd::bulk::compress(body.as_bytes(), 3).unwrap().len();
    let expected =
        json!({"batches": 2, "logs": 3, "wire_bytes": 218 + 7, "http_bytes": http_bytes});
    assert_eq!(asked["streams"][0]["http"], expected);
    assert_eq!(asked["http_batches_left"], 0);
    let again = get(&intake, "/inspect/streams?http_bytes=1").await.json();
    assert_eq!(again["streams"][0]["http"], expected);
    assert_eq!(
        get(&intake, "/inspect/streams?http=1").await.text(),
        "the only parameter is http_bytes=1\n"
    );
}

#[tokio::test]
async fn the_live_patterns_are_shown_the_most_used_first() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(
        0,
        datums_a(vec![pattern_a(7, "", &[0]), pattern_a(9, "a ", &[2])]),
    )
    .await;
    call.deliver(
        1,
        datums_a(vec![structured_a(9, &["1"]), structured_a(9, &["2"])]),
    )
    .await;

    let shown = get(&intake, "/inspect/patterns").await.json();

    assert_eq!(
        shown,
        json!({
            "patterns": [
                {
                    "stream": 1, "wire": "a", "pattern_id": 9, "pieces": ["a ", ""], "template": "a <*>",
                    "is_cut": false, "logs": 2, "last_seen": shown["patterns"][0]["last_seen"], "example": "a 2",
                },
                {
                    "stream": 1, "wire": "a", "pattern_id": 7, "pieces": ["", ""], "template": "<*>",
                    "is_cut": false, "logs": 0, "last_seen": null, "example": null,
                },
            ],
            "total": 2,
            "cut": 0,
        })
    );
    let cut = get(&intake, "/inspect/patterns?limit=1").await.json();
    assert_eq!(
        (
            cut["patterns"].as_array().unwrap().len(),
            &cut["total"],
            &cut["cut"]
        ),
        (1, &json!(2), &json!(1))
    );
    for wrong in ["limit=1001", "limit=-1", "limt=1"] {
        let refused = get(&intake, &format!("/inspect/patterns?{wrong}")).await;
        assert_eq!(
            (refused.status, refused.text()),
            (400, "the only parameter is limit, at most 1000\n")
        );
    }
    assert_eq!(
        intake.summary()["streams"],
        json!({"open": 1, "patterns": 2})
    );
}

#[tokio::test]
async fn a_pattern_that_was_deleted_is_no_longer_shown() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, three_logs_a()).await;
    let delete =
        crate::grpc::a::datum::Data::PatternDelete(crate::grpc::a::PatternDelete { pattern_id: 1 });

    call.deliver(2, datums_a(vec![delete])).await;

    assert_eq!(get(&intake, "/inspect/patterns").await.json()["total"], 0);
    call.close();
    call.end().await;
}

#[tokio::test]
async fn a_stream_is_a_request_that_shows_how_it_stands() {
    let intake = Intake::start().await;
    post_logs(&intake, r#"[{"message":"over HTTP"}]"#).await;
    let mut follow = Lines::open(&intake, "/inspect/requests?follow=1&after=2").await;
    let mut call = open(&intake, METHOD_A).await;
    let opened = follow.next().await.unwrap().unwrap();
    assert_eq!(
        (&opened["seq"], &opened["via"]),
        (&json!(3), &json!("stream"))
    );
    call.deliver(1, three_logs_a()).await;
    call.close();
    call.end().await;
    ended(&intake, 1).await;

    let answer = get(&intake, "/inspect/requests?after=2").await;

    assert!(!answer.text().contains("0123456789"));
    let shown = &answer.lines()[0];
    let ended =
        json!({"at": shown["ended"]["at"], "grpc_status": "OK", "http_status": 200, "message": ""});
    assert_eq!(
        *shown,
        json!({
            "seq": 3, "received_at": shown["received_at"], "via": "stream", "api_key": "cdef", "endpoint": METHOD_A,
            "method": "POST", "path": METHOD_A, "query": null, "http_version": "HTTP/2.0",
            "headers": {"content-type": "application/grpc", "te": "trailers", "dd-api-key": "***cdef"},
            "status": 200, "fault": null, "wire_bytes": 218, "raw_bytes": 150, "encoding": "identity", "items": 3,
            "problems": OLD, "duration_ms": shown["duration_ms"],
            "stream": 1, "wire": "a", "shadow": false, "batches": 1, "last_acked": 1, "ended": ended,
        })
    );
    assert_eq!(answer.lines().len(), 1, "its batches are no requests");
    assert_eq!(intake.raw_requests().len(), 2);
    assert_eq!(
        (
            intake.requests(METHOD_A),
            intake.snapshot().requests(METHOD_A)
        ),
        (1, 1)
    );
    assert_eq!(
        get(&intake, "/inspect/requests/3/body").await.text(),
        "a stream has no body; its logs are those with \"stream\":1\n"
    );
    assert_eq!(
        get(&intake, "/inspect/requests/4/body?wire=1").await.status,
        404
    );
}

#[tokio::test]
async fn the_summary_counts_by_the_way_that_logs_came() {
    let intake = Intake::start().await;
    let body = r#"[{"message":"x","service":"web"}]"#;
    post_logs(&intake, body).await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(0, Vec::new()).await;
    call.deliver(1, three_logs_a()).await;

    let logs = intake.summary()["signals"]["logs"].clone();

    assert_eq!(
        logs["by_via"],
        json!({
            "http": {"items": 1, "raw_bytes": body.len(), "wire_bytes": body.len()},
            "stream": {"items": 3, "raw_bytes": 150, "wire_bytes": 218 + 5},
        })
    );
    assert_eq!((&logs["items"], &logs["requests"]), (&json!(4), &json!(1)));
    assert_eq!(logs["wire_bytes"], body.len() + 218 + 5);
    assert_eq!(logs["by_source"], json!({"nginx": 3, "(none)": 1}));
    assert_eq!(intake.summary()["requests"]["total"], 2);
}

#[tokio::test]
async fn the_bytes_of_a_batch_are_kept() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, three_logs_a()).await;
    call.deliver(2, Vec::new()).await;

    let batches = intake.batches();

    let found: Vec<_> = batches
        .iter()
        .map(|one| (one.stream, one.batch_id, one.message.to_vec(), one.logs))
        .collect();
    assert_eq!(
        found,
        [
            (1, 1, batch(1, three_logs_a()), 3),
            (1, 2, batch(2, Vec::new()), 0)
        ]
    );
}

#[tokio::test]
async fn a_reset_forgets_ended_streams_and_leaves_open_ones_alone() {
    let intake = Intake::start().await;
    let mut first = open(&intake, METHOD_A).await;
    first.deliver(1, datums_a(vec![raw_a("x")])).await;
    let mut second = open(&intake, METHOD_A).await;
    first.close();
    first.end().await;
    ended(&intake, 1).await;

    send(&intake, "POST", "/inspect/reset", &[], "").await;

    let numbers: Vec<u64> = intake.streams().iter().map(|one| one.stream).collect();
    assert_eq!(numbers, [2]);
    second.deliver(1, datums_a(vec![raw_a("y")])).await;
    assert_eq!(intake.messages(), ["y"]);
    assert_eq!(stream(&intake, 2).logs, 1);
}

#[tokio::test]
async fn the_last_hundred_streams_that_ended_are_shown() {
    let intake = Intake::start().await;
    let mut connection = Connection::to(&intake).await;
    for _ in 0..105 {
        connection.open(METHOD_A, &[]).await.end().await;
    }
    let numbers: Vec<u64> = intake.streams().iter().map(|one| one.stream).collect();
    assert_eq!(numbers, (6..=105).collect::<Vec<_>>());
}
