//! The stateful log stream: opens it, or refuses it as the real intake does, and lets the script of faults have its say.
//!
//! What goes on in an open stream is in `session`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_logs_patterns::decoder::ContentEncoding;
use datadog_wire::stateful::{
    CONTENT_ENCODING_HEADER, ENCODING_IDENTITY, METHOD_A, METHOD_C, SHADOW_ONLY_HEADER,
    STATE_REQUEST_BYTES_HEADER,
};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};

use super::answer::{self, Body};
use super::connection::Control;
use super::ingest::{received, text_of};
use super::{Shared, now_ms};
use crate::fault::{Head, MAX_PAUSE, Rule};
use crate::grpc::GrpcStatus;
use crate::logs::Facets;
use crate::store::counts::UNANSWERED;
use crate::store::{Origin, Received};
use crate::streams::{End, Live, MAX_OPEN, Opened};
use session::Session;

mod acks;
mod session;

/// The content type of gRPC; more may stand behind it.
const GRPC_CONTENT_TYPE: &str = "application/grpc";
/// How gRPC itself would compress the messages, which no sender of this stream does.
const GRPC_ENCODING: &str = "grpc-encoding";
/// What an answer says that this side understands of that.
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Whether a path is a method of the stream.
pub(super) fn is_method(path: &str) -> bool {
    path == METHOD_A || path == METHOD_C
}

/// Whether a request opens a stream. What comes to the same path in another way is no gRPC.
pub(super) fn owns<B>(request: &Request<B>) -> bool {
    let content_type = text_of(request.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    is_method(request.uri().path())
        && request.method() == Method::POST
        && request.version() == Version::HTTP_2
        && content_type.starts_with(GRPC_CONTENT_TYPE)
}

/// A stream that is counted among the open ones, and as cut when it is dropped without another end.
pub(super) struct Open {
    shared: Arc<Shared>,
    live: Arc<Live>,
}

impl Open {
    fn end(&self, end: End) {
        let status = match &end {
            End::Status(status, _) => format!("grpc {status}"),
            End::Http(status) => status.to_string(),
            End::Cut(_) => UNANSWERED.to_owned(),
        };
        let is_first = self.shared.streams().end(&self.live, now_ms(), end);
        if is_first {
            self.shared.store().counts_mut().add_end(&status);
            self.shared.wake_all();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end(End::Cut("the connection was closed"));
    }
}

/// Opens a stream, or refuses it.
pub(super) async fn answer(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    control: &Arc<Control>,
) -> Response<Body> {
    let (parts, incoming) = request.into_parts();
    let (open, has_room) = open(&parts, shared);
    let rule = choose(&parts, &open.live, shared);
    let rule_ref = rule.as_ref();
    if rule_ref.is_some_and(|rule| rule.hang) {
        // What was sent stays unread, so that the sender feels it in its window too.
        tokio::time::sleep(MAX_PAUSE).await;
        control.close();
        std::future::pending::<()>().await;
    }
    if let Some(bytes) = rule_ref.and_then(|rule| rule.close_after_bytes) {
        control.close_after(bytes);
    }
    let verdict = verdict(&parts, &open.live, rule_ref, has_room);
    if verdict.is_err() {
        let delay = rule_ref.and_then(Rule::delay).unwrap_or(Duration::ZERO);
        tokio::time::sleep(delay).await;
    }
    match verdict {
        Err(end) => refused(&open, end, rule_ref),
        Ok(encoding) => {
            open.live.begin(encoding);
            let (acks, body) = acks::channel(Arc::clone(&open.live));
            let session = Session::new(open, rule, acks, Arc::clone(control));
            control.run(session.run(incoming));
            grpc_answer(body)
        }
    }
}

/// Counts and records the stream.
fn open(parts: &Parts, shared: &Arc<Shared>) -> (Open, bool) {
    let mut received = received(parts);
    received.encoding = encoding_of(&parts.headers).to_owned();
    received.status = Some(StatusCode::OK.as_u16());
    let opened = Opened {
        path: received.path.clone(),
        opened_at_ms: received.received_at_ms,
        api_key: received.api_key.clone(),
        encoding: received.encoding.clone(),
        is_shadow: text_of(&parts.headers, SHADOW_ONLY_HEADER) == Some("true"),
        state_request_bytes: text_of(&parts.headers, STATE_REQUEST_BYTES_HEADER)
            .and_then(|bytes| bytes.parse().ok()),
    };
    let (live, has_room) = shared.streams().open(opened);
    let received = Received {
        origin: Origin::Stream(Arc::clone(&live)),
        ..received
    };
    live.recorded_as(shared.record(received, &Facets::default()));
    let shared = Arc::clone(shared);
    (Open { shared, live }, has_room)
}

fn choose(parts: &Parts, live: &Live, shared: &Shared) -> Option<Rule> {
    let head = Head {
        path: parts.uri.path(),
        api_key: live.opened.api_key.as_deref(),
    };
    let rule = shared.script().choose_for_stream(&head)?;
    live.set_fault(rule.name());
    Some(rule)
}

fn encoding_of(headers: &HeaderMap) -> &str {
    match headers.get(CONTENT_ENCODING_HEADER) {
        Some(value) => value.to_str().unwrap_or("(not ASCII)"),
        None => ENCODING_IDENTITY,
    }
}

/// How the batches are compressed, or how the stream ends before the first of them.
fn verdict(
    parts: &Parts,
    live: &Live,
    rule: Option<&Rule>,
    has_room: bool,
) -> Result<ContentEncoding, End> {
    let refuse = |status, why: String| Err(End::Status(status, why));
    if let Some(rule) = rule {
        if let Some(status) = rule.status {
            return Err(End::Http(status));
        }
        if rule.ends_at_once() {
            return Err(scripted_end(rule));
        }
    }
    if !has_room {
        let why = format!("{MAX_OPEN} streams are open");
        return refuse(GrpcStatus::Unavailable, why);
    }
    if live
        .opened
        .api_key
        .as_ref()
        .is_none_or(|key| key.trim().is_empty())
    {
        let why = "no dd-api-key, or a blank one".to_owned();
        return refuse(GrpcStatus::Unauthenticated, why);
    }
    let grpc_encoding = text_of(&parts.headers, GRPC_ENCODING).unwrap_or(ENCODING_IDENTITY);
    if grpc_encoding != ENCODING_IDENTITY {
        let why = "messages that gRPC compressed are not understood".to_owned();
        return refuse(GrpcStatus::Unimplemented, why);
    }
    let encoding = &live.opened.encoding;
    ContentEncoding::from_name(encoding).ok_or_else(|| {
        let why = format!("unknown dd-content-encoding {encoding:?}");
        End::Status(GrpcStatus::InvalidArgument, why)
    })
}

/// The end that a rule asks for.
fn scripted_end(rule: &Rule) -> End {
    let status = rule.grpc_status.unwrap_or(GrpcStatus::Ok);
    End::Status(status, rule.grpc_message.clone().unwrap_or_default())
}

/// An answer without a stream.
fn refused(open: &Open, end: End, rule: Option<&Rule>) -> Response<Body> {
    let response = match &end {
        End::Status(status, message) => {
            let mut response = grpc_answer(no_body());
            status.write(message, response.headers_mut());
            response
        }
        End::Http(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or_default();
            let mut response = answer::json(status, "{}");
            if let Some(seconds) = rule.and_then(|rule| rule.retry_after) {
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        End::Cut(_) => grpc_answer(no_body()),
    };
    open.end(end);
    response
}

fn no_body() -> Body {
    Empty::<Bytes>::new()
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn grpc_answer(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC_CONTENT_TYPE));
    headers.insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}
