//! Logs: taken, decoded, checked and shown.

use std::io::Write;

use datadog_dev_intake::Intake;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::client::{get, post_logs, send, send_h2};

const FULL: &str = r#"{"message":"user logged in","timestamp":1700000001000,"hostname":"my-host","service":"my-service","ddsource":"lambda","ddtags":"env:prod,version:1.0","status":"info","lambda":{"arn":"a","request_id":"r"}}"#;

const JSON: (&str, &str) = ("content-type", "application/json");
const ONE: &[u8] = br#"[{"message":"x"}]"#;
const KEY: (&str, &str) = ("dd-api-key", "0123456789abcdef");

#[tokio::test]
async fn the_minimal_entry_is_accepted_and_shown() {
    let intake = Intake::start().await;

    let answer = post_logs(&intake, r#"[{"message":"x","timestamp":1700000000000}]"#).await;

    assert_eq!((answer.status, answer.text()), (202, "{}"));
    intake.expect_logs(&["x"]).await;
    let lines = get(&intake, "/inspect/logs").await.lines();
    let received_at = lines[0]["received_at"].clone();
    assert_eq!(
        lines,
        [json!({
            "seq": 2, "received_at": received_at, "via": "http", "api_key": "cdef", "endpoint": "/api/v2/logs",
            "request": 1, "message": "x", "timestamp": 1_700_000_000_000_u64,
        })]
    );
}

#[tokio::test]
async fn the_full_entry_is_shown_to_the_byte() {
    let intake = Intake::start().await;
    post_logs(&intake, format!("[{FULL}]")).await;

    let shown = get(&intake, "/inspect/logs").await;

    let own_keys = FULL.strip_prefix('{').unwrap();
    assert!(
        shown
            .text()
            .ends_with(&format!(r#""request":1,{own_keys}{}"#, "\n")),
        "{}",
        shown.text()
    );
    let log = &intake.logs()[0];
    assert_eq!(
        (log.message.as_str(), log.text.as_str()),
        ("user logged in", FULL)
    );
    assert_eq!(
        (log.get("ddtags"), log.get("timestamp")),
        (Some("env:prod,version:1.0"), None)
    );
    assert_eq!(log.entry["lambda"], json!({"arn": "a", "request_id": "r"}));
}

#[tokio::test]
async fn numbers_keep_their_text_and_lines_stay_whole() {
    let intake = Intake::start().await;
    post_logs(
        &intake,
        "[{\"message\":\"x\",\n \"n\" : 1.50e2, \"big\":123456789012345678901234567890}]",
    )
    .await;

    let shown = get(&intake, "/inspect/logs").await;

    assert_eq!(shown.text().lines().count(), 1);
    let own_keys = r#""message":"x","n":1.50e2,"big":123456789012345678901234567890}"#;
    assert!(
        shown.text().trim_end().ends_with(own_keys),
        "{}",
        shown.text()
    );
}

#[tokio::test]
async fn our_keys_give_way_to_the_entrys() {
    let intake = Intake::start().await;
    post_logs(
        &intake,
        r#"[{"message":"x","seq":"theirs","via":"v","_via":"w"},{}]"#,
    )
    .await;

    let lines = get(&intake, "/inspect/logs").await.lines();

    assert_eq!(
        (&lines[0]["seq"], &lines[0]["_seq"]),
        (&json!("theirs"), &json!(2))
    );
    assert_eq!(
        (&lines[0]["via"], &lines[0]["_via"], &lines[0]["__via"]),
        (&json!("v"), &json!("w"), &json!("http"))
    );
    assert_eq!(lines[0]["request"], 1);
    assert_eq!(lines[1].as_object().unwrap().len(), 6);
}

#[tokio::test]
async fn the_summary_counts_logs_and_requests() {
    let intake = Intake::start().await;
    post_logs(
        &intake,
        r#"[{"message":"a","service":"web","status":"info"},{"message":"b","status":"error"}]"#,
    )
    .await;
    post_logs(&intake, "not-json").await;

    let summary = get(&intake, "/inspect/summary").await.json();

    assert_eq!(summary["seq"], 4);
    assert_eq!(
        summary["signals"]["logs"],
        json!({
            "items": 2, "requests": 1, "raw_bytes": 82, "wire_bytes": 82,
            "by_via": {
                "http": {"items": 2, "raw_bytes": 82, "wire_bytes": 82},
                "stream": {"items": 0, "raw_bytes": 0, "wire_bytes": 0},
            },
            "by_status": {"error": 1, "info": 1}, "by_service": {"(none)": 1, "web": 1}, "by_source": {"(none)": 2},
        })
    );
    assert_eq!(
        summary["requests"],
        json!({"total": 2, "by_path": {"/api/v2/logs": 2}, "by_status": {"202": 1, "400": 1}})
    );
    assert_eq!(summary["problems"], json!({"body not decodable": 1}));
    assert_eq!(summary["keep_bytes"], 256 << 20);
    assert_eq!(summary["evicted"], json!({"records": 0, "bytes": 0}));
}

#[tokio::test]
async fn http_2_without_tls_is_understood() {
    let intake = Intake::start().await;

    let answer = send_h2(&intake, "/api/v2/logs", &[KEY], r#"[{"message":"x"}]"#).await;

    assert_eq!(answer.status, 202);
    assert_eq!(intake.raw_requests()[0].http_version, "HTTP/2.0");
    assert_eq!(intake.messages(), ["x"]);
}

#[tokio::test]
async fn compressed_bodies_are_read_and_both_sizes_counted() {
    let intake = Intake::start().await;
    let raw = format!("[{FULL}]");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(raw.as_bytes()).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    deflate.write_all(raw.as_bytes()).unwrap();
    let bodies = [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
        ("zstd", zstd::bulk::compress(raw.as_bytes(), 3).unwrap()),
        ("identity", raw.clone().into_bytes()),
    ];

    for (encoding, wire) in bodies {
        let answer = send(
            &intake,
            "POST",
            "/api/v2/logs",
            &[KEY, JSON, ("content-encoding", encoding)],
            wire.clone(),
        )
        .await;

        assert_eq!(answer.status, 202, "{encoding}");
        let request = intake.raw_requests().pop().unwrap();
        assert_eq!(request.body, raw, "{encoding}");
        assert_eq!(request.wire_body, wire, "{encoding}");
        let shown = get(&intake, "/inspect/requests")
            .await
            .lines()
            .pop()
            .unwrap();
        assert_eq!(shown["encoding"], encoding);
        assert_eq!(
            (&shown["wire_bytes"], &shown["raw_bytes"]),
            (&json!(wire.len()), &json!(raw.len()))
        );
    }
    assert_eq!(intake.messages(), ["user logged in"; 4]);
}

async fn check(headers: &[(&str, &str)], body: &[u8], status: u16, problems: &[&str]) {
    let intake = Intake::start().await;

    let answer = send(&intake, "POST", "/api/v2/logs", headers, body.to_vec()).await;

    let request = &intake.raw_requests()[0];
    assert_eq!(
        (answer.status, request.status),
        (status, Some(status)),
        "{problems:?}"
    );
    assert_eq!(request.problems, problems);
    assert_eq!(
        intake.logs().len(),
        if status == 202 {
            request.items.unwrap()
        } else {
            0
        }
    );
}

#[tokio::test]
async fn what_the_intake_would_refuse_is_refused_and_said() {
    let not_entries = "body not decodable: neither a JSON array nor an object";
    let zstd = zstd::bulk::compress(ONE, 1).unwrap();
    let gzip = ("content-encoding", "gzip");
    let brotli = ("content-encoding", "br");
    check(&[KEY, JSON], b"not-json", 400, &[not_entries]).await;
    check(
        &[KEY, JSON, gzip],
        ONE,
        400,
        &["body does not match its Content-Encoding"],
    )
    .await;
    check(
        &[KEY, JSON, brotli],
        ONE,
        415,
        &["unknown Content-Encoding"],
    )
    .await;
    check(
        &[KEY, JSON],
        &zstd,
        400,
        &["compressed body without Content-Encoding", not_entries],
    )
    .await;
}

#[tokio::test]
async fn what_the_intake_would_only_dislike_is_taken_and_said() {
    let protocol = |value| ("dd-protocol", value);
    check(&[KEY, JSON, protocol("agent-json")], ONE, 202, &[]).await;
    check(
        &[KEY, JSON, protocol("agent-xml")],
        ONE,
        202,
        &["unknown DD-PROTOCOL"],
    )
    .await;
    check(&[JSON], ONE, 202, &["no DD-API-KEY header"]).await;
    check(&[KEY], ONE, 202, &["Content-Type is not application/json"]).await;
    check(
        &[KEY, ("content-type", "application/json; charset=utf-8")],
        ONE,
        202,
        &[],
    )
    .await;
    check(&[KEY, JSON], b"[]", 202, &["empty array"]).await;
}

#[tokio::test]
async fn a_key_can_be_required() {
    let intake = Intake::builder().require_key().start().await.unwrap();
    let body = r#"[{"message":"x"}]"#;

    assert_eq!(
        send(&intake, "POST", "/api/v2/logs", &[JSON], body)
            .await
            .status,
        403
    );
    assert_eq!(
        send(&intake, "POST", "/api/v2/logs", &[JSON], "not-json")
            .await
            .status,
        403
    );
    assert_eq!(
        send(&intake, "POST", "/v1/input", &[JSON], body)
            .await
            .status,
        202
    );
    assert_eq!(
        send(&intake, "POST", "/api/v2/logs", &[JSON, KEY], body)
            .await
            .status,
        202
    );
    assert_eq!(
        intake
            .logs()
            .iter()
            .map(|log| log.endpoint.as_str())
            .collect::<Vec<_>>(),
        ["/v1/input", "/api/v2/logs"]
    );
}

#[tokio::test]
async fn a_key_in_the_query_counts_and_no_key_is_null() {
    let intake = Intake::start().await;
    send(
        &intake,
        "POST",
        "/v1/input?api_key=0123456789&ddtags=a:b",
        &[JSON],
        r#"{"message":"x"}"#,
    )
    .await;
    send(&intake, "POST", "/v1/input", &[JSON], r#"{"message":"y"}"#).await;

    let logs = get(&intake, "/inspect/logs").await.lines();
    assert_eq!(
        (&logs[0]["api_key"], &logs[1]["api_key"]),
        (&json!("6789"), &Value::Null)
    );
    let requests = get(&intake, "/inspect/requests").await.lines();
    assert_eq!(requests[0]["query"], "api_key=***6789&ddtags=a:b");
}

#[tokio::test]
async fn other_paths_are_recorded_as_they_are() {
    let intake = Intake::start().await;

    let other = send(
        &intake,
        "POST",
        "/api/v9/other?x=1",
        &[KEY],
        &b"\x0a\x00"[..],
    )
    .await;
    let put = send(&intake, "PUT", "/anything", &[], "text").await;
    let validate = get(&intake, "/api/v1/validate").await;
    let unknown = get(&intake, "/nope").await;

    assert_eq!((other.status, other.text()), (200, "{}"));
    assert_eq!((put.status, put.text()), (200, "{}"));
    assert_eq!(
        (validate.status, validate.text()),
        (200, r#"{"valid":true}"#)
    );
    assert_eq!(unknown.status, 404);
    let requests = intake.raw_requests();
    let paths: Vec<_> = requests
        .iter()
        .map(|request| (request.path.as_str(), request.problems.len()))
        .collect();
    assert_eq!(
        paths,
        [
            ("/api/v9/other", 0),
            ("/anything", 0),
            ("/api/v1/validate", 0),
            ("/nope", 1)
        ]
    );
    assert_eq!(requests[0].body, &b"\x0a\x00"[..]);
    assert_eq!(requests[0].query.as_deref(), Some("x=1"));
    assert!(intake.logs().is_empty());
}

/// JSON that survives being read into a tree and written again, so that it can be compared.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn entry() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("service".to_owned()),
        Just("seq".to_owned()),
        Just("_request".to_owned()),
        any::<String>(),
    ];
    (any::<String>(), btree_map(key, json_value(), 0..6)).prop_map(|(message, attributes)| {
        let mut entry = Map::new();
        entry.insert("message".to_owned(), message.into());
        entry.extend(attributes);
        Value::Object(entry)
    })
}

/// A record without the keys that the intake added, wherever they had to give way to.
fn own_keys(mut record: Value, entry: &Value) -> Value {
    let map = record.as_object_mut().unwrap();
    for ours in [
        "seq",
        "received_at",
        "via",
        "api_key",
        "endpoint",
        "request",
    ] {
        let mut name = ours.to_owned();
        while entry.get(&name).is_some() {
            name.insert(0, '_');
        }
        assert!(map.shift_remove(&name).is_some(), "{name}");
    }
    record
}

#[test]
fn what_is_posted_is_what_is_shown() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
    let intake = runtime.block_on(Intake::start());
    let property = |(entries, is_pretty): (Vec<Value>, bool)| {
        runtime.block_on(async {
            let before = intake.summary()["seq"].clone();
            let body = if is_pretty {
                serde_json::to_string_pretty(&entries)
            } else {
                serde_json::to_string(&entries)
            };
            assert_eq!(post_logs(&intake, body.unwrap()).await.status, 202);
            let lines = get(&intake, &format!("/inspect/logs?after={before}"))
                .await
                .lines();
            let shown: Vec<Value> = lines
                .into_iter()
                .zip(&entries)
                .map(|(record, entry)| own_keys(record, entry))
                .collect();
            prop_assert_eq!(&shown, &entries);
            Ok(())
        })
    };
    runner
        .run(&(vec(entry(), 1..5), any::<bool>()), property)
        .unwrap();
}
