//! Finds the records of a body: submessages of protobuf, or elements of an array of JSON.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use datadog_wire::metrics::event;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Shape;
use crate::logs::range_within;
use crate::protobuf;
use crate::records::MAX_RECORDS;

/// Number of the field that holds the records of a payload, of series as of sketches.
const RECORDS_FIELD: u64 = 1;
/// Name of the array of series in JSON.
const SERIES: &str = "series";

/// Where the records of a body stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// Of as many as are allowed.
    pub(super) places: Vec<Range<u32>>,
    /// How many there are.
    pub(super) count: usize,
    /// The sources of events, each with the number of the event after its last.
    pub(super) sources: Vec<(u32, String)>,
    /// Sources that had occurred before.
    pub(super) repeated_sources: usize,
}

/// Finds the records of a body that is written so.
///
/// # Errors
/// In words, what the body is not.
pub(super) fn split(shape: Shape, body: &[u8]) -> Result<Split, String> {
    match shape {
        Shape::SeriesProtobuf | Shape::Sketches => {
            let (places, count) = protobuf::messages(body, RECORDS_FIELD, MAX_RECORDS)?;
            Ok(Split {
                places,
                count,
                ..Split::default()
            })
        }
        Shape::SeriesV1 | Shape::SeriesV2Json => {
            let texts = member(body, SERIES, Elements)?;
            Ok(of_texts(body, &texts.ok_or("no \"series\" in the body")?))
        }
        Shape::AgentEvents => {
            let groups = member(body, event::EVENTS, Lists)?;
            Ok(groups.map_or_else(Split::default, |groups| of_groups(body, groups)))
        }
        Shape::Event => Ok(of_texts(body, &lone(body)?)),
        Shape::Checks => match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Ok(of_texts(body, &lone(body)?)),
            _ => Ok(of_texts(body, &parsed(body, Elements)?)),
        },
    }
}

fn of_texts(body: &[u8], texts: &Texts<'_>) -> Split {
    let places = texts.first.iter().map(|text| range_within(body, text));
    Split {
        places: places.collect(),
        count: texts.count,
        ..Split::default()
    }
}

fn of_groups(body: &[u8], groups: Groups<'_>) -> Split {
    let mut split = Split::default();
    let mut seen = HashSet::new();
    for (source, texts) in groups.0 {
        let room = MAX_RECORDS.saturating_sub(split.places.len());
        let places = texts.first.iter().take(room);
        split
            .places
            .extend(places.map(|text| range_within(body, text)));
        split.count += texts.count;
        if !seen.insert(source.clone()) {
            split.repeated_sources += 1;
        }
        let end = u32::try_from(split.places.len()).unwrap_or(u32::MAX); // a hundred thousand at most
        split.sources.push((end, source));
    }
    split
}

/// A body that is one object.
fn lone(body: &[u8]) -> Result<Texts<'_>, String> {
    let text: &RawValue = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if !text.get().starts_with('{') {
        return Err("not a JSON object".to_owned());
    }
    Ok(Texts {
        first: vec![text.get()],
        count: 1,
    })
}

/// The texts of the elements of an array: of as many as are allowed, and the number of all.
#[derive(Debug, Default)]
struct Texts<'a> {
    first: Vec<&'a str>,
    count: usize,
}

/// Lists of texts, each with its key.
struct Groups<'a>(Vec<(String, Texts<'a>)>);

/// Reads the value of the key `name` of the object `body`; the last of several.
fn member<'de, V: Visitor<'de> + Copy>(
    body: &'de [u8],
    name: &str,
    value: V,
) -> Result<Option<V::Value>, String> {
    parsed(body, Member { name, value })
}

fn parsed<'de, V: Visitor<'de>>(body: &'de [u8], visitor: V) -> Result<V::Value, String> {
    // The visitors say themselves what they expect.
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = deserializer
        .deserialize_any(visitor)
        .map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    Ok(value)
}

struct Member<'a, V> {
    name: &'a str,
    value: V,
}

impl<'de, V: Visitor<'de> + Copy> Visitor<'de> for Member<'_, V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with \"{}\"", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.name {
                found = Some(map.next_value_seed(Seed(self.value))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Reads a value with a visitor of its own.
struct Seed<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

/// An array of objects.
#[derive(Clone, Copy)]
struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Texts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Texts<'de>, A::Error> {
        let mut texts = Texts::default();
        while texts.count < MAX_RECORDS {
            let Some(element) = elements.next_element::<&RawValue>()? else {
                return Ok(texts);
            };
            texts.first.push(element.get());
            texts.count += 1;
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {
            texts.count += 1;
        }
        Ok(texts)
    }
}

/// An object of arrays of objects.
#[derive(Clone, Copy)]
struct Lists;

impl<'de> Visitor<'de> for Lists {
    type Value = Groups<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of arrays")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Groups<'de>, A::Error> {
        let mut groups = Vec::new();
        while let Some(source) = map.next_key::<String>()? {
            let texts = map.next_value_seed(Seed(Elements))?;
            if groups.len() < MAX_RECORDS {
                groups.push((source, texts));
            }
        }
        Ok(Groups(groups))
    }
}
