//! Turns the logs of a batch back into raw text, for an intake that refuses their patterns.

mod object;

use super::{Body, DictId, Log, Operation, Operations, PatternId, SchemaId, Value};
use crate::snapshot::Snapshot;

/// Why the text of a log cannot be rebuilt: the operations are not those of an encoder in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// The pattern is defined neither before the batch nor in it.
    #[error("pattern {id} is not known")]
    UnknownPattern {
        /// The pattern.
        id: PatternId,
    },
    /// The entry of the dictionary is defined neither before the batch nor in it.
    #[error("dictionary entry {id} is not known")]
    UnknownText {
        /// The entry.
        id: DictId,
    },
    /// The schema is defined neither before the batch nor in it.
    #[error("schema {id} is not known")]
    UnknownSchema {
        /// The schema.
        id: SchemaId,
    },
    /// The values do not fit the members of the schema, which in profile A is an entry of the dictionary.
    #[error("the values do not fit schema {id}")]
    UnfitSchema {
        /// The schema.
        id: SchemaId,
    },
    /// The values do not fit the positions of the pattern, or these do not fit its template.
    #[error("the values do not fit pattern {id}")]
    Unfit {
        /// The pattern.
        id: PatternId,
    },
}

impl Operations {
    /// The same batch with every text as it is, JSON objects as a whole. `before` is what the other end knows before the batch.
    ///
    /// Everything else stays: status, service and tags are entries of the dictionary as before,
    /// and all definitions and deletions are kept, as later batches build on them.
    /// An empty text that is a pattern remains one, since profile C has no word for an empty raw log.
    ///
    /// # Errors
    ///
    /// When a pattern or value is unknown or does not fit, which cannot be with the batches of one encoder
    /// and the snapshot of those before this one.
    pub fn as_raw(&self, before: &Snapshot) -> Result<Self, RebuildError> {
        let mut known = Known {
            before,
            inside: Snapshot::default(),
        };
        let mut raw = Self::default();
        for operation in self.iter() {
            let Operation::Log(log) = operation else {
                known.inside.apply_one(self, operation);
                raw.copy(self, operation);
                continue;
            };
            match known.whole_text(self, log)? {
                Some(text) if !text.is_empty() => {
                    let body = Body::Raw(raw.keep_text(&text));
                    let log = raw.copy_attributes(self, log, body);
                    raw.push(Operation::Log(log));
                }
                _ => raw.copy(self, operation),
            }
        }
        Ok(raw)
    }
}

/// What is known at a place inside a batch.
///
/// Deletions of what was known before are not followed: no log comes back to what was deleted.
struct Known<'a> {
    before: &'a Snapshot,
    inside: Snapshot,
}

impl Known<'_> {
    /// The text of a log, unless it is there as it is.
    fn whole_text(
        &self,
        operations: &Operations,
        log: &Log,
    ) -> Result<Option<Vec<u8>>, RebuildError> {
        let mut text = Vec::new();
        match (&log.body, operations.json(log)) {
            (Body::Raw(_) | Body::Bytes { .. }, None) => return Ok(None),
            (Body::Raw(raw) | Body::Bytes { lossy: raw, .. }, Some(_)) => {
                text.extend_from_slice(operations.text(raw));
            }
            (Body::Pattern { id, values }, _) => {
                self.rebuild(operations, *id, operations.values(values), &mut text)?;
            }
        }
        let Some(json) = operations.json(log) else {
            return Ok(Some(text));
        };
        let mut object = Vec::new();
        self.rebuild_object(operations, json, &text, &mut object)?;
        Ok(Some(object))
    }

    fn text(&self, id: DictId) -> Result<&[u8], RebuildError> {
        let text = self.inside.text(id).or_else(|| self.before.text(id));
        text.ok_or(RebuildError::UnknownText { id })
    }

    /// Appends the text that a pattern and its values stand for.
    fn rebuild(
        &self,
        operations: &Operations,
        id: PatternId,
        values: &[Value],
        out: &mut Vec<u8>,
    ) -> Result<(), RebuildError> {
        let pattern = self.inside.pattern(id).or_else(|| self.before.pattern(id));
        let (template, positions) = pattern.ok_or(RebuildError::UnknownPattern { id })?;
        if values.len() != positions.len() {
            return Err(RebuildError::Unfit { id });
        }
        let mut from = 0;
        for (value, at) in values.iter().zip(positions) {
            let at = *at as usize;
            let literal = template.get(from..at);
            out.extend_from_slice(literal.ok_or(RebuildError::Unfit { id })?);
            from = at;
            match value {
                Value::Int(number) => {
                    out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
                }
                Value::Text(text) => out.extend_from_slice(operations.text(text)),
                Value::Dict(id) => out.extend_from_slice(self.text(*id)?),
            }
        }
        let rest = template.get(from..);
        out.extend_from_slice(rest.ok_or(RebuildError::Unfit { id })?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
