//! Whatever the objects, in their canonical form or not: every byte comes back.

use datadog_logs_patterns::wire::Profile;
use proptest::prelude::*;

use crate::columns::options;
use crate::stream::Stream;

/// A value of JSON, to be written in any way.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Spelled(&'static str),
    Int(i64),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Value {
    /// The canonical form, or what a careless writer makes of it.
    fn write(&self, careless: bool, out: &mut String) {
        match self {
            Self::Text(text) if careless => out.push_str(&format!("{text:?}")),
            Self::Text(text) => quote(text, out),
            Self::Spelled(spelling) => out.push_str(spelling),
            Self::Int(number) => out.push_str(&number.to_string()),
            Self::Array(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    value.write(careless, out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                let mut members = members.clone();
                if !careless {
                    members.sort_by(|one, other| one.0.cmp(&other.0));
                    members.dedup_by(|one, other| one.0 == other.0);
                }
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    quote(key, out);
                    out.push_str(if careless { ": " } else { ":" });
                    value.write(careless, out);
                }
                out.push('}');
            }
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// One of few texts, so that they come back, or any.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "", "5", "-7", "true", "null", "{}", "[1]", "europe-west-4a", "asia-north-2b", "checkout-service",
            "10.0.0.1", "a,b", "caf\u{e9} \u{1f600}", "say \"hi\"\n", "2026-01-02T03:04:05Z",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => "[ -~\t\r\n\u{0}\u{1f}\u{7f}]{0,20}",
    ]
}

fn key() -> impl Strategy<Value = String> {
    let keys = vec![
        "a",
        "b",
        "host",
        "level",
        "data",
        "event",
        "payload",
        "data.message",
        "k.v",
        "a,b",
        "\\",
        "\u{e9}",
        "tab\t",
        "z",
        "msg",
        "text",
        "Message",
        "",
    ];
    prop_oneof![
        12 => prop::sample::select(keys).prop_map(str::to_owned),
        1 => "[ -~]{0,5}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let spelled = vec![
        "null",
        "true",
        "false",
        "1.5",
        "-0",
        "1e3",
        "1.50",
        "9223372036854775808",
        "0",
    ];
    let leaf = prop_oneof![
        4 => text().prop_map(Value::Text),
        2 => prop::sample::select(spelled).prop_map(Value::Spelled),
        2 => prop_oneof![-9..300_i64, any::<i64>()].prop_map(Value::Int),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((key(), inner), 0..4).prop_map(Value::Object),
        ]
    })
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        (
            0..3_usize,
            0..300_u16,
            prop::sample::select(vec!["alice", "bob", "r\u{e9}mi", "a\"b\\"])
        )
            .prop_map(|(shape, number, word)| match shape {
                0 => format!("user {word} logged in from 10.0.0.{number}"),
                1 => format!("job {number} of {word}\n\tis done"),
                _ => format!("took {number} ms"),
            }),
        text(),
    ]
}

/// The members of objects that have much in common, with a message at one of the places for one.
fn object() -> impl Strategy<Value = Value> {
    let place = prop::sample::select(vec![
        "message", "message", "message", "msg", "log", "data", "event",
    ]);
    (
        place,
        message(),
        prop::collection::vec((key(), value()), 0..5),
    )
        .prop_map(|(place, message, mut members)| {
            let message = Value::Text(message);
            let value = match place {
                "data" | "event" => Value::Object(vec![("message".to_owned(), message)]),
                _ => message,
            };
            members.retain(|member| member.0 != place);
            members.push((place.to_owned(), value));
            Value::Object(members)
        })
}

/// A line, how often it comes, and whether a batch ends with it.
#[derive(Debug, Clone)]
struct Step {
    line: Vec<u8>,
    copies: usize,
    seals: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let written = (
        object(),
        0..12_u8,
        any::<prop::sample::Index>(),
        any::<u8>(),
    );
    let line = written.prop_map(|(object, way, place, byte)| {
        let mut line = String::new();
        object.write(way == 0, &mut line);
        let mut line = line.into_bytes();
        // A byte more, a byte less, another byte.
        let place = place.index(line.len());
        match way {
            1 => line.insert(place, byte),
            2 => drop(line.remove(place)),
            3 => line[place] = byte,
            _ => {}
        }
        line
    });
    (line, 1..4_usize, 0..5_u8).prop_map(|(line, copies, seal)| Step {
        line,
        copies,
        seals: seal == 0,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_object_comes_back(
        steps in prop::collection::vec(step(), 0..60),
        is_c: bool,
        max_texts in prop_oneof![Just(8_192_usize), 4..60_usize],
        max_bytes in prop_oneof![Just(8_usize << 20), Just(16_000_usize)],
        sample_bytes in prop_oneof![Just(0_usize), Just(20_000_usize)],
    ) {
        let mut options = options([Profile::A, Profile::C][usize::from(is_c)]);
        options.text_limits.max_items = max_texts;
        options.text_limits.max_bytes = max_bytes;
        options.sample_bytes = sample_bytes;
        let mut stream = Stream::new(options);
        for step in &steps {
            for _ in 0..step.copies {
                stream.push(&step.line);
            }
            if step.seals {
                stream.seal();
            }
            let stats = stream.encoder.stats();
            prop_assert!(stats.schema_bytes <= max_bytes / 4, "{}", stats.schema_bytes);
            prop_assert!(stats.schemas <= (max_texts / 8).max(1));
        }
        stream.seal();
        for sample in stream.encoder.structures() {
            let ends = sample.variable.iter().flat_map(|range| [range.start, range.end]);
            let ends: Vec<_> = ends.chain([u32::try_from(sample.sample.len()).unwrap()]).collect();
            prop_assert!(ends.is_sorted(), "{ends:?}");
        }
    }
}
