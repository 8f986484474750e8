//! An intake that costs next to nothing: takes every request and every batch, counts bytes at the socket, and can be cut.
//!
//! It reads no log and checks nothing; whether what arrives is right is for the tests to say.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::Context as _;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use datadog_wire::stateful::SNAPSHOT_BATCH_ID;
use datadog_wire::stateful::a::{BatchStatus, StatefulBatch, batch_status};
use futures_util::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes of gRPC before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What the sink has seen since it was told to forget.
#[derive(Debug, Default)]
pub(super) struct Seen {
    socket_bytes: AtomicU64,
    payload_bytes: AtomicU64,
    payloads: AtomicU64,
    /// When logs were first acknowledged.
    acknowledged: Mutex<Option<Instant>>,
}

/// A sink that listens, in a thread of its own. Ends when dropped.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) addr: SocketAddr,
    pub(super) seen: Arc<Seen>,
    is_up: Option<watch::Sender<bool>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Sink {
    /// Listens on a port of the system's choice.
    pub(super) fn start() -> anyhow::Result<Self> {
        let first = std::net::TcpListener::bind("127.0.0.1:0")?;
        let addr = first.local_addr()?;
        let seen = Arc::<Seen>::default();
        let (is_up, ups) = watch::channel(true);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let counted = Arc::clone(&seen);
        let thread = std::thread::spawn(move || runtime.block_on(run(first, counted, ups)));
        Ok(Self {
            addr,
            seen,
            is_up: Some(is_up),
            thread: Some(thread),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Closes the listener and cuts all connections, or listens again on the same port.
    pub(super) fn set_up(&self, is_up: bool) {
        if let Some(sender) = &self.is_up {
            sender.send_replace(is_up);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.is_up = None;
        if let Some(thread) = self.thread.take() {
            // What it has to say was said where something waited for it in vain.
            drop(thread.join());
        }
    }
}

impl Seen {
    /// Bytes that came in, whatever they are.
    pub(super) fn socket_bytes(&self) -> u64 {
        self.socket_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the bodies of requests over HTTP, and of the messages of streams with the prefix of each.
    pub(super) fn payload_bytes(&self) -> u64 {
        self.payload_bytes.load(Ordering::Relaxed)
    }

    /// How many such bodies and messages there were.
    pub(super) fn payloads(&self) -> u64 {
        self.payloads.load(Ordering::Relaxed)
    }

    /// When logs were first acknowledged.
    pub(super) fn acknowledged(&self) -> Option<Instant> {
        *self.lock()
    }

    pub(super) fn forget(&self) {
        for count in [&self.socket_bytes, &self.payload_bytes, &self.payloads] {
            count.store(0, Ordering::Relaxed);
        }
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn took(&self, bytes: usize) {
        self.payload_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        self.payloads.fetch_add(1, Ordering::Relaxed);
    }

    fn acknowledge(&self) {
        self.lock().get_or_insert_with(Instant::now);
    }
}

async fn run(
    first: std::net::TcpListener,
    seen: Arc<Seen>,
    mut is_up: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let addr = first.local_addr()?;
    first.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(first)?;
    loop {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    connections.spawn(serve(accepted?.0, Arc::clone(&seen)));
                }
                Some(_) = connections.join_next() => {}
                down = is_up.wait_for(|is_up| !is_up) => match down {
                    Ok(_) => break,
                    Err(_) => return Ok(()),
                },
            }
        }
        drop(listener);
        drop(connections);
        if is_up.wait_for(|is_up| *is_up).await.is_err() {
            return Ok(());
        }
        listener = TcpListener::bind(addr)
            .await
            .context("the port was taken meanwhile")?;
    }
}

async fn serve(stream: TcpStream, seen: Arc<Seen>) {
    let io = TokioIo::new(Counted {
        stream,
        seen: Arc::clone(&seen),
    });
    let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
    // A connection that breaks is what the figures of a cut are about.
    drop(
        Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await,
    );
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Seen>,
) -> Result<Response<Body>, hyper::Error> {
    let is_grpc = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if is_grpc {
        let mut response = Response::new(acknowledgements(request.into_body(), seen));
        let grpc = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(CONTENT_TYPE, grpc);
        return Ok(response);
    }
    let mut body = request.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    seen.took(bytes);
    seen.acknowledge();
    let mut response = Response::new(Full::from("{}").boxed_unsync());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// One stream that is read as its answer is asked for.
struct Session {
    incoming: Incoming,
    held: BytesMut,
    seen: Arc<Seen>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The client has ended its side, and is owed the status.
    Closing,
    Closed,
}

/// Every batch is acknowledged as soon as it is read.
fn acknowledgements(incoming: Incoming, seen: Arc<Seen>) -> Body {
    let session = Session {
        incoming,
        held: BytesMut::new(),
        seen,
        state: State::Open,
    };
    let frames = unfold(session, |mut session| async {
        let frame = session.next().await?;
        Some((Ok::<_, Infallible>(frame), session))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Session {
    async fn next(&mut self) -> Option<Frame<Bytes>> {
        let mut out = BytesMut::new();
        while self.state == State::Open {
            while let Some(message) = self.message() {
                self.take(message, &mut out);
            }
            if !out.is_empty() {
                return Some(Frame::data(out.freeze()));
            }
            match self.incoming.frame().await {
                Some(Ok(frame)) => self.held.extend(frame.into_data().ok()),
                Some(Err(_)) => return None,
                None => self.state = State::Closing,
            }
        }
        if self.state == State::Closed {
            return None;
        }
        self.state = State::Closed;
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Some(Frame::trailers(trailers))
    }

    /// The next message, if all of it is there.
    fn message(&mut self) -> Option<Bytes> {
        let (_, rest) = self.held.split_first()?;
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        if self.held.len() < PREFIX + length {
            return None;
        }
        self.held.advance(PREFIX);
        Some(self.held.split_to(length).freeze())
    }

    fn take(&self, message: Bytes, out: &mut BytesMut) {
        self.seen.took(PREFIX + message.len());
        let Ok(StatefulBatch { batch_id, .. }) = StatefulBatch::decode(message) else {
            return;
        };
        if batch_id != SNAPSHOT_BATCH_ID {
            self.seen.acknowledge();
        }
        let status = BatchStatus {
            batch_id,
            status: batch_status::Status::Ok.into(),
        };
        out.put_u8(0);
        out.put_u32(u32::try_from(status.encoded_len()).unwrap_or(u32::MAX));
        out.put(status.encode_to_vec().as_slice());
    }
}

/// A connection whose incoming bytes are counted.
#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    seen: Arc<Seen>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let bytes = buffer.filled().len() - before;
        self.seen
            .socket_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        Poll::Ready(read)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
