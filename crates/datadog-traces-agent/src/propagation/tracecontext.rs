//! The trace context of W3C, and Datadog's member of its state.

use super::context::{
    PARENT_ID, PROPAGATED, Sampling, SpanContext, TRACE_ID_HIGH, TRACEPARENT, TRACESTATE, hex,
    hex_128,
};
use super::headers::{Headers, HeadersMut};

/// What Datadog's member begins with.
const MEMBER: &str = "dd=";
/// Members of the state, at most.
const MAX_MEMBERS: usize = 32;
/// Bytes of Datadog's member, at most.
const MAX_MEMBER_BYTES: usize = 256;
/// Bytes of the state that are read, at most: all members as long as they may be, and commas.
const MAX_STATE_BYTES: usize = MAX_MEMBERS * (256 + 1 + 256 + 1);
/// What tags of ours are called in the member.
const TAG: &str = "t.";

pub(super) fn extract(headers: &impl Headers) -> Option<SpanContext> {
    let traceparent = headers.get(TRACEPARENT)?.trim();
    let (mut context, is_sampled) = parent(traceparent)?;
    let tags = &mut context.tags;
    tags.insert(TRACEPARENT.to_owned(), traceparent.to_owned());
    let state = headers.get(TRACESTATE).map(str::trim).filter(|state| {
        let is_printable = state
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        is_printable && !state.is_empty() && state.len() <= MAX_STATE_BYTES
    });
    let mut priority = i8::from(is_sampled);
    if let Some(state) = state {
        tags.insert(TRACESTATE.to_owned(), state.to_owned());
        let member = members(state).find_map(|member| member.strip_prefix(MEMBER));
        if let Some(own) = member.and_then(|member| extract_member(member, &mut context))
            && (own > 0) == is_sampled
        {
            priority = own;
        }
    }
    context.sampling = Some(Sampling {
        priority,
        mechanism: context.mechanism(),
    });
    Some(context)
}

/// The ids of a `traceparent`, and whether its trace is sampled.
fn parent(text: &str) -> Option<(SpanContext, bool)> {
    let mut parts = text.splitn(5, '-');
    let version = hex(parts.next()?, 2)?;
    let (high, low) = hex_128(parts.next()?)?;
    let span_id = hex(parts.next()?, 16)?;
    let flags = hex(parts.next()?, 2)?;
    let has_tail = parts.next().is_some();
    // Datadog knows spans of a trace by the lower half of its id.
    let has_ids = low != 0 && span_id != 0;
    if version == 0xff || (version == 0 && has_tail) || !has_ids {
        return None;
    }
    let mut context = SpanContext {
        trace_id: low,
        span_id,
        ..SpanContext::default()
    };
    context.set_trace_id_high(high);
    Some((context, flags & 1 == 1))
}

fn members(state: &str) -> impl Iterator<Item = &str> {
    state
        .split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

/// Takes what Datadog's member holds; answers with its priority.
fn extract_member(member: &str, context: &mut SpanContext) -> Option<i8> {
    let mut priority = None;
    for (key, value) in member.split(';').filter_map(|pair| pair.split_once(':')) {
        match key {
            "s" => priority = value.parse().ok(),
            "o" => context.origin = Some(value.replace('~', "=")),
            "p" => {
                context.tags.insert(PARENT_ID.to_owned(), value.to_owned());
            }
            _ => {
                let Some(key) = key.strip_prefix(TAG) else {
                    continue;
                };
                let key = [PROPAGATED, key].concat();
                // The upper half of the id is that of `traceparent`.
                if key != TRACE_ID_HIGH {
                    context.tags.insert(key, value.replace('~', "="));
                }
            }
        }
    }
    priority
}

pub(super) fn inject(context: &SpanContext, headers: &mut impl HeadersMut) {
    let high = context.trace_id_high();
    let (low, span_id) = (context.trace_id, context.span_id);
    let flags = u8::from(context.is_kept());
    headers.set(
        TRACEPARENT,
        &format!("00-{high:016x}{low:016x}-{span_id:016x}-{flags:02x}"),
    );
    let mut state = member(context);
    let others = context.tags.get(TRACESTATE).map_or("", String::as_str);
    let others = members(others).filter(|member| !member.starts_with(MEMBER));
    for other in others.take(MAX_MEMBERS - 1) {
        if state.len() + 1 + other.len() > MAX_STATE_BYTES {
            break;
        }
        state.push(',');
        state.push_str(other);
    }
    headers.set(TRACESTATE, &state);
}

/// Datadog's member; parts that would make it too long are left out.
fn member(context: &SpanContext) -> String {
    let mut member = MEMBER.to_owned();
    let mut push = |part: String| {
        let separator = if member.len() == MEMBER.len() {
            ""
        } else {
            ";"
        };
        if member.len() + separator.len() + part.len() <= MAX_MEMBER_BYTES {
            member.push_str(separator);
            member.push_str(&part);
        }
    };
    if let Some(sampling) = context.sampling {
        push(format!("s:{}", sampling.priority));
    }
    push(format!("p:{:016x}", context.span_id));
    if let Some(origin) = &context.origin {
        push(format!("o:{}", value(origin)));
    }
    for (key, tag) in &context.tags {
        let Some(name) = key.strip_prefix(PROPAGATED) else {
            continue;
        };
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b",;:=".contains(&byte));
        if is_name && key != TRACE_ID_HIGH {
            push(format!("{TAG}{name}:{}", value(tag)));
        }
    }
    member
}

/// A value as it may stand in the member: `=` as `~`, and what may not stand as `_`.
fn value(text: &str) -> String {
    let stand_in = |char| match char {
        '=' => '~',
        ',' | ';' | '~' => '_',
        ' '..='~' => char,
        _ => '_',
    };
    text.chars().map(stand_in).collect()
}
