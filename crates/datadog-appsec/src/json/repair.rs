//! Documents that servers take and a strict reader does not: what is too much for it is replaced.
//!
//! Without this, half a surrogate pair or a number without bounds in one member would hide an attack in the next.
//! Whatever else is wrong with a document stays wrong.

/// What stands for half of a surrogate pair.
const REPLACEMENT: &str = "\\ufffd";
/// What stands for a number larger than any.
const LARGEST: &str = "1e308";

/// The document with halves of surrogate pairs, numbers beyond all bounds, `NaN` and `Infinity` replaced; nothing, if it
/// has none.
pub(super) fn repair(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let (token, with) = match first {
            b'"' => {
                let (string, repaired) = string(rest);
                changed |= repaired.is_some();
                out.push_str(repaired.as_deref().unwrap_or(string));
                rest = rest.get(string.len()..)?;
                continue;
            }
            b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => word(rest),
            _ => (rest.get(..width(first))?, None),
        };
        changed |= with.is_some();
        out.push_str(with.unwrap_or(token));
        rest = rest.get(token.len()..)?;
    }
    changed.then_some(out)
}

/// Bytes of the character that begins so.
fn width(first: u8) -> usize {
    match first {
        0x00..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    }
}

/// A number or a name, and what it is replaced by.
fn word(text: &str) -> (&str, Option<&'static str>) {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let end = text.bytes().position(|byte| !is_part(byte));
    let word = end.and_then(|end| text.get(..end)).unwrap_or(text);
    let with = match word {
        "NaN" | "Infinity" | "-Infinity" => Some("null"),
        // The names that Rust has for it are no JSON in any language.
        _ if word
            .bytes()
            .all(|byte| !byte.is_ascii_alphabetic() || matches!(byte, b'e' | b'E')) =>
        {
            let is_infinite = word.parse().is_ok_and(f64::is_infinite);
            is_infinite.then_some(LARGEST)
        }
        _ => None,
    };
    (word, with)
}

/// A text with its quotes, and what it is replaced by.
fn string(text: &str) -> (&str, Option<String>) {
    let bytes = text.as_bytes();
    let mut halves = Vec::new();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                break;
            }
            b'\\' => {
                let (length, is_half) = escape(bytes, at);
                halves.extend(is_half.then_some(at));
                at += length;
            }
            _ => at += 1,
        }
    }
    let string = text.get(..at).unwrap_or(text);
    if halves.is_empty() {
        return (string, None);
    }
    let mut out = String::with_capacity(string.len());
    let mut begin = 0;
    for half in halves {
        out.push_str(string.get(begin..half).unwrap_or_default());
        out.push_str(REPLACEMENT);
        begin = half + REPLACEMENT.len();
    }
    out.push_str(string.get(begin..).unwrap_or_default());
    (string, Some(out))
}

/// Bytes of the escape at a place, both halves of a pair, and whether it is a half alone.
fn escape(bytes: &[u8], at: usize) -> (usize, bool) {
    match unit(bytes, at) {
        Some(0xd800..=0xdbff) => match unit(bytes, at + 6) {
            Some(0xdc00..=0xdfff) => (12, false),
            _ => (6, true),
        },
        Some(0xdc00..=0xdfff) => (6, true),
        Some(_) => (6, false),
        None => (2, false),
    }
}

/// The number of `\uXXXX` at a place.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_readers_take_is_replaced() {
        for (text, wanted) in [
            (r#"{"a":"\ud800","ä":1}"#, r#"{"a":"\ufffd","ä":1}"#),
            (
                r#"["\ud83d\ude00\ude00\\ud800"]"#,
                r#"["\ud83d\ude00\ufffd\\ud800"]"#,
            ),
            (r#"["\ud800\ud83d\ude00"]"#, r#"["\ufffd\ud83d\ude00"]"#),
            ("[1e999,-1e999,NaN,-Infinity]", "[1e308,1e308,null,null]"),
        ] {
            assert_eq!(repair(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_nobody_takes_stays() {
        for text in [
            "",
            "{",
            "[1,]",
            r#"["\u12"#,
            r#"["\"#,
            "[nan,inf,infinity]",
            r#"["NaN",1e308,"1e999"]"#,
            "[tru]",
        ] {
            assert_eq!(repair(text), None, "{text}");
        }
    }
}
