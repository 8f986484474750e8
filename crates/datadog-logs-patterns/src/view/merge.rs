//! Merges groups that differ in one word, where that word behaves as a value.

use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::VariableKind;
use super::group::{self, Cell, Group};
use super::place::Place;
use super::words::{Symbol, VARIABLE, Words};

/// Words and values of one group that are tried as the place of a value.
const MAX_HOLES: usize = 32;

/// Pairs of brackets of one group whose content is tried as one value.
const MAX_PAIRS: usize = 8;

/// How many different contents of one pair of brackets are one value.
const MANY_PIECES: usize = 3;

/// How often merged groups are looked at again.
const MAX_ROUNDS: usize = 4;

/// Merges what belongs together, until nothing changes or the rounds are over.
pub(super) fn merge(groups: &mut Vec<Group>, words: &Words<'_>) {
    merge_qualified(groups, words);
    merge_enclosed(groups, words);
    for _ in 0..MAX_ROUNDS {
        let before = groups.len();
        merge_once(groups, words);
        if groups.len() == before {
            return;
        }
    }
}

/// Merges groups that differ only in names with a path, however many such names follow each other.
fn merge_qualified(groups: &mut Vec<Group>, words: &Words<'_>) {
    let mut found: BTreeMap<Vec<Symbol>, Vec<usize>> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        let key = without_qualified(&group.cells, words);
        let plain = key.iter().filter(|cell| words.is_word(cell.symbol)).count();
        if plain >= 2 {
            found.entry(symbols(&key)).or_default().push(index);
        }
    }
    let mut sets = Sets::new(groups.len());
    for members in found.into_values() {
        let same_length = members
            .windows(2)
            .all(|pair| groups[pair[0]].cells.len() == groups[pair[1]].cells.len());
        for member in &members {
            if !same_length {
                groups[*member].cells = without_qualified(&groups[*member].cells, words);
            }
            sets.join(members[0], *member);
        }
    }
    join(groups, &mut sets);
}

/// Merges groups that differ only in what one pair of brackets holds, where that is more than a word.
fn merge_enclosed(groups: &mut Vec<Group>, words: &Words<'_>) {
    let mut found: BTreeMap<Vec<Symbol>, Vec<(usize, Range<usize>)>> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        for inside in enclosed(&group.cells, words) {
            let key = without(&group.cells, &inside);
            let plain = key.iter().filter(|cell| words.is_word(cell.symbol)).count();
            if plain >= 2 {
                found
                    .entry(symbols(&key))
                    .or_default()
                    .push((index, inside));
            }
        }
    }
    let mut sets = Sets::new(groups.len());
    let mut shortened = vec![false; groups.len()];
    for mut members in found.into_values() {
        members.dedup_by_key(|(index, _)| *index);
        let free = members.iter().all(|(index, _)| !shortened[*index]);
        if !free || !hold_values(groups, &members) {
            continue;
        }
        for (index, inside) in &members {
            groups[*index].cells = without(&groups[*index].cells, inside);
            shortened[*index] = true;
            sets.join(members[0].0, *index);
        }
    }
    join(groups, &mut sets);
}

/// Whether these pieces of groups are many, and most of them hold a value.
fn hold_values(groups: &[Group], pieces: &[(usize, Range<usize>)]) -> bool {
    let holds_value = |(index, inside): &&(usize, Range<usize>)| {
        let cells = &groups[*index].cells[inside.clone()];
        cells.iter().any(|cell| cell.symbol == VARIABLE)
    };
    let with_value = pieces.iter().filter(holds_value).count();
    pieces.len() >= MANY_PIECES && with_value * 2 >= pieces.len()
}

/// What stands between round or square brackets, for a few pairs.
fn enclosed(cells: &[Cell], words: &Words<'_>) -> Vec<Range<usize>> {
    let mut opened = Vec::new();
    let mut pairs = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        match words.text(cell.symbol) {
            b"(" | b"[" => opened.push(at + 1),
            b")" | b"]" => pairs.extend(opened.pop().map(|start| start..at)),
            _ => {}
        }
    }
    pairs.retain(|inside| !inside.is_empty());
    pairs.truncate(MAX_PAIRS);
    pairs
}

/// The cells with one value in the place of these.
fn without(cells: &[Cell], inside: &Range<usize>) -> Vec<Cell> {
    let mut kept = cells[..=inside.start].to_vec();
    kept[inside.start].symbol = VARIABLE;
    if inside.len() > 1 {
        kept[inside.start].kind = VariableKind::Text;
    }
    kept.extend_from_slice(&cells[inside.end..]);
    kept
}

/// The cells with a value in the place of each name with a path, but for the first cell.
fn without_qualified(cells: &[Cell], words: &Words<'_>) -> Vec<Cell> {
    let masked = cells.iter().enumerate().map(|(at, cell)| {
        let qualified = words.get(cell.symbol).is_some_and(|word| word.is_qualified);
        let symbol = if at > 0 && qualified {
            VARIABLE
        } else {
            cell.symbol
        };
        Cell { symbol, ..*cell }
    });
    let mut cells = masked.collect();
    group::shorten_repetitions(&mut cells);
    cells
}

/// Merges groups that differ in one word, each as the groups were before.
fn merge_once(groups: &mut Vec<Group>, words: &Words<'_>) {
    let mut sets = Sets::new(groups.len());
    for alike in alike(groups, words) {
        if is_value(groups, &alike, words) {
            for group in &alike.groups[1..] {
                sets.join(alike.groups[0], *group);
            }
        }
    }
    join(groups, &mut sets);
}

/// Whether the groups differ in a value.
fn is_value(groups: &[Group], alike: &Alike, words: &Words<'_>) -> bool {
    let symbol_of = |group: &usize| groups[*group].cells[alike.hole].symbol;
    let first = &groups[alike.groups[0]].cells;
    let place = Place {
        cells: &symbols(first),
        at: alike.hole,
        spaced: first[alike.hole].spaced,
        found: &alike.groups.iter().map(symbol_of).collect::<Vec<_>>(),
    };
    place.holds_value(words)
}

fn symbols(cells: &[Cell]) -> Vec<Symbol> {
    cells.iter().map(|cell| cell.symbol).collect()
}

/// Makes one group of each set.
fn join(groups: &mut Vec<Group>, sets: &mut Sets) {
    let mut merged: Vec<Group> = Vec::new();
    let mut place: HashMap<usize, usize, FixedState> = HashMap::default();
    for (index, group) in std::mem::take(groups).into_iter().enumerate() {
        let root = sets.root(index);
        match place.get(&root) {
            Some(at) => merged[*at].absorb(&group.cells, &group.structures),
            None => {
                place.insert(root, merged.len());
                merged.push(group);
            }
        }
    }
    *groups = merged;
}

/// Groups that are the same but for one place.
struct Alike {
    hole: usize,
    groups: Vec<usize>,
}

/// A group with one of its places left out.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Hole {
    fingerprint: u64,
    at: usize,
    group: usize,
}

/// All sets of groups that are the same but for one place.
fn alike(groups: &[Group], words: &Words<'_>) -> Vec<Alike> {
    let mut holes = holes(groups, words);
    holes.sort_unstable();
    holes
        .chunk_by(|a, b| (a.fingerprint, a.at) == (b.fingerprint, b.at))
        .filter(|chunk| chunk.len() > 1)
        .map(|chunk| {
            let first = &groups[chunk[0].group];
            let same = |hole: &&Hole| equal_but(first, &groups[hole.group], hole.at);
            Alike {
                hole: chunk[0].at,
                groups: chunk.iter().filter(same).map(|hole| hole.group).collect(),
            }
        })
        .filter(|alike| alike.groups.len() > 1)
        .collect()
}

/// The places of all groups where a value may be, some of each group at most.
fn holes(groups: &[Group], words: &Words<'_>) -> Vec<Hole> {
    let of_group = |(index, group): (usize, &Group)| {
        let whole = fingerprint(group);
        let places = group.cells.iter().enumerate();
        places
            .filter(|(_, cell)| !words.is_mark(cell.symbol))
            .take(MAX_HOLES)
            .map(|(at, cell)| Hole {
                fingerprint: scramble(whole.wrapping_sub(mix(at, cell.symbol))),
                at,
                group: index,
            })
            .collect::<Vec<_>>()
    };
    groups.iter().enumerate().flat_map(of_group).collect()
}

fn equal_but(a: &Group, b: &Group, hole: usize) -> bool {
    a.cells.len() == b.cells.len()
        && a.cells
            .iter()
            .zip(&b.cells)
            .enumerate()
            .all(|(at, (a, b))| at == hole || a.symbol == b.symbol)
}

/// A sum over the cells, so that one can be taken out.
fn fingerprint(group: &Group) -> u64 {
    let cells = group.cells.iter().enumerate();
    let sum = cells.fold(0_u64, |sum, (at, cell)| {
        sum.wrapping_add(mix(at, cell.symbol))
    });
    sum.wrapping_add(group.cells.len() as u64)
}

fn mix(at: usize, symbol: Symbol) -> u64 {
    scramble((at as u64) << 32 | u64::from(symbol))
}

/// The last step of SplitMix64.
fn scramble(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Sets of groups, joined two at a time.
struct Sets {
    parents: Vec<usize>,
}

impl Sets {
    fn new(count: usize) -> Self {
        Self {
            parents: (0..count).collect(),
        }
    }

    fn root(&mut self, index: usize) -> usize {
        let mut at = index;
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests;
