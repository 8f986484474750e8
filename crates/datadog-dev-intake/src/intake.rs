//! The handle of an intake: starting it, asking it, killing and reviving it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::fault::{self, On, Rule, ScriptError};
use crate::query;
use crate::server::{self, H2_STREAM_WINDOW, Options, Running, Shared, now_ms};
use crate::snapshot::{
    BatchRecord, CheckRecord, EventRecord, LogRecord, RequestRecord, SecurityRecord, SeriesRecord,
    SketchRecord, Snapshot, StatsRecord, TraceRecord,
};
use crate::streams::StreamSnapshot;

mod expectations;
mod remote_config;

/// Where the intake listens when it is started as a program.
pub const DEFAULT_ADDR: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8282);
/// Bytes of records and bodies kept by default: 256 MiB.
pub const DEFAULT_KEEP_BYTES: u64 = 256 << 20;
/// How long expectations wait by default.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// Why an intake could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken, or is none of this machine's.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file with the script of faults cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    FaultsFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The script of faults is wrong.
    #[error("{}: {source}", path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ScriptError,
    },
}

/// How an intake is to be, before it is started.
#[derive(Debug)]
#[must_use = "nothing listens before start"]
pub struct Builder {
    addr: SocketAddr,
    keep_bytes: u64,
    deadline: Duration,
    faults_file: Option<PathBuf>,
    options: Options,
}

impl Builder {
    /// Listens there; default a free port of 127.0.0.1.
    pub fn addr(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// Keeps at most that many bytes of records and bodies; default [`DEFAULT_KEEP_BYTES`].
    pub fn keep_bytes(mut self, keep_bytes: u64) -> Self {
        self.keep_bytes = keep_bytes;
        self
    }

    /// Answers 403 to whatever comes without a key, as the real intake does; by default they are only flagged.
    pub fn require_key(mut self) -> Self {
        self.options.require_key = true;
        self
    }

    /// Starts with the script of faults in that file.
    pub fn faults_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.faults_file = Some(path.into());
        self
    }

    /// Serves the page from that folder instead of from the program, for whoever works on it.
    pub fn ui_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.options.ui_dir = Some(dir.into());
        self
    }

    /// Answers questions under that host name too; by default only under addresses and `localhost`.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.options.allowed_hosts.push(host.into());
        self
    }

    /// Lets a sender have at most that many bytes on their way in one HTTP/2 stream; default 1 MiB, at most 2^31 - 1.
    ///
    /// It holds for every connection: nobody knows yet what will be asked for when it is announced.
    pub fn stream_window_bytes(mut self, bytes: u32) -> Self {
        self.options.stream_window_bytes = bytes.min(i32::MAX.unsigned_abs());
        self
    }

    /// How long expectations wait; default ten seconds.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Binds and serves.
    ///
    /// # Errors
    /// When the address cannot be bound, or the script of faults cannot be read.
    pub async fn start(self) -> Result<Intake, Error> {
        let rules = match self.faults_file {
            Some(path) => read_script(path).await?,
            None => Vec::new(),
        };
        let shared = Arc::new(Shared::new(self.options, self.keep_bytes, rules));
        let (running, addr) = listen(self.addr, &shared).await?;
        Ok(Intake {
            addr,
            shared,
            deadline: self.deadline,
            running: Mutex::new(Some(running)),
        })
    }
}

async fn read_script(path: PathBuf) -> Result<Vec<Rule>, Error> {
    let json = match tokio::fs::read(&path).await {
        Ok(json) => json,
        Err(source) => return Err(Error::FaultsFile { path, source }),
    };
    fault::parse_script(&json).map_err(|source| Error::Script { path, source })
}

async fn listen(addr: SocketAddr, shared: &Arc<Shared>) -> Result<(Running, SocketAddr), Error> {
    let (listener, bound) = server::bind(addr)
        .await
        .map_err(|source| Error::Bind { addr, source })?;
    Ok((Running::start(listener, Arc::clone(shared)), bound))
}

/// A running intake. Dropping it closes its port.
#[derive(Debug)]
pub struct Intake {
    addr: SocketAddr,
    shared: Arc<Shared>,
    deadline: Duration,
    running: Mutex<Option<Running>>,
}

impl Intake {
    /// An intake with every default, on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When the machine has no free port; meant for tests.
    pub async fn start() -> Self {
        match Self::builder().start().await {
            Ok(intake) => intake,
            Err(error) => panic!("{error}"),
        }
    }

    /// An intake to be, on a free port of 127.0.0.1 unless told otherwise.
    pub fn builder() -> Builder {
        Builder {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            keep_bytes: DEFAULT_KEEP_BYTES,
            deadline: DEFAULT_DEADLINE,
            faults_file: None,
            options: Options {
                require_key: false,
                ui_dir: None,
                allowed_hosts: Vec::new(),
                stream_window_bytes: H2_STREAM_WINDOW,
            },
        }
    }

    /// The address that it listens on, or did before it was killed.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port of [`Self::addr`].
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// `http://ADDRESS:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Begins a rule for what is sent to `path`, a prefix that ends in `*`, or `*`.
    ///
    /// The rule stands behind those already there, and is in force when the statement ends.
    #[must_use = "say what is to happen to such requests"]
    pub fn on(&self, path: impl Into<String>) -> On<'_> {
        On::new(&self.shared, path.into())
    }

    /// Replaces the script of faults.
    pub fn set_faults(&self, rules: Vec<Rule>) {
        self.shared.script().replace(rules);
    }

    /// Gives the page a line to show newcomers: a command that posts a log.
    pub fn set_hint(&self, line: impl Into<String>) {
        *self.shared.hint() = Some(line.into());
    }

    /// What is kept now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.shared)
    }

    /// Every accepted log that is kept, in the order of arrival.
    #[must_use]
    pub fn logs(&self) -> Vec<LogRecord> {
        self.snapshot().logs()
    }

    /// The message of every accepted log that is kept, in the order of arrival.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.snapshot().messages()
    }

    /// Every accepted series that is kept, in the order of arrival.
    #[must_use]
    pub fn series(&self) -> Vec<SeriesRecord> {
        self.snapshot().series()
    }

    /// Every accepted distribution that is kept, in the order of arrival.
    #[must_use]
    pub fn sketches(&self) -> Vec<SketchRecord> {
        self.snapshot().sketches()
    }

    /// Every accepted event that is kept, in the order of arrival.
    #[must_use]
    pub fn events(&self) -> Vec<EventRecord> {
        self.snapshot().events()
    }

    /// Every accepted service check that is kept, in the order of arrival.
    #[must_use]
    pub fn checks(&self) -> Vec<CheckRecord> {
        self.snapshot().checks()
    }

    /// Every accepted chunk of a trace that is kept, in the order of arrival.
    #[must_use]
    pub fn traces(&self) -> Vec<TraceRecord> {
        self.snapshot().traces()
    }

    /// Every accepted group of trace stats that is kept, in the order of arrival.
    #[must_use]
    pub fn stats(&self) -> Vec<StatsRecord> {
        self.snapshot().stats()
    }

    /// Every security event on the spans that are kept, in the order of arrival.
    #[must_use]
    pub fn security(&self) -> Vec<SecurityRecord> {
        self.snapshot().security()
    }

    /// How many requests and streams `path` got since the start or the last reset, refused, faulted and evicted ones included.
    #[must_use]
    pub fn requests(&self, path: &str) -> usize {
        usize::try_from(self.shared.store().counts().by_path.get(path)).unwrap_or(usize::MAX)
    }

    /// The stateful streams that are open and the last hundred that ended, in the order in which they opened.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamSnapshot> {
        let (all, now_ms) = (self.shared.streams().all(), now_ms());
        all.iter().map(|live| live.snapshot(now_ms)).collect()
    }

    /// Every batch of a stateful stream that is kept, in the order of arrival.
    #[must_use]
    pub fn batches(&self) -> Vec<BatchRecord> {
        self.snapshot().batches()
    }

    /// Every request and stream that is kept, in the order of arrival.
    #[must_use]
    pub fn raw_requests(&self) -> Vec<RequestRecord> {
        self.snapshot().raw_requests()
    }

    /// The counts, as `GET /inspect/summary` shows them.
    #[must_use]
    pub fn summary(&self) -> Value {
        query::summary(&self.shared)
    }

    /// Forgets all records, counts and faults, and withdraws what was pushed.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Closes the port and every connection, and keeps what arrived: an intake that is down.
    pub async fn kill(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// Listens on the same port again after [`Self::kill`]; does nothing while it runs.
    ///
    /// # Errors
    /// When something else took the port.
    pub async fn revive(&self) -> Result<(), Error> {
        let is_running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        if !is_running {
            let (running, _) = listen(self.addr, &self.shared).await?;
            *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        }
        Ok(())
    }

    /// Closes the port and every connection for good.
    pub async fn stop(self) {
        self.kill().await;
    }
}
