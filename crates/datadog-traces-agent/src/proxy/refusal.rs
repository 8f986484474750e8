//! Why a request was not passed on, and what its client is told.

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::ReceiveError;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::evp;
use crate::server::route::Product;

/// Why a request was not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Its product is turned off.
    Disabled(Product),
    /// It does not say properly where it goes.
    Evp(evp::Invalid),
    /// What it makes of the URL is none.
    BadUrl,
    /// Larger than its product may be.
    TooLarge,
    /// There is no memory for it.
    Crowded,
    /// The client did not send it in time.
    ClientSlow,
    /// The client went away, or its framing is wrong.
    ClientGone,
    /// The intake did not take and answer it in time.
    TimedOut,
    /// The key of the intake cannot stand in a header.
    BadKey,
    /// The intake could not be reached, or broke off.
    Unreachable,
    /// The intake's answer is larger than any that is passed on.
    AnswerTooLarge,
    /// There is no memory for the intake's answer.
    AnswerCrowded,
}

impl Refusal {
    /// The word for it in counters.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disabled(_) => "disabled",
            Self::Evp(_) | Self::BadUrl => "invalid",
            Self::TooLarge => "too_large",
            Self::Crowded => "memory",
            Self::ClientSlow => "client_timeout",
            Self::ClientGone => "client_gone",
            Self::TimedOut => "timeout",
            Self::BadKey => "bad_key",
            Self::Unreachable => "unreachable",
            Self::AnswerTooLarge => "answer_too_large",
            Self::AnswerCrowded => "answer_memory",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Disabled(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Evp(_) | Self::BadUrl => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Crowded => StatusCode::TOO_MANY_REQUESTS,
            Self::ClientSlow | Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::ClientGone => StatusCode::SERVICE_UNAVAILABLE,
            Self::BadKey | Self::Unreachable | Self::AnswerTooLarge | Self::AnswerCrowded => {
                StatusCode::BAD_GATEWAY
            }
        }
    }

    fn text(self) -> String {
        let text = match self {
            Self::Disabled(product) => {
                let proxy = match product {
                    Product::Evp => "EVPProxy",
                    _ => product.name(),
                };
                return format!("{proxy} is disabled: Has been disabled in config");
            }
            Self::Evp(invalid) => return invalid.to_string(),
            Self::BadUrl => "the path or the query is not valid",
            Self::TooLarge => "payload-too-large",
            Self::Crowded => "too many requests are held",
            Self::ClientSlow => "timeout",
            Self::ClientGone => "the request could not be read",
            Self::TimedOut => "the intake did not answer in time",
            Self::BadKey => "the API key of this agent cannot be sent",
            Self::Unreachable => "the intake could not be reached",
            Self::AnswerTooLarge => "the answer of the intake is too large",
            Self::AnswerCrowded => "there is no memory for the answer of the intake",
        };
        text.to_owned()
    }

    /// The answer to the client, whose connection `closes` after it if its body was not read.
    pub(super) fn into_response(self, closes: bool) -> Response<Full<Bytes>> {
        let mut response = text(self.status(), self.text());
        if closes {
            close(&mut response);
        }
        response
    }
}

impl From<evp::Invalid> for Refusal {
    fn from(invalid: evp::Invalid) -> Self {
        Self::Evp(invalid)
    }
}

impl From<ReceiveError> for Refusal {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::TooLarge => Self::TooLarge,
            ReceiveError::Crowded => Self::Crowded,
            ReceiveError::TimedOut => Self::ClientSlow,
            ReceiveError::Broken => Self::ClientGone,
        }
    }
}

/// An answer of this agent in plain text.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    answer(status, "text/plain; charset=utf-8", text)
}

/// An answer of this agent.
pub(super) fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Ends the connection after this answer: what is left of the request is not read.
pub(super) fn close(response: &mut Response<Full<Bytes>>) {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
}
