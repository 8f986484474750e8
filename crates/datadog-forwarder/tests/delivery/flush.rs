//! Flushes: what they cover, when they return, and what they leave behind.

use tokio::sync::Semaphore;

use crate::intake::Reply;
use crate::*;

#[tokio::test]
async fn a_flush_with_nothing_to_do_returns_at_once() {
    let intake = Intake::start().await;
    let running = Running::start(config([endpoint(&intake)]));
    let report = running.flush().await;
    assert_eq!((report.items_sent, report.pending_items), (0, 0));
    assert_eq!(intake.connections(), 0);
}

#[tokio::test]
async fn a_retry_after_beyond_the_deadline_ends_the_flush_early() {
    let intake = Intake::start().await;
    intake.reply([Reply::Header(429, "retry-after", "300".to_owned())]);
    let running = Running::start(config([endpoint(&intake)]));
    let report = running.deliver("a").await;
    assert_eq!((intake.requests().len(), report.pending_items), (1, 1));

    let report = running.flush().await;
    assert_eq!((intake.requests().len(), report.pending_items), (1, 1));
}

#[tokio::test]
async fn a_retry_after_that_fits_the_deadline_is_waited_for() {
    let intake = Intake::start().await;
    intake.reply([Reply::Header(503, "Retry-After", "1".to_owned())]);
    let running = Running::start(config([endpoint(&intake)]));
    let began = Instant::now();
    let report = running.deliver("a").await;
    assert_eq!((intake.requests().len(), report.items_sent), (2, 1));
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn an_attempt_is_cut_at_the_deadline_and_its_payload_delivered_later() {
    let intake = Intake::start().await;
    intake.reply([Reply::Hang]);
    let running = Running::start(config([endpoint(&intake)]));
    running.send("a").await;
    intake.wait_for(1).await;
    let report = running.flush_within(Duration::from_millis(100)).await;
    assert_eq!((intake.requests().len(), report.pending_items), (1, 1));
    intake.wait_for_hangups(1).await;

    let report = running.flush().await;
    assert_eq!((report.items_sent, report.pending_items), (1, 0));
    assert_eq!(intake.words(), [["a"], ["a"]]);
}

#[tokio::test]
async fn flushes_at_the_same_time_share_one_round_of_attempts_and_one_report() {
    let intake = Intake::start().await;
    let gate = Arc::new(Semaphore::new(0));
    intake.reply([Reply::Gate(gate.clone())]);
    let running = Running::start(Config {
        attempts: 1,
        ..config([endpoint(&intake)])
    });
    running.send("a").await;
    let (first, second, ()) = tokio::join!(running.flush(), running.flush(), async {
        intake.wait_for(1).await;
        gate.add_permits(1);
    });
    assert_eq!(first.items_sent, 1);
    assert_eq!(first, second);
}

#[tokio::test]
async fn reports_add_up_to_the_totals_whenever_a_payload_was_settled() {
    let intake = Intake::start().await;
    let running = Running::start(config([endpoint(&intake)]));
    running.send("a,b").await;
    intake.wait_for(1).await;
    let first = running.flush().await;
    running.send("c").await;
    let second = running.flush().await;
    assert_eq!((first.items_sent, second.items_sent), (2, 1));
    assert_eq!(running.handle.totals().items_sent, 3);
}

#[tokio::test]
async fn a_payload_is_sent_without_any_flush() {
    let intake = Intake::start().await;
    let running = Running::start(config([endpoint(&intake)]));
    running.send("a").await;
    assert_eq!(intake.wait_for(1).await[0].words(), ["a"]);
}

#[tokio::test]
async fn on_a_host_a_payload_is_tried_again_without_any_flush() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(500), Reply::Status(500)]);
    let running = Running::start(Config {
        attempts: 1,
        pauses: SOON,
        ..config([endpoint(&intake)])
    });
    running.send("a").await;
    intake.wait_for(3).await;
    let report = running.flush().await;
    assert_eq!((report.items_sent, report.retried), (1, 2));
}

#[tokio::test]
async fn at_most_as_many_requests_are_under_way_as_are_allowed() {
    let intake = Intake::start().await;
    let gate = Arc::new(Semaphore::new(0));
    intake.reply_always(Reply::Gate(gate.clone()));
    let running = Running::start(Config {
        concurrency: 2,
        ..config([endpoint(&intake)])
    });
    for word in ["a", "b", "c", "d"] {
        running.send(word).await;
    }
    intake.wait_for(2).await;
    let report = running.flush_within(Duration::from_millis(100)).await;
    assert_eq!(intake.requests().len(), 2);
    assert_eq!(report.pending_items, 4);
    gate.add_permits(100);
    assert_eq!(running.flush().await.items_sent, 4);
}

#[tokio::test]
async fn in_kept_order_nothing_overtakes_across_retries_halves_and_flushes() {
    let intake = Intake::start().await;
    let running = Running::start(Config {
        order: Order::Kept,
        attempts: 2,
        ..config([endpoint(&intake)])
    });
    intake.reply([
        Reply::Status(500),
        Reply::Status(413),
        Reply::Status(202),
        Reply::Status(500),
        Reply::Status(500),
    ]);
    for words in ["a,b", "c", "d"] {
        running.send(words).await;
    }
    let report = running.flush().await;
    assert_eq!((report.items_sent, report.pending_items), (1, 3));
    let report = running.flush().await;
    assert_eq!((report.items_sent, report.pending_items), (3, 0));
    assert_eq!(
        intake.words(),
        [
            vec!["a", "b"],
            vec!["a", "b"],
            vec!["a"],
            vec!["b"],
            vec!["b"],
            vec!["b"],
            vec!["c"],
            vec!["d"]
        ]
    );
}
