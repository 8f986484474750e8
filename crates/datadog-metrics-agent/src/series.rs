//! Series as protobuf, written by hand: each into a buffer that is used again, then into the body of a request.
//!
//! A body with several series is several bodies one after the other, which is why one can be halved between them.

use datadog_forwarder::Encoding;
use datadog_wire::metrics::{self, MetricType, RESOURCE_DEVICE, RESOURCE_HOST};

use crate::columns::ColumnWriter;
use crate::context::Identity;
use crate::payload::{Finished, Item, Kind, Limits, TooLarge, Writer};
use crate::protobuf::{self as field, bytes_len};

/// Tag whose value is a device that the series is about.
const DEVICE_TAG: &str = "device:";
/// Tag whose value is type and name of something else that the series is about.
const RESOURCE_TAG: &str = "dd.internal.resource:";

/// The form in which series or sketches travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each as a message of its own.
    Messages,
    /// All of them as columns.
    Columns,
}

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Seconds since 1970.
    pub timestamp: i64,
    /// The value.
    pub value: f64,
}

/// Points of one metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series<'a> {
    pub(crate) identity: Identity<'a>,
    /// What follows the name, as `.max` of a histogram does.
    pub(crate) suffix: &'a str,
    pub(crate) kind: MetricType,
    /// Seconds over which a rate was counted, or between two points.
    pub(crate) interval: i64,
    pub(crate) points: &'a [Point],
}

/// Writes the bodies of requests with series.
#[derive(Debug)]
pub(crate) struct SeriesWriter {
    writer: Writer,
    /// Takes the series instead, where they travel in columns.
    columns: Option<ColumnWriter>,
    max_points: usize,
    message: Vec<u8>,
    framed: Vec<u8>,
}

impl SeriesWriter {
    pub(crate) fn new(limits: Limits, encoding: Encoding) -> Self {
        Self {
            writer: Writer::new(Kind::Series, limits, encoding, b""),
            columns: None,
            max_points: limits.points.max(1),
            message: Vec::new(),
            framed: Vec::new(),
        }
    }

    /// The same, in the form of an intake.
    pub(crate) fn of(form: Form, limits: Limits, encoding: Encoding) -> Self {
        let columns = || ColumnWriter::new(Kind::SeriesColumns, limits, encoding);
        Self {
            columns: (form == Form::Columns).then(columns),
            ..Self::new(limits, encoding)
        }
    }

    /// Series in the body that is open.
    pub(crate) fn items(&self) -> u64 {
        let columns = self.columns.as_ref().map_or(0, ColumnWriter::items);
        self.writer.items() + columns
    }

    /// Adds a series, as several if it has more points than a request may have. Without points there is none.
    pub(crate) fn push(
        &mut self,
        series: &Series<'_>,
        done: &mut Vec<Finished>,
    ) -> Result<(), TooLarge> {
        for points in series.points.chunks(self.max_points) {
            if let Some(columns) = &mut self.columns {
                columns.series(&Series { points, ..*series }, done)?;
                continue;
            }
            self.message.clear();
            write(&mut self.message, &Series { points, ..*series });
            self.framed.clear();
            field::bytes(&mut self.framed, 1, &self.message);
            self.writer.push(
                Item {
                    open: b"",
                    join: b"",
                    body: &self.framed,
                    points: points.len(),
                },
                done,
            )?;
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self, done: &mut Vec<Finished>) {
        self.writer.finish(done);
        if let Some(columns) = &mut self.columns {
            columns.finish(done);
        }
    }

    pub(crate) fn take_lost(&mut self) -> u64 {
        let columns = self.columns.as_mut().map_or(0, ColumnWriter::take_lost);
        self.writer.take_lost() + columns
    }
}

/// Appends the content of a message `MetricSeries`.
fn write(out: &mut Vec<u8>, series: &Series<'_>) {
    let identity = &series.identity;
    resource(out, RESOURCE_HOST, identity.host);
    for tag in identity.tags.iter() {
        if let Some((kind, name)) = resource_of(tag) {
            resource(out, kind, name);
        }
    }
    field::head(out, 2, identity.name.len() + series.suffix.len());
    out.extend_from_slice(identity.name.as_bytes());
    out.extend_from_slice(series.suffix.as_bytes());
    for tag in identity.tags.iter() {
        if resource_of(tag).is_none() {
            field::text(out, 3, tag);
        }
    }
    for point in series.points {
        let timestamp = point.timestamp.cast_unsigned();
        let double = if point.value.to_bits() == 0 { 0 } else { 9 };
        let number = if timestamp == 0 {
            0
        } else {
            1 + field::varint_len(timestamp)
        };
        field::head(out, 4, double + number);
        field::double(out, 1, point.value);
        field::number(out, 2, timestamp);
    }
    field::number(out, 5, series.kind as u64);
    field::number(out, 8, series.interval.cast_unsigned());
    identity.source.write(out, 9);
}

fn resource(out: &mut Vec<u8>, kind: &str, name: &str) {
    let name_len = if name.is_empty() {
        0
    } else {
        bytes_len(name.len())
    };
    field::head(out, 1, bytes_len(kind.len()) + name_len);
    field::text(out, 1, kind);
    field::text(out, 2, name);
}

/// Type and name of what the series is about besides its host, if the tag says so.
pub(crate) fn resource_of(tag: &str) -> Option<(&str, &str)> {
    if let Some(device) = tag.strip_prefix(DEVICE_TAG) {
        return Some((RESOURCE_DEVICE, device)).filter(|_| !device.is_empty());
    }
    let (kind, name) = tag.strip_prefix(RESOURCE_TAG)?.split_once(':')?;
    (!kind.is_empty() && !name.is_empty()).then_some((kind, name))
}

/// Where a metric comes from, in the numbers of the intake. All 0: nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Source {
    /// See [`metrics::product`].
    pub product: u32,
    /// See [`metrics::category`].
    pub category: u32,
    /// See [`metrics::service`].
    pub service: u32,
}

impl Source {
    /// DogStatsD of a host.
    pub const DOGSTATSD: Self = Self {
        product: metrics::product::AGENT,
        category: metrics::category::DOGSTATSD,
        service: 0,
    };

    /// Appends a field `Metadata`, unless nothing is said.
    pub(crate) fn write(self, out: &mut Vec<u8>, number: u8) {
        if self == Self::default() {
            return;
        }
        let number_len = |value: u32| match value {
            0 => 0,
            value => 1 + field::varint_len(value.into()),
        };
        let len = number_len(self.product) + number_len(self.category) + number_len(self.service);
        field::head(out, number, bytes_len(len));
        field::head(out, 1, len);
        field::number(out, 4, self.product.into());
        field::number(out, 5, self.category.into());
        field::number(out, 6, self.service.into());
    }
}

#[cfg(test)]
mod tests;
