//! Decodes bodies of metrics, events and service checks, and says what the real intake would not like about them.
//!
//! Keeps every record as a range of its body, to be decoded again when somebody asks; a body is taken as a whole or not
//! at all. Protobuf is read with the schemas alone, JSON as other clients write it too.
//! Knows nothing of HTTP but paths; the server turns a [`Refusal`] into a status.

use std::ops::Range;

use bytes::Bytes;
use datadog_wire::endpoints::{CHECK_RUN_PATH, EVENTS_PATH, SERIES_V2_PATH, SKETCHES_PATH};
use datadog_wire::metrics::{
    MAX_PAYLOAD_BYTES, MAX_PAYLOAD_RAW_BYTES, MAX_SERIES_BYTES, MAX_SERIES_POINTS,
    MAX_SERIES_RAW_BYTES,
};

use crate::logs::Refusal;
use crate::problem::{Problems, What};
use crate::records::{Body, Decoded, MAX_RECORDS, Names, Records, Signal, within};
pub(crate) use dislike::Dislike;
pub(crate) use item::Item;
use split::Split;

pub(crate) mod checks;
mod columnar;
mod dislike;
pub(crate) mod events;
pub(crate) mod item;
pub(crate) mod record;
pub(crate) mod series;
pub(crate) mod sketches;
mod split;

/// `POST` path of version 1 of the intake of series.
pub(crate) const SERIES_V1_PATH: &str = "/api/v1/series";
/// `POST` path of the public interface for one event.
pub(crate) const EVENTS_V1_PATH: &str = "/api/v1/events";
/// What the paths of the columnar intake begin with.
const COLUMNAR_PREFIX: &str = "/api/intake/metrics/v3";

/// Bytes of a request to [`SERIES_V1_PATH`] as it is sent; the intake refuses more.
const MAX_SERIES_V1_BYTES: usize = 3_200_000;
/// Bytes of a request to [`SERIES_V1_PATH`] before compression; the intake refuses more.
const MAX_SERIES_V1_RAW_BYTES: usize = 62_914_560;
/// A path that takes metrics, events or service checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    SeriesV2,
    SeriesV1,
    Sketches,
    /// Events as the agent sends them.
    AgentEvents,
    /// One event, as the public interface takes it.
    Event,
    Checks,
    /// Series or sketches in columns.
    Columnar(Signal),
}

impl Door {
    /// The one that `path` leads to.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            SERIES_V2_PATH => Self::SeriesV2,
            SERIES_V1_PATH => Self::SeriesV1,
            SKETCHES_PATH => Self::Sketches,
            EVENTS_PATH => Self::AgentEvents,
            EVENTS_V1_PATH => Self::Event,
            CHECK_RUN_PATH => Self::Checks,
            path => {
                let (version, signal) = path.strip_prefix(COLUMNAR_PREFIX)?.split_once('/')?;
                match (version, signal) {
                    ("" | "beta", "series") => Self::Columnar(Signal::Series),
                    ("" | "beta", "sketches") => Self::Columnar(Signal::Sketches),
                    _ => return None,
                }
            }
        })
    }

    /// The body of the answer to what is taken.
    pub(crate) fn thanks(self) -> &'static str {
        match self {
            Self::SeriesV2 | Self::Sketches | Self::Columnar(_) => r#"{"errors":[]}"#,
            Self::SeriesV1 | Self::AgentEvents | Self::Event | Self::Checks => r#"{"status":"ok"}"#,
        }
    }

    /// The most bytes that it takes: as sent, and decompressed.
    fn limits(self) -> (usize, usize) {
        match self {
            Self::SeriesV2 | Self::Columnar(Signal::Series) => {
                (MAX_SERIES_BYTES, MAX_SERIES_RAW_BYTES)
            }
            Self::SeriesV1 => (MAX_SERIES_V1_BYTES, MAX_SERIES_V1_RAW_BYTES),
            _ => (MAX_PAYLOAD_BYTES, MAX_PAYLOAD_RAW_BYTES),
        }
    }

    /// How a body with that `Content-Type` is written, and what is to be said about the type.
    fn shape(self, media_type: &str, raw: &[u8]) -> (Shape, Option<What>) {
        let is = |wanted: &str| media_type.eq_ignore_ascii_case(wanted);
        let is_json = is("application/json");
        let is_protobuf = is("application/x-protobuf");
        let unless = |is_right: bool, what| (!is_right).then_some(what);
        match self {
            Self::SeriesV2 if is_json => (Shape::SeriesV2Json, None),
            Self::SeriesV2 if is_protobuf => (Shape::SeriesProtobuf, None),
            // No protobuf begins so: it would be the start of a group.
            Self::SeriesV2 if raw.first() == Some(&b'{') => (
                Shape::SeriesV2Json,
                Some(What::Metrics(Dislike::UnknownMedia)),
            ),
            Self::SeriesV2 => (
                Shape::SeriesProtobuf,
                Some(What::Metrics(Dislike::UnknownMedia)),
            ),
            Self::Columnar(Signal::Series) => (
                Shape::SeriesProtobuf,
                unless(is_protobuf, What::Metrics(Dislike::NotProtobuf)),
            ),
            Self::Sketches | Self::Columnar(_) => (
                Shape::Sketches,
                unless(is_protobuf, What::Metrics(Dislike::NotProtobuf)),
            ),
            // The official clients of version 1 say so.
            Self::SeriesV1 => (
                Shape::SeriesV1,
                unless(is_json || is("text/json"), What::NotJson),
            ),
            Self::AgentEvents => (Shape::AgentEvents, unless(is_json, What::NotJson)),
            Self::Event => (Shape::Event, unless(is_json, What::NotJson)),
            Self::Checks => (Shape::Checks, unless(is_json, What::NotJson)),
        }
    }
}

/// How the records of a body are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    SeriesProtobuf,
    SeriesV2Json,
    SeriesV1,
    Sketches,
    AgentEvents,
    Event,
    Checks,
}

impl Shape {
    /// What the records are about.
    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::SeriesProtobuf | Self::SeriesV2Json | Self::SeriesV1 => Signal::Series,
            Self::Sketches => Signal::Sketches,
            Self::AgentEvents | Self::Event => Signal::Events,
            Self::Checks => Signal::Checks,
        }
    }
}

/// The accepted records of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metrics {
    pub(crate) shape: Shape,
    /// Where each record stands in the decompressed body, in order.
    pub(crate) places: Vec<Range<u32>>,
    /// Of events of an agent, the sources that they stand under, each with the number of the event after its last.
    pub(crate) sources: Vec<(u32, String)>,
    /// The body that they stand in, where that is not the one that came: columns as the messages that they stand for.
    pub(crate) rewritten: Option<Bytes>,
}

impl Metrics {
    /// The source that an event stands under.
    pub(crate) fn source(&self, index: usize) -> Option<&str> {
        let at = self
            .sources
            .partition_point(|(end, _)| usize::try_from(*end).is_ok_and(|end| end <= index));
        self.sources.get(at).map(|(_, source)| source.as_str())
    }

    /// Bytes that keeping them takes, the body aside.
    pub(crate) fn cost(&self) -> usize {
        let sources: usize = self.sources.iter().map(|(_, source)| source.len()).sum();
        self.places.capacity() * size_of::<Range<u32>>()
            + self.sources.capacity() * size_of::<(u32, String)>()
            + sources
            + self.rewritten.as_ref().map_or(0, Bytes::len)
    }
}

/// Decodes `body`, noting in `problems` whatever is wrong with it.
pub(crate) fn decode(door: Door, body: Body<'_>, problems: &mut Problems) -> Decoded {
    let mut decoded = Decoded::default();
    if let Some(what) = too_large(door, &body) {
        problems.add(what);
        decoded.refusal = Some(Refusal::TooLarge);
        return decoded;
    }
    let (shape, complaint) = door.shape(body.media_type, body.raw);
    if let Some(what) = complaint {
        problems.add(what);
    }
    let rewritten = match door {
        Door::Columnar(signal) => columnar::messages(signal, body.raw).map(Some),
        _ => Ok(None),
    };
    let split = rewritten.and_then(|rewritten| {
        let raw = rewritten.as_deref().unwrap_or(body.raw);
        Ok((split::split(shape, raw)?, rewritten))
    });
    match split {
        Ok((split, rewritten)) => {
            let raw = rewritten.as_deref().unwrap_or(body.raw);
            let body = Body { raw, ..body };
            read_all(&mut decoded, shape, split, &body, problems);
            if let Some(Records::Metrics(metrics)) = &mut decoded.records {
                metrics.rewritten = rewritten.clone();
            }
        }
        Err(why) => {
            problems.add_detail(What::Malformed, why);
            decoded.refusal = Some(Refusal::Malformed);
        }
    }
    decoded
}

fn too_large(door: Door, body: &Body<'_>) -> Option<What> {
    let (wire, raw) = door.limits();
    if body.wire_bytes > crate::store::as_u64(wire) {
        Some(What::WireTooLarge(wire))
    } else if body.raw.len() > raw {
        Some(What::RawTooLarge(raw))
    } else {
        None
    }
}

/// Reads every record of a body, and keeps them if all can be read and there are not too many.
fn read_all(
    decoded: &mut Decoded,
    shape: Shape,
    split: Split,
    body: &Body<'_>,
    problems: &mut Problems,
) {
    decoded.items = Some(split.count);
    if split.count == 0 {
        problems.add(What::Nothing);
    }
    if split.count > MAX_RECORDS {
        problems.add(What::TooManyRecords(MAX_RECORDS));
        decoded.refusal = Some(Refusal::TooLarge);
        return;
    }
    for _ in 0..split.repeated_sources {
        problems.add(What::Metrics(Dislike::SourceTwice));
    }
    let metrics = Metrics {
        shape,
        places: split.places,
        sources: split.sources,
        rewritten: None,
    };
    let noun = shape.signal().noun();
    let now_s = body.now_ms / 1_000;
    let mut names = Names::default();
    let mut points = 0;
    for (index, place) in metrics.places.iter().enumerate() {
        let item = match Item::read(shape, within(body.raw, place)) {
            Ok(item) => item,
            Err(why) => {
                let why = format!("{noun} {index} at byte {}: {why}", place.start);
                problems.add_detail(What::Malformed, why);
                decoded.refusal = Some(Refusal::Malformed);
                return;
            }
        };
        item.check(now_s, metrics.source(index), &mut |dislike, detail| {
            problems.add_to(noun, index, What::Metrics(dislike), detail);
        });
        points += item.points();
        names.add(&item.name(), 1);
    }
    decoded.facets.points = crate::store::as_u64(points);
    decoded.facets.named = names.tally();
    if shape.signal() == Signal::Series && points > MAX_SERIES_POINTS {
        problems.add(What::Metrics(Dislike::TooManyPoints));
        decoded.refusal = Some(Refusal::TooLarge);
        return;
    }
    decoded.records = Some(Records::Metrics(metrics));
}

#[cfg(test)]
mod tests;
