//! Values as they were understood, and the parsers that understand them.
//!
//! Every parser works on text as it was written and returns a sentence when it cannot be understood; none panics,
//! whatever the text, and none looks anywhere else.

pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod number;
pub(crate) mod text;
pub(crate) mod url;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use crate::flush_strategy::FlushStrategy;
use crate::issue::{last_four, without_userinfo};
use crate::log_level::LogLevel;
use crate::operational_mode::OperationalMode;
use crate::rules::{LogsAdditionalEndpoint, ProcessingRule, ReplaceRule, TracePropagationStyle};

/// A value as it was understood. Its debug text names the type only, since the value may be a secret.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A switch.
    Bool(bool),
    /// A whole number: ports, counts, bytes, file modes, whole seconds.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text, in the form that the key's grammar gives it.
    Text(String),
    /// A length of time.
    Duration(Duration),
    /// Texts, in order.
    List(Vec<String>),
    /// Names with a text each, in order.
    Pairs(Vec<(String, String)>),
    /// URLs with their keys, in order.
    KeysByUrl(Vec<(String, Vec<String>)>),
    /// The mode of the listeners.
    Mode(OperationalMode),
    /// The level of the agent's own log.
    LogLevel(LogLevel),
    /// When data is flushed.
    FlushStrategy(FlushStrategy),
    /// Rules for logs.
    ProcessingRules(Vec<ProcessingRule>),
    /// Rules for spans.
    ReplaceRules(Vec<ReplaceRule>),
    /// Further log intakes.
    LogsEndpoints(Vec<LogsAdditionalEndpoint>),
    /// Any JSON, as text without blanks.
    Json(String),
}

/// What a parser understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed {
    /// The value.
    pub(crate) value: Value,
    /// What was put right or left out on the way.
    pub(crate) notes: Vec<Note>,
}

/// Something that was put right or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// What is wrong.
    pub(crate) problem: String,
    /// What was done about it.
    pub(crate) used: String,
    /// Whether it is only worth knowing.
    pub(crate) is_info: bool,
}

impl Note {
    /// A warning.
    pub(crate) fn warning(problem: impl Into<String>, used: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            used: used.into(),
            is_info: false,
        }
    }

    /// Something worth knowing.
    pub(crate) fn info(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            used: String::new(),
            is_info: true,
        }
    }
}

impl Parsed {
    /// A value with something to say about it.
    pub(crate) const fn with(value: Value, notes: Vec<Note>) -> Self {
        Self { value, notes }
    }
}

impl From<Value> for Parsed {
    fn from(value: Value) -> Self {
        Self::with(value, Vec::new())
    }
}

impl Value {
    /// The value as text. `masking` decides whether secrets in it show.
    pub(crate) fn shown(&self, secret: bool) -> String {
        match self {
            Self::Bool(on) => on.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) if secret && text.contains("://") => without_userinfo(text),
            Self::Text(text) if secret => last_four(text),
            Self::Text(text) | Self::Json(text) => text.clone(),
            Self::Duration(duration) => number::duration_text(*duration),
            Self::List(items) => items.join(","),
            Self::Pairs(pairs) => joined(pairs.iter().map(|(key, value)| format!("{key}:{value}"))),
            Self::KeysByUrl(endpoints) => joined(endpoints.iter().map(|(url, keys)| {
                let keys: Vec<String> = keys.iter().map(|key| last_four(key)).collect();
                format!("{url} ({})", keys.join(" "))
            })),
            Self::Mode(mode) => mode.as_str().to_owned(),
            Self::LogLevel(level) => level.to_string(),
            Self::FlushStrategy(strategy) => strategy.to_string(),
            Self::ProcessingRules(rules) => joined(
                rules
                    .iter()
                    .map(|rule| format!("{} {}", rule.kind.as_str(), rule.name)),
            ),
            Self::ReplaceRules(rules) => joined(rules.iter().map(|rule| rule.name.clone())),
            Self::LogsEndpoints(endpoints) => joined(endpoints.iter().map(|endpoint| {
                let port = endpoint
                    .port
                    .map_or_else(String::new, |port| format!(":{port}"));
                format!("{}{port} ({})", endpoint.host, last_four(&endpoint.api_key))
            })),
        }
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Bool",
            Self::Int(_) => "Int",
            Self::Float(_) => "Float",
            Self::Text(_) => "Text",
            Self::Duration(_) => "Duration",
            Self::List(_) => "List",
            Self::Pairs(_) => "Pairs",
            Self::KeysByUrl(_) => "KeysByUrl",
            Self::Mode(_) => "Mode",
            Self::LogLevel(_) => "LogLevel",
            Self::FlushStrategy(_) => "FlushStrategy",
            Self::ProcessingRules(_) => "ProcessingRules",
            Self::ReplaceRules(_) => "ReplaceRules",
            Self::LogsEndpoints(_) => "LogsEndpoints",
            Self::Json(_) => "Json",
        })
    }
}

/// A type of a field of the configuration.
pub(crate) trait FromValue: Sized {
    /// The value, if it is of this type and in its range.
    fn from_value(value: &Value) -> Option<Self>;
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        T::from_value(value).map(Some)
    }
}

/// Types that one variant holds as it is.
macro_rules! from_variant {
    ($($type:ty: $variant:ident),* $(,)?) => {$(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(held) => Some(held.clone()),
                    _ => None,
                }
            }
        }
    )*};
}

from_variant! {
    bool: Bool,
    f64: Float,
    Duration: Duration,
    Vec<String>: List,
    OperationalMode: Mode,
    LogLevel: LogLevel,
    FlushStrategy: FlushStrategy,
    Vec<ProcessingRule>: ProcessingRules,
    Vec<ReplaceRule>: ReplaceRules,
    Vec<LogsAdditionalEndpoint>: LogsEndpoints,
}

/// Whole numbers.
macro_rules! from_int {
    ($($type:ty),*) => {$(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Int(number) => Self::try_from(*number).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

from_int!(u16, i32, u32, u64, usize);

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) | Value::Json(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for HashMap<String, String> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Pairs(pairs) => Some(pairs.iter().cloned().collect()),
            _ => None,
        }
    }
}

impl FromValue for HashMap<String, Vec<String>> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::KeysByUrl(endpoints) => Some(endpoints.iter().cloned().collect()),
            _ => None,
        }
    }
}

impl FromValue for Vec<TracePropagationStyle> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(names) => names
                .iter()
                .map(|name| TracePropagationStyle::from_name(name))
                .collect(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
