//! The memory budget: what a payload holds, and when it gives it back.

use datadog_forwarder::Budget;

use crate::intake::Reply;
use crate::*;

async fn send_reserved(running: &Running, budget: &Budget, words: &str) {
    let payload = Payload {
        reservation: budget.try_reserve(words.len() + 64),
        ..payload(words)
    };
    assert!(payload.reservation.is_some());
    running.handle.send(payload).await.unwrap();
}

#[tokio::test]
async fn a_reservation_shrinks_to_the_encoded_size_and_is_freed_by_delivery() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(500));
    let running = Running::start(config([endpoint(&intake)]));
    let budget = Budget::new(1 << 20);
    send_reserved(&running, &budget, &"a,".repeat(1000)).await;
    let report = running.flush().await;
    let encoded = u64::try_from(intake.requests()[0].body.len()).unwrap();
    assert!(encoded < 100);
    assert_eq!(report.pending_bytes, encoded);
    assert_eq!(u64::try_from(budget.used()).unwrap(), encoded);

    intake.reply_always(Reply::Status(202));
    running.flush().await;
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn two_encodings_hold_a_part_each_until_their_reliable_endpoints_are_done() {
    let [plain, zstd, gzip, unsure] = [
        Intake::start().await,
        Intake::start().await,
        Intake::start().await,
        Intake::start().await,
    ];
    plain.reply_always(Reply::Status(500));
    zstd.reply_always(Reply::Status(500));
    gzip.reply_always(Reply::Hang);
    unsure.reply_always(Reply::Hang);
    let running = Running::start(Config {
        pauses: SOON,
        ..config([
            Endpoint {
                encoding: Encoding::Identity,
                ..endpoint(&plain)
            },
            endpoint(&zstd),
            Endpoint {
                encoding: Encoding::Gzip(6),
                reliability: Reliability::Unreliable,
                ..endpoint(&gzip)
            },
            Endpoint {
                reliability: Reliability::Unreliable,
                ..endpoint(&unsure)
            },
        ])
    });
    let budget = Budget::new(1 << 20);
    let words = "a,".repeat(1000);
    send_reserved(&running, &budget, &words).await;
    plain.wait_for(1).await;
    let encoded = zstd.wait_for(1).await[0].body.len();
    gzip.wait_for(1).await;
    unsure.wait_for(1).await;
    assert_eq!(budget.used(), words.len() + encoded);

    plain.reply_always(Reply::Status(202));
    running.wait_until(|totals| totals.items_sent > 0).await;
    assert_eq!(budget.used(), encoded);

    zstd.reply_always(Reply::Status(400));
    let refused = |totals: &FlushReport| {
        let books = &totals.per_endpoint[&endpoint(&zstd).name];
        !books.dropped.is_empty()
    };
    running.wait_until(refused).await;
    assert_eq!(budget.used(), 0, "unreliable endpoints hold nothing");
}

#[tokio::test]
async fn halves_hold_the_part_of_the_whole_until_both_are_settled() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(413), Reply::Status(202)]);
    intake.reply_always(Reply::Status(500));
    let running = Running::start(Config {
        order: Order::Kept,
        ..config([Endpoint {
            encoding: Encoding::Identity,
            ..endpoint(&intake)
        }])
    });
    let budget = Budget::new(1 << 20);
    send_reserved(&running, &budget, "a,b,c,d").await;
    let report = running.flush().await;
    assert_eq!((report.items_sent, report.pending_items), (2, 2));
    assert_eq!(budget.used(), 7);

    intake.reply_always(Reply::Status(202));
    running.flush().await;
    assert_eq!(budget.used(), 0);
}
