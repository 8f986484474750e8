//! Bodies of msgpack that no tracer sends, and large ones that one might.

/// An array or map of 32 bits of length.
fn long(marker: u8, count: usize) -> Vec<u8> {
    let mut head = vec![marker];
    head.extend(u32::try_from(count).unwrap().to_be_bytes());
    head
}

/// So many spans without anything, in one chunk.
pub(crate) fn empty_spans(count: usize) -> Vec<u8> {
    let mut body = vec![0x91];
    body.extend(long(0xdd, count));
    body.resize(body.len() + count, 0x80);
    body
}

/// So many chunks without a span.
pub(crate) fn empty_chunks(count: usize) -> Vec<u8> {
    let mut body = long(0xdd, count);
    body.resize(body.len() + count, 0x90);
    body
}

/// Stats with so many groups without anything.
pub(crate) fn empty_groups(count: usize) -> Vec<u8> {
    let mut body = b"\x81\xa5Stats\x91\x81\xa5Stats".to_vec();
    body.extend(long(0xdd, count));
    body.resize(body.len() + count, 0x80);
    body
}

/// Four billion of each thing that has a length, and nothing behind.
pub(crate) fn declared() -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for marker in [0xdb, 0xc6, 0xdd, 0xdf] {
        for before in [&b""[..], b"\x91", b"\x91\x91", b"\x91\x91\x81\xa4meta"] {
            bodies.push([before, &[marker, 0xff, 0xff, 0xff, 0xff]].concat());
        }
    }
    bodies
}

/// So many chunks of so many spans of a server, each with some tags.
pub(crate) fn spans(chunks: usize, spans: usize) -> Vec<u8> {
    let mut body = long(0xdd, chunks);
    for chunk in 1..=chunks {
        body.extend(long(0xdd, spans));
        for index in 1..=spans {
            span(&mut body, chunk as u64, index as u64);
        }
    }
    body
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.push(0xd9);
    body.push(u8::try_from(text.len()).unwrap());
    body.extend(text.as_bytes());
}

fn number(body: &mut Vec<u8>, key: &str, value: u64) {
    text(body, key);
    body.push(0xcf);
    body.extend(value.to_be_bytes());
}

fn span(body: &mut Vec<u8>, trace: u64, index: u64) {
    body.push(0x8a);
    for (key, value) in [
        ("service", "shop"),
        ("name", "web.request"),
        ("resource", "GET /orders"),
        ("type", "web"),
    ] {
        text(body, key);
        text(body, value);
    }
    number(body, "trace_id", trace);
    number(body, "span_id", trace << 32 | index);
    let parent = if index == 1 { 0 } else { trace << 32 | 1 };
    number(body, "parent_id", parent);
    number(body, "start", 1_700_000_000_000_000_000);
    number(body, "duration", 1_000_000);
    text(body, "meta");
    body.push(0x84);
    for (key, value) in [
        ("env", "prod"),
        ("span.kind", "server"),
        ("http.method", "GET"),
        ("http.url", "http://shop.example.com/orders?page=17"),
    ] {
        text(body, key);
        text(body, value);
    }
}
