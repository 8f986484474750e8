//! Bodies of traces, of all versions: bytes in, the model of spans out.
//!
//! Texts borrow from the body; only what is no UTF-8 is copied and repaired, with U+FFFD for each bad sequence.
//! What a span should hold is not judged here: ids may be 0 and names empty.
//!
//! Chunks are given away one by one as they are decoded; who keeps them keeps their memory. What is held of a body at
//! once takes at most [`MEMORY_PER_BYTE`] times the memory of the body, plus [`MEMORY_FREE`], and never more than
//! [`MEMORY_MAX`]: what would take more is refused. So is a body whose references stand for more text than [`TEXTS_PER_BYTE`] times its size, plus [`TEXTS_FREE`]: each of them is read by
//! rules and written into payloads. Tracers' bodies take 2 to 25 times as much as their bytes, but a span that is a
//! single byte on the wire takes some 270. Nothing is allocated because of a count that the rest of the body could not
//! hold, and nothing recurses without a limit. Bytes after the end of the payload are not looked at.

mod budget;
#[cfg(any(test, fuzzing))]
pub mod checks;
mod error;
mod json;
mod msgpack;
mod sink;
mod v04;
mod v05;
mod v07;
mod v1;

pub(crate) use budget::{Allowance, memory_of};
pub use budget::{MEMORY_FREE, MEMORY_MAX, MEMORY_PER_BYTE, TEXTS_FREE, TEXTS_PER_BYTE};
pub use error::{Error, Reason};
pub(crate) use sink::{After, Sink};

use crate::span::Payload;
use msgpack::Reader;

/// How a body of v0.4 and below is written, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/msgpack`.
    Msgpack,
    /// `application/json`, `text/json`, or no content type.
    Json,
    /// Any other content type: JSON is tried first, then msgpack.
    Unknown,
}

impl Encoding {
    /// What a `Content-Type` says; parameters and case do not matter.
    pub fn from_content_type(content_type: Option<&str>) -> Self {
        let media_type = content_type
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim();
        let is = |name: &str| media_type.eq_ignore_ascii_case(name);
        if is("application/msgpack") {
            Self::Msgpack
        } else if is("application/json") || is("text/json") || media_type.is_empty() {
            Self::Json
        } else {
            Self::Unknown
        }
    }
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// v0.4 and below.
    V04(Encoding),
    V05,
    V07,
    V1,
}

/// Decodes a body, and gives its chunks away as they come. Returns what it says beside its chunks, and what was taken
/// of the allowance.
///
/// # Errors
/// As the functions for each format. Chunks may be given away by then.
pub(crate) fn each<'a>(
    format: Format,
    body: &'a [u8],
    allowance: Allowance,
    sink: &mut dyn Sink<'a>,
) -> Result<(Payload<'a>, Allowance), Error> {
    let is_json = match format {
        Format::V04(Encoding::Json) => true,
        // No array of msgpack begins like one of JSON.
        Format::V04(Encoding::Unknown) => {
            let first = body.trim_ascii_start().first();
            first.is_none_or(u8::is_ascii)
        }
        _ => false,
    };
    if is_json {
        return json::payload(body, allowance, sink);
    }
    let mut reader = Reader::new(body, allowance);
    let head = match format {
        Format::V04(_) => v04::payload(&mut reader, sink),
        Format::V05 => v05::payload(&mut reader, sink),
        Format::V07 => v07::payload(&mut reader, sink),
        Format::V1 => v1::payload(&mut reader, sink),
    };
    Ok((head?, reader.into_allowance()))
}

/// The whole of a body, in memory that nobody else needs.
fn whole(format: Format, body: &[u8]) -> Result<Payload<'_>, Error> {
    let mut chunks = Vec::new();
    let (head, _) = each(format, body, Allowance::default(), &mut chunks)?;
    Ok(Payload { chunks, ..head })
}

/// Decodes the arrays of span maps of v0.3 and v0.4, in the encoding that the content type says.
///
/// # Errors
/// The body is cut short, is not of this shape, or would take too much memory.
pub fn v04_as(body: &[u8], encoding: Encoding) -> Result<Payload<'_>, Error> {
    whole(Format::V04(encoding), body)
}

/// Decodes the msgpack of v0.3 and v0.4: an array of chunks, which are arrays of span maps with texts as keys.
///
/// Unknown keys are skipped; nil is the zero value of anything, and a span that is nil is left out.
///
/// # Errors
/// The body is cut short, is not of this shape, or would take too much memory.
pub fn v04(body: &[u8]) -> Result<Payload<'_>, Error> {
    whole(Format::V04(Encoding::Msgpack), body)
}

/// Decodes the JSON of v0.4 and below, which has the shape of the msgpack; structured tags are in base64.
///
/// # Errors
/// The body is cut short, is not of this shape, or could take too much memory.
pub fn v04_json(body: &[u8]) -> Result<Payload<'_>, Error> {
    whole(Format::V04(Encoding::Json), body)
}

/// Decodes v0.5: an array of all texts, and spans as arrays of 12 that point into it.
///
/// # Errors
/// The body is cut short, is not of this shape, points outside of the texts, or would take too much memory.
pub fn v05(body: &[u8]) -> Result<Payload<'_>, Error> {
    whole(Format::V05, body)
}

/// Decodes v0.7: a msgpack map of the payload, with chunks of v0.4 spans. A chunk without priority has priority 0.
///
/// # Errors
/// The body is cut short, is not of this shape, or would take too much memory.
pub fn v07(body: &[u8]) -> Result<Payload<'_>, Error> {
    whole(Format::V07, body)
}

/// Decodes v1.0: msgpack maps with numbers as keys, in which a text stands once and is pointed at afterwards.
///
/// What the model has no place for becomes tags, as older tracers send it: the upper half of the trace id, the kind,
/// environment, version and component of a span, and how the trace was sampled. A chunk without priority has
/// priority 0.
///
/// # Errors
/// The body is cut short, is not of this shape, points outside of the texts so far, or would take too much memory.
pub fn v1(body: &[u8]) -> Result<Payload<'_>, Error> {
    whole(Format::V1, body)
}

#[cfg(test)]
mod tests;
