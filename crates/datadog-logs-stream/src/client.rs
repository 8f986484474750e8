//! One destination: its connection, the metadata of its streams, and the one place that reads the key.
//!
//! All streams to a destination share one HTTP/2 connection, which is opened when a stream needs it and replaced when it
//! can carry no further stream. It is pinged only while it carries one: servers take other pings for abuse.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use datadog_agent_runtime::connect::Connector;
use datadog_logs_patterns::wire::Profile;
use datadog_wire::stateful as names;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioTimer;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tonic::body::Body;
use tower_service::Service;

use crate::failure::{Code, Failure};
use crate::watched::Watched;
use crate::writer::Compression;

/// The longest interval between pings, however often a server complains.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(300);
/// Bytes that may be buffered for one stream between us and the network.
const SEND_BUFFER_BYTES: usize = 256 << 10;

/// Where the stream goes and what it says of itself.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `http://` or `https://`, host and port; a path is not used.
    pub origin: Uri,
    /// The method, as `/service/method`; `None`: that of the profile.
    pub method: Option<String>,
    /// The key, read for each stream.
    pub key: Key,
    /// `User-Agent`.
    pub user_agent: String,
    /// What the metadata says of the origin: the product and its version.
    pub origin_name: Option<(String, String)>,
    /// Bytes of state that the intake is asked to hold.
    pub state_request_bytes: usize,
    /// How the data of batches is compressed.
    pub compression: Compression,
    /// Whether the intake should only compare what comes: another leg carries the same logs.
    pub shadow: bool,
    /// How long without a word until the connection is asked whether it lives. Default: 30 s.
    pub keepalive_time: Duration,
    /// How long it has to say so. Default: 10 s.
    pub keepalive_timeout: Duration,
}

/// A source of the key.
#[derive(Clone)]
pub struct Key {
    current: Arc<dyn Fn() -> String + Send + Sync>,
    refresh: Arc<dyn Fn() + Send + Sync>,
}

impl Key {
    /// A key that `current` knows, and that `refresh` is to look up anew, after a refusal.
    pub fn new(
        current: impl Fn() -> String + Send + Sync + 'static,
        refresh: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            current: Arc::new(current),
            refresh: Arc::new(refresh),
        }
    }

    /// A key that never changes.
    pub fn fixed(key: impl Into<String>) -> Self {
        let key = key.into();
        Self::new(move || key.clone(), || {})
    }

    pub(crate) fn current(&self) -> String {
        (self.current)()
    }

    pub(crate) fn refresh(&self) {
        (self.refresh)();
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// A destination; cheap to clone, all clones share one connection.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    connector: Connector,
    connection: Mutex<Option<Arc<Connection>>>,
    /// Held while a connection is opened, so that streams which come at once share it.
    dialing: tokio::sync::Mutex<()>,
    /// Milliseconds between pings.
    ping_ms: AtomicU64,
}

/// A connection that lives as long as somebody holds it.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: Mutex<SendRequest<Body>>,
    task: JoinHandle<()>,
    /// Makes that task look at the connection again: by itself it does so only when it is to open a stream.
    look: Arc<Notify>,
    /// Ends when the connection takes no further streams.
    open: watch::Receiver<()>,
    tasks: Tasks,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
        self.tasks.lock().abort_all();
    }
}

/// Runs what belongs to one connection, so that it can be ended with it: a request that waits for a window which never
/// opens would hold the socket, and its batches, for ever.
#[derive(Debug, Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let mut tasks = self.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(future);
    }
}

impl Client {
    /// A client of that endpoint; nothing is opened yet.
    pub fn new(endpoint: Endpoint, connector: Connector) -> Self {
        let ping_ms = u64::try_from(endpoint.keepalive_time.as_millis()).unwrap_or(u64::MAX);
        Self {
            shared: Arc::new(Shared {
                endpoint,
                connector: connector.http2_only(),
                connection: Mutex::new(None),
                dialing: tokio::sync::Mutex::new(()),
                ping_ms: AtomicU64::new(ping_ms),
            }),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.shared.endpoint.key
    }

    pub(crate) fn compression(&self) -> Compression {
        self.shared.endpoint.compression
    }

    pub(crate) fn origin(&self) -> &Uri {
        &self.shared.endpoint.origin
    }

    pub(crate) fn method(&self, profile: Profile) -> String {
        let own = self.shared.endpoint.method.clone();
        own.unwrap_or_else(|| profile.method().to_owned())
    }

    /// The connection for another stream.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let _one_at_a_time = self.shared.dialing.lock().await;
        let current = self.current().clone();
        if let Some(connection) = current.filter(|connection| connection.is_open()) {
            return Ok(connection);
        }
        let connection = Arc::new(self.dial().await?);
        *self.current() = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// The connection that further streams share.
    fn current(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        (self.shared.connection.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    async fn dial(&self) -> Result<Connection, Failure> {
        let Shared {
            endpoint,
            connector,
            ..
        } = &*self.shared;
        let io = connector.clone().call(endpoint.origin.clone()).await;
        let io = io.map_err(|error| {
            tracing::debug!(%error, "the stateful stream has no connection");
            Failure::CreationFailed
        })?;
        let ping = Duration::from_millis(self.shared.ping_ms.load(Ordering::Relaxed));
        let tasks = Tasks::default();
        let handshake = Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .keep_alive_interval(ping)
            .keep_alive_timeout(endpoint.keepalive_timeout)
            .keep_alive_while_idle(false)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .handshake(io)
            .await;
        let (sender, connection) = handshake.map_err(|error| failure_of(&error))?;
        let (look, (is_open, open)) = (Arc::new(Notify::new()), watch::channel(()));
        let looks = Arc::clone(&look);
        let task = tokio::spawn(async move {
            let _is_open = is_open;
            let mut connection = std::pin::pin!(connection);
            loop {
                tokio::select! {
                    ended = &mut connection => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "the connection of the stateful stream broke");
                        }
                        return;
                    }
                    () = looks.notified() => {}
                }
            }
        });
        Ok(Connection {
            sender: Mutex::new(sender),
            task,
            look,
            open,
            tasks,
        })
    }

    /// Does not use a connection for further streams; those that it carries keep it.
    pub(crate) fn give_up(&self, connection: &Arc<Connection>) {
        let mut current = self.current();
        if (current.as_ref()).is_some_and(|current| Arc::ptr_eq(current, connection)) {
            *current = None;
        }
    }

    /// The server finds that it is pinged too often.
    pub(crate) fn calm_down(&self) {
        let longest = u64::try_from(MAX_PING_INTERVAL.as_millis()).unwrap_or(u64::MAX);
        let ping_ms = self.shared.ping_ms.load(Ordering::Relaxed);
        let calmer = ping_ms.saturating_mul(2).min(longest.max(ping_ms));
        self.shared.ping_ms.store(calmer, Ordering::Relaxed);
    }

    /// The metadata of a stream with that key; `None` for a key that no header can hold.
    pub(crate) fn headers(&self, key: &str) -> Option<HeaderMap> {
        let endpoint = &self.shared.endpoint;
        let mut headers = HeaderMap::new();
        let mut set = |name: &str, value: &str| {
            let name = HeaderName::try_from(name).ok()?;
            headers.insert(name, HeaderValue::try_from(value).ok()?);
            Some(())
        };
        set(names::API_KEY_HEADER, key)?;
        set(names::CONTENT_ENCODING_HEADER, endpoint.compression.name())?;
        set(
            names::STATE_REQUEST_BYTES_HEADER,
            &endpoint.state_request_bytes.to_string(),
        )?;
        if let Some((origin, version)) = &endpoint.origin_name {
            set(names::EVP_ORIGIN_HEADER, origin)?;
            set(names::EVP_ORIGIN_VERSION_HEADER, version)?;
        }
        if endpoint.shadow {
            set(names::SHADOW_ONLY_HEADER, "true")?;
        }
        set("user-agent", &endpoint.user_agent)?;
        Some(headers)
    }
}

impl Connection {
    /// Whether it takes further streams: a server that is about to close it has said so.
    pub(crate) fn is_open(&self) -> bool {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        !sender.is_closed() && !self.task.is_finished()
    }

    /// What is to be notified to find out whether the server has said that it takes no further streams;
    /// [`Connection::closing`] tells.
    pub(crate) fn look(&self) -> Arc<Notify> {
        Arc::clone(&self.look)
    }

    /// Waits until it takes no further streams.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut open = self.open.clone();
        async move { while open.changed().await.is_ok() {} }
    }

    /// A service for one stream, which tells `watch` of messages that leave.
    pub(crate) fn service(&self, headers: HeaderMap, watch: crate::watched::Watch) -> StreamOpener {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        StreamOpener {
            sender: sender.clone(),
            headers,
            watch,
        }
    }
}

/// What gRPC sends its one request with.
pub(crate) struct StreamOpener {
    sender: SendRequest<Body>,
    headers: HeaderMap,
    watch: crate::watched::Watch,
}

impl Service<http::Request<Body>> for StreamOpener {
    type Response = http::Response<Body>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        request
            .headers_mut()
            .extend(std::mem::take(&mut self.headers));
        let watch = self.watch.clone();
        let request = request.map(|body| Body::new(Watched::new(body, watch)));
        let answer = self.sender.send_request(request);
        Box::pin(async move { Ok(without_page(answer.await?)) })
    }
}

/// What stands in front of an intake answers with a status of HTTP, and a page which is not to be read as messages.
fn without_page(answer: http::Response<Incoming>) -> http::Response<Body> {
    let is_from_intake = answer.status() == StatusCode::OK;
    answer.map(|body| match is_from_intake {
        true => Body::new(body),
        false => Body::empty(),
    })
}

/// What a status says, or the error that it was made of.
pub(crate) fn failure_of_status(status: &tonic::Status) -> Failure {
    match status.source() {
        Some(cause) => failure_of(cause),
        None => Failure::Status(Code::from_number(status.code().into())),
    }
}

/// What became of the connection.
fn failure_of(error: &(dyn StdError + 'static)) -> Failure {
    match http2_error(error) {
        // What we found wrong with what came: it was never HTTP/2.
        Some(error) if error.is_library() && error.is_go_away() => Failure::NotHttp2,
        _ => Failure::Transport,
    }
}

/// Whether the server found that it was pinged too often.
pub(crate) fn wants_calm(status: &tonic::Status) -> bool {
    let error = status.source().and_then(http2_error);
    error.is_some_and(|error| error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM))
}

fn http2_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a h2::Error> {
    std::iter::successors(Some(error), |cause: &&'a (dyn StdError + 'static)| {
        (*cause).source()
    })
    .find_map(|cause| cause.downcast_ref::<h2::Error>())
}
