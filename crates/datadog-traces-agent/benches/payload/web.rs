//! The body that benches take: 100 chunks of 10 spans of a web service, with 10 tags and 3 numeric ones each.

use crate::span::{Chunk, Payload, Span, Text};

/// Chunks in a body.
pub(crate) const CHUNKS: u64 = 100;
/// Spans in a chunk.
pub(crate) const SPANS: u64 = 10;
/// The time of all spans, in nanoseconds since 1970.
pub(crate) const NOW: i64 = 1_700_000_000_000_000_000;

pub(crate) fn payload() -> Payload<'static> {
    let chunks = (1..=CHUNKS).map(|trace| Chunk {
        priority: 1,
        spans: (1..=SPANS).map(|index| web_span(trace, index)).collect(),
        ..Chunk::default()
    });
    Payload {
        language_name: "python".into(),
        chunks: chunks.collect(),
        ..Payload::default()
    }
}

/// The span of a request, or of what was done for it.
fn web_span(trace: u64, index: u64) -> Span<'static> {
    let id = (trace * SPANS + index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let first = (trace * SPANS + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut span = Span {
        service: "shop-checkout".into(),
        name: "web.request".into(),
        resource: format!("GET /cart/items/{}", index % 4).into(),
        trace_id: trace.wrapping_mul(0xd134_2543_de82_ef95),
        span_id: id,
        parent_id: if index == 1 { 0 } else { first },
        start: NOW + i64::try_from(trace * 1_000_000 + index * 1_000).unwrap_or(0),
        duration: 1_234_567,
        kind: "web".into(),
        ..Span::default()
    };
    for (key, value) in [
        ("env", "prod".to_owned()),
        ("version", "1.42.0".to_owned()),
        ("component", "flask".to_owned()),
        ("span.kind", "server".to_owned()),
        ("http.method", "GET".to_owned()),
        ("http.status_code", "200".to_owned()),
        (
            "http.url",
            format!("https://shop.example.com/cart/items/{id}?page=2"),
        ),
        (
            "http.useragent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36".to_owned(),
        ),
        ("runtime-id", "8c2d4b9a3f6e4d1f9b7a5c3e1d0f2a4b".to_owned()),
        ("usr.id", format!("user-{}", id % 10_000)),
    ] {
        span.meta.push(key, Text::from(value));
    }
    for (key, value) in [
        ("_sampling_priority_v1", 1.0),
        ("process_id", 4_242.0),
        ("_dd.agent_psr", 1.0),
    ] {
        span.metrics.push(key, value);
    }
    span
}
