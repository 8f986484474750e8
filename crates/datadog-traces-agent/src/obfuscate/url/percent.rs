//! Percent-encoding of parts of URLs.

use std::borrow::Cow;

/// The part of a URL that is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Host,
    Path,
    Fragment,
}

/// Whether a byte stands for itself when a part is encoded.
pub(super) fn may_stand(byte: u8, place: Place) -> bool {
    byte.is_ascii_alphanumeric()
        || match byte {
            b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b',' | b':' | b';' | b'=' => true,
            b'/' | b'@' => place != Place::Host,
            b'?' => place == Place::Fragment,
            b'!' | b'(' | b')' | b'*' => place != Place::Path,
            b'\'' | b'[' | b']' | b'<' | b'>' | b'"' | b'%' => place == Place::Host,
            _ => false,
        }
}

/// Whether a text needs no encoding in its part.
pub(super) fn is_encoded(text: &str, place: Place) -> bool {
    text.bytes()
        .all(|byte| may_stand(byte, place) || b"!$&'()*+,;=:@[]%".contains(&byte))
}

/// A text without percent-encoding; nothing, if a `%` is not followed by two digits.
pub(super) fn decode(text: &str) -> Option<Cow<'_, [u8]>> {
    let mut rest = text.as_bytes();
    if !rest.contains(&b'%') {
        return Some(Cow::Borrowed(rest));
    }
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        decoded.push(digit(digits[0])? << 4 | digit(digits[1])?);
        rest = after;
    }
    Some(Cow::Owned(decoded))
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Writes bytes, those that may not stand in their part as `%` and two digits.
pub(super) fn encode(bytes: &[u8], place: Place, out: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for &byte in bytes {
        if may_stand(byte, place) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            let [high, low] = [byte >> 4, byte & 15];
            out.extend([DIGITS[usize::from(high)], DIGITS[usize::from(low)]]);
        }
    }
}
