//! Cuts what is too long for the intake: resources, and keys and values of tags.
//!
//! Structured tags are never cut, nor are tags that hold a whole document, such as `_dd.appsec.json`.

use std::borrow::Cow;

use datadog_wire::stats::ClientStatsPayload;

use crate::span::{Map, Payload, Span, Text};

/// Bytes of a resource at most.
const RESOURCE_BYTES: usize = 5_000;

/// Bytes of a resource at most where large ones are wanted.
const BIG_RESOURCE_BYTES: usize = 15_000;

/// Bytes of the key of a tag at most, before the dots that say that it was cut.
const KEY_BYTES: usize = 200;

/// Bytes of the value of a tag at most, before the dots that say that it was cut.
const VALUE_BYTES: usize = 25_000;

/// Bytes of all tags of a payload together; what is beyond is left out. Every message of the payload repeats them.
const PAYLOAD_TAGS_BYTES: usize = 100_000;

/// How long a resource may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resources {
    /// 5,000 bytes.
    #[default]
    Usual,
    /// 15,000 bytes.
    Big,
}

impl Resources {
    const fn bytes(self) -> usize {
        match self {
            Self::Usual => RESOURCE_BYTES,
            Self::Big => BIG_RESOURCE_BYTES,
        }
    }
}

/// Cuts what of a span is too long.
pub fn span(span: &mut Span<'_>, resources: Resources) {
    resource(&mut span.resource, resources);
    texts(&mut span.meta);
    keys(&mut span.metrics);
}

/// Cuts what is too long of that which a payload says beside its chunks, and leaves tags out that are too many: each of
/// its messages repeats it.
pub fn payload(payload: &mut Payload<'_>) {
    for text in [
        &mut payload.container_id,
        &mut payload.language_name,
        &mut payload.language_version,
        &mut payload.tracer_version,
        &mut payload.runtime_id,
        &mut payload.env,
        &mut payload.hostname,
        &mut payload.app_version,
    ] {
        cut(text, RESOURCE_BYTES);
    }
    texts(&mut payload.tags);
    let mut bytes = 0;
    payload.tags.retain(|key, value| {
        bytes += key.len() + value.len();
        bytes <= PAYLOAD_TAGS_BYTES
    });
}

/// The same for the stats of a tracer, which may be sent in many requests.
pub(crate) fn stats(payload: &mut ClientStatsPayload) {
    let shorten = |text: &mut String, bytes| text.truncate(text.floor_char_boundary(bytes));
    for text in [
        &mut payload.hostname,
        &mut payload.env,
        &mut payload.version,
        &mut payload.lang,
        &mut payload.service,
        &mut payload.container_id,
        &mut payload.git_commit_sha,
        &mut payload.image_tag,
    ] {
        shorten(text, RESOURCE_BYTES);
    }
    shorten(&mut payload.process_tags, VALUE_BYTES);
    let mut bytes = 0;
    payload.tags.retain(|tag| {
        bytes += tag.len();
        bytes <= PAYLOAD_TAGS_BYTES
    });
}

/// Cuts a resource, of a span or of stats, if it is too long.
pub fn resource(resource: &mut Text<'_>, resources: Resources) {
    cut(resource, resources.bytes());
}

/// Cuts a text to so many bytes at most, between characters, and says whether it did.
pub fn cut(text: &mut Text<'_>, bytes: usize) -> bool {
    if text.len() <= bytes {
        return false;
    }
    match text {
        Cow::Borrowed(borrowed) => *borrowed = head(borrowed, bytes),
        Cow::Owned(owned) => owned.truncate(owned.floor_char_boundary(bytes)),
    }
    true
}

/// The start of a text, of so many bytes at most.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    text.split_at(text.floor_char_boundary(bytes)).0
}

fn texts(meta: &mut Map<'_, Text<'_>>) {
    for (key, value) in meta.iter_mut() {
        if (key.len() > KEY_BYTES || value.len() > VALUE_BYTES) && !is_document(key) {
            cut_with_dots(key, KEY_BYTES);
            cut_with_dots(value, VALUE_BYTES);
        }
    }
}

fn keys(metrics: &mut Map<'_, f64>) {
    for (key, _) in metrics.iter_mut() {
        if key.len() > KEY_BYTES && !is_document(key) {
            cut_with_dots(key, KEY_BYTES);
        }
    }
}

fn cut_with_dots(text: &mut Text<'_>, bytes: usize) {
    if cut(text, bytes) {
        text.to_mut().push_str("...");
    }
}

/// Whether the key is that of a document, which half of is worth nothing.
fn is_document(key: &str) -> bool {
    key.starts_with("_dd.")
        && [".json", ".msgpack", ".protobuf"]
            .iter()
            .any(|end| key.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_span(span: &mut Span<'_>) {
        super::span(span, Resources::Usual);
    }

    #[test]
    fn a_resource_keeps_its_first_5000_bytes_or_15000_where_big_ones_are_wanted() {
        for (resources, bytes) in [(Resources::Usual, 5_000), (Resources::Big, 15_000)] {
            for (len, expected) in [(bytes, bytes), (bytes + 1, bytes)] {
                let mut resource = Text::from("x".repeat(len));
                super::resource(&mut resource, resources);
                assert_eq!(resource.len(), expected);
            }
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let text = "é".repeat(3_000);
        let mut span = Span {
            resource: format!("a{text}").into(),
            ..Span::default()
        };
        cut_span(&mut span);
        assert_eq!(span.resource.len(), 4_999);
        let mut borrowed = Text::from(text.as_str());
        assert!(cut(&mut borrowed, 5));
        assert_eq!(borrowed, "éé");
        assert!(matches!(borrowed, Cow::Borrowed(_)));
    }

    #[test]
    fn long_keys_and_values_end_in_dots() {
        let (key, value) = ("k".repeat(201), "v".repeat(25_001));
        let (short_key, short_value) = (key.split_at(200).0, value.split_at(25_000).0);
        let mut span = Span::default();
        span.meta.push(short_key, Text::from(short_value));
        span.meta.push(key.as_str(), Text::from(value.as_str()));
        span.metrics.push(short_key, 1.0);
        span.metrics.push(key.as_str(), 1.0);
        span.meta_struct
            .push(key.as_str(), Cow::Borrowed(value.as_bytes()));
        cut_span(&mut span);
        let dots = |text: &str| format!("{text}...");
        let meta: Vec<_> = span.meta.iter().cloned().collect();
        assert_eq!(meta[0], (short_key.into(), short_value.into()));
        assert_eq!(meta[1], (dots(short_key).into(), dots(short_value).into()));
        let metrics: Vec<_> = span.metrics.iter().map(|(key, _)| key.len()).collect();
        assert_eq!(metrics, [200, 203]);
        assert_eq!(
            span.meta_struct.get(&key).map(|value| value.len()),
            Some(25_001)
        );
    }

    #[test]
    fn documents_are_whole_or_nothing() {
        let value = "v".repeat(30_000);
        for (key, expected) in [
            ("_dd.appsec.json", 30_000),
            ("_dd.a.msgpack", 30_000),
            ("_dd.a.protobuf", 30_000),
            ("_dd.a.xml", 25_003),
            ("dd.appsec.json", 25_003),
        ] {
            let mut span = Span::default();
            span.meta.push(key, Text::from(value.as_str()));
            cut_span(&mut span);
            assert_eq!(span.tag(key).map(str::len), Some(expected), "{key}");
        }
    }

    #[test]
    fn what_each_message_of_a_payload_repeats_is_short() {
        let long = "x".repeat(200_000);
        let mut payload = Payload {
            env: long.as_str().into(),
            ..Payload::default()
        };
        payload.tags.push("a", Text::from(long.as_str()));
        for number in 0..1_000 {
            payload.tags.push(format!("{number:0100}"), Text::from(""));
        }
        super::payload(&mut payload);
        assert_eq!(payload.env.len(), 5_000);
        assert_eq!(payload.tags.get("a").map(|tag| tag.len()), Some(25_003));
        // The first takes 25,004 bytes, each of the others 100.
        assert_eq!(payload.tags.len(), 1 + 749);
    }

    #[test]
    fn what_each_request_of_stats_repeats_is_short() {
        let long = "ü".repeat(100_000);
        let mut payload = ClientStatsPayload {
            hostname: long.clone(),
            process_tags: long.clone(),
            tags: vec!["a".to_owned(), long, "b".to_owned()],
            ..ClientStatsPayload::default()
        };
        stats(&mut payload);
        assert_eq!(payload.hostname.len(), 5_000);
        assert_eq!(payload.process_tags.len(), 25_000);
        assert_eq!(payload.tags, ["a"]);
    }
}
