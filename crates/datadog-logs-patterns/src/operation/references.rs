//! What a log needs the other end to know.

use super::{Body, DictId, Json, Log, Member, Operations, PatternId, SchemaId, Value};

/// Something that has to be defined before a log can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A pattern.
    Pattern(PatternId),
    /// An entry of the dictionary.
    Text(DictId),
    /// A schema; its keys are needed with it.
    Schema(SchemaId),
}

impl Operations {
    /// Everything that a log of these operations refers to, with repetitions.
    pub(crate) fn references<'a>(&'a self, log: &'a Log) -> impl Iterator<Item = Reference> + 'a {
        let (pattern, values) = match &log.body {
            Body::Raw(_) | Body::Bytes { .. } => (None, &[][..]),
            Body::Pattern { id, values } => (Some(*id), self.values(values)),
        };
        let (keys, schema, json_values, members) = match self.json(log) {
            None => ([None; 2], None, &[][..], &[][..]),
            Some(Json::Keys {
                message_key,
                schema,
                values,
            }) => {
                let keys = [Some(*message_key), *schema];
                (keys, None, self.values(values), &[][..])
            }
            Some(Json::Columns { schema, members }) => {
                ([None; 2], Some(*schema), &[][..], self.members(members))
            }
        };
        let attributes = [log.status, log.service, log.tags].into_iter().chain(keys);
        let entries = values.iter().chain(json_values).filter_map(entry);
        let members = members.iter().filter_map(member_entry);
        attributes
            .flatten()
            .chain(entries)
            .chain(members)
            .map(Reference::Text)
            .chain(schema.map(Reference::Schema))
            .chain(pattern.map(Reference::Pattern))
    }
}

fn entry(value: &Value) -> Option<DictId> {
    match value {
        Value::Dict(id) => Some(*id),
        Value::Int(_) | Value::Text(_) => None,
    }
}

fn member_entry(member: &Member) -> Option<DictId> {
    match member {
        Member::Dict(id) => Some(*id),
        Member::Bool(_) | Member::Int(_) | Member::Text(_) | Member::Raw(_) => None,
    }
}
