//! Tests of the decoders: what tracers send in each format, what they should not, and how large it may get.

mod json;
mod memory;
mod v04;
mod v05;
mod v07;
mod v1;

use super::*;
use crate::span::{Span, Text};

/// What went wrong, as people read it.
#[track_caller]
pub(super) fn failure(result: Result<Payload<'_>, Error>) -> String {
    result.unwrap_err().to_string()
}

/// The span of the vectors that are the same in v0.4 and v0.5.
fn vector() -> Span<'static> {
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
    span.metrics.push("_sampling_priority_v1", 1.0);
    span
}

/// The body without its last bytes is told to be cut short, wherever it is cut.
#[track_caller]
fn check_cuts(body: &[u8], decode: fn(&[u8]) -> Result<Payload<'_>, Error>) {
    for len in 0..body.len() {
        let error = decode(&body[..len]).unwrap_err();
        assert!(error.is_truncated(), "{len}: {error}");
    }
}
