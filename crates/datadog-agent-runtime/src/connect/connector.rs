//! Opens connections: TCP, a proxy where there is one, TLS where the target asks for it.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;

use super::proxy::{Proxies, Proxy};
use super::tls::{self, Offer, Tls};
use super::{Bypass, ConnectConfig, ConnectError, HttpProtocol, SendErrorKind};

/// How long a connection is quiet before the system asks whether the other end still lives.
const TCP_KEEPALIVE: Duration = Duration::from_secs(120);

/// Opens connections to the targets of requests; cheap to clone.
///
/// It is a service from a URI to a stream, as HTTP clients such as hyper's and tonic's take one.
#[derive(Debug, Clone)]
pub struct Connector {
    tcp: HttpConnector,
    http2_only: bool,
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct Rules {
    proxies: Proxies,
    tls: Tls,
    protocol: HttpProtocol,
    timeout: Duration,
}

/// Why there is no connection. The text names host and reason.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct DialError {
    kind: SendErrorKind,
    text: String,
}

impl DialError {
    pub(super) fn new(kind: SendErrorKind, text: String) -> Self {
        Self { kind, text }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> SendErrorKind {
        self.kind
    }
}

impl Connector {
    pub(super) fn new(config: &ConnectConfig) -> Result<Self, ConnectError> {
        let bypass = Bypass::new(
            config.no_proxy.iter().map(String::as_str),
            config.no_proxy_match,
        );
        let proxies = Proxies::new(
            config.proxy_https.as_deref(),
            config.proxy_http.as_deref(),
            bypass,
        )?;
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        // Shared among the addresses of a name, so that a dead one leaves time for the others.
        tcp.set_connect_timeout(Some(config.connect_timeout));
        Ok(Self {
            tcp,
            http2_only: false,
            rules: Arc::new(Rules {
                proxies,
                tls: Tls::new(config)?,
                protocol: config.protocol,
                timeout: config.connect_timeout,
            }),
        })
    }

    /// The same connector for a client that speaks nothing but HTTP/2, as gRPC does: it asks for HTTP/2 through a
    /// tunnel too, and tunnels without TLS.
    #[must_use]
    pub fn http2_only(mut self) -> Self {
        self.http2_only = true;
        self
    }

    /// The proxy for a target; `None` to connect to it.
    pub(super) fn route(&self, uri: &Uri) -> Option<&Proxy> {
        self.rules.proxies.route(uri)
    }

    async fn dial(&self, uri: &Uri) -> Result<Stream, DialError> {
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(unusable("the target is neither http:// nor https://")),
        };
        let host = (uri.host()).ok_or_else(|| unusable("the target has no host"))?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let proxy = self.route(uri);
        let socket: Box<dyn Socket> = match proxy {
            Some(proxy) => self.reach(proxy).await?,
            None => Box::new(self.tcp(host, port).await?),
        };
        // A proxy forwards plain HTTP/1.1 by itself; anything else it must let through.
        let has_tunnel = secure || self.http2_only;
        let mut socket = socket;
        if let Some(proxy) = proxy.filter(|_| has_tunnel) {
            proxy.tunnel(&mut socket, &format!("{host}:{port}")).await?;
        }
        if !secure {
            return Ok(Stream::new(socket).proxied(proxy.is_some() && !has_tunnel));
        }
        let offer = self.offer(proxy.is_some());
        let socket = self.rules.tls.secure(socket, host, offer).await?;
        let speaks_http2 = tls::is_http2(&socket);
        Ok(Stream::new(Box::new(socket)).http2(speaks_http2))
    }

    async fn reach(&self, proxy: &Proxy) -> Result<Box<dyn Socket>, DialError> {
        let socket = self.tcp(&proxy.host, proxy.port).await?;
        if !proxy.secure {
            return Ok(Box::new(socket));
        }
        let tls = &self.rules.tls;
        let socket = tls.secure(socket, &proxy.host, Offer::Http1).await?;
        Ok(Box::new(socket))
    }

    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, DialError> {
        let address: Uri = format!("http://{host}:{port}")
            .parse()
            .map_err(|_| unusable("the target has no usable host"))?;
        match self.tcp.clone().call(address).await {
            Ok(stream) => Ok(stream.into_inner()),
            Err(error) => {
                let timed_out = causes(&error)
                    .filter_map(|cause| cause.downcast_ref::<io::Error>())
                    .any(|cause| cause.kind() == io::ErrorKind::TimedOut);
                let kind = if timed_out {
                    SendErrorKind::Timeout
                } else {
                    SendErrorKind::Connect
                };
                let reason = causes(&error).last().map(ToString::to_string);
                let reason = reason.unwrap_or_default();
                Err(DialError::new(kind, format!("{host}:{port}: {reason}")))
            }
        }
    }

    fn offer(&self, proxied: bool) -> Offer {
        match self.rules.protocol {
            _ if self.http2_only => Offer::Http2,
            // Proxies that look into the traffic often know nothing newer.
            _ if proxied => Offer::Http1,
            HttpProtocol::Auto => Offer::Either,
            HttpProtocol::Http1 => Offer::Http1,
            HttpProtocol::Http2 => Offer::Http2,
        }
    }
}

/// An error and all that it comes from, the outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn StdError + 'static)| {
        (*cause).source()
    })
}

fn unusable(problem: &str) -> DialError {
    DialError::new(SendErrorKind::Connect, problem.to_owned())
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, DialError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let timeout = connector.rules.timeout;
            match tokio::time::timeout(timeout, connector.dial(&uri)).await {
                Ok(result) => result,
                Err(_) => Err(DialError::new(
                    SendErrorKind::Timeout,
                    format!(
                        "{}: no connection within {timeout:?}",
                        uri.host().unwrap_or_default()
                    ),
                )),
            }
        })
    }
}

/// What a connection may consist of.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// Whether a connection has ever brought an answer; travels with it through the pool.
#[derive(Debug, Clone, Default)]
pub(super) struct Note(Arc<AtomicBool>);

impl Note {
    pub(super) fn mark_used(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_used(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// An open connection to a target or to the proxy in front of it.
pub struct Stream {
    socket: TokioIo<Box<dyn Socket>>,
    proxied: bool,
    http2: bool,
}

impl Stream {
    fn new(socket: Box<dyn Socket>) -> Self {
        Self {
            socket: TokioIo::new(socket),
            proxied: false,
            http2: false,
        }
    }

    fn proxied(self, proxied: bool) -> Self {
        Self { proxied, ..self }
    }

    fn http2(self, http2: bool) -> Self {
        Self { http2, ..self }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("proxied", &self.proxied)
            .field("http2", &self.http2)
            .finish_non_exhaustive()
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied).extra(Note::default());
        if self.http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
