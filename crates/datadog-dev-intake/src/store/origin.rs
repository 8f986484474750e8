//! How a record came in: as a request, as a stream, or as a batch of one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::streams::Live;

/// What keeping a stream takes beside its headers: its numbers, and the problems that it lists.
const STREAM_OVERHEAD: usize = 8_192;

/// How a record came in.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A request of its own.
    Request,
    /// A stream: its record stands where it opened, and shows its numbers of now.
    Stream(Arc<Live>),
    /// A batch of a stream: shown by its logs alone.
    Batch(Batch),
}

/// What a batch has that a request has not.
pub(crate) struct Batch {
    pub(crate) live: Arc<Live>,
    pub(crate) batch_id: u32,
    /// What is known of each log beside its entry.
    pub(crate) logs: Vec<LogNote>,
    /// Bytes of the texts of its logs.
    pub(crate) body_bytes: u64,
    /// Whether its cost over HTTP was worked out.
    pub(crate) is_compared: AtomicBool,
}

/// What is known of a log of a stream beside its entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogNote {
    pub(crate) pattern: Option<u64>,
    pub(crate) uuid: Option<Box<str>>,
    /// The exact bytes of a text that is not UTF-8.
    pub(crate) exact: Option<Box<[u8]>>,
}

impl Origin {
    /// How it came in, as records name it.
    pub(crate) fn via(&self) -> &'static str {
        match self {
            Self::Request => "http",
            Self::Stream(_) | Self::Batch(_) => "stream",
        }
    }

    /// Whether it is a record of its own, and not only its logs are.
    pub(crate) fn is_request(&self) -> bool {
        !matches!(self, Self::Batch(_))
    }

    /// Bytes that keeping it takes.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Request => 0,
            Self::Stream(_) => STREAM_OVERHEAD,
            Self::Batch(batch) => {
                let texts: usize = batch.logs.iter().map(LogNote::heap_bytes).sum();
                texts + batch.logs.capacity() * size_of::<LogNote>()
            }
        }
    }
}

impl LogNote {
    fn heap_bytes(&self) -> usize {
        let uuid = self.uuid.as_ref().map_or(0, |uuid| uuid.len());
        uuid + self.exact.as_ref().map_or(0, |exact| exact.len())
    }
}

/// Not its logs, which belong to the user.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("stream", &self.live.number)
            .field("batch_id", &self.batch_id)
            .field("logs", &self.logs.len())
            .finish_non_exhaustive()
    }
}
