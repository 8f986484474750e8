//! Dictionaries of what several texts or numbers make up: sets of tags, lists of resources, origins.

use std::collections::HashMap;

use super::column::Column;
use crate::series::Source;

/// Sets of tags.
#[derive(Debug, Default)]
pub(super) struct Sets {
    known: HashMap<Vec<i64>, i64>,
    pub(super) column: Column,
}

/// Sets of resources, each a list of types and names.
#[derive(Debug, Default)]
pub(super) struct ResourceSets {
    known: HashMap<Vec<(i64, i64)>, i64>,
    pub(super) lengths: Column,
    pub(super) types: Column,
    pub(super) names: Column,
}

#[derive(Debug, Default)]
pub(super) struct Origins {
    known: HashMap<Source, i64>,
    pub(super) column: Column,
}

/// The number of the next entry of a dictionary; 0 means nothing.
pub(super) fn next<K>(known: &HashMap<K, i64>) -> i64 {
    i64::try_from(known.len())
        .unwrap_or(i64::MAX)
        .saturating_add(1)
}

impl Sets {
    pub(super) fn number(&mut self, mut tags: Vec<i64>) -> i64 {
        if tags.is_empty() {
            return 0;
        }
        tags.sort_unstable();
        if let Some(number) = self.known.get(&tags) {
            return *number;
        }
        self.column.signed(tags.len() as i64);
        self.column.differences(tags.iter().copied());
        let number = next(&self.known);
        self.known.insert(tags, number);
        number
    }
}

impl ResourceSets {
    pub(super) fn number(&mut self, pairs: Vec<(i64, i64)>) -> i64 {
        if let Some(number) = self.known.get(&pairs) {
            return *number;
        }
        self.lengths.unsigned(pairs.len() as u64);
        self.types.differences(pairs.iter().map(|(kind, _)| *kind));
        self.names.differences(pairs.iter().map(|(_, name)| *name));
        let number = next(&self.known);
        self.known.insert(pairs, number);
        number
    }
}

impl Origins {
    pub(super) fn number(&mut self, source: Source) -> i64 {
        if source == Source::default() {
            return 0;
        }
        if let Some(number) = self.known.get(&source) {
            return *number;
        }
        for part in [source.product, source.category, source.service] {
            self.column.unsigned(part.into());
        }
        let number = next(&self.known);
        self.known.insert(source, number);
        number
    }
}
