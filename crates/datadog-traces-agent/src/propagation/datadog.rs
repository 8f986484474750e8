//! Datadog's headers.

use super::context::{DECISION, PROPAGATED, Sampling, SpanContext, TRACE_ID_HIGH, hex};
use super::headers::{Headers, HeadersMut};

const TRACE_ID: &str = "x-datadog-trace-id";
const PARENT_ID: &str = "x-datadog-parent-id";
const PRIORITY: &str = "x-datadog-sampling-priority";
const ORIGIN: &str = "x-datadog-origin";
const TAGS: &str = "x-datadog-tags";

/// Bytes of the header of tags, at most.
const MAX_TAGS_BYTES: usize = 512;
/// What a request was sent with that has no priority: a user's keep.
const DEFAULT_PRIORITY: i8 = 2;
/// How the decision was made when nothing says so: by rules of the tracer.
const DEFAULT_DECISION: &str = "-3";

pub(super) fn extract(headers: &impl Headers) -> Option<SpanContext> {
    let trace_id = headers.get(TRACE_ID)?.trim().parse().ok()?;
    if trace_id == 0 {
        return None;
    }
    let priority = match headers.get(PRIORITY) {
        Some(priority) => priority.trim().parse().ok()?,
        None => DEFAULT_PRIORITY,
    };
    let parent = headers.get(PARENT_ID);
    let mut context = SpanContext {
        trace_id,
        span_id: parent
            .and_then(|parent| parent.trim().parse().ok())
            .unwrap_or(0),
        origin: headers
            .get(ORIGIN)
            .filter(|origin| !origin.is_empty())
            .map(str::to_owned),
        ..SpanContext::default()
    };
    extract_tags(headers.get(TAGS).unwrap_or_default(), &mut context);
    context.sampling = Some(Sampling {
        priority,
        mechanism: context.mechanism(),
    });
    Some(context)
}

fn extract_tags(text: &str, context: &mut SpanContext) {
    if text.len() > MAX_TAGS_BYTES {
        context.set_error("extract_max_size");
    } else {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(key, value)| (key.trim(), value));
        for (key, value) in pairs.filter(|(key, _)| key.starts_with(PROPAGATED)) {
            context.tags.insert(key.to_owned(), value.to_owned());
        }
    }
    match context.tags.get(DECISION) {
        Some(decision) if is_decision(decision) => {}
        Some(_) => {
            context.tags.remove(DECISION);
            context.set_error("decoding_error");
        }
        None => {
            context
                .tags
                .insert(DECISION.to_owned(), DEFAULT_DECISION.to_owned());
        }
    }
    if let Some(high) = context.tags.remove(TRACE_ID_HIGH) {
        match hex(&high, 16) {
            Some(high) => context.set_trace_id_high(high),
            None => context.set_error(format!("malformed tid {high}")),
        }
    }
}

fn is_decision(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether all tags could be written.
pub(super) fn inject(context: &mut SpanContext, headers: &mut impl HeadersMut) -> bool {
    headers.set(TRACE_ID, &context.trace_id.to_string());
    headers.set(PARENT_ID, &context.span_id.to_string());
    if let Some(sampling) = context.sampling {
        headers.set(PRIORITY, &sampling.priority.to_string());
    }
    if let Some(origin) = &context.origin {
        let may_stand = |char| matches!(char, ' '..='~');
        let origin = origin.replace(|char| !may_stand(char), "_");
        headers.set(ORIGIN, &origin);
    }
    inject_tags(context, headers)
}

fn inject_tags(context: &mut SpanContext, headers: &mut impl HeadersMut) -> bool {
    let mut text = String::new();
    let mut has_all = true;
    for (key, value) in &context.tags {
        if !key.starts_with(PROPAGATED) {
            continue;
        }
        let is_key = key
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b",=".contains(&byte));
        let is_value = !value.is_empty()
            && value
                .bytes()
                .all(|byte| matches!(byte, b' '..=b'~') && byte != b',');
        if !is_key || !is_value {
            has_all = false;
            continue;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.extend([key, "=", value]);
    }
    if !has_all {
        context.set_error("encoding_error");
    }
    if text.len() > MAX_TAGS_BYTES {
        context.set_error("inject_max_size");
        return false;
    }
    if !text.is_empty() {
        headers.set(TAGS, &text);
    }
    has_all
}
