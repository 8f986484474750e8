//! What must hold of repaired chunks, whatever they were: run by the fuzz target on bytes it makes up, and by tests.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use super::{
    Context, Counts, Dropped, Malformed, TRACE_ID_HIGH, operation, payload, tag, tag_value,
};
use crate::span::{Chunk, Link, Payload, Span, Text};
use crate::truncate;

/// Spans that are made of one input at most.
const MAX_SPANS: usize = 64;
/// Bytes of a language; real ones have some ten.
const MAX_LANGUAGE: usize = 60;
/// The start of the year 2000 in nanoseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000_000_000;
/// Moments and lengths of time at which rules change their minds, among others.
const NUMBERS: [i64; 16] = [
    0,
    1,
    2,
    7,
    -1,
    i64::MIN,
    i64::MAX,
    YEAR_2000,
    YEAR_2000 - 1,
    1_700_000_000_000_000_000,
    i64::MAX - 1,
    1_000_000_000,
    -1_000_000_000,
    946_684_800,
    i64::MAX - YEAR_2000,
    255,
];

/// Repairs chunks that are made of bytes, and looks at what comes out.
pub fn normalize(data: &[u8]) {
    let mut input = Input(data);
    let choice = input.byte();
    let text = input.text();
    // Services are named after it as it is.
    let language = truncate::head(&tag_value(&text), MAX_LANGUAGE).to_owned();
    let context = Context {
        language: &language,
        now: if choice & 1 == 0 {
            1_700_000_000_000_000_000
        } else {
            input.number()
        },
        component_as_name: choice & 2 != 0,
    };
    let mut made = input.payload();
    let came = made.clone();
    let mut counts = Counts::default();
    payload(&mut made, &context, &mut counts);
    check_env(&made.env);
    check_books(&came, &made, &counts);
    for chunk in &made.chunks {
        check_chunk(chunk, &context);
    }
    check_again(&made, &context, &counts);
    check_tag(&text);
}

/// What was repaired is repaired: nothing changes any more, and nothing more is dropped.
fn check_again(made: &Payload<'_>, context: &Context<'_>, first: &Counts) {
    let mut again = made.clone();
    let mut counts = Counts::default();
    // Otherwise a component names the span again, before its name is looked at.
    let context = Context {
        component_as_name: false,
        ..*context
    };
    payload(&mut again, &context, &mut counts);
    assert_eq!(&again, made);
    for reason in Dropped::ALL {
        assert_eq!(counts.chunks_dropped(reason), 0, "{}", reason.as_str());
    }
    for reason in Malformed::ALL {
        let expected = match reason {
            // Counted only.
            Malformed::DuplicateSpanId => first.spans_malformed(reason),
            // A long span that ends now may still begin before 2000.
            Malformed::InvalidStartDate => continue,
            _ => 0,
        };
        assert_eq!(
            counts.spans_malformed(reason),
            expected,
            "{}",
            reason.as_str()
        );
    }
}

/// No chunk is lost but with a reason.
fn check_books(came: &Payload<'_>, made: &Payload<'_>, counts: &Counts) {
    let spans = |payload: &Payload<'_>| -> usize {
        payload.chunks.iter().map(|chunk| chunk.spans.len()).sum()
    };
    let dropped: u64 = Dropped::ALL
        .iter()
        .map(|&it| counts.chunks_dropped(it))
        .sum();
    let lost: u64 = Dropped::ALL
        .iter()
        .map(|&it| counts.spans_dropped(it))
        .sum();
    assert_eq!(made.chunks.len() as u64 + dropped, came.chunks.len() as u64);
    assert_eq!(spans(made) as u64 + lost, spans(came) as u64);
}

fn check_chunk(chunk: &Chunk<'_>, context: &Context<'_>) {
    let first = chunk.spans.first().map(|span| span.trace_id);
    assert!(first.is_some_and(|id| id != 0));
    for span in &chunk.spans {
        assert_eq!(Some(span.trace_id), first);
        assert_ne!(span.span_id, 0);
        check_span(span, context);
    }
}

fn check_span(span: &Span<'_>, context: &Context<'_>) {
    assert!(!span.service.is_empty());
    let unnamed = span.service.starts_with("unnamed-") && span.service.ends_with("-service");
    assert!(span.service.len() <= 100, "{}", span.service);
    assert!(unnamed || is_tag_value(&span.service), "{}", span.service);
    check_name(&span.name);
    assert!(!span.resource.is_empty());
    assert!(span.kind.len() <= 100);
    let own_parent = span.parent_id == span.span_id && span.parent_id == span.trace_id;
    assert!(!own_parent);
    assert!(span.duration >= 0);
    assert!(span.start.checked_add(span.duration).is_some());
    // One that began before 2000 ends now, and may be long.
    assert!(span.start >= 0.min(context.now), "{}", span.start);
    for key in ["peer.service", "_dd.base_service", "env"] {
        if let Some(value) = span.tag(key) {
            assert!(is_tag_value(value), "{key} {value}");
        }
    }
    if let Some(status) = span.tag("http.status_code") {
        let status: u16 = status.parse().unwrap_or_default();
        assert!((100..600).contains(&status));
    }
    for link in &span.links {
        if let Some(name) = link.attributes.get("link.name") {
            check_name(name);
        }
    }
}

fn check_env(env: &str) {
    assert!(is_tag_value(env), "{env}");
}

fn check_tag(text: &str) {
    let once = tag(text);
    assert!(is_tag_value(&once), "{once}");
    let starts_well = |first: char| first == ':' || !first.is_ascii() || first.is_ascii_lowercase();
    assert!(once.chars().next().is_none_or(starts_well), "{once}");
    assert_eq!(tag(&once), once);
}

/// As the backend takes it: some letter first, then letters, digits, and dots and underscores one at a time.
fn check_name(name: &str) {
    assert!(name.len() <= 100 && name.starts_with(|first: char| first.is_ascii_alphabetic()));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
    assert!(name.bytes().all(allowed), "{name}");
    assert!(
        !name.contains("__") && !name.contains("_.") && !name.contains("._"),
        "{name}"
    );
    assert!(!name.ends_with('_'), "{name}");
    assert_eq!(operation(name), (name.into(), None));
}

fn is_tag_value(value: &str) -> bool {
    let allowed = |it: char| {
        !it.is_ascii() || matches!(it, 'a'..='z' | '0'..='9' | ':' | '.' | '/' | '-' | '_')
    };
    value.len() <= 2 * 400
        && value.chars().count() <= 200
        && value.chars().all(allowed)
        && !value.contains("__")
        && !value.ends_with('_')
}

/// Bytes that are turned into spans.
struct Input<'i>(&'i [u8]);

impl Input<'_> {
    /// The next byte, 0 after the last.
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    /// A byte for the length, and the bytes; above 250 a long text of one part.
    fn text(&mut self) -> Text<'static> {
        let len = self.byte();
        let times = match len {
            251..=255 => usize::from(len - 249) * 10,
            _ => 1,
        };
        let len = usize::from(len % 251).min(self.0.len());
        let (text, rest) = self.0.split_at(len);
        self.0 = rest;
        String::from_utf8_lossy(text).repeat(times).into()
    }

    /// A number at an edge, or one of eight bytes.
    fn number(&mut self) -> i64 {
        let choice = self.byte();
        match NUMBERS.get(usize::from(choice)) {
            Some(&number) => number,
            None => (0..8).fold(0, |number, _| number << 8 | i64::from(self.byte())),
        }
    }

    fn payload(&mut self) -> Payload<'static> {
        let mut payload = Payload {
            env: self.text(),
            chunks: vec![Chunk::default()],
            ..Payload::default()
        };
        for _ in 0..MAX_SPANS {
            if self.0.is_empty() {
                break;
            }
            let choice = self.byte();
            if choice & 0x80 != 0 {
                payload.chunks.push(Chunk::default());
            }
            let span = self.span(choice);
            if let Some(chunk) = payload.chunks.last_mut() {
                chunk.spans.push(span);
            }
        }
        payload
    }

    fn span(&mut self, choice: u8) -> Span<'static> {
        let mut span = Span {
            service: self.text(),
            name: self.text(),
            resource: self.text(),
            kind: self.text(),
            trace_id: self.number().cast_unsigned(),
            span_id: self.number().cast_unsigned(),
            parent_id: self.number().cast_unsigned(),
            start: self.number(),
            duration: self.number(),
            ..Span::default()
        };
        for (bit, key) in [
            "env",
            "http.status_code",
            "peer.service",
            "_dd.base_service",
            "component",
            TRACE_ID_HIGH,
        ]
        .into_iter()
        .enumerate()
        {
            if choice & (1 << bit) != 0 {
                span.meta.push(key, self.text());
            }
        }
        if choice & 0x40 != 0 {
            let mut link = Link::default();
            link.attributes.push("link.name", self.text());
            span.links.push(link);
        }
        span
    }
}
