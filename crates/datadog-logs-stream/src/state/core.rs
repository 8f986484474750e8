//! What all states of a machine share: the batches, the snapshot, the pauses, and the transitions that start in any
//! state.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use datadog_logs_patterns::operation::Operations;
use datadog_logs_patterns::snapshot::{Snapshot, SnapshotMode};
use datadog_logs_patterns::wire::Profile;

use super::active::Active;
use super::away::Away;
use super::connecting::Connecting;
use super::stream::{Stream, Told};
use super::waiting::{Reason, Waiting};
use super::{
    DropReason, Effect, Fallback, Return, Rotation, Settings, State, Stats, StreamId, Wire,
};
use crate::backoff::Backoff;
use crate::failure::{Failure, Verdict};
use crate::inflight::{Batch, Inflight};
use crate::writer::Writer;

/// Streams in a row that a batch may spoil before its logs are made raw, and a snapshot before it is given up.
const REFUSALS: u32 = 3;
/// The longest pause while the machine is being closed.
const CLOSING_PAUSE: Duration = Duration::from_secs(1);
/// Part of the time until the stream is tried again that is left out at random.
const RECHECK_JITTER: f64 = 0.1;
/// The most batches into which one is divided beforehand.
const MAX_DIVISOR: usize = 64;

#[derive(Debug)]
pub(super) struct Core<R> {
    pub(super) settings: Settings,
    pub(super) writer: Writer,
    pub(super) inflight: Inflight<R>,
    /// What the other end knows after all acknowledged batches.
    pub(super) snapshot: Snapshot,
    pub(super) backoff: Backoff,
    pub(super) stats: Stats,
    pub(super) effects: VecDeque<Effect<R>>,
    /// Streams in a row that ended because of their snapshot, perhaps.
    pub(super) snapshot_refusals: u32,
    /// Refusals of the key in a row.
    auth_failures: u32,
    /// The server found the snapshot too large: tell only what is needed.
    told_too_much: bool,
    pub(super) divisor: usize,
    /// By when all must be settled, once no further batch comes.
    pub(super) close_by: Option<Duration>,
    next_stream: u64,
    random: fastrand::Rng,
}

impl<R> Core<R> {
    pub(super) fn new(settings: Settings, writer: Writer, seed: u64) -> Self {
        Self {
            backoff: Backoff::new(settings.backoff),
            settings,
            writer,
            inflight: Inflight::new(),
            snapshot: Snapshot::default(),
            stats: Stats::default(),
            effects: VecDeque::new(),
            snapshot_refusals: 0,
            auth_failures: 0,
            told_too_much: false,
            divisor: 1,
            close_by: None,
            next_stream: 1,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    pub(super) fn has_space(&self) -> bool {
        self.inflight.len() < self.settings.max_inflight_payloads
            && self.inflight.bytes() < self.settings.max_inflight_bytes
    }

    pub(super) fn snapshot_mode(&self) -> SnapshotMode {
        match self.told_too_much {
            true => SnapshotMode::Lazy,
            false => self.settings.snapshot,
        }
    }

    pub(super) fn draw_lifetime(&mut self) -> Duration {
        let part = 1.0 - self.settings.lifetime_jitter * self.random.f64();
        self.settings.lifetime.mul_f64(part)
    }

    /// Puts a batch behind the others, in parts if it is too large for one message.
    pub(super) fn append(&mut self, batch: Batch<R>) {
        self.inflight.append(batch);
        self.fit(self.inflight.len() - 1);
    }

    /// Divides the batch at a place until no part is larger than a message may be, or has one log.
    fn fit(&mut self, mut at: usize) {
        let mut end = at + 1;
        while at < end {
            let is_large = (self.inflight.iter().nth(at))
                .is_some_and(|entry| entry.data.len() > self.settings.max_message_bytes);
            if is_large && self.divide(at) {
                end += 1;
            } else {
                at += 1;
            }
        }
    }

    /// Divides a batch by its logs; says whether it could.
    fn divide(&mut self, at: usize) -> bool {
        let Some(parts) = self.parts_of(at) else {
            return false;
        };
        self.inflight.divide(at, parts);
        self.stats.divided_batches += 1;
        true
    }

    fn parts_of(&mut self, at: usize) -> Option<[(Operations, Bytes); 2]> {
        let (first, second) = self.inflight.iter().nth(at)?.operations.split()?;
        let first_data = self.writer.write(&first).ok()?;
        let second_data = self.writer.write(&second).ok()?;
        Some([(first, first_data), (second, second_data)])
    }

    /// The oldest batch is safe at the other end.
    pub(super) fn deliver(&mut self, now: Duration) {
        let Some(entry) = self.inflight.pop() else {
            return;
        };
        self.snapshot.apply(&entry.operations);
        self.backoff.succeed();
        self.auth_failures = 0;
        self.stats.acknowledged_batches += 1;
        self.stats.acknowledged_logs += entry.logs();
        self.stats.latency.add(now.saturating_sub(entry.sent_at));
        if let Some(receipt) = entry.receipt {
            self.effects.push_back(Effect::Delivered { receipt });
        }
    }

    /// Asks for a stream.
    pub(super) fn open(&mut self) -> StreamId {
        let stream = StreamId(self.next_stream);
        self.next_stream += 1;
        self.stats.attempts += 1;
        self.effects.push_back(Effect::Open {
            stream,
            profile: self.writer.profile(),
        });
        stream
    }

    /// Asks for a stream and waits for it.
    pub(super) fn connect(&mut self, now: Duration) -> State {
        let stream = self.open();
        State::Connecting(Connecting::new(stream, now + self.settings.connect_timeout))
    }

    /// Uses a stream that is open.
    pub(super) fn activate(&mut self, stream: StreamId, now: Duration) -> State {
        match Stream::begin(self, stream, now) {
            Ok(stream) => Active { stream }.send(self, now),
            Err((failure, stream)) => {
                self.effects.push_back(Effect::Cancel { stream });
                self.fail(failure, None, now)
            }
        }
    }

    /// Ends a stream in peace.
    pub(super) fn half_close(&mut self, stream: StreamId, why: Rotation) {
        self.stats.rotate(why);
        self.effects.push_back(Effect::HalfClose { stream });
    }

    /// A stream failed, or could not be opened: then there is no `stream`. The driver must have been told to forget
    /// it, if it is still there.
    pub(super) fn fail(
        &mut self,
        failure: Failure,
        stream: Option<&Stream>,
        now: Duration,
    ) -> State {
        let suspect = self.suspect(stream);
        let has_acknowledged = stream.is_some_and(|stream| stream.acknowledged > 0);
        self.inflight.reset();
        let verdict = failure.verdict(has_acknowledged);
        if verdict == Verdict::Planned {
            self.stats.rotate(match failure {
                Failure::Frozen => Rotation::Frozen,
                _ => Rotation::ServerEof,
            });
            return self.connect(now);
        }
        self.stats.fail(failure);
        match verdict {
            Verdict::Planned | Verdict::Retry => self.clear(suspect),
            Verdict::Poison => self.poison(suspect),
            Verdict::Exhausted => self.make_smaller(suspect),
            Verdict::Auth => return self.refuse_key(now),
            Verdict::Precondition => return self.downgrade(now),
            Verdict::Unimplemented => return self.unknown_method(now),
        }
        self.backoff.fail();
        let pause = self.backoff.wait(&mut self.random);
        self.wait(pause, Reason::Failure, now)
    }

    /// What the server had in hand when a stream ended.
    fn suspect(&self, stream: Option<&Stream>) -> Suspect {
        match stream {
            Some(stream) if stream.snapshot == Told::Sent => Suspect::Snapshot,
            Some(_) if self.inflight.unacknowledged() > 0 => Suspect::Head,
            Some(_) | None => Suspect::Nothing,
        }
    }

    /// The stream ended for another cause: what it had in hand is above suspicion again.
    fn clear(&mut self, suspect: Suspect) {
        match suspect {
            Suspect::Snapshot => self.snapshot_refusals = 0,
            Suspect::Head => {
                if let Some(head) = self.inflight.head_mut() {
                    head.refusals = 0;
                }
            }
            Suspect::Nothing => {}
        }
    }

    /// What the server had in hand may be what it refuses.
    fn poison(&mut self, suspect: Suspect) {
        match suspect {
            Suspect::Snapshot => {
                self.snapshot_refusals += 1;
                if self.snapshot_refusals >= REFUSALS {
                    self.forget(Return::Again);
                }
            }
            Suspect::Head => self.poison_head(),
            Suspect::Nothing => {}
        }
    }

    fn poison_head(&mut self) {
        let Some(head) = self.inflight.head_mut() else {
            return;
        };
        head.refusals += 1;
        if head.is_raw {
            self.drop_head();
        } else if head.refusals >= REFUSALS {
            self.make_head_raw();
        }
    }

    fn make_head_raw(&mut self) {
        let raw = self.inflight.head().and_then(|head| {
            let operations = head.operations.as_raw(&self.snapshot).ok()?;
            let data = self.writer.write(&operations).ok()?;
            Some((operations, data))
        });
        let Some((operations, data)) = raw else {
            // Its patterns are not known even here, so nobody can read it.
            self.drop_head();
            return;
        };
        self.stats.raw_batches += 1;
        self.inflight.replace_head(operations, data);
        if let Some(head) = self.inflight.head_mut() {
            head.is_raw = true;
        }
        self.fit(0);
    }

    /// Gives up the logs of the oldest batch. Later ones may use what it defines, so a new stream is told that.
    fn drop_head(&mut self) {
        let Some(entry) = self.inflight.pop() else {
            return;
        };
        self.snapshot.apply(&entry.operations);
        self.stats.dropped_poison_logs += entry.logs();
        self.effects.push_back(Effect::Dropped {
            logs: entry.logs(),
            receipt: entry.receipt,
            reason: DropReason::Poison,
        });
    }

    /// What the server had in hand is too large for it.
    fn make_smaller(&mut self, suspect: Suspect) {
        match suspect {
            Suspect::Snapshot => {
                self.told_too_much = true;
                self.effects.push_back(Effect::Shrink);
            }
            Suspect::Head => {
                if !self.divide(0) {
                    self.poison_head();
                }
                self.divisor = (self.divisor * 2).min(MAX_DIVISOR);
            }
            Suspect::Nothing => {}
        }
    }

    /// A stream lived as long as it should: batches may be as large as before.
    pub(super) fn grow_again(&mut self) {
        self.divisor = 1;
        self.told_too_much = false;
    }

    fn refuse_key(&mut self, now: Duration) -> State {
        self.auth_failures += 1;
        self.backoff.fail();
        let pause = self.backoff.longest(&mut self.random);
        if self.auth_failures >= self.settings.auth_fallback_after
            && self.settings.fallback == Fallback::Http
        {
            return self.leave(pause, Reason::Auth, now);
        }
        self.wait(pause, Reason::Auth, now)
    }

    fn unknown_method(&mut self, now: Duration) -> State {
        if self.settings.wire == Wire::Auto && self.writer.profile() == Profile::A {
            self.writer.set_profile(Profile::C);
            self.forget(Return::Again);
            return self.connect(now);
        }
        self.downgrade(now)
    }

    /// The intake does not take the stream: HTTP for a while, or the longest pause.
    fn downgrade(&mut self, now: Duration) -> State {
        if self.settings.fallback == Fallback::Http {
            let part = 1.0 - RECHECK_JITTER * self.random.f64();
            let pause = self.settings.fallback_recheck.mul_f64(part);
            return self.leave(pause, Reason::Failure, now);
        }
        self.backoff.fail();
        let pause = self.backoff.longest(&mut self.random);
        self.wait(pause, Reason::Failure, now)
    }

    fn leave(&mut self, pause: Duration, reason: Reason, now: Duration) -> State {
        self.writer.set_profile(self.settings.wire.first_profile());
        self.forget(Return::Http);
        State::Away(Away {
            until: now + pause,
            reason,
        })
    }

    fn wait(&mut self, pause: Duration, reason: Reason, now: Duration) -> State {
        if pause.is_zero() {
            return self.connect(now);
        }
        let pause = match self.close_by {
            Some(_) => pause.min(CLOSING_PAUSE),
            None => pause,
        };
        State::Waiting(Waiting {
            until: now + pause,
            reason,
        })
    }

    /// The latest time until which a pause lasts that begins now, while the machine is being closed.
    pub(super) fn closing_pause(now: Duration) -> Duration {
        now + CLOSING_PAUSE
    }

    /// Forgets all state and gives all batches back.
    pub(super) fn forget(&mut self, to: Return) {
        self.snapshot = Snapshot::default();
        self.snapshot_refusals = 0;
        let entries = self.inflight.drain();
        let receipts = entries.into_iter().filter_map(|entry| entry.receipt);
        let receipts: Vec<R> = receipts.collect();
        self.give_back(receipts, to);
    }

    /// Gives batches back; the encoder must begin anew.
    pub(super) fn give_back(&mut self, receipts: Vec<R>, to: Return) {
        self.stats.returned_batches += receipts.len() as u64;
        self.effects.push_back(Effect::Returned {
            receipts,
            to,
            profile: self.writer.profile(),
        });
    }

    /// Ends everything if the machine is being closed and all is settled, or the time for it is over.
    pub(super) fn close_if_due(&mut self, state: State, now: Duration) -> State {
        let Some(deadline) = self.close_by else {
            return state;
        };
        if matches!(state, State::Stopped) || !(self.inflight.is_empty() || now >= deadline) {
            return state;
        }
        let in_peace = self.inflight.is_empty();
        for (stream, is_open) in state.streams() {
            match in_peace && is_open {
                true => self.half_close(stream, Rotation::Shutdown),
                false => self.effects.push_back(Effect::Cancel { stream }),
            }
        }
        if !in_peace {
            self.forget(Return::Undelivered);
        }
        State::Stopped
    }
}

/// What a server had in hand when it ended a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suspect {
    Snapshot,
    /// The oldest batch.
    Head,
    Nothing,
}
