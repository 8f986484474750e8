//! Decodes bodies of trace stats, and says what the real intake would not like about them.
//!
//! Keeps every group as a range of its body, to be decoded again when somebody asks; a body is taken as a whole or not
//! at all.

use std::collections::HashSet;
use std::ops::Range;

use datadog_wire::metrics::MAX_AHEAD_S;
use datadog_wire::stats::{
    BUCKET_NS, CONTENT_TYPE, ClientStatsBucket, ClientStatsPayload, MAX_GROUPS, StatsPayload,
};

use crate::logs::Refusal;
use crate::problem::{Problems, What};
use crate::records::{Body, Decoded, Names, Records, Signal};
use crate::traces::Dislike;
use group::Group;

pub(crate) mod group;
pub(crate) mod msgpack;
pub(crate) mod record;
mod scan;

/// The start of every bucket of clients' stats is a multiple of this, in nanoseconds.
const SECOND_NS: u64 = 1_000_000_000;

/// The accepted groups of a request.
#[derive(Debug, PartialEq)]
pub(crate) struct Stats {
    /// In their order.
    pub(crate) groups: Vec<Place>,
    /// What holds for the whole body, without what is in it.
    pub(crate) payload: StatsPayload,
    /// What holds for the buckets of one client, without the buckets.
    pub(crate) clients: Vec<ClientStatsPayload>,
    /// The buckets without their groups, each with the number of its client.
    pub(crate) buckets: Vec<(usize, ClientStatsBucket)>,
    /// Bytes of all of these on the wire.
    head_bytes: usize,
}

/// Where a group stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) place: Range<u32>,
    /// The number of its bucket in [`Stats::buckets`].
    pub(crate) bucket: usize,
}

impl Stats {
    /// What holds for the group at `index` beside itself.
    pub(crate) fn around(&self, index: usize) -> Option<(&ClientStatsPayload, &ClientStatsBucket)> {
        let (client, bucket) = self.buckets.get(self.groups.get(index)?.bucket)?;
        Some((self.clients.get(*client)?, bucket))
    }

    /// Bytes that keeping them takes, the body aside.
    pub(crate) fn cost(&self) -> usize {
        let tags: usize = self
            .clients
            .iter()
            .map(|client| client.tags.capacity())
            .sum();
        self.groups.capacity() * size_of::<Place>()
            + self.clients.capacity() * size_of::<ClientStatsPayload>()
            + self.buckets.capacity() * size_of::<(usize, ClientStatsBucket)>()
            + self.head_bytes
            + tags * size_of::<String>()
    }
}

/// Decodes `body`, noting in `problems` whatever is wrong with it.
pub(crate) fn decode(body: Body<'_>, problems: &mut Problems) -> Decoded {
    let mut decoded = Decoded::default();
    if !body.media_type.eq_ignore_ascii_case(CONTENT_TYPE) {
        problems.add(What::Traces(Dislike::NotMsgpack));
        decoded.refusal = Some(Refusal::Malformed);
        return decoded;
    }
    match scan::scan(body.raw) {
        Ok(stats) => read_all(&mut decoded, stats, &body, problems),
        Err(scan::Broken::Malformed(why)) => {
            problems.add_detail(What::Malformed, why);
            decoded.refusal = Some(Refusal::Malformed);
        }
        Err(scan::Broken::TooMany) => {
            problems.add(What::TooManyRecords(scan::MAX_RECORDS));
            decoded.refusal = Some(Refusal::TooLarge);
        }
    }
    decoded
}

/// Reads every group of a body, and keeps them if all can be read.
fn read_all(decoded: &mut Decoded, stats: Stats, body: &Body<'_>, problems: &mut Problems) {
    decoded.items = Some(stats.groups.len());
    check_whole(&stats, body.now_ms, problems);
    let noun = Signal::Stats.noun();
    let mut names = Names::default();
    let mut hits = 0_u64;
    let mut seen = HashSet::new();
    for (index, place) in stats.groups.iter().enumerate() {
        let group = match Group::read(crate::records::within(body.raw, &place.place)) {
            Ok(group) => group,
            Err(why) => {
                let why = format!("{noun} {index} at byte {}: {why}", place.place.start);
                problems.add_detail(What::Malformed, why);
                decoded.refusal = Some(Refusal::Malformed);
                return;
            }
        };
        let mut found = |dislike, detail| {
            problems.add_to(noun, index, What::Traces(dislike), detail);
        };
        group.check(&mut found);
        if !seen.insert((place.bucket, group.key())) {
            found(Dislike::GroupTwice, None);
        }
        hits = hits.saturating_add(group.message.hits);
        names.add(&group.message.service, group.message.hits);
    }
    decoded.facets.points = hits;
    decoded.facets.named = names.tally();
    decoded.records = Some(Records::Stats(stats));
}

/// Looks at what concerns no group by itself.
fn check_whole(stats: &Stats, now_ms: i64, problems: &mut Problems) {
    if stats.groups.is_empty() {
        problems.add(What::Nothing);
    }
    if stats.groups.len() > MAX_GROUPS {
        problems.add(What::Traces(Dislike::TooManyGroups));
    }
    if stats.payload.agent_version.is_empty() {
        problems.add(What::Traces(Dislike::NoAgentVersion));
    }
    for (index, client) in stats.clients.iter().enumerate() {
        let mut found = |dislike| problems.add_to("client", index, What::Traces(dislike), None);
        if client.env.is_empty() {
            found(Dislike::NoEnv);
        }
        // Buckets stand in the order of their clients.
        if stats
            .buckets
            .binary_search_by_key(&index, |(client, _)| *client)
            .is_err()
        {
            found(Dislike::NoBuckets);
        }
    }
    for (index, (_, bucket)) in stats.buckets.iter().enumerate() {
        let mut found = |dislike, detail| {
            problems.add_to("bucket", index, What::Traces(dislike), detail);
        };
        if stats
            .groups
            .binary_search_by_key(&index, |place| place.bucket)
            .is_err()
        {
            found(Dislike::NoGroups, None);
        }
        check_bucket(bucket, stats.payload.client_computed, now_ms, &mut found);
    }
}

/// Looks at when a bucket is. Agents move those of clients to seconds of their own.
fn check_bucket(
    bucket: &ClientStatsBucket,
    is_of_client: bool,
    now_ms: i64,
    found: &mut crate::traces::chunk::Found<'_>,
) {
    let step = if is_of_client { SECOND_NS } else { BUCKET_NS };
    if bucket.start == 0 || !bucket.start.is_multiple_of(step) {
        found(Dislike::OddStart, Some(bucket.start.to_string()));
    }
    if bucket.duration != BUCKET_NS {
        found(Dislike::OddDuration, Some(bucket.duration.to_string()));
    }
    let start_s = i64::try_from(bucket.start / SECOND_NS).unwrap_or(i64::MAX);
    if start_s.saturating_sub(now_ms / 1_000) > MAX_AHEAD_S {
        found(Dislike::Ahead, Some(start_s.to_string()));
    }
}

#[cfg(test)]
mod tests;
