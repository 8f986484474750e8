//! Decodes bodies of traces, and says what the real intake would not like about them.
//!
//! Keeps every chunk as a range of its body, to be decoded again when somebody asks; a body is taken as a whole or not
//! at all. Reads protobuf with the schema alone, one chunk at a time, and counts what is in it before it does.

use std::ops::Range;

use datadog_wire::traces::{AgentPayload, CONTENT_TYPE, MAX_PAYLOAD_BYTES, TracerPayload};

use crate::logs::Refusal;
use crate::problem::{Problems, What};
use crate::records::{Body, Decoded, Names, Records, Signal, within};
use crate::security::{self, Budget, SecurityCount};
use chunk::{Chunk, Seen};
pub(crate) use dislike::Dislike;

pub(crate) mod chunk;
mod dislike;
pub(crate) mod record;
mod scan;
pub(crate) mod span;
pub(crate) mod text;

/// What a tag in a map is taken to cost beside its bytes.
const TAG_OVERHEAD: usize = 128;

/// The accepted chunks of a request.
#[derive(Debug, PartialEq)]
pub(crate) struct Traces {
    /// In their order.
    pub(crate) chunks: Vec<Place>,
    /// What holds for the whole body, without what is in it.
    pub(crate) agent: AgentPayload,
    /// What holds for the chunks of one tracer, without the chunks.
    pub(crate) tracers: Vec<TracerPayload>,
    /// Whether there were tracers in the form that is not decoded.
    has_idx: bool,
    /// Bytes of heads on the wire.
    head_bytes: usize,
}

/// Where a chunk stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) place: Range<u32>,
    /// The number of its tracer in [`Traces::tracers`].
    pub(crate) tracer: u32,
}

impl Traces {
    /// What holds for the chunk at `index` beside itself.
    pub(crate) fn tracer(&self, index: usize) -> Option<&TracerPayload> {
        let tracer = self.chunks.get(index)?.tracer;
        self.tracers.get(usize::try_from(tracer).ok()?)
    }

    /// Bytes that keeping them takes, the body aside.
    pub(crate) fn cost(&self) -> usize {
        let tags = self.tracers.iter().map(|tracer| tracer.tags.len());
        let tags = self.agent.tags.len() + tags.sum::<usize>();
        self.chunks.capacity() * size_of::<Place>()
            + self.tracers.capacity() * size_of::<TracerPayload>()
            + self.head_bytes
            + tags * TAG_OVERHEAD
    }
}

/// Decodes `body`, noting in `problems` whatever is wrong with it.
pub(crate) fn decode(body: Body<'_>, problems: &mut Problems) -> Decoded {
    let mut decoded = Decoded::default();
    if !body.media_type.eq_ignore_ascii_case(CONTENT_TYPE) {
        problems.add(What::Traces(Dislike::NotProtobuf));
        decoded.refusal = Some(Refusal::Malformed);
        return decoded;
    }
    match scan::scan(body.raw) {
        Ok(traces) => read_all(&mut decoded, traces, &body, problems),
        Err(scan::Broken::Malformed(why)) => {
            problems.add_detail(What::Malformed, why);
            decoded.refusal = Some(Refusal::Malformed);
        }
        Err(scan::Broken::TooMany(what)) => {
            problems.add(what);
            decoded.refusal = Some(Refusal::TooLarge);
        }
    }
    decoded
}

/// Reads every chunk of a body, and keeps them if all can be read.
fn read_all(decoded: &mut Decoded, traces: Traces, body: &Body<'_>, problems: &mut Problems) {
    decoded.items = Some(traces.chunks.len());
    check_whole(&traces, body.raw, problems);
    let noun = Signal::Traces.noun();
    let mut names = Names::default();
    let mut spans = 0;
    let mut seen = Seen::default();
    let mut budget = Budget::new();
    let mut security = SecurityCount::default();
    for (index, chunk) in traces.chunks.iter().enumerate() {
        let read = match Chunk::read(within(body.raw, &chunk.place)) {
            Ok(read) => read,
            Err(why) => {
                let why = format!("{noun} {index} at byte {}: {why}", chunk.place.start);
                problems.add_detail(What::Malformed, why);
                decoded.refusal = Some(Refusal::Malformed);
                return;
            }
        };
        let mut found = |dislike, detail| {
            problems.add_to(noun, index, What::Traces(dislike), detail);
        };
        read.check(&mut seen, &mut found);
        security::check(&read.message.spans, &mut budget, &mut security, &mut found);
        spans += read.message.spans.len();
        for span in &read.message.spans {
            names.add(&span.service, 1);
        }
    }
    decoded.facets.points = crate::store::as_u64(spans);
    decoded.facets.named = names.tally();
    decoded.facets.security = security;
    decoded.records = Some(Records::Traces(traces));
}

/// Looks at what concerns no chunk by itself.
fn check_whole(traces: &Traces, raw: &[u8], problems: &mut Problems) {
    let mut found = |dislike| problems.add(What::Traces(dislike));
    if traces.chunks.is_empty() {
        problems.add(What::Nothing);
        return;
    }
    // A chunk that is larger by itself is sent by itself.
    if raw.len() > MAX_PAYLOAD_BYTES && traces.chunks.len() > 1 {
        found(Dislike::OverTarget);
    }
    if traces.has_idx {
        found(Dislike::NotDecoded);
    }
    if traces.agent.agent_version.is_empty() {
        found(Dislike::NoAgentVersion);
    }
    let mut has_chunks = vec![false; traces.tracers.len()];
    for chunk in &traces.chunks {
        let tracer = usize::try_from(chunk.tracer).unwrap_or(usize::MAX);
        if let Some(has) = has_chunks.get_mut(tracer) {
            *has = true;
        }
    }
    for (tracer, has_chunks) in traces.tracers.iter().zip(has_chunks) {
        if !has_chunks {
            found(Dislike::NoChunks);
        }
        if tracer.env.is_empty() && traces.agent.env.is_empty() {
            found(Dislike::NoEnv);
        }
    }
}

#[cfg(test)]
mod tests;
