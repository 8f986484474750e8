//! One chunk of a trace, read when it arrives and again whenever somebody asks for it.

use std::collections::HashSet;

use datadog_wire::traces::{PRIORITY_NONE, Span, TRACE_ID_HIGH, TraceChunk};
use prost::Message;

use super::{Dislike, span};

/// Tells of something wrong, with more words than the kind has if need be.
pub(crate) type Found<'a> = dyn FnMut(Dislike, Option<String>) + 'a;

/// The priorities there are, from a user's drop to a user's keep.
const PRIORITIES: std::ops::RangeInclusive<i32> = -1..=2;

/// The ids of the spans of a body that were looked at.
#[derive(Debug, Default)]
pub(super) struct Seen(HashSet<(u64, u64)>);

/// A chunk.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) message: TraceChunk,
}

impl Chunk {
    /// Reads the bytes of one chunk.
    ///
    /// # Errors
    /// In words, why they are none.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let message = TraceChunk::decode(bytes).map_err(|error| error.to_string())?;
        Ok(Self { message })
    }

    /// The 128 bits of the trace's id, of the first span and of the first that says the upper half.
    pub(crate) fn trace_id(&self) -> u128 {
        let spans = &self.message.spans;
        let lower = spans.first().map_or(0, |span| span.trace_id);
        let upper = spans.iter().find_map(trace_id_high).unwrap_or(0);
        u128::from(upper) << 64 | u128::from(lower)
    }

    /// The span that the others descend from: the last without a parent, else the last whose parent is not here,
    /// else the last.
    pub(crate) fn root(&self) -> Option<&Span> {
        let spans = &self.message.spans;
        let ids: HashSet<u64> = spans.iter().map(|span| span.span_id).collect();
        let mut from_last = spans.iter().rev();
        from_last
            .clone()
            .find(|span| span.parent_id == 0)
            .or_else(|| from_last.find(|span| !ids.contains(&span.parent_id)))
            .or_else(|| spans.last())
    }

    /// Tells of everything that the intake would not like.
    pub(super) fn check(&self, seen: &mut Seen, found: &mut Found<'_>) {
        let chunk = &self.message;
        if chunk.spans.is_empty() {
            found(Dislike::NoSpans, None);
        }
        if chunk.priority == PRIORITY_NONE {
            found(Dislike::NoPriority, None);
        } else if !PRIORITIES.contains(&chunk.priority) {
            found(Dislike::UnknownPriority, Some(chunk.priority.to_string()));
        }
        self.check_ids(found);
        for (index, one) in chunk.spans.iter().enumerate() {
            let mut found = |dislike, detail: Option<String>| {
                let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
                found(dislike, Some(format!("span {index}{detail}")));
            };
            let is_new = seen.0.insert((one.trace_id, one.span_id));
            if !is_new && one.span_id != 0 {
                found(Dislike::SpanTwice, Some(one.span_id.to_string()));
            }
            span::check(one, &mut found);
        }
    }

    /// Looks at whether all spans are of one trace; the upper halves only where two spans say them.
    fn check_ids(&self, found: &mut Found<'_>) {
        let spans = &self.message.spans;
        if differ(spans.iter().map(|span| span.trace_id))
            || differ(spans.iter().filter_map(trace_id_high))
        {
            found(Dislike::MixedTraces, None);
        }
    }
}

fn differ(mut ids: impl Iterator<Item = u64>) -> bool {
    let first = ids.next();
    ids.any(|id| Some(id) != first)
}

/// The upper half of the trace's id, if the span says it and as it should be said.
pub(super) fn trace_id_high(span: &Span) -> Option<u64> {
    let digits = span.meta.get(TRACE_ID_HIGH)?;
    let is_hex = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let is_half = digits.len() == 16 && digits.bytes().all(is_hex);
    is_half.then(|| u64::from_str_radix(digits, 16).ok())?
}
