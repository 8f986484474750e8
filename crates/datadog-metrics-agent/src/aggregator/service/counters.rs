//! What the service counts, as series that are kept, so that counting is an addition.

use datadog_agent_runtime::telemetry::{Metric, Reason, Series, Telemetry};

use crate::aggregator::Tally;
use crate::parse::Kind;
use crate::payload::{self, Finished};

/// The series of the service.
#[derive(Debug)]
pub(super) struct Counters {
    telemetry: Telemetry,
    messages: [Series; 3],
    malformed: [Series; 3],
    samples: Series,
    late_points: Series,
    bad_rates: Series,
    bad_fields: Series,
    tags_dropped: Series,
    contexts: Series,
    memory_bytes: Series,
    queue_bytes: Series,
    flushed: [Series; 4],
    payloads: [Series; 4],
    /// What was published of the tally.
    published: Tally,
    /// Refusals for want of contexts of which there was word.
    told: u64,
}

const KINDS: [&str; 3] = ["metric", "event", "service_check"];
const PAYLOADS: [&str; 4] = ["series", "sketches", "events", "service_checks"];

const fn place(kind: Kind) -> usize {
    match kind {
        Kind::Metric => 0,
        Kind::Event => 1,
        Kind::ServiceCheck => 2,
    }
}

impl Counters {
    pub(super) fn new(telemetry: &Telemetry) -> Self {
        let of = |metric| telemetry.series(metric, &[]);
        let payloads = |metric| PAYLOADS.map(|kind| telemetry.series(metric, &[("kind", kind)]));
        let kinds = |metric| KINDS.map(|kind| telemetry.series(metric, &[("kind", kind)]));
        Self {
            messages: kinds(Metric::MetricsMessages),
            malformed: kinds(Metric::MetricsMalformed),
            samples: of(Metric::MetricsSamples),
            late_points: of(Metric::MetricsLatePoints),
            bad_rates: of(Metric::MetricsBadRates),
            bad_fields: of(Metric::MetricsBadFields),
            tags_dropped: of(Metric::MetricsTagsDropped),
            contexts: of(Metric::MetricsContexts),
            memory_bytes: of(Metric::MetricsMemoryBytes),
            queue_bytes: of(Metric::MetricsQueueBytes),
            flushed: payloads(Metric::MetricsFlushed),
            payloads: payloads(Metric::MetricsPayloads),
            telemetry: telemetry.clone(),
            published: Tally::default(),
            told: 0,
        }
    }

    pub(super) fn read(&self, kind: Kind, messages: u64) {
        if let Some(series) = self.messages.get(place(kind)) {
            series.add(messages);
        }
    }

    pub(super) fn malformed(&self, kind: Kind) {
        if let Some(series) = self.malformed.get(place(kind)) {
            series.add(1);
        }
    }

    pub(super) fn malformed_count(&self) -> u64 {
        self.malformed.iter().map(Series::get).sum()
    }

    /// Values refused for want of contexts since the last question.
    pub(super) fn new_context_refusals(&mut self, tally: Tally) -> u64 {
        let new = tally.context_limit - self.told;
        self.told = tally.context_limit;
        new
    }

    pub(super) fn flushed(&self, payload: &Finished) {
        let place = match payload.kind {
            payload::Kind::Series | payload::Kind::SeriesColumns => 0,
            payload::Kind::Sketches | payload::Kind::SketchColumns => 1,
            payload::Kind::Events => 2,
            payload::Kind::ServiceChecks => 3,
        };
        if let Some(series) = self.flushed.get(place) {
            series.add(payload.items);
        }
        if let Some(series) = self.payloads.get(place) {
            series.add(1);
        }
    }

    /// Counts items of payloads that nobody will send.
    pub(super) fn lost(&self, reason: Reason, items: u64) {
        if items > 0 {
            self.telemetry
                .dropped(Metric::MetricsDropped, reason, items);
        }
    }

    /// Counts what a tally has more than the one before.
    pub(super) fn publish(&mut self, tally: Tally) {
        let before = std::mem::replace(&mut self.published, tally);
        self.samples.add(tally.samples - before.samples);
        self.late_points.add(tally.late_points - before.late_points);
        self.bad_rates.add(tally.bad_rate - before.bad_rate);
        self.bad_fields.add(tally.bad_fields - before.bad_fields);
        self.tags_dropped
            .add(tally.tags_dropped - before.tags_dropped);
        let dropped = [
            (Reason::Filtered, tally.filtered - before.filtered),
            (
                Reason::ContextLimit,
                tally.context_limit - before.context_limit,
            ),
            (Reason::Memory, tally.memory - before.memory),
            (
                Reason::UnsupportedType,
                tally.unsupported_type - before.unsupported_type,
            ),
            (Reason::NotFinite, tally.not_finite - before.not_finite),
            (Reason::TooLarge, tally.too_large - before.too_large),
            (Reason::Compression, tally.lost - before.lost),
        ];
        for (reason, count) in dropped {
            if count > 0 {
                self.telemetry
                    .dropped(Metric::MetricsSamplesDropped, reason, count);
            }
        }
    }

    pub(super) fn show(&self, contexts: usize, memory: usize, queued: usize) {
        self.contexts.set(contexts as u64);
        self.memory_bytes.set(memory as u64);
        self.queue_bytes.set(queued as u64);
    }
}
