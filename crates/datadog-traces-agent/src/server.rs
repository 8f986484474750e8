//! The HTTP server that tracers send to: traces, stats, and what is meant for other intakes.
//!
//! Every limit is checked before what it limits is read. What cannot be decoded is the client's fault and answered so;
//! what is decoded is answered as taken, whatever becomes of it: tracers would send it again.

mod answer;
pub(crate) mod client;
mod groups;
mod held;
pub(crate) mod info;
pub(crate) mod route;
pub(crate) mod submit;
mod traces;
mod work;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::{
    self, ReceiveError, Received, announced, receive,
};
use datadog_agent_runtime::bind::http::{self, Pages, ServeStats};
use datadog_agent_runtime::bind::{self, BindError, Listener, Peer, Target};
use datadog_agent_runtime::budget::Budget;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::proc::container;
use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use self::answer::Answer;
use self::client::Client;
use self::groups::Groups;
use self::info::Info;
use self::route::{Product, Route};
use self::work::Desk;
use crate::aggregator::service::{AggregatorHandle, now};
use crate::client_stats;
use crate::config::{Config, RequestLimits};
use crate::decode::Allowance;
use crate::processor::Processor;
use crate::proxy::Proxy;

/// Bytes that a body whose length is not announced must find free before it is received.
const UNKNOWN_BYTES: u64 = 64 * 1_024;
/// Bytes beyond the memory of bodies for what is made of them: the largest body has room to be taken.
pub(crate) const WORKSPACE_BYTES: usize = 32 * 1_024 * 1_024;
/// The feature by which all tracers are told by status that they send too much.
const TELLS_STATUS: &str = "429";
/// Bytes of a request of DogStatsD.
const STATSD_BYTES: usize = 2 * 1_024 * 1_024;

/// Answers requests for a path that another part of the agent owns.
pub type Handler = dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>
    + Send
    + Sync;

/// A path of this listener that another part of the agent answers.
#[derive(Clone)]
pub struct Mount {
    /// The path.
    pub path: &'static str,
    /// Whether `/info` shows it.
    pub advertised: bool,
    /// What answers.
    pub handler: Arc<Handler>,
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mount")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Takes messages of DogStatsD, one or more lines; says whether there was room.
pub type Statsd = dyn Fn(&[u8]) -> bool + Send + Sync;

/// A listener that is bound and not yet served.
#[derive(Debug)]
pub(crate) struct BoundServer {
    listener: Listener,
    limits: http::Limits,
    receiver: Receiver,
}

/// Answers tracers; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Receiver(Arc<Inner>);

struct Inner {
    processor: Arc<Processor>,
    handle: AggregatorHandle,
    proxy: Proxy,
    info: Info,
    pages: Pages,
    mounts: Vec<Mount>,
    statsd: Option<Arc<Statsd>>,
    limits: RequestLimits,
    /// Bytes of bodies, of what is decoded of them, and of encoded traces.
    memory: Budget,
    /// The same, of which bodies leave some to the others.
    bodies: Budget,
    desk: Desk,
    /// Taken by who shows held chunks again.
    revisiting: Mutex<()>,
    groups: Groups,
    /// Whether all tracers are told by status that they send too much.
    tells_status: bool,
    drain: Drain,
    telemetry: Telemetry,
    accepted: Series,
    bytes_received: Series,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

/// What a receiver needs of the rest of the agent.
pub(crate) struct Rooms {
    pub(crate) processor: Arc<Processor>,
    pub(crate) handle: AggregatorHandle,
    pub(crate) proxy: Proxy,
    pub(crate) pages: Pages,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) statsd: Option<Arc<Statsd>>,
    pub(crate) telemetry: Telemetry,
    pub(crate) drain: Drain,
}

impl Receiver {
    /// The receiver of listeners at these addresses.
    pub(crate) fn new(config: &Config, rooms: Rooms, listeners: &[Listener]) -> Self {
        let telemetry = &rooms.telemetry;
        let of_bodies = config.requests.memory_bytes;
        let memory = Budget::new(of_bodies.saturating_add(WORKSPACE_BYTES));
        Self(Arc::new(Inner {
            info: Info::new(config, &rooms.mounts, listeners, rooms.statsd.is_some()),
            limits: config.requests,
            bodies: memory.capped(of_bodies),
            memory,
            desk: Desk::new(&config.requests),
            revisiting: Mutex::new(()),
            groups: Groups::new(PathBuf::from("/")),
            tells_status: config.info.features.iter().any(|it| it == TELLS_STATUS),
            accepted: telemetry.series(Metric::TracesPayloadsAccepted, &[]),
            bytes_received: telemetry.series(Metric::TracesBytesReceived, &[]),
            processor: rooms.processor,
            handle: rooms.handle,
            proxy: rooms.proxy,
            pages: rooms.pages,
            mounts: rooms.mounts,
            statsd: rooms.statsd,
            drain: rooms.drain,
            telemetry: rooms.telemetry,
        }))
    }

    /// Waits until what was received is settled, so that the rooms behind may be told to end.
    pub(crate) async fn settled(&self, deadline: Instant) {
        self.0.desk.settled(deadline).await;
    }

    /// Answers one request.
    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let is_info = request.uri().path() == "/info";
        let mut response = self.answer(request).await;
        if !is_info {
            self.0.info.sign(response.headers_mut());
        }
        response
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if is_cross_site(request.headers()) {
            return Answer::CrossSite.into_response(!request.body().is_end_stream());
        }
        let path = request.uri().path();
        // `/info` is this listener's own.
        if path == "/info" {
            return self.0.info.response();
        }
        if let Some(page) = self.0.pages.answer(&request) {
            return page;
        }
        match self.0.mounts.iter().find(|mount| mount.path == path) {
            Some(mount) => (mount.handler)(request).await,
            None => self.route(request).await,
        }
    }

    async fn route(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let has_body = !request.body().is_end_stream();
        let refuse = |answer: Answer| answer.into_response(has_body);
        // Owned, since the request goes on.
        let path = request.uri().path().to_owned();
        let Some(route) = route::of(&path) else {
            return refuse(Answer::NotFound);
        };
        if !route.takes(request.method()) {
            return refuse(Answer::Method(route.methods().unwrap_or_default()));
        }
        let (answer, closes) = match route {
            Route::Proxy(product, rest) => return self.pass_on(product, rest, request).await,
            Route::Info => return self.0.info.response(),
            Route::Services => self.services(request).await,
            Route::Statsd => self.statsd(request).await,
            Route::Stats => self.stats(request).await,
            Route::Traces(version) => self.traces(version, request).await,
        };
        answer.into_response(closes)
    }

    async fn pass_on(
        &self,
        product: Product,
        rest: &str,
        request: Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let peer = request.extensions().get::<Peer>().copied();
        let container = self.container(request.headers(), peer).await;
        self.0
            .proxy
            .pass_on(product, rest, request, container)
            .await
    }

    /// What the headers of a request say of its sender.
    async fn client(&self, head: &Parts) -> Client {
        let peer = head.extensions.get::<Peer>().copied();
        let container = self.container(&head.headers, peer).await;
        Client::of(&head.headers, container)
    }

    /// The container of a client that does not name it: by the inode of its control group, else by its process.
    async fn container(&self, headers: &HeaderMap, peer: Option<Peer>) -> Option<String> {
        if client::container(headers).is_some() {
            return None;
        }
        if let Some(inode) = client::inode(headers)
            && let Some(found) = self.0.groups.container(inode).await
        {
            return Some(found);
        }
        container_of_peer(peer)
    }

    /// Receives a body of at most so many bytes, once there is memory for it.
    async fn receive(
        &self,
        head: &Parts,
        body: Incoming,
        max_bytes: usize,
    ) -> Result<Received, ReceiveError> {
        let length = announced(&head.headers);
        if length.is_some_and(|length| length > max_bytes as u64) {
            return Err(ReceiveError::TooLarge);
        }
        self.room_for(length).await?;
        let limits = receive::Limits {
            bytes: max_bytes,
            timeout: self.0.limits.timeout,
            idle_timeout: self.0.limits.timeout,
        };
        let received = receive(body, length, &limits, &self.0.bodies).await?;
        self.0.bytes_received.add(received.body.len() as u64);
        Ok(received)
    }

    /// Waits until a body of this length would fit; takes nothing yet, for the client may be slow.
    async fn room_for(&self, length: Option<u64>) -> Result<(), ReceiveError> {
        let length = usize::try_from(length.unwrap_or(UNKNOWN_BYTES)).unwrap_or(usize::MAX);
        let room = self.0.bodies.reserve(length);
        match timeout(self.0.limits.decoder_timeout, room).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(ReceiveError::TooLarge),
            Err(_) => Err(ReceiveError::Crowded),
        }
    }

    async fn services(&self, request: Request<Incoming>) -> (Answer, bool) {
        let (head, body) = request.into_parts();
        match self.receive(&head, body, self.0.limits.traces_bytes).await {
            Ok(_) => (Answer::Ok, false),
            Err(error) => (self.not_received(error), true),
        }
    }

    async fn statsd(&self, request: Request<Incoming>) -> (Answer, bool) {
        let (head, body) = request.into_parts();
        let Some(statsd) = &self.0.statsd else {
            return (Answer::Unavailable("DogStatsD is off"), true);
        };
        match self.receive(&head, body, STATSD_BYTES).await {
            // What it has no room for, it counts.
            Ok(received) if received.body.is_empty() || statsd(&received.body) => {
                (Answer::Empty, false)
            }
            Ok(_) => (Answer::Unavailable("DogStatsD has no room"), false),
            Err(error) => (self.not_received(error), true),
        }
    }

    async fn stats(&self, request: Request<Incoming>) -> (Answer, bool) {
        let (head, body) = request.into_parts();
        let client = self.client(&head).await;
        let received = match self.receive(&head, body, self.0.limits.stats_bytes).await {
            Ok(received) => received,
            // Tracers keep stats that were not taken in time.
            Err(ReceiveError::Crowded) => return (Answer::TimedOut, true),
            Err(error) => return (self.not_received(error), true),
        };
        let processor = Arc::clone(&self.0.processor);
        let bytes = received.body.len();
        let mut allowance = Allowance::new(&self.0.memory, None, usize::MAX);
        let work = move || {
            // Given back when the work is done.
            let Received {
                body,
                share: _share,
            } = received;
            processor.stats(&body, &client, &mut allowance, now())
        };
        let Ok(taken) = self.0.desk.work(bytes, work).await else {
            return (Answer::TimedOut, false);
        };
        let answer = match taken {
            Ok(taken) => {
                let telemetry = &self.0.telemetry;
                telemetry.add(Metric::TraceStatsPayloads, &[], 1);
                telemetry.add(Metric::TraceStatsReceived, &[], taken.groups as u64);
                if taken.ignored > 0 {
                    let ignored = taken.ignored as u64;
                    telemetry.dropped(Metric::TraceStatsDropped, taken.why, ignored);
                }
                Answer::Empty
            }
            Err(client_stats::DecodeError::NoRoom) => Answer::TimedOut,
            Err(client_stats::DecodeError::Truncated) => Answer::UnexpectedEnd,
            Err(error) => Answer::Malformed(error.to_string()),
        };
        (answer, false)
    }

    fn not_received(&self, error: ReceiveError) -> Answer {
        match error {
            ReceiveError::TooLarge => Answer::TooLarge,
            ReceiveError::Crowded => Answer::TooMany,
            ReceiveError::TimedOut => Answer::TimedOut,
            ReceiveError::Broken if self.0.drain.deadline().is_some() => {
                Answer::Unavailable("shutting down")
            }
            ReceiveError::Broken => Answer::UnexpectedEnd,
        }
    }
}

impl BoundServer {
    /// Binds, so that the caller learns the address or the error before anything is announced.
    pub(crate) async fn bind(targets: &[Target]) -> Result<Vec<Listener>, BindError> {
        let mut listeners = Vec::new();
        for target in targets {
            listeners.push(bind::bind(target).await?);
        }
        Ok(listeners)
    }

    pub(crate) const fn new(listener: Listener, limits: http::Limits, receiver: Receiver) -> Self {
        Self {
            listener,
            limits,
            receiver,
        }
    }

    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr()
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.listener.path()
    }

    /// Serves until drained, and leaves time for sending.
    pub(crate) async fn serve(self, drain: Drain) -> ServeStats {
        let receiver = self.receiver;
        let handler = move |request: Request<Incoming>| {
            let receiver = receiver.clone();
            async move { receiver.handle(request).await }
        };
        http::serve_in_time(self.listener, self.limits, drain, handler).await
    }
}

/// The container of the process at the other end of a Unix socket.
fn container_of_peer(peer: Option<Peer>) -> Option<String> {
    let process = container::Process::Id(peer?.pid);
    container::id(Path::new("/"), process).ok().flatten()
}

/// A page of another site must not make a browser talk to the agent.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"))
}
