//! The shape of an entry, both ways.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{EntryError, IntakeEntry};

fn written(entry: &IntakeEntry) -> String {
    let mut out = Vec::new();
    entry.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

fn rewritten(json: &str) -> Result<String, EntryError> {
    IntakeEntry::from_json(json.as_bytes()).map(|entry| written(&entry))
}

#[test]
fn a_minimal_entry_takes_41_bytes() {
    let entry = IntakeEntry::from_message("x", 1_700_000_000_000);
    assert_eq!(
        written(&entry),
        r#"{"message":"x","timestamp":1700000000000}"#
    );
    assert_eq!(written(&entry).len(), 41);
}

#[test]
fn a_full_entry_has_its_keys_in_the_fixed_order_and_its_attributes_in_theirs() {
    let mut entry = IntakeEntry::from_message("user logged in", 1_700_000_001_000);
    entry.status = Some("info".to_owned());
    entry.ddtags = Some("env:prod,version:1.0".to_owned());
    entry.ddsource = Some("lambda".to_owned());
    entry.service = Some("my-service".to_owned());
    entry.hostname = Some("my-host".to_owned());
    let lambda = json!({"arn": "a", "request_id": "r"});
    entry.attributes.insert("lambda".to_owned(), lambda);
    let full = r#"{"message":"user logged in","timestamp":1700000001000,"hostname":"my-host","service":"my-service","ddsource":"lambda","ddtags":"env:prod,version:1.0","status":"info","lambda":{"arn":"a","request_id":"r"}}"#;
    assert_eq!(written(&entry), full);
    assert_eq!(rewritten(full).unwrap(), full);
}

#[test]
fn a_field_wins_over_an_attribute_of_the_same_name() {
    let mut entry = IntakeEntry::from_message("field", 1);
    entry.service = Some("field".to_owned());
    for key in ["message", "timestamp", "service"] {
        entry.attributes.insert(key.to_owned(), "attribute".into());
    }
    assert_eq!(
        written(&entry),
        r#"{"message":"field","timestamp":1,"service":"field"}"#
    );
}

#[test]
fn an_attribute_fills_an_unset_field_only_with_a_value_of_its_type() {
    let mut entry = IntakeEntry::from_message("m", 1);
    entry.timestamp = None;
    entry.attributes.insert("status".to_owned(), json!(7));
    entry
        .attributes
        .insert("service".to_owned(), json!("promoted"));
    entry.attributes.insert("timestamp".to_owned(), json!(2));
    entry.attributes.insert("hostname".to_owned(), Value::Null);
    assert_eq!(
        written(&entry),
        r#"{"message":"m","timestamp":2,"service":"promoted","status":7}"#
    );
}

#[test]
fn an_unset_field_is_never_written_as_null_or_empty() {
    let mut entry = IntakeEntry::from_message("", 1);
    entry.timestamp = None;
    entry.hostname = Some(String::new());
    assert_eq!(written(&entry), r#"{"message":""}"#);
    assert_eq!(
        rewritten(r#"{"message":"a","hostname":null,"ddtags":"","timestamp":null,"x":null}"#)
            .unwrap(),
        r#"{"message":"a","x":null}"#
    );
}

#[test]
fn a_message_is_required_and_not_null() {
    assert_eq!(rewritten(r#"{"x":1}"#), Err(EntryError::MissingMessage));
    assert_eq!(
        rewritten(r#"{"message":null}"#),
        Err(EntryError::NullMessage)
    );
    assert_eq!(rewritten("[]"), Err(EntryError::NotAnObject));
    assert_eq!(rewritten("{"), Err(EntryError::NotJson));
}

#[test]
fn a_message_may_be_an_object_or_array_and_a_scalar_becomes_its_text() {
    for message in [r#"{"a":[1,{"b":null}]}"#, r#"["a",2]"#] {
        let json = format!(r#"{{"message":{message}}}"#);
        assert_eq!(rewritten(&json).unwrap(), json);
    }
    assert_eq!(
        rewritten(r#"{"message":1.50}"#).unwrap(),
        r#"{"message":"1.5"}"#
    );
    assert_eq!(
        rewritten(r#"{"message":true}"#).unwrap(),
        r#"{"message":"true"}"#
    );
}

#[test]
fn a_timestamp_may_be_an_integer_a_fraction_or_a_text() {
    let timestamp = |given: &str| {
        let json = format!(r#"{{"message":"m","timestamp":{given}}}"#);
        let written: Value = serde_json::from_str(&rewritten(&json).unwrap()).unwrap();
        written["timestamp"].clone()
    };
    assert_eq!(timestamp("1700000000000"), json!(1_700_000_000_000_i64));
    assert_eq!(timestamp("1700000000000.9"), json!(1_700_000_000_000_i64));
    assert_eq!(timestamp("-1.5"), json!(-1));
    assert_eq!(
        timestamp(r#""2024-03-28T13:45:30Z""#),
        json!("2024-03-28T13:45:30Z")
    );
    // Not a time, hence an attribute like any other.
    assert_eq!(timestamp("true"), json!(true));
}

/// Any JSON value, with keys that often are reserved ones.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        prop::sample::select(&datadog_wire::logs::RESERVED_KEYS[..]).prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(value in any_json(), message in any_json()) {
        let mut value = value;
        if let Some(members) = value.as_object_mut() {
            members.insert("message".to_owned(), message);
        }
        let json = serde_json::to_vec(&value).unwrap();
        if let Ok(entry) = IntakeEntry::from_json(&json) {
            let again = IntakeEntry::from_json(written(&entry).as_bytes());
            prop_assert_eq!(again, Ok(entry));
        }
    }

    #[test]
    fn no_key_is_written_twice(attributes in any_json(), service in any::<Option<String>>()) {
        let mut entry = IntakeEntry::from_message("m", 1);
        entry.service = service;
        entry.attributes = attributes.as_object().cloned().unwrap_or_default();
        let text = written(&entry);
        let value: Value = serde_json::from_str(&text).unwrap();
        // serde_json keeps one of two equal keys, so that a repeated key makes the text longer.
        prop_assert_eq!(serde_json::to_string(&value).unwrap().len(), text.len());
    }
}
