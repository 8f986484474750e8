//! Whose entries lie in the aggregator, since when, and which memory they hold.
//!
//! Stands beside the aggregator, which knows nothing of sources and time: both are first in, first out, so that the
//! oldest records belong to the entries of the next batch.

use std::collections::VecDeque;

use datadog_forwarder::Reservation;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::admission::Size;
use crate::Source;

/// One admitted block, or what is left of it.
#[derive(Debug)]
struct Held {
    source: Source,
    size: Size,
    since: Instant,
    reservation: Reservation,
}

/// What a batch took out of the queue.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Per block, oldest first.
    pub(super) blocks: SmallVec<[(Source, Size); 8]>,
    /// Their memory; `None` when nothing was held.
    pub(super) reservation: Option<Reservation>,
}

/// The admitted blocks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    held: VecDeque<Held>,
}

impl Ledger {
    pub(super) fn push(
        &mut self,
        source: Source,
        size: Size,
        reservation: Reservation,
        since: Instant,
    ) {
        self.held.push_back(Held {
            source,
            size,
            since,
            reservation,
        });
    }

    /// Since when the oldest entry has been here.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.held.front().map(|held| held.since)
    }

    /// Takes the oldest entries: `size` says how many they are, and what they cost together.
    pub(super) fn take(&mut self, mut size: Size) -> Taken {
        let mut taken = Taken::default();
        while size.entries > 0
            && let Some(mut held) = self.held.pop_front()
        {
            if held.size.entries <= size.entries {
                size.entries -= held.size.entries;
                size.bytes = size.bytes.saturating_sub(held.size.bytes);
                taken.add(held.source, held.size, held.reservation);
                continue;
            }
            let part = Size {
                entries: size.entries,
                bytes: size.bytes.min(held.size.bytes),
            };
            held.size.entries -= part.entries;
            held.size.bytes -= part.bytes;
            taken.add(held.source, part, held.reservation.split_off(part.bytes));
            self.held.push_front(held);
            break;
        }
        taken
    }
}

impl Taken {
    fn add(&mut self, source: Source, size: Size, reservation: Reservation) {
        self.blocks.push((source, size));
        match &mut self.reservation {
            Some(sum) => sum.absorb(reservation),
            None => self.reservation = Some(reservation),
        }
    }
}

#[cfg(test)]
mod tests {
    use datadog_forwarder::Budget;

    use super::*;

    fn size(entries: usize, bytes: usize) -> Size {
        Size { entries, bytes }
    }

    fn ledger(budget: &Budget, blocks: &[(Source, Size)]) -> Ledger {
        let mut ledger = Ledger::default();
        for &(source, size) in blocks {
            let reservation = budget.try_reserve(size.bytes).expect("the budget is ample");
            ledger.push(source, size, reservation, Instant::now());
        }
        ledger
    }

    #[test]
    fn a_batch_takes_whole_blocks_and_the_beginning_of_the_next() {
        let budget = Budget::new(1_000);
        let mut ledger = ledger(
            &budget,
            &[
                (Source::Http, size(2, 200)),
                (Source::File(1), size(3, 330)),
                (Source::Http, size(1, 100)),
            ],
        );
        let taken = ledger.take(size(4, 450));
        assert_eq!(
            taken.blocks.as_slice(),
            [
                (Source::Http, size(2, 200)),
                (Source::File(1), size(2, 250))
            ]
        );
        assert_eq!(
            taken.reservation.as_ref().map(Reservation::bytes),
            Some(450)
        );
        assert_eq!(budget.used(), 630);
        drop(taken);
        assert_eq!(budget.used(), 180);

        let rest = ledger.take(size(2, 180));
        assert_eq!(
            rest.blocks.as_slice(),
            [(Source::File(1), size(1, 80)), (Source::Http, size(1, 100))]
        );
        drop(rest);
        assert_eq!(budget.used(), 0);
        assert!(ledger.oldest().is_none());
    }

    #[test]
    fn nothing_is_taken_from_nothing() {
        let taken = Ledger::default().take(size(1, 1));
        assert!(taken.blocks.is_empty());
        assert!(taken.reservation.is_none());
    }
}
