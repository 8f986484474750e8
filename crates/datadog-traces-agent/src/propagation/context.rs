//! The context of a span, as it travels.

use std::collections::BTreeMap;

use crate::span::Link;

/// What tags begin with that travel along.
pub(super) const PROPAGATED: &str = "_dd.p.";
/// The tag with the upper 64 bits of the trace's id.
pub(super) const TRACE_ID_HIGH: &str = "_dd.p.tid";
/// The tag that says how the sampling decision was made.
pub(super) const DECISION: &str = "_dd.p.dm";
/// The tag with the last span that Datadog knows.
pub(super) const PARENT_ID: &str = "_dd.parent_id";
/// The tag that says what could not be carried.
pub(super) const ERROR: &str = "_dd.propagation_error";
/// The tag with the header of this name.
pub(super) const TRACEPARENT: &str = "traceparent";
/// The tag with the header of this name.
pub(super) const TRACESTATE: &str = "tracestate";

/// A sampling decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// -1 and 2 are a user's drop and keep, 0 and 1 the sampler's.
    pub priority: i8,
    /// Who decided, if known: 3 is the tracer's rules, 4 a user.
    pub mechanism: Option<u8>,
}

/// The context of a span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpanContext {
    /// The lower 64 bits of the trace's id; 0, if a trace begins.
    pub trace_id: u64,
    /// The span that made the request.
    pub span_id: u64,
    /// The decision, if there was one.
    pub sampling: Option<Sampling>,
    /// Where the trace began, such as `rum`.
    pub origin: Option<String>,
    /// Tags for the root of what follows. Those that begin with `_dd.p.` travel on; `_dd.p.tid` holds the upper 64 bits
    /// of the trace's id as 16 digits.
    pub tags: BTreeMap<String, String>,
    /// Spans of other traces that came in headers too.
    pub links: Vec<Link<'static>>,
    /// Items of the baggage of W3C, decoded.
    pub baggage: Vec<(String, String)>,
}

impl SpanContext {
    /// The upper 64 bits of the trace's id.
    pub fn trace_id_high(&self) -> u64 {
        let high = self.tags.get(TRACE_ID_HIGH);
        high.and_then(|high| hex(high, 16)).unwrap_or(0)
    }

    /// Sets the upper 64 bits of the trace's id, if there are any.
    pub(super) fn set_trace_id_high(&mut self, high: u64) {
        if high != 0 {
            let high = format!("{high:016x}");
            self.tags.insert(TRACE_ID_HIGH.to_owned(), high);
        }
    }

    /// Whether the decision is to keep the trace.
    pub(super) fn is_kept(&self) -> bool {
        self.sampling.is_some_and(|sampling| sampling.priority > 0)
    }

    /// Whether two contexts are of one trace; the upper halves of ids count only where both are there.
    pub(super) fn is_same_trace(&self, other: &Self) -> bool {
        let (high, other_high) = (self.trace_id_high(), other.trace_id_high());
        self.trace_id == other.trace_id && (high == other_high || high == 0 || other_high == 0)
    }

    pub(super) fn set_error(&mut self, error: impl Into<String>) {
        self.tags.insert(ERROR.to_owned(), error.into());
    }

    /// The mechanism as the tag of the decision tells it.
    pub(super) fn mechanism(&self) -> Option<u8> {
        self.tags.get(DECISION)?.strip_prefix('-')?.parse().ok()
    }
}

/// A number of exactly so many hexadecimal digits, at most 16.
pub(super) fn hex(text: &str, digits: usize) -> Option<u64> {
    let is_hex = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

/// The upper and lower halves of a trace's id of 32 digits.
pub(super) fn hex_128(text: &str) -> Option<(u64, u64)> {
    let (high, low) = text.split_at_checked(16)?;
    Some((hex(high, 16)?, hex(low, 16)?))
}
