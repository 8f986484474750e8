//! Service checks.

use datadog_wire::metrics::check::{CHECK, HOST_NAME, MESSAGE, STATUS, TAGS, TIMESTAMP};
use serde_json::{Map, Value};

use super::Dislike;
use super::item::{self, Found, text};
use crate::store::counts::NONE;

/// The statuses by their numbers.
const STATUSES: [&str; 4] = ["ok", "warning", "critical", "unknown"];

/// The status, if it is one of 0 to 3.
pub(crate) fn status(fields: &Map<String, Value>) -> Option<u8> {
    let status = fields.get(STATUS)?.as_u64()?;
    u8::try_from(status).ok().filter(|status| *status < 4)
}

/// The status in a word, as the summary counts it.
pub(super) fn status_name(fields: &Map<String, Value>) -> &'static str {
    let name = status(fields).and_then(|status| STATUSES.get(usize::from(status)));
    name.copied().unwrap_or(NONE)
}

pub(super) fn check(fields: &Map<String, Value>, found: &mut Found<'_>) {
    if text(fields, CHECK).is_none_or(str::is_empty) {
        found(Dislike::NoName, None);
    }
    for key in [HOST_NAME, MESSAGE] {
        if fields
            .get(key)
            .is_some_and(|value| !value.is_string() && !value.is_null())
        {
            found(Dislike::NotAString(key), None);
        }
    }
    if let Some(host) = text(fields, HOST_NAME) {
        item::check_host(host, found);
    }
    if status(fields).is_none() {
        found(Dislike::UnknownStatus, None);
    }
    item::check_json_time(fields.get(TIMESTAMP), found);
    item::check_json_tags(fields.get(TAGS), found);
}
