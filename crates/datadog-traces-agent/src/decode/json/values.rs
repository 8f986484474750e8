//! Values of JSON as serde reads them, each of which may be null.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::span::{Chunk, Map, Span, Text};

/// What is filled from the entries of a JSON object.
pub(super) trait Object<'a>: Default {
    /// Takes the value of a key.
    fn field<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// A value of the wire that stands in a map of the model as another.
pub(super) trait Entry<'a, V>: Deserialize<'a> + Default {
    fn into_model<E: Error>(self) -> Result<V, E>;
}

/// A value of the wire that stands in a list of the model, or is left out of it.
pub(super) trait Element<'a, V>: Deserialize<'a> {
    fn into_model(self) -> Option<V>;
}

/// The value of the current key; null is its zero.
pub(super) fn value<'a, A, T>(map: &mut A) -> Result<T, A::Error>
where
    A: MapAccess<'a>,
    T: Deserialize<'a> + Default,
{
    map.next_value::<Option<T>>().map(Option::unwrap_or_default)
}

/// The text of the current key.
pub(super) fn text<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Text<'a>, A::Error> {
    value::<A, JsonText<'a>>(map).map(|text| text.0)
}

/// The objects of the current key, without those that are null.
pub(super) fn list<'a, A, T>(map: &mut A) -> Result<Vec<T>, A::Error>
where
    A: MapAccess<'a>,
    T: Object<'a>,
{
    value::<A, List<Option<Json<T>>, T>>(map).map(|list| list.0)
}

/// The map of the current key.
pub(super) fn entries<'a, A, E, V>(map: &mut A) -> Result<Map<'a, V>, A::Error>
where
    A: MapAccess<'a>,
    E: Entry<'a, V>,
    V: 'a,
{
    value::<A, Entries<'a, E, V>>(map).map(|entries| entries.0)
}

/// A text, borrowed if it has no escapes.
#[derive(Default)]
pub(super) struct JsonText<'a>(pub(super) Text<'a>);

impl<'a> Deserialize<'a> for JsonText<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'a> Visitor<'a> for Bytes {
            type Value = JsonText<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'a [u8]) -> Result<Self::Value, E> {
                Ok(JsonText(String::from_utf8_lossy(bytes)))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                let text = String::from_utf8_lossy(bytes).into_owned();
                Ok(JsonText(Cow::Owned(text)))
            }
        }

        // As bytes, because only so is a text accepted that is no UTF-8.
        deserializer.deserialize_bytes(Bytes)
    }
}

impl<'a> Entry<'a, Text<'a>> for JsonText<'a> {
    fn into_model<E: Error>(self) -> Result<Text<'a>, E> {
        Ok(self.0)
    }
}

impl Entry<'_, Self> for f64 {
    fn into_model<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }
}

/// Bytes in base64.
#[derive(Default)]
pub(super) struct JsonBytes(Vec<u8>);

impl<'a> Deserialize<'a> for JsonBytes {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let text = JsonText::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.0.as_bytes());
        bytes.map(Self).map_err(D::Error::custom)
    }
}

impl<'a> Entry<'a, Cow<'a, [u8]>> for JsonBytes {
    fn into_model<E: Error>(self) -> Result<Cow<'a, [u8]>, E> {
        Ok(Cow::Owned(self.0))
    }
}

/// An object.
#[derive(Default)]
pub(super) struct Json<T>(pub(super) T);

impl<'a, T: Object<'a>> Deserialize<'a> for Json<T> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'a, T: Object<'a>> Visitor<'a> for Fields<T> {
            type Value = Json<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut object = T::default();
                while let Some(key) = map.next_key::<JsonText<'a>>()? {
                    object.field(&key.0, &mut map)?;
                }
                Ok(Json(object))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

impl<'a, T: Object<'a>> Element<'a, T> for Option<Json<T>> {
    fn into_model(self) -> Option<T> {
        self.map(|object| object.0)
    }
}

/// A chunk; null is one without spans.
pub(super) struct JsonChunk<'a>(pub(super) Chunk<'a>);

impl<'a> Deserialize<'a> for JsonChunk<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        type Spans<'a> = List<Option<Json<Span<'a>>>, Span<'a>>;
        let spans = Option::<Spans<'a>>::deserialize(deserializer)?;
        Ok(Self(Chunk {
            spans: spans.unwrap_or_default().0,
            ..Chunk::default()
        }))
    }
}

/// An array of elements that become values of the model.
pub(super) struct List<E, V>(pub(super) Vec<V>, PhantomData<E>);

impl<E, V> Default for List<E, V> {
    fn default() -> Self {
        Self(Vec::new(), PhantomData)
    }
}

impl<'a, E: Element<'a, V>, V> Deserialize<'a> for List<E, V> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<E, V>(PhantomData<(E, V)>);

        impl<'a, E: Element<'a, V>, V> Visitor<'a> for Elements<E, V> {
            type Value = List<E, V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(element) = elements.next_element::<E>()? {
                    values.extend(element.into_model());
                }
                Ok(List(values, PhantomData))
            }
        }

        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

/// A map of entries that become values of the model.
struct Entries<'a, E, V>(Map<'a, V>, PhantomData<E>);

impl<E, V> Default for Entries<'_, E, V> {
    fn default() -> Self {
        Self(Map::default(), PhantomData)
    }
}

impl<'a, E: Entry<'a, V>, V: 'a> Deserialize<'a> for Entries<'a, E, V> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<E, V>(PhantomData<(E, V)>);

        impl<'a, E: Entry<'a, V>, V: 'a> Visitor<'a> for Pairs<E, V> {
            type Value = Entries<'a, E, V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Map::default();
                while let Some(key) = map.next_key::<JsonText<'a>>()? {
                    entries.push(key.0, value::<A, E>(&mut map)?.into_model()?);
                }
                Ok(Entries(entries, PhantomData))
            }
        }

        deserializer.deserialize_map(Pairs(PhantomData))
    }
}
