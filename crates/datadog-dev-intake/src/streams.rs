//! The stateful streams: those that are open, and the last that ended, with their numbers and their state.
//!
//! Decodes what a stream carries with the decoder of the pattern engine, and nothing else of it.
//! Knows nothing of sockets: the server moves the batches, and says how a stream ended.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use datadog_logs_patterns::decoder::{ContentEncoding, Decoder, Error, Limits, Record};
use datadog_logs_patterns::wire::Profile;
use datadog_wire::stateful::METHOD_A;
use serde::Serialize;

use crate::grpc::GrpcStatus;
use crate::problem::{Problems, What};
use crate::record;
use crate::store::as_u64;
use patterns::Sightings;
pub use snapshot::{Compared, EndSnapshot, StateSnapshot, StreamSnapshot};

pub(crate) mod compare;
pub(crate) mod patterns;
mod snapshot;

/// Streams open at once; each may hold a state of 64 MiB.
pub(crate) const MAX_OPEN: usize = 64;
/// Ended streams that are still shown.
const MAX_ENDED: usize = 100;
/// The most that the logs of one batch may grow to; the other limits are the usual ones.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// What is known of a stream as it opens.
pub(crate) struct Opened {
    pub(crate) path: String,
    pub(crate) opened_at_ms: i64,
    pub(crate) api_key: Option<String>,
    /// What `dd-content-encoding` says, understood or not.
    pub(crate) encoding: String,
    pub(crate) is_shadow: bool,
    pub(crate) state_request_bytes: Option<u64>,
}

impl Opened {
    /// `a` or `c`, the generation of the protocol.
    pub(crate) fn wire(&self) -> &'static str {
        match self.profile() {
            Profile::A => "a",
            Profile::C => "c",
        }
    }

    fn profile(&self) -> Profile {
        if self.path == METHOD_A {
            Profile::A
        } else {
            Profile::C
        }
    }
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// With a status of gRPC and its words.
    Status(GrpcStatus, String),
    /// With an answer of HTTP, before it began.
    Http(u16),
    /// Without an answer; in words, why.
    Cut(&'static str),
}

/// One stream, open or ended. Its numbers are read while it runs.
pub(crate) struct Live {
    pub(crate) number: u64,
    pub(crate) opened: Opened,
    /// The number of its record; set as it is recorded.
    request: OnceLock<u64>,
    inner: Mutex<Inner>,
}

/// What changes while a stream runs.
struct Inner {
    /// Gone with the end of the stream.
    decoder: Option<Decoder>,
    sightings: Sightings,
    numbers: Numbers,
    compared: Compared,
    fault: Option<String>,
    problems: Problems,
    ended: Option<(i64, End)>,
}

/// Counts of one stream.
#[derive(Debug, Clone, Copy, Default)]
struct Numbers {
    batches: u64,
    last_batch: Option<u32>,
    last_acked: Option<u32>,
    logs: u64,
    wire_bytes: u64,
    body_bytes: u64,
}

/// What one batch adds to the counts of its stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Added {
    pub(crate) batch_id: u32,
    pub(crate) logs: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) body_bytes: u64,
}

impl Live {
    fn new(number: u64, opened: Opened) -> Self {
        Self {
            number,
            opened,
            request: OnceLock::new(),
            inner: Mutex::new(Inner {
                decoder: None,
                sightings: Sightings::default(),
                numbers: Numbers::default(),
                compared: Compared::default(),
                fault: None,
                problems: Problems::default(),
                ended: None,
            }),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the number of its record; only the first counts.
    pub(crate) fn recorded_as(&self, seq: u64) {
        self.request.get_or_init(|| seq);
    }

    /// The number of its record.
    pub(crate) fn request(&self) -> u64 {
        self.request.get().copied().unwrap_or(0)
    }

    /// Gets ready for batches that are compressed in that way.
    pub(crate) fn begin(&self, encoding: ContentEncoding) {
        let limits = Limits {
            output_bytes: MAX_OUTPUT_BYTES,
            ..Limits::default()
        };
        let decoder = Decoder::new(self.opened.profile(), limits).with_encoding(encoding);
        self.inner().decoder = Some(decoder);
    }

    /// The logs of the next batch. Nothing of it is counted yet.
    ///
    /// # Errors
    /// Whatever is wrong with the batch; the stream is then over.
    pub(crate) fn decode(&self, batch_id: u32, data: &[u8]) -> Result<Vec<Record>, Error> {
        match &mut self.inner().decoder {
            Some(decoder) => decoder.decode(batch_id, data),
            None => Ok(Vec::new()),
        }
    }

    /// Counts a batch that was stored.
    pub(crate) fn took(&self, added: Added, records: &[Record], now_ms: i64) {
        let mut inner = self.inner();
        let Inner {
            decoder,
            sightings,
            numbers,
            ..
        } = &mut *inner;
        numbers.batches += 1;
        numbers.last_batch = Some(added.batch_id);
        numbers.logs += added.logs;
        numbers.wire_bytes += added.wire_bytes;
        numbers.body_bytes += added.body_bytes;
        if let Some(decoder) = decoder {
            sightings.add(records, decoder, now_ms);
        }
    }

    /// Notes an acknowledgement that is on its way.
    pub(crate) fn acked(&self, batch_id: u32) {
        self.inner().numbers.last_acked = Some(batch_id);
    }

    /// Notes what the intake would not like about logs of a batch.
    pub(crate) fn note(&self, batch_id: u32, problems: &[(usize, What)]) {
        let mut inner = self.inner();
        for (log, what) in problems {
            inner.problems.add_to_log(batch_id, *log, *what);
        }
    }

    /// Notes the fault that the script chose.
    pub(crate) fn set_fault(&self, name: String) {
        self.inner().fault = Some(name);
    }

    /// Drops what was defined; the stream goes on.
    pub(crate) fn forget_state(&self) {
        if let Some(decoder) = &mut self.inner().decoder {
            decoder.forget();
        }
    }

    /// What is to be shown of it.
    pub(crate) fn snapshot(&self, now_ms: i64) -> StreamSnapshot {
        let inner = self.inner();
        let numbers = inner.numbers;
        let until = inner.ended.as_ref().map_or(now_ms, |(at_ms, _)| *at_ms);
        let age_ms = until.saturating_sub(self.opened.opened_at_ms);
        StreamSnapshot {
            stream: self.number,
            request: self.request(),
            wire: self.opened.wire(),
            path: self.opened.path.clone(),
            opened_at_ms: self.opened.opened_at_ms,
            age_s: u64::try_from(age_ms / 1_000).unwrap_or(0),
            encoding: self.opened.encoding.clone(),
            api_key: self
                .opened
                .api_key
                .as_deref()
                .map(|key| record::tail(key).to_owned()),
            shadow: self.opened.is_shadow,
            state_request_bytes: self.opened.state_request_bytes,
            fault: inner.fault.clone(),
            batches: numbers.batches,
            last_batch: numbers.last_batch,
            last_acked: numbers.last_acked,
            logs: numbers.logs,
            wire_bytes: numbers.wire_bytes,
            body_bytes: numbers.body_bytes,
            state: inner
                .decoder
                .as_ref()
                .map(StateSnapshot::of)
                .unwrap_or_default(),
            http: inner.compared,
            problems: inner.problems.lines(),
            ended: inner
                .ended
                .as_ref()
                .map(|(at_ms, end)| EndSnapshot::of(*at_ms, end)),
        }
    }
}

/// Numbers only: patterns and logs belong to the user, and the key is a secret.
impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("number", &self.number)
            .field("path", &self.opened.path)
            .finish_non_exhaustive()
    }
}

/// Every stream that is open, and the last that ended.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    last_number: u64,
    open: BTreeMap<u64, Arc<Live>>,
    ended: VecDeque<Arc<Live>>,
}

/// Totals over the open streams, for the summary.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(crate) struct Totals {
    pub(crate) open: usize,
    pub(crate) patterns: usize,
}

impl Streams {
    /// Takes a new stream in, and says whether there was room for it.
    pub(crate) fn open(&mut self, opened: Opened) -> (Arc<Live>, bool) {
        self.last_number += 1;
        let has_room = self.open.len() < MAX_OPEN;
        let live = Arc::new(Live::new(self.last_number, opened));
        self.open.insert(live.number, Arc::clone(&live));
        (live, has_room)
    }

    /// Notes how a stream ended, and forgets its state; only the first end counts.
    ///
    /// Answers whether this was the first.
    pub(crate) fn end(&mut self, live: &Arc<Live>, at_ms: i64, end: End) -> bool {
        if self.open.remove(&live.number).is_none() {
            return false;
        }
        let mut inner = live.inner();
        inner.ended = Some((at_ms, end));
        inner.decoder = None;
        inner.sightings = Sightings::default();
        drop(inner);
        if self.ended.len() == MAX_ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(Arc::clone(live));
        true
    }

    /// Forgets the ended ones.
    pub(crate) fn reset(&mut self) {
        self.ended.clear();
    }

    /// The open ones, oldest first.
    pub(crate) fn opened(&self) -> Vec<Arc<Live>> {
        self.open.values().map(Arc::clone).collect()
    }

    /// All that are shown, in the order in which they opened.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        let mut all: Vec<Arc<Live>> = self
            .ended
            .iter()
            .chain(self.open.values())
            .map(Arc::clone)
            .collect();
        all.sort_unstable_by_key(|live| live.number);
        all
    }

    /// Totals over the open ones.
    pub(crate) fn totals(&self) -> Totals {
        let patterns = |live: &Arc<Live>| {
            let inner = live.inner();
            inner
                .decoder
                .as_ref()
                .map_or(0, |decoder| decoder.pattern_ids().len())
        };
        Totals {
            open: self.open.len(),
            patterns: self.open.values().map(patterns).sum(),
        }
    }
}

/// The bytes of the texts of some logs.
pub(crate) fn body_bytes(records: &[Record]) -> u64 {
    records.iter().map(|record| as_u64(record.body.len())).sum()
}
