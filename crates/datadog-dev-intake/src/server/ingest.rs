//! Takes telemetry in: reads it, lets the script of faults have its say, records it and answers as the real intake does.

use std::time::{Duration, Instant};

use bytes::Bytes;
use datadog_wire::endpoints::API_KEY_HEADER;
use datadog_wire::remote_config;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_ENCODING, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response, StatusCode, Version};

use super::answer::{self, Body};
use super::body::{self, Failure};
use super::connection::Control;
use super::look::{self, Asked, Kind, Looked};
use super::{Shared, now_ms};
use crate::fault::{self, Head, MAX_PAUSE, Rule};
use crate::problem::Problems;
use crate::record::is_secret;
use crate::store::{Origin, Received, as_u64};

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
    let kind = Kind::of(&parts);
    let mut received = received(&parts);
    let api_key = received.api_key.clone();
    let head = Head {
        path: parts.uri.path(),
        api_key: api_key.as_deref(),
    };

    let early_rule = shared.script().choose_before_body(&head);
    let reading = body::read(incoming, early_rule.as_ref(), kind.most_wire_bytes()).await;
    received.wire_bytes = as_u64(reading.length);
    received.wire = reading.bytes;
    let looked = look::look(kind, &mut received, reading.failure, shared);
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
        received.records = looked.records;
    }
    let words = look::words(kind, verdict.status, looked.status, &received.problems);
    let is_answered = verdict.status.is_success() && !verdict.is_silent;
    let reply = match looked.asked.filter(|_| is_answered) {
        Some(asked) => answer_question(asked, rule.as_ref(), shared),
        None => Reply::json(words),
    };
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
    let mut response = respond(verdict.status, reply, rule.as_ref());
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

/// The body of an answer, and what it is.
struct Reply {
    content_type: &'static str,
    body: Bytes,
}

impl Reply {
    fn json(words: String) -> Self {
        Self {
            content_type: "application/json",
            body: words.into(),
        }
    }
}

/// Answers an agent that asks for remote configuration, as wrongly as `rule` says.
fn answer_question(asked: Asked, rule: Option<&Rule>, shared: &Shared) -> Reply {
    let mut backend = shared.remote_config();
    let tamper = rule.and_then(Rule::tampering);
    let body = match asked {
        Asked::Configurations(request) => backend.poll(&request, tamper, now_ms()),
        Asked::Org => backend.org(tamper.map(|(tamper, _)| tamper)),
        Asked::Status => backend.status(),
    };
    Reply {
        content_type: remote_config::CONTENT_TYPE,
        body,
    }
}

fn respond(status: StatusCode, reply: Reply, rule: Option<&Rule>) -> Response<Body> {
    let mut response = answer::whole(status, reply.content_type, reply.body);
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
        records: None,
        seen: None,
    }
}

/// The key of a request: from its header, as the bearer's, or from its query as version 1 of the API allowed.
fn api_key(parts: &Parts) -> Option<String> {
    if let Some(key) = text_of(&parts.headers, API_KEY_HEADER) {
        return Some(key.to_owned());
    }
    let bearer = text_of(&parts.headers, AUTHORIZATION.as_str());
    if let Some(key) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        return Some(key.trim().to_owned());
    }
    let query = parts.uri.query()?.as_bytes();
    url::form_urlencoded::parse(query)
        .find(|(name, _)| name == "api_key" || name.eq_ignore_ascii_case(API_KEY_HEADER))
        .map(|(_, key)| key.into_owned())
}

pub(super) fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
