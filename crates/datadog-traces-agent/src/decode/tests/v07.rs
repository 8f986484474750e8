//! Tests of v0.7, as far as it is not v0.4.

use proptest::prelude::*;

use super::super::*;
use super::{check_cuts, failure};
use crate::span::Chunk;
use crate::testing::{arbitrary, hex, msgpack};

#[test]
fn a_body_that_ends_anywhere_is_cut_short() {
    let payload = Payload {
        env: "prod".into(),
        chunks: vec![Chunk::default()],
        ..Payload::default()
    };
    check_cuts(&msgpack::v07(&payload), v07);
}

#[test]
fn unknown_keys_are_skipped_and_missing_ones_are_zero() {
    // {"chunks": [{}], "container_debug": {"error": "x"}, "env": "e"}
    let body =
        hex("83a66368756e6b739180af636f6e7461696e65725f646562756781a56572726f72a178a3656e76a165");
    let payload = v07(&body).unwrap();
    let chunk = Chunk {
        priority: 0,
        ..Chunk::default()
    };
    assert_eq!((payload.env.as_ref(), payload.chunks), ("e", vec![chunk]));
    assert_eq!(v07(&hex("c0")).unwrap(), Payload::default());
}

#[test]
fn an_error_names_the_innermost_field() {
    // {"chunks": [{"priority": "x"}]}
    let error = failure(v07(&hex("81a66368756e6b739181a87072696f72697479a178")));
    assert_eq!(
        error,
        "expected a whole number, found the marker 0xa1, in `priority`, at byte 19 of the body"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_tracer_writes_is_read(payload in arbitrary::payload()) {
        let body = msgpack::v07(&payload);
        prop_assert_eq!(v07(&body).unwrap(), payload);
    }
}
