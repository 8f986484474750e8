//! A flush under way, and who waits for it.
//!
//! Calls that come while one is under way join it: they get its report, and none of them begins another round of
//! attempts.

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::report::FlushReport;

/// A call of `flush`.
#[derive(Debug)]
pub(crate) struct FlushCall {
    /// When the caller wants its report at the latest.
    pub(crate) deadline: Instant,
    /// Takes the report; nobody may be there any more.
    pub(crate) report: oneshot::Sender<FlushReport>,
}

/// A flush under way.
#[derive(Debug)]
pub(crate) struct Flush {
    /// The number of the last payload that it covers.
    mark: u64,
    /// The latest deadline of all calls.
    deadline: Instant,
    calls: Vec<FlushCall>,
}

impl Flush {
    /// A flush of what was handed over up to number `mark`.
    pub(crate) fn new(mark: u64, call: FlushCall) -> Self {
        Self {
            mark,
            deadline: call.deadline,
            calls: vec![call],
        }
    }

    /// Lets another call join, which covers payloads up to number `mark`.
    pub(crate) fn join(&mut self, mark: u64, call: FlushCall) {
        self.mark = self.mark.max(mark);
        self.deadline = self.deadline.max(call.deadline);
        self.calls.push(call);
    }

    /// The number of the last payload that it covers.
    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }

    /// When it ends, done or not.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When the next caller has to have its report.
    pub(crate) fn next_deadline(&self) -> Instant {
        let earliest = self.calls.iter().map(|call| call.deadline).min();
        earliest.unwrap_or(self.deadline)
    }

    /// The calls whose deadline has come.
    pub(crate) fn take_late(&mut self, now: Instant) -> Vec<FlushCall> {
        self.calls
            .extract_if(.., |call| call.deadline <= now)
            .collect()
    }

    /// All calls that still wait.
    pub(crate) fn into_calls(self) -> Vec<FlushCall> {
        self.calls
    }
}
