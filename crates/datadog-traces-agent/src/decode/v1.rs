//! v1.0: maps with numbers as keys, and texts that stand once and are pointed at afterwards.

mod attributes;
mod texts;

use super::msgpack::Reader;
use super::sink::Sink;
use super::{Error, Reason};
use crate::span::{Chunk, Event, Link, Payload, Span, Text};
use attributes::{Attributes, Events, Tags};
use texts::Texts;

/// Tags that a span gets beside its attributes at most: environment, version, component and kind.
const PROMOTED: usize = 4;

/// The tag with the upper half of a trace's id.
const TRACE_ID_HIGH: &str = "_dd.p.tid";

/// The tag that says how the trace was sampled.
const DECISION_MAKER: &str = "_dd.p.dm";

/// A body, and the texts in it so far.
struct Decoder<'a, 's> {
    reader: &'s mut Reader<'a>,
    texts: Texts<'a>,
    sink: &'s mut dyn Sink<'a>,
}

/// Reads the values of the known keys of a map, and skips the others.
macro_rules! fields {
    ($self:ident: $($key:literal $name:literal => $read:expr;)*) => {
        for _ in 0..$self.reader.map_len()? {
            match $self.reader.unsigned()? {
                $($key => $read.map_err(|error: Error| error.within($name))?,)*
                _ => $self.reader.skip()?,
            }
        }
    };
}

/// Reads a value into its place.
macro_rules! set {
    ($place:expr, $read:expr) => {
        $read.map(|value| $place = value)
    };
}

pub(super) fn payload<'a>(
    reader: &mut Reader<'a>,
    sink: &mut dyn Sink<'a>,
) -> Result<Payload<'a>, Error> {
    let texts = Texts::default();
    let mut decoder = Decoder {
        reader,
        texts,
        sink,
    };
    let mut payload = Payload::default();
    decoder.payload(&mut payload)?;
    Ok(payload)
}

impl<'a> Decoder<'a, '_> {
    fn payload(&mut self, payload: &mut Payload<'a>) -> Result<(), Error> {
        fields! { self:
            1 "strings" => self.texts.read_all(self.reader);
            2 "containerID" => set!(payload.container_id, self.text());
            3 "languageName" => set!(payload.language_name, self.text());
            4 "languageVersion" => set!(payload.language_version, self.text());
            5 "tracerVersion" => set!(payload.tracer_version, self.text());
            6 "runtimeID" => set!(payload.runtime_id, self.text());
            7 "env" => set!(payload.env, self.text());
            8 "hostname" => set!(payload.hostname, self.text());
            9 "appVersion" => set!(payload.app_version, self.text());
            10 "attributes" => self.attributes(&mut Tags(&mut payload.tags));
            11 "chunks" => self.chunks();
        }
        Ok(())
    }

    /// Gives chunks away; those that are nil are left out.
    fn chunks(&mut self) -> Result<(), Error> {
        let count = self.reader.array_len()?;
        for index in 1..=count {
            self.reader.begin_chunk();
            if !self.reader.nil() {
                let mut chunk = Chunk::default();
                self.chunk(&mut chunk)?;
                self.reader.give(chunk, self.sink, index == count)?;
            }
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: &mut Chunk<'a>) -> Result<(), Error> {
        chunk.priority = 0;
        let mut trace_id = 0;
        let mut mechanism = 0;
        fields! { self:
            1 "priority" => set!(chunk.priority, self.reader.signed_32());
            2 "origin" => set!(chunk.origin, self.text());
            3 "attributes" => self.attributes(&mut Tags(&mut chunk.tags));
            4 "spans" => set!(chunk.spans, self.list(Self::span));
            5 "droppedTrace" => set!(chunk.dropped_trace, self.reader.boolean());
            6 "traceID" => set!(trace_id, self.trace_id());
            7 "samplingMechanism" => set!(mechanism, self.reader.unsigned_32());
        }
        let (high, low) = halves(trace_id);
        for span in &mut chunk.spans {
            span.trace_id = low;
        }
        if let Some(first) = chunk.spans.first_mut().filter(|_| high != 0) {
            first
                .meta
                .insert(TRACE_ID_HIGH, format!("{high:016x}").into());
        }
        if mechanism > 0 {
            chunk
                .tags
                .insert(DECISION_MAKER, format!("-{mechanism}").into());
        }
        Ok(())
    }

    fn span(&mut self, span: &mut Span<'a>) -> Result<(), Error> {
        let mut promoted = [const { Text::Borrowed("") }; PROMOTED];
        let [env, version, component, kind] = &mut promoted;
        fields! { self:
            1 "service" => set!(span.service, self.text());
            2 "name" => set!(span.name, self.text());
            3 "resource" => set!(span.resource, self.text());
            4 "spanID" => set!(span.span_id, self.reader.unsigned());
            5 "parentID" => set!(span.parent_id, self.reader.unsigned());
            6 "start" => set!(span.start, self.time());
            7 "duration" => set!(span.duration, self.time());
            8 "error" => set!(span.error, self.reader.boolean().map(i32::from));
            9 "attributes" => self.attributes(span);
            10 "type" => set!(span.kind, self.text());
            11 "links" => set!(span.links, self.list(Self::link));
            12 "events" => set!(span.events, self.list(Self::event));
            13 "env" => set!(*env, self.text());
            14 "version" => set!(*version, self.text());
            15 "component" => set!(*component, self.text());
            16 "kind" => set!(*kind, self.reader.unsigned().map(kind_of));
        }
        for (key, value) in ["env", "version", "component", "span.kind"]
            .into_iter()
            .zip(promoted)
        {
            if !value.is_empty() {
                span.meta.insert(key, value);
            }
        }
        Ok(())
    }

    fn link(&mut self, link: &mut Link<'a>) -> Result<(), Error> {
        fields! { self:
            1 "traceID" => set!((link.trace_id_high, link.trace_id), self.trace_id().map(halves));
            2 "spanID" => set!(link.span_id, self.reader.unsigned());
            3 "attributes" => self.attributes(&mut Tags(&mut link.attributes));
            4 "tracestate" => set!(link.tracestate, self.text());
            5 "flags" => set!(link.flags, self.reader.unsigned_32());
        }
        Ok(())
    }

    fn event(&mut self, event: &mut Event<'a>) -> Result<(), Error> {
        fields! { self:
            1 "time" => set!(event.time_unix_nano, self.reader.unsigned());
            2 "name" => set!(event.name, self.text());
            3 "attributes" => self.attributes(&mut Events(&mut event.attributes));
        }
        Ok(())
    }

    /// An array of maps; those that are nil are left out.
    fn list<T: Default>(
        &mut self,
        read: fn(&mut Self, &mut T) -> Result<(), Error>,
    ) -> Result<Vec<T>, Error> {
        let count = self.reader.array_len()?;
        let mut values = self.reader.list(count)?;
        for _ in 0..count {
            if !self.reader.nil() {
                let value = self.reader.push(&mut values, count, T::default())?;
                read(self, value)?;
            }
        }
        Ok(values)
    }

    fn text(&mut self) -> Result<Text<'a>, Error> {
        self.texts.read(self.reader)
    }

    fn attributes(&mut self, into: &mut impl Attributes<'a>) -> Result<(), Error> {
        attributes::read(self.reader, &mut self.texts, into)
    }

    /// A time or duration in nanoseconds; what is too large for the model is its largest, which is repaired later.
    fn time(&mut self) -> Result<i64, Error> {
        let nanoseconds = self.reader.unsigned()?;
        Ok(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
    }

    /// Up to 16 bytes, the highest first.
    fn trace_id(&mut self) -> Result<u128, Error> {
        let bytes = self.reader.bytes()?;
        if bytes.len() > size_of::<u128>() {
            return Err(self.reader.error(Reason::WrongLength {
                expected: "at most 16",
                found: bytes.len(),
            }));
        }
        Ok(bytes.iter().fold(0, |id, &byte| id << 8 | u128::from(byte)))
    }
}

/// The upper and the lower half.
fn halves(id: u128) -> (u64, u64) {
    let [high, low] = [id >> 64, id & u128::from(u64::MAX)];
    (
        u64::try_from(high).unwrap_or_default(),
        u64::try_from(low).unwrap_or_default(),
    )
}

/// The tag of a kind of span; those that are not specified, or not known, have none.
fn kind_of(kind: u64) -> Text<'static> {
    Text::Borrowed(match kind {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "",
    })
}
