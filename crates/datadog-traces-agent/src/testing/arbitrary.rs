//! Payloads made up by chance: all lengths at which formats change their heads, and all types.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::span::{Chunk, Event, Link, Map, Payload, Scalar, Span, Text, Value};

fn text() -> impl Strategy<Value = Text<'static>> {
    prop_oneof![
        8 => "[a-zé_.]{0,8}",
        1 => "\\PC{0,40}",
        1 => (0_usize..300).prop_map(|len| "x".repeat(len)),
        1 => (65_530_usize..65_540).prop_map(|len| "y".repeat(len)),
    ]
    .prop_map(Text::Owned)
}

fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift)
}

fn signed() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift)
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(1.0),
        any::<f64>().prop_filter("equal", |number| !number.is_nan())
    ]
}

fn map<V: std::fmt::Debug>(
    value: impl Strategy<Value = V> + 'static,
) -> impl Strategy<Value = Map<'static, V>> {
    prop_oneof![9 => 0_usize..4, 1 => 14_usize..18]
        .prop_flat_map({
            let entry = (text(), value).boxed();
            move |len| vec(entry.clone(), len)
        })
        .prop_map(Map::from_iter)
}

fn scalar() -> impl Strategy<Value = Scalar<'static>> {
    prop_oneof![
        text().prop_map(Scalar::String),
        any::<bool>().prop_map(Scalar::Bool),
        signed().prop_map(Scalar::Int),
        double().prop_map(Scalar::Double),
    ]
}

fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        3 => scalar().prop_map(Value::Scalar),
        1 => vec(scalar(), 0..3).prop_map(Value::Array),
    ]
}

fn link() -> impl Strategy<Value = Link<'static>> {
    (
        number(),
        number(),
        number(),
        map(text()),
        text(),
        any::<u32>(),
    )
        .prop_map(
            |(trace_id, trace_id_high, span_id, attributes, tracestate, flags)| Link {
                trace_id,
                trace_id_high,
                span_id,
                attributes,
                tracestate,
                flags,
            },
        )
}

fn event() -> impl Strategy<Value = Event<'static>> {
    (number(), text(), map(value())).prop_map(|(time_unix_nano, name, attributes)| Event {
        time_unix_nano,
        name,
        attributes,
    })
}

pub(crate) fn span() -> impl Strategy<Value = Span<'static>> {
    let texts = (text(), text(), text(), text());
    let numbers = (
        number(),
        number(),
        number(),
        signed(),
        signed(),
        any::<i32>(),
    );
    let bytes = vec(any::<u8>(), 0..20).prop_map(Into::into);
    let maps = (map(text()), map(double()), map(bytes));
    (texts, numbers, maps, vec(link(), 0..2), vec(event(), 0..2)).prop_map(
        |(
            (service, name, resource, kind),
            (trace_id, span_id, parent_id, start, duration, error),
            (meta, metrics, meta_struct),
            links,
            events,
        )| Span {
            service,
            name,
            resource,
            kind,
            trace_id,
            span_id,
            parent_id,
            start,
            duration,
            error,
            meta,
            metrics,
            meta_struct,
            links,
            events,
        },
    )
}

fn chunk() -> impl Strategy<Value = Chunk<'static>> {
    let spans = vec(span(), 0..3);
    (any::<i32>(), text(), spans, map(text()), any::<bool>()).prop_map(
        |(priority, origin, spans, tags, dropped_trace)| Chunk {
            priority,
            origin,
            spans,
            tags,
            dropped_trace,
        },
    )
}

/// A payload with everything in it that the model has.
pub(crate) fn payload() -> impl Strategy<Value = Payload<'static>> {
    let texts = proptest::array::uniform8(text());
    (texts, vec(chunk(), 0..3), map(text())).prop_map(|(texts, chunks, tags)| {
        let [
            container_id,
            language_name,
            language_version,
            tracer_version,
            runtime_id,
            env,
            hostname,
            app_version,
        ] = texts;
        Payload {
            container_id,
            language_name,
            language_version,
            tracer_version,
            runtime_id,
            chunks,
            tags,
            env,
            hostname,
            app_version,
        }
    })
}
