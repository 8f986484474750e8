//! The memory that rules take: texts that they changed are copies, where others are part of the body.
//!
//! Counted while spans are changed, so that a chunk of which there would be too much is given up in time.

use std::borrow::Cow;

use crate::decode::Allowance;
use crate::span::{Span, Text};

/// Bytes after which there must be memory for them.
const STEP: usize = 256 * 1_024;

/// What is copied of the chunks of a slice.
#[derive(Debug)]
pub(super) struct Copies<'m> {
    allowance: &'m mut Allowance,
    /// What was held before.
    before: usize,
    bytes: usize,
    /// How much of it there is memory for.
    paid: usize,
}

impl<'m> Copies<'m> {
    pub(super) fn new(allowance: &'m mut Allowance) -> Self {
        Self {
            before: allowance.room(),
            allowance,
            bytes: 0,
            paid: 0,
        }
    }

    /// For a chunk that is a copy itself, of so many bytes, which are paid for.
    pub(super) fn of_copy(allowance: &'m mut Allowance, paid: usize) -> Self {
        let mut copies = Self::new(allowance);
        copies.paid = paid;
        copies
    }

    /// Counts the copies in a span; says whether there is memory for them.
    #[must_use]
    pub(super) fn pay(&mut self, span: &Span<'_>) -> bool {
        self.bytes += copied(span);
        let missing = self.bytes.saturating_sub(self.paid);
        if missing < STEP {
            return true;
        }
        self.paid += missing;
        self.allowance.grow_by(missing)
    }
}

impl Drop for Copies<'_> {
    fn drop(&mut self) {
        self.allowance.shrink_to(self.before);
    }
}

fn copied(span: &Span<'_>) -> usize {
    let of = |text: &Text<'_>| match text {
        Cow::Borrowed(_) => 0,
        Cow::Owned(text) => text.capacity(),
    };
    let texts = [&span.service, &span.name, &span.resource, &span.kind];
    let tags = span.meta.iter();
    texts.into_iter().map(of).sum::<usize>()
        + tags.map(|(key, value)| of(key) + of(value)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use datadog_agent_runtime::budget::Budget;

    use super::*;

    #[test]
    fn copies_are_paid_for_until_there_is_no_memory() {
        let memory = Budget::new(3 * STEP);
        let mut allowance = Allowance::new(&memory, memory.try_reserve(STEP), usize::MAX);
        let mut span = Span::default();
        span.meta.push("copied", Text::from("x".repeat(STEP / 2)));
        let mut copies = Copies::new(&mut allowance);
        let paid: Vec<bool> = (0..6).map(|_| copies.pay(&span)).collect();
        assert_eq!(paid, [true, true, true, true, true, false]);
        drop(copies);
        assert_eq!(memory.used(), STEP);
    }
}
