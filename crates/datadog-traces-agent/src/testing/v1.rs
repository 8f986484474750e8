//! Writes v1.0 as tracers do: each text once, and as a number from then on.

use std::collections::HashMap;

use super::msgpack::Writer;
use crate::span::{Chunk, Event, Link, Map, Payload, Scalar, Span, Text, Value};

/// What of a chunk of v1.0 is not in the model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extra {
    /// The upper half of the trace's id.
    pub(crate) trace_id_high: u64,
    /// How the trace was sampled.
    pub(crate) mechanism: u32,
}

/// A body of v1.0. The spans of a chunk have the trace id of the first.
pub(crate) fn v1(payload: &Payload<'_>, extra: &Extra) -> Vec<u8> {
    let mut out = Out::default();
    out.writer.map(10);
    for (key, text) in [
        (2, &payload.container_id),
        (3, &payload.language_name),
        (4, &payload.language_version),
        (5, &payload.tracer_version),
        (6, &payload.runtime_id),
        (7, &payload.env),
        (8, &payload.hostname),
        (9, &payload.app_version),
    ] {
        out.writer.unsigned(key);
        out.text(text);
    }
    out.writer.unsigned(10);
    out.texts(&payload.tags);
    out.writer.unsigned(11);
    out.writer.array(payload.chunks.len());
    for chunk in &payload.chunks {
        out.chunk(chunk, extra);
    }
    out.writer.0
}

#[derive(Default)]
struct Out<'p> {
    writer: Writer,
    numbers: HashMap<&'p str, u64>,
}

impl<'p> Out<'p> {
    fn text(&mut self, text: &'p str) {
        if text.is_empty() {
            self.writer.unsigned(0);
        } else if let Some(&number) = self.numbers.get(text) {
            self.writer.unsigned(number);
        } else {
            let number = self.numbers.len() as u64 + 1;
            self.numbers.insert(text, number);
            self.writer.text(text);
        }
    }

    fn texts(&mut self, texts: &'p Map<'_, Text<'_>>) {
        self.writer.array(3 * texts.len());
        for (key, value) in texts {
            self.text(key);
            self.writer.unsigned(1);
            self.text(value);
        }
    }

    fn chunk(&mut self, chunk: &'p Chunk<'_>, extra: &Extra) {
        let low = chunk.spans.first().map_or(0, |span| span.trace_id);
        self.writer.map(7);
        self.writer.unsigned(1);
        self.writer.signed(chunk.priority.into());
        self.writer.unsigned(2);
        self.text(&chunk.origin);
        self.writer.unsigned(3);
        self.texts(&chunk.tags);
        self.writer.unsigned(4);
        self.writer.array(chunk.spans.len());
        for span in &chunk.spans {
            self.span(span);
        }
        self.writer.unsigned(5);
        self.writer.boolean(chunk.dropped_trace);
        self.writer.unsigned(6);
        self.trace_id(extra.trace_id_high, low);
        self.writer.unsigned(7);
        self.writer.unsigned(extra.mechanism.into());
    }

    fn trace_id(&mut self, high: u64, low: u64) {
        let bytes = [high.to_be_bytes(), low.to_be_bytes()].concat();
        self.writer.bytes(&bytes);
    }

    fn span(&mut self, span: &'p Span<'_>) {
        self.writer.map(12);
        for (key, text) in [
            (1, &span.service),
            (2, &span.name),
            (3, &span.resource),
            (10, &span.kind),
        ] {
            self.writer.unsigned(key);
            self.text(text);
        }
        for (key, number) in [
            (4, span.span_id),
            (5, span.parent_id),
            (6, span.start.cast_unsigned()),
            (7, span.duration.cast_unsigned()),
        ] {
            self.writer.unsigned(key);
            self.writer.unsigned(number);
        }
        self.writer.unsigned(8);
        self.writer.boolean(span.error != 0);
        self.writer.unsigned(9);
        self.attributes(span);
        self.writer.unsigned(11);
        self.writer.array(span.links.len());
        for link in &span.links {
            self.link(link);
        }
        self.writer.unsigned(12);
        self.writer.array(span.events.len());
        for event in &span.events {
            self.event(event);
        }
    }

    fn attributes(&mut self, span: &'p Span<'_>) {
        let count = span.meta.len() + span.metrics.len() + span.meta_struct.len();
        self.writer.array(3 * count);
        for (key, value) in &span.meta {
            self.text(key);
            self.writer.unsigned(1);
            self.text(value);
        }
        for (key, value) in &span.metrics {
            self.text(key);
            self.writer.unsigned(3);
            self.writer.double(*value);
        }
        for (key, value) in &span.meta_struct {
            self.text(key);
            self.writer.unsigned(5);
            self.writer.bytes(value);
        }
    }

    fn link(&mut self, link: &'p Link<'_>) {
        self.writer.map(5);
        self.writer.unsigned(1);
        self.trace_id(link.trace_id_high, link.trace_id);
        self.writer.unsigned(2);
        self.writer.unsigned(link.span_id);
        self.writer.unsigned(3);
        self.texts(&link.attributes);
        self.writer.unsigned(4);
        self.text(&link.tracestate);
        self.writer.unsigned(5);
        self.writer.unsigned(link.flags.into());
    }

    fn event(&mut self, event: &'p Event<'_>) {
        self.writer.map(3);
        self.writer.unsigned(1);
        self.writer.unsigned(event.time_unix_nano);
        self.writer.unsigned(2);
        self.text(&event.name);
        self.writer.unsigned(3);
        self.writer.array(3 * event.attributes.len());
        for (key, value) in &event.attributes {
            self.text(key);
            match value {
                Value::Scalar(scalar) => self.scalar(scalar),
                Value::Array(scalars) => {
                    self.writer.unsigned(6);
                    self.writer.array(2 * scalars.len());
                    for scalar in scalars {
                        self.scalar(scalar);
                    }
                }
            }
        }
    }

    fn scalar(&mut self, scalar: &'p Scalar<'_>) {
        match scalar {
            Scalar::String(text) => {
                self.writer.unsigned(1);
                self.text(text);
            }
            Scalar::Bool(value) => {
                self.writer.unsigned(2);
                self.writer.boolean(*value);
            }
            Scalar::Double(number) => {
                self.writer.unsigned(3);
                self.writer.double(*number);
            }
            Scalar::Int(number) => {
                self.writer.unsigned(4);
                self.writer.signed(*number);
            }
        }
    }
}
