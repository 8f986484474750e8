//! A connection that can be cut: at once, or after a number of bytes of an answer; or be told to go away.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// No limit on what may be written.
const UNLIMITED: u64 = u64::MAX;

/// The handle with which a request cuts the connection that it came over.
#[derive(Debug)]
pub(crate) struct Control {
    closed: CancellationToken,
    going_away: CancellationToken,
    /// The tasks of the streams of all connections, for whoever waits for their end.
    streams: TaskTracker,
    may_write: AtomicU64,
}

impl Control {
    /// Cancelling `closed` closes the connection.
    pub(crate) fn new(closed: CancellationToken, streams: TaskTracker) -> Self {
        Self {
            closed,
            going_away: CancellationToken::new(),
            streams,
            may_write: AtomicU64::new(UNLIMITED),
        }
    }

    /// Runs a stream of this connection; it must end when [`Self::closed`] does.
    pub(crate) fn run(&self, stream: impl Future<Output = ()> + Send + 'static) {
        self.streams.spawn(stream);
    }

    /// Ends when the connection is closed from this side.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + Send {
        self.closed.cancelled()
    }

    /// Ends when the connection is to go away.
    pub(crate) fn told_to_go_away(&self) -> impl Future<Output = ()> + Send {
        self.going_away.cancelled()
    }

    /// Takes no further request on the connection, and tells the client so; those that are open go on.
    pub(crate) fn go_away(&self) {
        self.going_away.cancel();
    }

    /// Closes the connection now.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Closes the connection once `bytes` more were written.
    pub(crate) fn close_after(&self, bytes: u64) {
        if bytes == 0 {
            self.close();
        } else {
            self.may_write.store(bytes, Ordering::Relaxed);
        }
    }

    fn wrote(&self, bytes: usize) {
        let before = self.may_write.load(Ordering::Relaxed);
        if before == UNLIMITED {
            return;
        }
        let left = before.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.may_write.store(left, Ordering::Relaxed);
        if left == 0 {
            self.close();
        }
    }
}

/// A stream that obeys a [`Control`].
#[derive(Debug)]
pub(crate) struct Cut<S> {
    stream: S,
    control: Arc<Control>,
}

impl<S> Cut<S> {
    pub(crate) fn new(stream: S, control: Arc<Control>) -> Self {
        Self { stream, control }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cut<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cut<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed =
            usize::try_from(self.control.may_write.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        if allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let part = buf.get(..allowed).unwrap_or(buf);
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, part))?;
        self.control.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
