//! The task of one pipeline, and the door to it.
//!
//! It owns the pipeline and the ends of its streams, carries out what the pipeline decides, and tells the owner of the
//! logs what became of them. It takes further logs only when the pipeline wants them, so that whoever sends them waits.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::proc::Clocks;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::codec;
use crate::coder::Logs;
use crate::failure::Failure;
use crate::line::Line;
use crate::pipeline::{Done, Job, Options, Output, Pipeline};
use crate::report::Report;
use crate::state::{DropReason, Effect, Event, StreamId};

/// News of streams that may wait; further ones keep their streams waiting.
const NEWS: usize = 64;
/// How often the key is looked at while a better one is waited for.
const KEY_TICK: Duration = Duration::from_secs(1);
/// How often the drain looks whether its deadline was moved forward.
const DRAIN_TICK: Duration = Duration::from_millis(100);
/// A stream that breaks so soon after the clocks have jumped was broken by the sleep.
const AFTER_SLEEP: Duration = Duration::from_secs(5);
/// Logs of at most so many bytes are encoded where they are, within a fraction of a millisecond: to wake a thread for
/// them, and to be woken by it, costs more than that.
const AT_ONCE_BYTES: usize = 64 << 10;

/// What the owner of the logs does with those whose fate is known.
pub trait Owner<L>: Send + 'static {
    /// A number of logs is given up.
    fn dropped(&mut self, lost: u64, reason: DropReason);

    /// All of these are safe at the other end, but `lost` of them, of which was told before. Those at which the encoder
    /// failed are gone with it, and are never told of here.
    fn settled(&mut self, logs: L, lost: u64);

    /// The time to stop was over.
    fn undelivered(&mut self, logs: L);

    /// They are to go over HTTP; the pipeline waits until they are on their way.
    fn over_http(&mut self, logs: L) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// How the task behaves, besides what the pipeline is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The pipeline.
    pub options: Options,
    /// The longest time that the end may take. Default: 15 s.
    pub shutdown_timeout: Duration,
    /// Groups of logs that may wait to be taken. Default: 1, since whoever gives them waits; more for one that does not.
    pub queue: usize,
    /// Whether the stream is ended after each flush: where the machine sleeps between invocations.
    pub rests_after_flush: bool,
}

#[derive(Debug)]
enum Command<L> {
    Send(L),
    Flush {
        deadline: Instant,
        done: oneshot::Sender<bool>,
    },
}

/// The door; cheap to clone. When the last one is gone the task settles what it has and ends.
#[derive(Debug)]
pub struct Handle<L> {
    commands: mpsc::Sender<Command<L>>,
    /// Sends nothing; that all of them are gone shows even while no command is taken.
    door: mpsc::Sender<Infallible>,
    report: watch::Receiver<Report>,
}

impl<L> Clone for Handle<L> {
    fn clone(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            door: self.door.clone(),
            report: self.report.clone(),
        }
    }
}

impl<L> Handle<L> {
    /// Gives logs, and returns when the task has taken them: it waits while there is no space.
    ///
    /// # Errors
    /// The logs, when the task has ended.
    pub async fn send(&self, logs: L) -> Result<(), L> {
        match self.commands.send(Command::Send(logs)).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendError(Command::Send(logs))) => Err(logs),
            Err(mpsc::error::SendError(Command::Flush { .. })) => Ok(()),
        }
    }

    /// Gives logs if the task takes them at once.
    ///
    /// # Errors
    /// The logs, when there is no space, or the task has ended.
    pub fn try_send(&self, logs: L) -> Result<(), L> {
        let sent = self.commands.try_send(Command::Send(logs));
        match sent.map_err(mpsc::error::TrySendError::into_inner) {
            Err(Command::Send(logs)) => Err(logs),
            Ok(()) | Err(Command::Flush { .. }) => Ok(()),
        }
    }

    /// Waits until all logs given before are settled: delivered, dropped or over HTTP. Says whether they were by the
    /// deadline.
    pub async fn flush(&self, deadline: Instant) -> bool {
        let (done, settled) = oneshot::channel();
        let sent = self.commands.send(Command::Flush { deadline, done });
        // While there is no space the task reads no command, hence the deadline here too.
        let all = async { sent.await.is_ok() && settled.await.unwrap_or(false) };
        tokio::time::timeout_at(deadline, all)
            .await
            .unwrap_or(false)
    }

    /// How the pipeline is doing.
    pub fn report(&self) -> Report {
        self.report.borrow().clone()
    }

    /// A door that only tells how the pipeline is doing, and does not keep the task alive.
    pub fn reports(&self) -> watch::Receiver<Report> {
        self.report.clone()
    }
}

/// A flush that waits.
#[derive(Debug)]
struct Flush {
    /// Logs given together until then, counted since the start.
    up_to: u64,
    deadline: Instant,
    done: oneshot::Sender<bool>,
}

/// A job that was begun.
enum Running<L> {
    /// It runs in a thread that may be blocked.
    Elsewhere(JoinHandle<Done<L>>),
    /// It is done, or has failed.
    AtOnce(Box<Option<Done<L>>>),
}

/// The task.
pub struct Service<L, O> {
    pipeline: Pipeline<L>,
    config: Config,
    client: Client,
    owner: O,
    commands: mpsc::Receiver<Command<L>>,
    doors: mpsc::Receiver<Infallible>,
    news: mpsc::Receiver<(StreamId, Event)>,
    teller: mpsc::Sender<(StreamId, Event)>,
    lines: HashMap<StreamId, Line>,
    /// The key of the last stream that was opened.
    key: Option<String>,
    /// Streams that are being ended in peace.
    closing: JoinSet<()>,
    job: Option<Running<L>>,
    /// Logs of that job.
    job_logs: u64,
    over_http: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    to_http: std::collections::VecDeque<L>,
    flushes: Vec<Flush>,
    given: u64,
    settled: u64,
    report: watch::Sender<Report>,
    began: Instant,
    clocks: Clocks,
    slept_at: Option<Instant>,
    is_open: bool,
}

impl<L, O> Service<L, O>
where
    L: Logs + Send + 'static,
    O: Owner<L>,
{
    /// The task and its door. Nothing runs until [`Service::run`]. The seed should be random.
    pub fn new(config: Config, client: Client, owner: O, seed: u64) -> (Self, Handle<L>) {
        let (commands_in, commands) = mpsc::channel(config.queue.max(1));
        let (door, doors) = mpsc::channel(1);
        let (teller, news) = mpsc::channel(NEWS);
        let (report, reports) = watch::channel(Report::default());
        let mut options = config.options.clone();
        options.compression = client.compression();
        let service = Self {
            pipeline: Pipeline::new(options, seed),
            config,
            client,
            owner,
            commands,
            doors,
            news,
            teller,
            lines: HashMap::new(),
            key: None,
            closing: JoinSet::new(),
            job: None,
            job_logs: 0,
            over_http: None,
            to_http: std::collections::VecDeque::new(),
            flushes: Vec::new(),
            given: 0,
            settled: 0,
            report,
            began: Instant::now(),
            clocks: Clocks::now(),
            slept_at: None,
            is_open: true,
        };
        let handle = Handle {
            commands: commands_in,
            door,
            report: reports,
        };
        (service, handle)
    }

    /// Runs until every door is gone, then until all is settled or the time of the drain is over.
    pub async fn run(mut self, drain: Drain) {
        self.pipeline.start(self.now());
        let (mut end, mut has_doors) = (None, true);
        loop {
            self.advance();
            if self.is_over() {
                break;
            }
            if let Some(end) = end {
                self.hurry(drain.deadline().map_or(end, |it: Instant| it.min(end)));
            }
            let wakes_at = self.wakes_at();
            let takes = self.is_open && self.takes_commands();
            let waits_for_key = self.pipeline.machine().waits_for_key();
            tokio::select! {
                biased;
                Some((stream, event)) = self.news.recv() => self.hear(stream, event),
                done = finished(&mut self.job) => self.encoded(done),
                () = sent(&mut self.over_http) => {
                    self.over_http = None;
                    self.settled += 1;
                }
                command = self.commands.recv(), if takes => self.obey(command),
                Some(_) = self.closing.join_next() => {}
                () = tokio::time::sleep(KEY_TICK), if waits_for_key => self.look_at_the_key(),
                None = self.doors.recv(), if has_doors => {
                    has_doors = false;
                    let longest = Instant::now() + self.config.shutdown_timeout;
                    end = Some(end.map_or(longest, |it: Instant| it.min(longest)));
                }
                deadline = drain.signalled(), if end.is_none() => end = Some(deadline),
                () = tokio::time::sleep(DRAIN_TICK), if end.is_some() => {}
                () = sleep_until(wakes_at.unwrap_or(self.began)), if wakes_at.is_some() => {
                    self.pipeline.tick(self.now());
                }
            }
        }
        self.end_streams(&drain).await;
        self.publish();
    }

    /// Waits for the last words of servers, a second at most, and no longer than the drain.
    async fn end_streams(&mut self, drain: &Drain) {
        let cut = async {
            let deadline = drain.signalled().await;
            sleep_until(drain.deadline().unwrap_or(deadline)).await;
        };
        let ended = async { while self.closing.join_next().await.is_some() {} };
        tokio::select! {
            () = ended => {}
            () = cut => {}
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Moves everything as far as it goes.
    fn advance(&mut self) {
        self.carry_out();
        if self.job.is_none()
            && let Some(job) = self.pipeline.next_job()
        {
            self.encode(job);
        }
        if self.is_open && self.commands.is_closed() && self.commands.is_empty() {
            self.close();
        }
        self.answer_flushes();
        self.publish();
    }

    fn takes_commands(&self) -> bool {
        self.to_http.is_empty() && self.over_http.is_none() && self.pipeline.wants_logs()
    }

    fn is_over(&self) -> bool {
        !self.is_open
            && self.pipeline.is_stopped()
            && self.to_http.is_empty()
            && self.over_http.is_none()
            && self.job.is_none()
    }

    fn wakes_at(&self) -> Option<Instant> {
        let pipeline = self.pipeline.wakes_at().map(|at| self.began + at);
        let flush = self.flushes.iter().map(|flush| flush.deadline).min();
        [pipeline, flush].into_iter().flatten().min()
    }

    fn obey(&mut self, command: Option<Command<L>>) {
        match command {
            Some(Command::Send(logs)) => {
                self.given += 1;
                self.look_at_the_key();
                if let Some(job) = self.pipeline.push(logs) {
                    self.encode(job);
                }
            }
            Some(Command::Flush { deadline, done }) => self.flushes.push(Flush {
                up_to: self.given,
                deadline,
                done,
            }),
            None => self.close(),
        }
    }

    /// Every door is gone.
    fn close(&mut self) {
        self.is_open = false;
        let longest = self.now() + self.config.shutdown_timeout;
        self.pipeline.close(longest, self.now());
    }

    /// There is a deadline, and that of a drain may have been moved forward: nothing goes on behind it.
    fn hurry(&mut self, deadline: Instant) {
        if self.is_open && Instant::now() >= deadline {
            self.commands.close();
            while let Ok(command) = self.commands.try_recv() {
                if let Command::Send(logs) = command {
                    self.owner.undelivered(logs);
                }
            }
            self.close();
        }
        if !self.is_open {
            let deadline = deadline.saturating_duration_since(self.began);
            self.pipeline.close(deadline, self.now());
        }
    }

    /// Encoding takes a thread that may be blocked, unless it takes no time to speak of.
    fn encode(&mut self, job: Job<L>) {
        self.job_logs = job.logs() as u64;
        let now_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now_ms = i64::try_from(now_ms.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
        let is_small = job.bytes() <= AT_ONCE_BYTES;
        let run = move || job.run(now_ms);
        self.job = Some(match is_small {
            // A panic fails the job alone, as it does in a thread. What it had in its hands is gone with it.
            true => Running::AtOnce(Box::new(catch_unwind(AssertUnwindSafe(run)).ok())),
            false => Running::Elsewhere(tokio::task::spawn_blocking(run)),
        });
    }

    fn encoded(&mut self, done: Option<Done<L>>) {
        self.job = None;
        match done {
            Some(done) => self.pipeline.finish(done, self.now()),
            None => {
                self.settled += 1;
                self.pipeline.job_failed(self.job_logs, self.now());
            }
        }
    }

    fn hear(&mut self, stream: StreamId, event: Event) {
        let event = match event {
            Event::Ended(failure) => {
                // The task of the stream is over.
                drop(self.lines.remove(&stream));
                Event::Ended(self.excuse(failure))
            }
            event => event,
        };
        self.pipeline.on(stream, event, self.now());
    }

    /// A stream that broke because the machine slept did nothing wrong.
    fn excuse(&mut self, failure: Failure) -> Failure {
        let now = Clocks::now();
        if now.jumped_since(&self.clocks) {
            self.slept_at = Some(Instant::now());
        }
        let just_slept = self.slept_at.is_some_and(|at| at.elapsed() < AFTER_SLEEP);
        match failure {
            Failure::Transport if just_slept => Failure::Frozen,
            failure => failure,
        }
    }

    fn look_at_the_key(&mut self) {
        let current = self.client.key().current();
        if self.key.as_ref().is_some_and(|key| *key != current) {
            self.pipeline.key_changed(self.now());
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.pipeline.next_output() {
            match output {
                Output::Stream(effect) => self.stream(effect),
                Output::Dropped { lost, reason } => {
                    tracing::error!(lost, reason = reason.name(), "logs were given up");
                    self.owner.dropped(lost, reason);
                }
                Output::Settled { logs, lost } => {
                    self.settled += 1;
                    self.owner.settled(logs, lost);
                }
                Output::Undelivered(logs) => {
                    self.settled += 1;
                    self.owner.undelivered(logs);
                }
                Output::Http(logs) => self.to_http.push_back(logs),
            }
        }
        if self.over_http.is_none()
            && let Some(logs) = self.to_http.pop_front()
        {
            self.over_http = Some(self.owner.over_http(logs));
        }
    }

    fn stream(&mut self, effect: Effect<L>) {
        match effect {
            Effect::Open { stream, profile } => {
                let key = self.client.key().current();
                let news = self.teller.clone();
                let line = Line::open(&self.client, &key, stream, profile, news);
                self.key = Some(key);
                self.lines.insert(stream, line);
            }
            Effect::Send {
                stream,
                batch_id,
                data,
            } => {
                if let Some(line) = self.lines.get(&stream) {
                    line.send(codec::Batch { batch_id, data });
                }
            }
            Effect::HalfClose { stream } => {
                if let Some(line) = self.lines.remove(&stream) {
                    self.closing.spawn(line.half_close());
                }
            }
            Effect::Cancel { stream } => drop(self.lines.remove(&stream)),
            Effect::Delivered { .. }
            | Effect::Dropped { .. }
            | Effect::Returned { .. }
            | Effect::Shrink => {}
        }
    }

    fn answer_flushes(&mut self) {
        let (now, settled) = (Instant::now(), self.settled);
        let flushes = std::mem::take(&mut self.flushes);
        let had_some = !flushes.is_empty();
        for flush in flushes {
            if flush.up_to > settled && now < flush.deadline {
                self.flushes.push(flush);
                continue;
            }
            // The caller may have stopped waiting.
            let _unheard = flush.done.send(flush.up_to <= settled).is_err();
        }
        if had_some && self.flushes.is_empty() && self.config.rests_after_flush {
            self.pipeline.rest(self.now());
            self.carry_out();
        }
    }

    fn publish(&mut self) {
        self.clocks = Clocks::now();
        let report = Report::of(&self.pipeline, self.now());
        self.report.send_replace(report);
    }
}

impl<L, O> std::fmt::Debug for Service<L, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("config", &self.config)
            .field("given", &self.given)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}

/// Waits until the job is done, for ever while there is none. A job that panicked has taken its logs with it.
async fn finished<L>(job: &mut Option<Running<L>>) -> Option<Done<L>> {
    let done = match job {
        Some(Running::Elsewhere(task)) => task.await.ok(),
        Some(Running::AtOnce(done)) => done.take(),
        None => std::future::pending().await,
    };
    if done.is_none() {
        tracing::error!("the encoder failed");
    }
    done
}

async fn sent(over_http: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>) {
    match over_http {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}
