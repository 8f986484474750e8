//! The services of which rates are published: the last ones seen, up to a number.
//!
//! Finding a service that is known allocates nothing. When there are too many, the one is forgotten that was not seen
//! for longest.

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::core::Signature;
use super::signature;

/// No entry.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry {
    service: Box<str>,
    env: Box<str>,
    signature: Signature,
    /// The one seen next after this, [`NONE`] for the last one seen.
    newer: u32,
    /// The one seen before this, [`NONE`] for the one seen longest ago.
    older: u32,
}

/// Services with their environments, in the order in which they were last seen.
#[derive(Debug)]
pub(super) struct Catalogue {
    entries: Vec<Entry>,
    table: HashTable<u32>,
    hasher: RandomState,
    newest: u32,
    oldest: u32,
    limit: usize,
}

impl Catalogue {
    /// A catalogue of at most so many services, and at least one.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            table: HashTable::new(),
            hasher: RandomState::default(),
            newest: NONE,
            oldest: NONE,
            limit: limit.clamp(1, NONE as usize),
        }
    }

    /// The signature of a service, which is the last one seen from now on.
    pub(super) fn register(&mut self, service: &str, env: &str) -> Signature {
        let hash = self.hasher.hash_one((service, env));
        let found = self.table.find(hash, |index| {
            self.entry(*index)
                .is_some_and(|entry| *entry.service == *service && *entry.env == *env)
        });
        let index = match found {
            Some(index) => {
                let index = *index;
                self.unlink(index);
                index
            }
            None => self.add(hash, service, env),
        };
        self.link(index);
        self.entry(index).map_or(0, |entry| entry.signature)
    }

    /// Keeps the services for whose signature a test holds.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(Signature) -> bool) {
        // Seen in this order again, they are in the order they were in.
        let mut in_order = Vec::with_capacity(self.entries.len());
        let mut index = self.oldest;
        while let Some(entry) = self.entry(index) {
            in_order.push(index);
            index = entry.newer;
        }
        if in_order.iter().all(|index| {
            self.entry(*index)
                .is_some_and(|entry| keep(entry.signature))
        }) {
            return;
        }
        let mut entries: Vec<Option<Entry>> = self.entries.drain(..).map(Some).collect();
        self.table.clear();
        (self.newest, self.oldest) = (NONE, NONE);
        for index in in_order {
            let entry = entries.get_mut(index as usize).and_then(Option::take);
            if let Some(entry) = entry.filter(|entry| keep(entry.signature)) {
                self.register(&entry.service, &entry.env);
            }
        }
    }

    /// Service, environment and signature of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, Signature)> {
        self.entries
            .iter()
            .map(|entry| (&*entry.service, &*entry.env, entry.signature))
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a service that is not there, in the place of the oldest if there is none left.
    fn add(&mut self, hash: u64, service: &str, env: &str) -> u32 {
        let entry = Entry {
            service: service.into(),
            env: env.into(),
            signature: signature::of_service(service, env),
            newer: NONE,
            older: NONE,
        };
        let index = if self.entries.len() < self.limit {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).unwrap_or(NONE)
        } else {
            let index = self.oldest;
            self.unlink(index);
            self.forget(index);
            if let Some(slot) = self.entries.get_mut(index as usize) {
                *slot = entry;
            }
            index
        };
        let Self {
            table,
            entries,
            hasher,
            ..
        } = self;
        table.insert_unique(hash, index, |index| {
            entries
                .get(*index as usize)
                .map_or(0, |entry| hasher.hash_one((&*entry.service, &*entry.env)))
        });
        index
    }

    /// Takes an entry out of the table.
    fn forget(&mut self, index: u32) {
        let Some(entry) = self.entries.get(index as usize) else {
            return;
        };
        let hash = self.hasher.hash_one((&*entry.service, &*entry.env));
        if let Ok(found) = self.table.find_entry(hash, |found| *found == index) {
            found.remove();
        }
    }

    fn link(&mut self, index: u32) {
        let older = std::mem::replace(&mut self.newest, index);
        if let Some(entry) = self.entries.get_mut(index as usize) {
            (entry.newer, entry.older) = (NONE, older);
        }
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = index,
            None => self.oldest = index,
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(&Entry { newer, older, .. }) = self.entry(index) else {
            return;
        };
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn entry(&self, index: u32) -> Option<&Entry> {
        self.entries.get(index as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn services(catalogue: &Catalogue) -> Vec<String> {
        let mut services: Vec<String> = catalogue
            .iter()
            .map(|(service, env, _)| format!("{service}/{env}"))
            .collect();
        services.sort();
        services
    }

    #[test]
    fn the_service_that_was_not_seen_for_longest_is_forgotten() {
        let mut catalogue = Catalogue::new(2);
        catalogue.register("a", "x");
        catalogue.register("a", "y");
        catalogue.register("a", "x");
        assert_eq!(
            catalogue.register("b", "x"),
            signature::of_service("b", "x")
        );
        assert_eq!(services(&catalogue), ["a/x", "b/x"]);
        catalogue.retain(|found| found != signature::of_service("a", "x"));
        assert_eq!(services(&catalogue), ["b/x"]);
    }

    proptest! {
        #[test]
        fn a_catalogue_holds_the_last_ones_seen(
            seen in proptest::collection::vec((0u8..12, any::<bool>()), 0..200),
            limit in 1usize..8,
        ) {
            let mut catalogue = Catalogue::new(limit);
            let mut last: Vec<String> = Vec::new();
            for (service, forget) in seen {
                let service = service.to_string();
                if forget {
                    let gone = signature::of_service(&service, "e");
                    catalogue.retain(|found| found != gone);
                    last.retain(|held| *held != service);
                } else {
                    catalogue.register(&service, "e");
                    last.retain(|held| *held != service);
                    last.push(service);
                    if last.len() > limit {
                        last.remove(0);
                    }
                }
                let mut expected: Vec<String> =
                    last.iter().map(|service| format!("{service}/e")).collect();
                expected.sort();
                prop_assert_eq!(services(&catalogue), expected);
                prop_assert_eq!(catalogue.len(), last.len());
            }
        }
    }
}
