//! Speed of the whole chain, from the body of a tracer to what is sent: decoding, repair, filters, obfuscation, stats that
//! the agent works out, sampling, encoding. One JSON object a line: `{"name","value","unit"}`, medians of rounds.
//!
//! One thread, the agent's own processor, everything at its default, and the memory of what is sent given back each time.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for people and scripts, which reads the clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use datadog_traces_agent::{Config, PipelineForBenches, span};

#[path = "../src/testing/msgpack.rs"]
mod msgpack;
#[path = "payload/web.rs"]
mod web;

use web::{CHUNKS, NOW, SPANS, payload};

/// Rounds of which the median is taken.
const ROUNDS: usize = 301;

fn main() {
    let payload = payload();
    let bodies = [
        ("v04", "/v0.4/traces", msgpack::v04(&payload)),
        ("v05", "/v0.5/traces", msgpack::v05(&payload)),
    ];
    for (name, path, body) in &bodies {
        let config = Config::from_intake("http://127.0.0.1:9", None, "127.0.0.1:9");
        let pipeline = PipelineForBenches::new(&config).unwrap_or_else(|error| panic!("{error}"));
        let mut now = Duration::from_nanos(NOW.unsigned_abs()) + Duration::from_secs(2);
        let mut seconds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                now += Duration::from_millis(5);
                let start = Instant::now();
                let spans = pipeline.process(path, black_box(body), now);
                let seconds = start.elapsed().as_secs_f64();
                assert_eq!(spans.map(|spans| spans > 0), Some(true));
                seconds
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let seconds = seconds[seconds.len() / 2] / (CHUNKS * SPANS) as f64;
        for (what, value, unit) in [
            ("span", seconds * 1e9, "ns/span"),
            ("rate", 1.0 / seconds, "spans/s"),
        ] {
            println!(
                "{{\"name\":\"traces_pipeline_{name}_{what}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}"
            );
        }
    }
}
