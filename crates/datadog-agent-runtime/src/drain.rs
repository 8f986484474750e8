//! Tells servers, and only servers, to stop.
//!
//! Whatever stands behind a server ends because its channel ends. The value is passed in, never global.

use std::fmt;

use tokio::sync::watch;
use tokio::time::Instant;

/// The side that says when to stop.
pub struct DrainSignal {
    deadline: watch::Sender<Option<Instant>>,
}

/// The side that is told to stop; cheap to clone.
#[derive(Clone)]
pub struct Drain {
    deadline: watch::Receiver<Option<Instant>>,
}

/// A pair of both sides. Dropping the signal counts as a signal whose deadline is now.
#[must_use]
pub fn channel() -> (DrainSignal, Drain) {
    let (sender, receiver) = watch::channel(None);
    (
        DrainSignal { deadline: sender },
        Drain { deadline: receiver },
    )
}

impl DrainSignal {
    /// Asks every server to stop, with open requests finished by `deadline`. A second call
    /// can only bring the deadline forward, never put it off.
    pub fn signal(&self, deadline: Instant) {
        self.deadline.send_if_modified(|current| match current {
            Some(earlier) if *earlier <= deadline => false,
            _ => {
                *current = Some(deadline);
                true
            }
        });
    }
}

impl Drain {
    /// Waits until the signal is given, and returns its deadline.
    pub async fn signalled(&self) -> Instant {
        let mut deadline = self.deadline.clone();
        let seen = match deadline.wait_for(Option::is_some).await {
            Ok(value) => *value,
            Err(_) => None,
        };
        seen.unwrap_or_else(Instant::now)
    }

    /// The deadline, once the signal is given.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        *self.deadline.borrow()
    }
}

impl fmt::Debug for DrainSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DrainSignal")
            .field("deadline", &*self.deadline.borrow())
            .finish()
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("deadline", &*self.deadline.borrow())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn signal_wakes_all_who_wait_with_its_deadline() {
        let (signal, drain) = channel();
        let deadline = Instant::now() + Duration::from_secs(5);
        let other = drain.clone();
        let waiting = tokio::spawn(async move { other.signalled().await });
        tokio::task::yield_now().await;
        assert_eq!(drain.deadline(), None);
        assert!(!waiting.is_finished());
        signal.signal(deadline);
        assert_eq!(waiting.await.unwrap(), deadline);
        // Whoever comes later does not wait.
        assert_eq!(drain.signalled().await, deadline);
        assert_eq!(drain.deadline(), Some(deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn second_signal_can_shorten_the_time_and_not_lengthen_it() {
        let (signal, drain) = channel();
        let deadline = Instant::now() + Duration::from_secs(5);
        signal.signal(deadline);
        signal.signal(deadline + Duration::from_secs(1));
        assert_eq!(drain.deadline(), Some(deadline));
        let earlier = deadline - Duration::from_secs(1);
        signal.signal(earlier);
        assert_eq!(drain.deadline(), Some(earlier));
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_signal_is_a_signal_whose_deadline_is_now() {
        let (signal, drain) = channel();
        drop(signal);
        assert_eq!(drain.signalled().await, Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_signal_after_use_keeps_its_deadline() {
        let (signal, drain) = channel();
        let deadline = Instant::now() + Duration::from_secs(5);
        signal.signal(deadline);
        drop(signal);
        assert_eq!(drain.signalled().await, deadline);
    }

    #[test]
    fn two_agents_are_told_apart() {
        let (signal, drain) = channel();
        let (_other_signal, other) = channel();
        signal.signal(Instant::now());
        assert!(drain.deadline().is_some());
        assert_eq!(other.deadline(), None);
    }
}
