//! Several endpoints: none waits for another, and each has books of its own.

use std::sync::Mutex;

use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::{Barrier, Semaphore};

use crate::intake::Reply;
use crate::*;

fn unreliable(intake: &Intake) -> Endpoint {
    Endpoint {
        reliability: Reliability::Unreliable,
        ..endpoint(intake)
    }
}

fn of<'a>(report: &'a FlushReport, intake: &Intake) -> &'a FlushReport {
    &report.per_endpoint[&endpoint(intake).name]
}

/// Words that zstd cannot make much smaller, so that a few payloads fill a small queue.
fn noise(bytes: usize) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.alphanumeric())
        .take(bytes)
        .collect()
}

#[tokio::test]
async fn each_endpoint_has_its_own_key_headers_and_encoding() {
    let (worker, datadog) = (Intake::start().await, Intake::start().await);
    let protocol = HeaderName::from_static("dd-protocol");
    let agent_json = HeaderValue::from_static("agent-json");
    let running = Running::start(config([
        Endpoint {
            api_key: None,
            encoding: Encoding::Identity,
            ..endpoint(&worker)
        },
        Endpoint {
            api_key: Some(ApiKey::fixed("own")),
            headers: [(protocol, agent_json)].into_iter().collect(),
            ..endpoint(&datadog)
        },
    ]));
    running.deliver("a,b").await;

    let ([to_worker], [to_datadog]) = (
        <[_; 1]>::try_from(worker.requests()).unwrap(),
        <[_; 1]>::try_from(datadog.requests()).unwrap(),
    );
    assert_eq!(to_worker.header("dd-api-key"), None);
    assert_eq!(to_worker.header("dd-protocol"), None);
    assert_eq!(to_worker.header("content-encoding"), None);
    assert_eq!(to_datadog.header("dd-api-key"), Some("own"));
    assert_eq!(to_datadog.header("dd-protocol"), Some("agent-json"));
    assert_eq!(to_datadog.header("content-encoding"), Some("zstd"));
    assert_eq!(to_worker.decoded(), to_datadog.decoded());
}

#[tokio::test]
async fn endpoints_that_wait_for_each_other_are_served_together() {
    let intakes = [
        Intake::start().await,
        Intake::start().await,
        Intake::start().await,
    ];
    let barrier = Arc::new(Barrier::new(2));
    for additional in &intakes[1..] {
        additional.reply_always(Reply::Together(barrier.clone()));
    }
    let running = Running::start(config(intakes.each_ref().map(endpoint)));
    let report = running.deliver("a").await;
    for intake in &intakes {
        assert_eq!(of(&report, intake).items_sent, 1);
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_delays_no_other() {
    let (primary, stuck) = (Intake::start().await, Intake::start().await);
    stuck.reply_always(Reply::Hang);
    let running = Running::start(config([endpoint(&primary), endpoint(&stuck)]));
    for _ in 0..20 {
        running.send("a").await;
    }
    running.wait_until(|totals| totals.items_sent == 20).await;
    let report = running.flush_within(Duration::from_millis(100)).await;
    assert_eq!(report.items_sent, 20);
    assert_eq!(
        (
            of(&report, &stuck).items_sent,
            of(&report, &stuck).pending_items
        ),
        (0, 20)
    );
}

#[tokio::test]
async fn the_primary_goes_on_with_new_payloads_while_a_flush_waits_for_another_endpoint() {
    let (primary, stuck) = (Intake::start().await, Intake::start().await);
    stuck.reply_always(Reply::Hang);
    let running = Running::start(config([endpoint(&primary), endpoint(&stuck)]));
    running.send("a").await;
    let late = async {
        stuck.wait_for(1).await;
        running.send("b").await;
        primary.wait_for(2).await;
    };
    tokio::select! {
        report = running.flush() => panic!("returned before its deadline: {report:?}"),
        () = late => {}
    }
}

#[tokio::test]
async fn a_body_is_compressed_once_for_endpoints_of_one_encoding() {
    let (one, two) = (Intake::start().await, Intake::start().await);
    let running = Running::start(config([endpoint(&one), endpoint(&two)]));
    running.deliver("a,b,c").await;
    assert_eq!(one.requests()[0].body, two.requests()[0].body);
}

#[tokio::test]
async fn a_failing_additional_endpoint_loses_what_its_buffer_cannot_hold_and_the_primary_nothing() {
    for overflow in [Overflow::Wait, Overflow::DropOldest] {
        let (primary, down) = (Intake::start().await, Intake::start().await);
        down.reply_always(Reply::Header(429, "retry-after", "300".to_owned()));
        let running = Running::start(Config {
            redrive_bytes: 10_000,
            concurrency: 1,
            overflow,
            ..config([endpoint(&primary), endpoint(&down)])
        });
        for _ in 0..30 {
            running.deliver(&noise(1000)).await;
        }
        let totals = running.handle.totals();
        assert_eq!(totals.items_sent, 30);
        let books = of(&totals, &down);
        let lost = books.dropped["redrive_full"];
        assert!(lost > 10, "{lost}");
        assert_eq!(lost + books.pending_items, 30);
        assert!(books.pending_bytes <= 10_000 + 1000);
        let labels = [
            ("reason", "redrive_full"),
            ("endpoint", &endpoint(&down).name),
        ];
        assert_eq!(running.count(Metric::LogsDropped, &labels), lost);
        assert_eq!(running.count(Metric::LogsDropped, &[]), lost);
    }
}

#[tokio::test]
async fn another_reliable_endpoint_keeps_the_pipeline_going_while_the_primary_is_down() {
    let (down, backup) = (Intake::start().await, Intake::start().await);
    down.reply_always(Reply::Header(503, "retry-after", "300".to_owned()));
    let running = Running::start(Config {
        redrive_bytes: 1000,
        concurrency: 1,
        overflow: Overflow::Wait,
        ..config([endpoint(&down), endpoint(&backup)])
    });
    for _ in 0..10 {
        running.deliver(&noise(1000)).await;
    }
    let totals = running.handle.totals();
    assert_eq!(of(&totals, &backup).items_sent, 10);
    assert_eq!(totals.items_sent, 0);
    assert_eq!(totals.dropped["redrive_full"] + totals.pending_items, 10);
}

#[tokio::test]
async fn a_full_queue_that_waits_holds_the_sender_back_until_there_is_room() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(500));
    let running = Running::start(Config {
        redrive_bytes: 1000,
        overflow: Overflow::Wait,
        ..config([endpoint(&intake)])
    });
    running.deliver(&noise(900)).await;
    // One more is on the desk and one in the channel; the third has to wait.
    running.send(&noise(901)).await;
    running.send(&noise(902)).await;
    let words = noise(903);
    let mut third = std::pin::pin!(running.send(&words));
    let report = tokio::select! {
        () = &mut third => panic!("taken although there is no room"),
        report = running.flush() => report,
    };
    assert_eq!(report.pending_payloads, 3);
    assert_eq!(report.pending_items, 3);

    intake.reply_always(Reply::Status(202));
    let ((), report) = tokio::join!(third, running.flush());
    assert_eq!(report.dropped.len(), 0);
    running.flush().await;
    let totals = running.handle.totals();
    assert_eq!((totals.items_sent, totals.pending_items), (4, 0));
}

#[tokio::test]
async fn a_primary_that_is_merely_slow_holds_the_sender_back_and_loses_nothing() {
    for overflow in [Overflow::Wait, Overflow::DropOldest] {
        let (slow, backup) = (Intake::start().await, Intake::start().await);
        let gate = Arc::new(Semaphore::new(0));
        slow.reply_always(Reply::Gate(gate.clone()));
        let running = Running::start(Config {
            redrive_bytes: 1000,
            concurrency: 1,
            overflow,
            ..config([endpoint(&slow), endpoint(&backup)])
        });
        // One is under way, one in the queue, one on the desk and one in the channel.
        for bytes in 900..904 {
            running.send(&noise(bytes)).await;
        }
        let words = noise(904);
        let mut fifth = std::pin::pin!(running.send(&words));
        tokio::select! {
            () = &mut fifth => panic!("taken although the primary is behind"),
            _ = backup.wait_for(2) => {}
        }
        gate.add_permits(100);
        fifth.await;
        running.flush().await;
        let totals = running.handle.totals();
        for intake in [&slow, &backup] {
            assert_eq!(of(&totals, intake).items_sent, 5);
        }
    }
}

#[tokio::test]
async fn a_full_queue_that_drops_gives_up_the_oldest() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(500));
    let running = Running::start(Config {
        redrive_bytes: 20,
        ..config([Endpoint {
            encoding: Encoding::Identity,
            ..endpoint(&intake)
        }])
    });
    for words in ["first-one", "second-one", "third-one"] {
        running.deliver(words).await;
    }
    intake.reply_always(Reply::Status(202));
    let before = intake.requests().len();
    let report = running.flush().await;
    assert_eq!((report.items_sent, report.pending_items), (2, 0));
    let mut delivered = intake.words().split_off(before);
    delivered.sort();
    assert_eq!(delivered, [["second-one"], ["third-one"]]);
    assert_eq!(running.handle.totals().dropped["redrive_full"], 1);
}

#[tokio::test]
async fn an_unreliable_endpoint_is_tried_once_and_holds_nothing_back() {
    let (primary, unsure) = (Intake::start().await, Intake::start().await);
    unsure.reply([Reply::Status(500)]);
    let running = Running::start(config([endpoint(&primary), unreliable(&unsure)]));
    running.deliver("a").await;
    running.deliver("b").await;
    assert_eq!(unsure.words(), [["a"], ["b"]]);
    let totals = running.handle.totals();
    assert_eq!(totals.items_sent, 2);
    let books = of(&totals, &unsure);
    assert_eq!((books.items_sent, books.dropped["redrive_full"]), (1, 1));
    assert!(totals.dropped.is_empty());
}

#[tokio::test]
async fn an_unreliable_endpoint_cannot_stand_in_for_the_primary() {
    let (down, unsure) = (Intake::start().await, Intake::start().await);
    down.reply_always(Reply::Status(500));
    let running = Running::start(Config {
        redrive_bytes: 1000,
        overflow: Overflow::Wait,
        ..config([endpoint(&down), unreliable(&unsure)])
    });
    running.deliver(&noise(900)).await;
    running.send(&noise(901)).await;
    let report = running.flush().await;
    assert_eq!(report.pending_payloads, 2);
    assert_eq!(unsure.requests().len(), 1, "the second is not taken");
}

#[tokio::test]
async fn endpoints_of_the_same_name_have_books_of_their_own() {
    let intake = Intake::start().await;
    let keys = Arc::new(Mutex::new(Vec::new()));
    let second = Endpoint {
        api_key: Some(ApiKey::fixed("second")),
        ..endpoint(&intake)
    };
    let running = Running::start(config([endpoint(&intake), second]));
    let report = running.deliver("a").await;
    let name = endpoint(&intake).name;
    assert_eq!(report.items_sent, 1);
    assert_eq!(report.per_endpoint[&name].items_sent, 1);
    assert_eq!(report.per_endpoint[&format!("{name}#2")].items_sent, 1);
    for request in intake.requests() {
        keys.lock()
            .unwrap()
            .push(request.header("dd-api-key").map(str::to_owned));
    }
    keys.lock().unwrap().sort();
    assert_eq!(
        *keys.lock().unwrap(),
        [Some("key".to_owned()), Some("second".to_owned())]
    );
}

#[tokio::test]
async fn without_endpoints_payloads_come_back() {
    let running = Running::start(config([]));
    running.task.await.unwrap();
    let back = running.handle.send(payload("a")).await.unwrap_err();
    assert_eq!(back.items, 1);
    running.handle.flush(Instant::now()).await.unwrap_err();
}

#[tokio::test]
async fn kinds_of_bodies_have_paths_and_types_of_their_own_at_one_endpoint() {
    let intake = Intake::start().await;
    let running = Running::start(config([endpoint_at(&format!("{}/base/", intake.url()))]));
    let form = Form {
        path: "/intake/",
        content_type: "text/x-words",
        headers: HeaderMap::from_iter([(
            HeaderName::from_static("x-words"),
            HeaderValue::from_static("two"),
        )]),
        split: Split(Arc::new(|_| None)),
    };
    let payload = Payload {
        form: Some(Arc::new(form)),
        ..payload("a,b")
    };
    running.handle.send(payload).await.unwrap();
    running.send("c").await;
    running.flush().await;
    let requests = intake.requests();
    let mut seen: Vec<_> = requests
        .iter()
        .map(|request| {
            let path = request.head.split(' ').nth(1).unwrap();
            let kind = request.header("content-type").unwrap();
            (path, kind, request.header("x-words"))
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            ("/api/v2/logs/base/", "application/json", None),
            ("/api/v2/logs/base/intake/", "text/x-words", Some("two")),
        ]
    );
}

#[tokio::test]
async fn a_body_that_comes_compressed_travels_as_it_is_or_as_the_endpoint_takes_it() {
    let (same, other) = (Intake::start().await, Intake::start().await);
    let plain = Endpoint {
        encoding: Encoding::Identity,
        ..endpoint(&other)
    };
    let running = Running::start(config([endpoint(&same), plain]));
    let raw = "a,".repeat(1_000);
    let body = zstd::bulk::compress(raw.as_bytes(), 19).unwrap();
    let payload = Payload {
        compressed: Some(Compressed {
            encoding: Encoding::Zstd(3),
            raw_len: raw.len(),
        }),
        ..Payload::from_body(body.clone().into(), 7)
    };
    running.handle.send(payload).await.unwrap();
    let report = running.flush().await;
    assert_eq!((report.items_sent, report.bytes_raw), (7, 2_000));
    assert_eq!(report.bytes_wire, body.len() as u64);
    assert_eq!(same.requests()[0].body, body);
    assert_eq!(other.requests()[0].body, raw.as_bytes());
    assert_eq!(other.requests()[0].header("content-encoding"), None);
}
