//! Names things outside of traces, such as an object in a store, so that spans that write and read it can be found by
//! one another.
//!
//! Finds no such things itself: whoever knows what a span touched says so.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::span::{Span, Text};

/// The tag of a root that holds its links.
const LINKS: &str = "_dd.span_links";
/// Hexadecimal digits of a hash that are kept.
const HASH_DIGITS: usize = 32;
/// Bytes of a list of links that is read to be added to; a longer one stays as it is.
const MAX_LINKS_BYTES: usize = 1_000_000;

/// The name of a thing that a span read or wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanPointer {
    /// The kind of thing, such as `aws.s3.object`.
    pub kind: String,
    /// Its hash, as 32 hexadecimal digits.
    pub hash: String,
}

impl SpanPointer {
    /// A pointer to a thing that these components name together.
    pub fn new(kind: &str, components: &[&str]) -> Self {
        Self {
            kind: kind.to_owned(),
            hash: hash(components),
        }
    }

    /// A pointer to an object of S3; quotes around the entity tag do not count.
    pub fn s3_object(bucket: &str, key: &str, etag: &str) -> Self {
        Self::new("aws.s3.object", &[bucket, key, etag.trim_matches('"')])
    }

    /// A pointer to an item of a table of DynamoDB by its primary key of one or two attributes, each a name and a value,
    /// in any order.
    pub fn dynamodb_item(table: &str, first: (&str, &str), second: Option<(&str, &str)>) -> Self {
        let (first, second) = match second {
            Some(second) if second.0 < first.0 => (second, first),
            Some(second) => (first, second),
            None => (first, ("", "")),
        };
        let components = [table, first.0, first.1, second.0, second.1];
        Self::new("aws.dynamodb.item", &components)
    }

    /// The link as it stands in the tag; `u` says that the span comes first.
    fn link(&self) -> Value {
        json!({
            "trace_id": 0,
            "span_id": 0,
            "trace_id_high": 0,
            "tracestate": "",
            "flags": 0,
            "attributes": {
                "link.kind": "span-pointer",
                "ptr.dir": "u",
                "ptr.hash": self.hash,
                "ptr.kind": self.kind,
            },
        })
    }
}

/// Adds pointers to the links of a root. Answers whether it did: links that are no JSON list stay as they are.
pub fn add(root: &mut Span<'_>, pointers: &[SpanPointer]) -> bool {
    if pointers.is_empty() {
        return true;
    }
    let mut links = match root.tag(LINKS) {
        None | Some("") => Vec::new(),
        Some(text) if text.len() > MAX_LINKS_BYTES => return false,
        Some(text) => match serde_json::from_str::<Vec<Value>>(text) {
            Ok(links) => links,
            Err(_) => return false,
        },
    };
    links.extend(pointers.iter().map(SpanPointer::link));
    let text = Value::Array(links).to_string();
    root.meta.insert(LINKS, Text::Owned(text));
    true
}

/// The first digits of the SHA-256 of components with bars between them.
fn hash(components: &[&str]) -> String {
    let digest = digest(&SHA256, components.join("|").as_bytes());
    let bytes = digest.as_ref().iter().take(HASH_DIGITS / 2);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(root: &Span<'_>) -> Value {
        serde_json::from_str(root.tag(LINKS).unwrap()).unwrap()
    }

    #[test]
    fn objects_of_s3_are_hashed() {
        for etag in ["ab12ef34", "\"ab12ef34\""] {
            let pointer = SpanPointer::s3_object("some-bucket", "some-key.data", etag);
            assert_eq!(pointer.hash, "e721375466d4116ab551213fdea08413");
            assert_eq!(pointer.kind, "aws.s3.object");
        }
    }

    #[test]
    fn items_of_dynamodb_are_hashed_with_their_keys_in_order() {
        let pointer = SpanPointer::dynamodb_item("some-table", ("some-key", "some-value"), None);
        assert_eq!(pointer.hash, "7f1aee721472bcb48701d45c7c7f7821");
        assert_eq!(pointer.kind, "aws.dynamodb.item");
        let (a, b) = (("a", "1"), ("b", "2"));
        assert_eq!(
            SpanPointer::dynamodb_item("t", b, Some(a)),
            SpanPointer::new("aws.dynamodb.item", &["t", "a", "1", "b", "2"])
        );
        assert_eq!(
            SpanPointer::dynamodb_item("t", a, Some(b)),
            SpanPointer::dynamodb_item("t", b, Some(a))
        );
    }

    #[test]
    fn pointers_are_added_to_what_is_there() {
        let mut root = Span::default();
        root.meta
            .push(LINKS, Text::Borrowed(r#"[{"trace_id": 7}]"#));
        let pointer = SpanPointer::s3_object("some-bucket", "some-key.data", "ab12ef34");
        assert!(add(&mut root, &[pointer]));
        assert_eq!(
            links(&root),
            json!([
                {"trace_id": 7},
                {
                    "trace_id": 0,
                    "span_id": 0,
                    "trace_id_high": 0,
                    "tracestate": "",
                    "flags": 0,
                    "attributes": {
                        "link.kind": "span-pointer",
                        "ptr.dir": "u",
                        "ptr.hash": "e721375466d4116ab551213fdea08413",
                        "ptr.kind": "aws.s3.object",
                    },
                },
            ])
        );
    }

    #[test]
    fn a_root_without_links_gets_a_list() {
        let mut root = Span::default();
        assert!(add(&mut root, &[]));
        assert!(root.meta.is_empty());
        let pointer = SpanPointer::new("k", &["a"]);
        assert!(add(&mut root, &[pointer.clone(), pointer]));
        assert_eq!(links(&root).as_array().unwrap().len(), 2);
    }

    #[test]
    fn links_that_are_no_list_stay() {
        for text in ["{}", "[", "x"] {
            let mut root = Span::default();
            root.meta.push(LINKS, Text::Borrowed(text));
            assert!(!add(&mut root, &[SpanPointer::new("k", &["a"])]));
            assert_eq!(root.tag(LINKS), Some(text));
        }
    }
}
