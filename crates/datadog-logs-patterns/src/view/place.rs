//! Decides whether a word in which groups differ is a value or a part of the message.
//!
//! Two words in the same place are most often two messages, as `started` and `stopped`;
//! many words are a value, and so are few where a value is expected or where they look like names.

use super::words::{Symbol, VARIABLE, Words};

/// How many words behind a preposition or alone between brackets are a value.
const INTRODUCED: usize = 3;

/// How many words anywhere else in a sentence are a value; source code rarely has as many alternatives.
const ANYWHERE: usize = 5;

/// How many first words and keys are a value: these say what the line is about.
const ABOUT: usize = 8;

/// Words of English behind which a name stands more often than a verb.
const PREPOSITIONS: [&[u8]; 9] = [
    b"for", b"from", b"to", b"by", b"of", b"at", b"on", b"in", b"with",
];

/// Words of English that say themselves that a name follows.
const TITLES: [&[u8]; 2] = [b"user", b"host"];

/// One place in which groups differ that are otherwise the same.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The symbols of one of the groups.
    pub(super) cells: &'a [Symbol],
    /// Which of them differs.
    pub(super) at: usize,
    /// Whether space precedes it.
    pub(super) spaced: bool,
    /// What stands there, one for each group.
    pub(super) found: &'a [Symbol],
}

/// Where a place is among its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The first of the line, alone in brackets or not.
    First,
    /// Before `=` or `:`.
    Key,
    /// Behind a colon without space.
    Joined,
    /// Alone between brackets.
    Enclosed,
    /// Behind a title.
    Titled,
    /// Behind a preposition.
    Introduced,
    /// Anywhere else.
    Sentence,
}

impl Place<'_> {
    /// Whether what stands there is a value.
    pub(super) fn holds_value(&self, words: &Words<'_>) -> bool {
        let position = self.position(words);
        let Some(needed) = self.needed(position, words) else {
            return false;
        };
        let found = || self.found.iter().filter_map(|symbol| words.get(*symbol));
        let verbs = found().filter(|word| word.is_verb_form).count();
        self.found.len() >= needed && verbs * 2 <= self.found.len()
    }

    /// How many different words in this position are a value, or nothing when they never are.
    fn needed(&self, position: Position, words: &Words<'_>) -> Option<usize> {
        let others = (0..self.cells.len())
            .filter(|at| *at != self.at && words.is_word(self.cells[*at]))
            .count();
        let mut found = self.found.iter().filter_map(|symbol| words.get(*symbol));
        let all_names = found.all(|word| word.is_name);
        let with_value = self.found.contains(&VARIABLE);
        match position {
            Position::Joined => Some(2),
            Position::Enclosed if with_value || all_names => Some(2),
            _ if others == 0 => None,
            Position::First if others < 3 => None,
            Position::First | Position::Key => Some(ABOUT),
            Position::Titled => Some(2),
            Position::Introduced if with_value => Some(2),
            Position::Introduced | Position::Sentence if all_names => Some(2),
            Position::Introduced | Position::Enclosed => Some(INTRODUCED),
            Position::Sentence => Some(ANYWHERE),
        }
    }

    fn position(&self, words: &Words<'_>) -> Position {
        let text = |at: Option<&Symbol>| at.map_or(&b""[..], |symbol| words.text(*symbol));
        let before = text(self.at.checked_sub(1).and_then(|at| self.cells.get(at)));
        let after = text(self.cells.get(self.at + 1));
        let between = matches!(
            (before, after),
            (b"(", b")") | (b"[", b"]") | (b"{", b"}") | (b"<", b">")
        );
        let among = |list: &[&[u8]]| list.iter().any(|word| before.eq_ignore_ascii_case(word));
        if self.at == usize::from(between) {
            Position::First
        } else if !self.spaced && before == b":" {
            Position::Joined
        } else if !self.spaced && between {
            Position::Enclosed
        } else if matches!(after, b"=" | b":") {
            Position::Key
        } else if among(&TITLES) {
            Position::Titled
        } else if among(&PREPOSITIONS) {
            Position::Introduced
        } else {
            Position::Sentence
        }
    }
}
