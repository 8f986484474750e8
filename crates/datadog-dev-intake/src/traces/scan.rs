//! Finds the chunks of a body, and counts what is in them before anything is built of it.
//!
//! A field of two bytes may become a structure of hundreds; whoever decodes a chunk after this knows that there is
//! an end to it.

use std::ops::Range;

use datadog_wire::traces::{AgentPayload, TracerPayload};
use prost::Message;

use super::{Dislike, Place, Traces};
use crate::problem::What;
use crate::protobuf::fields;
use crate::records::{MAX_RECORDS, within};

/// Number of the field of a payload that holds those of tracers.
const TRACERS_FIELD: u64 = 5;
/// Number of the field of a payload that holds those of tracers in another form.
const IDX_FIELD: u64 = 11;
/// Number of the field of a tracer's payload that holds the chunks.
const CHUNKS_FIELD: u64 = 6;
/// Number of the field of a chunk that holds the spans.
const SPANS_FIELD: u64 = 3;

/// Spans in one body: ten times what an agent puts into one.
pub(super) const MAX_SPANS: usize = 250_000;
/// Tags, links, events and their attributes in one body.
pub(super) const MAX_PARTS: usize = 2_000_000;

/// Messages within a message that are counted, by the numbers of their fields.
struct Level(&'static [(u64, &'static Self)]);

const NOTHING: Level = Level(&[]);
const SPAN: Level = Level(&[
    (10, &NOTHING),
    (11, &NOTHING),
    (13, &NOTHING),
    (14, &LINK),
    (15, &EVENT),
]);
const LINK: Level = Level(&[(4, &NOTHING)]);
const EVENT: Level = Level(&[(3, &ATTRIBUTE)]);
const ATTRIBUTE: Level = Level(&[(2, &VALUE)]);
const VALUE: Level = Level(&[(6, &ARRAY)]);
const ARRAY: Level = Level(&[(1, &NOTHING)]);

/// Why a body is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// In words, where it is broken and how.
    Malformed(String),
    TooMany(What),
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self::Malformed(why)
    }
}

/// Finds the chunks of `body`.
///
/// # Errors
/// When it is no such payload as far as its chunks, or holds too much to be read.
pub(super) fn scan(body: &[u8]) -> Result<Traces, Broken> {
    let whole = split(body, TRACERS_FIELD, Some(IDX_FIELD), MAX_RECORDS)?;
    let mut traces = Traces {
        chunks: Vec::new(),
        agent: read::<AgentPayload>(&whole.head)?,
        tracers: Vec::with_capacity(whole.places.len()),
        has_idx: whole.left_out > 0,
        head_bytes: whole.head.len(),
    };
    for (index, place) in whole.places.iter().enumerate() {
        let room = MAX_RECORDS - whole.places.len() - traces.chunks.len();
        let in_tracer = |broken| match broken {
            Broken::Malformed(why) => {
                let start = place.start;
                Broken::Malformed(format!("tracer payload {index} at byte {start}: {why}"))
            }
            Broken::TooMany(what) => Broken::TooMany(what),
        };
        let part = split(within(body, place), CHUNKS_FIELD, None, room).map_err(in_tracer)?;
        let tracer = read::<TracerPayload>(&part.head).map_err(in_tracer)?;
        traces.tracers.push(tracer);
        traces.head_bytes += part.head.len();
        traces
            .chunks
            .extend(part.places.into_iter().map(|chunk| Place {
                place: place.start + chunk.start..place.start + chunk.end,
                tracer: u32::try_from(index).unwrap_or(u32::MAX),
            }));
    }
    count(&traces, body)?;
    Ok(traces)
}

/// A message of which some fields were taken out.
struct Split {
    /// The other fields.
    head: Vec<u8>,
    /// Where the messages stand that were asked for.
    places: Vec<Range<u32>>,
    /// How many fields were left out.
    left_out: usize,
}

/// Takes the messages numbered `listed` out of `message`, and leaves the fields numbered `left_out` out.
fn split(message: &[u8], listed: u64, left_out: Option<u64>, most: usize) -> Result<Split, Broken> {
    let mut split = Split {
        head: Vec::new(),
        places: Vec::new(),
        left_out: 0,
    };
    let mut is_over = false;
    fields(message, |field| {
        if field.number == listed {
            let place = field.message()?;
            is_over |= split.places.len() >= most;
            if !is_over {
                split.places.push(place);
            }
        } else if left_out == Some(field.number) {
            split.left_out += 1;
        } else {
            split.head.extend_from_slice(within(message, &field.whole));
        }
        Ok(())
    })?;
    if is_over {
        return Err(Broken::TooMany(What::TooManyRecords(MAX_RECORDS)));
    }
    Ok(split)
}

fn read<M: Message + Default>(bytes: &[u8]) -> Result<M, Broken> {
    M::decode(bytes).map_err(|error| Broken::Malformed(error.to_string()))
}

/// Counts the spans of all chunks and what is in them.
fn count(traces: &Traces, body: &[u8]) -> Result<(), Broken> {
    let mut spans = 0;
    let mut parts = 0;
    for (index, chunk) in traces.chunks.iter().enumerate() {
        let start = chunk.place.start;
        let chunk = within(body, &chunk.place);
        let counted = fields(chunk, |field| {
            if field.number == SPANS_FIELD {
                spans += 1;
                parts += parts_of(within(chunk, &field.message()?), &SPAN)?;
            }
            Ok(())
        });
        counted.map_err(|why| format!("chunk {index} at byte {start}: {why}"))?;
        if spans > MAX_SPANS {
            return Err(Broken::TooMany(What::Traces(Dislike::TooManySpans)));
        }
        if parts > MAX_PARTS {
            return Err(Broken::TooMany(What::Traces(Dislike::TooManyParts)));
        }
    }
    Ok(())
}

/// How many messages of a level are in a message, those within them included. As deep as the schema, no deeper.
fn parts_of(message: &[u8], level: &Level) -> Result<usize, String> {
    let mut parts = 0;
    fields(message, |field| {
        if let Some((_, next)) = level.0.iter().find(|(number, _)| *number == field.number) {
            parts += 1;
            if !next.0.is_empty() {
                parts += parts_of(within(message, &field.message()?), next)?;
            }
        }
        Ok(())
    })?;
    Ok(parts)
}
