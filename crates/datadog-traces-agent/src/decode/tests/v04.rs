//! Tests of v0.4 in msgpack, and of the choice between it and JSON.

use proptest::prelude::*;

use super::super::*;
use super::{check_cuts, failure, vector};
use crate::span::{Chunk, PRIORITY_NONE, Scalar, Span, Text, Value};
use crate::testing::{arbitrary, hex, msgpack};

const ONE_SPAN: &str = "91918ca773657276696365a173a46e616d65a16ea87265736f75726365a172a874726163655f696401a77370616e5f\
    696402a9706172656e745f696400a57374617274cf17979cfe362a0000a86475726174696f6e05a56572726f7200a46d65746181a3656e76\
    a165a76d65747269637381b55f73616d706c696e675f7072696f726974795f7631cb3ff0000000000000a474797065a3776562";

/// The only span of a body with these fields, in hexadecimal.
#[track_caller]
fn span(fields: &str) -> Result<Span<'static>, Error> {
    let body: &'static [u8] = hex(&format!("9191{fields}")).leak();
    v04(body).map(|mut payload| payload.chunks.remove(0).spans.remove(0))
}

#[test]
fn one_span_is_read() {
    let body = hex(ONE_SPAN);
    let payload = v04(&body).unwrap();
    let chunk = Chunk {
        priority: PRIORITY_NONE,
        spans: vec![vector()],
        ..Chunk::default()
    };
    assert_eq!(payload.chunks, [chunk]);
    assert!(matches!(
        payload.chunks[0].spans[0].service,
        Text::Borrowed("s")
    ));
}

#[test]
fn a_body_that_ends_anywhere_is_cut_short() {
    check_cuts(&hex(ONE_SPAN), v04);
}

#[test]
fn bytes_after_the_end_are_not_looked_at() {
    assert_eq!(v04(&hex("90c1")).unwrap(), Payload::default());
}

#[test]
fn nil_is_the_zero_value_of_anything() {
    assert_eq!(v04(&hex("c0")).unwrap().chunks, []);
    assert_eq!(v04(&hex("91c0")).unwrap().chunks, [Chunk::default()]);
    // A span that is nil is left out.
    assert_eq!(
        v04(&hex("9192c080")).unwrap().chunks[0].spans,
        [Span::default()]
    );
    let keys = [
        "service",
        "name",
        "resource",
        "type",
        "trace_id",
        "span_id",
        "parent_id",
        "start",
        "duration",
        "error",
        "meta",
        "metrics",
        "meta_struct",
        "span_links",
        "span_events",
    ];
    let mut body = vec![0x91, 0x91, 0x8f];
    for key in keys {
        body.push(0xa0 | u8::try_from(key.len()).unwrap());
        body.extend(key.as_bytes());
        body.push(0xc0);
    }
    assert_eq!(v04(&body).unwrap().chunks[0].spans, [Span::default()]);
    // In maps and lists, too: meta {"k": nil}, metrics {"k": nil}, span_links [nil].
    let body = "83a46d65746181a16bc0a76d65747269637381a16bc0aa7370616e5f6c696e6b7391c0";
    let span = span(body).unwrap();
    assert_eq!(
        (span.tag("k"), span.metric("k"), span.links.len()),
        (Some(""), Some(0.0), 0)
    );
}

#[test]
fn unknown_keys_are_skipped_whatever_their_value() {
    for value in [
        "c0",
        "c2",
        "c3",
        "00",
        "ff",
        "cc01",
        "cd0001",
        "ce00000001",
        "cf0000000000000001",
        "d0ff",
        "d1ffff",
        "d2ffffffff",
        "d3ffffffffffffffff",
        "ca00000000",
        "cb0000000000000000",
        "a178",
        "d90178",
        "da000178",
        "db0000000178",
        "c40178",
        "c5000178",
        "c60000000178",
        "9100",
        "dc000100",
        "dd0000000100",
        "810000",
        "de00010000",
        "df000000010000",
        "d40000",
        "d5000000",
        "d60000000000",
        "d7000000000000000000",
        "d80000000000000000000000000000000000",
        "c7010000",
        "c800010000",
        "c9000000010000",
        "9281a17891c0c0",
    ] {
        let span = span(&format!("82a178{value}a7737061 6e5f696407").replace(' ', "")).unwrap();
        assert_eq!(span.span_id, 7, "{value}");
    }
    let error = failure(v04(&hex("919181a178c1")));
    assert_eq!(
        error,
        "expected a value, found the marker 0xc1, in `body`, at byte 5 of the body"
    );
}

#[test]
fn values_nested_without_end_are_skipped_without_recursion() {
    let mut body = hex("919181a178");
    body.extend(std::iter::repeat_n(0x91, 1_000_000));
    assert!(v04(&body).unwrap_err().is_truncated());
    body.push(0xc0);
    assert_eq!(v04(&body).unwrap().chunks.len(), 1);
}

#[test]
fn texts_may_be_bytes_and_are_repaired_if_they_are_no_utf8() {
    let span = span(
        "82a7736572766963 65c40173a46e616d65a461ff62c3"
            .replace(' ', "")
            .as_str(),
    )
    .unwrap();
    assert_eq!(
        (span.service.as_ref(), span.name.as_ref()),
        ("s", "a\u{fffd}b\u{fffd}")
    );
}

#[test]
fn ids_may_be_negative_and_are_then_their_twos_complement() {
    for (id, expected) in [
        ("ff", u64::MAX),
        ("d0ff", u64::MAX),
        ("d38000000000000000", 1 << 63),
        ("cfffffffffffffffff", u64::MAX),
        ("cd0100", 256),
    ] {
        assert_eq!(
            span(&format!("81a7 7370616e5f6964{id}").replace(' ', ""))
                .unwrap()
                .span_id,
            expected
        );
    }
}

#[test]
fn numbers_with_sign_must_fit() {
    // start, error
    for (fields, expected) in [
        ("81a57374617274cf7fffffffffffffff", Ok((i64::MAX, 0))),
        (
            "81a57374617274cf8000000000000000",
            Err("number out of range, in `start`, at byte 18 of the body"),
        ),
        ("81a57374617274d1fffe", Ok((-2, 0))),
        ("81a56572726f72ce7fffffff", Ok((0, i32::MAX))),
        (
            "81a56572726f72ce80000000",
            Err("number out of range, in `error`, at byte 14 of the body"),
        ),
        ("81a56572726f72d280000000", Ok((0, i32::MIN))),
        (
            "81a56572726f72a131",
            Err(
                "expected a whole number, found the marker 0xa1, in `error`, at byte 9 of the body",
            ),
        ),
    ] {
        let read = span(fields).map(|span| (span.start, span.error));
        assert_eq!(
            read.map_err(|error| error.to_string()),
            expected.map_err(str::to_owned)
        );
    }
}

#[test]
fn metrics_may_be_any_number() {
    for (value, expected) in [
        ("cb3ff8000000000000", 1.5),
        ("ca3fc00000", 1.5),
        ("03", 3.0),
        ("fd", -3.0),
        ("cfffffffffffffffff", 18_446_744_073_709_551_615.0),
    ] {
        let span = span(&format!("81a76d65747269637381a16b{value}")).unwrap();
        assert_eq!(span.metric("k"), Some(expected));
    }
    let error = failure(v04(&hex("919181a76d65747269637381a16bc3")));
    assert_eq!(
        error,
        "expected a number, found the marker 0xc3, in `metrics`, at byte 14 of the body"
    );
}

#[test]
fn lengths_that_no_payload_has_are_refused_and_those_beyond_the_end_are_cut_short() {
    let too_long = "too long payload: 25000001 entries, in `body`, at byte 5 of the body";
    assert_eq!(failure(v04(&hex("dd017d7841"))), too_long);
    assert!(v04(&hex("dd017d7840")).unwrap_err().is_truncated());
    let too_long = "too long payload: 25000001 entries, in `meta`, at byte 13 of the body";
    assert_eq!(failure(v04(&hex("919181a46d657461df017d7841"))), too_long);
    assert!(
        v04(&hex("919181a46d657461df017d784000"))
            .unwrap_err()
            .is_truncated()
    );
}

#[test]
fn what_is_no_array_of_arrays_of_maps_is_refused() {
    for (body, expected) in [
        (
            "80",
            "expected an array, found the marker 0x80, in `body`, at byte 0 of the body",
        ),
        (
            "9180",
            "expected an array, found the marker 0x80, in `body`, at byte 1 of the body",
        ),
        (
            "919190",
            "expected a map, found the marker 0x90, in `body`, at byte 2 of the body",
        ),
        (
            "9191810100",
            "expected a text, found the marker 0x01, in `body`, at byte 3 of the body",
        ),
    ] {
        assert_eq!(failure(v04(&hex(body))), expected);
    }
}

#[test]
fn attributes_of_events_have_the_type_that_they_say() {
    // {"type": 2, "string_value": "x", "int_value": 7}
    let body = "81ab7370616e5f6576656e74739181aa6174747269627574657381a16b";
    let value = |value: &str| {
        let span = span(&format!("{body}{value}"))?;
        Ok::<_, Error>(span.events[0].attributes.get("k").cloned().unwrap())
    };
    let int = "83a47479706502ac737472696e675f76616c7565a178a9696e745f76616c756507";
    assert_eq!(value(int).unwrap(), Value::Scalar(Scalar::Int(7)));
    assert_eq!(
        value("80").unwrap(),
        Value::Scalar(Scalar::String("".into()))
    );
    assert_eq!(value("81a47479706504").unwrap(), Value::Array(vec![]));
    let error = value("81a47479706505").unwrap_err();
    assert_eq!(error.reason(), &Reason::UnknownType(5));
    assert_eq!(error.field(), "type");
    // An array in an array.
    let nested = "82a47479706504ab61727261795f76616c756581a676616c7565739181a47479706504";
    assert_eq!(value(nested).unwrap_err().reason(), &Reason::UnknownType(4));
}

#[test]
fn the_time_of_an_event_may_be_a_floating_point_number() {
    let body = "919181ab7370616e5f6576656e74739181ae74696d655f756e69785f6e616e6f";
    let time = |number: f64| {
        let number = u64::from_be_bytes(number.to_be_bytes());
        let body = format!("{body}cb{number:016x}");
        v04(&hex(&body)).map(|payload| payload.chunks[0].spans[0].events[0].time_unix_nano)
    };
    // As dd-trace 5.132.0 writes 1700000000000 milliseconds.
    assert_eq!(time(1.7e18).unwrap(), 1_700_000_000_000_000_000);
    assert_eq!(time(5.9).unwrap(), 5);
    for number in [-1.0, 18_446_744_073_709_551_616.0, f64::NAN, f64::INFINITY] {
        assert_eq!(time(number).unwrap_err().reason(), &Reason::OutOfRange);
    }
}

#[test]
fn the_content_type_decides_and_unknown_ones_try_both() {
    for (content_type, expected) in [
        (None, Encoding::Json),
        (Some(""), Encoding::Json),
        (Some("application/json; charset=utf-8"), Encoding::Json),
        (Some("Text/JSON"), Encoding::Json),
        (Some("application/msgpack"), Encoding::Msgpack),
        (Some(" Application/Msgpack ;x"), Encoding::Msgpack),
        (Some("application/octet-stream"), Encoding::Unknown),
    ] {
        assert_eq!(Encoding::from_content_type(content_type), expected);
    }
    let msgpack = hex(ONE_SPAN);
    let json = br#"[[{"service":"s"}]]"#;
    let service = |body, encoding| {
        let payload = v04_as(body, encoding).ok()?;
        Some(payload.chunks[0].spans[0].service.to_string())
    };
    assert_eq!(service(&msgpack, Encoding::Msgpack).as_deref(), Some("s"));
    assert_eq!(service(&msgpack, Encoding::Unknown).as_deref(), Some("s"));
    assert_eq!(service(&msgpack, Encoding::Json), None);
    assert_eq!(service(json, Encoding::Json).as_deref(), Some("s"));
    assert_eq!(service(json, Encoding::Unknown).as_deref(), Some("s"));
    assert_eq!(service(json, Encoding::Msgpack), None);
}

#[test]
fn if_both_fail_the_error_is_that_of_the_encoding_which_the_body_begins_in() {
    let json = failure(v04_as(b" [[{\"span_id\":-1}]]", Encoding::Unknown));
    assert!(
        json.starts_with("invalid value: integer `-1`, expected u64"),
        "{json}"
    );
    let msgpack = failure(v04_as(&hex("9180"), Encoding::Unknown));
    assert!(msgpack.starts_with("expected an array"), "{msgpack}");
    assert!(
        v04_as(b"[[{", Encoding::Unknown)
            .unwrap_err()
            .is_truncated()
    );
    assert!(
        v04_as(&hex("91"), Encoding::Unknown)
            .unwrap_err()
            .is_truncated()
    );
    assert!(v04_as(b"", Encoding::Unknown).unwrap_err().is_truncated());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_tracer_writes_is_read(payload in arbitrary::payload()) {
        let body = msgpack::v04(&payload);
        let read = v04(&body).unwrap();
        let spans = |payload: &Payload<'_>| format!("{:?}", payload.chunks.iter().map(|chunk| &chunk.spans).collect::<Vec<_>>());
        prop_assert_eq!(spans(&read), spans(&payload));
    }
}
