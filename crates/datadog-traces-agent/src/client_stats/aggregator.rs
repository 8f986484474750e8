//! Adds up what several tracers say of the same two seconds.
//!
//! Buckets begin at odd seconds, so that none of their points shares a second with those that the agent works out
//! itself, which lie at full tens. Stats that are too old are counted in the oldest open bucket, those of the future
//! in the current one. A group of which only one tracer tells keeps its sketches to the bit; else they are added up in
//! the mapping of the agent. Versions of tracers, ids of processes and numbers of requests are not kept.
//!
//! Memory is bounded in bytes over all buckets: beyond it new groups are dropped, and sketches take in no more, while
//! the counts of known groups still grow. Each has its counter.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use datadog_wire::stats::{BUCKET_NS, ClientGroupedStats, ClientStatsBucket, ClientStatsPayload};

use super::group::{GroupKey, PayloadKey, Sums};
use super::summary::{Malformed, Summary};

/// The seconds of a bucket.
const BUCKET_SECONDS: u64 = 2;
/// How many seconds a bucket waits for stats.
const OPEN_SECONDS: u64 = 18;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// What became of stats, since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Groups that were taken in.
    pub groups: u64,
    /// Groups that were dropped, as there was no memory.
    pub dropped_groups: u64,
    /// The hits of those that were dropped.
    pub dropped_hits: u64,
    /// Sketches that were dropped, as there was no memory.
    pub dropped_sketches: u64,
    /// Sketches that were dropped, as they are none.
    pub malformed_sketches: u64,
    /// Buckets of tracers that were moved, as they are too old or in the future.
    pub moved_buckets: u64,
}

/// Which buckets a flush takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Those that waited long enough.
    Complete,
    /// All: the agent stops, or somebody asks for everything.
    All,
}

/// The open buckets.
#[derive(Debug)]
pub struct Aggregator {
    /// By the second they begin at.
    buckets: BTreeMap<u64, HashMap<PayloadKey, Payload>>,
    /// The second of the oldest open bucket.
    oldest: u64,
    /// Bytes of all buckets.
    bytes: usize,
    max_bytes: usize,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Payload {
    tags: Vec<String>,
    groups: HashMap<GroupKey, Sums>,
}

impl Aggregator {
    /// An aggregator without stats, of so many bytes, at a time since 1970.
    pub fn new(max_bytes: usize, now: Duration) -> Self {
        Self {
            buckets: BTreeMap::new(),
            oldest: oldest_open(now),
            bytes: 0,
            max_bytes,
            counts: Counts::default(),
        }
    }

    /// Takes in stats that were processed.
    pub fn add(&mut self, mut payload: ClientStatsPayload, now: Duration) {
        let buckets = std::mem::take(&mut payload.stats);
        let tags = std::mem::take(&mut payload.tags);
        let key = PayloadKey::take(&mut payload);
        for bucket in buckets
            .into_iter()
            .filter(|bucket| !bucket.stats.is_empty())
        {
            let start = self.place(bucket.start, now);
            let mut room = Room {
                bytes: &mut self.bytes,
                max: self.max_bytes,
                counts: &mut self.counts,
            };
            let payloads = self.buckets.entry(start).or_default();
            if !payloads.contains_key(&key) {
                if room.is_full() {
                    bucket.stats.iter().for_each(|group| room.drop_group(group));
                    continue;
                }
                *room.bytes += key.bytes() + bytes_of(&tags);
                let payload = Payload {
                    tags: tags.clone(),
                    ..Payload::default()
                };
                payloads.insert(key.clone(), payload);
            }
            if let Some(payload) = payloads.get_mut(&key) {
                for group in bucket.stats {
                    payload.add(group, &mut room);
                }
            }
        }
    }

    /// Takes buckets, as payloads of one bucket each.
    pub fn flush(&mut self, due: Due, now: Duration) -> Vec<ClientStatsPayload> {
        let oldest = oldest_open(now).max(self.oldest);
        let kept = match due {
            Due::Complete => self.buckets.split_off(&oldest),
            Due::All => BTreeMap::new(),
        };
        let taken = std::mem::replace(&mut self.buckets, kept);
        self.oldest = oldest;
        let mut payloads = Vec::new();
        for (start, bucket) in taken {
            for (key, payload) in bucket {
                self.bytes = self.bytes.saturating_sub(key.bytes() + payload.bytes());
                if !payload.groups.is_empty() {
                    payloads.push(payload.into_stats(key, start));
                }
            }
        }
        payloads
    }

    /// What became of stats.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes of memory that all buckets take.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The second of the bucket for stats from a time on.
    fn place(&mut self, start_ns: u64, now: Duration) -> u64 {
        let start = Duration::from_nanos(start_ns);
        if start < Duration::from_secs(self.oldest) {
            self.counts.moved_buckets += 1;
            self.oldest
        } else if start > now {
            self.counts.moved_buckets += 1;
            aligned(now).max(self.oldest)
        } else {
            aligned(start)
        }
    }
}

/// What may still be allocated.
struct Room<'r> {
    bytes: &'r mut usize,
    max: usize,
    counts: &'r mut Counts,
}

impl Payload {
    fn add(&mut self, mut group: ClientGroupedStats, room: &mut Room<'_>) {
        let key = GroupKey::take(&mut group);
        let sums = match self.groups.get_mut(&key) {
            Some(sums) => sums,
            None if room.is_full() => {
                room.drop_group(&group);
                return;
            }
            None => {
                *room.bytes += key.bytes();
                self.groups.entry(key).or_default()
            }
        };
        room.counts.groups += 1;
        sums.add(&group);
        room.add(&mut sums.ok, group.ok_summary);
        room.add(&mut sums.error, group.error_summary);
    }

    fn bytes(&self) -> usize {
        let groups = self.groups.iter();
        let groups: usize = groups
            .map(|(key, sums)| key.bytes() + sums.ok.bytes() + sums.error.bytes())
            .sum();
        bytes_of(&self.tags) + groups
    }

    fn into_stats(self, key: PayloadKey, start: u64) -> ClientStatsPayload {
        let groups = self.groups.into_iter();
        let bucket = ClientStatsBucket {
            start: start.saturating_mul(NS_PER_SECOND),
            duration: BUCKET_NS,
            stats: groups.map(|(key, sums)| key.into_group(sums)).collect(),
            ..ClientStatsBucket::default()
        };
        ClientStatsPayload {
            stats: vec![bucket],
            tags: self.tags,
            ..key.into_payload()
        }
    }
}

impl Room<'_> {
    const fn is_full(&self) -> bool {
        *self.bytes >= self.max
    }

    fn drop_group(&mut self, group: &ClientGroupedStats) {
        self.counts.dropped_groups += 1;
        self.counts.dropped_hits = self.counts.dropped_hits.saturating_add(group.hits);
    }

    /// Adds a sketch to others, if there is memory for it.
    fn add(&mut self, summary: &mut Summary, raw: Bytes) {
        if raw.is_empty() {
            return;
        }
        if self.is_full() {
            self.counts.dropped_sketches += 1;
            return;
        }
        let before = summary.bytes();
        if summary.add(raw) == Err(Malformed) {
            self.counts.malformed_sketches += 1;
        }
        *self.bytes = (*self.bytes + summary.bytes()).saturating_sub(before);
    }
}

fn bytes_of(tags: &[String]) -> usize {
    tags.iter().map(|tag| size_of::<String>() + tag.len()).sum()
}

/// The second that the bucket of a time begins at: always odd.
const fn aligned(time: Duration) -> u64 {
    let seconds = time.as_secs();
    seconds - seconds % BUCKET_SECONDS + 1
}

/// The second of the oldest bucket that still waits.
const fn oldest_open(now: Duration) -> u64 {
    aligned(now.saturating_sub(Duration::from_secs(OPEN_SECONDS)))
}
