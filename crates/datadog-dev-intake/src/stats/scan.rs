//! Finds the groups of a body, before anything is built of them.
//!
//! A map of one byte may become a structure of hundreds; whoever decodes the groups after this knows how many there
//! are.

use datadog_wire::stats::{ClientStatsBucket, ClientStatsPayload};
use serde::de::DeserializeOwned;

use super::msgpack::{self, Split};
use super::{Place, Stats};

/// Groups, buckets and clients in one body: five times the groups that an agent puts into one.
pub(super) const MAX_RECORDS: usize = 20_000;
/// How deep a value may lie within others; those that mean something lie four deep.
const MAX_DEPTH: usize = 64;
/// The key of the array of clients, of buckets and of groups alike.
const STATS: &[u8] = b"Stats";

/// Why a body is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// In words, where it is broken and how.
    Malformed(String),
    /// More than [`MAX_RECORDS`].
    TooMany,
}

/// Finds the groups of `body`.
///
/// # Errors
/// When it is no such payload as far as its groups, or holds too many.
pub(super) fn scan(body: &[u8]) -> Result<Stats, Broken> {
    let mut room = MAX_RECORDS;
    let whole = part(body, 0, "payload", &mut room)?;
    let mut stats = Stats {
        groups: Vec::new(),
        payload: whole.read("payload")?,
        clients: Vec::new(),
        buckets: Vec::new(),
        head_bytes: whole.split.head.len(),
    };
    for (client, place) in whole.split.places.iter().enumerate() {
        let bytes = body.get(place.clone()).unwrap_or_default();
        let name = format!("client {client}");
        let part_of_client = part(bytes, place.start, &name, &mut room)?;
        stats.head_bytes += part_of_client.split.head.len();
        stats
            .clients
            .push(part_of_client.read::<ClientStatsPayload>(&name)?);
        for within in part_of_client.split.places {
            let start = place.start + within.start;
            let bytes = bytes.get(within).unwrap_or_default();
            let name = format!("bucket {}", stats.buckets.len());
            let part_of_bucket = part(bytes, start, &name, &mut room)?;
            stats.head_bytes += part_of_bucket.split.head.len();
            let bucket = stats.buckets.len();
            stats
                .buckets
                .push((client, part_of_bucket.read::<ClientStatsBucket>(&name)?));
            let places = part_of_bucket.split.places.into_iter();
            stats.groups.extend(places.map(|within| Place {
                place: offset(start + within.start)..offset(start + within.end),
                bucket,
            }));
        }
    }
    Ok(stats)
}

/// Reads a value of which it is known how much is in it.
///
/// # Errors
/// In words, why it is none.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
    deserializer.set_max_depth(MAX_DEPTH);
    T::deserialize(&mut deserializer).map_err(|error| error.to_string())
}

/// A map without its `Stats`, and where it stands in the body.
struct Part {
    split: Split,
    start: usize,
}

impl Part {
    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T, Broken> {
        read(&self.split.head).map_err(|why| malformed(name, self.start, &why))
    }
}

fn part(bytes: &[u8], start: usize, name: &str, room: &mut usize) -> Result<Part, Broken> {
    let split = msgpack::split(bytes, STATS, *room).map_err(|why| malformed(name, start, &why))?;
    *room = room.checked_sub(split.count).ok_or(Broken::TooMany)?;
    Ok(Part { split, start })
}

fn malformed(name: &str, start: usize, why: &str) -> Broken {
    Broken::Malformed(format!("{name} at byte {start}: {why}"))
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX) // a decoded body is far below 4 GiB
}
