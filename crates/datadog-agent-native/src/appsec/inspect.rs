//! Looks at traces: which of their spans are entries of a service, and what is put on those.
//!
//! Every trace is looked at as it comes, so the number of its entries is bounded; what is left alone is counted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Instant;

use datadog_agent_runtime::telemetry::Metric;
use datadog_appsec::tags::EntrySpan;
use datadog_appsec::{AppSec, SpanTags, inspect};
use datadog_traces_agent::inspect::Inspector;
use datadog_traces_agent::span::{Chunk, PRIORITY_NONE, Span, Text};

use super::Firewall;

/// Entries of one chunk that are looked at: a trace of a tracer has one, a few where services share a process.
const MAX_ENTRIES: usize = 32;
/// The tag that says how a trace was sampled, which stands on the chunk too.
const DECISION_MAKER: &str = "_dd.p.dm";
/// The tag that says where a trace began, which stands on the chunk too.
const ORIGIN: &str = "_dd.origin";

impl Inspector for Firewall {
    fn is_on(&self) -> bool {
        self.live().is_some()
    }

    fn inspect(&self, chunk: &mut Chunk<'_>) {
        let Some(live) = self.live() else { return };
        let entries = entries(&chunk.spans);
        if entries.is_empty() {
            return;
        }
        for index in entries.iter().copied().take(MAX_ENTRIES) {
            if let Some(tags) = look(&live.appsec, chunk, index) {
                put(chunk, index, tags);
            }
        }
        let too_many = entries.len().saturating_sub(MAX_ENTRIES);
        if too_many > 0 {
            let labels = [("reason", "too_many")];
            let count = too_many as u64;
            self.telemetry.add(Metric::AppsecSkipped, &labels, count);
        }
        live.tell(&self.telemetry);
    }
}

/// The spans that are requests to a service, whose tracer did not look at them itself.
fn entries(spans: &[Span<'_>]) -> Vec<usize> {
    let mut entries: Vec<(usize, &Span<'_>)> = spans
        .iter()
        .enumerate()
        .filter(|(_, span)| is_request(span))
        .collect();
    if entries.is_empty() {
        return Vec::new();
    }
    let services: HashMap<u64, &str> = spans
        .iter()
        .map(|span| (span.span_id, &*span.service))
        .collect();
    entries.retain(|(_, span)| {
        let parent = services.get(&span.parent_id);
        parent.is_none_or(|service| *service != span.service)
    });
    let indices = entries.into_iter().map(|(index, _)| index);
    indices.collect()
}

/// Whether somebody asked the service for something, rather than the service somebody else.
fn is_request(span: &Span<'_>) -> bool {
    let is_web = matches!(&*span.kind, "web" | "http" | "serverless");
    let is_outgoing = matches!(span.tag("span.kind"), Some("client" | "producer"));
    let has = |name: &str| {
        span.metrics.contains(name) || span.meta.contains(name) || span.meta_struct.contains(name)
    };
    (is_web || span.meta.contains("http.method")) && !is_outgoing && !inspect::is_done(has)
}

fn look(appsec: &AppSec, chunk: &Chunk<'_>, index: usize) -> Option<SpanTags> {
    let span = chunk.spans.get(index)?;
    let tags = span.meta.iter();
    let request = inspect::from_tags(tags.map(|(key, value)| (&**key, &**value)))?;
    appsec.inspect(&request, &Entry { span, chunk }, Instant::now())
}

/// An entry span, as the firewall asks about it.
struct Entry<'c, 'a> {
    span: &'c Span<'a>,
    chunk: &'c Chunk<'a>,
}

impl EntrySpan for Entry<'_, '_> {
    fn meta(&self, name: &str) -> Option<Cow<'_, str>> {
        let of_chunk = (name == ORIGIN && !self.chunk.origin.is_empty())
            .then_some(Cow::Borrowed(&*self.chunk.origin));
        self.span.tag(name).map(Cow::Borrowed).or(of_chunk)
    }

    fn priority(&self) -> Option<i32> {
        (self.chunk.priority != PRIORITY_NONE).then_some(self.chunk.priority)
    }
}

/// Puts what was found on an entry span, and what concerns the whole trace on its chunk.
fn put(chunk: &mut Chunk<'_>, index: usize, tags: SpanTags) {
    if let Some(priority) = tags.priority {
        chunk.priority = priority;
        let maker = tags.meta.iter().find(|(name, _)| name == DECISION_MAKER);
        if let Some((_, maker)) = maker {
            chunk.tags.insert(DECISION_MAKER, Text::from(maker.clone()));
        }
    }
    let Some(span) = chunk.spans.get_mut(index) else {
        return;
    };
    for (name, value) in tags.meta {
        span.meta.insert(name, Text::from(value));
    }
    for (name, value) in tags.metrics {
        span.metrics.insert(name, value);
    }
    for (name, value) in tags.meta_struct {
        span.meta_struct.insert(name, Cow::Owned(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(
        span_id: u64,
        parent_id: u64,
        service: &'static str,
        kind: &'static str,
    ) -> Span<'static> {
        Span {
            span_id,
            parent_id,
            service: service.into(),
            kind: kind.into(),
            ..Span::default()
        }
    }

    fn with(mut span: Span<'static>, tag: &'static str, value: &'static str) -> Span<'static> {
        span.meta.push(tag, Text::from(value));
        span
    }

    #[test]
    fn entries_are_requests_whose_parent_is_elsewhere() {
        let spans = [
            span(1, 0, "shop", "web"),
            span(2, 1, "shop", "web"),
            span(3, 2, "shop", "sql"),
            with(span(4, 3, "cart", "rpc"), "http.method", "GET"),
            with(span(5, 9, "mail", "http"), "span.kind", "client"),
            span(6, 9, "mail", "serverless"),
        ];
        assert_eq!(entries(&spans), [0, 3, 5]);
        assert_eq!(entries(&[span(1, 0, "shop", "sql")]), [0; 0]);
    }

    #[test]
    fn a_span_whose_tracer_looked_itself_is_left_alone() {
        let mut seen = span(1, 0, "shop", "web");
        seen.metrics.push("_dd.appsec.enabled", 1.0);
        let told = with(span(2, 0, "shop", "web"), "_dd.appsec.json", "{}");
        let mut packed = span(3, 0, "shop", "web");
        packed
            .meta_struct
            .push("appsec", Cow::Borrowed(&[0x80][..]));
        assert_eq!(entries(&[seen, told, packed]), [0; 0]);
    }

    #[test]
    fn a_trace_that_is_kept_is_so_as_a_whole() {
        let mut chunk = Chunk {
            priority: 0,
            spans: vec![span(1, 0, "shop", "web")],
            ..Chunk::default()
        };
        chunk.tags.insert(DECISION_MAKER, "-1".into());
        let tags = SpanTags {
            meta: vec![(DECISION_MAKER.into(), "-5".to_owned())],
            metrics: vec![("_sampling_priority_v1".into(), 2.0)],
            meta_struct: Vec::new(),
            priority: Some(2),
        };
        put(&mut chunk, 0, tags);
        assert_eq!(chunk.priority, 2);
        assert_eq!(
            chunk.tags.get(DECISION_MAKER).map(AsRef::as_ref),
            Some("-5")
        );
        assert_eq!(chunk.spans[0].tag(DECISION_MAKER), Some("-5"));
        assert_eq!(chunk.spans[0].metric("_sampling_priority_v1"), Some(2.0));
    }
}
