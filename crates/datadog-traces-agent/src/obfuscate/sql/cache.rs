//! Remembers what statements became, within a bound of bytes.
//!
//! Two generations a shard: what is asked for again moves to the young one, and once that is full, the old one goes.
//! So the statements of a busy service stay, and no list of uses has to be kept.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};

use super::{Dialect, Statement};

/// Locks among which statements are shared out, so that threads seldom wait for one another.
const SHARDS: usize = 16;
/// What an entry takes beside its texts, roughly.
const ENTRY_BYTES: usize = 128;

/// A cache that threads share.
#[derive(Debug)]
pub(super) struct Cache {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    generation_bytes: usize,
}

#[derive(Debug, Default)]
struct Shard {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    entries: HashMap<Key, Arc<Statement>, RandomState>,
    bytes: usize,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    dialect: Dialect,
    statement: Box<str>,
}

/// A key that is only looked up. Hashes as [`Key`] does.
#[derive(Debug, Clone, Copy, Hash)]
struct Lookup<'a> {
    dialect: Dialect,
    statement: &'a str,
}

impl Equivalent<Key> for Lookup<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.dialect == key.dialect && self.statement == &*key.statement
    }
}

impl Cache {
    /// A cache of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            shards: Default::default(),
            generation_bytes: bytes / SHARDS / 2,
        }
    }

    /// What is remembered of a statement, or what `make` says. The lock is not held meanwhile.
    pub(super) fn get_or_insert_with(
        &self,
        statement: &str,
        dialect: Dialect,
        make: impl FnOnce() -> Statement,
    ) -> Arc<Statement> {
        let lookup = Lookup { dialect, statement };
        let shard = self.shard(lookup);
        let held = shard.map(|shard| lock(shard).get(lookup, self.generation_bytes));
        if let Some(Some(held)) = held {
            return held;
        }
        let made = Arc::new(make());
        let bytes = entry_bytes(statement, &made);
        if let Some(shard) = shard
            && bytes <= self.generation_bytes
        {
            let key = Key {
                dialect,
                statement: statement.into(),
            };
            lock(shard).insert(key, Arc::clone(&made), bytes, self.generation_bytes);
        }
        made
    }

    fn shard(&self, lookup: Lookup<'_>) -> Option<&Mutex<Shard>> {
        // The upper half: maps choose their slots by the lower one, under another seed.
        let hash = self.hasher.hash_one(lookup) >> 32;
        self.shards.get(usize::try_from(hash).ok()? % SHARDS)
    }
}

/// A shard is whole between any two of its methods, so a panic elsewhere does not spoil it.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn get(&mut self, lookup: Lookup<'_>, limit: usize) -> Option<Arc<Statement>> {
        if let Some(held) = self.young.entries.get(&lookup) {
            return Some(Arc::clone(held));
        }
        let (key, statement) = self.old.entries.remove_entry(&lookup)?;
        let bytes = entry_bytes(&key.statement, &statement);
        self.old.bytes -= bytes;
        self.insert(key, Arc::clone(&statement), bytes, limit);
        Some(statement)
    }

    fn insert(&mut self, key: Key, statement: Arc<Statement>, bytes: usize, limit: usize) {
        if self.young.bytes + bytes > limit {
            self.old = std::mem::take(&mut self.young);
        }
        // Another thread may have been faster.
        if self.young.entries.insert(key, statement).is_none() {
            self.young.bytes += bytes;
        }
    }
}

fn entry_bytes(statement: &str, result: &Statement) -> usize {
    statement.len() + result.bytes() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn made(text: &str) -> Statement {
        Statement {
            query: Some(text.into()),
            tables: Box::default(),
        }
    }

    impl Cache {
        fn bytes(&self) -> usize {
            self.shards
                .iter()
                .map(|shard| {
                    let shard = shard.lock().unwrap();
                    shard.young.bytes + shard.old.bytes
                })
                .sum()
        }
    }

    #[test]
    fn a_statement_is_made_once_for_each_dialect() {
        let cache = Cache::new(5_000_000);
        let calls = Cell::new(0);
        let ask = |dialect| {
            cache.get_or_insert_with("SELECT 1", dialect, || {
                calls.set(calls.get() + 1);
                made("SELECT ?")
            })
        };
        assert_eq!(ask(Dialect::Generic).text(), "SELECT ?");
        assert_eq!(ask(Dialect::Generic).text(), "SELECT ?");
        assert_eq!(calls.get(), 1);
        ask(Dialect::MySql);
        assert_eq!(calls.get(), 2);
    }

    #[test]
    fn the_bytes_never_exceed_the_bound() {
        let cache = Cache::new(100_000);
        for index in 0..10_000 {
            cache.get_or_insert_with(&format!("SELECT {index}"), Dialect::Generic, || {
                made("SELECT ?")
            });
            assert!(cache.bytes() <= 100_000);
        }
        assert!(cache.bytes() > 50_000, "{} bytes", cache.bytes());
    }

    #[test]
    fn what_is_asked_for_again_outlives_what_is_not() {
        let cache = Cache::new(100_000);
        let calls = Cell::new(0);
        for index in 0..10_000 {
            cache.get_or_insert_with("SELECT a", Dialect::Generic, || {
                calls.set(calls.get() + 1);
                made("SELECT a")
            });
            cache.get_or_insert_with(&format!("SELECT {index}"), Dialect::Generic, || {
                made("SELECT ?")
            });
        }
        assert_eq!(calls.get(), 1);
    }

    #[test]
    fn what_would_fill_a_generation_is_not_remembered() {
        let cache = Cache::new(SHARDS * 2 * 1_000);
        let fits = 1_000 - ENTRY_BYTES;
        cache.get_or_insert_with(&"x".repeat(fits + 1), Dialect::Generic, Statement::default);
        assert_eq!(cache.bytes(), 0);
        cache.get_or_insert_with(&"x".repeat(fits), Dialect::Generic, Statement::default);
        assert_eq!(cache.bytes(), 1_000);
    }
}
