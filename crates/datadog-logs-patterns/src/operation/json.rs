//! The JSON object around the message of a log, as its members travel beside the message.
//!
//! Only an object in its canonical form is taken apart, so the order of the members need not be told.

use std::num::NonZeroU32;
use std::ops::Range;

use super::{DictId, Log, Operations, SchemaId, Span, offset};

/// The place of a [`Json`] among the operations of its batch; small, because most logs have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonRef(NonZeroU32);

/// The members of a JSON object beside its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// As profile A has them: a list of keys is an entry of the dictionary.
    Keys {
        /// The path of the message, with dots between its keys.
        message_key: DictId,
        /// The keys of the other members, joined by commas; `None` where there is no other.
        schema: Option<DictId>,
        /// One for each key, as a range of [`Operations::values`].
        ///
        /// A number is one of JSON, a text a string; the text `{}` under the key that the path of the message
        /// begins with is the object that the message alone is in.
        values: Range<u32>,
    },
    /// As profile C has them.
    Columns {
        /// Which members there are.
        schema: SchemaId,
        /// Those that need a value, as a range of [`Operations::members`].
        members: Range<u32>,
    },
}

/// One member of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The entry of the dictionary with its path: its keys with dots between them, and a backslash before each dot
    /// and backslash of a key.
    pub key: DictId,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a member of a schema holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// `null`; it has no value.
    Null,
    /// A [`Member::Bool`].
    Bool,
    /// A [`Member::Int`].
    Int,
    /// A [`Member::Dict`].
    Dict,
    /// A [`Member::Text`].
    Text,
    /// A [`Member::Raw`].
    Raw,
}

/// The value of a member in profile C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// `true` or `false`.
    Bool(bool),
    /// A number whose decimal text is the value.
    Int(i64),
    /// A string that is an entry of the dictionary.
    Dict(DictId),
    /// A string without its quotes and escapes; valid UTF-8.
    Text(Span),
    /// Any other value in the text of JSON.
    Raw(Span),
}

impl Member {
    /// The kind of the column that it belongs to.
    #[must_use]
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Bool(_) => ColumnKind::Bool,
            Self::Int(_) => ColumnKind::Int,
            Self::Dict(_) => ColumnKind::Dict,
            Self::Text(_) => ColumnKind::Text,
            Self::Raw(_) => ColumnKind::Raw,
        }
    }
}

impl Operations {
    /// The object around the text of a log of these operations.
    pub fn json(&self, log: &Log) -> Option<&Json> {
        let number = log.json?.0.get();
        self.jsons.get(number as usize - 1)
    }

    /// Keeps an object, to be referred to by a log.
    pub fn keep_json(&mut self, json: Json) -> JsonRef {
        self.jsons.push(json);
        JsonRef(NonZeroU32::new(offset(self.jsons.len())).unwrap_or(NonZeroU32::MAX))
    }

    /// The members of a range of these operations.
    pub fn members(&self, range: &Range<u32>) -> &[Member] {
        &self.members[range.start as usize..range.end as usize]
    }

    /// The columns of a range of these operations.
    pub fn columns(&self, range: &Range<u32>) -> &[Column] {
        &self.columns[range.start as usize..range.end as usize]
    }

    /// Keeps members, to be referred to by a log.
    pub fn keep_members(&mut self, members: impl IntoIterator<Item = Member>) -> Range<u32> {
        let start = offset(self.members.len());
        self.members.extend(members);
        start..offset(self.members.len())
    }

    /// Keeps columns, to be referred to by a definition.
    pub fn keep_columns(&mut self, columns: impl IntoIterator<Item = Column>) -> Range<u32> {
        let start = offset(self.columns.len());
        self.columns.extend(columns);
        start..offset(self.columns.len())
    }
}
