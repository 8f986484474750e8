//! Works stats out of spans: how many there were, how many failed, and how long they took, in buckets of ten seconds.
//!
//! Sees all chunks before any is sampled out. Spans that are alike are counted together; which are, the files below
//! say. A span whose group is known costs no allocation.
//! Pure: the time and the random numbers for rounding are arguments.
//!
//! Memory is bounded in bytes over all buckets. From three quarters of the bound on, spans of new groups are counted
//! under the resource `agent_blocked_value` of their service, without tags; at the bound they are not counted at all,
//! and sketches take no more values, while counts of known groups still grow. Each case has its counter.

mod bucket;
mod grpc;
mod key;
mod peer_tags;
mod span;

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use datadog_wire::stats::{BUCKET_NS, ClientStatsPayload};

use crate::span::{Chunk, Span};

use self::bucket::{Added, Bucket, Limits, Sample};
use self::key::{GroupKey, PayloadKey, PayloadTexts};
use self::peer_tags::TagKeys;
pub use self::peer_tags::{PEER_TAGS, peer_tags};
use self::span::{Peers, Seen};

/// How many buckets are open beside the current one.
const OPEN_BUCKETS: u64 = 1;
/// Spans that end later than this are counted as if they ended then; with it the number of buckets is bounded.
const MAX_FUTURE_NS: u64 = 60 * BUCKET_NS;
/// The largest weight of a span: above it a sum of them would lose the others.
const MAX_WEIGHT: f64 = 1e9;
/// The share of traces that the tracer kept, from its own rules.
const CLIENT_RATE: &str = "_sample_rate";

/// What is counted, and under which names.
#[derive(Debug, Clone)]
pub struct Config {
    /// The environment of spans that name none; not empty.
    pub agent_env: String,
    /// The host of spans that name none.
    pub agent_hostname: String,
    /// Whether spans of servers, clients, producers and consumers count although they are neither top-level nor
    /// measured; by default they do.
    pub compute_stats_by_span_kind: bool,
    /// The tags that say who was at the other end, as [`peer_tags()`] gives them; none switches them off.
    pub peer_tags: Vec<String>,
    /// Further tags that tell groups apart; none by default.
    pub additional_tags: Vec<String>,
    /// Takes addresses out of the value of a peer tag; by default values stay what they are.
    pub quantize_peer: fn(&str) -> Cow<'_, str>,
    /// Bytes of memory over all buckets; 64 MiB by default.
    pub max_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agent_env: String::from("none"),
            agent_hostname: String::new(),
            compute_stats_by_span_kind: true,
            peer_tags: peer_tags(&[]),
            additional_tags: Vec::new(),
            quantize_peer: |value| Cow::Borrowed(value),
            max_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What is known of a chunk beside itself; all may be empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The environment; empty is the agent's.
    pub env: &'a str,
    /// The host; empty is the agent's.
    pub hostname: &'a str,
    /// The version of the application.
    pub version: &'a str,
    /// The container that the tracer runs in.
    pub container_id: &'a str,
    /// The commit that the application was built from.
    pub git_commit_sha: &'a str,
    /// The tag of the image of the container.
    pub image_tag: &'a str,
    /// The language of the tracer.
    pub lang: &'a str,
    /// Tags of the process, joined by commas.
    pub process_tags: &'a str,
}

/// What became of spans, since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans that were counted.
    pub counted: u64,
    /// Spans that are not for stats: inner ones, and parts of what still runs.
    pub not_eligible: u64,
    /// Of those counted, spans without a group of their own, as memory ran short.
    pub folded: u64,
    /// Spans that were not counted, as there was no memory.
    pub dropped: u64,
    /// Of those counted, spans of which sketches know nothing, as there was no memory.
    pub without_sketch: u64,
    /// Spans that ended more than ten minutes after now, and were taken as if they ended then.
    pub in_future: u64,
}

/// Which buckets a flush takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Those that can get no more spans.
    Complete,
    /// All: the agent stops, or somebody asks for everything.
    All,
}

/// Stats of the spans of the last seconds.
#[derive(Debug)]
pub struct Concentrator {
    rules: Rules,
    open: Open,
}

/// The configuration, as spans are read by it.
#[derive(Debug)]
struct Rules {
    config: Config,
    peer_tags: TagKeys,
    additional_tags: TagKeys,
    limits: Limits,
}

/// The open buckets.
#[derive(Debug)]
struct Open {
    /// In no order; there are never many.
    buckets: Vec<Bucket>,
    /// Spans that ended before this are counted as if they ended then.
    oldest_ns: u64,
    /// Bytes of all buckets.
    bytes: usize,
    counts: Counts,
}

impl Concentrator {
    /// A concentrator without spans, at a time since 1970: earlier spans are counted in the bucket of then.
    pub fn new(config: Config, now: Duration) -> Self {
        Self {
            rules: Rules {
                peer_tags: TagKeys::new(&config.peer_tags),
                additional_tags: TagKeys::new(&config.additional_tags),
                limits: Limits::of(config.max_bytes),
                config,
            },
            open: Open {
                buckets: Vec::new(),
                oldest_ns: floor(nanoseconds(now)),
                bytes: 0,
                counts: Counts::default(),
            },
        }
    }

    /// Counts the spans of a chunk; `root` is the place of its root among them.
    pub fn add(&mut self, chunk: &Chunk<'_>, root: usize, facts: &Facts<'_>, now: Duration) {
        let Some(root) = chunk.spans.get(root) else {
            return;
        };
        let Self { rules, open } = self;
        let config = &rules.config;
        let payload = key::payload_texts(facts, root, &config.agent_env, &config.agent_hostname);
        let of_chunk = OfChunk {
            weight: weight_of(root),
            is_synthetic: chunk.origin.starts_with("synthetics"),
        };
        let latest_ns = floor(nanoseconds(now).saturating_add(MAX_FUTURE_NS)).max(open.oldest_ns);
        // Most spans of a chunk end in the same bucket.
        let mut last: Option<(u64, Place)> = None;
        for span in &chunk.spans {
            let Some(seen) = span::read(span, config.compute_stats_by_span_kind) else {
                open.counts.not_eligible += 1;
                continue;
            };
            let end_ns = floor(end_of(span));
            let start_ns = end_ns.clamp(open.oldest_ns, latest_ns);
            let known = last.filter(|(of, _)| *of == start_ns);
            let place = known
                .map(|(_, place)| place)
                .or_else(|| open.place(start_ns, &payload, rules.limits));
            let Some(place) = place else {
                open.counts.dropped += 1;
                continue;
            };
            last = Some((start_ns, place));
            open.add_span(rules, span, &seen, &of_chunk, place);
            open.counts.in_future += u64::from(end_ns > start_ns);
        }
    }

    /// Takes buckets, as payloads: one for each environment, host, version and so on.
    ///
    /// `random` gives numbers from 0 up to 1, by which fractions of counts are rounded, so that sums are right in the
    /// long run.
    pub fn flush(
        &mut self,
        due: Due,
        now: Duration,
        mut random: impl FnMut() -> f64,
    ) -> Vec<ClientStatsPayload> {
        let open = &mut self.open;
        let now_ns = nanoseconds(now);
        let complete_ns = now_ns.saturating_sub((OPEN_BUCKETS + 1) * BUCKET_NS);
        let (mut taken, kept): (Vec<Bucket>, Vec<Bucket>) = std::mem::take(&mut open.buckets)
            .into_iter()
            .partition(|bucket| due == Due::All || bucket.start_ns() <= complete_ns);
        open.buckets = kept;
        open.oldest_ns = open
            .oldest_ns
            .max(floor(now_ns).saturating_sub(OPEN_BUCKETS * BUCKET_NS));
        taken.sort_by_key(Bucket::start_ns);
        let mut payloads: Vec<ClientStatsPayload> = Vec::new();
        let mut places: HashMap<PayloadKey, usize> = HashMap::new();
        for bucket in taken {
            open.bytes = open.bytes.saturating_sub(bucket.bytes());
            for (key, stats) in bucket.into_stats(&mut random) {
                let place = match places.get(&key) {
                    Some(place) => *place,
                    None => {
                        payloads.push(key.payload());
                        places.insert(key, payloads.len() - 1);
                        payloads.len() - 1
                    }
                };
                if let Some(payload) = payloads.get_mut(place) {
                    payload.stats.push(stats);
                }
            }
        }
        payloads
    }

    /// What became of spans.
    pub const fn counts(&self) -> Counts {
        self.open.counts
    }

    /// Bytes of memory that all buckets take.
    pub const fn bytes(&self) -> usize {
        self.open.bytes
    }
}

impl Open {
    /// Counts a span in its bucket.
    fn add_span(
        &mut self,
        rules: &Rules,
        span: &Span<'_>,
        seen: &Seen<'_>,
        of_chunk: &OfChunk,
        place: Place,
    ) {
        let Some(bucket) = self.buckets.get_mut(place.bucket) else {
            return;
        };
        let mut key = GroupKey::of(span, seen, place.payload, of_chunk.is_synthetic);
        match seen.peers() {
            Peers::All => {
                let quantize = rules.config.quantize_peer;
                rules.peer_tags.find(span, quantize, &mut key.peer_tags);
            }
            Peers::BaseService(service) if !rules.peer_tags.is_empty() => {
                let service = peer_tags::quantized(service, rules.config.quantize_peer);
                key.peer_tags.push((span::BASE_SERVICE, service));
            }
            Peers::BaseService(_) | Peers::None => {}
        }
        let unchanged = |value| Cow::Borrowed(value);
        rules
            .additional_tags
            .find(span, unchanged, &mut key.additional_tags);
        let sample = Sample {
            weight: of_chunk.weight,
            duration_ns: span.duration.max(0),
            is_error: span.error != 0,
            is_top_level: seen.is_top_level,
        };
        match bucket.add(&mut key, &sample, &mut self.bytes, rules.limits) {
            Added::Dropped => {
                self.counts.dropped += 1;
                return;
            }
            Added::Folded => self.counts.folded += 1,
            Added::WithoutSketch => self.counts.without_sketch += 1,
            Added::Counted => {}
        }
        self.counts.counted += 1;
    }

    /// The place of a bucket and of a payload in it; `None` if there is no memory for them.
    fn place(
        &mut self,
        start_ns: u64,
        payload: &PayloadTexts<'_>,
        limits: Limits,
    ) -> Option<Place> {
        let mut buckets = self.buckets.iter();
        let bucket = match buckets.position(|bucket| bucket.start_ns() == start_ns) {
            Some(bucket) => bucket,
            None if self.bytes < limits.bytes => {
                self.buckets.push(Bucket::new(start_ns));
                self.bytes += Bucket::EMPTY_BYTES;
                self.buckets.len() - 1
            }
            None => return None,
        };
        let payload = self
            .buckets
            .get_mut(bucket)?
            .payload(payload, &mut self.bytes, limits)?;
        Some(Place { bucket, payload })
    }
}

/// What all spans of a chunk have in common.
struct OfChunk {
    /// For how many spans each of them stands.
    weight: f64,
    /// Whether a synthetic test caused them.
    is_synthetic: bool,
}

/// Where a span is counted.
#[derive(Debug, Clone, Copy)]
struct Place {
    bucket: usize,
    /// The payload within the bucket.
    payload: u32,
}

/// For how many traces a trace stands.
fn weight_of(root: &Span<'_>) -> f64 {
    let rate = root.metric(CLIENT_RATE);
    let rate = rate.filter(|rate| *rate > 0.0 && *rate <= 1.0);
    (1.0 / rate.unwrap_or(1.0)).min(MAX_WEIGHT)
}

/// When a span ended, in nanoseconds since 1970.
fn end_of(span: &Span<'_>) -> u64 {
    let end = span.start.saturating_add(span.duration);
    u64::try_from(end).unwrap_or(0)
}

/// When the bucket of a time begins.
const fn floor(ns: u64) -> u64 {
    ns - ns % BUCKET_NS
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
