//! One inbound connection: the clocks of its requests, its rest between them, and its end.
//!
//! hyper keeps two buffers of 8 KiB and more for each connection. A connection that has been quiet for a second gives them
//! back and waits as a bare socket, so that thousands of idle clients cost little.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Limits;
use crate::bind::{Peer, Stream};
use crate::drain::Drain;

/// The most that hyper holds of one request body or answer at a time; a thousand connections may do so at once.
const BUFFER_BYTES: usize = 16 * 1_024;

/// How long a connection is quiet before it gives back its buffers.
const REST_AFTER: Duration = Duration::from_secs(1);

/// How long we go on reading, after the last answer, what a client is still sending.
const LINGER: Duration = Duration::from_secs(2);

/// What all connections of a listener share.
pub(super) struct Settings<H> {
    limits: Limits,
    http: http1::Builder,
    handler: H,
}

impl<H> Settings<H> {
    pub(super) fn new(limits: Limits, handler: H) -> Self {
        let mut http = http1::Builder::new();
        // A client that has said all may close its side and still wants its answer.
        http.half_close(true)
            .max_headers(limits.headers)
            .max_header_size(limits.header_bytes)
            .max_buf_size(limits.header_bytes.max(BUFFER_BYTES))
            // Our own clocks tell a slow request from an idle connection; hyper's has one timeout for both.
            .header_read_timeout(None);
        Self {
            limits,
            http,
            handler,
        }
    }
}

/// Serves a connection until either side ends it, or until drained.
pub(super) async fn run<H, F>(
    mut stream: Stream,
    _permit: OwnedSemaphorePermit,
    settings: Arc<Settings<H>>,
    drain: Drain,
) where
    H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let mut quiet_until = Instant::now() + settings.limits.header_timeout;
    loop {
        let has_input = tokio::select! {
            biased;
            readable = stream.readable() => readable.is_ok(),
            () = tokio::time::sleep_until(quiet_until) => false,
            _ = drain.signalled() => false,
        };
        if !has_input {
            return;
        }
        // On the heap, as is the end, so that a resting connection does not hold the space.
        let (end, returned) = Box::pin(converse(stream, &settings, &drain)).await;
        match end {
            End::Quiet => stream = returned,
            End::Closed => return Box::pin(linger(returned, &drain)).await,
            End::Idle | End::Cut => return,
        }
        quiet_until = Instant::now() + settings.limits.keep_alive.saturating_sub(REST_AFTER);
    }
}

/// Why a conversation ended.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Nothing is under way, and has not been for a while.
    Quiet,
    /// Either side said that this was the last request.
    Closed,
    /// Drained while nothing was under way.
    Idle,
    /// A deadline was over.
    Cut,
}

/// Answers requests until there is a pause in them.
async fn converse<H, F>(stream: Stream, settings: &Arc<Settings<H>>, drain: &Drain) -> (End, Stream)
where
    H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let peer = stream.peer();
    let progress = Arc::new(Progress::default());
    let io = TokioIo::new(Watched {
        stream,
        progress: Arc::clone(&progress),
    });
    let service = Guarded {
        settings: Arc::clone(settings),
        progress: Arc::clone(&progress),
        peer,
    };
    let mut connection = settings.http.serve_connection(io, service);
    let end = attend(&mut connection, &progress, &settings.limits, drain).await;
    (end, connection.into_parts().io.into_inner().stream)
}

/// Drives the connection while watching its clocks and the drain.
async fn attend<H, F>(
    connection: &mut http1::Connection<TokioIo<Watched>, Guarded<H>>,
    progress: &Progress,
    limits: &Limits,
    drain: &Drain,
) -> End
where
    H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let mut clock = pin!(tokio::time::sleep(limits.header_timeout));
    let mut drained = pin!(drain.signalled());
    let mut seen = (Phase::Head, 0);
    let mut end = End::Closed;
    let mut asked_to_end = false;
    std::future::poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = connection.poll_without_shutdown(cx) {
                // Anything read since, such as a body that the handler is late to read, makes this no quiet end.
                let as_asked = result.is_ok() && progress.phase() == Phase::Quiet;
                return Poll::Ready(if as_asked { end } else { End::Closed });
            }
            // After the connection was tried, so that a request that is known to be here is still served.
            if !asked_to_end && drained.as_mut().poll(cx).is_ready() {
                asked_to_end = true;
                if progress.phase() == Phase::Quiet {
                    end = End::Idle;
                }
                Pin::new(&mut *connection).graceful_shutdown();
                continue;
            }
            let now = progress.snapshot();
            if now != seen {
                seen = now;
                if let Some(patience) = now.0.patience(limits) {
                    clock.as_mut().reset(Instant::now() + patience);
                }
            }
            if now.0 == Phase::Handling || clock.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if now.0 != Phase::Quiet || asked_to_end {
                return Poll::Ready(End::Cut);
            }
            // With nothing under way hyper ends at once and leaves the socket open.
            asked_to_end = true;
            end = End::Quiet;
            Pin::new(&mut *connection).graceful_shutdown();
            clock.as_mut().reset(Instant::now() + limits.keep_alive);
        }
    })
    .await
}

/// Reads and forgets what is still on the way.
///
/// Closing a socket with unread input resets the connection, and the client may lose the answer with it: that of a
/// body that was too large, for instance.
async fn linger(mut stream: Stream, drain: &Drain) {
    let patience = match drain.deadline() {
        // Leaves the deadline itself to those that are still answering.
        Some(deadline) => LINGER.min(deadline.saturating_duration_since(Instant::now()) / 2),
        None => LINGER,
    };
    let read_rest = async {
        stream.shutdown().await?;
        let mut scratch = [0; 4_096];
        while stream.read(&mut scratch).await? > 0 {}
        io::Result::Ok(())
    };
    // However this ends, the connection does.
    drop(tokio::time::timeout(patience, read_rest).await);
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// A request head is being read.
    Head,
    /// The handler has the request; it limits its time itself.
    Handling,
    /// The answer is being sent.
    Answering,
    /// Nothing is under way.
    Quiet,
}

impl Phase {
    /// How long the connection may stand here without progress.
    fn patience(self, limits: &Limits) -> Option<Duration> {
        match self {
            Self::Head => Some(limits.header_timeout),
            Self::Handling => None,
            Self::Answering => Some(limits.keep_alive),
            Self::Quiet => Some(REST_AFTER.min(limits.keep_alive)),
        }
    }
}

/// What the socket and the handler tell the clock; all three run in the same task.
#[derive(Debug, Default)]
struct Progress {
    phase: AtomicU8,
    /// Counts the steps that grant more time.
    steps: AtomicUsize,
}

impl Progress {
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Head,
            1 => Phase::Handling,
            2 => Phase::Answering,
            _ => Phase::Quiet,
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn snapshot(&self) -> (Phase, usize) {
        (self.phase(), self.steps.load(Ordering::Relaxed))
    }

    /// The first byte of a head starts its clock; further bytes do not start it again.
    fn read(&self) {
        if matches!(self.phase(), Phase::Quiet) {
            self.enter(Phase::Head);
        }
    }

    fn wrote(&self) {
        if self.phase() == Phase::Answering {
            self.enter(Phase::Answering);
        }
    }

    /// hyper flushes the socket only when it has written all it had.
    fn flushed(&self) {
        if self.phase() == Phase::Answering {
            self.enter(Phase::Quiet);
        }
    }
}

/// The socket, telling of its progress.
struct Watched {
    stream: Stream,
    progress: Arc<Progress>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.progress.read();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if polled.is_ready() {
            self.progress.wrote();
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if polled.is_ready() {
            self.progress.wrote();
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        if polled.is_ready() {
            self.progress.flushed();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The handler, telling of its progress, with panics turned into answers.
struct Guarded<H> {
    settings: Arc<Settings<H>>,
    progress: Arc<Progress>,
    peer: Option<Peer>,
}

impl<H, F> Service<Request<Incoming>> for Guarded<H>
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = std::convert::Infallible;
    type Future = Handling<F>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.progress.enter(Phase::Handling);
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let handling = catch_unwind(AssertUnwindSafe(|| (self.settings.handler)(request)));
        Handling {
            handling: handling.ok().map(Box::pin),
            progress: Arc::clone(&self.progress),
        }
    }
}

/// One request with its handler; `None` once it has panicked.
struct Handling<F> {
    handling: Option<Pin<Box<F>>>,
    progress: Arc<Progress>,
}

impl<F: Future<Output = Response<Full<Bytes>>>> Future for Handling<F> {
    type Output = Result<Response<Full<Bytes>>, std::convert::Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = match &mut self.handling {
            Some(handling) => catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx))).ok(),
            None => None,
        };
        let response = match polled {
            Some(Poll::Pending) => return Poll::Pending,
            Some(Poll::Ready(response)) => response,
            None => {
                tracing::error!("request handler panicked");
                panicked()
            }
        };
        // Frees what the handler held before the answer is sent.
        self.handling = None;
        self.progress.enter(Phase::Answering);
        Poll::Ready(Ok(response))
    }
}

fn panicked() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"internal error")));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
