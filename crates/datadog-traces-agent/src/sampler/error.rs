//! The sampler of traces with errors, which asks those that no other sampler keeps.

use crate::span::Chunk;

use super::score::Sampler;

/// A sampler that keeps so many traces a second, and names its rate on their roots; 0 switches it off.
pub(super) fn sampler(error_tps: f64, extra_rate: f64) -> Sampler {
    Sampler::new(error_tps, extra_rate, "_dd.errors_sr").off_at_zero()
}

/// Whether a span failed.
pub(super) fn has_error(chunk: &Chunk<'_>) -> bool {
    chunk.spans.iter().any(|span| span.error != 0)
}

/// Whether a span has an exception among its events, although it may not have failed.
pub(super) fn has_exception_event(chunk: &Chunk<'_>) -> bool {
    chunk
        .spans
        .iter()
        .any(|span| span.tag("_dd.span_events.has_exception") == Some("true"))
}
