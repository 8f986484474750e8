//! What is given by name stands where rules look, and on the span, as if it had come as a request.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::engine::{Action, Evaluation};
use crate::rules::Source;
use crate::{AppSec, Config, FakeEngine, HttpRequest, HttpResponse, NewSpan, SpanTags};

const RULES: &[u8] = br#"{"rules":[{"id":"a"}]}"#;

fn appsec(engine: &FakeEngine) -> AppSec {
    with(engine, Blocking::Obeyed)
}

fn with(engine: &FakeEngine, blocking: Blocking) -> AppSec {
    let config = Config {
        blocking,
        ..Config::default()
    };
    AppSec::with_engine(config, engine, Source::User, RULES.to_vec()).unwrap()
}

fn give(transaction: &mut Transaction, addresses: &Json) {
    let json = addresses.to_string();
    transaction.give(json.as_bytes()).unwrap();
}

/// What was evaluated, in one piece: the last of each name counts.
fn evaluated(engine: &FakeEngine) -> Json {
    let mut all = serde_json::Map::new();
    for part in engine.evaluated() {
        all.extend(part.as_object().unwrap().clone());
    }
    Json::Object(all)
}

/// Tags but for times, which differ from run to run.
fn comparable(tags: SpanTags) -> (Vec<String>, Vec<String>) {
    let metrics = tags.metrics.iter();
    (
        tags.meta
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        metrics
            .filter(|(name, _)| !name.contains("duration"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
    )
}

fn block() -> Evaluation {
    Evaluation {
        actions: vec![Action {
            kind: "block_request".to_owned(),
            parameters: json!({"status_code": 403, "type": "auto"}),
        }],
        ..Evaluation::default()
    }
}

#[test]
fn what_is_given_by_name_comes_out_as_a_request_does() {
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = HttpRequest {
        method: "POST".to_owned(),
        uri: "http://shop/a%20b?q=1%27&q=2+x".to_owned(),
        route: Some("/a".to_owned()),
        client_ip: Some("10.0.0.1:99".to_owned()),
        headers: vec![
            line("Accept", "text/html"),
            line("Accept", "b"),
            line("Cookie", "s=1; t=2"),
            line("X-Forwarded-For", "8.8.8.8"),
            line("Content-Length", "7"),
            line("Content-Type", "application/json"),
        ],
        path_params: [("id".to_owned(), "42".to_owned())].into(),
        body: Some(br#"{"a":1}"#.to_vec()),
        user_id: Some("bob".to_owned()),
        ..HttpRequest::default()
    };
    let response = HttpResponse {
        status_code: 404,
        headers: vec![
            line("Content-Type", "text/plain"),
            line("Set-Cookie", "a=b"),
        ],
        body: Some(b"none".to_vec()),
    };
    let (whole, named) = (FakeEngine::default(), FakeEngine::default());
    let mut by_type = appsec(&whole).transaction();
    by_type.request(&request);
    by_type.response(&response);

    let mut by_name = appsec(&named).transaction();
    give(
        &mut by_name,
        &json!({
            "http.route": "/a",
            "network.client.ip": "10.0.0.1:99",
            "server.request.method": "POST",
            "server.request.uri.raw": "http://shop/a%20b?q=1%27&q=2+x",
            "server.request.path_params": {"id": "42"},
            "server.request.headers.no_cookies": {
                "Accept": ["text/html", "b"], "Cookie": "s=1; t=2", "X-Forwarded-For": "8.8.8.8",
                "Content-Length": 7, "Content-Type": "application/json",
            },
            "usr.id": "bob",
            "usr.session_id": null,
        }),
    );
    by_name
        .give_body(BodyOf::Request, br#"{"a":1}"#, None)
        .unwrap();
    assert_eq!(by_name.decide(), WafVerdict::Allow);
    by_name
        .give_value("server.response.status", b"404")
        .unwrap();
    let headers = json!({"Content-Type": "text/plain", "Set-Cookie": "a=b"});
    let name = "server.response.headers.no_cookies";
    by_name
        .give_value(name, headers.to_string().as_bytes())
        .unwrap();
    by_name.give_body(BodyOf::Response, b"none", None).unwrap();
    assert_eq!(by_name.decide(), WafVerdict::Allow);

    assert_eq!(evaluated(&named), evaluated(&whole));
    assert_eq!(evaluated(&named)["server.response.status"], "404");
    let now = Instant::now();
    assert_eq!(
        comparable(by_name.finish(&NewSpan, now)),
        comparable(by_type.finish(&NewSpan, now))
    );
}

#[test]
fn what_the_program_knows_itself_is_not_told_from_the_rest() {
    let engine = FakeEngine::default();
    let mut transaction = appsec(&engine).transaction();
    give(
        &mut transaction,
        &json!({
            "server.request.uri.raw": "/?a=1",
            "server.request.query": {"a": ["2"]},
            "server.request.headers.no_cookies": {"cookie": "a=1", "x-real-ip": "8.8.8.8"},
            "server.request.cookies": {"a": ["2"]},
            "http.client_ip": "9.9.9.9",
        }),
    );
    transaction.decide();
    let seen = evaluated(&engine);
    assert_eq!(seen["server.request.query"], json!({"a": ["2"]}));
    assert_eq!(seen["server.request.cookies"], json!({"a": ["2"]}));
    assert_eq!(seen["http.client_ip"], "9.9.9.9");
    let headers = &seen["server.request.headers.no_cookies"];
    assert_eq!(*headers, json!({"x-real-ip": ["8.8.8.8"]}));
}

#[test]
fn a_call_with_something_wrong_in_it_changes_nothing() {
    let engine = FakeEngine::default();
    let mut transaction = appsec(&engine).transaction();
    let refused = [
        ("{\"usr.id\":}", "no JSON at line 1, column 11"),
        ("[]", "an object of values by their addresses is wanted"),
        (
            r#"{"usr.id":"a","usr.ip":"b"}"#,
            r#"there is no address "usr.ip""#,
        ),
        (
            r#"{"usr.id":"a","waf.context.processor":{"extract-schema":true}}"#,
            r#"there is no address "waf.context.processor""#,
        ),
        (
            r#"{"usr.id":"a","server.request.method":["GET"]}"#,
            "server.request.method: a text is wanted",
        ),
        (
            r#"{"usr.id":"a","server.request.headers.no_cookies":{"a":[{}]}}"#,
            "server.request.headers.no_cookies: an object of names with a text or a list of texts is wanted",
        ),
    ];
    for (json, wanted) in refused {
        let error = transaction.give(json.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
    assert_eq!(transaction.decide(), WafVerdict::Allow);
    assert_eq!(engine.evaluated(), [json!(null); 0]);
}

#[test]
fn what_no_rule_of_the_moment_looks_at_is_taken_and_left_alone() {
    let engine = FakeEngine::default();
    let mut transaction = appsec(&engine).transaction();
    give(
        &mut transaction,
        &json!({"grpc.server.request.message": {"a": 1}, "usr.id": "a"}),
    );
    transaction.decide();
    assert_eq!(engine.evaluated(), [json!({"usr.id": "a"})]);
}

#[test]
fn values_keep_to_the_limits_and_their_sizes_are_told() {
    let engine = FakeEngine::default();
    let mut transaction = appsec(&engine).transaction();
    let long = "x".repeat(5_000);
    let nested = format!("{}{}", "[".repeat(300), "]".repeat(300));
    transaction
        .give_value("server.request.body", nested.as_bytes())
        .unwrap();
    give(
        &mut transaction,
        &json!({"usr.id": long, "server.request.path_params": vec![0; 300]}),
    );
    transaction.decide();
    let seen = evaluated(&engine);
    assert_eq!(seen["usr.id"].as_str().unwrap().len(), 4_096);
    assert_eq!(
        seen["server.request.path_params"].as_array().unwrap().len(),
        256
    );
    let tags = transaction.finish(&NewSpan, Instant::now());
    let metric = |name: &str| {
        let mut found = tags.metrics.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.to_string())
    };
    let size = |name| metric(&format!("_dd.appsec.truncated.{name}"));
    assert_eq!(size("string_length").as_deref(), Some("5000"));
    assert_eq!(size("container_size").as_deref(), Some("300"));
    assert_eq!(size("container_depth").as_deref(), Some("301"));
}

#[test]
fn a_query_is_told_from_the_whole_target_however_long() {
    let engine = FakeEngine::default();
    let mut transaction = appsec(&engine).transaction();
    let uri = format!("/{}?q=attack", "x".repeat(5_000));
    give(&mut transaction, &json!({ "server.request.uri.raw": uri }));
    transaction.decide();
    assert_eq!(
        evaluated(&engine)["server.request.query"],
        json!({"q": ["attack"]})
    );
}

#[test]
fn one_request_is_given_eight_mebibytes_and_no_more() {
    let engine = FakeEngine::default();
    let mut transaction = appsec(&engine).transaction();
    let text = format!("\"{}\"", "x".repeat(MAX_GIVEN_BYTES / 2 - 2));
    for _ in 0..2 {
        transaction.give_value("usr.id", text.as_bytes()).unwrap();
    }
    let too_much = Err(AddressError::TooMuch);
    assert_eq!(transaction.give_value("usr.id", b"1"), too_much);
    assert_eq!(transaction.give(b"{}"), too_much);
    assert_eq!(
        transaction.give_body(BodyOf::Request, b"{}", None),
        too_much
    );
    // What is too large for a body is not read, and counted as one.
    let large = vec![b'x'; (1 << 20) + 1];
    let given = transaction.give_body(BodyOf::Request, &large, Some("text/plain"));
    assert_eq!(given, Ok(()));
}

#[test]
fn a_content_type_that_is_given_counts_above_the_headers() {
    let engine = FakeEngine::default();
    let mut transaction = appsec(&engine).transaction();
    let headers = json!({"content-type": "image/png", "content-encoding": "gzip"});
    give(
        &mut transaction,
        &json!({ "server.request.headers.no_cookies": headers }),
    );
    transaction
        .give_body(BodyOf::Request, b"[1]", None)
        .unwrap();
    transaction.decide();
    assert_eq!(evaluated(&engine).get("server.request.body"), None);
    let json = Some("application/json");
    transaction
        .give_body(BodyOf::Request, b"[1]", json)
        .unwrap();
    transaction.decide();
    assert_eq!(evaluated(&engine)["server.request.body"], json!([1]));
}

#[test]
fn the_page_is_of_the_type_that_the_client_takes() {
    let engine = FakeEngine::default();
    engine.answer(Ok(block()));
    let mut transaction = appsec(&engine).transaction();
    give(
        &mut transaction,
        &json!({"server.request.headers.no_cookies": {"accept": "text/html"}}),
    );
    let WafVerdict::Block(block) = transaction.decide() else {
        panic!("it was not blocked");
    };
    assert_eq!(block.content_type, Some("text/html"));
    // The page itself is not looked at.
    give(&mut transaction, &json!({"server.response.status": 403}));
    assert_eq!(transaction.decide(), WafVerdict::Allow);
    assert_eq!(engine.evaluated().len(), 1);
}

#[test]
fn who_watches_blocks_nothing_though_others_may() {
    let engine = FakeEngine::default();
    engine.answer(Ok(block())).answer(Ok(block()));
    let appsec = appsec(&engine);
    let verdict = |mut transaction: Transaction| {
        give(&mut transaction, &json!({"usr.id": "bob"}));
        transaction.decide().status()
    };
    assert_eq!(verdict(appsec.watch()), None);
    assert_eq!(verdict(appsec.transaction()), Some(403));
    assert_eq!(appsec.counts().block_ignored, 1);
}

#[test]
fn an_address_alone_may_end_a_request_before_the_rest_is_looked_at() {
    let engine = FakeEngine::default();
    engine.answer(Ok(block()));
    let mut transaction = appsec(&engine).transaction();
    give(
        &mut transaction,
        &json!({"usr.id": "bob", "http.client_ip": "8.8.8.8"}),
    );
    assert_eq!(transaction.decide().status(), Some(403));
    assert_eq!(engine.evaluated(), [json!({"http.client_ip": "8.8.8.8"})]);

    let engine = FakeEngine::default();
    let mut transaction = with(&engine, Blocking::Ignored).transaction();
    give(
        &mut transaction,
        &json!({"usr.id": "bob", "http.client_ip": "nobody"}),
    );
    transaction.decide();
    assert_eq!(engine.evaluated(), [json!({"usr.id": "bob"})]);
}

/// Names that are taken, with one that is not.
const NAMES: [&str; 9] = [
    "server.request.method",
    "server.request.uri.raw",
    "server.request.query",
    "server.request.headers.no_cookies",
    "server.request.body",
    "server.response.status",
    "http.client_ip",
    "network.client.ip",
    "nowhere",
];

fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
        "/[a-z?&=%0-9]{0,20}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec(("[a-zA-Z-]{0,8}", inner), 0..6)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Whether containers and texts within an address are within limits.
fn keeps(value: &Json, limits: &Limits, depth: usize) -> bool {
    match value {
        Json::String(text) => text.len() <= limits.text,
        Json::Array(items) => {
            depth <= limits.depth
                && items.len() <= limits.container
                && items.iter().all(|item| keeps(item, limits, depth + 1))
        }
        Json::Object(members) => {
            depth <= limits.depth
                && members.len() <= limits.container
                && members
                    .iter()
                    .all(|(name, item)| name.len() <= limits.text && keeps(item, limits, depth + 1))
        }
        _ => true,
    }
}

proptest! {
    #[test]
    fn whatever_is_given_is_taken_within_limits_or_refused_whole(
        members in prop::collection::vec((prop::sample::select(&NAMES[..]), values()), 0..5),
    ) {
        let limits = Limits { depth: 4, container: 3, text: 40, values: 50 };
        let engine = FakeEngine::default();
        let config = Config { limits, ..Config::default() };
        let appsec = AppSec::with_engine(config, &engine, Source::User, RULES.to_vec()).unwrap();
        let mut transaction = appsec.transaction();
        let members: serde_json::Map<String, Json> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        // Of an object that is too wide, the rest is left out, and with it what would be refused.
        let is_refused = members.len() <= limits.container && members.contains_key("nowhere");
        let given = transaction.give(Json::Object(members).to_string().as_bytes());
        prop_assert!(given.is_err() || !is_refused);
        transaction.decide();
        let seen = engine.evaluated();
        prop_assert!(given.is_ok() || seen.is_empty());
        for data in seen {
            for (name, value) in data.as_object().unwrap() {
                prop_assert!(keeps(value, &limits, ADDRESS_DEPTH), "{name}: {value}");
            }
        }
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let engine = FakeEngine::default();
        let mut transaction = appsec(&engine).transaction();
        for address in NAMES {
            drop(transaction.give_value(address, &bytes));
        }
        drop(transaction.give(&bytes));
        prop_assert_eq!(transaction.give_body(BodyOf::Request, &bytes, None), Ok(()));
        prop_assert_eq!(transaction.decide(), WafVerdict::Allow);
    }
}
