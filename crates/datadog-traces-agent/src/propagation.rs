//! Carries the context of a span from one process to the next, in headers of requests.
//!
//! Five styles, each with headers of its own: Datadog's, W3C's trace context and baggage, and both of B3. Knows no kind
//! of request: headers are whatever has names and values. Whatever they hold, nothing here panics; what is malformed is
//! as good as absent.

mod b3;
mod baggage;
mod config;
mod context;
mod datadog;
mod headers;
mod tracecontext;

pub use config::{Config, Style, parse_styles};
pub use context::{Sampling, SpanContext};
pub use headers::{Headers, HeadersMut};

use crate::span::{Link, Map, Text};
use context::{PARENT_ID, TRACESTATE};

/// What baggage of OpenTracing is called in headers.
const OPENTRACING: &str = "ot-baggage-";
/// Items of that kind that are read, at most.
const MAX_OPENTRACING_ITEMS: usize = 64;
/// What tags begin with that applications do not set.
const OURS: &str = "_dd.";
/// Why a span that was not continued is referred to.
const TERMINATED: &str = "terminated_context";

/// Reads and writes contexts.
#[derive(Debug, Clone, Default)]
pub struct Propagator {
    config: Config,
}

/// What did not fit into headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Whether tags of Datadog's style were: one that may not stand in a header, or all, for they would be too long.
    pub tags: bool,
    /// How many items of the baggage were.
    pub baggage_items: usize,
}

impl Propagator {
    /// A propagator of these styles.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// The context that headers carry, if there is any.
    ///
    /// Of several the first one counts; those of other traces become its links. A context without ids carries a
    /// decision or baggage for a trace that begins here.
    pub fn extract(&self, headers: &impl Headers) -> Option<SpanContext> {
        let mut found = Vec::new();
        for style in self.config.extract.iter().copied() {
            let Some(context) = extract_style(style, headers) else {
                continue;
            };
            let has_ids = context.trace_id != 0;
            found.push((style, context));
            if has_ids && self.config.extract_first {
                break;
            }
        }
        let baggage = if self.config.extract.contains(&Style::Baggage) {
            baggage::extract(headers)
        } else {
            Vec::new()
        };
        let mut context = match combine(found) {
            Some(context) => context,
            None if baggage.is_empty() => return None,
            None => SpanContext::default(),
        };
        context.baggage = baggage;
        if self.config.http_baggage {
            add_opentracing_baggage(&mut context, headers);
        }
        Some(context)
    }

    /// Writes a context into headers, in every style that is configured.
    ///
    /// A context without ids is written as far as baggage goes. Where something cannot be carried, the tag
    /// `_dd.propagation_error` of the context says so, as it does for tracers.
    pub fn inject(&self, context: &mut SpanContext, headers: &mut impl HeadersMut) -> LeftOut {
        let mut left_out = LeftOut::default();
        for style in self.config.inject.iter().copied() {
            match style {
                Style::Baggage => {
                    left_out.baggage_items = baggage::inject(&context.baggage, headers);
                }
                _ if context.trace_id == 0 || context.span_id == 0 => {}
                Style::Datadog => left_out.tags = !datadog::inject(context, headers),
                Style::TraceContext => tracecontext::inject(context, headers),
                Style::B3 => b3::inject_single(context, headers),
                Style::B3Multi => b3::inject_multi(context, headers),
            }
        }
        left_out
    }
}

fn extract_style(style: Style, headers: &impl Headers) -> Option<SpanContext> {
    match style {
        Style::Datadog => datadog::extract(headers),
        Style::TraceContext => tracecontext::extract(headers),
        Style::B3 => b3::extract_single(headers),
        Style::B3Multi => b3::extract_multi(headers),
        // Goes along with any context.
        Style::Baggage => None,
    }
}

/// The first context with ids, and what the others add to it; else the first one.
fn combine(found: Vec<(Style, SpanContext)>) -> Option<SpanContext> {
    let primary = found.iter().position(|(_, context)| context.trace_id != 0);
    let mut found = found.into_iter().skip(primary.unwrap_or(0));
    let (primary_style, mut context) = found.next()?;
    for (style, other) in found {
        if other.trace_id == 0 || other.span_id == 0 {
            continue;
        }
        if !context.is_same_trace(&other) {
            context.links.push(terminated(style, &other));
        } else if style == Style::TraceContext {
            add_tracecontext(&mut context, &other, primary_style);
        }
    }
    Some(context)
}

/// A reference to a span that is not continued.
fn terminated(style: Style, other: &SpanContext) -> Link<'static> {
    let mut attributes = Map::with_capacity(2);
    attributes.push("reason", Text::Borrowed(TERMINATED));
    attributes.push("context_headers", Text::Borrowed(style.name()));
    let tracestate = other.tags.get(TRACESTATE).cloned().unwrap_or_default();
    Link {
        trace_id: other.trace_id,
        trace_id_high: other.trace_id_high(),
        span_id: other.span_id,
        attributes,
        tracestate: Text::Owned(tracestate),
        flags: other.is_kept().into(),
    }
}

/// The trace context names the span that made the request, and Datadog's headers the last span that Datadog knows.
fn add_tracecontext(context: &mut SpanContext, other: &SpanContext, style: Style) {
    if let Some(tracestate) = other.tags.get(TRACESTATE) {
        context
            .tags
            .insert(TRACESTATE.to_owned(), tracestate.clone());
    }
    if other.span_id == context.span_id {
        return;
    }
    let parent = match other.tags.get(PARENT_ID) {
        Some(parent) => parent.clone(),
        None if style == Style::Datadog => format!("{:016x}", context.span_id),
        None => return,
    };
    context.tags.insert(PARENT_ID.to_owned(), parent);
    context.span_id = other.span_id;
}

/// Adds items as tags, but none that would pass for one of ours.
fn add_opentracing_baggage(context: &mut SpanContext, headers: &impl Headers) {
    let items = headers.pairs().filter_map(|(name, value)| {
        let (prefix, key) = name.split_at_checked(OPENTRACING.len())?;
        let is_item = prefix.eq_ignore_ascii_case(OPENTRACING) && !key.is_empty();
        is_item.then(|| (key.to_ascii_lowercase(), value))
    });
    for (key, value) in items.take(MAX_OPENTRACING_ITEMS) {
        if !key.starts_with(OURS) {
            context.tags.entry(key).or_insert_with(|| value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
