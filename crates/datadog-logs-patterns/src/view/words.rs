//! The words and marks of all samples, each kept once and known by a number.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::shape;

/// A word or a mark, or [`VARIABLE`].
pub(super) type Symbol = u32;

/// A place where lines differ.
pub(super) const VARIABLE: Symbol = 0;

/// What is known of a word or a mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a [u8],
    pub(super) is_mark: bool,
    /// Whether it looks like a name rather than like a word of a sentence.
    pub(super) is_name: bool,
    /// Whether it is a name with its path.
    pub(super) is_qualified: bool,
    /// Whether it is a form of a verb.
    pub(super) is_verb_form: bool,
}

/// All words and marks; numbers begin at 1.
#[derive(Debug, Default)]
pub(super) struct Words<'a> {
    list: Vec<Word<'a>>,
    numbers: HashMap<(&'a [u8], bool), Symbol, FixedState>,
}

impl<'a> Words<'a> {
    /// The number of a word or mark, new or not.
    pub(super) fn number(&mut self, text: &'a [u8], is_mark: bool) -> Symbol {
        let next = Symbol::try_from(self.list.len() + 1).unwrap_or(Symbol::MAX);
        let list = &mut self.list;
        *self.numbers.entry((text, is_mark)).or_insert_with(|| {
            list.push(Word {
                text,
                is_mark,
                is_name: shape::is_name(text),
                is_qualified: shape::is_qualified(text),
                is_verb_form: shape::is_verb_form(text),
            });
            next
        })
    }

    /// What is known of it, or nothing for a variable.
    pub(super) fn get(&self, symbol: Symbol) -> Option<&Word<'a>> {
        let index = usize::try_from(symbol).ok()?.checked_sub(1)?;
        self.list.get(index)
    }

    /// Its text; empty for a variable.
    pub(super) fn text(&self, symbol: Symbol) -> &'a [u8] {
        self.get(symbol).map_or(b"", |word| word.text)
    }

    /// Whether it is a mark.
    pub(super) fn is_mark(&self, symbol: Symbol) -> bool {
        self.get(symbol).is_some_and(|word| word.is_mark)
    }

    /// Whether it is a word, neither a mark nor a variable.
    pub(super) fn is_word(&self, symbol: Symbol) -> bool {
        self.get(symbol).is_some_and(|word| !word.is_mark)
    }
}
