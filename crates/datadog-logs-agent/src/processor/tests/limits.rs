//! What happens to entries that are too large.

use super::*;

fn limited(message_bytes: usize, entry_bytes: usize, oversize: Oversize) -> Processor {
    Processor {
        limits: EntryLimits {
            message_bytes,
            entry_bytes,
            oversize,
        },
        ..processor()
    }
}

/// Overhead of 40 bytes with a time of 13 digits.
fn entry(message: &str) -> String {
    format!(r#"{{"message":"{message}","timestamp":1700000000000}}"#)
}

#[test]
fn a_long_message_is_cut_marked_and_tagged() {
    let processor = limited(10, 1_000, Oversize::Truncate);
    assert_eq!(one(&processor, &entry("0123456789")), entry("0123456789"));
    assert_eq!(
        one(&processor, &entry("0123456789a")),
        r#"{"message":"0123456789...TRUNCATED...","timestamp":1700000000000,"ddtags":"truncated:single_line"}"#
    );
    assert_eq!(
        one(
            &processor,
            r#"{"ddtags":"a:b","message":"012345678éa","timestamp":1,"x":"y"}"#
        ),
        r#"{"message":"012345678...TRUNCATED...","timestamp":1,"ddtags":"a:b,truncated:single_line","x":"y"}"#,
        "no character is divided"
    );
    let tally = tally(&processor, &entry("0123456789a"));
    assert_eq!(
        (tally.processed, tally.truncated, tally.too_large),
        (1, 1, 0)
    );
}

#[test]
fn the_limit_is_on_the_message_and_not_on_its_escapes() {
    let processor = limited(10, 1_000, Oversize::Truncate);
    let json = entry(r"\n\n\n\n\n\n\n\n\n\n");
    assert_eq!(one(&processor, &json), json);
    assert_eq!(tally(&processor, &json).truncated, 0);
}

#[test]
fn a_message_that_escapes_make_too_long_is_cut_until_the_entry_fits() {
    // 40 bytes of overhead, 33 of the tag, 15 of the marker: room for two characters of six bytes.
    let processor = limited(100, 40 + 33 + 15 + 17, Oversize::Truncate);
    let json = entry(&r"\u0001".repeat(12));
    assert_eq!(
        one(&processor, &json),
        r#"{"message":"\u0001\u0001...TRUNCATED...","timestamp":1700000000000,"ddtags":"truncated:single_line"}"#
    );
    assert_eq!(tally(&processor, &json).truncated, 1);
}

#[test]
fn two_hundred_thousand_control_characters_exceed_an_entry() {
    let json = entry(&r"\u0001".repeat(200_000));
    assert_eq!(json.len(), 1_200_040);
    let sent = one(&processor(), &json);
    assert!(
        sent.len() <= 1_048_576 && sent.len() > 1_048_576 - 6,
        "{}",
        sent.len()
    );
    assert!(
        sent.contains(r"\u0001...TRUNCATED...\u0022") || sent.contains("\\u0001...TRUNCATED...\"")
    );
}

#[test]
fn the_largest_entry_takes_1048576_bytes() {
    let largest = entry(&"x".repeat(1_048_536));
    assert_eq!(largest.len(), 1_048_576);
    let over = entry(&"x".repeat(1_048_537));
    let by_entry = limited(usize::MAX, 1_048_576, Oversize::Drop);
    assert_eq!(one(&by_entry, &largest), largest);
    assert_eq!(tally(&by_entry, &over).too_large, 1);
    // The policy to send cuts nothing, not even at the limit of a message.
    let send = limited(900_000, 1_048_576, Oversize::Send);
    assert_eq!(one(&send, &largest), largest);
    assert_eq!(one(&send, &over), over);
}

#[test]
fn what_no_request_can_hold_is_dropped_even_by_the_policy_to_send() {
    let send = limited(900_000, 1_048_576, Oversize::Send);
    let largest = entry(&"x".repeat(5_242_878 - 40));
    assert_eq!(one(&send, &largest).len(), 5_242_878);
    assert_eq!(
        tally(&send, &entry(&"x".repeat(5_242_879 - 40))).too_large,
        1
    );
    let line = vec![b'x'; 5_242_879 - 40];
    let (entries, tally) = lines(&send, &[&line, &line[1..]], EmptyLines::Keep);
    assert_eq!(
        (entries.len(), tally.too_large, entries[0].len()),
        (1, 1, 5_242_878)
    );
}

#[test]
fn an_entry_that_is_too_large_without_its_message_is_dropped_and_counted() {
    let processor = limited(10, 120, Oversize::Truncate);
    let attribute = "y".repeat(100);
    for message in ["\"m\"", "{\"a\":1}"] {
        let json = format!(r#"[{{"message":{message},"x":"{attribute}"}},{{"message":"b"}}]"#);
        assert_eq!(body(&processor, &json).len(), 1);
        let tally = tally(&processor, &json);
        assert_eq!(
            (tally.received, tally.processed, tally.too_large),
            (2, 1, 1)
        );
    }
}

#[test]
fn an_object_message_is_not_cut() {
    let json = r#"{"message":{"a":"0123456789012345"},"timestamp":1700000000000}"#;
    assert_eq!(one(&limited(10, 100, Oversize::Truncate), json), json);
}

#[test]
fn the_policy_to_drop_drops_at_either_limit() {
    let json = format!("[{},{}]", entry("0123456789a"), entry(r"\u0001\u0001"));
    let tally = tally(&limited(10, 51, Oversize::Drop), &json);
    assert_eq!(
        (tally.received, tally.processed, tally.too_large),
        (2, 0, 2)
    );
    let (entries, tally) = lines(
        &limited(10, 51, Oversize::Drop),
        &[b"0123456789a", b"\x01\x01", b"a"],
        EmptyLines::Keep,
    );
    assert_eq!((entries.len(), tally.too_large), (1, 2));
}

#[test]
fn a_long_line_is_cut_into_pieces_and_all_of_it_is_sent() {
    let messages = |line: &str| -> Vec<String> {
        let (entries, _) = lines(
            &limited(10, 1_000, Oversize::Truncate),
            &[line.as_bytes()],
            EmptyLines::Keep,
        );
        let message =
            |json: &String| serde_json::from_str::<Value>(json).unwrap()["message"].clone();
        entries
            .iter()
            .map(|json| message(json).as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(messages("abcdefghij"), ["abcdefghij"]);
    assert_eq!(
        messages("abcdefghijklmno"),
        ["abcdefghij...TRUNCATED...", "...TRUNCATED...klmno"]
    );
    assert_eq!(
        messages("abcdefghijklmnopqrstu  "),
        [
            "abcdefghij...TRUNCATED...",
            "...TRUNCATED...klmnopqrst...TRUNCATED...",
            "...TRUNCATED...u  "
        ]
    );
    assert_eq!(
        messages("abcdefghiéx"),
        ["abcdefghi...TRUNCATED...", "...TRUNCATED...éx"]
    );
}

#[test]
fn a_line_cut_in_two_is_counted_as_two_entries_and_one_cut() {
    let (_, tally) = lines(
        &limited(10, 1_000, Oversize::Truncate),
        &[b"abcdefghijk"],
        EmptyLines::Keep,
    );
    assert_eq!(
        (tally.received, tally.processed, tally.truncated),
        (2, 2, 1)
    );
}

#[test]
fn masks_come_before_the_cut() {
    let mut processor = with_rules(&[(RuleKind::MaskSequences, r"\d{16}", "[card]")]);
    processor.limits.message_bytes = 10;
    let line = b"card 1234567812345678";
    let (entries, _) = lines(&processor, &[line], EmptyLines::Keep);
    assert!(
        entries.iter().all(|entry| !entry.contains("1234")),
        "{entries:?}"
    );
    let json = one(
        &processor,
        r#"{"message":"card 1234567812345678","timestamp":1}"#,
    );
    assert_eq!(
        json,
        r#"{"message":"card [card...TRUNCATED...","timestamp":1,"ddtags":"truncated:single_line"}"#
    );
}

#[test]
fn a_rule_may_drop_what_was_cut() {
    let mut processor = with_rules(&[(RuleKind::ExcludeTruncated, "", "")]);
    processor.limits.message_bytes = 10;
    let expected = vec![("ExcludeTruncated".to_owned(), 1)];
    let json = format!("[{},{}]", entry("0123456789a"), entry("b"));
    let cut = tally(&processor, &json);
    assert_eq!(
        (cut.received, cut.processed, cut.truncated, &cut.excluded),
        (2, 1, 0, &expected)
    );
    let (_, cut) = lines(&processor, &[b"0123456789a", b"b"], EmptyLines::Keep);
    assert_eq!(
        (cut.received, cut.processed, cut.truncated, cut.excluded),
        (2, 1, 0, expected)
    );
}
