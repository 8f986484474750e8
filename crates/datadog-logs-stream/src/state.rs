//! What a pipeline of the stream does next: inputs are batches, acknowledgements, the fate of streams and time;
//! outputs are effects for a driver to carry out.
//!
//! Pure: no socket, task or clock, and randomness comes from a seed, so that the same inputs give the same effects.
//! One owner: the machine alone knows which stream is current. Whatever a driver reports carries the number of its
//! stream, and what comes from another than the current one is dropped. A stream is opened, half-closed or cancelled
//! by an effect that is given once, hence nothing can be closed twice or written to after its end.
//!
//! Each state is a type in a file of its own, and a transition consumes one state and returns the next.

mod active;
mod away;
mod connecting;
mod core;
mod draining;
mod settings;
mod stats;
mod stream;
mod waiting;

use std::time::Duration;

use bytes::Bytes;
use datadog_logs_patterns::snapshot::{Entries, Snapshot};
use datadog_logs_patterns::wire::Profile;

use self::active::Active;
use self::away::Away;
use self::connecting::Connecting;
use self::core::Core;
use self::draining::Draining;
use self::waiting::{Reason, Waiting};
use crate::failure::Failure;
use crate::inflight::Batch;
use crate::writer::{Compression, Writer};

pub use self::settings::{AckStatus, Fallback, Settings, Wire};
pub use self::stats::{DropReason, Latency, Rotation, Stats};

/// A stream, or the attempt to open one; never used again by a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// What a driver tells the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The stream can be written to. The server need not have answered: some answer only when they have a batch.
    Opened,
    /// So many messages of the stream, counted from its beginning, have left for the network.
    Written(u64),
    /// The server acknowledges a batch.
    Acknowledged {
        /// Its id.
        batch_id: u32,
        /// What the server says of it, as on the wire: 1 is good.
        status: i32,
    },
    /// The stream is over, or could not be opened.
    Ended(Failure),
    /// The server is about to close the connection.
    GoAway,
}

/// What a driver has to do, in the order given.
#[derive(Debug)]
pub enum Effect<R> {
    /// Open a stream, with the key as it is now.
    Open {
        /// Its number, to be reported with all that concerns it.
        stream: StreamId,
        /// The profile, which names the method.
        profile: Profile,
    },
    /// Write a batch to an open stream.
    Send {
        /// The stream.
        stream: StreamId,
        /// The id of the batch.
        batch_id: u32,
        /// Its data.
        data: Bytes,
    },
    /// End the own side of a stream, read for at most a second what the server still says, and forget it.
    HalfClose {
        /// The stream.
        stream: StreamId,
    },
    /// Forget a stream at once, open or not.
    Cancel {
        /// The stream.
        stream: StreamId,
    },
    /// The logs of a batch are safe at the other end.
    Delivered {
        /// Given with the batch.
        receipt: R,
    },
    /// The logs of a batch, or of a part of one, are given up.
    Dropped {
        /// Given with the batch; with its last part.
        receipt: Option<R>,
        /// Logs lost.
        logs: u64,
        /// Why.
        reason: DropReason,
    },
    /// All batches come back, oldest first, and the encoder must begin anew, in this profile.
    Returned {
        /// Given with the batches.
        receipts: Vec<R>,
        /// What is to become of them.
        to: Return,
        /// The profile for the new encoder.
        profile: Profile,
    },
    /// The state is too large for the server: halve what the encoder may keep.
    Shrink,
}

/// What is to become of batches that the machine gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Encode their logs again.
    Again,
    /// Send their logs over HTTP, as all that come until the machine has space again.
    Http,
    /// The time to stop is over: report them as not delivered.
    Undelivered,
}

/// What the machine is doing.
#[derive(Debug)]
enum State {
    /// There is no stream, and nothing to send.
    Idle,
    Connecting(Connecting),
    Active(Active),
    Draining(Draining),
    Waiting(Waiting),
    Away(Away),
    Stopped,
}

/// The machine of one pipeline. `R` is what its owner wants back with each batch.
#[derive(Debug)]
pub struct Machine<R> {
    state: State,
    core: Core<R>,
}

/// How a machine is doing, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// `idle`, `connecting`, `active`, `draining`, `waiting`, `away` or `stopped`.
    pub state: &'static str,
    /// Age of the current stream.
    pub stream_age: Option<Duration>,
    /// Batches that are not acknowledged.
    pub inflight_batches: usize,
    /// Their memory.
    pub inflight_bytes: usize,
    /// What the other end knows after all acknowledged batches.
    pub snapshot_entries: Entries,
    /// Its memory.
    pub snapshot_bytes: usize,
    /// Failures in a row.
    pub failures: u32,
    /// Whether logs go over HTTP for now.
    pub is_away: bool,
}

impl<R> Machine<R> {
    /// A machine without a stream; the first batch, or [`Machine::start`], opens one. The seed should be random, so
    /// that machines do not act as one.
    pub fn new(settings: Settings, compression: Compression, exact_bytes: bool, seed: u64) -> Self {
        let writer = Writer::new(settings.wire.first_profile(), compression, exact_bytes);
        Self {
            state: State::Idle,
            core: Core::new(settings, writer, seed),
        }
    }

    /// Opens a stream before there is anything to send.
    pub fn start(&mut self, now: Duration) {
        self.step(now, |state, core| match state {
            State::Idle => core.connect(now),
            state => state,
        });
    }

    /// The profile in which batches must be encoded now.
    pub fn profile(&self) -> Profile {
        self.core.writer.profile()
    }

    /// Whether another batch is welcome. While not, no log must be encoded.
    pub fn has_space(&self) -> bool {
        !matches!(self.state, State::Away(_) | State::Stopped) && self.core.has_space()
    }

    /// Whether logs are to go over HTTP for now.
    pub fn is_away(&self) -> bool {
        matches!(self.state, State::Away(_))
    }

    /// Whether a better key is waited for, of which [`Machine::key_changed`] tells.
    pub fn waits_for_key(&self) -> bool {
        match &self.state {
            State::Waiting(waiting) => waiting.reason == Reason::Auth,
            State::Away(away) => away.reason == Reason::Auth,
            _ => false,
        }
    }

    /// Into how many batches the logs of one should be divided, since the server found batches too large.
    pub fn divisor(&self) -> usize {
        self.core.divisor
    }

    /// Takes a batch, behind all before. It is sent as soon as a stream allows; what becomes of it comes as an effect.
    pub fn push(&mut self, batch: Batch<R>, now: Duration) {
        self.step(now, |state, core| match state {
            State::Away(_) => {
                core.give_back(batch.receipt.into_iter().collect(), Return::Http);
                state
            }
            State::Stopped => {
                core.give_back(batch.receipt.into_iter().collect(), Return::Undelivered);
                state
            }
            State::Idle => {
                core.append(batch);
                core.connect(now)
            }
            State::Active(active) => {
                core.append(batch);
                active.send(core, now)
            }
            State::Connecting(_) | State::Draining(_) | State::Waiting(_) => {
                core.append(batch);
                state
            }
        });
    }

    /// Takes what happened to a stream. What concerns another than the current one, or the one that is to follow it,
    /// is old news and changes nothing.
    pub fn on(&mut self, stream: StreamId, event: Event, now: Duration) {
        self.step(now, |state, core| match state {
            State::Connecting(connecting) => connecting.on(core, stream, event, now),
            State::Active(active) => active.on(core, stream, event, now),
            State::Draining(draining) => draining.on(core, stream, event, now),
            State::Idle | State::Waiting(_) | State::Away(_) | State::Stopped => state,
        });
    }

    /// The key has changed: a stream with the old one is replaced, and one that waits for a better key is opened.
    pub fn key_changed(&mut self, now: Duration) {
        self.step(now, |state, core| match state {
            State::Active(active) => active.rotate(core, Rotation::KeyChanged, now),
            State::Waiting(waiting) => waiting.key_changed(core, now),
            State::Away(away) => away.key_changed(core, now),
            state => state,
        });
    }

    /// Looks at what is due at this time.
    pub fn tick(&mut self, now: Duration) {
        self.step(now, |state, core| match state {
            State::Connecting(connecting) => connecting.tick(core, now),
            State::Active(active) => active.tick(core, now),
            State::Draining(draining) => draining.tick(core, now),
            State::Waiting(waiting) => waiting.tick(core, now),
            State::Away(away) => away.tick(core, now),
            State::Idle | State::Stopped => state,
        });
    }

    /// When [`Machine::tick`] has something to do, if nothing else happens before.
    pub fn wakes_at(&self) -> Option<Duration> {
        let state = match &self.state {
            State::Connecting(connecting) => Some(connecting.wakes_at()),
            State::Active(active) => Some(active.wakes_at(&self.core)),
            State::Draining(draining) => Some(draining.wakes_at(&self.core)),
            State::Waiting(waiting) => Some(waiting.wakes_at()),
            State::Away(away) => Some(away.wakes_at()),
            State::Idle | State::Stopped => None,
        };
        let close = match self.state {
            State::Stopped => None,
            _ => self.core.close_by,
        };
        [state, close].into_iter().flatten().min()
    }

    /// Ends a stream that has nothing to do, before the machine falls asleep: it would be dead afterwards. The next
    /// batch opens another.
    pub fn rest(&mut self, now: Duration) {
        self.step(now, |state, core| match state {
            State::Active(active) if core.inflight.is_empty() => {
                core.half_close(active.stream.id, Rotation::Rest);
                State::Idle
            }
            state => state,
        });
    }

    /// No further batch will come: stops when all are settled, or at `deadline`, when the rest is given back. May be
    /// called again, with an earlier deadline.
    pub fn close(&mut self, deadline: Duration, now: Duration) {
        let by = self.core.close_by.map_or(deadline, |by| by.min(deadline));
        self.core.close_by = Some(by);
        self.step(now, |state, core| match state {
            State::Waiting(waiting) => waiting.hurry(core, now),
            state => state,
        });
    }

    /// What the encoder knows is lost: gives back all batches, and begins anew on another stream.
    pub fn forget_state(&mut self, now: Duration) {
        self.step(now, |state, core| {
            for (stream, _) in state.streams() {
                core.effects.push_back(Effect::Cancel { stream });
            }
            core.forget(Return::Again);
            match state {
                State::Connecting(_) | State::Active(_) | State::Draining(_) => {
                    core.fail(Failure::Compression, None, now)
                }
                State::Idle | State::Waiting(_) | State::Away(_) | State::Stopped => state,
            }
        });
    }

    /// Whether everything is settled and no stream is open; what was begun to be closed may still be read.
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    /// The next thing to do.
    pub fn next_effect(&mut self) -> Option<Effect<R>> {
        self.core.effects.pop_front()
    }

    /// What the other end knows after all acknowledged batches.
    pub fn snapshot(&self) -> &Snapshot {
        &self.core.snapshot
    }

    /// What was done so far.
    pub fn stats(&self) -> &Stats {
        &self.core.stats
    }

    /// How it is doing.
    pub fn view(&self, now: Duration) -> View {
        let stream = match &self.state {
            State::Active(active) => Some(&active.stream),
            State::Draining(draining) => Some(&draining.stream),
            _ => None,
        };
        View {
            state: self.state.name(),
            stream_age: stream.map(|stream| now.saturating_sub(stream.opened_at)),
            inflight_batches: self.core.inflight.len(),
            inflight_bytes: self.core.inflight.bytes(),
            snapshot_entries: self.core.snapshot.entries(),
            snapshot_bytes: self.core.snapshot.bytes(),
            failures: self.core.backoff.failures(),
            is_away: self.is_away(),
        }
    }

    fn step(&mut self, now: Duration, step: impl FnOnce(State, &mut Core<R>) -> State) {
        let state = std::mem::replace(&mut self.state, State::Stopped);
        let next = step(state, &mut self.core);
        self.state = self.core.close_if_due(next, now);
    }
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting(_) => "connecting",
            Self::Active(_) => "active",
            Self::Draining(_) => "draining",
            Self::Waiting(_) => "waiting",
            Self::Away(_) => "away",
            Self::Stopped => "stopped",
        }
    }

    /// The streams that it holds, with whether each can be written to.
    fn streams(&self) -> impl Iterator<Item = (StreamId, bool)> {
        let (first, second) = match self {
            Self::Connecting(connecting) => (Some((connecting.stream, false)), None),
            Self::Active(active) => (Some((active.stream.id, true)), None),
            Self::Draining(draining) => {
                let successor = draining.successor_id().map(|id| (id, false));
                (Some((draining.stream.id, true)), successor)
            }
            Self::Idle | Self::Waiting(_) | Self::Away(_) | Self::Stopped => (None, None),
        };
        first.into_iter().chain(second)
    }
}

#[cfg(test)]
mod tests;
