//! One endpoint's state, driven by hand with a clock of its own.

mod books;
mod window;

use std::sync::Arc;

use datadog_agent_runtime::telemetry::Telemetry;
use hyper::{HeaderMap, Uri};

use super::*;
use crate::config::Pauses;
use crate::payload::Split;
use crate::queue::Place;
use crate::service::ledger::tests::metrics;

/// No attempt.
const NONE: [u64; 0] = [];

const HOST: Pauses = Pauses::ErrorCount {
    factor: 2.0,
    base_s: 1.0,
    max_s: 120.0,
    recovery_interval: 2,
    recovery_reset: false,
};

/// A worker and its clock. Random numbers are 0, so that pauses are the shortest of their range.
struct Rig {
    worker: Worker,
    began: Instant,
    now: Instant,
    seq: u64,
}

fn config() -> Config {
    Config {
        endpoints: Vec::new(),
        content_type: "application/json",
        user_agent: String::new(),
        status: datadog_wire::status::LOGS,
        split: Split(Arc::new(|_| None)),
        metrics: metrics(),
        request_timeout: Duration::from_secs(5),
        attempts: 3,
        pauses: Pauses::Jitter {
            first: Duration::from_millis(100),
            max: Duration::from_secs(1),
        },
        concurrency: 4,
        order: Order::Free,
        redrive_bytes: 1000,
        redrive_age: Duration::from_secs(3600),
        overflow: Overflow::Wait,
        notices: None,
    }
}

fn rig(config: &Config) -> Rig {
    rig_with(config, Reliability::Reliable)
}

fn rig_with(config: &Config, reliability: Reliability) -> Rig {
    let endpoint = Endpoint {
        name: "intake:443".to_owned(),
        url: Uri::from_static("https://intake:443/api/v2/logs"),
        api_key: None,
        headers: HeaderMap::new(),
        encoding: Encoding::Zstd(3),
        reliability,
    };
    let ledger = Ledger::new(
        &endpoint.name,
        &endpoint.url,
        config.metrics,
        &Telemetry::default(),
    );
    let now = Instant::now();
    Rig {
        worker: Worker::new(config, &endpoint, reliability, ledger),
        began: now,
        now,
        seq: 0,
    }
}

impl Rig {
    /// Hands over a payload of 10 items and `bytes` bytes.
    fn push(&mut self, bytes: usize) {
        self.seq += 1;
        let pending = payload(self.seq, vec![0; bytes], 10, self.now);
        self.worker.push(pending, self.now);
    }

    fn push_many(&mut self, payloads: usize) {
        for _ in 0..payloads {
            self.push(100);
        }
    }

    /// Starts all that may start; returns the ids.
    fn start(&mut self) -> Vec<u64> {
        let now = self.now;
        let ids = std::iter::from_fn(|| self.worker.start(now))
            .map(|start| start.id)
            .collect();
        self.worker.trim(now);
        ids
    }

    fn finish(&mut self, id: u64, outcome: Outcome) {
        self.worker.finish(id, outcome, self.now, 0.0);
    }

    /// Starts what may start and has it all end alike; returns how many there were.
    fn start_and_finish(&mut self, outcome: impl Fn() -> Outcome) -> usize {
        let ids = self.start();
        for &id in &ids {
            self.finish(id, outcome());
        }
        ids.len()
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    /// Goes on to the next moment at which the worker wants to be asked; returns it in milliseconds from the start.
    fn wait_for_wake(&mut self) -> u128 {
        self.now = self
            .worker
            .wakes_at(self.now)
            .expect("something to wait for");
        (self.now - self.began).as_millis()
    }

    fn deadline(&self, millis: u64) -> Instant {
        self.now + Duration::from_millis(millis)
    }

    fn begin_flush(&mut self, millis: u64) {
        let deadline = self.deadline(millis);
        self.worker.begin_flush(self.seq, deadline);
    }

    fn dropped(&self, reason: Reason) -> u64 {
        let dropped = &self.worker.ledger.totals().dropped;
        dropped.get(reason.name()).copied().unwrap_or_default()
    }

    fn pending(&self) -> u64 {
        self.worker.totals().pending_payloads
    }
}

fn payload(seq: u64, body: Vec<u8>, items: u64, now: Instant) -> Pending {
    Pending {
        place: Place::whole(seq),
        raw_len: body.len(),
        body: body.into(),
        encoding: Encoding::Zstd(3),
        items,
        form: None,
        accepted_at: now,
        attempts: 0,
        tried_at: None,
        redriven: false,
        key_refreshed: false,
        reservation: None,
    }
}

fn busy() -> Outcome {
    Outcome::Busy { retry_after: None }
}

fn busy_for(seconds: u64) -> Outcome {
    Outcome::Busy {
        retry_after: Some(Duration::from_secs(seconds)),
    }
}

#[test]
fn a_round_is_three_attempts_with_growing_pauses_and_then_waits_for_the_tick() {
    let mut rig = rig(&config());
    rig.push(100);
    assert_eq!(rig.start_and_finish(busy), 1);
    assert_eq!(rig.start_and_finish(busy), 0, "pausing");
    assert_eq!(rig.wait_for_wake(), 50);
    assert_eq!(rig.start_and_finish(busy), 1);
    assert_eq!(rig.wait_for_wake(), 150);
    assert_eq!(rig.start_and_finish(busy), 1);
    assert_eq!(rig.wait_for_wake(), 5150, "the tick");
    assert_eq!(rig.start_and_finish(|| Outcome::Accepted), 1);
    assert!(rig.worker.is_idle());
    let totals = rig.worker.totals();
    assert_eq!((totals.items_sent, totals.retried), (10, 3));
}

#[test]
fn retry_after_holds_for_the_whole_endpoint_and_the_longest_one_wins() {
    let mut rig = rig(&config());
    rig.push_many(2);
    let ids = rig.start();
    rig.finish(ids[0], busy_for(7));
    rig.finish(ids[1], busy_for(3));
    rig.push(100);
    rig.wait(6999);
    assert_eq!(rig.start(), NONE);
    rig.wait(1);
    assert_eq!(rig.start().len(), 3);
}

#[test]
fn after_three_payloads_without_answer_one_probe_goes_first() {
    let mut rig = rig(&Config {
        attempts: 1,
        redrive_bytes: 10_000,
        ..config()
    });
    rig.push_many(3);
    assert_eq!(rig.start_and_finish(|| Outcome::Unreachable), 3);
    rig.push_many(3);
    assert_eq!(rig.start(), NONE, "the circuit is open");

    rig.begin_flush(1000);
    assert_eq!(rig.start_and_finish(|| Outcome::Unreachable), 1);
    assert_eq!(rig.start(), NONE);
    assert!(rig.worker.settle_flush(rig.now), "one probe a flush");
    assert_eq!(rig.pending(), 6);

    rig.begin_flush(1000);
    assert_eq!(rig.start_and_finish(|| Outcome::Accepted), 1);
    assert_eq!(rig.start().len(), 4, "the circuit is closed");
}

#[test]
fn any_answer_keeps_the_circuit_closed() {
    let mut rig = rig(&Config {
        attempts: 1,
        concurrency: 1,
        ..config()
    });
    for outcome in [
        Outcome::Unreachable,
        Outcome::Unreachable,
        busy(),
        Outcome::Unreachable,
    ] {
        rig.push(100);
        let ids = rig.start();
        rig.finish(ids[0], outcome);
    }
    rig.push(100);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn the_tick_sends_a_probe_when_no_flush_does() {
    let mut rig = rig(&Config {
        attempts: 1,
        ..config()
    });
    rig.push_many(4);
    rig.start_and_finish(|| Outcome::Unreachable);
    assert_eq!(rig.wait_for_wake(), 5000);
    assert_eq!(rig.start_and_finish(|| Outcome::Unreachable), 1);
    assert_eq!(rig.start(), NONE);
    assert_eq!(rig.wait_for_wake(), 10_000);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn on_a_host_the_error_count_paces_the_endpoint_without_any_flush() {
    let mut rig = rig(&Config {
        pauses: HOST,
        concurrency: 1,
        ..config()
    });
    rig.push(100);
    let mut waits = Vec::new();
    for _ in 0..8 {
        assert_eq!(rig.start_and_finish(busy), 1);
        let failed_at = rig.now;
        rig.wait_for_wake();
        waits.push((rig.now - failed_at).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 120, 120]);
    assert_eq!(rig.start_and_finish(|| Outcome::Accepted), 1);
    rig.push(100);
    assert_eq!(rig.start(), NONE);
    let accepted_at = rig.now;
    rig.wait_for_wake();
    assert_eq!(
        (rig.now - accepted_at).as_secs(),
        16,
        "five errors are left"
    );
}

#[test]
fn on_a_host_failures_of_one_wave_count_as_one_error() {
    let mut rig = rig(&Config {
        pauses: HOST,
        ..config()
    });
    rig.push_many(4);
    let ids = rig.start();
    for id in ids {
        rig.wait(1);
        rig.finish(id, busy());
    }
    assert_eq!(rig.wait_for_wake(), 1001);
    assert_eq!(rig.start().len(), 4);
}

#[test]
fn new_payloads_get_at_least_half_of_the_slots_while_there_are_any() {
    let mut rig = rig(&Config {
        attempts: 1,
        redrive_bytes: 100_000,
        ..config()
    });
    rig.push_many(4);
    rig.start_and_finish(busy);
    rig.push_many(2);
    rig.wait(5000);
    let first = rig.start();
    assert_eq!(first.len(), 4);
    let redrives = |rig: &Rig| {
        let slots = rig.worker.slots.iter();
        slots.filter(|slot| slot.pending.redriven).count()
    };
    assert_eq!(redrives(&rig), 2);
    for id in first {
        rig.finish(id, Outcome::Accepted);
    }
    rig.start();
    assert_eq!(
        redrives(&rig),
        2,
        "no new ones are left, all slots are free"
    );
}

#[test]
fn with_one_slot_new_payloads_and_redrives_take_turns() {
    let mut rig = rig(&Config {
        attempts: 1,
        concurrency: 1,
        redrive_bytes: 100_000,
        ..config()
    });
    rig.push_many(3);
    for _ in 0..3 {
        rig.start_and_finish(busy);
    }
    rig.push_many(3);
    rig.wait(5000);
    let turns: Vec<_> = (0..6)
        .map(|_| {
            let ids = rig.start();
            let redriven = rig.worker.slots[0].pending.redriven;
            rig.finish(ids[0], Outcome::Accepted);
            redriven
        })
        .collect();
    assert_eq!(turns, [true, false, true, false, true, false]);
}

#[test]
fn in_kept_order_a_payload_that_waits_holds_back_those_behind_it() {
    let mut rig = rig(&Config {
        order: Order::Kept,
        ..config()
    });
    rig.push_many(3);
    for _ in 0..3 {
        assert_eq!(rig.start_and_finish(busy), 1);
        rig.wait(1000);
    }
    assert_eq!(rig.start(), NONE);
    rig.begin_flush(1000);
    let start = rig.worker.start(rig.now).unwrap();
    assert_eq!(rig.worker.slots[0].pending.place.seq(), 1);
    rig.finish(start.id, busy_for(60));
    assert!(rig.worker.settle_flush(rig.now));
    assert_eq!(rig.pending(), 3);
}

#[test]
fn halves_go_ahead_of_all_that_is_behind_the_whole() {
    for order in [Order::Kept, Order::Free] {
        let mut rig = rig(&Config {
            order,
            concurrency: 1,
            ..config()
        });
        rig.push_many(2);
        let ids = rig.start();
        rig.finish(ids[0], Outcome::TooLarge(Some([half(4), half(6)])));
        let mut items = Vec::new();
        while let Some(start) = rig.worker.start(rig.now) {
            items.push(start.items);
            rig.finish(start.id, Outcome::Accepted);
        }
        assert_eq!(items, [4, 6, 10]);
    }
}

fn half(items: u64) -> Half {
    Half {
        body: Bytes::from_static(b"half"),
        encoding: Encoding::Zstd(3),
        raw_len: 4,
        items,
    }
}

#[test]
fn what_cannot_be_halved_is_dropped_as_too_large() {
    let mut rig = rig(&config());
    rig.push(100);
    rig.start_and_finish(|| Outcome::TooLarge(None));
    assert_eq!(rig.dropped(Reason::TooLarge), 10);
    assert!(rig.worker.is_idle());
}

#[test]
fn a_refused_key_is_replaced_once_per_payload_without_using_up_an_attempt() {
    let mut rig = rig(&Config {
        attempts: 1,
        ..config()
    });
    let refused = |changed| Outcome::KeyRefused {
        status: Some(403),
        changed,
    };
    rig.push(100);
    let first = rig.worker.start(rig.now).unwrap();
    assert!(first.may_refresh_key);
    rig.finish(first.id, refused(true));
    let second = rig.worker.start(rig.now).unwrap();
    assert!(!second.may_refresh_key);
    rig.finish(second.id, refused(false));
    assert_eq!(rig.dropped(Reason::Client4xx), 10);
}

#[test]
fn a_try_with_another_key_or_encoding_uses_up_no_attempt() {
    let changed = || Outcome::KeyRefused {
        status: Some(403),
        changed: true,
    };
    let mut rig = rig(&Config {
        attempts: 2,
        ..config()
    });
    rig.push(100);
    assert_eq!(rig.start_and_finish(changed), 1);
    assert_eq!(rig.start_and_finish(|| Outcome::EncodingRefused), 1);
    assert_eq!(rig.start_and_finish(busy), 1);
    assert_eq!(rig.wait_for_wake(), 50, "a pause, not the tick");
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn a_refused_encoding_is_remembered_for_the_endpoint() {
    let mut rig = rig(&config());
    rig.push(100);
    let first = rig.worker.start(rig.now).unwrap();
    assert_eq!(first.travels_in, Encoding::Zstd(3));
    rig.finish(first.id, Outcome::EncodingRefused);
    let second = rig.worker.start(rig.now).unwrap();
    assert_eq!(second.travels_in, Encoding::Identity);
    assert_eq!(rig.worker.encoding(), Encoding::Identity);
}

#[test]
fn a_full_queue_that_waits_takes_nothing_and_one_that_drops_gives_up_its_oldest() {
    for overflow in [Overflow::Wait, Overflow::DropOldest] {
        let mut rig = rig(&Config {
            attempts: 1,
            concurrency: 1,
            overflow,
            ..config()
        });
        rig.push(100);
        rig.start_and_finish(|| busy_for(60));
        rig.push(900);
        assert!(!rig.worker.has_room(1), "1000 of 1000 bytes wait");
        assert_eq!(rig.worker.takes(1), overflow == Overflow::DropOldest);
        rig.push(100);
        rig.start();
        assert_eq!(rig.dropped(Reason::RedriveFull), 10);
        let left = rig.worker.queue.pop_oldest().unwrap();
        let oldest_left = match overflow {
            Overflow::Wait => 1,
            Overflow::DropOldest => 2,
        };
        assert_eq!(left.place.seq(), oldest_left);
    }
}

#[test]
fn an_endpoint_that_is_merely_slow_makes_no_room_by_dropping() {
    let mut rig = rig(&Config {
        overflow: Overflow::DropOldest,
        ..config()
    });
    rig.push_many(14);
    rig.start();
    assert!(!rig.worker.takes(100));
    assert!(rig.worker.ledger.totals().dropped.is_empty());
}

#[test]
fn one_payload_may_wait_however_large() {
    let mut rig = rig(&Config {
        attempts: 1,
        overflow: Overflow::DropOldest,
        ..config()
    });
    assert!(rig.worker.has_room(5000));
    rig.push(5000);
    rig.start_and_finish(busy);
    rig.start();
    assert_eq!(rig.pending(), 1);
}

#[test]
fn a_payload_that_waited_too_long_is_given_up() {
    let mut rig = rig(&Config {
        attempts: 1,
        ..config()
    });
    rig.push(100);
    rig.start_and_finish(|| busy_for(300));
    rig.wait(3_599_999);
    rig.worker.trim(rig.now);
    assert_eq!(rig.pending(), 1);
    rig.wait(1);
    rig.worker.trim(rig.now);
    assert_eq!(rig.dropped(Reason::RedriveExpired), 10);
    assert_eq!(rig.pending(), 0);
}

#[test]
fn times_without_limit_are_taken_as_such() {
    let mut rig = rig(&Config {
        request_timeout: Duration::MAX,
        redrive_age: Duration::MAX,
        ..config()
    });
    rig.push_many(1);
    let start = rig.worker.start(rig.now).unwrap();
    assert!(start.give_up_at > rig.deadline(86_400_000));
    rig.finish(start.id, busy());
    rig.wait(86_400_000);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn an_unreliable_endpoint_is_tried_once_and_refuses_what_its_buffer_cannot_hold() {
    let mut rig = rig_with(&config(), Reliability::Unreliable);
    rig.push(100);
    assert_eq!(rig.start_and_finish(|| busy_for(60)), 1);
    assert_eq!(rig.dropped(Reason::RedriveFull), 10);
    rig.push(1000);
    rig.push(1);
    assert_eq!(rig.dropped(Reason::QueueFull), 10);
    assert_eq!(rig.pending(), 1);
}
