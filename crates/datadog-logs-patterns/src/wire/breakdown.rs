//! Where the bytes of a batch go, for reports.

use super::message::value_len;
use crate::operation::Value;

/// Bytes of the message of a batch, by what they are spent on.
///
/// A field counts with its key and its length, so the sum is the length of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Breakdown {
    /// Whole steps that define patterns.
    pub definitions: usize,
    /// Whole steps that define entries of the dictionary.
    pub dictionary: usize,
    /// Whole steps that define schemas of JSON objects.
    pub schemas: usize,
    /// Whole steps that forget patterns, entries or schemas.
    pub deletes: usize,
    /// Differences of time.
    pub timestamps: usize,
    /// Ids of patterns, where they are not those of the log before.
    pub pattern_ids: usize,
    /// Values that are numbers.
    pub values_int: usize,
    /// Values that stand as text.
    pub values_text: usize,
    /// Values that are entries of the dictionary.
    pub values_dict: usize,
    /// Tags, statuses and services.
    pub tags_status: usize,
    /// Members of JSON objects beside their messages: schemas, keys and values.
    pub json: usize,
    /// Raw logs, with the exact bytes of those that are no valid UTF-8.
    pub raw: usize,
    /// Ids that tell apart copies of a log.
    pub uuids: usize,
    /// What wraps logs: the keys and lengths of the nested messages.
    pub framing: usize,
}

impl Breakdown {
    /// All bytes: the length of the message.
    #[must_use]
    pub fn total(&self) -> usize {
        self.definitions
            + self.dictionary
            + self.schemas
            + self.deletes
            + self.timestamps
            + self.pattern_ids
            + self.values_int
            + self.values_text
            + self.values_dict
            + self.tags_status
            + self.json
            + self.raw
            + self.uuids
            + self.framing
    }

    /// Counts values, each with its field.
    pub(super) fn add_values(&mut self, field: u32, values: &[Value]) {
        for value in values {
            let len = value_len(field, value);
            match value {
                Value::Int(_) => self.values_int += len,
                Value::Text(_) => self.values_text += len,
                Value::Dict(_) => self.values_dict += len,
            }
        }
    }
}
