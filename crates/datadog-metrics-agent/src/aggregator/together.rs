//! Samples that are looked up together, so that the processor waits for memory once for all of them.
//!
//! The tables and values of thousands of contexts are in no near cache. One by one, each sample waits for the entry of
//! its message, then for its context, then for its sketch; here each of these is asked for sixteen times before the
//! first answer is needed. Decides nothing: what becomes of a sample is as if it had come alone.

use super::{Aggregator, Metric};
use crate::context::{Fingerprint, Found};

/// Messages that are looked up together.
pub(crate) const TOGETHER: usize = 16;

/// A metric, and who sent it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Incoming<'a> {
    /// The metric.
    pub metric: Metric<'a>,
    /// The container that the socket knows of.
    pub sender: Option<&'a str>,
}

impl Aggregator {
    /// Adds the values of metrics, as [`Self::metric`] does for each in turn, and faster: what is in no cache is asked for
    /// at once for several, rather than for one after the other. What was not added is in the [`Tally`](super::Tally).
    pub fn metrics(&mut self, metrics: &[Incoming<'_>], now: i64) {
        for metrics in metrics.chunks(TOGETHER) {
            let mut looked_up = [(Fingerprint::default(), None); TOGETHER];
            for (Incoming { metric, sender }, (message, _)) in metrics.iter().zip(&mut looked_up) {
                *message = self.fingerprint(metric, *sender);
            }
            let looked_up = looked_up.get_mut(..metrics.len()).unwrap_or_default();
            for (message, found) in &mut *looked_up {
                *found = self.contexts.known(*message);
            }
            self.come_near(looked_up, now);
            for (Incoming { metric, sender }, looked_up) in metrics.iter().zip(&*looked_up) {
                let _counted = self
                    .look_up_and_add(metric, *sender, *looked_up, now)
                    .is_err();
            }
        }
    }

    /// Reads what samples are going to change. Neither loop waits for what it reads before it asks for the next.
    #[inline]
    fn come_near(&mut self, looked_up: &[(Fingerprint, Option<Found>)], now: i64) {
        for (_, found) in looked_up {
            if let Some(Found::Context(id)) = found
                && let Some(held) = self.contexts.get_mut(*id)
            {
                held.last_seen = held.last_seen.max(now);
            }
        }
        for (_, found) in looked_up {
            if let Some(Found::Context(id)) = found
                && let Some(held) = self.contexts.get_mut(*id)
                && let Some(bucket) = held.buckets.last()
            {
                std::hint::black_box(bucket.value.look());
            }
        }
    }
}
