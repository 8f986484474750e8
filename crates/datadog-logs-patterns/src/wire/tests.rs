//! Vectors with exact bytes, and properties against the types that are generated from the schemas.

mod generated;
mod json;
mod strategy;

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::operation::{Body, Operation, Value};

const TEMPLATE: &[u8] = b"ERROR Connection from  timed out after ";
const TEMPLATE_HEX: &str =
    "4552524f5220436f6e6e656374696f6e2066726f6d202074696d6564206f757420616674657220";
const NOON_MS: i64 = 1_700_000_000_000;

fn bytes(operations: &Operations, profile: Profile) -> Vec<u8> {
    let mut out = Vec::new();
    write(operations, profile, Options::default(), &mut out);
    out
}

/// Compares with hexadecimal in which spaces mean nothing.
#[track_caller]
fn check(operations: &Operations, profile: Profile, hex: &str) {
    let found: String = bytes(operations, profile)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(found, hex.replace([' ', '\n'], ""));
}

fn define_text(operations: &mut Operations, id: u64, text: &str) {
    let text = operations.keep_text(text.as_bytes());
    operations.push(Operation::DefineText { id, text });
}

fn define_pattern(operations: &mut Operations, id: u64, template: &[u8], positions: &[u32]) {
    let template = operations.keep_text(template);
    let positions = operations.keep_positions(positions);
    operations.push(Operation::DefinePattern {
        id,
        template,
        positions,
    });
}

fn log(timestamp_ms: i64, body: Body) -> Log {
    Log {
        timestamp_ms,
        status: None,
        service: None,
        tags: None,
        uuid: None,
        body,
        json: None,
    }
}

fn pattern(operations: &mut Operations, id: u64, texts: &[&str]) -> Body {
    let values: Vec<Value> = texts
        .iter()
        .map(|text| Value::Text(operations.keep_text(text.as_bytes())))
        .collect();
    let values = operations.keep_values(values);
    Body::Pattern { id, values }
}

fn raw(operations: &mut Operations, text: &str) -> Body {
    Body::Raw(operations.keep_text(text.as_bytes()))
}

/// Adds a raw log `x` at time 0 with these tags and this status.
fn push_x(operations: &mut Operations, tags: Option<DictId>, status: Option<DictId>) {
    let body = raw(operations, "x");
    operations.push(Operation::Log(Log {
        tags,
        status,
        ..log(0, body)
    }));
}

#[test]
fn profile_a_is_written_to_the_byte() {
    let mut operations = Operations::default();
    define_pattern(&mut operations, 1, TEMPLATE, &[22, 39]);
    define_text(&mut operations, 1, "env:prod,hostname:web-1,ddsource:nginx");
    define_text(&mut operations, 2, "error");
    for (timestamp_ms, values) in [
        (NOON_MS, ["10.0.0.5", "45s"]),
        (NOON_MS + 7, ["10.0.0.6", "12s"]),
        (NOON_MS + 4, ["10.0.0.7", "30s"]),
    ] {
        let body = pattern(&mut operations, 1, &values);
        operations.push(Operation::Log(Log {
            tags: Some(1),
            status: Some(2),
            ..log(timestamp_ms, body)
        }));
    }
    let hex = format!(
        "0a33 0a31 0801 1227 {TEMPLATE_HEX} 1802 2202 1627
         0a2c 1a2a0801 1226 656e763a70726f642c686f73746e616d653a7765622d312c6464736f757263653a6e67696e78
         0a0b 1a090802 1205 6572726f72
         0a28 3226 0880a0abfef962 1213 120a1a0831302e302e302e35 12051a03343573 2204 0a022001 3202 2002
         0a19 3217 080e 1213 120a1a0831302e302e302e36 12051a03313273
         0a19 3217 0805 1213 120a1a0831302e302e302e37 12051a03333073"
    );
    check(&operations, Profile::A, &hex);
    assert_eq!(bytes(&operations, Profile::A).len(), 208);
}

#[test]
fn profile_c_is_written_to_the_byte() {
    let mut operations = Operations::default();
    define_pattern(&mut operations, 2, TEMPLATE, &[22, 39]);
    for (timestamp_ms, values) in [
        (NOON_MS, ["10.0.0.5", "45s"]),
        (NOON_MS + 7, ["10.0.0.6", "12s"]),
    ] {
        let body = pattern(&mut operations, 2, &values);
        operations.push(Operation::Log(Log {
            status: Some(3),
            tags: Some(2),
            ..log(timestamp_ms, body)
        }));
    }
    let body = raw(&mut operations, "x");
    operations.push(Operation::Log(Log {
        status: Some(3),
        tags: Some(2),
        ..log(NOON_MS + 4, body)
    }));
    let hex = format!(
        "0a31 122f 0802 1227 {TEMPLATE_HEX} 2202 1627
         0a24 2222 0880a0abfef962 1003 1801 2002 320a1a0831302e302e302e35 32051a03343573 4001
         0a17 2215 080e 320a1a0831302e302e302e36 32051a03313273
         0a07 2205 0805 3a0178"
    );
    check(&operations, Profile::C, &hex);
}

#[test]
fn numbers_entries_and_texts_are_members_of_a_value() {
    let mut operations = Operations::default();
    let text = operations.keep_text(b"-42");
    let empty = operations.keep_text(b"");
    let values = operations.keep_values([
        Value::Int(42),
        Value::Int(-42),
        Value::Text(text),
        Value::Dict(300),
        Value::Int(0),
        Value::Text(empty),
    ]);
    let body = Body::Pattern { id: 5, values };
    operations.push(Operation::Log(log(0, body)));
    let values = [
        "082a",
        "08d6ffffffffffffffff01",
        "1a032d3432",
        "20ac02",
        "0800",
        "1a00",
    ];
    let fields = |key: &str| -> String {
        let field = |value: &&str| format!("{key}{:02x}{value}", value.len() / 2);
        values.iter().map(field).collect()
    };
    let a = fields("12");
    check(&operations, Profile::A, &format!("0a2b 3229 1227 0805 {a}"));
    let c = fields("32");
    check(
        &operations,
        Profile::C,
        &format!("0a31 222f 1001 1801 2001 2805 {c} 4001"),
    );
}

#[test]
fn timestamps_of_a_batch_are_differences_and_zero_is_one_of_them() {
    let mut operations = Operations::default();
    for timestamp_ms in [5, 0, 9, 9] {
        let body = raw(&mut operations, "x");
        operations.push(Operation::Log(log(timestamp_ms, body)));
    }
    check(
        &operations,
        Profile::A,
        "0a07 3205 080a 1a0178
         0a07 3205 0809 1a0178
         0a07 3205 0812 1a0178
         0a05 3203 1a0178",
    );
}

#[test]
fn in_profile_a_none_after_some_is_an_empty_string() {
    let mut operations = Operations::default();
    push_x(&mut operations, None, None);
    push_x(&mut operations, Some(1), Some(2));
    push_x(&mut operations, None, None);
    push_x(&mut operations, None, None);
    push_x(&mut operations, Some(1), Some(2));
    check(
        &operations,
        Profile::A,
        "0a05 3203 1a0178
         0a0f 320d 1a0178 2204 0a022001 3202 2002
         0a0f 320d 1a0178 2204 0a021a00 3202 1a00
         0a05 3203 1a0178
         0a0f 320d 1a0178 2204 0a022001 3202 2002",
    );
}

#[test]
fn in_profile_c_none_is_stated_first_and_after_some() {
    let mut operations = Operations::default();
    push_x(&mut operations, None, None);
    push_x(&mut operations, Some(2), Some(3));
    push_x(&mut operations, None, Some(3));
    push_x(&mut operations, None, Some(3));
    check(
        &operations,
        Profile::C,
        "0a0d 220b 1001 1801 2001 3a0178 4001
         0a09 2207 1003 2002 3a0178
         0a07 2205 2001 3a0178
         0a05 2203 3a0178",
    );
}

#[test]
fn a_raw_log_leaves_the_last_pattern_and_a_definition_sets_it() {
    let mut operations = Operations::default();
    define_pattern(&mut operations, 1, b"a", &[]);
    let body = raw(&mut operations, "x");
    operations.push(Operation::Log(log(0, body)));
    let body = pattern(&mut operations, 1, &[]);
    operations.push(Operation::Log(log(0, body)));
    define_pattern(&mut operations, 2, b"", &[]);
    operations.push(Operation::DeletePattern { id: 2 });
    operations.push(Operation::DeleteText { id: 9 });
    for id in [2, 1] {
        let body = pattern(&mut operations, id, &[]);
        operations.push(Operation::Log(log(0, body)));
    }
    check(
        &operations,
        Profile::A,
        "0a07 0a05 0801 120161
         0a05 3203 1a0178
         0a04 3202 1200
         0a04 0a02 0802
         0a04 1202 0802
         0a04 2202 0809
         0a04 3202 1200
         0a06 3204 1202 0801",
    );
    check(
        &operations,
        Profile::C,
        "0a07 1205 0801 120161
         0a0d 220b 1001 1801 2001 3a0178 4001
         0a02 2200
         0a04 1202 0802
         0a04 3a02 0802
         0a04 3202 0809
         0a02 2200
         0a04 2202 2801",
    );
}

#[test]
fn an_empty_raw_log_is_present_in_profile_a() {
    let mut operations = Operations::default();
    let body = raw(&mut operations, "");
    operations.push(Operation::Log(log(0, body)));
    check(&operations, Profile::A, "0a04 3202 1a00");
}

#[test]
fn exact_bytes_stand_in_the_extension_unless_it_is_off() {
    let mut operations = Operations::default();
    let lossy = operations.keep_text("\u{fffd}".as_bytes());
    let exact = operations.keep_text(b"\xff");
    let uuid = Some(operations.keep_text(b"u"));
    operations.push(Operation::Log(Log {
        uuid,
        ..log(0, Body::Bytes { lossy, exact })
    }));
    check(
        &operations,
        Profile::A,
        "0a0e 320c 1a03efbfbd 2a0175 c23e01ff",
    );
    check(
        &operations,
        Profile::C,
        "0a17 2215 1001 1801 2001 3a03efbfbd 4001 a2060175 c23e01ff",
    );
    let mut out = Vec::new();
    let options = Options {
        exact_bytes_extension: false,
        ..Options::default()
    };
    write(&operations, Profile::A, options, &mut out);
    assert_eq!(out, b"\x0a\x0a\x32\x08\x1a\x03\xef\xbf\xbd\x2a\x01u");
}

#[test]
fn a_message_is_appended_to_what_the_buffer_holds() {
    let mut operations = Operations::default();
    push_x(&mut operations, None, None);
    let mut out = b"before".to_vec();
    write(&operations, Profile::A, Options::default(), &mut out);
    assert_eq!(out, b"before\x0a\x05\x32\x03\x1a\x01x");
}

proptest! {
    #[test]
    fn profile_a_decodes_to_what_the_operations_say(
        operations in strategy::operations(Profile::A),
        exact_bytes_extension: bool,
    ) {
        let options = Options {
            exact_bytes_extension,
            ..Options::default()
        };
        let mut out = Vec::new();
        write(&operations, Profile::A, options, &mut out);
        let decoded = stateful::a::DatumSequence::decode(out.as_slice()).unwrap();
        prop_assert_eq!(&decoded, &generated::a(&operations, options));
        prop_assert_eq!(decoded.encode_to_vec(), out);
    }

    #[test]
    fn profile_c_decodes_to_what_the_operations_say(
        operations in strategy::operations(Profile::C),
        exact_bytes_extension: bool,
    ) {
        let options = Options {
            exact_bytes_extension,
            ..Options::default()
        };
        let mut out = Vec::new();
        write(&operations, Profile::C, options, &mut out);
        let decoded = stateful::c::LogDatumSequence::decode(out.as_slice()).unwrap();
        prop_assert_eq!(&decoded, &generated::c(&operations, options));
        prop_assert_eq!(decoded.encode_to_vec(), out);
    }

    #[test]
    fn the_breakdown_adds_up_to_the_message(
        (operations, profile) in prop_oneof![Just(Profile::A), Just(Profile::C)]
            .prop_flat_map(|profile| (strategy::operations(profile), Just(profile))),
        exact_bytes_extension: bool,
    ) {
        let options = Options {
            exact_bytes_extension,
            ..Options::default()
        };
        let mut out = Vec::new();
        write(&operations, profile, options, &mut out);
        prop_assert_eq!(breakdown(&operations, profile, options).total(), out.len());
    }
}
