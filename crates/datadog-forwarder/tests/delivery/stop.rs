//! The end: what is left is tried until the deadline, and then counted.

use std::collections::BTreeMap;

use crate::intake::Reply;
use crate::*;

#[tokio::test]
async fn when_the_last_handle_is_gone_all_is_delivered_before_the_task_ends() {
    let intake = Intake::start().await;
    let running = Running::start(config([endpoint(&intake)]));
    for words in ["a", "b", "c"] {
        running.send(words).await;
    }
    let report = running.stop_within(LONG).await;
    assert_eq!((report.items_sent, report.pending_items), (3, 0));
    assert_eq!(intake.requests().len(), 3);
}

#[tokio::test]
async fn without_a_deadline_the_task_goes_on_until_all_is_settled() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(500), Reply::Status(500)]);
    let Running {
        handle, task, stop, ..
    } = Running::start(config([endpoint(&intake)]));
    handle.send(payload("a")).await.unwrap();
    drop(handle);
    let report = task.await.unwrap();
    assert_eq!(report.items_sent, 1);
    drop(stop);
}

#[tokio::test]
async fn the_drain_does_not_wait_for_what_an_intake_asked_for() {
    let intake = Intake::start().await;
    intake.reply([Reply::Header(429, "retry-after", "300".to_owned())]);
    let running = Running::start(config([endpoint(&intake)]));
    assert_eq!(running.deliver("a").await.pending_items, 1);
    let report = running.stop_within(LONG).await;
    assert_eq!((report.items_sent, intake.requests().len()), (1, 2));
}

#[tokio::test]
async fn what_is_unsent_at_the_deadline_is_counted_for_each_endpoint() {
    let (primary, stuck) = (Intake::start().await, Intake::start().await);
    stuck.reply_always(Reply::Hang);
    let running = Running::start(config([endpoint(&primary), endpoint(&stuck)]));
    for words in ["a,b", "c"] {
        running.send(words).await;
    }
    running.wait_until(|totals| totals.items_sent == 3).await;
    let telemetry = running.telemetry.clone();
    let report = running.stop_within(Duration::from_millis(200)).await;
    assert_eq!((report.items_sent, report.pending_items), (3, 0));
    let books = &report.per_endpoint[&endpoint(&stuck).name];
    assert_eq!(books.dropped, BTreeMap::from([("shutdown", 3)]));
    let shutdown = [("reason", "shutdown")];
    assert_eq!(telemetry.sum(Metric::LogsDropped, &shutdown), 3);
}

#[tokio::test]
async fn even_a_payload_that_no_queue_took_is_counted() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(500));
    let running = Running::start(Config {
        redrive_bytes: 1,
        overflow: Overflow::Wait,
        ..config([endpoint(&intake)])
    });
    running.deliver("a").await;
    running.send("b").await;
    running.send("c").await;
    let report = running.stop_within(Duration::from_millis(100)).await;
    assert_eq!(report.dropped, BTreeMap::from([("shutdown", 3)]));
    assert_eq!((report.items_sent, report.pending_payloads), (0, 0));
}

#[tokio::test]
async fn a_dropped_signal_ends_the_drain_at_once() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Hang);
    let Running {
        handle, task, stop, ..
    } = Running::start(config([endpoint(&intake)]));
    handle.send(payload("a")).await.unwrap();
    intake.wait_for(1).await;
    drop((handle, stop));
    let report = task.await.unwrap();
    assert_eq!(report.dropped, BTreeMap::from([("shutdown", 1)]));
}

#[tokio::test]
async fn a_deadline_that_is_moved_forward_is_obeyed() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Hang);
    let Running {
        handle, task, stop, ..
    } = Running::start(config([endpoint(&intake)]));
    handle.send(payload("a")).await.unwrap();
    drop(handle);
    stop.signal(Instant::now() + 10 * LONG);
    intake.wait_for(1).await;
    tokio::task::yield_now().await;
    stop.signal(Instant::now());
    let report = tokio::time::timeout(LONG, task).await.unwrap().unwrap();
    assert_eq!(report.dropped["shutdown"], 1);
}
