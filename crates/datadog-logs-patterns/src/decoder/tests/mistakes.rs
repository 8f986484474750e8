//! Batches with a mistake: what is said of it, and that nothing of the batch is left.

use expect_test::expect;

use super::*;

/// What is wrong with the last of the datums.
#[track_caller]
fn check(profile: Profile, datums: &[Vec<u8>], expected: expect_test::Expect) {
    let mut decoder = Decoder::new(profile, Limits::default());
    let error = decoder.decode(1, &sequence(datums)).unwrap_err();
    let last = datums.len() - 1;
    let shown = format!("{:?}: {error}", error.code());
    let place = format!("batch 1, datum {last}: ");
    assert!(shown.contains(&place), "not the last datum: {shown}");
    expected.assert_eq(&shown.replace(&place, ""));
    assert_eq!(decoder.state_bytes(), 0);
}

#[test]
fn a_datum_of_an_unknown_kind_is_an_error() {
    for (profile, number) in [(Profile::A, 7), (Profile::A, 100), (Profile::C, 9)] {
        let datum = bytes(number, int(1, 1));
        let reason = Reason::UnknownDatum { number };
        let error = decode(profile, &[datum]).unwrap_err();
        assert_eq!(error.reason(), Some(&reason));
    }
    check(
        Profile::A,
        &[message(&[int(9, 1), raw_a("x")])],
        expect!["InvalidArgument: datum of unknown kind 9"],
    );
    check(
        Profile::A,
        &[raw_a("x"), Vec::new()],
        expect!["InvalidArgument: datum without content"],
    );
    check(
        Profile::A,
        &[int(6, 1)],
        expect!["InvalidArgument: malformed protobuf: field of another wire type"],
    );
}

#[test]
fn ids_with_a_meaning_cannot_be_defined() {
    check(
        Profile::A,
        &[pattern_a(0, "", &[])],
        expect!["InvalidArgument: pattern 0 cannot be defined"],
    );
    check(
        Profile::A,
        &[text_a(0, "")],
        expect!["InvalidArgument: dictionary entry 0 cannot be defined"],
    );
    check(
        Profile::C,
        &[pattern_c(1, "", &[]), text_c(1, "")],
        expect!["InvalidArgument: dictionary entry 1 cannot be defined"],
    );
    check(
        Profile::C,
        &[bytes(3, int(1, 1))],
        expect!["InvalidArgument: schema 1 cannot be defined"],
    );
    assert_eq!(records(Profile::A, &[text_a(1, "")]), "");
}

#[test]
fn a_pattern_must_agree_with_itself() {
    let stated = |count| bytes(1, message(&[int(1, 1), int(3, count), bytes(4, [0])]));
    check(
        Profile::A,
        &[stated(2)],
        expect!["InvalidArgument: 2 parameters for 1 positions"],
    );
    check(
        Profile::A,
        &[stated(0)],
        expect!["InvalidArgument: 0 parameters for 1 positions"],
    );
    check(
        Profile::C,
        &[pattern_c(1, "éé", &[2, 3])],
        expect!["InvalidArgument: position 3 in a template of 2 code points"],
    );
}

#[test]
fn a_log_must_agree_with_its_pattern() {
    let pattern = pattern_a(1, "ab", &[0, 1]);
    check(
        Profile::A,
        &[pattern.clone(), structured(&[text_value("x")])],
        expect!["InvalidArgument: 1 values for 2 positions"],
    );
    check(
        Profile::A,
        &[
            pattern.clone(),
            structured(&[text_value("x"), bytes(2, "")]),
        ],
        expect!["InvalidArgument: value without content"],
    );
    check(
        Profile::A,
        &[
            pattern.clone(),
            structured(&[text_value("x"), bytes(2, int(4, 3))]),
        ],
        expect!["FailedPrecondition: unknown dictionary entry 3"],
    );
    check(
        Profile::A,
        &[structured(&[])],
        expect!["FailedPrecondition: unknown pattern 0"],
    );
    check(
        Profile::A,
        &[pattern, bytes(2, int(1, 1)), structured(&[])],
        expect!["FailedPrecondition: unknown pattern 1"],
    );
    check(
        Profile::A,
        &[bytes(6, int(1, 2))],
        expect!["InvalidArgument: log without content"],
    );
    check(
        Profile::C,
        &[log_c(&[])],
        expect!["FailedPrecondition: unknown pattern 0"],
    );
}

#[test]
fn what_a_log_carries_must_be_defined() {
    let log = |field| bytes(6, message(&[bytes(3, "x"), field]));
    for field in [bytes(4, bytes(1, int(4, 5))), bytes(6, int(4, 5))] {
        check(
            Profile::A,
            &[log(field)],
            expect!["FailedPrecondition: unknown dictionary entry 5"],
        );
    }
    for field in [bytes(4, ""), bytes(4, bytes(1, "")), bytes(6, "")] {
        check(
            Profile::A,
            &[log(field)],
            expect!["InvalidArgument: value without content"],
        );
    }
    for number in [2, 3, 4] {
        check(
            Profile::C,
            &[log_c(&[bytes(7, "x"), int(number, 5)])],
            expect!["FailedPrecondition: unknown dictionary entry 5"],
        );
    }
    check(
        Profile::C,
        &[log_c(&[bytes(7, "x"), int(8, 5)])],
        expect!["FailedPrecondition: unknown schema 5"],
    );
}

#[test]
fn texts_must_be_utf_8() {
    for datum in [bytes(6, bytes(3, b"\xff")), bytes(3, bytes(2, b"\xff"))] {
        check(
            Profile::A,
            &[datum],
            expect!["InvalidArgument: malformed protobuf: string that is not UTF-8"],
        );
    }
}

#[test]
fn a_json_log_of_profile_a_must_fit_its_schema() {
    let state = [text_a(1, "a,b"), pattern_a(1, "hi", &[])];
    let key = bytes(4, bytes(3, "m"));
    let value = bytes(6, int(1, 1));
    let log =
        |fields: &[&Vec<u8>]| structured(&fields.iter().copied().cloned().collect::<Vec<_>>());
    for fields in [
        &[&key, &int(5, 1), &value][..],
        &[&key, &int(5, 1), &value, &value, &value],
        &[&key, &value],
    ] {
        check(
            Profile::A,
            &[&state[..], &[log(fields)]].concat(),
            expect!["InvalidArgument: JSON log: more or fewer values than keys"],
        );
    }
    check(
        Profile::A,
        &[&state[..], &[log(&[&int(5, 1), &value, &value])]].concat(),
        expect!["InvalidArgument: JSON log: members without a key for the message"],
    );
    check(
        Profile::A,
        &[&state[..], &[log(&[&key, &bytes(3, "{}")])]].concat(),
        expect!["InvalidArgument: JSON log: the deprecated form of context"],
    );
}

#[test]
fn a_json_log_of_profile_c_must_fit_its_schema() {
    let schema = |keys: &[u8], kinds: &[u8]| {
        bytes(
            3,
            message(&[int(1, 2), bytes(2, keys), int(3, 2), bytes(4, kinds)]),
        )
    };
    check(
        Profile::C,
        &[schema(&[2, 3], &[1])],
        expect!["InvalidArgument: JSON log: a schema with more or fewer kinds than keys"],
    );
    for kind in [0, 8, 255] {
        check(
            Profile::C,
            &[schema(&[2], &[kind])],
            expect!["InvalidArgument: JSON log: unknown kind of a member"],
        );
    }
    let state = [text_c(2, "m"), text_c(3, "k")];
    let columns = [
        (2, bytes(14, [1])),
        (3, bytes(9, [1])),
        (4, bytes(10, [0; 8])),
        (5, bytes(11, [2])),
        (6, bytes(13, "s")),
        (7, bytes(12, "1")),
    ];
    for (kind, column) in &columns {
        let log = |columns: &[Vec<u8>]| log_c(&[&[bytes(7, "x"), int(8, 2)][..], columns].concat());
        let datums = |log| [&state[..], &[schema(&[3], &[*kind]), log]].concat();
        assert_eq!(
            decode(Profile::C, &datums(log(std::slice::from_ref(column)))).map(|logs| logs.len()),
            Ok(1)
        );
        check(
            Profile::C,
            &datums(log(&[])),
            expect!["InvalidArgument: JSON log: fewer values than keys of their kind"],
        );
        for (_, other) in columns.iter().filter(|(other, _)| other != kind) {
            check(
                Profile::C,
                &datums(log(&[column.clone(), other.clone()])),
                expect!["InvalidArgument: JSON log: more values than keys of their kind"],
            );
        }
        check(
            Profile::C,
            &[log_c(&[bytes(7, "x"), column.clone()])],
            expect!["InvalidArgument: JSON log: values without a schema"],
        );
    }
    check(
        Profile::C,
        &[
            text_c(3, "k"),
            schema(&[], &[]),
            log_c(&[bytes(7, "x"), int(8, 2)]),
        ],
        expect!["FailedPrecondition: unknown dictionary entry 2"],
    );
}

#[test]
fn batches_come_in_their_order() {
    let ids = |ids: &[u32]| {
        let mut decoder = Decoder::new(Profile::A, Limits::default());
        let decoded = ids.iter().map(|id| decoder.decode(*id, b""));
        decoded
            .map(|decoded| render(decoded, show))
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(ids(&[0, 1, 2]), "; ; ");
    assert_eq!(ids(&[1, 2]), "; ");
    expect!["InvalidArgument: batch 2: out of sequence, expected 1"].assert_eq(&ids(&[2]));
    expect!["; InvalidArgument: batch 3: out of sequence, expected 2"].assert_eq(&ids(&[1, 3]));
    expect!["; InvalidArgument: batch 1: out of sequence, expected 2"].assert_eq(&ids(&[1, 1]));
    expect!["; InvalidArgument: batch 0: out of sequence, expected 2; InvalidArgument: batch 2: the stream ended with batch 0"].assert_eq(&ids(&[1, 0, 2]));
}

#[test]
fn the_last_number_has_no_next() {
    let mut decoder = Decoder::new(Profile::A, Limits::default());
    decoder.last_batch = Some(u32::MAX);
    let expected = 1 << 32;
    let error = decoder.decode(0, b"").unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::Sequence { expected }));
}

#[test]
fn a_stream_is_over_with_its_first_mistake() {
    let mut decoder = Decoder::new(Profile::A, Limits::default());
    decoder.decode(1, &vectors::batch_a()).unwrap();
    let datums = [raw_a("fine"), structured(&[int(1, 9)])];
    let error = decoder.decode(2, &sequence(&datums)).unwrap_err();
    expect!["batch 2, datum 1: unknown pattern 9"].assert_eq(&error.to_string());
    assert_eq!(decoder.state_bytes(), 0);
    assert_eq!(decoder.pattern_ids().len(), 0);

    let error = decoder.decode(3, b"").unwrap_err();
    expect!["batch 3: the stream ended with batch 2"].assert_eq(&error.to_string());
    assert_eq!(error.code(), Code::FailedPrecondition);
    expect![[r#"Decoder { profile: A, encoding: Identity, last_batch: Some(2), failed: Some((2, FailedPrecondition)), patterns: 0, texts: 0, state_bytes: 0, .. }"#]].assert_eq(&format!("{decoder:?}"));
}
