//! Messages that are objects or arrays: their texts, one by one.

use crate::intake_entry::json;
use crate::processor::scan::{Scanner, decode};

/// The JSON without white space, each text in it (keys aside) as `map` changes it; and whether it changed any.
///
/// `json` must be valid; of what is not, the part from the fault on is left as it is.
pub(super) fn map_texts(json: &str, map: impl Fn(&str) -> Option<String>) -> (String, bool) {
    let mut out = Vec::with_capacity(json.len());
    let mut changed = false;
    let mut scanner = Scanner::new(json);
    let mut copied = 0;
    loop {
        // Brackets, separators, numbers and words are copied; only strings and white space are looked at.
        let at = scanner.position();
        match scanner.peek() {
            None => break,
            Some(b' ' | b'\n' | b'\r' | b'\t') => {
                out.extend_from_slice(&json.as_bytes()[copied..at]);
                scanner.skip_space();
                copied = scanner.position();
            }
            Some(b'"') => {
                out.extend_from_slice(&json.as_bytes()[copied..at]);
                copied = at;
                let Ok(found) = scanner.value(0) else { break };
                let text = decode(json, found);
                copied = found.end;
                scanner.skip_space();
                let is_key = scanner.peek() == Some(b':');
                let mapped = if is_key { None } else { map(&text) };
                changed |= mapped.is_some();
                json::write_str(mapped.as_deref().unwrap_or(&text), &mut out);
                scanner = Scanner::starting_at(json, copied);
            }
            Some(byte) => {
                scanner.accept(byte);
            }
        }
    }
    out.extend_from_slice(&json.as_bytes()[copied..]);
    // Every piece is UTF-8: cut at ASCII bytes, or written from text.
    (String::from_utf8_lossy(&out).into_owned(), changed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn texts_are_mapped_at_every_depth_and_keys_are_not() {
        let json = r#" { "secret" : "secret" , "a" : [ "secret" , { "b" : "x\u0073ecret" } , 1.50 , null ] } "#;
        let (mapped, changed) = map_texts(json, |text| {
            text.contains("secret").then(|| "***".to_owned())
        });
        assert_eq!(
            mapped,
            r#"{"secret":"***","a":["***",{"b":"***"},1.50,null]}"#
        );
        assert!(changed);
    }

    #[test]
    fn without_a_change_the_compact_json_is_left() {
        let (mapped, changed) = map_texts("[ \"a\\u0062\", 1e5,\t{} ]", |_| None);
        assert_eq!((mapped.as_str(), changed), ("[\"ab\",1e5,{}]", false));
    }

    proptest! {
        #[test]
        fn the_compact_json_is_that_of_serde_json(texts in prop::collection::vec(any::<String>(), 0..5), number in any::<i64>()) {
            let value = serde_json::json!([texts, {"k": texts, "n": number}, null, true]);
            let (mapped, _) = map_texts(&serde_json::to_string_pretty(&value).unwrap(), |_| None);
            prop_assert_eq!(&mapped, &value.to_string());
            let (mapped, _) = map_texts(&mapped, |text| Some(format!("{text}!")));
            let mapped: Value = serde_json::from_str(&mapped).unwrap();
            let expected: Vec<Value> = texts.iter().map(|text| format!("{text}!").into()).collect();
            prop_assert_eq!(&mapped[0], &Value::from(expected));
        }
    }
}
