//! Tests of what values take.

use super::*;

#[test]
fn values_are_refused_beyond_their_bytes_and_taken_again_after_a_flush() {
    let mut aggregator = new(Config {
        max_value_bytes: 1_000,
        ..config()
    });
    add(&mut aggregator, 1000, "c:1|c").unwrap();
    let mut refused = 0;
    for value in 0..100 {
        let line = format!("s:value{value}|s\nh:{value}|h\nd:{value}|d");
        if add(&mut aggregator, 1000, &line).is_err() {
            refused += 1;
        }
    }
    assert!(refused > 50, "{refused}");
    assert!(aggregator.value_bytes < 3_000, "{}", aggregator.value_bytes);
    assert_eq!(add(&mut aggregator, 1000, "s:new|s"), Err(Refused::Memory));
    assert_eq!(add(&mut aggregator, 1000, "new:1|c"), Err(Refused::Memory));
    // A value that is added to another takes none.
    add(&mut aggregator, 1000, "c:1|c").unwrap();
    assert!(closed(&mut aggregator, 1010).contains("c  type=2 every=10 0.2@1000"));
    assert_eq!(aggregator.value_bytes, 0);
    add(&mut aggregator, 1010, "s:new|s\nnew:1|c").unwrap();
}

#[test]
fn what_was_held_is_given_back_at_a_flush() {
    let mut aggregator = new(config());
    for round in 0..5 {
        let now = 1_000 + 10 * round;
        for value in 0..600 {
            let line = format!("s:{value}|s\nh:{value}|h\nd:{value}|d\nc:1|c\ng:1|g");
            add(&mut aggregator, now, &line).unwrap();
        }
        assert!(aggregator.value_bytes > 10_000);
        closed(&mut aggregator, now + 10);
        assert_eq!(aggregator.value_bytes, 0, "round {round}");
    }
}

#[test]
fn events_share_the_memory_of_values() {
    let mut aggregator = new(Config {
        max_value_bytes: 500,
        ..config()
    });
    let results: Vec<_> = (0..6)
        .map(|_| add(&mut aggregator, 1000, "_e{1,1}:a|b"))
        .collect();
    assert_eq!(results[0], Ok(()));
    assert_eq!(results[5], Err(Refused::Memory));
    assert_eq!(add(&mut aggregator, 1000, "_sc|a|0"), Err(Refused::Memory));
    let tally = aggregator.tally();
    assert_eq!(tally.events + tally.memory, 7);
    closed(&mut aggregator, 1010);
    add(&mut aggregator, 1010, "_sc|a|0").unwrap();
}
