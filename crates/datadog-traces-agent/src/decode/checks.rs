//! What must hold of any body: run by the fuzz target on bytes it makes up, and by tests.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use std::borrow::Cow;

use super::budget::{Allowance, Budget};
use super::{Encoding, v1, v04, v04_as, v04_json, v05, v07};
use crate::encode;
use crate::normalize::{self, Context, Counts};
use crate::root;
use crate::span::{Map, Payload, Scalar, Text, Value};
use crate::truncate;

/// Decodes what follows a byte that says in which format, and looks at what comes out.
pub fn traces_decode(data: &[u8]) {
    let Some((format, body)) = data.split_first() else {
        return;
    };
    let decoded = match format % 6 {
        0 => v04(body),
        1 => v04_json(body),
        2 => v04_as(body, Encoding::Unknown),
        3 => v05(body),
        4 => v07(body),
        _ => v1(body),
    };
    match decoded {
        Ok(payload) => {
            let (bytes, budget) = (
                memory(&payload),
                Budget::new(body.len(), Allowance::default()).all(),
            );
            assert!(
                bytes <= budget,
                "{bytes} bytes of memory for {}",
                body.len()
            );
            process(payload);
        }
        Err(error) => {
            assert!(error.position() <= body.len(), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Whatever was decoded can be repaired, and written in as many bytes as was said.
fn process(mut payload: Payload<'_>) {
    let context = Context {
        language: "go",
        now: 1_700_000_000_000_000_000,
        component_as_name: true,
    };
    normalize::payload(&mut payload, &context, &mut Counts::default());
    for index in 0..payload.chunks.len() {
        let chunk = &mut payload.chunks[index];
        let Some(root) = root::find(&chunk.spans) else {
            panic!("chunks without spans are dropped");
        };
        root::describe_chunk(chunk, root);
        root::compute_top_level(chunk);
        for span in &mut chunk.spans {
            root::adopt_top_level(span);
            truncate::span(span, truncate::Resources::Usual);
            assert!(span.start.checked_add(span.duration).is_some());
            assert!(!span.service.is_empty() && !span.name.is_empty());
        }
        root::describe_payload(&mut payload, index, root);
    }
    let written = encode::tracer_payload(&payload);
    assert_eq!(written.bytes.len(), encode::encoded_len(&payload));
}

/// The bytes that a payload takes in memory, beside the body, counted by its lengths.
fn memory(payload: &Payload<'_>) -> usize {
    let chunks = payload.chunks.iter().map(|chunk| {
        let spans = chunk.spans.iter().map(|span| {
            let links = span.links.iter().map(|link| map(&link.attributes, text));
            let events = span
                .events
                .iter()
                .map(|event| map(&event.attributes, value));
            let texts = [&span.service, &span.name, &span.resource, &span.kind];
            texts.into_iter().map(text).sum::<usize>()
                + map(&span.meta, text)
                + map(&span.metrics, |_| 0)
                + map(&span.meta_struct, |bytes| match bytes {
                    Cow::Borrowed(_) => 0,
                    Cow::Owned(bytes) => bytes.len(),
                })
                + size_of_val(span.links.as_slice())
                + links.sum::<usize>()
                + size_of_val(span.events.as_slice())
                + events.sum::<usize>()
        });
        size_of_val(chunk.spans.as_slice())
            + spans.sum::<usize>()
            + text(&chunk.origin)
            + map(&chunk.tags, text)
    });
    size_of_val(payload.chunks.as_slice()) + chunks.sum::<usize>() + map(&payload.tags, text)
}

fn map<V>(map: &Map<'_, V>, value: impl Fn(&V) -> usize) -> usize {
    let entries = map.iter();
    entries
        .map(|entry| size_of_val(entry) + text(&entry.0) + value(&entry.1))
        .sum()
}

fn text(text: &Text<'_>) -> usize {
    match text {
        Cow::Borrowed(_) => 0,
        Cow::Owned(text) => text.len(),
    }
}

fn value(value: &Value<'_>) -> usize {
    let scalar = |scalar: &Scalar<'_>| match scalar {
        Scalar::String(string) => text(string),
        _ => 0,
    };
    match value {
        Value::Scalar(value) => scalar(value),
        Value::Array(values) => {
            size_of_val(values.as_slice()) + values.iter().map(scalar).sum::<usize>()
        }
    }
}
