//! Groups structures whose samples have the same words once their values are masked.
//!
//! Lists and repetitions count once, so that their length does not matter.

use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::shape;
use super::split::{self, Token, TokenKind};
use super::words::{Symbol, VARIABLE, Words};
use super::{Pattern, Piece, Structure, VariableKind};

/// The longest repetition that counts once, in cells.
const MAX_REPEATED: usize = 8;

/// A place of a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) symbol: Symbol,
    /// What stands there when the symbol is a variable.
    pub(super) kind: VariableKind,
    /// Whether space precedes it.
    pub(super) spaced: bool,
}

/// Structures that belong together.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) cells: Vec<Cell>,
    pub(super) structures: Vec<usize>,
}

/// Groups the structures by the words of their samples, in an order that does not depend on theirs.
pub(super) fn by_words<'a>(structures: &[Structure<'a>], words: &mut Words<'a>) -> Vec<Group> {
    let mut found: HashMap<Vec<Symbol>, usize, FixedState> = HashMap::default();
    let mut groups: Vec<Group> = Vec::new();
    for index in in_order(structures) {
        let structure = &structures[index];
        let cells = cells(structure, words);
        let key = cells.iter().map(|cell| cell.symbol).collect();
        let group = *found.entry(key).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.absorb(&cells, &[index]),
            None => groups.push(Group {
                cells,
                structures: vec![index],
            }),
        }
    }
    groups
}

/// The structures in the order of their samples: what follows is the same however they came.
fn in_order<'a>(structures: &[Structure<'a>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..structures.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&structures[*a], &structures[*b]);
        // One byte more than is read tells a sample that ends there from a longer one.
        let read = |sample: &'a [u8]| &sample[..sample.len().min(split::MAX_BYTES + 1)];
        let ranges =
            |variable: &'a [Range<u32>]| variable.iter().map(|range| (range.start, range.end));
        read(a.sample)
            .cmp(read(b.sample))
            .then_with(|| ranges(a.variable).cmp(ranges(b.variable)))
    });
    order
}

fn cells<'a>(structure: &Structure<'a>, words: &mut Words<'a>) -> Vec<Cell> {
    let tokens = split::split(structure.sample, structure.variable);
    let mut cells: Vec<Cell> = shorten_lists(tokens, structure.sample)
        .into_iter()
        .map(|token| {
            let text = &structure.sample[token.range];
            let (symbol, kind) = match token.kind {
                TokenKind::Word => (words.number(text, false), VariableKind::Text),
                TokenKind::Mark => (words.number(text, true), VariableKind::Text),
                TokenKind::Variable(kind) => (VARIABLE, kind),
            };
            Cell {
                symbol,
                kind,
                spaced: token.spaced,
            }
        })
        .collect();
    shorten_repetitions(&mut cells);
    cells
}

/// Leaves one value of `1, 2, 3` and of `disk1 disk2`.
fn shorten_lists(tokens: Vec<Token>, sample: &[u8]) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match listed_after(&kept, &token, sample) {
            Some(before) => kept.truncate(before + 1),
            None => kept.push(token),
        }
    }
    kept
}

/// The value that this one follows in a list, at the end of what was kept.
fn listed_after(kept: &[Token], token: &Token, sample: &[u8]) -> Option<usize> {
    let TokenKind::Variable(kind) = token.kind else {
        return None;
    };
    let last = kept.len().checked_sub(1)?;
    let separator = &sample[kept[last].range.clone()];
    let separated = matches!(separator, b"," | b"|");
    let before = if separated {
        last.checked_sub(1)?
    } else {
        last
    };
    let TokenKind::Variable(kind_before) = kept[before].kind else {
        return None;
    };
    let value = &sample[token.range.clone()];
    let value_before = &sample[kept[before].range.clone()];
    let affixes_alike = affixes(value) == affixes(value_before);
    let places = shape::is_place(value) && shape::is_place(value_before);
    let alike = kind == kind_before && (affixes_alike || places);
    let names = separated && kind == VariableKind::Text && kind_before == VariableKind::Text;
    (alike || names).then_some(before)
}

/// The letters that a value begins with and, of a number, its unit.
fn affixes(value: &[u8]) -> (&[u8], &[u8]) {
    let letters = value.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (stem, rest) = value.split_at(letters);
    let is_number = rest.first().is_some_and(u8::is_ascii_digit) && letters == 0;
    let last_digit = rest.iter().rposition(u8::is_ascii_digit);
    let unit = last_digit.map_or(0, |at| at + 1);
    (stem, if is_number { &rest[unit..] } else { b"" })
}

/// Leaves one of equal sequences that follow each other, if they hold a value.
pub(super) fn shorten_repetitions(cells: &mut Vec<Cell>) {
    let mut kept: Vec<Cell> = Vec::with_capacity(cells.len());
    for cell in cells.drain(..) {
        kept.push(cell);
        if let Some(length) = repeated(&kept) {
            kept.truncate(kept.len() - length);
        }
    }
    *cells = kept;
}

/// The length of the sequence that stands twice at the end.
fn repeated(cells: &[Cell]) -> Option<usize> {
    (2..=MAX_REPEATED.min(cells.len() / 2)).find(|length| {
        let (front, last) = cells.split_at(cells.len() - length);
        let before = &front[front.len() - length..];
        let same = before.iter().zip(last).all(|(a, b)| a.symbol == b.symbol);
        same && last.iter().any(|cell| cell.symbol == VARIABLE)
    })
}

impl Group {
    /// Takes in structures with as many cells; where they differ is a variable.
    pub(super) fn absorb(&mut self, cells: &[Cell], structures: &[usize]) {
        for (mine, other) in self.cells.iter_mut().zip(cells) {
            let same = mine.symbol == other.symbol;
            if !same {
                mine.kind = VariableKind::Text;
                mine.symbol = VARIABLE;
            } else if mine.symbol == VARIABLE {
                mine.kind = mine.kind.or(other.kind);
            }
        }
        self.structures.extend_from_slice(structures);
    }

    /// The pattern of this group.
    pub(super) fn into_pattern(
        mut self,
        structures: &[Structure<'_>],
        words: &Words<'_>,
    ) -> Pattern {
        self.structures.sort_unstable();
        let counts = self.structures.iter().map(|index| structures[*index].count);
        Pattern {
            count: counts.fold(0, u64::saturating_add),
            template: template(&self.cells, words),
            structures: self.structures,
        }
    }
}

fn template(cells: &[Cell], words: &Words<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        if cell.spaced && index > 0 {
            literal.push(b' ');
        }
        if cell.symbol == VARIABLE {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Variable(cell.kind));
        } else {
            literal.extend_from_slice(words.text(cell.symbol));
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}
