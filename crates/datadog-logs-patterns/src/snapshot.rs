//! What the other end knows after all batches that it has acknowledged, to be told again on a new stream.
//!
//! A stream that breaks takes the state of the other end with it. The next one begins with a batch 0 that
//! defines this state anew; behind it the batches that were not acknowledged are sent again as they are,
//! with their own definitions and deletions.
//! A large state is not sent at once: a [`Planner`] sends only what the waiting batches need,
//! and puts the rest in front of the batches that come to need it.

mod planner;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::operation::{Column, DictId, Operation, Operations, PatternId, SchemaId};

pub use self::planner::{Planner, SnapshotMode};

/// The patterns, texts and schemas that are defined after a number of batches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    patterns: BTreeMap<PatternId, Pattern>,
    texts: BTreeMap<DictId, Box<[u8]>>,
    schemas: BTreeMap<SchemaId, Schema>,
    bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    template: Box<[u8]>,
    positions: Box<[u32]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Schema {
    columns: Box<[Column]>,
    message_key: DictId,
}

/// How many definitions of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entries {
    /// Patterns.
    pub patterns: usize,
    /// Entries of the dictionary.
    pub texts: usize,
    /// Schemas of JSON objects.
    pub schemas: usize,
}

/// Something that is kept under an id.
trait Weigh: Sized {
    /// The bytes of its allocations.
    fn heap_bytes(&self) -> usize;

    /// The same with its place and that of its id.
    fn cost(&self) -> usize {
        size_of::<(u64, Self)>() + self.heap_bytes()
    }
}

impl Weigh for Pattern {
    fn heap_bytes(&self) -> usize {
        self.template.len() + size_of_val(&*self.positions)
    }
}

impl Weigh for Schema {
    fn heap_bytes(&self) -> usize {
        size_of_val(&*self.columns)
    }
}

impl Weigh for Box<[u8]> {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl Snapshot {
    /// Follows a batch that was acknowledged, or given up: what it defines is known, what it deletes is not.
    ///
    /// Batches are applied in the order in which they were sealed. After one that was given up,
    /// the logs of later ones need a new stream, since the other end of this one does not know what it defines.
    pub fn apply(&mut self, batch: &Operations) {
        for operation in batch.iter() {
            self.apply_one(batch, operation);
        }
    }

    /// Follows one operation of a batch.
    pub(crate) fn apply_one(&mut self, batch: &Operations, operation: &Operation) {
        match operation {
            Operation::DefinePattern {
                id,
                template,
                positions,
            } => {
                let pattern = Pattern {
                    template: batch.text(template).into(),
                    positions: batch.positions(positions).into(),
                };
                define(&mut self.patterns, &mut self.bytes, *id, pattern);
            }
            Operation::DefineText { id, text } => {
                let text = batch.text(text).into();
                define(&mut self.texts, &mut self.bytes, *id, text);
            }
            Operation::DefineSchema {
                id,
                columns,
                message_key,
            } => {
                let schema = Schema {
                    columns: batch.columns(columns).into(),
                    message_key: *message_key,
                };
                define(&mut self.schemas, &mut self.bytes, *id, schema);
            }
            Operation::DeleteSchema { id } => delete(&mut self.schemas, &mut self.bytes, *id),
            Operation::DeletePattern { id } => delete(&mut self.patterns, &mut self.bytes, *id),
            Operation::DeleteText { id } => delete(&mut self.texts, &mut self.bytes, *id),
            Operation::Log(_) => {}
        }
    }

    /// Definitions of everything: texts in the order of their ids, then schemas and patterns in that of theirs.
    ///
    /// `None` when nothing is known; then a stream has no batch 0.
    pub fn operations(&self) -> Option<Operations> {
        let mut operations = Operations::default();
        self.define_texts(&mut operations, self.texts.keys().copied());
        self.define_schemas(&mut operations, self.schemas.keys().copied());
        self.define_patterns(&mut operations, self.patterns.keys().copied());
        (!operations.is_empty()).then_some(operations)
    }

    /// Memory of templates, positions, texts, columns and their places, in bytes; without what a tree leaves empty.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much is known.
    pub fn entries(&self) -> Entries {
        Entries {
            patterns: self.patterns.len(),
            texts: self.texts.len(),
            schemas: self.schemas.len(),
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.entries() == Entries::default()
    }

    /// The template of a pattern, and where its values go.
    pub fn pattern(&self, id: PatternId) -> Option<(&[u8], &[u32])> {
        let pattern = self.patterns.get(&id)?;
        Some((&pattern.template, &pattern.positions))
    }

    /// The text of an entry of the dictionary.
    pub fn text(&self, id: DictId) -> Option<&[u8]> {
        self.texts.get(&id).map(|text| &**text)
    }

    /// The members of a schema, and the entry of the dictionary with the path of its message.
    pub fn schema(&self, id: SchemaId) -> Option<(&[Column], DictId)> {
        let schema = self.schemas.get(&id)?;
        Some((&schema.columns, schema.message_key))
    }

    fn define_texts(&self, out: &mut Operations, ids: impl IntoIterator<Item = DictId>) {
        for id in ids {
            if let Some(text) = self.text(id) {
                let text = out.keep_text(text);
                out.push(Operation::DefineText { id, text });
            }
        }
    }

    fn define_schemas(&self, out: &mut Operations, ids: impl IntoIterator<Item = SchemaId>) {
        for id in ids {
            if let Some((columns, message_key)) = self.schema(id) {
                let columns = out.keep_columns(columns.iter().copied());
                out.push(Operation::DefineSchema {
                    id,
                    columns,
                    message_key,
                });
            }
        }
    }

    fn define_patterns(&self, out: &mut Operations, ids: impl IntoIterator<Item = PatternId>) {
        for id in ids {
            if let Some((template, positions)) = self.pattern(id) {
                let template = out.keep_text(template);
                let positions = out.keep_positions(positions);
                out.push(Operation::DefinePattern {
                    id,
                    template,
                    positions,
                });
            }
        }
    }
}

fn define<T: Weigh>(table: &mut BTreeMap<u64, T>, bytes: &mut usize, id: u64, value: T) {
    *bytes += value.cost();
    if let Some(replaced) = table.insert(id, value) {
        *bytes -= replaced.cost();
    }
}

fn delete<T: Weigh>(table: &mut BTreeMap<u64, T>, bytes: &mut usize, id: u64) {
    if let Some(value) = table.remove(&id) {
        *bytes -= value.cost();
    }
}
