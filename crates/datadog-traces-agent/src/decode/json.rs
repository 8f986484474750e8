//! The JSON of v0.4 and below, in the shape of the msgpack.
//!
//! How much memory a chunk may take is known from its signs before any of it is decoded.

mod signs;
mod values;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::budget::{Allowance, Budget};
use super::sink::Sink;
use super::{Error, Reason};
use crate::span::{Event, Link, Payload, Scalar, Span, Text, Value};
use signs::Signs;
use values::{Entry, Json, JsonBytes, JsonChunk, JsonText, Object, entries, list, text, value};

pub(super) fn payload<'a>(
    body: &'a [u8],
    allowance: Allowance,
    sink: &mut dyn Sink<'a>,
) -> Result<(Payload<'a>, Allowance), Error> {
    let mut chunks = Chunks {
        signs: Signs::new(body),
        budget: Budget::new(body.len(), allowance),
        sink,
        failed: None,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = (&mut chunks).deserialize(&mut deserializer);
    if let Some(error) = chunks.failed {
        return Err(error);
    }
    read.map_err(|error| explain(&error, body))?;
    Ok((Payload::default(), chunks.budget.into_allowance()))
}

/// Gives the chunks of a body away.
struct Chunks<'a, 's> {
    signs: Signs<'a>,
    budget: Budget,
    sink: &'s mut dyn Sink<'a>,
    /// Why nothing more is read, if it is not for the JSON.
    failed: Option<Error>,
}

impl<'a> Chunks<'a, '_> {
    /// Pays for the chunk that comes next; says whether it is the last.
    fn pay(&mut self) -> Result<bool, Error> {
        let begin = self.signs.position;
        self.budget.begin_chunk(begin);
        let cost = self.signs.next_chunk();
        let position = self.signs.position;
        // Every text counts as one that is repaired.
        self.budget.take(3 * (position - begin), begin)?;
        // Each object counts as the largest that it could be, in an array that has twice the room that it needs, which
        // begins with room for four.
        let objects = 2 * cost.objects + 4 * cost.arrays;
        self.budget.take_many::<Span<'_>>(objects, position)?;
        let entries = 2 * cost.entries;
        self.budget
            .take_many::<(Text<'_>, Text<'_>)>(entries, position)?;
        Ok(cost.is_last)
    }
}

impl<'a> DeserializeSeed<'a> for &mut Chunks<'a, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'a> Visitor<'a> for &mut Chunks<'a, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        let stop = |place: &mut Option<Error>, error| {
            *place = Some(error);
            Err(serde::de::Error::custom("stopped"))
        };
        loop {
            let is_last = match self.pay() {
                Ok(is_last) => is_last,
                Err(error) => return stop(&mut self.failed, error),
            };
            let Some(chunk) = elements.next_element::<JsonChunk<'a>>()? else {
                return Ok(());
            };
            let position = self.signs.position;
            let given = self.budget.give(chunk.0, self.sink, is_last, position);
            if let Err(error) = given {
                return stop(&mut self.failed, error);
            }
        }
    }
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
