//! Where bodies are decoded: so many at once, and to the end.
//!
//! Work that has begun ends although its client may be gone or its connection cut: what was received must be sent or
//! counted. What had to wait for too long is not begun.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::RequestLimits;

/// Bodies above this are decoded on a thread where they hold nobody up: some 100 µs of work.
pub(super) const INLINE_BYTES: usize = 64 * 1_024;

/// It was not this one's turn in time, or its work broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotDone;

/// Gives out turns.
#[derive(Debug)]
pub(super) struct Desk {
    turns: Arc<Semaphore>,
    count: u32,
    patience: Duration,
}

/// The right to decode one body; ends when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Desk {
    pub(super) fn new(limits: &RequestLimits) -> Self {
        let count = u32::try_from(limits.decoders).unwrap_or(u32::MAX);
        Self {
            turns: Arc::new(Semaphore::new(limits.decoders)),
            count,
            patience: limits.decoder_timeout,
        }
    }

    /// Waits for the turn of a body.
    pub(super) async fn turn(&self) -> Result<Turn, NotDone> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        match timeout(self.patience, turn).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit }),
            _ => Err(NotDone),
        }
    }

    /// Does what takes processor time, when it is its turn.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let turn = self.turn().await?;
        compute(bytes, move || {
            let _turn = turn;
            work()
        })
        .await
    }

    /// Waits until nobody has a turn, or until the deadline; nobody gets one afterwards.
    pub(super) async fn settled(&self, deadline: Instant) {
        let all = timeout_at(deadline, self.turns.acquire_many(self.count)).await;
        self.turns.close();
        drop(all);
    }
}

/// Does what takes processor time: here if it is little, else where it holds nobody up, to the end even if the future
/// is dropped.
pub(super) async fn compute<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NotDone> {
    if bytes <= INLINE_BYTES {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| NotDone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(decoders: usize) -> Desk {
        Desk::new(&RequestLimits {
            decoders,
            decoder_timeout: Duration::from_secs(1),
            ..RequestLimits::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_too_long_has_no_turn() {
        let desk = desk(1);
        let first = desk.turn().await.unwrap();
        assert_eq!(desk.turn().await.unwrap_err(), NotDone);
        assert_eq!(desk.work(1, || ()).await, Err(NotDone));
        drop(first);
        assert_eq!(desk.work(1, || 7).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_turns_until_its_deadline_and_gives_none_afterwards() {
        let desk = desk(2);
        let turn = desk.turn().await.unwrap();
        let begin = Instant::now();
        desk.settled(begin + Duration::from_secs(3)).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(3));
        drop(turn);
        assert_eq!(desk.work(1, || ()).await, Err(NotDone));
    }

    #[tokio::test]
    async fn work_that_breaks_off_is_not_done() {
        let large = INLINE_BYTES + 1;
        let desk = desk(1);
        let broken: Result<(), _> = desk.work(large, || panic!("as a test")).await;
        assert_eq!(broken, Err(NotDone));
        assert_eq!(desk.work(large, || 7).await, Ok(7));
    }
}
