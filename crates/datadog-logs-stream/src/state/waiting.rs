//! A pause after a failure. Batches are taken and wait.

use std::time::Duration;

use super::State;
use super::core::Core;

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) until: Duration,
    pub(super) reason: Reason,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// That the other end recovers.
    Failure,
    /// A key that it takes.
    Auth,
}

impl Waiting {
    pub(super) fn tick<R>(self, core: &mut Core<R>, now: Duration) -> State {
        if now < self.until {
            return State::Waiting(self);
        }
        core.connect(now)
    }

    /// A new key is worth an attempt at once if the old one was refused.
    pub(super) fn key_changed<R>(self, core: &mut Core<R>, now: Duration) -> State {
        match self.reason {
            Reason::Auth => core.connect(now),
            Reason::Failure => State::Waiting(self),
        }
    }

    /// The machine is being closed, and has no time for a long pause.
    pub(super) fn hurry<R>(mut self, core: &mut Core<R>, now: Duration) -> State {
        self.until = self.until.min(Core::<R>::closing_pause(now));
        self.tick(core, now)
    }

    pub(super) fn wakes_at(&self) -> Duration {
        self.until
    }
}
