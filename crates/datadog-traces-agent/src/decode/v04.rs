//! v0.3 and v0.4: arrays of arrays of span maps. The spans of v0.7 are the same.

use super::msgpack::Reader;
use super::sink::Sink;
use super::{Error, Reason};
use crate::span::{Chunk, Event, Link, Map, Payload, Scalar, Span, Text, Value};

pub(super) fn payload<'a>(
    reader: &mut Reader<'a>,
    sink: &mut dyn Sink<'a>,
) -> Result<Payload<'a>, Error> {
    let count = reader.array_len()?;
    for index in 1..=count {
        reader.begin_chunk();
        let chunk = Chunk {
            spans: spans(reader)?,
            ..Chunk::default()
        };
        reader.give(chunk, sink, index == count)?;
    }
    Ok(Payload::default())
}

/// An array of span maps; those that are nil are left out.
pub(super) fn spans<'a>(reader: &mut Reader<'a>) -> Result<Vec<Span<'a>>, Error> {
    list(reader, span)
}

/// An array of maps; those that are nil are left out.
fn list<'a, T: Default>(
    reader: &mut Reader<'a>,
    read: fn(&mut Reader<'a>, &mut T) -> Result<(), Error>,
) -> Result<Vec<T>, Error> {
    let count = reader.array_len()?;
    let mut values = reader.list(count)?;
    for _ in 0..count {
        if !reader.nil() {
            let value = reader.push(&mut values, count, T::default())?;
            read(reader, value)?;
        }
    }
    Ok(values)
}

/// Reads the values of the known keys of a map, and skips the others.
macro_rules! fields {
    ($reader:ident: $($key:literal => $place:expr, $read:expr;)*) => {
        for _ in 0..$reader.map_len()? {
            match $reader.bytes()? {
                $(key if key == $key.as_bytes() => {
                    $place = $read.map_err(|error| error.within($key))?;
                })*
                _ => $reader.skip()?,
            }
        }
    };
}
pub(super) use fields;

fn span<'a>(reader: &mut Reader<'a>, span: &mut Span<'a>) -> Result<(), Error> {
    fields! { reader:
        "service" => span.service, reader.text();
        "name" => span.name, reader.text();
        "resource" => span.resource, reader.text();
        "trace_id" => span.trace_id, reader.unsigned();
        "span_id" => span.span_id, reader.unsigned();
        "parent_id" => span.parent_id, reader.unsigned();
        "start" => span.start, reader.signed();
        "duration" => span.duration, reader.signed();
        "error" => span.error, reader.signed_32();
        "meta" => span.meta, texts(reader);
        "metrics" => span.metrics, map(reader, Reader::float);
        "type" => span.kind, reader.text();
        "meta_struct" => span.meta_struct, map(reader, |reader| Ok(reader.bytes()?.into()));
        "span_links" => span.links, list(reader, link);
        "span_events" => span.events, list(reader, event);
    }
    Ok(())
}

fn link<'a>(reader: &mut Reader<'a>, link: &mut Link<'a>) -> Result<(), Error> {
    fields! { reader:
        "trace_id" => link.trace_id, reader.unsigned();
        "trace_id_high" => link.trace_id_high, reader.unsigned();
        "span_id" => link.span_id, reader.unsigned();
        "attributes" => link.attributes, texts(reader);
        "tracestate" => link.tracestate, reader.text();
        "flags" => link.flags, reader.unsigned_32();
    }
    Ok(())
}

fn event<'a>(reader: &mut Reader<'a>, event: &mut Event<'a>) -> Result<(), Error> {
    fields! { reader:
        "time_unix_nano" => event.time_unix_nano, reader.moment();
        "name" => event.name, reader.text();
        "attributes" => event.attributes, map(reader, value);
    }
    Ok(())
}

/// A map of texts.
pub(super) fn texts<'a>(reader: &mut Reader<'a>) -> Result<Map<'a, Text<'a>>, Error> {
    map(reader, Reader::text)
}

#[inline]
fn map<'a, V>(
    reader: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<V, Error>,
) -> Result<Map<'a, V>, Error> {
    let count = reader.map_len()?;
    let mut map = reader.map(count)?;
    for _ in 0..count {
        let key = reader.text()?;
        map.push(key, read(reader)?);
    }
    Ok(map)
}

/// All fields that a value may have; the type says which of them counts.
#[derive(Default)]
struct Parts<'a> {
    kind: u32,
    string: Text<'a>,
    boolean: bool,
    int: i64,
    double: f64,
    array: Vec<Scalar<'a>>,
}

impl<'a> Parts<'a> {
    fn scalar(self, reader: &Reader<'_>) -> Result<Scalar<'a>, Error> {
        match self.kind {
            0 => Ok(Scalar::String(self.string)),
            1 => Ok(Scalar::Bool(self.boolean)),
            2 => Ok(Scalar::Int(self.int)),
            3 => Ok(Scalar::Double(self.double)),
            other => Err(reader
                .error(Reason::UnknownType(other.into()))
                .within("type")),
        }
    }
}

fn value<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Error> {
    let mut parts = Parts::default();
    fields! { reader:
        "type" => parts.kind, reader.unsigned_32();
        "string_value" => parts.string, reader.text();
        "bool_value" => parts.boolean, reader.boolean();
        "int_value" => parts.int, reader.signed();
        "double_value" => parts.double, reader.float();
        "array_value" => parts.array, array(reader);
    }
    match parts.kind {
        4 => Ok(Value::Array(parts.array)),
        _ => parts.scalar(reader).map(Value::Scalar),
    }
}

fn array<'a>(reader: &mut Reader<'a>) -> Result<Vec<Scalar<'a>>, Error> {
    let mut values = Vec::new();
    fields! { reader:
        "values" => values, scalars(reader);
    }
    Ok(values)
}

fn scalars<'a>(reader: &mut Reader<'a>) -> Result<Vec<Scalar<'a>>, Error> {
    let count = reader.array_len()?;
    let mut values = reader.list(count)?;
    for _ in 0..count {
        let mut parts = Parts::default();
        fields! { reader:
            "type" => parts.kind, reader.unsigned_32();
            "string_value" => parts.string, reader.text();
            "bool_value" => parts.boolean, reader.boolean();
            "int_value" => parts.int, reader.signed();
            "double_value" => parts.double, reader.float();
        }
        let scalar = parts.scalar(reader)?;
        reader.push(&mut values, count, scalar)?;
    }
    Ok(values)
}
