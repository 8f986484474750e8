//! Everything that arrived, oldest first, within a budget of bytes; and the counts of all that ever arrived.
//!
//! A log, a series or the like is not stored on its own: it is a range of its request's body, and is evicted with it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hyper::{HeaderMap, Method, Version};

use crate::logs::Facets;
use crate::problem::Problems;
use crate::product::Seen;
use crate::records::{Records, within};
use counts::Counts;
pub(crate) use origin::{Batch, Origin};

pub(crate) mod counts;
pub(crate) mod origin;

/// What a stored request is taken to cost beside its bytes: the structure, its header table and its place in the queue.
const REQUEST_OVERHEAD: usize = 512;

/// A request as it arrived, with what became of it; or a stream, or a batch of one.
pub(crate) struct Received {
    pub(crate) origin: Origin,
    pub(crate) received_at_ms: i64,
    /// The whole key; only its last four characters are ever shown.
    pub(crate) api_key: Option<String>,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    /// The status answered; `None` when there was no answer.
    pub(crate) status: Option<u16>,
    /// The fault that was applied.
    pub(crate) fault: Option<String>,
    /// The body as received, and its length even where it was not kept.
    pub(crate) wire: Bytes,
    pub(crate) wire_bytes: u64,
    /// The body decompressed, if it could be.
    pub(crate) raw: Option<Bytes>,
    /// The value of `Content-Encoding`, `identity` without one.
    pub(crate) encoding: String,
    /// Entries in the body, where they could be counted.
    pub(crate) items: Option<usize>,
    pub(crate) problems: Problems,
    pub(crate) duration_ms: u64,
    /// Where the accepted logs stand in `raw`; empty when the request was refused.
    pub(crate) logs: Vec<Range<u32>>,
    /// The accepted records of any other signal; a body has either these or logs.
    pub(crate) records: Option<Records>,
    /// What was seen of a request that an agent only passes on.
    pub(crate) seen: Option<Seen>,
}

/// Neither bodies nor keys, which the whole store would otherwise print.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("status", &self.status)
            .field("wire_bytes", &self.wire_bytes)
            .finish_non_exhaustive()
    }
}

impl Received {
    /// Length of the decompressed body.
    pub(crate) fn raw_bytes(&self) -> u64 {
        self.raw.as_ref().map_or(0, |raw| as_u64(raw.len()))
    }

    /// How many records it holds beside its own.
    fn record_count(&self) -> u64 {
        as_u64(self.logs.len() + self.records.as_ref().map_or(0, Records::count))
    }

    /// Bytes that keeping this request takes.
    fn cost(&self) -> u64 {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        // An uncompressed body is one buffer under two names.
        let raw = match &self.raw {
            Some(raw) if raw.as_ptr() != self.wire.as_ptr() => raw.len(),
            _ => 0,
        };
        let words =
            self.path.len() + self.query.as_ref().map_or(0, String::len) + self.encoding.len();
        let logs = self.logs.capacity() * size_of::<Range<u32>>();
        let records = self.records.as_ref().map_or(0, Records::cost);
        as_u64(
            REQUEST_OVERHEAD
                + headers
                + raw
                + self.wire.len()
                + words
                + logs
                + records
                + self.seen.as_ref().map_or(0, Seen::cost)
                + self.problems.bytes()
                + self.origin.cost(),
        )
    }
}

/// A request in the store.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Its number; its logs or other records have the numbers after it.
    pub(crate) seq: u64,
    pub(crate) received: Received,
    cost: u64,
}

impl Stored {
    /// The last number that belongs to this request.
    pub(crate) fn last_seq(&self) -> u64 {
        self.seq + self.received.record_count()
    }

    /// The number of the record that its logs belong to: its own, or that of the stream.
    pub(crate) fn request_seq(&self) -> u64 {
        match &self.received.origin {
            Origin::Batch(batch) => batch.live.request(),
            Origin::Request | Origin::Stream(_) => self.seq,
        }
    }

    /// The number of the log, or of the other record, at `index`.
    pub(crate) fn log_seq(&self, index: usize) -> u64 {
        self.seq + 1 + as_u64(index)
    }

    /// The bytes of the record at `index` that is no log.
    pub(crate) fn record_bytes(&self, index: usize) -> &[u8] {
        let records = self.received.records.as_ref();
        let place = records.and_then(|records| records.place(index));
        let rewritten = records.and_then(Records::metrics);
        let rewritten = rewritten.and_then(|metrics| metrics.rewritten.as_deref());
        let body = rewritten.or(self.received.raw.as_deref());
        place
            .zip(body)
            .map_or(&[], |(place, body)| within(body, place))
    }

    /// The JSON text of the log at `index`.
    pub(crate) fn log_text(&self, index: usize) -> &str {
        let text = self.received.logs.get(index).and_then(|range| {
            let body = self.received.raw.as_ref()?;
            body.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
        });
        // The decoder checked the entry's UTF-8 when it found the range.
        text.and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or("{}")
    }
}

/// Records that left the store to make room.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Evicted {
    /// Requests, logs and the like.
    pub(crate) records: u64,
    /// Bytes that they took.
    pub(crate) bytes: u64,
}

/// The requests that are kept, and the counts of all.
#[derive(Debug)]
pub(crate) struct Store {
    keep_bytes: u64,
    kept_bytes: u64,
    last_seq: u64,
    requests: VecDeque<Arc<Stored>>,
    evicted: Evicted,
    /// The highest number that is gone because of the budget.
    evicted_seq: u64,
    counts: Counts,
}

impl Store {
    /// An empty store that keeps at most `keep_bytes`.
    pub(crate) fn new(keep_bytes: u64) -> Self {
        Self {
            keep_bytes,
            kept_bytes: 0,
            last_seq: 0,
            requests: VecDeque::new(),
            evicted: Evicted::default(),
            evicted_seq: 0,
            counts: Counts::default(),
        }
    }

    /// Takes a request in, and lets the oldest go until the budget holds; a request larger than the budget goes at once.
    pub(crate) fn push(&mut self, received: Received, facets: &Facets) -> Arc<Stored> {
        self.counts.add(&received, facets);
        let stored = Arc::new(Stored {
            seq: self.last_seq + 1,
            cost: received.cost(),
            received,
        });
        self.last_seq = stored.last_seq();
        self.kept_bytes += stored.cost;
        self.requests.push_back(Arc::clone(&stored));
        while self.kept_bytes > self.keep_bytes {
            let Some(oldest) = self.requests.pop_front() else {
                break;
            };
            self.kept_bytes -= oldest.cost;
            self.evicted.records += 1 + oldest.received.record_count();
            self.evicted.bytes += oldest.cost;
            self.evicted_seq = oldest.last_seq();
        }
        stored
    }

    /// Forgets every record and count. Numbers go on, so that a reader never meets one twice.
    pub(crate) fn reset(&mut self) {
        self.requests.clear();
        self.kept_bytes = 0;
        self.evicted = Evicted::default();
        self.counts = Counts::default();
    }

    /// The first kept request that has a number above `seq`.
    pub(crate) fn next_after(&self, seq: u64) -> Option<Arc<Stored>> {
        let at = self
            .requests
            .partition_point(|stored| stored.last_seq() <= seq);
        self.requests.get(at).map(Arc::clone)
    }

    /// The kept request or stream with the number `seq`.
    pub(crate) fn request(&self, seq: u64) -> Option<Arc<Stored>> {
        let at = self
            .requests
            .binary_search_by_key(&seq, |stored| stored.seq)
            .ok()?;
        self.requests
            .get(at)
            .filter(|stored| stored.received.origin.is_request())
            .map(Arc::clone)
    }

    /// Every kept request, stream and batch, oldest first.
    pub(crate) fn requests(&self) -> Vec<Arc<Stored>> {
        self.requests.iter().map(Arc::clone).collect()
    }

    /// The number given out last.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The highest number that was evicted, 0 before the first.
    pub(crate) fn evicted_seq(&self) -> u64 {
        self.evicted_seq
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    pub(crate) fn evicted(&self) -> Evicted {
        self.evicted
    }

    pub(crate) fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    pub(crate) fn keep_bytes(&self) -> u64 {
        self.keep_bytes
    }
}

/// A length as a counter.
pub(crate) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
