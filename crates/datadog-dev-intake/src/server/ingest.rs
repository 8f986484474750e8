//! Takes telemetry in: reads it, lets the script of faults have its say, records it and answers as the real intake does.

use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datadog_wire::endpoints::{
    API_KEY_HEADER, LOGS_V1_PATH, LOGS_V2_PATH, PROTOCOL_AGENT_JSON, PROTOCOL_HEADER, VALIDATE_PATH,
};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use serde_json::json;

use super::answer::{self, Body};
use super::body::{self, Failure, MAX_RAW_BYTES};
use super::connection::Control;
use super::{Shared, now_ms, stream};
use crate::fault::{self, Head, MAX_PAUSE, Rule};
use crate::logs::{self, Facets, Refusal};
use crate::metrics::{self, Door, Metrics};
use crate::problem::{Problems, What};
use crate::record::is_secret;
use crate::store::{Origin, Received, as_u64};

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Logs,
    /// Metrics, events or service checks.
    Metrics(Door),
    Validate,
    /// A method of the stateful stream, asked for without gRPC.
    NotGrpc,
    /// Any other path that is written to: recorded as it is.
    Raw,
    Unknown,
}

impl Kind {
    fn of(method: &Method, path: &str) -> Self {
        match (method, path) {
            (&Method::POST, LOGS_V2_PATH | LOGS_V1_PATH) => Self::Logs,
            (&Method::GET, VALIDATE_PATH) => Self::Validate,
            (_, path) if stream::is_method(path) => Self::NotGrpc,
            (&Method::POST, path) => Door::of(path).map_or(Self::Raw, Self::Metrics),
            (&Method::PUT, _) => Self::Raw,
            _ => Self::Unknown,
        }
    }
}

/// What looking at a body found.
struct Looked {
    /// The status that the real intake would answer.
    status: StatusCode,
    logs: Vec<Range<u32>>,
    metrics: Option<Metrics>,
    facets: Facets,
}

impl Looked {
    fn with_status(status: StatusCode) -> Self {
        Self {
            status,
            logs: Vec::new(),
            metrics: None,
            facets: Facets::default(),
        }
    }
}

/// What becomes of a request, once it was read and the script was asked.
struct Verdict {
    status: StatusCode,
    /// Nothing is answered.
    is_silent: bool,
    /// The entries count as delivered.
    is_accepted: bool,
    delay: Duration,
}

impl Verdict {
    fn of(looked: &Looked, failure: Option<Failure>, rule: Option<&Rule>) -> Self {
        let scripted = rule.and_then(|rule| rule.status);
        let status = scripted.and_then(|status| StatusCode::from_u16(status).ok());
        let has_nobody_left = matches!(failure, Some(Failure::CutShort | Failure::Ordered));
        Self {
            status: status.unwrap_or(looked.status),
            is_silent: has_nobody_left || rule.is_some_and(Rule::is_silent),
            is_accepted: looked.status.is_success()
                && failure.is_none()
                && rule.is_none_or(Rule::accepts),
            delay: rule.and_then(Rule::delay).unwrap_or_default(),
        }
    }
}

/// Reads, records and answers one request.
pub(super) async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    control: &Control,
) -> Response<Body> {
    let started = Instant::now();
    let (parts, incoming) = request.into_parts();
    let kind = Kind::of(&parts.method, parts.uri.path());
    let mut received = received(&parts);
    let api_key = received.api_key.clone();
    let head = Head {
        path: parts.uri.path(),
        api_key: api_key.as_deref(),
    };

    let early_rule = shared.script().choose_before_body(&head);
    let reading = body::read(incoming, early_rule.as_ref()).await;
    received.wire_bytes = as_u64(reading.length);
    received.wire = reading.bytes;
    let looked = look(kind, &mut received, reading.failure, shared);
    let facts = fault::Body {
        items: received.items,
        raw_bytes: received.raw_bytes(),
    };
    let rule = match reading.failure {
        // Whoever left meets no fault, and uses none up.
        Some(Failure::CutShort) => early_rule,
        _ => early_rule.or_else(|| shared.script().choose(&head, facts)),
    };
    let verdict = Verdict::of(&looked, reading.failure, rule.as_ref());

    received.status = (!verdict.is_silent).then(|| verdict.status.as_u16());
    received.fault = rule.as_ref().map(Rule::name);
    if verdict.is_accepted {
        received.logs = looked.logs;
        received.metrics = looked.metrics;
    }
    let words = words(kind, verdict.status, looked.status, &received.problems);
    let duration = started.elapsed() + verdict.delay;
    received.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    // Recorded before the pause: a client that gives up waiting has delivered all the same.
    shared.record(received, &looked.facets);

    if !verdict.delay.is_zero() {
        tokio::time::sleep(verdict.delay).await;
    }
    if verdict.is_silent {
        fall_silent(rule.as_ref(), control).await;
    }
    let mut response = respond(verdict.status, words, rule.as_ref());
    if let Some(bytes) = rule.and_then(|rule| rule.close_after_bytes) {
        control.close_after(bytes);
        if parts.version < Version::HTTP_2 {
            // An answer shorter than that is the last one all the same.
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}

/// Never answers: keeps the client waiting if the rule says so, then closes the connection.
async fn fall_silent(rule: Option<&Rule>, control: &Control) {
    if rule.is_some_and(|rule| rule.hang) {
        tokio::time::sleep(MAX_PAUSE).await;
    }
    control.close();
    // The connection is torn down around this request.
    std::future::pending::<()>().await;
}

/// The body of an answer with `status`, where without a fault it would be `own_status`.
fn words(kind: Kind, status: StatusCode, own_status: StatusCode, problems: &Problems) -> String {
    match kind {
        Kind::Validate if status.is_success() => r#"{"valid":true}"#.to_owned(),
        Kind::Metrics(door) if status.is_success() => door.thanks().to_owned(),
        Kind::Metrics(_) if status == own_status => {
            json!({ "errors": problems.lines() }).to_string()
        }
        _ if status.is_success() => "{}".to_owned(),
        _ => r#"{"errors":[{"title":"refused by the development intake; see /inspect/requests"}]}"#
            .to_owned(),
    }
}

fn respond(status: StatusCode, words: String, rule: Option<&Rule>) -> Response<Body> {
    let mut response = answer::json(status, words);
    if let Some(seconds) = rule.and_then(|rule| rule.retry_after) {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The record of a request of which only the head is known.
pub(super) fn received(parts: &Parts) -> Received {
    let mut headers = parts.headers.clone();
    for (name, value) in &mut headers {
        if is_secret(name.as_str()) {
            // Keeps the key out of whatever prints the headers for debugging.
            value.set_sensitive(true);
        }
    }
    Received {
        origin: Origin::Request,
        received_at_ms: now_ms(),
        api_key: api_key(parts),
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        version: parts.version,
        encoding: text_of(&parts.headers, CONTENT_ENCODING.as_str())
            .unwrap_or("identity")
            .trim()
            .to_ascii_lowercase(),
        headers,
        status: None,
        fault: None,
        wire: Bytes::new(),
        wire_bytes: 0,
        raw: None,
        items: None,
        problems: Problems::default(),
        duration_ms: 0,
        logs: Vec::new(),
        metrics: None,
    }
}

/// The key of a request: from its header, or from its query as version 1 of the API allowed.
fn api_key(parts: &Parts) -> Option<String> {
    if let Some(key) = text_of(&parts.headers, API_KEY_HEADER) {
        return Some(key.to_owned());
    }
    let query = parts.uri.query()?.as_bytes();
    url::form_urlencoded::parse(query)
        .find(|(name, _)| name == "api_key" || name.eq_ignore_ascii_case(API_KEY_HEADER))
        .map(|(_, key)| key.into_owned())
}

pub(super) fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Decompresses and decodes the body, and decides what the real intake would answer.
fn look(kind: Kind, received: &mut Received, failure: Option<Failure>, shared: &Shared) -> Looked {
    match failure {
        Some(Failure::TooLong) => {
            received.problems.add(What::TooLong);
            return Looked::with_status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Some(Failure::CutShort) => {
            received.problems.add(What::CutShort);
            return Looked::with_status(StatusCode::BAD_REQUEST);
        }
        Some(Failure::Ordered) => return Looked::with_status(StatusCode::BAD_REQUEST),
        None => {}
    }
    let decompressed = body::decompress(&received.wire, &received.encoding, MAX_RAW_BYTES);
    let undecoded = decompressed.as_ref().err().copied();
    match decompressed {
        Ok(raw) => received.raw = Some(raw),
        Err(what) => received.problems.add(what),
    }
    match kind {
        Kind::Logs => look_at_logs(received, undecoded, shared),
        Kind::Metrics(door) => look_at_metrics(door, received, undecoded, shared),
        Kind::Validate | Kind::Raw => Looked::with_status(StatusCode::OK),
        Kind::NotGrpc => {
            received.problems.add(What::NotGrpc);
            Looked::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        }
        Kind::Unknown => {
            received.problems.add(What::NoSuchPath);
            Looked::with_status(StatusCode::NOT_FOUND)
        }
    }
}

fn look_at_logs(received: &mut Received, undecoded: Option<What>, shared: &Shared) -> Looked {
    let is_keyless =
        received.path == LOGS_V2_PATH && received.api_key.as_ref().is_none_or(String::is_empty);
    if is_keyless {
        received.problems.add(What::NoKey);
    }
    check_headers(received);
    let mut looked = match undecoded {
        Some(what) => Looked::with_status(status_of_undecoded(what)),
        None => decode_logs(received),
    };
    if is_keyless && shared.options.require_key {
        looked.status = StatusCode::FORBIDDEN;
    }
    looked
}

fn status_of_undecoded(what: What) -> StatusCode {
    match what {
        What::Bomb => StatusCode::PAYLOAD_TOO_LARGE,
        What::UnknownEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn decode_logs(received: &mut Received) -> Looked {
    let raw = raw_body(received);
    let decoded = logs::decode(&raw, received.received_at_ms, &mut received.problems);
    received.items = decoded.items;
    Looked {
        logs: decoded.entries,
        facets: decoded.facets,
        ..Looked::with_status(status_of(decoded.refusal))
    }
}

/// The decompressed body; says so when it looks as if it were not.
fn raw_body(received: &mut Received) -> Bytes {
    let raw = received.raw.clone().unwrap_or_default();
    if received.encoding == "identity" && body::looks_compressed(&raw) {
        received.problems.add(What::MissingEncoding);
    }
    raw
}

fn status_of(refusal: Option<Refusal>) -> StatusCode {
    match refusal {
        Some(Refusal::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        Some(Refusal::Malformed) => StatusCode::BAD_REQUEST,
        None => StatusCode::ACCEPTED,
    }
}

fn look_at_metrics(
    door: Door,
    received: &mut Received,
    undecoded: Option<What>,
    shared: &Shared,
) -> Looked {
    let is_keyless = received.api_key.as_ref().is_none_or(String::is_empty);
    if is_keyless {
        received.problems.add(What::NoKey);
    }
    let mut looked = match undecoded {
        Some(what) => Looked::with_status(status_of_undecoded(what)),
        None => decode_metrics(door, received),
    };
    if is_keyless && shared.options.require_key {
        looked.status = StatusCode::FORBIDDEN;
    }
    looked
}

fn decode_metrics(door: Door, received: &mut Received) -> Looked {
    let raw = raw_body(received);
    let body = metrics::Body {
        raw: &raw,
        wire_bytes: received.wire_bytes,
        media_type: media_type(&received.headers),
        now_ms: received.received_at_ms,
    };
    let decoded = metrics::decode(door, body, &mut received.problems);
    received.items = decoded.items;
    Looked {
        metrics: decoded.metrics,
        facets: decoded.facets,
        ..Looked::with_status(status_of(decoded.refusal))
    }
}

/// The `Content-Type` without its parameters, empty without one.
fn media_type(headers: &HeaderMap) -> &str {
    text_of(headers, CONTENT_TYPE.as_str())
        .and_then(|value| value.split(';').next())
        .unwrap_or("")
        .trim()
}

fn check_headers(received: &mut Received) {
    let protocol = text_of(&received.headers, PROTOCOL_HEADER);
    if protocol.is_some_and(|protocol| protocol != PROTOCOL_AGENT_JSON) {
        received.problems.add(What::UnknownProtocol);
    }
    if !media_type(&received.headers).eq_ignore_ascii_case("application/json") {
        received.problems.add(What::NotJson);
    }
}
