//! Stateful streams: taken, decoded, stored, acknowledged, and kept apart.

use std::io::Write;

use datadog_dev_intake::{GrpcStatus, Intake, StreamLog};
use serde_json::json;

use crate::client::get;
use crate::grpc::{
    Connection, KEY, METHOD_A, METHOD_C, THREE_MESSAGES, batch, datums_a, ended, framed, hex, open,
    pattern_a, raw_a, stream, structured_a, three_logs_a, three_logs_c,
};

/// A definition and no log.
fn only_definitions() -> Vec<u8> {
    datums_a(vec![pattern_a(1, "a ", &[2])])
}

#[tokio::test]
async fn the_known_batch_of_generation_a_is_taken_and_acknowledged() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    assert_eq!(three_logs_a().len(), 208);
    let message = [hex("0801 12d001"), three_logs_a()].concat();

    call.send_bytes(framed(&message)).await;

    assert_eq!(call.answer().await, Some(hex("0801 1001")));
    assert_eq!(call.status, 200);
    assert_eq!(call.headers["content-type"], "application/grpc");
    intake.expect_logs(&THREE_MESSAGES).await;
    assert_eq!(intake.messages(), THREE_MESSAGES);
    let lines = get(&intake, "/inspect/logs").await.lines();
    assert_eq!(
        lines[2],
        json!({
            "seq": 5, "received_at": lines[2]["received_at"], "via": "stream", "api_key": "cdef",
            "endpoint": METHOD_A, "request": 1, "stream": 1, "batch_id": 1, "pattern_id": 1, "uuid": null,
            "wire": "a", "shadow": false, "body_base64": null,
            "message": THREE_MESSAGES[2], "timestamp": 1_700_000_000_004_u64, "hostname": "web-1",
            "ddsource": "nginx", "ddtags": "env:prod", "status": "error",
        })
    );
    call.close();
    assert_eq!(call.end().await, (Some(0), String::new()));
    let end = ended(&intake, 1).await.ended.unwrap();
    assert_eq!(end.grpc_status, Some(GrpcStatus::Ok));
}

#[tokio::test]
async fn the_known_batch_of_generation_c_is_taken_and_acknowledged() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_C).await;

    call.deliver(1, three_logs_c()).await;

    assert_eq!(
        intake.messages(),
        [THREE_MESSAGES[0], THREE_MESSAGES[1], "x"]
    );
    let logs = intake.logs();
    let note = |pattern_id| {
        Some(StreamLog {
            stream: 1,
            batch_id: 1,
            pattern_id,
            uuid: None,
            wire: "c",
            shadow: false,
            body: None,
        })
    };
    assert_eq!(logs[1].stream, note(Some(2)));
    assert_eq!(logs[2].stream, note(None));
    assert_eq!(logs[2].entry["timestamp"], 1_700_000_000_004_u64);
    assert_eq!(
        (
            logs[2].get("ddtags"),
            logs[2].get("status"),
            logs[2].get("service")
        ),
        (Some("env:prod"), Some("error"), None)
    );
}

#[tokio::test]
async fn batch_0_and_batches_without_logs_are_acknowledged_in_their_order() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;

    call.send(0, only_definitions()).await;
    call.send(1, Vec::new()).await;
    call.send(2, datums_a(vec![structured_a(1, &["b"])])).await;

    let answers = [
        call.answer().await,
        call.answer().await,
        call.answer().await,
    ];
    assert_eq!(
        answers,
        [
            Some(hex("1001")),
            Some(hex("0801 1001")),
            Some(hex("0802 1001"))
        ]
    );
    assert_eq!(intake.messages(), ["a b"]);
    let now = stream(&intake, 1);
    assert_eq!(
        (now.batches, now.last_batch, now.last_acked, now.logs),
        (3, Some(2), Some(2), 1)
    );
}

#[tokio::test]
async fn batches_come_out_of_each_encoding() {
    let intake = Intake::start().await;
    let gzip = |data: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    };
    let data = three_logs_a();
    let compressed = [
        ("identity", data.clone()),
        ("zstd", zstd::bulk::compress(&data, 3).unwrap()),
        ("gzip", gzip(&data)),
    ];
    let mut connection = Connection::to(&intake).await;

    for (encoding, data) in compressed {
        let metadata = [KEY, ("dd-content-encoding", encoding)];
        let mut call = connection.open(METHOD_A, &metadata).await;
        call.deliver(1, data).await;
    }

    assert_eq!(intake.logs().len(), 9);
    let encodings: Vec<String> = intake
        .streams()
        .into_iter()
        .map(|stream| stream.encoding)
        .collect();
    assert_eq!(encodings, ["identity", "zstd", "gzip"]);
}

#[tokio::test]
async fn messages_are_taken_however_they_are_cut() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    let wire = [
        framed(&batch(1, three_logs_a())),
        framed(&batch(2, three_logs_a())),
    ]
    .concat();

    for piece in wire.chunks(7) {
        call.send_bytes(piece.to_vec()).await;
    }

    assert_eq!(call.answer().await, Some(hex("0801 1001")));
    assert_eq!(call.answer().await, Some(hex("0802 1001")));
    assert_eq!(intake.logs().len(), 6);
}

#[tokio::test]
async fn a_message_of_16_mib_is_taken() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    let around = batch(1, datums_a(vec![raw_a(&"x".repeat(10_000_000))])).len() - 10_000_000;
    let text = "x".repeat((16 << 20) - around - 4);

    let message = batch(1, datums_a(vec![raw_a(&text)]));
    assert!(((16 << 20) - 8..=16 << 20).contains(&message.len()));
    call.send_bytes(framed(&message)).await;

    assert_eq!(call.answer().await, Some(hex("0801 1001")));
    assert_eq!(intake.logs()[0].message.len(), text.len());
}

#[tokio::test]
async fn two_streams_of_one_connection_share_no_state() {
    let intake = Intake::start().await;
    let mut connection = Connection::to(&intake).await;
    let mut first = connection.open(METHOD_A, &[KEY]).await;
    let mut second = connection.open(METHOD_A, &[KEY]).await;

    first.deliver(1, only_definitions()).await;
    second
        .deliver(1, datums_a(vec![pattern_a(1, "other ", &[6])]))
        .await;
    let use_it = |value: &'static str| datums_a(vec![structured_a(1, &[value])]);
    first.deliver(2, use_it("1")).await;
    second.deliver(2, use_it("2")).await;

    assert_eq!(intake.messages(), ["a 1", "other 2"]);
    first.close();
    assert_eq!(first.end().await.0, Some(0));
    second.deliver(3, use_it("3")).await;
}

#[tokio::test]
async fn the_state_goes_with_its_stream() {
    let intake = Intake::start().await;
    let mut connection = Connection::to(&intake).await;
    let mut first = connection.open(METHOD_A, &[KEY]).await;
    first.deliver(1, only_definitions()).await;
    assert_eq!(stream(&intake, 1).state.patterns, 1);
    first.close();
    first.end().await;

    let mut second = connection.open(METHOD_A, &[KEY]).await;
    second
        .send(1, datums_a(vec![structured_a(1, &["b"])]))
        .await;

    assert_eq!(
        second.end().await,
        (Some(9), "batch 1, datum 0: unknown pattern 1".to_owned())
    );
    let state = ended(&intake, 1).await.state;
    assert_eq!((state.patterns, state.state_bytes), (0, 0));
}

#[tokio::test]
async fn logs_of_a_shadow_are_taken_and_marked() {
    let intake = Intake::start().await;
    let metadata = [
        KEY,
        ("dd-shadow-only", "true"),
        ("dd-state-request-bytes", "77"),
    ];
    let mut call = Connection::to(&intake)
        .await
        .open(METHOD_A, &metadata)
        .await;

    call.deliver(1, three_logs_a()).await;

    assert!(
        intake
            .logs()
            .iter()
            .all(|log| log.stream.as_ref().unwrap().shadow)
    );
    let now = stream(&intake, 1);
    assert_eq!((now.shadow, now.state_request_bytes), (true, Some(77)));
}

#[tokio::test]
async fn a_kill_cuts_streams_at_once_and_a_batch_cut_short_stores_nothing() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, three_logs_a()).await;
    let message = framed(&batch(2, three_logs_a()));
    call.send_bytes(message.slice(..message.len() - 1)).await;

    intake.kill().await;

    let end = stream(&intake, 1).ended.unwrap();
    assert_eq!(
        (end.grpc_status, end.http_status, end.message.as_str()),
        (None, None, "the connection was closed")
    );
    assert_eq!(call.answer().await, None);
    assert_eq!(intake.logs().len(), 3);

    intake.revive().await.unwrap();
    open(&intake, METHOD_A)
        .await
        .deliver(1, three_logs_a())
        .await;
    assert_eq!((intake.logs().len(), stream(&intake, 2).logs), (6, 3));
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, three_logs_a()).await;

    drop(call);

    let end = ended(&intake, 1).await.ended.unwrap();
    assert_eq!(
        (end.grpc_status, end.message.as_str()),
        (None, "the client left")
    );
    assert_eq!(
        intake.summary()["requests"]["by_status"],
        json!({"unanswered": 1})
    );
}

#[tokio::test]
async fn the_store_keeps_its_bound_with_streams_too() {
    let intake = Intake::builder().keep_bytes(200_000).start().await.unwrap();
    let mut call = open(&intake, METHOD_A).await;
    for id in 1..=20 {
        call.deliver(id, datums_a(vec![raw_a(&"x".repeat(20_000))]))
            .await;
    }

    let summary = intake.summary();
    assert!(summary["kept_bytes"].as_u64().unwrap() <= 200_000);
    let kept = intake.logs().len();
    assert!((1..20).contains(&kept), "{kept}");
    assert_eq!(summary["signals"]["logs"]["items"], 20);
    assert_eq!(stream(&intake, 1).logs, 20);
    assert!(
        intake.raw_requests().is_empty(),
        "the record of the stream was the oldest"
    );
    assert_eq!(
        get(&intake, "/inspect/logs").await.lines().len(),
        kept,
        "a log outlives the record of its stream"
    );
}
