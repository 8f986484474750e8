//! The books of one endpoint: what was handed over, and what became of it.
//!
//! Losses are counted and told in the same call, so that none is silent. Each kind of line is written at most once a
//! minute, and no line holds a body, a key, or the user, password and query of a URL.

use std::collections::BTreeMap;
use std::time::Duration;

use datadog_agent_runtime::event_bus::Producer;
use datadog_agent_runtime::telemetry::{Reason, Series, Telemetry};
use hyper::Uri;
use tokio::time::Instant;

use crate::config::Metrics;
use crate::queue::Pending;
use crate::report::FlushReport;

/// The least time between two lines of the same kind.
const QUIET: Duration = Duration::from_secs(60);

/// The books of one endpoint.
#[derive(Debug)]
pub(crate) struct Ledger {
    name: String,
    url: String,
    telemetry: Telemetry,
    metrics: Metrics,
    sent: Series,
    bytes_raw: Series,
    bytes_wire: Series,
    retries: Series,
    retry_wait_ms: Series,
    redrive_bytes: Series,
    notices: Option<Producer>,
    totals: FlushReport,
    lines: BTreeMap<Line, Throttle>,
}

/// A kind of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Dropped(Reason),
    KeyRefused,
    Busy,
    Unreachable,
}

/// When a kind of line was last written, and how many were left out since.
#[derive(Debug, Default)]
struct Throttle {
    written: Option<Instant>,
    left_out: u64,
}

impl Ledger {
    /// Empty books for the endpoint of this name.
    pub(crate) fn new(name: &str, url: &Uri, metrics: Metrics, telemetry: &Telemetry) -> Self {
        let series = |metric| telemetry.series(metric, &[("endpoint", name)]);
        Self {
            name: name.to_owned(),
            url: without_secrets(url),
            telemetry: telemetry.clone(),
            metrics,
            sent: series(metrics.sent),
            bytes_raw: series(metrics.bytes_raw),
            bytes_wire: series(metrics.bytes_wire),
            retries: series(metrics.retries),
            retry_wait_ms: series(metrics.retry_wait_ms),
            redrive_bytes: series(metrics.redrive_bytes),
            notices: None,
            totals: FlushReport::default(),
            lines: BTreeMap::new(),
        }
    }

    /// The same books, which also tell of each attempt that settled or failed.
    pub(crate) fn with_notices(self, notices: Option<Producer>) -> Self {
        Self { notices, ..self }
    }

    /// The name of the endpoint.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Everything since the start, without what is pending.
    pub(crate) fn totals(&self) -> &FlushReport {
        &self.totals
    }

    /// A payload was accepted, which had travelled in `wire` bytes.
    pub(crate) fn sent(&mut self, payload: &Pending, wire: usize) {
        let (raw, wire) = (count(payload.raw_len), count(wire));
        self.totals.payloads_sent += 1;
        self.totals.items_sent += payload.items;
        self.totals.bytes_raw += raw;
        self.totals.bytes_wire += wire;
        self.sent.add(payload.items);
        self.bytes_raw.add(raw);
        self.bytes_wire.add(wire);
        if let Some(notices) = &self.notices {
            notices.flushed(payload.items);
        }
    }

    /// An attempt failed, after so many others of the same payload.
    pub(crate) fn failed(&self, retries: u32) {
        if let Some(notices) = &self.notices {
            notices.failed(retries);
        }
    }

    /// A payload is tried again, this long after the last try.
    pub(crate) fn retried(&mut self, wait: Duration) {
        self.totals.retried += 1;
        self.retries.add(1);
        self.retry_wait_ms
            .add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }

    /// An answer came, whatever it said.
    pub(crate) fn answered(&self, status: u16) {
        let labels = [
            ("endpoint", self.name.as_str()),
            ("status", &status.to_string()),
        ];
        self.telemetry.add(self.metrics.responses, &labels, 1);
    }

    /// No answer came.
    pub(crate) fn unreachable(&mut self, why: &str, now: Instant) {
        if let Some(left_out) = self.may_write(Line::Unreachable, now) {
            tracing::warn!(endpoint = %self.name, why, left_out, "no answer, will try again");
        }
    }

    /// The endpoint asked us to come back.
    pub(crate) fn busy(&mut self, status: u16, now: Instant) {
        if let Some(left_out) = self.may_write(Line::Busy, now) {
            tracing::warn!(endpoint = %self.name, status, left_out, "intake is busy or failing, will try again");
        }
    }

    /// Items were refused for good.
    pub(crate) fn refused(&mut self, items: u64, status: u16, now: Instant) {
        self.count_dropped(Reason::Client4xx, items);
        if let Some(left_out) = self.may_write(Line::Dropped(Reason::Client4xx), now) {
            tracing::warn!(endpoint = %self.name, url = %self.url, status, items, left_out, "payload refused and dropped");
        }
    }

    /// Items were refused because of the key, and there is no other.
    pub(crate) fn key_refused(&mut self, items: u64, status: Option<u16>, now: Instant) {
        self.count_dropped(Reason::Client4xx, items);
        if let Some(left_out) = self.may_write(Line::KeyRefused, now) {
            tracing::error!(endpoint = %self.name, url = %self.url, status, items, left_out, "API key refused, payload dropped");
        }
    }

    /// Items were lost.
    pub(crate) fn dropped(&mut self, reason: Reason, items: u64, now: Instant) {
        self.count_dropped(reason, items);
        if let Some(left_out) = self.may_write(Line::Dropped(reason), now) {
            tracing::warn!(endpoint = %self.name, reason = reason.name(), items, left_out, "payload dropped");
        }
    }

    /// Sets the gauge of bytes that wait for another try.
    pub(crate) fn waiting(&self, bytes: usize) {
        self.redrive_bytes.set(count(bytes));
    }

    fn count_dropped(&mut self, reason: Reason, items: u64) {
        *self.totals.dropped.entry(reason.name()).or_default() += items;
        let labels = [("reason", reason.name()), ("endpoint", self.name.as_str())];
        self.telemetry.add(self.metrics.dropped, &labels, items);
    }

    /// The number of lines left out since the last, if this one may be written.
    fn may_write(&mut self, line: Line, now: Instant) -> Option<u64> {
        let throttle = self.lines.entry(line).or_default();
        if throttle.written.is_some_and(|at| now < at + QUIET) {
            throttle.left_out += 1;
            return None;
        }
        throttle.written = Some(now);
        Some(std::mem::take(&mut throttle.left_out))
    }
}

/// A number of bytes as counters hold it.
pub(crate) fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Scheme, host, port and path: a URL may carry a password before its host or a key in its query.
fn without_secrets(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or("http");
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().map(|port| format!(":{port}"));
    let path = url.path();
    format!("{scheme}://{host}{}{path}", port.unwrap_or_default())
}

#[cfg(test)]
pub(in crate::service) mod tests {
    use datadog_agent_runtime::telemetry::Metric;

    use super::*;

    pub(in crate::service) fn metrics() -> Metrics {
        Metrics {
            sent: Metric::LogsSent,
            bytes_raw: Metric::LogsBytesSentRaw,
            bytes_wire: Metric::LogsBytesSentWire,
            responses: Metric::LogsHttpResponses,
            retries: Metric::LogsRetries,
            retry_wait_ms: Metric::LogsRetryWaitMs,
            dropped: Metric::LogsDropped,
            redrive_bytes: Metric::LogsRedriveBytes,
        }
    }

    fn ledger(telemetry: &Telemetry) -> Ledger {
        let url = Uri::from_static("https://intake:443/api/v2/logs");
        Ledger::new("intake:443", &url, metrics(), telemetry)
    }

    #[test]
    fn a_shown_url_has_neither_password_nor_query() {
        let url = Uri::from_static("https://user:secret@intake.test:8443/api?key=secret");
        assert_eq!(without_secrets(&url), "https://intake.test:8443/api");
    }

    #[test]
    fn a_line_of_one_kind_is_written_once_a_minute_with_the_number_left_out() {
        let mut ledger = ledger(&Telemetry::default());
        let start = Instant::now();
        assert_eq!(ledger.may_write(Line::KeyRefused, start), Some(0));
        assert_eq!(ledger.may_write(Line::KeyRefused, start), None);
        assert_eq!(ledger.may_write(Line::Unreachable, start), Some(0));
        let almost = start + QUIET - Duration::from_millis(1);
        assert_eq!(ledger.may_write(Line::KeyRefused, almost), None);
        assert_eq!(ledger.may_write(Line::KeyRefused, start + QUIET), Some(2));
    }

    #[test]
    fn losses_are_counted_by_reason_and_endpoint_in_books_and_telemetry() {
        let telemetry = Telemetry::default();
        let mut ledger = ledger(&telemetry);
        let now = Instant::now();
        ledger.refused(3, 400, now);
        ledger.key_refused(4, Some(403), now);
        ledger.dropped(Reason::TooLarge, 5, now);
        assert_eq!(
            ledger.totals().dropped,
            BTreeMap::from([("client_4xx", 7), ("too_large", 5)])
        );
        let labels = [("reason", "client_4xx"), ("endpoint", "intake:443")];
        assert_eq!(telemetry.sum(Metric::LogsDropped, &labels), 7);
        assert_eq!(telemetry.sum(Metric::LogsDropped, &[]), 12);
    }
}
