//! Tests of v0.5.

use proptest::prelude::*;

use super::super::*;
use super::{check_cuts, failure, vector};
use crate::span::{Chunk, Map, PRIORITY_NONE};
use crate::testing::{arbitrary, hex, msgpack};

const ONE_SPAN: &str = "9298a0a173a16ea172a3656e76a165b55f73616d706c696e675f7072696f726974795f7631a377656291919c01\
    0203010200cf17979cfe362a000005008104058106cb3ff000000000000007";

#[test]
fn one_span_is_read() {
    let body = hex(ONE_SPAN);
    let chunk = Chunk {
        priority: PRIORITY_NONE,
        spans: vec![vector()],
        ..Chunk::default()
    };
    assert_eq!(v05(&body).unwrap().chunks, [chunk]);
}

#[test]
fn a_body_that_ends_anywhere_is_cut_short() {
    check_cuts(&hex(ONE_SPAN), v05);
}

#[test]
fn texts_and_traces_may_be_followed_by_others_but_must_both_be_there() {
    assert_eq!(v05(&hex("9391a090c1")).unwrap().chunks, []);
    assert_eq!(v05(&hex("92c0c0")).unwrap().chunks, []);
    let error = failure(v05(&hex("9190")));
    assert_eq!(
        error,
        "expected at least 2 elements, found 1, in `body`, at byte 1 of the body"
    );
}

#[test]
fn a_span_has_twelve_values() {
    for (head, found) in [("9b", 11), ("9d", 13)] {
        let body = format!("9291a09191{head}{}", "00".repeat(13));
        let expected =
            format!("expected 12 elements, found {found}, in `body`, at byte 6 of the body");
        assert_eq!(failure(v05(&hex(&body))), expected);
    }
}

#[test]
fn texts_outside_of_the_list_are_refused() {
    // service, meta key, meta value, metrics key, type
    for (span, field) in [
        ("010000000000000000808000", "service"),
        ("000000000000000000810100808000", "meta"),
        ("000000000000000000810001808000", "meta"),
        ("00000000000000000080810100", "metrics"),
        ("000000000000000000808001", "type"),
    ] {
        let body = hex(&format!("9291a091919c{span}"));
        let error = v05(&body).unwrap_err();
        assert_eq!(
            (error.reason(), error.field()),
            (&Reason::UnknownText(1), field)
        );
    }
    let body = hex("9291a091919cff0000000000000000808000");
    assert_eq!(
        v05(&body).unwrap_err().reason(),
        &Reason::UnknownText(u64::MAX)
    );
}

#[test]
fn texts_may_be_bytes_or_nil_or_no_utf8() {
    let body = hex("9293c40173c0a1ff91919c000102010200000000808000");
    let span = v05(&body).unwrap().chunks.remove(0).spans.remove(0);
    let texts = [&span.service, &span.name, &span.resource].map(AsRef::as_ref);
    assert_eq!(texts, ["s", "", "\u{fffd}"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_tracer_writes_is_read(payload in arbitrary::payload()) {
        let body = msgpack::v05(&payload);
        let read = v05(&body).unwrap();
        prop_assert_eq!(read.chunks.len(), payload.chunks.len());
        for (read, mut written) in read.chunks.into_iter().zip(payload.chunks) {
            for span in &mut written.spans {
                (span.meta_struct, span.links, span.events) = (Map::default(), vec![], vec![]);
            }
            prop_assert_eq!(read.spans, written.spans);
        }
    }
}
