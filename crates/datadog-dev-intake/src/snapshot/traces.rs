//! Chunks of traces and groups of stats that are kept at one moment, decoded for tests.

use datadog_sketch::dd;
use datadog_wire::stats::{
    ClientGroupedStats, ClientStatsBucket, ClientStatsPayload, StatsPayload,
};
use datadog_wire::traces::{AgentPayload, Span, TraceChunk, TracerPayload};

use super::{Head, Snapshot};
use crate::records::Records;
use crate::{stats, traces};

/// One chunk of a trace as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRecord {
    /// Its number among all records.
    pub seq: u64,
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// The last four characters of the key that came with it.
    pub api_key: Option<String>,
    /// The path that it was sent to.
    pub endpoint: String,
    /// The number of its request.
    pub request: u64,
    /// The 128 bits of the trace's id.
    pub trace_id: u128,
    /// What holds for its whole request; without payloads of tracers.
    pub agent: AgentPayload,
    /// What holds for all chunks of its tracer; without chunks.
    pub tracer: TracerPayload,
    /// The chunk itself.
    pub chunk: TraceChunk,
    /// The resource of the span that the others descend from; empty without spans.
    pub resource: String,
}

impl TraceRecord {
    /// The spans, in the order in which they were sent.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.chunk.spans
    }
}

/// One group of stats as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsRecord {
    /// Its number among all records.
    pub seq: u64,
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// The last four characters of the key that came with it.
    pub api_key: Option<String>,
    /// The path that it was sent to.
    pub endpoint: String,
    /// The number of its request.
    pub request: u64,
    /// What holds for its whole request; without stats.
    pub payload: StatsPayload,
    /// What holds for all buckets of its client; without buckets.
    pub client: ClientStatsPayload,
    /// Its bucket; without groups.
    pub bucket: ClientStatsBucket,
    /// The group itself.
    pub group: ClientGroupedStats,
    /// How long the spans took that did not fail, in nanoseconds; empty of no bytes, and else why it is no sketch.
    pub ok: Result<dd::Sketch, String>,
    /// How long the others took.
    pub error: Result<dd::Sketch, String>,
}

impl Snapshot {
    /// Every accepted chunk of a trace, in the order of arrival.
    #[must_use]
    pub fn traces(&self) -> Vec<TraceRecord> {
        let mut records = Vec::new();
        for stored in &self.requests {
            let Some(Records::Traces(traces)) = &stored.received.records else {
                continue;
            };
            let chunks = (0..traces.chunks.len()).filter_map(|index| {
                let chunk = traces::record::chunk(stored, traces, index)?;
                let tracer = traces.tracer(index)?.clone();
                Some(trace_record(
                    Head::of(stored, index),
                    &traces.agent,
                    tracer,
                    chunk,
                ))
            });
            records.extend(chunks);
        }
        records
    }

    /// Every accepted group of stats, in the order of arrival.
    #[must_use]
    pub fn stats(&self) -> Vec<StatsRecord> {
        let mut records = Vec::new();
        for stored in &self.requests {
            let Some(Records::Stats(stats)) = &stored.received.records else {
                continue;
            };
            let groups = (0..stats.groups.len()).filter_map(|index| {
                let group = stats::record::group(stored, stats, index)?;
                let (client, bucket) = stats.around(index)?;
                let head = Head::of(stored, index);
                Some(StatsRecord {
                    seq: head.seq,
                    received_at_ms: head.received_at_ms,
                    api_key: head.api_key,
                    endpoint: head.endpoint,
                    request: head.request,
                    payload: stats.payload.clone(),
                    client: client.clone(),
                    bucket: bucket.clone(),
                    group: group.message,
                    ok: group.ok,
                    error: group.error,
                })
            });
            records.extend(groups);
        }
        records
    }
}

fn trace_record(
    head: Head,
    agent: &AgentPayload,
    tracer: TracerPayload,
    chunk: traces::chunk::Chunk,
) -> TraceRecord {
    let root = chunk.root();
    TraceRecord {
        seq: head.seq,
        received_at_ms: head.received_at_ms,
        api_key: head.api_key,
        endpoint: head.endpoint,
        request: head.request,
        trace_id: chunk.trace_id(),
        agent: agent.clone(),
        tracer,
        resource: root.map(|root| root.resource.clone()).unwrap_or_default(),
        chunk: chunk.message,
    }
}
