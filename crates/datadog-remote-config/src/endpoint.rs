//! The HTTP face for tracers: `/v0.7/config`, with any method that carries a body.
//!
//! Receives under the limits of a body and of all bodies together. Answers in the encoding of the request; what cannot
//! be answered is the client's fault, and never a 500.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::{self, ReceiveError, announced, receive};
use datadog_agent_runtime::budget::Budget;
use datadog_agent_runtime::telemetry::Metric;
use datadog_wire::remote_config::{CONTENT_TYPE as PROTOBUF, Client};
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::time::Instant;

use crate::service::{Encoding, RemoteConfigHandle};

/// Bytes of one request.
const MAX_BODY: usize = 5 * 1_024 * 1_024;
/// Bytes of all requests that are received at once.
const MAX_BODIES: usize = 32 * 1_024 * 1_024;
/// How long a client may take to send its request.
const TIMEOUT: Duration = Duration::from_secs(10);
const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// Changes what a client says of itself to what everything else of this agent says of it.
pub type Prepare = dyn Fn(&mut Client, &HeaderMap) + Send + Sync;

/// Answers tracers; cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    handle: RemoteConfigHandle,
    bodies: Budget,
    prepare: Arc<Prepare>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

impl Endpoint {
    /// For a service, with a change to each client before it is looked at.
    #[must_use]
    pub fn new(handle: RemoteConfigHandle, prepare: Arc<Prepare>) -> Self {
        Self {
            handle,
            bodies: Budget::new(MAX_BODIES),
            prepare,
        }
    }

    /// Answers one request.
    pub async fn handle<B: Body<Data = Bytes>>(
        &self,
        request: Request<B>,
    ) -> Response<Full<Bytes>> {
        let begin = Instant::now();
        let response = self.answer(request).await;
        let telemetry = &self.handle.shared().telemetry;
        let status = response.status();
        let status = [("status_code", status.as_str())];
        telemetry.add(Metric::RemoteConfigRequests, &status, 1);
        let elapsed_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        telemetry.add(Metric::RemoteConfigRequestMs, &[], elapsed_ms);
        response
    }

    async fn answer<B: Body<Data = Bytes>>(&self, request: Request<B>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let length = announced(&head.headers);
        if length.is_some_and(|length| length > MAX_BODY as u64) {
            return refuse(&ReceiveError::TooLarge);
        }
        let limits = receive::Limits {
            bytes: MAX_BODY,
            timeout: TIMEOUT,
            idle_timeout: TIMEOUT,
        };
        let received = match receive(body, length, &limits, &self.bodies).await {
            Ok(received) => received,
            Err(error) => return refuse(&error),
        };
        let encoding = encoding(&head.headers, &received.body);
        let prepare = |request: &mut datadog_wire::remote_config::ClientGetConfigsRequest| {
            if let Some(client) = &mut request.client {
                (self.prepare)(client, &head.headers);
            }
        };
        let answered = self
            .handle
            .handle_client_request_bytes(received.body, encoding, prepare)
            .await;
        match answered {
            Ok(body) => {
                let mut response = Response::new(Full::new(body));
                let kind = match encoding {
                    Encoding::Json => "application/json",
                    Encoding::Protobuf => PROTOBUF,
                };
                let kind = HeaderValue::from_static(kind);
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            Err(error) => text(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    }
}

/// As the header says; without one that says it, by the first byte: tracers in Go send none.
fn encoding(headers: &HeaderMap, body: &[u8]) -> Encoding {
    let said = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let said = String::from_utf8_lossy(said.unwrap_or_default()).to_ascii_lowercase();
    if said.contains(PROTOBUF) || said.contains("application/protobuf") {
        return Encoding::Protobuf;
    }
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if said.contains("application/json") || first == Some(&b'{') {
        return Encoding::Json;
    }
    Encoding::Protobuf
}

fn refuse(error: &ReceiveError) -> Response<Full<Bytes>> {
    let status = match error {
        ReceiveError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ReceiveError::Crowded => StatusCode::TOO_MANY_REQUESTS,
        ReceiveError::TimedOut => StatusCode::REQUEST_TIMEOUT,
        ReceiveError::Broken => StatusCode::BAD_REQUEST,
    };
    let mut response = text(status, &error.to_string());
    // What is left of the body is not read.
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

fn text(status: StatusCode, problem: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{problem}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    response
}
