//! Logs arrive over streams that come and go.

use std::collections::BTreeSet;
use std::time::Duration;

use datadog_dev_intake::{GrpcStatus, Intake};
use datadog_logs_stream::Compression;
use datadog_logs_stream::state::{Rotation, Wire};

use crate::rig::{METHOD_A, METHOD_C, Setup, numbered, streams};

#[tokio::test]
async fn logs_arrive_over_one_stream_and_are_acknowledged() {
    let intake = Intake::start().await;
    let mut rig = Setup::to(&intake).start();

    rig.deliver(["one", "two"]).await;
    rig.deliver(["three"]).await;

    assert_eq!(intake.messages(), ["one", "two", "three"]);
    let all = intake.streams();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].path.as_str(), all[0].wire), (METHOD_A, "a"));
    assert_eq!((all[0].batches, all[0].last_acked), (2, Some(2)));
    assert_eq!(all[0].encoding, "zstd");
    assert_eq!(all[0].state_request_bytes, Some(1 << 20));
    assert_eq!(all[0].problems, Vec::<String>::new());
    let request = &intake.raw_requests()[0];
    assert_eq!(request.header("user-agent"), Some("datadog-agent/test"));
    assert_eq!(request.header("dd-evp-origin"), Some("agent"));
    assert_eq!(request.header("dd-evp-origin-version"), Some("1.2.3"));
    assert_eq!(request.header("dd-api-key"), Some(crate::rig::KEY));
    assert_eq!(request.header("dd-shadow-only"), None);
    assert_eq!(request.header("grpc-encoding"), None);
    let report = rig.handle.report();
    assert_eq!(report.stats.acknowledged_logs, 3);
    assert_eq!(report.stats.wire_bytes, all[0].wire_bytes);
}

#[tokio::test]
async fn every_profile_and_compression_is_understood() {
    let intake = Intake::start().await;
    for (wire, method) in [(Wire::A, METHOD_A), (Wire::C, METHOD_C)] {
        for compression in [
            Compression::Identity,
            Compression::Gzip(6),
            Compression::Zstd(1),
        ] {
            let mut setup = Setup::to(&intake).with(|settings| settings.wire = wire);
            setup.compression = compression;
            let mut rig = setup.start();
            let text = format!("{method} {}", compression.name());
            rig.deliver([text.as_str()]).await;
            assert_eq!(rig.stop().await, []);

            let log = intake.logs().pop().unwrap();
            assert_eq!((log.message, log.endpoint.as_str()), (text, method));
            assert_eq!(log.entry["hostname"], "web-1");
            assert_eq!(log.entry["status"], "info");
            assert_eq!(log.entry["ddtags"], "env:test");
        }
    }
}

#[tokio::test]
async fn an_old_stream_is_replaced_and_nothing_is_sent_again() {
    let intake = Intake::start().await;
    let setup = Setup::to(&intake).with(|settings| settings.lifetime = Duration::from_millis(20));
    let mut rig = setup.start();
    let mut sent = Vec::new();
    let replaced = |rig: &crate::rig::Rig| {
        let report = rig.handle.report();
        report.stats.rotations.get(&Rotation::Lifetime).copied()
    };

    while replaced(&rig).unwrap_or(0) < 5 {
        let texts = numbered(sent.len(), 10);
        rig.send(texts.clone()).await;
        rig.fate().await;
        sent.extend(texts);
    }
    let report = rig.handle.report();
    rig.stop().await;

    assert_eq!(intake.messages(), sent);
    assert_eq!(report.stats.resent_logs, 0);
    assert!(report.stats.failures.is_empty(), "{report:?}");
    let all = intake.streams();
    assert!(all.len() > 5);
    let ends: BTreeSet<_> = all
        .iter()
        .map(|it| it.ended.clone().unwrap().grpc_status)
        .collect();
    assert_eq!(ends, BTreeSet::from([Some(GrpcStatus::Ok)]));
}

#[tokio::test]
async fn a_new_stream_begins_with_what_the_other_end_is_to_know() {
    let intake = Intake::start().await;
    let mut rig = Setup::to(&intake).start();
    rig.deliver(["user alice logged in", "user bob logged in"])
        .await;
    rig.deliver(["user carol logged in"]).await;

    intake.kill().await;
    intake.revive().await.unwrap();
    rig.deliver(["user dave logged in"]).await;

    let batches: Vec<_> = intake.batches();
    let of_second: Vec<_> = (batches.iter().filter(|batch| batch.stream > 1))
        .map(|batch| (batch.batch_id, batch.logs))
        .collect();
    assert_eq!(of_second, [(0, 0), (1, 1)]);
    let patterns: Vec<_> = (intake.logs().into_iter())
        .map(|log| log.stream.unwrap().pattern_id)
        .collect();
    assert!(patterns[2].is_some());
    assert_eq!(patterns[2], patterns[3], "{patterns:?}");
}

#[tokio::test]
async fn everything_arrives_at_least_once_while_the_intake_dies_again_and_again() {
    let intake = Intake::start().await;
    let mut rig = Setup::to(&intake).start();
    let mut sent = Vec::new();
    for round in 0..10 {
        for _ in 0..5 {
            let texts = numbered(sent.len(), 40);
            rig.send(texts.clone()).await;
            sent.extend(texts);
        }
        if round % 2 == 0 {
            rig.fate().await;
        }
        intake.kill().await;
        rig.send([format!("while dead {round}")]).await;
        sent.push(format!("while dead {round}"));
        intake.revive().await.unwrap();
    }
    assert!(rig.flush().await);
    let stats = rig.handle.report().stats;
    rig.stop().await;

    let arrived = intake.messages();
    let unique: BTreeSet<_> = arrived.iter().collect();
    assert_eq!(unique, sent.iter().collect());
    let twice = u64::try_from(arrived.len() - unique.len()).unwrap();
    assert!(
        twice <= stats.resent_logs,
        "{twice} arrived twice, {stats:?}"
    );
    assert_eq!(stats.acknowledged_logs, u64::try_from(sent.len()).unwrap());
}

#[tokio::test]
async fn a_stream_rests_after_a_flush_where_the_machine_is_about_to_sleep() {
    let intake = Intake::start().await;
    let mut setup = Setup::to(&intake);
    setup.rests_after_flush = true;
    let mut rig = setup.start();
    rig.send(["one"]).await;
    assert!(rig.flush().await);
    rig.until(|report| report.stats.rotations.contains_key(&Rotation::Rest))
        .await;
    let has_ended = |all: &[datadog_dev_intake::StreamSnapshot]| {
        all.iter().all(|stream| {
            let end = stream.ended.as_ref();
            end.is_some_and(|end| end.grpc_status == Some(GrpcStatus::Ok))
        })
    };
    streams(&intake, has_ended, "the end of the stream").await;

    rig.expect_delivered(["one"]).await;
    rig.deliver(["two"]).await;
    assert_eq!(intake.streams().len(), 2);
}

#[tokio::test]
async fn a_batch_that_is_too_large_for_a_message_is_divided() {
    let intake = Intake::start().await;
    let mut setup = Setup::to(&intake).with(|settings| settings.max_message_bytes = 300);
    setup.compression = Compression::Identity;
    let mut rig = setup.start();
    let texts = numbered(0, 40);
    rig.send(texts.clone()).await;
    rig.fate().await;

    assert_eq!(intake.messages(), texts);
    assert!(rig.handle.report().stats.divided_batches > 1);
    assert!(
        intake
            .batches()
            .iter()
            .all(|batch| batch.message.len() < 600)
    );
}
