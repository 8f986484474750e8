//! Receives a request body under its limits: its own size, that of all bodies together, and time.
//!
//! Never holds more than the limit and one piece from the connection, whether the length was announced or not.

use std::pin::pin;

use bytes::Bytes;
use datadog_forwarder::{Budget, Reservation};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Body;
use hyper::header::CONTENT_LENGTH;
use tokio::time::{Instant, timeout_at};

use crate::config::BodyLimits;

/// Bytes set aside before any has come, whatever length was announced: a slow client gets no more for nothing.
const FIRST_CAPACITY: usize = 64 * 1_024;

/// Why a body was not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReceiveError {
    /// Larger than one body may be.
    TooLarge,
    /// All bodies together would be larger than they may be.
    Crowded,
    /// Too slow.
    TimedOut,
    /// The connection broke, or the framing is wrong.
    Broken,
}

/// A body, and its part of what all bodies may take together.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) body: Bytes,
    pub(super) share: Option<Reservation>,
}

/// The announced length, if there is one; the HTTP layer has refused lengths which are no numbers.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Receives the whole body.
pub(super) async fn receive<B>(
    body: B,
    announced: Option<u64>,
    limits: &BodyLimits,
    reception: &Budget,
) -> Result<Received, ReceiveError>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let last = Instant::now() + limits.timeout;
    let announced = announced.and_then(|length| usize::try_from(length).ok());
    let mut whole = Vec::with_capacity(announced.unwrap_or(0).min(FIRST_CAPACITY));
    let mut share: Option<Reservation> = None;
    loop {
        let next = last.min(Instant::now() + limits.idle_timeout);
        let frame = match timeout_at(next, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(ReceiveError::Broken),
            Ok(None) => break,
            Err(_) => return Err(ReceiveError::TimedOut),
        };
        // Trailers mean nothing here.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if whole.len() + data.len() > limits.received_bytes {
            return Err(ReceiveError::TooLarge);
        }
        let more = reception
            .try_reserve(data.len())
            .ok_or(ReceiveError::Crowded)?;
        match &mut share {
            Some(share) => share.absorb(more),
            None => share = Some(more),
        }
        // Copied, because a piece may be a small part of a large read buffer, which it would keep alive.
        whole.extend_from_slice(&data);
    }
    whole.shrink_to_fit();
    Ok(Received {
        body: whole.into(),
        share,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use hyper::body::Frame;
    use tokio::time::{Sleep, sleep};

    use super::*;

    /// Pieces, each with a pause before it.
    struct Slow {
        pieces: VecDeque<(Duration, Bytes)>,
        pause: Pin<Box<Sleep>>,
    }

    impl Slow {
        fn new(pieces: impl IntoIterator<Item = (u64, &'static str)>) -> Self {
            let pieces: VecDeque<_> = pieces
                .into_iter()
                .map(|(seconds, piece)| (Duration::from_secs(seconds), Bytes::from(piece)))
                .collect();
            let first = pieces.front().map_or(Duration::ZERO, |piece| piece.0);
            Self {
                pieces,
                pause: Box::pin(sleep(first)),
            }
        }
    }

    impl Body for Slow {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.pieces.is_empty() {
                return Poll::Ready(None);
            }
            if self.pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let (_, piece) = self.pieces.pop_front().unwrap();
            if let Some(&(pause, _)) = self.pieces.front() {
                self.pause = Box::pin(sleep(pause));
            }
            Poll::Ready(Some(Ok(Frame::data(piece))))
        }
    }

    const LIMITS: BodyLimits = BodyLimits {
        received_bytes: 8,
        decoded_bytes: 8,
        reception_bytes: 100,
        timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(10),
    };

    async fn check(
        pieces: impl IntoIterator<Item = (u64, &'static str)>,
    ) -> Result<Bytes, ReceiveError> {
        receive(Slow::new(pieces), None, &LIMITS, &Budget::new(100))
            .await
            .map(|received| received.body)
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_inclusive() {
        assert_eq!(check([(0, "1234"), (0, "5678")]).await.unwrap(), "12345678");
        assert_eq!(
            check([(0, "1234"), (0, "56789")]).await,
            Err(ReceiveError::TooLarge)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_longer_than_the_idle_time_ends_it() {
        assert_eq!(check([(0, "1"), (9, "2"), (9, "3")]).await.unwrap(), "123");
        assert_eq!(
            check([(0, "1"), (11, "2")]).await,
            Err(ReceiveError::TimedOut)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_when_the_whole_time_is_over() {
        assert_eq!(
            check([(9, "1"), (9, "2"), (9, "3"), (9, "4")]).await,
            Err(ReceiveError::TimedOut)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_share_what_may_be_in_reception_and_give_it_back() {
        let reception = Budget::new(10);
        let first = receive(Slow::new([(0, "123456")]), None, &LIMITS, &reception)
            .await
            .unwrap();
        assert_eq!(reception.used(), 6);
        let second = receive(Slow::new([(0, "12345")]), None, &LIMITS, &reception).await;
        assert_eq!(second.map(|_| ()), Err(ReceiveError::Crowded));
        drop(first);
        assert_eq!(reception.used(), 0);
    }

    #[test]
    fn a_length_that_is_no_number_counts_as_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(announced(&headers), None);
        headers.insert(CONTENT_LENGTH, "4194305".parse().unwrap());
        assert_eq!(announced(&headers), Some(4_194_305));
        headers.insert(CONTENT_LENGTH, "many".parse().unwrap());
        assert_eq!(announced(&headers), None);
    }
}
