//! Canonical JSON, which is what is signed and what identifiers of keys are hashes of.
//!
//! No blanks, members sorted, and no escapes but those of `"` and `\`. Documents here have no fractions, so none are
//! written.

use serde_json::Value;

/// The canonical form.
pub(super) fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            out.extend_from_slice(value.to_string().as_bytes());
        }
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            // The order of bytes in UTF-8 is that of code points.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(out, name);
                out.push(b':');
                write(out, value);
            }
            out.push(b'}');
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_only_quotes_and_backslashes_escaped() {
        let value = json!({
            "b": [1, -2, true, null],
            "é": "\n\"\\/\u{7f}é",
            "a": {"10": {}, "9": []},
            "": "",
        });
        assert_eq!(
            String::from_utf8(canonical(&value)).unwrap(),
            "{\"\":\"\",\"a\":{\"10\":{},\"9\":[]},\"b\":[1,-2,true,null],\"é\":\"\n\\\"\\\\/\u{7f}é\"}"
        );
    }
}
