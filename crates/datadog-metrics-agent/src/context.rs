//! Which series a sample belongs to: its context, found without an allocation once it is known.
//!
//! A context is a name, a host, a set of tags, where they come from, and how its values are aggregated; the order and
//! the repetitions of tags make no difference. Two tables lead to it. The first is by the bytes of the message, for
//! clients repeat themselves to the letter; only what it does not know is taken apart, changed by the rules, and
//! looked up in the second by what came out. The first knows messages by 128 bits of two hashes with random seeds, since
//! to compare their bytes would cost more than all the rest: with a million of them, two are taken for one with a
//! chance of one in 10^26. The second compares in full.
//! Both tables are bounded in number. Knows no value and no clock.

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

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
    generation: u32,
}

/// There are as many contexts as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// The contexts, each with something of the caller.
#[derive(Debug)]
pub(crate) struct Contexts<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    live: usize,
    limit: usize,
    table: HashTable<u32>,
    aliases: HashTable<Alias>,
    max_aliases: usize,
    text_bytes: usize,
    hashes: [RandomState; 2],
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    hash: u64,
    held: Option<(Context, T)>,
}

/// A message that is known.
#[derive(Debug)]
struct Alias {
    fingerprint: [u64; 2],
    found: Found,
}

impl<T> Contexts<T> {
    /// At most `limit` contexts, and at most so many messages that lead to them.
    pub(crate) fn new(limit: usize, max_aliases: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            live: 0,
            limit: limit.min(u32::MAX as usize),
            table: HashTable::new(),
            aliases: HashTable::new(),
            max_aliases,
            text_bytes: 0,
            hashes: [RandomState::default(), RandomState::default()],
        }
    }

    /// Contexts that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// The bytes of names, hosts and tags, and of the tables.
    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes
            + self.aliases.allocation_size()
            + self.table.allocation_size()
            + self.slots.capacity() * size_of::<Slot<T>>()
    }

    /// Where a message leads, if that is known.
    #[inline]
    pub(crate) fn known(&self, message: &Message<'_>) -> Option<Found> {
        let fingerprint = self.fingerprint(message);
        let same = |alias: &Alias| alias.fingerprint == fingerprint;
        let alias = self.aliases.find(fingerprint[0], same)?;
        match alias.found {
            Found::Context(id) if self.slot(id).is_none() => None,
            found => Some(found),
        }
    }

    /// Remembers where a message leads, if there is room.
    pub(crate) fn remember(&mut self, message: &Message<'_>, found: Found) {
        let fingerprint = self.fingerprint(message);
        let same = |alias: &Alias| alias.fingerprint == fingerprint;
        if let Some(alias) = self.aliases.find_mut(fingerprint[0], same) {
            alias.found = found;
        } else if self.aliases.len() < self.max_aliases {
            let alias = Alias { fingerprint, found };
            let hash = |alias: &Alias| alias.fingerprint[0];
            self.aliases.insert_unique(fingerprint[0], alias, hash);
        }
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
            let held = slots.get(*index as usize).and_then(|it| it.held.as_ref());
            held.is_some_and(|(context, _)| {
                context.class == class && context.identity() == *identity
            })
        };
        if let Some(&index) = self.table.find(hash, same) {
            return Ok(self.id(index));
        }
        if self.live >= self.limit {
            return Err(Full);
        }
        let context = Context::new(class, identity);
        self.text_bytes += context.bytes();
        let held = Some((context, new()));
        let index = match self.free.pop() {
            Some(index) => index,
            None => u32::try_from(self.slots.len()).map_err(|_| Full)?,
        };
        match self.slots.get_mut(index as usize) {
            Some(slot) => (slot.hash, slot.held) = (hash, held),
            None => self.slots.push(Slot {
                generation: 0,
                hash,
                held,
            }),
        }
        self.live += 1;
        let slots = &self.slots;
        self.table.insert_unique(hash, index, |index| {
            slots.get(*index as usize).map_or(0, |slot| slot.hash)
        });
        Ok(self.id(index))
    }

    /// What the caller holds with a context, while it lives.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: ContextId) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.index as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        slot.held.as_mut().map(|(_, held)| held)
    }

    /// Shows each context; those of which `keep` says so stay.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Context, &mut T) -> bool) {
        let before = self.live;
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let Some((context, held)) = &mut slot.held else {
                continue;
            };
            if keep(context, held) {
                continue;
            }
            self.text_bytes -= context.bytes();
            slot.held = None;
            slot.generation = slot.generation.wrapping_add(1);
            self.live -= 1;
            if let Ok(index) = u32::try_from(index) {
                self.free.push(index);
                if let Ok(entry) = self.table.find_entry(slot.hash, |it| *it == index) {
                    entry.remove();
                }
            }
        }
        if self.live < before {
            self.forget_dead();
        }
    }

    /// Forgets the messages that lead to contexts which are gone; those that are filtered stay only while others do.
    fn forget_dead(&mut self) {
        let slots = &self.slots;
        let is_empty = self.live == 0;
        self.aliases.retain(|alias| match alias.found {
            Found::Context(id) => slots
                .get(id.index as usize)
                .is_some_and(|slot| slot.generation == id.generation),
            Found::Filtered => !is_empty,
        });
    }

    fn id(&self, index: u32) -> ContextId {
        let slot = self.slots.get(index as usize);
        ContextId {
            index,
            generation: slot.map_or(0, |slot| slot.generation),
        }
    }

    fn slot(&self, id: ContextId) -> Option<&Slot<T>> {
        self.slots
            .get(id.index as usize)
            .filter(|slot| slot.generation == id.generation)
    }

    #[inline]
    fn fingerprint(&self, message: &Message<'_>) -> [u64; 2] {
        let [first, second] = &self.hashes;
        let Message {
            class,
            name,
            tags,
            origin,
        } = *message;
        // The lengths keep name and tags apart.
        let kind = class as u64 ^ (tags.len() as u64) << 8 ^ (name.len() as u64) << 32;
        let mut hashers = [first.build_hasher(), second.build_hasher()];
        for hasher in &mut hashers {
            hasher.write_u64(kind);
            hasher.write(tags);
            hasher.write(name);
            if !origin.is_empty() {
                hasher.write(origin);
            }
        }
        hashers.map(|hasher| hasher.finish())
    }

    fn hash_identity(&self, class: Class, identity: &Identity<'_>) -> u64 {
        let mut hasher = self.hashes[0].build_hasher();
        hasher.write(identity.name.as_bytes());
        hasher.write(identity.host.as_bytes());
        hasher.write(identity.tags.0.as_bytes());
        hasher.write_u64(class as u64);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests;
