//! Batches: how many, how long, and that nothing is lost between them.

use bytes::Bytes;
use proptest::prelude::*;

use super::{Aggregator, Batch, BatchLimits, Evicted, halve};
use crate::intake_entry::BlockBuilder;
use crate::{EntryBlock, IntakeEntry};

/// 41 bytes.
const SMALL: &str = r#"{"message":"x","timestamp":1700000000000}"#;

fn block<'a>(entries: impl IntoIterator<Item = &'a str>) -> EntryBlock {
    let mut builder = BlockBuilder::writing();
    for entry in entries {
        builder
            .write(|out| out.extend_from_slice(entry.as_bytes()))
            .unwrap();
    }
    builder.finish()
}

fn aggregator(entries: usize, bytes: usize) -> Aggregator {
    Aggregator::new(BatchLimits { entries, bytes })
}

/// The entry counts and body lengths of all batches.
fn batches(aggregator: &mut Aggregator) -> Vec<(u32, usize)> {
    std::iter::from_fn(|| aggregator.take())
        .map(|batch| (batch.entries, batch.body.len()))
        .collect()
}

fn of_small(count: usize, entries: usize, bytes: usize) -> Vec<(u32, usize)> {
    let mut aggregator = aggregator(entries, bytes);
    aggregator.push(block(std::iter::repeat_n(SMALL, count)));
    batches(&mut aggregator)
}

#[test]
fn brackets_and_commas_are_counted() {
    assert_eq!(of_small(1_000, 1_000, 5_000_000), [(1_000, 42_001)]);
    assert_eq!(of_small(1, 1_000, 5_000_000), [(1, 43)]);
    assert_eq!(of_small(0, 1_000, 5_000_000), []);
    assert_eq!(
        of_small(1_001, 1_000, 5_000_000),
        [(1_000, 42_001), (1, 43)]
    );
}

#[test]
fn the_byte_limit_is_inclusive() {
    assert_eq!(of_small(3, 1_000, 100), [(2, 85), (1, 43)]);
    assert_eq!(of_small(3, 1_000, 85), [(2, 85), (1, 43)]);
    assert_eq!(of_small(3, 1_000, 84), [(1, 43), (1, 43), (1, 43)]);
}

#[test]
fn eviction_drops_the_oldest_entries_until_both_numbers_are_reached() {
    let mut aggregator = aggregator(2, 5_000_000);
    aggregator.push(block([r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]));
    aggregator.push(block([r#"{"n":4}"#, r#"{"n":5}"#]));
    let evicted = |entries| Evicted {
        entries,
        json_bytes: 7 * entries,
    };
    assert_eq!(aggregator.evict(0, 0), evicted(0));
    assert!(aggregator.is_full());
    assert_eq!(aggregator.evict(1, 8), evicted(2));
    assert_eq!((aggregator.len(), aggregator.bytes()), (3, 21));
    assert_eq!(aggregator.evict(2, 0), evicted(2));
    assert!(!aggregator.is_full());
    let rest = aggregator.take().expect("one is left");
    assert_eq!(
        (rest.body.as_ref(), rest.entries),
        (&br#"[{"n":5}]"#[..], 1)
    );
    assert_eq!(aggregator.evict(1, 1), evicted(0));
}

#[test]
fn the_largest_entry_and_its_brackets_fit_the_smallest_limit() {
    let entry = IntakeEntry::from_message("x".repeat(1_048_536), 1_700_000_000_000);
    let mut json = Vec::new();
    entry.write_json(&mut json);
    let json = String::from_utf8(json).unwrap();
    assert_eq!(json.len(), 1_048_576);
    let mut aggregator = aggregator(1_000, 1_048_578);
    aggregator.push(block([json.as_str(), SMALL]));
    assert_eq!(batches(&mut aggregator), [(1, 1_048_578), (1, 43)]);
}

#[test]
fn an_entry_beyond_the_limit_travels_alone_and_blocks_none() {
    let mut aggregator = aggregator(10, 50);
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(100));
    aggregator.push(block([SMALL, &long, SMALL]));
    assert_eq!(
        batches(&mut aggregator),
        [(1, 43), (1, long.len() + 2), (1, 43)]
    );
}

#[test]
fn a_batch_is_the_array_of_its_entries_across_blocks() {
    let mut aggregator = aggregator(3, 1_000);
    aggregator.push(block([r#"{"a":1}"#, r#"{"b":2}"#]));
    aggregator.push(EntryBlock::default());
    aggregator.push(block([r#"{"c":3}"#, r#"{"d":4}"#]));
    assert_eq!(
        aggregator.take().unwrap().body,
        r#"[{"a":1},{"b":2},{"c":3}]"#
    );
    assert_eq!(aggregator.take().unwrap().body, r#"[{"d":4}]"#);
    assert!(aggregator.take().is_none());
}

#[test]
fn it_is_full_when_the_next_entry_would_not_fit() {
    let mut by_count = aggregator(2, 1_000);
    by_count.push(block([SMALL]));
    assert!(!by_count.is_full());
    by_count.push(block([SMALL]));
    assert!(by_count.is_full());

    let mut by_bytes = aggregator(10, 100);
    by_bytes.push(block([SMALL, SMALL]));
    assert!(
        !by_bytes.is_full(),
        "85 of 100 bytes, and nothing that waits"
    );
    by_bytes.push(block([SMALL]));
    assert!(by_bytes.is_full());
    by_bytes.take();
    assert!(!by_bytes.is_full());

    let mut exactly = aggregator(10, 85);
    exactly.push(block([SMALL, SMALL]));
    assert!(exactly.is_full());
}

#[test]
fn what_is_held_is_counted_until_it_is_taken() {
    let mut aggregator = aggregator(2, 1_000);
    assert!(aggregator.is_empty());
    aggregator.push(block([SMALL, SMALL]));
    aggregator.push(block([SMALL]));
    assert_eq!((aggregator.len(), aggregator.bytes()), (3, 123));
    aggregator.take();
    assert_eq!((aggregator.len(), aggregator.bytes()), (1, 41));
    aggregator.take();
    assert_eq!((aggregator.len(), aggregator.bytes()), (0, 0));
    assert!(aggregator.is_empty());
}

fn halves(body: &str) -> Option<[(String, u64); 2]> {
    let halves = halve(&Bytes::copy_from_slice(body.as_bytes()))?;
    Some(halves.map(|(half, entries)| (String::from_utf8(half.to_vec()).unwrap(), entries)))
}

#[test]
fn a_batch_is_halved_between_entries_whatever_they_hold() {
    assert_eq!(
        halves(r#"[{"a":"],[\",{"},{"b":[1,2]},{"c":{}}]"#).unwrap(),
        [
            (r#"[{"a":"],[\",{"},{"b":[1,2]}]"#.to_owned(), 2),
            (r#"[{"c":{}}]"#.to_owned(), 1)
        ]
    );
    assert_eq!(
        halves("[1,2,3,4]").unwrap(),
        [("[1,2]".to_owned(), 2), ("[3,4]".to_owned(), 2)]
    );
}

#[test]
fn a_batch_of_one_is_not_halved_and_neither_is_what_is_no_batch() {
    for body in [
        "[{\"a\":1}]",
        "[]",
        "",
        "[",
        "{\"a\":1,\"b\":2}",
        "[1,2",
        "[1,2]]",
        "[1,,2]",
        "[1 2]",
    ] {
        assert_eq!(halves(body), None, "{body}");
    }
    assert!(halve(&Bytes::from_static(b"[1,\"\xFF\"]")).is_none());
}

proptest! {
    #[test]
    fn batches_hold_every_entry_in_order_within_limits_and_as_full_as_can_be(
        blocks in prop::collection::vec(prop::collection::vec(0usize..60, 0..12), 0..12),
        entries in 1usize..8,
        bytes in 30usize..200,
        taken_early in 0usize..5,
    ) {
        // No entry is beyond the limit, as the processor sees to it.
        let json = |length: &usize| format!("{{\"m\":\"{}\"}}", "x".repeat((*length).min(bytes - 10)));
        let blocks: Vec<Vec<String>> = blocks.iter().map(|block| block.iter().map(json).collect()).collect();
        let mut aggregator = aggregator(entries, bytes);
        for entries in &blocks {
            aggregator.push(block(entries.iter().map(String::as_str)));
        }
        let all = blocks.concat();
        prop_assert_eq!(aggregator.len(), all.len());
        let mut batches: Vec<Batch> = Vec::new();
        // Entries that come between two batches go behind those held.
        batches.extend((0..taken_early).map_while(|_| aggregator.take()));
        for entries in &blocks {
            aggregator.push(block(entries.iter().map(String::as_str)));
        }
        let all = [all.as_slice(), all.as_slice()].concat();
        let early = batches.len();
        batches.extend(std::iter::from_fn(|| aggregator.take()));

        let mut sent = Vec::new();
        for batch in &batches {
            let values: Vec<serde_json::Value> = serde_json::from_slice(&batch.body).unwrap();
            prop_assert_eq!(values.len(), batch.entries as usize);
            prop_assert!(values.len() <= entries && batch.body.len() <= bytes && !values.is_empty());
            sent.extend(values.iter().map(ToString::to_string));
            let halves: Vec<Bytes> = halve(&batch.body).into_iter().flatten().map(|(half, _)| half).collect();
            if let [first, second] = halves.as_slice() {
                let joined = [&first[..first.len() - 1], b",", &second[1..]].concat();
                prop_assert_eq!(&joined, &batch.body);
            } else {
                prop_assert_eq!(batch.entries, 1);
            }
        }
        prop_assert_eq!(sent, all);
        for (index, pair) in batches.windows(2).enumerate() {
            // The last batch before more came is as full as it could be then.
            let could_merge = pair[0].entries + pair[1].entries <= u32::try_from(entries).unwrap()
                && pair[0].body.len() + pair[1].body.len() - 1 <= bytes;
            prop_assert!(!could_merge || index + 1 == early);
        }
    }
}
