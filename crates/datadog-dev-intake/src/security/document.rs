//! JSON and msgpack from outside as values, within bounds of bytes, of depth and of number.
//!
//! Of a key that comes twice the last value counts. Keys of msgpack that are no texts are written as texts, bytes as the
//! text that they most likely are, and what JSON has no number for as `null`.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Values within one another.
const MAX_DEPTH: usize = 64;
/// Values of one document, keys aside.
pub(super) const MAX_VALUES: usize = 20_000;

/// Reads a document of JSON.
///
/// # Errors
/// In words, why it is none, or that it holds too much.
pub(super) fn from_json(text: &[u8]) -> Result<Value, String> {
    let left = Cell::new(MAX_VALUES);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Bounded::new(&left).deserialize(&mut reader);
    let value = value.map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Reads a document of msgpack.
///
/// # Errors
/// In words, why it is none, or that it holds too much.
pub(super) fn from_msgpack(bytes: &[u8]) -> Result<Value, String> {
    let left = Cell::new(MAX_VALUES);
    let mut rest = bytes;
    let mut reader = rmp_serde::Deserializer::new(&mut rest);
    reader.set_max_depth(2 * MAX_DEPTH);
    let value = Bounded::new(&left).deserialize(&mut reader);
    let value = value.map_err(|error| error.to_string())?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err("more than one value".to_owned())
    }
}

/// A value at some depth, of which there may be so many more.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    left: &'a Cell<usize>,
    depth: usize,
}

impl<'a> Bounded<'a> {
    fn new(left: &'a Cell<usize>) -> Self {
        Self { left, depth: 0 }
    }

    /// What is within this value.
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("deeper than {MAX_DEPTH} values")));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            let why = format_args!("more than {MAX_VALUES} values");
            return Err(D::Error::custom(why));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(String::from_utf8_lossy(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(Key(key)) = members.next_key()? {
            object.insert(key, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

/// The key of a member.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Key, E> {
        Ok(Key(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Key, E> {
        Ok(Key(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Key, E> {
        Ok(Key(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Key, E> {
        Ok(Key(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Key, E> {
        Ok(Key(String::from_utf8_lossy(value).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn nested(depth: usize) -> String {
        "[".repeat(depth) + &"]".repeat(depth)
    }

    #[test]
    fn json_is_read_as_it_stands() {
        let text =
            br#"{"a":[1,-2,1.5,true,null,"\u0000<b>"],"b":{"":{}},"a b":18446744073709551615}"#;
        let expected: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(from_json(text), Ok(expected));
        assert_eq!(from_json(br#"{"a":1,"a":2}"#), Ok(json!({"a": 2})));
    }

    #[test]
    fn msgpack_is_read_as_the_json_that_it_is() {
        let value = json!({"a": [1, -2, 1.5, true, null, "x"], "b": {"": {}}});
        assert_eq!(from_msgpack(&rmp_serde::to_vec(&value).unwrap()), Ok(value));
        // A key that is a number, bytes that are no text, and a number that JSON does not have.
        let odd = b"\x82\x07\xc4\x02\xffa\xc4\x01k\xcb\x7f\xf8\0\0\0\0\0\0";
        assert_eq!(from_msgpack(odd), Ok(json!({"7": "\u{fffd}a", "k": null})));
    }

    #[test]
    fn depth_is_bounded_to_the_value() {
        let too_deep = format!("deeper than {MAX_DEPTH} values");
        assert!(from_json(nested(MAX_DEPTH).as_bytes()).is_ok());
        let why = from_json(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err();
        assert!(why.starts_with(&too_deep), "{why}");
        assert!(from_json(nested(100_000).as_bytes()).is_err());
        let mut packed = vec![0x91; MAX_DEPTH];
        packed.push(0x90);
        assert_eq!(from_msgpack(&packed), Err(too_deep));
        packed.remove(0);
        assert!(from_msgpack(&packed).is_ok());
        assert!(from_msgpack(&vec![0x91; 100_000]).is_err());
    }

    #[test]
    fn values_are_counted_to_the_last() {
        let of = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert!(from_json(of(MAX_VALUES).as_bytes()).is_ok());
        let why = from_json(of(MAX_VALUES + 1).as_bytes()).unwrap_err();
        assert!(
            why.starts_with(&format!("more than {MAX_VALUES} values")),
            "{why}"
        );
        // An array that says it has four thousand million elements costs what is there.
        assert!(from_msgpack(b"\xdd\xff\xff\xff\xff\x01").is_err());
    }

    #[test]
    fn nothing_may_stand_behind_a_document() {
        assert!(from_json(b"{} {}").is_err());
        assert_eq!(from_json(b" {} "), Ok(json!({})));
        assert_eq!(
            from_msgpack(b"\x80\x80"),
            Err("more than one value".to_owned())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
            prop_assert_eq!(from_json(&bytes).is_ok(), is_json);
            if from_msgpack(&bytes).is_ok() {
                prop_assert!(crate::stats::msgpack::is_document(&bytes));
            }
        }

        #[test]
        fn any_text_of_the_characters_of_json_is_read_or_refused(text in r#"[\[\]{}",:0-9a-z\\ ]{0,200}"#) {
            let read = from_json(text.as_bytes());
            let is_json = serde_json::from_str::<Value>(&text);
            prop_assert_eq!(read.ok(), is_json.ok());
        }
    }
}
