//! What traces have in common, as a hash: FNV-1a of 32 bits, as all agents compute it.

use crate::span::{Chunk, Span};

use super::core::Signature;

/// FNV-1a of 32 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fnv32(u32);

impl Default for Fnv32 {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Fnv32 {
    pub(super) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }

    pub(super) const fn finish(self) -> u32 {
        self.0
    }
}

/// The signature of a service in an environment.
pub(super) fn of_service(service: &str, env: &str) -> Signature {
    let mut hash = Fnv32::default();
    hash.write(service.as_bytes());
    hash.write(b",");
    hash.write(env.as_bytes());
    hash.finish()
}

/// Whether resources make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Counts,
    Ignored,
}

/// The hash of a span: its service, operation, error, status, and perhaps its resource.
pub(super) fn of_span(span: &Span<'_>, env: &str, resource: Resource) -> u32 {
    let mut hash = Fnv32::default();
    hash.write(env.as_bytes());
    hash.write(span.service.as_bytes());
    hash.write(span.name.as_bytes());
    // The lowest byte, as it is.
    hash.write(&span.error.to_le_bytes()[..1]);
    if resource == Resource::Counts {
        hash.write(span.resource.as_bytes());
    }
    for key in ["http.status_code", "error.type"] {
        hash.write(span.tag(key).unwrap_or_default().as_bytes());
    }
    hash.finish()
}

/// The signature of a trace: of its root, and of the different kinds of spans in it.
///
/// `hashes` is room for the hashes of its spans.
pub(super) fn of_trace(
    chunk: &Chunk<'_>,
    root: usize,
    env: &str,
    hashes: &mut Vec<u32>,
) -> Signature {
    hashes.clear();
    let spans = chunk.spans.iter();
    hashes.extend(spans.map(|span| of_span(span, env, Resource::Ignored)));
    hashes.sort_unstable();
    hashes.dedup();
    let root = chunk.spans.get(root);
    let root = root.map_or(0, |root| of_span(root, env, Resource::Counts));
    hashes.iter().fold(root, |trace, span| trace ^ span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_the_signatures_of_all_agents() {
        assert_eq!(of_service("svc", "env"), 695_037_174);
        assert_eq!(of_service("", ""), 688_690_635);
    }

    #[test]
    fn the_same_span_twice_changes_no_signature() {
        let span = |name: &'static str| Span {
            name: name.into(),
            ..Span::default()
        };
        let of = |names: &[&'static str]| {
            let chunk = Chunk {
                spans: names.iter().map(|name| span(name)).collect(),
                ..Chunk::default()
            };
            of_trace(&chunk, 0, "prod", &mut Vec::new())
        };
        assert_eq!(of(&["a", "b"]), of(&["a", "b", "b"]));
        assert_eq!(of(&["a", "b", "c"]), of(&["a", "c", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["a", "c"]));
        // The root counts with its resource.
        let chunk = |resource: &'static str| Chunk {
            spans: vec![Span {
                resource: resource.into(),
                ..span("a")
            }],
            ..Chunk::default()
        };
        let hash = |chunk| of_trace(&chunk, 0, "prod", &mut Vec::new());
        assert_ne!(hash(chunk("x")), hash(chunk("y")));
    }

    #[test]
    fn errors_and_statuses_make_a_difference_of_spans() {
        let plain = Span::default();
        let mut failed = Span {
            error: 1,
            ..Span::default()
        };
        let hash = |span: &Span<'_>| of_span(span, "", Resource::Ignored);
        assert_ne!(hash(&plain), hash(&failed));
        let before = hash(&failed);
        failed.meta.insert("http.status_code", "500".into());
        assert_ne!(hash(&failed), before);
        let before = hash(&failed);
        failed.meta.insert("error.type", "Timeout".into());
        assert_ne!(hash(&failed), before);
        // FNV-1a of a zero byte: env, service and name are empty.
        assert_eq!(hash(&plain), 0x050c_5d1f);
    }
}
