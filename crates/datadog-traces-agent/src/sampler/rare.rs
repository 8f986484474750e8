//! Keeps traces with spans of a kind that was not kept for some minutes.
//!
//! A kind is what `signature::of_span` hashes, within an environment and a service. Two hundred kinds of one service
//! are told apart; with more of them their hashes are folded into two hundred. There are a thousand services at most:
//! when none of them can be forgotten, the others share one place.

use std::time::Duration;

use foldhash::quality::RandomState;
use hashbrown::HashMap;

use crate::span::{Chunk, Span};

use super::signature::{self, Resource};

/// The metric of the span for which a trace was kept.
const RARE: &str = "_dd.rare";
/// Traces a second that are kept in the long run.
const TOKENS_PER_SECOND: f64 = 5.0;
/// Traces that are kept at once.
const BURST: f64 = 50.0;
/// For how long a kind is not rare once it was kept.
const COOLDOWN: Duration = Duration::from_secs(5 * 60);
/// How much later the end of that time must be for it to be written.
const RENEWAL: Duration = Duration::from_secs(60);
/// Kinds of one service.
const MAX_KINDS: u32 = 200;
/// Services.
const MAX_SHARDS: usize = 1_000;
/// The place of services for which there is no other.
const SHARED_SHARD: u32 = 0;

#[derive(Debug)]
pub(super) struct Sampler {
    enabled: bool,
    tokens: f64,
    refilled: Duration,
    shards: HashMap<u32, Shard, RandomState>,
    swept: Duration,
}

/// The kinds of one service, with the time until which they are not rare.
#[derive(Debug, Default)]
struct Shard {
    until: HashMap<u32, Duration, RandomState>,
    folded: bool,
}

impl Sampler {
    pub(super) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            tokens: BURST,
            refilled: Duration::ZERO,
            shards: HashMap::default(),
            swept: Duration::ZERO,
        }
    }

    pub(super) const fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    /// Whether a chunk is kept; the span for which it is, says so.
    pub(super) fn sample(&mut self, chunk: &mut Chunk<'_>, env: &str, now: Duration) -> bool {
        if !self.enabled {
            return false;
        }
        for span in &mut chunk.spans {
            if counts(span) && self.is_rare(span, env, now) && self.take_token(now) {
                span.metrics.insert(RARE, 1.0);
                self.renew(chunk, env, now);
                return true;
            }
        }
        false
    }

    fn is_rare(&self, span: &Span<'_>, env: &str, now: Duration) -> bool {
        let shard = signature::of_service(env, &span.service);
        let shard = self.shards.get(&shard);
        // Without a place of its own it may be in the shared one.
        let shard = shard.or_else(|| self.shards.get(&SHARED_SHARD));
        let until = shard.and_then(|shard| shard.until.get(&shard.kind(span)));
        until.is_none_or(|until| now > *until)
    }

    fn take_token(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.refilled);
        self.refilled = self.refilled.max(now);
        self.tokens = (self.tokens + passed.as_secs_f64() * TOKENS_PER_SECOND).min(BURST);
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }

    /// Notes that all kinds of a chunk are kept.
    fn renew(&mut self, chunk: &Chunk<'_>, env: &str, now: Duration) {
        for span in chunk.spans.iter().filter(|span| counts(span)) {
            let shard = signature::of_service(env, &span.service);
            let shard = self.place(shard, now);
            self.shards
                .entry(shard)
                .or_default()
                .keep(span, now + COOLDOWN);
        }
    }

    /// The place of a service, which is the shared one when there is no room for another.
    fn place(&mut self, shard: u32, now: Duration) -> u32 {
        if self.shards.contains_key(&shard) || self.shards.len() < MAX_SHARDS {
            return shard;
        }
        // At most once a minute, as it looks at all of them.
        if now.saturating_sub(self.swept) >= RENEWAL {
            self.swept = now;
            self.shards.retain(|_, shard| !shard.is_over(now));
        }
        if self.shards.len() < MAX_SHARDS {
            shard
        } else {
            SHARED_SHARD
        }
    }
}

impl Shard {
    fn kind(&self, span: &Span<'_>) -> u32 {
        let kind = signature::of_span(span, "", Resource::Counts);
        if self.folded { kind % MAX_KINDS } else { kind }
    }

    fn keep(&mut self, span: &Span<'_>, until: Duration) {
        let kind = self.kind(span);
        match self.until.get_mut(&kind) {
            Some(held) if until.saturating_sub(*held) < RENEWAL => return,
            Some(held) => *held = until,
            None => {
                self.until.insert(kind, until);
            }
        }
        if self.until.len() > MAX_KINDS as usize {
            self.folded = true;
            let all = std::mem::take(&mut self.until);
            for (kind, until) in all {
                let held = self.until.entry(kind % MAX_KINDS).or_default();
                *held = (*held).max(until);
            }
        }
    }

    /// Whether all its kinds are rare again.
    fn is_over(&self, now: Duration) -> bool {
        self.until.values().all(|until| now > *until)
    }
}

/// Whether a span says of itself that it is worth a look.
fn counts(span: &Span<'_>) -> bool {
    ["_top_level", "_dd.top_level", "_dd.measured"]
        .iter()
        .any(|key| span.metric(key) == Some(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_700_000_000 + seconds)
    }

    fn chunk(service: &str, resource: &str) -> Chunk<'static> {
        let mut span = Span {
            service: service.to_owned().into(),
            resource: resource.to_owned().into(),
            ..Span::default()
        };
        span.metrics.insert("_top_level", 1.0);
        Chunk {
            spans: vec![span],
            ..Chunk::default()
        }
    }

    #[test]
    fn a_kind_is_rare_again_after_five_minutes() {
        let mut sampler = Sampler::new(true);
        let mut first = chunk("web", "/");
        assert!(sampler.sample(&mut first, "prod", at(0)));
        assert_eq!(first.spans[0].metric("_dd.rare"), Some(1.0));
        for (seconds, env, kept) in [
            (1, "prod", false),
            (1, "dev", true),
            (300, "prod", false),
            (301, "prod", true),
            (302, "prod", false),
        ] {
            let kept_now = sampler.sample(&mut chunk("web", "/"), env, at(seconds));
            assert_eq!(kept_now, kept, "{seconds} {env}");
        }
    }

    #[test]
    fn only_top_level_and_measured_spans_are_looked_at() {
        let mut sampler = Sampler::new(true);
        let mut chunk = chunk("web", "/");
        chunk.spans[0].metrics = [("_dd.measured".into(), 0.0)].into_iter().collect();
        assert!(!sampler.sample(&mut chunk, "prod", at(0)));
        chunk.spans[0].metrics.insert("_dd.measured", 1.0);
        assert!(sampler.sample(&mut chunk, "prod", at(0)));
    }

    #[test]
    fn five_a_second_are_kept_and_fifty_at_once() {
        let mut sampler = Sampler::new(true);
        let kept = |sampler: &mut Sampler, from: u32, seconds| {
            (from..from + 100)
                .filter(|resource| {
                    let mut chunk = chunk(&resource.to_string(), "/");
                    sampler.sample(&mut chunk, "prod", at(seconds))
                })
                .count()
        };
        assert_eq!(kept(&mut sampler, 0, 0), 50);
        assert_eq!(kept(&mut sampler, 1000, 2), 10);
        assert_eq!(kept(&mut sampler, 2000, 1), 0);
        assert_eq!(kept(&mut sampler, 3000, 3600), 50);
    }

    #[test]
    fn kinds_beyond_two_hundred_are_folded_and_services_share_a_place_when_there_are_too_many() {
        let mut sampler = Sampler::new(true);
        for resource in 0..2_000 {
            sampler.tokens = BURST;
            sampler.sample(&mut chunk("web", &resource.to_string()), "prod", at(0));
        }
        let shard = sampler.shards.values().next().unwrap();
        assert!(shard.folded);
        assert!(shard.until.len() <= 200);
        for service in 0..5_000 {
            sampler.tokens = BURST;
            sampler.sample(&mut chunk(&service.to_string(), "/"), "prod", at(0));
        }
        assert!(sampler.shards.len() <= MAX_SHARDS + 1);
        // What is over makes room.
        sampler.sample(&mut chunk("late", "/"), "prod", at(301));
        assert!(sampler.shards.len() <= 2);
    }

    #[test]
    fn a_kept_trace_makes_all_its_kinds_common() {
        let mut sampler = Sampler::new(true);
        let mut both = chunk("web", "/");
        both.spans.push(chunk("db", "select").spans.remove(0));
        assert!(sampler.sample(&mut both, "prod", at(0)));
        assert_eq!(both.spans[1].metric("_dd.rare"), None);
        assert!(!sampler.sample(&mut chunk("db", "select"), "prod", at(1)));
    }

    #[test]
    fn a_sampler_that_is_off_keeps_nothing() {
        let mut sampler = Sampler::new(false);
        assert!(!sampler.sample(&mut chunk("web", "/"), "prod", at(0)));
        sampler.set_enabled(true);
        assert!(sampler.sample(&mut chunk("web", "/"), "prod", at(0)));
    }
}
