//! The budget and the queue under every order of use.

use std::collections::BTreeSet;

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
