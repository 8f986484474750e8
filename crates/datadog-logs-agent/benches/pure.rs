//! Figures of the pure half of the pipeline, one JSON object a line: `{"name","value","unit"}`, medians of rounds.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people and scripts, which may as well stop at a surprise"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datadog_logs_agent::aggregator::BatchLimits;
use datadog_logs_agent::processor::{Defaults, EmptyLines, Enrichment, EntryLimits, Oversize};
use datadog_logs_agent::rules::{RuleConfig, RuleKind, Rules};
use datadog_logs_agent::{Aggregator, EntryBlock, Processor};

/// The time of every entry.
const NOW_MS: i64 = 1_700_000_000_000;
/// Entries in a request.
const ENTRIES: usize = 100;
/// Requests that are measured at once.
const REQUESTS: usize = 200;
/// Rounds of which the median is taken.
const ROUNDS: usize = 41;

fn main() {
    let (aggregator, encode) = (aggregator_insert(), json_encode());
    print("aggregator_insert", aggregator, "ns/entry");
    print("json_encode", encode, "MB/s");
    let tags = Enrichment {
        hostname: Some("i-0123456789abcdef0".to_owned()),
        tags: ["env:prod", "version:1.2.3", "team:logs"]
            .map(str::to_owned)
            .to_vec(),
        ..Enrichment::default()
    };
    let exclude = [RuleConfig {
        kind: RuleKind::ExcludeAtMatch,
        name: "health".to_owned(),
        pattern: "GET /health".to_owned(),
        replace_placeholder: String::new(),
    }];
    let plain = processor(Enrichment::default(), &[]);
    let complete = request(&entry(200, ",\"timestamp\":1700000000000}"));
    let timeless = request(&entry(200, "}"));
    for (name, processor, body) in [
        ("body_raw", &plain, &complete),
        ("body_without_time", &plain, &timeless),
        ("body_enriched", &processor(tags, &[]), &timeless),
        (
            "body_rule",
            &processor(Enrichment::default(), &exclude),
            &complete,
        ),
    ] {
        print(name, body_entries(processor, body), "entries/s");
    }
}

fn print(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}

/// The median time of a round.
fn median(mut round: impl FnMut() -> Duration) -> f64 {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    times.sort_unstable();
    times[ROUNDS / 2].as_secs_f64()
}

fn processor(enrichment: Enrichment, rules: &[RuleConfig]) -> Processor {
    Processor {
        rules: Rules::compile(rules).unwrap(),
        enrichment,
        limits: EntryLimits {
            message_bytes: 900_000,
            entry_bytes: 1_048_576,
            oversize: Oversize::Truncate,
        },
    }
}

/// An entry of so many bytes that ends so, its message an ordinary line.
fn entry(bytes: usize, end: &str) -> String {
    let start = r#"{"ddsource":"nginx","service":"web","status":"info","message":""#;
    let line =
        "10.0.0.1 - - GET /api/v2/items?id=42 200 512 0.003 Mozilla/5.0 (X11; Linux x86_64) ";
    let message = line
        .chars()
        .cycle()
        .take(bytes - start.len() - end.len() - 1);
    format!("{start}{}\"{end}", message.collect::<String>())
}

fn request(entry: &str) -> Bytes {
    format!("[{}]", vec![entry; ENTRIES].join(",")).into()
}

fn block(body: &Bytes) -> EntryBlock {
    let processor = processor(Enrichment::default(), &[]);
    processor
        .body(body.clone(), None, &Defaults::default(), NOW_MS)
        .unwrap()
        .0
}

/// Entries of a request that are read and checked in a second.
fn body_entries(processor: &Processor, body: &Bytes) -> f64 {
    let seconds = median(|| {
        let start = Instant::now();
        for _ in 0..REQUESTS {
            black_box(processor.body(body.clone(), None, &Defaults::default(), NOW_MS)).unwrap();
        }
        start.elapsed()
    });
    (REQUESTS * ENTRIES) as f64 / seconds
}

/// Nanoseconds for an entry of 200 bytes to be queued and to be copied into its batch.
fn aggregator_insert() -> f64 {
    let block = block(&request(&entry(200, ",\"timestamp\":1700000000000}")));
    let limits = BatchLimits {
        entries: 1_000,
        bytes: 5_000_000,
    };
    let seconds = median(|| {
        let blocks = vec![block.clone(); REQUESTS];
        let mut aggregator = Aggregator::new(limits);
        let start = Instant::now();
        for block in blocks {
            aggregator.push(block);
            if aggregator.is_full() {
                black_box(aggregator.take());
            }
        }
        start.elapsed()
    });
    seconds * 1e9 / (REQUESTS * ENTRIES) as f64
}

/// Megabytes of plain ASCII lines of 200 bytes that become entries in a second, the check for UTF-8 included.
fn json_encode() -> f64 {
    let processor = processor(Enrichment::default(), &[]);
    let line = "a line of text, 123 ".repeat(10).into_bytes();
    let lines = || std::iter::repeat_n(line.as_slice(), ENTRIES * 10);
    let seconds = median(|| {
        let start = Instant::now();
        for _ in 0..REQUESTS / 10 {
            black_box(processor.lines(lines(), EmptyLines::Keep, NOW_MS));
        }
        start.elapsed()
    });
    (REQUESTS * ENTRIES * line.len()) as f64 / seconds / 1e6
}
