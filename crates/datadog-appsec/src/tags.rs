//! What the service's entry span carries: versions, times, events, attributes, schemas, and why its trace is kept.
//!
//! A plain list, for whoever has the span to put on it as it is: what the span says already was asked for, and is not
//! overwritten but where the list says more.

mod events;
mod trace_source;

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value as Json;

use crate::appsec::Shared;
use crate::config::{EventsAs, UseOfTraces};
use crate::rules::Rules;
use crate::schema;
use crate::transaction::{Facts, Findings};

/// What attributes with schemas begin with.
const SCHEMA: &str = "_dd.appsec.s.";
/// The priority of a trace that a person wants.
const USER_KEEP: i32 = 2;
/// Who decided so: AppSec.
const DECISION_MAKER: &str = "-5";

/// The entry span of a service, as far as AppSec asks about it.
pub trait EntrySpan {
    /// The text under a name.
    fn meta(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The sampling priority of its trace, if it has one.
    fn priority(&self) -> Option<i32>;
}

/// A span that says nothing yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewSpan;

impl EntrySpan for NewSpan {
    fn meta(&self, _name: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn priority(&self) -> Option<i32> {
        None
    }
}

/// What to put on the entry span of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpanTags {
    /// Texts by name.
    pub meta: Vec<(Cow<'static, str>, String)>,
    /// Numbers by name.
    pub metrics: Vec<(Cow<'static, str>, f64)>,
    /// Structures as msgpack, by name.
    pub meta_struct: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// The priority that the whole chunk gets; nothing if it keeps what it has.
    pub priority: Option<i32>,
}

/// Whether a trace is kept because of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    No,
}

/// Whether an attribute is a schema.
pub(crate) fn is_schema(name: &str) -> bool {
    name.starts_with(SCHEMA)
}

/// Makes the list.
pub(crate) fn of(
    shared: &Shared,
    rules: &Rules,
    findings: &Findings,
    facts: &Facts,
    kept: Kept,
    span: &dyn EntrySpan,
) -> SpanTags {
    let mut list = List {
        tags: SpanTags::default(),
        span,
    };
    list.versions(shared, rules);
    list.times(findings);
    list.request(findings, facts);
    if !findings.events.is_empty() {
        list.events(shared, findings, facts);
    }
    for (name, value) in &findings.attributes {
        list.attribute(shared, name, value);
    }
    if kept == Kept::Yes {
        list.keep();
    }
    if shared.config.use_of_traces == UseOfTraces::Transport {
        list.metric("_dd.apm.enabled", 0.0);
    }
    list.tags
}

/// The list as it grows, beside the span that it is for.
struct List<'s> {
    tags: SpanTags,
    span: &'s dyn EntrySpan,
}

impl List<'_> {
    fn meta(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.tags.meta.push((name.into(), value.into()));
    }

    /// Only if the span has none and the value is not empty.
    fn meta_if_absent(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        if !value.is_empty() && self.span.meta(&name).is_none_or(|known| known.is_empty()) {
            self.meta(name, value);
        }
    }

    fn metric(&mut self, name: impl Into<Cow<'static, str>>, value: f64) {
        self.tags.metrics.push((name.into(), value));
    }

    fn versions(&mut self, shared: &Shared, rules: &Rules) {
        self.metric("_dd.appsec.enabled", 1.0);
        self.meta("_dd.appsec.waf.version", shared.version.as_str());
        let diagnostics = rules.diagnostics();
        if !diagnostics.version.is_empty() {
            self.meta("_dd.appsec.event_rules.version", &*diagnostics.version);
        }
        if let Some(summary) = rules.summary() {
            self.meta("_dd.appsec.rc_products", summary);
        }
        if let Some(family) = self.span.meta("language").and_then(|name| family(&name)) {
            self.meta_if_absent("_dd.runtime_family", family);
        }
        if rules.is_first_request() {
            self.metric("_dd.appsec.event_rules.loaded", count(diagnostics.loaded));
            self.metric(
                "_dd.appsec.event_rules.error_count",
                count(diagnostics.failed),
            );
            if !diagnostics.errors.is_empty() {
                let errors = Json::Object(diagnostics.errors.clone()).to_string();
                self.meta("_dd.appsec.event_rules.errors", errors);
            }
        }
    }

    fn times(&mut self, findings: &Findings) {
        self.metric("_dd.appsec.waf.duration", micros(findings.duration));
        self.metric("_dd.appsec.waf.duration_ext", micros(findings.duration_ext));
        if findings.timeouts > 0 {
            self.metric("_dd.appsec.waf.timeouts", f64::from(findings.timeouts));
        }
        if let Some(error) = findings.error {
            self.metric("_dd.appsec.waf.error", f64::from(error.code()));
        }
        let cut = findings.truncated;
        let sizes = [
            ("_dd.appsec.truncated.string_length", cut.text),
            ("_dd.appsec.truncated.container_size", cut.container),
            ("_dd.appsec.truncated.container_depth", cut.depth),
        ];
        for (name, size) in sizes.into_iter().filter(|(_, size)| *size > 0) {
            self.metric(name, count(size));
        }
    }

    fn request(&mut self, findings: &Findings, facts: &Facts) {
        self.meta_if_absent("http.method", &*facts.method);
        self.meta_if_absent("http.url", &*facts.url);
        self.meta_if_absent("http.route", facts.route.as_deref().unwrap_or_default());
        match (findings.blocked, facts.status) {
            (Some(status), _) => {
                self.meta("http.status_code", status.to_string());
                self.meta("appsec.blocked", "true");
            }
            (None, Some(status)) => self.meta_if_absent("http.status_code", status.to_string()),
            (None, None) => {}
        }
        let client = facts.client.map(|client| client.to_string());
        self.meta_if_absent("http.client_ip", client.unwrap_or_default());
        let peer = facts.peer.map(|peer| peer.to_string());
        self.meta_if_absent("network.client.ip", peer.unwrap_or_default());
        for (name, value) in &facts.headers {
            self.meta_if_absent(format!("http.request.headers.{name}"), value.as_str());
        }
        for (name, value) in &facts.response_headers {
            self.meta_if_absent(format!("http.response.headers.{name}"), value.as_str());
        }
    }

    fn events(&mut self, shared: &Shared, findings: &Findings, facts: &Facts) {
        self.meta("appsec.event", "true");
        self.meta_if_absent("_dd.origin", "appsec");
        let client = facts.client.map(|client| client.to_string());
        self.meta_if_absent("actor.ip", client.unwrap_or_default());
        for (name, value) in &facts.headers_on_event {
            self.meta_if_absent(format!("http.request.headers.{name}"), value.as_str());
        }
        match shared.config.events {
            EventsAs::Json => {
                let before = self.span.meta(events::JSON_NAME);
                let (text, dropped) = events::to_json(before.as_deref(), &findings.events);
                shared.counters.events_dropped.add(dropped);
                self.meta(events::JSON_NAME, text);
            }
            EventsAs::MetaStruct => {
                let bytes = events::to_msgpack(&findings.events);
                let tag = bytes.map(|bytes| (Cow::Borrowed(events::STRUCT_NAME), bytes));
                self.tags.meta_struct.extend(tag);
            }
        }
    }

    fn attribute(&mut self, shared: &Shared, name: &str, value: &Json) {
        let name = name.to_owned();
        if is_schema(&name) {
            match schema::encode(value) {
                Some(text) => {
                    shared.counters.schemas.add_one();
                    self.meta(name, text);
                }
                None => shared.counters.schemas_too_long.add_one(),
            }
            return;
        }
        match value {
            Json::Null => {}
            Json::Bool(on) => self.metric(name, f64::from(u8::from(*on))),
            Json::Number(number) => self.metric(name, number.as_f64().unwrap_or_default()),
            Json::String(text) => self.meta(name, text.as_str()),
            Json::Array(_) | Json::Object(_) => self.meta(name, value.to_string()),
        }
    }

    fn keep(&mut self) {
        self.metric("_sampling_priority_v1", f64::from(USER_KEEP));
        self.meta("_dd.p.dm", DECISION_MAKER);
        let source = self.span.meta(trace_source::NAME);
        let source = trace_source::with_appsec(source.as_deref());
        self.meta(trace_source::NAME, source);
        self.tags.priority = Some(USER_KEEP.max(self.span.priority().unwrap_or(USER_KEEP)));
    }
}

/// The family of runtimes that a tracer's language belongs to.
fn family(language: &str) -> Option<&'static str> {
    Some(match language {
        "python" => "python",
        "go" => "go",
        "ruby" => "ruby",
        "php" => "php",
        "cpp" => "cpp",
        "rust" => "rust",
        "dotnet" => "dotnet",
        "jvm" | "java" => "jvm",
        "javascript" | "nodejs" => "nodejs",
        _ => return None,
    })
}

/// Microseconds with their fraction.
fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A size as spans carry it.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
