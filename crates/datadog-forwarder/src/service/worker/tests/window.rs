//! Flushes and the drain: what is tried in time, and what is left.

use super::*;

#[test]
fn a_flush_gives_a_payload_that_waits_one_round_more() {
    let mut rig = rig(&config());
    rig.push(100);
    for _ in 0..3 {
        rig.start_and_finish(busy);
        rig.wait(1000);
    }
    assert_eq!(rig.start_and_finish(busy), 0);
    rig.begin_flush(10_000);
    let mut attempts = 0;
    while !rig.worker.settle_flush(rig.now) {
        attempts += rig.start_and_finish(busy);
        rig.wait(100);
    }
    assert_eq!(attempts, 3);
    assert_eq!(rig.pending(), 1);
}

#[test]
fn a_pause_that_ends_after_the_deadline_ends_the_flush_at_once() {
    let mut rig = rig(&config());
    rig.push(100);
    rig.begin_flush(1000);
    assert_eq!(rig.start_and_finish(|| busy_for(2)), 1);
    assert!(rig.worker.settle_flush(rig.now));
    assert_eq!(rig.pending(), 1);

    rig.wait(1999);
    rig.begin_flush(1000);
    assert_eq!(rig.start(), NONE, "not before the intake wants it");
    rig.wait(1);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn no_attempt_begins_with_less_than_50_ms_left() {
    let mut rig = rig(&config());
    rig.begin_flush(1000);
    rig.wait(951);
    rig.push(100);
    rig.worker.widen_flush(rig.seq, rig.deadline(49));
    assert_eq!(rig.start(), NONE);
    assert!(rig.worker.settle_flush(rig.now));
    assert_eq!(rig.pending(), 1);

    rig.begin_flush(50);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn a_cut_attempt_goes_back_to_the_queue_as_if_it_had_not_been_made() {
    let mut rig = rig(&config());
    rig.push_many(5);
    rig.begin_flush(1000);
    let ids = rig.start();
    assert_eq!(ids.len(), 4);
    rig.wait(1000);
    assert!(!rig.worker.settle_flush(rig.now));
    assert_eq!(rig.worker.cut_flush(rig.now), ids);
    assert_eq!(rig.pending(), 5);
    assert!(!rig.worker.is_failing());
    rig.finish(ids[0], Outcome::Accepted);
    assert_eq!(rig.pending(), 5, "its answer is no longer waited for");
    assert_eq!(rig.start(), NONE, "not before the next flush or tick");
    rig.wait(5000);
    assert_eq!(rig.start().len(), 4);
}

#[test]
fn what_is_handed_over_during_a_flush_starts_when_the_endpoint_is_done_with_it() {
    let mut rig = rig(&config());
    rig.push(100);
    rig.begin_flush(1000);
    let first = rig.start();
    rig.push(100);
    assert_eq!(rig.start(), NONE);
    rig.finish(first[0], Outcome::Accepted);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn in_kept_order_a_flush_ends_when_the_oldest_has_had_its_round() {
    let mut rig = rig(&Config {
        order: Order::Kept,
        attempts: 1,
        ..config()
    });
    rig.push_many(3);
    rig.begin_flush(10_000);
    assert_eq!(rig.start_and_finish(busy), 1);
    assert!(rig.worker.settle_flush(rig.now));
    assert_eq!(rig.pending(), 3);
}

#[test]
fn a_probe_that_a_flush_cuts_off_is_followed_by_another_only_at_the_tick() {
    let mut rig = rig(&Config {
        attempts: 1,
        ..config()
    });
    rig.push_many(3);
    rig.start_and_finish(|| Outcome::Unreachable);
    rig.begin_flush(1000);
    assert_eq!(rig.start().len(), 1);
    rig.wait(1000);
    rig.worker.cut_flush(rig.now);
    rig.push(100);
    assert_eq!(rig.start(), NONE);
    rig.wait(5000);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn the_drain_ignores_pauses_and_keeps_its_own_below_100_ms() {
    for pauses in [HOST, config().pauses] {
        let mut rig = rig(&Config {
            pauses,
            attempts: 1,
            ..config()
        });
        rig.push(100);
        rig.start_and_finish(|| busy_for(300));
        assert_eq!(rig.start(), NONE);
        let deadline = rig.deadline(1000);
        rig.worker.drain(deadline, rig.now);
        let mut attempts = 0;
        while rig.now < deadline {
            while let Some(start) = rig.worker.start(rig.now) {
                assert_eq!(start.give_up_at, deadline);
                rig.finish(start.id, busy_for(300));
                attempts += 1;
            }
            rig.wait(10);
        }
        assert!((10..=20).contains(&attempts), "{attempts}");
        rig.worker.abandon(rig.now);
        assert_eq!(rig.dropped(Reason::Shutdown), 10);
        assert!(rig.worker.is_idle());
    }
}

#[test]
fn the_drain_tries_every_payload_before_it_tries_one_again() {
    let mut rig = rig(&Config {
        attempts: 1,
        concurrency: 1,
        ..config()
    });
    rig.push_many(3);
    rig.worker.drain(rig.deadline(10_000), rig.now);
    let mut tried = Vec::new();
    for _ in 0..6 {
        let start = rig.worker.start(rig.now).unwrap();
        tried.push(rig.worker.slots[0].pending.place.seq());
        rig.finish(start.id, busy());
        rig.wait(100);
    }
    assert_eq!(tried, [1, 2, 3, 1, 2, 3]);
}
