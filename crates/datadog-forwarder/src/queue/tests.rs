//! The budget and the queue under every order of use.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;

fn pending(seq: u64, bytes: usize) -> Pending {
    Pending {
        place: Place::whole(seq),
        body: vec![0; bytes].into(),
        encoding: Encoding::Identity,
        raw_len: bytes,
        items: 1,
        form: None,
        accepted_at: Instant::now(),
        attempts: 0,
        tried_at: None,
        redriven: false,
        key_refreshed: false,
        reservation: None,
    }
}

fn seq(pending: Option<Pending>) -> Option<u64> {
    pending.map(|pending| pending.place.seq())
}

#[test]
fn a_budget_is_taken_up_to_its_limit_and_not_a_byte_more() {
    let budget = Budget::new(100);
    let whole = budget.try_reserve(100).unwrap();
    assert!(budget.try_reserve(1).is_none());
    assert!(budget.try_reserve(usize::MAX).is_none());
    drop(whole);
    assert_eq!(budget.used(), 0);
    assert!(budget.try_reserve(101).is_none());
}

#[test]
fn a_reservation_shrinks_splits_and_joins_without_losing_a_byte() {
    let budget = Budget::new(100);
    let mut first = budget.try_reserve(60).unwrap();
    first.shrink_to(200);
    assert_eq!(first.bytes(), 60, "never grows");
    first.shrink_to(50);
    assert_eq!((first.bytes(), budget.used()), (50, 50));
    let mut second = first.split_off(20);
    let all = first.split_off(usize::MAX);
    assert_eq!((first.bytes(), second.bytes(), all.bytes()), (0, 20, 30));
    second.absorb(all);
    drop(first);
    assert_eq!(budget.used(), 50);
    drop(second);
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn a_reservation_that_waits_is_made_as_soon_as_there_is_room() {
    let budget = Budget::new(100);
    let held = budget.try_reserve(90).unwrap();
    let mut waiting = std::pin::pin!(budget.reserve(20));
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(held);
    assert_eq!(waiting.await.unwrap().bytes(), 20);
}

#[tokio::test]
async fn what_can_never_fit_is_refused_at_once() {
    assert!(Budget::new(100).reserve(101).await.is_none());
}

#[test]
fn order_is_kept_across_classes_and_a_parked_head_holds_back_the_rest() {
    let mut queue = PendingQueue::default();
    queue.push(pending(2, 1));
    queue.push(pending(3, 1));
    queue.park(pending(1, 1));
    assert!(queue.is_held_back());
    assert_eq!(seq(queue.pop_in_order(u64::MAX)), None);
    queue.release();
    assert_eq!(seq(queue.pop_in_order(u64::MAX)), Some(1));
    assert_eq!(seq(queue.pop_in_order(1)), None, "handed over later");
    assert_eq!(seq(queue.pop_in_order(2)), Some(2));
    queue.park(pending(4, 1));
    assert_eq!(seq(queue.pop_in_order(u64::MAX)), Some(3));
    assert!(queue.is_held_back());
}

#[test]
fn a_payload_that_waits_is_overtaken_when_order_is_free() {
    let mut queue = PendingQueue::default();
    queue.park(pending(1, 1));
    queue.push(pending(2, 1));
    assert_eq!(seq(queue.pop_fresh(u64::MAX)), Some(2));
    assert_eq!(seq(queue.pop_due(u64::MAX)), None);
}

#[test]
fn parking_spares_what_was_handed_over_later() {
    let mut queue = PendingQueue::default();
    for seq in 1..=4 {
        queue.push(pending(seq, 10));
    }
    queue.park_through(2);
    assert!(!queue.has_ready(2));
    assert!(queue.has_ready(3));
    assert_eq!(queue.redrive_bytes(), 20);
    assert_eq!(queue.bytes(), 40);
}

#[test]
fn the_oldest_goes_first_whatever_its_class() {
    let mut queue = PendingQueue::default();
    queue.push(pending(3, 30));
    queue.park(pending(2, 20));
    queue.park(pending(1, 10));
    let oldest: Vec<_> = std::iter::from_fn(|| seq(queue.pop_oldest())).collect();
    assert_eq!(oldest, [1, 2, 3]);
    assert_eq!((queue.bytes(), queue.len(), queue.items()), (0, 0, 0));
    assert_eq!(queue.oldest(), None);
}

#[test]
fn halves_take_the_place_of_the_whole_in_their_order() {
    let mut queue = PendingQueue::default();
    queue.push(pending(6, 1));
    for place in Place::whole(5).halves().unwrap() {
        for place in place.halves().unwrap() {
            queue.push(Pending {
                place,
                ..pending(5, 1)
            });
        }
    }
    let places: Vec<_> = std::iter::from_fn(|| queue.pop_in_order(u64::MAX))
        .map(|pending| (pending.place.seq, pending.place.part >> 29))
        .collect();
    assert_eq!(places, [(5, 0), (5, 1), (5, 2), (5, 3), (6, 0)]);
}

#[test]
fn a_payload_is_halved_at_most_31_times() {
    let mut place = Place::whole(1);
    let mut halvings = 0;
    while let Some([_, second]) = place.halves() {
        place = second;
        halvings += 1;
    }
    assert_eq!(halvings, 31);
}

proptest! {
    #[test]
    fn bytes_and_items_are_those_of_the_payloads_held(
        steps in prop::collection::vec((0u8..6, 1usize..100), 0..100),
    ) {
        let mut queue = PendingQueue::default();
        let mut held = BTreeSet::new();
        for (seq, (step, bytes)) in (0u64..).zip(steps) {
            let taken = match step {
                0 | 1 => {
                    held.insert((seq, bytes));
                    if step == 0 { queue.push(pending(seq, bytes)) } else { queue.park(pending(seq, bytes)) }
                    None
                }
                2 => { queue.release(); None }
                3 => queue.pop_fresh(u64::MAX),
                4 => queue.pop_in_order(u64::MAX),
                _ => queue.pop_oldest(),
            };
            if let Some(taken) = taken {
                prop_assert!(held.remove(&(taken.place.seq(), taken.body.len())));
            }
            prop_assert_eq!(queue.bytes(), held.iter().map(|(_, bytes)| bytes).sum::<usize>());
            prop_assert_eq!(queue.len(), held.len());
            prop_assert_eq!(queue.items(), u64::try_from(held.len()).unwrap());
        }
    }
}
