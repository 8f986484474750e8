//! A body on its way from a client to an intake: counted, timed, and never held.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::refusal::Refusal;

/// The end that the handler of a request holds. Dropping it takes the body away from whoever sends it.
#[derive(Debug)]
pub(super) struct Upload<B>(Arc<Mutex<State<B>>>);

/// The end that is sent.
#[derive(Debug)]
pub(super) struct Passing<B> {
    state: Arc<Mutex<State<B>>>,
    /// Bytes that may still come.
    left: usize,
    idle: Duration,
    patience: Pin<Box<Sleep>>,
    /// Whether the client is waited for, which is when its time runs.
    waits: bool,
}

#[derive(Debug)]
struct State<B> {
    /// `None` once the handler is done.
    body: Option<B>,
    /// Whether all of it was read.
    is_read: bool,
    /// Why no more of it can be read.
    why: Option<Refusal>,
    waker: Option<Waker>,
}

/// Tells hyper to give up; what happened stands in the state.
#[derive(Debug, thiserror::Error)]
#[error("the request of the client cannot be read further")]
pub(super) struct Cut;

impl<B: Body<Data = Bytes> + Unpin> Upload<B> {
    /// Both ends of a body of at most so many bytes, which is given up when the client sends none for as long as `idle`.
    pub(super) fn new(body: B, max_bytes: usize, idle: Duration) -> (Self, Passing<B>) {
        let state = Arc::new(Mutex::new(State {
            is_read: body.is_end_stream(),
            body: Some(body),
            why: None,
            waker: None,
        }));
        let passing = Passing {
            state: Arc::clone(&state),
            left: max_bytes,
            idle,
            patience: Box::pin(sleep(idle)),
            waits: false,
        };
        (Self(state), passing)
    }

    /// Why the body could not be read, if that is so.
    pub(super) fn why(&self) -> Option<Refusal> {
        lock(&self.0).why
    }

    /// Whether all of the body was read.
    pub(super) fn is_read(&self) -> bool {
        let state = lock(&self.0);
        state.is_read || state.body.as_ref().is_some_and(Body::is_end_stream)
    }
}

impl<B> Drop for Upload<B> {
    fn drop(&mut self) {
        let (body, waker) = {
            let mut state = lock(&self.0);
            (state.body.take(), state.waker.take())
        };
        drop(body);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Passing<B> {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        let mut state = lock(&this.state);
        loop {
            let Some(body) = &mut state.body else {
                return Poll::Ready(Some(Err(Cut)));
            };
            let why = match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.waits = false;
                    // Trailers mean nothing here.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    if let Some(left) = this.left.checked_sub(data.len()) {
                        this.left = left;
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    Refusal::TooLarge
                }
                Poll::Ready(Some(Err(_))) => Refusal::ClientGone,
                Poll::Ready(None) => {
                    state.is_read = true;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    if !std::mem::replace(&mut this.waits, true) {
                        this.patience.as_mut().reset(Instant::now() + this.idle);
                    }
                    if this.patience.as_mut().poll(cx).is_pending() {
                        state.waker = Some(cx.waker().clone());
                        return Poll::Pending;
                    }
                    Refusal::ClientSlow
                }
            };
            state.why = Some(why);
            state.body = None;
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = lock(&self.state);
        state.body.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let state = lock(&self.state);
        state.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

fn lock<B>(state: &Mutex<State<B>>) -> MutexGuard<'_, State<B>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::*;

    const IDLE: Duration = Duration::from_secs(5);

    type Pieces = tokio::sync::mpsc::Sender<&'static str>;

    /// A body whose pieces are sent one by one.
    fn pieces() -> (
        Pieces,
        impl Body<Data = Bytes, Error = std::convert::Infallible> + Unpin,
    ) {
        let (sender, receiver) = tokio::sync::mpsc::channel(8);
        let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
            let piece: &str = receiver.recv().await?;
            Some((Ok(Frame::data(Bytes::from(piece))), receiver))
        });
        (sender, StreamBody::new(Box::pin(stream)))
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_inclusive() {
        for (limit, why) in [(8, None), (7, Some(Refusal::TooLarge))] {
            let (sender, body) = pieces();
            sender.send("1234").await.unwrap();
            sender.send("5678").await.unwrap();
            drop(sender);
            let (upload, passing) = Upload::new(body, limit, IDLE);
            assert_eq!(passing.collect().await.is_ok(), why.is_none());
            assert_eq!((upload.why(), upload.is_read()), (why, why.is_none()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_time_in_which_the_client_is_waited_for_counts() {
        let (sender, body) = pieces();
        let (upload, mut passing) = Upload::new(body, 8, IDLE);
        sender.send("1").await.unwrap();
        assert!(passing.frame().await.unwrap().is_ok());
        // The intake takes its time.
        tokio::time::advance(10 * IDLE).await;
        sender.send("2").await.unwrap();
        assert!(passing.frame().await.unwrap().is_ok());
        let from = Instant::now();
        assert!(passing.frame().await.unwrap().is_err());
        assert_eq!(from.elapsed(), IDLE);
        assert_eq!(upload.why(), Some(Refusal::ClientSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_sends_loses_the_body_when_the_handler_is_done() {
        let (sender, body) = pieces();
        let (upload, mut passing) = Upload::new(body, 8, IDLE);
        let reading = tokio::spawn(async move {
            let from = Instant::now();
            (passing.frame().await.unwrap().is_err(), from.elapsed())
        });
        tokio::task::yield_now().await;
        drop(upload);
        assert_eq!(reading.await.unwrap(), (true, Duration::ZERO));
        assert!(sender.is_closed());
    }

    #[tokio::test]
    async fn a_length_that_is_known_stays_known() {
        let (upload, passing) = Upload::new(Full::new(Bytes::from("123")), 8, IDLE);
        assert_eq!(passing.size_hint().exact(), Some(3));
        assert!(!upload.is_read());
        assert_eq!(passing.collect().await.unwrap().to_bytes(), "123");
        assert!(upload.is_read());
    }
}
