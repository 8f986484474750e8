//! Any bytes are a log: none is lost or changed, and hostile ones cost bounded time and memory.

use datadog_logs_patterns::encoder::{Encoder, Error, Input, JsonMode, Options};
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
    check_mode(profile, JsonMode::Text, logs);
    check_mode(profile, JsonMode::Columns, logs);
}

fn check_mode(profile: Profile, json: JsonMode, logs: usize) {
    let mut stream = Stream::new(Options {
        profile,
        json,
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

/// Encodes lines, and returns how often a pattern was looked at for each of them.
fn work(lines: impl Iterator<Item = String>, options: Options) -> u64 {
    let mut encoder = Encoder::new(options, 1);
    let (mut logs, mut most) = (0, 0);
    for (number, line) in (1..).zip(lines) {
        let before = encoder.stats().patterns_compared;
        let log = Input {
            body: line.as_bytes(),
            ..PLAIN
        };
        encoder.push(&log, number).unwrap();
        let stats = encoder.stats();
        assert!(stats.patterns <= options.pattern_limits.max_items);
        most = most.max(stats.patterns_compared - before);
        logs += 1;
        if number % 100 == 0 {
            drop(encoder.seal());
        }
    }
    let limits = options.pattern_limits;
    let scans = 2 * options.learning.pattern_scan_budget;
    assert!(most <= (scans + limits.max_items) as u64, "{most}");
    encoder.stats().patterns_compared / logs
}

/// A word of letters that no other number has.
fn word(number: usize) -> String {
    let digits = format!("{:07}", number * 7_919 % 10_000_000);
    let letters = digits.bytes().map(|digit| char::from(digit - b'0' + b'a'));
    letters.collect()
}

/// Lines of one signature; each two share so many words that they make a pattern.
fn one_signature(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| {
        let words: Vec<String> = (0..6).map(|place| word(number / 2 * 6 + place)).collect();
        format!("{} {}", words.join(" "), word(number))
    })
}

#[test]
fn lines_of_one_signature_are_compared_with_no_more_patterns_than_the_budget() {
    let mut options = Options::default();
    // The pattern that is widened once the cluster is full takes most of the lines.
    assert_eq!(work(one_signature(4_000), options), 8);
    options.learning.max_patterns_per_cluster = 0;
    assert_eq!(work(one_signature(4_000), options), 247);
    options.learning.pattern_scan_budget = 4;
    assert_eq!(work(one_signature(4_000), options), 7);
}

#[test]
fn a_new_structure_on_every_line_costs_no_comparison() {
    let lines = (0..4_000).map(|number: usize| {
        let marks = format!("{number:b}").replace('0', ";").replace('1', ":");
        format!("{} {marks} {}", word(number), word(number + 1))
    });
    assert_eq!(work(lines, Options::default()), 0);
}

#[test]
fn young_patterns_that_may_not_leave_are_not_weighed_on_every_line() {
    let lines = (0..8_000).map(|number: usize| {
        let marks = format!("{:b}", number / 2)
            .replace('0', ";")
            .replace('1', ":");
        format!("{} {marks} is what {number} has", word(number / 2))
    });
    let mut options = Options::default();
    options.pattern_limits.max_items = 500;
    assert_eq!(work(lines, options), 5);
}

#[test]
fn severities_that_never_merge_do_not_fill_a_cluster_beyond_its_limit() {
    let severities = ["INFO", "WARN", "ERROR", "DEBUG", "FATAL", "TRACE"];
    let mut options = Options::default();
    options.learning.max_patterns_per_cluster = 3;
    let mut stream = Stream::new(options);
    for number in 0..200 {
        stream.push(format!(
            "{} job number {number} is done",
            severities[number % 6]
        ));
    }
    stream.seal();
    let stats = stream.encoder.stats();
    assert_eq!((stats.patterns, stats.clusters), (3, 1));
}
