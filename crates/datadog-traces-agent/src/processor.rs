//! From the body of a tracer to messages for the intake and stats, in one go while the body is held.
//!
//! The order of the rules is that of Datadog's agent: repair, filters, an inspector if there is one, mapping, obfuscation, cuts, replacements, stats,
//! sampling. Stats come before sampling, so that traces which are not sent count.

pub(crate) mod alone;
mod client_stats;
mod copies;
mod counters;
mod hold;
mod install;
mod memory;
mod slices;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::{Reason, Telemetry};
use datadog_wire::traces::MAX_BODY_BYTES;
use tracing::warn;

use self::copies::Copies;
use self::counters::Counters;
pub(crate) use self::hold::Which;
use self::install::FirstTraces;
pub(crate) use self::memory::Memory;
use crate::aggregator::Encoded;
use crate::aggregator::service::SharedStats;
use crate::concentrator;
use crate::config::{Config, ConfigError, Stats};
use crate::decode::{self, Allowance};
use crate::encode::Messages;
use crate::filter::Filter;
use crate::held::Held;
use crate::inspect::{Chance, Inspector, Look};
use crate::normalize;
use crate::obfuscate::Obfuscator;
use crate::replace::Replacer;
use crate::root;
use crate::sampler::{self, Reply, Sampler, Verdict};
use crate::server::client::Client;
use crate::service_mapping::ServiceMapping;
use crate::span::{Chunk, Map, Payload, Span, Text};
use crate::truncate::{self, Resources};

/// Bytes of one message for the intake, so that several tracers share a request.
const MESSAGE_BYTES: usize = 3_000_000;
/// Spans after which samplers and stats are given to others in between: some hundred microseconds of work.
const SPANS_AT_ONCE: usize = 256;
/// The part of the memory of bodies that chunks may take which wait.
const HELD_SHARE: usize = 4;
/// The tag that asks the backend for stats.
const COMPUTE_STATS: (&str, &str) = ("_dd.compute_stats", "1");
/// The tag with the tags of the process.
const PROCESS_TAGS: &str = "_dd.tags.process";
/// The tag that says where a trace began, which goes to the chunk.
const ORIGIN: &str = "_dd.origin";

/// A body with traces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) format: decode::Format,
    pub(crate) bytes: &'a [u8],
    pub(crate) client: &'a Client,
    pub(crate) now: Duration,
}

/// Why a chunk is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    /// A filter is for it.
    Filtered,
    /// There is no memory for what rules make of it.
    Memory,
    /// It is to wait for so long at most.
    Later(Duration),
}

/// What is left of a body when all rules were applied.
struct Rewritten<'a> {
    /// The roots of the chunks that are left.
    roots: Vec<usize>,
    /// The chunks that are to wait, and for how long at most.
    later: Vec<(Chunk<'a>, Duration)>,
}

/// Applies all rules; shared by all requests.
#[derive(Debug)]
pub(crate) struct Processor {
    filter: Filter,
    /// Who looks at chunks that no filter was for.
    inspector: Option<Arc<dyn Inspector>>,
    /// Chunks that it wants to see again.
    held: Held,
    replacer: Replacer,
    obfuscator: Obfuscator,
    service_mapping: ServiceMapping,
    component_as_name: bool,
    resources: Resources,
    stats: Stats,
    /// Whether traces only carry what AppSec finds.
    is_transport: bool,
    /// The environment of stats that name none.
    agent_env: String,
    /// Tags for spans that have none of the same key.
    tags: Vec<(String, String)>,
    /// What the first trace of each service tells of the installation.
    first_traces: Option<FirstTraces>,
    sampler: Mutex<Sampler>,
    open_stats: SharedStats,
    counters: Counters,
}

impl Processor {
    /// # Errors
    /// A rule that cannot be used.
    pub(crate) fn new(
        config: &Config,
        open_stats: SharedStats,
        telemetry: &Telemetry,
        events: event_bus::Sender,
        inspector: Option<Arc<dyn Inspector>>,
    ) -> Result<Arc<Self>, ConfigError> {
        let (filter, warnings) = Filter::new(config.filter.clone())?;
        for warning in warnings {
            warn!(%warning, "a filter of traces is left out");
        }
        Ok(Arc::new(Self {
            filter,
            inspector,
            held: Held::new(config.requests.memory_bytes / HELD_SHARE, telemetry),
            replacer: Replacer::new(config.replace.clone())?,
            obfuscator: Obfuscator::new(config.obfuscation.clone()),
            service_mapping: config.service_mapping.clone(),
            component_as_name: config.component_as_name,
            resources: config.resources,
            stats: config.stats,
            is_transport: config.sampler.mode == sampler::Mode::Security,
            agent_env: config.identity.env.clone(),
            tags: config.tags.clone(),
            first_traces: config.proxies.install.clone().map(FirstTraces::new),
            sampler: Mutex::new(Sampler::new(config.sampler.clone())),
            open_stats,
            counters: Counters::new(telemetry, events),
        }))
    }

    /// Whether chunks are looked at, which may take longer than a thread that others wait for should be held.
    pub(crate) fn inspects(&self) -> bool {
        self.inspector.as_ref().is_some_and(|it| it.is_on())
    }

    /// The rates that a tracer is to be told which has this version of them.
    pub(crate) fn rates(&self, version: &str) -> Reply {
        self.sampler().rates().reply(version)
    }

    /// Takes a body with traces, and gives away what is to be sent of it.
    ///
    /// What there is no memory for, or what is larger than any request may be, is counted and never written.
    ///
    /// # Errors
    /// A body that cannot be decoded, or for which there is no memory; nothing of it is used.
    pub(crate) fn traces<'a>(
        &'a self,
        body: &Body<'a>,
        allowance: Allowance,
        memory: &mut Memory<'_>,
        out: &mut dyn FnMut(Encoded),
    ) -> Result<(), decode::Error> {
        let mut held = slices::Held::default();
        let (mut head, mut allowance) =
            decode::each(body.format, body.bytes, allowance, &mut held)?;
        body.client.describe(&mut head);
        self.counters.announced(body.client);
        let total = held.count();
        if let Some(chunks) = held.into_chunks() {
            head.chunks = chunks;
            self.slice(&mut head, total, body, &mut allowance, memory, out);
            return Ok(());
        }
        // There is memory for the largest slice.
        let reserved = allowance.room();
        let mut of_copies = allowance.split_off(0);
        let mut slices = slices::Slices::new(head, |payload: &mut Payload<'a>| {
            self.slice(payload, total, body, &mut of_copies, memory, out);
        });
        // It was decoded before, so that nothing can be wrong with it.
        let (_, allowance) = decode::each(body.format, body.bytes, allowance, &mut slices)?;
        debug_assert_eq!(allowance.room(), reserved);
        slices.finish();
        Ok(())
    }

    /// Takes chunks of a body that has so many of them.
    fn slice<'a>(
        &'a self,
        payload: &mut Payload<'a>,
        total: usize,
        body: &Body<'a>,
        allowance: &mut Allowance,
        memory: &mut Memory<'_>,
        out: &mut dyn FnMut(Encoded),
    ) {
        let mut copies = Copies::new(allowance);
        self.counters.received(payload);
        self.repair(payload, body.client, body.now);
        let Rewritten { roots, later } = self.rewrite(payload, body.client, &mut copies);
        self.sample(payload, &roots, total, body.client, body.now);
        self.encode(payload, memory, out);
        if !later.is_empty() {
            self.hold(payload, later, body.client, memory, out);
        }
    }

    fn encode(&self, payload: &Payload<'_>, memory: &mut Memory<'_>, out: &mut dyn FnMut(Encoded)) {
        let mut messages = Messages::new(payload, MESSAGE_BYTES);
        while let Some(part) = messages.next() {
            let reservation = match part.bytes > MAX_BODY_BYTES {
                true => Err(Reason::TooLarge),
                false => memory.take(part.bytes).ok_or(Reason::QueueFull),
            };
            match reservation {
                Ok(reservation) => {
                    let message = messages.write(part);
                    out(Encoded {
                        bytes: message.bytes,
                        chunks: message.chunks as u64,
                        spans: message.spans as u64,
                        language: payload.language_name.to_string(),
                        reservation,
                    });
                }
                Err(reason) => self.counters.lost(reason, &part),
            }
        }
    }

    fn repair<'a>(&self, payload: &mut Payload<'a>, client: &'a Client, now: Duration) {
        let language = payload.language_name.clone();
        let context = normalize::Context {
            language: &language,
            now: i64::try_from(now.as_nanos()).unwrap_or(i64::MAX),
            component_as_name: self.component_as_name,
        };
        let mut counts = normalize::Counts::default();
        normalize::payload(payload, &context, &mut counts);
        self.counters.repaired(&counts);
        describe_process(payload, client);
        truncate::payload(payload);
    }

    /// Drops what filters are for, and applies all rules that change spans.
    fn rewrite<'a>(
        &'a self,
        payload: &mut Payload<'a>,
        client: &Client,
        copies: &mut Copies<'_>,
    ) -> Rewritten<'a> {
        let mut roots = Vec::with_capacity(payload.chunks.len());
        let mut later = Vec::new();
        payload
            .chunks
            .retain_mut(|chunk| match self.rewrite_chunk(chunk, client, copies) {
                Ok(root) => {
                    roots.push(root);
                    true
                }
                Err(Gone::Filtered) => {
                    self.counters.filtered(chunk.spans.len());
                    false
                }
                Err(Gone::Memory) => {
                    self.no_memory_for(chunk);
                    false
                }
                Err(Gone::Later(at_most)) => {
                    later.push((std::mem::take(chunk), at_most));
                    false
                }
            });
        for (index, root) in roots.iter().enumerate() {
            root::describe_payload(payload, index, *root);
        }
        Rewritten { roots, later }
    }

    /// Counts a chunk that there is no memory for.
    fn no_memory_for(&self, chunk: &mut Chunk<'_>) {
        self.counters.dropped(Reason::Memory, 1, chunk.spans.len());
        // Its copies are what there is no memory for.
        chunk.spans = Vec::new();
    }

    /// Returns the root of the chunk.
    fn rewrite_chunk<'a>(
        &'a self,
        chunk: &mut Chunk<'a>,
        client: &Client,
        copies: &mut Copies<'_>,
    ) -> Result<usize, Gone> {
        let root = root::find(&chunk.spans).ok_or(Gone::Filtered)?;
        root::describe_chunk(chunk, root);
        if chunk
            .spans
            .get(root)
            .is_none_or(|root| self.filter.drops(root).is_some())
        {
            return Err(Gone::Filtered);
        }
        if let Some(inspector) = &self.inspector
            && let Look::Later(at_most) = inspector.inspect(chunk, Chance::Open)
        {
            return Err(Gone::Later(at_most));
        }
        self.apply(chunk, root, client, copies)?;
        Ok(root)
    }

    /// Applies all rules that change spans.
    fn apply<'a>(
        &'a self,
        chunk: &mut Chunk<'a>,
        root: usize,
        client: &Client,
        copies: &mut Copies<'_>,
    ) -> Result<(), Gone> {
        for (key, value) in &self.tags {
            if key == ORIGIN && chunk.origin.is_empty() {
                chunk.origin = value.as_str().into();
            }
        }
        for span in &mut chunk.spans {
            self.rewrite_span(span, client);
            if !copies.pay(span) {
                return Err(Gone::Memory);
            }
        }
        self.replacer.spans(&mut chunk.spans);
        if let Some(root) = chunk.spans.get_mut(root) {
            root::set_client_rate(root);
        }
        if !client.computed_top_level {
            root::compute_top_level(chunk);
        }
        if self.is_transport {
            root::disclaim_tracing(chunk, root);
        }
        Ok(())
    }

    fn rewrite_span<'a>(&'a self, span: &mut Span<'a>, client: &Client) {
        self.service_mapping.apply(&mut span.service);
        for (key, value) in self.tags.iter().filter(|(key, _)| key != ORIGIN) {
            if !span.meta.contains(key) {
                span.meta.push(key.as_str(), Text::from(value.as_str()));
            }
        }
        self.obfuscator.span(span);
        truncate::span(span, self.resources);
        if client.computed_top_level {
            root::adopt_top_level(span);
        }
        if self.stats == Stats::Backend && !client.computed_stats {
            let (key, value) = COMPUTE_STATS;
            span.meta.insert(key, Text::from(value));
        }
    }

    /// Counts the chunks into stats, and removes those that are not kept.
    fn sample<'a>(
        &'a self,
        payload: &mut Payload<'a>,
        roots: &[usize],
        total: usize,
        client: &Client,
        now: Duration,
    ) {
        let chunks = std::mem::take(&mut payload.chunks);
        if self.stats == Stats::Agent && !client.computed_stats {
            self.count(&chunks, roots, &facts(payload), now);
        }
        let facts = sampler::Facts {
            env: &payload.env,
            client_dropped_p0_traces: client.dropped_traces,
            chunks: total,
        };
        let mut kept = Vec::with_capacity(chunks.len());
        let mut turn = Turn::default();
        let mut sampler = self.sampler();
        for (mut chunk, root) in chunks.into_iter().zip(roots) {
            let spans = chunk.spans.len();
            if turn.is_over(spans) {
                drop(sampler);
                sampler = self.sampler();
            }
            let decision = sampler.decide(&mut chunk, *root, &facts, now);
            let is_kept = !matches!(decision.verdict, Verdict::Dropped | Verdict::Unwanted);
            let left = if is_kept { chunk.spans.len() } else { 0 };
            self.counters.decided(decision.verdict, spans - left);
            if let Some(first) = &self.first_traces
                && matches!(decision.verdict, Verdict::Kept(_))
                && let Some(root) = chunk.spans.get_mut(*root)
            {
                first.mark(root);
            }
            if is_kept {
                kept.push(chunk);
            }
        }
        drop(sampler);
        payload.chunks = kept;
    }

    /// Counts the chunks into stats.
    fn count(
        &self,
        chunks: &[Chunk<'_>],
        roots: &[usize],
        facts: &concentrator::Facts<'_>,
        now: Duration,
    ) {
        let mut turn = Turn::default();
        let mut open = self.open_stats.lock();
        for (chunk, root) in chunks.iter().zip(roots) {
            if turn.is_over(chunk.spans.len()) {
                drop(open);
                open = self.open_stats.lock();
            }
            open.concentrator.add(chunk, *root, facts, now);
        }
    }

    /// Has the samplers want something else from now on.
    pub(crate) fn change_sampling(&self, change: impl FnOnce(&mut Sampler)) {
        change(&mut self.sampler());
    }

    fn sampler(&self) -> MutexGuard<'_, Sampler> {
        self.sampler.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much was done since others had their turn.
#[derive(Debug, Default)]
struct Turn {
    spans: usize,
}

impl Turn {
    /// Whether others should have theirs before so many spans more are looked at.
    fn is_over(&mut self, spans: usize) -> bool {
        let is_over = self.spans >= SPANS_AT_ONCE;
        self.spans = if is_over { spans } else { self.spans + spans };
        is_over
    }
}

/// The tags of the process: what the payload says, else its first span, else the headers.
fn describe_process<'a>(payload: &mut Payload<'a>, client: &'a Client) {
    if payload.tags.contains(PROCESS_TAGS) {
        return;
    }
    let mut spans = payload.chunks.iter().flat_map(|chunk| &chunk.spans);
    let first = spans.next().and_then(|span| span.meta.get(PROCESS_TAGS));
    let tags = match first {
        Some(tags) => tags.clone(),
        None => Text::from(client.process_tags.as_str()),
    };
    if !tags.is_empty() {
        payload.tags.push(PROCESS_TAGS, tags);
    }
}

/// What stats are told apart by, beside what spans say.
fn facts<'p>(payload: &'p Payload<'_>) -> concentrator::Facts<'p> {
    let tag = |tags: &'p Map<'_, Text<'_>>, key| tags.get(key).map(AsRef::as_ref);
    concentrator::Facts {
        env: &payload.env,
        hostname: &payload.hostname,
        version: &payload.app_version,
        container_id: &payload.container_id,
        git_commit_sha: "",
        image_tag: "",
        lang: &payload.language_name,
        process_tags: tag(&payload.tags, PROCESS_TAGS).unwrap_or_default(),
    }
}
