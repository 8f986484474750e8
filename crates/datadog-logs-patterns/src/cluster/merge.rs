//! What lines have in common: which tokens stay, and which become values.

use super::first_word::first_word;
use crate::template::{
    Known, Line, Mark, common_ends, common_head, has_time_of_day, may_be_literal,
};
use crate::token::{Flags, Kind};

/// Of so many words in a line, one may differ for two lines to share a pattern.
const WORDS_PER_CHANGE: usize = 3;
/// Digits of a number that is variable from the start.
const LONG_NUMBER: usize = 4;
/// The same for a number that is a value of JSON.
const LONG_JSON_NUMBER: usize = 3;

/// What a pattern or a line and another line make together.
pub(super) struct Merge {
    pub(super) marks: Vec<Mark>,
    words: usize,
    variable_words: usize,
    pub(super) changed_words: usize,
    changed_others: usize,
    changes_first_word: bool,
}

impl Merge {
    pub(super) fn is_acceptable(&self, protected: bool) -> bool {
        let variable = self.changed_words + self.variable_words;
        let alike = self.changed_words == 0 || variable * WORDS_PER_CHANGE <= self.words;
        alike && !(protected && self.changes_first_word)
    }

    pub(super) fn changes(&self) -> (usize, usize) {
        (self.changed_words, self.changed_others)
    }

    /// Marks what is variable by its nature, before it has been seen to vary.
    pub(super) fn with_eager(mut self, line: Line<'_>) -> Vec<Mark> {
        for (index, mark) in self.marks.iter_mut().enumerate() {
            if matches!(mark, Mark::Literal(_)) && is_eager(line, index) {
                let text = line.token(index);
                *mark = match line.tokens.kind(index) {
                    kind @ Kind::Timestamp => common_ends(kind, text, text),
                    _ => Mark::VARIABLE,
                };
            }
        }
        self.marks
    }
}

/// Compares a line with what is known of the tokens of a pattern, or of another line.
///
/// Nothing, if they differ where a pattern cannot.
pub(super) fn merge(line: Line<'_>, known: &[Known<'_>], impatient: bool) -> Option<Merge> {
    if known.len() != line.tokens.len() {
        return None;
    }
    let first = first_word(line);
    let mut merge = Merge {
        marks: Vec::with_capacity(known.len()),
        words: 0,
        variable_words: 0,
        changed_words: 0,
        changed_others: 0,
        changes_first_word: false,
    };
    for (index, known) in known.iter().enumerate() {
        let kind = line.tokens.kind(index);
        let is_word = kind == Kind::Word
            && !line.tokens.flags(index).contains(Flags::HAS_DIGIT)
            && !is_json_value(line, index);
        merge.words += usize::from(is_word);
        let text = line.token(index);
        let mark = match *known {
            Known::Inner => Mark::Inner,
            Known::Variable { head, tail } => {
                merge.variable_words += usize::from(is_word);
                ends_in_common(kind, text, head, tail)
            }
            Known::Literal(same) if same == text => {
                let digits = line.tokens.flags(index).contains(Flags::HAS_DIGIT);
                if !may_be_literal(line, index) || (impatient && digits) {
                    Mark::VARIABLE
                } else {
                    Mark::Literal(u16::try_from(text.len()).unwrap_or(u16::MAX))
                }
            }
            Known::Literal(_) if !may_be_literal(line, index) => Mark::VARIABLE,
            Known::Literal(other) => {
                match kind {
                    Kind::Space | Kind::Special | Kind::Structure => return None,
                    Kind::Severity | Kind::HttpMethod => return None,
                    _ if is_word => {
                        merge.changed_words += 1;
                        merge.changes_first_word |= first == Some(index);
                    }
                    _ => merge.changed_others += 1,
                }
                common_ends(kind, other, text)
            }
        };
        merge.marks.push(mark);
    }
    Some(merge)
}

/// The literal ends of a value that a further line leaves.
fn ends_in_common(kind: Kind, text: &[u8], head: &[u8], tail: &[u8]) -> Mark {
    let fits = text.len() >= head.len() + tail.len();
    let tail = if fits && text.ends_with(tail) {
        tail.len()
    } else {
        0
    };
    let head = match kind {
        _ if fits && text.starts_with(head) => head.len(),
        Kind::Timestamp => common_head(head, text),
        _ => 0,
    };
    Mark::Variable {
        head: u16::try_from(head).unwrap_or(0),
        tail: u16::try_from(tail).unwrap_or(0),
    }
}

/// Whether a token is the whole value of a JSON member; then the keys tell what the line is, and not this word.
fn is_json_value(line: Line<'_>, index: usize) -> bool {
    let is_structure = |index: usize| line.tokens.kinds().get(index) == Some(&Kind::Structure);
    index > 0 && is_structure(index - 1) && is_structure(index + 1)
}

/// Whether a token of this kind hardly ever stays the same.
fn is_eager(line: Line<'_>, index: usize) -> bool {
    match line.tokens.kind(index) {
        Kind::Timestamp => has_time_of_day(line.token(index)),
        Kind::Uuid | Kind::Ipv4 | Kind::Ipv6 | Kind::Email | Kind::Uri | Kind::Hex => true,
        Kind::Number => {
            let behind_structure = index > 0 && line.tokens.kind(index - 1) == Kind::Structure;
            let long = if behind_structure {
                LONG_JSON_NUMBER
            } else {
                LONG_NUMBER
            };
            line.tokens.range(index).len() >= long
        }
        _ => false,
    }
}

/// Adds what earlier lines have taught to the marks of one more.
pub(super) fn join_lessons(marks: &mut [Mark], lessons: &[Mark]) {
    for (mark, lesson) in marks.iter_mut().zip(lessons) {
        *mark = match (*mark, *lesson) {
            (
                Mark::Variable { head, tail },
                Mark::Variable {
                    head: other_head,
                    tail: other_tail,
                },
            ) => Mark::Variable {
                head: head.min(other_head),
                tail: tail.min(other_tail),
            },
            (Mark::Literal(_), lesson @ Mark::Variable { .. }) => lesson,
            (mark, _) => mark,
        };
    }
}
