//! Tests of requests that wait for their spans.

use serde_json::json;

use super::*;
use crate::config::Blocking;
use crate::engine::{Action, Evaluation};
use crate::rules::Source;
use crate::{Config, FakeEngine, NewSpan};

fn processor(engine: &FakeEngine) -> Processor {
    let config = Config {
        blocking: Blocking::Obeyed,
        ..Config::default()
    };
    let rules = br#"{"rules":[{"id":"a"}]}"#.to_vec();
    let appsec = AppSec::with_engine(config, engine, Source::User, rules);
    Processor::new(appsec.unwrap())
}

fn get() -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        uri: "/".to_owned(),
        ..HttpRequest::default()
    }
}

fn ok() -> HttpResponse {
    HttpResponse {
        status_code: 200,
        ..HttpResponse::default()
    }
}

fn status(outcome: Outcome) -> Option<String> {
    let Outcome::Finished(tags) = outcome else {
        panic!("{outcome:?}");
    };
    let mut found = tags.meta.into_iter();
    found
        .find(|(name, _)| name == "http.status_code")
        .map(|(_, value)| value)
}

#[test]
fn a_span_waits_for_its_response() {
    let processor = processor(&FakeEngine::default());
    let now = Instant::now();
    let span = |id| processor.process_span(id, &NewSpan, now);
    processor.process_http_request("1", &get(), now);
    assert_eq!(
        (span("1"), span("2")),
        (Outcome::Wait(PATIENCE), Outcome::Unknown)
    );
    processor.process_http_response("1", &ok());
    assert_eq!(status(span("1")).as_deref(), Some("200"));
    assert_eq!((span("1"), processor.waiting()), (Outcome::Unknown, 0));
}

#[test]
fn a_span_waits_for_ten_seconds() {
    let processor = processor(&FakeEngine::default());
    let now = Instant::now();
    processor.process_http_transaction("1", &HttpTransaction::from_request(get()), now);
    let span = |millis| {
        let at = now + Duration::from_millis(millis);
        processor.process_span("1", &NewSpan, at)
    };
    assert_eq!(span(9_999), Outcome::Wait(Duration::from_millis(1)));
    assert_eq!(processor.appsec().counts().unanswered, 0);
    assert_eq!(status(span(10_000)), None);
    assert_eq!(processor.appsec().counts().unanswered, 1);
}

#[test]
fn a_span_that_cannot_be_held_goes_with_what_is_known() {
    let processor = processor(&FakeEngine::default());
    let now = Instant::now();
    processor.process_http_request("1", &get(), now);
    let last = |id| processor.process_last_span(id, &NewSpan, now);
    assert_eq!((status(last("1")), last("1")), (None, Outcome::Unknown));
    processor.process_http_response("1", &ok());
    let counts = processor.appsec().counts();
    assert_eq!((counts.unanswered, counts.unmatched), (1, 1));
}

#[test]
fn a_request_that_was_evaluated_elsewhere_goes_on_from_where_it_is() {
    let processor = processor(&FakeEngine::default());
    let now = Instant::now();
    let begun = || {
        let mut transaction = processor.appsec().transaction();
        transaction.request(&get());
        transaction
    };
    let mut whole = begun();
    whole.response(&ok());
    processor.adopt("whole", whole, now);
    let mut named = begun();
    named.give_value("server.response.status", b"200").unwrap();
    named.decide();
    processor.adopt("named", named, now);
    processor.adopt("open", begun(), now);
    let span = |id| processor.process_span(id, &NewSpan, now);
    assert_eq!(status(span("whole")).as_deref(), Some("200"));
    assert_eq!(status(span("named")).as_deref(), Some("200"));
    assert_eq!(span("open"), Outcome::Wait(PATIENCE));
    processor.process_http_response("open", &ok());
    assert_eq!(status(span("open")).as_deref(), Some("200"));
    assert_eq!(
        processor.appsec().counts().requests,
        3,
        "none of them twice"
    );
}

#[test]
fn a_request_that_was_blocked_has_no_response() {
    let engine = FakeEngine::default();
    engine.answer(Ok(Evaluation {
        actions: vec![Action {
            kind: "block_request".to_owned(),
            parameters: json!({}),
        }],
        ..Evaluation::default()
    }));
    let processor = processor(&engine);
    let now = Instant::now();
    let whole = HttpTransaction::from_request(get()).with_response(ok());
    let verdict = processor.process_http_transaction("1", &whole, now);
    assert_eq!(verdict.status(), Some(403));
    assert_eq!(
        status(processor.process_span("1", &NewSpan, now)).as_deref(),
        Some("403")
    );
}

#[test]
fn the_oldest_request_makes_way() {
    let processor = processor(&FakeEngine::default());
    let now = Instant::now();
    for id in 0..=MAX_WAITING {
        processor.process_http_request(&id.to_string(), &get(), now);
    }
    // The same id again takes the place of the request before it.
    processor.process_http_request("1", &get(), now);
    assert_eq!(processor.waiting(), MAX_WAITING);
    assert_eq!(processor.lock().order.len(), MAX_WAITING);
    assert_eq!(processor.appsec().counts().evicted, 1);
    let span = |id| processor.process_span(id, &NewSpan, now);
    assert_eq!(
        (span("0"), span("1")),
        (Outcome::Unknown, Outcome::Wait(PATIENCE))
    );
    processor.process_http_request(&"x".repeat(257), &get(), now);
    assert_eq!(processor.appsec().counts().evicted, 2, "that is no id");
    assert_eq!(
        processor.process_http_response("none", &ok()),
        WafVerdict::Allow
    );
}

#[test]
fn a_late_body_belongs_to_its_request() {
    let engine = FakeEngine::default();
    let processor = processor(&engine);
    processor.process_http_request("1", &get(), Instant::now());
    processor.process_http_request_body("1", b"[1]", &[]);
    assert_eq!(
        engine.evaluated().pop(),
        Some(json!({"server.request.body": [1]}))
    );
}
