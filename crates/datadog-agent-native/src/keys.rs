//! The values of keys of the configuration that have no field of their own, with the type that a pipeline wants.

use std::time::Duration;

use crate::config::{Config, Value};

/// The values of keys that have no field of their own.
pub(crate) struct Keys<'a>(pub(crate) &'a Config);

impl<'a> Keys<'a> {
    pub(crate) fn on(&self, name: &str) -> bool {
        matches!(self.0.value(name), Some(Value::Bool(true)))
    }

    /// A number that is not negative.
    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        match self.0.value(name) {
            Some(Value::Int(number)) => usize::try_from(*number).unwrap_or(default),
            _ => default,
        }
    }

    pub(crate) fn float(&self, name: &str, default: f64) -> f64 {
        match self.0.value(name) {
            Some(Value::Float(number)) => *number,
            _ => default,
        }
    }

    pub(crate) fn time(&self, name: &str, default: Duration) -> Duration {
        match self.0.value(name) {
            Some(Value::Duration(time)) => *time,
            _ => default,
        }
    }

    pub(crate) fn seconds(&self, name: &str, default: i64) -> i64 {
        let time = self.time(name, Duration::from_secs(default.unsigned_abs()));
        i64::try_from(time.as_secs()).unwrap_or(default)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        match self.0.value(name) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn words(&self, name: &str) -> Option<&'a [String]> {
        match self.0.value(name) {
            Some(Value::List(words)) => Some(words),
            _ => None,
        }
    }
}
