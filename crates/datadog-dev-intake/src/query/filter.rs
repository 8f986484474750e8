//! Which records are asked for.

use datadog_wire::logs::{DDSOURCE, SERVICE, STATUS};
use datadog_wire::traces::Span;

use super::Kind;
use crate::logs::Entry;
use crate::metrics::{self, Item};
use crate::records::Records;
use crate::security::{self, SecurityEvent};
use crate::store::Stored;
use crate::traces::chunk::Chunk;
use crate::{record, stats, traces};

/// What a record must be to be shown; unset parts match every one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) service: Option<String>,
    pub(super) status: Option<String>,
    pub(super) source: Option<String>,
    /// Lower-cased.
    pub(super) text: Option<String>,
    pub(super) metric: Option<String>,
    /// Of a trace: 32 digits of hex, or the lower half in decimal.
    pub(super) trace_id: Option<String>,
    /// The id of the rule of a security event.
    pub(super) rule: Option<String>,
}

impl Filter {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Writes the record at `index` of a request, without a line end, if it is one that is asked for.
    pub(super) fn write(&self, kind: Kind, out: &mut Vec<u8>, stored: &Stored, index: usize) {
        let records = match (kind, &stored.received.records) {
            (Kind::Requests, _) => return,
            (Kind::Logs, _) => {
                if self.matches(stored.log_text(index)) {
                    record::write_log(out, stored, index);
                }
                return;
            }
            (Kind::Records(_) | Kind::Security, records) => records.as_ref(),
        };
        match records {
            None => {}
            Some(Records::Metrics(_)) => {
                if let Some(item) = metrics::record::item(stored, index)
                    && self.admits_metric(&item)
                {
                    metrics::record::write(out, stored, index, &item);
                }
            }
            Some(Records::Traces(traces)) => {
                let chunk = traces::record::chunk(stored, traces, index);
                match chunk.filter(|chunk| self.admits_chunk(chunk)) {
                    None => {}
                    Some(chunk) if kind == Kind::Security => {
                        let admits = |span: &Span, event: &_| self.admits_event(span, event);
                        security::record::write(out, stored, index, &chunk, admits);
                    }
                    Some(chunk) => traces::record::write(out, stored, traces, index, &chunk),
                }
            }
            Some(Records::Stats(stats)) => {
                if let Some(group) = stats::record::group(stored, stats, index)
                    && is(&self.service, &group.message.service)
                {
                    stats::record::write(out, stored, stats, index, &group);
                }
            }
        }
    }

    /// Whether a metric has the name.
    fn admits_metric(&self, item: &Item) -> bool {
        match item {
            Item::Series(series) => is(&self.metric, &series.message.metric),
            Item::Distribution(distribution) => is(&self.metric, &distribution.message.metric),
            Item::Event(_) | Item::Check(_) => true,
        }
    }

    /// Whether a chunk is of the trace, and one of its spans of the service.
    fn admits_chunk(&self, chunk: &Chunk) -> bool {
        let spans = &chunk.message.spans;
        let has_service =
            self.service.is_none() || spans.iter().any(|span| is(&self.service, &span.service));
        let id = chunk.trace_id();
        has_service
            && self.trace_id.as_ref().is_none_or(|wanted| {
                let lower = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
                *wanted == format!("{id:032x}") || *wanted == lower.to_string()
            })
    }

    /// Whether a security event is of the rule, and its span of the service.
    fn admits_event(&self, span: &Span, event: &SecurityEvent) -> bool {
        is(&self.service, &span.service) && is(&self.rule, &event.rule.id)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        if self.is_empty() {
            return true;
        }
        let Ok(entry) = Entry::parse(text, |_| ()) else {
            return false;
        };
        is(&self.service, &entry.facet(SERVICE))
            && is(&self.status, &entry.facet(STATUS))
            && is(&self.source, &entry.facet(DDSOURCE))
            && self
                .text
                .as_ref()
                .is_none_or(|wanted| entry.message().to_lowercase().contains(wanted))
    }
}

/// Whether a value is the one that is wanted, or none is.
fn is(wanted: &Option<String>, value: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted == value)
}
