//! Attributes: typed values, which become tags of the kind that the model has.
//!
//! An array `a` of `x` and `y` becomes the tags `a.0` and `a.1`, and a list becomes a tag for each of its keys, as
//! tracers do for the formats that know no others. Only events have arrays in the model.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::PROMOTED;
use super::texts::Texts;
use crate::decode::msgpack::Reader;
use crate::decode::{Error, Reason};
use crate::span::{Map, Scalar, Span, Text, Value};

/// Arrays and lists within one another at most.
const MAX_DEPTH: usize = 16;

/// Bytes that a number may take as a tag of its own kind, or as text.
const NUMBER_BYTES: usize = 64;

/// The value of an attribute.
#[derive(Debug)]
pub(super) enum Any<'a> {
    /// A text.
    Text(Text<'a>),
    /// A truth value.
    Bool(bool),
    /// A number.
    Double(f64),
    /// A whole number.
    Int(i64),
    /// Bytes of whatever meaning.
    Bytes(&'a [u8]),
}

impl<'a> Any<'a> {
    /// The value as the text of a tag.
    fn into_text(self) -> Text<'a> {
        match self {
            Self::Text(text) => text,
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Double(number) => Cow::Owned(number.to_string()),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Bytes(bytes) => Cow::Owned(STANDARD.encode(bytes)),
        }
    }

    fn into_scalar(self) -> Scalar<'a> {
        match self {
            Self::Bool(value) => Scalar::Bool(value),
            Self::Double(number) => Scalar::Double(number),
            Self::Int(number) => Scalar::Int(number),
            text @ (Self::Text(_) | Self::Bytes(_)) => Scalar::String(text.into_text()),
        }
    }
}

/// What takes attributes.
pub(super) trait Attributes<'a> {
    /// Bytes of memory that one of them takes where there is room for it.
    const BYTES: usize;
    /// For how many more there is to be room.
    const EXTRA: usize = 0;
    /// Whether arrays are taken as they are.
    const ARRAYS: bool = false;

    /// Begins anew, with room for so many, which are paid for.
    fn reserve(&mut self, count: usize);
    /// Takes one.
    fn set(&mut self, key: Text<'a>, value: Any<'a>);
    /// Takes one with several values. Only called if it takes arrays.
    fn set_array(&mut self, _key: Text<'a>, _values: Vec<Scalar<'a>>) {}
}

/// Tags of a payload, a chunk or a link: all of them become texts.
pub(super) struct Tags<'t, 'a>(pub(super) &'t mut Map<'a, Text<'a>>);

impl<'a> Attributes<'a> for Tags<'_, 'a> {
    const BYTES: usize = size_of::<(Text<'_>, Text<'_>)>();

    fn reserve(&mut self, count: usize) {
        *self.0 = Map::with_capacity(count);
    }

    fn set(&mut self, key: Text<'a>, value: Any<'a>) {
        self.0.push(key, value.into_text());
    }
}

impl<'a> Attributes<'a> for Span<'a> {
    const BYTES: usize = size_of::<(Text<'_>, Text<'_>)>();
    const EXTRA: usize = PROMOTED;

    fn reserve(&mut self, count: usize) {
        self.meta = Map::with_capacity(count);
        self.metrics = Map::default();
        self.meta_struct = Map::default();
    }

    fn set(&mut self, key: Text<'a>, value: Any<'a>) {
        match value {
            Any::Double(number) => self.metrics.push(key, number),
            Any::Int(number) => self.metrics.push(key, number as f64),
            Any::Bytes(bytes) => self.meta_struct.push(key, Cow::Borrowed(bytes)),
            text @ (Any::Text(_) | Any::Bool(_)) => self.meta.push(key, text.into_text()),
        }
    }
}

/// Attributes of an event, which keep their types.
pub(super) struct Events<'t, 'a>(pub(super) &'t mut Map<'a, Value<'a>>);

impl<'a> Attributes<'a> for Events<'_, 'a> {
    const BYTES: usize = size_of::<(Text<'_>, Value<'_>)>();
    const ARRAYS: bool = true;

    fn reserve(&mut self, count: usize) {
        *self.0 = Map::with_capacity(count);
    }

    fn set(&mut self, key: Text<'a>, value: Any<'a>) {
        self.0.push(key, Value::Scalar(value.into_scalar()));
    }

    fn set_array(&mut self, key: Text<'a>, values: Vec<Scalar<'a>>) {
        self.0.push(key, Value::Array(values));
    }
}

/// Reads an array of keys, types and values.
pub(super) fn read<'a, I: Attributes<'a>>(
    reader: &mut Reader<'a>,
    texts: &mut Texts<'a>,
    into: &mut I,
) -> Result<(), Error> {
    let mut walk = Walk {
        reader,
        texts,
        into,
    };
    let count = walk.triples()?;
    let extra = if count > 0 { I::EXTRA } else { 0 };
    // Twice, because tags of other kinds begin with room for some, too.
    walk.reader.charge(2 * extra * I::BYTES)?;
    walk.into.reserve(count + extra);
    for _ in 0..count {
        let key = walk.texts.read(walk.reader)?;
        walk.value(key, 0)?;
    }
    Ok(())
}

/// The way through one array of attributes.
struct Walk<'w, 'a, I> {
    reader: &'w mut Reader<'a>,
    texts: &'w mut Texts<'a>,
    into: &'w mut I,
}

impl<'a, I: Attributes<'a>> Walk<'_, 'a, I> {
    /// How many keys follow with their types and values. Pays for room for them.
    fn triples(&mut self) -> Result<usize, Error> {
        let elements = self.reader.array_len()?;
        if !elements.is_multiple_of(3) {
            return Err(self.reader.error(Reason::WrongLength {
                expected: "a multiple of 3",
                found: elements,
            }));
        }
        self.reader.charge(I::BYTES * (elements / 3))?;
        Ok(elements / 3)
    }

    fn value(&mut self, key: Text<'a>, depth: usize) -> Result<(), Error> {
        match self.reader.unsigned()? {
            6 if I::ARRAYS => self.array(key, depth),
            6 => self.elements(&key, depth),
            7 => self.list(&key, depth),
            kind => {
                let value = self.scalar(kind)?;
                self.pay(&value)?;
                self.into.set(key, value);
                Ok(())
            }
        }
    }

    fn scalar(&mut self, kind: u64) -> Result<Any<'a>, Error> {
        Ok(match kind {
            1 => Any::Text(self.texts.read(self.reader)?),
            2 => Any::Bool(self.reader.boolean()?),
            3 => Any::Double(self.reader.float()?),
            4 => Any::Int(self.reader.signed()?),
            5 => Any::Bytes(self.reader.bytes()?),
            other => return Err(self.reader.error(Reason::UnknownType(other))),
        })
    }

    /// Pays for what a value may take beside the room that is there for it.
    fn pay(&mut self, value: &Any<'a>) -> Result<(), Error> {
        let bytes = match value {
            Any::Text(_) | Any::Bool(_) => return Ok(()),
            Any::Double(_) | Any::Int(_) => NUMBER_BYTES,
            Any::Bytes(bytes) => NUMBER_BYTES + bytes.len().saturating_mul(2),
        };
        self.reader.charge(bytes)
    }

    /// A key for a value within another one, paid for like the value, for which there is no room yet.
    fn inner_key(&mut self, key: &str, inner: &str, depth: usize) -> Result<Text<'a>, Error> {
        if depth >= MAX_DEPTH {
            return Err(self.reader.error(Reason::TooDeep));
        }
        let bytes = 2 * I::BYTES + key.len() + 1 + inner.len();
        self.reader.charge(bytes)?;
        Ok(Cow::Owned(format!("{key}.{inner}")))
    }

    /// The number of elements of an array, each with its type.
    fn pairs(&mut self) -> Result<usize, Error> {
        let elements = self.reader.array_len()?;
        if !elements.is_multiple_of(2) {
            return Err(self.reader.error(Reason::WrongLength {
                expected: "a multiple of 2",
                found: elements,
            }));
        }
        Ok(elements / 2)
    }

    /// An array as one value; what is no single value in it gets keys of its own.
    fn array(&mut self, key: Text<'a>, depth: usize) -> Result<(), Error> {
        let count = self.pairs()?;
        let mut values = self.reader.list(count)?;
        for index in 0..count {
            match self.reader.unsigned()? {
                kind @ (6 | 7) => {
                    let inner = self.inner_key(&key, &index.to_string(), depth)?;
                    match kind {
                        6 => self.elements(&inner, depth + 1)?,
                        _ => self.list(&inner, depth + 1)?,
                    }
                }
                kind => {
                    let value = self.scalar(kind)?;
                    self.pay(&value)?;
                    self.reader.push(&mut values, count, value.into_scalar())?;
                }
            }
        }
        self.into.set_array(key, values);
        Ok(())
    }

    /// An array as a value for each element.
    fn elements(&mut self, key: &str, depth: usize) -> Result<(), Error> {
        for index in 0..self.pairs()? {
            let inner = self.inner_key(key, &index.to_string(), depth)?;
            self.value(inner, depth + 1)?;
        }
        Ok(())
    }

    /// A list as a value for each key.
    fn list(&mut self, key: &str, depth: usize) -> Result<(), Error> {
        for _ in 0..self.triples()? {
            let inner = self.texts.read(self.reader)?;
            let inner = self.inner_key(key, &inner, depth)?;
            self.value(inner, depth + 1)?;
        }
        Ok(())
    }
}
