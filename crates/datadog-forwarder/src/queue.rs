//! Memory in bytes, bounded: the budget that a pipeline shares from its socket to the wire, and the queue of an endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A number of bytes that a pipeline may hold in all its queues together; cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
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
        Self(Arc::new(Inner {
            limit,
            used: AtomicUsize::new(0),
            freed: Notify::new(),
        }))
    }

    /// Takes `bytes` if they fit.
    #[must_use]
    pub fn try_reserve(&self, bytes: usize) -> Option<Reservation> {
        self.0
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(bytes).filter(|&sum| sum <= self.0.limit)
            })
            .ok()
            .map(|_| Reservation {
                budget: self.clone(),
                bytes,
            })
    }

    /// Waits until `bytes` fit; `None` if they never can.
    pub async fn reserve(&self, bytes: usize) -> Option<Reservation> {
        if bytes > self.0.limit {
            return None;
        }
        loop {
            let mut freed = std::pin::pin!(self.0.freed.notified());
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
        self.0.used.load(Ordering::Acquire)
    }

    /// Bytes that may be in use.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
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

impl Budget {
    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.0.used.fetch_sub(bytes, Ordering::AcqRel);
            self.0.freed.notify_waiters();
        }
    }
}
