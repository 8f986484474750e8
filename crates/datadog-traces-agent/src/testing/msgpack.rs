//! Writes v0.4, v0.5 and v0.7 as tracers do, for tests and benches.

use super::span::{Event, Link, Map, Payload, Scalar, Span, Text, Value};

/// Appends values of msgpack, each in as few bytes as it can.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    fn head(&mut self, fixed: (u8, usize), markers: [Option<u8>; 3], len: usize) {
        if len < fixed.1 {
            self.0.push(fixed.0 | u8::try_from(len).unwrap_or_default());
            return;
        }
        match (u8::try_from(len), u16::try_from(len), markers) {
            (Ok(len), _, [Some(marker), ..]) => self.0.extend([marker, len]),
            (_, Ok(len), [_, Some(marker), _]) => {
                self.0.push(marker);
                self.0.extend(len.to_be_bytes());
            }
            _ => {
                self.0.push(markers[2].unwrap_or_default());
                self.0
                    .extend(u32::try_from(len).unwrap_or_default().to_be_bytes());
            }
        }
    }

    pub(crate) fn array(&mut self, len: usize) {
        self.head((0x90, 16), [None, Some(0xdc), Some(0xdd)], len);
    }

    pub(crate) fn map(&mut self, len: usize) {
        self.head((0x80, 16), [None, Some(0xde), Some(0xdf)], len);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head((0xa0, 32), [Some(0xd9), Some(0xda), Some(0xdb)], text.len());
        self.0.extend(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head((0, 0), [Some(0xc4), Some(0xc5), Some(0xc6)], bytes.len());
        self.0.extend(bytes);
    }

    pub(crate) fn unsigned(&mut self, number: u64) {
        match (
            u8::try_from(number),
            u16::try_from(number),
            u32::try_from(number),
        ) {
            (Ok(number @ 0..=0x7f), ..) => self.0.push(number),
            (Ok(number), ..) => self.0.extend([0xcc, number]),
            (_, Ok(number), _) => self.marked(0xcd, &number.to_be_bytes()),
            (.., Ok(number)) => self.marked(0xce, &number.to_be_bytes()),
            _ => self.marked(0xcf, &number.to_be_bytes()),
        }
    }

    pub(crate) fn signed(&mut self, number: i64) {
        match (
            i8::try_from(number),
            i16::try_from(number),
            i32::try_from(number),
        ) {
            _ if number >= 0 => self.unsigned(number.cast_unsigned()),
            (Ok(number @ -32..), ..) => self.0.push(number.cast_unsigned()),
            (Ok(number), ..) => self.0.extend([0xd0, number.cast_unsigned()]),
            (_, Ok(number), _) => self.marked(0xd1, &number.to_be_bytes()),
            (.., Ok(number)) => self.marked(0xd2, &number.to_be_bytes()),
            _ => self.marked(0xd3, &number.to_be_bytes()),
        }
    }

    pub(crate) fn double(&mut self, number: f64) {
        self.marked(0xcb, &number.to_be_bytes());
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.0.push(if value { 0xc3 } else { 0xc2 });
    }

    fn marked(&mut self, marker: u8, bytes: &[u8]) {
        self.0.push(marker);
        self.0.extend(bytes);
    }

    fn texts(&mut self, texts: &Map<'_, Text<'_>>) {
        self.map(texts.len());
        for (key, value) in texts {
            self.text(key);
            self.text(value);
        }
    }
}

/// A body of v0.4.
pub(crate) fn v04(payload: &Payload<'_>) -> Vec<u8> {
    let mut out = Writer::default();
    out.array(payload.chunks.len());
    for chunk in &payload.chunks {
        spans(&mut out, &chunk.spans);
    }
    out.0
}

fn spans(out: &mut Writer, spans: &[Span<'_>]) {
    out.array(spans.len());
    for each in spans {
        span(out, each);
    }
}

fn span(out: &mut Writer, span: &Span<'_>) {
    out.map(15);
    for (key, text) in [
        ("service", &span.service),
        ("name", &span.name),
        ("resource", &span.resource),
        ("type", &span.kind),
    ] {
        out.text(key);
        out.text(text);
    }
    for (key, id) in [
        ("trace_id", span.trace_id),
        ("span_id", span.span_id),
        ("parent_id", span.parent_id),
    ] {
        out.text(key);
        out.unsigned(id);
    }
    for (key, number) in [
        ("start", span.start),
        ("duration", span.duration),
        ("error", span.error.into()),
    ] {
        out.text(key);
        out.signed(number);
    }
    out.text("meta");
    out.texts(&span.meta);
    out.text("metrics");
    out.map(span.metrics.len());
    for (key, value) in &span.metrics {
        out.text(key);
        out.double(*value);
    }
    out.text("meta_struct");
    out.map(span.meta_struct.len());
    for (key, value) in &span.meta_struct {
        out.text(key);
        out.bytes(value);
    }
    out.text("span_links");
    out.array(span.links.len());
    for each in &span.links {
        link(out, each);
    }
    out.text("span_events");
    out.array(span.events.len());
    for each in &span.events {
        event(out, each);
    }
}

fn link(out: &mut Writer, link: &Link<'_>) {
    out.map(6);
    for (key, number) in [
        ("trace_id", link.trace_id),
        ("trace_id_high", link.trace_id_high),
        ("span_id", link.span_id),
        ("flags", link.flags.into()),
    ] {
        out.text(key);
        out.unsigned(number);
    }
    out.text("attributes");
    out.texts(&link.attributes);
    out.text("tracestate");
    out.text(&link.tracestate);
}

fn event(out: &mut Writer, event: &Event<'_>) {
    out.map(3);
    out.text("time_unix_nano");
    out.unsigned(event.time_unix_nano);
    out.text("name");
    out.text(&event.name);
    out.text("attributes");
    out.map(event.attributes.len());
    for (key, value) in &event.attributes {
        out.text(key);
        out.map(2);
        match value {
            Value::Scalar(value) => scalar(out, value),
            Value::Array(values) => {
                out.text("type");
                out.unsigned(4);
                out.text("array_value");
                out.map(1);
                out.text("values");
                out.array(values.len());
                for value in values {
                    out.map(2);
                    scalar(out, value);
                }
            }
        }
    }
}

fn scalar(out: &mut Writer, scalar: &Scalar<'_>) {
    out.text("type");
    match scalar {
        Scalar::String(text) => {
            out.unsigned(0);
            out.text("string_value");
            out.text(text);
        }
        Scalar::Bool(value) => {
            out.unsigned(1);
            out.text("bool_value");
            out.boolean(*value);
        }
        Scalar::Int(number) => {
            out.unsigned(2);
            out.text("int_value");
            out.signed(*number);
        }
        Scalar::Double(number) => {
            out.unsigned(3);
            out.text("double_value");
            out.double(*number);
        }
    }
}

/// A body of v0.5, which has no place for structured tags, links and events.
pub(crate) fn v05(payload: &Payload<'_>) -> Vec<u8> {
    let mut strings = Strings::default();
    let mut traces = Writer::default();
    traces.array(payload.chunks.len());
    for chunk in &payload.chunks {
        traces.array(chunk.spans.len());
        for span in &chunk.spans {
            strings.span(&mut traces, span);
        }
    }
    let mut out = Writer::default();
    out.array(2);
    out.array(strings.all.len());
    for text in &strings.all {
        out.text(text);
    }
    out.0.extend(traces.0);
    out.0
}

#[derive(Default)]
struct Strings<'p> {
    all: Vec<&'p str>,
    indices: std::collections::HashMap<&'p str, u64>,
}

impl<'p> Strings<'p> {
    fn write(&mut self, out: &mut Writer, text: &'p str) {
        let next = self.all.len() as u64;
        let index = *self.indices.entry(text).or_insert_with(|| {
            self.all.push(text);
            next
        });
        out.unsigned(index);
    }

    fn span(&mut self, out: &mut Writer, span: &'p Span<'_>) {
        out.array(12);
        for text in [&span.service, &span.name, &span.resource] {
            self.write(out, text);
        }
        for id in [span.trace_id, span.span_id, span.parent_id] {
            out.unsigned(id);
        }
        for number in [span.start, span.duration, span.error.into()] {
            out.signed(number);
        }
        out.map(span.meta.len());
        for (key, value) in &span.meta {
            self.write(out, key);
            self.write(out, value);
        }
        out.map(span.metrics.len());
        for (key, value) in &span.metrics {
            self.write(out, key);
            out.double(*value);
        }
        self.write(out, &span.kind);
    }
}

/// A body of v0.7.
#[allow(dead_code, reason = "only benches do without")]
pub(crate) fn v07(payload: &Payload<'_>) -> Vec<u8> {
    let mut out = Writer::default();
    out.map(10);
    for (key, text) in [
        ("container_id", &payload.container_id),
        ("language_name", &payload.language_name),
        ("language_version", &payload.language_version),
        ("tracer_version", &payload.tracer_version),
        ("runtime_id", &payload.runtime_id),
        ("env", &payload.env),
        ("hostname", &payload.hostname),
        ("app_version", &payload.app_version),
    ] {
        out.text(key);
        out.text(text);
    }
    out.text("tags");
    out.texts(&payload.tags);
    out.text("chunks");
    out.array(payload.chunks.len());
    for chunk in &payload.chunks {
        out.map(5);
        out.text("priority");
        out.signed(chunk.priority.into());
        out.text("origin");
        out.text(&chunk.origin);
        out.text("spans");
        spans(&mut out, &chunk.spans);
        out.text("tags");
        out.texts(&chunk.tags);
        out.text("dropped_trace");
        out.boolean(chunk.dropped_trace);
    }
    out.0
}
