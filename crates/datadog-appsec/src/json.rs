//! JSON straight into values within limits, in one pass and without a tree between.
//!
//! Keeps members that repeat, and what stands in front of a limit; what lies beyond is read over, without recursion.
//! Bytes that are not UTF-8 are replaced, so that one of them does not hide the rest.

mod repair;

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::limits::{Limits, Shaper, Truncated};
use crate::value::Value;

/// Reads a document.
///
/// # Errors
/// When it is not one, with where.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<(Value, Truncated), String> {
    let mut shaper = Shaper::new(limits);
    let text = String::from_utf8_lossy(bytes);
    let value = read(&text, &mut shaper, 1)?;
    Ok((value, shaper.truncated()))
}

/// Reads a document of a client, that stands at `depth` within another value. Takes what servers take, though it is
/// no JSON strictly.
///
/// # Errors
/// When it is not one, with where.
pub(crate) fn parse_with(
    bytes: &[u8],
    shaper: &mut Shaper<'_>,
    depth: usize,
) -> Result<Value, String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let values = shaper.values();
    read(text, shaper, depth).or_else(|error| match repair::repair(text) {
        Some(repaired) => {
            shaper.forget_values_since(values);
            read(&repaired, shaper, depth)
        }
        None => Err(error),
    })
}

fn read(text: &str, shaper: &mut Shaper<'_>, depth: usize) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut too_deep = false;
    let seed = Place {
        shaper,
        depth,
        too_deep: &mut too_deep,
    };
    let value = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("no JSON at line {line}, column {column}")
        })?;
    if too_deep {
        shaper.too_deep(nesting(text.as_bytes()) + depth - 1);
    }
    Ok(value)
}

/// How many containers stand in one another.
fn nesting(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Where the next value goes.
struct Place<'a, 'l> {
    shaper: &'a mut Shaper<'l>,
    /// Of a container that would stand here; 1 is the outermost.
    depth: usize,
    too_deep: &'a mut bool,
}

impl<'l> Place<'_, 'l> {
    fn inner(&mut self) -> Place<'_, 'l> {
        Place {
            shaper: self.shaper,
            depth: self.depth + 1,
            too_deep: self.too_deep,
        }
    }

    /// Whether a container may stand here.
    fn admits(&mut self) -> bool {
        let admitted = self.shaper.admits_depth(self.depth);
        *self.too_deep |= !admitted;
        admitted
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, on: bool) -> Result<Value, E> {
        Ok(Value::Bool(on))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Signed(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(self.shaper.text(text.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut from: A) -> Result<Value, A::Error> {
        let admitted = self.admits();
        let mut items = Vec::new();
        let mut members = 0;
        loop {
            if admitted && self.shaper.admits_member(items.len()) {
                let Some(item) = from.next_element_seed(self.inner())? else {
                    return Ok(Value::Array(items));
                };
                items.push(item);
                members += 1;
                continue;
            }
            while from.next_element::<IgnoredAny>()?.is_some() {
                members += 1;
            }
            return Ok(self.closed(Value::Array(items), admitted, members));
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut from: A) -> Result<Value, A::Error> {
        let admitted = self.admits();
        let mut pairs = Vec::new();
        let mut members = 0;
        loop {
            if admitted && self.shaper.admits_member(pairs.len()) {
                let Some(key) = from.next_key::<Key<'_>>()? else {
                    return Ok(Value::Map(pairs));
                };
                let key = self.shaper.cut(key.0.as_bytes());
                pairs.push((key, from.next_value_seed(self.inner())?));
                members += 1;
                continue;
            }
            while from.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                members += 1;
            }
            return Ok(self.closed(Value::Map(pairs), admitted, members));
        }
    }
}

impl Place<'_, '_> {
    /// The container after its last member was read or passed over.
    fn closed(self, value: Value, admitted: bool, members: usize) -> Value {
        if !admitted {
            return Value::Invalid;
        }
        let held = match &value {
            Value::Array(items) => items.len(),
            Value::Map(pairs) => pairs.len(),
            _ => 0,
        };
        if members > held {
            self.shaper.too_wide(members);
        }
        value
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> (Value, Truncated) {
        let limits = Limits::default();
        let mut shaper = Shaper::new(&limits);
        let value = parse_with(text.as_bytes(), &mut shaper, 1).unwrap();
        (value, shaper.truncated())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let text = r#"{"a":[1,-2,1.5,true,null,"x\u00e4"],"b":{"c":18446744073709551615}}"#;
        let (value, truncated) = read(text);
        let wanted =
            json!({"a":[1,-2,1.5,true,null,"xä"],"b":{"c":18_446_744_073_709_551_615_u64}});
        assert_eq!(value.to_json(), wanted);
        assert_eq!(value, Value::from(&wanted));
        assert!(!truncated.any());
    }

    #[test]
    fn a_member_that_repeats_is_kept_twice() {
        let (value, _) = read(r#"{"a":1,"a":2}"#);
        let pair = |number| (b"a".to_vec(), Value::Unsigned(number));
        assert_eq!(value, Value::Map(vec![pair(1), pair(2)]));
    }

    #[test]
    fn seventy_thousand_members_are_counted_and_256_kept() {
        let text = format!("[{}0]", "0,".repeat(69_999));
        let (value, truncated) = read(&text);
        assert_eq!(value, Value::Array(vec![Value::Unsigned(0); 256]));
        assert_eq!(truncated.container, 70_000);
        let members: Vec<_> = (0..300).map(|n| format!("\"k{n}\":{n}")).collect();
        let (value, truncated) = read(&format!("{{{}}}", members.join(",")));
        assert_eq!((value.count(), truncated.container), (257, 300));
    }

    #[test]
    fn a_hundred_thousand_brackets_do_not_end_the_stack() {
        let deep = 100_000;
        let text = format!("{}1{}", "[".repeat(deep), "]".repeat(deep));
        let (value, truncated) = read(&text);
        assert_eq!(value.depth(), 20);
        assert_eq!(truncated.depth, deep);
        assert!(parse("[".repeat(deep).as_bytes(), &Limits::default()).is_err());
    }

    #[test]
    fn what_is_cut_off_or_followed_is_no_document() {
        for text in ["", "{", "[1,", "{\"a\"}", "[1]]", "nul", "{\"a\":1,}"] {
            assert!(
                parse(text.as_bytes(), &Limits::default()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing() {
        let limits = Limits::default();
        let text = b"\xef\xbb\xbf[\"a\xffb\"]";
        let value = parse_with(text, &mut Shaper::new(&limits), 1).unwrap();
        assert_eq!(value.to_json(), json!(["a\u{fffd}b"]));
    }

    #[test]
    fn what_servers_take_hides_nothing() {
        let (value, _) = read(r#"{"a":"\ud800","b":1e999,"c":NaN,"q":"attack"}"#);
        let wanted = json!({"a": "\u{fffd}", "b": 1e308, "c": null, "q": "attack"});
        assert_eq!(value.to_json(), wanted);
    }

    #[test]
    fn what_is_read_again_counts_once() {
        let rows = format!("[{}0],", "0,".repeat(254)).repeat(200);
        let (value, truncated) = read(&format!(r#"[{rows}"\ud800"]"#));
        assert_eq!(value.count(), 1 + 200 * 256 + 1);
        assert!(!truncated.any());
    }

    #[test]
    fn values_in_all_are_bounded() {
        let row = format!("[{}0]", "0,".repeat(255));
        let text = format!("[{}{row}]", format!("{row},").repeat(255));
        let (value, truncated) = read(&text);
        assert_eq!(value.count(), 65_537);
        assert_eq!(truncated.container, 256);
    }
}
