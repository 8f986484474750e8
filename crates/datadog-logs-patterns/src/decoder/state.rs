//! What a stream has defined so far, and the memory that it takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decoder::template::Template;
use crate::decoder::{Limit, Limits, Reason};

/// What an allocation costs beside its bytes.
const ALLOCATION: usize = 16;

/// Patterns, dictionary and schemas of one stream.
///
/// In trees: the ids are chosen by the peer, who can make hashes collide but not a tree uneven.
#[derive(Debug, Default)]
pub(super) struct State {
    patterns: BTreeMap<u64, Template>,
    texts: BTreeMap<u64, Arc<str>>,
    schemas: BTreeMap<u64, Schema>,
    bytes: usize,
}

/// How the members of a JSON log follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema {
    /// Entries of the dictionary, each the path of a member.
    pub(super) keys: Box<[u64]>,
    /// What the member of the same number holds.
    pub(super) kinds: Box<[Kind]>,
    /// The entry of the dictionary that holds the path of the message.
    pub(super) message_key: u64,
}

/// What a member of a JSON log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Entry,
    Text,
    Raw,
}

impl Kind {
    pub(super) fn from_byte(byte: u8) -> Result<Self, Reason> {
        Ok(match byte {
            1 => Self::Null,
            2 => Self::Bool,
            3 => Self::Int,
            4 => Self::Float,
            5 => Self::Entry,
            6 => Self::Text,
            7 => Self::Raw,
            _ => return Err(Reason::Json("unknown kind of a member")),
        })
    }
}

/// Something that is kept under an id.
trait Weigh: Sized {
    /// The bytes of its allocations.
    fn heap_bytes(&self) -> usize;

    /// All that it costs to keep it, its place in a tree whose nodes are half empty included.
    fn cost(&self) -> usize {
        2 * size_of::<(u64, Self)>() + self.heap_bytes()
    }
}

impl Weigh for Arc<str> {
    fn heap_bytes(&self) -> usize {
        // The two counters stand before the text.
        ALLOCATION + 2 * size_of::<usize>() + self.len()
    }
}

impl Weigh for Template {
    fn heap_bytes(&self) -> usize {
        4 * ALLOCATION + Self::heap_bytes(self)
    }
}

impl Weigh for Schema {
    fn heap_bytes(&self) -> usize {
        2 * ALLOCATION + size_of_val(&*self.keys) + size_of_val(&*self.kinds)
    }
}

impl State {
    pub(super) fn define_pattern(
        &mut self,
        id: u64,
        template: Template,
        limits: &Limits,
    ) -> Result<(), Reason> {
        let patterns = (Limit::Patterns, limits.patterns);
        define(
            &mut self.patterns,
            &mut self.bytes,
            patterns,
            limits,
            id,
            template,
        )
    }

    pub(super) fn define_text(
        &mut self,
        id: u64,
        text: &str,
        limits: &Limits,
    ) -> Result<(), Reason> {
        let texts = (Limit::Texts, limits.texts);
        define(
            &mut self.texts,
            &mut self.bytes,
            texts,
            limits,
            id,
            text.into(),
        )
    }

    pub(super) fn define_schema(
        &mut self,
        id: u64,
        schema: Schema,
        limits: &Limits,
    ) -> Result<(), Reason> {
        let schemas = (Limit::Schemas, limits.schemas);
        define(
            &mut self.schemas,
            &mut self.bytes,
            schemas,
            limits,
            id,
            schema,
        )
    }

    pub(super) fn delete_pattern(&mut self, id: u64) {
        delete(&mut self.patterns, &mut self.bytes, id);
    }

    pub(super) fn delete_text(&mut self, id: u64) {
        delete(&mut self.texts, &mut self.bytes, id);
    }

    pub(super) fn delete_schema(&mut self, id: u64) {
        delete(&mut self.schemas, &mut self.bytes, id);
    }

    pub(super) fn pattern(&self, id: u64) -> Result<&Template, Reason> {
        self.patterns.get(&id).ok_or(Reason::UnknownPattern { id })
    }

    pub(super) fn text(&self, id: u64) -> Result<&Arc<str>, Reason> {
        self.texts.get(&id).ok_or(Reason::UnknownText { id })
    }

    pub(super) fn schema(&self, id: u64) -> Result<&Schema, Reason> {
        self.schemas.get(&id).ok_or(Reason::UnknownSchema { id })
    }

    pub(super) fn pattern_ids(&self) -> impl ExactSizeIterator<Item = u64> {
        self.patterns.keys().copied()
    }

    pub(super) fn text_ids(&self) -> impl ExactSizeIterator<Item = u64> {
        self.texts.keys().copied()
    }

    pub(super) fn schema_ids(&self) -> impl ExactSizeIterator<Item = u64> {
        self.schemas.keys().copied()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The same as [`State::bytes`], counted anew.
    #[cfg(any(test, fuzzing))]
    pub(super) fn counted_bytes(&self) -> usize {
        let patterns: usize = self.patterns.values().map(Weigh::cost).sum();
        let texts: usize = self.texts.values().map(Weigh::cost).sum();
        let schemas: usize = self.schemas.values().map(Weigh::cost).sum();
        patterns + texts + schemas
    }
}

fn define<T: Weigh>(
    table: &mut BTreeMap<u64, T>,
    bytes: &mut usize,
    (limit, max_count): (Limit, usize),
    limits: &Limits,
    id: u64,
    value: T,
) -> Result<(), Reason> {
    let replaced = table.get(&id).map(Weigh::cost);
    let count = table.len() + usize::from(replaced.is_none());
    let total = *bytes - replaced.unwrap_or(0) + value.cost();
    limit.check(count, max_count)?;
    Limit::StateBytes.check(total, limits.state_bytes)?;
    table.insert(id, value);
    *bytes = total;
    Ok(())
}

fn delete<T: Weigh>(table: &mut BTreeMap<u64, T>, bytes: &mut usize, id: u64) {
    if let Some(value) = table.remove(&id) {
        *bytes -= value.cost();
    }
}
