//! Entries of one batch as logs of the stream, kept as the JSON that they would be over HTTP.

use bytes::Bytes;
use datadog_forwarder::Reservation;
use datadog_logs_patterns::encoder::Input;
use datadog_logs_patterns::wire::Profile;
use datadog_logs_stream::coder::Logs;

use super::entry::{Marked, Reader, ServiceTag};
use crate::aggregator::Batch;
use crate::aggregator::service::now_ms;
use crate::processor::scan::Scanner;

/// Entries on their way over the stream, with the memory that they hold until their fate is known.
#[derive(Debug)]
pub(super) struct EntryLogs {
    /// A JSON array.
    body: Bytes,
    entries: u32,
    reservation: Option<Reservation>,
    received_ms: i64,
    marked: Marked,
}

impl EntryLogs {
    pub(super) fn new(batch: Batch, reservation: Option<Reservation>, marked: Marked) -> Self {
        Self {
            body: batch.body,
            entries: batch.entries,
            reservation,
            received_ms: now_ms(),
            marked,
        }
    }

    pub(super) fn entries(&self) -> u32 {
        self.entries
    }

    pub(super) fn json_bytes(&self) -> usize {
        self.body.len()
    }

    /// The same for HTTP.
    pub(super) fn into_batch(self) -> (Batch, Option<Reservation>) {
        let batch = Batch {
            body: self.body,
            entries: self.entries,
        };
        (batch, self.reservation)
    }
}

impl Logs for EntryLogs {
    fn for_each(&self, profile: Profile, each: &mut dyn FnMut(&Input<'_>)) {
        let Ok(text) = std::str::from_utf8(&self.body) else {
            return;
        };
        let service_tag = match profile {
            Profile::A => ServiceTag::Yes,
            Profile::C => ServiceTag::No,
        };
        let mut reader = Reader::new(text, service_tag);
        let mut scanner = Scanner::new(text);
        let mut separator = b'[';
        while scanner.accept(separator) {
            separator = b',';
            let entry = reader.read(&mut scanner, self.marked, self.received_ms);
            let Some(entry) = entry else { return };
            each(&Input {
                body: entry.body,
                timestamp_ms: entry.timestamp_ms,
                status: entry.status.as_deref(),
                service: entry.service.as_deref(),
                tags: entry.tags,
                uuid: entry.uuid,
            });
        }
    }

    fn count(&self) -> usize {
        self.entries as usize
    }

    fn bytes(&self) -> usize {
        self.body.len()
    }
}
