//! What an agent only passes on: taken as it is, and kept so that a test can compare it.

use bytes::Bytes;
use datadog_dev_intake::{Intake, Part};
use serde_json::json;

use crate::client::{get, send, send_raw};

const KEY: (&str, &str) = ("dd-api-key", "0123456789abcdef");

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn a_profile_is_kept_whole_and_its_parts_are_listed() {
    let intake = Intake::start().await;
    let content_type = ("content-type", "multipart/form-data; boundary=\"b-1\"");
    let tags = ("x-datadog-additional-tags", "host:h");
    let pprof: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let head: &[u8] = b"--b-1\r\nContent-Disposition: form-data; name=\"event\"; filename=\"event.json\"\r\nContent-Type: application/json\r\n\r\n{}\r\n--b-1\r\nContent-Disposition: form-data; name=\"auto\"\r\n\r\n";
    let body = [head, &pprof, b"\r\n--b-1--\r\n"].concat();

    let path = "/api/v2/profile?x=1";
    let answer = send(
        &intake,
        "POST",
        path,
        &[KEY, content_type, tags],
        body.clone(),
    )
    .await;

    assert_eq!((answer.status, answer.text()), (202, "{}"));
    let record = get(&intake, "/inspect/requests").await.lines().remove(0);
    assert_eq!(record["product"], "profiling");
    assert_eq!(
        record["parts"],
        json!([
            {"name": "event", "filename": "event.json", "content_type": "application/json", "bytes": 2},
            {"name": "auto", "filename": null, "content_type": null, "bytes": 3_000_000},
        ])
    );
    assert_eq!(
        (&record["query"], &record["problems"]),
        (&json!("x=1"), &json!([]))
    );
    assert_eq!(record["headers"]["x-datadog-additional-tags"], "host:h");
    assert_eq!(record["raw_bytes"], body.len());
    let request = intake.raw_requests().remove(0);
    assert_eq!(request.wire_body, body);
    assert_eq!(request.product, Some("profiling"));
    let part = Part {
        name: "auto".to_owned(),
        filename: None,
        content_type: None,
        bytes: 3_000_000,
    };
    assert_eq!(request.parts[1], part);
    assert_eq!(get(&intake, "/inspect/requests/1/body").await.body, body);
}

#[tokio::test]
async fn telemetry_says_what_it_is_about() {
    let intake = Intake::start().await;
    let json_type = ("content-type", "application/json");
    let body = r#"{"request_type":"message-batch","payload":[{"request_type":"app-started"},{"request_type":"generate-metrics"}]}"#;
    let answer = send(
        &intake,
        "POST",
        "/api/v2/apmtelemetry",
        &[KEY, json_type],
        body,
    )
    .await;
    assert_eq!((answer.status, answer.text()), (202, "{}"));
    let record = get(&intake, "/inspect/requests").await.lines().remove(0);
    assert_eq!(record["product"], "telemetry");
    assert_eq!(record["request_type"], "message-batch");
    assert_eq!(
        record["messages"],
        json!(["app-started", "generate-metrics"])
    );
    let request = intake.raw_requests().remove(0);
    assert_eq!(
        request.request_types,
        ["message-batch", "app-started", "generate-metrics"]
    );
}

#[tokio::test]
async fn every_product_is_known_by_its_path() {
    let intake = Intake::start().await;
    let via = ("via", "trace-agent 7.70.0");
    let cases: [(&str, &str, Headers<'_>, u16, &str); 9] = [
        ("POST", "/api/v2/debugger", &[KEY], 202, "debugger"),
        (
            "POST",
            "/api/v0.1/pipeline_stats",
            &[KEY],
            202,
            "pipeline_stats",
        ),
        (
            "PUT",
            "/api/v0.1/pipeline_stats",
            &[KEY],
            202,
            "pipeline_stats",
        ),
        (
            "POST",
            "/api/v1/lineage?api-version=2",
            &[("authorization", "Bearer 0123456789abcdef")],
            202,
            "lineage",
        ),
        (
            "POST",
            "/api/ui/support/serverless/flare",
            &[KEY],
            200,
            "flare",
        ),
        ("POST", "/api/v2/llmobs", &[KEY, via], 200, "evp"),
        ("GET", "/api/v2/settings", &[KEY, via], 200, "evp"),
        ("DELETE", "/api/v2/x", &[KEY, via], 200, "evp"),
        ("POST", "/api/v2/profile", &[KEY, via], 202, "profiling"),
    ];
    for (method, path, headers, status, product) in cases {
        let answer = send(&intake, method, path, headers, "{}").await;
        assert_eq!(answer.status, status, "{method} {path}");
        let request = intake.raw_requests().pop().unwrap();
        assert_eq!(request.product, Some(product), "{method} {path}");
        let is_keyless = request
            .problems
            .iter()
            .any(|problem| problem.contains("KEY"));
        assert!(!is_keyless, "{method} {path}: {:?}", request.problems);
    }
    let record = get(&intake, "/inspect/requests").await.lines().remove(3);
    assert_eq!(record["api_key"], "cdef");
    assert_eq!(record["headers"]["authorization"], "***cdef");
    assert_eq!(
        send(&intake, "GET", "/api/v2/settings", &[KEY], "")
            .await
            .status,
        404
    );
    assert_eq!(intake.raw_requests().pop().unwrap().product, None);
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_and_it_is_taken() {
    let intake = Intake::start().await;
    let form = ("content-type", "multipart/form-data; boundary=b");
    let cases: [(&str, Headers<'_>, &str, &str); 5] = [
        (
            "/api/v2/profile",
            &[KEY],
            "x",
            "Content-Type is not multipart/form-data",
        ),
        (
            "/api/v2/profile",
            &[KEY, form],
            "x",
            "body not decodable: no boundary in the body",
        ),
        ("/api/v2/apmtelemetry", &[KEY], "{}", "no request_type"),
        (
            "/api/v2/debugger",
            &[KEY, ("content-encoding", "gzip")],
            "x",
            "body does not match its Content-Encoding",
        ),
        ("/api/v2/debugger", &[], "{}", "no DD-API-KEY header"),
    ];
    for (path, headers, body, problem) in cases {
        let answer = send(&intake, "POST", path, headers, body).await;
        assert_eq!(answer.status, 202, "{path}");
        let request = intake.raw_requests().pop().unwrap();
        assert_eq!(request.problems, [problem]);
        assert_eq!(request.wire_body, body);
    }
}

#[tokio::test]
async fn bodies_over_fifty_mebibytes_are_refused() {
    let intake = Intake::start().await;
    let path = "/api/v2/profile";
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ndd-api-key: k\r\ncontent-length: {}\r\n\r\n",
        (50 << 20) + 1
    );
    let answer = send_raw(&intake, head.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 413 "));
    let bomb: Bytes = zstd::bulk::compress(&vec![0; (50 << 20) + 1], 1)
        .unwrap()
        .into();
    let headers = [KEY, ("content-encoding", "zstd")];
    let answer = send(&intake, "POST", path, &headers, bomb).await;
    assert_eq!(answer.status, 413);
    assert_eq!(
        answer.json(),
        json!({"errors": ["body over 52428800 bytes decompressed"]})
    );
}

#[tokio::test]
async fn faults_concern_products_as_any_other_path() {
    let intake = Intake::start().await;
    intake.on("/api/v2/*").reply_once(503).retry_after(3);
    let refused = send(
        &intake,
        "POST",
        "/api/v2/apmtelemetry",
        &[KEY],
        r#"{"request_type":"a"}"#,
    )
    .await;
    assert_eq!(
        (refused.status, &refused.headers["retry-after"]),
        (503, &"3".parse().unwrap())
    );
    let request = intake.raw_requests().remove(0);
    assert_eq!(
        (request.fault.as_deref(), request.status),
        (Some("status 503"), Some(503))
    );
    assert_eq!(request.request_types, ["a"]);
}
