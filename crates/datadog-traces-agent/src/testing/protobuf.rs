//! Reads payloads back into the model, with the numbers of the fields written a second time.

use crate::span::{Chunk, Event, Link, Map, Payload, Scalar, Span, Text, Value};

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    Number(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub(crate) fn number(self) -> u64 {
        let Self::Number(number) = self else {
            panic!("{self:?} is no number");
        };
        number
    }

    pub(crate) fn eight(self) -> [u8; 8] {
        let Self::Eight(bytes) = self else {
            panic!("{self:?} has not eight bytes");
        };
        bytes
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        let Self::Bytes(bytes) = self else {
            panic!("{self:?} has no length");
        };
        bytes
    }

    pub(crate) fn text(self) -> Text<'a> {
        Text::Borrowed(std::str::from_utf8(self.bytes()).unwrap())
    }

    fn double(self) -> f64 {
        f64::from_le_bytes(self.eight())
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first().expect("a number goes on");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a number has more than ten bytes");
}

/// The fields of a message in their order.
pub(crate) fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut message)),
            1 => {
                let (bytes, rest) = message.split_first_chunk().expect("eight bytes");
                message = rest;
                Field::Eight(*bytes)
            }
            2 => {
                let len = usize::try_from(varint(&mut message)).unwrap();
                let (bytes, rest) = message.split_at(len);
                message = rest;
                Field::Bytes(bytes)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

fn entry<'a, V>(map: &mut Map<'a, V>, message: &'a [u8], read: impl FnOnce(Field<'a>) -> V) {
    let [(1, key), (2, value)] = fields(message)[..] else {
        panic!("{message:?} is no entry of a map");
    };
    map.push(key.text(), read(value));
}

/// Reads a TracerPayload.
pub(crate) fn tracer_payload(message: &[u8]) -> Payload<'_> {
    let mut payload = Payload::default();
    for (number, field) in fields(message) {
        match number {
            1 => payload.container_id = field.text(),
            2 => payload.language_name = field.text(),
            3 => payload.language_version = field.text(),
            4 => payload.tracer_version = field.text(),
            5 => payload.runtime_id = field.text(),
            6 => payload.chunks.push(chunk(field.bytes())),
            7 => entry(&mut payload.tags, field.bytes(), Field::text),
            8 => payload.env = field.text(),
            9 => payload.hostname = field.text(),
            10 => payload.app_version = field.text(),
            other => panic!("field {other} of TracerPayload"),
        }
    }
    payload
}

fn signed_32(field: Field<'_>) -> i32 {
    i32::try_from(field.number().cast_signed()).unwrap()
}

fn chunk(message: &[u8]) -> Chunk<'_> {
    let mut chunk = Chunk {
        priority: 0,
        ..Chunk::default()
    };
    for (number, field) in fields(message) {
        match number {
            1 => chunk.priority = signed_32(field),
            2 => chunk.origin = field.text(),
            3 => chunk.spans.push(span(field.bytes())),
            4 => entry(&mut chunk.tags, field.bytes(), Field::text),
            5 => chunk.dropped_trace = field.number() == 1,
            other => panic!("field {other} of TraceChunk"),
        }
    }
    chunk
}

fn span(message: &[u8]) -> Span<'_> {
    let mut span = Span::default();
    for (number, field) in fields(message) {
        match number {
            1 => span.service = field.text(),
            2 => span.name = field.text(),
            3 => span.resource = field.text(),
            4 => span.trace_id = field.number(),
            5 => span.span_id = field.number(),
            6 => span.parent_id = field.number(),
            7 => span.start = field.number().cast_signed(),
            8 => span.duration = field.number().cast_signed(),
            9 => span.error = signed_32(field),
            10 => entry(&mut span.meta, field.bytes(), Field::text),
            11 => entry(&mut span.metrics, field.bytes(), Field::double),
            12 => span.kind = field.text(),
            13 => entry(&mut span.meta_struct, field.bytes(), |field| {
                field.bytes().into()
            }),
            14 => span.links.push(link(field.bytes())),
            15 => span.events.push(event(field.bytes())),
            other => panic!("field {other} of Span"),
        }
    }
    span
}

fn link(message: &[u8]) -> Link<'_> {
    let mut link = Link::default();
    for (number, field) in fields(message) {
        match number {
            1 => link.trace_id = field.number(),
            2 => link.trace_id_high = field.number(),
            3 => link.span_id = field.number(),
            4 => entry(&mut link.attributes, field.bytes(), Field::text),
            5 => link.tracestate = field.text(),
            6 => link.flags = u32::try_from(field.number()).unwrap(),
            other => panic!("field {other} of SpanLink"),
        }
    }
    link
}

fn event(message: &[u8]) -> Event<'_> {
    let mut event = Event::default();
    for (number, field) in fields(message) {
        match number {
            1 => event.time_unix_nano = u64::from_le_bytes(field.eight()),
            2 => event.name = field.text(),
            3 => entry(&mut event.attributes, field.bytes(), |field| {
                value(field.bytes())
            }),
            other => panic!("field {other} of SpanEvent"),
        }
    }
    event
}

fn value(message: &[u8]) -> Value<'_> {
    let all = fields(message);
    match all[..] {
        [(1, kind), (6, array)] if kind.number() == 4 => {
            let values = fields(array.bytes()).into_iter();
            let values = values.map(|(number, field)| {
                assert_eq!(number, 1, "field of AttributeArray");
                scalar(&fields(field.bytes()))
            });
            Value::Array(values.collect())
        }
        _ => Value::Scalar(scalar(&all)),
    }
}

fn scalar<'a>(fields: &[(u64, Field<'a>)]) -> Scalar<'a> {
    match *fields {
        [] => Scalar::String(Text::default()),
        [(2, text)] => Scalar::String(text.text()),
        [(1, kind)] => match kind.number() {
            1 => Scalar::Bool(false),
            2 => Scalar::Int(0),
            3 => Scalar::Double(0.0),
            other => panic!("type {other}"),
        },
        [(1, kind), (number, value)] => match (kind.number(), number) {
            (1, 3) => Scalar::Bool(value.number() == 1),
            (2, 4) => Scalar::Int(value.number().cast_signed()),
            (3, 5) => Scalar::Double(value.double()),
            other => panic!("type and field {other:?}"),
        },
        _ => panic!("{fields:?} is no value"),
    }
}
