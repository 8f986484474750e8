//! The HTTP log server: from a socket to the queue.
//!
//! Every limit is checked before what it limits is read. A request is queued whole or not at all, and `200` or `202`
//! means queued in memory, not delivered.

mod answer;
mod decode;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::{ReceiveError, Received, announced, receive};
use datadog_agent_runtime::bind::http::{self, Pages, ServeStats};
use datadog_agent_runtime::bind::{self, BindError, Listener, Target};
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};
use datadog_forwarder::Budget;
use datadog_wire::endpoints::{LOGS_V1_PATH, LOGS_V2_PATH};
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response};
use tokio::sync::Semaphore;

use self::answer::{Answer, Connection};
use self::decode::{Coding, DecodeError, decode};
use crate::aggregator::service::{AggregatorHandle, InsertError, now_ms};
use crate::config::BodyLimits;
use crate::processor::Defaults;
use crate::{EntryBlock, Source, Tally};

/// Bodies above this are decoded and parsed on a thread where they hold nobody up: about 100 µs of work.
const INLINE_BYTES: usize = 64 * 1_024;
/// The log server before it is bound.
#[derive(Debug)]
pub struct Server;

/// A server with its address; connections are accepted, and answered once it serves.
#[derive(Debug)]
pub struct BoundServer {
    listener: Listener,
    limits: http::Limits,
    intake: Intake,
    pages: Pages,
}

/// Answers requests that carry logs; cheap to clone. Another listener can mount it beside its own paths.
#[derive(Debug, Clone)]
pub struct Intake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    handle: AggregatorHandle,
    limits: BodyLimits,
    /// Bytes in reception, over all requests.
    reception: Budget,
    /// Large bodies that are decoded and parsed at once; each takes a multiple of its size meanwhile.
    large: Arc<Semaphore>,
    drain: Drain,
    bytes_received: Series,
}

impl Server {
    /// Binds the listener, so that the caller learns the address or the error before anything is announced.
    ///
    /// # Errors
    /// Names the target and the system's reason.
    pub async fn bind(
        target: &Target,
        limits: http::Limits,
        intake: Intake,
        pages: Pages,
    ) -> Result<BoundServer, BindError> {
        Ok(BoundServer {
            listener: bind::bind(target).await?,
            limits,
            intake,
            pages,
        })
    }
}

impl BoundServer {
    /// The TCP address, with the port that the system chose.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr()
    }

    /// The path of a Unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.listener.path()
    }

    /// Serves until drained, and leaves time for sending.
    pub async fn serve(self, drain: Drain) -> ServeStats {
        let Self {
            listener,
            limits,
            intake,
            pages,
        } = self;
        let handler = move |request: Request<hyper::body::Incoming>| {
            let intake = intake.clone();
            let page = pages.answer(&request);
            async move {
                match page {
                    Some(page) => page,
                    None => intake.handle(request).await,
                }
            }
        };
        http::serve_in_time(listener, limits, drain, handler).await
    }
}

impl Intake {
    /// The intake in front of `handle`. Once `drain` is signalled it refuses.
    #[must_use]
    pub fn new(
        handle: &AggregatorHandle,
        limits: BodyLimits,
        telemetry: &Telemetry,
        drain: Drain,
    ) -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Inner {
            handle: handle.for_source(Source::Http),
            limits,
            reception: Budget::new(limits.reception_bytes),
            large: Arc::new(Semaphore::new(threads.clamp(2, 8))),
            drain,
            bytes_received: telemetry.series(Metric::LogsBytesReceived, &[]),
        }))
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let (answer, connection) = self.answer(&head, body).await;
        answer.into_response(connection)
    }

    async fn answer<B>(&self, head: &Parts, body: B) -> (Answer, Connection)
    where
        B: Body<Data = Bytes>,
    {
        // A body that nobody reads stands in the way of the next request.
        let unread = match body.is_end_stream() {
            true => Connection::Kept,
            false => Connection::Closed,
        };
        if head.method != Method::POST {
            return (Answer::NotPost, unread);
        }
        let queued = match head.uri.path() {
            LOGS_V1_PATH => Answer::QueuedV1,
            path if path.strip_suffix('/').unwrap_or(path) == LOGS_V2_PATH => Answer::QueuedV2,
            _ => return (Answer::UnknownPath, unread),
        };
        if self.0.drain.deadline().is_some() {
            return (Answer::ShuttingDown, unread);
        }
        let length = announced(&head.headers);
        if length.is_some_and(|length| length > self.0.limits.received_bytes as u64) {
            return (Answer::TooLarge, Connection::Closed);
        }
        let Some(coding) = coding(&head.headers) else {
            return (Answer::UnknownEncoding, unread);
        };
        let received = receive(body, length, &self.0.limits.reception(), &self.0.reception).await;
        let received = match received {
            Ok(received) => received,
            Err(error) => return (error.into(), Connection::Closed),
        };
        self.0.bytes_received.add(received.body.len() as u64);
        let answer = match self.process(received, coding, head).await {
            Ok((block, tally)) => self.queue(block, &tally, queued).await,
            Err(answer) => {
                self.0.handle.count_unreadable();
                answer
            }
        };
        (answer, Connection::Kept)
    }

    async fn queue(&self, block: EntryBlock, tally: &Tally, queued: Answer) -> Answer {
        match self.0.handle.offer(block, tally).await {
            Ok(()) => queued,
            Err(InsertError::Full) => Answer::QueueFull,
            Err(InsertError::TooLarge) => Answer::TooLarge,
            Err(InsertError::Stopped) if self.0.drain.deadline().is_some() => Answer::ShuttingDown,
            Err(InsertError::Stopped) => Answer::NoAggregator,
            Err(InsertError::Invalid(error)) => Answer::Invalid(error),
        }
    }

    /// From the body as received to a block. What is small is done here; what is large, or grows large, elsewhere and
    /// a few at a time.
    async fn process(
        &self,
        received: Received,
        coding: Coding,
        head: &Parts,
    ) -> Result<(EntryBlock, Tally), Answer> {
        let content_type = head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let defaults = head.uri.query().map(defaults).unwrap_or_default();
        let processor = self.0.handle.processor();
        let now = now_ms();
        if received.body.len() <= INLINE_BYTES {
            let cap = INLINE_BYTES.min(self.0.limits.decoded_bytes);
            match decode(received.body.clone(), coding, cap) {
                Ok(body) => {
                    return processor
                        .body(body, content_type, &defaults, now)
                        .map_err(Answer::Invalid);
                }
                Err(DecodeError::Corrupt) => return Err(Answer::Unreadable),
                Err(DecodeError::TooLarge) => {}
            }
        }
        let Ok(permit) = Arc::clone(&self.0.large).acquire_owned().await else {
            return Err(Answer::NoAggregator);
        };
        let processor = Arc::clone(processor);
        let content_type = content_type.map(str::to_owned);
        let cap = self.0.limits.decoded_bytes;
        let work = tokio::task::spawn_blocking(move || {
            // Held until the work is done, which nobody interrupts when the client goes away.
            let (_permit, _share) = (permit, received.share);
            let body = decode(received.body, coding, cap)?;
            processor
                .body(body, content_type.as_deref(), &defaults, now)
                .map_err(Answer::Invalid)
        });
        work.await.unwrap_or(Err(Answer::NoAggregator))
    }
}

impl From<ReceiveError> for Answer {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::TooLarge => Self::TooLarge,
            ReceiveError::Crowded => Self::QueueFull,
            ReceiveError::TimedOut => Self::TimedOut,
            ReceiveError::Broken => Self::Unreadable,
        }
    }
}

impl From<DecodeError> for Answer {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge => Self::TooLarge,
            DecodeError::Corrupt => Self::Unreadable,
        }
    }
}

/// How the body is encoded; `None` when that is not understood, or the body is encoded more than once.
fn coding(headers: &HeaderMap) -> Option<Coding> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => Some(Coding::Identity),
        (Some(one), None) => Coding::from_header(one.as_bytes()),
        (Some(_), Some(_)) => None,
    }
}

/// The parameters of a query that fill absent keys; the first of each name counts, and an empty one is none.
fn defaults(query: &str) -> Defaults {
    let mut defaults = Defaults::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let field = match name {
            "hostname" => &mut defaults.hostname,
            "service" => &mut defaults.service,
            "ddsource" => &mut defaults.ddsource,
            "ddtags" => &mut defaults.ddtags,
            _ => continue,
        };
        if field.is_none() && !value.is_empty() {
            let spaced = value.replace('+', " ");
            let text = percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy();
            *field = Some(text.into_owned());
        }
    }
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_fills_the_four_keys_decoded() {
        let expected = Defaults {
            hostname: Some("h".to_owned()),
            service: Some("my shop".to_owned()),
            ddsource: None,
            ddtags: Some("env:prod,team:a b".to_owned()),
        };
        assert_eq!(
            defaults(
                "service=my%20shop&x=1&ddtags=env%3Aprod,team:a+b&hostname=h&hostname=i&ddsource="
            ),
            expected
        );
    }
}
