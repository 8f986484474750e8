//! What tracers are answered: status, headers and text as they know them.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::sampler::Reply;

/// The header with the version of rates, of requests and answers.
const RATES_VERSION: HeaderName = HeaderName::from_static("datadog-rates-payload-version");
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Taken; tracers before v0.4 expect this text.
    Ok,
    /// Taken, with nothing to say.
    Empty,
    /// Taken, with the rates of the samplers.
    Rates(Reply),
    /// Taken and lost for want of room: tracers that do not ask for the status would send it all again.
    Overload(Reply),
    /// The same for tracers that ask.
    TooMany,
    NotFound,
    /// Another method is needed.
    Method(&'static str),
    CrossSite,
    TooLarge,
    UnexpectedEnd,
    Malformed(String),
    TimedOut,
    Unavailable(&'static str),
    /// A defect of this agent; the same body would meet it again.
    Failed,
}

impl Answer {
    pub(super) fn into_response(self, closes: bool) -> Response<Full<Bytes>> {
        let (status, content_type, body) = match &self {
            Self::Ok => (StatusCode::OK, TEXT, Bytes::from_static(b"OK\n")),
            Self::Empty => (StatusCode::OK, TEXT, Bytes::new()),
            Self::Rates(reply) | Self::Overload(reply) => {
                (StatusCode::OK, JSON, reply.body.clone())
            }
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, TEXT, Bytes::new()),
            Self::NotFound => text(StatusCode::NOT_FOUND, "Not Found"),
            Self::Method(_) => text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
            Self::CrossSite => text(StatusCode::FORBIDDEN, "cross-site request rejected"),
            Self::TooLarge => text(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large"),
            Self::UnexpectedEnd => text(StatusCode::BAD_REQUEST, "unexpected-eof"),
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, TEXT, why.clone().into()),
            Self::TimedOut => text(StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::Failed => text(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
            Self::Unavailable(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        match self {
            Self::Method(methods) => {
                headers.insert(ALLOW, HeaderValue::from_static(methods));
            }
            Self::Rates(Reply { version, .. }) | Self::Overload(Reply { version, .. }) => {
                if let Some(version) = version.and_then(|it| header(&it)) {
                    headers.insert(RATES_VERSION, version);
                }
            }
            _ => {}
        }
        if closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

fn text(status: StatusCode, text: &'static str) -> (StatusCode, &'static str, Bytes) {
    (status, TEXT, Bytes::from_static(text.as_bytes()))
}

fn header(text: &Arc<str>) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}
