//! The one outbound HTTP client of the agent: TLS, proxies, pooling.
//!
//! It follows no redirect, keeps no cookie, decompresses nothing and reads no proxy variable by itself.
//! A certificate store in a place of its own is still found through `SSL_CERT_FILE` and `SSL_CERT_DIR`, which are the
//! platform's way to name one.

mod body;
mod bypass;
mod connector;
mod crypto;
mod proxy;
mod tls;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::PROXY_AUTHORIZATION;
use hyper::http::Extensions;
use hyper::{Request, Response};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use self::body::Body;
pub use self::bypass::Bypass;
pub use self::connector::{Connector, DialError, Stream};
pub use self::crypto::is_fips;
use crate::proc::Clocks;

/// Idle connections kept for each host; more are closed when their request is done.
const MAX_IDLE_PER_HOST: usize = 8;

/// The most that is held of an answer, head or body, at a time.
const READ_BUFFER_BYTES: usize = 64 * 1_024;

/// How often a connection is asked whether it still lives, with HTTP/2.
const PING_EVERY: Duration = Duration::from_secs(10);

/// How long it has to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Dead connections that one request may meet in the pool before it fails.
const MAX_STALE: usize = 4;

/// How to reach the intakes.
#[derive(Debug, Clone)]
pub struct ConnectConfig {
    /// Proxy for `https://` targets, `http[s]://[user:password@]host:port`.
    pub proxy_https: Option<String>,
    /// Proxy for `http://` targets.
    pub proxy_http: Option<String>,
    /// Hosts that are reached directly.
    pub no_proxy: Vec<String>,
    /// How an item of `no_proxy` is compared.
    pub no_proxy_match: NoProxyMatch,
    /// PEM file with roots besides those of the platform.
    pub tls_extra_roots: Option<PathBuf>,
    /// Whether certificates are checked.
    pub tls_verification: TlsVerification,
    /// The oldest TLS version that is spoken.
    pub tls_min_version: TlsVersion,
    /// The HTTP version that is spoken.
    pub protocol: HttpProtocol,
    /// Longest time to open a connection, TLS and proxy included.
    pub connect_timeout: Duration,
    /// Idle connections older than this are not used again.
    pub pool_idle: Duration,
    /// Connections older than this are not used again, so that a changed DNS answer is seen; `None`: no limit.
    pub connection_max_age: Option<Duration>,
}

/// How an item of the bypass list is compared with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoProxyMatch {
    /// Domains cover their subdomains, networks the addresses within.
    Standard,
    /// Host, or host and port, letter by letter.
    Exact,
}

/// Whether the certificate of an intake is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVerification {
    /// Against the platform's roots and the extra ones.
    Full,
    /// Not at all: anyone on the way can read and change what is sent.
    Skipped,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// An HTTP version, or the choice of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpProtocol {
    /// By ALPN; HTTP/1.1 through a proxy and without TLS.
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; with prior knowledge where there is no TLS.
    Http2,
}

impl Default for ConnectConfig {
    fn default() -> Self {
        Self {
            proxy_https: None,
            proxy_http: None,
            no_proxy: Vec::new(),
            no_proxy_match: NoProxyMatch::Standard,
            tls_extra_roots: None,
            tls_verification: TlsVerification::Full,
            tls_min_version: TlsVersion::V1_2,
            protocol: HttpProtocol::Auto,
            connect_timeout: Duration::from_secs(5),
            pool_idle: Duration::from_secs(30),
            connection_max_age: None,
        }
    }
}

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A proxy URL that cannot be used; going direct instead would leak around it.
    #[error("proxy {url}: {problem}")]
    Proxy {
        /// The URL, with user and password masked.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The cryptography is not that which a build with the feature `fips` promises.
    #[error("this build speaks TLS only with the FIPS validated module, and its {what} is not")]
    NotValidated {
        /// What is not validated.
        what: &'static str,
    },
    /// The extra roots could not be read, or hold no certificate.
    #[error("certificate file {path}: {problem}")]
    Roots {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Why a request got no answer. The text names no header and no body.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct SendError {
    kind: SendErrorKind,
    text: String,
}

/// What went wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// No connection: the name has no address, or nobody listens there.
    Connect,
    /// The proxy refused, or did not speak HTTP.
    Proxy,
    /// No secure connection: a certificate that is not trusted, no common version.
    Tls,
    /// The other end took too long to accept the connection or to answer a ping.
    Timeout,
    /// The connection broke after it was open.
    Reset,
    /// What came was not HTTP.
    Protocol,
}

impl SendError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> SendErrorKind {
        self.kind
    }
}

/// The client; cheap to clone, all clones share one pool.
#[derive(Debug, Clone)]
pub struct Client {
    connector: Connector,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool_idle: Duration,
    connection_max_age: Option<Duration>,
    protocol: HttpProtocol,
    pool: Mutex<Pool>,
}

/// Open connections; replaced as a whole when none of them may be used again.
#[derive(Debug, Clone)]
struct Pool {
    /// HTTP/1.1, or what ALPN says.
    negotiated: legacy::Client<Connector, Body>,
    /// HTTP/2 without asking.
    http2: legacy::Client<Connector, Body>,
    born: Instant,
    last_used: Clocks,
}

impl Client {
    /// Checks the configuration and builds the client. Opens nothing and reads no certificate store yet.
    ///
    /// # Errors
    /// A proxy URL or certificate file that cannot be used.
    pub fn new(config: ConnectConfig) -> Result<Self, ConnectError> {
        let connector = Connector::new(&config)?;
        let pool = Mutex::new(Pool::new(&connector, config.pool_idle));
        Ok(Self {
            connector,
            shared: Arc::new(Shared {
                pool_idle: config.pool_idle,
                connection_max_age: config.connection_max_age,
                protocol: config.protocol,
                pool,
            }),
        })
    }

    /// Sends one request; the caller sets the deadline by dropping the future.
    ///
    /// A reused connection that dies before the first byte of an answer is replaced by a fresh one without the
    /// caller's seeing it.
    ///
    /// # Errors
    /// When no complete response head arrived.
    pub async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        let without_asking = self.prepare(&mut request);
        for _ in 0..MAX_STALE {
            match self
                .attempt(request.clone().map(Body::from), without_asking)
                .await
            {
                Err(Failure { stale: true, error }) => {
                    tracing::debug!(%error, "reused connection was dead, trying a fresh one");
                }
                result => return result.map_err(|failure| failure.error),
            }
        }
        let last = self.attempt(request.map(Body::from), without_asking).await;
        last.map_err(|failure| failure.error)
    }

    /// Sends one request whose body is read while it is sent, and so can be sent only once: it fails where it meets a
    /// connection that has died.
    ///
    /// # Errors
    /// When no complete response head arrived, or the body could not be read.
    pub async fn send_streaming(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, SendError> {
        let without_asking = self.prepare(&mut request);
        let sent = self.attempt(request, without_asking).await;
        sent.map_err(|failure| failure.error)
    }

    /// Adds what a proxy wants to know; says whether the other end is to be spoken to in HTTP/2 without asking.
    fn prepare<B>(&self, request: &mut Request<B>) -> bool {
        let proxy = self.connector.route(request.uri());
        let plain = request.uri().scheme_str() == Some("http");
        if let (true, Some(authorization)) = (plain, proxy.and_then(|p| p.authorization.clone())) {
            request
                .headers_mut()
                .insert(PROXY_AUTHORIZATION, authorization);
        }
        plain && proxy.is_none() && self.shared.protocol == HttpProtocol::Http2
    }

    /// What opens the connections, for clients that bring their own HTTP.
    #[must_use]
    pub fn connector(&self) -> Connector {
        self.connector.clone()
    }

    async fn attempt(
        &self,
        request: Request<Body>,
        without_asking: bool,
    ) -> Result<Response<Incoming>, Failure> {
        let pool = self.pool();
        let client = if without_asking {
            &pool.http2
        } else {
            &pool.negotiated
        };
        match client.request(request).await {
            Ok(mut response) => {
                // The connector's note comes with every answer, and is nobody else's concern.
                if let Some(note) = response.extensions_mut().remove::<connector::Note>() {
                    note.mark_used();
                }
                Ok(response)
            }
            Err(error) => Err(Failure::of(&error)),
        }
    }

    /// The connections that may be used now.
    ///
    /// A machine that was frozen wakes with connections that the other side has long closed, while its monotonic
    /// clock has not moved and their idle time looks short. A jump of one clock against the other tells.
    fn pool(&self) -> Pool {
        let now = Clocks::now();
        let mut pool = (self.shared.pool.lock()).unwrap_or_else(PoisonError::into_inner);
        let too_old = (self.shared.connection_max_age)
            .is_some_and(|max_age| now.monotonic.duration_since(pool.born) >= max_age);
        if too_old || now.jumped_since(&pool.last_used) {
            // Requests under way keep their connections until they are done.
            *pool = Pool::new(&self.connector, self.shared.pool_idle);
        }
        pool.last_used = now;
        pool.clone()
    }
}

impl Pool {
    fn new(connector: &Connector, idle: Duration) -> Self {
        let build = |http2_only: bool| {
            #[allow(
                clippy::disallowed_methods,
                reason = "this is the place that the lint points to"
            )]
            let mut builder = legacy::Client::builder(TokioExecutor::new());
            builder
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .pool_idle_timeout(idle)
                .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
                .http1_max_buf_size(READ_BUFFER_BYTES)
                .http2_keep_alive_interval(PING_EVERY)
                .http2_keep_alive_timeout(PING_TIMEOUT)
                .http2_only(http2_only)
                .build(connector.clone())
        };
        Self {
            negotiated: build(false),
            http2: build(true),
            born: Instant::now(),
            last_used: Clocks::now(),
        }
    }
}

/// A failed attempt.
#[derive(Debug)]
struct Failure {
    error: SendError,
    /// Whether the connection had served before and broke without an answer.
    stale: bool,
}

impl Failure {
    fn of(error: &legacy::Error) -> Self {
        let (kind, text) = explain(error);
        let mut notes = Extensions::new();
        if let Some(connected) = error.connect_info() {
            connected.get_extras(&mut notes);
        }
        let was_used = (notes.get::<connector::Note>()).is_some_and(connector::Note::is_used);
        Self {
            error: SendError { kind, text },
            stale: was_used && matches!(kind, SendErrorKind::Reset | SendErrorKind::Timeout),
        }
    }
}

/// The kind and the text of the first cause that we know.
fn explain(error: &legacy::Error) -> (SendErrorKind, String) {
    for cause in connector::causes(error) {
        if let Some(dial) = cause.downcast_ref::<DialError>() {
            return (dial.kind(), dial.to_string());
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return (tls::kind_of(error), format!("connection broke: {error}"));
        }
    }
    let kind = connector::causes(error)
        .find_map(|cause| cause.downcast_ref::<hyper::Error>())
        .map_or(SendErrorKind::Protocol, kind_of_http);
    let reason = connector::causes(error).last().map(ToString::to_string);
    (kind, format!("no answer: {}", reason.unwrap_or_default()))
}

fn kind_of_http(error: &hyper::Error) -> SendErrorKind {
    if error.is_timeout() {
        SendErrorKind::Timeout
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        SendErrorKind::Reset
    } else {
        SendErrorKind::Protocol
    }
}

#[cfg(test)]
mod tests;
