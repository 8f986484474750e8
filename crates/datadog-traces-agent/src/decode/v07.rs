//! v0.7: a map of the whole payload, with chunks that say their priority and origin.

use super::Error;
use super::msgpack::Reader;
use super::sink::Sink;
use super::v04::{fields, spans, texts};
use crate::span::{Chunk, Payload};

pub(super) fn payload<'a>(
    reader: &mut Reader<'a>,
    sink: &mut dyn Sink<'a>,
) -> Result<Payload<'a>, Error> {
    let mut payload = Payload::default();
    fields! { reader:
        "container_id" => payload.container_id, reader.text();
        "language_name" => payload.language_name, reader.text();
        "language_version" => payload.language_version, reader.text();
        "tracer_version" => payload.tracer_version, reader.text();
        "runtime_id" => payload.runtime_id, reader.text();
        "chunks" => (), chunks(reader, sink);
        "tags" => payload.tags, texts(reader);
        "env" => payload.env, reader.text();
        "hostname" => payload.hostname, reader.text();
        "app_version" => payload.app_version, reader.text();
    }
    Ok(payload)
}

/// Gives chunks away.
fn chunks<'a>(reader: &mut Reader<'a>, sink: &mut dyn Sink<'a>) -> Result<(), Error> {
    let count = reader.array_len()?;
    for index in 1..=count {
        reader.begin_chunk();
        let mut chunk = Chunk {
            priority: 0,
            ..Chunk::default()
        };
        fields! { reader:
            "priority" => chunk.priority, reader.signed_32();
            "origin" => chunk.origin, reader.text();
            "spans" => chunk.spans, spans(reader);
            "tags" => chunk.tags, texts(reader);
            "dropped_trace" => chunk.dropped_trace, reader.boolean();
        }
        reader.give(chunk, sink, index == count)?;
    }
    Ok(())
}
