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
    /// Asks every server to stop, with open requests finished by `deadline`. A second call can only move the deadline forward in the queue, never back.
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
