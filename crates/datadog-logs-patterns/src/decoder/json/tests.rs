//! Objects of every shape, and members that make none.

use expect_test::{Expect, expect};

use super::*;

/// The object of a message and of strings under escaped paths.
#[track_caller]
fn check(members: &[(&str, Json<'_>)], expected: Expect) {
    let mut body = Body::new(4_096, Limit::LogBytes, 4_096);
    let mut list = Members::new(4_096);
    let written = members
        .iter()
        .try_for_each(|(key, value)| list.push(key, Path::Escaped, *value))
        .and_then(|()| list.write(&mut body));
    expected.assert_eq(&match written {
        Ok(()) => String::from_utf8(body.into_bytes()).unwrap(),
        Err(reason) => format!("! {reason}"),
    });
}

#[test]
fn keys_are_sorted_by_their_bytes() {
    let one = Json::Int(1);
    check(
        &[
            ("b", one),
            ("é", one),
            ("B", one),
            ("a", Json::Text(b"x")),
            ("", one),
        ],
        expect![[r#"{"":1,"B":1,"a":"x","b":1,"é":1}"#]],
    );
}

#[test]
fn a_path_is_objects_inside_of_objects() {
    let (one, null) = (Json::Int(-1), Json::Null);
    check(&[("a.b.c", one)], expect![[r#"{"a":{"b":{"c":-1}}}"#]]);
    check(
        &[
            ("a.b.c", one),
            ("z", one),
            ("a.b.d", null),
            ("a.c", one),
            ("b.b.c", one),
        ],
        expect![[r#"{"a":{"b":{"c":-1,"d":null},"c":-1},"b":{"b":{"c":-1}},"z":-1}"#]],
    );
    // A dot sorts after "-" and before letters as a byte, but not as a separator.
    check(
        &[("a-b", one), ("a.b", one), ("ab", one)],
        expect![[r#"{"a":{"b":-1},"a-b":-1,"ab":-1}"#]],
    );
}

#[test]
fn dots_and_backslashes_of_keys_are_escaped_in_paths() {
    let yes = Json::Bool(true);
    check(
        &[(r"a\.b", yes), (r"c\\.d", yes), (".", yes)],
        expect![[r#"{"":{"":true},"a.b":true,"c\\":{"d":true}}"#]],
    );
    check(
        &[(r"a\b", yes)],
        expect!["! JSON log: unknown escape in a key"],
    );
    check(
        &[(r"a\", yes)],
        expect!["! JSON log: unknown escape in a key"],
    );
}

#[test]
fn strings_have_no_more_escapes_than_needed() {
    check(
        &[(
            "\"\n",
            Json::Text("\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}é\u{2028}<".as_bytes()),
        )],
        expect!["{\"\\\"\\n\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}é\u{2028}<\"}"],
    );
}

#[test]
fn values_are_written_as_what_they_are() {
    check(
        &[
            ("a", Json::Float(1.5)),
            ("b", Json::Float(1e21)),
            ("c", Json::Raw(br#"[1.0, 2]"#)),
            ("d", Json::Bool(false)),
        ],
        expect![[r#"{"a":1.5,"b":1000000000000000000000,"c":[1.0, 2],"d":false}"#]],
    );
    check(
        &[("a", Json::Float(f64::NAN))],
        expect!["! JSON log: a number that is not finite"],
    );
}

#[test]
fn members_in_the_way_of_one_another_are_an_error() {
    let one = Json::Int(1);
    check(
        &[("a", one), ("b", one), ("a", one)],
        expect!["! JSON log: the same key twice"],
    );
    check(
        &[("a.b", one), ("a", one)],
        expect!["! JSON log: a key below one that is no object"],
    );
    check(
        &[("a.b", one), ("a", Json::Raw(b"{}"))],
        expect![[r#"{"a":{"b":1}}"#]],
    );
    check(&[("a", Json::Raw(b"{}"))], expect![[r#"{"a":{}}"#]]);
}

#[test]
fn depth_and_length_of_keys_are_bounded() {
    let key = |depth: usize| vec!["a"; depth].join(".");
    let object = |depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let mut body = Body::new(4_096, Limit::LogBytes, 4_096);
    for path in [Path::Dotted, Path::Escaped] {
        let mut list = Members::new(4_096);
        let deepest = key(64);
        list.push(&deepest, path, Json::Int(1)).unwrap();
        list.write(&mut body).unwrap();
    }
    assert_eq!(body.into_bytes(), object(64).repeat(2).as_bytes());

    let escaped = format!(r"\..{}", key(64));
    for (path, key) in [(Path::Dotted, key(65)), (Path::Escaped, escaped)] {
        let (limit, max) = (Limit::Depth, 64);
        assert_eq!(
            Members::new(4_096).push(&key, path, Json::Int(1)),
            Err(Reason::Limit { limit, max })
        );
    }
    let mut list = Members::new(3);
    list.push("abc", Path::Plain, Json::Null).unwrap();
    let (limit, max) = (Limit::LogBytes, 3);
    assert_eq!(
        list.push("d", Path::Plain, Json::Null),
        Err(Reason::Limit { limit, max })
    );
}
