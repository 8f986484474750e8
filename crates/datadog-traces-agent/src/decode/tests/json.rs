//! Tests of JSON.

use super::super::*;
use super::{failure, vector};
use crate::span::{Chunk, Event, Link, Map, Scalar, Span, Text, Value};

#[track_caller]
fn span(fields: &'static str) -> Span<'static> {
    let body: &'static [u8] = format!("[[{{{fields}}}]]").into_bytes().leak();
    v04_json(body).unwrap().chunks.remove(0).spans.remove(0)
}

#[test]
fn one_span_is_read_and_its_texts_are_borrowed() {
    let span = span(
        r#""service":"s","name":"n","resource":"r","trace_id":1,"span_id":2,"parent_id":0,
        "start":1700000000000000000,"duration":5,"error":0,"meta":{"env":"e"},
        "metrics":{"_sampling_priority_v1":1},"type":"web","unknown":[{"a":1}]"#,
    );
    assert!(matches!(span.service, Text::Borrowed("s")));
    assert!(matches!(span.meta.get("env"), Some(Text::Borrowed("e"))));
    assert_eq!(span, vector());
}

#[test]
fn everything_that_msgpack_has_json_has_too() {
    let span = span(
        r#""meta_struct":{"a":"yv4="},
        "span_links":[null,{"trace_id":1,"trace_id_high":18446744073709551615,"span_id":3,"attributes":{"k":"v"},
        "tracestate":"t","flags":2147483649}],
        "span_events":[{"time_unix_nano":5,"name":"n","attributes":{
        "a":{"type":0,"string_value":"x"},"b":{"type":1,"bool_value":true},"c":{"type":2,"int_value":-7},
        "d":{"type":3,"double_value":1.5},
        "e":{"type":4,"array_value":{"values":[{"type":0,"string_value":"y"},{"type":2,"int_value":8}]}}}}]"#,
    );
    assert_eq!(
        span.meta_struct.get("a").map(AsRef::as_ref),
        Some([0xca, 0xfe].as_slice())
    );
    let link = Link {
        trace_id: 1,
        trace_id_high: u64::MAX,
        span_id: 3,
        attributes: Map::from_iter([("k".into(), "v".into())]),
        tracestate: "t".into(),
        flags: 0x8000_0001,
    };
    assert_eq!(span.links, [link]);
    let text = |text: &'static str| Scalar::String(text.into());
    let attributes = [
        ("a", Value::Scalar(text("x"))),
        ("b", Value::Scalar(Scalar::Bool(true))),
        ("c", Value::Scalar(Scalar::Int(-7))),
        ("d", Value::Scalar(Scalar::Double(1.5))),
        ("e", Value::Array(vec![text("y"), Scalar::Int(8)])),
    ];
    let event = Event {
        time_unix_nano: 5,
        name: "n".into(),
        attributes: attributes
            .map(|(key, value)| (Text::from(key), value))
            .into_iter()
            .collect(),
    };
    assert_eq!(span.events, [event]);
}

#[test]
fn null_is_the_zero_value_of_anything() {
    assert_eq!(v04_json(b"null").unwrap().chunks, []);
    assert_eq!(v04_json(b"[null]").unwrap().chunks, [Chunk::default()]);
    assert_eq!(
        v04_json(b"[[null,{}]]").unwrap().chunks[0].spans,
        [Span::default()]
    );
    let nulls = span(
        r#""service":null,"name":null,"resource":null,"type":null,"trace_id":null,"span_id":null,"parent_id":null,
        "start":null,"duration":null,"error":null,"meta":null,"metrics":null,"meta_struct":null,
        "span_links":null,"span_events":null"#,
    );
    assert_eq!(nulls, Span::default());
    let span = span(r#""meta":{"k":null},"metrics":{"k":null}"#);
    assert_eq!((span.tag("k"), span.metric("k")), (Some(""), Some(0.0)));
}

#[test]
fn escapes_are_resolved_and_what_is_no_utf8_is_repaired() {
    let read = span(r#""service":"a\"\u00e9","meta":{"k\n":"v\t"}"#);
    assert_eq!(
        (read.service.as_ref(), read.tag("k\n")),
        ("a\"é", Some("v\t"))
    );
    let payload = v04_json(b"[[{\"name\":\"a\xffb\",\"meta\":{\"\xff\":\"x\"}}]]").unwrap();
    let span = &payload.chunks[0].spans[0];
    assert_eq!(
        (span.name.as_ref(), span.tag("\u{fffd}")),
        ("a\u{fffd}b", Some("x"))
    );
}

#[test]
fn errors_say_what_and_where() {
    assert!(v04_json(b"[[{\"name\":\"").unwrap_err().is_truncated());
    assert!(v04_json(b"").unwrap_err().is_truncated());
    for (body, expected) in [
        (
            "[\n[{\"error\":2147483648}]]",
            "invalid value: integer `2147483648`, expected i32",
        ),
        (
            "[[{\"trace_id\":-1}]]",
            "invalid value: integer `-1`, expected u64",
        ),
        (
            "[[{\"name\":1}]]",
            "invalid type: integer `1`, expected a text",
        ),
        (
            "[[{\"meta_struct\":{\"a\":\"?\"}}]]",
            "Invalid symbol 63, offset 0.",
        ),
        ("{}", "invalid type: map, expected an array"),
        (
            "[[{\"span_events\":[{\"attributes\":{\"a\":{\"type\":9}}}]}]]",
            "unknown type of value 9",
        ),
    ] {
        let error = failure(v04_json(body.as_bytes()));
        assert!(error.starts_with(expected), "{error}");
    }
    let error = v04_json(b"[\n[{\"error\":2147483648}]]").unwrap_err();
    assert_eq!(error.position(), 22);
}

#[test]
fn values_nested_without_end_are_refused_or_skipped() {
    let skipped = format!("[[{{\"x\":{}", "[".repeat(100_000));
    assert_eq!(
        v04_json(skipped.as_bytes()).unwrap_err().reason(),
        &Reason::TooMuchMemory(40 * skipped.len() + 65_536)
    );
    let spaced = format!("[{}", " ".repeat(40)).repeat(1_000);
    assert!(
        v04_json(format!("[[{{\"x\":{spaced}").as_bytes())
            .unwrap_err()
            .is_truncated()
    );
    let array =
        r#"{"type":4,"array_value":{"values":[                                            "#
            .repeat(200);
    let nested = format!(r#"[[{{"span_events":[{{"attributes":{{"a":{array}"#);
    let error = failure(v04_json(nested.as_bytes()));
    assert!(error.starts_with("recursion limit exceeded"), "{error}");
}
