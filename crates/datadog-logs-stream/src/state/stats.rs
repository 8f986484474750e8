//! What a machine has done, counted.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::failure::Failure;

/// Why a stream was replaced although nothing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rotation {
    /// It was old enough.
    Lifetime,
    /// The server is about to close the connection.
    GoAway,
    /// The key changed.
    KeyChanged,
    /// Its ids were used up.
    IdCeiling,
    /// There was nothing to do before a sleep.
    Rest,
    /// The server closed it after it had served.
    ServerEof,
    /// The machine slept, and the connection with it.
    Frozen,
    /// The machine stopped.
    Shutdown,
}

impl Rotation {
    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lifetime => "lifetime",
            Self::GoAway => "go_away",
            Self::KeyChanged => "key_changed",
            Self::IdCeiling => "id_ceiling",
            Self::Rest => "rest",
            Self::ServerEof => "server_eof",
            Self::Frozen => "frozen",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Why logs were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// The server refused them again and again, with patterns and without.
    Poison,
    /// They could not be compressed, for lack of memory.
    Compression,
    /// The encoder failed at them.
    Encoder,
}

impl DropReason {
    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poison => "poison",
            Self::Compression => "compression",
            Self::Encoder => "encoder",
        }
    }
}

/// Counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Attempts to open a stream.
    pub attempts: u64,
    /// Streams that could be written to.
    pub opened: u64,
    /// Streams that failed, or could not be opened, by why.
    pub failures: BTreeMap<Failure, u64>,
    /// Streams that were replaced by plan, by why.
    pub rotations: BTreeMap<Rotation, u64>,
    /// Batches with logs that were sent, again or not.
    pub batches_sent: u64,
    /// Bytes of all messages sent, with five of framing each; snapshots and what was sent again included.
    pub wire_bytes: u64,
    /// Bytes of those of them that were sent again.
    pub resent_bytes: u64,
    /// Batches sent again on another stream.
    pub resent_batches: u64,
    /// Logs sent again on another stream: at most so many arrived twice.
    pub resent_logs: u64,
    /// Snapshots sent.
    pub snapshots: u64,
    /// Bytes of the last snapshot, as sent.
    pub snapshot_bytes: u64,
    /// Acknowledgements of batches with logs.
    pub acknowledged_batches: u64,
    /// Logs acknowledged.
    pub acknowledged_logs: u64,
    /// Logs given up because the server refused them.
    pub dropped_poison_logs: u64,
    /// Batches whose logs were made raw after the server had refused their patterns.
    pub raw_batches: u64,
    /// Batches divided because they were too large.
    pub divided_batches: u64,
    /// Batches given back: to be encoded again, to go over HTTP, or at the end.
    pub returned_batches: u64,
    /// From sending a batch to its acknowledgement.
    pub latency: Latency,
}

/// Upper bounds of the buckets of a [`Latency`], in milliseconds; beyond the last there is one more bucket.
const BOUNDS_MS: [u64; 10] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000];

/// A histogram of times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    counts: [u64; BOUNDS_MS.len() + 1],
    sum: Duration,
}

impl Latency {
    pub(super) fn add(&mut self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.counts[bucket] += 1;
        self.sum += time;
    }

    /// How many times were added.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The mean.
    pub fn mean(&self) -> Option<Duration> {
        let count = u32::try_from(self.count())
            .ok()
            .filter(|count| *count > 0)?;
        Some(self.sum / count)
    }

    /// The bound in milliseconds below which so many in a hundred lie; the last bound for all beyond it.
    pub fn percentile_ms(&self, percent: u64) -> Option<u64> {
        let count = self.count();
        let wanted = (count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, bucket) in self.counts.iter().enumerate() {
            seen += bucket;
            if count > 0 && seen >= wanted {
                return Some(BOUNDS_MS[index.min(BOUNDS_MS.len() - 1)]);
            }
        }
        None
    }
}

impl Stats {
    pub(super) fn fail(&mut self, failure: Failure) {
        *self.failures.entry(failure).or_default() += 1;
    }

    pub(super) fn rotate(&mut self, rotation: Rotation) {
        *self.rotations.entry(rotation).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_bounds_of_buckets() {
        let mut latency = Latency::default();
        assert_eq!((latency.percentile_ms(50), latency.mean()), (None, None));
        for ms in [1, 2, 2, 9, 90_000] {
            latency.add(Duration::from_millis(ms));
        }
        assert_eq!(latency.percentile_ms(1), Some(1));
        assert_eq!(latency.percentile_ms(50), Some(3));
        assert_eq!(latency.percentile_ms(80), Some(10));
        assert_eq!(latency.percentile_ms(100), Some(30_000));
        assert_eq!(latency.count(), 5);
    }
}
