//! Repairs spans as the intake wants them, and drops chunks that no repair would help.
//!
//! What is wrong is counted by reason. Nothing is allocated where nothing is wrong.

#[cfg(any(test, fuzzing))]
pub mod checks;
mod counts;
mod letters;
mod name;
mod span;
mod tag;

pub use counts::{Counts, Dropped, Malformed};
pub use name::{metric_name, operation};
pub use span::span;
pub use tag::{service, tag, tag_value};

use std::borrow::Cow;

use crate::root::duplicates;
use crate::span::{Chunk, Payload, Span, Text};

/// The tag with the upper half of a trace's id.
const TRACE_ID_HIGH: &str = "_dd.p.tid";

/// What repairs depend on.
#[derive(Debug, Clone, Copy)]
pub struct Context<'c> {
    /// The language of the tracer, after which services without name are called; empty if not known.
    pub language: &'c str,
    /// The time in nanoseconds since 1970.
    pub now: i64,
    /// Whether spans are named after their `component` if they have one.
    pub component_as_name: bool,
}

/// Repairs all spans of a payload and its environment, and removes the chunks that cannot be.
pub fn payload(payload: &mut Payload<'_>, context: &Context<'_>, counts: &mut Counts) {
    update(&mut payload.env, tag_value);
    payload
        .chunks
        .retain_mut(|chunk| match self::chunk(chunk, context, counts) {
            Ok(()) => true,
            Err(reason) => {
                counts.dropped(reason, chunk.spans.len());
                false
            }
        });
}

/// Repairs the spans of a chunk.
///
/// # Errors
/// Why the chunk is to be dropped; its spans may then be repaired in part.
pub fn chunk(
    chunk: &mut Chunk<'_>,
    context: &Context<'_>,
    counts: &mut Counts,
) -> Result<(), Dropped> {
    check(&chunk.spans)?;
    counts.malformed_many(Malformed::DuplicateSpanId, duplicates(&chunk.spans));
    for span in &mut chunk.spans {
        self::span(span, context, counts);
    }
    Ok(())
}

/// Whether the spans are of one trace, each with an id.
fn check(spans: &[Span<'_>]) -> Result<(), Dropped> {
    let first = spans.first().ok_or(Dropped::EmptyTrace)?;
    let high = first.tag(TRACE_ID_HIGH);
    for span in spans {
        // Both halves are compared, but only where both spans have both.
        let foreign = span.trace_id != first.trace_id
            || high.is_some_and(|high| span.tag(TRACE_ID_HIGH).is_some_and(|own| own != high));
        if foreign {
            return Err(Dropped::ForeignSpan);
        }
        if span.trace_id == 0 {
            return Err(Dropped::TraceIdZero);
        }
        if span.span_id == 0 {
            return Err(Dropped::SpanIdZero);
        }
    }
    Ok(())
}

/// Applies a rule to a text in its place, which stays borrowed if the rule only cuts.
fn update(text: &mut Text<'_>, rule: impl for<'t> FnOnce(&'t str) -> Cow<'t, str>) {
    match text {
        Cow::Borrowed(borrowed) => *text = rule(borrowed),
        Cow::Owned(owned) => match rule(owned) {
            Cow::Borrowed(same) if same == owned.as_str() => {}
            changed => *text = Cow::Owned(changed.into_owned()),
        },
    }
}

#[cfg(test)]
mod tests;
