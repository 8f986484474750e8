//! Payloads for the trace intake, in protobuf, straight from the model of spans.
//!
//! A [`TracerPayload`] holds chunks of one request, and an [`AgentPayload`] holds those of several. All lengths are known
//! before a byte is written, so that each is written once, into memory of exactly its size.
//! Values are written as they are: what is allowed in them was decided before.

mod agent_payload;
mod protobuf;
mod span;

pub use agent_payload::AgentPayload;

use std::ops::Range;

use crate::span::{Chunk, Payload};
use protobuf as pb;

/// The message of a tracer's payload, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracerPayload {
    /// The message, without a field around it.
    pub bytes: Vec<u8>,
    /// The chunks in it.
    pub chunks: usize,
    /// The spans in them.
    pub spans: usize,
}

/// Writes all chunks into one message.
pub fn tracer_payload(payload: &Payload<'_>) -> TracerPayload {
    let lens = Lens::of(payload);
    write(payload, &lens, 0..payload.chunks.len())
}

/// Writes the chunks into as few messages as fit, in their order, of so many bytes each.
///
/// A chunk that is larger than that alone makes a larger message; none is made of no chunks.
pub fn tracer_payloads<'p>(
    payload: &'p Payload<'_>,
    max_bytes: usize,
) -> impl Iterator<Item = TracerPayload> + 'p {
    let mut messages = Messages::new(payload, max_bytes);
    std::iter::from_fn(move || messages.next().map(|part| messages.write(part)))
}

/// The messages of [`tracer_payloads`], each of which is known before it is written, for who may not want it.
pub(crate) struct Messages<'m, 'a> {
    payload: &'m Payload<'a>,
    lens: Lens,
    start: usize,
    max_bytes: usize,
}

/// A message that is not written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    range: Range<usize>,
    pub(crate) bytes: usize,
    pub(crate) chunks: usize,
    pub(crate) spans: usize,
}

impl<'m, 'a> Messages<'m, 'a> {
    pub(crate) fn new(payload: &'m Payload<'a>, max_bytes: usize) -> Self {
        Self {
            payload,
            lens: Lens::of(payload),
            start: 0,
            max_bytes,
        }
    }

    /// The next message, of as many chunks as fit.
    pub(crate) fn next(&mut self) -> Option<Part> {
        let mut bytes = self.lens.head;
        let fits = |&len: &usize| {
            bytes += pb::bytes_len(len);
            bytes <= self.max_bytes
        };
        let rest = self.lens.chunks.get(self.start..).unwrap_or_default();
        if rest.is_empty() {
            return None;
        }
        let count = rest.iter().copied().take_while(fits).count().max(1);
        let range = self.start..self.start + count;
        self.start = range.end;
        let chunks = self.payload.chunks.get(range.clone()).unwrap_or_default();
        Some(Part {
            bytes: self.lens.message(range.clone()),
            chunks: chunks.len(),
            spans: chunks.iter().map(|chunk| chunk.spans.len()).sum(),
            range,
        })
    }

    /// Writes a message.
    pub(crate) fn write(&self, part: Part) -> TracerPayload {
        write(self.payload, &self.lens, part.range)
    }
}

/// The exact size of [`tracer_payload`] in bytes.
pub fn encoded_len(payload: &Payload<'_>) -> usize {
    let lens = Lens::of(payload);
    lens.message(0..lens.chunks.len())
}

/// The lengths of all messages in a payload, in the order in which they are written.
struct Lens {
    /// All fields but the chunks.
    head: usize,
    chunks: Vec<usize>,
    spans: Vec<usize>,
    /// Where the spans of each chunk start in `spans`.
    starts: Vec<usize>,
}

impl Lens {
    fn of(payload: &Payload<'_>) -> Self {
        let count = payload.chunks.iter().map(|chunk| chunk.spans.len()).sum();
        let mut lens = Self {
            head: head_len(payload),
            chunks: Vec::with_capacity(payload.chunks.len()),
            spans: Vec::with_capacity(count),
            starts: Vec::with_capacity(payload.chunks.len()),
        };
        for chunk in &payload.chunks {
            let start = lens.spans.len();
            lens.starts.push(start);
            lens.spans.extend(chunk.spans.iter().map(span::len));
            let spans = lens.spans.iter().skip(start);
            let spans: usize = spans.map(|&len| pb::bytes_len(len)).sum();
            lens.chunks.push(chunk_head_len(chunk) + spans);
        }
        lens
    }

    fn message(&self, chunks: Range<usize>) -> usize {
        let chunks = self.chunks.get(chunks).unwrap_or_default();
        self.head + chunks.iter().map(|&len| pb::bytes_len(len)).sum::<usize>()
    }
}

fn write(payload: &Payload<'_>, lens: &Lens, part: Range<usize>) -> TracerPayload {
    let bytes = lens.message(part.clone());
    let mut out = Vec::with_capacity(bytes);
    for (field, text) in [
        (1, &payload.container_id),
        (2, &payload.language_name),
        (3, &payload.language_version),
        (4, &payload.tracer_version),
        (5, &payload.runtime_id),
    ] {
        pb::text(&mut out, field, text);
    }
    let chunks = payload.chunks.get(part.clone()).unwrap_or_default();
    let starts = lens.starts.get(part.clone()).unwrap_or_default();
    let chunk_lens = lens.chunks.get(part).unwrap_or_default();
    let mut spans = 0;
    for ((chunk, &len), &start) in chunks.iter().zip(chunk_lens).zip(starts) {
        pb::head(&mut out, 6, len);
        write_chunk(&mut out, chunk, lens.spans.get(start..).unwrap_or_default());
        spans += chunk.spans.len();
    }
    pb::texts(&mut out, 7, &payload.tags);
    for (field, text) in [
        (8, &payload.env),
        (9, &payload.hostname),
        (10, &payload.app_version),
    ] {
        pb::text(&mut out, field, text);
    }
    debug_assert_eq!(out.len(), bytes);
    TracerPayload {
        bytes: out,
        chunks: chunks.len(),
        spans,
    }
}

fn head_len(payload: &Payload<'_>) -> usize {
    let texts = [
        &payload.container_id,
        &payload.language_name,
        &payload.language_version,
        &payload.tracer_version,
        &payload.runtime_id,
        &payload.env,
        &payload.hostname,
        &payload.app_version,
    ];
    texts.iter().map(|text| pb::text_len(text)).sum::<usize>() + pb::texts_len(&payload.tags)
}

fn write_chunk(out: &mut Vec<u8>, chunk: &Chunk<'_>, lens: &[usize]) {
    pb::signed(out, 1, chunk.priority.into());
    pb::text(out, 2, &chunk.origin);
    for (span, &len) in chunk.spans.iter().zip(lens) {
        pb::head(out, 3, len);
        span::write(out, span);
    }
    pb::texts(out, 4, &chunk.tags);
    pb::number(out, 5, chunk.dropped_trace.into());
}

/// The length of all fields of a chunk but its spans.
fn chunk_head_len(chunk: &Chunk<'_>) -> usize {
    pb::signed_len(chunk.priority.into())
        + pb::text_len(&chunk.origin)
        + pb::texts_len(&chunk.tags)
        + pb::number_len(chunk.dropped_trace.into())
}

#[cfg(test)]
mod tests;
