//! A pattern with what is known of its use and of the values at each of its places.

use crate::eviction::Usage;
use crate::joint::Joints;
use crate::operation::PatternId;
use crate::template::{Line, Mark, Param, Template};
use crate::token::{Flags, Kind};

/// Widenings after which all tokens with digits become variable.
pub(super) const PATIENCE: u8 = 3;
/// Bytes of a template that is too long to be sent again and again.
const LONG_TEMPLATE: usize = 512;

/// A pattern with what is known of its use.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) id: PatternId,
    pub(crate) structure: u64,
    pub(crate) template: Template,
    pub(crate) slots: Box<[Slot]>,
    pub(crate) usage: Usage,
    pub(super) signature: u64,
    pub(super) log: u64,
    pub(super) widened: u8,
    pub(super) unchanged: u32,
    /// What lines that did not fit have taught, until the pattern is widened for all of them.
    pub(super) lessons: Vec<Mark>,
    /// Lines that did not fit since the pattern was defined.
    pub(super) misses: u32,
    pub(crate) joints: Joints,
    /// Values to be joined when the next line comes.
    pub(super) to_join: Vec<bool>,
    /// The pattern that was used after this one.
    pub(super) next: u32,
}

/// What is known of the values at one place of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slot {
    /// Values seen.
    pub(crate) seen: u32,
    /// Values seen for the first time.
    pub(crate) fresh: u32,
    /// Whether values of this kind are never worth an entry of the dictionary.
    pub(crate) fleeting: bool,
    /// Whether there is a time among the values.
    pub(crate) time: bool,
    /// Whether there is a word without digits among the values.
    pub(crate) word: bool,
}

impl Pattern {
    /// The memory that the pattern takes, without its places in the tables.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.template.bytes()
            + size_of_val(&*self.slots)
            + self.lessons.capacity() * size_of::<Mark>()
            + self.to_join.capacity()
            + self.joints.bytes()
    }
}

/// Lines that a pattern has to miss before it is widened once more.
pub(super) fn patience(pattern: &Pattern) -> u32 {
    let free = match pattern.template.text().len() {
        0..LONG_TEMPLATE => PATIENCE,
        _ => 0,
    };
    1 << pattern.widened.saturating_sub(free).min(16)
}

/// What is known of the values of a template that a line gives, with what was known of them before.
pub(super) fn slots(template: &Template, line: Line<'_>, before: Option<&Pattern>) -> Box<[Slot]> {
    let old = |param: &Param| {
        let pattern = before?;
        let place = pattern
            .template
            .params()
            .iter()
            .position(|other| other.first == param.first)?;
        pattern.slots.get(place).copied()
    };
    template
        .params()
        .iter()
        .map(|param| {
            let (time, only_ids) = nature(template, line, param);
            Slot {
                fleeting: time || only_ids,
                time,
                word: has_word(template, line, param),
                ..old(param).unwrap_or_default()
            }
        })
        .collect()
}

/// Whether a word without digits is among the values of this place.
fn has_word(template: &Template, line: Line<'_>, param: &Param) -> bool {
    (param.first..param.end).map(usize::from).any(|index| {
        template.marks()[index].is_variable()
            && line.tokens.kind(index) == Kind::Word
            && !line.tokens.flags(index).contains(Flags::HAS_DIGIT)
    })
}

/// Whether there is a time among the values of this place, and whether they are all numbers, times and ids.
fn nature(template: &Template, line: Line<'_>, param: &Param) -> (bool, bool) {
    let kinds = (param.first..param.end)
        .map(usize::from)
        .filter(|index| template.marks()[*index].is_variable())
        .map(|index| line.tokens.kind(index));
    let (mut time, mut only_ids) = (false, true);
    for kind in kinds {
        time |= kind == Kind::Timestamp;
        only_ids &= matches!(
            kind,
            Kind::Number | Kind::Hex | Kind::Uuid | Kind::Timestamp
        );
    }
    (time, only_ids)
}
