//! The memory that an encoder claims is the memory that it has, and neither grows without end.
//!
//! A program of its own, because it counts every allocation of the process, and may run for longer than a test should:
//!
//! ```text
//! cargo test --release -p datadog-logs-patterns --test memory -- --lines 10000000
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a line that cannot be encoded is a failed test"
)]

use datadog_logs_patterns::encoder::{Encoder, Input, JsonMode, Options};
use datadog_logs_patterns::eviction::Limits;
use datadog_logs_patterns::wire::Profile;

#[path = "../../../tests/allocator.rs"]
mod allocator;

/// Lines of the long streams unless an argument says otherwise; the others have a quarter.
const LINES: u64 = 200_000;
/// Lines of a batch.
const BATCH: u64 = 500;
/// What an encoder has besides its state: the tokens and members of a line, lists of ids.
const BUFFERS: usize = 8 << 10;

/// What lines that are seen once may take.
const MAX_WAITING_BYTES: usize = 1 << 20;
/// What the sets of values that were seen take.
const ADMISSION: usize = 120 << 10;
const MAX_ITEMS: usize = 600;
const MAX_PATTERN_BYTES: usize = 512 << 10;
const MAX_TEXT_BYTES: usize = 128 << 10;

fn options(grace_ms: i64, json: JsonMode) -> Options {
    let mut options = Options {
        json,
        ..Options::default()
    };
    let limits = |limits: Limits, max_bytes| Limits {
        max_items: MAX_ITEMS,
        max_bytes,
        grace_ms,
        ..limits
    };
    options.pattern_limits = limits(options.pattern_limits, MAX_PATTERN_BYTES);
    options.text_limits = limits(options.text_limits, MAX_TEXT_BYTES);
    options
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (number ^ number >> 31).wrapping_mul(0x94d0_49bb_1331_11eb) >> 17
}

/// A word of letters.
fn word(number: u64) -> String {
    let letter = |shift: u32| char::from(b'a' + (mixed(number) >> shift & 15).to_le_bytes()[0]);
    (0..7).map(|place| letter(4 * place)).collect()
}

/// Structures that come three times and never again, among some that stay.
fn churning(number: u64) -> String {
    let structure = number / 3;
    let marks: String = (0..6)
        .map(|place| char::from(b"/:;,|="[(mixed(structure) >> (3 * place) & 7) as usize % 6]))
        .collect();
    let (one, other) = (word(structure), word(structure + 1));
    match number % 10 {
        0..3 => format!("request of user-{} took {number} ms", number % 900),
        3..6 => format!(
            "{} has come to {one} and {other} as usual",
            word(number % 150)
        ),
        _ => format!(
            "{one} {marks} {other} of id{number} {marks} for customer-{}",
            number % 2_000
        ),
    }
}

/// A new structure on every line.
fn hostile(number: u64) -> String {
    let text: Vec<String> = (0..12)
        .map(|place| {
            format!(
                "{}{}",
                word(number * 16 + place),
                [",", ";", " ", "=", ":"][(mixed(number * 3 + place) % 5) as usize]
            )
        })
        .collect();
    text.concat()
}

/// One structure, whose words are never the same; each line comes twice.
fn one_signature(number: u64) -> String {
    let words: Vec<String> = (0..8).map(|place| word(number / 2 * 8 + place)).collect();
    words.join(" ")
}

/// Objects of shapes that come and go, with values that have entries and values that profile A has no word for.
fn objects(number: u64, profile: Profile) -> String {
    // In profile C each shape is four, by what its members hold.
    let shapes = if profile == Profile::A { 150 } else { 60 };
    let shape = number / 40 % shapes;
    let members: Vec<_> = (0..12)
        .map(|place| {
            let value = match place % 3 {
                _ if profile == Profile::A && place % 3 == 2 => format!("{place}"),
                0 => format!("{}", mixed(number + place) % 1_000),
                1 => format!("\"{} {}\"", word(number % 50), word(place)),
                _ => ["true", "null", "1.5", "[1,\"\\n\"]"][(mixed(number / 20) % 4) as usize]
                    .to_owned(),
            };
            format!("\"a{:03}{}\":{value}", place, word(shape * 7 + place / 4))
        })
        .collect();
    let message = format!("request of user-{} took {number} ms", number % 900);
    format!("{{{},\"message\":\"{message}\"}}", members.join(","))
}

/// Sends a stream through an encoder, and compares what it claims with what is allocated.
fn check(name: &str, lines: u64, line: impl Fn(u64) -> String, options: Options) {
    let before = allocator::used();
    let mut encoder = Encoder::new(options, 1);
    let mut looks = Vec::new();
    for number in 1..=lines {
        push(&mut encoder, number, &line(number));
        if number % BATCH == 0 {
            drop(encoder.seal());
        }
        if number % (lines / 10) == 0 {
            looks.push(allocator::used() - before);
            let (claimed, real) = (encoder.stats().state_bytes(), looks[looks.len() - 1]);
            assert!(
                (claimed..=claimed + BUFFERS).contains(&real),
                "{name}: {claimed} claimed, {real} allocated"
            );
        }
    }
    let bound = MAX_PATTERN_BYTES + MAX_TEXT_BYTES + MAX_WAITING_BYTES + ADMISSION + BUFFERS;
    assert!(looks.iter().all(|look| *look <= bound), "{name}: {looks:?}");
    flat(name, &looks);
    let stats = encoder.stats();
    let objects = options.json == JsonMode::Columns;
    assert!(!objects || stats.columns > lines / 2, "{name}: {stats:?}");
    assert!(!objects || stats.schemas_evicted > 100, "{name}: {stats:?}");
    let most = looks.iter().max().copied().unwrap_or_default();
    eprintln!("memory: {name}: {lines} lines, {most} bytes at most of {bound}");
}

fn push(encoder: &mut Encoder, number: u64, line: &str) {
    let at_ms = i64::try_from(number).unwrap();
    let log = Input {
        body: line.as_bytes(),
        timestamp_ms: at_ms,
        status: Some("info"),
        service: Some("shop"),
        tags: "env:prod",
        uuid: None,
    };
    encoder.push(&log, at_ms).unwrap();
    let stats = encoder.stats();
    assert!(
        stats.patterns <= MAX_ITEMS && stats.texts <= MAX_ITEMS,
        "{stats:?}"
    );
    assert!(stats.pattern_bytes <= MAX_PATTERN_BYTES, "{stats:?}");
    let texts = stats.text_bytes + stats.schema_bytes;
    assert!(texts <= MAX_TEXT_BYTES, "{stats:?}");
}

/// The second half of a stream takes no more than the first, but for what a table has grown by chance.
fn flat(name: &str, looks: &[usize]) {
    let (first, second) = looks.split_at(looks.len() / 2);
    let most = |looks: &[usize]| looks.iter().copied().max().unwrap_or(0);
    assert!(most(second) * 100 <= most(first) * 110, "{name}: {looks:?}");
}

/// The number behind `--lines`; flags of test runners are passed over.
fn lines() -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--lines");
    let lines = arguments.nth(1).and_then(|lines| lines.parse().ok());
    lines.unwrap_or(LINES)
}

/// The claimed memory is the allocated memory, and stays within its limits.
fn main() {
    let lines = lines();
    let text = |grace_ms| options(grace_ms, JsonMode::Text);
    check("churning", lines, churning, text(0));
    check("churning with grace", lines, churning, text(30_000));
    check("hostile", lines / 4, hostile, text(30_000));
    check("one signature", lines / 4, one_signature, text(30_000));
    for profile in [Profile::A, Profile::C] {
        let options = Options {
            profile,
            ..options(0, JsonMode::Columns)
        };
        check(
            "objects",
            lines / 4,
            |number| objects(number, profile),
            options,
        );
    }
}
