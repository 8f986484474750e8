//! The task around the aggregator and the stats, and the door to it.
//!
//! Requests of traces are sent when they are full or due, stats when their seconds are over. A flush behind a payload
//! has seen it. The forwarder holds nobody up: what it has no room for it drops and counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::{Metric, Reason, Series, Telemetry};
use datadog_forwarder::FlushReport;
use datadog_wire::stats::ClientStatsPayload;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};
use tracing::warn;

use super::{Aggregator, Batch, Encoded, TooLarge};
use crate::client_stats;
use crate::concentrator::{self, Concentrator};
use crate::config::{Config, FlushStrategy};
use crate::encode::AgentPayload;
use crate::flusher::Flusher;
use crate::span::{Map, Text};
use crate::stats::{self, Origin};

/// Commands in the channel at most, besides what the memory of all allows.
const COMMANDS: usize = 1_024;
/// How often the buckets of the concentrator are looked at.
const STATS_EVERY: Duration = Duration::from_secs(1);

/// How long the report of a flush may be on its way after the deadline.
const GRACE: Duration = Duration::from_millis(100);

/// What a handle asks of the service.
#[derive(Debug)]
enum Command {
    /// Send this, with others.
    Add(Encoded),
    /// Send all that came before.
    Flush {
        deadline: Instant,
        done: oneshot::Sender<Reports>,
    },
    /// Take no more commands than are already in the channel.
    Close,
}

/// What a flush delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reports {
    /// Of traces; items are spans.
    pub traces: FlushReport,
    /// Of stats; items are groups.
    pub stats: FlushReport,
    /// Whether the time was over before it could be told what is unsent; the others are empty then.
    pub is_late: bool,
}

/// The trace agent has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the trace agent has stopped")]
pub struct Stopped;

/// The stats that wait for their seconds to be over; written to while requests are handled.
#[derive(Debug)]
pub(crate) struct OpenStats {
    pub(crate) concentrator: Concentrator,
    pub(crate) of_clients: client_stats::Aggregator,
}

/// Those of all requests.
#[derive(Debug, Clone)]
pub(crate) struct SharedStats(Arc<Mutex<OpenStats>>);

impl SharedStats {
    pub(crate) fn new(config: &Config) -> Self {
        let now = now();
        Self(Arc::new(Mutex::new(OpenStats {
            concentrator: Concentrator::new(config.concentrator.clone(), now),
            of_clients: client_stats::Aggregator::new(config.client_stats_bytes, now),
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, OpenStats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The door to the aggregator; cheap to clone. The service ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct AggregatorHandle {
    commands: mpsc::Sender<Command>,
}

impl AggregatorHandle {
    /// Hands on a message; waits while the service is busy.
    pub(crate) async fn add(&self, encoded: Encoded) -> Result<(), Stopped> {
        let sent = self.commands.send(Command::Add(encoded)).await;
        sent.map_err(|_| Stopped)
    }

    /// Sends all that came before, stats of the current seconds included, until `deadline`; what is not settled then
    /// stays where it is. Where not even that can be told in time, the reports say so.
    ///
    /// # Errors
    /// When the agent has stopped, or stops meanwhile.
    pub async fn flush(&self, deadline: Instant) -> Result<Reports, Stopped> {
        let (done, reports) = oneshot::channel();
        let settled = async {
            let sent = self.commands.send(Command::Flush { deadline, done }).await;
            sent.map_err(|_| Stopped)?;
            reports.await.map_err(|_| Stopped)
        };
        // The forwarders report at the deadline; who is too busy for that holds nobody up.
        let settled = timeout_at(deadline + GRACE, settled).await;
        settled.unwrap_or_else(|_| {
            Ok(Reports {
                is_late: true,
                ..Reports::default()
            })
        })
    }

    /// Ends the service once it has taken what is queued.
    pub async fn shutdown(&self) {
        // An error says that the service has ended already.
        let _ended = self.commands.send(Command::Close).await.is_err();
    }
}

/// Owns the aggregator; ends when every handle is gone or [`AggregatorHandle::shutdown`] was called, after it has
/// handed over what it held.
#[derive(Debug)]
pub(crate) struct AggregatorService {
    aggregator: Aggregator,
    stats: SharedStats,
    commands: mpsc::Receiver<Command>,
    traces_out: Flusher,
    stats_out: Flusher,
    agent: stats::Agent,
    tags: Vec<(String, String)>,
    target_tps: f64,
    error_tps: f64,
    rare: bool,
    every: Option<Duration>,
    client_stats_every: Duration,
    settling: JoinSet<()>,
    counters: Counters,
    drain: Drain,
}

#[derive(Debug)]
struct Counters {
    telemetry: Telemetry,
    buffer_bytes: Series,
    stats_bytes: Series,
    outcomes: [Series; 5],
    told: concentrator::Counts,
    dropped_groups: Series,
    told_dropped_groups: u64,
}

impl AggregatorService {
    /// The task and its door.
    pub(crate) fn new(
        config: &Config,
        stats: SharedStats,
        [traces_out, stats_out]: [Flusher; 2],
        telemetry: &Telemetry,
        drain: Drain,
    ) -> (Self, AggregatorHandle) {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let identity = &config.identity;
        let mut service = Self {
            aggregator: Aggregator::default(),
            stats,
            commands,
            traces_out,
            stats_out,
            agent: stats::Agent {
                hostname: identity.hostname.clone(),
                env: identity.env.clone(),
                version: identity.version.clone(),
            },
            tags: config.tags.clone(),
            target_tps: config.sampler.target_tps,
            error_tps: config.sampler.error_tps,
            rare: config.sampler.rare,
            every: match config.flush {
                FlushStrategy::Interval(every) => Some(every),
                FlushStrategy::OnDemand => None,
            },
            client_stats_every: config.client_stats_every,
            settling: JoinSet::new(),
            counters: Counters::new(telemetry),
            drain,
        };
        let head_bytes = service.agent_payload().encoded_len(std::iter::empty());
        service.aggregator = Aggregator::new(head_bytes);
        (service, AggregatorHandle { commands: sender })
    }

    /// Runs until every handle is gone, then hands over what is left.
    pub(crate) async fn run(mut self) {
        // A year stands for never.
        let every = self.every.unwrap_or(Duration::from_secs(365 * 86_400));
        let mut due = ticks(every);
        let mut stats_due = ticks(STATS_EVERY);
        let mut client_stats_due = ticks(self.client_stats_every);
        let on_time = self.every.is_some();
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Add(encoded)) => self.add(encoded).await,
                    Some(Command::Flush { deadline, done }) => self.flush(deadline, done).await,
                    Some(Command::Close) => self.commands.close(),
                    None => break,
                },
                _ = due.tick(), if on_time => self.send_traces().await,
                _ = stats_due.tick(), if on_time => self.send_own_stats(concentrator::Due::Complete).await,
                _ = client_stats_due.tick(), if on_time => self.send_client_stats(client_stats::Due::Complete).await,
                Some(_) = self.settling.join_next() => {}
            }
        }
        self.send_everything().await;
        while self.settling.join_next().await.is_some() {}
    }

    async fn add(&mut self, encoded: Encoded) {
        match self.aggregator.push(encoded) {
            Ok(None) => {}
            Ok(Some(full)) => self.send(full).await,
            Err(TooLarge { spans }) => {
                warn!(spans, "a trace is larger than the intake takes");
                self.counters
                    .lost(Metric::TracesWriterDropped, Reason::TooLarge, spans);
            }
        }
        self.counters
            .buffer_bytes
            .set(self.aggregator.bytes() as u64);
    }

    async fn flush(&mut self, deadline: Instant, done: oneshot::Sender<Reports>) {
        self.send_everything().await;
        let (traces, stats) = (self.traces_out.clone(), self.stats_out.clone());
        let drain = self.drain.clone();
        self.settling.spawn(async move {
            let settle = async {
                let (traces, stats) = tokio::join!(traces.flush(deadline), stats.flush(deadline));
                Reports {
                    traces: traces.unwrap_or_default(),
                    stats: stats.unwrap_or_default(),
                    is_late: false,
                }
            };
            let stop = async { sleep_until(drain.signalled().await).await };
            tokio::select! {
                biased;
                // Whoever asked may be gone.
                reports = settle => drop(done.send(reports)),
                // Else the forwarders would stay open for a flush that may take longer than the end.
                () = stop => {}
            }
        });
    }

    async fn send_everything(&mut self) {
        self.send_traces().await;
        self.send_own_stats(concentrator::Due::All).await;
        self.send_client_stats(client_stats::Due::All).await;
    }

    async fn send_traces(&mut self) {
        if let Some(batch) = self.aggregator.take() {
            self.send(batch).await;
        }
        self.counters.buffer_bytes.set(0);
    }

    async fn send(&mut self, mut batch: Batch) {
        let agent = self.agent_payload();
        let (body, spans) = (batch.encode(&agent), batch.spans);
        let reservation = batch.reservation.take();
        drop(batch);
        let languages = self.aggregator.languages();
        if !self
            .traces_out
            .send(body, spans, languages, reservation)
            .await
        {
            self.counters
                .lost(Metric::TracesWriterDropped, Reason::Shutdown, spans);
        }
    }

    /// What surrounds the messages of a request.
    fn agent_payload(&self) -> AgentPayload<'_> {
        let tags = self.tags.iter();
        AgentPayload {
            host_name: &self.agent.hostname,
            env: &self.agent.env,
            tags: tags
                .map(|(key, value)| (Text::from(key), Text::from(value)))
                .collect::<Map<'_, _>>(),
            agent_version: &self.agent.version,
            target_tps: self.target_tps,
            error_tps: self.error_tps,
            rare_sampler_enabled: self.rare,
        }
    }

    async fn send_own_stats(&mut self, due: concentrator::Due) {
        let stats = {
            let mut open = self.stats.lock();
            let stats = open.concentrator.flush(due, now(), fastrand::f64);
            self.counters.publish(&open);
            stats
        };
        self.send_stats(stats, Origin::Agent).await;
    }

    async fn send_client_stats(&mut self, due: client_stats::Due) {
        let stats = self.stats.lock().of_clients.flush(due, now());
        self.send_stats(stats, Origin::Client).await;
    }

    async fn send_stats(&mut self, stats: Vec<ClientStatsPayload>, origin: Origin) {
        for request in stats::requests(&self.agent, origin, stats) {
            let buckets = request.stats.iter().flat_map(|payload| &payload.stats);
            let groups: usize = buckets.map(|bucket| bucket.stats.len()).sum();
            let groups = groups as u64;
            let lost = |reason| {
                self.counters
                    .lost(Metric::TraceStatsWriterDropped, reason, groups)
            };
            match stats::encode(&request) {
                Ok(body) => {
                    let languages = self.aggregator.languages();
                    if !self.stats_out.send(body, groups, languages, None).await {
                        lost(Reason::Shutdown);
                    }
                }
                Err(error) => {
                    warn!(%error, "stats are lost");
                    lost(Reason::Memory);
                }
            }
        }
    }
}

impl Counters {
    fn new(telemetry: &Telemetry) -> Self {
        let outcome = |name| telemetry.series(Metric::TraceStatsSpans, &[("outcome", name)]);
        Self {
            telemetry: telemetry.clone(),
            buffer_bytes: telemetry.series(Metric::TracesBufferBytes, &[]),
            stats_bytes: telemetry.series(Metric::TraceStatsBytes, &[]),
            outcomes: [
                "counted",
                "folded",
                "dropped",
                "without_sketch",
                "in_future",
            ]
            .map(outcome),
            told: concentrator::Counts::default(),
            dropped_groups: telemetry.series(
                Metric::TraceStatsDropped,
                &[("reason", Reason::Memory.name())],
            ),
            told_dropped_groups: 0,
        }
    }

    /// Counts what became of spans and groups since the last time.
    fn publish(&mut self, open: &OpenStats) {
        let counts = open.concentrator.counts();
        let before = std::mem::replace(&mut self.told, counts);
        let new = [
            counts.counted - before.counted,
            counts.folded - before.folded,
            counts.dropped - before.dropped,
            counts.without_sketch - before.without_sketch,
            counts.in_future - before.in_future,
        ];
        for (series, new) in self.outcomes.iter().zip(new) {
            series.add(new);
        }
        let dropped = open.of_clients.counts().dropped_groups;
        self.dropped_groups.add(dropped - self.told_dropped_groups);
        self.told_dropped_groups = dropped;
        let bytes = open.concentrator.bytes() + open.of_clients.bytes();
        self.stats_bytes.set(bytes as u64);
    }

    fn lost(&self, metric: Metric, reason: Reason, items: u64) {
        if items > 0 {
            self.telemetry.dropped(metric, reason, items);
        }
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}

/// The time since 1970. A clock before that counts as 1970.
pub(crate) fn now() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}
