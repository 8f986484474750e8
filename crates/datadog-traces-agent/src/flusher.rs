//! Payloads on their way out: one forwarder for traces and one for stats, which are compressed differently and must not
//! push each other out of the queues.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::event_bus::{self, Product};
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::endpoint::{Names, base_url};
use datadog_forwarder::service::{self as forwarder, Metrics, Order};
use datadog_forwarder::{
    ApiKey, Encoding, Endpoint, FlushReport, Form, Forwarder, ForwarderHandle, Payload,
    Reliability, Reservation, Split,
};
use datadog_wire::endpoints::{REPORTED_LANGUAGES_HEADER, STATS_PATH, TRACES_PATH};
use datadog_wire::{stats, status, traces};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::config::{Config, ConfigError};

/// Requests in flight at once, over all endpoints.
const CONCURRENCY: usize = 5;
/// Bytes of stats that wait for another try, per endpoint.
const STATS_REDRIVE_BYTES: usize = 10 * 1_024 * 1_024;
/// The level at which stats are compressed: they are small and come often.
const STATS_LEVEL: u32 = 1;

const TRACES: Metrics = Metrics {
    sent: Metric::TracesSent,
    bytes_raw: Metric::TracesBytesSentRaw,
    bytes_wire: Metric::TracesBytesSentWire,
    responses: Metric::TracesHttpResponses,
    retries: Metric::TracesRetries,
    retry_wait_ms: Metric::TracesRetryWaitMs,
    dropped: Metric::TracesWriterDropped,
    redrive_bytes: Metric::TracesRedriveBytes,
};

const STATS: Metrics = Metrics {
    sent: Metric::TraceStatsSent,
    bytes_raw: Metric::TraceStatsBytesSentRaw,
    bytes_wire: Metric::TraceStatsBytesSentWire,
    responses: Metric::TraceStatsHttpResponses,
    retries: Metric::TraceStatsRetries,
    retry_wait_ms: Metric::TraceStatsRetryWaitMs,
    dropped: Metric::TraceStatsWriterDropped,
    redrive_bytes: Metric::TraceStatsRedriveBytes,
};

/// The kinds of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Traces,
    Stats,
}

/// Hands payloads of one kind on; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Flusher {
    forwarder: ForwarderHandle,
    path: &'static str,
    content_type: &'static str,
}

impl Flusher {
    /// The flusher of a kind, and the task that it feeds. Nothing is sent until that runs.
    ///
    /// # Errors
    /// A URL, key or header that cannot be used.
    pub(crate) fn new(
        kind: Kind,
        config: &Config,
        client: Client,
        telemetry: Telemetry,
        events: &event_bus::Sender,
    ) -> Result<(Self, Forwarder), ConfigError> {
        let endpoints = endpoints(config, kind)?;
        let (product, path, content_type, metrics, redrive_bytes) = match kind {
            Kind::Traces => (
                Product::Traces,
                TRACES_PATH,
                traces::CONTENT_TYPE,
                TRACES,
                // The oldest must go before the memory of all is used up, else an outage would turn tracers away.
                config.redrive_bytes.min(config.requests.memory_bytes / 2),
            ),
            Kind::Stats => (
                Product::Stats,
                STATS_PATH,
                stats::CONTENT_TYPE,
                STATS,
                STATS_REDRIVE_BYTES,
            ),
        };
        let forwarder = forwarder::Config {
            concurrency: (CONCURRENCY / endpoints.len().max(1)).max(1),
            endpoints,
            content_type,
            user_agent: format!("Datadog Trace Agent/{}", config.identity.version),
            status: status::TRACES,
            split: Split(Arc::new(|_| None)),
            metrics,
            request_timeout: config.request_timeout,
            attempts: config.attempts,
            pauses: config.pauses,
            order: Order::Free,
            redrive_bytes,
            redrive_age: config.redrive_age,
            overflow: forwarder::Overflow::DropOldest,
            notices: Some(events.of(product)),
        };
        let (task, forwarder) = Forwarder::new(forwarder, client, telemetry);
        let flusher = Self {
            forwarder,
            path,
            content_type,
        };
        Ok((flusher, task))
    }

    /// Hands a payload on, with the languages of the tracers that this agent has heard of; says whether it was taken.
    /// One that was not is gone, because the forwarder is.
    pub(crate) async fn send(
        &self,
        body: Vec<u8>,
        items: u64,
        languages: &BTreeSet<String>,
        reservation: Option<Reservation>,
    ) -> bool {
        let form = Form {
            path: self.path,
            content_type: self.content_type,
            headers: reported(languages),
            split: Split(Arc::new(|_| None)),
        };
        let payload = Payload {
            form: Some(Arc::new(form)),
            reservation,
            ..Payload::from_body(Bytes::from(body), items)
        };
        self.forwarder.send(payload).await.is_ok()
    }

    /// Waits until what was handed over is settled, or `deadline` comes; `None` when the forwarder has stopped.
    pub(crate) async fn flush(&self, deadline: Instant) -> Option<FlushReport> {
        self.forwarder.flush(deadline).await.ok()
    }
}

/// The header that names languages, if there are any that it can.
fn reported(languages: &BTreeSet<String>) -> HeaderMap {
    let names: Vec<&str> = languages.iter().map(String::as_str).collect();
    let value = HeaderValue::from_str(&names.join("|")).ok();
    let value = value.filter(|value| !value.is_empty());
    let name = HeaderName::from_static(REPORTED_LANGUAGES_HEADER);
    value.map(|value| (name, value)).into_iter().collect()
}

/// The endpoints of a kind, the primary first, each with a name of its own: host and port, and a number where two
/// share them.
///
/// # Errors
/// A URL or key that cannot be used.
pub(crate) fn endpoints(config: &Config, kind: Kind) -> Result<Vec<Endpoint>, ConfigError> {
    let encoding = match kind {
        Kind::Traces => Encoding::Zstd(config.compression_level),
        Kind::Stats => Encoding::Gzip(STATS_LEVEL),
    };
    let mut names = Names::default();
    let primary = (config.url.as_str(), config.api_key.clone());
    let additional = config
        .additional_endpoints
        .iter()
        .map(|it| (it.url.as_str(), Some(ApiKey::fixed(it.api_key.clone()))));
    std::iter::once(primary)
        .chain(additional)
        .map(|(url, api_key)| {
            let of = "a trace intake";
            let url = base_url(url).map_err(|problem| ConfigError::BadUrl { of, problem })?;
            let name = names.of(&url);
            let key = api_key.as_ref().map(ApiKey::current).unwrap_or_default();
            if HeaderValue::from_str(key.trim()).is_err() {
                return Err(ConfigError::BadApiKey { endpoint: name });
            }
            Ok(Endpoint {
                name,
                url,
                api_key,
                headers: HeaderMap::new(),
                encoding,
                reliability: Reliability::Reliable,
            })
        })
        .collect()
}
