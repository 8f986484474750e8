//! Sends one input the three ways, batch by batch, and proves that every line comes back.

use std::io::BufRead;
use std::time::Duration;

use anyhow::Context as _;

use super::Options;
use super::datums::log_sizes;
use super::engine::{Reader, Record};
use super::findings::{Findings, Found, Memory};
use super::legs::{Http, REQUEST_BYTES, Stateful, ZstdStream};
use super::lines::{Entry, Lines};
use crate::output::Format;

/// The figures of one input, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) lines: u64,
    /// Bytes of the lines, without their ends.
    pub(super) raw_bytes: u64,
    pub(super) http_bytes: u64,
    pub(super) zstd_stream_bytes: u64,
    pub(super) stateful_bytes: u64,
    pub(super) patterns: u64,
    /// Whether every byte of every line came back.
    pub(super) lossless: bool,
    pub(super) http_time: Duration,
    pub(super) stateful_time: Duration,
}

impl Figures {
    /// Those of no input.
    pub(super) fn nothing() -> Self {
        Self {
            lines: 0,
            raw_bytes: 0,
            http_bytes: 0,
            zstd_stream_bytes: 0,
            stateful_bytes: 0,
            patterns: 0,
            lossless: true,
            http_time: Duration::ZERO,
            stateful_time: Duration::ZERO,
        }
    }

    /// Adds those of another input.
    pub(super) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.raw_bytes += other.raw_bytes;
        self.http_bytes += other.http_bytes;
        self.zstd_stream_bytes += other.zstd_stream_bytes;
        self.stateful_bytes += other.stateful_bytes;
        self.patterns += other.patterns;
        self.lossless &= other.lossless;
        self.http_time += other.http_time;
        self.stateful_time += other.stateful_time;
    }
}

/// What one input gave.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) figures: Figures,
    /// The patterns to show; none when programs ask.
    pub(super) found: Vec<Found>,
    /// The pattern of each line, where they are asked for.
    pub(super) assignments: Vec<u64>,
}

/// One input under way: everything starts with empty state.
struct Measurement {
    http: Http,
    zstd_stream: ZstdStream,
    stateful: Stateful,
    reader: Reader,
    findings: Findings,
    options: Options,
    lines: u64,
    raw_bytes: u64,
    lossless: bool,
    batches: u64,
}

/// Measures one input.
///
/// # Errors
/// When it cannot be read, or a batch cannot be made.
pub(super) fn measure(source: impl BufRead, options: &Options) -> anyhow::Result<Measured> {
    let mut measurement = Measurement::new(options)?;
    let mut lines = Lines::new(source);
    loop {
        lines.fill(options.batch_logs, REQUEST_BYTES)?;
        let held = lines.held();
        let count = measurement.http.fitting(&held);
        let Some(entries) = held.get(..count).filter(|entries| !entries.is_empty()) else {
            break;
        };
        measurement.batch(entries)?;
        lines.forget(count);
    }
    measurement.finish()
}

impl Measurement {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let (level, wire, json) = (options.level, options.wire, options.json);
        let memory = match (options.format, &options.assignments) {
            (Format::Text, _) => Memory::Batches,
            (Format::Json, Some(_)) => Memory::Clusters,
            (Format::Json, None) => Memory::Figures,
        };
        Ok(Self {
            http: Http::new(level)?,
            zstd_stream: ZstdStream::new(level)?,
            stateful: Stateful::new(wire, json, level)?,
            reader: Reader::new(wire),
            findings: Findings::new(wire, memory),
            options: options.clone(),
            lines: 0,
            raw_bytes: 0,
            lossless: true,
            batches: 0,
        })
    }

    /// Sends the entries every way. The two with a clock take turns in going first, so that neither always finds the
    /// entries in the processor's caches.
    fn batch(&mut self, entries: &[Entry<'_>]) -> anyhow::Result<()> {
        let http_first = self.batches.is_multiple_of(2);
        let early = http_first.then(|| self.http.send(entries)).transpose()?;
        let sent = self.stateful.send(entries)?;
        let body = match early {
            Some(body) => body,
            None => self.http.send(entries)?,
        };
        self.zstd_stream.send(&body)?;

        let sequence = zstd::bulk::decompress(&sent.compressed, sent.sequence.len())?;
        let decoded = self.reader.read(sent.batch_id, &sequence);
        self.lossless &= decoded.is_ok_and(|records| came_back(entries, &records));

        let sizes =
            log_sizes(self.options.wire, sent.sequence).context("a batch cannot be read")?;
        self.findings.add(entries, sent, &sizes);
        self.lines += entries.iter().filter(|entry| entry.begins_line).count() as u64;
        self.raw_bytes += entries
            .iter()
            .map(|entry| entry.body.len() as u64)
            .sum::<u64>();
        self.batches += 1;
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Measured> {
        let engine = &self.stateful.engine;
        self.findings.settle(engine);
        let figures = Figures {
            lines: self.lines,
            raw_bytes: self.raw_bytes,
            http_bytes: self.http.bytes,
            zstd_stream_bytes: self.zstd_stream.bytes(),
            stateful_bytes: self.stateful.bytes,
            patterns: self.findings.patterns(),
            lossless: self.lossless,
            http_time: self.http.time,
            stateful_time: self.stateful.time,
        };
        // A stream that lost something has no values to count.
        let found = match (self.options.format, self.lossless) {
            (Format::Text, true) => {
                self.findings
                    .top(engine, self.options.sort, self.options.top)?
            }
            _ => Vec::new(),
        };
        let assignments = match self.options.assignments {
            Some(_) => self.findings.assignments().collect(),
            None => Vec::new(),
        };
        Ok(Measured {
            figures,
            found,
            assignments,
        })
    }
}

/// Whether the records are the entries: every byte, and every time.
fn came_back(entries: &[Entry<'_>], records: &[Record]) -> bool {
    let sent = entries.iter().map(|entry| (entry.body, entry.timestamp_ms));
    let read = records
        .iter()
        .map(|record| (record.body.as_slice(), record.timestamp_ms));
    sent.eq(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_a_time_or_a_line_that_differs_is_a_loss() {
        let entry = Entry {
            body: b"a ",
            timestamp_ms: 5,
            begins_line: true,
        };
        let record = |body: &[u8], timestamp_ms| Record {
            body: body.to_vec(),
            timestamp_ms,
        };
        assert!(came_back(&[entry], &[record(b"a ", 5)]));
        assert!(!came_back(&[entry], &[record(b"a", 5)]));
        assert!(!came_back(&[entry], &[record(b"a ", 6)]));
        assert!(!came_back(&[entry], &[]));
        assert!(!came_back(&[entry], &[record(b"a ", 5), record(b"", 5)]));
    }

    #[test]
    fn an_input_is_measured_in_batches_and_its_lines_are_counted() {
        let options = Options {
            batch_logs: 2,
            ..Options::of_files(&[])
        };
        let long = [vec![b'x'; 1_000_000], b"\nb\nc\nd\n".to_vec()].concat();
        let figures = measure(long.as_slice(), &options).unwrap().figures;
        assert_eq!((figures.lines, figures.raw_bytes), (4, 1_000_003));
        assert!(figures.lossless);
        // One request of all entries is smaller than three of two.
        let whole = measure(long.as_slice(), &Options::of_files(&[]))
            .unwrap()
            .figures;
        assert!(whole.http_bytes < figures.http_bytes);
        assert!(figures.http_time > Duration::ZERO && figures.stateful_time > Duration::ZERO);
    }
}
