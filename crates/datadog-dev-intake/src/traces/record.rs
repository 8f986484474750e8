//! Records of chunks as they are shown: one line of JSON each, with the names of the schema.
//!
//! Ids and times since 1970 are texts of decimal digits: JavaScript has no number for 64 bits. Counts and durations
//! are numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use datadog_wire::traces::attribute_any_value::AttributeAnyValueType as Any;
use datadog_wire::traces::attribute_array_value::AttributeArrayValueType as Element;
use datadog_wire::traces::{
    AgentPayload, AttributeAnyValue, AttributeArrayValue, Span, SpanEvent, SpanLink, TracerPayload,
};
use serde_json::{Map, Value, json};

use super::Traces;
use super::chunk::Chunk;
use crate::record::{notes, number, write_fields};
use crate::security::{self, Budget};
use crate::store::Stored;

/// The chunk at `index`, read again; `None` past the last.
pub(crate) fn chunk(stored: &Stored, traces: &Traces, index: usize) -> Option<Chunk> {
    traces.chunks.get(index)?;
    let read = Chunk::read(stored.record_bytes(index));
    debug_assert!(read.is_ok(), "it was read when it arrived");
    read.ok()
}

/// Writes the record of the chunk at `index`, without a line end.
pub(crate) fn write(
    out: &mut Vec<u8>,
    stored: &Stored,
    traces: &Traces,
    index: usize,
    chunk: &Chunk,
) {
    let message = &chunk.message;
    let mut budget = Budget::new();
    let spans = message.spans.iter();
    let spans: Vec<Value> = spans.map(|one| noted(one, &mut budget)).collect();
    let fields = json!({
        "trace_id": format!("{:032x}", chunk.trace_id()),
        "agent": agent(&traces.agent),
        "tracer": traces.tracer(index).map(tracer),
        "priority": message.priority,
        "origin": message.origin,
        "tags": message.tags,
        "droppedTrace": message.dropped_trace,
        "spans": spans,
    });
    write_fields(out, notes(stored, index), fields);
}

fn agent(agent: &AgentPayload) -> Value {
    json!({
        "hostName": agent.host_name,
        "env": agent.env,
        "tags": agent.tags,
        "agentVersion": agent.agent_version,
        "targetTPS": number(agent.target_tps),
        "errorTPS": number(agent.error_tps),
        "rareSamplerEnabled": agent.rare_sampler_enabled,
    })
}

fn tracer(tracer: &TracerPayload) -> Value {
    let debug = tracer.container_debug.as_ref().map(|debug| {
        json!({
            "error": debug.error,
            "latencyMs": debug.latency_ms,
            "wasBuffered": debug.was_buffered,
            "bufferMs": debug.buffer_ms,
            "bufferEvictionReason": debug.buffer_eviction_reason,
        })
    });
    json!({
        "containerID": tracer.container_id,
        "languageName": tracer.language_name,
        "languageVersion": tracer.language_version,
        "tracerVersion": tracer.tracer_version,
        "runtimeID": tracer.runtime_id,
        "tags": tracer.tags,
        "env": tracer.env,
        "hostname": tracer.hostname,
        "appVersion": tracer.app_version,
        "containerDebug": debug,
    })
}

/// A span, with what a firewall says on it read.
fn noted(one: &Span, budget: &mut Budget) -> Value {
    let mut shown = span(one);
    if let Some((security, fields)) = security::read(one, budget).zip(shown.as_object_mut()) {
        let security = security::record::of_span(&security);
        fields.insert("security".to_owned(), security);
    }
    shown
}

fn span(span: &Span) -> Value {
    let metrics: Map<String, Value> = span
        .metrics
        .iter()
        .map(|(key, value)| (key.clone(), number(*value)))
        .collect();
    let structs: Map<String, Value> = span
        .meta_struct
        .iter()
        .map(|(key, document)| (key.clone(), BASE64.encode(document).into()))
        .collect();
    json!({
        "service": span.service,
        "name": span.name,
        "resource": span.resource,
        "traceID": span.trace_id.to_string(),
        "spanID": span.span_id.to_string(),
        "parentID": span.parent_id.to_string(),
        "start": span.start.to_string(),
        "duration": span.duration,
        "error": span.error,
        "meta": span.meta,
        "metrics": metrics,
        "type": span.r#type,
        "meta_struct": structs,
        "spanLinks": span.span_links.iter().map(link).collect::<Vec<_>>(),
        "spanEvents": span.span_events.iter().map(event).collect::<Vec<_>>(),
    })
}

fn link(link: &SpanLink) -> Value {
    json!({
        "traceID": link.trace_id.to_string(),
        "traceID_high": link.trace_id_high.to_string(),
        "spanID": link.span_id.to_string(),
        "attributes": link.attributes,
        "tracestate": link.tracestate,
        "flags": link.flags,
    })
}

fn event(event: &SpanEvent) -> Value {
    let attributes: Map<String, Value> = event
        .attributes
        .iter()
        .map(|(key, value)| (key.clone(), attribute(value)))
        .collect();
    json!({
        "time_unix_nano": event.time_unix_nano.to_string(),
        "name": event.name,
        "attributes": attributes,
    })
}

/// The value that an attribute says it has; `null` of a type that nobody knows.
fn attribute(value: &AttributeAnyValue) -> Value {
    match Any::try_from(value.r#type) {
        Ok(Any::StringValue) => value.string_value.as_str().into(),
        Ok(Any::BoolValue) => value.bool_value.into(),
        Ok(Any::IntValue) => value.int_value.into(),
        Ok(Any::DoubleValue) => number(value.double_value),
        Ok(Any::ArrayValue) => {
            let elements = value.array_value.iter().flat_map(|array| &array.values);
            elements.map(element).collect()
        }
        Err(_) => Value::Null,
    }
}

fn element(value: &AttributeArrayValue) -> Value {
    match Element::try_from(value.r#type) {
        Ok(Element::StringValue) => value.string_value.as_str().into(),
        Ok(Element::BoolValue) => value.bool_value.into(),
        Ok(Element::IntValue) => value.int_value.into(),
        Ok(Element::DoubleValue) => number(value.double_value),
        Err(_) => Value::Null,
    }
}
