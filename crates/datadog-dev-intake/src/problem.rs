//! What is wrong with a request, in words that are few enough to be counted.

use std::collections::BTreeMap;
use std::fmt;

use crate::{metrics, remote_config, traces};

/// Problems that one request lists; the rest is only counted.
const MAX_LISTED: usize = 100;

/// One kind of problem. Its words are the key under which the summary counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// The body is longer than the cap on what is received.
    TooLong,
    /// The body grows past the cap on what is decoded.
    Bomb,
    /// The client left before the body was complete.
    CutShort,
    /// The bytes are not what `Content-Encoding` says.
    WrongEncoding,
    /// `Content-Encoding` names something that this intake cannot read.
    UnknownEncoding,
    /// Compressed bytes without a `Content-Encoding`.
    MissingEncoding,
    /// More than the intake takes in one request.
    BodyTooLarge,
    /// The body as sent is longer than so many bytes.
    WireTooLarge(usize),
    /// The decompressed body is longer than so many bytes.
    RawTooLarge(usize),
    /// More records than are kept of one request.
    TooManyRecords(usize),
    /// No record at all.
    Nothing,
    /// More entries than the intake takes in one request.
    TooManyEntries,
    /// No array of objects, nor an object.
    Malformed,
    /// An empty array.
    NoEntries,
    /// An entry that the intake would cut.
    EntryTooLarge,
    /// A key twice in one entry.
    DuplicateKey,
    /// An entry without a message.
    NoMessage,
    /// A message that is `null`.
    NullMessage,
    /// An optional key that is `null`.
    NullKey(&'static str),
    /// An optional key that is `""`.
    EmptyKey(&'static str),
    /// A key that must be a string and is none.
    NotAString(&'static str),
    /// A timestamp that is neither a whole number nor a string.
    BadTimestamp,
    /// A timestamp past the age that the intake takes.
    TooOld,
    /// No API key where one is needed.
    NoKey,
    /// A `DD-PROTOCOL` that is not known.
    UnknownProtocol,
    /// A `Content-Type` that is not JSON.
    NotJson,
    /// A method of the stateful stream, and no gRPC over HTTP/2.
    NotGrpc,
    /// Something about metrics, events or service checks.
    Metrics(metrics::Dislike),
    /// Something about traces or trace stats.
    Traces(traces::Dislike),
    /// Something about remote configuration.
    RemoteConfig(remote_config::Dislike),
    /// A `Content-Type` that is not that of a form with parts.
    NotMultipart,
    /// Telemetry that does not say what it is about.
    NoRequestType,
    /// A path that nothing answers.
    NoSuchPath,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "body over 64 MiB received",
            Self::Bomb => "body over 256 MiB decoded",
            Self::CutShort => "body ended early",
            Self::WrongEncoding => "body does not match its Content-Encoding",
            Self::UnknownEncoding => "unknown Content-Encoding",
            Self::MissingEncoding => "compressed body without Content-Encoding",
            Self::BodyTooLarge => "body over 5242880 bytes",
            Self::WireTooLarge(limit) => return write!(f, "body over {limit} bytes as sent"),
            Self::RawTooLarge(limit) => return write!(f, "body over {limit} bytes decompressed"),
            Self::TooManyRecords(limit) => return write!(f, "more than {limit} records"),
            Self::Nothing => "nothing in the body",
            Self::TooManyEntries => "more than 1000 entries",
            Self::Malformed => "body not decodable",
            Self::NoEntries => "empty array",
            Self::EntryTooLarge => "entry over 1048576 bytes",
            Self::DuplicateKey => "duplicate key",
            Self::NoMessage => "no message",
            Self::NullMessage => "message is null",
            Self::NullKey(key) => return write!(f, "{key} is null"),
            Self::EmptyKey(key) => return write!(f, "{key} is empty"),
            Self::NotAString(key) => return write!(f, "{key} is not a string"),
            Self::BadTimestamp => "timestamp is neither a whole number nor a string",
            Self::TooOld => "timestamp over 18 hours old",
            Self::NoKey => "no DD-API-KEY header",
            Self::UnknownProtocol => "unknown DD-PROTOCOL",
            Self::NotJson => "Content-Type is not application/json",
            Self::NotGrpc => "no gRPC over HTTP/2",
            Self::Metrics(dislike) => return write!(f, "{dislike}"),
            Self::Traces(dislike) => return write!(f, "{dislike}"),
            Self::RemoteConfig(dislike) => return write!(f, "{dislike}"),
            Self::NotMultipart => "Content-Type is not multipart/form-data",
            Self::NoRequestType => "no request_type",
            Self::NoSuchPath => "no such path",
        })
    }
}

/// Everything found wrong with one request: a bounded list in words, and exact counts.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    listed: Vec<String>,
    counts: BTreeMap<What, u64>,
}

impl Problems {
    /// Notes a problem of the request.
    pub(crate) fn add(&mut self, what: What) {
        self.note(what, || what.to_string());
    }

    /// Notes a problem of the request which needs more words than its kind has.
    pub(crate) fn add_detail(&mut self, what: What, detail: impl fmt::Display) {
        self.note(what, || format!("{what}: {detail}"));
    }

    /// Notes a problem of one entry, counted from 0.
    pub(crate) fn add_to_entry(&mut self, entry: usize, what: What) {
        self.note(what, || format!("entry {entry}: {what}"));
    }

    /// Notes a problem of one record that is called `noun`, counted from 0, with more words if there are any.
    pub(crate) fn add_to(&mut self, noun: &str, index: usize, what: What, detail: Option<String>) {
        self.note(what, || match detail {
            Some(detail) => format!("{noun} {index}: {what}: {detail}"),
            None => format!("{noun} {index}: {what}"),
        });
    }

    /// Notes a problem of one log of a batch, counted from 0.
    pub(crate) fn add_to_log(&mut self, batch: u32, log: usize, what: What) {
        self.note(what, || format!("batch {batch}, log {log}: {what}"));
    }

    /// How often each kind occurred.
    pub(crate) fn counts(&self) -> &BTreeMap<What, u64> {
        &self.counts
    }

    /// The problems in words; past a hundred, the last line says how many more there are.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.listed.clone();
        let listed = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let more = self.counts.values().sum::<u64>().saturating_sub(listed);
        if more > 0 {
            lines.push(format!("{more} more"));
        }
        lines
    }

    /// Bytes held, for the account of the store.
    pub(crate) fn bytes(&self) -> usize {
        let words: usize = self
            .listed
            .iter()
            .map(|line| line.capacity() + size_of::<String>())
            .sum();
        words + self.counts.len() * 64
    }

    fn note(&mut self, what: What, words: impl FnOnce() -> String) {
        *self.counts.entry(what).or_default() += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(words());
        }
    }
}
