//! Decides what a new stream is told of the state before it, and when.
//!
//! Why a definition that a waiting batch needs is always still in the snapshot, so that no deletion has to be put off:
//! let a batch use an id without defining it first. Then, of all batches before it, the last operation on that id
//! is a definition, or the batch could not have been read in the first place. Batches are acknowledged in their order,
//! so the snapshot holds what a prefix of those batches has left. Either the prefix contains that definition,
//! and as no deletion follows it before the batch, the snapshot has the id, in that very version;
//! or the definition is in a batch that is not acknowledged, which is sent on the stream before this one.
//! Redefinitions change nothing of this: the last of them takes the place of the definition.
//! A definition of a schema uses the entries with its keys like a log, and these are not deleted before the schema is;
//! so a snapshot that has a schema has its keys as well.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hashbrown::HashSet;

use super::Snapshot;
use crate::operation::references::Reference;
use crate::operation::{Column, DictId, Operation, Operations, PatternId, SchemaId};

/// Bytes of a snapshot above which [`SnapshotMode::Auto`] sends only what is needed.
const LARGE_BYTES: usize = 256 << 10;

/// How much of the state a new stream is told at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SnapshotMode {
    /// All of it. Batches can be sent again byte for byte.
    Full,
    /// What the waiting batches need; the rest when a batch comes to need it.
    Lazy,
    /// Lazy for a snapshot of more than 256 KiB.
    #[default]
    Auto,
}

/// Tells one stream what it needs to know. Each new stream needs a new planner.
#[derive(Debug)]
pub struct Planner {
    /// What the stream knows; `None` where it was told everything.
    pub(super) known: Option<Known>,
}

type Ids = HashSet<u64, foldhash::fast::FixedState>;

/// What is defined on a stream.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) patterns: Ids,
    pub(super) texts: Ids,
    pub(super) schemas: Ids,
}

/// What has to be defined, in the order in which it is sent.
#[derive(Debug, Default)]
struct Needed {
    texts: BTreeSet<DictId>,
    schemas: BTreeSet<SchemaId>,
    patterns: BTreeSet<PatternId>,
}

impl Planner {
    /// Plans a stream that begins now; returns with it the operations of batch 0, if there is to be one.
    ///
    /// `waiting` are the batches that will be sent on it first, in their order: those that were not acknowledged.
    /// None of them will have to be changed by [`Planner::prepare`].
    pub fn begin<'a>(
        mode: SnapshotMode,
        snapshot: &Snapshot,
        waiting: impl IntoIterator<Item = &'a Operations>,
    ) -> (Self, Option<Operations>) {
        if !mode.is_lazy(snapshot) {
            return (Self { known: None }, snapshot.operations());
        }
        let mut foreseen = Known::default();
        let mut needed = Needed::default();
        for batch in waiting {
            foreseen.follow(batch, snapshot, &mut needed);
        }
        let definitions = needed.define(snapshot);
        let known = Known {
            patterns: needed.patterns.into_iter().collect(),
            texts: needed.texts.into_iter().collect(),
            schemas: needed.schemas.into_iter().collect(),
        };
        let planner = Self { known: Some(known) };
        (planner, definitions)
    }

    /// The batch as it has to be sent next on this stream: with definitions in front where it needs any.
    ///
    /// A batch that comes back borrowed can be sent with the bytes that were written of it unchanged;
    /// another has to be written anew, as differences are taken between neighbours, and is good for this stream only.
    /// Every batch of the stream has to pass through here in the order of sending, and only the batch as it was
    /// is applied to the snapshot later.
    /// An id that no batch has defined stays unknown, and the other end will refuse the batch.
    pub fn prepare<'a>(
        &mut self,
        snapshot: &Snapshot,
        batch: &'a Operations,
    ) -> Cow<'a, Operations> {
        let Some(known) = &mut self.known else {
            return Cow::Borrowed(batch);
        };
        let mut needed = Needed::default();
        known.follow(batch, snapshot, &mut needed);
        let Some(mut complete) = needed.define(snapshot) else {
            return Cow::Borrowed(batch);
        };
        complete.copy_all(batch);
        Cow::Owned(complete)
    }

    /// Whether the stream is told only what it needs.
    pub fn is_lazy(&self) -> bool {
        self.known.is_some()
    }
}

impl SnapshotMode {
    fn is_lazy(self, snapshot: &Snapshot) -> bool {
        match self {
            Self::Full => false,
            Self::Lazy => true,
            Self::Auto => snapshot.bytes() > LARGE_BYTES,
        }
    }
}

impl Known {
    /// Follows a batch, and adds to `needed` what its logs and schemas use without that it is known then.
    fn follow(&mut self, batch: &Operations, snapshot: &Snapshot, needed: &mut Needed) {
        for operation in batch.iter() {
            match operation {
                Operation::DefinePattern { id, .. } => {
                    self.patterns.insert(*id);
                }
                Operation::DefineText { id, .. } => {
                    self.texts.insert(*id);
                }
                Operation::DefineSchema {
                    id,
                    columns,
                    message_key,
                } => {
                    self.require_keys(batch.columns(columns), *message_key, snapshot, needed);
                    self.schemas.insert(*id);
                }
                Operation::DeletePattern { id } => {
                    self.patterns.remove(id);
                }
                Operation::DeleteSchema { id } => {
                    self.schemas.remove(id);
                }
                Operation::DeleteText { id } => {
                    self.texts.remove(id);
                }
                Operation::Log(log) => {
                    for reference in batch.references(log) {
                        self.require(reference, snapshot, needed);
                    }
                }
            }
        }
    }

    fn require(&mut self, reference: Reference, snapshot: &Snapshot, needed: &mut Needed) {
        match reference {
            Reference::Pattern(id) => {
                if !self.patterns.contains(&id) && snapshot.patterns.contains_key(&id) {
                    self.patterns.insert(id);
                    needed.patterns.insert(id);
                }
            }
            Reference::Text(id) => {
                if !self.texts.contains(&id) && snapshot.texts.contains_key(&id) {
                    self.texts.insert(id);
                    needed.texts.insert(id);
                }
            }
            Reference::Schema(id) => {
                if let Some((columns, message_key)) = snapshot.schema(id)
                    && self.schemas.insert(id)
                {
                    self.require_keys(columns, message_key, snapshot, needed);
                    needed.schemas.insert(id);
                }
            }
        }
    }

    fn require_keys(
        &mut self,
        columns: &[Column],
        message_key: DictId,
        snapshot: &Snapshot,
        needed: &mut Needed,
    ) {
        let keys = columns.iter().map(|column| column.key);
        for key in keys.chain([message_key]) {
            self.require(Reference::Text(key), snapshot, needed);
        }
    }
}

impl Needed {
    /// The definitions; `None` when nothing is needed.
    fn define(&self, snapshot: &Snapshot) -> Option<Operations> {
        let mut definitions = Operations::default();
        snapshot.define_texts(&mut definitions, self.texts.iter().copied());
        snapshot.define_schemas(&mut definitions, self.schemas.iter().copied());
        snapshot.define_patterns(&mut definitions, self.patterns.iter().copied());
        (!definitions.is_empty()).then_some(definitions)
    }
}
