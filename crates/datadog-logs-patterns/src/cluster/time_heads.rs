//! What stays the same in the times of a whole stream.

use crate::template::{Known, Line, Mark};
use crate::token::Kind;

/// How much of a time of a given length has stayed the same in the whole stream.
///
/// When the hour or the day of one pattern has changed, no further pattern has to learn it.
#[derive(Debug, Default)]
pub(super) struct TimeHeads {
    by_length: Vec<(u16, u16)>,
}

impl TimeHeads {
    /// Lengths that are told apart.
    const MAX: usize = 32;

    /// Cuts the literal beginning of each time in the marks to what has stayed the same.
    pub(super) fn apply(&self, line: Line<'_>, marks: &mut [Mark]) {
        if self.by_length.is_empty() {
            return;
        }
        for (index, mark) in marks.iter_mut().enumerate() {
            if let Mark::Variable { head, .. } = mark
                && line.tokens.kind(index) == Kind::Timestamp
            {
                let length = line.tokens.range(index).len();
                let stable = self
                    .by_length
                    .iter()
                    .find(|(other, _)| usize::from(*other) == length);
                *head = (*head).min(stable.map_or(u16::MAX, |(_, head)| *head));
            }
        }
    }

    /// Notes which beginnings were shorter than what the pattern had.
    pub(super) fn note(&mut self, line: Line<'_>, known: &[Known<'_>], marks: &[Mark]) {
        for (index, (known, mark)) in known.iter().zip(marks).enumerate() {
            let (Known::Variable { head: before, .. }, Mark::Variable { head, .. }) = (known, mark)
            else {
                continue;
            };
            if line.tokens.kind(index) != Kind::Timestamp || usize::from(*head) >= before.len() {
                continue;
            }
            let Ok(length) = u16::try_from(line.tokens.range(index).len()) else {
                continue;
            };
            let place = self
                .by_length
                .iter()
                .position(|(other, _)| *other == length);
            match place {
                Some(place) => self.by_length[place].1 = self.by_length[place].1.min(*head),
                None if self.by_length.len() < Self::MAX => self.by_length.push((length, *head)),
                None => {}
            }
        }
    }
}
