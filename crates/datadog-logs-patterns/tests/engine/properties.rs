//! Whatever the lines, the cuts, the profile and the limits: every byte comes back.

use datadog_logs_patterns::encoder::{Input, JsonMode, Options};
use datadog_logs_patterns::wire::Profile;
use proptest::prelude::*;

use crate::stream::Stream;

/// Shapes of lines; `#` becomes a number, `@` a word, `%` a time, `$` an identifier, `!` a severity.
const SHAPES: [&str; 16] = [
    "User @ logged in from 10.0.0.#",
    "% ! worker-# finished job $ in #ms",
    "[%] ! @ : connection from 192.168.#.# port # closed by peer",
    "10.1.#.# - - [%] \"GET /cart/#/@ HTTP/1.1\" 200 # \"-\" \"curl/7.#\"",
    "{\"ts\":\"%\",\"level\":\"!\",\"user\":{\"id\":#,\"name\":\"@\"},\"took_ms\":#.#}",
    "{\"host\":\"@\",\"id\":#,\"message\":\"! worker-# finished job $\",\"took\":#.#,\"ts\":\"%\"}",
    "{\"level\":\"!\",\"msg\":\"User @ logged in from 10.0.0.#\",\"user\":\"@\"}",
    "@ @ @ @ @",
    "[x] @ has come and is here #",
    "block blk_# of /data/@/blk_# replicated to 10.0.#.#:#",
    "caf\u{e9} @ \u{1f600} # done",
    "key=@ id=$ size=# path=/srv/@/#.log msg=\"! was @\"",
    "\x1b[31m!\x1b[0m @ #",
    "% @ says: \u{202e}# of #\r\n\tat line #",
    "#",
    "@=#, @=#; @=#",
];
const WORDS: [&str; 10] = [
    "alice",
    "bob",
    "checkout",
    "payments",
    "r\u{e9}sum\u{e9}",
    "x1",
    "node-17",
    "",
    "blk_9",
    "true",
];
const SEVERITIES: [&str; 4] = ["INFO", "ERROR", "warn", "Debug"];

/// One line: a shape filled in by dice, or any bytes.
#[derive(Debug, Clone)]
enum Line {
    Shaped { shape: usize, dice: Vec<u16> },
    Bytes(Vec<u8>),
}

impl Line {
    fn text(&self) -> Vec<u8> {
        match self {
            Self::Shaped { shape, dice } => fill(SHAPES[*shape], dice).into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

fn fill(shape: &str, dice: &[u16]) -> String {
    let mut dice = dice.iter().copied().cycle();
    let mut text = String::new();
    for letter in shape.chars() {
        if !"#@%$!".contains(letter) {
            text.push(letter);
            continue;
        }
        let die = usize::from(dice.next().unwrap_or_default());
        match letter {
            '#' => text.push_str(&[die % 3, die % 250, die * 70_003][die % 3].to_string()),
            '@' => text.push_str(WORDS[die % WORDS.len()]),
            '!' => text.push_str(SEVERITIES[die % SEVERITIES.len()]),
            '$' => text.push_str(&format!(
                "{:08x}-{:04x}-4{:03x}-8000-{:012x}",
                die * 99_991,
                die,
                die % 4096,
                die
            )),
            _ => text.push_str(&time(die)),
        }
    }
    text
}

fn time(die: usize) -> String {
    let (day, hour, minute, second) = (1 + die % 3, die % 24, die % 60, die % 59);
    match die % 4 {
        0 | 1 => format!(
            "2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            die % 1000
        ),
        2 => format!("{day:02}/Jan/2026:{hour:02}:{minute:02}:{second:02} +0100"),
        _ => format!(
            "2026-01-{day:02} {hour:02}:{minute:02}:{second:02},{:03}",
            die % 1000
        ),
    }
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    // Few shapes in one case, so that patterns are learned and widened.
    let shapes = prop::sample::subsequence((0..SHAPES.len()).collect::<Vec<_>>(), 1..5);
    shapes.prop_flat_map(|shapes| {
        let shaped = (
            prop::sample::select(shapes),
            prop::collection::vec(any::<u16>(), 1..8),
        )
            .prop_map(|(shape, dice)| Line::Shaped { shape, dice });
        let bytes = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "\\PC{0,40}".prop_map(String::into_bytes),
            "[ -~\t\r\n]{0,60}".prop_map(String::into_bytes),
        ];
        let line = prop_oneof![12 => shaped, 1 => bytes.prop_map(Line::Bytes)];
        prop::collection::vec(line, 0..150)
    })
}

fn options() -> impl Strategy<Value = Options> {
    let switches = any::<[bool; 4]>();
    let json = prop::sample::select(vec![JsonMode::Text, JsonMode::Columns, JsonMode::Raw]);
    (switches, json, 0..4_usize, 1..12_usize).prop_map(
        |(switches, json, max_patterns, max_texts)| {
            let [is_c, tiny, narrow, bytes] = switches;
            let mut options = Options {
                profile: [Profile::A, Profile::C][usize::from(is_c)],
                json,
                ..Options::default()
            };
            if tiny {
                options.pattern_limits.max_items = max_patterns + 1;
                options.text_limits.max_items = max_texts;
                options.pattern_limits.grace_ms = 0;
            }
            if bytes {
                options.pattern_limits.max_bytes = 6_000;
                options.text_limits.max_bytes = 600;
            }
            if narrow {
                options.learning.max_patterns_per_cluster = max_patterns;
                options.learning.pattern_scan_budget = max_patterns;
                options.learning.first_word_max_cardinality = 3;
            }
            options
        },
    )
}

fn log<'a>(body: &'a [u8], dice: u64) -> Input<'a> {
    let one_of =
        |shift: u32, texts: [&'a str; 4]| texts[usize::from((dice >> shift).to_le_bytes()[0] % 4)];
    let some = |text: &'a str| (!text.is_empty()).then_some(text);
    Input {
        body,
        timestamp_ms: match dice % 64 {
            0 => i64::MIN,
            1 => i64::MAX,
            _ => 1_700_000_000_000 + (dice >> 8 & 0xffff) as i64,
        },
        status: some(one_of(0, ["info", "error", "warn", ""])),
        service: some(one_of(2, ["shop", "shop", "", "cart"])),
        tags: one_of(
            4,
            [
                "env:prod,host:a",
                "",
                "env:prod,host:b",
                "t\u{e9}am:\u{1f600}",
            ],
        ),
        uuid: some(one_of(6, ["", "", "", "7d3f"])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_comes_back(
        lines in lines(),
        options in options(),
        dice in prop::collection::vec(any::<u64>(), 1..50),
        cut in 1..60_u64,
        step_ms in prop::sample::select(vec![0, 1, 100, 60_000]),
    ) {
        let mut stream = Stream::new(options);
        stream.step_ms = step_ms;
        for (line, dice) in lines.iter().zip(dice.iter().cycle()) {
            stream.push_log(&log(&line.text(), *dice));
            if dice >> 20 & 0xff < cut {
                stream.seal();
            }
            let stats = stream.encoder.stats();
            prop_assert!(stats.patterns <= options.pattern_limits.max_items + 1);
        }
        stream.seal();
    }
}
