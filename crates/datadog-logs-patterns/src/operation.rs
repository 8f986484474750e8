//! What the encoder decides, before any wire format: an immutable list of operations for one batch.
//!
//! Nothing here is delta-coded or knows a profile of the wire.
//! The back ends write a list of operations as often as they are asked to, with the same result,
//! so a batch can be sealed again after a rotation of the stream.

mod copy;
mod json;
mod raw;
pub(crate) mod references;
mod split;

use std::ops::Range;

pub use self::json::{Column, ColumnKind, Json, JsonRef, Member};
pub use self::raw::RebuildError;

/// The id of a pattern; never 0, never reused by one encoder.
pub type PatternId = u64;

/// The id of an entry of the dictionary; never 0, never reused by one encoder.
pub type DictId = u64;

/// The id of a schema, by which the members of JSON objects go; 2 or more, never reused by one encoder.
pub type SchemaId = u64;

/// A piece of [`Operations::text`].
pub type Span = Range<u32>;

/// The operations of one batch in their order, with the text that they refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operations {
    list: Vec<Operation>,
    values: Vec<Value>,
    positions: Vec<u32>,
    members: Vec<Member>,
    columns: Vec<Column>,
    jsons: Vec<Json>,
    text: Vec<u8>,
    logs: usize,
}

/// A step that changes the state of the stream, or a log that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Adds a pattern, or replaces its template.
    DefinePattern {
        /// The pattern.
        id: PatternId,
        /// The literal text, without its values; ASCII, so that every unit of position agrees.
        template: Span,
        /// Where the values go, as a range of [`Operations::positions`]; never decreasing.
        positions: Range<u32>,
    },
    /// Forgets a pattern.
    DeletePattern {
        /// The pattern.
        id: PatternId,
    },
    /// Adds an entry to the dictionary.
    DefineText {
        /// The entry.
        id: DictId,
        /// Its text; valid UTF-8.
        text: Span,
    },
    /// Forgets an entry of the dictionary.
    DeleteText {
        /// The entry.
        id: DictId,
    },
    /// Adds a schema: which members the JSON objects of some logs have, and of what kinds. Only profile C has any.
    DefineSchema {
        /// The schema.
        id: SchemaId,
        /// Its members but for the message, as a range of [`Operations::columns`].
        columns: Range<u32>,
        /// The entry of the dictionary with the path of the message.
        message_key: DictId,
    },
    /// Forgets a schema.
    DeleteSchema {
        /// The schema.
        id: SchemaId,
    },
    /// A log.
    Log(Log),
}

/// One log as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The status, as an entry of the dictionary.
    pub status: Option<DictId>,
    /// The service, as an entry of the dictionary; only profile C sends it, A has it among the tags.
    pub service: Option<DictId>,
    /// The tag set, as an entry of the dictionary.
    pub tags: Option<DictId>,
    /// The id that tells apart two copies of a log that is sent on two ways.
    pub uuid: Option<Span>,
    /// The text of the log; where it is JSON with members of its own, the text of its message.
    pub body: Body,
    /// The object that the message is a member of, if the log is one.
    pub json: Option<JsonRef>,
}

/// The text of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The text as it is; valid UTF-8.
    Raw(Span),
    /// A text that is no valid UTF-8.
    Bytes {
        /// The text with each run of invalid bytes replaced by U+FFFD, for every intake.
        lossy: Span,
        /// The bytes as they are, for an intake that knows the extension field.
        exact: Span,
    },
    /// A pattern and its values.
    Pattern {
        /// The pattern.
        id: PatternId,
        /// One for each position of the template, as a range of [`Operations::values`].
        values: Range<u32>,
    },
}

/// A value of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number whose decimal text is the value.
    Int(i64),
    /// The value itself; valid UTF-8.
    Text(Span),
    /// The entry of the dictionary that holds the value.
    Dict(DictId),
}

impl Operations {
    /// The operations in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Operation> {
        self.list.iter()
    }

    /// How many of the operations are logs.
    pub fn logs(&self) -> usize {
        self.logs
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The bytes of a span of these operations.
    pub fn text(&self, span: &Span) -> &[u8] {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The values of a range of these operations.
    pub fn values(&self, range: &Range<u32>) -> &[Value] {
        &self.values[range.start as usize..range.end as usize]
    }

    /// The positions of a range of these operations.
    pub fn positions(&self, range: &Range<u32>) -> &[u32] {
        &self.positions[range.start as usize..range.end as usize]
    }

    /// Keeps a text, to be referred to by an operation.
    ///
    /// A batch holds far less than 4 GiB: the encoder seals it long before.
    pub fn keep_text(&mut self, text: &[u8]) -> Span {
        let start = offset(self.text.len());
        self.text.extend_from_slice(text);
        start..offset(self.text.len())
    }

    /// Where the next value will be kept.
    pub fn next_value(&self) -> u32 {
        offset(self.values.len())
    }

    /// Keeps one value, behind those kept before.
    pub fn keep_value(&mut self, value: Value) {
        self.values.push(value);
    }

    /// Bytes of the texts that the operations refer to.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Bytes of text, values and operations that are held.
    pub fn held_bytes(&self) -> usize {
        self.text.len()
            + self.values.len() * size_of::<Value>()
            + self.positions.len() * size_of::<u32>()
            + self.members.len() * size_of::<Member>()
            + self.columns.len() * size_of::<Column>()
            + self.jsons.len() * size_of::<Json>()
            + self.list.len() * size_of::<Operation>()
    }

    /// Keeps values, to be referred to by a log.
    pub fn keep_values(&mut self, values: impl IntoIterator<Item = Value>) -> Range<u32> {
        let start = offset(self.values.len());
        self.values.extend(values);
        start..offset(self.values.len())
    }

    /// Keeps positions, to be referred to by a definition.
    pub fn keep_positions(&mut self, positions: &[u32]) -> Range<u32> {
        let start = offset(self.positions.len());
        self.positions.extend_from_slice(positions);
        start..offset(self.positions.len())
    }

    /// Adds an operation behind the others.
    pub fn push(&mut self, operation: Operation) {
        self.logs += usize::from(matches!(operation, Operation::Log(_)));
        self.list.push(operation);
    }

    /// Moves the entries of the dictionary in front of everything else, in their order.
    ///
    /// Ids are never reused, so this changes no meaning; texts beside texts compress better.
    pub fn texts_first(&mut self) {
        self.list
            .sort_by_key(|operation| !matches!(operation, Operation::DefineText { .. }));
    }

    /// Forgets all operations and keeps the memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.values.clear();
        self.positions.clear();
        self.members.clear();
        self.columns.clear();
        self.jsons.clear();
        self.text.clear();
        self.logs = 0;
    }
}

fn offset(len: usize) -> u32 {
    debug_assert!(u32::try_from(len).is_ok(), "a batch is sealed long before");
    u32::try_from(len).unwrap_or(u32::MAX)
}
