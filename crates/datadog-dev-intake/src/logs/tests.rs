//! Tests of the decoder: the limits at n and n + 1, and every problem by its words.

use super::*;

/// A moment shortly after the timestamps in these tests.
const NOW_MS: i64 = 1_700_000_002_000;

/// Decodes `body`; gives the texts of its entries, and everything noted.
#[track_caller]
fn decode_all(body: &[u8]) -> (Decoded, Vec<String>, Vec<String>) {
    let mut problems = Problems::default();
    let decoded = decode(body, NOW_MS, &mut problems);
    let texts = decoded
        .entries
        .iter()
        .map(|range| {
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            String::from_utf8(body[range].to_vec()).unwrap()
        })
        .collect();
    (decoded, texts, problems.lines())
}

#[track_caller]
fn check(body: &str, problems: &[&str]) {
    let (decoded, _, found) = decode_all(body.as_bytes());
    assert_eq!(found, problems, "{body}");
    assert_eq!(decoded.refusal, None, "{body}");
}

#[track_caller]
fn refused(body: &[u8], refusal: Refusal, items: Option<usize>, problems: &[&str]) {
    let (decoded, _, found) = decode_all(body);
    assert_eq!(found, problems);
    assert_eq!(decoded.refusal, Some(refusal));
    assert_eq!(decoded.items, items);
}

const MINIMAL: &str = r#"{"message":"x","timestamp":1700000000000}"#;
const FULL: &str = r#"{"message":"user logged in","timestamp":1700000001000,"hostname":"my-host","service":"my-service","ddsource":"lambda","ddtags":"env:prod,version:1.0","status":"info","lambda":{"arn":"a","request_id":"r"}}"#;

#[test]
fn the_minimal_and_the_full_entry_are_in_order() {
    assert_eq!(MINIMAL.len(), 41);
    check(&format!("[{MINIMAL},{FULL}]"), &[]);
}

#[test]
fn an_entry_keeps_its_text() {
    let body = format!(" [ {MINIMAL} ,\n{FULL}\t] ");
    let (decoded, texts, _) = decode_all(body.as_bytes());
    assert_eq!(texts, [MINIMAL, FULL]);
    assert_eq!(decoded.items, Some(2));
}

#[test]
fn facets_are_counted_per_body() {
    let (decoded, ..) = decode_all(format!("[{FULL},{MINIMAL},{FULL}]").as_bytes());
    let of = |tally: Tally| tally.0;
    assert_eq!(
        of(decoded.facets.status),
        [("info".to_owned(), 2), ("(none)".to_owned(), 1)]
    );
    assert_eq!(
        of(decoded.facets.service),
        [("my-service".to_owned(), 2), ("(none)".to_owned(), 1)]
    );
    assert_eq!(
        of(decoded.facets.source),
        [("lambda".to_owned(), 2), ("(none)".to_owned(), 1)]
    );
}

#[test]
fn a_lone_object_is_one_entry() {
    let (decoded, texts, problems) = decode_all(b" {\"message\":\"a\"}\n");
    assert_eq!(
        (decoded.items, texts, problems),
        (Some(1), vec![r#"{"message":"a"}"#.to_owned()], vec![])
    );
}

#[test]
fn a_thousand_entries_are_the_most() {
    let of = |count: usize| format!("[{}]", vec![MINIMAL; count].join(","));
    assert_eq!(of(1_000).len(), 42_001);
    check(&of(1_000), &[]);
    refused(
        of(1_001).as_bytes(),
        Refusal::TooLarge,
        Some(1_001),
        &["more than 1000 entries"],
    );
}

#[test]
fn five_mebibytes_are_the_most() {
    let of = |bytes: usize| {
        let mut body = format!("[{MINIMAL}]");
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    check(&of(5_242_880), &[]);
    refused(
        of(5_242_881).as_bytes(),
        Refusal::TooLarge,
        None,
        &["body over 5242880 bytes"],
    );
}

#[test]
fn an_entry_over_one_mebibyte_is_flagged() {
    let of = |message: usize| {
        format!(
            r#"[{{"message":"{}","timestamp":1700000000000}}]"#,
            "x".repeat(message)
        )
    };
    assert_eq!(of(1_048_536).len(), 1_048_576 + 2);
    check(&of(1_048_536), &[]);
    check(&of(1_048_537), &["entry 0: entry over 1048576 bytes"]);
}

#[test]
fn an_empty_array_is_flagged() {
    check("[]", &["empty array"]);
}

#[test]
fn what_is_not_entries_is_refused() {
    let malformed =
        |body: &[u8], items, problem: &str| refused(body, Refusal::Malformed, items, &[problem]);
    malformed(b"", None, "body not decodable: the body is empty");
    malformed(
        b"not-json",
        None,
        "body not decodable: neither a JSON array nor an object",
    );
    malformed(
        b"[1",
        None,
        "body not decodable: EOF while parsing a list at line 1 column 2",
    );
    malformed(
        b"[]]",
        None,
        "body not decodable: trailing characters at line 1 column 3",
    );
    malformed(
        b"{\"message\":\"a\"}\n{\"message\":\"b\"}",
        None,
        "body not decodable: trailing characters at line 2 column 1",
    );
    malformed(
        br#"[{"message":"a"},"b"]"#,
        Some(2),
        "body not decodable: entry 1: invalid type: string \"b\", expected an object at line 1 column 3",
    );
    malformed(
        b"[{\"message\":\"\xff\"}]",
        None,
        "body not decodable: invalid unicode code point at line 1 column 14",
    );
}

#[test]
fn nesting_without_end_is_refused_and_harmless() {
    let body = "[".repeat(1_000_000);
    let (decoded, ..) = decode_all(body.as_bytes());
    assert_eq!(decoded.refusal, Some(Refusal::Malformed));

    let deep = format!(
        r#"[{{"message":"x","a":{}{}}}]"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    check(&deep, &[]);
}

#[test]
fn messages_are_missed() {
    check(r#"[{"message":"a"},{"x":1}]"#, &["entry 1: no message"]);
    check(r#"[{"message":null}]"#, &["entry 0: message is null"]);
    check(r#"[{"message":""}]"#, &[]);
    check(r#"[{"message":{"lambda":{}}}]"#, &[]);
}

#[test]
fn duplicate_keys_are_found_however_they_are_written() {
    check(
        r#"[{"message":"a","message":"b"}]"#,
        &["entry 0: duplicate key"],
    );
    check(
        r#"[{"message":"a","x":1,"\u0078":2}]"#,
        &["entry 0: duplicate key"],
    );
    check(r#"[{"message":"a","x":{"y":1},"y":2}]"#, &[]);
    let many: Vec<String> = (0..100).map(|key| format!(r#""k{key}":0"#)).collect();
    check(&format!(r#"[{{"message":"a",{}}}]"#, many.join(",")), &[]);
    check(
        &format!(r#"[{{"message":"a",{},"k99":0,"k3":0}}]"#, many.join(",")),
        &["entry 0: duplicate key", "entry 0: duplicate key"],
    );
}

#[test]
fn of_a_key_written_twice_the_last_counts() {
    let entry = Entry::parse(
        r#"{"message":"a","service":"x","message":"b","service":"y"}"#,
        |_| (),
    )
    .unwrap();
    assert_eq!((&*entry.message(), &*entry.facet(SERVICE)), ("b", "y"));
}

#[test]
fn optional_keys_must_be_strings_with_something_in_them() {
    for key in ["hostname", "service", "ddsource", "ddtags", "status"] {
        check(
            &format!(r#"[{{"message":"a","{key}":null}}]"#),
            &[&format!("entry 0: {key} is null")],
        );
        check(
            &format!(r#"[{{"message":"a","{key}":""}}]"#),
            &[&format!("entry 0: {key} is empty")],
        );
        check(
            &format!(r#"[{{"message":"a","{key}":7}}]"#),
            &[&format!("entry 0: {key} is not a string")],
        );
        check(&format!(r#"[{{"message":"a","{key}":"v"}}]"#), &[]);
    }
}

#[test]
fn a_timestamp_is_a_whole_number_or_a_string_and_not_too_old() {
    let with = |timestamp: &str| format!(r#"[{{"message":"a","timestamp":{timestamp}}}]"#);
    check(&with(r#""2023-11-14T22:13:20Z""#), &[]);
    check(&with("1700000002001"), &[]);
    check(
        &with("1.5"),
        &["entry 0: timestamp is neither a whole number nor a string"],
    );
    check(
        &with("null"),
        &["entry 0: timestamp is neither a whole number nor a string"],
    );
    let oldest = NOW_MS - 18 * 60 * 60 * 1_000;
    check(&with(&oldest.to_string()), &[]);
    check(
        &with(&(oldest - 1).to_string()),
        &["entry 0: timestamp over 18 hours old"],
    );
}

#[test]
fn a_message_is_shown_unescaped_and_a_lone_surrogate_as_written() {
    let message = |text: &str| Entry::parse(text, |_| ()).unwrap().message().into_owned();
    assert_eq!(message(r#"{"message":"a\n\u00e9"}"#), "a\né");
    assert_eq!(message(r#"{"message":"\ud800"}"#), r"\ud800");
    assert_eq!(message(r#"{"message":{"a": 1}}"#), r#"{"a": 1}"#);
    assert_eq!(message("{}"), "");
}

#[test]
fn the_list_of_problems_is_bounded_and_their_count_is_not() {
    let body = format!("[{}]", vec!["{}"; 250].join(","));
    let mut problems = Problems::default();
    decode(body.as_bytes(), NOW_MS, &mut problems);
    let lines = problems.lines();
    assert_eq!(lines.len(), 101);
    assert_eq!(lines.last().unwrap(), "150 more");
    assert_eq!(problems.counts()[&What::NoMessage], 250);
}
