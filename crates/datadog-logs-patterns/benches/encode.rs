//! How fast lines become batches before compression: made-up lines, or those of the files given as arguments.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a bench prints its figures and looks at the clock"
)]

use std::time::Instant;

use datadog_logs_patterns::encoder::{Encoder, Input, Options};

const ROUNDS: usize = 15;
const BATCH: usize = 1_000;

fn main() {
    let files: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let texts = if files.is_empty() {
        vec![access_log(), application_log()]
    } else {
        files
    };
    let bytes: usize = texts.iter().map(Vec::len).sum();
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| texts.iter().map(|text| encode(text)).sum())
        .collect();
    seconds.sort_by(f64::total_cmp);
    let rate = bytes as f64 / seconds[ROUNDS / 2] / 1e6;
    println!("{{\"name\":\"encode\",\"value\":{rate:.1},\"unit\":\"MB/s\"}}");
}

/// Encodes a text from empty state; returns the seconds that it took.
fn encode(text: &[u8]) -> f64 {
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    let mut encoder = Encoder::new(Options::default(), 1);
    let mut written = Vec::new();
    let begin = Instant::now();
    for batch in lines.chunks(BATCH) {
        for line in batch {
            let input = Input {
                body: line,
                timestamp_ms: 1_700_000_000_000,
                status: Some("info"),
                service: None,
                tags: "env:prod,service:shop",
                uuid: None,
            };
            encoder.push(&input, 0).unwrap();
        }
        let operations = encoder.seal();
        written.clear();
        encoder.write(&operations, &mut written);
        encoder.recycle(operations);
    }
    begin.elapsed().as_secs_f64()
}

/// Numbers that look random and are the same in every run.
fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn access_log() -> Vec<u8> {
    let mut state = 1;
    let line = |n: u64| {
        let mut next = |below: u64| random(&mut state) % below;
        format!(
            "10.{}.{}.7 - - [06/May/2024:10:{:02}:{:02} +0000] \"GET /shop/item/{}?page={} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64) Agent/{}\"\n",
            next(4),
            next(200),
            n / 600 % 60,
            n / 10 % 60,
            next(300),
            next(9),
            next(90_000),
            next(40)
        )
    };
    (0..20_000).map(line).collect::<String>().into_bytes()
}

fn application_log() -> Vec<u8> {
    let mut state = 2;
    let line = |n: u64| {
        let mut next = |below: u64| random(&mut state) % below;
        let head = format!(
            "2024-05-06 10:{:02}:{:02},{:03}",
            n / 600 % 60,
            n / 10 % 60,
            next(1000)
        );
        match next(4) {
            0 => format!(
                "{head} INFO  [worker-{}] order {} accepted for user{}\n",
                next(8),
                n,
                next(500)
            ),
            1 => format!(
                "{head} DEBUG [worker-{}] cache hit ratio is 0.{}\n",
                next(8),
                next(100)
            ),
            2 => format!(
                "{head} WARN  [db] query took {} ms: select * from t{}\n",
                next(5000),
                next(20)
            ),
            _ => format!(
                "{head} INFO  [http] {{\"status\":{},\"bytes\":{}}}\n",
                200 + next(5),
                next(99_999)
            ),
        }
    };
    (0..20_000).map(line).collect::<String>().into_bytes()
}
