//! What the processor counts, as series that are kept where they are counted often.

use datadog_agent_runtime::event_bus::{self, Event};
use datadog_agent_runtime::telemetry::{Metric, Reason, Series, Telemetry};

use crate::encode::Part;
use crate::normalize::{Counts, Dropped, Malformed};
use crate::sampler::{By, Verdict};
use crate::server::client::Client;
use crate::span::Payload;

#[derive(Debug)]
pub(super) struct Counters {
    telemetry: Telemetry,
    received: Series,
    spans: Series,
    client_dropped: Series,
    client_dropped_spans: Series,
    filtered: Series,
    filtered_spans: Series,
    kept: [Series; 9],
    sampled_out: Series,
    sampled_out_spans: Series,
    events: event_bus::Sender,
}

/// What keeps traces, as counters call it.
const SAMPLERS: [&str; 9] = [
    "rare",
    "priority",
    "no_priority",
    "probabilistic",
    "error",
    "single_span",
    "events",
    "finding",
    "heartbeat",
];

impl Counters {
    pub(super) fn new(telemetry: &Telemetry, events: event_bus::Sender) -> Self {
        let of = |metric| telemetry.series(metric, &[]);
        Self {
            received: of(Metric::TracesReceived),
            spans: of(Metric::TracesSpansReceived),
            client_dropped: of(Metric::TracesClientDropped),
            client_dropped_spans: of(Metric::TracesClientDroppedSpans),
            filtered: of(Metric::TracesFiltered),
            filtered_spans: of(Metric::TracesSpansFiltered),
            kept: SAMPLERS.map(|name| telemetry.series(Metric::TracesKept, &[("sampler", name)])),
            sampled_out: of(Metric::TracesSampledOut),
            sampled_out_spans: of(Metric::TracesSpansSampledOut),
            telemetry: telemetry.clone(),
            events,
        }
    }

    /// Counts what a client says that it dropped itself.
    pub(super) fn announced(&self, client: &Client) {
        self.client_dropped.add(client.dropped_traces);
        self.client_dropped_spans.add(client.dropped_spans);
    }

    pub(super) fn received(&self, payload: &Payload<'_>) {
        let spans: usize = payload.chunks.iter().map(|chunk| chunk.spans.len()).sum();
        self.received.add(payload.chunks.len() as u64);
        self.spans.add(spans as u64);
        let first = payload.chunks.iter().find_map(|chunk| chunk.spans.first());
        if let Some(first) = first {
            self.events.send(Event::TraceReceived {
                trace_id: first.trace_id,
                span_count: spans,
            });
        }
    }

    pub(super) fn repaired(&self, counts: &Counts) {
        let add = |metric, reason: &'static str, count| {
            if count > 0 {
                self.telemetry.add(metric, &[("reason", reason)], count);
            }
        };
        for reason in Dropped::ALL {
            add(
                Metric::TracesDropped,
                reason.as_str(),
                counts.chunks_dropped(reason),
            );
            add(
                Metric::TracesSpansDropped,
                reason.as_str(),
                counts.spans_dropped(reason),
            );
        }
        for reason in Malformed::ALL {
            add(
                Metric::TracesSpansMalformed,
                reason.as_str(),
                counts.spans_malformed(reason),
            );
        }
    }

    /// Counts a chunk that a filter was for.
    pub(super) fn filtered(&self, spans: usize) {
        self.filtered.add(1);
        self.filtered_spans.add(spans as u64);
    }

    /// Counts a message that was never written.
    pub(super) fn lost(&self, reason: Reason, part: &Part) {
        self.dropped(reason, part.chunks, part.spans);
    }

    /// Counts chunks that are lost.
    pub(super) fn dropped(&self, reason: Reason, chunks: usize, spans: usize) {
        let telemetry = &self.telemetry;
        telemetry.dropped(Metric::TracesDropped, reason, chunks as u64);
        telemetry.dropped(Metric::TracesSpansDropped, reason, spans as u64);
    }

    /// Counts what was decided of a chunk, and those of its spans that are not sent.
    pub(super) fn decided(&self, verdict: Verdict, gone: usize) {
        if verdict == Verdict::Unwanted {
            return self.dropped(Reason::Standalone, 1, gone);
        }
        if gone > 0 {
            self.sampled_out_spans.add(gone as u64);
        }
        let place = match verdict {
            Verdict::Kept(By::Rare) => 0,
            Verdict::Kept(By::Priority) => 1,
            Verdict::Kept(By::NoPriority) => 2,
            Verdict::Kept(By::Probability) => 3,
            Verdict::Kept(By::Error) => 4,
            Verdict::SingleSpans => 5,
            Verdict::Events => 6,
            Verdict::Kept(By::Finding) => 7,
            Verdict::Kept(By::Heartbeat) => 8,
            Verdict::Dropped | Verdict::Unwanted => return self.sampled_out.add(1),
        };
        if let Some(series) = self.kept.get(place) {
            series.add(1);
        }
    }
}
