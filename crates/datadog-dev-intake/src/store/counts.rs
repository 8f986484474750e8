//! Counts of all that ever arrived, whether it is still kept or not.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::{Origin, Received, as_u64};
use crate::logs::{Facets, Tally};
use crate::problem::What;
use crate::records::{Records, Signal};

/// Distinct values of a facet that are counted one by one; later ones count as `other`.
const MAX_VALUES: usize = 10_000;
/// Longest value that is counted under its own name; a longer one counts as `other`.
const MAX_VALUE_BYTES: usize = 1_024;
/// Distinct values that the summary shows.
const SHOWN_VALUES: usize = 100;
/// What a record is said to have when it has no such key.
pub(crate) const NONE: &str = "(none)";
/// The name of everything beyond.
pub(crate) const OTHER: &str = "other";
/// The status of what got no answer.
pub(crate) const UNANSWERED: &str = "unanswered";

/// How often each value of something occurred, within bounds.
#[derive(Debug, Default)]
pub(crate) struct Facet {
    values: HashMap<String, u64>,
    other: u64,
}

impl Facet {
    fn add(&mut self, value: &str, count: u64) {
        if let Some(known) = self.values.get_mut(value) {
            *known += count;
        } else if self.values.len() < MAX_VALUES && value.len() <= MAX_VALUE_BYTES {
            self.values.insert(value.to_owned(), count);
        } else {
            self.other += count;
        }
    }

    fn add_all(&mut self, tally: &Tally) {
        for (value, count) in &tally.0 {
            self.add(value, *count);
        }
    }

    /// How often `value` occurred.
    pub(crate) fn get(&self, value: &str) -> u64 {
        self.values.get(value).copied().unwrap_or(0)
    }

    /// The most frequent values, most frequent first, and the rest as `other`.
    pub(crate) fn shown(&self) -> Map<String, Value> {
        let mut values: Vec<(&str, u64)> = self
            .values
            .iter()
            .map(|(value, count)| (value.as_str(), *count))
            .collect();
        values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let mut other = self.other;
        let mut shown = Map::new();
        for (rank, (value, count)) in values.into_iter().enumerate() {
            if rank < SHOWN_VALUES && value != OTHER {
                shown.insert(value.to_owned(), count.into());
            } else {
                other += count;
            }
        }
        if other > 0 {
            shown.insert(OTHER.to_owned(), other.into());
        }
        shown
    }
}

/// The logs that were accepted.
#[derive(Debug, Default)]
pub(crate) struct LogCounts {
    pub(crate) items: u64,
    pub(crate) requests: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) by_status: Facet,
    pub(crate) by_service: Facet,
    pub(crate) by_source: Facet,
    pub(crate) over_http: ViaCounts,
    pub(crate) over_streams: ViaCounts,
}

/// The records of one signal that were accepted.
#[derive(Debug, Default)]
pub(crate) struct RecordCounts {
    pub(crate) items: u64,
    pub(crate) requests: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) wire_bytes: u64,
    /// Points of series, sketches of distributions, spans of chunks, hits of groups.
    pub(crate) points: u64,
    /// By name, by how grave they are, by status, or by service.
    pub(crate) by: Facet,
}

/// The security events on spans that were accepted.
#[derive(Debug, Default)]
pub(crate) struct SecurityCounts {
    pub(crate) events: u64,
    pub(crate) blocked: u64,
    pub(crate) by_rule: Facet,
}

/// The same logs by how they came in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct ViaCounts {
    pub(crate) items: u64,
    /// Of a request its body decompressed, of a stream the texts of its logs.
    pub(crate) raw_bytes: u64,
    pub(crate) wire_bytes: u64,
}

/// Counts per signal, per path and per problem.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) logs: LogCounts,
    pub(crate) series: RecordCounts,
    pub(crate) sketches: RecordCounts,
    pub(crate) events: RecordCounts,
    pub(crate) checks: RecordCounts,
    pub(crate) traces: RecordCounts,
    pub(crate) stats: RecordCounts,
    pub(crate) security: SecurityCounts,
    pub(crate) requests: u64,
    pub(crate) by_path: Facet,
    pub(crate) by_status: Facet,
    pub(crate) problems: BTreeMap<What, u64>,
}

impl Counts {
    /// Counts one request, and its logs if it was accepted; or a stream as it opens, or a batch of one.
    pub(crate) fn add(&mut self, received: &Received, facets: &Facets) {
        match &received.origin {
            Origin::Request => {
                self.add_request(received);
                if !received.logs.is_empty() {
                    self.logs.requests += 1;
                    self.add_logs(received, facets, received.raw_bytes());
                }
                if let Some(records) = &received.records {
                    self.add_records(received, records, facets);
                }
            }
            Origin::Stream(_) => {
                self.requests += 1;
                self.by_path.add(&received.path, 1);
            }
            Origin::Batch(batch) => self.add_logs(received, facets, batch.body_bytes),
        }
    }

    /// The counts of one signal.
    pub(crate) fn of(&self, signal: Signal) -> &RecordCounts {
        match signal {
            Signal::Series => &self.series,
            Signal::Sketches => &self.sketches,
            Signal::Events => &self.events,
            Signal::Checks => &self.checks,
            Signal::Traces => &self.traces,
            Signal::Stats => &self.stats,
        }
    }

    /// Counts the end of a stream.
    pub(crate) fn add_end(&mut self, status: &str) {
        self.by_status.add(status, 1);
    }

    /// Counts problems.
    pub(crate) fn add_problem(&mut self, what: What, count: u64) {
        *self.problems.entry(what).or_default() += count;
    }

    fn add_request(&mut self, received: &Received) {
        self.requests += 1;
        self.by_path.add(&received.path, 1);
        match received.status {
            Some(status) => self.by_status.add(&status.to_string(), 1),
            None => self.by_status.add(UNANSWERED, 1),
        }
        for (what, count) in received.problems.counts() {
            self.add_problem(*what, *count);
        }
    }

    fn add_records(&mut self, received: &Received, records: &Records, facets: &Facets) {
        let counts = match records.signal() {
            Signal::Series => &mut self.series,
            Signal::Sketches => &mut self.sketches,
            Signal::Events => &mut self.events,
            Signal::Checks => &mut self.checks,
            Signal::Traces => &mut self.traces,
            Signal::Stats => &mut self.stats,
        };
        counts.items += as_u64(records.count());
        counts.requests += 1;
        counts.raw_bytes += received.raw_bytes();
        counts.wire_bytes += received.wire_bytes;
        counts.points += facets.points;
        counts.by.add_all(&facets.named);
        self.security.events += facets.security.events;
        self.security.blocked += facets.security.blocked;
        for (rule, count) in facets.security.rules.iter() {
            self.security.by_rule.add(rule, count);
        }
    }

    fn add_logs(&mut self, received: &Received, facets: &Facets, raw_bytes: u64) {
        let logs = &mut self.logs;
        let via = match received.origin {
            Origin::Request => &mut logs.over_http,
            Origin::Stream(_) | Origin::Batch(_) => &mut logs.over_streams,
        };
        via.items += as_u64(received.logs.len());
        via.raw_bytes += raw_bytes;
        via.wire_bytes += received.wire_bytes;
        logs.items += as_u64(received.logs.len());
        logs.raw_bytes += raw_bytes;
        logs.wire_bytes += received.wire_bytes;
        logs.by_status.add_all(&facets.status);
        logs.by_service.add_all(&facets.service);
        logs.by_source.add_all(&facets.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hundred_most_frequent_are_shown_and_the_rest_is_other() {
        let mut facet = Facet::default();
        for value in 0..150_u64 {
            facet.add(&format!("v{value:03}"), value + 1);
        }
        let shown = facet.shown();
        assert_eq!(shown.len(), 101);
        assert_eq!(shown.keys().next().unwrap(), "v149");
        assert_eq!(shown["v050"], 51);
        assert_eq!(shown.get("v049"), None);
        assert_eq!(shown["other"], (1..=50).sum::<u64>());
    }

    #[test]
    fn values_without_end_are_counted_within_bounds() {
        let mut facet = Facet::default();
        for value in 0..MAX_VALUES + 5 {
            facet.add(&value.to_string(), 1);
        }
        facet.add(&"long".repeat(MAX_VALUE_BYTES), 2);
        assert_eq!((facet.values.len(), facet.other), (MAX_VALUES, 7));
    }

    #[test]
    fn a_value_called_other_does_not_hide_the_rest() {
        let mut facet = Facet::default();
        facet.add("other", 3);
        facet.other = 4;
        assert_eq!(
            serde_json::to_string(&facet.shown()).unwrap(),
            r#"{"other":7}"#
        );
    }
}
