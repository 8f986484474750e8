//! Questions: what can be asked, in which order the answers come, and who may ask.

use datadog_dev_intake::Intake;
use serde_json::{Value, json};

use crate::client::{Lines, get, post_logs, send};

fn messages(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn records_come_in_order_after_a_number_and_up_to_a_limit() {
    let intake = Intake::start().await;
    post_logs(&intake, r#"[{"message":"a"},{"message":"b"}]"#).await; // 1, 2, 3
    post_logs(&intake, r#"[{"message":"c"}]"#).await; // 4, 5

    let logs = async |query: &str| get(&intake, &format!("/inspect/logs{query}")).await.lines();
    assert_eq!(messages(&logs("").await), ["a", "b", "c"]);
    assert_eq!(messages(&logs("?after=2").await), ["b", "c"]);
    assert_eq!(messages(&logs("?after=3").await), ["c"]);
    assert_eq!(messages(&logs("?after=5").await), Vec::<&str>::new());
    assert_eq!(messages(&logs("?limit=2").await), ["a", "b"]);
    assert_eq!(messages(&logs("?after=2&limit=1").await), ["b"]);
    assert_eq!(messages(&logs("?limit=0").await), Vec::<&str>::new());
    let requests = get(&intake, "/inspect/requests?after=1").await.lines();
    assert_eq!(
        requests.iter().map(|line| &line["seq"]).collect::<Vec<_>>(),
        [4]
    );
}

#[tokio::test]
async fn logs_are_filtered_here() {
    let intake = Intake::start().await;
    post_logs(
        &intake,
        r#"[{"message":"Disk full","service":"db","status":"error","ddsource":"pg"},
            {"message":"disk ok","service":"db","status":"info"},
            {"message":{"deep":"DISK"},"service":"web"}]"#,
    )
    .await;

    let seqs = async |query: &str| {
        let lines = get(&intake, &format!("/inspect/logs?{query}"))
            .await
            .lines();
        lines
            .iter()
            .map(|line| line["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(seqs("service=db").await, [2, 3]);
    assert_eq!(seqs("service=db&status=info").await, [3]);
    assert_eq!(seqs("source=pg").await, [2]);
    assert_eq!(seqs("status=(none)").await, [4]);
    assert_eq!(seqs("q=DISK").await, [2, 3, 4]);
    assert_eq!(seqs("q=disk+o&limit=1").await, [3]);
}

#[tokio::test]
async fn many_records_come_in_several_chunks_without_gap() {
    let intake = Intake::start().await;
    for _ in 0..3 {
        let entries: Vec<String> = (0..1_000)
            .map(|n| format!(r#"{{"message":"{n} {}"}}"#, "x".repeat(100)))
            .collect();
        post_logs(&intake, format!("[{}]", entries.join(","))).await;
    }

    let lines = get(&intake, "/inspect/logs").await.lines();

    let seqs: Vec<u64> = lines
        .iter()
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    let expected: Vec<u64> = (0..3)
        .flat_map(|request| (0..1_000).map(move |log| request * 1_001 + log + 2))
        .collect();
    assert_eq!(seqs, expected);
}

#[tokio::test]
async fn a_followed_stream_goes_on_with_what_arrives() {
    let intake = Intake::start().await;
    post_logs(&intake, r#"[{"message":"before","service":"web"}]"#).await;
    let mut logs = Lines::open(&intake, "/inspect/logs?follow=1&service=web&limit=3").await;
    let mut requests = Lines::open(&intake, "/inspect/requests?follow=1&after=1").await;

    assert_eq!(logs.next().await.unwrap().unwrap()["message"], "before");
    post_logs(
        &intake,
        r#"[{"message":"first","service":"web"},{"message":"hidden","service":"db"}]"#,
    )
    .await;
    assert_eq!(logs.next().await.unwrap().unwrap()["message"], "first");
    assert_eq!(requests.next().await.unwrap().unwrap()["items"], 2);
    intake.reset();
    post_logs(&intake, r#"[{"message":"second","service":"web"}]"#).await;
    assert_eq!(logs.next().await.unwrap().unwrap()["message"], "second");
    assert_eq!(logs.next().await, Ok(None));
    assert_eq!(requests.next().await.unwrap().unwrap()["items"], 1);
}

#[tokio::test]
async fn a_request_is_shown_with_its_headers_and_its_key_masked() {
    let intake = Intake::start().await;
    let headers = [
        ("dd-api-key", "0123456789abcdef"),
        ("content-type", "application/json"),
        ("x-twice", "a"),
        ("x-twice", "b"),
    ];
    send(
        &intake,
        "POST",
        "/api/v2/logs?ddtags=a:b",
        &headers,
        r#"[{"message":"x"},{}]"#,
    )
    .await;

    let answer = get(&intake, "/inspect/requests").await;

    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    assert!(!answer.text().contains("0123456789"));
    let shown = &answer.lines()[0];
    assert_eq!(
        *shown,
        json!({
            "seq": 1, "received_at": shown["received_at"], "via": "http", "api_key": "cdef", "endpoint": "/api/v2/logs",
            "method": "POST", "path": "/api/v2/logs", "query": "ddtags=a:b", "http_version": "HTTP/1.1",
            "headers": {
                "dd-api-key": "***cdef", "content-type": "application/json", "x-twice": "a, b",
                "host": intake.addr().to_string(), "content-length": "20",
            },
            "status": 202, "fault": null, "wire_bytes": 20, "raw_bytes": 20, "encoding": "identity", "items": 2,
            "problems": ["entry 1: no message"], "duration_ms": shown["duration_ms"],
        })
    );
    assert_eq!(
        intake.raw_requests()[0].header("DD-API-KEY"),
        Some("0123456789abcdef")
    );
    assert!(!format!("{:?}", intake.raw_requests()).contains("0123456789"));
    assert!(!format!("{intake:?}").contains("0123456789"));
}

#[tokio::test]
async fn a_body_is_given_decoded_and_as_received() {
    let intake = Intake::start().await;
    let raw = r#"[{"message":"x"}]"#;
    let wire = zstd::bulk::compress(raw.as_bytes(), 1).unwrap();
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "zstd"),
    ];
    send(&intake, "POST", "/api/v2/logs", &headers, wire.clone()).await;
    send(
        &intake,
        "POST",
        "/page",
        &[("content-type", "text/html")],
        "<script>alert(1)</script>",
    )
    .await;
    send(&intake, "POST", "/x", &[("content-encoding", "gzip")], "no").await;

    let decoded = get(&intake, "/inspect/requests/1/body").await;
    assert_eq!(
        (decoded.text(), &decoded.headers["content-type"]),
        (raw, &"application/json".parse().unwrap())
    );
    let received = get(&intake, "/inspect/requests/1/body?wire=1").await;
    assert_eq!(
        (received.body, &received.headers["content-type"]),
        (wire.into(), &"application/octet-stream".parse().unwrap())
    );
    let page = get(&intake, "/inspect/requests/3/body").await;
    assert_eq!(page.headers["content-type"], "application/octet-stream");
    assert_eq!(
        page.headers["content-security-policy"],
        "default-src 'none'; sandbox"
    );
    assert_eq!(get(&intake, "/inspect/requests/4/body").await.status, 404);
    assert_eq!(
        get(&intake, "/inspect/requests/4/body?wire=1").await.text(),
        "no"
    );
    assert_eq!(
        get(&intake, "/inspect/requests/2/body").await.status,
        404,
        "that is a log"
    );
    assert_eq!(get(&intake, "/inspect/requests/9/body").await.status, 404);
    assert_eq!(
        get(&intake, "/inspect/requests/1/body?wier=1").await.status,
        400
    );
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let intake = Intake::start().await;

    let unknown = get(&intake, "/inspect/profiles").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.text(),
        "no records are called \"profiles\" here; there are logs, series, sketches, events, checks, traces, stats, security and requests, and beside them summary, streams, patterns, faults, remote_config and reset\n"
    );
    assert_eq!(get(&intake, "/inspect").await.status, 404);
    assert_eq!(
        get(&intake, "/inspect/logs?servise=x").await.text(),
        "unknown parameter servise\n"
    );
    let wrong = get(&intake, "/inspect/reset").await;
    assert_eq!(
        (wrong.status, &wrong.headers["allow"]),
        (405, &"POST".parse().unwrap())
    );
    assert_eq!(
        send(&intake, "POST", "/inspect/logs", &[], "").await.status,
        405
    );
    assert!(
        intake.raw_requests().is_empty(),
        "questions are not recorded"
    );
}

#[tokio::test]
async fn a_reset_forgets_records_counts_and_faults() {
    let intake = Intake::start().await;
    post_logs(&intake, r#"[{"message":"x"}]"#).await;
    intake.on("*").reply(500);

    assert_eq!(
        send(&intake, "POST", "/inspect/reset", &[], "")
            .await
            .status,
        200
    );

    let summary = intake.summary();
    assert_eq!(
        (intake.messages().len(), intake.requests("/api/v2/logs")),
        (0, 0)
    );
    assert_eq!(
        (
            &summary["requests"]["total"],
            &summary["kept_bytes"],
            &summary["faults"]
        ),
        (&json!(0), &json!(0), &json!([]))
    );
    post_logs(&intake, r#"[{"message":"y"}]"#).await;
    assert_eq!(intake.logs()[0].seq, 4, "numbers go on");
}

#[tokio::test]
async fn telemetry_comes_under_any_name_and_questions_only_under_ours() {
    let intake = Intake::builder()
        .allow_host("intake.test")
        .start()
        .await
        .unwrap();
    let evil = [("host", "evil.example")];

    let posted = raw(&intake, "POST", "/api/v2/logs", &evil).await;
    let asked = raw(&intake, "GET", "/inspect/logs", &evil).await;
    let page = raw(&intake, "GET", "/", &evil).await;
    let allowed = raw(
        &intake,
        "GET",
        "/inspect/logs",
        &[("host", "intake.test:8282")],
    )
    .await;
    let foreign = raw(
        &intake,
        "POST",
        "/inspect/reset",
        &[("host", "localhost"), ("origin", "http://evil.example")],
    )
    .await;

    assert_eq!(
        [posted, asked, page, allowed, foreign],
        [202, 403, 403, 200, 403]
    );
    assert_eq!(intake.raw_requests().len(), 1, "the reset did not happen");
}

/// The status answered to a request whose headers are exactly these.
async fn raw(intake: &Intake, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n{}");
    let answer = crate::client::send_raw(intake, text.as_bytes()).await;
    let status = String::from_utf8(answer).unwrap();
    status.split(' ').nth(1).unwrap().parse().unwrap()
}
