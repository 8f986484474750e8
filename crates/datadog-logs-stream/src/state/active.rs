//! A stream is in use: batches are sent as they come, and acknowledged in their order.

use std::time::Duration;

use super::core::Core;
use super::draining::{Draining, Successor};
use super::stream::{Pause, Stream};
use super::{Effect, Event, Rotation, State, StreamId};
use crate::failure::Failure;

#[derive(Debug)]
pub(super) struct Active {
    pub(super) stream: Stream,
}

impl Active {
    pub(super) fn on<R>(
        mut self,
        core: &mut Core<R>,
        stream: StreamId,
        event: Event,
        now: Duration,
    ) -> State {
        if stream != self.stream.id {
            return State::Active(self);
        }
        match event {
            Event::Opened => State::Active(self),
            Event::Written(messages) => {
                self.stream.written(messages, now);
                self.send(core, now)
            }
            Event::Acknowledged { batch_id, status } => {
                match self.stream.acknowledged(core, batch_id, status, now) {
                    Ok(()) => self.send(core, now),
                    Err(failure) => self.give_up(core, failure, now),
                }
            }
            // The driver has forgotten it already.
            Event::Ended(failure) => core.fail(failure, Some(&self.stream), now),
            Event::GoAway => self.rotate(core, Rotation::GoAway, now),
        }
    }

    /// Sends what can be sent.
    pub(super) fn send<R>(mut self, core: &mut Core<R>, now: Duration) -> State {
        match self.stream.send(core, now) {
            Ok(Pause::Wait) => State::Active(self),
            Ok(Pause::OutOfIds) => self.rotate(core, Rotation::IdCeiling, now),
            Err(failure) => self.give_up(core, failure, now),
        }
    }

    /// Replaces the stream: at once if it owes no acknowledgement, else when it has given them.
    pub(super) fn rotate<R>(self, core: &mut Core<R>, why: Rotation, now: Duration) -> State {
        if why == Rotation::Lifetime {
            core.grow_again();
        }
        if core.inflight.unacknowledged() == 0 {
            core.half_close(self.stream.id, why);
            return core.connect(now);
        }
        let successor = Successor::Opening {
            stream: core.open(),
            until: now + core.settings.connect_timeout,
        };
        State::Draining(Draining {
            stream: self.stream,
            until: now + core.settings.drain_timeout,
            why,
            successor,
        })
    }

    pub(super) fn tick<R>(self, core: &mut Core<R>, now: Duration) -> State {
        if let Some(failure) = self.stream.overdue(core, now) {
            return self.give_up(core, failure, now);
        }
        if now >= self.stream.rotate_at {
            return self.rotate(core, Rotation::Lifetime, now);
        }
        State::Active(self)
    }

    fn give_up<R>(self, core: &mut Core<R>, failure: Failure, now: Duration) -> State {
        core.effects.push_back(Effect::Cancel {
            stream: self.stream.id,
        });
        core.fail(failure, Some(&self.stream), now)
    }

    pub(super) fn wakes_at<R>(&self, core: &Core<R>) -> Duration {
        let overdue = self.stream.overdue_at(core);
        overdue.map_or(self.stream.rotate_at, |at| at.min(self.stream.rotate_at))
    }
}
