//! One log as the intake takes it, and blocks of them already serialised.
//!
//! Knows the shape only: defaults, limits and rules are the processor's.

mod block;
pub(crate) mod json;

use datadog_wire::logs::{self, RESERVED_KEYS};
use serde_json::{Map, Value};

pub use block::EntryBlock;
pub(crate) use block::{BlockBuilder, BlockFull};

/// One log as a Rust embedder builds it. `None` leaves the key out.
#[derive(Debug, Clone, PartialEq)]
pub struct IntakeEntry {
    /// The text, or an object or array that is passed through unchanged. A number or boolean is written as its text,
    /// null as the empty text: the intake wants a message.
    pub message: Value,
    /// Unix milliseconds as a number, or a date string that the backend parses. Fractions are cut; any other value
    /// is left out.
    pub timestamp: Option<Value>,
    /// The host that the log comes from. An empty text counts as unset, here and in the next four.
    pub hostname: Option<String>,
    /// The service that wrote it.
    pub service: Option<String>,
    /// The technology that wrote it.
    pub ddsource: Option<String>,
    /// Comma-separated tags.
    pub ddtags: Option<String>,
    /// The severity.
    pub status: Option<String>,
    /// Any other key, written beside the seven above. One of their names here counts only where the field above is
    /// unset.
    pub attributes: Map<String, Value>,
}

/// Why JSON is no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Not JSON at all, or nested too deeply.
    #[error("not valid JSON")]
    NotJson,
    /// JSON, but no object.
    #[error("expected an object")]
    NotAnObject,
    /// The one key which the intake requires is absent.
    #[error("missing field message")]
    MissingMessage,
    /// The message is null.
    #[error("message is null")]
    NullMessage,
}

impl IntakeEntry {
    /// An entry of which only message and time are known.
    #[must_use]
    pub fn from_message(message: impl Into<String>, timestamp_ms: i64) -> Self {
        Self {
            message: Value::String(message.into()),
            timestamp: Some(timestamp_ms.into()),
            hostname: None,
            service: None,
            ddsource: None,
            ddtags: None,
            status: None,
            attributes: Map::new(),
        }
    }

    /// The entry in one JSON object. A reserved key with a value of another type than its own stays an attribute.
    ///
    /// # Errors
    /// When it is no JSON object, or has no message.
    pub fn from_json(json: &[u8]) -> Result<Self, EntryError> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(members)) => Self::from_members(members),
            Ok(_) => Err(EntryError::NotAnObject),
            Err(_) => Err(EntryError::NotJson),
        }
    }

    fn from_members(mut members: Map<String, Value>) -> Result<Self, EntryError> {
        // Nulls and empty texts under reserved keys mean unset.
        members.retain(|key, value| {
            key == logs::MESSAGE || !is_reserved(key) || !(value.is_null() || is_empty_text(value))
        });
        let message = match members.shift_remove(logs::MESSAGE) {
            None => return Err(EntryError::MissingMessage),
            Some(Value::Null) => return Err(EntryError::NullMessage),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => scalar.to_string().into(),
            Some(message) => message,
        };
        let timestamp = members.get(logs::TIMESTAMP).and_then(time);
        if timestamp.is_some() {
            members.shift_remove(logs::TIMESTAMP);
        }
        let mut text = |key| match members.get_mut(key) {
            Some(Value::String(text)) => {
                let text = std::mem::take(text);
                members.shift_remove(key);
                Some(text)
            }
            _ => None,
        };
        Ok(Self {
            message,
            timestamp,
            hostname: text(logs::HOSTNAME),
            service: text(logs::SERVICE),
            ddsource: text(logs::DDSOURCE),
            ddtags: text(logs::DDTAGS),
            status: text(logs::STATUS),
            attributes: members,
        })
    }

    /// Appends the entry as one JSON object without white space: the seven reserved keys in their fixed order, then
    /// the attributes in theirs. No key is written twice, and no reserved key with null or an empty text.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"message\":");
        match self.effective_message() {
            Value::Null => out.extend_from_slice(b"\"\""),
            scalar @ (Value::Number(_) | Value::Bool(_)) => {
                json::write_str(&scalar.to_string(), out)
            }
            message => json::write_value(message, out),
        }
        if let Some(timestamp) = self.effective_timestamp() {
            write_key(logs::TIMESTAMP, out);
            json::write_value(&timestamp, out);
        }
        for (key, field) in self.texts() {
            if let Some(text) = self.effective_text(key, field) {
                write_key(key, out);
                json::write_str(text, out);
            }
        }
        for (key, value) in &self.attributes {
            if self.is_written_as_attribute(key, value) {
                write_key(key, out);
                json::write_value(value, out);
            }
        }
        out.push(b'}');
    }

    /// The optional texts, in the order in which they are written.
    fn texts(&self) -> [(&'static str, Option<&str>); 5] {
        [
            (logs::HOSTNAME, self.hostname.as_deref()),
            (logs::SERVICE, self.service.as_deref()),
            (logs::DDSOURCE, self.ddsource.as_deref()),
            (logs::DDTAGS, self.ddtags.as_deref()),
            (logs::STATUS, self.status.as_deref()),
        ]
    }

    fn effective_message(&self) -> &Value {
        match &self.message {
            Value::Null => self.attributes.get(logs::MESSAGE).unwrap_or(&Value::Null),
            message => message,
        }
    }

    fn effective_timestamp(&self) -> Option<Value> {
        let attribute = || self.attributes.get(logs::TIMESTAMP).and_then(time);
        self.timestamp.as_ref().and_then(time).or_else(attribute)
    }

    fn effective_text<'a>(&'a self, key: &str, field: Option<&'a str>) -> Option<&'a str> {
        let attribute = || self.attributes.get(key).and_then(Value::as_str);
        let set = |text: &&str| !text.is_empty();
        field.filter(set).or_else(|| attribute().filter(set))
    }

    fn is_written_as_attribute(&self, key: &str, value: &Value) -> bool {
        if !is_reserved(key) {
            return true;
        }
        if key == logs::MESSAGE || value.is_null() || is_empty_text(value) {
            return false;
        }
        if key == logs::TIMESTAMP {
            return self.effective_timestamp().is_none();
        }
        let mut fields = self.texts().into_iter();
        let field = fields
            .find(|&(name, _)| name == key)
            .and_then(|(_, field)| field);
        self.effective_text(key, field).is_none()
    }
}

fn write_key(key: &str, out: &mut Vec<u8>) {
    out.push(b',');
    json::write_str(key, out);
    out.push(b':');
}

fn is_reserved(key: &str) -> bool {
    RESERVED_KEYS.contains(&key)
}

fn is_empty_text(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

/// The value as a timestamp: an integer or a text as it is, a fraction cut off; `None` for anything else.
fn time(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if !text.is_empty() => Some(value.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.clone()),
        Value::Number(number) => number
            .as_f64()
            .and_then(whole_milliseconds)
            .map(Value::from),
        _ => None,
    }
}

/// The milliseconds without their fraction; `None` beyond what an integer holds.
pub(crate) fn whole_milliseconds(milliseconds: f64) -> Option<i64> {
    /// 2⁶³, the first value beyond.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let inside = (-BEYOND..BEYOND).contains(&milliseconds);
    #[allow(
        clippy::cast_possible_truncation,
        reason = "cutting the fraction is the purpose"
    )]
    inside.then_some(milliseconds as i64)
}

/// Where entries come from: who shares the queue, and whether it can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The HTTP log server.
    Http,
    /// A handle in the same process.
    Handle,
    /// The file, or standard input, of this number.
    File(u32),
}

#[cfg(test)]
mod tests;
