//! Logs: taken, decoded, checked and shown.

use datadog_dev_intake::Intake;
use serde_json::json;

use crate::client::{get, post_logs, send_h2};

#[tokio::test]
async fn a_posted_log_is_accepted_and_shown() {
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
async fn the_summary_counts_logs_and_requests() {
    let intake = Intake::start().await;
    post_logs(
        &intake,
        r#"[{"message":"a","service":"web","status":"info"},{"message":"b","status":"error"}]"#,
    )
    .await;

    let summary = get(&intake, "/inspect/summary").await.json();

    assert_eq!(summary["seq"], 3);
    assert_eq!(
        summary["signals"]["logs"],
        json!({
            "items": 2, "requests": 1, "raw_bytes": 82, "wire_bytes": 82,
            "by_status": {"error": 1, "info": 1}, "by_service": {"(none)": 1, "web": 1}, "by_source": {"(none)": 2},
        })
    );
    assert_eq!(
        summary["requests"],
        json!({"total": 1, "by_path": {"/api/v2/logs": 1}, "by_status": {"202": 1}})
    );
}

#[tokio::test]
async fn http_2_without_tls_is_understood() {
    let intake = Intake::start().await;

    let answer = send_h2(
        &intake,
        "/api/v2/logs",
        &[("dd-api-key", "k")],
        r#"[{"message":"x"}]"#,
    )
    .await;

    assert_eq!(answer.status, 202);
    assert_eq!(intake.raw_requests()[0].http_version, "HTTP/2.0");
    assert_eq!(intake.messages(), ["x"]);
}
