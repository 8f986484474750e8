//! Answers in the few forms that this server gives.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer's body: bytes at hand, or a stream whose failure cuts the connection.
pub(crate) type Body = UnsyncBoxBody<Bytes, FellBehind>;

/// A reader was slower than the store forgets.
#[derive(Debug, thiserror::Error)]
#[error("the reader fell behind what is kept")]
pub(crate) struct FellBehind;

/// A whole answer with its content type.
pub(crate) fn whole(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let body = Full::new(body.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    whole(status, "application/json", body)
}

/// One line of text that says what was wrong with a question.
pub(crate) fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    whole(status, "text/plain; charset=utf-8", format!("{why}\n"))
}
