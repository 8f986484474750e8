//! Chunks that outlive the body they came in: every text copied, and what they take counted.

use std::borrow::Cow;

use super::{Chunk, Event, Link, Map, Payload, Scalar, Span, Text, Value};

impl<'a> Payload<'a> {
    /// The same without chunks.
    pub(crate) fn head(&self) -> Self {
        Self {
            container_id: self.container_id.clone(),
            language_name: self.language_name.clone(),
            language_version: self.language_version.clone(),
            tracer_version: self.tracer_version.clone(),
            runtime_id: self.runtime_id.clone(),
            chunks: Vec::new(),
            tags: self.tags.clone(),
            env: self.env.clone(),
            hostname: self.hostname.clone(),
            app_version: self.app_version.clone(),
        }
    }

    /// The same, which borrows nothing.
    pub(crate) fn into_owned(self) -> Payload<'static> {
        Payload {
            container_id: text(self.container_id),
            language_name: text(self.language_name),
            language_version: text(self.language_version),
            tracer_version: text(self.tracer_version),
            runtime_id: text(self.runtime_id),
            chunks: self.chunks.into_iter().map(chunk).collect(),
            tags: map(self.tags, text),
            env: text(self.env),
            hostname: text(self.hostname),
            app_version: text(self.app_version),
        }
    }

    /// Bytes that it takes when it borrows nothing.
    pub(crate) fn owned_bytes(&self) -> usize {
        let texts = [
            &self.container_id,
            &self.language_name,
            &self.language_version,
            &self.tracer_version,
            &self.runtime_id,
            &self.env,
            &self.hostname,
            &self.app_version,
        ];
        size_of::<Self>()
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + map_bytes(&self.tags, |value| value.len())
            + self.chunks.iter().map(chunk_bytes).sum::<usize>()
    }
}

fn text(text: Text<'_>) -> Text<'static> {
    Cow::Owned(text.into_owned())
}

fn map<'a, V, W>(map: Map<'a, V>, own: impl Fn(V) -> W) -> Map<'static, W> {
    let entries = map.0.into_iter();
    Map(entries
        .map(|(key, value)| (text(key), own(value)))
        .collect())
}

fn chunk(chunk: Chunk<'_>) -> Chunk<'static> {
    Chunk {
        priority: chunk.priority,
        origin: text(chunk.origin),
        spans: chunk.spans.into_iter().map(span).collect(),
        tags: map(chunk.tags, text),
        dropped_trace: chunk.dropped_trace,
    }
}

fn span(span: Span<'_>) -> Span<'static> {
    Span {
        service: text(span.service),
        name: text(span.name),
        resource: text(span.resource),
        kind: text(span.kind),
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_id: span.parent_id,
        start: span.start,
        duration: span.duration,
        error: span.error,
        meta: map(span.meta, text),
        metrics: map(span.metrics, |number| number),
        meta_struct: map(span.meta_struct, |bytes| Cow::Owned(bytes.into_owned())),
        links: span.links.into_iter().map(link).collect(),
        events: span.events.into_iter().map(event).collect(),
    }
}

fn link(link: Link<'_>) -> Link<'static> {
    Link {
        trace_id: link.trace_id,
        trace_id_high: link.trace_id_high,
        span_id: link.span_id,
        attributes: map(link.attributes, text),
        tracestate: text(link.tracestate),
        flags: link.flags,
    }
}

fn event(event: Event<'_>) -> Event<'static> {
    Event {
        time_unix_nano: event.time_unix_nano,
        name: text(event.name),
        attributes: map(event.attributes, value),
    }
}

fn value(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Scalar(one) => Value::Scalar(scalar(one)),
        Value::Array(several) => Value::Array(several.into_iter().map(scalar).collect()),
    }
}

fn scalar(scalar: Scalar<'_>) -> Scalar<'static> {
    match scalar {
        Scalar::String(it) => Scalar::String(text(it)),
        Scalar::Bool(it) => Scalar::Bool(it),
        Scalar::Int(it) => Scalar::Int(it),
        Scalar::Double(it) => Scalar::Double(it),
    }
}

fn map_bytes<V>(map: &Map<'_, V>, of: impl Fn(&V) -> usize) -> usize {
    let entries = map.iter();
    map.0.capacity() * size_of::<(Text<'_>, V)>()
        + entries
            .map(|(key, value)| key.len() + of(value))
            .sum::<usize>()
}

fn chunk_bytes(chunk: &Chunk<'_>) -> usize {
    size_of::<Chunk<'_>>()
        + chunk.origin.len()
        + map_bytes(&chunk.tags, |value| value.len())
        + chunk.spans.capacity() * size_of::<Span<'_>>()
        + chunk.spans.iter().map(span_bytes).sum::<usize>()
}

fn span_bytes(span: &Span<'_>) -> usize {
    let texts = [&span.service, &span.name, &span.resource, &span.kind];
    texts.iter().map(|text| text.len()).sum::<usize>()
        + map_bytes(&span.meta, |value| value.len())
        + map_bytes(&span.metrics, |_| 0)
        + map_bytes(&span.meta_struct, |value| value.len())
        + span.links.capacity() * size_of::<Link<'_>>()
        + span.links.iter().map(link_bytes).sum::<usize>()
        + span.events.capacity() * size_of::<Event<'_>>()
        + span.events.iter().map(event_bytes).sum::<usize>()
}

fn link_bytes(link: &Link<'_>) -> usize {
    link.tracestate.len() + map_bytes(&link.attributes, |value| value.len())
}

fn event_bytes(event: &Event<'_>) -> usize {
    let of = |scalar: &Scalar<'_>| match scalar {
        Scalar::String(text) => text.len(),
        Scalar::Bool(_) | Scalar::Int(_) | Scalar::Double(_) => 0,
    };
    event.name.len()
        + map_bytes(&event.attributes, |value| match value {
            Value::Scalar(one) => of(one),
            Value::Array(several) => {
                several.capacity() * size_of::<Scalar<'_>>() + several.iter().map(of).sum::<usize>()
            }
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::arbitrary;

    proptest! {
        #[test]
        fn what_is_owned_is_the_same_and_borrows_nothing(payload in arbitrary::payload()) {
            let owned = payload.clone().into_owned();
            prop_assert_eq!(&owned, &payload);
            prop_assert_eq!(owned.head(), Payload { chunks: Vec::new(), ..payload });
            let is_owned = |text: &Text<'_>| matches!(text, Cow::Owned(_));
            for span in owned.chunks.iter().flat_map(|chunk| &chunk.spans) {
                prop_assert!(is_owned(&span.service) && is_owned(&span.resource));
                prop_assert!(span.meta.iter().all(|(key, value)| is_owned(key) && is_owned(value)));
            }
        }
    }

    #[test]
    fn every_text_and_every_entry_counts() {
        let empty = Payload::default().owned_bytes();
        let event = Event {
            name: "name".into(),
            attributes: Map(vec![(
                "a".into(),
                Value::Array(vec![Scalar::String("text".into())]),
            )]),
            ..Event::default()
        };
        let span = Span {
            meta: Map(vec![("key".into(), "value".into())]),
            events: vec![event],
            ..Span::default()
        };
        let payload = Payload {
            env: "prod".into(),
            chunks: vec![Chunk {
                origin: "lambda".into(),
                spans: vec![span],
                ..Chunk::default()
            }],
            ..Payload::default()
        };
        let texts = "key".len() + "value".len() + "name".len() + "a".len() + "text".len();
        let places = size_of::<Chunk<'_>>()
            + size_of::<Span<'_>>()
            + size_of::<(Text<'_>, Text<'_>)>()
            + size_of::<Event<'_>>()
            + size_of::<(Text<'_>, Value<'_>)>()
            + size_of::<Scalar<'_>>();
        let all = empty + "prod".len() + "lambda".len() + texts + places;
        assert_eq!(payload.owned_bytes(), all);
    }
}
