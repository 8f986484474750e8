//! Tests of v1.0, and of what becomes of all that the model has no place for.

use proptest::prelude::*;

use super::super::*;
use super::{check_cuts, failure};
use crate::span::{Map, Scalar, Span, Text, Value};
use crate::testing::v1::Extra;
use crate::testing::{arbitrary, hex};

const ONE_SPAN: &str = "8402a363696403a2676f07a1650b9183010104918b01a17302a16e03a1720402050006cf17979cfe362a000007050\
    8c20993a16b01a1760aa3776562100206c41000000000000000000000000000000001";

fn texts<'a>(entries: &[(&'a str, &'a str)]) -> Map<'a, Text<'a>> {
    let entries = entries.iter();
    entries
        .map(|&(key, value)| (key.into(), value.into()))
        .collect()
}

/// The only span of a payload whose chunk has this and an id.
#[track_caller]
fn span(fields: &str) -> Result<Span<'static>, Error> {
    let body: &'static [u8] = hex(&format!("810b91 81 0491 {fields}").replace(' ', "")).leak();
    v1(body).map(|mut payload| payload.chunks.remove(0).spans.remove(0))
}

#[test]
fn one_span_is_read() {
    let body = hex(ONE_SPAN);
    let mut payload = v1(&body).unwrap();
    let chunk = payload.chunks.remove(0);
    let span = Span {
        service: "s".into(),
        name: "n".into(),
        resource: "r".into(),
        trace_id: 1,
        span_id: 2,
        start: 1_700_000_000_000_000_000,
        duration: 5,
        kind: "web".into(),
        meta: texts(&[("k", "v"), ("span.kind", "server")]),
        ..Span::default()
    };
    assert_eq!((chunk.priority, chunk.spans), (1, vec![span]));
    assert_eq!(chunk.tags, Map::default());
    let expected = Payload {
        container_id: "cid".into(),
        language_name: "go".into(),
        env: "e".into(),
        ..Payload::default()
    };
    assert_eq!(payload, expected);
}

#[test]
fn a_body_that_ends_anywhere_is_cut_short() {
    check_cuts(&hex(ONE_SPAN), v1);
}

#[test]
fn texts_are_numbered_in_the_order_of_their_first_use() {
    // containerID "a", languageName "b", languageVersion 2, tracerVersion "a" again, runtimeID "c", env 3, hostname 0
    let body = hex("8702a16103a162040205a16106a163070308 00"
        .replace(' ', "")
        .as_str());
    let payload = v1(&body).unwrap();
    let read = [
        &payload.container_id,
        &payload.language_name,
        &payload.language_version,
        &payload.tracer_version,
        &payload.runtime_id,
        &payload.env,
        &payload.hostname,
    ];
    assert_eq!(read.map(AsRef::as_ref), ["a", "b", "b", "a", "c", "c", ""]);
}

#[test]
fn texts_may_come_first_in_a_list_without_the_empty_one() {
    for list in ["92a161a162", "93a0a161a162"] {
        let body = hex(&format!("8301{list}02020301"));
        let payload = v1(&body).unwrap();
        let read = (
            payload.container_id.as_ref(),
            payload.language_name.as_ref(),
        );
        assert_eq!(read, ("b", "a"));
    }
    let late = failure(v1(&hex("8202a1780191a161")));
    assert_eq!(
        late,
        "texts after their first use, in `strings`, at byte 5 of the body"
    );
}

#[test]
fn texts_that_were_not_used_yet_are_refused() {
    let error = failure(v1(&hex("8202a1610302")));
    assert_eq!(
        error,
        "unknown text 2, in `languageName`, at byte 6 of the body"
    );
}

#[test]
fn unknown_fields_are_skipped() {
    let body = hex("8218a178 1881a17892c0c0".replace(' ', "").as_str());
    assert_eq!(v1(&body).unwrap(), Payload::default());
    // In a chunk, a span, a link and an event.
    let body = hex("810b9182189102 0491831890 0b91811890 0c91811890"
        .replace(' ', "")
        .as_str());
    let span = v1(&body).unwrap().chunks.remove(0).spans.remove(0);
    assert_eq!((span.links.len(), span.events.len()), (1, 1));
}

#[test]
fn the_upper_half_of_the_trace_id_and_the_sampling_become_tags() {
    let chunk = |fields: &str, spans: &str| {
        let body: &'static [u8] = hex(&format!("810b91{fields}0492{spans}")).leak();
        v1(body).map(|mut payload| payload.chunks.remove(0))
    };
    let id = "06c410000000000000000a00000000000000ff";
    let read = chunk(&format!("83{id}0704"), "810401810402").unwrap();
    let ids: Vec<_> = read
        .spans
        .iter()
        .map(|span| (span.trace_id, span.span_id))
        .collect();
    assert_eq!(ids, [(255, 1), (255, 2)]);
    assert_eq!(
        read.spans[0].meta,
        texts(&[("_dd.p.tid", "000000000000000a")])
    );
    assert_eq!(read.spans[1].meta, Map::default());
    assert_eq!(read.tags, texts(&[("_dd.p.dm", "-4")]));
    // Short ids are the lower bytes, and those of more than 16 bytes are none.
    let short = chunk("8206c40201020700".strip_suffix("0700").unwrap(), "8080").unwrap();
    assert_eq!((short.spans[1].trace_id, short.tags.len()), (0x0102, 0));
    let long = chunk(&format!("8206c411{}", "01".repeat(17)), "8080").unwrap_err();
    assert_eq!(
        long.to_string(),
        "expected at most 16 elements, found 17, in `traceID`, at byte 24 of the body"
    );
}

#[test]
fn environment_version_component_and_kind_become_tags() {
    let read = span("84 0da165 0ea176 0fa163 1003").unwrap();
    let expected = [
        ("env", "e"),
        ("version", "v"),
        ("component", "c"),
        ("span.kind", "client"),
    ];
    assert_eq!(read.meta, texts(&expected));
    for (kind, expected) in [
        ("00", None),
        ("01", Some("internal")),
        ("02", Some("server")),
        ("04", Some("producer")),
        ("05", Some("consumer")),
        ("06", None),
    ] {
        assert_eq!(
            span(&format!("8110{kind}")).unwrap().tag("span.kind"),
            expected
        );
    }
    // What stands in the field counts more than an attribute of the same name, but not if it is empty.
    assert_eq!(
        span("82 0993a3656e7601a161 0da162").unwrap().tag("env"),
        Some("b")
    );
    assert_eq!(
        span("82 0993a3656e7601a161 0d00").unwrap().tag("env"),
        Some("a")
    );
}

#[test]
fn attributes_become_tags_of_their_kind() {
    let read = span(
        "81 09dc0012 a16101a178 a16202c3 a16303cb3ff8000000000000 a16404fe a16505c402cafe a16602c2",
    )
    .unwrap();
    assert_eq!(
        read.meta,
        texts(&[("a", "x"), ("b", "true"), ("f", "false")])
    );
    assert_eq!(
        (read.metric("c"), read.metric("d")),
        (Some(1.5), Some(-2.0))
    );
    assert_eq!(
        read.meta_struct.get("e").map(AsRef::as_ref),
        Some([0xca, 0xfe].as_slice())
    );
    assert_eq!(read.metrics.len() + read.meta_struct.len(), 3);
}

#[test]
fn of_two_arrays_of_attributes_the_last_counts() {
    let read = span("82 0996 a16101a178 a1620401 0993 a16301a179").unwrap();
    assert_eq!((read.meta, read.metrics.len()), (texts(&[("c", "y")]), 0));
}

#[test]
fn arrays_and_lists_become_a_tag_for_each_value() {
    // {"a": ["x", 2, ["y"]], "l": {"b": true, "c": {"d": 3}}}
    let read =
        span("81 0996 a16106 96 01a178 0402 0692 01a179 a16c07 96 a16202c3 a16307 93 a1640403")
            .unwrap();
    assert_eq!(
        read.meta,
        texts(&[("a.0", "x"), ("a.2.0", "y"), ("l.b", "true")])
    );
    assert_eq!(
        (read.metric("a.1"), read.metric("l.c.d")),
        (Some(2.0), Some(3.0))
    );
}

#[test]
fn arrays_are_nested_up_to_a_limit() {
    let nested = |depth: usize| {
        let arrays = "0692".repeat(depth);
        span(&format!("81 0993 a161 {arrays} 01a178"))
    };
    assert_eq!(nested(16).unwrap().meta.len(), 1);
    let error = nested(17).unwrap_err();
    assert_eq!(
        (error.reason(), error.field()),
        (&Reason::TooDeep, "attributes")
    );
}

#[test]
fn lengths_and_types_of_attributes_must_be_right() {
    for (attributes, expected) in [
        (
            "92a16101",
            Reason::WrongLength {
                expected: "a multiple of 3",
                found: 2,
            },
        ),
        (
            "93a1610691 01",
            Reason::WrongLength {
                expected: "a multiple of 2",
                found: 1,
            },
        ),
        ("93a161 08 00", Reason::UnknownType(8)),
        ("93a161 00 00", Reason::UnknownType(0)),
    ] {
        assert_eq!(
            span(&format!("8109{attributes}")).unwrap_err().reason(),
            &expected
        );
    }
}

#[test]
fn tags_of_payloads_chunks_and_links_are_texts() {
    let typed = "9c a16101a178 a16203cb3ff8000000000000 a16304fe a16405c402cafe";
    let expected = texts(&[("a", "x"), ("b", "1.5"), ("c", "-2"), ("d", "yv4=")]);
    let body = hex(&format!("810a{typed}").replace(' ', ""));
    assert_eq!(v1(&body).unwrap().tags, expected);
    let body = hex(&format!("810b918103{typed}").replace(' ', ""));
    assert_eq!(v1(&body).unwrap().chunks[0].tags, expected);
    let read = span(&format!(
        "810b918503{typed} 01c410000000000000000100000000000000 02 0203 04a174 05ce80000001"
    ));
    let link = read.unwrap().links.remove(0);
    assert_eq!((link.trace_id_high, link.trace_id, link.span_id), (1, 2, 3));
    assert_eq!(
        (link.attributes, link.tracestate.as_ref(), link.flags),
        (expected, "t", 0x8000_0001)
    );
}

#[test]
fn attributes_of_events_keep_their_types() {
    // {"a": "x", "b": true, "c": 1.5, "d": [7, "y", [8], {"k": "z"}], "e": bytes}
    let read = span(
        "810c9183 0105 02a16e 039f a16101a178 a16202c3 a16303cb3ff8000000000000 \
         a16406 98 0407 01a179 06920408 0793a16b01a17a a16505c402cafe",
    )
    .unwrap();
    let event = &read.events[0];
    assert_eq!((event.time_unix_nano, event.name.as_ref()), (5, "n"));
    let scalar = |value| Value::Scalar(value);
    let text = |text: &'static str| Scalar::String(text.into());
    let expected = [
        ("a", scalar(text("x"))),
        ("b", scalar(Scalar::Bool(true))),
        ("c", scalar(Scalar::Double(1.5))),
        ("d.2.0", scalar(Scalar::Int(8))),
        ("d.3.k", scalar(text("z"))),
        ("d", Value::Array(vec![Scalar::Int(7), text("y")])),
        ("e", scalar(text("yv4="))),
    ];
    let expected = expected.map(|(key, value)| (Text::from(key), value));
    assert_eq!(event.attributes, Map::from_iter(expected));
}

#[test]
fn times_beyond_the_model_are_its_last() {
    let read = span("82 06cf8000000000000000 07cfffffffffffffffff").unwrap();
    assert_eq!((read.start, read.duration), (i64::MAX, i64::MAX));
}

#[test]
fn a_chunk_without_priority_has_priority_0() {
    assert_eq!(v1(&hex("810b9180")).unwrap().chunks[0].priority, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_tracer_writes_is_read(
        mut payload in arbitrary::payload(),
        trace_id_high: u64,
        mechanism in 1_u32..20,
    ) {
        for span in payload.chunks.iter_mut().flat_map(|chunk| &mut chunk.spans) {
            span.start = span.start.saturating_abs();
            span.duration = span.duration.saturating_abs();
            span.error = (span.error != 0).into();
        }
        let extra = Extra { trace_id_high, mechanism };
        let body = crate::testing::v1::v1(&payload, &extra);
        let read = v1(&body).unwrap();
        for chunk in &mut payload.chunks {
            chunk.tags.insert("_dd.p.dm", format!("-{mechanism}").into());
            let trace_id = chunk.spans.first().map_or(0, |span| span.trace_id);
            for span in &mut chunk.spans {
                span.trace_id = trace_id;
            }
            if let Some(first) = chunk.spans.first_mut().filter(|_| trace_id_high != 0) {
                first.meta.insert("_dd.p.tid", format!("{trace_id_high:016x}").into());
            }
        }
        prop_assert_eq!(read, payload);
    }
}
