//! What the concentrator and the aggregator of client stats share: requests for the intake, and keys of texts.
//!
//! Stats of one flush become as few requests as the limits of the intake allow. A payload that is too large is dealt
//! over several which have all its fields; no group is in two of them. Nothing is compressed or sent here.

mod texts;

use std::collections::HashMap;

use datadog_wire::stats::{
    ClientGroupedStats, ClientStatsBucket, ClientStatsPayload, MAX_GROUPS, StatsPayload,
};

pub(crate) use self::texts::Texts;

/// The bytes of a request before compression, with room to the limit of the intake for what is not counted exactly.
const MAX_BYTES: usize = 20_000_000;
/// The bytes of a group beside its texts, tags and sketches: its keys, numbers and heads.
const GROUP_BYTES: usize = 512;

/// The agent, as it stands in every request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// Its host.
    pub hostname: String,
    /// Its environment.
    pub env: String,
    /// Its version.
    pub version: String,
}

/// Who worked the stats out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This agent, from spans.
    Agent,
    /// Tracers.
    Client,
}

/// The request could not be written, which only a lack of memory could cause.
#[derive(Debug, thiserror::Error)]
#[error("the stats could not be written as msgpack")]
pub struct EncodeError(#[from] rmp_serde::encode::Error);

/// Gives payloads the tags of their containers.
///
/// `resolve` finds them for an id, or says that it knows no such container: then the id is taken out, as is expected by
/// the backend. Payloads that have tags keep them.
pub fn resolve_containers(
    stats: &mut [ClientStatsPayload],
    mut resolve: impl FnMut(&str) -> Option<Vec<String>>,
) {
    for payload in stats {
        if payload.container_id.is_empty() {
            payload.tags.clear();
        } else if payload.tags.is_empty() {
            match resolve(&payload.container_id) {
                Some(tags) => payload.tags = tags,
                None => payload.container_id.clear(),
            }
        }
    }
}

/// The requests for stats: as few as the intake allows, none when there is no group.
pub fn requests(
    agent: &Agent,
    origin: Origin,
    stats: Vec<ClientStatsPayload>,
) -> Vec<StatsPayload> {
    let request = || StatsPayload {
        agent_hostname: agent.hostname.clone(),
        agent_env: agent.env.clone(),
        stats: Vec::new(),
        agent_version: agent.version.clone(),
        client_computed: origin == Origin::Client,
        split_payload: false,
    };
    let mut requests = Vec::new();
    let mut held = (0, 0);
    for part in stats.into_iter().flat_map(dealt) {
        let (groups, bytes) = size(&part);
        let fits = held.0 + groups <= MAX_GROUPS && held.1 + bytes <= MAX_BYTES;
        if requests.is_empty() || !fits {
            requests.push(request());
            held = (0, 0);
        }
        held = (held.0 + groups, held.1 + bytes);
        if let Some(request) = requests.last_mut() {
            request.stats.push(part);
        }
    }
    if requests.len() > 1 {
        for request in &mut requests {
            request.split_payload = true;
        }
    }
    requests
}

/// The msgpack of a request, with all its keys.
///
/// # Errors
/// Never for what [`requests`] makes.
pub fn encode(request: &StatsPayload) -> Result<Vec<u8>, EncodeError> {
    Ok(rmp_serde::to_vec_named(request)?)
}

/// The hash of tags, in whatever order they are: FNV-1a of 64 bits; 0 of none.
pub(crate) fn tags_hash<'t>(tags: impl IntoIterator<Item = &'t str>) -> u64 {
    let mut tags: Vec<&str> = tags.into_iter().collect();
    tags.sort_unstable();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut write = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for (index, tag) in tags.iter().enumerate() {
        if index > 0 {
            write(0);
        }
        tag.bytes().for_each(&mut write);
    }
    if tags.is_empty() { 0 } else { hash }
}

/// The hash of the tags of a process, joined by commas; 0 of none.
pub(crate) fn process_tags_hash(tags: &str) -> u64 {
    if tags.is_empty() {
        return 0;
    }
    tags_hash(tags.split(','))
}

/// A payload in parts that fit in a request each; nothing of one without groups.
fn dealt(payload: ClientStatsPayload) -> Vec<ClientStatsPayload> {
    let (groups, bytes) = size(&payload);
    if groups == 0 {
        return Vec::new();
    }
    let parts = groups
        .div_ceil(MAX_GROUPS)
        .max(bytes.div_ceil(MAX_BYTES))
        .min(groups);
    if parts == 1 {
        return vec![payload];
    }
    // Each part has a share of the groups, but may have more than a share of the bytes.
    deal(payload, parts).into_iter().flat_map(dealt).collect()
}

/// Deals the groups of a payload one by one over so many of them, within the buckets they were in.
fn deal(mut payload: ClientStatsPayload, parts: usize) -> Vec<ClientStatsPayload> {
    let buckets = std::mem::take(&mut payload.stats);
    let mut dealt: Vec<ClientStatsPayload> = vec![payload; parts];
    let mut to = 0;
    for mut bucket in buckets {
        let groups = std::mem::take(&mut bucket.stats);
        let mut places: HashMap<usize, usize> = HashMap::new();
        for group in groups {
            if let Some(part) = dealt.get_mut(to) {
                let place = *places.entry(to).or_insert_with(|| {
                    part.stats.push(ClientStatsBucket { ..bucket.clone() });
                    part.stats.len() - 1
                });
                if let Some(bucket) = part.stats.get_mut(place) {
                    bucket.stats.push(group);
                }
            }
            to = (to + 1) % parts;
        }
    }
    dealt
}

/// The groups of a payload, and about how many bytes it has as msgpack, rather too many.
fn size(payload: &ClientStatsPayload) -> (usize, usize) {
    let groups = payload.stats.iter().flat_map(|bucket| &bucket.stats);
    let tags = lists_bytes([&payload.tags]) + payload.process_tags.len();
    groups.fold((0, GROUP_BYTES + tags), |(groups, bytes), group| {
        (groups + 1, bytes + group_bytes(group))
    })
}

/// About how many bytes a group has as msgpack, rather too many.
pub(crate) fn group_bytes(group: &ClientGroupedStats) -> usize {
    let texts = [
        &group.service,
        &group.name,
        &group.resource,
        &group.kind,
        &group.db_type,
        &group.span_kind,
        &group.grpc_status_code,
        &group.http_method,
        &group.http_endpoint,
        &group.service_source,
    ];
    GROUP_BYTES
        + texts.iter().map(|text| text.len()).sum::<usize>()
        + lists_bytes([
            &group.peer_tags,
            &group.span_derived_primary_tags,
            &group.additional_metric_tags,
        ])
        + group.ok_summary.len()
        + group.error_summary.len()
}

fn lists_bytes<const N: usize>(lists: [&Vec<String>; N]) -> usize {
    lists.into_iter().flatten().map(|text| text.len() + 5).sum()
}

#[cfg(test)]
mod tests;
