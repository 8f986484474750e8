//! The steps that change the state of the stream: definitions and deletions, alike in both profiles but for numbers.

use std::ops::Range;

use super::Breakdown;
use super::columns::kind_byte;
use super::message::{datum, datum_len, present, stated, write_stated};
use crate::delta::Delta;
use crate::operation::{Column, DictId, Log, Operation, Operations, Span};
use crate::protobuf::{
    bytes_field, message_field, varint, varint_field, varint_field_len, varint_len,
};

/// The fields of a definition or deletion of an entry of the dictionary.
mod dict_entry {
    pub(super) const ID: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}

/// The fields of a definition or deletion of a pattern.
mod pattern {
    pub(super) const ID: u32 = 1;
    pub(super) const TEMPLATE: u32 = 2;
    pub(super) const PARAM_COUNT: u32 = 3;
    pub(super) const POS_LIST: u32 = 4;
}

/// The fields of a definition or deletion of a schema.
mod schema {
    pub(super) const ID: u32 = 1;
    pub(super) const KEYS: u32 = 2;
    pub(super) const MESSAGE_KEY: u32 = 3;
    pub(super) const KINDS: u32 = 4;
}

/// How a profile numbers the steps of a sequence.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) pattern_define: u32,
    pub(super) pattern_delete: u32,
    pub(super) dict_entry_define: u32,
    pub(super) dict_entry_delete: u32,
    /// `None` where there are no schemas.
    pub(super) schema_define: Option<u32>,
    pub(super) schema_delete: Option<u32>,
    pub(super) log: u32,
    pub(super) param_count: ParamCount,
}

/// Whether the definition of a pattern says how many positions it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParamCount {
    Stated,
    Absent,
}

/// What an operation becomes.
pub(super) enum Step<'a> {
    /// What the profile has no word for, and no log can need.
    Nothing,
    Change(Change<'a>),
    Log(&'a Log),
}

impl Steps {
    /// Tells changes from logs, and notes what a change means for the logs behind it.
    pub(super) fn step<'a>(
        &self,
        operation: &'a Operation,
        operations: &'a Operations,
        delta: &mut Delta,
    ) -> Step<'a> {
        let (field, message) = match operation {
            Operation::Log(log) => return Step::Log(log),
            Operation::DefinePattern {
                id,
                template,
                positions,
            } => {
                delta.define(*id);
                let define = self.pattern(operations, *id, template, positions);
                (self.pattern_define, Message::Pattern(define))
            }
            Operation::DefineText { id, text } => {
                let text = operations.text(text);
                (self.dict_entry_define, Message::Text { id: *id, text })
            }
            Operation::DefineSchema {
                id,
                columns,
                message_key,
            } => {
                let Some(field) = self.schema_define else {
                    return Step::Nothing;
                };
                let define = Schema::new(*id, operations.columns(columns), *message_key);
                (field, Message::Schema(define))
            }
            Operation::DeleteSchema { id } => {
                let Some(field) = self.schema_delete else {
                    return Step::Nothing;
                };
                (field, Message::Delete { id: *id })
            }
            Operation::DeletePattern { id } => (self.pattern_delete, Message::Delete { id: *id }),
            Operation::DeleteText { id } => (self.dict_entry_delete, Message::Delete { id: *id }),
        };
        Step::Change(Change { field, message })
    }

    fn pattern<'a>(
        &self,
        operations: &'a Operations,
        id: u64,
        template: &Span,
        positions: &Range<u32>,
    ) -> Pattern<'a> {
        let positions = operations.positions(positions);
        let stated = self.param_count == ParamCount::Stated && !positions.is_empty();
        Pattern {
            id,
            template: operations.text(template),
            positions,
            positions_len: positions.iter().map(|&at| varint_len(at.into())).sum(),
            param_count: stated.then_some(positions.len() as u64),
        }
    }
}

/// A definition or deletion with the number of its step.
pub(super) struct Change<'a> {
    field: u32,
    message: Message<'a>,
}

enum Message<'a> {
    Pattern(Pattern<'a>),
    Text {
        id: u64,
        text: &'a [u8],
    },
    Schema(Schema<'a>),
    /// Of a pattern, of an entry of the dictionary or of a schema, which look alike.
    Delete {
        id: u64,
    },
}

struct Schema<'a> {
    id: u64,
    columns: &'a [Column],
    keys_len: usize,
    message_key: DictId,
}

struct Pattern<'a> {
    id: u64,
    template: &'a [u8],
    positions: &'a [u32],
    positions_len: usize,
    param_count: Option<u64>,
}

impl Change<'_> {
    /// Appends the step.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        datum(out, self.field, self.message.len());
        match &self.message {
            Message::Pattern(pattern) => pattern.write(out),
            Message::Schema(schema) => schema.write(out),
            Message::Text { id, text } => {
                varint_field(out, dict_entry::ID, *id);
                if !text.is_empty() {
                    bytes_field(out, dict_entry::VALUE, text);
                }
            }
            Message::Delete { id } => varint_field(out, pattern::ID, *id),
        }
    }

    /// Counts the bytes of the step.
    pub(super) fn count(&self, bytes: &mut Breakdown) {
        let len = datum_len(self.field, self.message.len());
        match &self.message {
            Message::Pattern(_) => bytes.definitions += len,
            Message::Schema(_) => bytes.schemas += len,
            Message::Text { .. } => bytes.dictionary += len,
            Message::Delete { .. } => bytes.deletes += len,
        }
    }
}

impl Message<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Pattern(pattern) => pattern.len(),
            Self::Schema(schema) => schema.len(),
            Self::Text { id, text } => {
                varint_field_len(dict_entry::ID, *id) + present(dict_entry::VALUE, text.len())
            }
            Self::Delete { id } => varint_field_len(pattern::ID, *id),
        }
    }
}

impl<'a> Schema<'a> {
    fn new(id: u64, columns: &'a [Column], message_key: DictId) -> Self {
        Self {
            id,
            columns,
            keys_len: columns.iter().map(|column| varint_len(column.key)).sum(),
            message_key,
        }
    }

    fn len(&self) -> usize {
        varint_field_len(schema::ID, self.id)
            + present(schema::KEYS, self.keys_len)
            + varint_field_len(schema::MESSAGE_KEY, self.message_key)
            + present(schema::KINDS, self.columns.len())
    }

    fn write(&self, out: &mut Vec<u8>) {
        varint_field(out, schema::ID, self.id);
        if !self.columns.is_empty() {
            message_field(out, schema::KEYS, self.keys_len);
            for column in self.columns {
                varint(out, column.key);
            }
        }
        varint_field(out, schema::MESSAGE_KEY, self.message_key);
        if !self.columns.is_empty() {
            message_field(out, schema::KINDS, self.columns.len());
            out.extend(self.columns.iter().map(|column| kind_byte(column.kind)));
        }
    }
}

impl Pattern<'_> {
    fn len(&self) -> usize {
        varint_field_len(pattern::ID, self.id)
            + present(pattern::TEMPLATE, self.template.len())
            + stated(pattern::PARAM_COUNT, self.param_count)
            + present(pattern::POS_LIST, self.positions_len)
    }

    fn write(&self, out: &mut Vec<u8>) {
        varint_field(out, pattern::ID, self.id);
        if !self.template.is_empty() {
            bytes_field(out, pattern::TEMPLATE, self.template);
        }
        write_stated(out, pattern::PARAM_COUNT, self.param_count);
        if !self.positions.is_empty() {
            message_field(out, pattern::POS_LIST, self.positions_len);
            for &at in self.positions {
                varint(out, at.into());
            }
        }
    }
}
