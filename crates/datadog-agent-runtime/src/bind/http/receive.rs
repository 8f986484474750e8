//! Receives a request body under its limits: its own size, that of all bodies together, and time.
//!
//! Never holds more than the limit and one piece from the connection, whether the length was announced or not, and
//! counts the memory that it takes rather than the bytes that came.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Body;
use hyper::header::CONTENT_LENGTH;
use tokio::time::{Instant, timeout_at};

use crate::budget::{Budget, Reservation};

/// Bytes set aside when the first piece has come, whatever length was announced: a slow client gets no more for it.
const FIRST_CAPACITY: usize = 16 * 1_024;

/// Limits of one body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes as received.
    pub bytes: usize,
    /// Longest time to receive all of it.
    pub timeout: Duration,
    /// Longest time without a byte of it.
    pub idle_timeout: Duration,
}

/// Why a body was not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// Larger than one body may be.
    #[error("the body is too large")]
    TooLarge,
    /// All bodies together would be larger than they may be.
    #[error("too much is being received at once")]
    Crowded,
    /// Too slow.
    #[error("the body came too slowly")]
    TimedOut,
    /// The connection broke, or the framing is wrong.
    #[error("the connection broke")]
    Broken,
}

/// A body, and its part of what all bodies may take together.
#[derive(Debug)]
pub struct Received {
    /// All of it.
    pub body: Bytes,
    /// The memory that it takes; none if there is no byte.
    pub share: Option<Reservation>,
}

/// The announced length, if there is one; the HTTP layer has refused lengths which are no numbers.
pub fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Receives the whole body; `reception` is what all bodies being received may take together.
///
/// # Errors
/// When a limit is broken, or the connection.
pub async fn receive<B>(
    body: B,
    announced: Option<u64>,
    limits: &Limits,
    reception: &Budget,
) -> Result<Received, ReceiveError>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let last = Instant::now() + limits.timeout;
    let mut whole = Buffer::new(announced, limits, reception);
    loop {
        let next = last.min(Instant::now() + limits.idle_timeout);
        let frame = match timeout_at(next, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(ReceiveError::Broken),
            Ok(None) => return Ok(whole.finish()),
            Err(_) => return Err(ReceiveError::TimedOut),
        };
        // Trailers mean nothing here.
        if let Ok(data) = frame.into_data() {
            whole.add(&data)?;
        }
    }
}

/// A body that grows, and its part of what all bodies may take together.
struct Buffer<'a> {
    bytes: Vec<u8>,
    /// The most that the body can become.
    limit: usize,
    /// The most that is set aside for it.
    expected: usize,
    reception: &'a Budget,
    share: Option<Reservation>,
}

impl<'a> Buffer<'a> {
    fn new(announced: Option<u64>, limits: &Limits, reception: &'a Budget) -> Self {
        let limit = limits.bytes;
        let expected = announced.and_then(|length| usize::try_from(length).ok());
        Self {
            bytes: Vec::new(),
            limit,
            expected: expected.unwrap_or(limit).min(limit),
            reception,
            share: None,
        }
    }

    /// Copies a piece, which may be a small part of a large read buffer that it would keep alive.
    fn add(&mut self, piece: &[u8]) -> Result<(), ReceiveError> {
        let needed = self.bytes.len() + piece.len();
        if needed > self.limit {
            return Err(ReceiveError::TooLarge);
        }
        self.make_room_for(needed)?;
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// Twice as much each time, so that a body is copied about once while it grows, but no more than is expected.
    fn make_room_for(&mut self, needed: usize) -> Result<(), ReceiveError> {
        let held = self.bytes.capacity();
        if needed <= held {
            return Ok(());
        }
        let wanted = (2 * held)
            .max(FIRST_CAPACITY)
            .min(self.expected)
            .max(needed);
        let more = self
            .reception
            .try_reserve(wanted - held)
            .ok_or(ReceiveError::Crowded)?;
        self.bytes.reserve_exact(wanted - self.bytes.len());
        match &mut self.share {
            Some(share) => share.absorb(more),
            None => self.share = Some(more),
        }
        Ok(())
    }

    fn finish(mut self) -> Received {
        self.bytes.shrink_to_fit();
        if let Some(share) = &mut self.share {
            share.shrink_to(self.bytes.len());
        }
        Received {
            body: self.bytes.into(),
            share: self.share,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Frame;
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};
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

    const LIMITS: Limits = Limits {
        bytes: 8,
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
        let second = receive(Slow::new([(0, "12345")]), Some(5), &LIMITS, &reception).await;
        assert_eq!(second.map(|_| ()), Err(ReceiveError::Crowded));
        assert_eq!(reception.used(), 6);
        let third = receive(Slow::new([(0, "1234")]), Some(4), &LIMITS, &reception).await;
        assert_eq!(third.unwrap().body, "1234");
        assert_eq!(reception.used(), 6);
        drop(first);
        assert_eq!(reception.used(), 0);
    }

    #[test]
    fn memory_is_counted_before_it_is_taken() {
        let limits = Limits {
            bytes: 100_000,
            ..LIMITS
        };
        let reception = Budget::new(1_000_000);
        let mut buffer = Buffer::new(None, &limits, &reception);
        for size in [1, 16 * 1_024, 40_000] {
            buffer.add(&vec![b' '; size]).unwrap();
            assert_eq!(reception.used(), buffer.bytes.capacity());
        }
        assert_eq!(reception.used(), 65_536);
        assert_eq!(buffer.finish().body.len(), 56_385);
        assert_eq!(reception.used(), 0);

        let mut buffer = Buffer::new(Some(50_000), &limits, &reception);
        buffer.add(&[b' '; 49_000]).unwrap();
        assert_eq!(reception.used(), 49_000);
        buffer.add(&[b' '; 1_000]).unwrap();
        assert_eq!(reception.used(), 50_000);
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
