//! A finished body on its way out.

use std::sync::Arc;

use bytes::Bytes;

use crate::Reservation;

/// One request body before compression, with what is needed to account for it.
#[derive(Debug)]
pub struct Payload {
    /// The body before compression.
    pub body: Bytes,
    /// Items in it: entries, spans, points.
    pub items: u64,
    /// The bytes of the pipeline's budget that it holds; shrinks to the compressed size.
    pub reservation: Option<Reservation>,
}

/// How a product halves a body that an intake found too large: the two halves and the items in each, or `None` for
/// one that cannot be halved.
#[derive(Clone)]
pub struct Split(pub Arc<dyn Fn(&Bytes) -> Option<[(Bytes, u64); 2]> + Send + Sync>);

impl std::fmt::Debug for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Split")
    }
}
