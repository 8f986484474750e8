//! Speed of reading and aggregating samples, and of a flush, one JSON object a line: `{"name","value","unit"}`, medians
//! of rounds.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for people and scripts, which reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use datadog_metrics_agent::aggregator::{Aggregator, Config, Incoming, Which};
use datadog_metrics_agent::parse::{Message, Options, messages};

/// Bytes of a datagram at most.
const DATAGRAM_BYTES: usize = 8_192;
/// Messages that are added together.
const TOGETHER: usize = 16;
/// Rounds of which the median is taken.
const ROUNDS: usize = 31;

fn main() {
    let mixed = |index: usize| match index % 20 {
        0..11 => "1|c",
        11..15 => "42.5|g",
        15..19 => "3.25|d",
        _ => "user-17|s",
    };
    aggregate("12000_contexts", 12_000, mixed);
    aggregate("12000_contexts_counts", 12_000, |_| "1|c");
    aggregate("12000_contexts_distributions", 12_000, |_| "3.25|d");
    aggregate("200000_contexts", 200_000, mixed);
    flush(10_000, mixed);
}

/// Lines of each context once, with 3 to 8 tags, in an order that is not that of memory.
fn datagrams(contexts: usize, sample: impl Fn(usize) -> &'static str) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for step in 0..contexts {
        let index = step * 7_919 % contexts;
        let tags: Vec<_> = (0..3 + index % 6)
            .map(|tag| format!("tag_name_{tag}:value_{}", (index * 7 + tag) % 100))
            .collect();
        let line = format!(
            "shop.checkout.orders_{index:06}:{}|#{}\n",
            sample(index),
            tags.join(",")
        );
        if all
            .last()
            .is_some_and(|last| last.len() + line.len() > DATAGRAM_BYTES)
        {
            all.push(Vec::new());
        }
        if let Some(last) = all.last_mut() {
            last.extend_from_slice(line.as_bytes());
        }
    }
    all
}

fn aggregator(contexts: usize) -> Aggregator {
    let config = Config {
        max_contexts: contexts,
        ..Config::default()
    };
    Aggregator::new(config).unwrap_or_else(|error| panic!("{error}"))
}

/// Adds all that is in the datagrams, as the service does it.
fn add(aggregator: &mut Aggregator, datagrams: &[Vec<u8>], now: i64) {
    let mut metrics = Vec::with_capacity(TOGETHER);
    for datagram in datagrams {
        for message in messages(black_box(datagram), &Options::default()) {
            let Ok(Message::Metric(metric)) = message else {
                panic!("{message:?}");
            };
            if metrics.len() == TOGETHER {
                aggregator.metrics(&metrics, now);
                metrics.clear();
            }
            metrics.push(Incoming {
                metric,
                sender: None,
            });
        }
    }
    aggregator.metrics(&metrics, now);
}

/// Prints nanoseconds a sample of known contexts.
fn aggregate(name: &str, contexts: usize, sample: impl Fn(usize) -> &'static str) {
    let datagrams = datagrams(contexts, sample);
    let mut aggregator = aggregator(contexts);
    add(&mut aggregator, &datagrams, 1_000);
    assert_eq!(aggregator.contexts(), contexts);
    let seconds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        add(&mut aggregator, &datagrams, 1_001);
        start.elapsed().as_secs_f64()
    });
    let nanoseconds = median(seconds.collect()) * 1e9 / contexts as f64;
    print(
        &format!("dogstatsd_aggregate_{name}"),
        nanoseconds,
        "ns/sample",
    );
    let bytes = aggregator.bytes() as f64 / contexts as f64;
    print(&format!("dogstatsd_memory_{name}"), bytes, "bytes/context");
}

/// Prints milliseconds of a flush, compression included.
fn flush(contexts: usize, sample: impl Fn(usize) -> &'static str) {
    let datagrams = datagrams(contexts, sample);
    let mut aggregator = aggregator(contexts);
    let seconds = (0_i64..).take(ROUNDS).map(|round| {
        let now = 1_000 + 10 * round;
        add(&mut aggregator, &datagrams, now);
        let start = Instant::now();
        black_box(aggregator.flush(now + 10, Which::Closed));
        start.elapsed().as_secs_f64()
    });
    print(
        "dogstatsd_flush_10000_contexts",
        median(seconds.collect()) * 1e3,
        "ms",
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}
