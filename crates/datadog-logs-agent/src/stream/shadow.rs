//! What tells the two copies of a log that it is one: a random UUID beside its attributes over HTTP, and in its place on
//! the stream.

use std::fmt::Write as _;

use crate::aggregator::Batch;
use crate::processor::scan::Scanner;

/// What stands behind the brace of a marked entry.
const PREFIX: &str = "{\"uuid\":\"";
/// Characters of a UUID.
const UUID: usize = 36;

/// Puts a UUID in front of every entry. A batch that is no array of objects stays as it is.
pub(super) fn mark(batch: Batch) -> Batch {
    let marked = std::str::from_utf8(&batch.body).ok().and_then(write);
    match marked {
        Some(json) => Batch {
            body: json.into(),
            entries: batch.entries,
        },
        None => batch,
    }
}

fn write(text: &str) -> Option<String> {
    let mut marked = String::with_capacity(text.len() + text.len() / 4);
    let mut scanner = Scanner::new(text);
    let mut separator = '[';
    while scanner.accept(u8::try_from(separator).ok()?) {
        marked.push(separator);
        separator = ',';
        let start = scanner.position();
        scanner.members(1, |_| {}).ok()?;
        let inside = text.get(start..scanner.position())?.strip_prefix('{')?;
        marked.push_str(PREFIX);
        write_uuid(&mut marked);
        marked.push('"');
        if !inside.trim_start().starts_with('}') {
            marked.push(',');
        }
        marked.push_str(inside);
    }
    marked.push(']');
    Some(marked)
}

/// The UUID of an entry that was marked.
pub(super) fn uuid_of(entry: &str) -> Option<&str> {
    entry.strip_prefix(PREFIX)?.get(..UUID)
}

/// A random UUID, as RFC 9562 has version 4.
fn write_uuid(out: &mut String) {
    let random = fastrand::u128(..);
    let random = random & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{random:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts
        .map(|range| hex.get(range).unwrap_or_default())
        .join("-");
    // Writing to a string cannot fail.
    let _written = out.write_str(&parts).is_ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_gets_a_uuid_of_its_own() {
        let batch = Batch {
            body: r#"[{"message":"a"},{"message":"b"}]"#.into(),
            entries: 2,
        };
        let marked = mark(batch);
        let entries: Vec<serde_json::Value> = serde_json::from_slice(&marked.body).unwrap();
        let uuids: Vec<_> = entries
            .iter()
            .map(|it| it["uuid"].as_str().unwrap())
            .collect();
        assert_ne!(uuids[0], uuids[1]);
        assert_eq!((uuids[0].len(), uuids[0].as_bytes()[14]), (UUID, b'4'));
        assert!(matches!(uuids[0].as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_eq!(entries[1]["message"], "b");
        let text = entries[0].to_string();
        assert_eq!(uuid_of(&text), Some(uuids[0]));
        assert_eq!(uuid_of(r#"{"message":"a"}"#), None);
    }
}
