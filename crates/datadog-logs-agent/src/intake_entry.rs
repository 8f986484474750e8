//! One log as the intake takes it, and blocks of them already serialised.

use bytes::Bytes;
use serde_json::{Map, Value};

/// One log as a Rust embedder builds it. `None` leaves the key out.
#[derive(Debug, Clone, PartialEq)]
pub struct IntakeEntry {
    /// The text, or an object or array that is passed through unchanged.
    pub message: Value,
    /// Unix milliseconds as a number, or a date string that the backend parses.
    pub timestamp: Option<Value>,
    /// The host that the log comes from.
    pub hostname: Option<String>,
    /// The service that wrote it.
    pub service: Option<String>,
    /// The technology that wrote it.
    pub ddsource: Option<String>,
    /// Comma-separated tags.
    pub ddtags: Option<String>,
    /// The severity.
    pub status: Option<String>,
    /// Any other key, written beside the seven above.
    pub attributes: Map<String, Value>,
}

impl IntakeEntry {
    /// An entry of which only message and time are known.
    #[must_use]
    pub fn from_message(message: impl Into<String>, timestamp_ms: i64) -> Self {
        Self {
            message: Value::String(message.into()),
            timestamp: Some(timestamp_ms.into()),
            hostname: None,
            service: None,
            ddsource: None,
            ddtags: None,
            status: None,
            attributes: Map::new(),
        }
    }

    /// Appends the entry as one JSON object without white space.
    pub fn write_json(&self, _out: &mut Vec<u8>) {}
}

/// Where entries come from: who shares the queue, and whether it can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The HTTP log server.
    Http,
    /// A handle in the same process.
    Handle,
    /// The file, or standard input, of this number.
    File(u32),
}

/// Serialised entries in one buffer: no allocation per entry.
#[derive(Debug, Clone, Default)]
pub struct EntryBlock {
    bytes: Bytes,
    /// Start and end of each entry in `bytes`.
    spans: Vec<(u32, u32)>,
}

impl EntryBlock {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The bytes that this block takes from the memory budget: 64 an entry besides its JSON.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.spans
            .iter()
            .map(|(start, end)| (end - start) as usize + 64)
            .sum()
    }

    /// The entries, each one JSON object.
    pub fn iter(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.spans
            .iter()
            .map(|&(start, end)| self.bytes.slice(start as usize..end as usize))
    }
}
