//! Resolves the escapes of JSON strings that the scanner has passed; judges none.

use crate::intake_entry::json::next_special;

/// Appends what a string means, given what stands between its quotes. Says whether all of it could be read; what was
/// appended is of no use if not.
pub(crate) fn unescape(inner: &str, out: &mut Vec<u8>) -> bool {
    let bytes = inner.as_bytes();
    let mut at = 0;
    loop {
        let backslash = next_special(bytes, at);
        out.extend_from_slice(bytes.get(at..backslash).unwrap_or_default());
        if backslash >= bytes.len() {
            return true;
        }
        let Some((&[b'\\', escaped], rest)) = bytes
            .get(backslash..)
            .and_then(<[u8]>::split_first_chunk::<2>)
        else {
            return false;
        };
        at = backslash + 2;
        out.push(match escaped {
            b'"' | b'\\' | b'/' => escaped,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let Some((character, length)) = character(rest) else {
                    return false;
                };
                let mut utf8 = [0; 4];
                out.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
                at += length;
                continue;
            }
            _ => return false,
        });
    }
}

/// The character behind `\u`, and how many bytes it takes: twice four digits, with another `\u` between them, for what
/// UTF-16 writes as a pair.
fn character(digits: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(digits)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 4));
    }
    let second = code_unit(digits.get(4..)?.strip_prefix(b"\\u")?)?;
    let units = [first, second].map(|unit| u16::try_from(unit).unwrap_or_default());
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((character, 10))
}

fn code_unit(digits: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = digits.first_chunk()?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn agrees(inner: &str) {
        let expected = serde_json::from_str::<String>(&format!("\"{inner}\""));
        let mut out = b"before ".to_vec();
        let is_read = unescape(inner, &mut out);
        assert_eq!(is_read, expected.is_ok(), "{inner:?}: {expected:?}");
        if let Ok(expected) = expected {
            assert_eq!(out, [b"before ", expected.as_bytes()].concat(), "{inner:?}");
        }
    }

    #[test]
    fn every_escape_means_what_it_means_to_serde_json() {
        for inner in [
            "",
            "plain é",
            r#"\"\\\/\b\f\n\r\t"#,
            r"a\u0000b\u00e9\u20AC",
            r"\ud83d\ude00\uD83D\uDE00x",
            r"\ud83d",
            r"\ud83d\u0041",
            r"\ude00",
            r"\ud83d\n",
            r"\u12",
            r"\u12g4",
            r"\x",
            "\\",
            "\u{1}",
        ] {
            agrees(inner);
        }
    }

    proptest! {
        #[test]
        fn strings_come_back_as_serde_json_reads_them(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            agrees(json.get(1..json.len() - 1).unwrap());
        }

        #[test]
        fn nearly_strings_are_read_exactly_when_serde_json_reads_them(
            inner in "([a-d é]{0,3}|\\\\[\\\\\"/bfnrtux]|\\\\u[dD][89cC][0-9a-fA-F]{2}|\\\\u00[0-9a-f]{2}){0,12}"
        ) {
            agrees(&inner);
        }
    }
}
