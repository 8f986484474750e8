//! The schemas that both ends know: which members the objects of a shape have, under which ids.
//!
//! A shape is only remembered, by its hash, when it is seen for the first time.
//! The keys of a schema stay in the dictionary as long as the schema lives, so schemas are bounded by what they pin
//! there, too; those that score lowest leave, but never the one that the current log uses.

mod variants;

use hashbrown::HashTable;

use crate::cluster::Slot;
use crate::dictionary::{Dictionary, Moment};
use crate::eviction::{self, Usage};
use crate::operation::{DictId, SchemaId};

pub(crate) use self::variants::Choice;
use self::variants::Variant;

/// Shapes that were seen once and are remembered.
const ONCE: usize = 1 << 10;
/// Schemas for which room is made at once.
const GROWTH: usize = 4;
/// About what the place of a schema takes in the tables.
const PLACE_BYTES: usize = size_of::<Schema>() + 3 * size_of::<u32>();
/// The first id of a schema; the ids below it have other meanings.
const FIRST_ID: SchemaId = 2;

/// How much schemas may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Shapes.
    pub(crate) schemas: usize,
    /// Bytes of memory of the table.
    pub(crate) bytes: usize,
    /// Entries of the dictionary that hold their keys.
    pub(crate) pinned: usize,
    /// Bytes of memory of these entries.
    pub(crate) pinned_bytes: usize,
}

impl Limits {
    /// What is for schemas, and what is left for the dictionary, of the limits of both.
    ///
    /// The table of schemas has a quarter of the bytes; their keys may take half of what the dictionary then has.
    pub(crate) fn share(all: eviction::Limits) -> (Self, eviction::Limits) {
        let bytes = all.max_bytes / 4;
        let texts = eviction::Limits {
            max_bytes: all.max_bytes - bytes,
            ..all
        };
        let limits = Self {
            schemas: (all.max_items / 8).max(1),
            bytes,
            pinned: all.max_items / 2,
            pinned_bytes: texts.max_bytes / 2,
        };
        (limits, texts)
    }

    /// The part of the limits down to which schemas leave.
    fn low(self) -> Self {
        let low = |limit: usize| limit - limit / 4;
        Self {
            schemas: low(self.schemas),
            bytes: low(self.bytes),
            pinned: low(self.pinned),
            pinned_bytes: low(self.pinned_bytes),
        }
    }
}

/// One shape of objects.
#[derive(Debug)]
pub(crate) struct Schema {
    hash: u64,
    shape: Box<[u8]>,
    /// The number of its structure.
    pub(crate) structure: u64,
    /// The entries of the dictionary that it needs. In profile C the path of each member, the message in its place;
    /// in A the path of the message, then the list of the other keys if there are any.
    pub(crate) keys: Box<[DictId]>,
    /// What is known of the values of each member.
    pub(crate) slots: Box<[Slot]>,
    variants: Vec<Variant>,
    usage: Usage,
    /// The log that used it last.
    log: u64,
}

impl Schema {
    fn heap_bytes(&self) -> usize {
        self.shape.len()
            + size_of_val(&*self.keys)
            + size_of_val(&*self.slots)
            + self.variants.capacity() * size_of::<Variant>()
    }
}

/// What a new schema is made of.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) hash: u64,
    pub(crate) shape: &'a [u8],
    pub(crate) structure: u64,
    pub(crate) keys: Vec<DictId>,
    pub(crate) slots: Vec<Slot>,
}

/// All schemas of one stream, by the shapes of their objects.
#[derive(Debug)]
pub(crate) struct Schemas {
    limits: Limits,
    all: Vec<Schema>,
    by_shape: HashTable<u32>,
    /// Hashes of shapes that were seen once, each where its lowest bits say.
    once: Box<[u64]>,
    heap_bytes: usize,
    next_id: SchemaId,
}

impl Schemas {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            all: Vec::new(),
            by_shape: HashTable::new(),
            once: vec![0; ONCE].into_boxed_slice(),
            heap_bytes: 0,
            next_id: FIRST_ID,
        }
    }

    /// How many shapes there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The memory that grows with the schemas.
    pub(crate) fn bytes(&self) -> usize {
        self.heap_bytes
            + self.all.capacity() * size_of::<Schema>()
            + self.by_shape.allocation_size()
    }

    /// The memory of what is remembered of shapes without a schema.
    pub(crate) fn once_bytes(&self) -> usize {
        size_of_val(&*self.once)
    }

    /// The ids that the other end has to know, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SchemaId> {
        let variants = self.all.iter().flat_map(|schema| &schema.variants);
        variants.map(|variant| variant.id)
    }

    pub(crate) fn get(&self, index: u32) -> Option<&Schema> {
        self.all.get(index as usize)
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut Schema> {
        self.all.get_mut(index as usize)
    }

    /// The schema of a shape; counts the use by a log.
    pub(crate) fn find(&mut self, hash: u64, shape: &[u8], now: Moment) -> Option<u32> {
        let all = &self.all;
        let same = |index: &u32| *all[*index as usize].shape == *shape;
        let index = *self.by_shape.find(hash, same)?;
        let schema = &mut self.all[index as usize];
        schema.usage.touch(now.ms);
        schema.log = now.log;
        Some(index)
    }

    /// Whether a shape was seen before; it was from now on.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the index is cut to the size of the table on purpose"
    )]
    pub(crate) fn seen(&mut self, hash: u64) -> bool {
        // 0 stands for nothing.
        let hash = hash | 1 << 63;
        std::mem::replace(&mut self.once[hash as usize % ONCE], hash) == hash
    }

    /// Whether a schema with so many keys of so many bytes may be made at all.
    pub(crate) fn may_hold(&self, members: usize, shape_bytes: usize) -> bool {
        let low = self.limits.low();
        let entries = members + 1;
        let table = (GROWTH + 1) * PLACE_BYTES;
        let heap = shape_bytes
            + entries * (size_of::<Slot>() + size_of::<DictId>())
            + Variant::MAX * size_of::<Variant>();
        entries <= low.pinned
            && table + heap <= low.bytes
            && shape_bytes + entries * Dictionary::ENTRY_BYTES <= low.pinned_bytes
    }

    /// Adds a schema, and pins its keys.
    pub(crate) fn add(&mut self, new: New<'_>, dictionary: &mut Dictionary, now: Moment) -> u32 {
        for key in &new.keys {
            dictionary.pin(*key);
        }
        let schema = Schema {
            hash: new.hash,
            shape: new.shape.into(),
            structure: new.structure,
            keys: new.keys.into(),
            slots: new.slots.into(),
            variants: Vec::new(),
            usage: Usage::new(now.ms),
            log: now.log,
        };
        self.heap_bytes += schema.heap_bytes();
        if self.all.len() == self.all.capacity() {
            self.all.reserve_exact(GROWTH);
        }
        self.all.push(schema);
        self.list(self.all.len() - 1)
    }

    /// The id under which objects of a schema travel whose strings at these places are entries of the dictionary.
    pub(crate) fn choose(&mut self, index: u32, entries: u64) -> Choice {
        let Some(schema) = self.all.get_mut(index as usize) else {
            return Choice::None;
        };
        let before = schema.heap_bytes();
        let choice = schema.choose(entries, &mut self.next_id);
        self.heap_bytes = self.heap_bytes - before + schema.heap_bytes();
        choice
    }

    /// Lets go of schemas that have become too many, and names the ids that the other end may forget.
    ///
    /// Returns how many have left.
    pub(crate) fn evict(
        &mut self,
        dictionary: &mut Dictionary,
        now: Moment,
        age_decay: f64,
        evicted: &mut Vec<SchemaId>,
    ) -> usize {
        if is_within(&self.limits, self.len(), self.bytes(), dictionary) {
            return 0;
        }
        let low = self.limits.low();
        let mut scores: Vec<(f64, usize)> = (0..)
            .zip(&self.all)
            .filter(|(_, schema)| schema.log != now.log)
            .map(|(index, schema)| (schema.usage.score(now.ms, age_decay), index))
            .collect();
        scores.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut live = self.len();
        for (_, index) in scores {
            let bytes = self.heap_bytes + (live + GROWTH) * PLACE_BYTES;
            if is_within(&low, live, bytes, dictionary) {
                break;
            }
            let schema = &mut self.all[index];
            self.heap_bytes -= schema.heap_bytes();
            evicted.extend(schema.variants.iter().map(|variant| variant.id));
            for key in &std::mem::take(&mut schema.keys) {
                dictionary.unpin(*key);
            }
            live -= 1;
        }
        let left = self.len() - live;
        self.forget_keyless();
        left
    }

    /// Lets go of the schemas whose keys were taken away, and of the memory that is too much for the others.
    fn forget_keyless(&mut self) {
        self.all.retain(|schema| !schema.keys.is_empty());
        self.all.shrink_to(self.all.len() + GROWTH);
        self.by_shape.clear();
        self.by_shape.shrink_to(self.all.len(), |_| 0);
        for index in 0..self.all.len() {
            self.list(index);
        }
    }

    /// Makes a schema known by its shape, and returns its place.
    fn list(&mut self, index: usize) -> u32 {
        let all = &self.all;
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        let hash_of = |index: &u32| all[*index as usize].hash;
        self.by_shape.insert_unique(all[index].hash, place, hash_of);
        place
    }
}

fn is_within(limits: &Limits, schemas: usize, bytes: usize, dictionary: &Dictionary) -> bool {
    schemas <= limits.schemas
        && bytes <= limits.bytes
        && dictionary.pinned() <= limits.pinned
        && dictionary.pinned_bytes() <= limits.pinned_bytes
}

#[cfg(test)]
mod tests;
