//! The pieces of logs that both profiles write alike: values, fields that may be left out, what wraps a step.

use super::Options;
use crate::operation::{Body, Log, Operations, Span, Value};
use crate::protobuf::{
    bytes_field, bytes_field_len, message_field, varint_field, varint_field_len,
};

/// The field of a sequence that holds its steps.
const SEQUENCE_DATA: u32 = 1;

/// The fields of a value.
mod dynamic_value {
    pub(super) const INT: u32 = 1;
    pub(super) const STRING: u32 = 3;
    pub(super) const DICT_INDEX: u32 = 4;
}

/// The bytes of a span.
pub(super) fn span_len(span: &Span) -> usize {
    (span.end - span.start) as usize
}

/// The bytes of a step of so many bytes, with what wraps it.
pub(super) fn datum_len(field: u32, len: usize) -> usize {
    bytes_field_len(SEQUENCE_DATA, bytes_field_len(field, len))
}

/// Begins a step of so many bytes, which the caller appends next.
#[inline]
pub(super) fn datum(out: &mut Vec<u8>, field: u32, len: usize) {
    message_field(out, SEQUENCE_DATA, bytes_field_len(field, len));
    message_field(out, field, len);
}

/// The bytes of a field that is left out when it is empty.
pub(super) fn present(field: u32, len: usize) -> usize {
    if len == 0 {
        0
    } else {
        bytes_field_len(field, len)
    }
}

/// The bytes of a number that may be left out.
pub(super) fn stated(field: u32, value: Option<u64>) -> usize {
    value.map_or(0, |value| varint_field_len(field, value))
}

/// Appends a number that may be left out.
#[inline]
pub(super) fn write_stated(out: &mut Vec<u8>, field: u32, value: Option<u64>) {
    if let Some(value) = value {
        varint_field(out, field, value);
    }
}

/// The bytes of a text that may be left out, but not for being empty.
pub(super) fn text_len(field: u32, text: Option<&[u8]>) -> usize {
    text.map_or(0, |text| bytes_field_len(field, text.len()))
}

/// Appends a text that may be left out, but not for being empty.
#[inline]
pub(super) fn write_text(out: &mut Vec<u8>, field: u32, text: Option<&[u8]>) {
    if let Some(text) = text {
        bytes_field(out, field, text);
    }
}

/// The id that tells apart two copies of a log.
pub(super) fn uuid<'a>(operations: &'a Operations, log: &Log) -> Option<&'a [u8]> {
    log.uuid.as_ref().map(|uuid| operations.text(uuid))
}

/// The exact bytes of a log, if they are to be sent beside its lossy text.
pub(super) fn exact_bytes<'a>(
    operations: &'a Operations,
    log: &Log,
    options: Options,
) -> Option<&'a [u8]> {
    match &log.body {
        Body::Bytes { exact, .. } if options.exact_bytes_extension => {
            // Empty bytes are valid UTF-8, so there are none; and the wire has no word for them.
            Some(operations.text(exact)).filter(|bytes| !bytes.is_empty())
        }
        _ => None,
    }
}

/// The bytes of a value, with its field.
#[inline]
pub(super) fn value_len(field: u32, value: &Value) -> usize {
    bytes_field_len(field, bare_value_len(value))
}

/// The bytes of values, each with its field.
#[inline]
pub(super) fn values_len(field: u32, values: &[Value]) -> usize {
    values.iter().map(|value| value_len(field, value)).sum()
}

#[inline]
fn bare_value_len(value: &Value) -> usize {
    match value {
        Value::Int(number) => varint_field_len(dynamic_value::INT, number.cast_unsigned()),
        Value::Text(text) => bytes_field_len(dynamic_value::STRING, span_len(text)),
        Value::Dict(id) => varint_field_len(dynamic_value::DICT_INDEX, *id),
    }
}

/// Appends values, each with its field.
///
/// Inlined by force, as it was before JSON objects had values, too: most logs are no objects.
#[inline(always)]
pub(super) fn write_values(
    out: &mut Vec<u8>,
    field: u32,
    values: &[Value],
    operations: &Operations,
) {
    for value in values {
        message_field(out, field, bare_value_len(value));
        match value {
            Value::Int(number) => varint_field(out, dynamic_value::INT, number.cast_unsigned()),
            Value::Text(text) => bytes_field(out, dynamic_value::STRING, operations.text(text)),
            Value::Dict(id) => varint_field(out, dynamic_value::DICT_INDEX, *id),
        }
    }
}

/// The bytes of a value that is an entry of the dictionary, or the empty string for 0; without its field.
pub(super) fn entry_or_empty_len(id: u64) -> usize {
    if id == 0 {
        bytes_field_len(dynamic_value::STRING, 0)
    } else {
        varint_field_len(dynamic_value::DICT_INDEX, id)
    }
}

/// Appends a value that is an entry of the dictionary, or the empty string for 0; with its field.
pub(super) fn write_entry_or_empty(out: &mut Vec<u8>, field: u32, id: u64) {
    message_field(out, field, entry_or_empty_len(id));
    if id == 0 {
        bytes_field(out, dynamic_value::STRING, &[]);
    } else {
        varint_field(out, dynamic_value::DICT_INDEX, id);
    }
}
