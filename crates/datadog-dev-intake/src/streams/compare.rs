//! What the logs of the streams would have cost over HTTP.
//!
//! Worked out only when somebody asks, from the batches that are still kept, and a bounded amount each time: whoever
//! watches asks again and again, and an intake that nobody watches compresses nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::store::{Origin, Stored, as_u64};

/// Bytes of JSON that one question compresses at most, the last batch counted in whole.
const MAX_BYTES: u64 = 16 << 20;
/// What an agent compresses with unless told otherwise.
const ZSTD_LEVEL: i32 = 3;

/// Compares batches that were not looked at yet, oldest first; answers how many of those given are left.
pub(crate) fn compare(kept: &[Arc<Stored>]) -> usize {
    let mut spent = 0;
    let mut left = 0;
    for stored in kept {
        let Origin::Batch(batch) = &stored.received.origin else {
            continue;
        };
        if batch.is_compared.load(Ordering::Relaxed) {
            continue;
        }
        if spent >= MAX_BYTES {
            left += 1;
            continue;
        }
        // Two that ask at once must not count a batch twice.
        if batch.is_compared.swap(true, Ordering::Relaxed) {
            continue;
        }
        let array = stored.received.raw.as_deref().unwrap_or_default();
        spent += as_u64(array.len());
        let http_bytes = match stored.received.logs.len() {
            0 => 0,
            _ => zstd::bulk::compress(array, ZSTD_LEVEL).map_or(array.len(), |body| body.len()),
        };
        let mut inner = batch.live.inner();
        let compared = &mut inner.compared;
        compared.batches += 1;
        compared.logs += as_u64(stored.received.logs.len());
        compared.wire_bytes += stored.received.wire_bytes;
        compared.http_bytes += as_u64(http_bytes);
    }
    left
}
