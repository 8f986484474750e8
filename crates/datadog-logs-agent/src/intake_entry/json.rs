//! JSON text by hand: strings are copied in runs between the bytes that need an escape.
//!
//! Escapes what RFC 8259 demands and nothing else, in the spelling of serde_json. Takes text only: whoever has bytes
//! replaces what is not UTF-8 first.

use serde_json::Value;

/// One in every byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of every byte of a word.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Position of the first byte at or after `from` that cannot stand in a JSON string as it is (quote, backslash,
/// control character); the length of `bytes` when there is none.
#[inline]
pub(crate) fn next_special(bytes: &[u8], from: usize) -> usize {
    /// Wide enough for the compiler to use whole vectors, and to hide what the reduction to one answer costs.
    const BLOCK: usize = 64;
    let mut at = from;
    // Most strings are short, and end before blocks would pay off.
    for _ in 0..4 {
        match special_in_word(bytes, at) {
            Some(8) => at += 8,
            Some(offset) => return at + offset,
            None => return special_in_tail(bytes, at),
        }
    }
    while let Some(block) = bytes.get(at..at + BLOCK) {
        let any = block.iter().fold(0u8, |any, &byte| {
            any | u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\')
        });
        if any != 0 {
            break;
        }
        at += BLOCK;
    }
    loop {
        match special_in_word(bytes, at) {
            Some(8) => at += 8,
            Some(offset) => return at + offset,
            None => return special_in_tail(bytes, at),
        }
    }
}

/// Offset of the first special byte among the eight at `at`, 8 for none of them; `None` with fewer than eight left.
#[inline]
fn special_in_word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    // A byte is zero after the exclusive or exactly when it is the one looked for. The subtraction sets the high bit
    // of the lowest such byte and never of one below it, which is all that is asked for.
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5C);
    let hits = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    Some((hits & HIGH).trailing_zeros() as usize / 8)
}

fn special_in_tail(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).map_or(bytes.len(), |tail| {
        let offset = tail.iter().position(|&byte| is_special(byte));
        offset.map_or(bytes.len(), |offset| at + offset)
    })
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Appends `text` as a JSON string.
pub(crate) fn write_str(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends UTF-8 as it stands between the quotes of a JSON string.
pub(crate) fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    loop {
        let at = next_special(bytes, start);
        out.extend_from_slice(&bytes[start..at]);
        let Some(&byte) = bytes.get(at) else { return };
        write_escape(byte, out);
        start = at + 1;
    }
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// Bytes that `byte` takes between the quotes of a JSON string.
fn escaped_width(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 2,
        _ if byte < 0x20 => 6,
        _ => 1,
    }
}

/// Bytes that `text` takes between the quotes of a JSON string.
pub(crate) fn escaped_len(text: &str) -> usize {
    text.bytes().map(escaped_width).sum()
}

/// Length of the longest prefix of `text`, in whole characters, of at most `bytes` bytes that takes at most
/// `escaped_bytes` between the quotes of a JSON string.
pub(crate) fn prefix_within(text: &str, bytes: usize, escaped_bytes: usize) -> usize {
    let mut room = escaped_bytes;
    let fitting = text
        .bytes()
        .take(bytes)
        .take_while(|&byte| match room.checked_sub(escaped_width(byte)) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        })
        .count();
    text.floor_char_boundary(fitting)
}

/// Appends any JSON value without white space.
pub(crate) fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => write_str(text, out),
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(value, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_str(key, out);
                out.push(b':');
                write_value(value, out);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_str(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn control_characters_quotes_and_backslashes_are_escaped() {
        assert_eq!(
            written("a\"b\\c\n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F}é"),
            "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f\u{7F}é\""
        );
    }

    #[test]
    fn a_special_byte_is_found_at_every_position_of_every_length() {
        for length in 0..200 {
            for special in [b'"', b'\\', 0x00, 0x1F] {
                let mut bytes = vec![b'\x20'; length];
                assert_eq!(next_special(&bytes, 0), length);
                for at in 0..length {
                    bytes[at] = special;
                    assert_eq!(next_special(&bytes, 0), at, "{special} in {length}");
                    bytes[at] = 0xFF;
                }
            }
        }
    }

    #[test]
    fn a_prefix_stops_before_the_character_that_no_longer_fits() {
        assert_eq!(prefix_within("aé\u{1}b", 4, 100), 4);
        assert_eq!(prefix_within("aé\u{1}b", 4, 8), 3);
        assert_eq!(prefix_within("aé", 2, 100), 1);
        assert_eq!(prefix_within("aé", 100, 2), 1);
        assert_eq!(prefix_within("aé", 100, 3), 3);
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in any::<String>()) {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
            prop_assert_eq!(escaped_len(&text) + 2, written(&text).len());
        }
    }
}
