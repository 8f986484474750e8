//! Payloads on their way out: one forwarder for all kinds, so that they share endpoints, queues and keys.
//!
//! Compression has happened; attempts and the queue of what waits for another try are the forwarder's.

use std::sync::Arc;

use bytes::Bytes;
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::event_bus::{self, Product};
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::endpoint::{Names, base_url};
use datadog_forwarder::service::{self as forwarder, Metrics, Order};
use datadog_forwarder::{
    ApiKey, Compressed, Endpoint, FlushReport, Form, Forwarder, ForwarderHandle, Payload,
    Reliability, Split,
};
use datadog_wire::endpoints::{
    AGENT_PAYLOAD_HEADER, AGENT_VERSION_HEADER, CHECK_RUN_PATH, EVENTS_PATH, SERIES_V2_PATH,
    SERIES_V3_PATH, SKETCHES_PATH, SKETCHES_V3_PATH,
};
use datadog_wire::metrics::{CONTENT_TYPE_JSON, CONTENT_TYPE_PROTOBUF, PAYLOAD_VERSION};
use datadog_wire::status;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::config::{Config, ConfigError};
use crate::payload::{Finished, Kind, halve};

/// What the forwarder counts for metrics.
const METRICS: Metrics = Metrics {
    sent: Metric::MetricsSent,
    bytes_raw: Metric::MetricsBytesSentRaw,
    bytes_wire: Metric::MetricsBytesSentWire,
    responses: Metric::MetricsHttpResponses,
    retries: Metric::MetricsRetries,
    retry_wait_ms: Metric::MetricsRetryWaitMs,
    dropped: Metric::MetricsDropped,
    redrive_bytes: Metric::MetricsRedriveBytes,
};

/// Hands payloads on; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Flusher {
    forwarder: ForwarderHandle,
    forms: Arc<Forms>,
}

/// The kinds of bodies.
#[derive(Debug)]
struct Forms {
    series: Arc<Form>,
    sketches: Arc<Form>,
    series_columns: Arc<Form>,
    sketch_columns: Arc<Form>,
    events: Arc<Form>,
    checks: Arc<Form>,
}

impl Flusher {
    /// The flusher of this configuration, and the task that it feeds. Nothing is sent until that runs.
    ///
    /// # Errors
    /// A URL, key or header that cannot be used.
    pub(crate) fn new(
        config: &Config,
        client: Client,
        telemetry: Telemetry,
        events: &event_bus::Sender,
    ) -> Result<(Self, Forwarder), ConfigError> {
        let forwarder = forwarder::Config {
            endpoints: endpoints(config)?,
            content_type: CONTENT_TYPE_PROTOBUF,
            user_agent: config.user_agent.clone(),
            status: status::METRICS,
            split: Split(Arc::new(|_| None)),
            metrics: METRICS,
            request_timeout: config.request_timeout,
            // The pause after a failure is the endpoint's; there is no round of attempts.
            attempts: 1,
            pauses: config.pauses,
            concurrency: config.concurrency,
            order: Order::Free,
            redrive_bytes: config.redrive_bytes,
            redrive_age: config.redrive_age,
            overflow: forwarder::Overflow::DropOldest,
            notices: Some(events.of(Product::Metrics)),
        };
        let (task, handle) = Forwarder::new(forwarder, client, telemetry);
        let flusher = Self {
            forwarder: handle,
            forms: Arc::new(Forms {
                series: form(Kind::Series, SERIES_V2_PATH, CONTENT_TYPE_PROTOBUF),
                sketches: form(Kind::Sketches, SKETCHES_PATH, CONTENT_TYPE_PROTOBUF),
                series_columns: form(Kind::SeriesColumns, SERIES_V3_PATH, CONTENT_TYPE_PROTOBUF),
                sketch_columns: form(Kind::SketchColumns, SKETCHES_V3_PATH, CONTENT_TYPE_PROTOBUF),
                events: form(Kind::Events, EVENTS_PATH, CONTENT_TYPE_JSON),
                checks: form(Kind::ServiceChecks, CHECK_RUN_PATH, CONTENT_TYPE_JSON),
            }),
        };
        Ok((flusher, task))
    }

    /// Hands a payload on, waiting while the forwarder is full; says whether it was taken. One that was not is gone,
    /// because the forwarder is.
    pub(crate) async fn send(&self, finished: Finished) -> bool {
        let form = match finished.kind {
            Kind::Series => &self.forms.series,
            Kind::Sketches => &self.forms.sketches,
            Kind::SeriesColumns => &self.forms.series_columns,
            Kind::SketchColumns => &self.forms.sketch_columns,
            Kind::Events => &self.forms.events,
            Kind::ServiceChecks => &self.forms.checks,
        };
        let payload = Payload {
            form: Some(Arc::clone(form)),
            compressed: Some(Compressed {
                encoding: finished.encoding,
                raw_len: finished.raw_len,
            }),
            ..Payload::from_body(finished.body, finished.items)
        };
        self.forwarder.send(payload).await.is_ok()
    }

    /// Waits until what was handed over is settled, payloads that wait for another try included, or `deadline` comes;
    /// `None` when the forwarder has stopped.
    pub(crate) async fn flush(&self, deadline: Instant) -> Option<FlushReport> {
        self.forwarder.flush(deadline).await.ok()
    }
}

fn form(kind: Kind, path: &'static str, content_type: &'static str) -> Arc<Form> {
    Arc::new(Form {
        path,
        content_type,
        headers: HeaderMap::new(),
        split: Split(Arc::new(move |body: &Bytes| halve(kind, body))),
    })
}

/// The endpoints, the primary first, each with a name of its own: host and port, and a number where two share them.
///
/// # Errors
/// A URL, key or header that cannot be used, or a missing key.
pub(crate) fn endpoints(config: &Config) -> Result<Vec<Endpoint>, ConfigError> {
    let headers = headers(config)?;
    let mut names = Names::default();
    let primary = (config.url.as_str(), config.api_key.clone());
    let additional = config
        .additional_endpoints
        .iter()
        .map(|it| (it.url.as_str(), Some(ApiKey::fixed(it.api_key.clone()))));
    std::iter::once(primary)
        .chain(additional)
        .map(|(url, api_key)| {
            let url = base_url(url).map_err(|problem| ConfigError::BadUrl { problem })?;
            let name = names.of(&url);
            check_key(api_key.as_ref(), &name)?;
            Ok(Endpoint {
                name,
                url,
                api_key,
                headers: headers.clone(),
                encoding: config.aggregation.encoding,
                reliability: Reliability::Reliable,
            })
        })
        .collect()
}

fn headers(config: &Config) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    let version =
        HeaderValue::from_str(&config.agent_version).map_err(|_| ConfigError::BadHeader)?;
    headers.insert(HeaderName::from_static(AGENT_VERSION_HEADER), version);
    headers.insert(
        HeaderName::from_static(AGENT_PAYLOAD_HEADER),
        HeaderValue::from_static(PAYLOAD_VERSION),
    );
    Ok(headers)
}

/// White space and control characters around a key are cut off when it is sent.
fn check_key(key: Option<&ApiKey>, endpoint: &str) -> Result<(), ConfigError> {
    let key = key.map(ApiKey::current).unwrap_or_default();
    let key = key.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if key.is_empty() {
        return Err(ConfigError::NoApiKey);
    }
    HeaderValue::from_str(key)
        .map(drop)
        .map_err(|_| ConfigError::BadApiKey {
            endpoint: endpoint.to_owned(),
        })
}
