//! A finished body on its way out.

use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;

use crate::{Encoding, Reservation};

/// One request body, with what is needed to account for it.
#[derive(Debug)]
pub struct Payload {
    /// The body, before compression unless `compressed` says otherwise.
    pub body: Bytes,
    /// Items in it: entries, spans, points.
    pub items: u64,
    /// The bytes of the pipeline's budget that it holds; shrinks to the compressed size.
    pub reservation: Option<Reservation>,
    /// Where it goes and what it is, for a product with several kinds of bodies. Default: what the configuration says.
    pub form: Option<Arc<Form>>,
    /// How the body was compressed by its product, which had to know its size. Default: it was not.
    pub compressed: Option<Compressed>,
}

/// One kind of body of a product that has several, which share endpoints, queues and keys.
#[derive(Debug, Clone)]
pub struct Form {
    /// The path of its intake, with its first slash; goes behind that of the endpoint's URL.
    pub path: &'static str,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Headers besides those of its endpoint.
    pub headers: HeaderMap,
    /// How such a body is halved.
    pub split: Split,
}

/// What a body is that comes compressed. An endpoint that takes another encoding gets it in that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compressed {
    /// What it is encoded in.
    pub encoding: Encoding,
    /// Bytes before compression.
    pub raw_len: usize,
}

impl Payload {
    /// A body before compression, of the product's only kind.
    #[must_use]
    pub const fn from_body(body: Bytes, items: u64) -> Self {
        Self {
            body,
            items,
            reservation: None,
            form: None,
            compressed: None,
        }
    }

    /// Bytes before compression.
    pub(crate) fn raw_len(&self) -> usize {
        self.compressed.map_or(self.body.len(), |it| it.raw_len)
    }
}

/// How a product halves a body that an intake found too large: the two halves and the items in each, or `None` for
/// one that cannot be halved. Halves whose items do not add up to those of the whole count as `None`.
#[derive(Clone)]
pub struct Split(pub Arc<Halve>);

/// Halves a body, on a thread that may block.
pub type Halve = dyn Fn(&Bytes) -> Option<[Half; 2]> + Send + Sync;

/// The half of a body, and the items in it.
pub type Half = (Bytes, u64);

impl std::fmt::Debug for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Split")
    }
}
