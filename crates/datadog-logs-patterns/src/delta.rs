//! The running values of one batch, from which its logs differ on the wire.
//!
//! A batch begins with none of them, on both ends; nothing is carried from one batch to the next.
//! The same operations give the same differences each time, because every writing starts anew.

use crate::operation::PatternId;

/// What the logs so far have left behind.
///
/// 0 stands for what no log of the batch has set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delta {
    timestamp_ms: i64,
    pattern: PatternId,
    status: u64,
    service: u64,
    tags: u64,
    schema: u64,
}

impl Delta {
    /// The milliseconds since the log before, those since 1970 for the first one.
    ///
    /// Wraps around, as the sum on the other end does.
    pub(crate) fn timestamp(&mut self, timestamp_ms: i64) -> i64 {
        timestamp_ms.wrapping_sub(std::mem::replace(&mut self.timestamp_ms, timestamp_ms))
    }

    /// Notes a definition: the pattern is the last one now.
    pub(crate) fn define(&mut self, pattern: PatternId) {
        self.pattern = pattern;
    }

    /// The pattern, unless it is the last one.
    pub(crate) fn pattern(&mut self, pattern: PatternId) -> Option<PatternId> {
        changed(&mut self.pattern, pattern)
    }

    /// The status in the numbers of the profile, unless it is that of the log before.
    pub(crate) fn status(&mut self, status: u64) -> Option<u64> {
        changed(&mut self.status, status)
    }

    /// The service in the numbers of the profile, unless it is that of the log before.
    pub(crate) fn service(&mut self, service: u64) -> Option<u64> {
        changed(&mut self.service, service)
    }

    /// The tag set in the numbers of the profile, unless it is that of the log before.
    pub(crate) fn tags(&mut self, tags: u64) -> Option<u64> {
        changed(&mut self.tags, tags)
    }

    /// The schema in the numbers of the profile, unless it is that of the log before.
    pub(crate) fn schema(&mut self, schema: u64) -> Option<u64> {
        changed(&mut self.schema, schema)
    }
}

fn changed(last: &mut u64, next: u64) -> Option<u64> {
    (std::mem::replace(last, next) != next).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_differences_whose_sum_is_exact() {
        let mut delta = Delta::default();
        let found = [5, 0, 9, i64::MAX, i64::MIN].map(|timestamp| delta.timestamp(timestamp));
        assert_eq!(found, [5, -5, 9, i64::MAX - 9, 1]);
    }

    #[test]
    fn a_definition_sets_the_last_pattern() {
        let mut delta = Delta::default();
        delta.define(7);
        assert_eq!(delta.pattern(7), None);
        assert_eq!(delta.pattern(8), Some(8));
        assert_eq!(delta.pattern(8), None);
        assert_eq!(delta.pattern(7), Some(7));
    }

    #[test]
    fn a_value_is_stated_when_it_changes_and_first_when_it_is_not_0() {
        let mut delta = Delta::default();
        let found = [0, 2, 2, 0, 0, 1].map(|tags| delta.tags(tags));
        assert_eq!(found, [None, Some(2), None, Some(0), None, Some(1)]);
    }
}
