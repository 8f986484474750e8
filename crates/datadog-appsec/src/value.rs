//! A value as the firewall sees it, whichever engine evaluates it.
//!
//! Refuses no text: bytes that are not UTF-8 and NULs are what attacks are made of. Keys may repeat.

use serde_json::{Number, Value as Json};

/// A tree of values.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Something that could not be read, in the place where it stood.
    #[default]
    Invalid,
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A negative whole number.
    Signed(i64),
    /// A whole number.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// A text, of any bytes.
    Text(Vec<u8>),
    /// A list.
    Array(Vec<Self>),
    /// Names and values in their order, in which a name may stand twice.
    Map(Vec<(Vec<u8>, Self)>),
}

impl Value {
    /// A text.
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().to_vec())
    }

    /// A list of texts.
    pub fn texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::Array(texts.into_iter().map(Self::text).collect())
    }

    /// A map of names to values.
    pub fn map<K: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (K, Self)>) -> Self {
        let pairs = pairs.into_iter();
        Self::Map(
            pairs
                .map(|(key, value)| (key.as_ref().to_vec(), value))
                .collect(),
        )
    }

    /// As JSON, for tests and diagnostics: bytes that are not UTF-8 become replacement characters, of repeated names
    /// the last is left.
    pub fn to_json(&self) -> Json {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Self::Invalid | Self::Null => Json::Null,
            Self::Bool(on) => Json::Bool(*on),
            Self::Signed(number) => Json::from(*number),
            Self::Unsigned(number) => Json::from(*number),
            Self::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Self::Text(bytes) => Json::String(text(bytes)),
            Self::Array(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(pairs) => Json::Object(
                pairs
                    .iter()
                    .map(|(key, value)| (text(key), value.to_json()))
                    .collect(),
            ),
        }
    }

    /// How many values it consists of, itself included.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Self::Map(pairs) => 1 + pairs.iter().map(|(_, value)| value.count()).sum::<usize>(),
            _ => 1,
        }
    }

    /// How many containers stand in one another at its deepest place.
    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(pairs) => 1 + pairs.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(on) => Self::Bool(*on),
            Json::Number(number) => number_value(number),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::map(members.iter().map(|(key, value)| (key, Self::from(value))))
            }
        }
    }
}

fn number_value(number: &Number) -> Value {
    if let Some(number) = number.as_u64() {
        return Value::Unsigned(number);
    }
    if let Some(number) = number.as_i64() {
        return Value::Signed(number);
    }
    number.as_f64().map_or(Value::Null, Value::Float)
}
