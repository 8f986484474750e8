//! Events: the keys that the agent writes, and those of the public interface.

use datadog_wire::metrics::event::{
    AGGREGATION_KEY, ALERT_TYPE, DEFAULT_SOURCE, HOST, PRIORITY, SOURCE_TYPE_NAME, TAGS, TEXT,
    TIMESTAMP, TITLE,
};
use serde_json::{Map, Value};

use super::Dislike;
use super::item::{self, Found, text};
use crate::store::counts::NONE;

/// What the public interface calls title, text and time.
const PUBLIC_TITLE: &str = "title";
const PUBLIC_TEXT: &str = "text";
const PUBLIC_TIME: &str = "date_happened";
/// How grave an event may be; the last three only in the public interface.
const ALERT_TYPES: [&str; 7] = [
    "error",
    "warning",
    "info",
    "success",
    "user_update",
    "recommendation",
    "snapshot",
];
const PRIORITIES: [&str; 2] = ["normal", "low"];

/// The title under either name.
pub(crate) fn title(fields: &Map<String, Value>) -> Option<&str> {
    text(fields, TITLE).or_else(|| text(fields, PUBLIC_TITLE))
}

/// The text under either name.
pub(crate) fn words(fields: &Map<String, Value>) -> Option<&str> {
    text(fields, TEXT).or_else(|| text(fields, PUBLIC_TEXT))
}

/// When it happened, in seconds since 1970, under either name.
pub(crate) fn timestamp_s(fields: &Map<String, Value>) -> Option<i64> {
    time(fields).and_then(Value::as_i64)
}

/// How grave it is, as the summary counts it.
pub(super) fn alert_type(fields: &Map<String, Value>) -> &str {
    text(fields, ALERT_TYPE)
        .filter(|found| !found.is_empty())
        .unwrap_or(NONE)
}

fn time(fields: &Map<String, Value>) -> Option<&Value> {
    fields.get(TIMESTAMP).or_else(|| fields.get(PUBLIC_TIME))
}

pub(super) fn check(fields: &Map<String, Value>, source: Option<&str>, found: &mut Found<'_>) {
    if title(fields).is_none_or(str::is_empty) {
        found(Dislike::NoName, None);
    }
    for key in [HOST, AGGREGATION_KEY, SOURCE_TYPE_NAME] {
        if fields
            .get(key)
            .is_some_and(|value| !value.is_string() && !value.is_null())
        {
            found(Dislike::NotAString(key), None);
        }
    }
    if let Some(host) = text(fields, HOST) {
        item::check_host(host, found);
    }
    let one_of = |key, known: &[&str]| match fields.get(key) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|value| known.contains(&value)),
    };
    if !one_of(ALERT_TYPE, &ALERT_TYPES) {
        found(Dislike::UnknownAlertType, None);
    }
    if !one_of(PRIORITY, &PRIORITIES) {
        found(Dislike::UnknownPriority, None);
    }
    let own_source = text(fields, SOURCE_TYPE_NAME)
        .filter(|own| !own.is_empty())
        .unwrap_or(DEFAULT_SOURCE);
    if source.is_some_and(|source| source != own_source) {
        found(Dislike::OtherSource, None);
    }
    item::check_json_time(time(fields), found);
    item::check_json_tags(fields.get(TAGS), found);
}
