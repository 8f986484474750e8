//! Speed of decoding, repairing and writing spans, one JSON object a line: `{"name","value","unit"}`, medians of rounds.
//!
//! The spans are those of a web service: 10 tags and 3 numeric ones each, 10 spans in a chunk, 100 chunks in a body.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for people and scripts, which reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use datadog_traces_agent::decode::{self, Error};
use datadog_traces_agent::normalize::{self, Context, Counts};
use datadog_traces_agent::span::{self, Payload};
use datadog_traces_agent::{encode, root, truncate};

#[path = "../src/testing/msgpack.rs"]
mod msgpack;
#[path = "payload/web.rs"]
mod web;

use web::{CHUNKS, NOW, SPANS, payload};

/// Rounds of which the median is taken.
const ROUNDS: usize = 101;

type Decode = fn(&[u8]) -> Result<Payload<'_>, Error>;

fn main() {
    let payload = payload();
    let formats: [(&str, Vec<u8>, Decode); 3] = [
        ("v04", msgpack::v04(&payload), decode::v04),
        ("v05", msgpack::v05(&payload), decode::v05),
        ("v07", msgpack::v07(&payload), decode::v07),
    ];
    for (name, body, decode) in &formats {
        let seconds = measure(
            || (),
            |()| match decode(black_box(body)) {
                Ok(payload) => drop(black_box(payload)),
                Err(error) => panic!("{error}"),
            },
        );
        print(&format!("traces_decode_{name}"), seconds);
    }
    let body = &formats[0].1;
    let decoded = || decode::v04(body).unwrap_or_else(|error| panic!("{error}"));
    print(
        "traces_normalize",
        measure(decoded, |mut payload| {
            repair(&mut payload);
            payload
        }),
    );
    print(
        "traces_root_and_top_level",
        measure(decoded, |mut payload| {
            describe(&mut payload);
            payload
        }),
    );
    print(
        "traces_encode",
        measure(decoded, |payload| {
            black_box(encode::tracer_payload(&payload));
            payload
        }),
    );
    print(
        "traces_decode_v04_to_encode",
        measure(
            || (),
            |()| {
                let mut payload = decoded();
                repair(&mut payload);
                describe(&mut payload);
                black_box(encode::tracer_payload(&payload));
            },
        ),
    );
}

fn repair(payload: &mut Payload<'_>) {
    let context = Context {
        language: "python",
        now: NOW,
        component_as_name: false,
    };
    let mut counts = Counts::default();
    normalize::payload(payload, &context, &mut counts);
    assert_eq!(black_box(counts), Counts::default());
}

fn describe(payload: &mut Payload<'_>) {
    for index in 0..payload.chunks.len() {
        let chunk = &mut payload.chunks[index];
        let Some(root) = root::find(&chunk.spans) else {
            continue;
        };
        root::describe_chunk(chunk, root);
        for span in &mut chunk.spans {
            truncate::span(span, truncate::Resources::Usual);
        }
        root::set_client_rate(&mut chunk.spans[root]);
        root::compute_top_level(chunk);
        root::describe_payload(payload, index, root);
    }
}

/// The median of the seconds that a step takes. What goes in is made before, and what comes out is dropped after.
fn measure<I, O>(input: impl Fn() -> I, step: impl Fn(I) -> O) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let input = input();
            let start = Instant::now();
            let output = step(input);
            let seconds = start.elapsed().as_secs_f64();
            drop(black_box(output));
            seconds
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}

fn print(name: &str, seconds: f64) {
    let value = seconds * 1e9 / (CHUNKS * SPANS) as f64;
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"ns/span\"}}");
}
