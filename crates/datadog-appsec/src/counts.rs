//! What was done and what was left out, counted.
//!
//! Whoever runs AppSec reads the counts when it likes; nothing here is reset.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::body::Skipped;

/// Declares the counters with a snapshot of the same names.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters, shared by all transactions.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        /// What was counted since the start.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub(crate) fn read(&self) -> Counts {
                Counts { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Requests that were looked at.
    requests,
    /// Evaluations.
    evaluations,
    /// Spans that were left alone because enough others were being looked at.
    inspections_skipped,
    /// Requests that were given up for newer ones before their span came.
    evicted,
    /// Requests whose span was not held any longer for their response.
    unanswered,
    /// Responses to requests of which nothing was known, or not any more.
    unmatched,
    /// Requests in which something was found.
    attacks,
    /// Requests that were answered here instead of going on.
    blocked,
    /// Requests that rules wanted to block, where nobody can.
    block_ignored,
    /// Evaluations that ran out of time, or had none left.
    timeouts,
    /// Evaluations that failed.
    errors,
    /// Traces that should have been kept, beyond the limit of a second.
    keep_limited,
    /// Schemas on spans.
    schemas,
    /// Schemas that were too long for a span.
    schemas_too_long,
    /// Events that were left out of a span because all of them would be too long.
    events_dropped,
    /// Requests of which something was cut.
    truncated,
    /// Bodies with more bytes than are looked at.
    bodies_too_large,
    /// Bodies with a content encoding.
    bodies_encoded,
    /// Bodies of types that are not looked at.
    bodies_unsupported,
    /// Bodies that are not what their type says.
    bodies_malformed,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }
}

impl Counters {
    /// Counts a body that is not looked at; one that is not there is not counted.
    pub(crate) fn skipped(&self, why: Skipped) {
        match why {
            Skipped::Empty => {}
            Skipped::TooLarge => self.bodies_too_large.add_one(),
            Skipped::Encoded => self.bodies_encoded.add_one(),
            Skipped::Unsupported => self.bodies_unsupported.add_one(),
            Skipped::Malformed => self.bodies_malformed.add_one(),
        }
    }
}
