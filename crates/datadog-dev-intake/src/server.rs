//! The listener: accepts connections, HTTP/1.1 and HTTP/2 without TLS alike, and hands requests on by their path.
//!
//! Decides nothing about faults or records; see `ingest` for what is sent here and `inspect` for what is asked.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fault::{Rule, Script};
use crate::logs::Facets;
use crate::remote_config::Backend;
use crate::store::{Received, Store};
use crate::streams::Streams;
use answer::Body;
use connection::{Control, Cut};

pub(crate) mod answer;
pub(crate) mod body;
mod connection;
mod guard;
mod ingest;
mod inspect;
mod look;
mod remote_config;
mod stream;

/// Connections open at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;
/// What a sender may have on its way in one HTTP/2 stream, unless told otherwise.
pub(crate) const H2_STREAM_WINDOW: u32 = 1 << 20;
/// The same over all streams of a connection.
const H2_CONNECTION_WINDOW: u32 = 4 << 20;
/// Pause after a failed accept, so that running out of descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the intake was asked to be.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) require_key: bool,
    pub(crate) ui_dir: Option<PathBuf>,
    pub(crate) allowed_hosts: Vec<String>,
    /// Bytes that a sender may have on its way in one HTTP/2 stream.
    pub(crate) stream_window_bytes: u32,
}

/// What every connection, every reader and the handle of the intake have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) started_at_ms: i64,
    store: Mutex<Store>,
    script: Mutex<Script>,
    streams: Mutex<Streams>,
    remote_config: Mutex<Backend>,
    /// A line that posts a log, for the page to show while there is none.
    hint: Mutex<Option<String>>,
    /// The last number given out; tells waiting readers that there is more.
    changed: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(options: Options, keep_bytes: u64, rules: Vec<Rule>) -> Self {
        let mut script = Script::default();
        script.replace(rules);
        Self {
            options,
            started_at_ms: now_ms(),
            store: Mutex::new(Store::new(keep_bytes)),
            script: Mutex::new(script),
            streams: Mutex::new(Streams::default()),
            remote_config: Mutex::new(Backend::new(random(), now_s())),
            hint: Mutex::new(None),
            changed: watch::Sender::new(0),
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remote_config(&self) -> MutexGuard<'_, Backend> {
        self.remote_config
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hint(&self) -> MutexGuard<'_, Option<String>> {
        self.hint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a request and wakes whoever waits for one; answers its number.
    pub(crate) fn record(&self, received: Received, facets: &Facets) -> u64 {
        let stored = self.store().push(received, facets);
        self.wake(stored.last_seq());
        stored.seq
    }

    /// Wakes whoever waits for a change that has no number of its own.
    pub(crate) fn wake_all(&self) {
        self.wake(0);
    }

    fn wake(&self, seq: u64) {
        // Two requests at once may get here in the wrong order; the number never falls.
        self.changed.send_modify(|last| *last = (*last).max(seq));
    }

    /// Tells of new records.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Forgets all records, counts and faults, and what was pushed.
    pub(crate) fn reset(&self) {
        self.store().reset();
        self.streams().reset();
        self.script().replace(Vec::new());
        self.remote_config().reset(now_s());
    }
}

/// Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A number that no other call gives, in this process or another, as far as chance goes.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Unix seconds.
pub(crate) fn now_s() -> u64 {
    u64::try_from(now_ms() / 1_000).unwrap_or(0)
}

/// A listener with its connections, until it is stopped or dropped.
#[derive(Debug)]
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Serves `listener` until stopped.
    pub(crate) fn start(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(listener, shared, stop.clone()));
        Self { stop, task }
    }

    /// Closes the listener and every connection, and returns when they are closed.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::debug!(%error, "intake task did not end by itself");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Binds `addr`.
pub(crate) async fn bind(addr: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    let streams = TaskTracker::new();
    loop {
        let has_room = connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => {
                    let control = Arc::new(Control::new(stop.child_token(), streams.clone()));
                    connections.spawn(serve(stream, Arc::clone(&shared), control));
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    streams.close();
    streams.wait().await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, control: Arc<Control>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let io = TokioIo::new(Cut::new(stream, Arc::clone(&control)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http2()
        .initial_stream_window_size(shared.options.stream_window_bytes)
        .initial_connection_window_size(H2_CONNECTION_WINDOW);
    let of_service = Arc::clone(&control);
    let service = service_fn(move |request| {
        let (shared, control) = (Arc::clone(&shared), Arc::clone(&of_service));
        async move { Ok::<_, Infallible>(route(request, &shared, &control).await) }
    });
    let mut connection = pin!(server.serve_connection(io, service));
    let mut is_going_away = false;
    loop {
        tokio::select! {
            () = control.closed() => return,
            () = control.told_to_go_away(), if !is_going_away => {
                is_going_away = true;
                connection.as_mut().graceful_shutdown();
            }
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
        }
    }
}

/// Pages and questions are answered here; everything else is telemetry.
async fn route(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    control: &Arc<Control>,
) -> Response<Body> {
    let path = request.uri().path();
    if inspect::owns(request.method(), path) {
        inspect::answer(request, shared).await
    } else if stream::owns(&request) {
        stream::answer(request, shared, control).await
    } else {
        ingest::answer(request, shared, control).await
    }
}
