//! One history: a pipeline, an intake, the link between them, and the clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use datadog_logs_patterns::decoder::ContentEncoding;
use datadog_logs_patterns::encoder::{self, JsonMode};
use datadog_logs_patterns::eviction::Limits;
use datadog_logs_patterns::snapshot::SnapshotMode;
use datadog_logs_patterns::wire::Profile;
use datadog_logs_stream::coder::ANone;
use datadog_logs_stream::pipeline::{Job, Options, Output, Pipeline};
use datadog_logs_stream::state::{AckStatus, Fallback, Wire};
use datadog_logs_stream::{Code, Compression, Effect, Event, Failure, Settings, StreamId, backoff};

use crate::intake::{Intake, Mood};
use crate::logs::{self, Group};

/// Something that will happen at its time.
#[derive(Debug)]
enum Happening {
    /// The driver tells the pipeline.
    Tell(StreamId, Event),
    /// A message reaches the intake.
    Arrive(StreamId, u32, Bytes),
    /// A stream reaches the intake.
    Opened(StreamId, Profile),
    /// Logs come.
    Logs,
    /// A job is done.
    Encoded,
    /// The intake is started anew.
    Restart,
    /// The key changes.
    Key,
    /// The machine rests.
    Rest,
    /// Nothing goes wrong any more.
    Calm,
}

/// The driver's side of a stream.
#[derive(Debug, Default)]
struct Link {
    handed: u64,
    /// When the last message arrives: messages do not overtake each other.
    last_arrival: Duration,
    last_word: Duration,
    is_stalled: bool,
}

struct World {
    seed: u64,
    random: fastrand::Rng,
    now: Duration,
    order: u64,
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    pipeline: Pipeline<Group>,
    job: Option<Job<Group>>,
    encoding: ContentEncoding,
    mode: SnapshotMode,
    bound: (usize, usize),
    links: BTreeMap<StreamId, Link>,
    intake: Intake,
    /// The only profile that the intake speaks, if not both.
    speaks: Option<Profile>,
    is_calm: bool,
    misbehaves: u32,
    next_number: u64,
    to_come: u32,
    waiting: Vec<Group>,
    http: BTreeSet<u64>,
    undelivered: BTreeSet<u64>,
    dropped: u64,
    http_order: Option<u64>,
}

/// What happened in all histories.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    logs: u64,
    streams: u64,
    failures: BTreeMap<Failure, u64>,
    rotations: BTreeMap<&'static str, u64>,
    resent_logs: u64,
    duplicates: u64,
    http: u64,
    undelivered: u64,
    dropped: u64,
    snapshots: u64,
    evictions: u64,
    raw_batches: u64,
    divided: u64,
}

pub(crate) fn run(seed: u64) -> Totals {
    let mut world = World::new(seed);
    let closes = world.random.u32(..4) == 0;
    world.live();
    if closes {
        world.close();
    } else {
        world.settle();
    }
    world.check(closes)
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let options = options(&mut random);
        let bound = (
            options.settings.max_inflight_payloads,
            options.settings.max_inflight_bytes,
        );
        let wire = options.settings.wire;
        let mode = options.settings.snapshot;
        let encoding = ContentEncoding::from_name(options.compression.name()).unwrap();
        // An intake that never speaks the one profile can only be left for HTTP.
        let can_leave = options.settings.fallback == Fallback::Http;
        let speaks = match random.u32(..6) {
            0 if can_leave || wire != Wire::A => Some(Profile::C),
            1 if can_leave || wire == Wire::A => Some(Profile::A),
            _ => None,
        };
        let mut world = Self {
            seed,
            misbehaves: [0, 3, 10, 30][random.usize(..4)],
            to_come: random.u32(3..25),
            random,
            now: Duration::ZERO,
            order: 0,
            queue: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            pipeline: Pipeline::new(options, seed),
            job: None,
            encoding,
            mode,
            bound,
            links: BTreeMap::new(),
            intake: Intake::default(),
            speaks,
            is_calm: false,
            next_number: 1,
            waiting: Vec::new(),
            http: BTreeSet::new(),
            undelivered: BTreeSet::new(),
            dropped: 0,
            http_order: None,
        };
        if world.misbehaves > 0 && world.random.u32(..4) == 0 {
            let times = [1, 3, u32::MAX][world.random.usize(..3)];
            let number = world.random.u64(1..200);
            world.intake.poison.insert(number, times);
            world.intake.refused_snapshots = world.random.u32(..7);
        }
        world.pipeline.start(Duration::ZERO);
        world.plan(0.0, Happening::Logs);
        let calm_s = world.random.f64() * 900.0;
        world.plan(calm_s, Happening::Calm);
        for happening in [Happening::Restart, Happening::Key, Happening::Rest] {
            let at_s = world.random.f64() * 600.0;
            world.plan(at_s, happening);
        }
        world
    }

    fn plan(&mut self, in_s: f64, happening: Happening) {
        self.plan_at(self.now + Duration::from_secs_f64(in_s), happening);
    }

    fn plan_at(&mut self, at: Duration, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse((at, self.order)));
        self.happenings.insert(self.order, happening);
    }

    /// Lets everything happen until no further logs come and nothing goes wrong any more.
    fn live(&mut self) {
        while self.to_come > 0 || !self.is_calm {
            assert!(self.advance(), "nothing is left to happen");
        }
    }

    /// Lets everything happen until all logs are settled, and a last group of them too.
    fn settle(&mut self) {
        for last in [false, true] {
            if last {
                self.come();
                self.feed();
            }
            let end = self.now + Duration::from_secs(3 * 3_600);
            while !(self.waiting.is_empty() && self.job.is_none() && self.pipeline.is_idle()) {
                let view = self.pipeline.machine().view(self.now);
                assert!(self.now < end, "not settled after hours of calm: {view:?}");
                assert!(self.advance(), "nothing is left to happen");
            }
        }
    }

    /// Stops in the midst of it.
    fn close(&mut self) {
        let deadline = self.now + Duration::from_secs_f64(self.random.f64() * 20.0);
        for group in std::mem::take(&mut self.waiting) {
            self.undelivered.extend(group.numbers());
        }
        self.pipeline.close(deadline, self.now);
        self.obey();
        while !self.pipeline.is_stopped() {
            assert!(self.now <= deadline + Duration::from_secs(1), "late");
            assert!(self.advance(), "nothing is left to happen");
        }
        self.pipeline.close(deadline, self.now);
        assert!(self.pipeline.is_stopped(), "stopping twice is stopping");
        assert!(self.pipeline.next_output().is_none());
    }

    /// The next thing, or the next timer.
    fn advance(&mut self) -> bool {
        let next = self.queue.peek().map(|Reverse((at, _))| *at);
        let timer = self.pipeline.wakes_at();
        match (next, timer) {
            (None, None) => return false,
            (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                let Some(Reverse((_, id))) = self.queue.pop() else {
                    return false;
                };
                self.now = self.now.max(at);
                let happening = self.happenings.remove(&id).unwrap();
                self.happen(happening);
            }
            (_, Some(timer)) => {
                self.now = self.now.max(timer);
                self.pipeline.tick(self.now);
            }
            (Some(_), None) => return false,
        }
        self.obey();
        self.feed();
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tell(stream, event) => self.pipeline.on(stream, event, self.now),
            Happening::Arrive(stream, batch_id, data) => self.arrive(stream, batch_id, &data),
            Happening::Opened(stream, profile) => self.intake.open(stream, profile, self.encoding),
            Happening::Logs => {
                self.come();
                self.to_come -= 1;
                if self.to_come > 0 {
                    let pause_s = [0.01, 0.5, 5.0, 60.0][self.random.usize(..4)];
                    let pause_s = self.random.f64() * pause_s;
                    self.plan(pause_s, Happening::Logs);
                }
            }
            Happening::Encoded => {
                let job = self.job.take().unwrap();
                let done = job.run(self.now.as_millis() as i64);
                self.pipeline.finish(done, self.now);
            }
            Happening::Restart => {
                for stream in self.intake.restart() {
                    self.say(stream, Event::Ended(Failure::Transport));
                }
            }
            Happening::Key => self.pipeline.key_changed(self.now),
            Happening::Rest => self.pipeline.rest(self.now),
            Happening::Calm => self.is_calm = true,
        }
    }

    fn come(&mut self) {
        let count = self.random.u64(1..40);
        let numbers = self.next_number..self.next_number + count;
        self.next_number += count;
        let group = numbers.map(|number| logs::log(&mut self.random, number));
        self.waiting.push(Group(group.collect()));
    }

    /// Gives the pipeline what it wants.
    fn feed(&mut self) {
        loop {
            let job = if let Some(job) = self.pipeline.next_job() {
                Some(job)
            } else if self.pipeline.wants_logs() && !self.waiting.is_empty() {
                self.pipeline.push(self.waiting.remove(0))
            } else {
                break;
            };
            if let Some(job) = job {
                assert!(self.job.replace(job).is_none(), "two jobs at once");
                let takes_s = self.random.f64() * 0.05;
                self.plan(takes_s, Happening::Encoded);
            }
            self.obey();
        }
        let view = self.pipeline.machine().view(self.now);
        let (batches, bytes) = self.bound;
        assert!(view.inflight_batches <= batches + 80, "{view:?}");
        assert!(view.inflight_bytes <= bytes + (256 << 10), "{view:?}");
    }

    fn obey(&mut self) {
        while let Some(output) = self.pipeline.next_output() {
            match output {
                Output::Stream(effect) => self.carry_out(effect),
                Output::Settled {
                    logs: group,
                    lost: 0,
                } => {
                    for number in group.numbers() {
                        assert!(
                            self.intake.arrived.contains(&number),
                            "log {number} was said to be delivered"
                        );
                    }
                }
                Output::Settled { .. } => {}
                Output::Dropped { lost, .. } => self.dropped += lost,
                Output::Http(group) => self.take_http(&group),
                Output::Undelivered(group) => self.undelivered.extend(group.numbers()),
            }
        }
    }

    fn take_http(&mut self, group: &Group) {
        let first = group.numbers().next();
        assert!(self.http_order < first, "HTTP got logs out of order");
        self.http_order = first;
        self.http.extend(group.numbers());
    }

    fn carry_out(&mut self, effect: Effect<Group>) {
        match effect {
            Effect::Open { stream, profile } => self.open(stream, profile),
            Effect::Send {
                stream,
                batch_id,
                data,
            } => self.send(stream, batch_id, data),
            Effect::HalfClose { stream } => {
                assert!(self.links.remove(&stream).is_some(), "closed twice");
            }
            Effect::Cancel { stream } => {
                assert!(self.links.remove(&stream).is_some(), "closed twice");
                if self.random.bool() {
                    self.intake.forget_stream(stream);
                }
            }
            other => panic!("{other:?} is not about a stream"),
        }
    }

    fn open(&mut self, stream: StreamId, profile: Profile) {
        assert!(self.links.insert(stream, Link::default()).is_none());
        let trouble = !self.is_calm && self.random.u32(..100) < self.misbehaves;
        if self.speaks.is_some_and(|speaks| speaks != profile) {
            return self.say(stream, Event::Ended(Failure::Status(Code::Unimplemented)));
        }
        if trouble {
            match self.random.u32(..6) {
                0 => self.say(stream, Event::Ended(Failure::CreationFailed)),
                1 => self.say(stream, Event::Ended(Failure::Status(Code::Unauthenticated))),
                2 => self.say(stream, Event::Ended(Failure::NotHttp2)),
                3 => self.say(
                    stream,
                    Event::Ended(Failure::Status(Code::FailedPrecondition)),
                ),
                // Nobody answers at all.
                _ => {}
            }
            return;
        }
        let takes_s = self.random.f64() * 2.0;
        self.plan(takes_s, Happening::Opened(stream, profile));
        let link = self.links.get_mut(&stream).unwrap();
        link.last_arrival = self.now + Duration::from_secs_f64(takes_s);
        self.plan(takes_s, Happening::Tell(stream, Event::Opened));
    }

    fn send(&mut self, stream: StreamId, batch_id: u32, data: Bytes) {
        let stalls = !self.is_calm && self.random.u32(..1_000) < self.misbehaves;
        let takes = Duration::from_secs_f64(self.random.f64() * 0.3);
        let now = self.now;
        let link = self
            .links
            .get_mut(&stream)
            .expect("sent on a closed stream");
        link.handed += 1;
        let handed = link.handed;
        link.is_stalled |= stalls;
        if link.is_stalled {
            return;
        }
        link.last_arrival = link.last_arrival.max(now + takes);
        let at = link.last_arrival;
        self.plan(
            takes.as_secs_f64() / 2.0,
            Happening::Tell(stream, Event::Written(handed)),
        );
        self.plan_at(at, Happening::Arrive(stream, batch_id, data));
    }

    fn arrive(&mut self, stream: StreamId, batch_id: u32, data: &[u8]) {
        let mood = self.mood();
        for event in self.intake.take(stream, batch_id, data, mood) {
            self.say(stream, event);
        }
    }

    fn mood(&mut self) -> Mood {
        if self.is_calm || self.random.u32(..200) >= self.misbehaves {
            return Mood::Good;
        }
        let codes = [
            Code::Unavailable,
            Code::InvalidArgument,
            Code::ResourceExhausted,
            Code::Internal,
            Code::Unknown,
            Code::PermissionDenied,
            Code::FailedPrecondition,
        ];
        let ends = [
            Failure::Transport,
            Failure::ServerEof,
            Failure::Frozen,
            Failure::Status(codes[self.random.usize(..codes.len())]),
        ];
        let failure = ends[self.random.usize(..ends.len())];
        match self.random.u32(..9) {
            0 | 1 => Mood::Ends(failure),
            2 | 3 => Mood::Refuses(failure),
            4 => Mood::FallsMute,
            5 => Mood::Confuses,
            6 => Mood::SaysNo,
            7 => Mood::Forgets,
            _ => Mood::SaysGoodbye,
        }
    }

    /// The intake says something, which takes its time and may be lost with the connection.
    fn say(&mut self, stream: StreamId, event: Event) {
        let slow_s = match self.is_calm || self.random.u32(..300) >= self.misbehaves {
            true => 0.2,
            false => 60.0,
        };
        let at = self.now + Duration::from_secs_f64(self.random.f64() * slow_s);
        if let Some(link) = self.links.get_mut(&stream) {
            link.last_word = link.last_word.max(at);
            let at = link.last_word;
            self.plan_at(at, Happening::Tell(stream, event));
        }
    }

    fn check(self, closed: bool) -> Totals {
        let accepted = 1..self.next_number;
        let missing = accepted
            .filter(|number| {
                !self.intake.arrived.contains(number)
                    && !self.http.contains(number)
                    && !self.undelivered.contains(number)
            })
            .count() as u64;
        assert!(
            missing <= self.dropped,
            "{missing} logs are nowhere, {} were said to be dropped",
            self.dropped
        );
        if !closed {
            self.check_states();
        }
        self.totals()
    }

    /// Both ends know the same.
    fn check_states(&self) {
        let machine = self.pipeline.machine();
        if machine.is_away() {
            return;
        }
        let encoder = self.pipeline.coder().unwrap().encoder();
        let (patterns, texts) = (sorted(encoder.pattern_ids()), sorted(encoder.text_ids()));
        let snapshot = machine.snapshot();
        assert_eq!(snapshot.entries().patterns, patterns.len());
        assert_eq!(snapshot.entries().texts, texts.len());
        assert_eq!(snapshot.entries().schemas, encoder.schema_ids().count());
        assert!(patterns.iter().all(|id| snapshot.pattern(*id).is_some()));
        assert!(texts.iter().all(|id| snapshot.text(*id).is_some()));
        // While one stream drains, the other knows nothing yet.
        let current = self.links.last_key_value();
        let Some((stream, _)) = current.filter(|_| machine.view(self.now).state == "active") else {
            return;
        };
        let Some(decoder) = self.intake.decoder(*stream) else {
            return;
        };
        let known = (sorted(decoder.pattern_ids()), sorted(decoder.text_ids()));
        if known.0.is_empty() && known.1.is_empty() {
            // The snapshot is still on its way.
            return;
        }
        if self.mode == SnapshotMode::Full && machine.stats().failures.is_empty() {
            assert_eq!(known, (patterns, texts));
        } else {
            assert!(known.0.iter().all(|id| patterns.contains(id)));
            assert!(known.1.iter().all(|id| texts.contains(id)));
        }
    }

    fn totals(&self) -> Totals {
        let stats = self.pipeline.machine().stats();
        let encoder = self.pipeline.encoder_stats();
        assert!(self.seed < u64::MAX);
        Totals {
            logs: self.next_number - 1,
            streams: stats.opened,
            failures: stats.failures.clone(),
            rotations: (stats.rotations.iter())
                .map(|(why, count)| (why.name(), *count))
                .collect(),
            resent_logs: stats.resent_logs,
            duplicates: self.intake.duplicates,
            http: self.http.len() as u64,
            undelivered: self.undelivered.len() as u64,
            dropped: self.dropped,
            snapshots: stats.snapshots,
            evictions: encoder.patterns_evicted + encoder.texts_evicted,
            raw_batches: stats.raw_batches,
            divided: stats.divided_batches,
        }
    }
}

fn sorted(ids: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids
}

fn options(random: &mut fastrand::Rng) -> Options {
    let tiny = |items: usize| Limits {
        max_items: items,
        ..encoder::Options::default().pattern_limits
    };
    let seconds = |random: &mut fastrand::Rng, least: u64, most: u64| {
        Duration::from_millis(random.u64(least * 1_000..most * 1_000))
    };
    Options {
        settings: Settings {
            wire: [Wire::A, Wire::C, Wire::Auto][random.usize(..3)],
            snapshot: [SnapshotMode::Full, SnapshotMode::Lazy][random.usize(..2)],
            max_inflight_payloads: random.usize(1..20),
            max_inflight_bytes: random.usize(1_000..200_000),
            max_message_bytes: [400, 4_000, 100_000][random.usize(..3)],
            lifetime: seconds(random, 1, 120),
            drain_timeout: seconds(random, 1, 6),
            connect_timeout: seconds(random, 3, 10),
            send_timeout: seconds(random, 1, 10),
            ack_timeout: seconds(random, 2, 30),
            fallback: [Fallback::Http, Fallback::None][random.usize(..2)],
            fallback_recheck: seconds(random, 10, 300),
            auth_fallback_after: random.u32(1..4),
            ack_status: [AckStatus::Strict, AckStatus::Lenient][random.usize(..2)],
            backoff: backoff::Settings {
                max: seconds(random, 2, 120),
                ..backoff::Settings::default()
            },
            last_batch_id: random.u32(2..500),
            ..Settings::default()
        },
        encoder: encoder::Options {
            pattern_limits: Limits {
                grace_ms: 0,
                ..tiny(random.usize(4..40))
            },
            text_limits: tiny(random.usize(6..40)),
            json: [JsonMode::Text, JsonMode::Columns][random.usize(..2)],
            ..encoder::Options::default()
        },
        compression: match random.u32(..20) {
            0 => Compression::Zstd(3),
            1 => Compression::Gzip(1),
            _ => Compression::Identity,
        },
        a_none: [ANone::EmptyValue, ANone::NewBatch][random.usize(..2)],
    }
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.logs += other.logs;
        self.streams += other.streams;
        self.resent_logs += other.resent_logs;
        self.duplicates += other.duplicates;
        self.http += other.http;
        self.undelivered += other.undelivered;
        self.dropped += other.dropped;
        self.snapshots += other.snapshots;
        self.evictions += other.evictions;
        self.raw_batches += other.raw_batches;
        self.divided += other.divided;
        for (failure, count) in &other.failures {
            *self.failures.entry(*failure).or_default() += count;
        }
        for (why, count) in &other.rotations {
            *self.rotations.entry(why).or_default() += count;
        }
    }

    /// A simulation in which nothing goes wrong proves nothing.
    pub(crate) fn assert_everything_happened(&self) {
        for (name, count) in [
            ("resent", self.resent_logs),
            ("duplicates", self.duplicates),
            ("http", self.http),
            ("undelivered", self.undelivered),
            ("dropped", self.dropped),
            ("snapshots", self.snapshots),
            ("evictions", self.evictions),
            ("raw batches", self.raw_batches),
            ("divided", self.divided),
        ] {
            assert!(count > 0, "{name} never happened");
        }
        assert!(self.failures.len() >= 14, "{:?}", self.failures);
        assert!(self.rotations.len() == 8, "{:?}", self.rotations);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures: u64 = self.failures.values().sum();
        write!(
            f,
            "{} logs over {} streams, {failures} failures of {} kinds, rotations {:?}, {} logs sent again, \
             {} arrived twice, {} over HTTP, {} given back, {} dropped, {} snapshots, {} evictions, \
             {} batches made raw, {} divided",
            self.logs,
            self.streams,
            self.failures.len(),
            self.rotations,
            self.resent_logs,
            self.duplicates,
            self.http,
            self.undelivered,
            self.dropped,
            self.snapshots,
            self.evictions,
            self.raw_batches,
            self.divided,
        )
    }
}
