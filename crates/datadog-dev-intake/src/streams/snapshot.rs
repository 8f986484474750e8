//! A stream as it is shown: by `GET /inspect/streams`, and to tests.

use datadog_logs_patterns::decoder::Decoder;
use serde::Serialize;

use super::End;
use crate::grpc::GrpcStatus;

/// A stateful stream at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StreamSnapshot {
    /// Its number, from 1 in the order of opening.
    pub stream: u64,
    /// The number of its record among all records.
    pub request: u64,
    /// The generation of the protocol, `a` or `c`.
    pub wire: &'static str,
    /// The method.
    pub path: String,
    /// Unix milliseconds.
    #[serde(rename = "opened_at")]
    pub opened_at_ms: i64,
    /// Whole seconds that it is open, or was.
    pub age_s: u64,
    /// What `dd-content-encoding` said, `identity` if nothing.
    pub encoding: String,
    /// The last four characters of the key.
    pub api_key: Option<String>,
    /// Whether `dd-shadow-only` was `true`.
    pub shadow: bool,
    /// What `dd-state-request-bytes` asked for, where it is a number.
    pub state_request_bytes: Option<u64>,
    /// The fault that the script chose for it.
    pub fault: Option<String>,
    /// Batches that were taken, the snapshot and those without logs included.
    pub batches: u64,
    /// The number of the last batch that was taken.
    pub last_batch: Option<u32>,
    /// The number of the last acknowledgement that was sent.
    pub last_acked: Option<u32>,
    /// Logs that were stored.
    pub logs: u64,
    /// Bytes of the messages that were taken, each with its frame of five bytes.
    pub wire_bytes: u64,
    /// Bytes of the texts of the logs.
    pub body_bytes: u64,
    /// What the stream has defined; nothing once it ended.
    pub state: StateSnapshot,
    /// The same logs over HTTP, as far as it was asked for.
    pub http: Compared,
    /// What the intake would not like.
    pub problems: Vec<String>,
    /// How it ended; `None` while it is open.
    pub ended: Option<EndSnapshot>,
}

/// What a stream has defined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateSnapshot {
    /// Patterns.
    pub patterns: usize,
    /// Entries of the dictionary.
    pub texts: usize,
    /// JSON schemas.
    pub schemas: usize,
    /// The memory of all of them here, not their size on the wire.
    pub state_bytes: usize,
}

impl StateSnapshot {
    pub(super) fn of(decoder: &Decoder) -> Self {
        Self {
            patterns: decoder.pattern_ids().len(),
            texts: decoder.text_ids().len(),
            schemas: decoder.schema_ids().len(),
            state_bytes: decoder.state_bytes(),
        }
    }
}

/// Batches whose cost over HTTP was worked out: each as one JSON array under zstd of level 3.
///
/// Heads of requests are left out, as those of the stream are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Compared {
    /// How many.
    pub batches: u64,
    /// The logs in them.
    pub logs: u64,
    /// What they took on the stream, those without logs included.
    pub wire_bytes: u64,
    /// What they would have taken over HTTP.
    pub http_bytes: u64,
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndSnapshot {
    /// Unix milliseconds.
    #[serde(rename = "at")]
    pub at_ms: i64,
    /// The status of gRPC; `None` where the connection was cut or HTTP answered.
    pub grpc_status: Option<GrpcStatus>,
    /// The status of HTTP; `None` where nothing was answered.
    pub http_status: Option<u16>,
    /// The words beside the status, or why there was none.
    pub message: String,
}

impl EndSnapshot {
    pub(super) fn of(at_ms: i64, end: &End) -> Self {
        let (grpc_status, http_status, message) = match end {
            End::Status(status, message) => (Some(*status), Some(200), message.clone()),
            End::Http(status) => (None, Some(*status), String::new()),
            End::Cut(why) => (None, None, (*why).to_owned()),
        };
        Self {
            at_ms,
            grpc_status,
            http_status,
            message,
        }
    }
}
