//! Metrics, events and service checks that are kept at one moment, decoded for tests.

use datadog_sketch::agent;
use datadog_wire::metrics::{
    Dogsketch, Metadata, MetricPoint, MetricType, Origin, Resource, check, event,
};
use serde_json::{Map, Value};

use super::{Head, Snapshot};
use crate::metrics::item::{Item, text, texts};
use crate::metrics::record::item;
use crate::metrics::series::Series;
use crate::metrics::sketches::Distribution;
use crate::metrics::{checks, events};
use crate::records::{Records, Signal};

/// One series as it arrived, whether in protobuf or in JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesRecord {
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
    /// The name.
    pub metric: String,
    /// What the values mean; `None` where the type is none of the three.
    pub metric_type: Option<MetricType>,
    /// Seconds, 0 if none were named.
    pub interval: i64,
    /// The tags, in the order in which they were sent.
    pub tags: Vec<String>,
    /// The host; `None` without one, and for one without a name.
    pub host: Option<String>,
    /// All that it is about, the host included.
    pub resources: Vec<Resource>,
    /// What the values are measured in; empty if nothing was named.
    pub unit: String,
    /// The integration that it comes from; empty if nothing was named.
    pub source_type_name: String,
    /// Which part of which product it comes from.
    pub origin: Option<Origin>,
    /// The points, in the order in which they were sent.
    pub points: Vec<MetricPoint>,
}

/// One distribution as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchRecord {
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
    /// The name.
    pub metric: String,
    /// The host; may be empty.
    pub host: String,
    /// The tags, in the order in which they were sent.
    pub tags: Vec<String>,
    /// Which part of which product it comes from.
    pub origin: Option<Origin>,
    /// A sketch for each time, in the order in which they were sent.
    pub buckets: Vec<SketchBucket>,
}

/// The values of a distribution at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchBucket {
    /// Count, extremes, sum, average and bins as they were sent.
    pub message: Dogsketch,
    /// The sketch that the bins are, or why they are none.
    pub sketch: Result<agent::Sketch, agent::Error>,
}

impl SketchBucket {
    /// The value below which this share of all values lies; `None` of no sketch, and of one without values.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        self.sketch.as_ref().ok()?.quantile(share)
    }
}

/// One event as it arrived, from an agent or over the public interface.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
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
    /// The key of the list that it stood in; `None` over the public interface.
    pub source: Option<String>,
    /// The title; empty without one.
    pub title: String,
    /// The text; empty without one.
    pub text: String,
    /// When it happened, in seconds since 1970.
    pub timestamp: Option<i64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// All of its keys.
    pub entry: Map<String, Value>,
}

impl EventRecord {
    /// The text of a key whose value is a string, such as `alert_type`, `priority` or `host`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        text(&self.entry, key)
    }
}

/// One service check as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckRecord {
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
    /// The name; empty without one.
    pub check: String,
    /// 0 to 3; `None` for anything else.
    pub status: Option<u8>,
    /// Where it was checked.
    pub host_name: Option<String>,
    /// What the check says.
    pub message: Option<String>,
    /// When it was checked, in seconds since 1970.
    pub timestamp: Option<i64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// All of its keys.
    pub entry: Map<String, Value>,
}

impl Snapshot {
    /// Every accepted series, in the order of arrival.
    #[must_use]
    pub fn series(&self) -> Vec<SeriesRecord> {
        self.each(Signal::Series, |head, _, item| match item {
            Item::Series(series) => Some(series_record(head, series)),
            _ => None,
        })
    }

    /// Every accepted distribution, in the order of arrival.
    #[must_use]
    pub fn sketches(&self) -> Vec<SketchRecord> {
        self.each(Signal::Sketches, |head, _, item| match item {
            Item::Distribution(distribution) => Some(sketch_record(head, distribution)),
            _ => None,
        })
    }

    /// Every accepted event, in the order of arrival.
    #[must_use]
    pub fn events(&self) -> Vec<EventRecord> {
        self.each(Signal::Events, |head, source, item| match item {
            Item::Event(entry) => Some(event_record(head, source, entry)),
            _ => None,
        })
    }

    /// Every accepted service check, in the order of arrival.
    #[must_use]
    pub fn checks(&self) -> Vec<CheckRecord> {
        self.each(Signal::Checks, |head, _, item| match item {
            Item::Check(entry) => Some(check_record(head, entry)),
            _ => None,
        })
    }

    /// Reads every record about `signal` and makes of it what `make` does.
    fn each<R>(
        &self,
        signal: Signal,
        make: impl Fn(Head, Option<String>, Item) -> Option<R>,
    ) -> Vec<R> {
        let mut records = Vec::new();
        for stored in &self.requests {
            let metrics = stored.received.records.as_ref();
            let Some(metrics) = metrics.and_then(Records::metrics) else {
                continue;
            };
            if metrics.shape.signal() != signal {
                continue;
            }
            let items = (0..metrics.places.len()).filter_map(|index| {
                let source = metrics.source(index).map(str::to_owned);
                make(Head::of(stored, index), source, item(stored, index)?)
            });
            records.extend(items);
        }
        records
    }
}

fn origin(metadata: Option<Metadata>) -> Option<Origin> {
    metadata.and_then(|metadata| metadata.origin)
}

fn series_record(head: Head, series: Series) -> SeriesRecord {
    let metric_type = series.metric_type();
    let host = series.host().map(str::to_owned);
    let message = series.message;
    SeriesRecord {
        seq: head.seq,
        received_at_ms: head.received_at_ms,
        api_key: head.api_key,
        endpoint: head.endpoint,
        request: head.request,
        metric: message.metric,
        metric_type,
        interval: message.interval,
        tags: message.tags,
        host,
        resources: message.resources,
        unit: message.unit,
        source_type_name: message.source_type_name,
        origin: origin(message.metadata),
        points: message.points,
    }
}

fn sketch_record(head: Head, distribution: Distribution) -> SketchRecord {
    let message = distribution.message;
    let buckets = message.dogsketches.into_iter().zip(distribution.sketches);
    SketchRecord {
        seq: head.seq,
        received_at_ms: head.received_at_ms,
        api_key: head.api_key,
        endpoint: head.endpoint,
        request: head.request,
        metric: message.metric,
        host: message.host,
        tags: message.tags,
        origin: origin(message.metadata),
        buckets: buckets
            .map(|(message, sketch)| SketchBucket { message, sketch })
            .collect(),
    }
}

fn event_record(head: Head, source: Option<String>, entry: Map<String, Value>) -> EventRecord {
    EventRecord {
        seq: head.seq,
        received_at_ms: head.received_at_ms,
        api_key: head.api_key,
        endpoint: head.endpoint,
        request: head.request,
        source,
        title: events::title(&entry).unwrap_or_default().to_owned(),
        text: events::words(&entry).unwrap_or_default().to_owned(),
        timestamp: events::timestamp_s(&entry),
        tags: texts(&entry, event::TAGS),
        entry,
    }
}

fn check_record(head: Head, entry: Map<String, Value>) -> CheckRecord {
    let owned = |key| text(&entry, key).map(str::to_owned);
    CheckRecord {
        seq: head.seq,
        received_at_ms: head.received_at_ms,
        api_key: head.api_key,
        endpoint: head.endpoint,
        request: head.request,
        check: owned(check::CHECK).unwrap_or_default(),
        status: checks::status(&entry),
        host_name: owned(check::HOST_NAME),
        message: owned(check::MESSAGE),
        timestamp: entry.get(check::TIMESTAMP).and_then(Value::as_i64),
        tags: texts(&entry, check::TAGS),
        entry,
    }
}
