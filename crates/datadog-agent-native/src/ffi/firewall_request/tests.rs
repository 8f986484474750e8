//! The exported functions as a host calls them, with an engine that is told what to find.

use std::ffi::{CStr, c_char};
use std::ptr::null_mut;

use datadog_appsec::engine::{Action, Evaluation};
use datadog_appsec::rules::Source;
use datadog_appsec::{Config, FakeEngine};

use super::super::error::datadog_agent_last_error;
use super::super::firewall::*;
use super::super::text::datadog_free_string;
use super::*;
use DatadogError::*;

fn appsec(engine: &FakeEngine, blocking: Blocking) -> AppSec {
    let config = Config {
        blocking,
        ..Config::default()
    };
    let rules = br#"{"rules":[{"id":"a"}]}"#.to_vec();
    AppSec::with_engine(config, engine, Source::User, rules).unwrap()
}

/// A request whose verdicts are obeyed.
fn opened(engine: &FakeEngine) -> *mut DatadogAppSecRequest {
    begin(&appsec(engine, Blocking::Obeyed), None, true).unwrap()
}

fn add(request: *mut DatadogAppSecRequest, json: &str) -> DatadogError {
    // SAFETY: the text has its length.
    unsafe { datadog_agent_appsec_add(request, json.as_ptr().cast(), json.len()) }
}

fn last_error() -> String {
    let mut text = [0_u8; 256];
    // SAFETY: the buffer has as many bytes as are said.
    unsafe { datadog_agent_last_error(text.as_mut_ptr().cast(), text.len()) };
    let text = CStr::from_bytes_until_nul(&text).unwrap();
    text.to_str().unwrap().to_owned()
}

fn decide(request: *mut DatadogAppSecRequest) -> (DatadogError, DatadogAppSecVerdict) {
    let mut verdict = DatadogAppSecVerdict {
        status: 7,
        ..DatadogAppSecVerdict::ALLOW
    };
    // SAFETY: the verdict may be written.
    let code = unsafe { datadog_agent_appsec_verdict(request, &raw mut verdict) };
    (code, verdict)
}

/// Whether a verdict is to go on, in full.
fn is_allow(verdict: &DatadogAppSecVerdict) -> bool {
    let texts = [
        verdict.body,
        verdict.location,
        verdict.security_response_id,
        verdict.content_type.cast_mut(),
    ];
    let numbers = (verdict.status, verdict.grpc_status, verdict.body_len);
    verdict.action == DatadogAppSecAction::DATADOG_APPSEC_ALLOW
        && texts.iter().all(|text| text.is_null())
        && numbers == (0, -1, 0)
}

fn tags(request: *mut DatadogAppSecRequest, span: Option<&str>) -> (DatadogError, Option<Value>) {
    let mut text: *mut c_char = std::ptr::dangling_mut();
    let (data, len) = span.map_or((std::ptr::null(), 0), |it| (it.as_ptr().cast(), it.len()));
    // SAFETY: the text has its length, and the pointer may be written.
    unsafe {
        let code = datadog_agent_appsec_tags(request, data, len, &raw mut text);
        if text.is_null() {
            return (code, None);
        }
        let json = serde_json::from_slice(CStr::from_ptr(text).to_bytes()).unwrap();
        datadog_free_string(text);
        (code, Some(json))
    }
}

fn told(text: *const c_char) -> String {
    assert!(!text.is_null());
    // SAFETY: a text of ours ends with a NUL.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().unwrap().to_owned()
}

fn action(kind: &str, parameters: Value) -> Evaluation {
    Evaluation {
        events: vec![json!({"rule": {"id": "a"}})],
        keep: true,
        actions: vec![Action {
            kind: kind.to_owned(),
            parameters,
        }],
        ..Evaluation::default()
    }
}

#[test]
fn a_request_is_blocked_and_its_tags_say_so() {
    let engine = FakeEngine::default();
    let parameters = json!({"status_code": 403, "type": "auto", "grpc_status_code": 10, "security_response_id": "7"});
    engine.answer(Ok(action("block_request", parameters)));
    let request = opened(&engine);
    let json = r#"{"server.request.method":"GET","server.request.headers.no_cookies":{"Accept":"text/html"}}"#;
    assert_eq!(add(request, json), DATADOG_OK, "{}", last_error());
    let (code, mut verdict) = decide(request);
    assert_eq!(code, DATADOG_OK);
    assert_eq!(verdict.action, DatadogAppSecAction::DATADOG_APPSEC_BLOCK);
    assert_eq!((verdict.status, verdict.grpc_status), (403, 10));
    assert_eq!(told(verdict.content_type), "text/html");
    assert_eq!(told(verdict.body).len(), verdict.body_len);
    assert!(told(verdict.body).contains("<code>7</code>"));
    assert_eq!(told(verdict.security_response_id), "7");
    assert!(verdict.location.is_null());
    // SAFETY: the verdict is the one that was filled in.
    unsafe {
        datadog_agent_appsec_verdict_free(&raw mut verdict);
        assert!(is_allow(&verdict), "freed twice it does no harm");
        datadog_agent_appsec_verdict_free(&raw mut verdict);
        datadog_agent_appsec_verdict_free(null_mut());
    }
    let (code, tags) = tags(request, None);
    let tags = tags.unwrap();
    assert_eq!(code, DATADOG_OK);
    assert_eq!(tags["meta"]["appsec.blocked"], "true");
    assert_eq!(tags["meta"]["http.status_code"], "403");
    assert_eq!(tags["meta"]["http.method"], "GET");
    assert_eq!(
        tags["meta"]["_dd.appsec.json"],
        r#"{"triggers":[{"rule":{"id":"a"}}]}"#
    );
    assert_eq!(tags["metrics"]["_dd.appsec.enabled"], 1.0);
    assert_eq!(tags["priority"], 2);
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}

#[test]
fn a_redirection_has_a_place_and_no_page() {
    let engine = FakeEngine::default();
    let parameters = json!({"status_code": 302, "location": "/x?id=[security_response_id]", "security_response_id": "7"});
    engine.answer(Ok(action("redirect_request", parameters)));
    let request = opened(&engine);
    add(request, r#"{"usr.id":"bob"}"#);
    let (_, mut verdict) = decide(request);
    assert_eq!(verdict.action, DatadogAppSecAction::DATADOG_APPSEC_REDIRECT);
    assert_eq!((verdict.status, verdict.grpc_status), (302, -1));
    assert_eq!(told(verdict.location), "/x?id=7");
    assert!(verdict.body.is_null() && verdict.content_type.is_null());
    // SAFETY: the verdict is the one that was filled in.
    unsafe { datadog_agent_appsec_verdict_free(&raw mut verdict) };
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}

#[test]
fn whoever_only_watches_is_never_told_to_block() {
    let engine = FakeEngine::default();
    engine.answer(Ok(action("block_request", json!({}))));
    let request = begin(&appsec(&engine, Blocking::Obeyed), None, false).unwrap();
    add(request, r#"{"usr.id":"bob"}"#);
    let (code, verdict) = decide(request);
    assert!(code == DATADOG_OK && is_allow(&verdict));
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);

    let failure = begin(&appsec(&engine, Blocking::Ignored), None, true).unwrap_err();
    assert_eq!(failure.code, DATADOG_CONFIG_ERROR);
    assert!(failure.text.contains("without appsec_blocking"));
}

#[test]
fn values_and_bodies_come_one_by_one() {
    let engine = FakeEngine::default();
    let request = opened(&engine);
    // SAFETY: texts end with a NUL, and the rest has its length.
    let codes = unsafe {
        let (status, body) = (b"404", b"a=1&a=2");
        let form = c"application/x-www-form-urlencoded".as_ptr();
        let at = c"server.request.body".as_ptr();
        [
            datadog_agent_appsec_add_value(
                request,
                c"server.response.status".as_ptr(),
                status.as_ptr().cast(),
                3,
            ),
            datadog_agent_appsec_add_body(request, at, body.as_ptr(), 7, form),
            datadog_agent_appsec_add_body(request, at, std::ptr::null(), 0, form),
        ]
    };
    assert_eq!(codes, [DATADOG_OK; 3]);
    decide(request);
    let wanted = json!({"server.response.status": "404", "server.request.body": {"a": ["1", "2"]}});
    assert_eq!(engine.evaluated(), [wanted]);
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place_or_name() {
    let request = opened(&FakeEngine::default());
    let refused = |json: &str| (add(request, json), last_error());
    let wrong = DATADOG_INVALID_DATA_FORMAT;
    assert_eq!(
        refused("{\n  \"usr.id\": ]"),
        (wrong, "no JSON at line 2, column 13".to_owned())
    );
    assert_eq!(
        refused(r#"{"server.request.methd":"GET"}"#),
        (
            wrong,
            r#"there is no address "server.request.methd""#.to_owned()
        )
    );
    let huge = format!("\"{}\"", "x".repeat(8 << 20));
    assert_eq!(
        refused(&huge),
        (
            wrong,
            "json: 8388610 bytes at once are more than 8388608".to_owned()
        )
    );
    let half = format!(r#"{{"usr.id":"{}"}}"#, "x".repeat(5 << 20));
    assert_eq!(add(request, &half), DATADOG_OK);
    assert_eq!(
        refused(&half),
        (
            DATADOG_SUBMISSION_ERROR,
            "more than 8388608 bytes of one request".to_owned()
        )
    );
    // SAFETY: texts end with a NUL, and the rest has its length.
    unsafe {
        let at = c"server.request.query".as_ptr();
        let code =
            datadog_agent_appsec_add_body(request, at, std::ptr::null(), 0, std::ptr::null());
        assert_eq!(code, wrong);
        assert_eq!(
            last_error(),
            r#""server.request.query" is no address of a body"#
        );
        let at = c"\xFF".as_ptr();
        let code = datadog_agent_appsec_add_value(request, at, c"1".as_ptr(), 1);
        assert_eq!(code, DATADOG_INVALID_STRING);
    }
    for span in ["{", "[]", r#"{"meta":1}"#, r#"{"priority":"x"}"#] {
        assert_eq!(tags(request, Some(span)), (wrong, None), "{span}");
    }
    assert!(tags(request, None).1.is_some(), "it is still there");
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}

#[test]
fn what_the_span_says_already_is_not_told_again() {
    let request = opened(&FakeEngine::default());
    add(
        request,
        r#"{"server.request.method":"GET","server.request.uri.raw":"/a"}"#,
    );
    let span = r#"{"meta":{"http.method":"POST","language":"python"},"priority":1}"#;
    let tags = tags(request, Some(span)).1.unwrap();
    assert_eq!(tags["meta"].get("http.method"), None);
    assert_eq!(tags["meta"]["http.url"], "/a");
    assert_eq!(tags["meta"]["_dd.runtime_family"], "python");
    assert_eq!(tags["priority"], Value::Null);
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}

#[test]
fn a_pointer_that_leads_nowhere_is_refused_by_its_name() {
    let request = opened(&FakeEngine::default());
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_NULL_POINTER);
    assert_eq!(datadog_agent_appsec_free(null_mut()), DATADOG_OK);
    for dead in [request, null_mut()] {
        assert_eq!(add(dead, "{}"), DATADOG_NULL_POINTER);
        assert_eq!(last_error(), "request is NULL");
        let (code, verdict) = decide(dead);
        assert!(code == DATADOG_NULL_POINTER && is_allow(&verdict));
        assert_eq!(tags(dead, None), (DATADOG_NULL_POINTER, None));
    }
    let request = opened(&FakeEngine::default());
    // SAFETY: NULL is refused.
    unsafe {
        let (null, at) = (std::ptr::null(), c"usr.id".as_ptr());
        for (code, name) in [
            (datadog_agent_appsec_add(request, null, 1), "json"),
            (
                datadog_agent_appsec_add_value(request, null, at, 1),
                "address",
            ),
            (datadog_agent_appsec_verdict(request, null_mut()), "verdict"),
            (
                datadog_agent_appsec_tags(request, null, 0, null_mut()),
                "tags",
            ),
            (
                datadog_agent_appsec_open(null_mut(), 0, null_mut()),
                "request",
            ),
        ] {
            assert_eq!(code, DATADOG_NULL_POINTER, "{name}");
        }
        let mut opened = request;
        let code = datadog_agent_appsec_open(null_mut(), 0, &raw mut opened);
        assert_eq!((code, opened.is_null()), (DATADOG_NULL_POINTER, true));
        // A handle of one kind is none of the other.
        let code = datadog_agent_appsec_open(request.cast(), 0, &raw mut opened);
        assert_eq!(code, DATADOG_NULL_POINTER);
    }
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}

#[test]
fn a_request_that_ended_takes_nothing_more() {
    let request = opened(&FakeEngine::default());
    assert_eq!(tags(request, None).0, DATADOG_OK);
    assert_eq!(tags(request, None), (DATADOG_NOT_AVAILABLE, None));
    assert_eq!(add(request, "{}"), DATADOG_NOT_AVAILABLE);
    let (code, verdict) = decide(request);
    assert!(code == DATADOG_NOT_AVAILABLE && is_allow(&verdict));
    assert_eq!(last_error(), "the request has ended: its tags were taken");
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}

#[test]
fn threads_take_turns_and_one_may_free_what_another_uses() {
    let engine = FakeEngine::default();
    let request = opened(&engine).addr();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            std::thread::spawn(move || {
                let request = std::ptr::without_provenance_mut(request);
                let json = format!(r#"{{"usr.id":"{number}"}}"#);
                for _ in 0..50 {
                    let code = add(request, &json);
                    let (decided, mut verdict) = decide(request);
                    // SAFETY: the verdict is the one that was filled in.
                    unsafe { datadog_agent_appsec_verdict_free(&raw mut verdict) };
                    let is_gone = [code, decided].contains(&DATADOG_NULL_POINTER);
                    assert!(is_gone || [code, decided] == [DATADOG_OK; 2]);
                }
                datadog_agent_appsec_free(request)
            })
        })
        .collect();
    let mut ends: Vec<i32> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap() as i32)
        .collect();
    ends.sort_unstable();
    assert_eq!(ends, [0, 1, 1, 1], "one of them freed it");
}

#[test]
fn pages_with_a_nul_in_them_come_out_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page");
    std::fs::write(&page, "a\0b").unwrap();
    let engine = FakeEngine::default();
    engine.answer(Ok(action("block_request", json!({"type": "json"}))));
    let config = Config {
        blocking: Blocking::Obeyed,
        blocked_template_json: Some(page),
        ..Config::default()
    };
    let rules = br#"{"rules":[{"id":"a"}]}"#.to_vec();
    let appsec = AppSec::with_engine(config, &engine, Source::User, rules).unwrap();
    let request = begin(&appsec, None, true).unwrap();
    drop(appsec);
    add(request, r#"{"usr.id":"bob"}"#);
    let (_, mut verdict) = decide(request);
    assert_eq!((told(verdict.body).as_str(), verdict.body_len), ("ab", 2));
    assert_eq!(told(verdict.content_type), "application/json");
    // SAFETY: the verdict is the one that was filled in.
    unsafe { datadog_agent_appsec_verdict_free(&raw mut verdict) };
    assert_eq!(datadog_agent_appsec_free(request), DATADOG_OK);
}
