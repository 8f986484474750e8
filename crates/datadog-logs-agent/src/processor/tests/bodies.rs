//! Bodies as clients post them.

use super::*;

/// The entries of a body of this type, or why it was refused.
fn typed(content_type: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
    let body = Bytes::copy_from_slice(bytes);
    match processor().body(body, Some(content_type), &Defaults::default(), NOW) {
        Ok((block, _)) => Ok(texts(&block)),
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
fn refused(body: &[u8]) -> String {
    typed("application/json", body).unwrap_err()
}

#[test]
fn an_array_of_complete_entries_is_sliced_and_not_copied() {
    let json = r#" [ {"timestamp":1,"message":"a" , "x":[1, 2]} ,{"message":"b","timestamp":2}]"#;
    let source = Bytes::from(json);
    let (block, tally) = processor()
        .body(source.clone(), None, &Defaults::default(), NOW)
        .unwrap();
    assert_eq!(
        texts(&block),
        [
            r#"{"timestamp":1,"message":"a" , "x":[1, 2]}"#,
            r#"{"message":"b","timestamp":2}"#
        ]
    );
    let shared = source.as_ptr_range();
    assert!(
        block.iter().all(|entry| shared.contains(&entry.as_ptr())),
        "no entry is copied"
    );
    assert_eq!((tally.received, tally.processed, tally.too_old), (2, 2, 2));
}

#[test]
fn an_empty_array_has_no_entry() {
    assert_eq!(body(&processor(), " [ ] "), Vec::<String>::new());
}

#[test]
fn an_object_is_one_entry_and_a_missing_time_is_that_of_receipt() {
    assert_eq!(
        one(&processor(), r#"{"message":"a"}"#),
        r#"{"message":"a","timestamp":1700000000000}"#
    );
    assert_eq!(
        one(&processor(), "{\"message\" : \"a\"\n}\n"),
        "{\"message\" : \"a\"\n,\"timestamp\":1700000000000}"
    );
}

#[test]
fn objects_on_lines_of_their_own_are_one_entry_each() {
    let json = "{\"message\":\"a\",\"timestamp\":1}\n\r\n {\"message\":\"b\",\"timestamp\":2}\r\n";
    let expected = [
        r#"{"message":"a","timestamp":1}"#,
        r#"{"message":"b","timestamp":2}"#,
    ];
    for content_type in [
        "application/x-ndjson",
        "application/jsonl; charset=utf-8",
        "text/html",
        "",
    ] {
        assert_eq!(
            typed(content_type, json.as_bytes()).unwrap(),
            expected,
            "{content_type}"
        );
    }
}

#[test]
fn a_string_in_an_array_is_an_entry_with_that_message() {
    assert_eq!(
        body(
            &processor(),
            r#"["a\n\"b\"",{"message":"c","timestamp":1}]"#
        ),
        [
            r#"{"message":"a\n\"b\"","timestamp":1700000000000}"#,
            r#"{"message":"c","timestamp":1}"#
        ]
    );
}

#[test]
fn plain_text_is_one_entry_a_line() {
    let entries = typed("Text/Plain; charset=utf-8", b"[1\r\n\n \xFF\nlast").unwrap();
    assert_eq!(
        entries,
        ["[1", "", " \u{FFFD}", "last"]
            .map(|text| format!(r#"{{"message":"{text}","timestamp":1700000000000}}"#))
    );
    assert_eq!(typed("text/plain", b"a\n").unwrap().len(), 1);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let json = b"\xEF\xBB\xBF[{\"message\":\"a\",\"timestamp\":1}]";
    assert_eq!(
        typed("", json).unwrap(),
        [r#"{"message":"a","timestamp":1}"#]
    );
    assert_eq!(refused(b"\xEF\xBB\xBF"), "invalid JSON: empty body");
    assert!(typed("text/plain", b"\xEF\xBB\xBFa").unwrap()[0].starts_with("{\"message\":\"a\""));
}

#[test]
fn a_refused_body_says_which_entry_is_wrong_and_how() {
    assert_eq!(refused(b""), "invalid JSON: empty body");
    assert_eq!(refused(b" \n"), "invalid JSON: empty body");
    assert_eq!(
        typed("text/plain", b""),
        Err("invalid JSON: empty body".to_owned())
    );
    assert_eq!(
        typed("application/x-ndjson", b"\n"),
        Err("invalid JSON: empty body".to_owned())
    );
    assert_eq!(
        refused(b"not-json"),
        "invalid JSON: expected an array or an object at byte 0"
    );
    assert_eq!(
        refused(br#"[{"message":"a"},{"x":1}]"#),
        "invalid JSON: entry 1: missing field message"
    );
    assert_eq!(
        refused(br#"[{"message":null}]"#),
        "invalid JSON: entry 0: message is null"
    );
    assert_eq!(
        refused(br#"["a",7]"#),
        "invalid JSON: entry 1: expected an object or a string at byte 5"
    );
    assert_eq!(
        refused(br#"{"message":}"#),
        "invalid JSON: entry 0: expected a value at byte 11"
    );
    assert_eq!(
        refused(br#"[{"message":"a"}"#),
        "invalid JSON: expected , or ] at byte 16"
    );
    assert_eq!(
        refused(br#"[{"message":"a"},]"#),
        "invalid JSON: entry 1: expected an object or a string at byte 17"
    );
    assert_eq!(
        refused(b"[] x"),
        "invalid JSON: characters after the array at byte 3"
    );
    assert_eq!(
        refused(br#"{"message":"a"} {"message":"b"}"#),
        "invalid JSON: characters after an object at byte 16"
    );
    assert_eq!(
        refused(b"{\"message\":\"a\"}\n[]"),
        "invalid JSON: entry 1: expected an object at byte 16"
    );
    assert_eq!(refused(b"[\"\xFF\"]"), "invalid JSON: not UTF-8 at byte 2");
}

#[test]
fn an_error_holds_nothing_of_what_the_client_sent() {
    let secret = "s3cret".repeat(100);
    for json in [
        secret.clone(),
        format!("[{{\"{secret}\":\"{secret}\"}}]"),
        format!("[\"{secret}"),
    ] {
        assert!(!refused(json.as_bytes()).contains("s3cret"));
    }
}

#[test]
fn an_entry_is_nested_so_deeply_at_most_that_its_batch_can_be_read() {
    let nested =
        |depth: usize| format!("{{\"message\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(body(&processor(), &nested(125)).len(), 1);
    assert_eq!(body(&processor(), &format!("[{}]", nested(125))).len(), 1);
    assert_eq!(
        refused(nested(126).as_bytes()),
        "invalid JSON: entry 0: nested too deeply at byte 136"
    );
}

#[test]
fn a_message_may_be_an_object_or_array_and_a_scalar_becomes_its_text() {
    let same = r#"{"message":{"message":"a","lambda":{"arn":"b"}},"timestamp":1}"#;
    assert_eq!(one(&processor(), same), same);
    for (given, text) in [("1.50", "1.50"), ("true", "true"), ("-0", "-0")] {
        assert_eq!(
            one(
                &processor(),
                &format!(r#"{{"x":1,"message":{given},"timestamp":1}}"#)
            ),
            format!(r#"{{"message":"{text}","timestamp":1,"x":1}}"#)
        );
    }
}

#[test]
fn a_time_may_be_an_integer_a_fraction_or_a_text() {
    let time = |given: &str| {
        one(
            &processor(),
            &format!(r#"{{"message":"m","timestamp":{given}}}"#),
        )
    };
    for same in [
        "1",
        "\"2024-03-28T13:45:30Z\"",
        "true",
        "{\"a\":1}",
        "99999999999999999999",
    ] {
        assert_eq!(
            time(same),
            format!(r#"{{"message":"m","timestamp":{same}}}"#)
        );
    }
    assert_eq!(
        time("1700000000000.9"),
        r#"{"message":"m","timestamp":1700000000000}"#
    );
    assert_eq!(
        time("1.7e12"),
        r#"{"message":"m","timestamp":1700000000000}"#
    );
    assert_eq!(time("1e300"), r#"{"message":"m","timestamp":1e300}"#);
    for unset in ["null", "\"\""] {
        assert_eq!(time(unset), r#"{"message":"m","timestamp":1700000000000}"#);
    }
}

#[test]
fn an_optional_key_that_is_null_or_empty_is_left_out() {
    assert_eq!(
        one(
            &processor(),
            r#"{"x":null,"hostname":null,"ddtags":"","message":"m","timestamp":1}"#
        ),
        r#"{"message":"m","timestamp":1,"x":null}"#
    );
}

#[test]
fn of_equal_reserved_keys_the_last_counts_and_is_written_once() {
    assert_eq!(
        one(
            &processor(),
            r#"{"message":"a","service":"s","timestamp":1,"mess\u0061ge":"b","service":7,"service":8}"#
        ),
        r#"{"message":"b","timestamp":1,"service":8}"#
    );
}

#[test]
fn what_is_written_anew_keeps_every_digit_of_its_attributes() {
    assert_eq!(
        one(
            &processor(),
            r#"{"message":1,"timestamp":1,"n":123456789012345678901234567890,"f":1.10}"#
        ),
        r#"{"message":"1","timestamp":1,"n":123456789012345678901234567890,"f":1.10}"#
    );
}

#[test]
fn what_an_entry_lacks_is_put_behind_its_own_keys() {
    assert_eq!(
        one(&enriching(), r#"{"status":"warn","message":"m","n":1.0}"#),
        r#"{"status":"warn","message":"m","n":1.0,"timestamp":1700000000000,"hostname":"h","service":"s","ddsource":"d","ddtags":"env:prod,team:\"a\""}"#
    );
}

#[test]
fn tags_join_those_of_the_entry_without_repeats() {
    let tags = |own: &str| {
        let json = one(
            &enriching(),
            &format!(r#"{{"message":"m","ddtags":{own},"x":1}}"#),
        );
        serde_json::from_str::<Value>(&json).unwrap()["ddtags"].clone()
    };
    assert_eq!(tags(r#""a:b""#), "a:b,env:prod,team:\"a\"");
    assert_eq!(tags(r#""env:prod,a:b""#), "env:prod,a:b,team:\"a\"");
    assert_eq!(tags(r#""env:prod,team:\"a\"""#), "env:prod,team:\"a\"");
    assert_eq!(tags(r#""env:\u0070rod""#), "env:prod,team:\"a\"");
    assert_eq!(tags("[\"a:b\"]"), json!(["a:b"]));
}

#[test]
fn a_key_of_another_type_counts_as_present() {
    assert_eq!(
        one(
            &enriching(),
            r#"{"message":"m","timestamp":1,"hostname":7,"service":{},"ddsource":[],"ddtags":1,"status":true}"#
        ),
        r#"{"message":"m","timestamp":1,"hostname":7,"service":{},"ddsource":[],"ddtags":1,"status":true}"#
    );
}

#[test]
fn values_of_the_query_fill_absent_keys_before_those_of_the_configuration() {
    let defaults = Defaults {
        hostname: Some("qh".to_owned()),
        service: Some("qs".to_owned()),
        ddsource: Some(String::new()),
        ddtags: Some("q:1,env:prod".to_owned()),
    };
    let body = Bytes::from_static(
        br#"[{"message":"a","service":"own"},{"message":"b","ddtags":"own:1"},{"message":3}]"#,
    );
    let (block, _) = enriching().body(body, None, &defaults, NOW).unwrap();
    assert_eq!(
        texts(&block),
        [
            r#"{"message":"a","service":"own","timestamp":1700000000000,"hostname":"qh","ddsource":"d","ddtags":"q:1,env:prod,team:\"a\"","status":"info"}"#,
            r#"{"message":"b","ddtags":"own:1,env:prod,team:\"a\"","timestamp":1700000000000,"hostname":"qh","service":"qs","ddsource":"d","status":"info"}"#,
            r#"{"message":"3","timestamp":1700000000000,"hostname":"qh","service":"qs","ddsource":"d","ddtags":"q:1,env:prod,team:\"a\"","status":"info"}"#,
        ]
    );
}

#[test]
fn an_entry_older_than_18_hours_is_sent_and_counted() {
    let oldest = NOW - 64_800_000;
    let json = format!(
        r#"[{{"message":"a","timestamp":{oldest}}},{{"message":"b","timestamp":{}}}]"#,
        oldest - 1
    );
    assert_eq!(body(&processor(), &json).len(), 2);
    assert_eq!(tally(&processor(), &json).too_old, 1);
}

#[test]
fn more_than_a_thousand_entries_may_come_at_once() {
    let json = format!(
        "[{}]",
        vec![r#"{"message":"x","timestamp":1}"#; 2_500].join(",")
    );
    assert_eq!(tally(&processor(), &json).processed, 2_500);
}

#[test]
fn the_error_is_what_the_server_answers() {
    let error = BodyError("entry 3: missing field message".to_owned());
    assert_eq!(
        error.to_string(),
        "invalid JSON: entry 3: missing field message"
    );
}
