//! What is added to the entries of one call, written out once: the fragments that are appended to an entry, and the
//! tags that join its own.

use datadog_wire::logs;

use super::outline::{DDTAGS, RESERVED, TIMESTAMP};
use super::{Defaults, Enrichment};
use crate::intake_entry::json;

/// The tag of an entry whose message was cut.
const TRUNCATED_TAG: &str = "truncated:single_line";

/// What is added to entries that lack it.
#[derive(Debug)]
pub(super) struct Plan {
    /// For each reserved key `,"key":value`, or nothing.
    fragments: [Vec<u8>; RESERVED],
    /// One bit for each fragment that is not empty.
    pub(super) fills: u8,
    /// Bytes of all fragments: what an entry with nothing but a message grows by.
    pub(super) fragment_bytes: usize,
    /// Bytes that any entry grows by, at most.
    pub(super) added_bytes: usize,
    /// Tags that join those of the entry.
    tags: Vec<Tag>,
    /// Tags of an entry that has none, before those that join any.
    pub(super) default_tags: String,
    /// Time before which an entry is too old to be shown.
    pub(super) oldest_ms: i64,
}

#[derive(Debug)]
struct Tag {
    text: String,
    escaped: Vec<u8>,
}

impl Tag {
    fn from_text(text: &str) -> Self {
        let mut escaped = Vec::new();
        json::write_escaped(text.as_bytes(), &mut escaped);
        Self {
            text: text.to_owned(),
            escaped,
        }
    }
}

impl Plan {
    /// The defaults of a request come before those of the configuration.
    pub(super) fn from_defaults(enrichment: &Enrichment, defaults: &Defaults, now_ms: i64) -> Self {
        let mut plan = Self {
            fragments: Default::default(),
            fills: 0,
            fragment_bytes: 0,
            added_bytes: 0,
            tags: Vec::new(),
            default_tags: defaults.ddtags.clone().unwrap_or_default(),
            oldest_ms: 0,
        };
        for tag in enrichment.tags.iter().filter(|tag| !tag.is_empty()) {
            if !plan.tags.iter().any(|known| known.text == *tag) {
                plan.tags.push(Tag::from_text(tag));
            }
        }
        let texts = [
            (2, &defaults.hostname, &enrichment.hostname),
            (3, &defaults.service, &enrichment.service),
            (4, &defaults.ddsource, &enrichment.ddsource),
            (6, &None, &enrichment.status),
        ];
        for (index, first, second) in texts {
            let set = |text: &&String| !text.is_empty();
            let first = first.as_ref().filter(set);
            if let Some(text) = first.or_else(|| second.as_ref().filter(set)) {
                let mut value = Vec::new();
                json::write_str(text, &mut value);
                plan.fill(index, &value);
            }
        }
        if let Some(tags) = plan.tags_value(&plan.default_tags, Cut::No) {
            plan.fill(DDTAGS, &tags);
        }
        plan.fragment_bytes = plan.fragments.iter().map(Vec::len).sum();
        let tags: usize = plan.tags.iter().map(|tag| tag.escaped.len() + 1).sum();
        plan.added_bytes = plan.fragment_bytes + tags;
        plan.set_time(now_ms);
        plan
    }

    /// Sets the time of entries that have none.
    pub(super) fn set_time(&mut self, now_ms: i64) {
        let before = self.fragments[TIMESTAMP].len();
        self.fragments[TIMESTAMP].clear();
        let mut digits = [0; DIGITS];
        self.fill(TIMESTAMP, decimal(now_ms, &mut digits));
        let after = self.fragments[TIMESTAMP].len();
        self.fragment_bytes = self.fragment_bytes - before + after;
        self.added_bytes = self.added_bytes - before + after;
        self.oldest_ms = now_ms.saturating_sub(logs::MAX_AGE_MS);
    }

    fn fill(&mut self, index: usize, value: &[u8]) {
        let fragment = &mut self.fragments[index];
        fragment.extend_from_slice(b",\"");
        fragment.extend_from_slice(logs::RESERVED_KEYS[index].as_bytes());
        fragment.extend_from_slice(b"\":");
        fragment.extend_from_slice(value);
        self.fills |= 1 << index;
    }

    /// `,"key":value` for a reserved key; empty when nothing is known for it.
    pub(super) fn fragment(&self, index: usize) -> &[u8] {
        &self.fragments[index]
    }

    /// Appends the fragments of those reserved keys whose bit is set in `missing`.
    #[inline]
    pub(super) fn write_missing(&self, missing: u8, out: &mut Vec<u8>) {
        let mut missing = missing & self.fills;
        while missing != 0 {
            out.extend_from_slice(&self.fragments[missing.trailing_zeros() as usize]);
            missing &= missing - 1;
        }
    }

    /// Whether an entry with these tags lacks any of those that are added.
    pub(super) fn adds_to(&self, own: &str) -> bool {
        self.lacking(own).next().is_some()
    }

    /// Appends the tags that `own` lacks, each behind a comma, as they stand inside of a JSON string.
    pub(super) fn write_lacking(&self, own: &str, out: &mut Vec<u8>) {
        for tag in self.lacking(own) {
            out.push(b',');
            out.extend_from_slice(&tag.escaped);
        }
    }

    fn lacking<'a>(&'a self, own: &'a str) -> impl Iterator<Item = &'a Tag> {
        self.tags.iter().filter(move |tag| !has_tag(own, &tag.text))
    }

    /// The value of `ddtags` as JSON: the entry's own, the tag of a cut message, then those that are added. `None`
    /// without any tag.
    pub(super) fn tags_value(&self, own: &str, cut: Cut) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        value.push(b'"');
        let mut push = |tag: &[u8]| {
            if value.len() > 1 {
                value.push(b',');
            }
            value.extend_from_slice(tag);
        };
        if !own.is_empty() {
            push(&Tag::from_text(own).escaped);
        }
        if cut == Cut::Yes && !has_tag(own, TRUNCATED_TAG) {
            push(TRUNCATED_TAG.as_bytes());
        }
        for tag in self.lacking(own) {
            if cut == Cut::No || tag.text != TRUNCATED_TAG {
                push(&tag.escaped);
            }
        }
        value.push(b'"');
        (value.len() > 2).then_some(value)
    }
}

/// Whether the message was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// It was.
    Yes,
    /// It is whole.
    No,
}

fn has_tag(tags: &str, tag: &str) -> bool {
    tags.split(',').any(|own| own == tag)
}

/// Digits of the largest number of 64 bits, with its sign.
const DIGITS: usize = 20;

/// The number in decimal, at the end of `room`.
fn decimal(number: i64, room: &mut [u8; DIGITS]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut start = DIGITS;
    loop {
        start -= 1;
        // The remainder is one digit.
        room[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        start -= 1;
        room[start] = b'-';
    }
    &room[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(tags: &[&str]) -> Plan {
        let enrichment = Enrichment {
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            ..Enrichment::default()
        };
        Plan::from_defaults(&enrichment, &Defaults::default(), 5)
    }

    fn tags(plan: &Plan, own: &str, cut: Cut) -> Option<String> {
        plan.tags_value(own, cut)
            .map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn tags_are_the_entrys_own_then_that_of_the_cut_then_the_configured() {
        let plan = plan(&["env:prod", "a:\"1\"", "env:prod", ""]);
        assert_eq!(
            tags(&plan, "own:1,own:1", Cut::Yes).unwrap(),
            r#""own:1,own:1,truncated:single_line,env:prod,a:\"1\"""#
        );
        assert_eq!(
            tags(&plan, "env:prod", Cut::No).unwrap(),
            r#""env:prod,a:\"1\"""#
        );
        assert_eq!(tags(&plan, "", Cut::No).unwrap(), r#""env:prod,a:\"1\"""#);
    }

    #[test]
    fn a_tag_is_a_repeat_only_when_all_of_it_is_equal() {
        let plan = plan(&["env:prod"]);
        assert!(plan.adds_to("env:production"));
        assert!(plan.adds_to("xenv:prod"));
        assert!(!plan.adds_to("a,env:prod,b"));
    }

    #[test]
    fn the_time_is_written_in_decimal_and_counted() {
        for now in [0, -1, 1_700_000_000_000, i64::MIN, i64::MAX] {
            let mut plan = plan(&[]);
            plan.set_time(now);
            let expected = format!(",\"timestamp\":{now}");
            assert_eq!(plan.fragment(TIMESTAMP), expected.as_bytes());
            assert_eq!(plan.fragment_bytes, expected.len());
            assert_eq!(plan.added_bytes, expected.len());
        }
    }

    #[test]
    fn without_tags_there_is_no_value() {
        assert_eq!(tags(&plan(&[]), "", Cut::No), None);
        assert_eq!(plan(&[]).fills, 0b10);
    }
}
