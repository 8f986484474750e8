//! Batches of known bytes, and the rules of the format one by one.

use expect_test::expect;

use super::*;

/// `ERROR Connection from  timed out after `.
const TEMPLATE: &str =
    "4552524f5220436f6e6e656374696f6e2066726f6d202074696d6564206f757420616674657220";

/// Three logs of one pattern, in profile A.
pub(super) fn batch_a() -> Vec<u8> {
    sequence(&[
        hex(&format!("0a31 0801 1227 {TEMPLATE} 1802 2202 1627")),
        hex(
            "1a2a0801 1226 656e763a70726f642c686f73746e616d653a7765622d312c6464736f757263653a6e67696e78",
        ),
        hex("1a090802 1205 6572726f72"),
        hex(
            "3226 0880a0abfef962 1213 120a1a0831302e302e302e35 12051a03343573 2204 0a022001 3202 2002",
        ),
        hex("3217 080e 1213 120a1a0831302e302e302e36 12051a03313273"),
        hex("3217 0805 1213 120a1a0831302e302e302e37 12051a03333073"),
    ])
}

/// Two logs of that pattern and one of none, in profile C.
pub(super) fn batch_c() -> Vec<u8> {
    sequence(&[
        text_c(2, "env:prod"),
        text_c(3, "error"),
        hex(&format!("122f 0802 1227 {TEMPLATE} 2202 1627")),
        hex("2222 0880a0abfef962 1003 1801 2002 320a1a0831302e302e302e35 32051a03343573 4001"),
        hex("2215 080e 320a1a0831302e302e302e36 32051a03313273"),
        hex("2205 0805 3a0178"),
    ])
}

#[test]
fn a_batch_of_profile_a_gives_its_logs() {
    let data = batch_a();
    assert_eq!(data.len(), 208);
    let message = [&hex("0801 12d001")[..], &data].concat();
    let (batch_id, data) = envelope(&message).unwrap();
    let mut decoder = Decoder::new(Profile::A, Limits::default());
    let decoded = decoder.decode(batch_id, data);
    expect![[r#"
        1700000000000 "ERROR Connection from 10.0.0.5 timed out after 45s" status=Some("error") service=None tags=Some("env:prod,hostname:web-1,ddsource:nginx") uuid=None pattern=Some(1)
        1700000000007 "ERROR Connection from 10.0.0.6 timed out after 12s" status=Some("error") service=None tags=Some("env:prod,hostname:web-1,ddsource:nginx") uuid=None pattern=Some(1)
        1700000000004 "ERROR Connection from 10.0.0.7 timed out after 30s" status=Some("error") service=None tags=Some("env:prod,hostname:web-1,ddsource:nginx") uuid=None pattern=Some(1)"#]].assert_eq(&render(decoded, show));

    let template = "ERROR Connection from  timed out after ";
    assert_eq!(decoder.pattern(1), Some((template, &[22, 39][..])));
    assert_eq!(decoder.pattern_ids().collect::<Vec<_>>(), [1]);
    assert_eq!(decoder.text_ids().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(decoder.text(2), Some("error"));
}

#[test]
fn a_batch_of_profile_c_gives_its_logs() {
    let mut decoder = Decoder::new(Profile::C, Limits::default());
    expect![[r#"
        1700000000000 "ERROR Connection from 10.0.0.5 timed out after 45s" status=Some("error") service=None tags=Some("env:prod") uuid=None pattern=Some(2)
        1700000000007 "ERROR Connection from 10.0.0.6 timed out after 12s" status=Some("error") service=None tags=Some("env:prod") uuid=None pattern=Some(2)
        1700000000004 "x" status=Some("error") service=None tags=Some("env:prod") uuid=None pattern=None"#]].assert_eq(&render(decoder.decode(1, &batch_c()), show));
}

#[test]
fn a_batch_comes_out_of_each_encoding() {
    let compressed = zstd::bulk::compress(&batch_a(), 3).unwrap();
    let mut decoder =
        Decoder::new(Profile::A, Limits::default()).with_encoding(ContentEncoding::Zstd);
    assert_eq!(decoder.decode(0, &compressed).unwrap().len(), 3);
    let error = decoder.decode(1, &batch_a()).unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::Corrupt));
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[test]
fn values_are_text_of_their_type() {
    let value = |value: &str| bytes(2, hex(value));
    let logs = [
        pattern_a(1, "<>", &[1]),
        structured(&[value("082a")]),
        structured(&[value("08d6ffffffffffffffff01")]),
        structured(&[value("11000000000000f03f")]),
        structured(&[value("117b14ae47e17a84bf")]),
        structured(&[value("1a032d3432")]),
        structured(&[value("1a00")]),
        // The last member counts.
        structured(&[value("082a1a0178")]),
    ];
    expect![[r#"
        <42>
        <-42>
        <1>
        <-0.01>
        <-42>
        <>
        <x>"#]]
    .assert_eq(&bodies(Profile::A, &logs));

    let value = |value: &str| bytes(6, hex(value));
    let logs = [
        pattern_c(1, "<>", &[1]),
        log_c(&[value("082a2801")]),
        log_c(&[value("3001")]),
        log_c(&[value("3000")]),
        log_c(&[value("3a037b7d20")]),
    ];
    expect![[r#"
        <42>
        <true>
        <false>
        <{} >"#]]
    .assert_eq(&bodies(Profile::C, &logs));
}

#[test]
fn values_go_to_their_positions() {
    let three = ["MyDecoder", "MySource", "malformed payload"].map(text_value);
    let logs = [
        pattern_a(7, " error decoding source=: ", &[0, 23, 25]),
        structured(&three),
        pattern_a(8, "ab", &[1, 1]),
        structured(&[text_value("X"), text_value("Y")]),
        pattern_a(9, "é=", &[2]),
        structured(&[text_value("1")]),
        pattern_a(10, "=", &[0, 1]),
        structured(&[text_value("é"), text_value("1")]),
        // Out of order, and not packed.
        bytes(
            1,
            message(&[int(1, 11), bytes(2, "ab"), int(3, 2), int(4, 2), int(4, 0)]),
        ),
        structured(&[text_value("X"), text_value("Y")]),
        // The first pattern is as it was.
        structured(&[&[int(1, 7)][..], &three].concat()),
    ];
    expect![[r#"
        MyDecoder error decoding source=MySource: malformed payload
        aXYb
        é=1
        é=1
        YabX
        MyDecoder error decoding source=MySource: malformed payload"#]]
    .assert_eq(&bodies(Profile::A, &logs));
}

#[test]
fn a_pattern_can_be_defined_anew() {
    let logs = [
        pattern_a(1, "old ", &[4]),
        structured(&[text_value("x")]),
        pattern_a(1, "new", &[]),
        structured(&[]),
    ];
    assert_eq!(bodies(Profile::A, &logs), "old x\nnew");
}

#[test]
fn time_is_a_difference_that_wraps() {
    // 5, -5, 9: read as 5, 0, 9 whether or not the sender takes 0 for "no time yet".
    let at = |zigzag| bytes(6, message(&[int(1, zigzag), bytes(3, "x")]));
    let times = |deltas: &[u64]| {
        let logs: Vec<_> = deltas.iter().map(|delta| at(*delta)).collect();
        let records = decode(Profile::A, &logs).unwrap();
        records
            .iter()
            .map(|record| record.timestamp_ms)
            .collect::<Vec<_>>()
    };
    assert_eq!(times(&[10, 9, 18]), [5, 0, 9]);
    assert_eq!(times(&[u64::MAX - 1, 2]), [i64::MAX, i64::MIN]);
}

#[test]
fn an_empty_value_says_none_in_profile_a() {
    let tags = hex("22 04 0a 02 1a 00");
    let status = bytes(6, bytes(3, ""));
    let logs = [
        text_a(1, "a:b"),
        bytes(
            6,
            message(&[
                bytes(3, "1"),
                bytes(4, bytes(1, int(4, 1))),
                bytes(6, int(4, 1)),
            ]),
        ),
        raw_a("2"),
        bytes(6, message(&[bytes(3, "3"), tags])),
        raw_a("4"),
        bytes(
            6,
            message(&[
                bytes(3, "5"),
                status,
                bytes(4, bytes(1, bytes(3, "in:line"))),
            ]),
        ),
        raw_a("6"),
    ];
    expect![[r#"
        0 "1" status=Some("a:b") service=None tags=Some("a:b") uuid=None pattern=None
        0 "2" status=Some("a:b") service=None tags=Some("a:b") uuid=None pattern=None
        0 "3" status=Some("a:b") service=None tags=None uuid=None pattern=None
        0 "4" status=Some("a:b") service=None tags=None uuid=None pattern=None
        0 "5" status=None service=None tags=Some("in:line") uuid=None pattern=None
        0 "6" status=None service=None tags=Some("in:line") uuid=None pattern=None"#]]
    .assert_eq(&records(Profile::A, &logs));
}

#[test]
fn one_says_none_in_profile_c() {
    let raw = |fields: &[Vec<u8>]| log_c(&[&[bytes(7, "x")][..], fields].concat());
    let logs = [
        text_c(2, "a"),
        text_c(3, "b"),
        raw(&[]),
        raw(&[int(2, 2), int(3, 3), int(4, 2), bytes(100, "id")]),
        raw(&[]),
        raw(&[int(2, 1), int(3, 1), int(4, 1)]),
        raw(&[]),
    ];
    expect![[r#"
        0 "x" status=None service=None tags=None uuid=None pattern=None
        0 "x" status=Some("a") service=Some("b") tags=Some("a") uuid=Some("id") pattern=None
        0 "x" status=Some("a") service=Some("b") tags=Some("a") uuid=None pattern=None
        0 "x" status=None service=None tags=None uuid=None pattern=None
        0 "x" status=None service=None tags=None uuid=None pattern=None"#]]
    .assert_eq(&records(Profile::C, &logs));
}

#[test]
fn what_is_left_out_is_forgotten_between_batches() {
    let mut decoder = Decoder::new(Profile::A, Limits::default());
    decoder.decode(1, &batch_a()).unwrap();
    let datums = [bytes(6, message(&[int(1, 4), bytes(3, "x")]))];
    expect![[r#"2 "x" status=None service=None tags=None uuid=None pattern=None"#]]
        .assert_eq(&render(decoder.decode(2, &sequence(&datums)), show));
    // The pattern is still defined, but no longer the last one.
    let values = [text_value("a"), text_value("b")];
    let datums = [structured(&[&[int(1, 1)][..], &values].concat())];
    assert_eq!(decoder.decode(3, &sequence(&datums)).unwrap().len(), 1);
    expect!["FailedPrecondition: batch 4, datum 0: unknown pattern 0"].assert_eq(&render(
        decoder.decode(4, &sequence(&[structured(&values)])),
        show,
    ));
}

#[test]
fn what_was_forgotten_is_unknown_and_the_numbers_go_on() {
    let mut decoder = Decoder::new(Profile::A, Limits::default());
    decoder.decode(1, &batch_a()).unwrap();
    decoder.forget();
    assert_eq!((decoder.pattern_ids().len(), decoder.state_bytes()), (0, 0));
    decoder.decode(2, &batch_a()).unwrap();
    decoder.forget();
    let values = [text_value("a"), text_value("b")];
    let datums = [structured(&[&[int(1, 1)][..], &values].concat())];
    expect!["FailedPrecondition: batch 3, datum 0: unknown pattern 1"]
        .assert_eq(&render(decoder.decode(3, &sequence(&datums)), show));
}

#[test]
fn a_sync_sets_what_the_next_log_leaves_out() {
    let tags = bytes(3, bytes(1, int(4, 1)));
    let logs = [
        text_a(1, "a:b"),
        pattern_a(1, "one", &[]),
        pattern_a(2, "two", &[]),
        bytes(5, message(&[int(1, 1_000), int(2, 1), tags])),
        bytes(6, message(&[int(1, 1), bytes(2, "")])),
        bytes(5, ""),
        structured(&[]),
    ];
    expect![[r#"
        999 "one" status=None service=None tags=Some("a:b") uuid=None pattern=Some(1)
        999 "one" status=None service=None tags=Some("a:b") uuid=None pattern=Some(1)"#]]
    .assert_eq(&records(Profile::A, &logs));

    let sync = [
        int(1, 1_000),
        int(2, 1),
        int(3, 2),
        int(4, 3),
        int(5, 2),
        int(6, 1),
    ];
    let logs = [
        text_c(2, "a"),
        text_c(3, "b"),
        pattern_c(1, "one", &[]),
        pattern_c(2, "two", &[]),
        bytes(5, message(&sync)),
        log_c(&[]),
        bytes(5, int(4, 1)),
        log_c(&[]),
    ];
    expect![[r#"
        1000 "one" status=Some("b") service=Some("a") tags=Some("a") uuid=None pattern=Some(1)
        1000 "one" status=None service=Some("a") tags=Some("a") uuid=None pattern=Some(1)"#]]
    .assert_eq(&records(Profile::C, &logs));
}

#[test]
fn exact_bytes_take_the_place_of_the_text() {
    let exact = bytes(RAW_BYTES, b"\xff\0");
    for (profile, log) in [
        (
            Profile::A,
            bytes(6, message(&[exact.clone(), bytes(3, "\u{fffd}\0")])),
        ),
        (Profile::C, log_c(&[bytes(7, "\u{fffd}\0"), exact])),
    ] {
        assert_eq!(decode(profile, &[log]).unwrap()[0].body, b"\xff\0");
    }
}

#[test]
fn what_is_deleted_is_gone_and_may_be_deleted_again() {
    let mut decoder = Decoder::new(Profile::A, Limits::default());
    decoder.decode(0, &batch_a()).unwrap();
    assert!(decoder.state_bytes() > 39 + 38 + 5);
    let (pattern, text) = (bytes(2, int(1, 1)), bytes(4, int(1, 1)));
    let datums = [
        pattern.clone(),
        pattern,
        text.clone(),
        text,
        bytes(4, int(1, 2)),
    ];
    assert_eq!(decoder.decode(1, &sequence(&datums)), Ok(Vec::new()));
    assert_eq!(decoder.pattern_ids().len() + decoder.text_ids().len(), 0);
    assert_eq!(decoder.state_bytes(), 0);
}

#[test]
fn a_json_log_of_profile_a_is_put_together() {
    let entry = |number, id| bytes(number, int(4, id));
    let logs = [
        text_a(1, "data,n,s,z"),
        text_a(2, "data.message"),
        text_a(3, "s \"q\""),
        pattern_a(1, "hi ", &[3]),
        structured(&[
            bytes(2, int(1, 5)),
            entry(4, 2),
            int(5, 1),
            bytes(6, bytes(3, "{}")),
            bytes(6, int(1, 7)),
            entry(6, 3),
            bytes(6, ""),
        ]),
        // Nothing but the message.
        structured(&[bytes(2, int(1, 6)), bytes(4, bytes(3, "msg"))]),
        // No object at all: the schema of a log before it does not count.
        structured(&[bytes(2, int(1, 7))]),
    ];
    expect![[r#"
        {"data":{"message":"hi 5"},"n":7,"s":"s \"q\"","z":null}
        {"msg":"hi 6"}
        hi 7"#]]
    .assert_eq(&bodies(Profile::A, &logs));
}

#[test]
fn a_json_log_of_profile_c_is_put_together() {
    let keys: Vec<_> = (0..12)
        .map(|n| text_c(10 + n, &format!("k.{n:02}")))
        .collect();
    let kinds = [2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 3, 5];
    let schema = [
        int(1, 2),
        bytes(2, (10..22).collect::<Vec<u8>>()),
        int(3, 30),
        bytes(4, kinds),
    ];
    let columns = [bytes(14, hex("0d01")), bytes(9, [3]), bytes(11, [30])];
    let one = [
        int(1, 3),
        int(2, 10),
        int(2, 11),
        int(2, 12),
        int(3, 30),
        bytes(4, [4, 6, 7]),
    ];
    let other_columns = [
        hex("52 08 000000000000f83f"),
        bytes(13, "s"),
        bytes(12, "[1, 2]"),
    ];
    let logs = [
        keys,
        vec![
            text_c(30, r"a\.b"),
            pattern_c(2, "hi", &[]),
            bytes(3, message(&schema)),
            bytes(3, message(&one)),
            log_c(&[&[int(8, 2)][..], &columns].concat()),
            // The same schema again, around a text that has no pattern.
            log_c(&[&[bytes(7, "raw")][..], &columns].concat()),
            log_c(&[&[int(8, 3)][..], &other_columns].concat()),
            log_c(&[int(8, 1)]),
            bytes(8, int(1, 3)),
        ],
    ]
    .concat();
    expect![[r#"
        {"a.b":"hi","k":{"00":true,"01":false,"02":true,"03":true,"04":false,"05":false,"06":false,"07":false,"08":true,"09":null,"10":-2,"11":"a\\.b"}}
        {"a.b":"raw","k":{"00":true,"01":false,"02":true,"03":true,"04":false,"05":false,"06":false,"07":false,"08":true,"09":null,"10":-2,"11":"a\\.b"}}
        {"a.b":"hi","k":{"00":1.5,"01":"s","02":[1, 2]}}
        hi"#]].assert_eq(&bodies(Profile::C, &logs));
}

#[test]
fn messages_are_merged_as_protobuf_does() {
    let pattern = bytes(1, int(1, 1));
    let rest = bytes(
        1,
        message(&[bytes(2, "old"), int(3, 1), bytes(4, [0]), bytes(2, "ab")]),
    );
    // A datum whose last member is in two pieces, and one whose member is in the end another.
    let merged = message(&[text_a(9, "not this"), pattern, rest]);
    let log = message(&[
        bytes(6, message(&[bytes(2, text_value("lost")), bytes(3, "raw")])),
        bytes(
            6,
            message(&[bytes(2, ""), bytes(2, bytes(2, bytes(3, "x")))]),
        ),
        bytes(6, bytes(4, bytes(1, int(4, 9)))),
        bytes(6, bytes(4, bytes(1, bytes(3, "t")))),
        // Unknown fields, a group among them.
        bytes(
            6,
            message(&[int(77, 1), hex("bb 06 08 01 bc 06"), bytes(99, "?")]),
        ),
    ]);
    let mut decoder = Decoder::new(Profile::A, Limits::default());
    let decoded = decoder.decode(1, &message(&[sequence(&[merged, log]), int(5, 1)]));
    expect![[r#"0 "xab" status=None service=None tags=Some("t") uuid=None pattern=Some(1)"#]]
        .assert_eq(&render(decoded, show));
    assert_eq!(decoder.text_ids().len(), 0);
}
