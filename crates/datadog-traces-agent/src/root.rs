//! Which span of a chunk is its root, which spans are entries into a service, and what a root says of the whole chunk.
//!
//! Works on chunks that hold together: all spans of one trace, with ids that are not 0.

mod ids;
mod metadata;

pub use metadata::{describe_chunk, describe_payload, set_client_rate};

use crate::span::{Chunk, Span};
use ids::Ids;

pub(crate) use ids::duplicates;

/// The numeric tag of spans by which a trace enters a service.
pub(crate) const TOP_LEVEL: &str = "_top_level";

/// The numeric tag by which tracers say that they computed the same.
const TRACER_TOP_LEVEL: &str = "_dd.top_level";

/// The numeric tag that says whether the service is traced for the sake of traces.
const TRACING_ENABLED: &str = "_dd.apm.enabled";

/// Finds the root of a chunk: the last span without parent; else the last one whose parent is not in the chunk; else
/// the last one. `None` if there are no spans.
pub fn find(spans: &[Span<'_>]) -> Option<usize> {
    let last = spans.len().checked_sub(1)?;
    let without_parent = spans.iter().rposition(|span| span.parent_id == 0);
    let root = without_parent.or_else(|| {
        let ids = Ids::of(spans);
        spans
            .iter()
            .rposition(|span| ids.find(span.parent_id).is_none())
    });
    Some(root.unwrap_or(last))
}

/// Marks the spans that have no parent in the chunk, or one of another service.
pub fn compute_top_level(chunk: &mut Chunk<'_>) {
    let ids = Ids::of(&chunk.spans);
    for index in 0..chunk.spans.len() {
        let Some(span) = chunk.spans.get(index) else {
            continue;
        };
        let parent = match span.parent_id {
            0 => None,
            id => ids.find(id).and_then(|parent| chunk.spans.get(parent)),
        };
        if parent.is_some_and(|parent| parent.service == span.service) {
            continue;
        }
        if let Some(span) = chunk.spans.get_mut(index) {
            span.metrics.insert(TOP_LEVEL, 1.0);
        }
    }
}

/// Marks a span that its tracer marked, where the tracer computed that.
pub fn adopt_top_level(span: &mut Span<'_>) {
    if span.metric(TRACER_TOP_LEVEL) == Some(1.0) {
        span.metrics.insert(TOP_LEVEL, 1.0);
    }
}

/// Says on the root and on all spans by which the trace enters a service that nobody traces: what they carry is for
/// another product.
pub(crate) fn disclaim_tracing(chunk: &mut Chunk<'_>, root: usize) {
    for (index, span) in chunk.spans.iter_mut().enumerate() {
        if index == root || span.metric(TOP_LEVEL) == Some(1.0) {
            span.metrics.insert(TRACING_ENABLED, 0.0);
        }
    }
}

#[cfg(test)]
mod tests;
