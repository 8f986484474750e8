//! The three ways that the same entries can travel: JSON arrays, each compressed alone; the same arrays through one
//! zstd stream; and the stateful stream. The first and the last have a clock of their own.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use datadog_agent_native::logs::{
    Aggregator, BatchLimits, EmptyLines, Enrichment, EntryLimits, Oversize, Processor, Rules,
};
use rustix::time::{ClockId, clock_gettime};

use super::engine::{Engine, Json, Wire};
use super::lines::Entry;

/// Bytes of a request's JSON, at most.
pub(super) const REQUEST_BYTES: usize = 5_000_000;

/// What every entry has beside its text and its time.
pub(super) const HOSTNAME: &str = "i-0a1b2c3d4e5f60718";
pub(super) const SERVICE: &str = "checkout";
pub(super) const SOURCE: &str = "app";
pub(super) const STATUS: &str = "info";
pub(super) const TAGS: [&str; 5] = [
    "env:prod",
    "version:1.4.2",
    "team:shop",
    "region:eu-west-1",
    "cluster:main",
];

/// Bytes that any entry has around its text, generously.
const FRAME_BYTES: usize = 512;
/// Bytes that one byte of text takes in JSON, at most.
const MAX_ESCAPE: usize = 6;
/// Bytes of gRPC before a message: whether it is compressed, and its length.
const GRPC_PREFIX: usize = 5;

/// Time that this thread has had a processor: unlike that of a clock on the wall it leaves out what other programs
/// take of a busy machine.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// JSON arrays as the HTTP pipeline makes them, by its own code.
pub(super) struct Http {
    processor: Processor,
    aggregator: Aggregator,
    compressor: zstd::bulk::Compressor<'static>,
    /// Bytes after compression.
    pub(super) bytes: u64,
    /// Processor time from lines to compressed arrays.
    pub(super) time: Duration,
}

impl Http {
    pub(super) fn new(level: i32) -> anyhow::Result<Self> {
        Ok(Self {
            processor: processor(),
            aggregator: Aggregator::new(BatchLimits {
                entries: usize::MAX,
                bytes: REQUEST_BYTES,
            }),
            compressor: zstd::bulk::Compressor::new(level)?,
            bytes: 0,
            time: Duration::ZERO,
        })
    }

    /// How many of the entries one request can hold; never 0 of some.
    pub(super) fn fitting(&self, entries: &[Entry<'_>]) -> usize {
        let text: usize = entries.iter().map(|entry| entry.body.len()).sum();
        if text * MAX_ESCAPE + entries.len() * FRAME_BYTES <= REQUEST_BYTES {
            return entries.len();
        }
        let (block, _) = self.processor.timed_lines(timed(entries), EmptyLines::Keep);
        let mut bytes = 1;
        let mut fits = |length: usize| {
            bytes += length + 1;
            bytes <= REQUEST_BYTES
        };
        let fitting = block
            .iter()
            .map(|entry| entry.len())
            .take_while(|&length| fits(length));
        fitting.count().max(1).min(entries.len())
    }

    /// Sends the entries of one request; returns its body before compression.
    pub(super) fn send(&mut self, entries: &[Entry<'_>]) -> anyhow::Result<Bytes> {
        let begin = processor_time();
        let (block, _) = self.processor.timed_lines(timed(entries), EmptyLines::Keep);
        self.aggregator.push(block);
        let batch = self.aggregator.take().context("no entry in a batch")?;
        let compressed = self.compressor.compress(&batch.body)?;
        self.time += processor_time().saturating_sub(begin);
        ensure!(
            batch.entries as usize == entries.len() && self.aggregator.is_empty(),
            "a batch of {} entries became a request of {}",
            entries.len(),
            batch.entries
        );
        self.bytes += compressed.len() as u64;
        Ok(batch.body)
    }
}

fn timed<'a>(entries: &'a [Entry<'a>]) -> impl Iterator<Item = (&'a [u8], i64)> {
    entries.iter().map(|entry| (entry.body, entry.timestamp_ms))
}

fn processor() -> Processor {
    let text = |text: &str| Some(text.to_owned());
    Processor {
        rules: Rules::default(),
        enrichment: Enrichment {
            hostname: text(HOSTNAME),
            service: text(SERVICE),
            ddsource: text(SOURCE),
            tags: TAGS.map(str::to_owned).to_vec(),
            status: text(STATUS),
        },
        // What is too long was cut before, for all three ways alike.
        limits: EntryLimits {
            message_bytes: REQUEST_BYTES,
            entry_bytes: REQUEST_BYTES,
            oversize: Oversize::Send,
        },
    }
}

/// JSON arrays through one zstd stream that stays open.
pub(super) struct ZstdStream {
    stream: zstd::stream::write::Encoder<'static, Counter>,
}

impl ZstdStream {
    pub(super) fn new(level: i32) -> anyhow::Result<Self> {
        let stream = zstd::stream::write::Encoder::new(Counter(0), level)?;
        Ok(Self { stream })
    }

    /// Sends an array so that all of it can be read at the other end.
    pub(super) fn send(&mut self, body: &[u8]) -> io::Result<()> {
        self.stream.write_all(body)?;
        self.stream.flush()
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.stream.get_ref().0
    }
}

/// Counts what is written.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The stateful stream.
pub(super) struct Stateful {
    /// What learns the patterns.
    pub(super) engine: Engine,
    compressor: zstd::bulk::Compressor<'static>,
    batch_id: u32,
    sequence: Vec<u8>,
    message: Vec<u8>,
    clusters: Vec<u64>,
    /// Bytes of all messages, each with what gRPC puts before it.
    pub(super) bytes: u64,
    /// Processor time from lines to messages.
    pub(super) time: Duration,
}

/// A batch of the stateful stream, with what led to it.
pub(super) struct Sent<'a> {
    /// Its id.
    pub(super) batch_id: u32,
    /// Its datums before compression.
    pub(super) sequence: &'a [u8],
    /// Its datums as they travel.
    pub(super) compressed: Vec<u8>,
    /// The cluster of each entry.
    pub(super) clusters: &'a [u64],
}

impl Stateful {
    pub(super) fn new(wire: Wire, json: Json, level: i32) -> anyhow::Result<Self> {
        Ok(Self {
            engine: Engine::new(wire, json),
            compressor: zstd::bulk::Compressor::new(level)?,
            batch_id: 0,
            sequence: Vec::new(),
            message: Vec::new(),
            clusters: Vec::new(),
            bytes: 0,
            time: Duration::ZERO,
        })
    }

    /// Sends the entries as one batch.
    pub(super) fn send(&mut self, entries: &[Entry<'_>]) -> anyhow::Result<Sent<'_>> {
        let now_ms = entries.last().map_or(0, |entry| entry.timestamp_ms);
        self.sequence.clear();
        self.message.clear();
        self.clusters.clear();
        self.batch_id += 1;

        let begin = processor_time();
        for entry in entries {
            self.clusters.push(self.engine.push(entry));
        }
        self.engine.seal(now_ms, &mut self.sequence);
        let compressed = self.compressor.compress(&self.sequence)?;
        write_message(self.batch_id, &compressed, &mut self.message);
        self.time += processor_time().saturating_sub(begin);

        self.bytes += self.message.len() as u64;
        Ok(Sent {
            batch_id: self.batch_id,
            sequence: &self.sequence,
            compressed,
            clusters: &self.clusters,
        })
    }
}

/// Appends a `StatefulBatch` (1: id, 2: data) behind its prefix of gRPC.
fn write_message(batch_id: u32, data: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; GRPC_PREFIX]);
    out.push(0x08);
    write_varint(u64::from(batch_id), out);
    out.push(0x12);
    write_varint(data.len() as u64, out);
    out.extend_from_slice(data);
    let length = u32::try_from(out.len() - start - GRPC_PREFIX).unwrap_or(u32::MAX);
    out[start + 1..start + GRPC_PREFIX].copy_from_slice(&length.to_be_bytes());
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &[u8]) -> Entry<'_> {
        Entry {
            body,
            timestamp_ms: 1_700_000_000_000,
            begins_line: true,
        }
    }

    #[test]
    fn a_request_is_what_the_pipeline_sends() {
        let mut http = Http::new(3).unwrap();
        let body = http.send(&[entry(b"a"), entry(b"\xFF\"")]).unwrap();
        let rest = r#""timestamp":1700000000000,"hostname":"i-0a1b2c3d4e5f60718","service":"checkout","ddsource":"app","ddtags":"env:prod,version:1.4.2,team:shop,region:eu-west-1,cluster:main","status":"info"}"#;
        let expected =
            format!("[{{\"message\":\"a\",{rest},{{\"message\":\"\u{FFFD}\\\"\",{rest}]");
        assert_eq!(body, expected.as_bytes());
        assert_eq!(
            zstd::bulk::compress(&body, 3).unwrap().len() as u64,
            http.bytes
        );
    }

    #[test]
    fn a_request_ends_at_the_limit_of_its_bytes() {
        let http = Http::new(3).unwrap();
        let frame = Http::new(3).unwrap().send(&[entry(b"")]).unwrap().len() - 2;
        // Six entries with five commas in two brackets: `short` of the limit each, so that they just fit or do not.
        let fit = (REQUEST_BYTES - 2 - 5) / 6 - frame;
        let exact = vec![b'x'; fit];
        assert_eq!(http.fitting(&vec![entry(&exact); 7]), 6);
        let more = vec![b'x'; fit + 1];
        assert_eq!(http.fitting(&vec![entry(&more); 7]), 5);
        let escapes = vec![1; 800_000];
        assert_eq!(http.fitting(&[entry(&escapes), entry(b"a")]), 2);
        assert_eq!(
            http.fitting(&[entry(b"a"), entry(&escapes), entry(&escapes)]),
            2
        );
        assert_eq!(http.fitting(&[]), 0);
    }

    #[test]
    fn a_message_counts_with_its_frame() {
        let mut message = Vec::new();
        write_message(300, b"abc", &mut message);
        assert_eq!(message, b"\0\0\0\0\x08\x08\xAC\x02\x12\x03abc");
    }

    #[test]
    fn a_stream_remembers_what_it_has_sent() {
        let mut stream = ZstdStream::new(3).unwrap();
        let body: Vec<u8> = (0..2_000u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        stream.send(&body).unwrap();
        let once = stream.bytes();
        stream.send(&body).unwrap();
        assert!(
            once > 7_000 && stream.bytes() - once < 100,
            "{once} {}",
            stream.bytes()
        );
    }
}
