//! Who may put how much into the queue: bounded by entries and by bytes, with a fair share for each source.
//!
//! Counts only; the entries themselves travel in the channel and lie in the aggregator. Memory is the budget's matter.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Source;
use crate::config::BufferLimits;

/// How long a refused source counts as waiting: the second after which it is asked to come back, and one to do so.
const CLAIM: Duration = Duration::from_secs(2);

/// What a block takes from the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

/// Why nothing more may enter now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The queue, or the share of this source, is taken.
    Full,
    /// Nothing will ever enter again.
    Closed,
}

/// The count of what is queued and not yet in a batch, per source.
#[derive(Debug)]
pub(super) struct Admission {
    limits: BufferLimits,
    state: Mutex<State>,
    room: Notify,
    queue_entries: Series,
    queue_bytes: Series,
}

#[derive(Debug, Default)]
struct State {
    total: Size,
    sources: HashMap<Source, Share>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Share {
    held: Size,
    /// Callers that wait for room right now.
    waiting: usize,
    /// Until when a refused caller is expected back.
    claim_until: Option<Instant>,
}

impl Admission {
    pub(super) fn new(limits: BufferLimits, telemetry: &Telemetry) -> Self {
        Self {
            limits,
            state: Mutex::default(),
            room: Notify::new(),
            queue_entries: telemetry.series(Metric::LogsQueueEntries, &[]),
            queue_bytes: telemetry.series(Metric::LogsQueueBytes, &[]),
        }
    }

    /// Lets a block in while the queue is below both limits and, as long as another source waits, this source below
    /// half of them. A refused source counts as waiting for a short while.
    pub(super) fn try_enter(
        &self,
        source: Source,
        size: Size,
        now: Instant,
    ) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        let refused = at_limit(state.total, self.limits)
            || (state.others_wait(source, now) && state.holds_half(source, self.limits));
        let share = state.sources.entry(source).or_default();
        if refused {
            share.claim_until = Some(now + CLAIM);
            return Err(Refusal::Full);
        }
        share.claim_until = None;
        share.held.add(size);
        state.total.add(size);
        self.show(&state);
        Ok(())
    }

    /// As [`Self::try_enter`], waiting for room. Safe to drop at any time.
    pub(super) async fn enter(&self, source: Source, size: Size) -> Result<(), Refusal> {
        let _waiting = Waiting::new(self, source);
        loop {
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            match self.try_enter(source, size, Instant::now()) {
                Err(Refusal::Full) => {}
                decided => return decided,
            }
            // The claim of another source may lapse without a word, hence the limit; asking again does no harm.
            let _lapsed = tokio::time::timeout(CLAIM, room).await.is_err();
        }
    }

    /// Takes out what went into a batch, was evicted, or did not get into the channel.
    pub(super) fn leave(&self, source: Source, size: Size) {
        let mut state = self.lock();
        state.total.subtract(size);
        if let Some(share) = state.sources.get_mut(&source) {
            share.held.subtract(size);
            if share.is_idle() {
                state.sources.remove(&source);
            }
        }
        self.show(&state);
        drop(state);
        self.room.notify_waiters();
    }

    /// Refuses whatever comes from now on.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_waiters();
    }

    /// Whether the queue has reached a limit, so that a batch is due at once.
    pub(super) fn is_full(&self) -> bool {
        at_limit(self.lock().total, self.limits)
    }

    /// What must leave before anything may enter.
    pub(super) fn over_limit(&self) -> Size {
        let total = self.lock().total;
        let over = |held: usize, limit: usize| (held + 1).saturating_sub(limit);
        Size {
            entries: over(total.entries, self.limits.entries),
            bytes: over(total.bytes, self.limits.bytes),
        }
    }

    /// What is queued and not yet in a batch.
    pub(super) fn total(&self) -> Size {
        self.lock().total
    }

    fn show(&self, state: &State) {
        self.queue_entries.set(state.total.entries as u64);
        self.queue_bytes.set(state.total.bytes as u64);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn others_wait(&self, source: Source, now: Instant) -> bool {
        self.sources
            .iter()
            .any(|(other, share)| *other != source && share.wants_room(now))
    }

    fn holds_half(&self, source: Source, limits: BufferLimits) -> bool {
        self.sources.get(&source).is_some_and(|share| {
            share.held.entries >= limits.entries.div_ceil(2)
                || share.held.bytes >= limits.bytes.div_ceil(2)
        })
    }
}

impl Share {
    fn wants_room(&self, now: Instant) -> bool {
        self.waiting > 0 || self.claim_until.is_some_and(|until| now < until)
    }

    fn is_idle(&self) -> bool {
        self.held == Size::default() && self.waiting == 0 && self.claim_until.is_none()
    }
}

impl Size {
    pub(super) fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }

    fn subtract(&mut self, other: Self) {
        self.entries = self.entries.saturating_sub(other.entries);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

fn at_limit(total: Size, limits: BufferLimits) -> bool {
    total.entries >= limits.entries || total.bytes >= limits.bytes
}

/// Counts a caller as waiting for as long as it lives.
struct Waiting<'a> {
    admission: &'a Admission,
    source: Source,
}

impl<'a> Waiting<'a> {
    fn new(admission: &'a Admission, source: Source) -> Self {
        let mut state = admission.lock();
        state.sources.entry(source).or_default().waiting += 1;
        drop(state);
        Self { admission, source }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        if let Some(share) = state.sources.get_mut(&self.source) {
            share.waiting = share.waiting.saturating_sub(1);
            if share.waiting == 0 {
                share.claim_until = None;
            }
            if share.is_idle() {
                state.sources.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BufferLimits = BufferLimits {
        entries: 10,
        bytes: 1_000,
    };

    fn admission() -> Admission {
        Admission::new(LIMITS, &Telemetry::default())
    }

    fn size(entries: usize, bytes: usize) -> Size {
        Size { entries, bytes }
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_admits_while_below_both_limits_and_may_overshoot_by_one_block() {
        let admission = admission();
        let now = Instant::now();
        assert_eq!(admission.try_enter(Source::Http, size(9, 900), now), Ok(()));
        assert_eq!(
            admission.try_enter(Source::Http, size(100, 10), now),
            Ok(())
        );
        assert_eq!(
            admission.try_enter(Source::Http, size(1, 1), now),
            Err(Refusal::Full)
        );
        admission.leave(Source::Http, size(100, 10));
        assert_eq!(admission.try_enter(Source::Http, size(0, 100), now), Ok(()));
        assert_eq!(
            admission.try_enter(Source::Http, size(0, 1), now),
            Err(Refusal::Full),
            "the limit in bytes alone"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_gets_more_than_half_only_while_no_other_waits() {
        let admission = admission();
        let now = Instant::now();
        let file = Source::File(1);
        assert_eq!(admission.try_enter(file, size(10, 10), now), Ok(()));
        assert_eq!(
            admission.try_enter(Source::Http, size(1, 1), now),
            Err(Refusal::Full)
        );
        admission.leave(file, size(5, 5));
        assert_eq!(
            admission.try_enter(file, size(1, 1), now),
            Err(Refusal::Full),
            "it holds half, and the server was refused a moment ago"
        );
        assert_eq!(admission.try_enter(Source::Http, size(1, 1), now), Ok(()));
        assert_eq!(
            admission.try_enter(file, size(1, 1), now),
            Ok(()),
            "nobody waits any more"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_source_that_does_not_come_back_loses_its_claim() {
        let admission = admission();
        let now = Instant::now();
        let file = Source::File(1);
        assert_eq!(admission.try_enter(file, size(10, 10), now), Ok(()));
        assert!(admission.try_enter(Source::Http, size(1, 1), now).is_err());
        admission.leave(file, size(1, 1));
        assert_eq!(
            admission.try_enter(file, size(1, 1), now),
            Err(Refusal::Full)
        );
        assert_eq!(admission.try_enter(file, size(1, 1), now + CLAIM), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_source_enters_when_room_is_made_and_learns_of_the_end() {
        let admission = admission();
        let file = Source::File(1);
        let now = Instant::now();
        assert_eq!(admission.try_enter(file, size(10, 10), now), Ok(()));
        let (entered, ()) = tokio::join!(admission.enter(file, size(2, 2)), async {
            tokio::task::yield_now().await;
            admission.leave(file, size(10, 10));
        });
        assert_eq!(entered, Ok(()));
        assert_eq!(admission.total(), size(2, 2));

        assert_eq!(admission.try_enter(file, size(8, 8), now), Ok(()));
        let (entered, ()) = tokio::join!(admission.enter(file, size(1, 1)), async {
            tokio::task::yield_now().await;
            admission.close();
        });
        assert_eq!(entered, Err(Refusal::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_is_forgotten() {
        let admission = admission();
        let now = Instant::now();
        assert_eq!(
            admission.try_enter(Source::Handle, size(10, 10), now),
            Ok(())
        );
        {
            let mut waiting = std::pin::pin!(admission.enter(Source::File(1), size(1, 1)));
            tokio::select! {
                biased;
                _ = &mut waiting => panic!("there is no room"),
                () = std::future::ready(()) => {}
            }
        }
        assert!(!admission.lock().sources.contains_key(&Source::File(1)));
    }
}
