//! What spans say of their chunk and of their payload.

use crate::span::{Chunk, PRIORITY_NONE, Payload, Span, Text};

/// The numeric tag with the sampling priority of a trace.
const PRIORITY: &str = "_sampling_priority_v1";

/// The tag that says where a trace began.
const ORIGIN: &str = "_dd.origin";

/// The tag that says how a trace was sampled.
const DECISION_MAKER: &str = "_dd.p.dm";

/// The numeric tag with the rate at which the tracer sampled.
const SAMPLE_RATE: &str = "_sample_rate";

/// The numeric tag under which that rate is kept for the intake.
const CLIENT_RATE: &str = "_dd1.sr.rcusr";

/// The tag that says in which way the agent is used, of which only one value counts.
const APM_MODE: &str = "_dd.apm_mode";

/// Fills what a chunk does not say of itself from its spans: the priority and origin of the root, and how the trace was
/// sampled. A priority that the root does not have is that of the first span which has one.
pub fn describe_chunk(chunk: &mut Chunk<'_>, root: usize) {
    let spans = &chunk.spans;
    let root = spans.get(root);
    if chunk.priority == PRIORITY_NONE {
        let mut candidates = root.into_iter().chain(spans);
        let priority = candidates.find_map(|span| span.metric(PRIORITY));
        chunk.priority = priority.map_or(PRIORITY_NONE, saturated);
    }
    if chunk.origin.is_empty()
        && let Some(origin) = root.and_then(|root| root.meta.get(ORIGIN))
    {
        chunk.origin = origin.clone();
    }
    if !chunk.tags.contains(DECISION_MAKER)
        && let Some(maker) = spans.iter().find_map(|span| span.meta.get(DECISION_MAKER))
    {
        chunk.tags.insert(DECISION_MAKER, maker.clone());
    }
}

/// Keeps the rate at which the tracer sampled, if it is one that drops any, on the root of its trace.
pub fn set_client_rate(root: &mut Span<'_>) {
    match root.metric(SAMPLE_RATE) {
        Some(rate) if rate < 1.0 => root.metrics.insert(CLIENT_RATE, rate),
        _ => root.metrics.remove(CLIENT_RATE),
    }
}

/// Fills what a payload does not say of itself from the spans of one of its chunks: host, process and mode from the
/// root, environment and version from the first span that has them, the root before all others.
pub fn describe_payload(payload: &mut Payload<'_>, chunk: usize, root: usize) {
    let Some(spans) = payload.chunks.get(chunk).map(|chunk| &chunk.spans) else {
        return;
    };
    let Some(root) = spans.get(root) else {
        return;
    };
    let first = |key: &str| {
        let mut candidates = std::iter::once(root).chain(spans);
        candidates.find_map(|span| filled(span, key))
    };
    if payload.hostname.is_empty() {
        payload.hostname = filled(root, "_dd.hostname").unwrap_or_default();
    }
    if payload.env.is_empty() {
        payload.env = first("env").unwrap_or_default();
    }
    if payload.app_version.is_empty() {
        payload.app_version = first("version").unwrap_or_default();
    }
    if payload.runtime_id.is_empty() {
        payload.runtime_id = filled(root, "runtime-id").unwrap_or_default();
    }
    if !payload.tags.contains(APM_MODE)
        && let Some(mode) = filled(root, APM_MODE).filter(|mode| mode.eq_ignore_ascii_case("edge"))
    {
        payload.tags.insert(APM_MODE, mode);
    }
}

/// A priority as the whole number next to 0, or the last one on its side.
#[expect(clippy::cast_possible_truncation, reason = "it is what is wanted")]
const fn saturated(priority: f64) -> i32 {
    priority as i32
}

/// The value of a tag that is not empty.
fn filled<'a>(span: &Span<'a>, key: &str) -> Option<Text<'a>> {
    let value = span.meta.get(key)?;
    (!value.is_empty()).then(|| value.clone())
}
