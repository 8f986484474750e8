//! The JSON of v0.4 and below, in the shape of the msgpack.
//!
//! How much memory a body may take is known from its signs before any of it is decoded.

mod values;

use serde::Deserialize as _;
use serde::de::{IgnoredAny, MapAccess};

use super::budget::Budget;
use super::{Error, Reason};
use crate::span::{Chunk, Event, Link, Payload, Scalar, Span, Text, Value};
use values::{
    Entry, Json, JsonBytes, JsonChunk, JsonText, List, Object, entries, list, text, value,
};

pub(super) fn payload(body: &[u8]) -> Result<Payload<'_>, Error> {
    check_memory(body)?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let chunks = Option::<List<JsonChunk<'_>, Chunk<'_>>>::deserialize(&mut deserializer)
        .map_err(|error| explain(&error, body))?;
    Ok(Payload {
        chunks: chunks.map(|chunks| chunks.0).unwrap_or_default(),
        ..Payload::default()
    })
}

/// Refuses bodies of so many objects, arrays and entries that they might take too much memory: each counts as the
/// largest that it could be, in an array that has twice the room that it needs, and every text as one that is repaired.
fn check_memory(body: &[u8]) -> Result<(), Error> {
    let mut budget = Budget::new(body.len());
    budget.take(body.len() * 3, 0)?;
    let mut in_text = false;
    let mut bytes = body.iter().enumerate();
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                bytes.next();
            }
            _ if in_text => {}
            b'{' => budget.take_many::<Span<'_>>(2, position)?,
            // An array begins with room for four elements.
            b'[' => budget.take_many::<Span<'_>>(4, position)?,
            b':' => budget.take_many::<(Text<'_>, Text<'_>)>(2, position)?,
            _ => {}
        }
    }
    Ok(())
}

fn explain(error: &serde_json::Error, body: &[u8]) -> Error {
    let lines = body.split_inclusive(|&byte| byte == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let reason = if error.is_eof() {
        Reason::UnexpectedEnd
    } else {
        Reason::Json(error.to_string())
    };
    Error::new(reason, before + error.column())
}

impl<'a> Object<'a> for Span<'a> {
    fn field<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "service" => self.service = text(map)?,
            "name" => self.name = text(map)?,
            "resource" => self.resource = text(map)?,
            "trace_id" => self.trace_id = value(map)?,
            "span_id" => self.span_id = value(map)?,
            "parent_id" => self.parent_id = value(map)?,
            "start" => self.start = value(map)?,
            "duration" => self.duration = value(map)?,
            "error" => self.error = value(map)?,
            "meta" => self.meta = entries::<A, JsonText<'a>, _>(map)?,
            "metrics" => self.metrics = entries::<A, f64, _>(map)?,
            "type" => self.kind = text(map)?,
            "meta_struct" => self.meta_struct = entries::<A, JsonBytes, _>(map)?,
            "span_links" => self.links = list(map)?,
            "span_events" => self.events = list(map)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl<'a> Object<'a> for Link<'a> {
    fn field<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "trace_id" => self.trace_id = value(map)?,
            "trace_id_high" => self.trace_id_high = value(map)?,
            "span_id" => self.span_id = value(map)?,
            "attributes" => self.attributes = entries::<A, JsonText<'a>, _>(map)?,
            "tracestate" => self.tracestate = text(map)?,
            "flags" => self.flags = value(map)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl<'a> Object<'a> for Event<'a> {
    fn field<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "time_unix_nano" => self.time_unix_nano = value(map)?,
            "name" => self.name = text(map)?,
            "attributes" => self.attributes = entries::<A, Json<Attribute<'a>>, _>(map)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// All fields that an attribute may have; the type says which of them counts.
#[derive(Debug, Default)]
struct Attribute<'a> {
    kind: u32,
    string: Text<'a>,
    boolean: bool,
    int: i64,
    double: f64,
    array: Vec<Self>,
}

impl<'a> Object<'a> for Attribute<'a> {
    fn field<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "type" => self.kind = value(map)?,
            "string_value" => self.string = text(map)?,
            "bool_value" => self.boolean = value(map)?,
            "int_value" => self.int = value(map)?,
            "double_value" => self.double = value(map)?,
            "array_value" => self.array = value::<A, Json<Array<'a>>>(map)?.0.0,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl<'a> Attribute<'a> {
    fn scalar<E: serde::de::Error>(self) -> Result<Scalar<'a>, E> {
        match self.kind {
            0 => Ok(Scalar::String(self.string)),
            1 => Ok(Scalar::Bool(self.boolean)),
            2 => Ok(Scalar::Int(self.int)),
            3 => Ok(Scalar::Double(self.double)),
            other => Err(E::custom(Reason::UnknownType(other.into()))),
        }
    }
}

impl<'a> Entry<'a, Value<'a>> for Json<Attribute<'a>> {
    fn into_model<E: serde::de::Error>(self) -> Result<Value<'a>, E> {
        if self.0.kind != 4 {
            return self.0.scalar().map(Value::Scalar);
        }
        let scalars = self.0.array.into_iter().map(Attribute::scalar);
        scalars.collect::<Result<_, _>>().map(Value::Array)
    }
}

#[derive(Debug, Default)]
struct Array<'a>(Vec<Attribute<'a>>);

impl<'a> Object<'a> for Array<'a> {
    fn field<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "values" => self.0 = list(map)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}
