//! Answers questions: the page, its files, and everything under `/inspect/`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::answer::{self, Body};
use super::{Shared, guard, remote_config};
use crate::fault;
use crate::query::{self, Kind, Query};
use crate::store::Origin;
use crate::streams::patterns::{DEFAULT_SHOWN, MAX_SHOWN};
use crate::ui;

/// Longest script of faults.
const MAX_SCRIPT_BYTES: usize = 1 << 20;
/// The page loads nothing from elsewhere and runs no script but its own files.
const PAGE_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// A body that somebody posted must not act as a page of ours.
const BODY_POLICY: &str = "default-src 'none'; sandbox";

/// Whether a request is a question rather than telemetry.
pub(super) fn owns(method: &Method, path: &str) -> bool {
    let is_page =
        matches!(*method, Method::GET | Method::HEAD) && (path == "/" || path == "/favicon.ico");
    is_page || path.starts_with("/ui/") || path == "/inspect" || path.starts_with("/inspect/")
}

/// Answers a question.
pub(super) async fn answer(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Body> {
    if !guard::admits(&request, &shared.options.allowed_hosts) {
        return answer::refusal(
            StatusCode::FORBIDDEN,
            "asked for by another site, or under a host name that is not allowed; use an address or localhost",
        );
    }
    let path = request.uri().path().to_owned();
    let question = match path.as_str() {
        "/inspect" => Some(""),
        path => path.strip_prefix("/inspect/"),
    };
    let Some(question) = question else {
        return page(request.method(), &path, shared).await;
    };
    let method = request.method().clone();
    match (method.as_str(), question) {
        ("GET", "summary") => answer::json(StatusCode::OK, query::summary(shared).to_string()),
        ("POST", "reset") => {
            shared.reset();
            answer::json(StatusCode::OK, "{}")
        }
        ("GET", "faults") => faults(shared),
        ("POST", "faults") => replace_faults(request.into_body(), shared).await,
        ("DELETE", "faults") => {
            shared.script().replace(Vec::new());
            faults(shared)
        }
        (_, question) if remote_config::owns(question) => {
            remote_config::answer(request, question, shared).await
        }
        ("GET", "streams") => streams(request.uri().query().unwrap_or(""), shared).await,
        ("GET", "patterns") => patterns(request.uri().query().unwrap_or(""), shared),
        (_, "summary" | "streams" | "patterns") => wrong_method("GET"),
        (_, "reset") => wrong_method("POST"),
        (_, "faults") => wrong_method("GET, POST, DELETE"),
        ("GET", _) => records(question, request.uri().query().unwrap_or(""), shared),
        _ => wrong_method("GET"),
    }
}

async fn streams(parameters: &str, shared: &Arc<Shared>) -> Response<Body> {
    let with_http_bytes = match parameters {
        "" | "http_bytes=0" => false,
        "http_bytes=1" => true,
        _ => {
            return answer::refusal(
                StatusCode::BAD_REQUEST,
                "the only parameter is http_bytes=1",
            );
        }
    };
    let streams = query::streams(Arc::clone(shared), with_http_bytes).await;
    answer::json(StatusCode::OK, streams.to_string())
}

fn patterns(parameters: &str, shared: &Shared) -> Response<Body> {
    let limit = match parameters.strip_prefix("limit=").map(str::parse::<usize>) {
        Some(Ok(limit)) if limit <= MAX_SHOWN => limit,
        None if parameters.is_empty() => DEFAULT_SHOWN,
        _ => {
            let why = format!("the only parameter is limit, at most {MAX_SHOWN}");
            return answer::refusal(StatusCode::BAD_REQUEST, &why);
        }
    };
    let patterns = query::patterns(shared, limit);
    answer::json(StatusCode::OK, patterns.to_string())
}

pub(super) fn wrong_method(allowed: &'static str) -> Response<Body> {
    let mut response = answer::refusal(StatusCode::METHOD_NOT_ALLOWED, &format!("use {allowed}"));
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn page(method: &Method, path: &str, shared: &Shared) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return wrong_method("GET");
    }
    let name = match path {
        "/" => "index.html",
        _ => path.strip_prefix("/ui/").unwrap_or(""),
    };
    let Some(body) = ui::file(name, shared.options.ui_dir.as_deref()).await else {
        return answer::refusal(StatusCode::NOT_FOUND, "no such file");
    };
    let mut response = answer::whole(StatusCode::OK, ui::content_type(name), body);
    secure(&mut response, PAGE_POLICY);
    response
}

fn secure(response: &mut Response<Body>, policy: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn faults(shared: &Shared) -> Response<Body> {
    let body = json!({ "rules": shared.script().rules() });
    answer::json(StatusCode::OK, body.to_string())
}

async fn replace_faults(body: Incoming, shared: &Shared) -> Response<Body> {
    let script = match whole(body, MAX_SCRIPT_BYTES, "a script has at most 1 MiB").await {
        Ok(script) => script,
        Err(refusal) => return refusal,
    };
    match fault::parse_script(&script) {
        Ok(rules) => {
            shared.script().replace(rules);
            faults(shared)
        }
        Err(error) => answer::refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// Reads a body of at most so many bytes; the answer in place of one that is longer, or that breaks off.
pub(super) async fn whole(
    body: Incoming,
    most: usize,
    too_long: &str,
) -> Result<Bytes, Response<Body>> {
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(answer::refusal(StatusCode::PAYLOAD_TOO_LARGE, too_long))
        }
        Err(error) => Err(answer::refusal(StatusCode::BAD_REQUEST, &error.to_string())),
    }
}

fn records(question: &str, parameters: &str, shared: &Arc<Shared>) -> Response<Body> {
    if let Some(rest) = question.strip_prefix("requests/") {
        return request_body(rest, parameters, shared);
    }
    let Some(kind) = Kind::named(question) else {
        let why = format!(
            "no records are called \"{question}\" here; there are {}, and beside them summary, streams, patterns, faults, remote_config and reset",
            Kind::NAMES
        );
        return answer::refusal(StatusCode::NOT_FOUND, &why);
    };
    let query = match Query::parse(kind, parameters) {
        Ok(query) => query,
        Err(why) => return answer::refusal(StatusCode::BAD_REQUEST, &why),
    };
    let lines = query::lines(Arc::clone(shared), kind, query).map_ok(Frame::data);
    let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    secure(&mut response, BODY_POLICY);
    response
}

/// `requests/SEQ/body`, decompressed or, with `wire=1`, as it was received.
fn request_body(rest: &str, parameters: &str, shared: &Shared) -> Response<Body> {
    let seq = rest
        .strip_suffix("/body")
        .and_then(|seq| seq.parse::<u64>().ok());
    let as_received = match parameters {
        "" | "wire=0" => false,
        "wire=1" => true,
        _ => return answer::refusal(StatusCode::BAD_REQUEST, "the only parameter is wire=1"),
    };
    let Some(stored) = seq.and_then(|seq| shared.store().request(seq)) else {
        return answer::refusal(StatusCode::NOT_FOUND, "no such request is kept");
    };
    let received = &stored.received;
    if let Origin::Stream(live) = &received.origin {
        let why = format!(
            "a stream has no body; its logs are those with \"stream\":{}",
            live.number
        );
        return answer::refusal(StatusCode::NOT_FOUND, &why);
    }
    let body = if as_received {
        Some(received.wire.clone())
    } else {
        received.raw.clone()
    };
    let Some(body) = body else {
        return answer::refusal(
            StatusCode::NOT_FOUND,
            "the body could not be decoded; ask with wire=1",
        );
    };
    let mut response = answer::whole(StatusCode::OK, "application/octet-stream", body);
    let sent_as = received.headers.get(CONTENT_TYPE);
    let is_json = sent_as.is_some_and(|sent| sent.as_bytes().starts_with(b"application/json"));
    if let Some(sent) = sent_as.filter(|_| is_json && !as_received) {
        response.headers_mut().insert(CONTENT_TYPE, sent.clone());
    }
    secure(&mut response, BODY_POLICY);
    response
}
