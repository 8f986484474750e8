//! Faults: each kind does to a client what it says.

use std::time::Duration;

use datadog_dev_intake::{Intake, parse_script};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::client::{get, post_logs, send, send_h2, send_raw, try_send};

const ONE: &str = r#"[{"message":"x"}]"#;

async fn try_post(intake: &Intake) -> Result<u16, String> {
    let headers = [("dd-api-key", "0123456789abcdef")];
    let answer = try_send(intake, "POST", "/api/v2/logs", &headers, ONE).await?;
    Ok(answer.status)
}

fn fault_of_last(intake: &Intake) -> (Option<String>, Option<u16>) {
    let last = intake.raw_requests().pop().unwrap();
    (last.fault, last.status)
}

#[tokio::test]
async fn a_status_is_answered_once_and_its_logs_are_not_taken() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").reply_once(429).retry_after(1);

    let refused = post_logs(&intake, r#"[{"message":"first"}]"#).await;
    let accepted = post_logs(&intake, r#"[{"message":"second"}]"#).await;

    assert_eq!((refused.status, accepted.status), (429, 202));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(intake.messages(), ["second"]);
    assert_eq!(intake.requests("/api/v2/logs"), 2);
    let first = &intake.raw_requests()[0];
    assert_eq!(
        (first.fault.as_deref(), first.status, first.items),
        (Some("status 429"), Some(429), Some(1))
    );
}

#[tokio::test]
async fn another_success_accepts() {
    let intake = Intake::start().await;
    intake.on("*").reply(200);

    assert_eq!(post_logs(&intake, ONE).await.status, 200);
    assert_eq!(post_logs(&intake, "not-json").await.status, 200);

    assert_eq!(intake.messages(), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_late_and_still_accepts() {
    let intake = Intake::start().await;
    intake
        .on("/api/v2/*")
        .delay(Duration::from_millis(500))
        .times(1);

    let started = Instant::now();
    assert_eq!(try_post(&intake).await, Ok(202));

    assert!(started.elapsed() >= Duration::from_millis(500));
    assert_eq!(intake.messages(), ["x"]);
    assert_eq!(
        fault_of_last(&intake),
        (Some("delay".to_owned()), Some(202))
    );
    let shown = get(&intake, "/inspect/requests").await.lines();
    assert!(shown[0]["duration_ms"].as_u64().unwrap() >= 500);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_did_not_wait_for_was_delivered_all_the_same() {
    let intake = Intake::start().await;
    intake.on("*").delay(Duration::from_secs(60));

    assert!(
        timeout(Duration::from_secs(5), try_post(&intake))
            .await
            .is_err()
    );

    assert_eq!(intake.messages(), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn a_hung_request_is_read_and_closed_after_ten_minutes() {
    let intake = Intake::start().await;
    intake.on("*").hang();

    let started = Instant::now();
    let ended = try_post(&intake).await;

    assert!(ended.is_err(), "{ended:?}");
    assert!(started.elapsed() >= Duration::from_secs(600));
    assert_eq!(fault_of_last(&intake), (Some("hang".to_owned()), None));
    assert_eq!(intake.raw_requests()[0].body, ONE);
    assert!(intake.messages().is_empty());
    assert_eq!(
        intake.summary()["requests"]["by_status"],
        json!({"unanswered": 1})
    );
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").close().times(1);

    assert!(try_post(&intake).await.is_err());
    assert_eq!(fault_of_last(&intake), (Some("close".to_owned()), None));
    assert!(intake.messages().is_empty());

    assert_eq!(try_post(&intake).await, Ok(202));
}

#[tokio::test]
async fn a_connection_is_closed_within_the_answer_to_the_byte() {
    let intake = Intake::start().await;
    let request = format!(
        "POST /api/v2/logs HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{ONE}",
        ONE.len()
    );
    for bytes in [1, 20, 100] {
        intake.set_faults(Vec::new());
        intake.on("*").close_after(bytes);

        let answer = send_raw(&intake, request.as_bytes()).await;

        assert_eq!(answer.len(), usize::try_from(bytes).unwrap());
        assert!(b"HTTP/1.1 202 Accepted\r\n".starts_with(&answer[..answer.len().min(23)]));
    }
    assert_eq!(
        fault_of_last(&intake),
        (Some("close".to_owned()), Some(202))
    );
    assert!(intake.messages().is_empty());
}

#[tokio::test]
async fn an_answer_shorter_than_the_cut_is_the_last_of_its_connection() {
    let intake = Intake::start().await;
    intake.on("*").close_after(10_000);
    let request = format!(
        "POST /api/v2/logs HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{ONE}",
        ONE.len()
    );

    let answer = send_raw(&intake, request.repeat(2).as_bytes()).await;

    let text = String::from_utf8(answer).unwrap();
    assert_eq!(text.matches("HTTP/1.1 202").count(), 1, "{text}");
    assert!(text.ends_with("{}"));
}

#[tokio::test]
async fn a_connection_is_closed_within_the_request() {
    let intake = Intake::start().await;
    intake.on("*").close_after_reading(3).times(1);
    let body = format!(r#"[{{"message":"{}"}}]"#, "x".repeat(4 << 20));

    let ended = try_send(&intake, "POST", "/api/v2/logs", &[], body.clone()).await;

    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(
        fault_of_last(&intake),
        (Some("close_read".to_owned()), None)
    );
    let read = intake.raw_requests()[0].wire_body.len();
    assert!((3..body.len()).contains(&read), "{read}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_takes_its_time_and_accepts() {
    let intake = Intake::start().await;
    intake.on("*").slow_read(1_000);
    let body = format!(r#"[{{"message":"{}"}}]"#, "x".repeat(5_000));

    let started = Instant::now();
    assert_eq!(post_logs(&intake, body).await.status, 202);

    assert!(started.elapsed() >= Duration::from_secs(5));
    assert_eq!(
        fault_of_last(&intake),
        (Some("slow_read".to_owned()), Some(202))
    );
    assert_eq!(intake.snapshot().log_count(), 1);
}

#[tokio::test]
async fn matchers_choose_whom_a_rule_concerns() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").min_items(3).reply(413);
    intake.on("/api/v2/logs").min_raw_bytes(1_000).reply(503);
    intake.on("/api/v2/logs").api_key_suffix("cdef").reply(403);
    let of = |count: usize| format!("[{}]", vec![r#"{"message":"x"}"#; count].join(","));
    let long = format!(r#"[{{"message":"{}"}}]"#, "x".repeat(1_000));
    let other_key = [("dd-api-key", "other")];

    assert_eq!(
        send(&intake, "POST", "/api/v2/logs", &other_key, of(2))
            .await
            .status,
        202
    );
    assert_eq!(
        send(&intake, "POST", "/api/v2/logs", &other_key, of(3))
            .await
            .status,
        413
    );
    assert_eq!(
        send(&intake, "POST", "/api/v2/logs", &other_key, long)
            .await
            .status,
        503
    );
    assert_eq!(post_logs(&intake, of(2)).await.status, 403);
    assert_eq!(post_logs(&intake, of(3)).await.status, 413);
}

#[tokio::test]
async fn faults_concern_http_2_and_the_validation_of_keys_too() {
    let intake = Intake::start().await;
    intake.on("*").reply(403).times(2);

    assert_eq!(send_h2(&intake, "/api/v2/logs", &[], ONE).await.status, 403);
    assert_eq!(get(&intake, "/api/v1/validate").await.status, 403);
    assert_eq!(get(&intake, "/api/v1/validate").await.status, 200);
}

#[tokio::test]
async fn questions_are_never_faulted() {
    let intake = Intake::start().await;
    intake.on("*").reply(500);

    assert_eq!(get(&intake, "/inspect/summary").await.status, 200);
    assert_eq!(get(&intake, "/").await.status, 200);
}

#[tokio::test]
async fn a_script_is_posted_shown_with_its_hits_and_cleared() {
    let intake = Intake::start().await;
    let script = r#"{"rules":[{"path":"/api/v2/logs","times":2,"status":429,"retry_after":1},{"delay_ms":1}]}"#;

    let posted = send(&intake, "POST", "/inspect/faults", &[], script).await;
    assert_eq!(posted.status, 200);
    post_logs(&intake, ONE).await;

    let expected = json!([
        {"path": "/api/v2/logs", "times": 2, "status": 429, "retry_after": 1, "hits": 1},
        {"path": "*", "delay_ms": 1, "hits": 0},
    ]);
    assert_eq!(
        get(&intake, "/inspect/faults").await.json(),
        json!({ "rules": expected })
    );
    assert_eq!(intake.summary()["faults"], expected);

    let cleared = send(&intake, "DELETE", "/inspect/faults", &[], "").await;
    assert_eq!(cleared.json(), json!({"rules": []}));
    assert_eq!(try_post(&intake).await, Ok(202));
}

#[tokio::test]
async fn a_script_with_a_mistake_changes_nothing() {
    let intake = Intake::start().await;
    intake.on("*").reply(500);

    let refused = send(
        &intake,
        "POST",
        "/inspect/faults",
        &[],
        r#"{"rules":[{"staus":429}]}"#,
    )
    .await;

    assert_eq!(refused.status, 400);
    assert!(
        refused.text().starts_with("unknown field `staus`"),
        "{}",
        refused.text()
    );
    assert_eq!(try_post(&intake).await, Ok(500));
}

#[tokio::test]
async fn a_script_is_read_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("faults.json");
    std::fs::write(&path, r#"{"rules":[{"status":503,"times":1}]}"#).unwrap();
    let intake = Intake::builder().faults_file(&path).start().await.unwrap();
    assert_eq!(try_post(&intake).await, Ok(503));

    std::fs::write(&path, r#"{"rules":[{}]}"#).unwrap();
    let error = Intake::builder()
        .faults_file(&path)
        .start()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("faults.json: rule 0 does nothing: set status,")
    );
    let error = Intake::builder()
        .faults_file(dir.path().join("none"))
        .start()
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("cannot read "));
}

#[tokio::test]
async fn a_parsed_script_can_be_set() {
    let intake = Intake::start().await;
    intake.set_faults(parse_script(br#"{"rules":[{"status":418}]}"#).unwrap());
    assert_eq!(try_post(&intake).await, Ok(418));
    intake.set_faults(Vec::new());
    assert_eq!(try_post(&intake).await, Ok(202));
}

#[tokio::test]
#[should_panic(expected = "the rule for /x does nothing")]
async fn a_rule_without_an_effect_fails_the_test_that_writes_it() {
    let intake = Intake::start().await;
    drop(intake.on("/x"));
}
