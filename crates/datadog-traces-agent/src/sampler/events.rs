//! Marks spans as analysed events, which are kept even if their trace is not.
//!
//! An old way to keep single spans: tracers ask for it with a rate on the span, or the configuration does for a
//! service and an operation.

use std::time::Duration;

use crate::span::{Chunk, PRIORITY_NONE, Span};

use super::core::Core;

/// The share of such spans that become events.
const EXTRACTION_RATE: &str = "_dd1.sr.eausr";
/// The share of events that the limit keeps.
const MAX_EPS_RATE: &str = "_dd1.sr.eamax";
/// The share of traces that the tracer kept.
const CLIENT_RATE: &str = "_dd1.sr.rcusr";
/// Says that a span is an event.
const ANALYZED: &str = "_dd.analyzed";
/// The priority of what a user keeps.
const USER_KEEP: i32 = 2;

/// Spans that are events by configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyzedSpan {
    /// Their service, in any case.
    pub service: String,
    /// Their name, in any case.
    pub operation: String,
    /// The share of them that are events.
    pub rate: f64,
}

#[derive(Debug)]
pub(super) struct Sampler {
    analyzed: Vec<AnalyzedSpan>,
    /// Counts all events under one signature.
    seen: Core,
}

impl Sampler {
    pub(super) fn new(max_eps: f64, analyzed: Vec<AnalyzedSpan>) -> Self {
        Self {
            analyzed,
            seen: Core::new(max_eps, 1.0, 0),
        }
    }

    /// Marks the events of a chunk, and says how many there are.
    pub(super) fn mark(&mut self, chunk: &mut Chunk<'_>, root: usize, now: Duration) -> usize {
        let kept_by_user = chunk.priority != PRIORITY_NONE && chunk.priority >= USER_KEEP;
        let rates = chunk.spans.get(root).map(|root| {
            (
                super::rate_of(root, CLIENT_RATE),
                super::rate_of(root, super::PRE_SAMPLER_RATE),
            )
        });
        let Some((client_rate, pre_rate)) = rates else {
            return 0;
        };
        let mut events = 0;
        for span in &mut chunk.spans {
            let Some(mut extraction) = self.extraction_rate(span) else {
                continue;
            };
            if kept_by_user && extraction > 0.0 {
                extraction = 1.0;
            }
            if !super::keeps(span.trace_id, extraction) {
                continue;
            }
            let eps_rate = if kept_by_user { 1.0 } else { self.count(now) };
            if !super::keeps(span.trace_id, eps_rate) {
                continue;
            }
            for (key, rate) in [
                (EXTRACTION_RATE, extraction),
                (MAX_EPS_RATE, eps_rate),
                (CLIENT_RATE, client_rate),
                (super::PRE_SAMPLER_RATE, pre_rate),
            ] {
                set_rate(span, key, rate);
            }
            span.metrics.insert(ANALYZED, 1.0);
            events += 1;
        }
        events
    }

    /// The rate at which a span becomes an event, if it may.
    fn extraction_rate(&self, span: &Span<'_>) -> Option<f64> {
        span.metric(EXTRACTION_RATE).or_else(|| {
            let configured = self.analyzed.iter().find(|analyzed| {
                analyzed.service.eq_ignore_ascii_case(&span.service)
                    && analyzed.operation.eq_ignore_ascii_case(&span.name)
            });
            configured.map(|analyzed| analyzed.rate)
        })
    }

    /// Counts an event, and returns the share of events that are kept.
    fn count(&mut self, now: Duration) -> f64 {
        self.seen.count(0, 1.0, now);
        self.seen.default_rate()
    }
}

/// Whether a span is an event.
pub(super) fn is_analyzed(span: &Span<'_>) -> bool {
    span.metric(ANALYZED) == Some(1.0)
}

/// Rates of 1 are not written.
fn set_rate(span: &mut Span<'_>, key: &'static str, rate: f64) {
    if rate < 1.0 {
        span.metrics.insert(key, rate);
    } else {
        span.metrics.remove(key);
    }
}
