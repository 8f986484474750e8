//! Logs that can be told apart wherever they end up.

use datadog_logs_patterns::encoder::Input;
use datadog_logs_patterns::wire::Profile;
use datadog_logs_stream::coder::Logs;

/// One log, which holds its number.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) number: u64,
    body: Vec<u8>,
    tags: &'static str,
    status: Option<&'static str>,
    service: Option<&'static str>,
}

/// Logs that are given together.
#[derive(Debug, Clone)]
pub(crate) struct Group(pub(crate) Vec<Log>);

impl Group {
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|log| log.number)
    }
}

impl Logs for Group {
    fn for_each(&self, _profile: Profile, each: &mut dyn FnMut(&Input<'_>)) {
        for log in &self.0 {
            each(&Input {
                body: &log.body,
                timestamp_ms: log.number as i64,
                status: log.status,
                service: log.service,
                tags: log.tags,
                uuid: None,
            });
        }
    }

    fn count(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|log| log.body.len()).sum()
    }
}

const WORDS: [&str; 8] = [
    "connect", "refuse", "deliver", "retry", "parse", "write", "evict", "rotate",
];

/// A log of one of some shapes, few of which come often.
pub(crate) fn log(random: &mut fastrand::Rng, number: u64) -> Log {
    let word = WORDS[random.usize(..WORDS.len())];
    let body = match random.u32(..10) {
        0..=3 => format!(
            "#{number}# user {} from 10.0.0.{}",
            random.u32(..9),
            random.u8(..)
        ),
        4..=5 => format!("#{number}# {word} took {}ms of {word}", random.u32(..5_000)),
        6 => format!(
            "{{\"n\":\"#{number}#\",\"msg\":\"{word} it\",\"at\":{}}}",
            random.u32(..)
        ),
        7 if random.bool() => format!(
            "{{\"at\":{},\"msg\":\"{word} it\",\"n\":\"#{number}#\"}}",
            random.u32(..9)
        ),
        7 => format!("#{number}# {}", word.repeat(random.usize(1..6))),
        8 => format!(
            "#{number}# {}-{word}-{} {word}",
            random.u32(..),
            random.u32(..30)
        ),
        _ => format!("#{number}# /var/{word}/{}.log: {word}", random.u32(..99)),
    };
    let mut body = body.into_bytes();
    if random.u32(..40) == 0 {
        body.extend_from_slice(&[0xff, 0xfe]);
    }
    Log {
        number,
        body,
        tags: ["env:a,host:b", "env:c", ""][random.usize(..3)],
        status: [Some("info"), Some("error"), None][random.usize(..3)],
        service: [Some("shop"), None][random.usize(..2)],
    }
}

/// The number in a body, whatever was done to it.
pub(crate) fn number_in(body: &[u8]) -> u64 {
    let mut parts = body.split(|byte| *byte == b'#');
    let number = parts.nth(1).expect("a body has its number between two #");
    std::str::from_utf8(number).unwrap().parse().unwrap()
}
