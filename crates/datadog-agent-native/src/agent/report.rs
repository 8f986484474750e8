//! What flushes and stops came to, in numbers.

use std::time::Duration;

use super::AgentError;
use crate::{logs, metrics, traces};

/// What a flush delivered, by pipeline; `None` for what is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Logs.
    pub logs: Option<logs::FlushReport>,
    /// Series, sketches, events and service checks.
    pub metrics: Option<metrics::FlushReport>,
    /// Spans, and groups of trace stats.
    pub traces: Option<traces::Reports>,
    /// Whether nothing was flushed because the last flush is too recent for the strategy `end,MS`.
    pub skipped: bool,
}

impl FlushReport {
    /// What could not be sent in time, in words with its numbers; it is kept and sent later. `None` when all was sent.
    #[must_use]
    pub fn unsent(&self) -> Option<String> {
        let logs = self.logs.iter().map(|it| (it.pending_entries, "logs"));
        let metrics = self.metrics.iter().map(|it| (it.pending_items, "metrics"));
        let traces = self.traces.iter().flat_map(|it| {
            [
                (it.traces.pending_items, "spans"),
                (it.stats.pending_items, "groups of trace stats"),
            ]
        });
        let left = listed(logs.chain(metrics).chain(traces));
        if !left.is_empty() {
            return Some(format!("{left} could not be sent in time"));
        }
        let is_late = self.traces.as_ref().is_some_and(|it| it.is_late);
        is_late.then(|| "the time was over before it could be told what is unsent".to_owned())
    }
}

/// Numbers with their names, but for those that are 0.
fn listed(numbers: impl Iterator<Item = (u64, &'static str)>) -> String {
    let some = numbers.filter(|(number, _)| *number > 0);
    let words: Vec<String> = some
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    words.join(", ")
}

/// What became of everything that an agent took between a start and a stop, by pipeline; `None` for what was off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Logs.
    pub logs: Option<logs::DrainReport>,
    /// Series, sketches, events and service checks.
    pub metrics: Option<metrics::DrainReport>,
    /// Spans, groups of trace stats, and requests that were to be passed on.
    pub traces: Option<traces::DrainReport>,
    /// How long the stop took.
    pub took: Duration,
}

impl StopReport {
    /// Items lost since the start, for whatever reason.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let logs = self.logs.iter().flat_map(|it| it.dropped.values());
        let metrics = self.metrics.iter().flat_map(|it| it.dropped.values());
        let traces = self.traces.iter().flat_map(|it| it.dropped.values());
        logs.chain(metrics).chain(traces).sum()
    }

    /// What was unsent when the time was over, with the name of each.
    fn pending(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let logs = self.logs.iter().map(|it| (it.pending, "logs"));
        let metrics = self.metrics.iter().map(|it| (it.pending, "metrics"));
        let traces = self.traces.iter().flat_map(|it| {
            [
                (it.pending, "spans"),
                (it.stats_pending, "groups of trace stats"),
                (it.proxied_pending, "proxied requests"),
            ]
        });
        logs.chain(metrics).chain(traces)
    }

    /// One line for the log.
    pub(super) fn summary(&self) -> String {
        let traces = self.traces.as_ref().map_or(0, |it| it.sent);
        let stats = self.traces.as_ref().map_or(0, |it| it.stats_sent);
        let logs = self.logs.as_ref().map_or(0, |it| it.sent);
        let metrics = self.metrics.as_ref().map_or(0, |it| it.sent);
        format!(
            "flushed traces={traces} stats={stats} logs={logs} metrics={metrics} dropped={} in {}ms",
            self.dropped(),
            self.took.as_millis()
        )
    }

    /// # Errors
    /// What was unsent, by pipeline.
    pub(super) fn outcome(&self) -> Result<(), AgentError> {
        let late = listed(self.pending());
        match late.is_empty() {
            true => Ok(()),
            false => Err(AgentError::ShutdownError(format!(
                "{late} were not delivered in time"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_flush_tells_what_it_left_by_pipeline() {
        let mut report = FlushReport::default();
        assert_eq!(report.unsent(), None);
        report.logs = Some(logs::FlushReport {
            pending_entries: 2,
            ..logs::FlushReport::default()
        });
        let mut of_traces = traces::Reports {
            is_late: true,
            ..traces::Reports::default()
        };
        report.traces = Some(of_traces.clone());
        of_traces.stats.pending_items = 1;
        let late = FlushReport {
            traces: report.traces.take(),
            ..FlushReport::default()
        };
        assert_eq!(
            late.unsent().as_deref(),
            Some("the time was over before it could be told what is unsent")
        );
        report.traces = Some(of_traces);
        assert_eq!(
            report.unsent().as_deref(),
            Some("2 logs, 1 groups of trace stats could not be sent in time")
        );
    }

    #[test]
    fn what_was_unsent_is_an_error_that_counts_it_by_pipeline() {
        let report = StopReport {
            logs: Some(logs::DrainReport {
                sent: 5,
                dropped: BTreeMap::from([("parse".to_owned(), 2)]),
                pending: 0,
            }),
            traces: Some(traces::DrainReport {
                sent: 7,
                dropped: BTreeMap::from([("shutdown".to_owned(), 100)]),
                pending: 100,
                stats_sent: 3,
                stats_pending: 1,
                proxied_pending: 0,
            }),
            took: Duration::from_millis(1_050),
            ..StopReport::default()
        };
        assert_eq!(
            report.summary(),
            "flushed traces=7 stats=3 logs=5 metrics=0 dropped=102 in 1050ms"
        );
        assert_eq!(
            report.outcome().unwrap_err().to_string(),
            "Shutdown error: 100 spans, 1 groups of trace stats were not delivered in time"
        );
        assert!(StopReport::default().outcome().is_ok());
    }
}
