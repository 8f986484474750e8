//! Turns a body of columns into the messages that it stands for, which are then looked at like any others.
//!
//! Reads with its own code, and nothing that an encoder counts on is taken for granted: numbers of entries, references
//! and lengths of columns are checked, and what would grow beyond all measure is refused.

mod reader;

use bytes::Bytes;
use datadog_wire::metrics::{
    Dogsketch, Metadata, MetricPoint, MetricSeries, Origin, RESOURCE_HOST, Resource, Sketch,
};
use prost::Message;

use self::reader::{Floats, Numbers, Refs, column, texts};
use crate::protobuf;
use crate::records::{MAX_RECORDS, Signal, within};

/// Number of the field of a payload that holds the columns.
const METRIC_DATA: u64 = 3;
/// Bytes that the messages may take: texts stand once in a dictionary, and once in every message that names them.
const MAX_MESSAGES_BYTES: usize = 64 * 1_024 * 1_024;
/// Mark of a metric that has a unit.
const HAS_UNIT: u64 = 0x200;
/// All marks that a type may have.
const FLAGS: u64 = 0x300;
/// The type of a sketch.
const SKETCH: u64 = 4;

/// The messages of a payload with `signal`, as the body of an older request.
///
/// # Errors
/// In words, what is wrong with the columns.
pub(super) fn messages(signal: Signal, body: &[u8]) -> Result<Bytes, String> {
    let (places, count) = protobuf::messages(body, METRIC_DATA, 1)?;
    let data = match (places.first(), count) {
        (None, _) => &[][..],
        (Some(place), 1) => within(body, place),
        (Some(_), _) => return Err("columns twice".to_owned()),
    };
    let dictionaries = Dictionaries::read(data)?;
    let mut columns = Columns::read(data)?;
    let mut out = Vec::new();
    for index in 0..columns.types.count() {
        if index >= MAX_RECORDS {
            return Err(format!("more than {MAX_RECORDS} metrics"));
        }
        let metric = columns
            .metric(&dictionaries)
            .map_err(|why| format!("metric {index}: {why}"))?;
        let wrote = match (signal, metric.kind) {
            (Signal::Series, 1..=3) => columns.series(metric).map(Written::Series),
            (Signal::Sketches, SKETCH) => columns.sketch(metric).map(Written::Sketch),
            (_, kind) => Err(format!("type {kind} does not belong to this intake")),
        };
        let wrote = wrote.map_err(|why| format!("metric {index}: {why}"))?;
        wrote.append(&mut out);
        if out.len() > MAX_MESSAGES_BYTES {
            return Err(format!("over {MAX_MESSAGES_BYTES} bytes of messages"));
        }
    }
    columns.end()?;
    Ok(out.into())
}

/// A message that a metric became.
enum Written {
    Series(MetricSeries),
    Sketch(Sketch),
}

impl Written {
    /// Appends it as the field of a payload that holds messages.
    fn append(&self, out: &mut Vec<u8>) {
        out.push(1 << 3 | 2);
        let bytes = match self {
            Self::Series(series) => series.encode_length_delimited_to_vec(),
            Self::Sketch(sketch) => sketch.encode_length_delimited_to_vec(),
        };
        out.extend_from_slice(&bytes);
    }
}

/// What metrics refer to by number; 0 is nothing, 1 the first.
struct Dictionaries<'a> {
    names: Vec<&'a str>,
    tags: Vec<&'a str>,
    tagsets: Vec<Vec<usize>>,
    resources: Vec<&'a str>,
    resource_sets: Vec<Vec<(usize, usize)>>,
    source_types: Vec<&'a str>,
    origins: Vec<Origin>,
    units: Vec<&'a str>,
}

impl<'a> Dictionaries<'a> {
    fn read(data: &'a [u8]) -> Result<Self, String> {
        Ok(Self {
            names: texts(data, 1)?,
            tags: texts(data, 2)?,
            tagsets: tagsets(data)?,
            resources: texts(data, 4)?,
            resource_sets: resource_sets(data)?,
            source_types: texts(data, 8)?,
            origins: origins(data)?,
            units: texts(data, 25)?,
        })
    }
}

fn tagsets(data: &[u8]) -> Result<Vec<Vec<usize>>, String> {
    let mut numbers = Numbers::of(data, 3)?;
    let mut sets = Vec::new();
    while !numbers.is_empty() {
        let length = numbers.signed()?;
        let mut tags = Vec::new();
        let mut tag = 0_i64;
        for _ in 0..length {
            tag = tag.wrapping_add(numbers.signed()?);
            tags.push(reference(tag)?);
        }
        sets.push(tags);
    }
    Ok(sets)
}

fn resource_sets(data: &[u8]) -> Result<Vec<Vec<(usize, usize)>>, String> {
    let mut lengths = Numbers::of(data, 5)?;
    let mut types = Numbers::of(data, 6)?;
    let mut names = Numbers::of(data, 7)?;
    let mut sets = Vec::new();
    while !lengths.is_empty() {
        let length = lengths.unsigned()?;
        let mut pairs = Vec::new();
        let (mut kind, mut name) = (0_i64, 0_i64);
        for _ in 0..length {
            kind = kind.wrapping_add(types.signed()?);
            name = name.wrapping_add(names.signed()?);
            pairs.push((reference(kind)?, reference(name)?));
        }
        sets.push(pairs);
    }
    types.end()?;
    names.end()?;
    Ok(sets)
}

fn origins(data: &[u8]) -> Result<Vec<Origin>, String> {
    let mut numbers = Numbers::of(data, 9)?;
    let mut origins = Vec::new();
    while !numbers.is_empty() {
        let mut part = || {
            let number = numbers.unsigned()?;
            u32::try_from(number).map_err(|_| "an origin has a number too large".to_owned())
        };
        origins.push(Origin {
            origin_product: part()?,
            origin_category: part()?,
            origin_service: part()?,
        });
    }
    Ok(origins)
}

fn reference(number: i64) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| format!("a reference is {number}"))
}

/// The entry that a reference names; the default for 0.
fn entry<T: Clone + Default>(dictionary: &[T], number: usize) -> Result<T, String> {
    match number.checked_sub(1) {
        None => Ok(T::default()),
        Some(index) => dictionary
            .get(index)
            .cloned()
            .ok_or_else(|| format!("there is no entry {number} in the dictionary")),
    }
}

/// A metric without its points.
struct Metric {
    kind: u64,
    stored: u64,
    name: String,
    tags: Vec<String>,
    resources: Vec<Resource>,
    interval: i64,
    points: u64,
    source_type: String,
    unit: String,
    origin: Option<Origin>,
}

/// The columns, read from their beginning to their end.
struct Columns<'a> {
    types: Numbers<'a>,
    names: Refs<'a>,
    tagsets: Refs<'a>,
    resources: Refs<'a>,
    intervals: Numbers<'a>,
    num_points: Numbers<'a>,
    timestamps: Refs<'a>,
    integers: Numbers<'a>,
    singles: Floats<'a, 4>,
    doubles: Floats<'a, 8>,
    num_bins: Numbers<'a>,
    bin_keys: Numbers<'a>,
    bin_counts: Numbers<'a>,
    source_types: Refs<'a>,
    origins: Refs<'a>,
    units: Refs<'a>,
}

impl<'a> Columns<'a> {
    fn read(data: &'a [u8]) -> Result<Self, String> {
        Ok(Self {
            types: Numbers::of(data, 10)?,
            names: Refs::of(data, 11)?,
            tagsets: Refs::of(data, 12)?,
            resources: Refs::of(data, 13)?,
            intervals: Numbers::of(data, 14)?,
            num_points: Numbers::of(data, 15)?,
            timestamps: Refs::of(data, 16)?,
            integers: Numbers::of(data, 17)?,
            singles: Floats::of(column(data, 18)?, 18)?,
            doubles: Floats::of(column(data, 19)?, 19)?,
            num_bins: Numbers::of(data, 20)?,
            bin_keys: Numbers::of(data, 21)?,
            bin_counts: Numbers::of(data, 22)?,
            source_types: Refs::of(data, 23)?,
            origins: Refs::of(data, 24)?,
            units: Refs::of(data, 26)?,
        })
    }

    /// Whether all was used.
    fn end(&self) -> Result<(), String> {
        for numbers in [
            &self.intervals,
            &self.num_points,
            &self.integers,
            &self.num_bins,
            &self.bin_keys,
            &self.bin_counts,
        ] {
            numbers.end()?;
        }
        for refs in [
            &self.names,
            &self.tagsets,
            &self.resources,
            &self.timestamps,
            &self.source_types,
            &self.origins,
            &self.units,
        ] {
            refs.end()?;
        }
        self.singles.end()?;
        self.doubles.end()
    }

    fn metric(&mut self, known: &Dictionaries<'_>) -> Result<Metric, String> {
        let word = self.types.unsigned()?;
        let (kind, stored) = (word & 0xf, word & 0xf0);
        if word & !(0xff | FLAGS) != 0 {
            return Err(format!("unknown type {word:#x}"));
        }
        let name = entry(&known.names, self.names.next()?)?;
        let tagset = entry(&known.tagsets, self.tagsets.next()?)?;
        let tags: Result<Vec<String>, String> = tagset
            .into_iter()
            .map(|tag| Ok(entry(&known.tags, tag)?.to_owned()))
            .collect();
        let set = entry(&known.resource_sets, self.resources.next()?)?;
        let resources: Result<Vec<Resource>, String> = set
            .into_iter()
            .map(|(kind, name)| {
                Ok(Resource {
                    r#type: entry(&known.resources, kind)?.to_owned(),
                    name: entry(&known.resources, name)?.to_owned(),
                })
            })
            .collect();
        let interval = self.intervals.unsigned()?;
        let points = self.num_points.unsigned()?;
        let source_type = entry(&known.source_types, self.source_types.next()?)?;
        let origin = match self.origins.next()? {
            0 => None,
            number => Some(entry(&known.origins, number)?),
        };
        let unit = match word & HAS_UNIT {
            0 => "",
            _ => entry(&known.units, self.units.next()?)?,
        };
        Ok(Metric {
            kind,
            stored,
            name: name.to_owned(),
            tags: tags?,
            resources: resources?,
            interval: i64::try_from(interval).map_err(|_| "the interval is too large")?,
            points,
            source_type: source_type.to_owned(),
            unit: unit.to_owned(),
            origin,
        })
    }

    /// The next value of a metric that stores them so.
    fn value(&mut self, stored: u64) -> Result<f64, String> {
        match stored {
            0x00 => Ok(0.0),
            #[expect(
                clippy::cast_precision_loss,
                reason = "an encoder stores so what is exact"
            )]
            0x10 => Ok(self.integers.signed()? as f64),
            0x20 => Ok(f32::from_le_bytes(self.singles.next()?).into()),
            0x30 => Ok(f64::from_le_bytes(self.doubles.next()?)),
            other => Err(format!("unknown type of values {other:#x}")),
        }
    }

    fn series(&mut self, metric: Metric) -> Result<MetricSeries, String> {
        let mut points = Vec::new();
        for _ in 0..metric.points {
            let timestamp = self.timestamps.value()?;
            let value = self.value(metric.stored)?;
            points.push(MetricPoint { value, timestamp });
        }
        let r#type = i32::try_from(metric.kind).unwrap_or_default(); // below 16
        Ok(MetricSeries {
            resources: metric.resources,
            metric: metric.name,
            tags: metric.tags,
            points,
            r#type,
            unit: metric.unit,
            source_type_name: metric.source_type,
            interval: metric.interval,
            metadata: metadata(metric.origin),
        })
    }

    fn sketch(&mut self, metric: Metric) -> Result<Sketch, String> {
        let mut dogsketches = Vec::new();
        for _ in 0..metric.points {
            dogsketches.push(self.dogsketch(metric.stored)?);
        }
        let mut resources = metric.resources.into_iter();
        let host = resources.find(|resource| resource.r#type == RESOURCE_HOST);
        Ok(Sketch {
            metric: metric.name,
            host: host.map(|host| host.name).unwrap_or_default(),
            tags: metric.tags,
            dogsketches,
            metadata: metadata(metric.origin),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of values")]
    fn dogsketch(&mut self, stored: u64) -> Result<Dogsketch, String> {
        let ts = self.timestamps.value()?;
        let (sum, min, max) = (
            self.value(stored)?,
            self.value(stored)?,
            self.value(stored)?,
        );
        let cnt = self.integers.signed()?;
        let bins = self.num_bins.unsigned()?;
        let (mut k, mut n) = (Vec::new(), Vec::new());
        let mut key = 0_i64;
        for _ in 0..bins {
            key = key.wrapping_add(self.bin_keys.signed()?);
            let count = self.bin_counts.unsigned()?;
            k.push(i32::try_from(key).map_err(|_| format!("a bin has the key {key}"))?);
            n.push(u32::try_from(count).map_err(|_| format!("a bin holds {count}"))?);
        }
        Ok(Dogsketch {
            ts,
            cnt,
            min,
            max,
            // It does not travel.
            avg: if cnt == 0 { 0.0 } else { sum / cnt as f64 },
            sum,
            k,
            n,
        })
    }
}

fn metadata(origin: Option<Origin>) -> Option<Metadata> {
    origin.map(|origin| Metadata {
        origin: Some(origin),
    })
}

#[cfg(test)]
mod tests;
