//! Schemas stay within their limits, and their keys stay in the dictionary with them.

use super::*;

const LIMITS: eviction::Limits = eviction::Limits {
    max_items: 64,
    max_bytes: 64 << 10,
    high_watermark: 0.9,
    low_watermark: 0.6,
    age_decay: 0.5,
    grace_ms: 0,
};

fn moment(log: u64) -> Moment {
    Moment {
        ms: i64::try_from(log).unwrap() * 1_000,
        log,
    }
}

/// Both tables, fed with shapes of so many keys that no other shape has.
struct Tables {
    schemas: Schemas,
    dictionary: Dictionary,
    texts: eviction::Limits,
    evicted: Vec<u64>,
    log: u64,
}

impl Tables {
    fn new() -> Self {
        let (limits, texts) = Limits::share(LIMITS);
        Self {
            schemas: Schemas::new(limits),
            dictionary: Dictionary::new(2),
            texts,
            evicted: Vec::new(),
            log: 0,
        }
    }

    fn add(&mut self, keys: usize) -> u32 {
        self.log += 1;
        let now = moment(self.log);
        let keys: Vec<_> = (0..keys)
            .map(|key| {
                let text = format!("{} {key}", self.log);
                let hash = self.log << 8 | key as u64;
                self.dictionary.add(hash, text.as_bytes(), now)
            })
            .collect();
        let new = New {
            hash: self.log,
            shape: &self.log.to_le_bytes(),
            structure: self.log,
            slots: vec![Slot::default(); keys.len()],
            keys,
        };
        self.schemas.add(new, &mut self.dictionary, now)
    }

    fn evict(&mut self) {
        let now = moment(self.log);
        let (schemas, dictionary) = (&mut self.schemas, &mut self.dictionary);
        schemas.evict(dictionary, now, LIMITS.age_decay, &mut self.evicted);
        let mut texts = Vec::new();
        self.dictionary.evict(&self.texts, now, &mut texts);
        for schema in &self.schemas.all {
            assert!(schema.keys.iter().all(|key| !texts.contains(key)));
        }
    }
}

#[test]
fn schemas_leave_when_their_keys_take_half_of_the_dictionary() {
    let mut tables = Tables::new();
    for _ in 0..200 {
        let index = tables.add(5);
        let choice = tables.schemas.choose(index, 0);
        assert!(matches!(choice, Choice::New { left: None, .. }));
        tables.evict();
        assert!(tables.dictionary.pinned() <= 32);
        assert_eq!(tables.dictionary.pinned(), 5 * tables.schemas.len());
        assert!(tables.dictionary.len() <= 64);
        assert!((4..=6).contains(&tables.schemas.len()) || tables.log < 4);
    }
    let mut known: Vec<_> = tables.schemas.ids().chain(tables.evicted).collect();
    known.sort_unstable();
    assert_eq!(known, (2..202).collect::<Vec<_>>(), "each leaves once");
}

#[test]
fn schemas_leave_when_there_are_too_many_and_the_one_in_use_stays() {
    let mut tables = Tables::new();
    for _ in 0..100 {
        let index = tables.add(1);
        tables.evict();
        assert!(tables.schemas.len() <= 8);
        assert!(tables.schemas.bytes() <= LIMITS.max_bytes / 4);
        let log = tables.log;
        let found = tables.schemas.find(log, &log.to_le_bytes(), moment(log));
        assert!(found.is_some(), "{index}");
    }
}

#[test]
fn a_key_stays_until_its_last_schema_has_left() {
    let mut dictionary = Dictionary::new(2);
    let key = dictionary.add(1, b"key", moment(1));
    let bytes = 3 + Dictionary::ENTRY_BYTES;
    dictionary.pin(key);
    dictionary.pin(key);
    assert_eq!((dictionary.pinned(), dictionary.pinned_bytes()), (1, bytes));
    let none = eviction::Limits {
        max_items: 0,
        ..LIMITS
    };
    let mut evicted = Vec::new();
    dictionary.unpin(key);
    dictionary.evict(&none, moment(2), &mut evicted);
    assert_eq!(evicted, []);
    dictionary.unpin(key);
    assert_eq!((dictionary.pinned(), dictionary.pinned_bytes()), (0, 0));
    dictionary.evict(&none, moment(3), &mut evicted);
    assert_eq!(evicted, [key]);
}

#[test]
fn a_schema_that_would_not_leave_room_for_others_is_not_made() {
    let tables = Tables::new();
    assert!(tables.schemas.may_hold(23, 400));
    assert!(
        !tables.schemas.may_hold(24, 400),
        "three quarters of half of 64"
    );
    assert!(!tables.schemas.may_hold(5, 12 << 10));
}

#[test]
fn a_shape_is_seen_from_its_second_time_on() {
    let mut schemas = Tables::new().schemas;
    assert!(!schemas.seen(5));
    assert!(schemas.seen(5));
    assert!(!schemas.seen(0));
    assert!(!schemas.seen(5 + ONCE as u64), "another in its place");
    assert!(!schemas.seen(5));
}

/// Chooses a variant for these entries.
#[track_caller]
fn check(tables: &mut Tables, entries: u64, expected: Choice) {
    tables.schemas.all[0].usage.count += 1;
    assert_eq!(tables.schemas.choose(0, entries), expected);
}

#[test]
fn beyond_eight_variants_the_closest_is_taken_until_one_is_idle() {
    let mut tables = Tables::new();
    tables.add(4);
    for (id, entries) in (2..).zip([1, 2, 4, 8, 16, 32, 64, 0b111]) {
        let left = None;
        check(&mut tables, entries, Choice::New { id, entries, left });
        check(&mut tables, entries, Choice::Known { id, entries });
    }
    let known = |id, entries| Choice::Known { id, entries };
    check(&mut tables, 0b1111, known(9, 0b111));
    check(&mut tables, 0b1001, known(5, 8));
    // None of them fits a log that has no entry at all: the one that was used least lately makes room.
    let left = Some(2);
    check(
        &mut tables,
        0,
        Choice::New {
            id: 10,
            entries: 0,
            left,
        },
    );
    check(&mut tables, 128, known(10, 0));
    for _ in 0..256 {
        check(&mut tables, 0, known(10, 0));
    }
    let (entries, left) = (128, Some(3));
    check(
        &mut tables,
        entries,
        Choice::New {
            id: 11,
            entries,
            left,
        },
    );
}
