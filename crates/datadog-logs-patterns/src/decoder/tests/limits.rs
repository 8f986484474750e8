//! Streams that would grow without bound.

use super::*;

fn limit(limit: Limit, max: usize) -> Reason {
    Reason::Limit { limit, max }
}

/// The limit that a batch goes past.
#[track_caller]
fn check(profile: Profile, limits: Limits, datums: &[Vec<u8>], expected: Option<Limit>) {
    let mut decoder = Decoder::new(profile, limits);
    let decoded = decoder.decode(1, &sequence(datums));
    let reached = match &decoded {
        Ok(_) => None,
        Err(error) => match error.reason() {
            Some(Reason::Limit { limit, .. }) => {
                assert_eq!(error.code(), Code::ResourceExhausted);
                Some(*limit)
            }
            other => panic!("{other:?}"),
        },
    };
    assert_eq!(reached, expected);
}

#[test]
fn definitions_are_counted() {
    let limits = Limits {
        patterns: 2,
        texts: 2,
        schemas: 2,
        ..Limits::default()
    };
    let schema = |id| bytes(3, int(1, id));
    let pattern = |id| pattern_c(id, "", &[]);
    let text = |id| text_c(id, "");
    for (datum, limit, delete) in [
        (&pattern as &dyn Fn(u64) -> Vec<u8>, Limit::Patterns, 7),
        (&text, Limit::Texts, 6),
        (&schema, Limit::Schemas, 8),
    ] {
        let two = [datum(2), datum(3), datum(3)];
        check(Profile::C, limits, &two, None);
        let three = [datum(2), datum(3), datum(4)];
        check(Profile::C, limits, &three, Some(limit));
        let fewer = [datum(2), datum(3), bytes(delete, int(1, 2)), datum(4)];
        check(Profile::C, limits, &fewer, None);
    }
}

#[test]
fn the_memory_of_definitions_is_bounded() {
    let datums: Vec<_> = (2..50).map(|id| text_c(id, &"x".repeat(100))).collect();
    let mut decoder = Decoder::new(Profile::C, Limits::default());
    decoder.decode(1, &sequence(&datums)).unwrap();
    let state_bytes = decoder.state_bytes();
    assert!(state_bytes > 48 * (100 + size_of::<(u64, std::sync::Arc<str>)>()));
    assert_eq!(state_bytes, decoder.counted_state_bytes());

    let exact = Limits {
        state_bytes,
        ..Limits::default()
    };
    check(Profile::C, exact, &datums, None);
    let longer = text_c(2, &"x".repeat(101));
    let more = [&datums[..], &[longer]].concat();
    check(Profile::C, exact, &more, Some(Limit::StateBytes));
    // The text of a template, its positions and the keys of a schema count as well.
    let state_bytes = 1_000;
    let small = Limits {
        state_bytes,
        ..Limits::default()
    };
    let long = "x".repeat(1_000);
    for datum in [
        pattern_c(2, &long, &[]),
        pattern_c(2, "", &[0; 250]),
        bytes(
            3,
            message(&[int(1, 2), bytes(2, [9; 112]), bytes(4, [1; 112])]),
        ),
    ] {
        check(Profile::C, small, &[datum], Some(Limit::StateBytes));
    }
}

#[test]
fn values_are_counted_before_they_are_kept() {
    let limits = Limits {
        values: 3,
        ..Limits::default()
    };
    let four = |field: Vec<u8>| field.repeat(4);
    check(
        Profile::A,
        limits,
        &[pattern_a(1, "", &[0; 4])],
        Some(Limit::Values),
    );
    for fields in [four(bytes(2, "")), four(bytes(6, ""))] {
        check(
            Profile::A,
            limits,
            &[structured(&[fields])],
            Some(Limit::Values),
        );
    }
    for fields in [
        four(bytes(6, "")),
        four(int(9, 1)),
        bytes(9, [0; 4]),
        bytes(10, [0; 32]),
        four(int(11, 1)),
        four(bytes(12, "")),
        four(bytes(13, "")),
    ] {
        check(Profile::C, limits, &[log_c(&[fields])], Some(Limit::Values));
    }
    check(
        Profile::C,
        limits,
        &[bytes(3, bytes(2, [2; 4]))],
        Some(Limit::Values),
    );
    let keys = [
        text_a(1, "a,b,c,d"),
        pattern_a(1, "", &[]),
        structured(&[int(5, 1), bytes(4, bytes(3, "m"))]),
    ];
    check(Profile::A, limits, &keys, Some(Limit::Values));
}

#[test]
fn a_log_is_bounded_to_the_byte() {
    let limits = |log_bytes| Limits {
        log_bytes,
        ..Limits::default()
    };
    let text = text_a(1, "12345");
    let value = bytes(2, int(4, 1));
    for (log, length) in [
        (structured(&[value.clone(), value]), 12),
        (raw_a("exactly 10"), 10),
        (
            bytes(6, message(&[bytes(3, ""), bytes(RAW_BYTES, "bytes")])),
            5,
        ),
    ] {
        let datums = [text.clone(), pattern_a(1, "ab", &[1, 2]), log];
        check(Profile::A, limits(length), &datums, None);
        check(
            Profile::A,
            limits(length - 1),
            &datums,
            Some(Limit::LogBytes),
        );
    }
}

#[test]
fn a_batch_that_names_a_large_text_often_is_bounded() {
    let mib = "x".repeat(1 << 20);
    let log = structured(&[bytes(2, int(4, 1))]);
    let definitions = [text_a(1, &mib), pattern_a(1, "", &[0])];
    let batch = [&definitions[..], &vec![log; 100_000]].concat();
    assert!(sequence(&batch).len() < 3 << 20);
    let mut decoder = Decoder::new(
        Profile::A,
        Limits {
            output_bytes: 16 << 20,
            ..Limits::default()
        },
    );
    let error = decoder.decode(1, &sequence(&batch)).unwrap_err();
    assert_eq!(error.reason(), Some(&limit(Limit::OutputBytes, 16 << 20)));
    // The sixteenth no longer fits, since a record is more than its text.
    assert!(
        error.to_string().starts_with("batch 1, datum 17: "),
        "{error}"
    );

    // One log that names it often.
    let log = structured(&[bytes(2, int(4, 1)).repeat(20)]);
    let batch = [text_a(1, &mib), pattern_a(1, "", &[0; 20]), log];
    check(Profile::A, Limits::default(), &batch, Some(Limit::LogBytes));
}

#[test]
fn text_that_is_replaced_is_paid_for() {
    let mib = "x".repeat(1 << 20);
    let exact = bytes(RAW_BYTES, "");
    let log = bytes(6, message(&[bytes(2, bytes(2, int(4, 1))), exact]));
    let batch = [
        &[text_a(1, &mib), pattern_a(1, "", &[0])][..],
        &vec![log; 300],
    ]
    .concat();
    check(
        Profile::A,
        Limits::default(),
        &batch,
        Some(Limit::OutputBytes),
    );
}

#[test]
fn logs_without_text_take_memory_too() {
    let batch = vec![raw_a(""); 1_000];
    let output_bytes = 1_000 * size_of::<Record>();
    let limits = |output_bytes| Limits {
        output_bytes,
        ..Limits::default()
    };
    check(Profile::A, limits(output_bytes), &batch, None);
    check(
        Profile::A,
        limits(output_bytes - 1),
        &batch,
        Some(Limit::OutputBytes),
    );
}

#[test]
fn keys_of_json_are_bounded_like_the_log() {
    let path = vec!["a"; 1 << 16].join(".");
    let log = |key| structured(&[bytes(4, int(4, key))]);
    let batch = [text_a(1, &path), pattern_a(1, "x", &[]), log(1)];
    check(Profile::A, Limits::default(), &batch, Some(Limit::Depth));

    // Many keys that are the same long text.
    let keys = [
        text_c(2, &"x".repeat(1 << 20)),
        bytes(
            3,
            message(&[int(1, 2), bytes(2, [2; 100]), int(3, 2), bytes(4, [1; 100])]),
        ),
        log_c(&[bytes(7, "x"), int(8, 2)]),
    ];
    check(Profile::C, Limits::default(), &keys, Some(Limit::LogBytes));
}

#[test]
fn a_bomb_ends_the_stream() {
    let bomb = zstd::bulk::compress(&vec![0; 65 << 20], 3).unwrap();
    let mut decoder =
        Decoder::new(Profile::A, Limits::default()).with_encoding(ContentEncoding::Zstd);
    let error = decoder.decode(1, &bomb).unwrap_err();
    assert_eq!(
        error.to_string(),
        "batch 1: more than 67108864 bytes in a batch"
    );
    assert_eq!(error.code(), Code::ResourceExhausted);
}
