//! Everything that is encoded comes back byte for byte, from two decoders that were written apart, and all states agree.

#![allow(
    clippy::unwrap_used,
    reason = "a stream that cannot be written or read is a failed test"
)]

#[path = "support/fields.rs"]
mod fields;
#[path = "support/harness.rs"]
mod harness;
#[path = "support/minimal_decoder.rs"]
mod minimal_decoder;

use datadog_logs_patterns::encoder::{Options, RawReason};
use datadog_logs_patterns::wire::Profile;
use proptest::prelude::*;

use harness::{Given, Stream, templates};

const PROFILES: [Profile; 2] = [Profile::A, Profile::C];

fn lines(texts: &[&str]) -> Vec<Given> {
    texts
        .iter()
        .map(|text| Given::line(text.as_bytes()))
        .collect()
}

fn stream(profile: Profile) -> Stream {
    Stream::new(Options {
        profile,
        ..Options::default()
    })
}

/// Limits so small that something has to leave with nearly every log.
fn cramped(profile: Profile) -> Options {
    let mut options = Options {
        profile,
        ..Options::default()
    };
    options.pattern_limits.max_items = 4;
    options.pattern_limits.grace_ms = 0;
    options.text_limits.max_items = 6;
    options
}

#[test]
fn the_second_line_of_a_structure_defines_what_both_have_in_common() {
    let mut stream = stream(Profile::A);
    let sent = stream.send(&lines(&[
        "User alice logged in from 10.0.0.1",
        "User bob logged in from 10.0.0.2",
    ]));
    assert_eq!(
        templates(&sent),
        [("User  logged in from ".to_owned(), vec![5, 21])]
    );
    assert_eq!(stream.encoder.stats().raw[RawReason::New as usize], 1);
}

#[test]
fn lines_that_differ_in_their_spaces_have_patterns_of_their_own() {
    let mut stream = stream(Profile::A);
    let sent = stream.send(&lines(&["a  b 1", "a b 1", "a  b 1", "a b 1"]));
    let texts: Vec<_> = templates(&sent).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["a  b 1", "a b 1"]);
}

#[test]
fn the_first_word_stays_literal_until_there_are_too_many_of_them() {
    let mut stream = stream(Profile::A);
    let word = |n: u32| -> String {
        let letter = |n: u32| char::from(b'a' + u8::try_from(n % 26).unwrap());
        format!("{}{}", letter(n / 26), letter(n))
    };
    let line = |n: u32| Given::line(format!("[x] {} was one of the many", word(n)).as_bytes());
    // Twice each, as a pattern is made at the second sighting.
    let few: Vec<_> = (0..100).flat_map(|n| [line(n), line(n)]).collect();
    let sent = stream.send(&few);
    assert!(
        templates(&sent)
            .iter()
            .all(|(text, _)| !text.contains("]  was"))
    );
    let sent = stream.send(&(100..110).map(line).collect::<Vec<_>>());
    assert!(
        templates(&sent)
            .iter()
            .any(|(text, _)| text.contains("]  was")),
        "{:?}",
        templates(&sent)
    );
}

#[test]
fn a_severity_never_becomes_a_value() {
    let mut stream = stream(Profile::A);
    let sent = stream.send(&lines(&[
        "ERROR disk sda1 is full",
        "WARN disk sda1 is full",
        "ERROR disk sda2 is full",
        "WARN disk sda2 is full",
    ]));
    let texts: Vec<_> = templates(&sent).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["ERROR disk sda is full", "WARN disk sda is full"]);
}

#[test]
fn hostile_and_odd_lines_come_back_from_one_batch_and_from_batches_of_one() {
    let megabyte = vec![b'a'; 1 << 20];
    let many_tokens = "x ".repeat(2_049);
    let many_parts = "a:b-".repeat(5_000);
    let deep = "{\"a\":".repeat(3_000) + "1" + &"}".repeat(3_000);
    let odd: Vec<&[u8]> = vec![
        b"",
        b"\x00",
        b"a\x00b",
        b"\xff\xfe",
        "\u{1f600} done in 5ms".as_bytes(),
        b"\x1b[31mERR\x1b[0m x=1",
        b"          ",
        b"\t\r\n",
        br#"{"b":1,"a":"x","a":2,"msg":"hi"}"#,
        br#"{ "msg" : "\u00e9" , "n":1.0e3}"#,
        b"007 +5 -0 1e400",
        &megabyte,
        "\u{fffd}".as_bytes(),
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} abc \u{645}\u{631}\u{62d}\u{628}\u{627} 12".as_bytes(),
        many_tokens.as_bytes(),
        many_parts.as_bytes(),
        deep.as_bytes(),
        br#"{"broken": "#,
        b"\"\"\"\"\" \" \"",
    ];
    for profile in PROFILES {
        let all: Vec<_> = odd.iter().map(|line| Given::line(line)).collect();
        let mut whole = stream(profile);
        for _ in 0..3 {
            whole.send(&all);
        }
        let mut single = stream(profile);
        for log in all.iter().chain(&all) {
            single.send(std::slice::from_ref(log));
        }
    }
}

#[test]
fn a_new_structure_on_every_line_leaves_the_state_within_its_bound() {
    let mut stream = Stream::new(cramped(Profile::A));
    for batch in 0..40_u64 {
        let logs: Vec<_> = (0..100)
            .map(|n| {
                let bits = (batch * 100 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let shape: String = (0..24)
                    .map(|bit| [" a", "-b"][usize::from(bits >> bit & 1 == 1)])
                    .collect();
                Given::line(shape.as_bytes())
            })
            .collect();
        stream.send(&logs);
        let stats = stream.encoder.stats();
        assert!(stats.patterns <= 4, "{}", stats.patterns);
        assert!(stats.waiting_bytes <= 1 << 20, "{}", stats.waiting_bytes);
    }
}

#[test]
fn one_cluster_with_thousands_of_words_keeps_a_bounded_number_of_patterns() {
    let mut stream = stream(Profile::A);
    for batch in 0..20 {
        let logs: Vec<_> = (0..200_u32)
            .map(|n| {
                let word = |n: u32| -> String {
                    format!("{n:08}")
                        .bytes()
                        .map(|digit| char::from(digit - b'0' + b'a'))
                        .collect()
                };
                let n = batch * 100 + n / 2;
                Given::line(format!("{} {} {}", word(n), word(n * 7), word(n * 13)).as_bytes())
            })
            .collect();
        stream.send(&logs);
    }
    let limit = stream.encoder.options().learning.max_patterns_per_cluster;
    assert!(stream.encoder.stats().patterns <= limit);
}

#[test]
fn a_pattern_that_left_is_defined_anew_before_it_is_used() {
    let mut stream = Stream::new(cramped(Profile::A));
    let log = |kind: &str, n: u32| Given::line(format!("{kind} took {n} ms").as_bytes());
    let kinds = ["read", "write", "flush", "seek", "open", "close", "sync"];
    for round in 0..30 {
        let logs: Vec<_> = kinds
            .iter()
            .flat_map(|kind| [log(kind, round), log(kind, round + 1)])
            .collect();
        stream.send(&logs);
    }
    let stats = stream.encoder.stats();
    assert!(stats.patterns_evicted > 50, "{}", stats.patterns_evicted);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let run = || {
        let mut stream = stream(Profile::A);
        let logs: Vec<_> = (0..500)
            .map(|n| {
                let line = format!("GET /a/{} took {} ms for user{}", n % 7, n, n % 11);
                Given::line(line.as_bytes())
            })
            .collect();
        let mut written = Vec::new();
        for batch in logs.chunks(40) {
            let operations = stream.send(batch);
            stream.encoder.write(&operations, &mut written);
        }
        written
    };
    assert_eq!(run(), run());
}

/// Lines as programs write them, so that patterns are learned, widened and joined.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0..5_u32, 0..100_000_u32];
    let word = prop::sample::select(vec!["alpha", "beta", "gamma", "delta", "x_1", "node-7"]);
    let like = (0..8_usize, number, word, 0..60_u32).prop_map(|(shape, n, word, second)| {
        match shape {
            0 => format!("User {word} logged in from 10.0.0.{}", n % 256),
            1 => format!("2024-05-06 10:{second:02}:{:02},{:03} INFO {word} took {n}ms", n % 60, n % 1000),
            2 => format!("10.1.2.{} - - [06/May/2024:10:00:{second:02} +0000] \"GET /{word}/{} HTTP/1.1\" 200 {n} \"-\" \"Agent {word}\"", n % 9, n % 5),
            3 => format!("{{\"level\":\"{word}\",\"n\":{n},\"ok\":{},\"msg\":\"it is {second}\"}}", n % 2 == 0),
            4 => format!("{word}: a=1 b={n} c=\"{word} {second}\""),
            5 => format!("[{word}] {n} {n} {word}-{n}:{second}"),
            6 => format!("  indented\t{word}\r"),
            _ => format!("blk_-{n}{second} {word} \u{e9}{n}"),
        }
        .into_bytes()
    });
    prop_oneof![
        12 => like,
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => "\\PC{0,30}".prop_map(String::into_bytes),
    ]
}

fn any_log() -> impl Strategy<Value = Given> {
    let status = prop::sample::select(vec![None, Some("info"), Some("error")]);
    let tags = prop::sample::select(vec!["", "env:a", "env:b,team:c"]);
    (any_line(), status, tags, -50..50_i64).prop_map(|(body, status, tags, timestamp_ms)| Given {
        body,
        timestamp_ms,
        status,
        tags,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_goes_in_comes_out(
        batches in prop::collection::vec(prop::collection::vec(any_log(), 1..60), 1..8),
        is_c in any::<bool>(),
        small in any::<bool>(),
    ) {
        let profile = PROFILES[usize::from(is_c)];
        let options = if small { cramped(profile) } else { Options { profile, ..Options::default() } };
        let mut stream = Stream::new(options);
        for batch in &batches {
            stream.send(batch);
        }
        prop_assert_eq!(stream.encoder.stats().guard_hits(), 0);
    }
}
