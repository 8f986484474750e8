//! A span of a known group, and a chunk of a known service, allocate nothing.
//!
//! A binary of its own, because it counts every allocation of the process; hence one test.

use std::time::Duration;

use datadog_traces_agent::concentrator::{self, Concentrator};
use datadog_traces_agent::sampler::{self, Sampler};
use datadog_traces_agent::span::{Chunk, Span};

#[path = "../../../tests/allocator.rs"]
mod allocator;

const NOW: Duration = Duration::from_secs(1_700_000_000);

fn allocations(run: impl FnOnce()) -> usize {
    let before = allocator::calls();
    run();
    allocator::calls() - before
}

/// Chunks of a server's span and a client's with peers each.
fn chunks() -> Vec<Chunk<'static>> {
    let span = |index: usize, kind: &'static str| Span {
        service: format!("service-{}", index % 10).into(),
        name: "web.request".into(),
        resource: format!("GET /{index}").into(),
        trace_id: index as u64,
        start: 1_700_000_000_000_000_000,
        duration: 1_000_000,
        error: i32::from(index.is_multiple_of(7)),
        meta: [
            ("span.kind", kind),
            ("http.status_code", "200"),
            ("grpc.code", "NOT_FOUND"),
            ("db.name", "orders"),
            ("peer.service", "postgres"),
        ]
        .map(|(key, value)| (key.into(), value.into()))
        .into_iter()
        .collect(),
        metrics: [
            ("_top_level", 1.0),
            ("_dd.agent_psr", 1.0),
            ("_sample_rate", 0.5),
        ]
        .map(|(key, value)| (key.into(), value))
        .into_iter()
        .collect(),
        ..Span::default()
    };
    (0..200)
        .map(|index| Chunk {
            priority: 1,
            spans: vec![span(index, "server"), span(index, "client")],
            ..Chunk::default()
        })
        .collect()
}

#[test]
fn what_is_known_allocates_nothing() {
    let mut chunks = chunks();
    let mut concentrator = Concentrator::new(concentrator::Config::default(), NOW);
    let facts = concentrator::Facts {
        env: "prod",
        ..concentrator::Facts::default()
    };
    let mut add = || {
        allocations(|| {
            for chunk in &chunks {
                concentrator.add(chunk, 0, &facts, NOW);
            }
        })
    };
    assert!(add() > 400);
    assert_eq!(add(), 0);

    let mut sampler = Sampler::new(sampler::Config::default());
    let facts = sampler::Facts {
        env: "prod",
        ..sampler::Facts::default()
    };
    let mut decide = || {
        allocations(|| {
            for chunk in &mut chunks {
                sampler.decide(chunk, 0, &facts, NOW);
            }
        })
    };
    assert!(decide() > 10);
    assert_eq!(decide(), 0);
}
