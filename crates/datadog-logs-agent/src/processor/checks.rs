//! What must hold of any input: run by the fuzz targets on bytes they make up, and by a test on the stored ones.
//!
//! Each check panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::Value;

use super::{Defaults, EmptyLines, Enrichment, EntryLimits, Oversize, Processor};
use crate::aggregator::{Aggregator, BatchLimits, halve};
use crate::rules::{RuleConfig, RuleKind, Rules};
use crate::{EntryBlock, IntakeEntry};

/// Compiling rules takes longer than all else.
static BUSY: LazyLock<Processor> = LazyLock::new(busy);
/// The time of every check.
const NOW_MS: i64 = 1_700_000_000_000;

/// Whether serde_json can read it, as it reads what stands in a batch. White space and order aside, nothing is said.
fn is_json(json: &[u8]) -> bool {
    serde_json::from_slice::<Value>(json).is_ok()
}

/// A processor that adds nothing but the time and drops nothing.
fn plain() -> Processor {
    Processor {
        rules: Rules::default(),
        enrichment: Enrichment::default(),
        limits: EntryLimits {
            message_bytes: usize::MAX,
            entry_bytes: usize::MAX,
            oversize: Oversize::Truncate,
        },
    }
}

/// A processor that has something to do to every entry.
fn busy() -> Processor {
    let rule = |kind, name: &str, pattern: &str| RuleConfig {
        kind,
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        replace_placeholder: "[$0]".to_owned(),
    };
    let rules = [
        rule(RuleKind::ExcludeAtMatch, "excluded", "drop me"),
        rule(RuleKind::ExcludeAtMatch, "empty", "^$"),
        rule(
            RuleKind::MaskSequences,
            "digits",
            r"\d{2,}|[^\x00-\x7F]|\W{3}",
        ),
    ];
    Processor {
        rules: Rules::compile(&rules).unwrap_or_default(),
        enrichment: Enrichment {
            hostname: Some("host".to_owned()),
            service: Some("ser\"vice".to_owned()),
            ddsource: None,
            tags: vec!["env:prod".to_owned(), "a:é\n".to_owned()],
            status: Some("info".to_owned()),
        },
        limits: EntryLimits {
            message_bytes: 40,
            entry_bytes: 300,
            oversize: Oversize::Truncate,
        },
    }
}

/// A request body: the first byte chooses the content type, the rest is the body.
pub fn intake_body(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let content_type = match choice % 4 {
        0 => None,
        1 => Some("application/json"),
        2 => Some("application/x-ndjson; charset=utf-8"),
        _ => Some("text/plain"),
    };
    let body = Bytes::copy_from_slice(body);
    let result = plain().body(body.clone(), content_type, &Defaults::default(), NOW_MS);
    if let Err(error) = &result {
        assert!(error.0.len() < 100, "errors are short: {error}");
    }
    if choice % 4 < 2 {
        assert_same_verdict(&body, result.is_ok());
    }
    if let Ok((block, tally)) = result {
        assert_eq!(block.len() as u64, tally.received);
        assert_entries(&block);
        assert_batches(&block);
    }
    let busy = BUSY.body(body, content_type, &Defaults::default(), NOW_MS);
    if let Ok((block, tally)) = busy {
        let excluded: u64 = tally.excluded.iter().map(|(_, count)| count).sum();
        assert_eq!(tally.processed, block.len() as u64);
        assert_eq!(tally.received, tally.processed + excluded + tally.too_large);
        assert_entries(&block);
        for entry in block.iter() {
            assert!(entry.len() <= 300, "an entry is within its limit");
            assert_enriched(&entry);
        }
    }
}

/// An array or an object is accepted exactly when serde_json reads it and each entry has a message.
fn assert_same_verdict(body: &[u8], is_accepted: bool) {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // An object stands in the array of a batch, one level deeper than alone.
    let in_array = [b"[", body, b"]"].concat();
    let expected = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(entries)) => entries
            .iter()
            .all(|entry| entry.is_string() || has_message(entry)),
        Ok(object @ Value::Object(_)) => has_message(&object) && is_json(&in_array),
        // Objects line by line are no JSON as a whole.
        Err(_) if is_accepted => {
            let mut objects = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
            assert!(
                objects.all(|object| object.is_ok_and(|object| has_message(&object))),
                "every accepted object can be read"
            );
            true
        }
        _ => false,
    };
    assert_eq!(is_accepted, expected, "accepted when serde_json reads it");
}

fn has_message(entry: &Value) -> bool {
    entry.as_object().is_some_and(|entry| {
        entry
            .get("message")
            .is_some_and(|message| !message.is_null())
    })
}

fn assert_entries(block: &EntryBlock) {
    for json in block.iter() {
        let entry = serde_json::from_slice::<Value>(&json);
        let entry = entry.ok().filter(has_message);
        let message = entry.as_ref().map(|entry| &entry["message"]);
        assert!(
            message.is_some_and(|message| message.is_string()
                || message.is_object()
                || message.is_array()),
            "every entry has a message that the intake takes"
        );
        assert!(
            entry.is_some_and(|entry| entry.get("timestamp").is_some()),
            "every entry has a time"
        );
    }
}

fn assert_enriched(json: &[u8]) {
    let entry: Value = serde_json::from_slice(json).unwrap_or_default();
    for key in ["hostname", "service", "status"] {
        assert!(
            entry.get(key).is_some_and(|value| !value.is_null()),
            "{key} is filled"
        );
    }
    if let Some(tags) = entry["ddtags"].as_str() {
        let count = |tag| tags.split(',').filter(|own| *own == tag).count();
        assert!(
            count("env:prod") > 0 && count("a:é\n") > 0,
            "tags are added"
        );
    }
}

/// Batches hold all entries in order, within their limits, and halve where an entry ends.
fn assert_batches(block: &EntryBlock) {
    let limits = BatchLimits {
        entries: 3,
        bytes: 200,
    };
    let mut aggregator = Aggregator::new(limits);
    aggregator.push(block.clone());
    let mut entries = block.iter();
    while let Some(batch) = aggregator.take() {
        let expected: Vec<Bytes> = entries.by_ref().take(batch.entries as usize).collect();
        let array = [b"[", expected.join(&b","[..]).as_slice(), b"]"].concat();
        assert_eq!(array, batch.body, "a batch is the array of its entries");
        assert!(expected.len() <= limits.entries);
        assert!(expected.len() == 1 || array.len() <= limits.bytes);
        let halves = halve(&batch.body).map_or(1, |[(_, first), (_, second)]| first + second);
        assert_eq!(
            halves,
            u64::from(batch.entries),
            "halves hold what the whole held"
        );
    }
    assert!(entries.next().is_none(), "no entry is left behind");
}

/// An entry read from JSON, written, and read again; then the same bytes as lines.
pub fn intake_entry(data: &[u8]) {
    if let Ok(entry) = IntakeEntry::from_json(data) {
        let mut json = Vec::new();
        entry.write_json(&mut json);
        let again = IntakeEntry::from_json(&json);
        assert_eq!(
            again.as_ref(),
            Ok(&entry),
            "what is written reads back the same"
        );
        let mut twice = Vec::new();
        if let Ok(again) = again {
            again.write_json(&mut twice);
        }
        assert_eq!(json, twice, "writing is stable");
    }
    let lines = || data.split(|&byte| byte == b'\n');
    let (block, _) = plain().lines(lines(), EmptyLines::Keep, NOW_MS);
    assert_eq!(block.len(), lines().count());
    for (json, line) in block.iter().zip(lines()) {
        let entry: Value = serde_json::from_slice(&json).unwrap_or_default();
        let text = String::from_utf8_lossy(line);
        assert_eq!(
            entry["message"].as_str(),
            Some(&*text),
            "a line is its message"
        );
    }
}
