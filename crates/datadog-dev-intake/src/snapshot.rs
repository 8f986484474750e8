//! What is kept at one moment, decoded for tests.

use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::{Map, Value};

use crate::logs::Entry;
pub use crate::product::Part;
use crate::record;
use crate::server::{Shared, now_ms};
use crate::store::{Batch, Origin, Stored};
pub use metrics::{CheckRecord, EventRecord, SeriesRecord, SketchBucket, SketchRecord};

pub use security::SecurityRecord;
pub use traces::{StatsRecord, TraceRecord};

mod metrics;
mod security;
mod traces;

/// One log as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// Its number among all records.
    pub seq: u64,
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// The last four characters of the key that came with it.
    pub api_key: Option<String>,
    /// The path that it was sent to.
    pub endpoint: String,
    /// The number of its request, or of its stream.
    pub request: u64,
    /// What is known of it because it came over a stream; `None` for a log over HTTP.
    pub stream: Option<StreamLog>,
    /// The message; its JSON text if it is no string, and empty if there is none.
    pub message: String,
    /// The entry's JSON text: exactly as it was sent, or written anew for a log of a stream.
    pub text: String,
    /// The entry; of a key that was sent twice, the last value. Empty when no [`Value`] can hold it, as with a number
    /// beyond every float.
    pub entry: Map<String, Value>,
}

impl LogRecord {
    /// The text of a key whose value is a string.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entry.get(key).and_then(Value::as_str)
    }
}

/// What is known of a log because it came over a stateful stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamLog {
    /// The number of the stream.
    pub stream: u64,
    /// The batch that held it.
    pub batch_id: u32,
    /// The pattern that it was rebuilt from; `None` for a text that was sent as it is.
    pub pattern_id: Option<u64>,
    /// What tells apart two copies of a log.
    pub uuid: Option<String>,
    /// The generation of the protocol, `a` or `c`.
    pub wire: &'static str,
    /// Whether the stream was one whose logs are only to be compared.
    pub shadow: bool,
    /// The exact text, where it is not UTF-8.
    pub body: Option<Vec<u8>>,
}

/// One batch of a stateful stream as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRecord {
    /// The number of the stream.
    pub stream: u64,
    /// The number of the batch in its stream.
    pub batch_id: u32,
    /// The `StatefulBatch`, without the frame around it.
    pub message: Bytes,
    /// Logs in it.
    pub logs: usize,
}

/// One request as it arrived, or a stream as it is now.
#[derive(Debug, Clone)]
pub struct RequestRecord {
    /// Its number among all records.
    pub seq: u64,
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// `POST` and so on.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, undecoded.
    pub query: Option<String>,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub http_version: String,
    /// The headers as sent, the key included.
    pub headers: HeaderMap,
    /// The body as received; empty for a stream.
    pub wire_body: Bytes,
    /// The body decompressed; empty when that failed, and for a stream.
    pub body: Bytes,
    /// Entries in the body, where they could be counted; the logs of a stream.
    pub items: Option<usize>,
    /// The status of HTTP answered, `None` when there was no answer.
    pub status: Option<u16>,
    /// The fault that was applied.
    pub fault: Option<String>,
    /// What was wrong with it.
    pub problems: Vec<String>,
    /// Whom it is for, where an agent only passes it on: `profiling`, `telemetry`, `debugger`, `pipeline_stats`,
    /// `lineage`, `flare`, `remote_config`, or `evp` for anything else that names an agent in `Via`.
    pub product: Option<&'static str>,
    /// The parts of the body of such a request, if it has some.
    pub parts: Vec<Part>,
    /// Of telemetry, what it is about; of a batch, then what each message in it is about.
    pub request_types: Vec<String>,
}

impl RequestRecord {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What is kept at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    requests: Vec<Arc<Stored>>,
}

impl Snapshot {
    pub(crate) fn take(shared: &Shared) -> Self {
        Self {
            requests: shared.store().requests(),
        }
    }

    /// Every accepted log, in the order of arrival.
    #[must_use]
    pub fn logs(&self) -> Vec<LogRecord> {
        self.each_log()
            .map(|(stored, index)| log_record(stored, index))
            .collect()
    }

    /// The message of every accepted log, in the order of arrival.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.each_log()
            .map(|(stored, index)| message(stored.log_text(index)))
            .collect()
    }

    /// How many accepted logs there are, without decoding them.
    #[must_use]
    pub fn log_count(&self) -> usize {
        self.requests
            .iter()
            .map(|stored| stored.received.logs.len())
            .sum()
    }

    /// How many requests and streams `path` got, refused and faulted ones included.
    #[must_use]
    pub fn requests(&self, path: &str) -> usize {
        self.each_request()
            .filter(|stored| stored.received.path == path)
            .count()
    }

    /// Every request and stream, in the order of arrival.
    #[must_use]
    pub fn raw_requests(&self) -> Vec<RequestRecord> {
        self.each_request().map(request_record).collect()
    }

    /// Every batch of a stateful stream that was taken, in the order of arrival.
    #[must_use]
    pub fn batches(&self) -> Vec<BatchRecord> {
        let records = self.requests.iter();
        records
            .filter_map(|stored| match &stored.received.origin {
                Origin::Batch(batch) => Some(batch_record(stored, batch)),
                Origin::Request | Origin::Stream(_) => None,
            })
            .collect()
    }

    fn each_request(&self) -> impl Iterator<Item = &Stored> {
        let records = self.requests.iter().map(|stored| &**stored);
        records.filter(|stored| stored.received.origin.is_request())
    }

    fn each_log(&self) -> impl Iterator<Item = (&Stored, usize)> {
        self.requests
            .iter()
            .flat_map(|stored| (0..stored.received.logs.len()).map(move |index| (&**stored, index)))
    }
}

fn message(text: &str) -> String {
    Entry::parse(text, |_| ()).map_or_else(|_| String::new(), |entry| entry.message().into_owned())
}

/// What every record says of its arrival.
struct Head {
    seq: u64,
    received_at_ms: i64,
    api_key: Option<String>,
    endpoint: String,
    request: u64,
}

impl Head {
    fn of(stored: &Stored, index: usize) -> Self {
        let received = &stored.received;
        let api_key = received.api_key.as_deref();
        Self {
            seq: stored.log_seq(index),
            received_at_ms: received.received_at_ms,
            api_key: api_key.map(|key| record::tail(key).to_owned()),
            endpoint: received.path.clone(),
            request: stored.request_seq(),
        }
    }
}

fn log_record(stored: &Stored, index: usize) -> LogRecord {
    let text = stored.log_text(index);
    let head = Head::of(stored, index);
    LogRecord {
        seq: head.seq,
        received_at_ms: head.received_at_ms,
        api_key: head.api_key,
        endpoint: head.endpoint,
        request: head.request,
        stream: stream_log(stored, index),
        message: message(text),
        text: text.to_owned(),
        entry: serde_json::from_str(text).unwrap_or_default(),
    }
}

fn stream_log(stored: &Stored, index: usize) -> Option<StreamLog> {
    let Origin::Batch(batch) = &stored.received.origin else {
        return None;
    };
    let note = batch.logs.get(index);
    Some(StreamLog {
        stream: batch.live.number,
        batch_id: batch.batch_id,
        pattern_id: note.and_then(|note| note.pattern),
        uuid: note.and_then(|note| note.uuid.as_deref().map(str::to_owned)),
        wire: batch.live.opened.wire(),
        shadow: batch.live.opened.is_shadow,
        body: note.and_then(|note| note.exact.as_deref().map(<[u8]>::to_vec)),
    })
}

fn batch_record(stored: &Stored, batch: &Batch) -> BatchRecord {
    BatchRecord {
        stream: batch.live.number,
        batch_id: batch.batch_id,
        message: stored.received.wire.clone(),
        logs: stored.received.logs.len(),
    }
}

fn request_record(stored: &Stored) -> RequestRecord {
    let mut record = plain_record(stored);
    if let Origin::Stream(live) = &stored.received.origin {
        let now = live.snapshot(now_ms());
        if let Some(end) = &now.ended {
            record.status = end.http_status;
        }
        record.items = usize::try_from(now.logs).ok();
        record.fault = now.fault;
        record.problems = now.problems;
    }
    record
}

fn plain_record(stored: &Stored) -> RequestRecord {
    let received = &stored.received;
    let seen = received.seen.as_ref();
    RequestRecord {
        seq: stored.seq,
        received_at_ms: received.received_at_ms,
        method: received.method.to_string(),
        path: received.path.clone(),
        query: received.query.clone(),
        http_version: format!("{:?}", received.version),
        headers: received.headers.clone(),
        wire_body: received.wire.clone(),
        body: received.raw.clone().unwrap_or_default(),
        items: received.items,
        status: received.status,
        fault: received.fault.clone(),
        problems: received.problems.lines(),
        product: seen.map(|seen| seen.product.name()),
        parts: seen.map_or_else(Vec::new, |seen| seen.parts.clone()),
        request_types: seen.map_or_else(Vec::new, |seen| seen.request_types.clone()),
    }
}
