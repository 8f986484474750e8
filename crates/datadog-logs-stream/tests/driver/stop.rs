//! Flushes and ends: everything is acknowledged, or given back when the time is over, and nothing waits for ever.

use std::time::Duration;

use datadog_dev_intake::{Ack, GrpcStatus, Intake};
use datadog_logs_stream::Failure;
use tokio::time::Instant;

use crate::rig::{Fate, METHOD_A, PANICS, Setup, ended, numbered};
use crate::server::{Conduct, GOOD, Server};

const SHORT: Duration = Duration::from_millis(200);

fn undelivered(fates: &[Fate]) -> Vec<String> {
    let texts = fates.iter().flat_map(|fate| match fate {
        Fate::Undelivered(texts) => texts.clone(),
        other => panic!("{other:?} although nobody acknowledged anything"),
    });
    texts.collect()
}

#[tokio::test]
async fn a_flush_waits_until_everything_before_it_is_acknowledged() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).delay(Duration::from_millis(20));
    let mut rig = Setup::to(&intake).start();
    for first in [0, 10, 20] {
        rig.send(numbered(first, 10)).await;
    }
    assert!(rig.flush().await);
    assert_eq!(rig.fates().len(), 3);
    assert_eq!(rig.handle.report().stats.acknowledged_logs, 30);
    assert!(rig.flush().await, "a flush of nothing is done at once");
}

#[tokio::test]
async fn a_flush_ends_at_its_deadline_and_the_logs_stay() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).ack(Ack::None).times(1);
    let mut rig = Setup::to(&intake).start();
    rig.send(["one"]).await;
    assert!(!rig.handle.flush(Instant::now() + SHORT).await);
    assert_eq!(rig.fates(), []);
    intake.kill().await;
    intake.revive().await.unwrap();
    rig.expect_delivered(["one"]).await;
}

#[tokio::test]
async fn a_flush_ends_at_its_deadline_although_there_is_no_space() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).hang();
    let setup = Setup::to(&intake).with(|settings| settings.max_inflight_payloads = 1);
    let rig = setup.start();
    rig.send(["one"]).await;
    rig.until(|report| report.view.is_some_and(|view| view.inflight_batches == 1))
        .await;
    let waits = rig.handle.clone();
    let waits = tokio::spawn(async move { waits.flush(Instant::now() + SHORT).await });
    assert!(!rig.handle.flush(Instant::now() + SHORT).await);
    assert!(!waits.await.unwrap());
}

#[tokio::test]
async fn flushes_at_the_same_time_are_all_answered() {
    let intake = Intake::start().await;
    let rig = Setup::to(&intake).start();
    rig.send(["one"]).await;
    let flushes = (0..20).map(|_| rig.flush());
    let done = futures_util::future::join_all(flushes).await;
    assert_eq!(done, [true; 20]);
}

#[tokio::test]
async fn the_end_waits_until_everything_is_acknowledged_and_ends_the_stream_in_peace() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).delay(Duration::from_millis(50));
    let rig = Setup::to(&intake).start();
    for first in [0, 10, 20] {
        rig.send(numbered(first, 10)).await;
    }
    let fates = rig.stop().await;
    assert_eq!(fates.len(), 3);
    assert!(fates.iter().all(|fate| matches!(fate, Fate::Delivered(_))));
    assert_eq!(intake.messages(), numbered(0, 30));
    let end = intake.streams().remove(0).ended.unwrap();
    assert_eq!(end.grpc_status, Some(GrpcStatus::Ok));
}

#[tokio::test]
async fn what_nobody_acknowledged_is_given_back_when_the_time_is_over() {
    for is_hung in [true, false] {
        let intake = Intake::start().await;
        match is_hung {
            true => intake.on(METHOD_A).hang(),
            false => intake.on(METHOD_A).ack(Ack::None),
        };
        let mut setup = Setup::to(&intake);
        setup.shutdown_timeout = SHORT;
        let rig = setup.start();
        for first in [0, 10, 20] {
            rig.send(numbered(first, 10)).await;
        }
        let fates = rig.stop().await;
        assert_eq!(undelivered(&fates), numbered(0, 30));
    }
}

#[tokio::test]
async fn what_waits_for_space_is_given_back_too() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).hang();
    let mut setup = Setup::to(&intake).with(|settings| settings.max_inflight_payloads = 1);
    setup.shutdown_timeout = SHORT;
    let rig = setup.start();
    rig.send(["one"]).await;
    rig.until(|report| report.view.is_some_and(|view| view.inflight_batches == 1))
        .await;
    rig.send(["two"]).await;
    let mut left = undelivered(&rig.stop().await);
    left.sort_unstable();
    assert_eq!(left, ["one", "two"]);
}

#[tokio::test]
async fn the_end_does_not_wait_for_an_intake_that_is_not_there() {
    let intake = Intake::start().await;
    intake.kill().await;
    let mut setup = Setup::to(&intake).with(|settings| {
        settings.backoff.base = Duration::from_secs(60);
        settings.backoff.max = Duration::from_secs(600);
    });
    setup.shutdown_timeout = SHORT;
    let rig = setup.start();
    rig.until(|report| report.stats.failures.contains_key(&Failure::CreationFailed))
        .await;
    rig.send(["one"]).await;
    assert_eq!(undelivered(&rig.stop().await), ["one"]);
}

#[tokio::test]
async fn the_end_shortens_a_long_pause_so_that_logs_get_a_last_chance() {
    let intake = Intake::start().await;
    intake.kill().await;
    let setup = Setup::to(&intake).with(|settings| {
        settings.backoff.base = Duration::from_secs(60);
        settings.backoff.max = Duration::from_secs(600);
    });
    let rig = setup.start();
    rig.until(|report| report.stats.failures.contains_key(&Failure::CreationFailed))
        .await;
    rig.send(["one"]).await;
    intake.revive().await.unwrap();
    assert_eq!(rig.stop().await, [Fate::Delivered(vec!["one".to_owned()])]);
}

#[tokio::test]
async fn the_drain_ends_the_service_by_its_deadline_although_doors_are_open() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).hang();
    let setup = Setup::to(&intake).with(|settings| settings.max_inflight_payloads = 2);
    let mut rig = setup.start();
    rig.send(["one"]).await;
    rig.send(["two"]).await;
    rig.until(|report| report.view.is_some_and(|view| view.inflight_batches == 2))
        .await;
    // It has no space for this one, which waits in the channel.
    rig.send(["three"]).await;
    let door = rig.handle.clone();
    let waiting = tokio::spawn(async move { door.flush(Instant::now() + 100 * SHORT).await });

    rig.signal.signal(Instant::now() + 100 * SHORT);
    rig.signal.signal(Instant::now() + SHORT);
    ended(std::mem::replace(&mut rig.task, tokio::spawn(async {}))).await;

    let mut left = undelivered(&rig.fates());
    left.sort_unstable();
    assert_eq!(left, ["one", "three", "two"]);
    assert!(!waiting.await.unwrap());
    assert!(rig.try_send(["four"]).await.is_err());
    assert!(!rig.flush().await);
}

#[tokio::test]
async fn the_drain_takes_no_longer_than_its_deadline_to_close_streams_in_peace() {
    let server = Server::grpc(Conduct {
        ends: false,
        ..GOOD
    })
    .await;
    let mut rig = Setup::to_url(server.url()).start();
    rig.deliver(["one"]).await;
    // Nothing more is expected from the network; only timers move on.
    tokio::time::pause();
    let deadline = Instant::now() + SHORT;
    rig.signal.signal(deadline);
    assert_eq!(rig.stop().await, []);
    let over = Instant::now().saturating_duration_since(deadline);
    assert!(over < SHORT, "{over:?} beyond the deadline");
}

#[tokio::test]
async fn logs_at_which_the_encoder_fails_are_dropped_and_counted_and_others_are_not() {
    let intake = Intake::start().await;
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["user alice logged in"]).await;
    rig.send(["innocent", PANICS]).await;
    assert_eq!(rig.fate().await, Fate::Dropped(2, "encoder"));
    assert!(rig.flush().await);
    rig.deliver(["user bob logged in"]).await;
    assert_eq!(
        intake.messages(),
        ["user alice logged in", "user bob logged in"]
    );
    assert_eq!(rig.stop().await, []);
}
