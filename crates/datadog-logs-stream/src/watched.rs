//! The body of a request that tells how many of its messages have left.
//!
//! A message counts as left when the connection asks for what comes behind it. It is handed over in pieces, and the
//! connection asks for another piece only when the window of the stream and its own buffer had room for the one before,
//! so a peer that takes nothing shows here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use tokio::sync::{mpsc, watch};
use tonic::Status;
use tonic::body::Body;

use crate::codec::Batch;

/// Bytes of a piece: those of a frame of HTTP/2, unless the peer asks for larger ones.
const PIECE_BYTES: usize = 16 << 10;

/// Counts the messages of one stream.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// Messages that were put into the buffer of the body.
    taken: Arc<AtomicU64>,
    left: watch::Sender<u64>,
    is_cancelled: Arc<AtomicBool>,
}

impl Watch {
    /// A count, and what tells of it.
    pub(crate) fn new() -> (Self, watch::Receiver<u64>) {
        let (left, told) = watch::channel(0);
        let watch = Self {
            taken: Arc::default(),
            left,
            is_cancelled: Arc::default(),
        };
        (watch, told)
    }

    /// Sends nothing more of what is queued.
    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

/// The messages of a stream, as its driver gives them.
pub(crate) struct Messages {
    messages: mpsc::Receiver<Batch>,
    watch: Watch,
}

impl Messages {
    pub(crate) fn new(messages: mpsc::Receiver<Batch>, watch: Watch) -> Self {
        Self { messages, watch }
    }
}

impl Stream for Messages {
    type Item = Batch;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Batch>> {
        if self.watch.is_cancelled.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.messages.poll_recv(context));
        if next.is_some() {
            self.watch.taken.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(next)
    }
}

/// A body whose every question for more is an answer too.
pub(crate) struct Watched {
    body: Body,
    /// What was taken from it and not handed over.
    rest: Bytes,
    watch: Watch,
}

impl Watched {
    pub(crate) fn new(body: Body, watch: Watch) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            watch,
        }
    }

    /// A frame without what is more than a piece, which is kept for later.
    fn cut(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_data() {
            Ok(data) => {
                self.rest = data;
                self.piece()
            }
            Err(frame) => frame,
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let bytes = self.rest.len().min(PIECE_BYTES);
        Frame::data(self.rest.split_to(bytes))
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let taken = self.watch.taken.load(Ordering::Relaxed);
        self.watch.left.send_if_modified(|left| {
            let is_more = *left < taken;
            *left = taken;
            is_more
        });
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| frame.map(|frame| self.cut(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // How much is left is of no use to a stream.
        SizeHint::new()
    }
}
