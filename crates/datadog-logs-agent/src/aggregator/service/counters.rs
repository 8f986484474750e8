//! What became of the entries of one source, as counters.
//!
//! Every entry received ends in exactly one of: excluded, dropped, or processed, which means queued.

use datadog_agent_runtime::telemetry::{Metric, Reason, Series, Telemetry};

use crate::{Source, Tally};

/// The series of one source.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    telemetry: Telemetry,
    received: Series,
    processed: Series,
    truncated: Series,
    too_old: Series,
}

impl Counters {
    pub(super) fn new(source: Source, telemetry: &Telemetry) -> Self {
        let source = match source {
            Source::Http => "http",
            Source::Handle => "handle",
            Source::File(_) => "file",
        };
        Self {
            received: telemetry.series(Metric::LogsEntriesReceived, &[("source", source)]),
            processed: telemetry.series(Metric::LogsProcessed, &[]),
            truncated: telemetry.series(Metric::LogsTruncated, &[]),
            too_old: telemetry.series(Metric::LogsTooOld, &[]),
            telemetry: telemetry.clone(),
        }
    }

    /// The entries that were left after the rules are in the queue.
    pub(super) fn admitted(&self, tally: &Tally) {
        self.settled_before_queue(tally);
        self.processed.add(tally.processed);
        self.truncated.add(tally.truncated);
        self.too_old.add(tally.too_old);
    }

    /// The entries that were left after the rules found no room.
    pub(super) fn refused(&self, tally: &Tally, reason: Reason) {
        self.settled_before_queue(tally);
        self.lost(reason, tally.processed);
    }

    /// Counts entries lost.
    pub(super) fn lost(&self, reason: Reason, entries: u64) {
        if entries > 0 {
            self.telemetry.dropped(Metric::LogsDropped, reason, entries);
        }
    }

    fn settled_before_queue(&self, tally: &Tally) {
        self.received.add(tally.received);
        self.lost(Reason::TooLarge, tally.too_large);
        for (rule, entries) in &tally.excluded {
            self.telemetry
                .add(Metric::LogsExcluded, &[("rule", rule)], *entries);
        }
    }
}
