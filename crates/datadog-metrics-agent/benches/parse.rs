//! Speed of the parser of datagrams, one JSON object a line: `{"name","value","unit"}`, medians of rounds.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for people and scripts, which reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use datadog_metrics_agent::parse::{Message, Options, messages};

/// Datagrams of a round, each as full as clients make them.
const DATAGRAMS: usize = 500;
/// Bytes of a datagram at most.
const DATAGRAM_BYTES: usize = 8_192;
/// Rounds of which the median is taken.
const ROUNDS: usize = 31;

fn main() {
    for (name, line) in [
        ("0_tags", count_without_tags as fn(usize) -> String),
        ("3_tags", |index| metric(index, 3, "1|c")),
        ("8_tags", |index| metric(index, 8, "42.5|g")),
        ("20_tags", |index| metric(index, 20, "1|c")),
        ("8_tags_packed_8", |index| {
            metric(index, 8, "1.5:22:3.25:4:51:6.125:7:8.5|d|@0.5")
        }),
        ("8_tags_origin", |index| {
            metric(index, 8, "1|c")
                + "|c:ci-0123456789abcdef0123456789abcdef,in-4026532\
                |e:it-false,cn-web,pu-0123-4567|card:low|T1700000000"
        }),
        ("event", |index| {
            format!(
                "_e{{14,26}}:build finished|all 1204 tests are green \\n|t:success|#env:prod,build:{index}"
            )
        }),
    ] {
        measure(&format!("dogstatsd_parse_{name}"), line);
    }
}

/// Prints nanoseconds a message and megabytes a second.
fn measure(name: &str, line: fn(usize) -> String) {
    let mut index = 0;
    let mut count = 0;
    let datagrams: Vec<Vec<u8>> = (0..DATAGRAMS)
        .map(|_| {
            let mut datagram = Vec::new();
            loop {
                let line = line(index);
                if datagram.len() + line.len() >= DATAGRAM_BYTES {
                    return datagram;
                }
                datagram.extend_from_slice(line.as_bytes());
                datagram.push(b'\n');
                index += 1;
                count += 1;
            }
        })
        .collect();
    let bytes: usize = datagrams.iter().map(Vec::len).sum();
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let sum: f64 = datagrams.iter().map(|datagram| values(datagram)).sum();
            black_box(sum);
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[ROUNDS / 2];
    print(name, median * 1e9 / f64::from(count), "ns/message");
    print(name, bytes as f64 / median / 1e6, "MB/s");
}

/// Reads every message, and every value of each.
fn values(datagram: &[u8]) -> f64 {
    let options = Options {
        timestamps: true,
        client_origin: true,
    };
    messages(black_box(datagram), &options)
        .map(|message| match message {
            Ok(Message::Metric(metric)) => {
                let numbers = metric.sample.numbers();
                let sum: f64 = numbers.map_or(0.0, |numbers| numbers.iter().sum());
                black_box(&metric);
                sum + metric.rate
            }
            Ok(message) => {
                black_box(&message);
                1.0
            }
            Err(error) => panic!("{error}"),
        })
        .sum()
}

fn count_without_tags(index: usize) -> String {
    format!("shop.checkout.orders_{:03}:1|c", index % 1_000)
}

fn metric(index: usize, tags: usize, rest: &str) -> String {
    let tags: Vec<String> = (0..tags)
        .map(|tag| format!("tag_name_{tag}:value_{}", (index * 7 + tag) % 100))
        .collect();
    format!(
        "shop.checkout.orders_{:03}:{rest}|#{}",
        index % 1_000,
        tags.join(",")
    )
}

fn print(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}
