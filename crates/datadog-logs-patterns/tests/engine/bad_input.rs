//! Any bytes are a log: none is lost or changed, and hostile ones cost bounded time and memory.

use datadog_logs_patterns::encoder::{Encoder, Error, Input, Options};
use datadog_logs_patterns::wire::Profile;

use crate::stream::{PLAIN, Stream};

fn hard_bodies() -> Vec<Vec<u8>> {
    let texts = [
        "",
        "\0",
        "a\0b",
        "\u{1f600} done in 5ms",
        "\x1b[31mERR\x1b[0m x=1",
        "          ",
        "\t\r\n",
        "one\ntwo\r\nthree\rfour\n\r",
        r#"{"b":1,"a":"x","a":2,"msg":"hi"}"#,
        r#"{ "msg" : "\u00e9" , "n":1.0e3}"#,
        r#"{"a":{"b":["#,
        r#"{"a" "b",,}]"#,
        "007 +5 -0 1e400",
        "\u{fffd} literal \u{fffd}",
        "abc \u{5d0}\u{5d1}\u{5d2} def \u{202e}ghi 12",
        ";,:;,:!!==",
    ];
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.push(b"\xff\xfe".to_vec());
    all.push(b"ok then \xc3( and \xe2\x82".to_vec());
    all.push(vec![b'a'; 1 << 20]);
    all.push(b"word ".repeat(2_000));
    all.push(b",".repeat(5_000));
    all.push(b" ".repeat(100_000));
    all.push([b"{\"a\":".repeat(3_000), b"1".to_vec(), b"}".repeat(3_000)].concat());
    all.push([b"[".repeat(10_000).as_slice(), b"\n"].concat());
    all
}

/// Sends every hard body three times, so that there are patterns of them, in batches of so many logs.
fn check(profile: Profile, logs: usize) {
    let mut stream = Stream::new(Options {
        profile,
        ..Options::default()
    });
    let bodies = hard_bodies();
    for (index, body) in (1..).zip(bodies.iter().cycle().take(3 * bodies.len())) {
        stream.push(body);
        if index % logs == 0 {
            stream.seal();
        }
    }
    stream.seal();
    let stats = stream.encoder.stats();
    assert!(stats.patterns >= 10, "{}", stats.patterns);
}

#[test]
fn hard_bodies_come_back_from_one_batch() {
    check(Profile::A, usize::MAX);
    check(Profile::C, usize::MAX);
}

#[test]
fn hard_bodies_come_back_from_batches_of_one() {
    check(Profile::A, 1);
    check(Profile::C, 1);
}

#[test]
fn a_log_beyond_the_limit_is_refused_and_changes_nothing() {
    let mut encoder = Encoder::new(Options::default(), 1);
    let body = vec![b'a'; (1 << 20) + 1];
    let log = Input {
        body: &body,
        tags: "env:prod",
        ..PLAIN
    };
    let error = Error::TooLarge {
        bytes: (1 << 20) + 1,
        limit: 1 << 20,
    };
    assert_eq!(encoder.push(&log, 0), Err(error));
    assert_eq!(encoder.stats(), Encoder::new(Options::default(), 1).stats());
    assert!(encoder.seal().is_empty());
}
