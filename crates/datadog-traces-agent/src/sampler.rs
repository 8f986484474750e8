//! Decides which chunks are sent: by the tracer's priority, by rates, by errors, by rarity.
//!
//! One [`Sampler`] holds all that the agent has seen and answers for one chunk at a time, in the order that tracers
//! and backend expect. It also works out the rates that tracers are told ([`Rates`]).
//! Pure: the time is an argument, and whatever looks like chance is a hash of the trace's id, so that all agents decide
//! alike. Memory is bounded: see `core`, `catalogue` and `rare` for what happens at their limits.
//! Chunks that are not kept are not removed here: the caller does, and counts them.

mod catalogue;
mod core;
mod error;
mod events;
mod no_priority;
mod priority;
mod probabilistic;
mod rare;
mod rates;
mod score;
mod security;
mod signature;
mod single_span;

use std::time::Duration;

use crate::span::{Chunk, PRIORITY_NONE, Span};

pub use self::events::AnalyzedSpan;
pub use self::probabilistic::{Probabilistic, TraceIds};
pub use self::rates::{Rates, Reply};

/// The tag of a chunk that says what decided for it.
const DECISION_MAKER: &str = "_dd.p.dm";
/// The decision maker of a drop that somebody wrote in code.
const MANUAL: &str = "-4";
/// The decision maker of the probabilistic sampler.
const PROBABILISTIC: &str = "-9";
/// The tag of chunks with errors, where only they are kept.
const STANDALONE_ERROR: &str = "_dd.error_tracking_standalone.error";

/// The share of traces that the tracer kept, from its own rules.
const CLIENT_RATE: &str = "_sample_rate";
/// The share of requests that were taken in at all.
const PRE_SAMPLER_RATE: &str = "_dd1.sr.rapre";
/// The largest weight of one trace: above it a sum of them would lose the others.
const MAX_WEIGHT: f64 = 1e9;

/// What decides, and how much of it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The environment of traces that name none.
    pub agent_env: String,
    /// How many traces a second are wanted in all; 10 by default. 0 keeps only what tracers and users ask for.
    pub target_tps: f64,
    /// How many traces with errors a second are kept beyond those; 10 by default, 0 keeps none.
    pub error_tps: f64,
    /// A factor for every rate; 1 by default.
    pub extra_sample_rate: f64,
    /// Whether traces with spans of a rare kind are kept; not by default.
    pub rare: bool,
    /// Which samplers there are; [`Mode::Priority`] by default.
    pub mode: Mode,
    /// How many analysed events a second are kept; 200 by default.
    pub max_eps: f64,
    /// Spans that are analysed events although their tracer does not say so.
    pub analyzed_spans: Vec<AnalyzedSpan>,
    /// For how many services rates are kept; 5000 by default.
    pub max_catalog_entries: usize,
    /// Whether traces that tracers drop may be kept for an error or for their rarity, unless the drop is written in
    /// code; not by default.
    pub error_rare_sample_tracer_drop: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agent_env: String::from("none"),
            target_tps: 10.0,
            error_tps: 10.0,
            extra_sample_rate: 1.0,
            rare: false,
            mode: Mode::Priority,
            max_eps: 200.0,
            analyzed_spans: Vec::new(),
            max_catalog_entries: 5_000,
            error_rare_sample_tracer_drop: false,
        }
    }
}

/// Which samplers there are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Mode {
    /// The priority of the tracer counts; traces without one are kept by a rate.
    #[default]
    Priority,
    /// A share of all traces is kept whatever their priority is, and those with errors.
    Probabilistic(Probabilistic),
    /// Only traces with errors are kept.
    ErrorTracking,
    /// Only traces that carry what AppSec found are kept, and of each service one in a minute.
    Security,
}

/// What is known of a chunk beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts<'a> {
    /// The environment of the chunk; empty is the agent's.
    pub env: &'a str,
    /// Traces that the tracer dropped itself and told of in this payload.
    pub client_dropped_p0_traces: u64,
    /// The chunks of the payload, among which the dropped ones are shared out.
    pub chunks: usize,
}

/// What becomes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All of it is sent.
    Kept(By),
    /// Only the spans are sent that the tracer sampled one by one; the others are gone from the chunk.
    SingleSpans,
    /// Only the analysed events are sent; the other spans are gone from the chunk.
    Events,
    /// None of it is sent: the caller removes it.
    Dropped,
    /// The same, because traces only carry what AppSec finds.
    Unwanted,
}

/// What a chunk was kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// One of its spans is of a kind that is rare.
    Rare,
    /// Its priority.
    Priority,
    /// A rate, as it has no priority.
    NoPriority,
    /// The share of all traces that is kept.
    Probability,
    /// An error.
    Error,
    /// What AppSec found, where nothing else is wanted.
    Finding,
    /// A sign that its service is alive, where only findings are wanted.
    Heartbeat,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the chunk.
    pub verdict: Verdict,
    /// Spans that were marked as analysed events.
    pub events: usize,
}

/// All samplers of an agent.
#[derive(Debug)]
pub struct Sampler {
    mode: Mode,
    agent_env: String,
    tracer_drops_are_final: bool,
    priority: priority::Sampler,
    no_priority: score::Sampler,
    error: score::Sampler,
    security: security::Sampler,
    rare: rare::Sampler,
    events: events::Sampler,
}

/// Whether a chunk is kept, and whether its events are looked for.
struct Kept {
    by: Option<By>,
    events: Events,
}

#[derive(PartialEq, Eq)]
enum Events {
    Wanted,
    Unwanted,
}

impl Sampler {
    /// Samplers that have seen nothing.
    pub fn new(config: Config) -> Self {
        let Config {
            extra_sample_rate: extra,
            max_catalog_entries: max,
            ..
        } = config;
        Self {
            mode: config.mode,
            tracer_drops_are_final: !config.error_rare_sample_tracer_drop,
            priority: priority::Sampler::new(&config.agent_env, config.target_tps, extra, max),
            no_priority: no_priority::sampler(config.target_tps, extra),
            error: error::sampler(config.error_tps, extra),
            security: security::Sampler::default(),
            rare: rare::Sampler::new(config.rare),
            events: events::Sampler::new(config.max_eps, config.analyzed_spans),
            agent_env: config.agent_env,
        }
    }

    /// Decides what becomes of a chunk, and marks its spans with what decided.
    ///
    /// `root` is the place of its root among its spans, and `now` is the time since 1970, which should not go back.
    /// A chunk without such a span is dropped.
    pub fn decide(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        facts: &Facts<'_>,
        now: Duration,
    ) -> Decision {
        if root >= chunk.spans.len() {
            return Decision {
                verdict: Verdict::Dropped,
                events: 0,
            };
        }
        let kept = self.run(chunk, root, facts, now);
        chunk.dropped_trace = kept.by.is_none();
        let events = match kept.events {
            Events::Wanted => self.events.mark(chunk, root, now),
            Events::Unwanted => 0,
        };
        let verdict = match kept.by {
            Some(by) => Verdict::Kept(by),
            None if self.mode == Mode::ErrorTracking => Verdict::Dropped,
            None if self.mode == Mode::Security => Verdict::Unwanted,
            None if single_span::rescue(chunk) => Verdict::SingleSpans,
            None if events > 0 => {
                chunk.spans.retain(events::is_analyzed);
                Verdict::Events
            }
            None => Verdict::Dropped,
        };
        Decision { verdict, events }
    }

    /// The rates that tracers are told.
    pub const fn rates(&self) -> &Rates {
        self.priority.rates()
    }

    /// Wants another number of traces a second from now on; rates follow in proportion.
    pub fn set_target_tps(&mut self, target_tps: f64) {
        self.priority.set_target_tps(target_tps);
        self.no_priority.set_target_tps(target_tps);
    }

    /// Wants another number of traces with errors a second from now on; 0 keeps none.
    pub fn set_error_tps(&mut self, error_tps: f64) {
        self.error.set_target_tps(error_tps);
    }

    /// Starts or stops to keep traces for their rarity.
    pub const fn set_rare(&mut self, enabled: bool) {
        self.rare.set_enabled(enabled);
    }

    /// Runs the samplers in their order.
    fn run(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        facts: &Facts<'_>,
        now: Duration,
    ) -> Kept {
        let agent_env = std::mem::take(&mut self.agent_env);
        let env = match facts.env {
            "" => agent_env.as_str(),
            env => env,
        };
        let kept = match self.mode {
            Mode::Priority => self.by_priority(chunk, root, env, facts, now),
            Mode::Probabilistic(sampler) => self.by_probability(sampler, chunk, root, env, now),
            Mode::ErrorTracking => self.errors_alone(chunk, root, env, now),
            Mode::Security => Kept {
                by: self.security.sample(chunk, root, now),
                events: Events::Unwanted,
            },
        };
        self.agent_env = agent_env;
        kept
    }

    fn by_priority(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        env: &str,
        facts: &Facts<'_>,
        now: Duration,
    ) -> Kept {
        // First, and whatever the priority is, for what it has seen is no longer rare.
        let rare = self.rare.sample(chunk, env, now);
        let has_priority = chunk.priority != PRIORITY_NONE;
        let dropped_by_tracer = has_priority && chunk.priority < 0;
        if dropped_by_tracer && (self.tracer_drops_are_final || is_manual_drop(chunk)) {
            return Kept {
                by: None,
                events: Events::Unwanted,
            };
        }
        let by = if rare {
            Some(By::Rare)
        } else if has_priority && self.priority.sample(chunk, root, env, facts, now) {
            Some(By::Priority)
        } else if !has_priority && self.no_priority.sample(chunk, root, env, now) {
            Some(By::NoPriority)
        } else {
            self.by_error(chunk, root, env, now)
        };
        Kept {
            by,
            events: Events::Wanted,
        }
    }

    fn by_probability(
        &mut self,
        sampler: Probabilistic,
        chunk: &mut Chunk<'_>,
        root: usize,
        env: &str,
        now: Duration,
    ) -> Kept {
        let by = if self.rare.sample(chunk, env, now) {
            Some(By::Rare)
        } else if chunk
            .spans
            .get_mut(root)
            .is_some_and(|root| sampler.sample(root))
        {
            chunk.tags.insert(DECISION_MAKER, PROBABILISTIC.into());
            Some(By::Probability)
        } else {
            self.by_error(chunk, root, env, now)
        };
        chunk.priority = i32::from(by.is_some());
        Kept {
            by,
            events: Events::Wanted,
        }
    }

    fn errors_alone(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        env: &str,
        now: Duration,
    ) -> Kept {
        let mut by = None;
        if error::has_error(chunk) || error::has_exception_event(chunk) {
            chunk.tags.insert(STANDALONE_ERROR, "true".into());
            if self.error.sample(chunk, root, env, now) {
                by = Some(By::Error);
            }
        }
        Kept {
            by,
            events: Events::Unwanted,
        }
    }

    fn by_error(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        env: &str,
        now: Duration,
    ) -> Option<By> {
        let kept = error::has_error(chunk) && self.error.sample(chunk, root, env, now);
        kept.then_some(By::Error)
    }
}

/// Whether somebody wrote in code that the chunk is to be dropped.
fn is_manual_drop(chunk: &Chunk<'_>) -> bool {
    let decided_by = chunk.tags.get(DECISION_MAKER);
    chunk.priority == -1 && decided_by.is_some_and(|by| by == MANUAL)
}

/// Whether a trace is among the share that a rate keeps; the same for all agents, and for a higher rate too.
pub(crate) fn keeps(trace_id: u64, rate: f64) -> bool {
    const FACTOR: u64 = 1_111_111_111_111_111_111;
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 2^64, and saturating"
    )]
    let threshold = (rate * TWO_TO_64) as u64;
    rate >= 1.0 || trace_id.wrapping_mul(FACTOR) < threshold
}

/// A rate of a span; 1 if it has none or none with a meaning.
fn rate_of(span: &Span<'_>, key: &str) -> f64 {
    span.metric(key)
        .filter(|rate| *rate > 0.0 && *rate <= 1.0)
        .unwrap_or(1.0)
}

/// For how many traces this one stands.
fn weight_of(root: &Span<'_>) -> f64 {
    let rate = rate_of(root, CLIENT_RATE) * rate_of(root, PRE_SAMPLER_RATE);
    (1.0 / rate).min(MAX_WEIGHT)
}

#[cfg(test)]
mod tests;
