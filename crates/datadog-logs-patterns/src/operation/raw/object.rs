//! Puts the JSON object of a log back together from its message and the members beside it.

use super::{Known, RebuildError};
use crate::json::object::{Leaf, ObjectWriter};
use crate::json::paths;
use crate::operation::{Column, ColumnKind, DictId, Json, Member, Operations, SchemaId, Value};

/// A member with its path as a list of keys, by which it is sorted.
struct Sorted<'a> {
    keys: Vec<Vec<u8>>,
    path: Vec<u8>,
    leaf: Leaf<'a>,
}

impl<'a> Sorted<'a> {
    /// A member of this path, as a schema has it.
    fn new(path: &[u8], leaf: Leaf<'a>) -> Self {
        Self {
            keys: paths::keys(path),
            path: path.to_vec(),
            leaf,
        }
    }

    /// A member of the object itself.
    fn of_key(key: &[u8], leaf: Leaf<'a>) -> Self {
        let mut path = Vec::new();
        paths::push_key(&mut path, key);
        Self {
            keys: vec![key.to_vec()],
            path,
            leaf,
        }
    }
}

impl Known<'_> {
    /// Appends the object that has this message.
    pub(super) fn rebuild_object(
        &self,
        operations: &Operations,
        json: &Json,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), RebuildError> {
        let (mut members, message_key) = match json {
            Json::Keys {
                message_key,
                schema,
                values,
            } => {
                let message_key = self.text(*message_key)?;
                let values = operations.values(values);
                let members = self.keys(operations, *schema, values, message_key)?;
                (members, message_key)
            }
            Json::Columns { schema, members } => {
                let (columns, message_key) = self.schema(*schema)?;
                let members = operations.members(members);
                let members = self.columns(operations, *schema, columns, members)?;
                (members, self.text(message_key)?)
            }
        };
        members.push(Sorted::new(message_key, Leaf::Text(message)));
        members.sort_by(|one, other| one.keys.cmp(&other.keys));
        let mut object = ObjectWriter::new(out);
        for member in &members {
            object.member(&member.path, member.leaf);
        }
        object.finish();
        Ok(())
    }

    /// The members of a list of keys.
    fn keys<'a>(
        &'a self,
        operations: &'a Operations,
        schema: Option<DictId>,
        values: &'a [Value],
        message_key: &[u8],
    ) -> Result<Vec<Sorted<'a>>, RebuildError> {
        let Some(schema) = schema else {
            return Ok(Vec::new());
        };
        let unfit = RebuildError::UnfitSchema { id: schema };
        let keys: Vec<_> = self.text(schema)?.split(|byte| *byte == b',').collect();
        if keys.len() != values.len() {
            return Err(unfit);
        }
        let mut members = Vec::new();
        for (key, value) in keys.into_iter().zip(values) {
            let around = message_key.strip_prefix(key);
            let is_around = around.is_some_and(|rest| rest.starts_with(b"."));
            let leaf = match value {
                Value::Int(number) => Leaf::Int(*number),
                // The object that the message alone is in comes with the message.
                Value::Text(text) if is_around && operations.text(text) == b"{}" => continue,
                Value::Text(text) => Leaf::Text(operations.text(text)),
                Value::Dict(id) => Leaf::Text(self.text(*id)?),
            };
            members.push(Sorted::of_key(key, leaf));
        }
        Ok(members)
    }

    /// The members of a schema.
    fn columns<'a>(
        &'a self,
        operations: &'a Operations,
        schema: SchemaId,
        columns: &[Column],
        members: &'a [Member],
    ) -> Result<Vec<Sorted<'a>>, RebuildError> {
        let unfit = RebuildError::UnfitSchema { id: schema };
        let mut members = members.iter();
        let mut sorted = Vec::new();
        for column in columns {
            let leaf = match column.kind {
                ColumnKind::Null => Leaf::Null,
                kind => match members.next().filter(|member| member.kind() == kind) {
                    Some(Member::Bool(value)) => Leaf::Bool(*value),
                    Some(Member::Int(number)) => Leaf::Int(*number),
                    Some(Member::Dict(id)) => Leaf::Text(self.text(*id)?),
                    Some(Member::Text(text)) => Leaf::Text(operations.text(text)),
                    Some(Member::Raw(text)) => Leaf::Raw(operations.text(text)),
                    None => return Err(unfit),
                },
            };
            sorted.push(Sorted::new(self.text(column.key)?, leaf));
        }
        match members.next() {
            None => Ok(sorted),
            Some(_) => Err(unfit),
        }
    }

    fn schema(&self, id: SchemaId) -> Result<(&[Column], DictId), RebuildError> {
        let known = self.inside.schema(id).or_else(|| self.before.schema(id));
        known.ok_or(RebuildError::UnknownSchema { id })
    }
}
