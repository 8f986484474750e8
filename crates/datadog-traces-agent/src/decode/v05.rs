//! v0.5: one array of all texts, and spans that are arrays of 12 with references into it.

use std::borrow::Cow;

use super::msgpack::Reader;
use super::sink::Sink;
use super::{Error, Reason};
use crate::span::{Chunk, Map, Payload, Span, Text};

/// Values of a span, each at its place.
const SPAN_VALUES: usize = 12;

pub(super) fn payload<'a>(
    reader: &mut Reader<'a>,
    sink: &mut dyn Sink<'a>,
) -> Result<Payload<'a>, Error> {
    let parts = reader.array_len()?;
    if parts < 2 {
        return Err(reader.error(Reason::WrongLength {
            expected: "at least 2",
            found: parts,
        }));
    }
    let texts = texts(reader).map_err(|error| error.within("strings"))?;
    let count = reader.array_len()?;
    for index in 1..=count {
        reader.begin_chunk();
        let chunk = Chunk {
            spans: spans(reader, &texts)?,
            ..Chunk::default()
        };
        reader.give(chunk, sink, index == count)?;
    }
    Ok(Payload::default())
}

fn texts<'a>(reader: &mut Reader<'a>) -> Result<Vec<Text<'a>>, Error> {
    let count = reader.array_len()?;
    let mut texts = reader.list(count)?;
    for _ in 0..count {
        let text = reader.text()?;
        reader.push(&mut texts, count, text)?;
    }
    Ok(texts)
}

fn spans<'a>(reader: &mut Reader<'a>, texts: &[Text<'a>]) -> Result<Vec<Span<'a>>, Error> {
    let count = reader.array_len()?;
    let mut spans = reader.list(count)?;
    for _ in 0..count {
        let values = reader.array_len()?;
        if values != SPAN_VALUES {
            return Err(reader.error(Reason::WrongLength {
                expected: "12",
                found: values,
            }));
        }
        let span = reader.push(&mut spans, count, Span::default())?;
        read_span(reader, texts, span)?;
    }
    Ok(spans)
}

fn read_span<'a>(
    reader: &mut Reader<'a>,
    texts: &[Text<'a>],
    span: &mut Span<'a>,
) -> Result<(), Error> {
    let r = reader;
    span.service = text(r, texts).map_err(|error| error.within("service"))?;
    span.name = text(r, texts).map_err(|error| error.within("name"))?;
    span.resource = text(r, texts).map_err(|error| error.within("resource"))?;
    span.trace_id = r.unsigned().map_err(|error| error.within("trace_id"))?;
    span.span_id = r.unsigned().map_err(|error| error.within("span_id"))?;
    span.parent_id = r.unsigned().map_err(|error| error.within("parent_id"))?;
    span.start = r.signed().map_err(|error| error.within("start"))?;
    span.duration = r.signed().map_err(|error| error.within("duration"))?;
    span.error = r.signed_32().map_err(|error| error.within("error"))?;
    span.meta = map(r, texts, |r| text(r, texts)).map_err(|error| error.within("meta"))?;
    span.metrics = map(r, texts, Reader::float).map_err(|error| error.within("metrics"))?;
    span.kind = text(r, texts).map_err(|error| error.within("type"))?;
    Ok(())
}

/// The text that a number points at.
#[inline]
fn text<'a>(reader: &mut Reader<'a>, texts: &[Text<'a>]) -> Result<Text<'a>, Error> {
    let index = reader.unsigned()?;
    let found = usize::try_from(index)
        .ok()
        .and_then(|index| texts.get(index));
    match found {
        Some(Cow::Borrowed(text)) => {
            reader.refer(text)?;
            Ok(Cow::Borrowed(text))
        }
        Some(Cow::Owned(text)) => {
            reader.refer(text)?;
            reader.charge(text.len())?;
            Ok(Cow::Owned(text.clone()))
        }
        None => Err(reader.error(Reason::UnknownText(index))),
    }
}

#[inline]
fn map<'a, V>(
    reader: &mut Reader<'a>,
    texts: &[Text<'a>],
    read: impl Fn(&mut Reader<'a>) -> Result<V, Error>,
) -> Result<Map<'a, V>, Error> {
    let count = reader.map_len()?;
    let mut map = reader.map(count)?;
    for _ in 0..count {
        let key = text(reader, texts)?;
        map.push(key, read(reader)?);
    }
    Ok(map)
}
