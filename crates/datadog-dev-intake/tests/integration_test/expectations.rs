//! Expectations: they hold when they should, and say what arrived when they do not.

use std::time::Duration;

use datadog_dev_intake::{Error, Intake};
use tokio::net::TcpStream;

use crate::client::{post_logs, try_send};

async fn impatient() -> Intake {
    Intake::builder()
        .deadline(Duration::from_millis(1))
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_expectation_waits_for_what_comes_later() {
    let intake = Intake::start().await;
    let (messages, two) = (["b", "a"], |seen: &datadog_dev_intake::Snapshot| {
        seen.log_count() == 2
    });

    tokio::join!(
        intake.expect_logs(&messages),
        intake.expect(two, "two logs"),
        async {
            post_logs(&intake, r#"[{"message":"a"}]"#).await;
            post_logs(&intake, r#"[{"message":"b"}]"#).await;
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_end_an_expectation() {
    let intake = Intake::start().await;
    let messages = ["late"];

    tokio::join!(intake.expect_logs(&messages), async {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        post_logs(&intake, r#"[{"message":"late"}]"#).await;
    });
}

#[tokio::test]
#[should_panic(expected = "did not get the logs [\"a\", \"c\"]")]
async fn a_message_is_missed_as_often_as_it_is_listed() {
    let intake = impatient().await;
    post_logs(&intake, r#"[{"message":"a"},{"message":"b"}]"#).await;
    intake.expect_logs(&["a", "a", "b", "c"]).await;
}

#[tokio::test]
#[should_panic(expected = "did not see three requests")]
async fn a_condition_is_missed_in_its_own_words() {
    let intake = impatient().await;
    intake
        .expect(|seen| seen.raw_requests().len() == 3, "three requests")
        .await;
}

#[tokio::test]
async fn a_failure_prints_where_it_stands_and_what_arrived() {
    let intake = impatient().await;
    intake.on("*").reply_once(429);
    post_logs(&intake, r#"[{"message":"refused"}]"#).await;
    post_logs(&intake, r#"[{"message":"taken"},{}]"#).await;

    let expectation = tokio::spawn(async move { intake.expect_logs(&["wanted"]).await });
    let panic = expectation.await.unwrap_err().into_panic();

    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("expectations.rs:"), "{text}");
    let after = text.split_once("after 1ms\n").unwrap().1;
    assert_eq!(
        after,
        "2 requests arrived:\n  \
         1 POST /api/v2/logs -> 429, 1 entries, fault status 429\n  \
         2 POST /api/v2/logs -> 202, 2 entries, problems [\"entry 1: no message\"]\n\
         2 logs were accepted:\n  \"taken\"\n  \"\"\n"
    );
}

#[tokio::test]
async fn a_killed_intake_refuses_and_a_revived_one_remembers() {
    let intake = Intake::start().await;
    post_logs(&intake, r#"[{"message":"before"}]"#).await;
    let mut idle = TcpStream::connect(intake.addr()).await.unwrap();

    intake.kill().await;

    assert!(
        try_send(&intake, "POST", "/api/v2/logs", &[], "[]")
            .await
            .is_err()
    );
    let mut byte = [0];
    let read = tokio::io::AsyncReadExt::read(&mut idle, &mut byte).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");

    intake.revive().await.unwrap();
    intake.revive().await.unwrap();
    post_logs(&intake, r#"[{"message":"after"}]"#).await;
    assert_eq!(intake.messages(), ["before", "after"]);
}

#[tokio::test]
async fn a_dropped_or_stopped_intake_gives_its_port_back() {
    let dropped = Intake::start().await;
    let addr = dropped.addr();
    drop(dropped);
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }

    let stopped = Intake::builder().addr(addr).start().await.unwrap();
    assert_eq!(
        (stopped.port(), stopped.url()),
        (addr.port(), format!("http://{addr}"))
    );
    stopped.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let first = Intake::start().await;
    let error = Intake::builder()
        .addr(first.addr())
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Bind { addr, .. } if addr == first.addr()));
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen on {}: ", first.addr()))
    );
}
