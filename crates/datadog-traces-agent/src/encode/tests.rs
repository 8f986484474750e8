//! Tests of payloads: their bytes as the intake knows them, and that none says its size wrongly.

use proptest::prelude::*;

use super::*;
use crate::span::{Span, Text};
use crate::testing::{arbitrary, hex, protobuf};

fn span() -> Span<'static> {
    let mut span = Span {
        service: "s".into(),
        name: "n".into(),
        resource: "r".into(),
        trace_id: 1,
        span_id: 2,
        start: 1_700_000_000_000_000_000,
        duration: 5,
        kind: "web".into(),
        ..Span::default()
    };
    span.meta.push("env", Text::from("e"));
    span.metrics.push("_top_level", 1.0);
    span
}

fn payload(chunks: Vec<Chunk<'static>>) -> Payload<'static> {
    Payload {
        language_name: "go".into(),
        env: "e".into(),
        chunks,
        ..Payload::default()
    }
}

fn chunk(spans: usize) -> Chunk<'static> {
    Chunk {
        priority: 1,
        spans: vec![span(); spans],
        ..Chunk::default()
    }
}

#[test]
fn a_payload_of_one_span_has_the_bytes_that_the_agent_of_datadog_sends() {
    let tracer = tracer_payload(&payload(vec![chunk(1)]));
    assert_eq!((tracer.chunks, tracer.spans), (1, 1));
    let agent = AgentPayload {
        host_name: "h",
        env: "e",
        agent_version: "1",
        target_tps: 10.0,
        error_tps: 10.0,
        ..AgentPayload::default()
    };
    let bytes = agent.encode([tracer.bytes.as_slice()].into_iter());
    let expected = hex(
        "0a01681201652a4c1202676f324308011a3f0a017312016e1a017220012802388080a8b1e39fe7cb17400552080a03656e7612\
         01655a150a0a5f746f705f6c6576656c11000000000000f03f62037765624201653a0131410000000000002440490000000000002440",
    );
    assert_eq!(bytes, expected);
    assert_eq!(
        agent.encoded_len([tracer.bytes.len()].into_iter()),
        bytes.len()
    );
}

#[test]
fn no_priority_takes_ten_bytes() {
    let tracer = tracer_payload(&Payload {
        chunks: vec![Chunk::default()],
        ..Payload::default()
    });
    assert_eq!(tracer.bytes, hex("320b0880ffffffffffffffff01"));
}

#[test]
fn all_fields_around_tracers_are_written() {
    let mut agent = AgentPayload {
        rare_sampler_enabled: true,
        ..AgentPayload::default()
    };
    agent.tags.push("k", Text::from("v"));
    let bytes = agent.encode([b"x".as_slice(), b""].into_iter());
    assert_eq!(
        bytes,
        hex("2a01782a0032060a016b12017650")
            .into_iter()
            .chain([1])
            .collect::<Vec<_>>()
    );
    assert_eq!(agent.encoded_len([1, 0].into_iter()), bytes.len());
    assert_eq!(AgentPayload::tracer_len(1), 3);
}

/// Sizes and numbers of spans of the messages that a limit leads to.
fn parts(payload: &Payload<'_>, max_bytes: usize) -> Vec<(usize, usize, usize)> {
    tracer_payloads(payload, max_bytes)
        .map(|part| (part.bytes.len(), part.chunks, part.spans))
        .collect()
}

#[test]
fn chunks_are_dealt_to_messages_within_the_limit() {
    let payload = payload(vec![chunk(1), chunk(1), chunk(3), chunk(1)]);
    let all = encoded_len(&payload);
    assert_eq!(parts(&payload, all), [(all, 4, 6)]);
    // The last chunk takes a head of 2 bytes and 67 of its own.
    assert_eq!(parts(&payload, all - 1), [(all - 69, 3, 5), (76, 1, 1)]);
    assert_eq!(parts(&payload, 145), [(145, 2, 2), (207, 1, 3), (76, 1, 1)]);
    assert_eq!(parts(&payload, 144).len(), 4);
    assert_eq!(parts(&payload, 0).len(), 4);
}

#[test]
fn messages_of_parts_hold_what_one_message_would() {
    let payload = payload(vec![chunk(1), chunk(0), chunk(3)]);
    let mut chunks = Vec::new();
    let parts: Vec<_> = tracer_payloads(&payload, 100).collect();
    for part in &parts {
        let read = protobuf::tracer_payload(&part.bytes);
        assert_eq!(
            (read.language_name.as_ref(), read.env.as_ref()),
            ("go", "e")
        );
        assert_eq!(read.chunks.len(), part.chunks);
        chunks.extend(read.chunks);
    }
    assert_eq!(parts.len(), 2);
    assert_eq!(chunks, payload.chunks);
}

#[test]
fn a_payload_without_chunks_makes_no_parts() {
    assert_eq!(parts(&payload(Vec::new()), 100), []);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_by_another_reader(payload in arbitrary::payload()) {
        let written = tracer_payload(&payload);
        prop_assert_eq!(written.bytes.len(), encoded_len(&payload));
        prop_assert_eq!(written.bytes.len(), written.bytes.capacity());
        prop_assert_eq!(protobuf::tracer_payload(&written.bytes), payload);
    }

    #[test]
    fn no_part_breaks_the_limit_unless_it_is_one_chunk(
        payload in arbitrary::payload(),
        max_bytes in 0_usize..200_000,
    ) {
        let mut chunks = 0;
        for part in tracer_payloads(&payload, max_bytes) {
            prop_assert!(part.bytes.len() <= max_bytes || part.chunks == 1);
            prop_assert!(part.chunks > 0);
            chunks += part.chunks;
        }
        prop_assert_eq!(chunks, payload.chunks.len());
    }
}
