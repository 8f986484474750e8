//! A stream was asked for and is not there yet. Batches are taken and wait.

use std::time::Duration;

use super::core::Core;
use super::{Effect, Event, State, StreamId};
use crate::failure::Failure;

#[derive(Debug)]
pub(super) struct Connecting {
    pub(super) stream: StreamId,
    /// When it takes too long.
    until: Duration,
}

impl Connecting {
    pub(super) fn new(stream: StreamId, until: Duration) -> Self {
        Self { stream, until }
    }

    pub(super) fn on<R>(
        self,
        core: &mut Core<R>,
        stream: StreamId,
        event: Event,
        now: Duration,
    ) -> State {
        if stream != self.stream {
            return State::Connecting(self);
        }
        match event {
            Event::Opened => {
                core.stats.opened += 1;
                core.activate(stream, now)
            }
            Event::Ended(failure) => core.fail(failure, None, now),
            Event::Written(_) | Event::Acknowledged { .. } | Event::GoAway => {
                State::Connecting(self)
            }
        }
    }

    pub(super) fn tick<R>(self, core: &mut Core<R>, now: Duration) -> State {
        if now < self.until {
            return State::Connecting(self);
        }
        core.effects.push_back(Effect::Cancel {
            stream: self.stream,
        });
        core.fail(Failure::CreationFailed, None, now)
    }

    pub(super) fn wakes_at(&self) -> Duration {
        self.until
    }
}
