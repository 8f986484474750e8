//! Requests against an engine that says what it is told.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::json;

use super::*;
use crate::config::{ApiSecurity, EventsAs};
use crate::rules::Source;
use crate::verdict::Redirect;
use crate::{AppSec, Config, FakeEngine};

const RULES: &[u8] = br#"{"metadata":{"rules_version":"1.0"},"rules":[{"id":"a"},{"id":"b"}]}"#;

/// A span with some tags and a priority.
#[derive(Debug, Default)]
struct Span {
    meta: HashMap<&'static str, String>,
    priority: Option<i32>,
}

impl EntrySpan for Span {
    fn meta(&self, name: &str) -> Option<Cow<'_, str>> {
        self.meta.get(name).map(Cow::from)
    }

    fn priority(&self) -> Option<i32> {
        self.priority
    }
}

fn appsec(engine: &FakeEngine, config: Config) -> AppSec {
    AppSec::with_engine(config, engine, Source::Recommended, RULES.to_vec()).unwrap()
}

fn obeyed() -> Config {
    Config {
        blocking: Blocking::Obeyed,
        ..Config::default()
    }
}

fn get(uri: &str) -> HttpRequest {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    HttpRequest {
        method: "GET".to_owned(),
        uri: uri.to_owned(),
        route: Some("/r".to_owned()),
        client_ip: Some("8.8.8.8".to_owned()),
        headers: vec![
            header("Host", "shop"),
            header("Accept", "a"),
            header("accept", "b"),
        ],
        ..HttpRequest::default()
    }
}

fn answered(status_code: i64) -> HttpResponse {
    HttpResponse {
        status_code,
        headers: vec![("Content-Length".to_owned(), "3".to_owned())],
        body: None,
    }
}

fn action(kind: &str, parameters: Json) -> Action {
    Action {
        kind: kind.to_owned(),
        parameters,
    }
}

fn event() -> Evaluation {
    Evaluation {
        events: vec![json!({"rule": {"id": "a"}})],
        keep: true,
        duration: Duration::from_nanos(1_500),
        ..Evaluation::default()
    }
}

fn attributes(pairs: &[(&str, Json)]) -> Evaluation {
    let pairs = pairs.iter();
    Evaluation {
        attributes: pairs
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        ..Evaluation::default()
    }
}

fn meta<'t>(tags: &'t SpanTags, name: &str) -> Option<&'t str> {
    let mut found = tags.meta.iter().filter(|(known, _)| known == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert_eq!(found.next(), None, "{name} stands twice");
    value
}

fn metric(tags: &SpanTags, name: &str) -> Option<f64> {
    let mut found = tags.metrics.iter().filter(|(known, _)| known == name);
    found.next().map(|(_, value)| *value)
}

/// One request with its response, and its tags.
fn whole(appsec: &AppSec, span: &Span) -> SpanTags {
    let mut transaction = appsec.transaction();
    transaction.request(&get("/a?x=1"));
    transaction.response(&answered(200));
    transaction.finish(span, Instant::now())
}

fn without_schemas() -> Config {
    Config {
        api_security: ApiSecurity {
            enabled: false,
            ..ApiSecurity::default()
        },
        ..Config::default()
    }
}

#[test]
fn a_harmless_request_leaves_few_tags() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, without_schemas());
    let tags = whole(&appsec, &Span::default());
    let pairs: Vec<_> = tags
        .meta
        .iter()
        .map(|(name, value)| (&**name, value.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("_dd.appsec.waf.version", "2.0.0-fake"),
            ("_dd.appsec.event_rules.version", "1.0"),
            ("http.method", "GET"),
            ("http.url", "/a?x=1"),
            ("http.route", "/r"),
            ("http.status_code", "200"),
            ("http.client_ip", "8.8.8.8"),
            ("network.client.ip", "8.8.8.8"),
            ("http.request.headers.accept", "a,b"),
            ("http.response.headers.content-length", "3"),
        ]
    );
    assert_eq!(metric(&tags, "_dd.appsec.enabled"), Some(1.0));
    assert_eq!(metric(&tags, "_dd.appsec.event_rules.loaded"), Some(2.0));
    assert_eq!(
        metric(&tags, "_dd.appsec.event_rules.error_count"),
        Some(0.0)
    );
    assert_eq!(metric(&tags, "_dd.appsec.waf.timeouts"), None);
    assert_eq!((tags.priority, tags.meta_struct.len()), (None, 0));
    let second = whole(&appsec, &Span::default());
    assert_eq!(
        metric(&second, "_dd.appsec.event_rules.loaded"),
        None,
        "told once"
    );
}

#[test]
fn an_event_marks_the_span_and_keeps_its_trace() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, without_schemas());
    engine.answer(Ok(event()));
    let mut span = Span::default();
    for (name, value) in [
        ("_dd.appsec.json", r#"{"triggers":[1]}"#),
        ("_dd.origin", "synthetics"),
        ("_dd.p.ts", "20"),
        ("http.url", "http://shop/a"),
        ("language", "javascript"),
    ] {
        span.meta.insert(name, value.to_owned());
    }
    span.priority = Some(-1);
    let tags = whole(&appsec, &span);
    for (name, wanted) in [
        (
            "_dd.appsec.json",
            Some(r#"{"triggers":[1,{"rule":{"id":"a"}}]}"#),
        ),
        ("appsec.event", Some("true")),
        ("actor.ip", Some("8.8.8.8")),
        ("http.request.headers.host", Some("shop")),
        ("_dd.p.dm", Some("-5")),
        ("_dd.p.ts", Some("22")),
        ("_dd.origin", None),
        ("http.url", None),
        ("appsec.blocked", None),
        ("_dd.runtime_family", Some("nodejs")),
    ] {
        assert_eq!(meta(&tags, name), wanted, "{name}");
    }
    assert_eq!(
        tags.priority,
        Some(2),
        "even if the user rejected the trace"
    );
    assert_eq!(metric(&tags, "_sampling_priority_v1"), Some(2.0));
    assert_eq!(metric(&tags, "_dd.appsec.waf.duration"), Some(1.5));
}

#[test]
fn only_so_many_traces_a_second_are_kept() {
    let engine = FakeEngine::default();
    let config = Config {
        trace_rate_limit: 1,
        ..without_schemas()
    };
    let appsec = appsec(&engine, config);
    let now = Instant::now();
    let finish = |seconds| {
        engine.answer(Ok(event()));
        let mut transaction = appsec.transaction();
        transaction.request(&get("/"));
        let tags = transaction.finish(&Span::default(), now + Duration::from_secs(seconds));
        assert_eq!(
            meta(&tags, "appsec.event"),
            Some("true"),
            "told all the same"
        );
        tags.priority
    };
    assert_eq!([finish(0), finish(0), finish(1)], [Some(2), None, Some(2)]);
    assert_eq!(
        (appsec.counts().attacks, appsec.counts().keep_limited),
        (3, 1)
    );
}

#[test]
fn attributes_become_tags_of_their_kind() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, without_schemas());
    engine.answer(Ok(attributes(&[
        ("text", json!("v")),
        ("whole", json!(-7)),
        ("part", json!(1.5)),
        ("on", json!(true)),
        ("none", json!(null)),
        ("list", json!([1])),
    ])));
    engine.answer(Ok(attributes(&[("text", json!("later"))])));
    let tags = whole(&appsec, &Span::default());
    assert_eq!(
        (meta(&tags, "text"), meta(&tags, "list")),
        (Some("later"), Some("[1]"))
    );
    let numbers = ["whole", "part", "on"].map(|name| metric(&tags, name));
    assert_eq!(numbers, [Some(-7.0), Some(1.5), Some(1.0)]);
    assert_eq!((meta(&tags, "none"), metric(&tags, "none")), (None, None));
    assert_eq!(tags.priority, None, "attributes alone keep nothing");
}

#[test]
fn who_obeys_is_told_to_block_and_nothing_more_is_evaluated() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, obeyed());
    let status = json!({"status_code": 418, "type": "none"});
    engine.answer(Ok(Evaluation {
        actions: vec![action("block_request", status)],
        ..event()
    }));
    let mut transaction = appsec.transaction();
    let verdict = transaction.request(&get("/"));
    assert_eq!(verdict.status(), Some(418));
    assert_eq!(engine.evaluated(), [json!({"http.client_ip": "8.8.8.8"})]);
    transaction.request_body(b"{}", &[]);
    transaction.response(&answered(200));
    assert_eq!(engine.evaluated().len(), 1);
    let tags = transaction.finish(&Span::default(), Instant::now());
    assert_eq!(meta(&tags, "appsec.blocked"), Some("true"));
    assert_eq!(meta(&tags, "http.status_code"), Some("418"));
    let last = engine.evaluated().pop().unwrap();
    assert_eq!(
        last,
        json!({"waf.context.processor": {"extract-schema": true}})
    );
    assert_eq!(appsec.counts().blocked, 1);
}

#[test]
fn whoever_cannot_block_is_not_told_to() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, without_schemas());
    engine.answer(Ok(Evaluation {
        actions: vec![action("block_request", json!({}))],
        ..event()
    }));
    let mut transaction = appsec.transaction();
    assert_eq!(transaction.request(&get("/")), WafVerdict::Allow);
    transaction.response(&answered(200));
    assert_eq!(engine.evaluated().len(), 2, "the response is looked at");
    let tags = transaction.finish(&Span::default(), Instant::now());
    assert_eq!(meta(&tags, "appsec.blocked"), None);
    assert_eq!(meta(&tags, "http.status_code"), Some("200"));
    assert_eq!(
        (appsec.counts().blocked, appsec.counts().block_ignored),
        (0, 1)
    );
}

#[test]
fn a_redirection_and_a_late_body_are_verdicts_too() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, obeyed());
    engine.answer(Ok(Evaluation::default()));
    engine.answer(Ok(Evaluation::default()));
    let place = json!({"status_code": 302, "location": "/no"});
    engine.answer(Ok(Evaluation {
        actions: vec![action("redirect_request", place)],
        ..Evaluation::default()
    }));
    let mut transaction = appsec.transaction();
    assert_eq!(transaction.request(&get("/")), WafVerdict::Allow);
    let verdict = transaction.request_body(b"{\"a\":1}", &[]);
    let wanted = Redirect {
        status: 302,
        location: "/no".to_owned(),
        security_response_id: String::new(),
    };
    assert_eq!(verdict, WafVerdict::Redirect(wanted));
    assert_eq!(
        engine.evaluated()[2],
        json!({"server.request.body": {"a": 1}})
    );
}

#[test]
fn all_evaluations_of_a_request_share_a_budget() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, obeyed());
    let taking = |micros| {
        Ok(Evaluation {
            duration: Duration::from_micros(micros),
            ..Evaluation::default()
        })
    };
    engine.answer(taking(1_000)).answer(taking(4_500));
    let mut transaction = appsec.transaction();
    transaction.request(&get("/"));
    transaction.response(&answered(200));
    let tags = transaction.finish(&Span::default(), Instant::now());
    let budgets = [5_000, 4_000, 5_000].map(Duration::from_micros);
    assert_eq!(
        engine.budgets(),
        budgets,
        "the response had none, the schema has its own"
    );
    assert_eq!(metric(&tags, "_dd.appsec.waf.timeouts"), Some(1.0));
    assert_eq!(metric(&tags, "_dd.appsec.waf.duration"), Some(5_500.0));
    assert_eq!(appsec.counts().timeouts, 1);
}

#[test]
fn an_engine_that_fails_is_told_with_the_mildest_code() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, without_schemas());
    engine
        .answer(Err(WafError::Internal))
        .answer(Err(WafError::InvalidObject));
    let tags = whole(&appsec, &Span::default());
    assert_eq!(metric(&tags, "_dd.appsec.waf.error"), Some(-2.0));
    assert_eq!(appsec.counts().errors, 2);
}

#[test]
fn a_schema_needs_a_trace_that_is_kept_and_an_endpoint() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, Config::default());
    let now = Instant::now();
    let asks = |request: &HttpRequest, status, priority, now| {
        let before = engine.evaluated().len();
        let mut transaction = appsec.transaction();
        transaction.request(request);
        if let Some(status) = status {
            transaction.response(&answered(status));
        }
        let span = Span {
            priority,
            ..Span::default()
        };
        transaction.finish(&span, now);
        let asked = json!({"waf.context.processor": {"extract-schema": true}});
        engine.evaluated().get(before..).unwrap().contains(&asked)
    };
    let routed = get("/a");
    assert!(
        !asks(&routed, Some(200), Some(0), now),
        "the trace is dropped"
    );
    assert!(!asks(&routed, None, Some(1), now), "there is no response");
    assert!(asks(&routed, Some(200), Some(1), now));
    assert!(!asks(&routed, Some(200), Some(1), now), "it has one");
    assert!(asks(&routed, Some(500), None, now), "another status");
    let later = now + Duration::from_secs(30);
    assert!(asks(&routed, Some(200), Some(1), later));
    let unrouted = |uri| HttpRequest {
        route: None,
        ..get(uri)
    };
    assert!(!asks(&unrouted("/x"), Some(404), Some(1), now));
    assert!(asks(&unrouted("/users/123"), Some(200), Some(1), now));
    assert!(
        !asks(&unrouted("/users/456?x=1"), Some(200), Some(1), now),
        "the same endpoint"
    );
}

#[test]
fn where_traces_only_carry_a_schema_keeps_its_trace() {
    let engine = FakeEngine::default();
    let config = Config {
        use_of_traces: UseOfTraces::Transport,
        ..Config::default()
    };
    let appsec = appsec(&engine, config);
    let schema = ("_dd.appsec.s.req.query", json!([{"q": [8]}]));
    let empty = || Ok(Evaluation::default());
    engine
        .answer(empty())
        .answer(empty())
        .answer(Ok(attributes(&[schema])));
    let span = Span {
        priority: Some(0),
        ..Span::default()
    };
    let tags = whole(&appsec, &span);
    assert_eq!(tags.priority, Some(2));
    assert_eq!(meta(&tags, "_dd.p.ts"), Some("02"));
    assert_eq!(metric(&tags, "_dd.apm.enabled"), Some(0.0));
    assert!(meta(&tags, "_dd.appsec.s.req.query").is_some());
    let tags = whole(&appsec, &span);
    assert_eq!(
        (tags.priority, metric(&tags, "_dd.apm.enabled")),
        (None, Some(0.0))
    );
    let mut transaction = appsec.transaction();
    transaction.request(&get("/"));
    transaction.response(&answered(500));
    let rejected = Span {
        priority: Some(-1),
        ..Span::default()
    };
    let before = engine.evaluated().len();
    transaction.finish(&rejected, Instant::now());
    assert_eq!(
        engine.evaluated().len(),
        before,
        "the user wants no such trace"
    );
}

#[test]
fn events_may_travel_as_a_structure() {
    let engine = FakeEngine::default();
    let config = Config {
        events: EventsAs::MetaStruct,
        ..without_schemas()
    };
    let appsec = appsec(&engine, config);
    engine.answer(Ok(event()));
    let tags = whole(&appsec, &Span::default());
    let [(name, bytes)] = tags.meta_struct.as_slice() else {
        panic!("{:?}", tags.meta_struct);
    };
    let read: Json = rmp_serde::from_slice(bytes).unwrap();
    assert_eq!(
        (&**name, read),
        ("appsec", json!({"triggers": [{"rule": {"id": "a"}}]}))
    );
    assert_eq!(meta(&tags, "_dd.appsec.json"), None);
}

#[test]
fn what_was_cut_and_skipped_is_told_and_counted() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, without_schemas());
    let mut transaction = appsec.transaction();
    transaction.request(&get(&format!("/?{}", "x=1&".repeat(300))));
    transaction.request_body(b"{", &[]);
    let gzip = [("content-encoding".to_owned(), "gzip".to_owned())];
    transaction.request_body(b"xx", &gzip);
    let json = [("content-type".to_owned(), "application/json".to_owned())];
    transaction.request_body(&vec![b'['; (1 << 20) + 1], &json);
    let tags = transaction.finish(&Span::default(), Instant::now());
    assert_eq!(
        metric(&tags, "_dd.appsec.truncated.container_size"),
        Some(300.0)
    );
    assert_eq!(metric(&tags, "_dd.appsec.truncated.string_length"), None);
    let counts = appsec.counts();
    assert_eq!(counts.truncated, 1);
    let bodies = [
        counts.bodies_malformed,
        counts.bodies_encoded,
        counts.bodies_too_large,
    ];
    assert_eq!(bodies, [1, 1, 1]);
}

#[test]
fn bodies_of_responses_are_looked_at_unless_told_otherwise() {
    for (parse_response_body, wanted) in [(true, true), (false, false)] {
        let engine = FakeEngine::default();
        let config = Config {
            api_security: ApiSecurity {
                parse_response_body,
                ..ApiSecurity::default()
            },
            ..Config::default()
        };
        let appsec = appsec(&engine, config);
        let mut transaction = appsec.transaction();
        transaction.response(&HttpResponse {
            body: Some(b"[1]".to_vec()),
            ..answered(200)
        });
        let seen = engine.evaluated().pop().unwrap();
        assert_eq!(seen.get("server.response.body").is_some(), wanted);
    }
}

#[test]
fn what_is_asked_within_a_request_is_cut_and_judged() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, obeyed());
    engine.answer(Ok(Evaluation {
        actions: vec![
            action("generate_stack", json!({"stack_id": "s-1"})),
            action("block_request", json!({})),
        ],
        ..event()
    }));
    let mut transaction = appsec.transaction();
    let long = Value::text("x".repeat(5_000));
    let rasp = transaction.rasp(vec![
        ("server.request.body", long),
        ("no.such", Value::Null),
    ]);
    assert_eq!(rasp.stack_ids, ["s-1"]);
    assert_eq!(rasp.verdict.status(), Some(403));
    let seen = engine.evaluated().pop().unwrap();
    assert_eq!(seen, json!({"server.request.body": "x".repeat(4_096)}));
}

#[test]
fn a_header_that_is_none_is_refused() {
    let engine = FakeEngine::default();
    let config = Config {
        client_ip_header: Some("x y".to_owned()),
        ..Config::default()
    };
    let made = AppSec::with_engine(config, &engine, Source::User, RULES.to_vec());
    assert_eq!(
        made.unwrap_err().to_string(),
        "\"x y\" is no name of a header"
    );
}

#[test]
fn only_so_many_spans_are_looked_at_at_once() {
    let engine = FakeEngine::default();
    let config = Config {
        max_inspections: 0,
        ..Config::default()
    };
    let none = appsec(&engine, config);
    let seen = crate::inspect::from_tags([("http.method", "GET")]).unwrap();
    assert_eq!(none.inspect(&seen, &Span::default(), Instant::now()), None);
    assert_eq!(none.counts().inspections_skipped, 1);
    let config = Config {
        max_inspections: 1,
        ..Config::default()
    };
    let one = appsec(&engine, config);
    for _ in 0..2 {
        let tags = one.inspect(&seen, &Span::default(), Instant::now());
        assert!(tags.is_some(), "the turn is given back");
    }
}

#[test]
fn a_span_that_tells_no_peer_is_told_none() {
    let engine = FakeEngine::default();
    let appsec = appsec(&engine, without_schemas());
    let tags = [("http.method", "GET"), ("http.client_ip", "8.8.8.8")];
    let seen = crate::inspect::from_tags(tags).unwrap();
    let tags = appsec
        .inspect(&seen, &Span::default(), Instant::now())
        .unwrap();
    assert_eq!(meta(&tags, "network.client.ip"), None);
    assert_eq!(engine.evaluated()[0]["http.client_ip"], "8.8.8.8");
}
