//! What became of entries, as counters, and as a line in the log when some were lost.
//!
//! Every entry received ends in exactly one of: excluded, dropped, or processed, which means queued.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datadog_agent_runtime::telemetry::{Metric, Reason, Series, Telemetry};
use tokio::time::Instant;
use tracing::warn;

use crate::{Source, Tally};

/// The least time between two lines about losses of one kind.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// Counts entries that were lost before they were in a batch; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Losses {
    telemetry: Telemetry,
    told: Arc<Mutex<BTreeMap<Reason, Told>>>,
}

/// When losses of one kind were last written about, and the entries lost since.
#[derive(Debug)]
struct Told {
    at: Instant,
    untold: u64,
}

/// The series of one source.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    losses: Losses,
    received: Series,
    processed: Series,
    truncated: Series,
    too_old: Series,
}

impl Losses {
    pub(super) fn new(telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            told: Arc::default(),
        }
    }

    /// Counts entries lost, and says so once a minute at most.
    pub(super) fn count(&self, reason: Reason, entries: u64) {
        if entries == 0 {
            return;
        }
        self.telemetry.dropped(Metric::LogsDropped, reason, entries);
        if let Some(entries) = self.to_tell(reason, entries, Instant::now()) {
            warn!(reason = reason.name(), entries, "logs were lost");
        }
    }

    /// The entries to write about now, those of losses that were passed over included.
    fn to_tell(&self, reason: Reason, entries: u64, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match told.get_mut(&reason) {
            Some(told) if now.duration_since(told.at) < BETWEEN_LINES => {
                told.untold += entries;
                None
            }
            Some(told) => {
                told.at = now;
                Some(entries + std::mem::take(&mut told.untold))
            }
            None => {
                told.insert(reason, Told { at: now, untold: 0 });
                Some(entries)
            }
        }
    }
}

impl Counters {
    pub(super) fn new(source: Source, telemetry: &Telemetry, losses: &Losses) -> Self {
        let source = match source {
            Source::Http => "http",
            Source::Handle => "handle",
            Source::File(_) => "file",
        };
        Self {
            losses: losses.clone(),
            received: telemetry.series(Metric::LogsEntriesReceived, &[("source", source)]),
            processed: telemetry.series(Metric::LogsProcessed, &[]),
            truncated: telemetry.series(Metric::LogsTruncated, &[]),
            too_old: telemetry.series(Metric::LogsTooOld, &[]),
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
        self.losses.count(reason, tally.processed);
    }

    /// A body could not be read: nobody knows how many entries it held, and it counts as one.
    pub(super) fn unreadable(&self) {
        self.received.add(1);
        self.losses.count(Reason::Parse, 1);
    }

    fn settled_before_queue(&self, tally: &Tally) {
        self.received.add(tally.received);
        self.losses.count(Reason::TooLarge, tally.too_large);
        for (rule, entries) in &tally.excluded {
            let telemetry = &self.losses.telemetry;
            telemetry.add(Metric::LogsExcluded, &[("rule", rule)], *entries);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_of_a_kind_are_told_once_a_minute_with_all_since() {
        let losses = Losses::new(Telemetry::default());
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(losses.to_tell(Reason::QueueFull, 3, at(0)), Some(3));
        assert_eq!(losses.to_tell(Reason::QueueFull, 4, at(1)), None);
        assert_eq!(losses.to_tell(Reason::QueueFull, 5, at(59)), None);
        assert_eq!(losses.to_tell(Reason::Evicted, 1, at(59)), Some(1));
        assert_eq!(losses.to_tell(Reason::QueueFull, 6, at(60)), Some(15));
        assert_eq!(losses.to_tell(Reason::QueueFull, 7, at(119)), None);
    }
}
