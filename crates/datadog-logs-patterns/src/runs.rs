//! Runs of an encoder on made-up lines, with limits so small that patterns, texts and schemas leave all the time; for tests.

#![allow(
    clippy::unwrap_used,
    reason = "a run that cannot be made is a failed test"
)]

use proptest::collection::vec;
use proptest::prelude::*;

use crate::decoder::{self, Decoder, Record};
use crate::encoder::{Encoder, Input, JsonMode, Options};
use crate::eviction::Limits;
use crate::operation::Operations;
use crate::wire::{self, Profile};

/// What an encoder has made of some lines.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) profile: Profile,
    pub(crate) batches: Vec<Batch>,
    /// The encoder when all is sealed.
    pub(crate) encoder: Encoder,
}

/// A sealed batch.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) operations: Operations,
    /// Its logs, as they come from a stream that never breaks.
    pub(crate) records: Vec<Record>,
}

/// Kinds of lines.
const KINDS: u8 = 20;

/// What a line is made of.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    kind: u8,
    number: u16,
    word: u8,
    attributes: u8,
    seals: bool,
}

/// Runs of up to 120 lines in batches of about six.
pub(crate) fn runs() -> impl Strategy<Value = Run> {
    (any::<bool>(), vec(dice(), 0..120)).prop_map(|(is_c, dice)| {
        let profile = if is_c { Profile::C } else { Profile::A };
        Run::new(profile, &dice)
    })
}

fn dice() -> impl Strategy<Value = Dice> {
    (0..KINDS, 0..500u16, 0..6u8, any::<u8>(), 0..6u8).prop_map(
        |(kind, number, word, attributes, seal)| Dice {
            kind,
            number,
            word,
            attributes,
            seals: seal == 0,
        },
    )
}

impl Run {
    /// Encodes the lines, and checks that a stream which never breaks gives them back.
    pub(crate) fn new(profile: Profile, dice: &[Dice]) -> Self {
        let mut encoder = Encoder::new(options(profile), 7);
        let mut decoder = Decoder::new(profile, decoder::Limits::default());
        let mut batches = Vec::new();
        let mut now_ms = 0;
        for (batch_id, dice) in (1..).zip(dice.split_inclusive(|dice| dice.seals)) {
            let mut lines = Vec::new();
            for dice in dice {
                now_ms += 1_000;
                lines.push(dice.push(&mut encoder, now_ms));
            }
            let operations = encoder.seal();
            let records = decoder
                .decode(batch_id, &written(&operations, profile))
                .unwrap();
            let bodies: Vec<_> = records.iter().map(|record| record.body.clone()).collect();
            assert_eq!(bodies, lines);
            batches.push(Batch {
                operations,
                records,
            });
        }
        Self {
            profile,
            batches,
            encoder,
        }
    }

    /// A run of many lines, always the same.
    pub(crate) fn long(profile: Profile) -> Self {
        let mut state = 1_u64;
        let mut roll = |sides: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            u8::try_from((state >> 33) % sides).unwrap()
        };
        let dice: Vec<Dice> = (0..2_000)
            .map(|_| Dice {
                kind: roll(u64::from(KINDS)),
                number: u16::from(roll(256)),
                word: roll(6),
                attributes: roll(256),
                seals: roll(6) == 0,
            })
            .collect();
        Self::new(profile, &dice)
    }
}

fn options(profile: Profile) -> Options {
    let limits = |max_items| Limits {
        max_items,
        max_bytes: 1 << 20,
        high_watermark: 0.9,
        low_watermark: 0.6,
        age_decay: 0.5,
        grace_ms: 0,
    };
    Options {
        profile,
        json: JsonMode::Columns,
        pattern_limits: limits(6),
        text_limits: limits(12),
        ..Options::default()
    }
}

/// The message of a batch.
pub(crate) fn written(operations: &Operations, profile: Profile) -> Vec<u8> {
    let mut out = Vec::new();
    wire::write(operations, profile, wire::Options::default(), &mut out);
    out
}

impl Dice {
    /// Encodes the line, and gives it back.
    fn push(&self, encoder: &mut Encoder, now_ms: i64) -> Vec<u8> {
        let line = self.line();
        let roll = usize::from(self.attributes);
        let input = Input {
            body: &line,
            timestamp_ms: now_ms - i64::from(self.number % 7),
            status: [None, Some("info"), Some("error")][roll % 3],
            service: [None, Some("checkout")][roll / 3 % 2],
            tags: ["", "env:prod,host:a", "env:prod,host:b", "env:test"][roll / 6 % 4],
            uuid: (roll > 240).then_some("6f9619ff"),
        };
        encoder.push(&input, now_ms).unwrap();
        line
    }

    fn line(&self) -> Vec<u8> {
        let number = self.number;
        let word = [
            "alice",
            "bob-the-builder",
            "carol@example.com",
            "d",
            "",
            "\u{e9}mile",
        ][usize::from(self.word)];
        match self.kind {
            0..3 => format!("user {word} logged in from 10.0.0.{number}"),
            3..5 => format!("worker-{number} finished the job of {word} in {number}ms"),
            5..7 => format!("GET /api/{word}/{number} HTTP/1.1 200 {number}"),
            7 => format!("{{\"who\":\"{word}\",\"count\":{number}}}"),
            8 => format!("12:00:{:02} cache missed for key user:{word}", number % 60),
            9 => format!("queue length is {number}"),
            10 => format!("connection to replica-{number}.internal.example.com lost"),
            11 => format!("took -{number}.5s, slept 00{number}s"),
            12 => word.into(),
            13 => format!("level={word} msg=\"all {number} fine\""),
            14 => return [b"\xff\xfe ", word.as_bytes()].concat(),
            15 => format!("pool {word} is full"),
            16 => format!("{{\"count\":{number},\"message\":\"user {word} logged in\"}}"),
            17 => {
                format!("{{\"data\":{{\"message\":\"pool {number} is full\"}},\"who\":\"{word}\"}}")
            }
            18 => format!(
                "{{\"msg\":\"took {number} ms\",\"who\":\"{word}\",\"zone\":\"europe-west-{}\"}}",
                number % 2
            ),
            _ => format!(
                "{{\"k{}\":{number},\"log\":\"took {number} ms\"}}",
                number % 5
            ),
        }
        .into_bytes()
    }
}

#[test]
fn patterns_texts_and_schemas_leave_and_patterns_are_widened_in_a_run() {
    for profile in [Profile::A, Profile::C] {
        let stats = Run::long(profile).encoder.stats();
        assert!(stats.patterns_evicted > 50, "{stats:?}");
        assert!(stats.texts_evicted > 50, "{stats:?}");
        let definitions_of_new = stats.patterns_evicted + stats.patterns as u64;
        assert!(stats.patterns_defined > definitions_of_new, "{stats:?}");
        assert!(stats.dictionary_hits > 50, "{stats:?}");
        assert!(stats.columns > 100, "{stats:?}");
        assert!(stats.schemas_evicted > 10, "{stats:?}");
    }
}
