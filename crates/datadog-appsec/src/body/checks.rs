//! What must hold for any body, for fuzz targets and tests alike.
//!
//! Panics when something does not hold; nothing else calls it.

use super::{Skipped, parse};
use crate::limits::{ADDRESS_DEPTH, Limits, Shaper};
use crate::value::Value;

/// Reads bytes as a body of the type that the first of them chooses, within small limits.
///
/// # Panics
/// When what was read breaks a limit, or is larger than what it was read from.
pub fn body(data: &[u8]) {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let content_type = match first % 8 {
        0 => "application/json",
        1 => "application/x-www-form-urlencoded",
        2 => "multipart/form-data; boundary=b",
        3 => "text/plain",
        4 => "application/soap+xml; charset=\"a;b\"",
        5 => "application/problem+json",
        6 => "",
        _ => "multipart/form-data; boundary=\"\\b\"; x=y",
    };
    let headers = [("Content-Type".to_owned(), content_type.to_owned())];
    let limits = Limits {
        depth: 5,
        container: 8,
        text: 32,
        values: 64,
    };
    let mut shaper = Shaper::new(&limits);
    match parse(body, &headers, 4096, &mut shaper) {
        Ok(read) => {
            check(&read.value, &limits, ADDRESS_DEPTH);
            assert!(count(&read.value) <= 1 + limits.values, "too many values");
            let files = read.filenames.iter().chain(&read.files_content);
            files.for_each(|file| check(file, &limits, ADDRESS_DEPTH));
            assert_eq!(read.filenames.len(), read.files_content.len());
            assert!(read.filenames.len() <= limits.container, "too many files");
        }
        Err(Skipped::TooLarge) => assert!(body.len() > 4096, "not too large"),
        Err(Skipped::Empty) => assert!(body.is_empty(), "not empty"),
        Err(Skipped::Encoded) => panic!("no encoding was told"),
        Err(Skipped::Unsupported | Skipped::Malformed) => {}
    }
    let sizes = shaper.truncated();
    let largest = sizes.text.max(sizes.container).max(sizes.depth);
    // A byte that is no text takes three once it is replaced.
    assert!(largest <= 3 * body.len() + 3, "more than there was");
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| count(value)).sum::<usize>(),
        _ => 1,
    }
}

fn check(value: &Value, limits: &Limits, depth: usize) {
    match value {
        Value::Text(text) => assert!(text.len() <= limits.text, "a text is too long"),
        Value::Array(items) => {
            assert!(items.len() <= limits.container, "an array is too large");
            assert!(depth <= limits.depth, "an array is too deep");
            items.iter().for_each(|item| check(item, limits, depth + 1));
        }
        Value::Map(pairs) => {
            assert!(pairs.len() <= limits.container, "a map is too large");
            assert!(depth <= limits.depth, "a map is too deep");
            for (key, item) in pairs {
                assert!(key.len() <= limits.text, "a key is too long");
                check(item, limits, depth + 1);
            }
        }
        _ => {}
    }
}
