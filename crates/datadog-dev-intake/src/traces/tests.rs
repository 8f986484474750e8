//! Tests of what is taken, disliked and refused, on bodies made of the schema's own types.

use datadog_wire::traces::attribute_any_value::AttributeAnyValueType;
use datadog_wire::traces::{
    AttributeAnyValue, MAX_PAYLOAD_BYTES, PRIORITY_NONE, Span, SpanEvent, SpanLink, TRACE_ID_HIGH,
    TraceChunk,
};
use proptest::prelude::*;
use prost::Message;

use super::scan::{MAX_PARTS, MAX_SPANS};
use super::*;
use crate::records::MAX_RECORDS;

/// A span of a well-behaved tracer: service s, resource r, trace 1, span 2.
const GOLDEN: &str = "0a01681201652a4c1a02676f324308011a3f0a017312016e1a017220012802388080a8b1e39fe7cb17400552080a03656e761201655a150a0a5f746f705f6c6576656c11000000000000f03f62037765624201653a0131410000000000002440490000000000002440";

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn problems_of(media_type: &str, raw: &[u8]) -> (Decoded, Vec<String>) {
    let mut problems = Problems::default();
    let body = Body {
        raw,
        wire_bytes: crate::store::as_u64(raw.len()),
        media_type,
        now_ms: 0,
    };
    let decoded = decode(body, &mut problems);
    (decoded, problems.lines())
}

#[track_caller]
fn taken(raw: &[u8], chunks: usize, problems: &[&str]) -> Traces {
    let (decoded, found) = problems_of(CONTENT_TYPE, raw);
    assert_eq!(found, problems);
    assert_eq!((decoded.refusal, decoded.items), (None, Some(chunks)));
    match decoded.records {
        Some(Records::Traces(traces)) => traces,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(raw: &[u8], refusal: Refusal, problem: &str) {
    let (decoded, found) = problems_of(CONTENT_TYPE, raw);
    assert_eq!(found.last().map(String::as_str), Some(problem));
    assert_eq!((decoded.refusal, decoded.records), (Some(refusal), None));
}

/// A span with which nothing is wrong.
fn span(span_id: u64) -> Span {
    Span {
        service: "web".to_owned(),
        name: "web.request".to_owned(),
        resource: "GET /".to_owned(),
        trace_id: 1,
        span_id,
        start: 1_700_000_000_000_000_000,
        duration: 5,
        ..Span::default()
    }
}

fn chunk(spans: Vec<Span>) -> TraceChunk {
    TraceChunk {
        priority: 1,
        spans,
        ..TraceChunk::default()
    }
}

fn tracer(chunks: Vec<TraceChunk>) -> TracerPayload {
    TracerPayload {
        chunks,
        env: "prod".to_owned(),
        ..TracerPayload::default()
    }
}

fn payload(tracers: Vec<TracerPayload>) -> AgentPayload {
    AgentPayload {
        tracer_payloads: tracers,
        agent_version: "7.70.0".to_owned(),
        ..AgentPayload::default()
    }
}

fn body(chunks: Vec<TraceChunk>) -> Vec<u8> {
    payload(vec![tracer(chunks)]).encode_to_vec()
}

/// What is said of a body with one span that was changed.
#[track_caller]
fn span_with(change: impl FnOnce(&mut Span), problems: &[&str]) {
    let mut changed = span(2);
    change(&mut changed);
    taken(&body(vec![chunk(vec![changed])]), 1, problems);
}

#[test]
fn a_known_payload_is_read_to_the_last_field() {
    let raw = bytes_of(GOLDEN);
    let traces = taken(&raw, 1, &[]);
    assert_eq!(
        traces.agent,
        AgentPayload {
            host_name: "h".to_owned(),
            env: "e".to_owned(),
            agent_version: "1".to_owned(),
            target_tps: 10.0,
            error_tps: 10.0,
            ..AgentPayload::default()
        }
    );
    let tracer = TracerPayload {
        language_version: "go".to_owned(),
        env: "e".to_owned(),
        ..TracerPayload::default()
    };
    assert_eq!(traces.tracer(0), Some(&tracer));
    assert_eq!(traces.tracer(1), None);
    let chunk = Chunk::read(within(&raw, &traces.chunks[0].place)).unwrap();
    assert_eq!(chunk.message.priority, 1);
    assert_eq!((chunk.trace_id(), chunk.message.spans[0].span_id), (1, 2));
    assert_eq!(chunk.message.spans[0].start, 1_700_000_000_000_000_000);
    assert_eq!(chunk.message.spans[0].metrics["_top_level"], 1.0);
}

#[test]
fn chunks_of_several_tracers_keep_theirs() {
    let mut first = tracer(vec![chunk(vec![span(2)]), chunk(vec![span(3)])]);
    first.container_id = "a".to_owned();
    let mut second = tracer(vec![chunk(vec![span(4)])]);
    second.container_id = "b".to_owned();
    let raw = payload(vec![first, second]).encode_to_vec();
    let traces = taken(&raw, 3, &[]);
    let containers: Vec<_> = (0..3)
        .map(|index| traces.tracer(index).unwrap().container_id.as_str())
        .collect();
    assert_eq!(containers, ["a", "a", "b"]);
    assert!(traces.tracers.iter().all(|tracer| tracer.chunks.is_empty()));
    let (decoded, _) = problems_of(CONTENT_TYPE, &raw);
    assert_eq!(decoded.facets.points, 3);
    assert_eq!(decoded.facets.named.0, [("web".to_owned(), 3)]);
}

#[test]
fn the_id_of_a_trace_has_128_bits_and_its_root_no_parent() {
    let mut child = span(3);
    child.parent_id = 2;
    let mut root = span(2);
    root.meta
        .insert(TRACE_ID_HIGH.to_owned(), "640cfd8d00000000".to_owned());
    let message = chunk(vec![child.clone(), root, child]);
    let chunk = Chunk::read(&message.encode_to_vec()).unwrap();
    assert_eq!(chunk.trace_id(), 0x640c_fd8d_0000_0000_0000_0000_0000_0001);
    assert_eq!(chunk.root().unwrap().span_id, 2);
    let mut orphan = span(9);
    orphan.parent_id = 8;
    let mut below = span(10);
    below.parent_id = 9;
    let message = self::chunk(vec![orphan, below]);
    let chunk = Chunk::read(&message.encode_to_vec()).unwrap();
    assert_eq!(chunk.root().unwrap().span_id, 9);
}

#[test]
fn another_type_is_refused_by_name() {
    for media_type in ["application/json", "application/msgpack", ""] {
        let (decoded, problems) = problems_of(media_type, &bytes_of(GOLDEN));
        assert_eq!(problems, ["Content-Type is not application/x-protobuf"]);
        assert_eq!(
            (decoded.refusal, decoded.records),
            (Some(Refusal::Malformed), None)
        );
    }
}

#[test]
fn what_a_chunk_lacks_is_told() {
    taken(&body(vec![chunk(vec![])]), 1, &["chunk 0: no spans"]);
    let mut without = chunk(vec![span(2)]);
    without.priority = PRIORITY_NONE;
    taken(&body(vec![without]), 1, &["chunk 0: no sampling priority"]);
    let mut odd = chunk(vec![span(2)]);
    odd.priority = 3;
    taken(
        &body(vec![odd]),
        1,
        &["chunk 0: sampling priority is none of -1 to 2: 3"],
    );
}

#[test]
fn spans_of_several_traces_in_one_chunk_are_told() {
    let mixed = "chunk 0: spans of more than one trace";
    let mut other = span(3);
    other.trace_id = 7;
    taken(&body(vec![chunk(vec![span(2), other])]), 1, &[mixed]);
    let with_half = |span_id, half: &str| {
        let mut span = span(span_id);
        span.meta.insert(TRACE_ID_HIGH.to_owned(), half.to_owned());
        span
    };
    let (one, two) = ("0000000000000001", "0000000000000002");
    let both = chunk(vec![with_half(2, one), span(3), with_half(4, two)]);
    taken(&body(vec![both]), 1, &[mixed]);
    let same = chunk(vec![with_half(2, one), span(3), with_half(4, one)]);
    taken(&body(vec![same]), 1, &[]);
}

#[test]
fn a_span_twice_is_told_over_all_chunks() {
    let raw = body(vec![chunk(vec![span(2)]), chunk(vec![span(3), span(2)])]);
    taken(&raw, 2, &["chunk 1: a span twice: span 1: 2"]);
    let mut other = span(2);
    other.trace_id = 9;
    taken(
        &body(vec![chunk(vec![span(2)]), chunk(vec![other])]),
        2,
        &[],
    );
}

#[test]
fn ids_that_are_none_are_told() {
    span_with(
        |span| span.trace_id = 0,
        &["chunk 0: trace id is 0: span 0"],
    );
    span_with(|span| span.span_id = 0, &["chunk 0: span id is 0: span 0"]);
    span_with(
        |span| span.parent_id = 2,
        &["chunk 0: a span is its own parent: span 0"],
    );
    for half in ["1", "000000000000000A", "00000000000000000"] {
        span_with(
            |span| {
                span.meta.insert(TRACE_ID_HIGH.to_owned(), half.to_owned());
            },
            &["chunk 0: _dd.p.tid is not 16 digits of lower-case hex: span 0"],
        );
    }
}

#[test]
fn names_that_an_agent_would_change_are_told() {
    span_with(
        |span| span.service.clear(),
        &["chunk 0: no service: span 0"],
    );
    span_with(
        |span| span.service = "My Service".to_owned(),
        &["chunk 0: service has characters that an agent replaces: span 0: \"My Service\""],
    );
    span_with(|span| span.service = "s".repeat(100), &[]);
    span_with(
        |span| span.service = "s".repeat(101),
        &["chunk 0: service over 100 bytes: span 0"],
    );
    span_with(|span| span.name.clear(), &["chunk 0: no name: span 0"]);
    span_with(|span| span.name = "n".repeat(100), &[]);
    span_with(
        |span| span.name = "n".repeat(101),
        &["chunk 0: name over 100 bytes: span 0"],
    );
    span_with(
        |span| span.name = "123".to_owned(),
        &["chunk 0: name has characters that an agent replaces: span 0: \"123\""],
    );
    span_with(
        |span| span.resource.clear(),
        &["chunk 0: no resource: span 0"],
    );
    span_with(|span| span.resource = "r".repeat(15_000), &[]);
    span_with(
        |span| span.resource = "r".repeat(15_001),
        &["chunk 0: resource over 15000 bytes: span 0"],
    );
    span_with(
        |span| span.r#type = "t".repeat(101),
        &["chunk 0: type over 100 bytes: span 0"],
    );
}

#[test]
fn times_that_cannot_be_are_told() {
    span_with(
        |span| span.start = 946_684_799_999_999_999,
        &["chunk 0: start before the year 2000: span 0"],
    );
    span_with(|span| span.start = 946_684_800_000_000_000, &[]);
    span_with(
        |span| span.duration = -1,
        &["chunk 0: negative duration: span 0"],
    );
    span_with(
        |span| span.duration = i64::MAX,
        &["chunk 0: start and duration exceed 64 bits: span 0"],
    );
}

#[test]
fn tags_that_are_too_long_or_no_values_are_told() {
    let with_meta = |key: &str, text: &str, problems: &[&str]| {
        span_with(
            |span| {
                span.meta.insert(key.to_owned(), text.to_owned());
            },
            problems,
        );
    };
    let long = "x".repeat(25_004);
    with_meta("k", &"x".repeat(25_003), &[]);
    with_meta(
        "k",
        &long,
        &["chunk 0: text of a tag over 25000 bytes: span 0: k"],
    );
    with_meta("_dd.stack.json", &long, &[]);
    with_meta(&"k".repeat(203), "", &[]);
    let key = "k".repeat(204);
    let told = format!(
        "chunk 0: key of a tag over 200 bytes: span 0: {}",
        "k".repeat(200)
    );
    with_meta(&key, "", &[&told]);
    for status in ["99", "600", "abc", ""] {
        let told = ["chunk 0: http.status_code is none of 100 to 599: span 0"];
        with_meta("http.status_code", status, &told);
    }
    with_meta("http.status_code", "200", &[]);
    span_with(
        |span| {
            span.metrics.insert("m".to_owned(), f64::NAN);
        },
        &["chunk 0: a metric is not finite: span 0: m"],
    );
    span_with(
        |span| {
            span.meta_struct.insert("s".to_owned(), vec![0x81]);
            span.meta_struct.insert("t".to_owned(), vec![0x80]);
        },
        &["chunk 0: meta_struct is not msgpack: span 0: s"],
    );
}

#[test]
fn links_to_nothing_and_unknown_values_are_told() {
    let link = |trace_id, trace_id_high, span_id| SpanLink {
        trace_id,
        trace_id_high,
        span_id,
        ..SpanLink::default()
    };
    span_with(
        |span| span.span_links = vec![link(1, 0, 2), link(0, 1, 2), link(0, 0, 2), link(1, 0, 0)],
        &[
            "chunk 0: a link to no span: span 0",
            "chunk 0: a link to no span: span 0",
        ],
    );
    let value = |kind: i32| AttributeAnyValue {
        r#type: kind,
        ..AttributeAnyValue::default()
    };
    let known = value(AttributeAnyValueType::ArrayValue.into());
    span_with(
        |span| {
            span.span_events = vec![SpanEvent {
                time_unix_nano: 1,
                name: "e".to_owned(),
                attributes: [("a".to_owned(), known), ("b".to_owned(), value(5))].into(),
            }];
        },
        &["chunk 0: an attribute of no known type: span 0: b"],
    );
}

#[test]
fn what_concerns_the_whole_body_is_told() {
    taken(&[], 0, &["nothing in the body"]);
    let nobody = AgentPayload {
        tracer_payloads: vec![TracerPayload {
            chunks: vec![chunk(vec![span(2)])],
            ..TracerPayload::default()
        }],
        ..AgentPayload::default()
    };
    taken(
        &nobody.encode_to_vec(),
        1,
        &[
            "no version of the agent",
            "no env, neither of the tracer nor of the agent",
        ],
    );
    let with_empty = payload(vec![tracer(vec![chunk(vec![span(2)])]), tracer(vec![])]);
    taken(
        &with_empty.encode_to_vec(),
        1,
        &["a tracer payload without chunks"],
    );
    let mut other_form = payload(vec![tracer(vec![chunk(vec![span(2)])])]);
    other_form.idx_tracer_payloads = vec![vec![0xff], vec![]];
    taken(
        &other_form.encode_to_vec(),
        1,
        &["idxTracerPayloads are kept as a raw request, not decoded"],
    );
}

#[test]
fn a_body_over_the_target_may_hold_one_chunk_alone() {
    let large = |span_id, bytes: usize| {
        let mut span = span(span_id);
        let document = rmp_serde::to_vec(&"x".repeat(bytes)).unwrap();
        span.meta_struct.insert("s".to_owned(), document);
        chunk(vec![span])
    };
    taken(&body(vec![large(2, MAX_PAYLOAD_BYTES)]), 1, &[]);
    taken(
        &body(vec![large(2, MAX_PAYLOAD_BYTES), large(3, 1)]),
        2,
        &["more than one chunk in over 3200000 bytes"],
    );
    taken(
        &body(vec![large(2, MAX_PAYLOAD_BYTES / 2), large(3, 1)]),
        2,
        &[],
    );
}

#[test]
fn what_is_no_protobuf_is_refused_with_its_place() {
    let whole = body(vec![chunk(vec![span(2)])]);
    for end in 1..whole.len() {
        let (decoded, problems) = problems_of(CONTENT_TYPE, &whole[..end]);
        let is_whole = decoded.refusal.is_none();
        assert_eq!(
            is_whole,
            problems.is_empty() || decoded.records.is_some(),
            "{end}"
        );
        // Only between two fields of the payload itself is a body shorter and still one.
        let is_between = AgentPayload::decode(&whole[..end]).is_ok();
        assert_eq!(is_whole, is_between, "{end}: {problems:?}");
    }
    refused(
        b"\x2a\x02\x32\x05",
        Refusal::Malformed,
        "body not decodable: tracer payload 0 at byte 2: byte 0: the message ends inside of a field",
    );
    refused(
        b"\x28\x01",
        Refusal::Malformed,
        "body not decodable: byte 0: field 5 is not a message",
    );
    refused(
        b"\x2a\x06\x32\x04\x1a\x02\x0a\x05",
        Refusal::Malformed,
        "body not decodable: chunk 0 at byte 4: byte 0: the message ends inside of a field",
    );
    let mut bad_text = body(vec![chunk(vec![span(2)])]);
    let at = bad_text
        .windows(3)
        .position(|found| found == b"web")
        .unwrap();
    bad_text[at] = 0xff;
    let (decoded, problems) = problems_of(CONTENT_TYPE, &bad_text);
    assert_eq!(decoded.refusal, Some(Refusal::Malformed));
    assert!(
        problems[0].starts_with("body not decodable: chunk 0 at byte 4: "),
        "{problems:?}"
    );
}

/// A message around as many bytes.
fn around(field: u8, content: &[u8]) -> Vec<u8> {
    let mut message = vec![field << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut message);
    message.extend_from_slice(content);
    message
}

#[test]
fn more_than_can_be_kept_is_refused_before_it_is_built() {
    let tracers = b"\x2a\x00".repeat(MAX_RECORDS + 1);
    refused(&tracers, Refusal::TooLarge, "more than 100000 records");
    let chunks = around(5, &b"\x32\x00".repeat(MAX_RECORDS));
    refused(&chunks, Refusal::TooLarge, "more than 100000 records");
    let spans = around(5, &around(6, &b"\x1a\x00".repeat(MAX_SPANS + 1)));
    refused(&spans, Refusal::TooLarge, "more than 250000 spans");
    let parts = "more than 2000000 tags, links, events and attributes";
    for field in [10_u8, 14] {
        let within = vec![[field << 3 | 2, 0]; MAX_PARTS + 1].concat();
        let span = around(5, &around(6, &around(3, &within)));
        refused(&span, Refusal::TooLarge, parts);
    }
    let values = around(2, &around(6, &b"\x0a\x00".repeat(MAX_PARTS)));
    let event = around(15, &around(3, &values));
    let span = around(5, &around(6, &around(3, &event)));
    refused(&span, Refusal::TooLarge, parts);
}

#[test]
fn groups_without_end_take_no_stack() {
    let deep = vec![0x0b; 1_000_000];
    refused(
        &deep,
        Refusal::Malformed,
        "body not decodable: byte 0: a field has a wire type that proto3 does not use",
    );
    let within = around(5, &around(6, &around(3, &around(10, &deep))));
    let (decoded, problems) = problems_of(CONTENT_TYPE, &within);
    assert_eq!(decoded.refusal, Some(Refusal::Malformed));
    assert!(
        problems
            .last()
            .unwrap()
            .starts_with("body not decodable: chunk 0 at byte ")
    );
}

#[test]
fn keeping_a_body_is_paid_for() {
    let small = taken(&body(vec![chunk(vec![span(2)])]), 1, &[]).cost();
    let mut tracer = tracer(vec![chunk(vec![span(2)])]);
    tracer.tags.insert("t".to_owned(), "x".repeat(1_000));
    let large = taken(&payload(vec![tracer]).encode_to_vec(), 1, &[]).cost();
    assert!(large >= small + 1_000 + TAG_OVERHEAD, "{small} {large}");
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(bytes: Vec<u8>) {
        let (decoded, _) = problems_of(CONTENT_TYPE, &bytes);
        prop_assert_eq!(decoded.refusal.is_none(), decoded.records.is_some());
    }

    #[test]
    fn damaged_payloads_are_taken_or_refused(at: prop::sample::Index, byte: u8) {
        let mut raw = bytes_of(GOLDEN);
        let at = at.index(raw.len());
        raw[at] = byte;
        let (decoded, _) = problems_of(CONTENT_TYPE, &raw);
        prop_assert_eq!(decoded.refusal.is_none(), decoded.records.is_some());
    }
}
