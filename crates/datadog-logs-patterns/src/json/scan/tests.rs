//! For each rule of the canonical form a line that keeps it and one that does not.

use expect_test::{Expect, expect};

use super::*;

/// What is found in a line, a member in each line; the message is marked.
#[track_caller]
fn check(line: &str, expected: Expect) {
    let mut scanner = Scanner::default();
    expected.assert_eq(
        &match scanner.scan(line.as_bytes(), ShapeOf::KeysAndKinds) {
            Ok(()) => shown(&scanner, line),
            Err(refusal) => format!("{refusal:?}"),
        },
    );
}

fn shown(scanner: &Scanner, line: &str) -> String {
    assert!(scanner.gives_back(line.as_bytes()), "{line}");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let members = (0..).zip(scanner.members()).map(|(index, member)| {
        let mark = match scanner.message_index() == Some(index) {
            true => "*",
            false => "",
        };
        let value = match scanner.value(line.as_bytes(), member) {
            Leaf::Text(value) => format!("{:?}", text(value)),
            Leaf::Raw(value) => format!("raw {}", text(value)),
            other => format!("{other:?}"),
        };
        format!("{mark}{}: {value}", text(scanner.path(member)))
    });
    members.collect::<Vec<_>>().join("\n")
}

/// Whether a line is canonical; what it is refused for is its form.
#[track_caller]
fn is_canonical(line: &str) -> bool {
    let mut scanner = Scanner::default();
    match scanner.scan(line.as_bytes(), ShapeOf::Keys) {
        Ok(()) => {
            assert!(scanner.gives_back(line.as_bytes()), "{line}");
            true
        }
        Err(refusal) => {
            assert_eq!(refusal, Refusal::Form, "{line}");
            false
        }
    }
}

#[track_caller]
fn check_rule(keeps: &[&str], breaks: &[&str]) {
    for line in keeps {
        assert!(is_canonical(line), "{line}");
    }
    for line in breaks {
        assert!(!is_canonical(line), "{line}");
    }
}

/// An object with a message, and a value under a key.
fn with(value: &str) -> String {
    format!(r#"{{"k":{value},"msg":"hi"}}"#)
}

#[track_caller]
fn check_values(keeps: &[&str], breaks: &[&str]) {
    for (values, expected) in [(keeps, true), (breaks, false)] {
        for value in values {
            for value in [
                *value,
                &format!("[{value}]"),
                &format!(r#"[{{"a":{value}}}]"#),
            ] {
                assert_eq!(is_canonical(&with(value)), expected, "{value}");
            }
        }
    }
}

#[test]
fn members_are_found_with_their_paths() {
    check(
        r#"{"a":{"b":1,"c":{"d.e":"x","f\\":null}},"g":[1,{"h":[]}],"i":{},"msg":"hi","z":true}"#,
        expect![[r#"
            a.b: Int(1)
            a.c.d\.e: "x"
            a.c.f\\: Null
            g: raw [1,{"h":[]}]
            i: raw {}
            *msg: "hi"
            z: Bool(true)"#]],
    );
}

#[test]
fn there_is_no_white_space() {
    check_rule(
        &[r#"{"a b":" c ","msg":"hi there"}"#],
        &[
            r#"{ "msg":"hi"}"#,
            r#"{"msg" :"hi"}"#,
            r#"{"msg": "hi"}"#,
            r#"{"msg":"hi" }"#,
            r#"{"msg":"hi"} "#,
            r#" {"msg":"hi"}"#,
            r#"{"k":1, "msg":"hi"}"#,
            r#"{"k":[1, 2],"msg":"hi"}"#,
            r#"{"k":[ ],"msg":"hi"}"#,
            r#"{"k":{ },"msg":"hi"}"#,
            "{\"msg\":\n\"hi\"}",
        ],
    );
}

#[test]
fn keys_are_sorted_by_their_bytes_the_message_among_them() {
    check_rule(
        &[
            r#"{"B":1,"a":1,"msg":"hi","z":1,"é":1}"#,
            r#"{"a":1,"a-b":1,"ab":1,"msg":"hi"}"#,
            r#"{"k":{"a":1,"b":1},"msg":"hi"}"#,
            r#"{"k":[{"a":1,"b":1}],"msg":"hi"}"#,
            r#"{"a\n":1,"a ":1,"msg":"hi"}"#,
        ],
        &[
            r#"{"a":1,"B":1,"msg":"hi"}"#,
            r#"{"msg":"hi","a":1}"#,
            r#"{"é":1,"msg":"hi"}"#,
            r#"{"k":{"b":1,"a":1},"msg":"hi"}"#,
            r#"{"k":[{"b":1,"a":1}],"msg":"hi"}"#,
            r#"{"a ":1,"a\n":1,"msg":"hi"}"#,
        ],
    );
}

#[test]
fn no_key_comes_twice_and_none_is_empty() {
    check_rule(
        &[
            r#"{"a":{"a":1},"msg":"hi"}"#,
            r#"{"k":[{"":1}],"msg":"hi"}"#,
        ],
        &[
            r#"{"a":1,"a":2,"msg":"hi"}"#,
            r#"{"msg":"hi","msg":"ho"}"#,
            r#"{"k":{"a":1,"a":1},"msg":"hi"}"#,
            r#"{"k":[{"a":1,"a":1}],"msg":"hi"}"#,
            r#"{"":1,"msg":"hi"}"#,
            r#"{"k":{"":1},"msg":"hi"}"#,
        ],
    );
}

#[test]
fn strings_have_the_escapes_that_they_need_and_no_others() {
    check_values(
        &[
            r#""\"""#,
            r#""\\""#,
            r#""\b\f\n\r\t""#,
            r#""\u0000\u0007\u000b\u000e\u001b\u001f""#,
            r#""/é😀<\\u0041""#,
            "\"\u{7f}\u{80}\u{2028}\"",
        ],
        &[
            r#""\/""#,
            r#""\u0041""#,
            r#""\u00e9""#,
            r#""\ud83d\ude00""#,
            r#""\u003c""#,
            r#""\u000a""#,
            r#""\u0008""#,
            r#""\u001B""#,
            r#""\u0020""#,
            r#""\a""#,
            r#""\u00""#,
            "\"\t\"",
            "\"\n\"",
            "\"\u{1}\"",
            "\"a\\u0000\u{1f}\"",
            r#"'a'"#,
            r#""a"#,
            r#""a\""#,
        ],
    );
    check_rule(
        &[r#"{"a\"b":1,"msg":"hi"}"#],
        &[r#"{"a\u0062":1,"msg":"hi"}"#, r#"{"m\u0073g":"hi"}"#],
    );
}

#[test]
fn numbers_are_kept_as_they_are_spelled() {
    check_values(
        &[
            "0",
            "-1",
            "9223372036854775807",
            "-0",
            "1.0",
            "1e3",
            "1E+3",
            "0.5e-7",
            "1.50",
            "9223372036854775808",
            "1e400",
        ],
        &[
            "01", "+1", ".5", "1.", "1e", "1e+", "-", "--1", "0x1", "NaN", "1_000",
        ],
    );
    check(
        &with("9223372036854775807"),
        expect![[r#"
            k: Int(9223372036854775807)
            *msg: "hi""#]],
    );
    check(
        &with("9223372036854775808"),
        expect![[r#"
            k: raw 9223372036854775808
            *msg: "hi""#]],
    );
    check(
        &with("-0"),
        expect![[r#"
            k: raw -0
            *msg: "hi""#]],
    );
}

#[test]
fn other_values_are_those_of_json() {
    check_values(
        &["true", "false", "null", "{}", "[]", "[[],{}]"],
        &[
            "True",
            "nul",
            "truefalse",
            "undefined",
            "[1,]",
            "[,1]",
            "{,}",
            "[1",
            "]",
            "}",
        ],
    );
    check_rule(
        &[],
        &[
            "{",
            r#"{"msg""#,
            r#"{"msg":}"#,
            r#"{"k":,"msg":"hi"}"#,
            r#"{"msg":"hi",}"#,
            r#"{"msg":"hi"}}"#,
            r#"{"msg":"hi"}{"msg":"hi"}"#,
            r#"{"msg":"hi"},{}"#,
            r#"{msg:"hi"}"#,
            r#"{"msg":"hi" "k":1}"#,
            r#"["msg"]"#,
            "{}}",
        ],
    );
}

#[test]
fn the_message_is_the_first_candidate_that_is_a_string_with_something_in_it() {
    let message = |line: &str| {
        let mut scanner = Scanner::default();
        scanner.scan(line.as_bytes(), ShapeOf::Keys).ok()?;
        let member = scanner.members().get(scanner.message_index()?)?;
        Some(String::from_utf8(scanner.path(member).to_vec()).unwrap())
    };
    let all = r#"{"data":{"message":"d"},"event":{"message":"e"},"log":"l","message":"m","msg":"s","payload":{"message":"p"},"text":"t"}"#;
    let mut line = all.to_owned();
    for (value, path) in [
        ("\"m\"", "message"),
        ("\"s\"", "msg"),
        ("\"l\"", "log"),
        ("\"t\"", "text"),
        ("\"d\"", "data.message"),
        ("\"e\"", "event.message"),
        ("\"p\"", "payload.message"),
    ] {
        assert_eq!(message(&line).as_deref(), Some(path), "{line}");
        line = line.replace(value, if value == "\"s\"" { "\"\"" } else { "1" });
    }
    for line in [
        line.as_str(),
        "{}",
        r#"{"data.message":"x"}"#,
        r#"{"a":{"data":{"message":"x"}}}"#,
        r#"{"data":{"msg":"x"}}"#,
        r#"{"Message":"x"}"#,
    ] {
        let refused = Scanner::default().scan(line.as_bytes(), ShapeOf::Keys);
        assert_eq!(refused, Err(Refusal::NoMessage), "{line}");
    }
}

#[test]
fn depth_members_and_keys_are_bounded() {
    let nested = |levels: usize| {
        let (open, close) = (r#"{"k":"#.repeat(levels), "}".repeat(levels));
        with(&format!("{open}1{close}"))
    };
    let arrays = |levels: usize| with(&format!("{}1{}", "[".repeat(levels), "]".repeat(levels)));
    let members = |count: usize| {
        let members: Vec<_> = (1..count).map(|n| format!(r#""k{n:03}":1"#)).collect();
        format!("{{{},\"msg\":\"hi\"}}", members.join(","))
    };
    let key = |bytes: usize| format!(r#"{{"{}":1,"msg":"hi"}}"#, "k".repeat(bytes));
    let scan = |line: String| Scanner::default().scan(line.as_bytes(), ShapeOf::Keys);
    for fits in [nested(31), arrays(31), members(256), key(8 * 1_024 - 9)] {
        assert_eq!(scan(fits.clone()), Ok(()), "{fits}");
    }
    for large in [
        nested(32),
        arrays(32),
        members(257),
        key(8 * 1_024 - 8),
        key(100_000),
    ] {
        assert_eq!(scan(large.clone()), Err(Refusal::TooLarge), "{large}");
    }
    let deep = scan(with(&"[".repeat(1 << 20)));
    assert_eq!(deep, Err(Refusal::TooLarge));
}

#[test]
fn lines_of_one_shape_differ_in_values_only() {
    let shape = |line: &str, of: ShapeOf| {
        let mut scanner = Scanner::default();
        scanner.scan(line.as_bytes(), of).unwrap();
        scanner.shape().to_vec()
    };
    let line = r#"{"a":1,"b":"x","msg":"hi"}"#;
    let same = r#"{"a":22,"b":"","msg":"ho"}"#;
    let other_kind = r#"{"a":null,"b":"x","msg":"hi"}"#;
    let other_message = r#"{"a":1,"b":"x","msg":""}"#;
    for of in [ShapeOf::Keys, ShapeOf::KeysAndKinds] {
        assert_eq!(shape(line, of), shape(same, of));
        assert_ne!(
            shape(line, of),
            shape(r#"{"a":1,"b":{"x":1},"msg":"hi"}"#, of)
        );
        assert!(
            Scanner::default()
                .scan(other_message.as_bytes(), of)
                .is_err()
        );
    }
    assert_eq!(shape(line, ShapeOf::Keys), shape(other_kind, ShapeOf::Keys));
    let kinds = ShapeOf::KeysAndKinds;
    assert_ne!(shape(line, kinds), shape(other_kind, kinds));
    let two = |one: &str| shape(&format!(r#"{{"log":"x","msg":"{one}"}}"#), ShapeOf::Keys);
    assert_ne!(two("hi"), two(""), "another member is the message");
}

#[test]
fn a_scanner_forgets_the_line_before() {
    let mut scanner = Scanner::default();
    let line = r#"{"a\n":"b\n","msg":"hi"}"#;
    scanner.scan(line.as_bytes(), ShapeOf::Keys).unwrap();
    let first = shown(&scanner, line);
    let others = [r#"{"x":1,"msg""#, r#"{"log":"a\"","y":[2]}"#, "{}"];
    let results = others.map(|other| scanner.scan(other.as_bytes(), ShapeOf::Keys));
    let expected = [Err(Refusal::Form), Ok(()), Err(Refusal::NoMessage)];
    assert_eq!(results, expected);
    scanner.scan(line.as_bytes(), ShapeOf::Keys).unwrap();
    assert_eq!(shown(&scanner, line), first);
}

#[test]
fn what_was_found_gives_back_its_line_and_no_other() {
    let mut scanner = Scanner::default();
    let line = r#"{"a":{"b":1},"k":[1,2],"msg":"hi","z":"\n"}"#;
    scanner.scan(line.as_bytes(), ShapeOf::Keys).unwrap();
    assert!(scanner.gives_back(line.as_bytes()));
    for other in [line.replace("hi", "ho"), line.replace('2', "3")] {
        // Values are read from the line itself, so only what stands beside them can differ.
        assert!(scanner.gives_back(other.as_bytes()), "{other}");
    }
    for (from, to) in [
        (":1", ":2"),
        ("\\n", "\\r"),
        ("\"k\"", "\"l\""),
        ("}", "} "),
    ] {
        let other = line.replacen(from, to, 1);
        assert!(!scanner.gives_back(other.as_bytes()), "{other}");
    }
}
