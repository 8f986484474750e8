//! One record of a body, read when it arrives and again whenever somebody asks for it.
//!
//! Holds the checks that more than one kind of record shares.

use std::borrow::Cow;
use std::collections::HashSet;

use datadog_wire::metrics::{MAX_AGE_S, MAX_AHEAD_S, MAX_TAGS};
use serde_json::{Map, Value};

use super::{Dislike, Shape, checks, events, series, sketches};

/// Characters of a name that the intake keeps.
pub(super) const MAX_NAME_CHARS: usize = 200;
/// Characters of a tag that the intake keeps.
pub(super) const MAX_TAG_CHARS: usize = 200;
/// Bytes of the name of a host that the intake keeps.
pub(super) const MAX_HOST_BYTES: usize = 255;
/// Bytes of one record; a body of version 1 may be longer, and no client puts it all into one series.
const MAX_ITEM_BYTES: usize = 5_242_880;

/// Tells of something wrong, with more words than the kind has if need be.
pub(super) type Found<'a> = dyn FnMut(Dislike, Option<String>) + 'a;

/// One record.
#[derive(Debug)]
pub(crate) enum Item {
    Series(series::Series),
    Distribution(sketches::Distribution),
    Event(Map<String, Value>),
    Check(Map<String, Value>),
}

impl Item {
    /// Reads the bytes of one record.
    ///
    /// # Errors
    /// In words, why they are none.
    pub(crate) fn read(shape: Shape, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_ITEM_BYTES {
            return Err(format!("over {MAX_ITEM_BYTES} bytes"));
        }
        Ok(match shape {
            Shape::SeriesProtobuf => Self::Series(series::Series::of_protobuf(bytes)?),
            Shape::SeriesV2Json => Self::Series(series::Series::of_json_v2(bytes)?),
            Shape::SeriesV1 => Self::Series(series::Series::of_json_v1(bytes)?),
            Shape::Sketches => Self::Distribution(sketches::Distribution::of_protobuf(bytes)?),
            Shape::AgentEvents | Shape::Event => Self::Event(object(bytes)?),
            Shape::Checks => Self::Check(object(bytes)?),
        })
    }

    /// What it is counted under: the name of a metric, how grave an event is, the status of a check.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Series(series) => Cow::Borrowed(&series.message.metric),
            Self::Distribution(distribution) => Cow::Borrowed(&distribution.message.metric),
            Self::Event(fields) => Cow::Borrowed(events::alert_type(fields)),
            Self::Check(fields) => Cow::Borrowed(checks::status_name(fields)),
        }
    }

    /// Points of a series, or sketches of a distribution.
    pub(super) fn points(&self) -> usize {
        match self {
            Self::Series(series) => series.message.points.len(),
            Self::Distribution(distribution) => distribution.message.dogsketches.len(),
            Self::Event(_) | Self::Check(_) => 0,
        }
    }

    /// Tells of everything that the intake would not like; `source` is what an event stands under.
    pub(super) fn check(&self, now_s: i64, source: Option<&str>, found: &mut Found<'_>) {
        match self {
            Self::Series(series) => series.check(now_s, found),
            Self::Distribution(distribution) => distribution.check(now_s, found),
            Self::Event(fields) => events::check(fields, source, found),
            Self::Check(fields) => checks::check(fields, found),
        }
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// Looks at the name of a metric.
pub(super) fn check_name(name: &str, found: &mut Found<'_>) {
    if name.is_empty() {
        return found(Dislike::NoName, None);
    }
    if name.chars().nth(MAX_NAME_CHARS).is_some() {
        found(Dislike::LongName, None);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if !starts_well || !name.bytes().all(is_plain) {
        found(Dislike::OddName, None);
    }
}

/// Looks at the name of a host.
pub(super) fn check_host(host: &str, found: &mut Found<'_>) {
    if host.len() > MAX_HOST_BYTES {
        found(Dislike::LongHost, None);
    }
}

/// Looks at the tags of a metric; says each thing once.
pub(super) fn check_tags<S: AsRef<str>>(tags: &[S], found: &mut Found<'_>) {
    let texts = || tags.iter().map(AsRef::as_ref);
    if tags.len() > MAX_TAGS {
        found(Dislike::TooManyTags, None);
    }
    if texts().any(str::is_empty) {
        found(Dislike::EmptyTag, None);
    }
    if texts().any(|tag| tag.chars().nth(MAX_TAG_CHARS).is_some()) {
        found(Dislike::LongTag, None);
    }
    let mut seen = HashSet::with_capacity(tags.len());
    if texts().any(|tag| !seen.insert(tag)) {
        found(Dislike::TagTwice, None);
    }
}

/// Looks at times in seconds; says each thing once.
pub(super) fn check_times(
    times: impl Iterator<Item = i64> + Clone,
    now_s: i64,
    found: &mut Found<'_>,
) {
    if times.clone().any(|at| at <= 0) {
        found(Dislike::NoTimestamp, None);
    }
    if times
        .clone()
        .any(|at| at > 0 && now_s.saturating_sub(at) > MAX_AGE_S)
    {
        found(Dislike::TooOld, None);
    }
    if times
        .clone()
        .any(|at| at.saturating_sub(now_s) > MAX_AHEAD_S)
    {
        found(Dislike::Ahead, None);
    }
}

/// Looks at the tags of an event or a check, which may be absent or `null`.
pub(super) fn check_json_tags(value: Option<&Value>, found: &mut Found<'_>) {
    match value {
        None | Some(Value::Null) => {}
        Some(Value::Array(tags)) => {
            let texts: Option<Vec<&str>> = tags.iter().map(Value::as_str).collect();
            match texts {
                Some(texts) => check_tags(&texts, found),
                None => found(Dislike::TagsNotStrings, None),
            }
        }
        Some(_) => found(Dislike::TagsNotStrings, None),
    }
}

/// Looks at the time of an event or a check, which may be absent.
pub(super) fn check_json_time(value: Option<&Value>, found: &mut Found<'_>) {
    match value {
        None | Some(Value::Null) => {}
        Some(value) if value.is_i64() || value.is_u64() => {}
        Some(_) => found(Dislike::BadTimestamp, None),
    }
}

/// A key whose value is a string.
pub(crate) fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    fields.get(key).and_then(Value::as_str)
}

/// The strings of an array; none of anything else.
pub(crate) fn texts(fields: &Map<String, Value>, key: &str) -> Vec<String> {
    let array = fields.get(key).and_then(Value::as_array);
    let texts = array.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}
