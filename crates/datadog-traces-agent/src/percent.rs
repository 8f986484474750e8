//! Percent-encoding.
//!
//! Which bytes need it is for others to say.

use std::borrow::Cow;

/// A text without percent-encoding; nothing, if a `%` is not followed by two digits.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, [u8]>> {
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

/// Writes a byte as `%` and two digits.
pub(crate) fn push(byte: u8, out: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
    out.push('%');
    out.extend(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let mut text = String::new();
        for byte in 0..=255 {
            push(byte, &mut text);
        }
        let decoded = decode(&text).unwrap();
        assert!(decoded.iter().copied().eq(0..=255));
        assert_eq!(*decode("a%c3%A4b").unwrap(), *"aäb".as_bytes());
    }

    #[test]
    fn what_is_no_encoding_is_nothing() {
        for text in ["%", "%a", "%zz", "a%2"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
