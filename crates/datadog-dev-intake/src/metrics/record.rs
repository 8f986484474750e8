//! Records of metrics, events and service checks as they are shown: one line of JSON each.
//!
//! What came as protobuf gets the names of its schema, and so does a series of JSON; an event or a check keeps its keys.

use datadog_sketch::agent;
use datadog_wire::metrics::{Dogsketch, Metadata, MetricPoint, MetricType};
use serde_json::{Map, Value, json};

use super::item::Item;
use super::series::Series;
use super::sketches::Distribution;
use crate::record::{notes, number, write_fields, write_noted};
use crate::records::Records;
use crate::store::Stored;

/// The quantiles that are shown of a sketch.
const QUANTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
];

/// The record at `index`, read again; `None` past the last.
pub(crate) fn item(stored: &Stored, index: usize) -> Option<Item> {
    let metrics = stored.received.records.as_ref()?.metrics()?;
    metrics.places.get(index)?;
    let read = Item::read(metrics.shape, stored.record_bytes(index));
    debug_assert!(read.is_ok(), "it was read when it arrived");
    read.ok()
}

/// Writes the record at `index`, without a line end.
pub(crate) fn write(out: &mut Vec<u8>, stored: &Stored, index: usize, item: &Item) {
    let mut notes = notes(stored, index);
    let fields = match item {
        Item::Series(series) => series_fields(series),
        Item::Distribution(distribution) => distribution_fields(distribution),
        Item::Event(_) | Item::Check(_) => {
            let metrics = stored.received.records.as_ref().and_then(Records::metrics);
            if let Some(source) = metrics.and_then(|metrics| metrics.source(index)) {
                notes.push(("source", source.into()));
            }
            let text = std::str::from_utf8(stored.record_bytes(index));
            return write_noted(out, notes, text.unwrap_or("{}"));
        }
    };
    write_fields(out, notes, fields);
}

/// The name of a type of series.
fn type_name(known: MetricType) -> &'static str {
    match known {
        MetricType::Unspecified => "unspecified",
        MetricType::Count => "count",
        MetricType::Rate => "rate",
        MetricType::Gauge => "gauge",
    }
}

fn series_fields(series: &Series) -> Value {
    let message = &series.message;
    let resources = message.resources.iter();
    let resources: Vec<Value> = resources
        .map(|resource| json!({ "type": resource.r#type, "name": resource.name }))
        .collect();
    json!({
        "metric": message.metric,
        "type": series.metric_type().map_or_else(|| message.r#type.into(), |known| Value::from(type_name(known))),
        "interval": message.interval,
        "unit": message.unit,
        "host": series.host(),
        "tags": message.tags,
        "resources": resources,
        "source_type_name": message.source_type_name,
        "metadata": metadata(message.metadata),
        "points": message.points.iter().map(point).collect::<Vec<_>>(),
    })
}

fn point(point: &MetricPoint) -> Value {
    json!({ "timestamp": point.timestamp, "value": number(point.value) })
}

fn distribution_fields(distribution: &Distribution) -> Value {
    let message = &distribution.message;
    let buckets = message.dogsketches.iter().zip(&distribution.sketches);
    let buckets: Vec<Value> = buckets
        .map(|(bucket, sketch)| dogsketch(bucket, sketch))
        .collect();
    json!({
        "metric": message.metric,
        "host": message.host,
        "tags": message.tags,
        "metadata": metadata(message.metadata),
        "dogsketches": buckets,
    })
}

fn dogsketch(bucket: &Dogsketch, sketch: &Result<agent::Sketch, agent::Error>) -> Value {
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
    put("ts", bucket.ts.into());
    put("cnt", bucket.cnt.into());
    put("min", number(bucket.min));
    put("max", number(bucket.max));
    put("avg", number(bucket.avg));
    put("sum", number(bucket.sum));
    for (name, share) in QUANTILES {
        let quantile = sketch
            .as_ref()
            .ok()
            .and_then(|sketch| sketch.quantile(share));
        put(name, quantile.map_or(Value::Null, number));
    }
    put("k", bucket.k.as_slice().into());
    put("n", bucket.n.as_slice().into());
    if let Err(error) = sketch {
        put("error", error.to_string().into());
    }
    Value::Object(record)
}

fn metadata(metadata: Option<Metadata>) -> Value {
    let Some(origin) = metadata.and_then(|metadata| metadata.origin) else {
        return Value::Null;
    };
    json!({ "origin": {
        "origin_product": origin.origin_product,
        "origin_category": origin.origin_category,
        "origin_service": origin.origin_service,
    }})
}
