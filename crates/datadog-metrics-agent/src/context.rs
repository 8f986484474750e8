//! Which series a sample belongs to: its context, found without an allocation once it is known.
//!
//! A context is a name, a host, a set of tags, where they come from, and how its values are aggregated; the order and
//! the repetitions of tags make no difference. Two tables lead to it. The first is a memo of messages by their bytes, for
//! clients repeat themselves to the letter; only what it does not know is taken apart, changed by the rules, and
//! looked up in the second by what came out, which compares in full.
//! Both tables are bounded in number. Knows no value and no clock: whoever calls says when it is time to forget.

mod memo;

use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroU32;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

pub(crate) use self::memo::Fingerprint;
use self::memo::Memo;

use crate::series::Source;

/// Between two tags in the text of a set: no message can have it within a tag.
pub(crate) const TAG_END: char = '\n';

/// How the values of a context are aggregated; one name may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Added up.
    Counter,
    /// The last one.
    Gauge,
    /// How many different ones.
    Set,
    /// Aggregates and percentiles, of histograms and timers alike.
    Histogram,
    /// A sketch.
    Distribution,
}

/// A set of tags, sorted and different from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tags<'a>(pub(crate) &'a str);

impl<'a> Tags<'a> {
    /// Each tag.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.0.split(TAG_END).filter(|tag| !tag.is_empty())
    }
}

/// What a series is called in a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The name.
    pub name: &'a str,
    /// The host; may be empty.
    pub host: &'a str,
    /// The tags.
    pub tags: Tags<'a>,
    /// Where it comes from.
    pub source: Source,
}

/// The identity of a context, and how its values are aggregated.
#[derive(Debug)]
pub(crate) struct Context {
    /// Name, host and tags one after the other.
    text: Box<str>,
    name_len: u32,
    host_len: u32,
    source: Source,
    pub(crate) class: Class,
}

impl Context {
    fn new(class: Class, identity: &Identity<'_>) -> Self {
        let mut text = String::with_capacity(
            identity.name.len() + identity.host.len() + identity.tags.0.len(),
        );
        text.push_str(identity.name);
        text.push_str(identity.host);
        text.push_str(identity.tags.0);
        let len = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self {
            text: text.into(),
            name_len: len(identity.name),
            host_len: len(identity.host),
            source: identity.source,
            class,
        }
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        let (name, rest) = self
            .text
            .split_at_checked(self.name_len as usize)
            .unwrap_or_default();
        let (host, tags) = rest
            .split_at_checked(self.host_len as usize)
            .unwrap_or_default();
        Identity {
            name,
            host,
            tags: Tags(tags),
            source: self.source,
        }
    }

    fn bytes(&self) -> usize {
        self.text.len()
    }
}

/// A message as it came, as far as it says to which context it belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) class: Class,
    pub(crate) name: &'a [u8],
    pub(crate) tags: &'a [u8],
    /// Where its client runs, in a form of the caller; mostly empty.
    pub(crate) origin: &'a [u8],
}

/// Where a message leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// To a context.
    Context(ContextId),
    /// Nowhere: a filter drops it.
    Filtered,
}

/// A context while it is remembered. Dead ids lead nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContextId {
    index: u32,
    generation: NonZeroU32,
}

/// There are as many contexts as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Places for which memory is kept when few contexts are left.
const KEPT: usize = 1_024;

/// The contexts, each with something of the caller.
///
/// What every sample needs of a context lies apart from what only new contexts and flushes do.
#[derive(Debug)]
pub(crate) struct Contexts<T> {
    places: Vec<Place<T>>,
    /// The contexts of the places, as many.
    slots: Vec<Slot>,
    /// Places without a context.
    free: Vec<u32>,
    live: usize,
    limit: usize,
    table: HashTable<u32>,
    memo: Memo,
    text_bytes: usize,
    /// That of the last context that was made.
    generation: NonZeroU32,
    hashes: RandomState,
}

/// What the caller holds; with a counter in it, one cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Place<T> {
    /// None where there is no context.
    generation: Option<NonZeroU32>,
    held: T,
}

#[derive(Debug)]
struct Slot {
    hash: u64,
    context: Option<Context>,
}

impl<T: Default> Contexts<T> {
    /// At most `limit` contexts, and at most so many messages that lead to them.
    pub(crate) fn new(limit: usize, max_messages: usize) -> Self {
        Self {
            places: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            live: 0,
            limit: limit.min(u32::MAX as usize),
            table: HashTable::new(),
            memo: Memo::new(max_messages),
            text_bytes: 0,
            generation: NonZeroU32::MAX,
            hashes: RandomState::default(),
        }
    }

    /// Contexts that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// The bytes of names, hosts and tags, and of the tables.
    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes
            + self.memo.bytes()
            + self.table.allocation_size()
            + self.places.capacity() * size_of::<Place<T>>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.free.capacity() * size_of::<u32>()
    }

    /// What a message is known by.
    #[inline]
    pub(crate) fn fingerprint(&self, message: &Message<'_>) -> Fingerprint {
        self.memo.fingerprint(message)
    }

    /// Where a message leads, if that is known. A context may be gone: [`Self::get_mut`] says so.
    #[inline]
    pub(crate) fn known(&mut self, message: Fingerprint) -> Option<Found> {
        self.memo.find(message)
    }

    /// Remembers where a message leads, if there is room.
    pub(crate) fn remember(&mut self, message: Fingerprint, found: Found) {
        self.memo.insert(message, found);
    }

    /// The context with this identity; made, with what `new` gives, if there is none.
    pub(crate) fn get_or_insert(
        &mut self,
        class: Class,
        identity: &Identity<'_>,
        new: impl FnOnce() -> T,
    ) -> Result<ContextId, Full> {
        let hash = self.hash_identity(class, identity);
        let slots = &self.slots;
        let same = |index: &u32| {
            let held = slots
                .get(*index as usize)
                .and_then(|it| it.context.as_ref());
            held.is_some_and(|context| context.class == class && context.identity() == *identity)
        };
        if let Some(&index) = self.table.find(hash, same) {
            return self.id(index).ok_or(Full);
        }
        if self.live >= self.limit {
            return Err(Full);
        }
        let index = self.place()?;
        let context = Context::new(class, identity);
        self.text_bytes += context.bytes();
        self.generation = self.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        if let Some(place) = self.places.get_mut(index as usize) {
            (place.generation, place.held) = (Some(self.generation), new());
        }
        if let Some(slot) = self.slots.get_mut(index as usize) {
            (slot.hash, slot.context) = (hash, Some(context));
        }
        self.live += 1;
        let slots = &self.slots;
        self.table.insert_unique(hash, index, |index| {
            slots.get(*index as usize).map_or(0, |slot| slot.hash)
        });
        self.id(index).ok_or(Full)
    }

    /// A place without a context.
    fn place(&mut self) -> Result<u32, Full> {
        if let Some(index) = self.free.pop() {
            return Ok(index);
        }
        let index = u32::try_from(self.places.len()).map_err(|_| Full)?;
        self.places.push(Place {
            generation: None,
            held: T::default(),
        });
        self.slots.push(Slot {
            hash: 0,
            context: None,
        });
        Ok(index)
    }

    /// What the caller holds with a context, while it lives.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: ContextId) -> Option<&mut T> {
        let place = self.places.get_mut(id.index as usize)?;
        (place.generation == Some(id.generation)).then_some(&mut place.held)
    }

    /// Shows each context; those of which `keep` says so stay.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Context, &mut T) -> bool) {
        let before = self.live;
        for ((place, slot), index) in self.places.iter_mut().zip(&mut self.slots).zip(0..) {
            let Some(context) = &slot.context else {
                continue;
            };
            if keep(context, &mut place.held) {
                continue;
            }
            self.text_bytes -= context.bytes();
            (place.generation, place.held) = (None, T::default());
            slot.context = None;
            self.live -= 1;
            self.free.push(index);
            if let Ok(entry) = self.table.find_entry(slot.hash, |it| *it == index) {
                entry.remove();
            }
        }
        if self.live < before {
            let places = &self.places;
            self.memo.retain(|found| match found {
                Found::Context(id) => places
                    .get(id.index as usize)
                    .is_some_and(|place| place.generation == Some(id.generation)),
                Found::Filtered => true,
            });
        }
    }

    /// Forgets the messages that did not come since the last time, and gives back memory that contexts took of which
    /// there are fewer now.
    pub(crate) fn age(&mut self) {
        self.memo.age();
        while self.slots.last().is_some_and(|it| it.context.is_none()) {
            self.slots.pop();
            self.places.pop();
        }
        let len = self.slots.len();
        self.free.retain(|&index| (index as usize) < len);
        // The first ones are taken first, so that the last ones become free.
        self.free.sort_unstable_by(|a, b| b.cmp(a));
        if len < self.slots.capacity() / 8 {
            let kept = (2 * len).max(KEPT);
            self.slots.shrink_to(kept);
            self.places.shrink_to(kept);
            self.free.shrink_to(kept);
        }
        if self.table.len() < self.table.capacity() / 8 {
            let slots = &self.slots;
            self.table
                .shrink_to((2 * self.live).max(KEPT), |index: &u32| {
                    slots.get(*index as usize).map_or(0, |slot| slot.hash)
                });
        }
    }

    fn id(&self, index: u32) -> Option<ContextId> {
        let generation = self.places.get(index as usize)?.generation?;
        Some(ContextId { index, generation })
    }

    fn hash_identity(&self, class: Class, identity: &Identity<'_>) -> u64 {
        let mut hasher = self.hashes.build_hasher();
        hasher.write(identity.name.as_bytes());
        hasher.write(identity.host.as_bytes());
        hasher.write(identity.tags.0.as_bytes());
        hasher.write_u64(class as u64);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests;
