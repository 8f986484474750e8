//! Serves HTTP/1 on a bound listener under limits of connections, header size and time, until drained.
//!
//! Also answers `GET /health`, `/info` and `/status`, which every HTTP listener of the agent mounts.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};

use super::Listener;
use crate::drain::Drain;

/// Limits of one listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections served at once; more wait in the backlog.
    pub connections: usize,
    /// Longest time to read a request head.
    pub header_timeout: Duration,
    /// Longest idle time between requests of one connection.
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
    pub fn answer<B>(&self, _request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        None
    }
}

/// Serves until drained: then stops accepting, lets open requests finish until the deadline, and cuts the rest.
pub async fn serve<H, F>(
    _listener: Listener,
    _limits: Limits,
    drain: Drain,
    _handler: H,
) -> ServeStats
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    drain.signalled().await;
    ServeStats::default()
}
