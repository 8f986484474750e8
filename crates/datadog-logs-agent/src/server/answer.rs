//! The answers of the log server, each with the status, headers and text that its clients know.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::processor::BodyError;

/// What a request gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Queued; clients of version 1 expect `200`.
    QueuedV1,
    /// Queued; clients of version 2 expect `202`.
    QueuedV2,
    NotPost,
    UnknownPath,
    UnknownEncoding,
    TooLarge,
    /// Too many bytes are being received at once, or the queue is full.
    QueueFull,
    TimedOut,
    Unreadable,
    Invalid(BodyError),
    ShuttingDown,
    /// The queue is gone although nobody asked the agent to stop.
    NoAggregator,
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    Kept,
    /// The rest of the body is not read.
    Closed,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::QueuedV1 => StatusCode::OK,
            Self::QueuedV2 => StatusCode::ACCEPTED,
            Self::NotPost => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::UnknownEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueueFull => StatusCode::TOO_MANY_REQUESTS,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Unreadable | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoAggregator => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn into_response(self, connection: Connection) -> Response<Full<Bytes>> {
        let status = self.status();
        let header = match self {
            Self::NotPost => Some((ALLOW, "POST")),
            Self::QueueFull => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        let closes = connection == Connection::Closed || self == Self::ShuttingDown;
        let mut response = Response::new(Full::new(self.text()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(CONTENT_TYPE, "text/plain; charset=utf-8");
        if let Some((name, value)) = header {
            set(name, value);
        }
        if closes {
            set(CONNECTION, "close");
        }
        response
    }

    fn text(self) -> Bytes {
        Bytes::from_static(match self {
            Self::QueuedV1 => b"ok",
            Self::QueuedV2 => b"{}",
            Self::NotPost => b"method not allowed",
            Self::UnknownPath => b"not found",
            Self::UnknownEncoding => b"unsupported content encoding",
            Self::TooLarge => b"payload too large",
            Self::QueueFull => b"queue full",
            Self::TimedOut => b"request timeout",
            Self::Unreadable => b"failed to read body",
            Self::Invalid(error) => return error.to_string().into(),
            Self::ShuttingDown => b"shutting down",
            Self::NoAggregator => b"aggregator unavailable",
        })
    }
}
