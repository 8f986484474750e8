//! What the intake would not like about a span, its links and its events.

use datadog_wire::traces::attribute_any_value::AttributeAnyValueType;
use datadog_wire::traces::attribute_array_value::AttributeArrayValueType;
use datadog_wire::traces::{
    AttributeAnyValue, CUT, MAX_KEY_BYTES, MAX_TYPE_BYTES, MAX_VALUE_BYTES, MIN_START_NS, Span,
    TRACE_ID_HIGH,
};

use super::Dislike;
use super::chunk::{Found, trace_id_high};
use super::text::{check_name, check_service};
use crate::stats::msgpack;

/// Bytes of a resource that an agent may be told to keep; by itself it keeps a third.
const MAX_RESOURCE_BYTES: usize = 15_000;
/// Tag: the status of HTTP.
const STATUS_CODE: &str = "http.status_code";
/// What the keys of tags of any length begin with and end in.
const EXEMPT: (&str, [&str; 3]) = ("_dd.", [".json", ".msgpack", ".protobuf"]);

/// Looks at one span by itself.
pub(super) fn check(span: &Span, found: &mut Found<'_>) {
    check_ids(span, found);
    check_service(&span.service, found);
    check_name(&span.name, found);
    check_resource(&span.resource, found);
    if span.r#type.len() > MAX_TYPE_BYTES {
        found(Dislike::LongType, None);
    }
    check_time(span, found);
    check_tags(span, found);
    for link in &span.span_links {
        if link.span_id == 0 || (link.trace_id == 0 && link.trace_id_high == 0) {
            found(Dislike::EmptyLink, None);
        }
    }
    let values = span.span_events.iter().flat_map(|event| &event.attributes);
    for (key, value) in values {
        if !has_known_type(value) {
            found(Dislike::UnknownValueType, Some(shown(key)));
        }
    }
}

/// Looks at a resource, of a span or of a group of stats.
pub(crate) fn check_resource(resource: &str, found: &mut Found<'_>) {
    if resource.is_empty() {
        found(Dislike::NoResource, None);
    } else if resource.len() > MAX_RESOURCE_BYTES {
        found(Dislike::LongResource, None);
    }
}

fn check_ids(span: &Span, found: &mut Found<'_>) {
    if span.trace_id == 0 {
        found(Dislike::ZeroTraceId, None);
    }
    if span.span_id == 0 {
        found(Dislike::ZeroSpanId, None);
    } else if span.span_id == span.parent_id {
        found(Dislike::OwnParent, None);
    }
    if span.meta.contains_key(TRACE_ID_HIGH) && trace_id_high(span).is_none() {
        found(Dislike::OddTraceIdHigh, None);
    }
}

fn check_time(span: &Span, found: &mut Found<'_>) {
    if span.start < MIN_START_NS {
        found(Dislike::TooEarly, None);
    }
    if span.duration < 0 {
        found(Dislike::NegativeDuration, None);
    }
    if span.start.checked_add(span.duration).is_none() {
        found(Dislike::EndlessDuration, None);
    }
}

fn check_tags(span: &Span, found: &mut Found<'_>) {
    let status = span.meta.get(STATUS_CODE);
    let is_status = |text: &String| matches!(text.parse::<u16>(), Ok(100..=599));
    if status.is_some_and(|text| !is_status(text)) {
        found(Dislike::BadStatusCode, None);
    }
    for (key, text) in &span.meta {
        if is_exempt(key) {
            continue;
        }
        if key.len() > MAX_KEY_BYTES + CUT.len() {
            found(Dislike::LongKey, Some(shown(key)));
        }
        if text.len() > MAX_VALUE_BYTES + CUT.len() {
            found(Dislike::LongValue, Some(shown(key)));
        }
    }
    for (key, value) in &span.metrics {
        if key.len() > MAX_KEY_BYTES + CUT.len() {
            found(Dislike::LongKey, Some(shown(key)));
        }
        if !value.is_finite() {
            found(Dislike::NotFinite, Some(shown(key)));
        }
    }
    for (key, document) in &span.meta_struct {
        if !msgpack::is_document(document) {
            found(Dislike::BadStruct, Some(shown(key)));
        }
    }
}

fn is_exempt(key: &str) -> bool {
    let (start, ends) = EXEMPT;
    key.starts_with(start) && ends.iter().any(|end| key.ends_with(end))
}

/// The start of a key, for a problem.
fn shown(key: &str) -> String {
    key.chars().take(MAX_KEY_BYTES).collect()
}

fn has_known_type(value: &AttributeAnyValue) -> bool {
    let elements = value.array_value.iter().flat_map(|array| &array.values);
    AttributeAnyValueType::try_from(value.r#type).is_ok()
        && elements
            .into_iter()
            .all(|element| AttributeArrayValueType::try_from(element.r#type).is_ok())
}
