//! A stream is being replaced: nothing more is sent on it, its last acknowledgements are waited for, and meanwhile the
//! next one is opened. There are never two streams in use.

use std::time::Duration;

use super::core::Core;
use super::stream::Stream;
use super::{Effect, Event, Rotation, State, StreamId};
use crate::failure::{Failure, Verdict};

#[derive(Debug)]
pub(super) struct Draining {
    pub(super) stream: Stream,
    /// How long acknowledgements are waited for.
    pub(super) until: Duration,
    pub(super) why: Rotation,
    pub(super) successor: Successor,
}

/// The stream that comes next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Successor {
    Opening {
        stream: StreamId,
        until: Duration,
    },
    Open {
        stream: StreamId,
    },
    /// It could not be opened; another is asked for when this one is done.
    Failed {
        failure: Failure,
    },
}

impl Draining {
    pub(super) fn on<R>(
        mut self,
        core: &mut Core<R>,
        stream: StreamId,
        event: Event,
        now: Duration,
    ) -> State {
        if self.successor_id() == Some(stream) {
            return self.on_successor(core, stream, event);
        }
        if stream != self.stream.id {
            return State::Draining(self);
        }
        match event {
            Event::Opened | Event::GoAway => State::Draining(self),
            Event::Written(messages) => {
                self.stream.written(messages, now);
                State::Draining(self)
            }
            Event::Acknowledged { batch_id, status } => {
                match self.stream.acknowledged(core, batch_id, status, now) {
                    Ok(()) => self.follow_if_done(core, now),
                    Err(failure) => {
                        core.effects.push_back(Effect::Cancel {
                            stream: self.stream.id,
                        });
                        self.fail(core, failure, now)
                    }
                }
            }
            Event::Ended(failure) => self.fail(core, failure, now),
        }
    }

    fn on_successor<R>(mut self, core: &mut Core<R>, stream: StreamId, event: Event) -> State {
        match event {
            Event::Opened => {
                core.stats.opened += 1;
                self.successor = Successor::Open { stream };
            }
            Event::Ended(failure) => self.successor = Successor::Failed { failure },
            // A server that closes before a byte was sent will say so again.
            Event::Written(_) | Event::Acknowledged { .. } | Event::GoAway => {}
        }
        State::Draining(self)
    }

    fn follow_if_done<R>(self, core: &mut Core<R>, now: Duration) -> State {
        if core.inflight.unacknowledged() > 0 {
            return State::Draining(self);
        }
        core.half_close(self.stream.id, self.why);
        self.follow(core, now)
    }

    /// Goes on with the next stream.
    fn follow<R>(self, core: &mut Core<R>, now: Duration) -> State {
        match self.successor {
            Successor::Open { stream } => core.activate(stream, now),
            Successor::Opening { stream, until } => {
                core.inflight.reset();
                State::Connecting(super::connecting::Connecting::new(stream, until))
            }
            Successor::Failed { failure } => core.fail(failure, None, now),
        }
    }

    /// The old stream failed. What only says that it is gone does not keep the next one from its work.
    fn fail<R>(self, core: &mut Core<R>, failure: Failure, now: Duration) -> State {
        let has_acknowledged = self.stream.acknowledged > 0;
        let verdict = failure.verdict(has_acknowledged);
        let is_open = matches!(self.successor, Successor::Open { .. });
        if is_open && matches!(verdict, Verdict::Retry | Verdict::Planned) {
            core.stats.fail(failure);
            return self.follow(core, now);
        }
        if let Some(stream) = self.successor_id() {
            core.effects.push_back(Effect::Cancel { stream });
        }
        core.fail(failure, Some(&self.stream), now)
    }

    pub(super) fn tick<R>(mut self, core: &mut Core<R>, now: Duration) -> State {
        if let Successor::Opening { stream, until } = self.successor
            && now >= until
        {
            core.effects.push_back(Effect::Cancel { stream });
            self.successor = Successor::Failed {
                failure: Failure::CreationFailed,
            };
        }
        if now < self.until {
            return State::Draining(self);
        }
        core.stats.rotate(self.why);
        core.effects.push_back(Effect::Cancel {
            stream: self.stream.id,
        });
        self.follow(core, now)
    }

    pub(super) fn successor_id(&self) -> Option<StreamId> {
        match self.successor {
            Successor::Opening { stream, .. } | Successor::Open { stream } => Some(stream),
            Successor::Failed { .. } => None,
        }
    }

    pub(super) fn wakes_at<R>(&self, _core: &Core<R>) -> Duration {
        match self.successor {
            Successor::Opening { until, .. } => self.until.min(until),
            Successor::Open { .. } | Successor::Failed { .. } => self.until,
        }
    }
}
