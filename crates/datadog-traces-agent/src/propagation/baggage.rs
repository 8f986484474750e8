//! The baggage of W3C: items of the application that travel along.
//!
//! Properties of items are not kept.

use super::headers::{Headers, HeadersMut};
use crate::percent;

const BAGGAGE: &str = "baggage";
/// Items, at most.
const MAX_ITEMS: usize = 64;
/// Bytes of the header, at most.
const MAX_BYTES: usize = 8_192;

/// Items up to the bounds; those that are malformed are left out.
pub(super) fn extract(headers: &impl Headers) -> Vec<(String, String)> {
    let text = headers.get(BAGGAGE).unwrap_or_default();
    let end = text.floor_char_boundary(MAX_BYTES);
    let whole = match text.get(..end) {
        // The last item may have been cut.
        Some(start) if end < text.len() => start.rsplit_once(',').map_or("", |(whole, _)| whole),
        _ => text,
    };
    whole.split(',').filter_map(item).take(MAX_ITEMS).collect()
}

fn item(text: &str) -> Option<(String, String)> {
    let pair = text.split(';').next()?;
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (decode(key.trim())?, decode(value.trim())?);
    (!key.is_empty()).then_some((key, value))
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(percent::decode(text)?.into_owned()).ok()
}

/// Writes items up to the bounds; answers how many were left out.
pub(super) fn inject(items: &[(String, String)], headers: &mut impl HeadersMut) -> usize {
    let mut text = String::new();
    let mut written = 0;
    for (key, value) in items {
        if key.is_empty() {
            continue;
        }
        let before = text.len();
        if written > 0 {
            text.push(',');
        }
        encode(key, is_token, &mut text);
        text.push('=');
        encode(value, is_octet, &mut text);
        if text.len() > MAX_BYTES || written == MAX_ITEMS {
            text.truncate(before);
            break;
        }
        written += 1;
    }
    if written > 0 {
        headers.set(BAGGAGE, &text);
    }
    items.len() - written
}

fn encode(text: &str, may_stand: fn(u8) -> bool, out: &mut String) {
    for byte in text.bytes() {
        if may_stand(byte) {
            out.push(char::from(byte));
        } else {
            percent::push(byte, out);
        }
    }
}

/// Whether a byte may stand in a key.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte)
}

/// Whether a byte may stand in a value.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\%".contains(&byte)
}
