//! How much a decoder accepts from one stream.

use std::fmt;

use crate::decoder::Reason;

/// Bounds of one decoder. What goes past one of them is refused before the memory is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Patterns defined at a time; 100,000 by default.
    pub patterns: usize,
    /// Entries of the dictionary defined at a time; 1,000,000 by default.
    pub texts: usize,
    /// JSON schemas defined at a time; 100,000 by default.
    pub schemas: usize,
    /// Memory of all that is defined, maps and allocations included; 64 MiB by default.
    pub state_bytes: usize,
    /// Size of one batch without its compression; 64 MiB by default.
    pub batch_bytes: usize,
    /// Positions of one pattern, values of one log, members of one JSON log; 16,384 by default.
    pub values: usize,
    /// Size of one log as rebuilt; 16 MiB by default.
    pub log_bytes: usize,
    /// Size of all records of one batch, since a small batch can name a large text often; 256 MiB by default.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            patterns: 100_000,
            texts: 1_000_000,
            schemas: 100_000,
            state_bytes: 64 << 20,
            batch_bytes: 64 << 20,
            values: 16_384,
            log_bytes: 16 << 20,
            output_bytes: 256 << 20,
        }
    }
}

/// A bound of [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`Limits::patterns`].
    Patterns,
    /// [`Limits::texts`].
    Texts,
    /// [`Limits::schemas`].
    Schemas,
    /// [`Limits::state_bytes`].
    StateBytes,
    /// [`Limits::batch_bytes`].
    BatchBytes,
    /// [`Limits::values`].
    Values,
    /// [`Limits::log_bytes`].
    LogBytes,
    /// [`Limits::output_bytes`].
    OutputBytes,
    /// Objects inside of objects in a JSON log, or groups inside of groups in a message; a constant.
    Depth,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patterns => "patterns",
            Self::Texts => "dictionary entries",
            Self::Schemas => "schemas",
            Self::StateBytes => "bytes of state",
            Self::BatchBytes => "bytes in a batch",
            Self::Values => "values in a log or pattern",
            Self::LogBytes => "bytes in a log",
            Self::OutputBytes => "bytes of records in a batch",
            Self::Depth => "levels",
        })
    }
}

impl Limit {
    /// An error unless `count` is at most `max`.
    pub(super) fn check(self, count: usize, max: usize) -> Result<(), Reason> {
        if count > max {
            return Err(Reason::Limit { limit: self, max });
        }
        Ok(())
    }
}
