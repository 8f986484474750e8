//! What a log needs the other end to know.

use super::{Body, DictId, Log, Operations, PatternId, Value};

/// Something that has to be defined before a log can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A pattern.
    Pattern(PatternId),
    /// An entry of the dictionary.
    Text(DictId),
}

impl Operations {
    /// Everything that a log of these operations refers to, with repetitions.
    pub(crate) fn references<'a>(&'a self, log: &'a Log) -> impl Iterator<Item = Reference> + 'a {
        let (pattern, values) = match &log.body {
            Body::Raw(_) | Body::Bytes { .. } => (None, &[][..]),
            Body::Pattern { id, values } => (Some(*id), self.values(values)),
        };
        let attributes = [log.status, log.service, log.tags].into_iter().flatten();
        let entries = values.iter().filter_map(|value| match value {
            Value::Dict(id) => Some(*id),
            Value::Int(_) | Value::Text(_) => None,
        });
        attributes
            .chain(entries)
            .map(Reference::Text)
            .chain(pattern.map(Reference::Pattern))
    }
}
