//! Where the spans of a chunk are, by their ids.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::span::Span;

/// Spans of a chunk that are looked through one by one; for more, a hash map is faster, and safe from chunks of a
/// million.
const FEW: usize = 32;

/// The places of spans by their ids. Of several spans with one id, the last counts.
#[expect(
    clippy::large_enum_variant,
    reason = "lives on the stack, so that small chunks allocate nothing"
)]
pub(super) enum Ids {
    Few(SmallVec<[u64; FEW]>),
    Many(HashMap<u64, usize, RandomState>),
}

impl Ids {
    pub(super) fn of(spans: &[Span<'_>]) -> Self {
        let ids = spans.iter().map(|span| span.span_id);
        if spans.len() <= FEW {
            return Self::Few(ids.collect());
        }
        Self::Many(ids.zip(0..).collect())
    }

    /// The place of a span.
    pub(super) fn find(&self, id: u64) -> Option<usize> {
        match self {
            Self::Few(ids) => ids.iter().rposition(|&found| found == id),
            Self::Many(places) => places.get(&id).copied(),
        }
    }
}

/// How many spans have the id of one before them.
pub(crate) fn duplicates(spans: &[Span<'_>]) -> usize {
    match Ids::of(spans) {
        Ids::Few(ids) => (1..ids.len())
            .filter(|&index| ids[..index].contains(&ids[index]))
            .count(),
        Ids::Many(places) => spans.len() - places.len(),
    }
}
