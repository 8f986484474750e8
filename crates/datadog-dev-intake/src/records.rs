//! Records other than logs: what they are about, and where those of a request stand in its body.
//!
//! Every signal keeps its records as ranges of the body, to be decoded again when somebody asks; what it keeps beside
//! them is its own.

use std::collections::HashMap;
use std::ops::Range;

use crate::logs::{Facets, Refusal, Tally};
use crate::metrics::Metrics;
use crate::stats::Stats;
use crate::store::counts::OTHER;
use crate::traces::Traces;

/// Records in one body; with more, keeping where each stands would take many times the body.
pub(crate) const MAX_RECORDS: usize = 100_000;
/// Names of one body that are counted one by one; later ones count as one.
const MAX_NAMES: usize = 1_000;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Series,
    Sketches,
    Events,
    Checks,
    /// Chunks of traces.
    Traces,
    /// Groups of trace stats.
    Stats,
}

impl Signal {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] = [
        Self::Series,
        Self::Sketches,
        Self::Events,
        Self::Checks,
        Self::Traces,
        Self::Stats,
    ];

    /// Its name in the summary and under `/inspect/`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Sketches => "sketches",
            Self::Events => "events",
            Self::Checks => "checks",
            Self::Traces => "traces",
            Self::Stats => "stats",
        }
    }

    /// What one record of it is called in a problem.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Sketches => "sketch",
            Self::Events => "event",
            Self::Checks => "check",
            Self::Traces => "chunk",
            Self::Stats => "group",
        }
    }
}

/// The accepted records of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Records {
    /// Of metrics, events or service checks.
    Metrics(Metrics),
    Traces(Traces),
    Stats(Stats),
}

impl Records {
    pub(crate) fn signal(&self) -> Signal {
        match self {
            Self::Metrics(metrics) => metrics.shape.signal(),
            Self::Traces(_) => Signal::Traces,
            Self::Stats(_) => Signal::Stats,
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Metrics(metrics) => metrics.places.len(),
            Self::Traces(traces) => traces.chunks.len(),
            Self::Stats(stats) => stats.groups.len(),
        }
    }

    /// Where the one at `index` stands in the decompressed body.
    pub(crate) fn place(&self, index: usize) -> Option<&Range<u32>> {
        match self {
            Self::Metrics(metrics) => metrics.places.get(index),
            Self::Traces(traces) => traces.chunks.get(index).map(|chunk| &chunk.place),
            Self::Stats(stats) => stats.groups.get(index).map(|group| &group.place),
        }
    }

    /// Bytes that keeping them takes, the body aside.
    pub(crate) fn cost(&self) -> usize {
        match self {
            Self::Metrics(metrics) => metrics.cost(),
            Self::Traces(traces) => traces.cost(),
            Self::Stats(stats) => stats.cost(),
        }
    }

    /// Metrics, events or service checks, if they are.
    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        match self {
            Self::Metrics(metrics) => Some(metrics),
            _ => None,
        }
    }
}

/// A body to be decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a> {
    /// Decompressed.
    pub(crate) raw: &'a [u8],
    /// Its length as it was sent.
    pub(crate) wire_bytes: u64,
    /// What `Content-Type` says, without parameters.
    pub(crate) media_type: &'a str,
    pub(crate) now_ms: i64,
}

/// What a body held.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// The records, unless the body is refused.
    pub(crate) records: Option<Records>,
    /// How many records there are, where they could be counted.
    pub(crate) items: Option<usize>,
    pub(crate) refusal: Option<Refusal>,
    /// What the records are called, and how much is in them.
    pub(crate) facets: Facets,
}

/// The bytes of a record; none where a range is not one of this body.
pub(crate) fn within<'a>(body: &'a [u8], place: &Range<u32>) -> &'a [u8] {
    let range = usize::try_from(place.start)
        .ok()
        .zip(usize::try_from(place.end).ok());
    range
        .and_then(|(start, end)| body.get(start..end))
        .unwrap_or_default()
}

/// How often each name occurs in one body.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, u64>);

impl Names {
    /// Counts a name so many times more.
    pub(crate) fn add(&mut self, name: &str, times: u64) {
        if let Some(count) = self.0.get_mut(name) {
            *count = count.saturating_add(times);
            return;
        }
        let name = if self.0.len() < MAX_NAMES {
            name
        } else {
            OTHER
        };
        let count = self.0.entry(name.to_owned()).or_default();
        *count = count.saturating_add(times);
    }

    pub(crate) fn tally(self) -> Tally {
        Tally(self.0.into_iter().collect())
    }

    /// Each name with how often it occurs, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }
}
