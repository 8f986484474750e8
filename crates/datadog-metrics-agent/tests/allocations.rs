//! A sample of a known context allocates nothing.
//!
//! A binary of its own, because it counts every allocation of the process; hence one test.

#![allow(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use datadog_metrics_agent::aggregator::{Aggregator, Config, Which};
use datadog_metrics_agent::parse::{Message, Options, messages};

#[path = "../../../tests/allocator.rs"]
mod allocator;

fn add(aggregator: &mut Aggregator, datagram: &str, now: i64) -> usize {
    let before = allocator::calls();
    for message in messages(datagram.as_bytes(), &Options::default()) {
        let Message::Metric(metric) = message.unwrap() else {
            panic!("no metric");
        };
        aggregator.metric(&metric, None, now).unwrap();
    }
    allocator::calls() - before
}

#[test]
fn a_sample_of_a_known_context_allocates_nothing() {
    let datagram: String = (0..100)
        .map(|index| {
            let tags: Vec<_> = (0..index % 6 + 3)
                .map(|tag| format!("tag{tag}:{index}"))
                .collect();
            let tags = tags.join(",");
            format!("c:1|c|#{tags}\ng:1.5|g|#{tags}\nd:{index}|d|@0.5|#{tags}\ns:x|s|#{tags}\n")
        })
        .collect();
    let mut aggregator = Aggregator::new(Config::default()).unwrap();
    assert!(add(&mut aggregator, &datagram, 1_000) > 0);
    assert_eq!(add(&mut aggregator, &datagram, 1_001), 0);
    // Nor does the next bucket, but for sets, whose elements are its own.
    aggregator.flush(1_010, Which::Closed);
    let without_sets: String = datagram
        .lines()
        .filter(|line| !line.starts_with("s:"))
        .flat_map(|line| [line, "\n"])
        .collect();
    add(&mut aggregator, &without_sets, 1_011);
    aggregator.flush(1_020, Which::Closed);
    assert_eq!(add(&mut aggregator, &without_sets, 1_021), 0);
}
