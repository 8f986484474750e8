//! Counters and gauges about the agent itself.
//!
//! A counter is an enum variant with a fixed name; its labels are fixed names with values of bounded variety
//! (a reason, an endpoint, a rule). `docs/telemetry.md` lists them all. One [`Telemetry`] belongs to one agent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

/// Whether a metric only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from the start of the agent.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// Writes each metric once: variant, name, kind, labels and meaning.
macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $variant:ident: $name:literal, $kind:ident, $labels:expr;)+) => {
        /// A count that only grows, or a gauge that is set.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Metric {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Metric {
            /// Every metric, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name under which `status` and `docs/telemetry.md` show it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Whether it only grows.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)+
                }
            }

            /// The labels that its series may have.
            #[must_use]
            pub const fn labels(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &$labels,)+
                }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+),)+
                }
            }
        }
    };
}

/// Writes each reason once: variant, word and meaning.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident: $name:literal;)+) => {
        /// Why an item was lost.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word under which `status` and `docs/telemetry.md` show it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+),)+
                }
            }
        }
    };
}

metrics! {
    /// Entries taken from a client.
    LogsEntriesReceived: "logs.entries_received", Counter, ["source"];
    /// Bytes of request bodies as received.
    LogsBytesReceived: "logs.bytes_received", Counter, [];
    /// Entries that passed the rules and were queued.
    LogsProcessed: "logs.processed", Counter, [];
    /// Entries that a processing rule dropped.
    LogsExcluded: "logs.excluded", Counter, ["rule"];
    /// Entries whose message was cut.
    LogsTruncated: "logs.truncated", Counter, [];
    /// Entries older than the intake shows; sent all the same.
    LogsTooOld: "logs.too_old", Counter, [];
    /// Entries that an endpoint accepted.
    LogsSent: "logs.sent", Counter, ["endpoint"];
    /// Bytes of accepted bodies before compression.
    LogsBytesSentRaw: "logs.bytes_sent_raw", Counter, ["endpoint"];
    /// Bytes of accepted bodies as sent.
    LogsBytesSentWire: "logs.bytes_sent_wire", Counter, ["endpoint"];
    /// Answers of an endpoint.
    LogsHttpResponses: "logs.http_responses", Counter, ["endpoint", "status"];
    /// Attempts after the first.
    LogsRetries: "logs.retries", Counter, ["endpoint"];
    /// Milliseconds spent waiting between attempts.
    LogsRetryWaitMs: "logs.retry_wait_ms", Counter, ["endpoint"];
    /// Entries lost, and where one endpoint lost them, which.
    LogsDropped: "logs.dropped", Counter, ["reason", "endpoint"];
    /// Bytes of entries queued and not yet in a batch.
    LogsQueueBytes: "logs.queue_bytes", Gauge, [];
    /// Entries queued and not yet in a batch.
    LogsQueueEntries: "logs.queue_entries", Gauge, [];
    /// Bytes held for another try.
    LogsRedriveBytes: "logs.redrive_bytes", Gauge, ["endpoint"];
    /// Bytes in use of the memory budget of logs.
    LogsMemoryBytes: "logs.memory_bytes", Gauge, [];
    /// Attempts to open a stateful stream.
    LogsStreamAttempts: "logs.stream.attempts", Counter, [];
    /// Stateful streams that could be written to.
    LogsStreamOpened: "logs.stream.opened", Counter, [];
    /// Stateful streams that failed or could not be opened, by why.
    LogsStreamErrors: "logs.stream.errors", Counter, ["reason"];
    /// Stateful streams that were replaced by plan, by why.
    LogsStreamRotations: "logs.stream.rotations", Counter, ["reason"];
    /// Batches acknowledged.
    LogsStreamAcks: "logs.stream.acks", Counter, [];
    /// Bytes of messages sent over streams, with their frames; snapshots and what was sent again included.
    LogsStreamBytesWire: "logs.stream.bytes_wire", Counter, [];
    /// Bytes of those that were sent again on another stream.
    LogsStreamResentBytes: "logs.stream.resent_bytes", Counter, [];
    /// Logs sent again on another stream: at most so many arrived twice.
    LogsStreamResentLogs: "logs.stream.resent_logs", Counter, [];
    /// Logs that travelled as a pattern with values.
    LogsStreamPatternLogs: "logs.stream.pattern_logs", Counter, [];
    /// Logs that travelled as they are, by why.
    LogsStreamRawLogs: "logs.stream.raw_logs", Counter, ["reason"];
    /// Patterns and texts defined.
    LogsStreamDefined: "logs.stream.defined", Counter, ["kind"];
    /// Patterns and texts that had to leave.
    LogsStreamEvicted: "logs.stream.evicted", Counter, ["kind"];
    /// Copies of logs that were left out, since the second way did not keep up with the first.
    LogsStreamShadowDropped: "logs.stream.shadow_dropped", Counter, [];
    /// Entries with an empty message that were left out, as configured.
    LogsStreamEmpty: "logs.stream.empty", Counter, [];
    /// Batches sent or to be sent and not acknowledged.
    LogsStreamInflightBatches: "logs.stream.inflight_batches", Gauge, [];
    /// Memory of those.
    LogsStreamInflightBytes: "logs.stream.inflight_bytes", Gauge, [];
    /// Memory of the encoders' state.
    LogsStreamStateBytes: "logs.stream.state_bytes", Gauge, [];
    /// Patterns and texts in use.
    LogsStreamStateEntries: "logs.stream.state_entries", Gauge, ["kind"];
    /// Streams in use.
    LogsStreamActive: "logs.stream.active", Gauge, [];
    /// Pipelines whose logs go over HTTP for now.
    LogsStreamFallbackActive: "logs.stream.fallback_active", Gauge, [];
    /// Datagrams, and frames of streams, that were taken in.
    MetricsPackets: "metrics.packets", Counter, ["transport"];
    /// Bytes of those.
    MetricsBytesReceived: "metrics.bytes_received", Counter, ["transport"];
    /// Datagrams and frames lost before they were read, by why.
    MetricsPacketsDropped: "metrics.packets_dropped", Counter, ["reason", "transport"];
    /// Datagrams longer than the buffer: what did not fit is lost.
    MetricsPacketsTruncated: "metrics.packets_truncated", Counter, ["transport"];
    /// Errors of reading or accepting.
    MetricsReadErrors: "metrics.read_errors", Counter, ["transport"];
    /// Messages that could be read.
    MetricsMessages: "metrics.messages", Counter, ["kind"];
    /// Messages that could not be read.
    MetricsMalformed: "metrics.malformed", Counter, ["kind"];
    /// Copies of packets that could not be forwarded to another server.
    MetricsForwardErrors: "metrics.forward_errors", Counter, [];
    /// Values that were aggregated.
    MetricsSamples: "metrics.samples", Counter, [];
    /// Values that were lost before they became a series or a sketch, by why.
    MetricsSamplesDropped: "metrics.samples_dropped", Counter, ["reason"];
    /// Values with a timestamp that the intake may not take; sent all the same.
    MetricsLatePoints: "metrics.late_points", Counter, [];
    /// Messages whose sample rate is none, and counted as 1.
    MetricsBadRates: "metrics.bad_rates", Counter, [];
    /// Fields of events and service checks without meaning, which were skipped.
    MetricsBadFields: "metrics.bad_fields", Counter, [];
    /// Tags that were too many, counted when their context is new.
    MetricsTagsDropped: "metrics.tags_dropped", Counter, [];
    /// Senders whose container could not be found out.
    MetricsOriginErrors: "metrics.origin_errors", Counter, [];
    /// Contexts in memory.
    MetricsContexts: "metrics.contexts", Gauge, [];
    /// Memory of contexts and values.
    MetricsMemoryBytes: "metrics.memory_bytes", Gauge, [];
    /// Bytes of datagrams that were read and not yet parsed.
    MetricsQueueBytes: "metrics.queue_bytes", Gauge, [];
    /// Series, sketches, events and service checks that were handed to the forwarder.
    MetricsFlushed: "metrics.flushed", Counter, ["kind"];
    /// Bodies of requests that those were written to.
    MetricsPayloads: "metrics.payloads", Counter, ["kind"];
    /// Series, sketches, events and service checks that an endpoint accepted.
    MetricsSent: "metrics.sent", Counter, ["endpoint"];
    /// Bytes of accepted bodies before compression.
    MetricsBytesSentRaw: "metrics.bytes_sent_raw", Counter, ["endpoint"];
    /// Bytes of accepted bodies as sent.
    MetricsBytesSentWire: "metrics.bytes_sent_wire", Counter, ["endpoint"];
    /// Answers of an endpoint.
    MetricsHttpResponses: "metrics.http_responses", Counter, ["endpoint", "status"];
    /// Attempts after the first.
    MetricsRetries: "metrics.retries", Counter, ["endpoint"];
    /// Milliseconds spent waiting between attempts.
    MetricsRetryWaitMs: "metrics.retry_wait_ms", Counter, ["endpoint"];
    /// Series, sketches, events and service checks lost on their way out, and where one endpoint lost them, which.
    MetricsDropped: "metrics.dropped", Counter, ["reason", "endpoint"];
    /// Bytes held for another try.
    MetricsRedriveBytes: "metrics.redrive_bytes", Gauge, ["endpoint"];
    /// Payloads of tracers that were taken.
    TracesPayloadsAccepted: "trace_agent.receiver.payload_accepted", Counter, [];
    /// Payloads of tracers that were refused.
    TracesPayloadsRefused: "trace_agent.receiver.payload_refused", Counter, ["reason"];
    /// Bytes of payloads of tracers as received.
    TracesBytesReceived: "trace_agent.receiver.traces_bytes", Counter, [];
    /// Traces, or parts of traces, that tracers sent.
    TracesReceived: "trace_agent.receiver.traces_received", Counter, [];
    /// Spans that tracers sent.
    TracesSpansReceived: "trace_agent.receiver.spans_received", Counter, [];
    /// Traces that no repair would help, that found no room, or that carry nothing where only security events are wanted.
    TracesDropped: "trace_agent.receiver.traces_dropped", Counter, ["reason"];
    /// Spans of those.
    TracesSpansDropped: "trace_agent.receiver.spans_dropped", Counter, ["reason"];
    /// Fields of spans that were repaired.
    TracesSpansMalformed: "trace_agent.receiver.spans_malformed", Counter, ["reason"];
    /// Traces that a filter was for.
    TracesFiltered: "trace_agent.receiver.traces_filtered", Counter, [];
    /// Spans of those.
    TracesSpansFiltered: "trace_agent.receiver.spans_filtered", Counter, [];
    /// Traces that a tracer says it dropped itself.
    TracesClientDropped: "trace_agent.receiver.client_dropped_p0_traces", Counter, [];
    /// Spans of those.
    TracesClientDroppedSpans: "trace_agent.receiver.client_dropped_p0_spans", Counter, [];
    /// Traces that are held for what is still to be learnt of their requests.
    TracesHeld: "trace_agent.held.traces", Gauge, [];
    /// Bytes of those.
    TracesHeldBytes: "trace_agent.held.bytes", Gauge, [];
    /// Traces that were held, by what let them go: `settled`, `timed_out`, `made_way` or `flushed`; `no_memory` was not held.
    TracesLetGo: "trace_agent.held.let_go", Counter, ["outcome"];
    /// Traces that the samplers kept, by what kept them.
    TracesKept: "trace_agent.sampler.kept", Counter, ["sampler"];
    /// Traces that the samplers did not keep.
    TracesSampledOut: "trace_agent.sampler.dropped", Counter, [];
    /// Spans of those, and of traces of which only single spans or events were kept.
    TracesSpansSampledOut: "trace_agent.sampler.spans_dropped", Counter, [];
    /// Bytes of encoded traces that wait for a payload to be full, or to be due.
    TracesBufferBytes: "trace_agent.trace_writer.buffer_bytes", Gauge, [];
    /// Spans that an endpoint accepted.
    TracesSent: "trace_agent.trace_writer.spans", Counter, ["endpoint"];
    /// Bytes of accepted bodies before compression.
    TracesBytesSentRaw: "trace_agent.trace_writer.bytes_uncompressed", Counter, ["endpoint"];
    /// Bytes of accepted bodies as sent.
    TracesBytesSentWire: "trace_agent.trace_writer.bytes", Counter, ["endpoint"];
    /// Answers of an endpoint.
    TracesHttpResponses: "trace_agent.trace_writer.responses", Counter, ["endpoint", "status"];
    /// Attempts after the first.
    TracesRetries: "trace_agent.trace_writer.retries", Counter, ["endpoint"];
    /// Milliseconds spent waiting between attempts.
    TracesRetryWaitMs: "trace_agent.trace_writer.retry_wait_ms", Counter, ["endpoint"];
    /// Spans lost on their way out, and where one endpoint lost them, which.
    TracesWriterDropped: "trace_agent.trace_writer.dropped", Counter, ["reason", "endpoint"];
    /// Bytes held for another try.
    TracesRedriveBytes: "trace_agent.trace_writer.queue_bytes", Gauge, ["endpoint"];
    /// Payloads of stats that tracers sent.
    TraceStatsPayloads: "trace_agent.receiver.stats_payloads", Counter, [];
    /// Groups of stats that tracers sent.
    TraceStatsReceived: "trace_agent.receiver.stats_buckets", Counter, [];
    /// Groups of stats that were not taken.
    TraceStatsDropped: "trace_agent.receiver.stats_dropped", Counter, ["reason"];
    /// Spans of which stats were not worked out in full.
    TraceStatsSpans: "trace_agent.concentrator.spans", Counter, ["outcome"];
    /// Bytes of stats in memory.
    TraceStatsBytes: "trace_agent.concentrator.bytes", Gauge, [];
    /// Groups of stats that an endpoint accepted.
    TraceStatsSent: "trace_agent.stats_writer.groups", Counter, ["endpoint"];
    /// Bytes of accepted bodies before compression.
    TraceStatsBytesSentRaw: "trace_agent.stats_writer.bytes_uncompressed", Counter, ["endpoint"];
    /// Bytes of accepted bodies as sent.
    TraceStatsBytesSentWire: "trace_agent.stats_writer.bytes", Counter, ["endpoint"];
    /// Answers of an endpoint.
    TraceStatsHttpResponses: "trace_agent.stats_writer.responses", Counter, ["endpoint", "status"];
    /// Attempts after the first.
    TraceStatsRetries: "trace_agent.stats_writer.retries", Counter, ["endpoint"];
    /// Milliseconds spent waiting between attempts.
    TraceStatsRetryWaitMs: "trace_agent.stats_writer.retry_wait_ms", Counter, ["endpoint"];
    /// Groups of stats lost on their way out, and where one endpoint lost them, which.
    TraceStatsWriterDropped: "trace_agent.stats_writer.dropped", Counter, ["reason", "endpoint"];
    /// Bytes held for another try.
    TraceStatsRedriveBytes: "trace_agent.stats_writer.queue_bytes", Gauge, ["endpoint"];
    /// Requests that were passed on to an intake, and what it answered.
    TracesProxied: "trace_agent.proxy.requests", Counter, ["product", "status"];
    /// Requests that were refused, got no answer, or were given up after they were acknowledged.
    TracesProxyDropped: "trace_agent.proxy.dropped", Counter, ["product", "reason"];
    /// Bytes of requests that are held until they are passed on, and of answers; what passes while it comes is not held.
    TracesProxyBytes: "trace_agent.proxy.bytes", Gauge, [];
    /// Requests of tracers for their configuration, by the status of the answer.
    RemoteConfigRequests: "trace_agent.receiver.config_request", Counter, ["status_code"];
    /// Milliseconds spent on those.
    RemoteConfigRequestMs: "trace_agent.receiver.config_process_ms", Counter, [];
    /// Questions to the backend of remote configuration: `ok`, or what failed, `api` or `tuf`.
    RemoteConfigRefreshes: "remote_config.refreshes", Counter, ["outcome"];
    /// New clients that asked for a question out of turn: `used`, `limited` or `timeout`.
    RemoteConfigBypasses: "remote_config.bypasses", Counter, ["outcome"];
    /// Clients that asked lately.
    RemoteConfigClients: "remote_config.clients", Gauge, [];
    /// Clients that were forgotten to make room for others.
    RemoteConfigClientsEvicted: "remote_config.clients_evicted", Counter, [];
    /// Files of configuration that are believed.
    RemoteConfigFiles: "remote_config.files", Gauge, [];
    /// The version of the director's targets that is believed.
    RemoteConfigDirectorVersion: "remote_config.director_targets_version", Gauge, [];
    /// The version of the snapshot of the config repository that is believed.
    RemoteConfigSnapshotVersion: "remote_config.config_snapshot_version", Gauge, [];
    /// When the director's timestamp expires, in seconds since 1970.
    RemoteConfigTimestampExpires: "remote_config.timestamp_expires", Gauge, [];
    /// Requests that the firewall looked at.
    AppsecRequests: "appsec.requests", Counter, [];
    /// Those in which it found something.
    AppsecAttacks: "appsec.attacks", Counter, [];
    /// Those that were answered with a refusal, by whoever obeys verdicts.
    AppsecBlocked: "appsec.blocked", Counter, [];
    /// Entry spans that were left alone: `busy` when enough others were being looked at, `too_many` in one trace.
    AppsecSkipped: "appsec.skipped", Counter, ["reason"];
    /// Requests that were given up for newer ones before their spans came.
    AppsecEvicted: "appsec.evicted", Counter, [];
    /// Requests whose spans went without their responses.
    AppsecUnanswered: "appsec.unanswered", Counter, [];
    /// Responses to requests of which nothing was known, or not any more.
    AppsecUnmatched: "appsec.unmatched", Counter, [];
    /// Evaluations that ran out of time.
    AppsecTimeouts: "appsec.timeouts", Counter, [];
    /// Evaluations that failed.
    AppsecErrors: "appsec.errors", Counter, [];
    /// Traces that were not kept for what was found in them, because the second had enough of them.
    AppsecKeepLimited: "appsec.keep_limited", Counter, [];
    /// Events that were left out of a span, on which all of them would be too long.
    AppsecEventsDropped: "appsec.events_dropped", Counter, [];
    /// Files of remote configuration: `applied` or `refused`.
    AppsecRemoteFiles: "appsec.remote_files", Counter, ["outcome"];
    /// Events that found the event bus full.
    EventsDropped: "events.dropped", Counter, [];
}

reasons! {
    /// A bounded queue had no room and its source could not wait.
    QueueFull: "queue_full";
    /// Larger than the intake takes, even alone.
    TooLarge: "too_large";
    /// The intake refused it with a status that trying again cannot change.
    Client4xx: "client_4xx";
    /// The queue of payloads that wait for another try was full.
    RedriveFull: "redrive_full";
    /// Waited for another try longer than the intake would still take it.
    RedriveExpired: "redrive_expired";
    /// Made room for newer items at the wish of its source.
    Evicted: "evicted";
    /// Still unsent when the time to stop was over.
    Shutdown: "shutdown";
    /// The operating system dropped datagrams before they were read.
    UdpOverflow: "udp_overflow";
    /// Could not be read as what it claimed to be.
    Parse: "parse";
    /// The intake refused it again and again on the stateful stream.
    Poison: "poison";
    /// The encoder of the stateful stream failed at it.
    Encoder: "encoder";
    /// A filter of names is for it.
    Filtered: "filtered";
    /// Traces only carry security events, and it carries none.
    Standalone: "standalone";
    /// It would have been one context too many.
    ContextLimit: "context_limit";
    /// There was no memory for its value.
    Memory: "memory";
    /// A metric of its type has no timestamp.
    UnsupportedType: "unsupported_type";
    /// It is infinite or no number.
    NotFinite: "not_finite";
    /// The compressor failed at it.
    Compression: "compression";
}

/// The labels of one series, in the order in which they are shown.
pub type Labels = Vec<(&'static str, String)>;

/// One series at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What is counted.
    pub metric: Metric,
    /// By what it is told apart.
    pub labels: Labels,
    /// The count, or the gauge's value.
    pub value: u64,
}

/// One series, to be kept by a hot path so that counting is one atomic addition.
#[derive(Debug, Clone)]
pub struct Series(Arc<AtomicU64>);

impl Series {
    /// Adds to a counter.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The value now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters of one agent; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    series: Arc<Mutex<BTreeMap<(Metric, Labels), Series>>>,
}

impl Telemetry {
    /// The series of `metric` with these labels, made on first use. Labels that the metric does not have are a mistake
    /// of the caller, which debug builds refuse.
    #[must_use]
    pub fn series(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Series {
        debug_assert!(
            labels
                .iter()
                .all(|(name, _)| metric.labels().contains(name)),
            "{} has other labels",
            metric.name()
        );
        let labels = labels
            .iter()
            .map(|&(name, value)| (name, value.to_owned()))
            .collect();
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series
            .entry((metric, labels))
            .or_insert_with(|| Series(Arc::default()))
            .clone()
    }

    /// Adds to a counter; where this happens per item, keep the [`Series`] instead.
    pub fn add(&self, metric: Metric, labels: &[(&'static str, &str)], count: u64) {
        self.series(metric, labels).add(count);
    }

    /// Counts lost items.
    pub fn dropped(&self, metric: Metric, reason: Reason, count: u64) {
        self.add(metric, &[("reason", reason.name())], count);
    }

    /// Every series, ordered by metric and labels.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series
            .iter()
            .map(|((metric, labels), value)| Sample {
                metric: *metric,
                labels: labels.clone(),
                value: value.get(),
            })
            .collect()
    }

    /// The sum of a metric over those of its series that have all of `labels`.
    #[must_use]
    pub fn sum(&self, metric: Metric, labels: &[(&'static str, &str)]) -> u64 {
        self.samples()
            .iter()
            .filter(|sample| sample.metric == metric)
            .filter(|sample| {
                labels.iter().all(|&(name, value)| {
                    sample.labels.iter().any(|(n, v)| *n == name && v == value)
                })
            })
            .map(|sample| sample.value)
            .sum()
    }

    /// The series of a metric that are not 0, added up by one of its labels; of those with an endpoint, only those that
    /// are asked for.
    #[must_use]
    pub fn by(
        &self,
        metric: Metric,
        label: &str,
        of_endpoint: impl Fn(Option<&str>) -> bool,
    ) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for sample in self.samples() {
            let value_of = |wanted: &str| {
                let mut labels = sample.labels.iter();
                let found = labels.find(|(name, _)| *name == wanted);
                found.map(|(_, value)| value.as_str())
            };
            if sample.metric == metric && sample.value > 0 && of_endpoint(value_of("endpoint")) {
                let value = value_of(label).unwrap_or_default();
                *sums.entry(value.to_owned()).or_default() += sample.value;
            }
        }
        sums
    }

    /// Every series, grouped by metric: `{"logs.sent":[{"labels":{"endpoint":"main"},"value":3}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut metrics = Map::new();
        for sample in self.samples() {
            let labels: Map<String, Value> = (sample.labels.into_iter())
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            let series = metrics
                .entry(sample.metric.name())
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(series) = series {
                series.push(json!({"labels": labels, "value": sample.value}));
            }
        }
        Value::Object(metrics)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use expect_test::expect_file;

    use super::*;

    #[test]
    fn series_of_the_same_labels_are_one_and_others_are_apart() {
        let telemetry = Telemetry::default();
        let main = telemetry.series(Metric::LogsSent, &[("endpoint", "main")]);
        main.add(2);
        telemetry.add(Metric::LogsSent, &[("endpoint", "main")], 3);
        telemetry.add(Metric::LogsSent, &[("endpoint", "extra")], 10);
        telemetry
            .clone()
            .add(Metric::LogsRetries, &[("endpoint", "main")], 1);
        assert_eq!(main.get(), 5);
        let samples = telemetry.samples();
        let read: Vec<_> = (samples.iter())
            .map(|sample| (sample.metric, sample.labels[0].1.as_str(), sample.value))
            .collect();
        assert_eq!(
            read,
            [
                (Metric::LogsSent, "extra", 10),
                (Metric::LogsSent, "main", 5),
                (Metric::LogsRetries, "main", 1),
            ]
        );
    }

    #[test]
    fn gauge_has_the_value_that_was_set_last() {
        let telemetry = Telemetry::default();
        let bytes = telemetry.series(Metric::LogsQueueBytes, &[]);
        bytes.set(7);
        bytes.set(3);
        assert_eq!(telemetry.sum(Metric::LogsQueueBytes, &[]), 3);
    }

    #[test]
    fn sum_is_over_the_series_that_have_all_labels() {
        let telemetry = Telemetry::default();
        let dropped = |reason: Reason, endpoint: &str, count| {
            let labels = [("reason", reason.name()), ("endpoint", endpoint)];
            telemetry.add(Metric::LogsDropped, &labels, count);
        };
        dropped(Reason::Shutdown, "main", 1);
        dropped(Reason::Shutdown, "extra", 2);
        dropped(Reason::TooLarge, "main", 4);
        telemetry.dropped(Metric::LogsDropped, Reason::Shutdown, 8);
        telemetry.add(Metric::LogsSent, &[("endpoint", "main")], 16);
        let sum = |labels: &[(&'static str, &str)]| telemetry.sum(Metric::LogsDropped, labels);
        assert_eq!(sum(&[]), 15);
        assert_eq!(sum(&[("reason", "shutdown")]), 11);
        assert_eq!(sum(&[("endpoint", "main")]), 5);
        assert_eq!(sum(&[("endpoint", "main"), ("reason", "shutdown")]), 1);
        assert_eq!(sum(&[("reason", "evicted")]), 0);
    }

    #[test]
    fn json_groups_the_series_of_a_metric() {
        let telemetry = Telemetry::default();
        telemetry.add(Metric::LogsSent, &[("endpoint", "main")], 3);
        telemetry.add(Metric::LogsSent, &[("endpoint", "extra")], 2);
        telemetry.add(Metric::LogsTooOld, &[], 1);
        assert_eq!(
            telemetry.to_json().to_string(),
            concat!(
                r#"{"logs.too_old":[{"labels":{},"value":1}],"#,
                r#""logs.sent":[{"labels":{"endpoint":"extra"},"value":2},"#,
                r#"{"labels":{"endpoint":"main"},"value":3}]}"#
            )
        );
    }

    #[test]
    fn agents_in_one_process_count_apart() {
        let (one, other) = (Telemetry::default(), Telemetry::default());
        one.add(Metric::EventsDropped, &[], 1);
        assert_eq!(other.sum(Metric::EventsDropped, &[]), 0);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "logs.sent has other labels")]
    fn label_that_is_not_documented_is_refused() {
        Telemetry::default().add(Metric::LogsSent, &[("host", "a")], 1);
    }

    #[test]
    fn no_name_is_used_twice() {
        let metrics: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(metrics.len(), Metric::ALL.len());
        let reasons: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(reasons.len(), Reason::ALL.len());
    }

    #[test]
    fn documentation_lists_what_there_is() {
        expect_file!["../../../docs/telemetry.md"].assert_eq(&documentation());
    }

    /// The page about telemetry, made of what the code says; `UPDATE_EXPECT=1` writes it anew.
    fn documentation() -> String {
        let mut page = INTRODUCTION.to_owned();
        page.push_str("\n## Metrics\n\n| name | kind | labels | meaning |\n|---|---|---|---|\n");
        for metric in Metric::ALL {
            let kind = match metric.kind() {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            let labels: Vec<_> = metric.labels().iter().map(|l| format!("`{l}`")).collect();
            let labels = labels.join(", ");
            let (name, meaning) = (metric.name(), metric.meaning().trim());
            writeln!(page, "| `{name}` | {kind} | {labels} | {meaning} |").unwrap();
        }
        page.push_str(
            "\n## Reasons for which an item is lost\n\n| `reason` | meaning |\n|---|---|\n",
        );
        for reason in Reason::ALL {
            let (name, meaning) = (reason.name(), reason.meaning().trim());
            writeln!(page, "| `{name}` | {meaning} |").unwrap();
        }
        page
    }

    const INTRODUCTION: &str = "\
# What the agent says about itself

Every HTTP listener of the agent answers `GET /status` with a JSON document, and `datadog-agent-native status` shows it.
Its counters are those below, under these names; a gauge tells the present, a counter everything since the start.

The values of a label are few and known: an endpoint, a rule, a reason, a kind of source, an HTTP status.
No label holds anything that a client sent.

Nothing is lost in silence: an item that is received is sent, excluded by a rule, still held, or counted as lost with its reason.
For logs with one endpoint, once the agent is quiet:

```text
logs.entries_received = logs.sent + logs.excluded + logs.dropped + logs.queue_entries
```

The tables are made from the source by a test of `datadog-agent-runtime`; change them there and run it with `UPDATE_EXPECT=1`.
";
}
