//! The headers of B3, in one or in several.

use super::context::{Sampling, SpanContext, hex, hex_128};
use super::headers::{Headers, HeadersMut};

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

/// Reads `trace-span`, `trace-span-sampled`, `trace-span-sampled-parent`, or a decision alone.
pub(super) fn extract_single(headers: &impl Headers) -> Option<SpanContext> {
    let mut parts = headers.get(SINGLE)?.trim().splitn(4, '-');
    let first = parts.next()?;
    let Some(span_id) = parts.next() else {
        return decision(first).map(without_ids);
    };
    let sampling = match parts.next() {
        Some(sampled) => Some(decision(sampled)?),
        None => None,
    };
    context(first, span_id, sampling)
}

pub(super) fn extract_multi(headers: &impl Headers) -> Option<SpanContext> {
    let sampling = if headers.get(FLAGS).is_some_and(|flags| flags.trim() == "1") {
        decision("d")
    } else {
        headers
            .get(SAMPLED)
            .and_then(|sampled| match sampled.trim() {
                // Older libraries write words.
                "true" => decision("1"),
                "false" => decision("0"),
                sampled => decision(sampled).filter(|_| sampled != "d"),
            })
    };
    match (headers.get(TRACE_ID), headers.get(SPAN_ID)) {
        (Some(trace_id), Some(span_id)) => context(trace_id.trim(), span_id.trim(), sampling),
        _ => sampling.map(without_ids),
    }
}

fn decision(text: &str) -> Option<Sampling> {
    let priority = match text {
        "0" => 0,
        "1" => 1,
        "d" => 2,
        _ => return None,
    };
    Some(Sampling {
        priority,
        mechanism: None,
    })
}

fn without_ids(sampling: Sampling) -> SpanContext {
    SpanContext {
        sampling: Some(sampling),
        ..SpanContext::default()
    }
}

fn context(trace_id: &str, span_id: &str, sampling: Option<Sampling>) -> Option<SpanContext> {
    let (high, low) = hex(trace_id, 16)
        .map(|low| (0, low))
        .or_else(|| hex_128(trace_id))?;
    let span_id = hex(span_id, 16)?;
    if low == 0 || span_id == 0 {
        return None;
    }
    let mut context = SpanContext {
        trace_id: low,
        span_id,
        sampling,
        ..SpanContext::default()
    };
    context.set_trace_id_high(high);
    Some(context)
}

pub(super) fn inject_single(context: &SpanContext, headers: &mut impl HeadersMut) {
    let mut text = format!("{}-{:016x}", trace_id(context), context.span_id);
    if let Some(sampling) = context.sampling {
        text.push_str(match sampling.priority {
            ..=0 => "-0",
            1 => "-1",
            2.. => "-d",
        });
    }
    headers.set(SINGLE, &text);
}

pub(super) fn inject_multi(context: &SpanContext, headers: &mut impl HeadersMut) {
    headers.set(TRACE_ID, &trace_id(context));
    headers.set(SPAN_ID, &format!("{:016x}", context.span_id));
    match context.sampling.map(|sampling| sampling.priority) {
        Some(2..) => headers.set(FLAGS, "1"),
        Some(1) => headers.set(SAMPLED, "1"),
        Some(..=0) => headers.set(SAMPLED, "0"),
        None => {}
    }
}

fn trace_id(context: &SpanContext) -> String {
    match (context.trace_id_high(), context.trace_id) {
        (0, low) => format!("{low:016x}"),
        (high, low) => format!("{high:016x}{low:016x}"),
    }
}
