//! Tests of what is dropped: chunks that no repair would help.

use super::super::*;
use super::{CONTEXT, fine};
use crate::normalize;

#[track_caller]
fn check_chunk(spans: Vec<Span<'_>>, expected: Result<(), Dropped>) -> Counts {
    let mut counts = Counts::default();
    let mut chunk = Chunk {
        spans,
        ..Chunk::default()
    };
    assert_eq!(
        normalize::chunk(&mut chunk, &CONTEXT, &mut counts),
        expected
    );
    counts
}

fn with_ids(trace_id: u64, span_id: u64, high: Option<&'static str>) -> Span<'static> {
    let mut span = Span {
        trace_id,
        span_id,
        ..fine()
    };
    if let Some(high) = high {
        span.meta.push("_dd.p.tid", Text::from(high));
    }
    span
}

#[test]
fn chunks_without_spans_or_ids_are_dropped() {
    check_chunk(vec![], Err(Dropped::EmptyTrace));
    check_chunk(vec![with_ids(0, 1, None)], Err(Dropped::TraceIdZero));
    check_chunk(
        vec![with_ids(1, 2, None), with_ids(1, 0, None)],
        Err(Dropped::SpanIdZero),
    );
    check_chunk(
        vec![with_ids(1, 2, None), with_ids(0, 3, None)],
        Err(Dropped::ForeignSpan),
    );
}

#[test]
fn spans_of_one_chunk_have_one_trace_id_of_which_the_upper_half_may_be_missing() {
    let (a, b) = (Some("640cfd8d00000000"), Some("640cfd8d00000001"));
    for (first, second, expected) in [
        (a, a, Ok(())),
        (a, None, Ok(())),
        (None, a, Ok(())),
        (a, b, Err(Dropped::ForeignSpan)),
    ] {
        check_chunk(
            vec![with_ids(1, 2, first), with_ids(1, 3, second)],
            expected,
        );
    }
    check_chunk(
        vec![with_ids(1, 2, None), with_ids(2, 3, None)],
        Err(Dropped::ForeignSpan),
    );
}

#[test]
fn spans_with_one_id_are_counted_and_kept() {
    let spans = [2, 3, 2, 2].map(|id| with_ids(1, id, None));
    let counts = check_chunk(spans.into(), Ok(()));
    assert_eq!(counts.spans_malformed(Malformed::DuplicateSpanId), 2);
}

#[test]
fn a_payload_loses_its_bad_chunks_and_keeps_the_others_in_order() {
    let chunk = |spans: Vec<Span<'static>>| Chunk {
        spans,
        ..Chunk::default()
    };
    let mut payload = Payload {
        env: "Prod EU".into(),
        chunks: vec![
            chunk(vec![with_ids(1, 1, None)]),
            chunk(vec![]),
            chunk(vec![with_ids(2, 1, None), with_ids(2, 0, None)]),
            chunk(vec![with_ids(3, 1, None)]),
        ],
        ..Payload::default()
    };
    let mut counts = Counts::default();
    normalize::payload(&mut payload, &CONTEXT, &mut counts);
    let ids: Vec<_> = payload
        .chunks
        .iter()
        .map(|chunk| chunk.spans[0].trace_id)
        .collect();
    assert_eq!((ids, payload.env.as_ref()), (vec![1, 3], "prod_eu"));
    let dropped =
        Dropped::ALL.map(|reason| (counts.chunks_dropped(reason), counts.spans_dropped(reason)));
    assert_eq!(dropped, [(1, 0), (0, 0), (0, 0), (1, 2)]);
}
