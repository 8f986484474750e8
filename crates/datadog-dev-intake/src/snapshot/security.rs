//! Security events on the spans that are kept at one moment, decoded for tests.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Head, Snapshot};
use crate::records::Records;
use crate::security::{self, SecurityEvent};
use crate::traces;

/// One security event as it arrived on a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SecurityRecord {
    /// The number of its chunk among all records.
    pub seq: u64,
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// The last four characters of the key that came with it.
    pub api_key: Option<String>,
    /// The path that it was sent to.
    pub endpoint: String,
    /// The number of its request.
    pub request: u64,
    /// The 128 bits of the trace's id.
    pub trace_id: u128,
    /// The id of its span.
    pub span_id: u64,
    /// The service of its span.
    pub service: String,
    /// The resource of its span.
    pub resource: String,
    /// When its span began, in nanoseconds since 1970.
    pub start_ns: i64,
    /// The address that the request came from, as far as the span says it.
    pub actor_ip: Option<String>,
    /// Whether the request was not let through because of it.
    pub blocked: bool,
    /// The event itself.
    pub event: SecurityEvent,
    /// The fingerprints of the request, by what they are of, such as `http.endpoint`.
    pub fingerprints: BTreeMap<String, String>,
    /// The schemas of what the request carried, by what they are of, such as `req.body`.
    pub schemas: BTreeMap<String, Value>,
}

impl Snapshot {
    /// Every security event on an accepted span, in the order of arrival.
    #[must_use]
    pub fn security(&self) -> Vec<SecurityRecord> {
        let mut records = Vec::new();
        for stored in &self.requests {
            let Some(Records::Traces(traces)) = &stored.received.records else {
                continue;
            };
            for index in 0..traces.chunks.len() {
                let Some(chunk) = traces::record::chunk(stored, traces, index) else {
                    continue;
                };
                security::record::each(&chunk, |span, security| {
                    records.extend(security.events.iter().map(|event| {
                        let head = Head::of(stored, index);
                        SecurityRecord {
                            seq: head.seq,
                            received_at_ms: head.received_at_ms,
                            api_key: head.api_key,
                            endpoint: head.endpoint,
                            request: head.request,
                            trace_id: chunk.trace_id(),
                            span_id: span.span_id,
                            service: span.service.clone(),
                            resource: span.resource.clone(),
                            start_ns: span.start,
                            actor_ip: security::record::actor(span).map(str::to_owned),
                            blocked: security.blocks(event),
                            event: event.clone(),
                            fingerprints: security.fingerprints.clone(),
                            schemas: security.schemas.clone(),
                        }
                    }));
                });
            }
        }
        records
    }
}
