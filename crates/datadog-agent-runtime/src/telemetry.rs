//! Counters and gauges about the agent itself.
//!
//! A counter is an enum variant with a fixed name; its labels are fixed names with values of bounded variety
//! (a reason, an endpoint, a rule). `docs/telemetry.md` lists them all. One [`Telemetry`] belongs to one agent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A count that only grows, or a gauge that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Entries taken from a client, by `source`.
    LogsEntriesReceived,
    /// Bytes of request bodies as received.
    LogsBytesReceived,
    /// Entries that passed the rules and were queued.
    LogsProcessed,
    /// Entries that a processing rule dropped, by `rule`.
    LogsExcluded,
    /// Entries whose message was cut.
    LogsTruncated,
    /// Entries older than the intake shows; sent all the same.
    LogsTooOld,
    /// Entries accepted, by `endpoint`.
    LogsSent,
    /// Bytes of accepted bodies before compression, by `endpoint`.
    LogsBytesSentRaw,
    /// Bytes of accepted bodies as sent, by `endpoint`.
    LogsBytesSentWire,
    /// Answers, by `endpoint` and `status`.
    LogsHttpResponses,
    /// Attempts after the first, by `endpoint`.
    LogsRetries,
    /// Milliseconds spent waiting between attempts, by `endpoint`.
    LogsRetryWaitMs,
    /// Entries lost, by `reason` and, where one endpoint lost them, `endpoint`.
    LogsDropped,
    /// Gauge: bytes of entries queued and not yet in a batch.
    LogsQueueBytes,
    /// Gauge: entries queued and not yet in a batch.
    LogsQueueEntries,
    /// Gauge: bytes held for another try, by `endpoint`.
    LogsRedriveBytes,
    /// Gauge: bytes in use of the memory budget of logs.
    LogsMemoryBytes,
    /// Events that found the event bus full.
    EventsDropped,
}

/// Why an item was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A bounded queue had no room and its source could not wait.
    QueueFull,
    /// Larger than the intake takes, even alone.
    TooLarge,
    /// The intake refused it with a status that trying again cannot change.
    Client4xx,
    /// The queue of payloads that wait for another try was full.
    RedriveFull,
    /// Waited for another try longer than the intake would still take it.
    RedriveExpired,
    /// Made room for newer items at the wish of its source.
    Evicted,
    /// Still unsent when the time to stop was over.
    Shutdown,
    /// The operating system dropped datagrams before they were read.
    UdpOverflow,
    /// Could not be read as what it claimed to be.
    Parse,
}

impl Metric {
    /// The name under which `status` and `docs/telemetry.md` show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogsEntriesReceived => "logs.entries_received",
            Self::LogsBytesReceived => "logs.bytes_received",
            Self::LogsProcessed => "logs.processed",
            Self::LogsExcluded => "logs.excluded",
            Self::LogsTruncated => "logs.truncated",
            Self::LogsTooOld => "logs.too_old",
            Self::LogsSent => "logs.sent",
            Self::LogsBytesSentRaw => "logs.bytes_sent_raw",
            Self::LogsBytesSentWire => "logs.bytes_sent_wire",
            Self::LogsHttpResponses => "logs.http_responses",
            Self::LogsRetries => "logs.retries",
            Self::LogsRetryWaitMs => "logs.retry_wait_ms",
            Self::LogsDropped => "logs.dropped",
            Self::LogsQueueBytes => "logs.queue_bytes",
            Self::LogsQueueEntries => "logs.queue_entries",
            Self::LogsRedriveBytes => "logs.redrive_bytes",
            Self::LogsMemoryBytes => "logs.memory_bytes",
            Self::EventsDropped => "events.dropped",
        }
    }
}

impl Reason {
    /// The word under which `status` shows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::TooLarge => "too_large",
            Self::Client4xx => "client_4xx",
            Self::RedriveFull => "redrive_full",
            Self::RedriveExpired => "redrive_expired",
            Self::Evicted => "evicted",
            Self::Shutdown => "shutdown",
            Self::UdpOverflow => "udp_overflow",
            Self::Parse => "parse",
        }
    }
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
    /// The series of `metric` with these labels, made on first use.
    #[must_use]
    pub fn series(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Series {
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
}
