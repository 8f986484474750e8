//! Ten seconds of spans: the groups of each payload with their counts and sketches.

use std::hash::BuildHasher;

use bytes::Bytes;
use datadog_sketch::dd::Sketch;
use datadog_wire::stats::{BUCKET_NS, ClientGroupedStats, ClientStatsBucket};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::key::{GroupKey, OwnedGroupKey, PayloadKey, PayloadTexts};

/// Bytes of a place in a table, as tables are at most seven eighths full and half full after they grew.
const TABLE_BYTES: usize = 2 * (size_of::<u32>() + 1);
/// The bits of a duration that sketches look at; with the others they would be no more exact.
const DURATION_MASK: u64 = 0xffff_f800_0000_0000;

/// From how many bytes over all buckets on what happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// New groups are folded.
    pub(super) fold: usize,
    /// Nothing is made any more.
    pub(super) bytes: usize,
}

impl Limits {
    pub(super) const fn of(bytes: usize) -> Self {
        Self {
            fold: bytes / 4 * 3,
            bytes,
        }
    }
}

/// One span, as it is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// For how many it stands.
    pub(super) weight: f64,
    pub(super) duration_ns: i64,
    pub(super) is_error: bool,
    pub(super) is_top_level: bool,
}

/// What became of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Counted,
    /// Counted, in a group that others share.
    Folded,
    /// Counted, but in no sketch.
    WithoutSketch,
    Dropped,
}

#[derive(Debug)]
pub(super) struct Bucket {
    start_ns: u64,
    hasher: RandomState,
    payloads: Vec<PayloadKey>,
    payload_table: HashTable<u32>,
    groups: Vec<Group>,
    group_table: HashTable<u32>,
    bytes: usize,
}

#[derive(Debug)]
struct Group {
    hash: u64,
    key: OwnedGroupKey,
    hits: f64,
    errors: f64,
    top_level_hits: f64,
    duration_ns: f64,
    ok: Sketch,
    error: Sketch,
}

impl Bucket {
    /// What a bucket takes before there is anything in it.
    pub(super) const EMPTY_BYTES: usize = size_of::<Self>();

    pub(super) fn new(start_ns: u64) -> Self {
        Self {
            start_ns,
            hasher: RandomState::default(),
            payloads: Vec::new(),
            payload_table: HashTable::new(),
            groups: Vec::new(),
            group_table: HashTable::new(),
            bytes: Self::EMPTY_BYTES,
        }
    }

    pub(super) const fn start_ns(&self) -> u64 {
        self.start_ns
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The place of a payload, made if there is memory for it; `total` are the bytes of all buckets.
    pub(super) fn payload(
        &mut self,
        texts: &PayloadTexts<'_>,
        total: &mut usize,
        limits: Limits,
    ) -> Option<u32> {
        let Self {
            hasher,
            payloads,
            payload_table: table,
            ..
        } = self;
        let hash = hasher.hash_one(texts);
        let is_it = |place: &u32| {
            let payload = payloads.get(*place as usize);
            payload.is_some_and(|payload| payload.is(texts))
        };
        if let Some(place) = table.find(hash, is_it) {
            return Some(*place);
        }
        if *total >= limits.bytes {
            return None;
        }
        let place = u32::try_from(payloads.len()).ok()?;
        let payload = PayloadKey::new(texts);
        let bytes = size_of::<PayloadKey>() + TABLE_BYTES + payload.bytes();
        payloads.push(payload);
        table.insert_unique(hash, place, |place| {
            let payload = payloads.get(*place as usize);
            payload.map_or(0, |payload| hasher.hash_one(payload.texts()))
        });
        self.bytes += bytes;
        *total += bytes;
        Some(place)
    }

    /// Counts a span; `total` are the bytes of all buckets.
    pub(super) fn add(
        &mut self,
        key: &mut GroupKey<'_>,
        sample: &Sample,
        total: &mut usize,
        limits: Limits,
    ) -> Added {
        let mut hash = self.hasher.hash_one(&*key);
        let mut added = Added::Counted;
        let mut place = self.find(hash, key);
        if place.is_none() && *total >= limits.fold {
            key.fold();
            hash = self.hasher.hash_one(&*key);
            added = Added::Folded;
            place = self.find(hash, key);
        }
        let place = match place {
            Some(place) => place,
            None if *total < limits.bytes => self.insert(hash, key, total),
            None => return Added::Dropped,
        };
        let Some(group) = self.groups.get_mut(place) else {
            return Added::Dropped;
        };
        group.count(sample);
        if *total >= limits.bytes {
            return Added::WithoutSketch;
        }
        let grown = group.observe(sample);
        self.bytes += grown;
        *total += grown;
        added
    }

    /// The counts as they are sent, of each payload.
    pub(super) fn into_stats(
        self,
        random: &mut impl FnMut() -> f64,
    ) -> Vec<(PayloadKey, ClientStatsBucket)> {
        let empty = || ClientStatsBucket {
            start: self.start_ns,
            duration: BUCKET_NS,
            ..ClientStatsBucket::default()
        };
        let mut stats: Vec<(PayloadKey, ClientStatsBucket)> = self
            .payloads
            .into_iter()
            .map(|payload| (payload, empty()))
            .collect();
        for group in self.groups {
            if let Some((_, bucket)) = stats.get_mut(group.key.payload as usize) {
                bucket.stats.push(group.into_stats(random()));
            }
        }
        // A payload is noted before the first of its spans, for which there may have been no memory.
        stats.retain(|(_, bucket)| !bucket.stats.is_empty());
        stats
    }

    fn find(&self, hash: u64, key: &GroupKey<'_>) -> Option<usize> {
        let found = self.group_table.find(hash, |place| {
            let group = self.groups.get(*place as usize);
            group.is_some_and(|group| group.hash == hash && group.key.is(key))
        });
        found.map(|place| *place as usize)
    }

    fn insert(&mut self, hash: u64, key: &GroupKey<'_>, total: &mut usize) -> usize {
        let group = Group {
            hash,
            key: key.to_owned(),
            hits: 0.0,
            errors: 0.0,
            top_level_hits: 0.0,
            duration_ns: 0.0,
            ok: Sketch::default(),
            error: Sketch::default(),
        };
        let bytes = size_of::<Group>() + TABLE_BYTES + group.key.bytes();
        self.bytes += bytes;
        *total += bytes;
        let place = self.groups.len();
        self.groups.push(group);
        if let Ok(place) = u32::try_from(place) {
            let groups = &self.groups;
            self.group_table.insert_unique(hash, place, |place| {
                let group = groups.get(*place as usize);
                group.map_or(0, |group| group.hash)
            });
        }
        place
    }
}

impl Group {
    fn count(&mut self, sample: &Sample) {
        self.hits += sample.weight;
        self.duration_ns += sample.duration_ns as f64 * sample.weight;
        if sample.is_error {
            self.errors += sample.weight;
        }
        if sample.is_top_level {
            self.top_level_hits += sample.weight;
        }
    }

    /// Adds a duration to its sketch, and returns by how many bytes that grew.
    fn observe(&mut self, sample: &Sample) -> usize {
        let sketch = if sample.is_error {
            &mut self.error
        } else {
            &mut self.ok
        };
        let before = sketch.bytes();
        // It is refused only if it is no number, or its weight is none.
        sketch
            .insert_weighted(masked(sample.duration_ns), sample.weight)
            .ok();
        sketch.bytes().saturating_sub(before)
    }

    /// The counts as they are sent; one random number rounds all of them, so that no part is more than the whole.
    fn into_stats(self, random: f64) -> ClientGroupedStats {
        let [
            service,
            name,
            resource,
            kind,
            span_kind,
            grpc_status,
            source,
        ] = self.key.texts.get().map(str::to_owned);
        ClientGroupedStats {
            service,
            name,
            resource,
            http_status_code: self.key.http_status,
            kind,
            hits: rounded(self.hits, random),
            errors: rounded(self.errors, random),
            duration: rounded(self.duration_ns, random),
            ok_summary: message(&self.ok),
            error_summary: message(&self.error),
            synthetics: self.key.is_synthetic,
            top_level_hits: rounded(self.top_level_hits, random),
            span_kind,
            peer_tags: self.key.peer_tags.into_vec(),
            is_trace_root: self.key.trace_root,
            grpc_status_code: grpc_status,
            service_source: source,
            additional_metric_tags: self.key.additional_tags.into_vec(),
            ..ClientGroupedStats::default()
        }
    }
}

/// A duration as sketches take it.
pub(super) fn masked(duration_ns: i64) -> f64 {
    f64::from_bits((duration_ns as f64).to_bits() & DURATION_MASK)
}

/// The whole number below or above, so that the mean over many random numbers from 0 up to 1 is the number.
fn rounded(number: f64, random: f64) -> u64 {
    let whole = number.trunc();
    let up = random < number - whole;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not below 0, and saturating"
    )]
    let whole = whole as u64;
    whole.saturating_add(up.into())
}

fn message(sketch: &Sketch) -> Bytes {
    let mut bytes = Vec::new();
    sketch.to_message().encode(&mut bytes);
    bytes.into()
}
