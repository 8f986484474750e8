//! How the pipelines are doing: for `status`, and as counters.
//!
//! The pipelines publish a report of themselves; here it is put together whenever somebody looks or a batch goes out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use datadog_agent_runtime::telemetry::{Kind, Metric, Series, Telemetry};
use datadog_logs_patterns::encoder::{self, RawReason};
use datadog_logs_stream::report::Report;
use serde_json::{Value, json};
use tokio::sync::watch;

/// Tells how the stream is doing; keeps nothing of it alive.
#[derive(Debug, Clone)]
pub struct Status(pub(super) Arc<Publisher>);

/// A metric, and the value of its label if it has one.
type Name = (Metric, &'static str);

/// Brings the counters of the pipelines up to date.
#[derive(Debug)]
pub(super) struct Publisher {
    reports: Vec<watch::Receiver<Report>>,
    telemetry: Telemetry,
    endpoint: String,
    /// The counters, and what they say already: they only grow by what is new.
    published: Mutex<BTreeMap<Name, (Series, u64)>>,
}

impl Publisher {
    pub(super) fn new(
        reports: Vec<watch::Receiver<Report>>,
        telemetry: &Telemetry,
        endpoint: String,
    ) -> Self {
        Self {
            reports,
            telemetry: telemetry.clone(),
            endpoint,
            published: Mutex::default(),
        }
    }

    pub(super) fn wire_bytes(&self) -> u64 {
        let bytes = |report: &watch::Receiver<Report>| report.borrow().stats.wire_bytes;
        self.reports.iter().map(bytes).sum()
    }

    /// Brings all counters and gauges up to date.
    pub(super) fn publish(&self) {
        let mut sums = BTreeMap::new();
        for report in &self.reports {
            count(&report.borrow(), &mut sums);
        }
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for ((metric, label), value) in sums {
            let (series, before) = published
                .entry((metric, label))
                .or_insert_with(|| (self.series(metric, label), 0));
            match metric.kind() {
                Kind::Counter => series.add(value.saturating_sub(*before)),
                Kind::Gauge => series.set(value),
            }
            *before = value;
        }
    }

    fn series(&self, metric: Metric, label: &'static str) -> Series {
        let labels: &[(&'static str, &str)] = match (metric, metric.labels().first()) {
            (Metric::LogsBytesSentWire, _) => &[("endpoint", &self.endpoint)],
            (_, Some(name)) => &[(name, label)],
            (_, None) => &[],
        };
        self.telemetry.series(metric, labels)
    }
}

/// Adds up what one pipeline says.
fn count(report: &Report, sums: &mut BTreeMap<Name, u64>) {
    let Report {
        view,
        stats,
        encoder,
        ..
    } = report;
    let mut add = |metric, label, value: u64| *sums.entry((metric, label)).or_default() += value;
    add(Metric::LogsStreamAttempts, "", stats.attempts);
    add(Metric::LogsStreamOpened, "", stats.opened);
    for (failure, times) in &stats.failures {
        add(Metric::LogsStreamErrors, failure.name(), *times);
    }
    for (why, times) in &stats.rotations {
        add(Metric::LogsStreamRotations, why.name(), *times);
    }
    add(Metric::LogsStreamAcks, "", stats.acknowledged_batches);
    add(Metric::LogsStreamBytesWire, "", stats.wire_bytes);
    add(Metric::LogsBytesSentWire, "", stats.wire_bytes);
    add(Metric::LogsStreamResentBytes, "", stats.resent_bytes);
    add(Metric::LogsStreamResentLogs, "", stats.resent_logs);
    let raw: u64 = encoder.raw.iter().sum();
    add(
        Metric::LogsStreamPatternLogs,
        "",
        encoder.logs.saturating_sub(raw),
    );
    for reason in RawReason::ALL {
        let times = encoder.raw[reason as usize];
        add(Metric::LogsStreamRawLogs, reason.name(), times);
    }
    for (kind, defined, evicted, entries) in kinds(encoder) {
        add(Metric::LogsStreamDefined, kind, defined);
        add(Metric::LogsStreamEvicted, kind, evicted);
        add(Metric::LogsStreamStateEntries, kind, entries);
    }
    add(
        Metric::LogsStreamStateBytes,
        "",
        encoder.state_bytes() as u64,
    );
    if let Some(view) = view {
        let batches = view.inflight_batches as u64;
        add(Metric::LogsStreamInflightBatches, "", batches);
        let bytes = view.inflight_bytes as u64;
        add(Metric::LogsStreamInflightBytes, "", bytes);
        let is_active = u64::from(view.stream_age.is_some());
        add(Metric::LogsStreamActive, "", is_active);
        let is_away = u64::from(view.is_away);
        add(Metric::LogsStreamFallbackActive, "", is_away);
    }
}

/// Name, definitions, evictions and entries of each kind of state.
fn kinds(encoder: &encoder::Stats) -> [(&'static str, u64, u64, u64); 3] {
    [
        (
            "pattern",
            encoder.patterns_defined,
            encoder.patterns_evicted,
            encoder.patterns as u64,
        ),
        (
            "text",
            encoder.texts_defined,
            encoder.texts_evicted,
            encoder.texts as u64,
        ),
        (
            "schema",
            encoder.schemas_defined,
            encoder.schemas_evicted,
            encoder.schemas as u64,
        ),
    ]
}

impl Status {
    /// Where the stream goes, as an endpoint is named.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// Every pipeline, with its stream, what is in flight, and what its encoder holds.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.0.publish();
        let pipelines = self.0.reports.iter();
        let pipelines: Vec<Value> = pipelines.map(|report| pipeline(&report.borrow())).collect();
        json!({ "endpoint": self.0.endpoint, "pipelines": pipelines })
    }
}

fn pipeline(report: &Report) -> Value {
    let Report {
        view,
        stats,
        encoder,
        too_large,
        ..
    } = report;
    let Some(view) = view else {
        return json!({ "state": "not started" });
    };
    let failures: BTreeMap<_, _> = (stats.failures.iter())
        .map(|(failure, times)| (failure.name(), times))
        .collect();
    let rotations: BTreeMap<_, _> = (stats.rotations.iter())
        .map(|(why, times)| (why.name(), times))
        .collect();
    let raw: BTreeMap<_, _> = (RawReason::ALL.iter())
        .map(|reason| (reason.name(), encoder.raw[*reason as usize]))
        .filter(|(_, times)| *times > 0)
        .collect();
    json!({
        "state": view.state,
        "stream_age_s": report.stream_age().map(|age| age.as_secs()),
        "fallback_active": view.is_away,
        "failures_in_a_row": view.failures,
        "inflight": { "batches": view.inflight_batches, "bytes": view.inflight_bytes },
        "streams": { "attempts": stats.attempts, "opened": stats.opened, "errors": failures, "rotations": rotations },
        "batches": {
            "sent": stats.batches_sent,
            "acknowledged": stats.acknowledged_batches,
            "resent": stats.resent_batches,
            "divided": stats.divided_batches,
            "made_raw": stats.raw_batches,
            "given_back": stats.returned_batches,
        },
        "logs": {
            "acknowledged": stats.acknowledged_logs,
            "resent": stats.resent_logs,
            "dropped_poison": stats.dropped_poison_logs,
            "too_large": too_large,
        },
        "ack_latency_ms": {
            "mean": stats.latency.mean().map(|mean| mean.as_secs_f64() * 1e3),
            "p50_at_most": stats.latency.percentile_ms(50),
            "p99_at_most": stats.latency.percentile_ms(99),
        },
        "bytes_wire": stats.wire_bytes,
        "snapshots": {
            "sent": stats.snapshots,
            "last_bytes": stats.snapshot_bytes,
            "patterns": view.snapshot_entries.patterns,
            "texts": view.snapshot_entries.texts,
            "memory_bytes": view.snapshot_bytes,
        },
        "encoder": {
            "logs": encoder.logs,
            "raw_bytes": encoder.raw_bytes,
            "raw": raw,
            "patterns": encoder.patterns,
            "clusters": encoder.clusters,
            "saturated_patterns": encoder.saturated_patterns,
            "hot_hit_ratio": ratio(encoder.hot_hits, encoder.logs),
            "texts": encoder.texts,
            "dict_hit_ratio": ratio(
                encoder.dictionary_hits,
                encoder.dictionary_hits + encoder.dictionary_misses,
            ),
            "schemas": encoder.schemas,
            "columns": encoder.columns,
            "patterns_evicted": encoder.patterns_evicted,
            "texts_evicted": encoder.texts_evicted,
            "lossless_guard_hit": encoder.guard_hits(),
            "state_bytes": encoder.state_bytes(),
        },
    })
}

/// A part of a whole to three places; `None` of nothing.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    let thousandths = (part * 1_000).checked_div(whole)?;
    u32::try_from(thousandths)
        .ok()
        .map(|it| f64::from(it) / 1e3)
}
