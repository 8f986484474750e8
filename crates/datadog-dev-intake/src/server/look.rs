//! Looks into what was sent: decompresses and decodes it by its path, and says what the real intake would answer.
//!
//! Knows nothing of faults, and stores nothing.

use std::ops::Range;

use bytes::Bytes;
use datadog_wire::endpoints::{
    LOGS_V1_PATH, LOGS_V2_PATH, PROTOCOL_AGENT_JSON, PROTOCOL_HEADER, STATS_PATH, TRACES_PATH,
    VALIDATE_PATH,
};
use datadog_wire::{stats as wire_stats, traces as wire_traces};
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::json;

use super::body::{self, Failure, MAX_RAW_BYTES, MAX_WIRE_BYTES};
use super::ingest::text_of;
use super::{Shared, stream};
use crate::logs::{self, Facets, Refusal};
use crate::metrics::{self, Door};
use crate::problem::{Problems, What};
use crate::product::{self, Product};
use crate::records::{Body, Decoded, Records};
use crate::remote_config::Call;
use crate::store::Received;
use crate::traces::Dislike;
use crate::{stats, traces};
pub(super) use remote_config::Asked;

mod remote_config;

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Logs,
    /// Metrics, events or service checks.
    Metrics(Door),
    Traces,
    /// Stats of traces.
    Stats,
    /// What an agent only passes on.
    Product(Product),
    /// What an agent asks of remote configuration.
    RemoteConfig(Call),
    Validate,
    /// A method of the stateful stream, asked for without gRPC.
    NotGrpc,
    /// Any other path that is written to: recorded as it is.
    Raw,
    Unknown,
}

impl Kind {
    pub(super) fn of(parts: &Parts) -> Self {
        if let Some(call) = Call::of(&parts.method, parts.uri.path()) {
            return Self::RemoteConfig(call);
        }
        match (&parts.method, parts.uri.path()) {
            (&Method::POST, LOGS_V2_PATH | LOGS_V1_PATH) => Self::Logs,
            (&Method::GET, VALIDATE_PATH) => Self::Validate,
            (_, path) if stream::is_method(path) => Self::NotGrpc,
            (&Method::POST, TRACES_PATH) => Self::Traces,
            (&Method::POST, STATS_PATH) => Self::Stats,
            (method, path) => Self::other(method, path, &parts.headers),
        }
    }

    fn other(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let is_written = matches!(*method, Method::POST | Method::PUT);
        if let (&Method::POST, Some(door)) = (method, Door::of(path)) {
            return Self::Metrics(door);
        }
        if let (true, Some(product)) = (is_written, Product::of(path)) {
            return Self::Product(product);
        }
        let (via, agent) = product::VIA;
        if text_of(headers, via).is_some_and(|value| value.contains(agent)) {
            return Self::Product(Product::EventPlatform);
        }
        if is_written { Self::Raw } else { Self::Unknown }
    }

    /// The bytes of a body that it takes, as sent and decompressed, where it says so before reading.
    fn limit(self) -> Option<usize> {
        match self {
            Self::Traces => Some(wire_traces::MAX_BODY_BYTES),
            Self::Stats => Some(wire_stats::MAX_BODY_BYTES),
            Self::Product(_) => Some(product::MAX_BYTES),
            Self::RemoteConfig(_) => Some(remote_config::MAX_POLL_BYTES),
            _ => None,
        }
    }

    /// The bytes of a body that are read.
    pub(super) fn most_wire_bytes(self) -> usize {
        self.limit().unwrap_or(MAX_WIRE_BYTES)
    }

    /// What is wrong with an encoding that it does not take.
    fn wrong_encoding(self, encoding: &str) -> Option<What> {
        let dislike = match (self, encoding) {
            (Self::Traces, "zstd" | "gzip" | "identity") | (Self::Stats, "gzip") => return None,
            (Self::Traces, _) => Dislike::TracesEncoding,
            (Self::Stats, _) => Dislike::StatsEncoding,
            _ => return None,
        };
        Some(What::Traces(dislike))
    }

    /// The body of the answer to what is taken.
    fn thanks(self) -> &'static str {
        match self {
            Self::Validate => r#"{"valid":true}"#,
            Self::Metrics(door) => door.thanks(),
            _ => "{}",
        }
    }

    /// Whether a refusal says what is wrong.
    fn explains(self) -> bool {
        matches!(
            self,
            Self::Metrics(_)
                | Self::Traces
                | Self::Stats
                | Self::Product(_)
                | Self::RemoteConfig(_)
        )
    }
}

/// What looking at a body found.
pub(super) struct Looked {
    /// The status that the real intake would answer.
    pub(super) status: StatusCode,
    pub(super) logs: Vec<Range<u32>>,
    pub(super) records: Option<Records>,
    pub(super) facets: Facets,
    /// What an agent asks of remote configuration.
    pub(super) asked: Option<Asked>,
}

impl Looked {
    fn with_status(status: StatusCode) -> Self {
        Self {
            status,
            logs: Vec::new(),
            records: None,
            facets: Facets::default(),
            asked: None,
        }
    }
}

/// The body of an answer with `status`, where without a fault it would be `own_status`.
pub(super) fn words(
    kind: Kind,
    status: StatusCode,
    own_status: StatusCode,
    problems: &Problems,
) -> String {
    if status.is_success() {
        kind.thanks().to_owned()
    } else if kind.explains() && status == own_status {
        json!({ "errors": problems.lines() }).to_string()
    } else {
        r#"{"errors":[{"title":"refused by the development intake; see /inspect/requests"}]}"#
            .to_owned()
    }
}

/// Decompresses and decodes the body, and decides what the real intake would answer.
pub(super) fn look(
    kind: Kind,
    received: &mut Received,
    failure: Option<Failure>,
    shared: &Shared,
) -> Looked {
    match failure {
        Some(Failure::TooLong) => {
            let what = kind.limit().map_or(What::TooLong, What::WireTooLarge);
            received.problems.add(what);
            return Looked::with_status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Some(Failure::CutShort) => {
            received.problems.add(What::CutShort);
            return Looked::with_status(StatusCode::BAD_REQUEST);
        }
        Some(Failure::Ordered) => return Looked::with_status(StatusCode::BAD_REQUEST),
        None => {}
    }
    let undecoded = decompress(kind, received);
    match kind {
        Kind::Logs => look_at_logs(received, undecoded, shared),
        Kind::Metrics(_) | Kind::Traces | Kind::Stats => {
            look_at_records(kind, received, undecoded, shared)
        }
        Kind::Product(product) => look_at_product(product, received, undecoded, shared),
        Kind::RemoteConfig(call) => remote_config::look(call, received, undecoded, shared),
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

/// Decompresses the body as far as its path takes it; what was noted where that is not possible.
fn decompress(kind: Kind, received: &mut Received) -> Option<What> {
    if let Some(what) = kind.wrong_encoding(&received.encoding) {
        received.problems.add(what);
        return Some(what);
    }
    let limit = kind.limit();
    let most = limit.unwrap_or(MAX_RAW_BYTES);
    match body::decompress(&received.wire, &received.encoding, most) {
        Ok(raw) => {
            received.raw = Some(raw);
            None
        }
        Err(what) => {
            let what = match (what, limit) {
                (What::Bomb, Some(limit)) => What::RawTooLarge(limit),
                _ => what,
            };
            received.problems.add(what);
            Some(what)
        }
    }
}

fn status_of_undecoded(what: What) -> StatusCode {
    match what {
        What::Bomb | What::RawTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        What::UnknownEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Notes that there is no key; the status that the real intake answers then, if this one is to.
fn status_of_keyless(received: &mut Received, shared: &Shared) -> Option<StatusCode> {
    if !received.api_key.as_ref().is_none_or(String::is_empty) {
        return None;
    }
    received.problems.add(What::NoKey);
    let is_refused = shared.options.require_key;
    is_refused.then_some(StatusCode::FORBIDDEN)
}

fn look_at_logs(received: &mut Received, undecoded: Option<What>, shared: &Shared) -> Looked {
    let keyless = match received.path.as_str() {
        LOGS_V2_PATH => status_of_keyless(received, shared),
        _ => None,
    };
    check_headers(received);
    let mut looked = match undecoded {
        Some(what) => Looked::with_status(status_of_undecoded(what)),
        None => decode_logs(received),
    };
    looked.status = keyless.unwrap_or(looked.status);
    looked
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

fn look_at_records(
    kind: Kind,
    received: &mut Received,
    undecoded: Option<What>,
    shared: &Shared,
) -> Looked {
    let keyless = status_of_keyless(received, shared);
    let mut looked = match undecoded {
        Some(what) => Looked::with_status(status_of_undecoded(what)),
        None => decode_records(kind, received),
    };
    looked.status = keyless.unwrap_or(looked.status);
    looked
}

fn decode_records(kind: Kind, received: &mut Received) -> Looked {
    let raw = raw_body(received);
    let body = Body {
        raw: &raw,
        wire_bytes: received.wire_bytes,
        media_type: media_type(&received.headers),
        now_ms: received.received_at_ms,
    };
    let problems = &mut received.problems;
    let decoded = match kind {
        Kind::Metrics(door) => metrics::decode(door, body, problems),
        Kind::Traces => traces::decode(body, problems),
        Kind::Stats => stats::decode(body, problems),
        _ => Decoded::default(),
    };
    received.items = decoded.items;
    Looked {
        records: decoded.records,
        facets: decoded.facets,
        ..Looked::with_status(status_of(decoded.refusal))
    }
}

/// What an agent passes on is taken whatever it is, as long as it is not too large.
fn look_at_product(
    product: Product,
    received: &mut Received,
    undecoded: Option<What>,
    shared: &Shared,
) -> Looked {
    let keyless = status_of_keyless(received, shared);
    let content_type = text_of(&received.headers, CONTENT_TYPE.as_str()).unwrap_or("");
    let raw = received.raw.clone().unwrap_or_default();
    let mut unread = Problems::default();
    let problems = match undecoded {
        // What is wrong with the body then is no news.
        Some(_) => &mut unread,
        None => &mut received.problems,
    };
    received.seen = Some(product::look(product, content_type, &raw, problems));
    let own = StatusCode::from_u16(product.status()).unwrap_or(StatusCode::OK);
    let status = match undecoded {
        Some(what @ What::RawTooLarge(_)) => status_of_undecoded(what),
        _ => keyless.unwrap_or(own),
    };
    Looked::with_status(status)
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
