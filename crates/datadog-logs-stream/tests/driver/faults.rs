//! An intake that answers wrongly, late or not at all.

use std::collections::BTreeSet;
use std::time::Duration;

use datadog_dev_intake::{Ack, Intake, StreamSnapshot};
use datadog_logs_stream::state::Rotation;
use datadog_logs_stream::{Compression, Failure};

use crate::rig::{METHOD_A, Setup, numbered, streams};

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn batches_that_nobody_acknowledges_are_sent_again_on_another_stream() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).ack(Ack::None).times(2);
    let setup = Setup::to(&intake).with(|settings| settings.ack_timeout = SHORT);
    let mut rig = setup.start();
    rig.deliver(["one"]).await;
    assert_eq!(rig.failures(Failure::AckTimeout), 2);
    assert_eq!(intake.messages(), ["one", "one", "one"]);
    assert_eq!(rig.handle.report().stats.resent_logs, 2);
}

#[tokio::test]
async fn an_acknowledged_snapshot_alone_proves_nothing() {
    let intake = Intake::start().await;
    let setup = Setup::to(&intake).with(|settings| settings.ack_timeout = SHORT);
    let mut rig = setup.start();
    rig.deliver(["user alice logged in"]).await;
    intake.on(METHOD_A).ack(Ack::OnlySnapshot).times(2);
    rig.set_key("another-key-9999");
    rig.send(["user bob logged in"]).await;
    let report = rig
        .until(|report| report.stats.failures.get(&Failure::AckTimeout) == Some(&2))
        .await;
    assert_eq!(report.view.unwrap().failures, 2);
    rig.expect_delivered(["user bob logged in"]).await;
    assert_eq!(rig.handle.report().view.unwrap().failures, 0);
    let acked: Vec<_> = intake.streams().iter().map(|it| it.last_acked).collect();
    assert_eq!(acked, [Some(1), Some(0), Some(0), Some(1)]);
}

#[tokio::test]
async fn a_server_that_hangs_is_left_and_its_connection_closed() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).hang().times(1);
    let setup = Setup::to(&intake).with(|settings| settings.ack_timeout = SHORT);
    let mut rig = setup.start();
    rig.deliver(["one"]).await;
    assert_eq!(rig.failures(Failure::AckTimeout), 1);
    let is_closed = |all: &[StreamSnapshot]| all[0].ended.is_some();
    streams(&intake, is_closed, "the end of the hung stream").await;
}

#[tokio::test]
async fn a_server_that_hangs_with_a_full_window_is_left_and_its_connection_closed() {
    let intake = Intake::builder()
        .stream_window_bytes(20_000)
        .start()
        .await
        .unwrap();
    intake.on(METHOD_A).hang().times(1);
    let mut setup = Setup::to(&intake).with(|settings| settings.send_timeout = 4 * SHORT);
    setup.compression = Compression::Identity;
    let mut rig = setup.start();
    let large = "x".repeat(200_000);
    rig.deliver([&*large]).await;
    assert!(rig.failures(Failure::SendTimeout) >= 1);
    let is_closed = |all: &[StreamSnapshot]| all[0].ended.is_some();
    streams(&intake, is_closed, "the end of the hung stream").await;
}

#[tokio::test]
async fn a_tiny_window_makes_streams_slow_and_loses_nothing() {
    let intake = Intake::builder()
        .stream_window_bytes(10)
        .start()
        .await
        .unwrap();
    // The HTTP/2 of the intake forgets to open a window that it made smaller after bytes had come: such a stream stands
    // still for ever, and is replaced.
    let setup = Setup::to(&intake).with(|settings| settings.send_timeout = 4 * SHORT);
    let rig = setup.start();
    let texts = numbered(0, 300);
    for some in texts.chunks(30) {
        rig.send(some.to_vec()).await;
    }
    assert!(rig.flush().await);
    let arrived = intake.messages();
    let unique: BTreeSet<_> = arrived.iter().collect();
    assert_eq!(unique, texts.iter().collect());
    let report = rig.handle.report();
    let twice = u64::try_from(arrived.len() - unique.len()).unwrap();
    assert!(twice <= report.stats.resent_logs);
    let failures: Vec<_> = report.stats.failures.keys().collect();
    assert!(failures.iter().all(|it| **it == Failure::SendTimeout));
}

#[tokio::test]
async fn an_acknowledgement_of_another_batch_ends_the_stream() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).ack(Ack::WrongId).times(1);
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["one"]).await;
    assert_eq!(rig.failures(Failure::AckMismatch), 1);
    assert_eq!(intake.messages(), ["one", "one"]);
}

#[tokio::test]
async fn a_connection_that_goes_away_is_replaced_without_loss_or_repetition() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).goaway_after(1).times(1);
    let mut rig = Setup::to(&intake).start();
    let mut sent = Vec::new();
    while !(rig.handle.report().stats.rotations).contains_key(&Rotation::GoAway) {
        let texts = numbered(sent.len(), 3);
        rig.send(texts.clone()).await;
        rig.fate().await;
        sent.extend(texts);
    }
    rig.deliver(["last"]).await;
    sent.push("last".to_owned());
    assert_eq!(intake.messages(), sent);
    assert_eq!(intake.streams().len(), 2);
    assert!(rig.handle.report().stats.failures.is_empty());
}

#[tokio::test]
async fn a_connection_that_is_cut_within_a_batch_is_replaced() {
    let intake = Intake::start().await;
    for bytes in [1, 20, 60] {
        intake.on(METHOD_A).close_after_reading(bytes).times(1);
    }
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["one"]).await;
    assert_eq!(rig.failures(Failure::Transport), 3);
    assert_eq!(intake.messages(), ["one"]);
}

#[tokio::test]
async fn late_acknowledgements_are_waited_for() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).delay(SHORT);
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["one"]).await;
    rig.deliver(["two"]).await;
    assert!(rig.handle.report().stats.failures.is_empty());
}

#[tokio::test]
async fn a_stream_that_owes_an_acknowledgement_is_replaced_when_its_time_is_over() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).ack(Ack::None).times(1);
    let setup = Setup::to(&intake).with(|settings| {
        settings.lifetime = SHORT;
        settings.drain_timeout = SHORT;
    });
    let mut rig = setup.start();
    rig.send(["one"]).await;
    rig.expect_delivered(["one"]).await;
    let report = rig.handle.report();
    assert_eq!(report.stats.resent_logs, 1);
    assert!(report.stats.failures.is_empty());
}
