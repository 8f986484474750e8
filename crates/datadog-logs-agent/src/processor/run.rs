//! One call of the processor under way: each entry is kept, spliced, written anew, excluded or dropped, and counted.

use std::borrow::Cow;

use super::draft::{Draft, Message};
use super::outline::{DDTAGS, MESSAGE, Outline};
use super::plan::{Cut, Plan};
use super::scan::{Found, Kind, decode};
use super::{Defaults, EmptyLines, Oversize, Processor, TRUNCATION_MARKER, Tally};
use crate::EntryBlock;
use crate::intake_entry::{BlockBuilder, BlockFull, json};
use crate::rules::Verdict;

/// What a line is between, besides the fragments that are added: `{"message":""}`.
const LINE_FRAME: usize = 14;
/// Bytes that one byte of text takes in a JSON string, at most.
const MAX_ESCAPE: usize = 6;

/// One call under way.
#[derive(Debug)]
pub(super) struct Run<'p> {
    processor: &'p Processor,
    plan: Plan,
    block: BlockBuilder,
    tally: Tally,
    /// Entries that each rule dropped.
    excluded: Vec<u64>,
}

impl<'p> Run<'p> {
    pub(super) fn new(
        processor: &'p Processor,
        defaults: &Defaults,
        block: BlockBuilder,
        now_ms: i64,
    ) -> Self {
        Self {
            processor,
            plan: Plan::from_defaults(&processor.enrichment, defaults, now_ms),
            block,
            tally: Tally::default(),
            excluded: vec![0; processor.rules.len()],
        }
    }

    /// An entry that is an object in `text`, with a message that is not null.
    pub(super) fn object(&mut self, text: &str, outline: &Outline) {
        self.tally.received += 1;
        let changed = match self.judge_object(text, outline) {
            Verdict::Unchanged => None,
            Verdict::Changed(message) => Some(message),
            Verdict::Excluded(rule) => return self.exclude(rule),
        };
        let is_old = outline
            .timestamp_ms(text)
            .is_some_and(|at| at < self.plan.oldest_ms);
        if changed.is_some() || outline.is_odd || !self.surely_fits(outline) {
            let message =
                changed.map(
                    |message| match outline.slot(MESSAGE).map(|found| found.kind) {
                        Some(Kind::Object | Kind::Array) => Message::Json(message.into()),
                        _ => Message::Text(message.into()),
                    },
                );
            return self.draft(&Draft::from_outline(text, outline, message), is_old);
        }
        let added = self.splice(text, outline);
        self.count(added, is_old);
    }

    /// An entry that is only a string in `text`, its message.
    pub(super) fn string(&mut self, text: &str, found: Found) {
        self.tally.received += 1;
        let message = match self.judge(decode(text, found)) {
            Ok(message) => message,
            Err(rule) => return self.exclude(rule),
        };
        self.draft(&Draft::from_message(message), false);
    }

    /// Sets the time of the entries to come that have none.
    pub(super) fn set_time(&mut self, now_ms: i64) {
        self.plan.set_time(now_ms);
    }

    /// An entry that is a line, or several when it is longer than a message may be.
    pub(super) fn line(&mut self, line: &[u8], empty: EmptyLines) {
        if line.is_empty() && empty == EmptyLines::Skip {
            return;
        }
        // Rules see the line whole, lest a secret that a cut divides pass the masks in two halves.
        let text = match self.judge(replace_invalid(line)) {
            Ok(text) => text,
            Err(rule) => {
                self.tally.received += 1;
                return self.exclude(rule);
            }
        };
        let limits = &self.processor.limits;
        let around = LINE_FRAME + self.plan.fragment_bytes;
        let surely_fits = around + text.len() * MAX_ESCAPE <= limits.most_bytes();
        let fits = limits.allows_message(text.len())
            && (surely_fits || around + json::escaped_len(&text) <= limits.most_bytes());
        if fits {
            self.tally.received += 1;
            let added = self.piece("", &text, "");
            return self.count(added, false);
        }
        // A piece needs room for at least one character between its markers.
        let room = limits
            .entry_bytes
            .saturating_sub(around + 2 * TRUNCATION_MARKER.len());
        if limits.oversize != Oversize::Truncate || room < MAX_ESCAPE {
            self.tally.received += 1;
            self.tally.too_large += 1;
            return;
        }
        if let Some(rule) = self.processor.rules.excluding_truncated() {
            self.tally.received += 1;
            return self.exclude(rule);
        }
        self.tally.truncated += 1;
        self.pieces(&text, room);
    }

    /// The line in pieces of at most the length of a message and `room` bytes as JSON; nothing of it is lost.
    fn pieces(&mut self, text: &str, room: usize) {
        let message_bytes = self.processor.limits.message_bytes;
        let mut before = "";
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = json::prefix_within(rest, message_bytes, room).max(first.len_utf8());
            let (piece, left) = rest.split_at(length);
            let after = if left.is_empty() {
                ""
            } else {
                TRUNCATION_MARKER
            };
            self.tally.received += 1;
            let added = self.piece(before, piece, after);
            self.count(added, false);
            before = TRUNCATION_MARKER;
            rest = left;
        }
    }

    /// Adds a line, or a piece of one between markers, which need no escape.
    fn piece(&mut self, before: &str, text: &str, after: &str) -> Result<(), BlockFull> {
        let plan = &self.plan;
        self.block.write(|out| {
            out.extend_from_slice(b"{\"message\":\"");
            out.extend_from_slice(before.as_bytes());
            json::write_escaped(text.as_bytes(), out);
            out.extend_from_slice(after.as_bytes());
            out.push(b'"');
            plan.write_missing(u8::MAX, out);
            out.push(b'}');
        })
    }

    /// The block, and what became of every entry.
    pub(super) fn finish(mut self) -> (EntryBlock, Tally) {
        let rules = &self.processor.rules;
        for (rule, &count) in self
            .excluded
            .iter()
            .enumerate()
            .filter(|&(_, &count)| count > 0)
        {
            let name = rules.name(rule);
            let known = self
                .tally
                .excluded
                .iter_mut()
                .find(|(known, _)| known == name);
            match known {
                Some((_, sum)) => *sum += count,
                None => self.tally.excluded.push((name.to_owned(), count)),
            }
        }
        (self.block.finish(), self.tally)
    }

    /// Drops an entry that cannot be sent at all.
    pub(super) fn unsendable(&mut self) {
        self.tally.received += 1;
        self.tally.too_large += 1;
    }

    /// The rules on an entry's message.
    fn judge_object(&self, text: &str, outline: &Outline) -> Verdict {
        let rules = &self.processor.rules;
        if rules.is_empty() {
            return Verdict::Unchanged;
        }
        let Some(message) = outline.slot(MESSAGE) else {
            return Verdict::Unchanged;
        };
        let json = text.get(message.range()).unwrap_or_default();
        match message.kind {
            Kind::String { .. } => rules.apply(&decode(text, message)),
            Kind::Object | Kind::Array => rules.apply_to_json(json),
            Kind::Number | Kind::Bool | Kind::Null => rules.apply(json),
        }
    }

    /// The rules on a text: what is left of it, or the rule that drops it.
    fn judge<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, usize> {
        if self.processor.rules.is_empty() {
            return Ok(text);
        }
        match self.processor.rules.apply(&text) {
            Verdict::Unchanged => Ok(text),
            Verdict::Changed(changed) => Ok(changed.into()),
            Verdict::Excluded(rule) => Err(rule),
        }
    }

    /// Whether the entry is within every limit even with all that could be added, judged without decoding it.
    fn surely_fits(&self, outline: &Outline) -> bool {
        let limits = &self.processor.limits;
        let message = outline.slot(MESSAGE);
        let text = message.filter(|found| matches!(found.kind, Kind::String { .. }));
        text.is_none_or(|text| limits.allows_message(text.inner().len()))
            && outline.end - outline.start + self.plan.added_bytes <= limits.most_bytes()
    }

    /// Adds the entry as it came, with what it lacks put before its last brace.
    fn splice(&mut self, text: &str, outline: &Outline) -> Result<(), BlockFull> {
        let plan = &self.plan;
        let missing = plan.fills & !outline.set;
        let tags = outline
            .slot(DDTAGS)
            .filter(|found| matches!(found.kind, Kind::String { .. }));
        let tags = tags.map(|found| (found, decode(text, found)));
        let tags = tags.filter(|(_, own)| plan.adds_to(own));
        let (start, end) = (outline.start, outline.end);
        if missing == 0 && tags.is_none() {
            return self.block.keep(text, start, end);
        }
        let bytes = text.as_bytes();
        self.block.write(|out| {
            let mut from = start;
            if let Some((found, own)) = tags {
                let quote = found.end - 1;
                out.extend_from_slice(&bytes[from..quote]);
                plan.write_lacking(&own, out);
                from = quote;
            }
            out.extend_from_slice(&bytes[from..end - 1]);
            plan.write_missing(missing, out);
            out.push(b'}');
        })
    }

    fn draft(&mut self, draft: &Draft<'_>, is_old: bool) {
        let mut entry = Vec::new();
        let Ok(cut) = draft.write(&self.plan, &self.processor.limits, &mut entry) else {
            self.tally.too_large += 1;
            return;
        };
        if cut == Cut::Yes {
            if let Some(rule) = self.processor.rules.excluding_truncated() {
                return self.exclude(rule);
            }
            self.tally.truncated += 1;
        }
        let added = self.block.write(|out| out.extend_from_slice(&entry));
        self.count(added, is_old);
    }

    fn exclude(&mut self, rule: usize) {
        self.excluded[rule] += 1;
    }

    fn count(&mut self, added: Result<(), BlockFull>, is_old: bool) {
        match added {
            Ok(()) => {
                self.tally.processed += 1;
                self.tally.too_old += u64::from(is_old);
            }
            Err(BlockFull) => self.tally.too_large += 1,
        }
    }
}

/// The line as text, each maximal invalid sequence as U+FFFD.
fn replace_invalid(line: &[u8]) -> Cow<'_, str> {
    // The lossy conversion goes byte by byte even where nothing is wrong: several times as slow as the check.
    std::str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed)
}
