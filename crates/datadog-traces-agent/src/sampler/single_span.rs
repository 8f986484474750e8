//! Keeps the spans that a tracer sampled one by one, of chunks that are not kept.

use crate::span::Chunk;

/// The metric of such spans: by what they were sampled.
const MECHANISM: &str = "_dd.span_sampling.mechanism";
/// The priority of what a user keeps.
const USER_KEEP: i32 = 2;

/// Reduces a chunk to such spans; `false`, and nothing changed, if it has none.
pub(super) fn rescue(chunk: &mut Chunk<'_>) -> bool {
    if !chunk
        .spans
        .iter()
        .any(|span| span.metrics.contains(MECHANISM))
    {
        return false;
    }
    chunk.spans.retain(|span| span.metrics.contains(MECHANISM));
    chunk.priority = USER_KEEP;
    chunk.dropped_trace = false;
    true
}
