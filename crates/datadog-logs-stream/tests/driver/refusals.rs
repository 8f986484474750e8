//! Statuses with which an intake ends a stream, each with what follows from it.

use std::time::Duration;

use datadog_dev_intake::{Ack, GrpcStatus, Intake};
use datadog_logs_stream::state::{AckStatus, Fallback, Rotation, Wire};
use datadog_logs_stream::{Code, Failure};

use crate::rig::{Fate, METHOD_A, METHOD_C, Rig, Setup};

fn is_away(rig: &Rig) -> bool {
    rig.handle.report().view.is_some_and(|view| view.is_away)
}

#[tokio::test]
async fn unimplemented_hands_logs_to_http_and_those_that_follow() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).grpc_status(GrpcStatus::Unimplemented);
    let mut rig = Setup::to(&intake).start();
    rig.send(["one"]).await;
    rig.expect_http(["one"]).await;
    rig.send(["two"]).await;
    rig.expect_http(["two"]).await;
    assert!(is_away(&rig));
    assert_eq!(intake.requests(METHOD_A), 1);
    assert_eq!(rig.stop().await, []);
}

#[tokio::test]
async fn unimplemented_makes_auto_try_the_other_profile() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).grpc_status(GrpcStatus::Unimplemented);
    let setup = Setup::to(&intake).with(|settings| settings.wire = Wire::Auto);
    let mut rig = setup.start();
    rig.deliver(["one"]).await;
    rig.deliver(["two"]).await;
    assert_eq!(intake.messages(), ["one", "two"]);
    assert_eq!(intake.requests(METHOD_A), 1);
    assert_eq!(intake.requests(METHOD_C), 1);
}

#[tokio::test]
async fn unimplemented_in_both_profiles_hands_logs_to_http() {
    let intake = Intake::start().await;
    intake
        .on("/datadog.*")
        .grpc_status(GrpcStatus::Unimplemented);
    let setup = Setup::to(&intake).with(|settings| settings.wire = Wire::Auto);
    let mut rig = setup.start();
    rig.send(["one"]).await;
    rig.expect_http(["one"]).await;
    assert_eq!(
        (intake.requests(METHOD_A), intake.requests(METHOD_C)),
        (1, 1)
    );
}

#[tokio::test]
async fn unimplemented_without_http_makes_logs_wait() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::Unimplemented)
        .times(4);
    let setup = Setup::to(&intake).with(|settings| settings.fallback = Fallback::None);
    let mut rig = setup.start();
    rig.deliver(["one"]).await;
    assert_eq!(rig.failures(Failure::Status(Code::Unimplemented)), 4);
}

#[tokio::test]
async fn failed_precondition_hands_logs_to_http_until_the_stream_is_tried_again() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::FailedPrecondition)
        .times(2);
    let setup =
        Setup::to(&intake).with(|settings| settings.fallback_recheck = Duration::from_millis(300));
    let mut rig = setup.start();
    rig.send(["one"]).await;
    rig.expect_http(["one"]).await;
    rig.until(|report| {
        let failures = &report.stats.failures;
        let refused = failures.get(&Failure::Status(Code::FailedPrecondition));
        refused == Some(&2) && report.view.is_some_and(|view| view.state == "active")
    })
    .await;
    rig.deliver(["two"]).await;
    assert_eq!(intake.messages(), ["two"]);
}

#[tokio::test]
async fn an_intake_that_lost_the_state_is_told_it_again() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).forget_state_after(1).times(1);
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["user alice logged in"]).await;
    rig.deliver(["user bob logged in"]).await;
    assert_eq!(
        intake.messages(),
        ["user alice logged in", "user bob logged in"]
    );
    assert_eq!(rig.failures(Failure::Status(Code::FailedPrecondition)), 1);
    assert!(!is_away(&rig));
}

#[tokio::test]
async fn a_batch_that_is_refused_three_times_is_made_raw() {
    for status in [GrpcStatus::InvalidArgument, GrpcStatus::OutOfRange] {
        let intake = Intake::start().await;
        // The fault takes the logs before it refuses them, which shows what was sent.
        intake
            .on(METHOD_A)
            .grpc_status(status)
            .end_after_batches(1)
            .ack(Ack::NotLast)
            .times(3);
        let mut rig = Setup::to(&intake).start();
        rig.deliver(["user alice came", "user bob came", "user eve came"])
            .await;

        let (logs, mut patterned) = (intake.logs(), [0; 4]);
        for log in &logs {
            let of = log.stream.as_ref().unwrap();
            let attempt = usize::try_from(of.stream).unwrap() - 1;
            patterned[attempt] += usize::from(of.pattern_id.is_some());
        }
        assert_eq!((logs.len(), patterned), (12, [2, 2, 2, 0]));
        assert_eq!(rig.handle.report().stats.raw_batches, 1);
        rig.deliver(["user oscar came"]).await;
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_raw_is_dropped_counted_and_not_missed_by_later_ones() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::InvalidArgument)
        .end_after_batches(1)
        .ack(Ack::NotLast)
        .times(4);
    let mut rig = Setup::to(&intake).start();
    rig.send(["took 5ms", "took 6ms"]).await;
    assert_eq!(rig.fate().await, Fate::Dropped(2, "poison"));
    let settled = Fate::Settled(vec!["took 5ms".to_owned(), "took 6ms".to_owned()], 2);
    assert_eq!(rig.fate().await, settled);
    rig.deliver(["took 7ms"]).await;
    assert_eq!(rig.handle.report().stats.dropped_poison_logs, 2);
    assert_eq!(intake.requests(METHOD_A), 5);
}

#[tokio::test]
async fn of_a_batch_that_was_divided_only_the_part_that_is_refused_is_lost() {
    let texts = [
        "user alice came",
        "user bob came",
        "user eve came",
        "user dan came",
    ];
    // The part in front is refused; behind it, the one behind a snapshot.
    for taken in [1, 2] {
        let intake = Intake::start().await;
        intake
            .on(METHOD_A)
            .grpc_status(GrpcStatus::ResourceExhausted)
            .end_after_batches(1)
            .ack(Ack::NotLast)
            .times(1);
        intake
            .on(METHOD_A)
            .grpc_status(GrpcStatus::InvalidArgument)
            .end_after_batches(taken)
            .ack(Ack::NotLast)
            .times(4);
        let mut rig = Setup::to(&intake).start();
        rig.send(texts).await;
        assert_eq!(rig.fate().await, Fate::Dropped(2, "poison"), "{taken}");
        let settled = Fate::Settled(texts.map(str::to_owned).to_vec(), 2);
        assert_eq!(rig.fate().await, settled);
        rig.deliver(["user oscar came"]).await;
    }
}

#[tokio::test]
async fn an_acknowledgement_that_says_no_is_a_refusal() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).ack(Ack::UnknownStatus).times(3);
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["took 5ms"]).await;
    assert_eq!(rig.failures(Failure::Rejected), 3);
    assert_eq!(rig.handle.report().stats.raw_batches, 1);
}

#[tokio::test]
async fn an_acknowledgement_without_a_status_is_good_where_that_is_asked_for() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).ack(Ack::UnknownStatus);
    let setup = Setup::to(&intake).with(|settings| settings.ack_status = AckStatus::Lenient);
    let mut rig = setup.start();
    rig.deliver(["one"]).await;
    assert_eq!(intake.requests(METHOD_A), 1);
}

#[tokio::test]
async fn resource_exhausted_divides_the_batch() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::ResourceExhausted)
        .end_after_batches(1)
        .ack(Ack::NotLast)
        .times(1);
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["a 1", "a 2", "a 3", "a 4"]).await;
    rig.deliver(["b 1", "b 2", "b 3", "b 4"]).await;
    let logs: Vec<_> = (intake.batches().iter())
        .map(|batch| (batch.stream, batch.logs))
        .filter(|(_, logs)| *logs > 0)
        .collect();
    // What follows is divided beforehand, until a stream has lived as long as it should.
    assert_eq!(logs, [(1, 4), (2, 2), (2, 2), (2, 2), (2, 2)]);
    assert_eq!(rig.handle.report().stats.divided_batches, 1);
}

#[tokio::test]
async fn resource_exhausted_at_a_snapshot_makes_the_state_smaller() {
    let intake = Intake::start().await;
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["user alice logged in", "took 5ms"]).await;
    // The next stream is ended when it has sent its snapshot.
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::ResourceExhausted)
        .end_after_batches(1)
        .ack(Ack::NotLast)
        .times(1);
    rig.set_key("another-key-9999");
    rig.deliver(["user bob logged in"]).await;
    assert_eq!(rig.failures(Failure::Status(Code::ResourceExhausted)), 1);
    rig.deliver(["took 6ms"]).await;
    assert_eq!(intake.messages().len(), 4);
}

#[tokio::test]
async fn whatever_may_pass_is_tried_again() {
    let statuses = [
        GrpcStatus::Unavailable,
        GrpcStatus::Internal,
        GrpcStatus::Aborted,
        GrpcStatus::DeadlineExceeded,
        GrpcStatus::Unknown,
        GrpcStatus::Cancelled,
        GrpcStatus::DataLoss,
        GrpcStatus::NotFound,
        GrpcStatus::AlreadyExists,
    ];
    let intake = Intake::start().await;
    for status in statuses {
        intake.on(METHOD_A).grpc_status(status).times(1);
    }
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["one"]).await;
    for status in statuses {
        let code = Code::from_number(i32::from(status.code()));
        assert_eq!(rig.failures(Failure::Status(code)), 1, "{status:?}");
    }
    assert_eq!(intake.messages(), ["one"]);
}

#[tokio::test]
async fn what_stands_in_front_of_an_intake_is_understood_without_grpc() {
    for (http, code) in [
        (503, Code::Unavailable),
        (429, Code::Unavailable),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (500, Code::Unknown),
    ] {
        let intake = Intake::start().await;
        intake.on(METHOD_A).reply_once(http);
        let mut rig = Setup::to(&intake).start();
        rig.deliver(["one"]).await;
        assert_eq!(rig.failures(Failure::Status(code)), 1, "{http}");
    }
    let intake = Intake::start().await;
    intake.on(METHOD_A).reply_once(404);
    let mut rig = Setup::to(&intake).start();
    rig.send(["one"]).await;
    rig.expect_http(["one"]).await;
}

#[tokio::test]
async fn a_server_that_closes_a_stream_which_worked_is_followed_at_once() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).end_after_batches(1).times(3);
    let setup = Setup::to(&intake).with(|settings| {
        // A pause would never end.
        settings.backoff.base = Duration::from_secs(3_600);
        settings.backoff.max = Duration::from_secs(36_000);
    });
    let mut rig = setup.start();
    rig.deliver(["one"]).await;
    rig.until(|report| report.stats.rotations.get(&Rotation::ServerEof) == Some(&1))
        .await;
    assert!(rig.handle.report().stats.failures.is_empty());
}

#[tokio::test]
async fn a_server_that_closes_before_it_acknowledges_is_a_failure() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .end_after_batches(1)
        .ack(Ack::NotLast)
        .times(2);
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["one"]).await;
    assert_eq!(rig.failures(Failure::ServerEof), 2);
    assert_eq!(rig.handle.report().stats.resent_logs, 2);
}
