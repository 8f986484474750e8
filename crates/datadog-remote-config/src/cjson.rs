//! JSON as TUF signs it: read strictly, written in one canonical form.
//!
//! The canonical form has no white space, members sorted by code points, whole numbers only, and escapes nothing in
//! a text but `\` and `"`.
//! Refuses what has no such form or more than one reading: floats, duplicate members, numbers beyond 64 bits; and what
//! is larger than anybody needs: nesting, numbers of values.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Arrays and objects within one another.
pub const MAX_DEPTH: usize = 32;
/// Values and members in one document; each costs about a hundred bytes of memory at worst.
pub const MAX_VALUES: usize = 1_000_000;

/// A value of JSON that has a canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from zero up.
    Unsigned(u64),
    /// A whole number below zero.
    Negative(i64),
    /// A text.
    Text(String),
    /// A list.
    Array(Vec<Self>),
    /// Members, sorted by the code points of their names: that is how `String`s are ordered.
    Object(BTreeMap<String, Self>),
}

/// Why bytes are not JSON that can be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Json {
    /// Reads one value, with nothing but white space around it.
    ///
    /// # Errors
    /// When the bytes are not JSON, not UTF-8, have a float, a duplicate member or a number beyond 64 bits, are nested
    /// deeper than [`MAX_DEPTH`] or have more than [`MAX_VALUES`] values.
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        let left = Cell::new(MAX_VALUES);
        let mut source = serde_json::Deserializer::from_slice(bytes);
        let read = Read {
            depth: 0,
            left: &left,
        };
        let value = read
            .deserialize(&mut source)
            .and_then(|value| source.end().map(|()| value));
        value.map_err(|error| Invalid(error.to_string()))
    }

    /// The canonical form.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Unsigned(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Negative(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::Array(values) => {
                out.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    value.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_text(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Reads a value at a depth, and counts it.
#[derive(Clone, Copy)]
struct Read<'a> {
    depth: usize,
    left: &'a Cell<usize>,
}

impl Read<'_> {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Read<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Json, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(D::Error::custom(format_args!(
                "more than {MAX_VALUES} values"
            )));
        };
        self.left.set(left);
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without floats")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(u64::try_from(value).map_or(Json::Negative(value), Json::Unsigned))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = source.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut members = BTreeMap::new();
        while let Some(name) = source.next_key::<String>()? {
            let value = source.next_value_seed(inside)?;
            if members.contains_key(&name) {
                // The name may be long, and comes from outside.
                return Err(A::Error::custom("a member is there twice"));
            }
            members.insert(name, value);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        let json = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(json.to_canonical()).unwrap(), canonical);
    }

    #[track_caller]
    fn refused(text: &[u8], why: &str) {
        let error = Json::parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn members_are_sorted_and_white_space_is_gone() {
        check(
            " { \"b\" : [ 1 , -2 , true , null ] , \"a\" : { } } ",
            r#"{"a":{},"b":[1,-2,true,null]}"#,
        );
        check(
            r#"{"\ud83d\ude00":1,"\uffff":2,"z":3}"#,
            "{\"z\":3,\"\u{ffff}\":2,\"😀\":1}",
        );
    }

    #[test]
    fn only_backslash_and_quote_are_escaped() {
        check(r#""a\"b\\c\n\u0001\/é\u00e9""#, "\"a\\\"b\\\\c\n\u{1}/éé\"");
    }

    #[test]
    fn numbers_of_64_bits_keep_their_digits() {
        check(
            "[18446744073709551615,-9223372036854775808]",
            "[18446744073709551615,-9223372036854775808]",
        );
    }

    #[test]
    fn what_has_no_canonical_form_is_refused() {
        refused(b"1.0", "floating point");
        refused(b"1e3", "floating point");
        refused(b"-0", "floating point");
        refused(b"18446744073709551616", "floating point");
        refused(br#"{"a":1,"a":1}"#, "a member is there twice");
        refused(br#"{"a":1,"\u0061":2}"#, "a member is there twice");
        refused(b"\"\xff\"", "invalid unicode");
        refused(br#""\ud800""#, "unexpected end of hex escape");
        refused(b"{} {}", "trailing characters");
        refused(b"", "EOF");
    }

    #[test]
    fn depth_is_limited_to_the_last_level() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        check(&nested(MAX_DEPTH), &nested(MAX_DEPTH));
        refused(nested(MAX_DEPTH + 1).as_bytes(), "nested deeper than 32");
    }

    #[test]
    fn values_are_limited_to_the_last_one() {
        let many = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(Json::parse(many(MAX_VALUES).as_bytes()).is_ok());
        refused(many(MAX_VALUES + 1).as_bytes(), "more than 1000000 values");
    }

    fn json() -> impl Strategy<Value = Json> {
        // Without combining marks: the other implementation composes them, and those who sign do not.
        let text = "[ -~\n\t\u{1}é😀]{0,12}";
        // It sorts names with their quotes and escapes, which differs where a character sorts before a quote.
        let name = "[#-Z^-~é😀]{0,12}";
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<u64>().prop_map(Json::Unsigned),
            (i64::MIN..0).prop_map(Json::Negative),
            text.prop_map(Json::Text),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::btree_map(name, inner, 0..6).prop_map(Json::Object),
            ]
        })
    }

    fn to_serde(json: &Json) -> serde_json::Value {
        match json {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => (*value).into(),
            Json::Unsigned(value) => (*value).into(),
            Json::Negative(value) => (*value).into(),
            Json::Text(value) => value.as_str().into(),
            Json::Array(values) => values.iter().map(to_serde).collect(),
            Json::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), to_serde(value)))
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn another_implementation_writes_the_same(json in json()) {
            let mut theirs = Vec::new();
            let mut writer = serde_json::Serializer::with_formatter(
                &mut theirs,
                olpc_cjson::CanonicalFormatter::new(),
            );
            serde::Serialize::serialize(&to_serde(&json), &mut writer).unwrap();
            prop_assert_eq!(json.to_canonical(), theirs);
        }

        #[test]
        fn what_is_written_as_json_reads_back(json in json()) {
            let text = serde_json::to_vec(&to_serde(&json)).unwrap();
            prop_assert_eq!(Json::parse(&text).unwrap(), json);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(json) = Json::parse(&bytes) {
                prop_assert_eq!(json.to_canonical(), json.clone().to_canonical());
            }
        }
    }
}
