//! Speed of counting spans and of sampling chunks, one JSON object a line: `{"name","value","unit"}`, medians of
//! rounds.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for people and scripts, which reads the clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use datadog_traces_agent::concentrator::{self, Concentrator, Due};
use datadog_traces_agent::sampler::{self, Sampler};
use datadog_traces_agent::span::{Chunk, PRIORITY_NONE, Span};
use datadog_traces_agent::stats;

/// Groups that spans fall into.
const KEYS: usize = 1_000;
/// Rounds of which the median is taken.
const ROUNDS: usize = 51;
const NOW: Duration = Duration::from_secs(1_700_000_000);

fn main() {
    concentrator_add("server", "server");
    concentrator_add("client", "client");
    concentrator_add("inner", "internal");
    flush();
    for (name, priority) in [("priority", 1), ("no_priority", PRIORITY_NONE)] {
        sampler_decide(name, priority);
    }
}

/// A span with ten tags, as one of a web service.
fn span(index: usize, kind: &'static str) -> Span<'static> {
    let meta = [
        ("env", "production"),
        ("version", "1.2.3"),
        ("language", "python"),
        ("component", "flask"),
        ("span.kind", kind),
        ("http.method", "GET"),
        ("http.status_code", "200"),
        ("http.url", "https://shop.example.com/orders?page=2"),
        ("runtime-id", "0e9e3f2c-6f5a-4d7c-9a59-5d1d3b9f0c11"),
        ("out.host", "orders-db.internal"),
    ];
    let metrics = [("process_id", 4711.0), ("_dd.agent_psr", 1.0)];
    let top_level = (kind != "internal").then_some(("_top_level".into(), 1.0));
    Span {
        service: format!("service-{}", index % 20).into(),
        name: "flask.request".into(),
        resource: format!("GET /orders/{index}/items").into(),
        kind: "web".into(),
        trace_id: (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        span_id: 1,
        start: 1_700_000_000_000_000_000,
        duration: 1_000_000 + index as i64 * 7_919,
        meta: meta
            .map(|(key, value)| (key.into(), value.into()))
            .into_iter()
            .collect(),
        metrics: metrics
            .map(|(key, value)| (key.into(), value))
            .into_iter()
            .chain(top_level)
            .collect(),
        ..Span::default()
    }
}

/// Chunks of ten spans each, in an order that is not that of memory.
fn chunks(kind: &'static str) -> Vec<Chunk<'static>> {
    let spans: Vec<usize> = (0..KEYS).map(|step| step * 7_919 % KEYS).collect();
    spans
        .chunks(10)
        .map(|spans| Chunk {
            priority: 1,
            spans: spans.iter().map(|index| span(*index, kind)).collect(),
            ..Chunk::default()
        })
        .collect()
}

fn facts() -> concentrator::Facts<'static> {
    concentrator::Facts {
        env: "production",
        hostname: "host-1",
        version: "1.2.3",
        lang: "python",
        ..concentrator::Facts::default()
    }
}

fn add(concentrator: &mut Concentrator, chunks: &[Chunk<'_>]) {
    for chunk in chunks {
        concentrator.add(black_box(chunk), 0, &facts(), NOW);
    }
}

/// Prints nanoseconds a span of a known group.
fn concentrator_add(name: &str, kind: &'static str) {
    let chunks = chunks(kind);
    let mut concentrator = Concentrator::new(concentrator::Config::default(), NOW);
    add(&mut concentrator, &chunks);
    let seconds = (0..ROUNDS).map(|_| time(|| add(&mut concentrator, &chunks)));
    let nanoseconds = median(seconds.collect()) * 1e9 / KEYS as f64;
    print(
        &format!("stats_add_1000_keys_{name}"),
        nanoseconds,
        "ns/span",
    );
    let bytes = concentrator.bytes() as f64 / KEYS as f64;
    print(&format!("stats_memory_{name}"), bytes, "bytes/group");
}

/// Prints microseconds of a flush of all groups and of their msgpack.
fn flush() {
    let chunks = chunks("server");
    let mut concentrator = Concentrator::new(concentrator::Config::default(), NOW);
    let agent = stats::Agent::default();
    let seconds = (0..ROUNDS).map(|_| {
        add(&mut concentrator, &chunks);
        time(|| {
            let stats = concentrator.flush(Due::All, NOW, || 0.5);
            for request in stats::requests(&agent, stats::Origin::Agent, stats) {
                black_box(stats::encode(&request).is_ok());
            }
        })
    });
    print(
        "stats_flush_1000_keys",
        median(seconds.collect()) * 1e6,
        "us",
    );
}

/// Prints nanoseconds a chunk of ten spans.
fn sampler_decide(name: &str, priority: i32) {
    let mut chunks = chunks("server");
    for chunk in &mut chunks {
        chunk.priority = priority;
    }
    let mut sampler = Sampler::new(sampler::Config::default());
    let facts = sampler::Facts {
        env: "production",
        ..sampler::Facts::default()
    };
    let mut run = || {
        for chunk in &mut chunks {
            black_box(sampler.decide(black_box(chunk), 0, &facts, NOW));
        }
    };
    run();
    let count = KEYS as f64 / 10.0;
    let seconds = (0..ROUNDS).map(|_| time(&mut run));
    let nanoseconds = median(seconds.collect()) * 1e9 / count;
    print(&format!("sampler_decide_{name}"), nanoseconds, "ns/chunk");
}

fn time(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}
