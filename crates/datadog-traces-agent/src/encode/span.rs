//! Spans, their links and their events.

use super::protobuf as pb;
use crate::span::{Event, Link, Map, Scalar, Span, Value};

/// The length of the message of a span.
pub(super) fn len(span: &Span<'_>) -> usize {
    pb::text_len(&span.service)
        + pb::text_len(&span.name)
        + pb::text_len(&span.resource)
        + pb::number_len(span.trace_id)
        + pb::number_len(span.span_id)
        + pb::number_len(span.parent_id)
        + pb::signed_len(span.start)
        + pb::signed_len(span.duration)
        + pb::signed_len(span.error.into())
        + pb::texts_len(&span.meta)
        + pb::map_len(&span.metrics, |_| pb::EIGHT_LEN)
        + pb::text_len(&span.kind)
        + pb::map_len(&span.meta_struct, |value| pb::bytes_len(value.len()))
        + messages_len(&span.links, link_len)
        + messages_len(&span.events, event_len)
}

/// Appends the message of a span.
pub(super) fn write(out: &mut Vec<u8>, span: &Span<'_>) {
    pb::text(out, 1, &span.service);
    pb::text(out, 2, &span.name);
    pb::text(out, 3, &span.resource);
    pb::number(out, 4, span.trace_id);
    pb::number(out, 5, span.span_id);
    pb::number(out, 6, span.parent_id);
    pb::signed(out, 7, span.start);
    pb::signed(out, 8, span.duration);
    pb::signed(out, 9, span.error.into());
    pb::texts(out, 10, &span.meta);
    write_metrics(out, &span.metrics);
    pb::text(out, 12, &span.kind);
    let struct_len = |value: &std::borrow::Cow<'_, [u8]>| pb::bytes_len(value.len());
    pb::map(out, 13, &span.meta_struct, struct_len, |out, value| {
        pb::bytes(out, 2, value);
    });
    messages(out, 14, &span.links, link_len, write_link);
    messages(out, 15, &span.events, event_len, write_event);
}

fn write_metrics(out: &mut Vec<u8>, metrics: &Map<'_, f64>) {
    let len = |_: &f64| pb::EIGHT_LEN;
    pb::map(out, 11, metrics, len, |out, value| {
        pb::eight(out, 2, value.to_le_bytes());
    });
}

/// Appends a field with a message for each value.
fn messages<T>(
    out: &mut Vec<u8>,
    field: u8,
    values: &[T],
    len: fn(&T) -> usize,
    write: fn(&mut Vec<u8>, &T),
) {
    for value in values {
        pb::head(out, field, len(value));
        write(out, value);
    }
}

fn messages_len<T>(values: &[T], len: fn(&T) -> usize) -> usize {
    values.iter().map(|value| pb::bytes_len(len(value))).sum()
}

fn link_len(link: &Link<'_>) -> usize {
    pb::number_len(link.trace_id)
        + pb::number_len(link.trace_id_high)
        + pb::number_len(link.span_id)
        + pb::texts_len(&link.attributes)
        + pb::text_len(&link.tracestate)
        + pb::number_len(link.flags.into())
}

fn write_link(out: &mut Vec<u8>, link: &Link<'_>) {
    pb::number(out, 1, link.trace_id);
    pb::number(out, 2, link.trace_id_high);
    pb::number(out, 3, link.span_id);
    pb::texts(out, 4, &link.attributes);
    pb::text(out, 5, &link.tracestate);
    pb::number(out, 6, link.flags.into());
}

fn event_len(event: &Event<'_>) -> usize {
    let time = match event.time_unix_nano {
        0 => 0,
        _ => pb::EIGHT_LEN,
    };
    time + pb::text_len(&event.name)
        + pb::map_len(&event.attributes, |value| pb::bytes_len(value_len(value)))
}

fn write_event(out: &mut Vec<u8>, event: &Event<'_>) {
    if event.time_unix_nano != 0 {
        pb::eight(out, 1, event.time_unix_nano.to_le_bytes());
    }
    pb::text(out, 2, &event.name);
    let len = |value: &Value<'_>| pb::bytes_len(value_len(value));
    pb::map(out, 3, &event.attributes, len, |out, value| {
        pb::head(out, 2, value_len(value));
        write_value(out, value);
    });
}

fn value_len(value: &Value<'_>) -> usize {
    match value {
        Value::Scalar(scalar) => scalar_len(scalar),
        Value::Array(scalars) => {
            pb::number_len(4) + pb::bytes_len(messages_len(scalars, scalar_len))
        }
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Scalar(scalar) => write_scalar(out, scalar),
        Value::Array(scalars) => {
            pb::number(out, 1, 4);
            pb::head(out, 6, messages_len(scalars, scalar_len));
            messages(out, 1, scalars, scalar_len, write_scalar);
        }
    }
}

fn scalar_len(scalar: &Scalar<'_>) -> usize {
    match scalar {
        Scalar::String(text) => pb::text_len(text),
        Scalar::Bool(value) => pb::number_len(1) + pb::number_len((*value).into()),
        Scalar::Int(number) => pb::number_len(2) + pb::signed_len(*number),
        Scalar::Double(number) => pb::number_len(3) + pb::double_len(*number),
    }
}

fn write_scalar(out: &mut Vec<u8>, scalar: &Scalar<'_>) {
    match scalar {
        Scalar::String(text) => pb::text(out, 2, text),
        Scalar::Bool(value) => {
            pb::number(out, 1, 1);
            pb::number(out, 3, (*value).into());
        }
        Scalar::Int(number) => {
            pb::number(out, 1, 2);
            pb::signed(out, 4, *number);
        }
        Scalar::Double(number) => {
            pb::number(out, 1, 3);
            pb::double(out, 5, *number);
        }
    }
}
