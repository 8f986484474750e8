//! Distributions: the message as the schema has it, and beside each of its sketches what the sketch crate makes of it.

use std::ops::Range;

use datadog_sketch::agent;
use datadog_wire::metrics::{Dogsketch, Sketch};
use prost::Message;

use super::Dislike;
use super::item::{self, Found};
use crate::protobuf;
use crate::records::within;

/// Number of the field of a distribution that holds its sketches.
const DOGSKETCHES_FIELD: u64 = 7;
/// What a bin holds at most: in the agents of before, and in those of today.
const FULL: [u32; 2] = [u16::MAX as u32, u32::MAX];

/// A distribution.
#[derive(Debug)]
pub(crate) struct Distribution {
    pub(crate) message: Sketch,
    /// For each sketch of the message, the sketch, or why it is none.
    pub(crate) sketches: Vec<Result<agent::Sketch, agent::Error>>,
}

impl Distribution {
    pub(super) fn of_protobuf(bytes: &[u8]) -> Result<Self, String> {
        let message = Sketch::decode(bytes).map_err(|error| error.to_string())?;
        let (places, _) = protobuf::messages(bytes, DOGSKETCHES_FIELD, message.dogsketches.len())?;
        let read = |place: &Range<u32>| {
            agent::Dogsketch::decode(within(bytes, place)).map(|read| read.sketch)
        };
        Ok(Self {
            sketches: places.iter().map(read).collect(),
            message,
        })
    }

    pub(super) fn check(&self, now_s: i64, found: &mut Found<'_>) {
        item::check_name(&self.message.metric, found);
        item::check_tags(&self.message.tags, found);
        item::check_host(&self.message.host, found);
        let buckets = &self.message.dogsketches;
        if buckets.is_empty() {
            found(Dislike::NoSketch, None);
        }
        for (index, (bucket, sketch)) in buckets.iter().zip(&self.sketches).enumerate() {
            let mut found = |dislike, detail: Option<String>| {
                let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
                found(dislike, Some(format!("bucket {index}{detail}")));
            };
            match sketch {
                Ok(_) => check_bucket(bucket, &mut found),
                Err(error) => found(Dislike::BadSketch, Some(error.to_string())),
            }
        }
        item::check_times(buckets.iter().map(|bucket| bucket.ts), now_s, found);
    }
}

/// Looks at a sketch that is none of those which cannot be.
fn check_bucket(bucket: &Dogsketch, found: &mut Found<'_>) {
    if bucket.cnt == 0 {
        found(Dislike::EmptySketch, None);
    }
    if bucket.min > bucket.max {
        found(Dislike::ExtremesCrossed, None);
    }
    let bins = bucket.k.iter().zip(&bucket.n);
    let next = bins.clone().skip(1);
    let is_split = bins.zip(next).find(|((key, one), (next, other))| {
        key == next && !FULL.contains(one) && !FULL.contains(other)
    });
    if let Some(((key, _), _)) = is_split {
        found(Dislike::KeyTwice, Some(format!("key {key}")));
    }
}
