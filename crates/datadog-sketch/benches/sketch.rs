//! Speed of the two sketches, one JSON object a line: `{"name","value","unit"}`, medians of rounds.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people and scripts, which reads the clock and may as well stop at a surprise"
)]

use std::hint::black_box;
use std::time::Instant;

use datadog_sketch::{agent, dd};

/// Values of a round.
const VALUES: usize = 100_000;
/// Values that a client packs into one message.
const PACK: usize = 32;
/// Rounds of which the median is taken.
const ROUNDS: usize = 31;

fn main() {
    let values = latencies();
    per_value("sketch_agent_insert", || {
        let mut sketch = agent::Sketch::default();
        for &value in &values {
            sketch.insert(black_box(value)).ok();
        }
        sketch
    });
    for (name, pack) in [("32", PACK), ("512", 512)] {
        per_value(&format!("sketch_agent_insert_many_{name}"), || {
            let mut sketch = agent::Sketch::default();
            for values in values.chunks(pack) {
                sketch.insert_many(black_box(values));
            }
            sketch
        });
    }
    per_value("sketch_agent_insert_few", || {
        // Sketches of four values each, as most series have them.
        let mut bytes = 0;
        for values in values.chunks(4) {
            let mut sketch = agent::Sketch::default();
            for &value in values {
                sketch.insert(black_box(value)).ok();
            }
            bytes += sketch.bytes();
        }
        bytes
    });
    per_value("sketch_dd_insert", || {
        let mut sketch = dd::Sketch::default();
        for &value in &values {
            sketch.insert(black_box(value)).ok();
        }
        sketch
    });
    merges();
}

/// Merges of sketches with as many bins as they can have.
fn merges() {
    let full = |step: i16| {
        let mut sketch = agent::Sketch::default();
        for index in 0..4096_i16 {
            sketch.insert(agent::value_of(1 + index * step)).unwrap();
        }
        sketch
    };
    let (dense, sparse) = (full(1), full(2));
    for (name, other) in [("same", &dense), ("different", &sparse)] {
        let mut merged = dense.clone();
        let micros = median(|| merged.merge(black_box(other)).unwrap()) * 1e6;
        print(&format!("sketch_agent_merge_4096_{name}"), micros, "us");
    }

    let mut sketch = dd::Sketch::default();
    for power in 0..2048 {
        sketch.insert(1.020_202_f64.powi(power)).unwrap();
    }
    let other = sketch.clone();
    let micros = median(|| sketch.merge(black_box(&other))) * 1e6;
    print("sketch_dd_merge_2048", micros, "us");
    let mut message = sketch.to_message();
    message.mapping = Some(dd::MappingMessage {
        gamma: 1.015_625,
        index_offset: 1338.5,
        interpolation: dd::Interpolation::None,
    });
    let micros = median(|| dd::Sketch::from_message(black_box(&message)).unwrap()) * 1e6;
    print("sketch_dd_convert_2048", micros, "us");
}

/// Latencies of a service in nanoseconds, most of them near one another.
fn latencies() -> Vec<f64> {
    let mut bits = 7_u64;
    let mut uniform = || {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..VALUES)
        .map(|_| {
            let normal: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            (normal + 15.0).exp()
        })
        .collect()
}

fn per_value<T>(name: &str, work: impl FnMut() -> T) {
    print(name, median(work) * 1e9 / VALUES as f64, "ns/value");
}

/// The median of the seconds that rounds take.
fn median<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}

fn print(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}
