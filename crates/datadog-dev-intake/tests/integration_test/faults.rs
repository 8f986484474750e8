//! Faults: each kind does to a client what it says.

use datadog_dev_intake::Intake;

use crate::client::post_logs;

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
    assert_eq!(
        intake.raw_requests()[0].fault.as_deref(),
        Some("status 429")
    );
}
