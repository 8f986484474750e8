//! Looks at traces: which of their spans are entries of a service, and what is put on those.
//!
//! A request that the program asked about itself meets its span here by an id; every other one is read off its span.
//! Every trace is looked at as it comes, so the number of its entries is bounded; what is left alone is counted.

use std::borrow::Cow;
use std::collections::HashMap;

use datadog_agent_runtime::telemetry::Metric;
use datadog_appsec::tags::EntrySpan;
use datadog_appsec::{AppSec, Outcome, Processor, SpanTags, inspect};
use datadog_traces_agent::inspect::{Chance, Inspector, Look};
use datadog_traces_agent::span::{Chunk, PRIORITY_NONE, Span, Text};
use tokio::time::Instant;

use super::Firewall;

/// Entries of one chunk that are looked at: a trace of a tracer has one, a few where services share a process.
const MAX_ENTRIES: usize = 32;
/// The tag that says how a trace was sampled, which stands on the chunk too.
const DECISION_MAKER: &str = "_dd.p.dm";
/// The tags with the id of a request.
const REQUEST_IDS: [&str; 2] = ["request_id", "http.request_id"];
/// The tag with the upper half of the id of a trace, in hexadecimal.
const UPPER_HALF: &str = "_dd.p.tid";
/// The tag that says where a trace began, which stands on the chunk too.
const ORIGIN: &str = "_dd.origin";

impl Inspector for Firewall {
    fn is_on(&self) -> bool {
        self.live().is_some()
    }

    fn inspect(&self, chunk: &mut Chunk<'_>, chance: Chance) -> Look {
        let Some(live) = self.live() else {
            return Look::Done;
        };
        let entries = entries(&chunk.spans);
        if entries.is_empty() {
            return Look::Done;
        }
        let mut longest = None;
        for index in entries.iter().copied().take(MAX_ENTRIES) {
            match meet(&live.processor, chunk, index, chance) {
                Outcome::Finished(tags) => put(chunk, index, tags),
                Outcome::Wait(left) => longest = longest.max(Some(left)),
                Outcome::Unknown => {
                    // Its mark says that it was looked at, should the chunk be asked about again.
                    if let Some(tags) = look(&live.appsec, chunk, index) {
                        put(chunk, index, tags);
                    }
                }
            }
        }
        live.tell(&self.telemetry);
        if let Some(left) = longest {
            return Look::Later(left);
        }
        let too_many = entries.len().saturating_sub(MAX_ENTRIES);
        if too_many > 0 {
            let labels = [("reason", "too_many")];
            let count = too_many as u64;
            self.telemetry.add(Metric::AppsecSkipped, &labels, count);
        }
        Look::Done
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

/// What is known of the request of an entry span, if the program asked about it itself.
fn meet(processor: &Processor, chunk: &Chunk<'_>, index: usize, chance: Chance) -> Outcome {
    let Some(span) = chunk.spans.get(index) else {
        return Outcome::Unknown;
    };
    if processor.waiting() == 0 {
        return Outcome::Unknown;
    }
    let (entry, now) = (Entry { span, chunk }, Instant::now().into_std());
    let ask = |id: Cow<'_, str>| match chance {
        Chance::Open => processor.process_span(&id, &entry, now),
        Chance::Last => processor.process_last_span(&id, &entry, now),
    };
    let mut outcomes = ids(span, chunk).map(ask);
    let known = outcomes.find(|outcome| *outcome != Outcome::Unknown);
    known.unwrap_or(Outcome::Unknown)
}

/// The ids that the request of a span may have: what the span says, else the id of its trace, in decimal or in
/// hexadecimal digits of its lower half or of all of it.
fn ids<'s>(span: &'s Span<'_>, chunk: &Chunk<'_>) -> impl Iterator<Item = Cow<'s, str>> {
    let said = REQUEST_IDS.into_iter().filter_map(|name| span.tag(name));
    let low = span.trace_id;
    let upper = std::iter::once(span).chain(&chunk.spans);
    let upper = upper.filter_map(|span| span.tag(UPPER_HALF)).next();
    let high = upper.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let high = high.unwrap_or(0);
    let of_trace = [
        low.to_string(),
        format!("{low:016x}"),
        format!("{high:016x}{low:016x}"),
    ];
    let of_trace = of_trace.into_iter().map(Cow::Owned);
    said.map(Cow::Borrowed).chain(of_trace)
}

fn look(appsec: &AppSec, chunk: &Chunk<'_>, index: usize) -> Option<SpanTags> {
    let span = chunk.spans.get(index)?;
    let tags = span.meta.iter();
    let request = inspect::from_tags(tags.map(|(key, value)| (&**key, &**value)))?;
    appsec.inspect(&request, &Entry { span, chunk }, Instant::now().into_std())
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
    fn a_request_may_be_known_by_what_its_span_says_or_by_its_trace() {
        let mut entry = with(span(2, 1, "shop", "web"), "http.request_id", "abc");
        entry.trace_id = 0xfe;
        let of = |chunk: &Chunk<'_>| -> Vec<String> {
            let ids = ids(&chunk.spans[0], chunk);
            ids.map(Cow::into_owned).collect()
        };
        let mut chunk = Chunk {
            spans: vec![entry, with(span(1, 0, "gate", "rpc"), UPPER_HALF, "0a")],
            ..Chunk::default()
        };
        assert_eq!(
            of(&chunk),
            [
                "abc",
                "254",
                "00000000000000fe",
                "000000000000000a00000000000000fe"
            ]
        );
        chunk.spans.pop();
        assert_eq!(of(&chunk)[3], "000000000000000000000000000000fe");
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
