//! What the other end of a stream has to know before the batches that are still to be acknowledged.
//!
//! A snapshot holds the effect of the acknowledged batches only: those behind them carry their own changes,
//! so "snapshot, then the waiting batches byte for byte" always decodes.
//! A new stream gets all of it, or only what is used: then a [`Planner`] puts each further entry
//! in front of the first batch that needs it.

use std::collections::{BTreeMap, BTreeSet};

use crate::operation::{Body, DictId, Operation, Operations, PatternId, Value};

/// The state after the acknowledged batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    patterns: BTreeMap<PatternId, Held>,
    texts: BTreeMap<DictId, Box<[u8]>>,
    bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    template: Box<[u8]>,
    positions: Box<[u32]>,
}

impl Held {
    fn bytes(&self) -> usize {
        size_of::<(PatternId, Self)>() + self.template.len() + size_of_val(&*self.positions)
    }
}

fn text_bytes(text: &[u8]) -> usize {
    size_of::<(DictId, Box<[u8]>)>() + text.len()
}

/// The ids of patterns and texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ids {
    patterns: BTreeSet<PatternId>,
    texts: BTreeSet<DictId>,
}

impl Snapshot {
    /// Takes in the changes of a batch that was acknowledged, in their order.
    pub fn apply(&mut self, batch: &Operations) {
        for operation in batch.iter() {
            match operation {
                Operation::DefinePattern {
                    id,
                    template,
                    positions,
                } => {
                    let held = Held {
                        template: batch.text(template).into(),
                        positions: batch.positions(positions).into(),
                    };
                    self.bytes += held.bytes();
                    let before = self.patterns.insert(*id, held);
                    self.bytes -= before.as_ref().map_or(0, Held::bytes);
                }
                Operation::DeletePattern { id } => {
                    let before = self.patterns.remove(id);
                    self.bytes -= before.as_ref().map_or(0, Held::bytes);
                }
                Operation::DefineText { id, text } => {
                    let text: Box<[u8]> = batch.text(text).into();
                    self.bytes += text_bytes(&text);
                    let before = self.texts.insert(*id, text);
                    self.bytes -= before.as_deref().map_or(0, text_bytes);
                }
                Operation::DeleteText { id } => {
                    let before = self.texts.remove(id);
                    self.bytes -= before.as_deref().map_or(0, text_bytes);
                }
                Operation::Log(_) => {}
            }
        }
    }

    /// How many patterns and texts it holds.
    pub fn entries(&self) -> (usize, usize) {
        (self.patterns.len(), self.texts.len())
    }

    /// The memory that its entries take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a new stream needs no batch 0.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.texts.is_empty()
    }

    /// Definitions of everything, texts first, both by their ids.
    pub fn operations(&self) -> Operations {
        self.definitions(|_| true, |_| true)
    }

    fn definitions(
        &self,
        wants_text: impl Fn(DictId) -> bool,
        wants_pattern: impl Fn(PatternId) -> bool,
    ) -> Operations {
        let mut operations = Operations::default();
        for (id, text) in self.texts.iter().filter(|(id, _)| wants_text(**id)) {
            let text = operations.keep_text(text);
            operations.push(Operation::DefineText { id: *id, text });
        }
        for (id, held) in self.patterns.iter().filter(|(id, _)| wants_pattern(**id)) {
            let template = operations.keep_text(&held.template);
            let positions = operations.keep_positions(&held.positions);
            operations.push(Operation::DefinePattern {
                id: *id,
                template,
                positions,
            });
        }
        operations
    }
}

/// Sends the state of a snapshot bit by bit: each entry with the first batch that needs it.
///
/// A delete that was acknowledged can be no trouble: batches are acknowledged in order and ids are never reused,
/// so no batch that still waits refers to what an acknowledged one has deleted.
#[derive(Debug, Clone, Default)]
pub struct Planner {
    known: Ids,
}

impl Planner {
    /// For a stream on which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The definitions that have to be sent as batch 0, before the batches that wait; nothing if they need none.
    ///
    /// The batches themselves can then be sent byte for byte.
    pub fn begin<'a>(
        &mut self,
        snapshot: &Snapshot,
        waiting: impl IntoIterator<Item = &'a Operations>,
    ) -> Option<Operations> {
        let mut needed = Ids::default();
        for batch in waiting {
            self.follow(batch, &mut needed);
        }
        self.define(snapshot, &needed)
    }

    /// The batch as it has to be sent: with definitions in front of it of what this stream does not know yet.
    ///
    /// Nothing, if it can be sent as it is.
    pub fn prepare(&mut self, snapshot: &Snapshot, batch: &Operations) -> Option<Operations> {
        let mut needed = Ids::default();
        self.follow(batch, &mut needed);
        let mut whole = self.define(snapshot, &needed)?;
        whole.append(batch);
        Some(whole)
    }

    fn define(&mut self, snapshot: &Snapshot, needed: &Ids) -> Option<Operations> {
        let definitions = snapshot.definitions(
            |id| needed.texts.contains(&id),
            |id| needed.patterns.contains(&id),
        );
        (!definitions.is_empty()).then_some(definitions)
    }

    /// Follows what a batch defines, deletes and needs.
    fn follow(&mut self, batch: &Operations, needed: &mut Ids) {
        for operation in batch.iter() {
            match operation {
                Operation::DefinePattern { id, .. } => {
                    self.known.patterns.insert(*id);
                }
                Operation::DeletePattern { id } => {
                    self.known.patterns.remove(id);
                }
                Operation::DefineText { id, .. } => {
                    self.known.texts.insert(*id);
                }
                Operation::DeleteText { id } => {
                    self.known.texts.remove(id);
                }
                Operation::Log(log) => {
                    let fields = [log.status, log.service, log.tags];
                    fields
                        .into_iter()
                        .flatten()
                        .for_each(|id| self.need_text(id, needed));
                    if let Body::Pattern { id, values } = &log.body {
                        if self.known.patterns.insert(*id) {
                            needed.patterns.insert(*id);
                        }
                        for value in batch.values(values) {
                            if let Value::Dict(id) = value {
                                self.need_text(*id, needed);
                            }
                        }
                    }
                }
            }
        }
    }

    fn need_text(&mut self, id: DictId, needed: &mut Ids) {
        if self.known.texts.insert(id) {
            needed.texts.insert(id);
        }
    }
}
