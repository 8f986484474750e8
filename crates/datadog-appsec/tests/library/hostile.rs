//! Bodies that were made to cost much or to hide something, each with an attack in front: it is found, what is looked at
//! stays bounded, and what is left out is told. Also what `cargo xtask sanitize` runs under AddressSanitizer and valgrind.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use datadog_appsec::{AppSec, Config, Counts, HttpRequest, NewSpan, SpanTags};

use crate::library;

const ATTACK: &str = "<script>alert(document.cookie)</script>";
/// However slow the machine or what watches the test is.
const BUDGET: Duration = Duration::from_secs(600);
/// Of the tags of one span, whatever the request was; what is cut is 4 KiB at most, and there are few.
const MAX_TAG_BYTES: usize = 64 << 10;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=b";
const PART: &str = "--b\r\ncontent-disposition: form-data; name=q\r\n\r\n";

/// What became of a body.
#[derive(Debug, PartialEq, Default)]
struct Outcome {
    found: bool,
    /// Sizes of what was cut: texts, containers, nesting.
    cut: [f64; 3],
    skipped: [u64; 4],
}

const FOUND: Outcome = Outcome {
    found: true,
    cut: [0.0; 3],
    skipped: [0; 4],
};

fn cut(text: usize, container: usize, depth: usize) -> Outcome {
    let number = |size: usize| f64::from(u32::try_from(size).unwrap());
    Outcome {
        cut: [text, container, depth].map(number),
        ..FOUND
    }
}

/// Skipped with the reason of this number: too large, encoded, unsupported, malformed.
fn skipped(reason: usize) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.skipped[reason] = 1;
    outcome
}
const TOO_LARGE: usize = 0;
const ENCODED: usize = 1;
const UNSUPPORTED: usize = 2;
const MALFORMED: usize = 3;

fn appsec() -> Option<AppSec> {
    static LOADED: OnceLock<AppSec> = OnceLock::new();
    let config = Config {
        library_path: Some(library()?.to_path_buf()),
        waf_timeout: BUDGET,
        trace_rate_limit: u32::MAX,
        ..Config::default()
    };
    Some(LOADED.get_or_init(|| AppSec::load(config).unwrap()).clone())
}

/// Firewalls count for all requests, so that those of one test follow one another.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[track_caller]
fn check(headers: &[(&str, &str)], body: impl AsRef<[u8]>, wanted: &Outcome) {
    let Some(appsec) = appsec() else {
        return;
    };
    let _turn = alone();
    let before = appsec.counts();
    let mut transaction = appsec.transaction();
    let headers = headers.iter();
    transaction.request(&HttpRequest {
        method: "POST".to_owned(),
        uri: "/orders".to_owned(),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Some(body.as_ref().to_vec()),
        ..HttpRequest::default()
    });
    let tags = transaction.finish(&NewSpan, Instant::now());
    let after = appsec.counts();
    assert_eq!(&outcome(&tags, before, after), wanted);
    assert_eq!(
        after.evaluations - before.evaluations,
        1,
        "one evaluation a request"
    );
    assert_eq!(
        (
            after.timeouts - before.timeouts,
            after.errors - before.errors
        ),
        (0, 0)
    );
    let bytes: usize = tags
        .meta
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(bytes <= MAX_TAG_BYTES, "{bytes} bytes of tags");
}

fn outcome(tags: &SpanTags, before: Counts, after: Counts) -> Outcome {
    let metric = |name: &str| {
        let name = format!("_dd.appsec.truncated.{name}");
        let found = tags.metrics.iter().find(|(known, _)| *known == name);
        found.map_or(0.0, |(_, value)| *value)
    };
    let counts = |counts: Counts| {
        [
            counts.bodies_too_large,
            counts.bodies_encoded,
            counts.bodies_unsupported,
            counts.bodies_malformed,
        ]
    };
    let (before, after) = (counts(before), counts(after));
    Outcome {
        found: tags.meta.iter().any(|(name, _)| name == "_dd.appsec.json"),
        cut: ["string_length", "container_size", "container_depth"].map(metric),
        skipped: std::array::from_fn(|at| after[at] - before[at]),
    }
}

#[track_caller]
fn json(body: impl AsRef<[u8]>, wanted: &Outcome) {
    check(&[("content-type", JSON)], body, wanted);
}

#[track_caller]
fn parts(body: impl AsRef<[u8]>, wanted: &Outcome) {
    check(&[("content-type", PARTS)], body, wanted);
}

#[test]
fn what_is_nested_deep_hides_nothing_beside_it() {
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    json(
        format!(r#"{{"q":"{ATTACK}","d":{open}{close}}}"#),
        &cut(0, 0, 100_002),
    );
    json(
        format!(r#"{{"d":{open}{close},"q":"{ATTACK}"}}"#),
        &cut(0, 0, 100_002),
    );
    let (open, close) = (r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    json(
        format!(r#"{{"q":"{ATTACK}","d":{open}1{close}}}"#),
        &cut(0, 0, 100_002),
    );
}

#[test]
fn a_megabyte_of_brackets_is_a_document_or_none() {
    let half = 500_000;
    let closed = format!("{}{}", "[".repeat(half), "]".repeat(half));
    json(
        closed,
        &Outcome {
            found: false,
            ..cut(0, 0, half + 1)
        },
    );
    json("[".repeat(1 << 20), &skipped(MALFORMED));
    json("[".repeat((1 << 20) + 1), &skipped(TOO_LARGE));
    json("{\"a\":".repeat(200_000), &skipped(MALFORMED));
}

#[test]
fn what_is_wide_hides_nothing_before_it() {
    json(
        format!(r#"["{ATTACK}"{}]"#, ",0".repeat(69_999)),
        &cut(0, 70_000, 0),
    );
    let members: String = (0..70_000).map(|n| format!(",\"{n}\":0")).collect();
    json(
        format!(r#"{{"q":"{ATTACK}"{members}}}"#),
        &cut(0, 70_001, 0),
    );
    let same = r#","a":0"#.repeat(100_000);
    json(format!(r#"{{"q":"{ATTACK}"{same}}}"#), &cut(0, 100_001, 0));
    // More values than are looked at, in containers that are not too large.
    let row = format!(",[0{}]", ",0".repeat(255));
    json(format!(r#"["{ATTACK}"{}]"#, row.repeat(255)), &FOUND);
    let block = format!("[[0{}]{}]", ",0".repeat(255), row.repeat(255));
    json(
        format!(r#"["{ATTACK}",{block},{block},{block}]"#),
        &cut(0, 256, 0),
    );
}

#[test]
fn what_is_long_is_cut() {
    let long = "x".repeat(900_000);
    json(
        format!(r#"{{"q":"{ATTACK}","s":"{long}"}}"#),
        &cut(900_000, 0, 0),
    );
    json(
        format!(r#"{{"q":"{ATTACK}","{long}":1}}"#),
        &cut(900_000, 0, 0),
    );
    json(
        format!(r#"{{"s":"{ATTACK}{long}"}}"#),
        &cut(900_000 + ATTACK.len(), 0, 0),
    );
    check(
        &[("content-type", FORM)],
        format!("q={ATTACK}&s={long}"),
        &cut(900_000, 0, 0),
    );
    check(
        &[("content-type", "text/plain")],
        format!("{ATTACK}{long}"),
        &cut(900_000 + ATTACK.len(), 0, 0),
    );
    let digits = "9".repeat(900_000);
    json(format!(r#"{{"q":"{ATTACK}","n":{digits}}}"#), &FOUND);
    json(
        format!(r#"{{"q":"{ATTACK}","n":0.{digits}e-{digits}}}"#),
        &skipped(TOO_LARGE),
    );
}

#[test]
fn what_is_no_text_hides_nothing() {
    let around = |bytes: &[u8]| {
        [
            b"{\"s\":\"",
            bytes,
            b"\",\"q\":\"",
            ATTACK.as_bytes(),
            b"\"}",
        ]
        .concat()
    };
    json(around(b"\xff\xfe\xc3\x28\x80\xf8\x88"), &FOUND);
    json(around(b"\xed\xa0\x80"), &FOUND);
    json(around(b"\\ud800"), &FOUND);
    json(around(br"\udfff\ud800\ud800\u0000"), &FOUND);
    json(around(br"\uZZZZ"), &skipped(MALFORMED));
    // Each replacement has three bytes.
    json(around(&[0xff; 300_000]), &cut(900_000, 0, 0));
    json(
        around("\\ud800".repeat(100_000).as_bytes()),
        &cut(300_000, 0, 0),
    );
    json([b"\xef\xbb\xbf", around(b"").as_slice()].concat(), &FOUND);
    let form = [b"a=\xff%ff%00&q=", ATTACK.as_bytes()].concat();
    check(&[("content-type", FORM)], form, &FOUND);
}

#[test]
fn a_form_of_very_many_names_is_read_as_far_as_it_goes() {
    let names: String = (0..100_000).map(|n| format!("&{n}=")).collect();
    check(
        &[("content-type", FORM)],
        format!("q={ATTACK}{names}"),
        &cut(0, 100_001, 0),
    );
    let same = "&a=".repeat(100_000);
    check(
        &[("content-type", FORM)],
        format!("q={ATTACK}{same}"),
        &cut(0, 100_000, 0),
    );
    check(
        &[("content-type", FORM)],
        format!("{}q={ATTACK}", "&".repeat(1_000_000)),
        &FOUND,
    );
    check(
        &[("content-type", FORM)],
        format!("q={ATTACK}{}", "%".repeat(1_000_000)),
        &cut(1_000_000 + ATTACK.len(), 0, 0),
    );
}

#[test]
fn a_bomb_of_parts_is_read_as_far_as_it_goes() {
    let small = "--b\r\n\r\nx\r\n".repeat(100_000);
    parts(
        format!("{PART}{ATTACK}\r\n{small}--b--"),
        &cut(0, 100_001, 0),
    );
    let file =
        "--b\r\ncontent-disposition: form-data; name=a; filename=f\r\n\r\nx\r\n".repeat(10_000);
    parts(format!("{PART}{ATTACK}\r\n{file}--b--"), &cut(0, 10_001, 0));
    // No part in it ends.
    parts(
        format!("{PART}{ATTACK}{}", "\r\n--".repeat(200_000)),
        &cut(800_000 + ATTACK.len(), 0, 0),
    );
    parts(
        format!("--b\r\n{}", "--b\r".repeat(200_000)),
        &skipped(MALFORMED),
    );
}

#[test]
fn parts_in_parts_and_headers_without_end_hide_nothing_beside_them() {
    let inner = "--b\r\ncontent-disposition: form-data; name=n\r\ncontent-type: multipart/form-data; boundary=c\r\n\r\n";
    let nested = "--c\r\ncontent-type: multipart/form-data; boundary=c\r\n\r\n".repeat(10_000);
    parts(
        format!("{inner}{nested}\r\n{PART}{ATTACK}\r\n--b--"),
        &FOUND,
    );
    let endless = format!("--b\r\n{}\r\n", "x: y\r\n".repeat(100_000));
    parts(format!("{endless}{PART}{ATTACK}\r\n--b--"), &FOUND);
    let one = format!("--b\r\nx: {}\r\n\r\nz\r\n", "y".repeat(900_000));
    parts(format!("{one}{PART}{ATTACK}\r\n--b--"), &FOUND);
    parts(
        format!("--b\r\n{}", "x: y\r\n".repeat(100_000)),
        &skipped(MALFORMED),
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(
        "--b\r\ncontent-disposition: form-data; name=n\r\ncontent-type: {JSON}\r\n\r\n{deep}\r\n"
    );
    parts(
        format!("{deep}{PART}{ATTACK}\r\n--b--"),
        &cut(0, 0, 100_002),
    );
}

#[test]
fn what_is_compressed_is_left_alone() {
    let body = format!(r#"{{"q":"{ATTACK}"}}"#);
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(body.as_bytes()).unwrap();
    let small = zip.finish().unwrap();
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(&[b'['; 64 << 20]).unwrap();
    let bomb = zip.finish().unwrap();
    for zipped in [&small, &bomb] {
        check(
            &[("content-type", JSON), ("content-encoding", "gzip")],
            zipped,
            &skipped(ENCODED),
        );
        check(&[("content-type", JSON)], zipped, &skipped(MALFORMED));
        check(&[], zipped, &skipped(UNSUPPORTED));
    }
    check(
        &[("content-type", JSON), ("content-encoding", "identity")],
        body,
        &FOUND,
    );
}
