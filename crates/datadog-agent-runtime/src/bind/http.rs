//! Serves HTTP/1 on a bound listener under limits of connections, header size and time, until drained.
//!
//! Also answers `GET /health`, `/info` and `/status`, which every HTTP listener of the agent mounts.
//! Bodies are the handler's: it reads them under its own limits of bytes and time.

mod connection;
pub mod receive;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response};
use rustix::io::Errno;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Listener, Stream};
use crate::drain::{self, Drain};

/// The pause after the first failure to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause while the system is out of resources.
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Longest time for open requests after the signal to stop, if what they bring is still to be sent.
const GRACE: Duration = Duration::from_secs(5);

/// How often that time is looked at, since the deadline may be moved forward.
const DRAIN_TICK: Duration = Duration::from_millis(100);

/// Limits of one listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections served at once; more wait in the backlog.
    pub connections: usize,
    /// Longest time to read a request head.
    pub header_timeout: Duration,
    /// Longest idle time between requests of one connection, and longest time for which a client may not take an
    /// answer from us.
    pub keep_alive: Duration,
    /// Bytes of a request head.
    pub header_bytes: usize,
    /// Number of headers.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            header_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(60),
            header_bytes: 16 * 1_024,
            headers: 100,
        }
    }
}

/// What a listener did until it was drained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServeStats {
    /// Connections accepted.
    pub connections: u64,
    /// Connections cut because the deadline was over.
    pub aborted: u64,
}

/// Makes the JSON documents of `/info` and `/status`; the facade fills it, every listener shares it.
#[derive(Clone)]
pub struct Pages {
    /// `GET /info`.
    pub info: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// `GET /status`.
    pub status: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pages")
    }
}

impl Pages {
    /// The answer to a `GET` of one of the shared paths; `None` for any other request.
    #[must_use]
    pub fn answer<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        if request.method() != Method::GET {
            return None;
        }
        let (content_type, body) = match request.uri().path() {
            "/health" => ("text/plain; charset=utf-8", Bytes::from_static(b"ok")),
            "/info" => ("application/json", (self.info)().to_string().into()),
            "/status" => ("application/json", (self.status)().to_string().into()),
            _ => return None,
        };
        let mut response = Response::new(Full::new(body));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Some(response)
    }
}

/// Serves until drained: then stops accepting, lets open requests finish until the deadline, and cuts the rest.
///
/// A handler that panics costs its client an answer of 500 and its connection, nothing else. Dropping the future cuts
/// every connection at once.
pub async fn serve<H, F>(listener: Listener, limits: Limits, drain: Drain, handler: H) -> ServeStats
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(limits.connections));
    let settings = Arc::new(connection::Settings::new(limits, handler));
    let mut stats = ServeStats::default();
    let mut open = JoinSet::new();
    let mut acceptor = Acceptor {
        listener,
        permits,
        pause: ACCEPT_PAUSE,
    };
    let signalled = drain.signalled();
    tokio::pin!(signalled);
    let deadline = loop {
        tokio::select! {
            biased;
            deadline = &mut signalled => break deadline,
            Some(ended) = open.join_next() => drop(ended),
            (stream, permit) = acceptor.next() => {
                stats.connections += 1;
                open.spawn(connection::run(stream, permit, Arc::clone(&settings), drain.clone()));
            }
        }
    };
    // Closes the socket, so that new clients are turned away instead of left to wait.
    drop(acceptor);
    stats.aborted = finish(&mut open, deadline).await;
    stats
}

/// Serves as [`serve`] does; but open requests may take a quarter of the time that is left at the signal, and at most
/// 5 seconds, so that the rest remains for sending what they brought.
pub async fn serve_in_time<H, F>(
    listener: Listener,
    limits: Limits,
    drain: Drain,
    handler: H,
) -> ServeStats
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let (signal, requests) = drain::channel();
    let relay = async move {
        drain.signalled().await;
        // The deadline may be moved forward while requests are finished; it never moves back.
        loop {
            let now = Instant::now();
            let left = drain.deadline().map_or(Duration::ZERO, |deadline| {
                deadline.saturating_duration_since(now)
            });
            signal.signal(now + (left / 4).min(GRACE));
            tokio::time::sleep(DRAIN_TICK).await;
        }
    };
    tokio::select! {
        stats = serve(listener, limits, requests, handler) => stats,
        () = relay => ServeStats::default(),
    }
}

/// Waits for the connections to end; returns how many had to be cut.
async fn finish(open: &mut JoinSet<()>, deadline: Instant) -> u64 {
    let all_ended = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout_at(deadline, all_ended).await.is_ok() {
        return 0;
    }
    let cut = open.len() as u64;
    open.shutdown().await;
    cut
}

/// Accepts one connection after another, as many at once as there are permits.
struct Acceptor {
    listener: Listener,
    permits: Arc<Semaphore>,
    pause: Duration,
}

impl Acceptor {
    /// Waits for a permit, then for a connection; may be dropped unharmed.
    async fn next(&mut self) -> (Stream, OwnedSemaphorePermit) {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        loop {
            match self.listener.accept().await {
                Ok(stream) => {
                    self.pause = ACCEPT_PAUSE;
                    return (stream, permit);
                }
                Err(error) => {
                    if let Some(pause) = self.pause_after(&error) {
                        tracing::warn!(%error, "connection could not be accepted");
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        }
    }

    /// How long to wait before the next attempt; longer and longer while the system is out of resources.
    fn pause_after(&mut self, error: &io::Error) -> Option<Duration> {
        match Errno::from_io_error(error) {
            // The client left before we came to it.
            Some(Errno::CONNABORTED) => None,
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                let pause = self.pause;
                self.pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
                Some(pause)
            }
            _ => Some(ACCEPT_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests;
