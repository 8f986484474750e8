//! Figures of the back ends, one JSON object a line: `{"name","value","unit"}`, medians of rounds.
//!
//! Megabytes are those of the log text that the operations stand for, not of what is written.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for people and scripts, which measures time"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use datadog_logs_patterns::integer::is_canonical_int;
use datadog_logs_patterns::operation::{Body, Log, Operation, Operations, Value};
use datadog_logs_patterns::wire::{Options, Profile, write};

/// The time of the first log.
const NOW_MS: i64 = 1_700_000_000_000;
/// Logs in a batch.
const LOGS: usize = 1_000;
/// Batches that are measured at once.
const BATCHES: usize = 50;
/// Rounds of which the median is taken.
const ROUNDS: usize = 41;

/// A batch, with the bytes of log text that it stands for.
struct Batch {
    operations: Operations,
    text_bytes: usize,
}

fn main() {
    for (batch, of) in [
        (&access(), "access"),
        (&short(), "short"),
        (&wide(), "wide"),
        (&raw(), "raw"),
    ] {
        for (profile, letter) in [(Profile::A, 'a'), (Profile::C, 'c')] {
            let (seconds, written) = time_of(batch, profile);
            let name = format!("write_{letter}_{of}");
            let logs = (BATCHES * LOGS) as f64;
            print(
                &name,
                (BATCHES * batch.text_bytes) as f64 / seconds / 1e6,
                "MB/s",
            );
            print(&name, seconds * 1e9 / logs, "ns/log");
            print(&name, written as f64 / LOGS as f64, "bytes/log");
        }
    }
    print("is_canonical_int", canonical_int(), "ns/value");
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

/// Seconds to write the batches into one buffer that is kept, and the bytes of one of them.
fn time_of(batch: &Batch, profile: Profile) -> (f64, usize) {
    let mut out = Vec::new();
    let seconds = median(|| {
        let start = Instant::now();
        for _ in 0..BATCHES {
            out.clear();
            write(
                black_box(&batch.operations),
                profile,
                Options::default(),
                &mut out,
            );
            black_box(&out);
        }
        start.elapsed()
    });
    (seconds, out.len())
}

/// Logs of one pattern with two entries of the dictionary for tags and status.
fn batch(
    template: &str,
    mut log: impl FnMut(usize, &mut Operations) -> (Vec<Value>, usize),
) -> Batch {
    let mut operations = Operations::default();
    let mut text_bytes = 0;
    for index in 0..LOGS {
        let (values, value_bytes) = log(index, &mut operations);
        text_bytes += template.len() + value_bytes;
        if index == 0 {
            let positions = vec![0; values.len()];
            define(&mut operations, template, &positions);
        }
        let values = operations.keep_values(values);
        push(&mut operations, index, Body::Pattern { id: 1, values });
    }
    Batch {
        operations,
        text_bytes,
    }
}

fn define(operations: &mut Operations, template: &str, positions: &[u32]) {
    let template = operations.keep_text(template.as_bytes());
    let positions = operations.keep_positions(positions);
    operations.push(Operation::DefinePattern {
        id: 1,
        template,
        positions,
    });
}

fn push(operations: &mut Operations, index: usize, body: Body) {
    operations.push(Operation::Log(Log {
        timestamp_ms: NOW_MS + index as i64 * 3,
        status: Some(2 + u64::from(index.is_multiple_of(10))),
        service: None,
        tags: Some(4),
        uuid: None,
        body,
        json: None,
    }));
}

/// An access log of some 180 bytes: two texts, three numbers, an entry of the dictionary.
fn access() -> Batch {
    let template =
        " - - [] \"GET /api/v2/items?id= HTTP/1.1\"   \"Mozilla/5.0 (X11; Linux x86_64) Gecko\" ";
    batch(template, |index, operations| {
        let address = format!("10.0.{}.{}", index % 7, index % 251);
        let time = format!("14/Nov/2023:22:{:02}:{:02} +0000", index / 60, index % 60);
        let bytes = address.len() + time.len() + 6 + 3 + 4 + 24;
        let values = vec![
            Value::Text(operations.keep_text(address.as_bytes())),
            Value::Text(operations.keep_text(time.as_bytes())),
            Value::Int(100_000 + index as i64),
            Value::Int(200),
            Value::Int(1_000 + index as i64),
            Value::Dict(17),
        ];
        (values, bytes)
    })
}

/// A log of some 50 bytes with two values.
fn short() -> Batch {
    batch(
        "ERROR Connection from  timed out after ",
        |index, operations| {
            let address = format!("10.0.0.{}", index % 251);
            let bytes = address.len() + 2;
            let address = operations.keep_text(address.as_bytes());
            (vec![Value::Text(address), Value::Int(45)], bytes)
        },
    )
}

/// A JSON log of some 600 bytes with 24 values, whose message is longer than 127 bytes.
fn wide() -> Batch {
    let template = "{\"some_key\":\"\",".repeat(24);
    batch(&template, |index, operations| {
        let text = format!("value-{index:05}");
        let bytes = 24 * text.len();
        let values = (0..24)
            .map(|_| Value::Text(operations.keep_text(text.as_bytes())))
            .collect();
        (values, bytes)
    })
}

/// Raw logs of 200 bytes.
fn raw() -> Batch {
    let line = "a line of text, 123 ".repeat(10);
    let mut operations = Operations::default();
    for index in 0..LOGS {
        let body = Body::Raw(operations.keep_text(line.as_bytes()));
        push(&mut operations, index, body);
    }
    Batch {
        operations,
        text_bytes: LOGS * line.len(),
    }
}

/// Nanoseconds to tell whether a value is a number: half of them are.
fn canonical_int() -> f64 {
    let values: Vec<String> = (0..LOGS)
        .map(|index| match index % 6 {
            0 => format!("{}", index * 7_919),
            1 => format!("10.0.0.{index}"),
            2 => format!("-{index}"),
            3 => format!("user{index}"),
            4 => format!("17000000{index:05}"),
            _ => format!("0x{index:08x}"),
        })
        .collect();
    let seconds = median(|| {
        let start = Instant::now();
        for _ in 0..BATCHES {
            for value in &values {
                black_box(is_canonical_int(black_box(value.as_bytes())));
            }
        }
        start.elapsed()
    });
    seconds * 1e9 / (BATCHES * LOGS) as f64
}
