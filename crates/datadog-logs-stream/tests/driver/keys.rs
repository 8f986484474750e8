//! Refusals of the key, and keys that change.

use std::time::Duration;

use datadog_dev_intake::{GrpcStatus, Intake};
use datadog_logs_stream::state::{Fallback, Rotation};
use datadog_logs_stream::{Code, Failure};

use crate::rig::{KEY, KEY_END, METHOD_A, Setup, streams};

#[tokio::test]
async fn a_stream_with_an_old_key_is_replaced_and_nothing_is_sent_again() {
    let intake = Intake::start().await;
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["one"]).await;

    rig.set_key("another-key-9999");
    rig.deliver(["two"]).await;
    rig.deliver(["three"]).await;

    let report = rig.handle.report();
    assert_eq!(report.stats.rotations[&Rotation::KeyChanged], 1);
    assert_eq!(report.stats.resent_logs, 0);
    assert!(report.stats.failures.is_empty());
    assert_eq!(intake.messages(), ["one", "two", "three"]);
    let keys: Vec<_> = (intake.streams().into_iter())
        .map(|stream| stream.api_key.unwrap())
        .collect();
    assert_eq!(keys, [KEY_END, "9999"]);
    let is_over = |all: &[datadog_dev_intake::StreamSnapshot]| {
        let end = all[0].ended.as_ref();
        end.is_some_and(|end| end.grpc_status == Some(GrpcStatus::Ok))
    };
    streams(&intake, is_over, "the end of the old stream").await;
}

#[tokio::test]
async fn logs_wait_while_the_key_is_refused_and_a_fresh_one_is_asked_for() {
    for status in [GrpcStatus::Unauthenticated, GrpcStatus::PermissionDenied] {
        let intake = Intake::start().await;
        intake
            .on(METHOD_A)
            .api_key_suffix(KEY_END)
            .grpc_status(status);
        let setup = Setup::to(&intake).with(|settings| settings.fallback = Fallback::None);
        let mut rig = setup.start();
        rig.send(["patient"]).await;
        let code = Code::from_number(i32::from(status.code()));
        let refused = Failure::Status(code);
        rig.until(|report| report.stats.failures.get(&refused) > Some(&6))
            .await;
        assert!(rig.refreshes() >= 6, "{}", rig.refreshes());
        assert_eq!(rig.fates(), []);

        rig.set_key("another-key-9999");
        rig.expect_delivered(["patient"]).await;
        assert_eq!(intake.messages(), ["patient"]);
    }
}

#[tokio::test]
async fn a_new_key_is_tried_at_once_although_the_pause_is_long() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .api_key_suffix(KEY_END)
        .grpc_status(GrpcStatus::PermissionDenied);
    let hour = Duration::from_secs(3_600);
    let setup = Setup::to(&intake).with(|settings| {
        settings.backoff.max = hour;
        settings.fallback = Fallback::None;
    });
    let mut rig = setup.start();
    rig.until(|report| report.view.is_some_and(|view| view.state == "waiting"))
        .await;
    rig.send(["patient"]).await;

    rig.set_key("another-key-9999");
    rig.expect_delivered(["patient"]).await;
    assert_eq!(intake.requests(METHOD_A), 2);
}

#[tokio::test]
async fn logs_go_over_http_after_so_many_refusals_of_the_key_and_come_back_with_a_new_one() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .api_key_suffix(KEY_END)
        .grpc_status(GrpcStatus::Unauthenticated);
    let setup = Setup::to(&intake).with(|settings| {
        settings.auth_fallback_after = 3;
        settings.backoff.max = Duration::from_millis(5);
    });
    let mut rig = setup.start();
    rig.send(["first"]).await;
    rig.expect_http(["first"]).await;
    assert!(rig.failures(Failure::Status(Code::Unauthenticated)) >= 3);
    assert!(rig.refreshes() >= 3);

    rig.set_key("another-key-9999");
    rig.until(|report| report.view.is_some_and(|view| view.state == "active"))
        .await;
    rig.deliver(["second"]).await;
    assert_eq!(intake.messages(), ["second"]);
}

#[tokio::test]
async fn a_key_that_no_header_can_hold_counts_as_refused() {
    let intake = Intake::start().await;
    let setup = Setup::to(&intake).with(|settings| settings.fallback = Fallback::None);
    let mut rig = setup.start();
    rig.deliver(["one"]).await;
    rig.set_key("new\nline");
    rig.send(["two"]).await;
    let refused = Failure::Status(Code::Unauthenticated);
    rig.until(|report| report.stats.failures.contains_key(&refused))
        .await;

    rig.set_key(KEY);
    rig.expect_delivered(["two"]).await;
    assert_eq!(intake.messages(), ["one", "two"]);
}
