//! One pipeline without its sockets: logs in, effects for a driver out.
//!
//! Joins the encoder and the machine, whose states belong together: what the machine gives back is encoded anew or
//! leaves over HTTP, in its order and before anything newer. Pure, as both are.
//!
//! Encoding takes a while, so it is a job that the driver may run elsewhere; there is at most one.

use std::collections::VecDeque;
use std::time::Duration;

use datadog_logs_patterns::encoder;
use datadog_logs_patterns::wire::Profile;

use crate::coder::{ANone, Coder, Logs};
use crate::inflight::Batch;
use crate::state::{DropReason, Effect, Event, Machine, Return, Settings, StreamId};
use crate::writer::{Compression, Writer};

/// How a pipeline behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The stream.
    pub settings: Settings,
    /// The encoder; its profile is that of the settings.
    pub encoder: encoder::Options,
    /// How batches are compressed.
    pub compression: Compression,
    /// How generation A says that there is nothing.
    pub a_none: ANone,
}

/// What a driver has to do, in the order given.
#[derive(Debug)]
pub enum Output<L> {
    /// About a stream: open, send, half-close, cancel.
    Stream(Effect<L>),
    /// Logs are given up.
    Dropped {
        /// How many.
        lost: u64,
        /// Why.
        reason: DropReason,
    },
    /// What was given together is safe at the other end, but for those of which was told that they are given up.
    Settled {
        /// All of them.
        logs: L,
        /// How many of them are lost.
        lost: u64,
    },
    /// The logs are to go over HTTP.
    Http(L),
    /// The time to stop was over before the logs were delivered.
    Undelivered(L),
}

/// A pipeline.
#[derive(Debug)]
pub struct Pipeline<L> {
    options: Options,
    seed: u64,
    machine: Machine<L>,
    /// Away while a job runs.
    coder: Option<Coder>,
    /// Logs to be encoded before any others: those that came back.
    again: VecDeque<L>,
    /// What the coder must do before its next job, since it was away when that was decided.
    anew: Option<Profile>,
    shrink: u32,
    /// Whether the running job is in vain: the state on which it builds is gone.
    is_stale: bool,
    /// What becomes of the logs of a job in vain.
    fate: Return,
    /// How many of the logs that wait to be encoded again are older than those of the running job.
    ahead: usize,
    outputs: VecDeque<Output<L>>,
    /// Logs given up of those that are the next to be settled.
    lost: u64,
    /// Once set, no further logs come, and all is to be settled by then.
    close_by: Option<Duration>,
    stats: encoder::Stats,
    too_large: u64,
}

/// Logs to encode.
#[derive(Debug)]
pub struct Job<L> {
    coder: Coder,
    logs: L,
    parts: usize,
}

/// Logs encoded.
#[derive(Debug)]
pub struct Done<L> {
    coder: Coder,
    result: Result<Vec<Batch<L>>, L>,
}

impl<L: Logs> Job<L> {
    /// How many logs it encodes.
    pub fn logs(&self) -> usize {
        self.logs.count()
    }

    /// About how many bytes these have.
    pub fn bytes(&self) -> usize {
        self.logs.bytes()
    }

    /// Encodes. `now_ms` is the time by which patterns age.
    pub fn run(mut self, now_ms: i64) -> Done<L> {
        let result = self.coder.encode(self.logs, self.parts, now_ms);
        Done {
            coder: self.coder,
            result,
        }
    }
}

impl<L: Logs> Pipeline<L> {
    /// A pipeline that begins with nothing. The seed should be random.
    pub fn new(options: Options, seed: u64) -> Self {
        let coder = new_coder(&options, seed);
        let Options {
            settings, encoder, ..
        } = &options;
        let exact_bytes = encoder.exact_bytes_extension;
        Self {
            machine: Machine::new(settings.clone(), options.compression, exact_bytes, seed),
            stats: coder.stats(),
            coder: Some(coder),
            again: VecDeque::new(),
            anew: None,
            shrink: 0,
            is_stale: false,
            fate: Return::Again,
            ahead: 0,
            outputs: VecDeque::new(),
            lost: 0,
            close_by: None,
            too_large: 0,
            options,
            seed,
        }
    }

    /// The machine, to be asked how it is doing.
    pub fn machine(&self) -> &Machine<L> {
        &self.machine
    }

    /// Opens a stream before there is anything to send.
    pub fn start(&mut self, now: Duration) {
        self.machine.start(now);
        self.settle(now);
    }

    /// Whether logs would be taken by [`Pipeline::push`].
    pub fn wants_logs(&self) -> bool {
        let takes = self.machine.is_away() || self.machine.has_space();
        self.coder.is_some() && self.again.is_empty() && takes
    }

    /// Takes logs, when they are wanted. What comes back is a job to run, unless they leave over HTTP.
    pub fn push(&mut self, logs: L) -> Option<Job<L>> {
        if self.machine.is_away() {
            self.outputs.push_back(Output::Http(logs));
            return None;
        }
        self.again.push_back(logs);
        self.next_job()
    }

    /// The next job, if logs wait that had come back and there is space for them.
    pub fn next_job(&mut self) -> Option<Job<L>> {
        if !self.is_ready() {
            return None;
        }
        let logs = self.again.pop_front()?;
        let mut coder = self.coder.take()?;
        self.prepare(&mut coder);
        self.is_stale = false;
        self.ahead = 0;
        let parts = self.machine.divisor();
        Some(Job { coder, logs, parts })
    }

    /// Takes what a job has made.
    pub fn finish(&mut self, done: Done<L>, now: Duration) {
        let Done { coder, result } = done;
        self.stats = coder.stats();
        self.too_large = coder.too_large();
        self.coder = Some(coder);
        match result {
            Ok(batches) if self.is_stale => {
                let logs = batches.into_iter().find_map(|batch| batch.receipt);
                self.send_back(logs);
            }
            Ok(batches) => {
                for batch in batches {
                    self.machine.push(batch, now);
                }
            }
            Err(logs) => {
                // Nobody was told what the encoder has learned from them.
                self.machine.forget_state(now);
                let lost = logs.count() as u64;
                let reason = DropReason::Compression;
                self.outputs.push_back(Output::Dropped { lost, reason });
                self.outputs.push_back(Output::Settled { logs, lost });
            }
        }
        self.is_stale = false;
        self.settle(now);
    }

    /// The job has failed and will never be done: its logs are lost, `lost` of them, and what was learned too.
    pub fn job_failed(&mut self, lost: u64, now: Duration) {
        self.coder = Some(new_coder(&self.options, self.seed));
        self.machine.forget_state(now);
        self.is_stale = false;
        let reason = DropReason::Encoder;
        self.outputs.push_back(Output::Dropped { lost, reason });
        self.settle(now);
    }

    /// Takes what happened to a stream.
    pub fn on(&mut self, stream: StreamId, event: Event, now: Duration) {
        self.machine.on(stream, event, now);
        self.settle(now);
    }

    /// Looks at what is due at this time.
    pub fn tick(&mut self, now: Duration) {
        self.machine.tick(now);
        self.settle(now);
    }

    /// The key has changed.
    pub fn key_changed(&mut self, now: Duration) {
        self.machine.key_changed(now);
        self.settle(now);
    }

    /// Ends the stream before a sleep, if there is nothing to do.
    pub fn rest(&mut self, now: Duration) {
        if self.is_idle() {
            self.machine.rest(now);
            self.settle(now);
        }
    }

    /// No further logs will come: settles all until the deadline.
    pub fn close(&mut self, deadline: Duration, now: Duration) {
        let by = self.close_by.map_or(deadline, |by| by.min(deadline));
        self.close_by = Some(by);
        self.settle(now);
    }

    /// Whether all logs are settled: none is encoded, under way or to be encoded again.
    pub fn is_idle(&self) -> bool {
        self.coder.is_some()
            && self.again.is_empty()
            && self.machine.view(Duration::ZERO).inflight_batches == 0
    }

    /// Whether everything is over.
    pub fn is_stopped(&self) -> bool {
        self.machine.is_stopped() && self.coder.is_some() && self.outputs.is_empty()
    }

    /// When [`Pipeline::tick`] has something to do.
    pub fn wakes_at(&self) -> Option<Duration> {
        let close = self.close_by.filter(|_| !self.machine.is_stopped());
        [self.machine.wakes_at(), close].into_iter().flatten().min()
    }

    /// The next thing to do.
    pub fn next_output(&mut self) -> Option<Output<L>> {
        self.outputs.pop_front()
    }

    /// What the encoder has done and holds, as of its last job.
    pub fn encoder_stats(&self) -> &encoder::Stats {
        &self.stats
    }

    /// Logs that were larger than the encoder takes.
    pub fn too_large(&self) -> u64 {
        self.too_large
    }

    /// The encoder, while no job runs.
    pub fn coder(&self) -> Option<&Coder> {
        self.coder.as_ref()
    }

    fn is_ready(&self) -> bool {
        self.coder.is_some() && self.machine.has_space()
    }

    fn prepare(&mut self, coder: &mut Coder) {
        if let Some(profile) = self.anew.take() {
            coder.begin_anew(profile);
        }
        for _ in 0..std::mem::take(&mut self.shrink) {
            coder.shrink();
        }
    }

    /// Follows the machine, and lets it close when nothing is left that it would have to wait for.
    fn settle(&mut self, now: Duration) {
        self.take_effects();
        let Some(deadline) = self.close_by else {
            return;
        };
        let has_all = self.coder.is_some() && self.again.is_empty();
        if has_all || now >= deadline {
            self.machine.close(deadline, now);
            self.take_effects();
        }
        if self.machine.is_stopped() {
            let rest: Vec<L> = self.again.drain(..).collect();
            let undelivered = rest.into_iter().map(Output::Undelivered);
            self.outputs.extend(undelivered);
        }
    }

    fn take_effects(&mut self) {
        while let Some(effect) = self.machine.next_effect() {
            match effect {
                Effect::Delivered { receipt } => self.settled(receipt),
                Effect::Dropped {
                    receipt,
                    logs: lost,
                    reason,
                } => {
                    self.outputs.push_back(Output::Dropped { lost, reason });
                    self.lost += lost;
                    if let Some(logs) = receipt {
                        self.settled(logs);
                    }
                }
                Effect::Returned {
                    receipts,
                    to,
                    profile,
                } => self.take_back(receipts, to, profile),
                Effect::Shrink => self.shrink += 1,
                effect @ (Effect::Open { .. }
                | Effect::Send { .. }
                | Effect::HalfClose { .. }
                | Effect::Cancel { .. }) => self.outputs.push_back(Output::Stream(effect)),
            }
        }
    }

    /// The last part of what was given together has found its end; those before it had found theirs.
    fn settled(&mut self, logs: L) {
        let lost = std::mem::take(&mut self.lost);
        self.outputs.push_back(Output::Settled { logs, lost });
    }

    /// All that the machine had comes back; the encoder must begin anew.
    fn take_back(&mut self, logs: Vec<L>, to: Return, profile: Profile) {
        self.lost = 0;
        self.anew = Some(profile);
        if self.coder.is_none() {
            self.is_stale = true;
            self.fate = to;
        }
        match to {
            Return::Again => {
                self.ahead += logs.len();
                for logs in logs.into_iter().rev() {
                    self.again.push_front(logs);
                }
            }
            Return::Http => {
                self.outputs.extend(logs.into_iter().map(Output::Http));
                self.outputs
                    .extend(self.again.drain(..self.ahead).map(Output::Http));
                self.ahead = 0;
                if self.coder.is_some() {
                    self.outputs.extend(self.again.drain(..).map(Output::Http));
                }
            }
            Return::Undelivered => self
                .outputs
                .extend(logs.into_iter().map(Output::Undelivered)),
        }
    }

    /// The logs of a job in vain come back with what the machine has given back, in their order.
    fn send_back(&mut self, logs: Option<L>) {
        match self.fate {
            Return::Again => {
                if let Some(logs) = logs {
                    self.again.insert(self.ahead.min(self.again.len()), logs);
                }
            }
            Return::Http => {
                let newer = self.again.drain(..);
                self.outputs
                    .extend(logs.into_iter().chain(newer).map(Output::Http));
            }
            Return::Undelivered => self.outputs.extend(logs.map(Output::Undelivered)),
        }
    }
}

fn new_coder(options: &Options, seed: u64) -> Coder {
    let profile = options.settings.wire.first_profile();
    let exact_bytes = options.encoder.exact_bytes_extension;
    let encoder = encoder::Options {
        profile,
        ..options.encoder
    };
    let writer = Writer::new(profile, options.compression, exact_bytes);
    Coder::new(encoder, writer, options.a_none, seed)
}
