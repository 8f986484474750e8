//! The memory of an aggregator does not grow while contexts come and go, however long they do.
//!
//! A program of its own, because it counts every allocation of the process, and may run for longer than a test should:
//!
//! ```text
//! cargo test --release -p datadog-metrics-agent --test memory -- --hours 12
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a message that cannot be added is a failed test"
)]

use datadog_metrics_agent::aggregator::{Aggregator, Config, Which};
use datadog_metrics_agent::parse::{Message, Options, messages};
use datadog_metrics_agent::rules;

#[path = "../../../tests/allocator.rs"]
mod allocator;

/// Seconds between two flushes.
const FLUSH_EVERY: i64 = 10;
/// Hours of a run unless an argument says otherwise.
const HOURS: i64 = 1;
/// New contexts a second, or new messages.
const RATE: i64 = 40;
/// What the aggregator has besides what it says: the pools of values, buffers, and what the writers keep.
const BESIDES: usize = 256 << 10;

/// What comes, and how much may stay of it.
struct Stream {
    name: &'static str,
    config: Config,
    /// The message of a number, which is never the same again.
    line: fn(i64) -> String,
    /// Contexts at most.
    contexts: usize,
}

fn streams() -> Vec<Stream> {
    let stream = |name, contexts, line| Stream {
        name,
        config: Config::default(),
        line,
        contexts,
    };
    let held = |seconds: i64| usize::try_from((seconds + 2 * FLUSH_EVERY) * RATE).unwrap();
    vec![
        stream("distributions", held(20), |number| {
            format!("rolling.{number}:1|d|#pod:p-{number}")
        }),
        // Counters go on as zeros for five minutes.
        stream("counters", held(300) * 2, |number| {
            format!("rolling:1|c|#env:prod,pod:p-{number}")
        }),
        stream("all types", held(300) * 2, |number| {
            let kind = ["c", "g", "d", "h", "ms", "s"][(number % 6) as usize];
            let tags: Vec<_> = (0..number % 9)
                .map(|tag| format!("t{tag}:{number}"))
                .collect();
            let rate = ["", "|@0.25"][(number % 2) as usize];
            let value = number % 977;
            format!("rolling.{number}:{value}|{kind}{rate}|#{}", tags.join(","))
        }),
        Stream {
            config: Config {
                copy_to_distribution: Some("copy.".to_owned()),
                ..Config::default()
            },
            ..stream("histograms with copies", held(20) * 2, |number| {
                format!("rolling.{number}:{number}:3:9:{}|h", number + 1)
            })
        },
        stream("values of one context", 4, |number| {
            let kind = ["s", "h", "d", "g"][(number % 4) as usize];
            format!("one:{number}|{kind}")
        }),
        // Each message is one that never came before, and leads to the same context.
        stream("forms of one context", 1, |number| {
            format!("one:1|c|#a:b|c:ci-{number:064}")
        }),
        Stream {
            config: Config {
                rules: rules::Config {
                    blocklist: vec!["blocked.".to_owned()],
                    blocklist_matches_prefix: true,
                    ..rules::Config::default()
                },
                ..Config::default()
            },
            ..stream("blocked names beside one that is not", 1, |number| {
                match number % 10 {
                    0 => "one:1|c".to_owned(),
                    _ => format!("blocked.{number}:1|c"),
                }
            })
        },
        stream("samples that are passed on", 0, |number| {
            format!("rolling.{number}:1|c|T{}|#n:{number}", number / RATE)
        }),
        stream("events and checks", 0, |number| match number % 2 {
            0 => format!("_e{{5,4}}:title|text|#n:{number}"),
            _ => format!("_sc|check.{number}|0|m:{number}"),
        }),
    ]
}

fn main() {
    let hours = hours();
    for stream in streams() {
        check(&stream, hours);
    }
}

/// Lets a stream come for so many hours of its own clock.
fn check(stream: &Stream, hours: i64) {
    let mut looks = Vec::with_capacity(usize::try_from(hours * 60).unwrap());
    let before = allocator::used();
    let mut aggregator = Aggregator::new(Config {
        max_contexts: 100_000,
        ..stream.config.clone()
    })
    .unwrap();
    let mut contexts = 0;
    for second in 0..hours * 3_600 {
        let now = 1_000_000 + second;
        for number in now * RATE..(now + 1) * RATE {
            add(&mut aggregator, &(stream.line)(number), now);
        }
        contexts = contexts.max(aggregator.contexts());
        if now % FLUSH_EVERY == FLUSH_EVERY - 1 {
            drop(aggregator.flush(now + 1, Which::Closed));
        }
        if second % 60 == 59 {
            let allocated = allocator::used() - before;
            let claimed = aggregator.bytes();
            assert!(
                allocated <= claimed + BESIDES,
                "{}: {claimed} claimed, {allocated} allocated",
                stream.name
            );
            looks.push(allocated);
        }
    }
    let name = stream.name;
    assert!(contexts <= stream.contexts, "{name}: {contexts} contexts");
    let most = looks.iter().max().copied().unwrap_or_default();
    eprintln!("memory: {name}: {hours} h, {contexts} contexts and {most} bytes at most");
    flat(name, &looks);
}

fn add(aggregator: &mut Aggregator, line: &str, now: i64) {
    let options = Options {
        client_origin: true,
        ..Options::default()
    };
    for message in messages(line.as_bytes(), &options) {
        match message.unwrap() {
            // What is blocked is refused, and counted.
            Message::Metric(metric) => drop(aggregator.metric(&metric, None, now)),
            Message::Event(event) => aggregator.event(&event, None, now).unwrap(),
            Message::ServiceCheck(check) => aggregator.service_check(&check, None, now).unwrap(),
        }
    }
}

/// The second half takes no more than the first: not a byte.
fn flat(name: &str, looks: &[usize]) {
    let (first, second) = looks.split_at(looks.len() / 2);
    let most = |looks: &[usize]| looks.iter().copied().max().unwrap_or(0);
    assert!(most(second) <= most(first), "{name}: {looks:?}");
}

/// The number behind `--hours`; flags of test runners are passed over.
fn hours() -> i64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--hours");
    let hours = arguments.nth(1).and_then(|hours| hours.parse().ok());
    hours.unwrap_or(HOURS)
}
