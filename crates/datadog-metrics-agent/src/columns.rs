//! Series and sketches in the columnar form, version 3 of the intakes: texts once in dictionaries, and of each field of
//! all metrics one column, most as differences from the value before.
//!
//! Columns are written as they will be sent, so that their length is known at any time. How much they shrink is known
//! only when they are compressed: what may follow is bounded by the worst case, and measured when that is used up.
//! A body cannot be halved, since its columns belong together; one that an intake finds too large is dropped.

mod column;
mod sets;

use datadog_forwarder::Encoding;
use datadog_sketch::agent::Sketch;
use datadog_wire::metrics::{MetricType, RESOURCE_HOST};

use self::column::{Column, Numbers, Texts};
use self::sets::{Origins, ResourceSets, Sets};
use crate::context::Identity;
use crate::payload::{Finished, Kind, Limits, TooLarge, bound, compress};
use crate::protobuf::{varint, varint_len};
use crate::series::{Series, resource_of};

/// Number of the field of a payload that holds the columns.
const METRIC_DATA: u64 = 3;
/// Bytes that the heads of all columns take at most, and that of the whole.
const HEADS: usize = 256;
/// Bytes of a number at most.
const NUMBER: usize = 10;
/// The type of a sketch; series have the numbers of [`MetricType`].
const SKETCH: u64 = 4;

/// Writes bodies of one kind.
#[derive(Debug)]
pub(crate) struct ColumnWriter {
    kind: Kind,
    limits: Limits,
    encoding: Encoding,
    columns: Columns,
    items: u64,
    points: usize,
    /// Length of the columns when they were measured, and compressed.
    measured: (usize, usize),
    lost: u64,
}

/// The columns, in the order of their fields.
#[derive(Debug, Default)]
struct Columns {
    names: Texts,
    tags: Texts,
    tagsets: Sets,
    resources: Texts,
    resource_sets: ResourceSets,
    origins: Origins,
    types: Column,
    name_refs: Column,
    tagset_refs: Column,
    resource_refs: Column,
    intervals: Column,
    num_points: Column,
    timestamps: Column,
    numbers: Numbers,
    source_type_refs: Column,
    origin_refs: Column,
    num_bins: Column,
    bin_keys: Column,
    bin_counts: Column,
}

impl Columns {
    /// The columns with the numbers of their fields.
    fn all(&self) -> [(u64, &[u8]); 21] {
        let [ints, floats, doubles] = self.numbers.columns();
        [
            (1, self.names.bytes()),
            (2, self.tags.bytes()),
            (3, self.tagsets.column.bytes()),
            (4, self.resources.bytes()),
            (5, self.resource_sets.lengths.bytes()),
            (6, self.resource_sets.types.bytes()),
            (7, self.resource_sets.names.bytes()),
            (9, self.origins.column.bytes()),
            (10, self.types.bytes()),
            (11, self.name_refs.bytes()),
            (12, self.tagset_refs.bytes()),
            (13, self.resource_refs.bytes()),
            (14, self.intervals.bytes()),
            (15, self.num_points.bytes()),
            (16, self.timestamps.bytes()),
            (17, ints),
            (18, floats),
            (19, doubles),
            (20, self.num_bins.bytes()),
            (21, self.bin_keys.bytes()),
            (22, self.bin_counts.bytes()),
        ]
    }

    fn len(&self) -> usize {
        let refs = self.source_type_refs.bytes().len() + self.origin_refs.bytes().len();
        HEADS
            + refs
            + self
                .all()
                .iter()
                .map(|(_, bytes)| bytes.len())
                .sum::<usize>()
    }

    /// The body of a request before compression.
    fn body(&self) -> Vec<u8> {
        let refs = [
            (23, self.source_type_refs.bytes()),
            (24, self.origin_refs.bytes()),
        ];
        let mut data = Vec::with_capacity(self.len());
        for (field, bytes) in self.all().into_iter().chain(refs) {
            if !bytes.is_empty() {
                varint(&mut data, field << 3 | 2);
                varint(&mut data, bytes.len() as u64);
                data.extend_from_slice(bytes);
            }
        }
        let head_len = 1 + varint_len(data.len() as u64);
        let mut head = Vec::with_capacity(head_len);
        varint(&mut head, METRIC_DATA << 3 | 2);
        varint(&mut head, data.len() as u64);
        data.splice(..0, head);
        data
    }

    /// Writes all of a metric but its points.
    fn metric(&mut self, metric: &Metric<'_>) {
        let name = self.names.number(&[metric.identity.name, metric.suffix]);
        self.name_refs.difference(name);
        let mut tags = Vec::new();
        let host = (RESOURCE_HOST, metric.identity.host);
        let mut pairs = vec![self.pair(host)];
        for tag in metric.identity.tags.iter() {
            match resource_of(tag).filter(|_| metric.kind != SKETCH) {
                Some(resource) => pairs.push(self.pair(resource)),
                None => tags.push(self.tags.number(&[tag])),
            }
        }
        self.tagset_refs.difference(self.tagsets.number(tags));
        self.resource_refs
            .difference(self.resource_sets.number(pairs));
        self.intervals
            .unsigned(metric.interval.max(0).unsigned_abs());
        self.num_points.unsigned(metric.points as u64);
        self.source_type_refs.difference(0);
        self.origin_refs
            .difference(self.origins.number(metric.identity.source));
    }

    fn pair(&mut self, (kind, name): (&str, &str)) -> (i64, i64) {
        (
            self.resources.number(&[kind]),
            self.resources.number(&[name]),
        )
    }
}

/// A metric without its points.
struct Metric<'a> {
    identity: Identity<'a>,
    suffix: &'a str,
    kind: u64,
    interval: i64,
    points: usize,
}

impl Metric<'_> {
    /// The bytes that it takes at most, without its points.
    fn at_most(&self) -> usize {
        let identity = &self.identity;
        let text = identity.name.len() + self.suffix.len() + identity.host.len();
        let tags: usize = (identity.tags.iter())
            .map(|tag| tag.len() + 4 * NUMBER)
            .sum();
        text + tags + RESOURCE_HOST.len() + 20 * NUMBER
    }
}

impl ColumnWriter {
    /// For series or sketches.
    pub(crate) fn new(kind: Kind, limits: Limits, encoding: Encoding) -> Self {
        Self {
            kind,
            limits,
            encoding,
            columns: Columns::default(),
            items: 0,
            points: 0,
            measured: (0, 0),
            lost: 0,
        }
    }

    /// Metrics in the body that is open.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// Adds a series, which has no more points than a request may have.
    pub(crate) fn series(
        &mut self,
        series: &Series<'_>,
        done: &mut Vec<Finished>,
    ) -> Result<(), TooLarge> {
        let metric = Metric {
            identity: series.identity,
            suffix: series.suffix,
            kind: match series.kind {
                MetricType::Unspecified => 0,
                MetricType::Count => 1,
                MetricType::Rate => 2,
                MetricType::Gauge => 3,
            },
            interval: series.interval,
            points: series.points.len(),
        };
        self.make_room(&metric, metric.points * 2 * NUMBER, done)?;
        self.columns.metric(&metric);
        for point in series.points {
            self.columns.timestamps.difference(point.timestamp);
        }
        let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
        let stored = self.columns.numbers.values(&values);
        self.columns.types.unsigned(metric.kind | stored);
        Ok(())
    }

    /// Adds a distribution: its sketches by the start of their buckets.
    pub(crate) fn sketches<'a>(
        &mut self,
        identity: Identity<'_>,
        buckets: impl Iterator<Item = (i64, &'a Sketch)>,
        done: &mut Vec<Finished>,
    ) -> Result<(), TooLarge> {
        let buckets: Vec<_> = buckets.collect();
        let bins: usize = buckets.iter().map(|(_, it)| it.keys().len()).sum();
        let metric = Metric {
            identity,
            suffix: "",
            kind: SKETCH,
            interval: 0,
            points: buckets.len(),
        };
        let most = metric.points * 6 * NUMBER + bins * 2 * NUMBER;
        self.make_room(&metric, most, done)?;
        self.columns.metric(&metric);
        let mut summaries = Vec::with_capacity(buckets.len());
        for (start, sketch) in buckets {
            let columns = &mut self.columns;
            columns.timestamps.difference(start);
            let summary = sketch.summary();
            summaries.push(([summary.sum, summary.min, summary.max], summary.count));
            columns.num_bins.unsigned(sketch.keys().len() as u64);
            columns.bin_keys.differences(sketch.keys().map(i64::from));
            for count in sketch.counts() {
                columns.bin_counts.unsigned(count.into());
            }
        }
        let stored = self.columns.numbers.summaries(&summaries);
        self.columns.types.unsigned(metric.kind | stored);
        Ok(())
    }

    /// Closes the body that is open, if there is one.
    pub(crate) fn finish(&mut self, done: &mut Vec<Finished>) {
        let items = std::mem::take(&mut self.items);
        let columns = std::mem::take(&mut self.columns);
        (self.points, self.measured) = (0, (0, 0));
        if items == 0 {
            return;
        }
        let raw = columns.body();
        match compress(self.encoding, &raw) {
            Ok((body, encoding)) => done.push(Finished {
                kind: self.kind,
                body: body.into(),
                encoding,
                raw_len: raw.len(),
                items,
            }),
            Err(_) => self.lost += items,
        }
    }

    /// Metrics that were lost since the last time because a compressor failed: the caller counts them.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Closes the body that is open if a metric with so many bytes of points would make it too large.
    fn make_room(
        &mut self,
        metric: &Metric<'_>,
        point_bytes: usize,
        done: &mut Vec<Finished>,
    ) -> Result<(), TooLarge> {
        let more = metric.at_most() + point_bytes;
        let alone = HEADS + more;
        let limits = self.limits;
        let points = match self.kind {
            Kind::SeriesColumns => metric.points,
            _ => 0,
        };
        let fits_alone = alone <= limits.raw_bytes
            && bound(self.encoding, alone) <= limits.bytes
            && points <= limits.points;
        if !fits_alone {
            return Err(TooLarge);
        }
        if self.items > 0 && !self.fits(more, points) {
            self.finish(done);
        }
        self.items += 1;
        self.points += points;
        Ok(())
    }

    fn fits(&mut self, more: usize, points: usize) -> bool {
        let limits = self.limits;
        let len = self.columns.len();
        if len + more > limits.raw_bytes || self.points + points > limits.points {
            return false;
        }
        if self.at_most(len + more) <= limits.bytes {
            return true;
        }
        let Ok((body, _)) = compress(self.encoding, &self.columns.body()) else {
            return false;
        };
        self.measured = (len, body.len());
        // What is nearly full is left so: each measurement costs as much as the whole body.
        self.at_most(len + more) + limits.bytes / 4 <= limits.bytes
    }

    /// The bytes that columns of this length become at most.
    fn at_most(&self, len: usize) -> usize {
        let (raw, sent) = self.measured;
        sent + bound(self.encoding, len.saturating_sub(raw))
    }
}

#[cfg(test)]
mod tests;
