//! Logs go over HTTP, since the intake does not take the stream; it is tried again at some time.

use std::time::Duration;

use super::State;
use super::core::Core;
use super::waiting::Reason;

#[derive(Debug)]
pub(super) struct Away {
    pub(super) until: Duration,
    pub(super) reason: Reason,
}

impl Away {
    pub(super) fn tick<R>(self, core: &mut Core<R>, now: Duration) -> State {
        if now < self.until {
            return State::Away(self);
        }
        core.connect(now)
    }

    /// A new key is worth an attempt at once if the old one was refused.
    pub(super) fn key_changed<R>(self, core: &mut Core<R>, now: Duration) -> State {
        match self.reason {
            Reason::Auth => core.connect(now),
            Reason::Failure => State::Away(self),
        }
    }

    pub(super) fn wakes_at(&self) -> Duration {
        self.until
    }
}
