//! Memory in bytes, bounded: what a pipeline shares from its socket to the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A number of bytes that a pipeline may hold in all its queues together; cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget {
    inner: Arc<Inner>,
    /// Bytes that may be in use when more are taken through this one.
    limit: usize,
}

#[derive(Debug)]
struct Inner {
    used: AtomicUsize,
    freed: Notify,
}

/// Bytes taken from a [`Budget`]; gives them back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// A budget of `limit` bytes, none of them used.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let inner = Inner {
            used: AtomicUsize::new(0),
            freed: Notify::new(),
        };
        Self {
            inner: Arc::new(inner),
            limit,
        }
    }

    /// The same bytes for those who may take them only up to a lower limit, so that there is something left for others.
    #[must_use]
    pub fn capped(&self, limit: usize) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            limit: limit.min(self.limit),
        }
    }

    /// Takes `bytes` if they fit.
    #[must_use]
    pub fn try_reserve(&self, bytes: usize) -> Option<Reservation> {
        self.inner
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(bytes).filter(|&sum| sum <= self.limit)
            })
            .ok()
            .map(|_| Reservation {
                budget: self.clone(),
                bytes,
            })
    }

    /// Waits until `bytes` fit; `None` if they never can.
    pub async fn reserve(&self, bytes: usize) -> Option<Reservation> {
        if bytes > self.limit {
            return None;
        }
        loop {
            let mut freed = std::pin::pin!(self.inner.freed.notified());
            freed.as_mut().enable();
            if let Some(reservation) = self.try_reserve(bytes) {
                return Some(reservation);
            }
            freed.await;
        }
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.inner.used.load(Ordering::Acquire)
    }

    /// Bytes that may be in use.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.inner.used.fetch_sub(bytes, Ordering::AcqRel);
            self.inner.freed.notify_waiters();
        }
    }
}

impl Reservation {
    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back all but `bytes`; never takes more.
    pub fn shrink_to(&mut self, bytes: usize) {
        let freed = self.bytes.saturating_sub(bytes);
        self.bytes -= freed;
        self.budget.give_back(freed);
    }

    /// Joins another reservation of the same budget to this one.
    pub fn absorb(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Takes `bytes` of this one into a reservation of their own; all of it if there are fewer.
    #[must_use]
    pub fn split_off(&mut self, bytes: usize) -> Self {
        let taken = bytes.min(self.bytes);
        self.bytes -= taken;
        Self {
            budget: self.budget.clone(),
            bytes: taken,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_taken_up_to_its_limit_and_not_a_byte_more() {
        let budget = Budget::new(100);
        let whole = budget.try_reserve(100).unwrap();
        assert!(budget.try_reserve(1).is_none());
        assert!(budget.try_reserve(usize::MAX).is_none());
        drop(whole);
        assert_eq!(budget.used(), 0);
        assert!(budget.try_reserve(101).is_none());
    }

    #[test]
    fn a_reservation_shrinks_splits_and_joins_without_losing_a_byte() {
        let budget = Budget::new(100);
        let mut first = budget.try_reserve(60).unwrap();
        first.shrink_to(200);
        assert_eq!(first.bytes(), 60, "never grows");
        first.shrink_to(50);
        assert_eq!((first.bytes(), budget.used()), (50, 50));
        let mut second = first.split_off(20);
        let all = first.split_off(usize::MAX);
        assert_eq!((first.bytes(), second.bytes(), all.bytes()), (0, 20, 30));
        second.absorb(all);
        drop(first);
        assert_eq!(budget.used(), 50);
        drop(second);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn a_reservation_that_waits_is_made_as_soon_as_there_is_room() {
        let budget = Budget::new(100);
        let held = budget.try_reserve(90).unwrap();
        let mut waiting = std::pin::pin!(budget.reserve(20));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("there is no room yet"),
            () = std::future::ready(()) => {}
        }
        drop(held);
        assert_eq!(waiting.await.unwrap().bytes(), 20);
    }

    #[test]
    fn a_capped_budget_leaves_bytes_to_others_and_counts_theirs() {
        let budget = Budget::new(100);
        let capped = budget.capped(60);
        assert_eq!((capped.limit(), budget.capped(200).limit()), (60, 100));
        let mut all = budget.try_reserve(30).unwrap();
        all.absorb(capped.try_reserve(30).unwrap());
        assert!(capped.try_reserve(1).is_none());
        let rest = budget.try_reserve(40).unwrap();
        assert_eq!((capped.used(), all.bytes()), (100, 60));
        drop((all, rest));
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn what_can_never_fit_is_refused_at_once() {
        assert!(Budget::new(100).reserve(101).await.is_none());
    }
}
