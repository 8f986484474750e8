//! Documents and what is left of them.

use proptest::prelude::*;

use super::*;

fn obfuscate(document: &str, keep: &[&str], sql: &[&str]) -> String {
    let owned = |keys: &[&str]| keys.iter().map(ToString::to_string).collect();
    let json = Json::new(&config::Json {
        enabled: true,
        keep_values: owned(keep),
        obfuscate_sql_values: owned(sql),
    });
    json.obfuscate(document, &Sql::new(&config::Sql::default()))
}

#[track_caller]
fn check(document: &str, expect: &str) {
    assert_eq!(obfuscate(document, &[], &[]), expect);
}

#[test]
fn values_become_question_marks_and_blanks_go() {
    check(
        r#"{"a": [1, 2], "b": {"c": "x", "d": null}}"#,
        r#"{"a":["?","?"],"b":{"c":"?","d":"?"}}"#,
    );
    check(
        r#"[true, false, -1.5e+3, {}, []]"#,
        r#"["?","?","?",{},[]]"#,
    );
    check("{ }", "{}");
    check(" 12 ", r#""?""#);
    check("", "");
}

#[test]
fn what_is_cut_ends_in_dots() {
    check(r#"{"a": 1, "b"#, r#"{"a":"?","b..."#);
    check(r#"{"a": "secr"#, r#"{"a":"?"..."#);
    check(r#"{"a": 1"#, r#"{"a":"?"..."#);
    check(r#"{"a""#, r#"{"a"..."#);
    check(r#"{"a":"#, r#"{"a":..."#);
    check("[", "[...");
    check(" ", "...");
}

#[test]
fn nothing_is_kept_after_what_is_no_json() {
    check(r#"{"a": tru, "secret": 1}"#, r#"{"a":"?"..."#);
    check(r#"{"a": 01, "secret": 1}"#, r#"{"a":"?"..."#);
    check(r#"{"a": 1. , "secret": 1}"#, r#"{"a":"?"..."#);
    check(r#"{"a": secret}"#, r#"{"a":..."#);
    check(r#"{"a" "secret"}"#, r#"{"a"..."#);
    check(r#"{secret: 1}"#, "{...");
    check(r#"["a",]"#, r#"["?",..."#);
    check(r#"{"a":1,}"#, r#"{"a":"?",..."#);
    check(r#"["a" "b"]"#, r#"["?"..."#);
    check(r#"[1}"#, r#"["?"..."#);
    check("{\"a\nb\": 1}", "{\"a...");
    check(r#"{"a\x": 1}"#, r#"{"a\..."#);
    check(r#"{"\u12g4": 1}"#, r#"{"\u12..."#);
    check("find secret", r#""?"..."#);
    check("db.find secret", "...");
}

#[test]
fn documents_may_follow_one_another() {
    check("{\"index\": {}}\n{\"a\": 1}\n", r#"{"index":{}}{"a":"?"}"#);
    check("{} secret", "{}...");
}

#[test]
fn values_of_kept_keys_stay_whole() {
    let keep = |document| obfuscate(document, &["id", "ids"], &[]);
    assert_eq!(keep(r#"{"id": 7, "name": "x"}"#), r#"{"id":7,"name":"?"}"#);
    assert_eq!(
        keep(r#"{"ids": [1, {"name": "x y"}], "name": ["x"]}"#),
        r#"{"ids":[1,{"name":"x y"}],"name":["?"]}"#
    );
    assert_eq!(
        keep(r#"[{"a": {"id": "x"}, "b": 1}, 2]"#),
        r#"[{"a":{"id":"x"},"b":"?"},"?"]"#
    );
    assert_eq!(keep(r#"{"id": {}, "b": 1}"#), r#"{"id":{},"b":"?"}"#);
    assert_eq!(
        keep(r#"{"id": {"id": 1, "b": 2}, "b": 3}"#),
        r#"{"id":{"id":1,"b":2},"b":"?"}"#
    );
    assert_eq!(keep(r#"{"id": "cu"#), r#"{"id":"cu..."#);
}

#[test]
fn values_of_sql_keys_are_obfuscated_as_sql() {
    let sql = |document| obfuscate(document, &[], &["sql"]);
    assert_eq!(
        sql(r#"{"sql": "SELECT \"a\" FROM t WHERE b = 'x'", "c": 1}"#),
        r#"{"sql":"SELECT a FROM t WHERE b = ?","c":"?"}"#
    );
    assert_eq!(
        sql(r#"{"sql": "SELECT `a\"b` FROM t"}"#),
        r#"{"sql":"SELECT a\"b FROM t"}"#
    );
    assert_eq!(sql(r#"{"sql": "SELECT 'open"}"#), r#"{"sql":"?"}"#);
    assert_eq!(sql(r#"{"sql": 42}"#), r#"{"sql":"?"}"#);
    assert_eq!(
        sql(r#"{"sql": {"a": "SELECT 1"}, "b": ["x"]}"#),
        r#"{"sql":{"a":"?"},"b":["?"]}"#
    );
    assert_eq!(sql(r#"{"sql": "SELECT 'cu"#), r#"{"sql":..."#);
}

#[test]
fn nesting_has_a_bound() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    check(&nested(MAX_DEPTH), &nested(MAX_DEPTH));
    check(
        &nested(MAX_DEPTH + 1),
        &format!("{}...", "[".repeat(MAX_DEPTH)),
    );
}

/// Any value of JSON.
fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        Just(Value::from("SELECT \"a\" FROM b WHERE c = 'd'")),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("sql|keep|.*", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What a value becomes, by the book.
fn hidden(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(items) => items.iter().map(hidden).collect(),
        serde_json::Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), hidden(value)))
            .collect(),
        _ => "?".into(),
    }
}

proptest! {
    #[test]
    fn valid_json_stays_valid(value in json(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value)?
        } else {
            value.to_string()
        };
        let obfuscated: serde_json::Value = serde_json::from_str(&obfuscate(&text, &[], &[]))?;
        prop_assert_eq!(&obfuscated, &hidden(&value));
        serde_json::from_str::<serde_json::Value>(&obfuscate(&text, &["keep"], &["sql"]))?;
    }

    #[test]
    fn no_text_makes_it_panic_or_grow(text in "[\\[\\]{}:,\"\\\\a-f0-9.\u{e4} -]*|.*") {
        let obfuscated = obfuscate(&text, &["a"], &["b"]);
        prop_assert!(obfuscated.len() <= text.len() * 3 + CUT.len());
    }

    #[test]
    fn what_is_obfuscated_stays_as_it_is(value in json()) {
        let once = obfuscate(&value.to_string(), &[], &[]);
        prop_assert_eq!(obfuscate(&once, &[], &[]), once);
    }
}
