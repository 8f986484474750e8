//! Tests of roots, of entries into services, and of what spans say of their chunk and payload.

use super::*;
use crate::span::{PRIORITY_NONE, Payload, Text};

fn span(span_id: u64, parent_id: u64, service: &'static str) -> Span<'static> {
    Span {
        trace_id: 1,
        span_id,
        parent_id,
        service: service.into(),
        ..Span::default()
    }
}

fn chunk(spans: impl IntoIterator<Item = Span<'static>>) -> Chunk<'static> {
    Chunk {
        spans: spans.into_iter().collect(),
        ..Chunk::default()
    }
}

/// The ids of the spans that are marked.
fn top_level(spans: impl IntoIterator<Item = Span<'static>>) -> Vec<u64> {
    let mut chunk = chunk(spans);
    compute_top_level(&mut chunk);
    let marked = chunk.spans.iter();
    marked
        .filter(|span| span.metric("_top_level") == Some(1.0))
        .map(|span| span.span_id)
        .collect()
}

#[test]
fn the_root_is_the_last_span_without_parent() {
    assert_eq!(find(&[]), None);
    let spans = [
        span(2, 1, "s"),
        span(1, 0, "s"),
        span(4, 0, "s"),
        span(3, 9, "s"),
    ];
    assert_eq!(find(&spans), Some(2));
}

#[test]
fn without_such_a_span_the_root_is_the_last_whose_parent_is_elsewhere_and_else_the_last() {
    let spans = [
        span(2, 9, "s"),
        span(3, 8, "s"),
        span(4, 3, "s"),
        span(5, 4, "s"),
    ];
    assert_eq!(find(&spans), Some(1));
    assert_eq!(find(&[span(1, 2, "s"), span(2, 1, "s")]), Some(1));
}

#[test]
fn many_spans_have_the_same_root_as_few() {
    for count in [32, 33, 100] {
        let spans: Vec<_> = (1..=count).map(|id| span(id, id + 1, "s")).collect();
        assert_eq!(find(&spans), Some(spans.len() - 1), "{count}");
        let spans: Vec<_> = (1..=count).rev().map(|id| span(id, id + 1, "s")).collect();
        assert_eq!(find(&spans), Some(0), "{count}");
    }
}

#[test]
fn a_span_is_top_level_without_parent_with_one_elsewhere_or_with_one_of_another_service() {
    let spans = [
        span(1, 0, "web"),
        span(2, 1, "web"),
        span(3, 2, "db"),
        span(4, 3, "db"),
        span(5, 99, "web"),
    ];
    assert_eq!(top_level(spans), [1, 3, 5]);
}

#[test]
fn top_level_is_the_same_for_many_spans() {
    for count in [32, 33, 1_000] {
        let spans = (1..=count).map(|id| span(id, id / 2, if id % 2 == 0 { "a" } else { "b" }));
        let expected: Vec<_> = (1..=count)
            .filter(|id| id / 2 == 0 || id % 2 != id / 2 % 2)
            .collect();
        assert_eq!(top_level(spans), expected, "{count}");
    }
}

#[test]
fn of_two_spans_with_one_id_the_last_is_the_parent() {
    assert_eq!(
        top_level([span(1, 0, "a"), span(1, 0, "b"), span(2, 1, "b")]),
        [1, 1]
    );
    for (count, expected) in [(0, 0), (1, 0), (2, 1), (32, 31), (33, 32)] {
        let spans: Vec<_> = (0..count).map(|_| span(7, 0, "s")).collect();
        assert_eq!(duplicates(&spans), expected);
    }
}

#[test]
fn the_mark_of_a_tracer_is_adopted_only_if_it_is_1() {
    for (mark, expected) in [(1.0, Some(1.0)), (0.0, None), (2.0, None)] {
        let mut span = span(1, 5, "s");
        span.metrics.push("_dd.top_level", mark);
        adopt_top_level(&mut span);
        assert_eq!(span.metric("_top_level"), expected);
    }
}

#[test]
fn a_chunk_takes_priority_origin_and_decision_from_its_spans() {
    let mut chunk = chunk([span(2, 1, "s"), span(1, 0, "s")]);
    chunk.spans[0].metrics.push("_sampling_priority_v1", 2.0);
    chunk.spans[0].meta.push("_dd.origin", Text::from("rum"));
    chunk.spans[0].meta.push("_dd.p.dm", Text::from("-4"));
    let mut other = chunk.clone();
    describe_chunk(&mut chunk, 1);
    assert_eq!((chunk.priority, chunk.origin.as_ref()), (2, ""));
    assert_eq!(chunk.tags.get("_dd.p.dm").map(AsRef::as_ref), Some("-4"));
    assert_eq!(chunk.spans[0].tag("_dd.p.dm"), Some("-4"));

    other.spans[1].metrics.push("_sampling_priority_v1", -1.0);
    other.spans[1].meta.push("_dd.origin", Text::from("lambda"));
    other.tags.push("_dd.p.dm", Text::from("-3"));
    describe_chunk(&mut other, 1);
    assert_eq!((other.priority, other.origin.as_ref()), (-1, "lambda"));
    assert_eq!(other.tags.get("_dd.p.dm").map(AsRef::as_ref), Some("-3"));
}

#[test]
fn what_a_chunk_says_itself_counts_more_and_no_priority_stays_none() {
    let mut chunk = chunk([span(1, 0, "s")]);
    describe_chunk(&mut chunk, 0);
    assert_eq!(chunk.priority, PRIORITY_NONE);
    chunk.spans[0].metrics.push("_sampling_priority_v1", 2.0);
    chunk.spans[0].meta.push("_dd.origin", Text::from("rum"));
    (chunk.priority, chunk.origin) = (0, "lambda".into());
    describe_chunk(&mut chunk, 0);
    assert_eq!((chunk.priority, chunk.origin.as_ref()), (0, "lambda"));
}

#[test]
fn a_client_rate_is_kept_below_1_and_removed_else() {
    for (rate, expected) in [(Some(0.25), Some(0.25)), (Some(1.0), None), (None, None)] {
        let mut root = span(1, 0, "s");
        root.metrics.push("_dd1.sr.rcusr", 0.5);
        if let Some(rate) = rate {
            root.metrics.push("_sample_rate", rate);
        }
        set_client_rate(&mut root);
        assert_eq!(root.metric("_dd1.sr.rcusr"), expected, "{rate:?}");
    }
}

#[test]
fn a_payload_takes_what_it_lacks_from_spans() {
    let (mut child, mut root) = (span(2, 1, "s"), span(1, 0, "s"));
    for (key, value) in [("env", "staging"), ("version", "2"), ("_dd.hostname", "no")] {
        child.meta.push(key, Text::from(value));
    }
    for (key, value) in [
        ("env", "prod"),
        ("version", ""),
        ("_dd.hostname", "web-1"),
        ("runtime-id", "8c2d"),
        ("_dd.apm_mode", "Edge"),
    ] {
        root.meta.push(key, Text::from(value));
    }
    let mut payload = Payload {
        chunks: vec![chunk([child, root])],
        ..Payload::default()
    };
    describe_payload(&mut payload, 0, 1);
    assert_eq!(payload.env, "prod");
    assert_eq!(payload.app_version, "2");
    assert_eq!(payload.hostname, "web-1");
    assert_eq!(payload.runtime_id, "8c2d");
    assert_eq!(
        payload.tags.get("_dd.apm_mode").map(AsRef::as_ref),
        Some("Edge")
    );

    payload.env = "dev".into();
    payload.runtime_id = "mine".into();
    describe_payload(&mut payload, 0, 1);
    assert_eq!(
        (payload.env.as_ref(), payload.runtime_id.as_ref()),
        ("dev", "mine")
    );
    payload.tags = Default::default();
    payload.chunks[0].spans[1]
        .meta
        .insert("_dd.apm_mode", "full".into());
    describe_payload(&mut payload, 0, 1);
    assert!(payload.tags.is_empty());
}
