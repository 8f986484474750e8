//! Tests of what is read of a span, in both forms, and of what is told of one that is malformed.

use std::io::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// An injection, as libddwaf tells of it.
fn injection() -> Value {
    json!({
        "rule": {
            "id": "crs-942-100", "name": "SQL Injection Attack Detected via libinjection", "on_match": ["block"],
            "tags": {"type": "sql_injection", "category": "attack_attempt", "confidence": "1"}
        },
        "rule_matches": [{
            "operator": "is_sqli", "operator_value": "",
            "parameters": [{
                "address": "server.request.query", "key_path": ["q", 0], "value": "1' OR '1'='1'", "highlight": ["s&sos"]
            }]
        }],
        "security_response_id": "0b1c"
    })
}

/// A file that the application was led to, as libddwaf tells of it.
fn exploit() -> Value {
    json!({
        "rule": {
            "id": "rasp-930-100", "name": "Local file inclusion exploit", "on_match": ["stack_trace"],
            "tags": {"type": "lfi", "category": "vulnerability_trigger", "module": "rasp"}
        },
        "rule_matches": [{
            "operator": "lfi_detector", "operator_value": "",
            "parameters": [{
                "resource": {"address": "server.io.fs.file", "value": "../../../etc/passwd"},
                "params": {"address": "server.request.query", "key_path": ["f", "0"], "value": "../../../etc/passwd"},
                "highlight": ["../../../etc/passwd"]
            }]
        }],
        "stack_id": "7f3a"
    })
}

fn span(meta: &[(&str, &str)]) -> Span {
    let meta = meta.iter();
    Span {
        meta: meta
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Span::default()
    }
}

fn triggers(all: &[Value]) -> String {
    json!({ "triggers": all }).to_string()
}

fn with_events(text: &str) -> Span {
    span(&[(EVENTS_JSON, text), (HAS_EVENT, "true")])
}

fn read_one(span: &Span) -> Security {
    read(span, &mut Budget::new()).unwrap()
}

#[track_caller]
fn told(span: &Span, problems: &[&str]) {
    let security = read_one(span);
    let found = security.problems.iter();
    let found: Vec<String> = found
        .map(|(dislike, detail)| format!("{dislike}: {detail}"))
        .collect();
    assert_eq!(found, problems);
}

fn packed(json: &str) -> String {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(json.as_bytes()).unwrap();
    BASE64.encode(encoder.finish().unwrap())
}

#[test]
fn an_event_is_read_to_its_last_field() {
    let security = read_one(&with_events(&triggers(&[injection()])));
    let expected = SecurityEvent {
        rule: SecurityRule {
            id: "crs-942-100".to_owned(),
            name: "SQL Injection Attack Detected via libinjection".to_owned(),
            kind: "sql_injection".to_owned(),
            category: "attack_attempt".to_owned(),
            on_match: vec!["block".to_owned()],
            tags: injection()["rule"]["tags"].as_object().unwrap().clone(),
        },
        rule_matches: vec![RuleMatch {
            operator: "is_sqli".to_owned(),
            operator_value: String::new(),
            parameters: vec![MatchedParameter {
                name: None,
                address: "server.request.query".to_owned(),
                key_path: vec![json!("q"), json!(0)],
                value: "1' OR '1'='1'".to_owned(),
                highlight: vec!["s&sos".to_owned()],
            }],
        }],
        security_response_id: Some("0b1c".to_owned()),
        stack_id: None,
    };
    assert_eq!(security.events, [expected]);
    assert_eq!(security.problems, []);
}

#[test]
fn the_parts_of_an_exploit_are_parameters_with_names() {
    let security = read_one(&with_events(&triggers(&[exploit()])));
    let event = &security.events[0];
    assert_eq!(event.stack_id.as_deref(), Some("7f3a"));
    let part = |name: &str, address: &str, key_path: Vec<Value>| MatchedParameter {
        name: Some(name.to_owned()),
        address: address.to_owned(),
        key_path,
        value: "../../../etc/passwd".to_owned(),
        highlight: vec!["../../../etc/passwd".to_owned()],
    };
    assert_eq!(
        event.rule_matches[0].parameters,
        [
            part("resource", "server.io.fs.file", vec![]),
            part(
                "params",
                "server.request.query",
                vec![json!("f"), json!("0")]
            ),
        ]
    );
}

#[test]
fn msgpack_says_the_same_as_json_and_comes_after_it() {
    let mut both = with_events(&triggers(&[injection()]));
    let document = json!({"triggers": [exploit()]});
    let document = rmp_serde::to_vec(&document).unwrap();
    both.meta_struct.insert("appsec".to_owned(), document);
    let as_json = with_events(&triggers(&[injection(), exploit()]));
    assert_eq!(read_one(&both), read_one(&as_json));
}

#[test]
fn a_span_without_a_firewall_says_nothing() {
    let mut plain = span(&[("http.url", "/"), ("appsec.blocked", "false")]);
    assert_eq!(read(&plain, &mut Budget::new()), None);
    plain.metrics.insert(ENABLED.to_owned(), 1.0);
    assert_eq!(read_one(&plain), Security::default());
}

#[test]
fn only_what_asked_to_block_did_so() {
    let both = triggers(&[injection(), exploit()]);
    let of = |text: &str, blocked: &str| {
        let mut span = with_events(text);
        span.meta.insert(BLOCKED.to_owned(), blocked.to_owned());
        let security = read_one(&span);
        let events = security.events.iter();
        events
            .map(|event| security.blocks(event))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&both, "true"), [true, false]);
    assert_eq!(of(&both, "false"), [false, false]);
    // Nothing known asked for it, and yet it was done.
    assert_eq!(of(&triggers(&[exploit()]), "true"), [true]);
}

#[test]
fn what_is_no_list_of_events_is_told() {
    told(
        &with_events("{"),
        &[
            "security events cannot be read: _dd.appsec.json: EOF while parsing an object at line 1 column 1",
        ],
    );
    for text in ["[]", "null", "{}", r#"{"triggers":{}}"#, "7"] {
        let problem = "security events cannot be read: _dd.appsec.json: no array of triggers";
        told(&with_events(text), &[problem]);
    }
    told(&with_events(r#"{"triggers":[]}"#), &[]);
    let mut broken = span(&[]);
    broken.meta_struct.insert("appsec".to_owned(), vec![0x81]);
    let security = read_one(&broken);
    assert_eq!(security.problems[0].0, Dislike::BadEvents);
}

#[test]
fn an_event_that_lacks_something_is_told_and_spoils_no_other() {
    let mut bare = injection();
    bare.as_object_mut().unwrap().remove("rule_matches");
    let all = [
        json!(1),
        json!({}),
        json!({"rule": {"id": ""}}),
        bare,
        injection(),
    ];
    let span = with_events(&triggers(&all));
    told(
        &span,
        &[
            "a security event lacks something: _dd.appsec.json: trigger 0: not an object",
            "a security event lacks something: _dd.appsec.json: trigger 1: no rule",
            "a security event lacks something: _dd.appsec.json: trigger 2: no id of a rule",
            "a security event lacks something: _dd.appsec.json: trigger 3: no rule_matches",
        ],
    );
    let security = read_one(&span);
    let matches = security.events.iter().map(|event| event.rule_matches.len());
    assert_eq!(matches.collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn values_of_other_types_are_shown_as_their_json() {
    let odd = json!({
        "rule": {"id": 7, "tags": [], "on_match": "block"},
        "rule_matches": [1, {"operator": null, "parameters": [2, {"address": "a", "value": {"b": [1]}, "highlight": "x", "key_path": 3}]}]
    });
    let security = read_one(&with_events(&triggers(&[odd])));
    let event = &security.events[0];
    assert_eq!(
        (&*event.rule.id, &*event.rule.on_match),
        ("7", &["block".to_owned()][..])
    );
    let expected = MatchedParameter {
        name: None,
        address: "a".to_owned(),
        key_path: vec![],
        value: r#"{"b":[1]}"#.to_owned(),
        highlight: vec!["x".to_owned()],
    };
    assert_eq!(event.rule_matches[0].parameters, [expected]);
}

#[test]
fn events_must_be_said_to_be_there() {
    let silent = span(&[(EVENTS_JSON, &triggers(&[injection()]))]);
    told(
        &silent,
        &["security events without appsec.event: it is not \"true\""],
    );
}

#[test]
fn events_are_read_up_to_the_hundredth() {
    let exact = with_events(&triggers(&vec![injection(); MAX_EVENTS]));
    told(&exact, &[]);
    assert_eq!(read_one(&exact).events.len(), MAX_EVENTS);
    let more = with_events(&triggers(&vec![injection(); MAX_EVENTS + 2]));
    told(
        &more,
        &["more than 100 security events on a span, or 1000 in a chunk: _dd.appsec.json: 2 more"],
    );
    assert_eq!(read_one(&more).events.len(), MAX_EVENTS);
    let nonsense = with_events(&triggers(&vec![json!(1); 20_000 - 3]));
    assert_eq!(read_one(&nonsense).problems.len(), MAX_EVENTS + 1);
}

#[test]
fn events_of_a_chunk_are_read_up_to_the_thousandth() {
    let bare = json!({"rule": {"id": "r"}, "rule_matches": [{}]});
    let full = with_events(&triggers(&vec![bare.clone(); MAX_EVENTS]));
    let mut spans = vec![full; MAX_CHUNK_EVENTS / MAX_EVENTS];
    let of = |spans: &[Span]| {
        let mut count = SecurityCount::default();
        let mut told = Vec::new();
        check(spans, &mut Budget::new(), &mut count, &mut |_, detail| {
            told.extend(detail);
        });
        (count.events, told)
    };
    assert_eq!(of(&spans), (1_000, vec![]));
    spans.push(with_events(&triggers(&[bare])));
    let told = "span 10: _dd.appsec.json: 1 more".to_owned();
    assert_eq!(of(&spans), (1_000, vec![told]));
}

#[test]
fn a_parameter_is_read_up_to_its_eighth_part() {
    let of = |parts: usize| {
        let mut event = exploit();
        let parts = (0..parts).map(|part| (part.to_string(), json!({"address": "a"})));
        let parameter = Value::Object(parts.collect());
        event["rule_matches"][0]["parameters"] = json!([parameter]);
        with_events(&triggers(&[event]))
    };
    told(&of(8), &[]);
    told(
        &of(9),
        &[
            "a security event lacks something: _dd.appsec.json: trigger 0: a parameter of more than 8 parts, of which the others are not read",
        ],
    );
    let read = read_one(&of(9));
    assert_eq!(read.events[0].rule_matches[0].parameters.len(), 8);
}

#[test]
fn a_list_of_events_is_read_up_to_the_last_byte() {
    let frame = r#"{"triggers":[]}"#;
    let of = |bytes: usize| with_events(&format!("{frame}{}", " ".repeat(bytes - frame.len())));
    told(&of(MAX_EVENTS_BYTES), &[]);
    told(
        &of(MAX_EVENTS_BYTES + 1),
        &["security events over 524288 bytes: _dd.appsec.json"],
    );
}

#[test]
fn a_schema_is_read_plain_and_packed() {
    let schema = r#"[{"email":[[[8,{"type":"email","category":"pii"}]],{"len":1}],"page":[[[8]],{"len":1}]}]"#;
    let expected: Value = serde_json::from_str(schema).unwrap();
    // As the zlib of Python makes it.
    let of_python = "H4sIAAAAAAACA4uuVkrNTczMUbKKjo620KlWKqksSFWyggrqKCUnlqSm5xdVAoUKMjOVamNjgWpyUvOUrAxrY3WUChLTUyFaUSRqYwEoUz29WAAAAA==";
    for text in [schema.to_owned(), packed(schema), of_python.to_owned()] {
        let security = read_one(&span(&[("_dd.appsec.s.req.query", &text)]));
        assert_eq!(security.problems, []);
        assert_eq!(
            security.schemas,
            [("req.query".to_owned(), expected.clone())].into()
        );
    }
}

#[test]
fn what_is_no_schema_is_told() {
    let key = "_dd.appsec.s.req.body";
    let told = |text: &str, why: &str| told(&span(&[(key, text)]), &[why]);
    told(
        "",
        "a schema cannot be read: _dd.appsec.s.req.body: not gzip",
    );
    told(
        "?",
        "a schema cannot be read: _dd.appsec.s.req.body: not base64",
    );
    told(
        "AAAA",
        "a schema cannot be read: _dd.appsec.s.req.body: not gzip",
    );
    told(
        &packed("[8"),
        "a schema cannot be read: _dd.appsec.s.req.body: EOF while parsing a list at line 1 column 2",
    );
    told(
        &format!("[{}]", " ".repeat(MAX_SCHEMA_BYTES - 1)),
        "schema over 262144 bytes: _dd.appsec.s.req.body",
    );
}

#[test]
fn a_bomb_is_not_unpacked_past_the_last_byte() {
    let of = |bytes: usize| packed(&format!("[{}]", " ".repeat(bytes - 2)));
    let key = "_dd.appsec.s.req.body";
    told(&span(&[(key, &of(MAX_SCHEMA_BYTES))]), &[]);
    told(
        &span(&[(key, &of(MAX_SCHEMA_BYTES + 1))]),
        &["schema over 262144 bytes: _dd.appsec.s.req.body"],
    );
}

#[test]
fn bombs_in_number_are_read_until_the_budget_is_spent() {
    let bomb = packed(&format!("[{}]", " ".repeat(MAX_SCHEMA_BYTES - 2)));
    let bombs = |spans: usize| vec![span(&[("_dd.appsec.s.req.body", &bomb)]); spans];
    let cut = |budget: &mut Budget, spans: usize| {
        let mut cut = 0;
        let mut count = SecurityCount::default();
        check(&bombs(spans), budget, &mut count, &mut |dislike, _| {
            assert_eq!(dislike, Dislike::SecurityCut);
            cut += 1;
        });
        cut
    };
    // What is packed counts too, so that one less than the eighth part fits.
    let fit = MAX_CHUNK_BYTES / MAX_SCHEMA_BYTES - 1;
    let mut budget = Budget::new();
    assert_eq!(cut(&mut budget, fit), 0);
    assert_eq!(cut(&mut budget, fit + 3), 3);
    for _ in 0..MAX_BODY_BYTES / MAX_CHUNK_BYTES {
        cut(&mut budget, fit + 3);
    }
    assert_eq!(cut(&mut budget, 2), 2);
}

#[test]
fn schemas_of_one_span_are_counted() {
    let keys: Vec<String> = (0..MAX_SCHEMAS + 1)
        .map(|index| format!("_dd.appsec.s.graphql.{index:02}"))
        .collect();
    let meta: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "[8]")).collect();
    told(&span(&meta[1..]), &[]);
    told(
        &span(&meta),
        &["more security data than is read: _dd.appsec.s.graphql.32"],
    );
}

#[test]
fn fingerprints_go_by_what_they_are_of() {
    let endpoint = "http-get-13a7bc88-8e35c2cd-";
    let span = span(&[
        ("_dd.appsec.fp.http.endpoint", endpoint),
        ("_dd.appsec.fp.session", "ssn-0"),
    ]);
    let found = read_one(&span).fingerprints;
    assert_eq!(found["http.endpoint"], endpoint);
    assert_eq!(found["session"], "ssn-0");
}

#[test]
fn fingerprints_are_few_and_short() {
    let keys: Vec<String> = (0..MAX_FINGERPRINTS + 1)
        .map(|index| format!("_dd.appsec.fp.{index:02}"))
        .collect();
    let (exact, long) = ("x".repeat(MAX_SHORT_BYTES), "x".repeat(MAX_SHORT_BYTES + 1));
    let meta: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), &*exact)).collect();
    told(&span(&meta[1..]), &[]);
    told(
        &span(&meta),
        &["more security data than is read: _dd.appsec.fp.16"],
    );
    told(
        &span(&[("_dd.appsec.fp.a", &long)]),
        &["more security data than is read: _dd.appsec.fp.a"],
    );
}

#[test]
fn a_problem_has_no_more_than_the_start_of_a_key() {
    let key = format!("{SCHEMA}{}", "é".repeat(MAX_SHORT_BYTES));
    let problems = read_one(&span(&[(&key, "?")])).problems;
    let shown = problems[0].1.strip_suffix(": not base64").unwrap();
    assert_eq!(shown.len(), MAX_SHORT_BYTES - 1);
    assert!(key.starts_with(shown));
}

#[test]
fn events_of_a_body_are_counted_by_rule() {
    let mut blocked = with_events(&triggers(&[injection(), exploit()]));
    blocked.meta.insert(BLOCKED.to_owned(), "true".to_owned());
    let spans = [blocked, with_events(&triggers(&[injection()]))];
    let mut count = SecurityCount::default();
    check(&spans, &mut Budget::new(), &mut count, &mut |dislike, _| {
        panic!("{dislike}");
    });
    assert_eq!((count.events, count.blocked), (3, 1));
    let mut rules: Vec<_> = count.rules.iter().collect();
    rules.sort_unstable();
    assert_eq!(rules, [("crs-942-100", 2), ("rasp-930-100", 1)]);
}

/// Any JSON, of few members.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("triggers"),
        Just("rule"),
        Just("id"),
        Just("tags"),
        Just("rule_matches"),
        Just("parameters"),
        Just("address"),
        Just("key_path"),
        Just("highlight"),
        Just("resource"),
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        let members = prop::collection::vec((key.clone(), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| {
                let members = members.into_iter();
                members
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_span_is_read_and_written(text: String, bytes: Vec<u8>, schema: String, of: String) {
        let mut span = with_events(&text);
        span.meta.insert(format!("{SCHEMA}{of}"), schema);
        span.meta_struct.insert(EVENTS_STRUCT.to_owned(), bytes);
        let security = read_one(&span);
        record::of_span(&security);
    }

    #[test]
    fn any_document_is_read_alike_in_both_forms(document in any_json()) {
        let as_json = with_events(&document.to_string());
        let mut as_struct = span(&[(HAS_EVENT, "true")]);
        // Read back first: the text of a number may be another number's.
        let document: Value = serde_json::from_str(&document.to_string()).unwrap();
        let document = rmp_serde::to_vec(&document).unwrap();
        as_struct.meta_struct.insert(EVENTS_STRUCT.to_owned(), document);
        prop_assert_eq!(read_one(&as_json).events, read_one(&as_struct).events);
    }

    #[test]
    fn any_schema_that_is_packed_comes_out(bytes: Vec<u8>) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        let text = BASE64.encode(encoder.finish().unwrap());
        let found = read_one(&span(&[("_dd.appsec.s.req.body", &text)]));
        let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
        prop_assert_eq!(found.schemas.len(), usize::from(is_json));
    }
}
