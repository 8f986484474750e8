//! The live patterns of the open streams, with how often each was used and an example.

use std::collections::BTreeMap;

use datadog_logs_patterns::decoder::{Decoder, Record};
use serde::Serialize;

use super::Streams;

/// Bytes of an example that are kept.
const MAX_EXAMPLE_BYTES: usize = 256;
/// Code points of a template that are shown.
const MAX_TEMPLATE_CHARS: usize = 2_048;
/// Patterns that were used and are no longer defined, kept until there are so many more than live ones.
const MAX_STALE: usize = 1_024;
/// Patterns shown unless asked for another number, and the most that can be asked for.
pub(crate) const DEFAULT_SHOWN: usize = 200;
pub(crate) const MAX_SHOWN: usize = 1_000;
/// What stands for a value.
const PLACE: &str = "<*>";

/// How often the patterns of one stream were used.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    by_id: BTreeMap<u64, Sighting>,
}

/// How often one pattern was used.
#[derive(Debug)]
struct Sighting {
    logs: u64,
    last_seen_ms: i64,
    /// The text of the last log.
    example: Box<str>,
}

impl Sightings {
    /// Counts the logs of one batch, which `decoder` has just decoded.
    pub(super) fn add(&mut self, records: &[Record], decoder: &Decoder, now_ms: i64) {
        let mut last_of = BTreeMap::<u64, (u64, &Record)>::new();
        for record in records {
            if let Some(pattern) = record.pattern {
                let (logs, last) = last_of.entry(pattern).or_insert((0, record));
                *logs += 1;
                *last = record;
            }
        }
        for (pattern, (logs, record)) in last_of {
            let known = self.by_id.get(&pattern).map_or(0, |seen| seen.logs);
            let sighting = Sighting {
                logs: known + logs,
                last_seen_ms: now_ms,
                example: example(&record.body),
            };
            self.by_id.insert(pattern, sighting);
        }
        if self.by_id.len() > decoder.pattern_ids().len() + MAX_STALE {
            self.by_id.retain(|id, _| decoder.pattern(*id).is_some());
        }
    }
}

/// The beginning of a text.
fn example(body: &[u8]) -> Box<str> {
    let (start, is_cut) = match body.get(..MAX_EXAMPLE_BYTES) {
        Some(start) => (start, body.len() > MAX_EXAMPLE_BYTES),
        None => (body, false),
    };
    let mut text = String::from_utf8_lossy(start).into_owned();
    if is_cut {
        // The cut may have gone through a character.
        while text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
        text.push('…');
    }
    text.into()
}

/// A pattern as it is shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Pattern {
    stream: u64,
    wire: &'static str,
    pattern_id: u64,
    /// The text between the values, one piece more than there are values.
    pieces: Vec<String>,
    /// The pieces with [`PLACE`] between them.
    template: String,
    /// Whether the template is longer than what is shown.
    is_cut: bool,
    logs: u64,
    last_seen: Option<i64>,
    example: Option<String>,
}

/// The answer to `GET /inspect/patterns`.
#[derive(Debug, Serialize)]
pub(crate) struct Patterns {
    /// The most used first.
    patterns: Vec<Pattern>,
    /// How many there are.
    total: usize,
    /// How many of them are left out.
    cut: usize,
}

/// The most used patterns of the open streams.
pub(crate) fn shown(streams: &Streams, limit: usize) -> Patterns {
    let mut patterns = Vec::new();
    let mut total = 0;
    for live in streams.opened() {
        let inner = live.inner();
        let Some(decoder) = &inner.decoder else {
            continue;
        };
        let mut ranked: Vec<(u64, u64)> = decoder
            .pattern_ids()
            .map(|id| {
                (
                    inner.sightings.by_id.get(&id).map_or(0, |seen| seen.logs),
                    id,
                )
            })
            .collect();
        total += ranked.len();
        ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (logs, id) in ranked.into_iter().take(limit) {
            let Some((text, positions)) = decoder.pattern(id) else {
                continue;
            };
            let (pieces, is_cut) = pieces(text, positions);
            let seen = inner.sightings.by_id.get(&id);
            patterns.push(Pattern {
                stream: live.number,
                wire: live.opened.wire(),
                pattern_id: id,
                template: pieces.join(PLACE),
                pieces,
                is_cut,
                logs,
                last_seen: seen.map(|seen| seen.last_seen_ms),
                example: seen.map(|seen| seen.example.to_string()),
            });
        }
    }
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.logs));
    patterns.truncate(limit);
    let cut = total - patterns.len();
    Patterns {
        patterns,
        total,
        cut,
    }
}

/// The text before, between and behind the positions, which ascend and count code points.
fn pieces(text: &str, positions: &[u32]) -> (Vec<String>, bool) {
    let mut pieces = vec![String::new()];
    let mut positions = positions.iter().copied().peekable();
    let mut chars = text.chars();
    for at in 0..=MAX_TEMPLATE_CHARS {
        while positions
            .next_if(|position| usize::try_from(*position) == Ok(at))
            .is_some()
            && pieces.len() <= MAX_TEMPLATE_CHARS
        {
            pieces.push(String::new());
        }
        match chars.next() {
            Some(char) if at < MAX_TEMPLATE_CHARS => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(char);
                }
            }
            Some(_) => return (pieces, true),
            None => break,
        }
    }
    (pieces, positions.peek().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_falls_to_pieces_at_its_positions() {
        let of = |text: &str, positions: &[u32]| pieces(text, positions);
        assert_eq!(
            of("ab", &[1, 1]),
            (["a", "", "b"].map(str::to_owned).to_vec(), false)
        );
        assert_eq!(
            of("é=", &[0, 2]),
            (["", "é=", ""].map(str::to_owned).to_vec(), false)
        );
        assert_eq!(of("", &[]), (vec![String::new()], false));
        assert_eq!(of("", &[0]), (vec![String::new(); 2], false));
    }

    #[test]
    fn what_is_longer_is_cut_and_says_so() {
        let text = "x".repeat(MAX_TEMPLATE_CHARS);
        assert_eq!(
            pieces(&text, &[2_048]),
            (vec![text.clone(), String::new()], false)
        );
        let (cut, is_cut) = pieces(&format!("{text}y"), &[2_049]);
        assert_eq!((cut, is_cut), (vec![text], true));
        let (many, is_cut) = pieces("", &[0; 5_000]);
        assert_eq!((many.len(), is_cut), (MAX_TEMPLATE_CHARS + 1, true));
    }

    #[test]
    fn an_example_is_cut_between_characters() {
        assert_eq!(&*example(b"short"), "short");
        let long = format!("{}é", "x".repeat(MAX_EXAMPLE_BYTES - 1));
        assert_eq!(
            &*example(long.as_bytes()),
            format!("{}…", "x".repeat(MAX_EXAMPLE_BYTES - 1))
        );
    }
}
