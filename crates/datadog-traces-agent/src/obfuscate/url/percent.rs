//! Which bytes are percent-encoded in which part of a URL.

use crate::percent;

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

/// Writes bytes, those that may not stand in their part as `%` and two digits.
pub(super) fn encode(bytes: &[u8], place: Place, out: &mut String) {
    for &byte in bytes {
        if may_stand(byte, place) {
            out.push(char::from(byte));
        } else {
            percent::push(byte, out);
        }
    }
}
