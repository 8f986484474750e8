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
