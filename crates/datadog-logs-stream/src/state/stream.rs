//! A stream that can be written to: what it was told, what it acknowledged, and whether it still moves.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use datadog_logs_patterns::snapshot::Planner;
use datadog_wire::stateful::SNAPSHOT_BATCH_ID;

use super::core::Core;
use super::{Effect, StreamId};
use crate::failure::Failure;

/// Messages that a driver may hold which have not left for the network.
const WRITER_QUEUE: u64 = 10;
/// What gRPC puts before each message.
const FRAME_BYTES: u64 = 5;

/// A stream that can be written to.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) opened_at: Duration,
    /// When it is old enough to be replaced.
    pub(super) rotate_at: Duration,
    planner: Planner,
    pub(super) snapshot: Told,
    /// Batches with logs that were acknowledged.
    pub(super) acknowledged: u64,
    /// Messages given to the driver, and those of them that have left.
    handed: u64,
    written: u64,
    /// Since when the driver holds messages without one leaving.
    blocked_since: Option<Duration>,
    /// Since when something waits without any acknowledgement.
    silent_since: Option<Duration>,
}

/// Whether the other end has the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// There was nothing to tell.
    Nothing,
    /// It was sent.
    Sent,
    /// It was acknowledged.
    Acknowledged,
}

/// What kept a stream from sending more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Everything is sent, or the driver has enough.
    Wait,
    /// There is no id left.
    OutOfIds,
}

impl Stream {
    /// Begins to use a stream: with a snapshot if anything is known, and all unacknowledged batches unsent.
    pub(super) fn begin<R>(
        core: &mut Core<R>,
        id: StreamId,
        now: Duration,
    ) -> Result<Self, (Failure, StreamId)> {
        core.inflight.reset();
        let mode = core.snapshot_mode();
        let waiting = core.inflight.iter().map(|entry| &entry.operations);
        let (planner, definitions) = Planner::begin(mode, &core.snapshot, waiting);
        let mut stream = Self {
            id,
            opened_at: now,
            rotate_at: now + core.draw_lifetime(),
            planner,
            snapshot: Told::Nothing,
            acknowledged: 0,
            handed: 0,
            written: 0,
            blocked_since: None,
            silent_since: None,
        };
        if let Some(definitions) = definitions {
            let Ok(data) = core.writer.write(&definitions) else {
                return Err((Failure::Compression, id));
            };
            core.stats.snapshots += 1;
            core.stats.snapshot_bytes = data.len() as u64;
            stream.snapshot = Told::Sent;
            stream.hand(core, SNAPSHOT_BATCH_ID, data, now);
        }
        Ok(stream)
    }

    /// Sends what is unsent, as far as the driver takes it.
    pub(super) fn send<R>(&mut self, core: &mut Core<R>, now: Duration) -> Result<Pause, Failure> {
        while self.handed - self.written < WRITER_QUEUE {
            let Some(entry) = core.inflight.next_unsent() else {
                break;
            };
            if core.inflight.next_id() > core.settings.last_batch_id {
                return Ok(Pause::OutOfIds);
            }
            let data = match self.planner.prepare(&core.snapshot, &entry.operations) {
                Cow::Borrowed(_) => entry.data.clone(),
                Cow::Owned(completed) => match core.writer.write(&completed) {
                    Ok(data) => data,
                    Err(_) => return Err(Failure::Compression),
                },
            };
            let Some(sent) = core.inflight.mark_sent(now) else {
                break;
            };
            core.stats.batches_sent += 1;
            if sent.is_again {
                core.stats.resent_batches += 1;
                core.stats.resent_logs += sent.logs;
                core.stats.resent_bytes += message_bytes(sent.batch_id, &data);
            }
            self.hand(core, sent.batch_id, data, now);
        }
        Ok(Pause::Wait)
    }

    fn hand<R>(&mut self, core: &mut Core<R>, batch_id: u32, data: Bytes, now: Duration) {
        core.stats.wire_bytes += message_bytes(batch_id, &data);
        self.handed += 1;
        self.blocked_since.get_or_insert(now);
        self.silent_since.get_or_insert(now);
        core.effects.push_back(Effect::Send {
            stream: self.id,
            batch_id,
            data,
        });
    }

    /// Messages have left for the network.
    pub(super) fn written(&mut self, messages: u64, now: Duration) {
        if messages <= self.written {
            return;
        }
        self.written = messages.min(self.handed);
        self.blocked_since = (self.written < self.handed).then_some(now);
    }

    /// Takes an acknowledgement; only that of the oldest batch is right.
    pub(super) fn acknowledged<R>(
        &mut self,
        core: &mut Core<R>,
        batch_id: u32,
        status: i32,
        now: Duration,
    ) -> Result<(), Failure> {
        if batch_id == SNAPSHOT_BATCH_ID && self.snapshot != Told::Sent {
            return Ok(());
        }
        if batch_id != SNAPSHOT_BATCH_ID {
            match core.inflight.head_id() {
                None => return Err(Failure::AckWithoutSent),
                Some(head) if head != batch_id => return Err(Failure::AckMismatch),
                Some(_) => {}
            }
        }
        if !core.settings.ack_status.accepts(status) {
            return Err(Failure::Rejected);
        }
        if batch_id == SNAPSHOT_BATCH_ID {
            self.snapshot = Told::Acknowledged;
            core.snapshot_refusals = 0;
        } else {
            self.acknowledged += 1;
            core.deliver(now);
        }
        let behind = core.inflight.unacknowledged() as u64;
        // What the other end has seen has left, whatever the driver says.
        self.written(self.handed.saturating_sub(behind), now);
        let waits = behind > 0 || self.snapshot == Told::Sent;
        self.silent_since = waits.then_some(now);
        Ok(())
    }

    /// What is wrong with the stream at this time, if anything.
    pub(super) fn overdue<R>(&self, core: &Core<R>, now: Duration) -> Option<Failure> {
        let is_over =
            |since: Option<Duration>, timeout| since.is_some_and(|at| now >= at + timeout);
        if is_over(self.blocked_since, core.settings.send_timeout) {
            return Some(Failure::SendTimeout);
        }
        is_over(self.silent_since, core.settings.ack_timeout).then_some(Failure::AckTimeout)
    }

    /// When [`Stream::overdue`] would find something.
    pub(super) fn overdue_at<R>(&self, core: &Core<R>) -> Option<Duration> {
        let blocked = self.blocked_since.map(|at| at + core.settings.send_timeout);
        let silent = self.silent_since.map(|at| at + core.settings.ack_timeout);
        [blocked, silent].into_iter().flatten().min()
    }
}

/// Bytes of a message on the wire: the id, unless it is 0, the data with its length, and the frame.
fn message_bytes(batch_id: u32, data: &Bytes) -> u64 {
    let id = match batch_id {
        SNAPSHOT_BATCH_ID => 0,
        id => 1 + varint_bytes(id.into()),
    };
    let length = data.len() as u64;
    FRAME_BYTES
        + id
        + if length > 0 {
            1 + varint_bytes(length) + length
        } else {
            0
        }
}

fn varint_bytes(value: u64) -> u64 {
    u64::from((64 - (value | 1).leading_zeros()).div_ceil(7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_counted_as_it_is_on_the_wire() {
        assert_eq!(message_bytes(0, &Bytes::from_static(b"xyz")), 5 + 5);
        assert_eq!(message_bytes(1, &Bytes::from(vec![0; 208])), 5 + 213);
        assert_eq!(message_bytes(300, &Bytes::new()), 5 + 3);
    }
}
