//! One column: numbers or texts one after the other.

use std::collections::HashMap;

use crate::protobuf::varint;

/// Integers below this are exact wherever they go.
const MAX_INTEGER: f64 = (1_u64 << 48) as f64;
/// Integers up to this are exact in four bytes.
const MAX_SINGLE_INTEGER: f64 = (1_u32 << 24) as f64;

/// Numbers as they are sent.
#[derive(Debug, Default)]
pub(super) struct Column {
    bytes: Vec<u8>,
    before: i64,
}

impl Column {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn unsigned(&mut self, value: u64) {
        varint(&mut self.bytes, value);
    }

    /// Small numbers of either sign are short.
    pub(super) fn signed(&mut self, value: i64) {
        varint(
            &mut self.bytes,
            ((value << 1) ^ (value >> 63)).cast_unsigned(),
        );
    }

    /// As what it is more than the value before, over all the column.
    pub(super) fn difference(&mut self, value: i64) {
        self.signed(value.wrapping_sub(self.before));
        self.before = value;
    }

    /// As what each is more than the one before of these; the first is more than 0.
    pub(super) fn differences(&mut self, values: impl Iterator<Item = i64>) {
        self.before = 0;
        for value in values {
            self.difference(value);
        }
    }
}

/// A dictionary of texts.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: HashMap<Box<str>, i64>,
    bytes: Vec<u8>,
    text: String,
}

impl Texts {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of a text of these parts; 0 for none.
    pub(super) fn number(&mut self, parts: &[&str]) -> i64 {
        self.text.clear();
        self.text.extend(parts.iter().copied());
        let text = self.text.as_str();
        if text.is_empty() {
            return 0;
        }
        if let Some(number) = self.known.get(text) {
            return *number;
        }
        varint(&mut self.bytes, text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
        let number = super::sets::next(&self.known);
        self.known.insert(text.into(), number);
        number
    }
}

/// How the values of a metric are stored, by the numbers of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Zero = 0x00,
    Integer = 0x10,
    Single = 0x20,
    Double = 0x30,
}

impl Stored {
    /// The shortest that all of these values are exact in.
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let all = |is: fn(f64) -> bool| values.clone().all(is);
        if all(|value| value.to_bits() == 0) {
            Self::Zero
        } else if all(is_integer) {
            Self::Integer
        } else if all(is_single) {
            Self::Single
        } else {
            Self::Double
        }
    }
}

/// A zero has a sign that no integer has.
fn is_integer(value: f64) -> bool {
    let is_negative_zero = value == 0.0 && value.is_sign_negative();
    value.trunc() == value && value.abs() < MAX_INTEGER && !is_negative_zero
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whether it is exact is asked"
)]
fn is_single(value: f64) -> bool {
    let is_exact = f64::from(value as f32).to_bits() == value.to_bits();
    is_exact && (value.trunc() != value || value.abs() <= MAX_SINGLE_INTEGER)
}

/// The three columns of values.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    integers: Column,
    singles: Vec<u8>,
    doubles: Vec<u8>,
}

impl Numbers {
    pub(super) fn columns(&self) -> [&[u8]; 3] {
        [self.integers.bytes(), &self.singles, &self.doubles]
    }

    /// Stores the values of a series; says how, as a part of its type.
    pub(super) fn values(&mut self, values: &[f64]) -> u64 {
        let stored = Stored::of(values.iter().copied());
        for value in values {
            self.value(stored, *value);
        }
        stored as u64
    }

    /// Stores sum, minimum and maximum of each sketch of a metric, and its count, which is always an integer.
    pub(super) fn summaries(&mut self, summaries: &[([f64; 3], u64)]) -> u64 {
        let stored = Stored::of(summaries.iter().flat_map(|(values, _)| *values));
        for (values, count) in summaries {
            for value in values {
                self.value(stored, *value);
            }
            self.integers
                .signed(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        stored as u64
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the values are exact in what was chosen for them"
    )]
    fn value(&mut self, stored: Stored, value: f64) {
        match stored {
            Stored::Zero => {}
            Stored::Integer => self.integers.signed(value as i64),
            Stored::Single => self
                .singles
                .extend_from_slice(&(value as f32).to_le_bytes()),
            Stored::Double => self.doubles.extend_from_slice(&value.to_le_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_stored_in_the_shortest_form_that_holds_them_all() {
        for (values, stored) in [
            (&[0.0, 0.0][..], Stored::Zero),
            (&[0.0, -5.0], Stored::Integer),
            (&[281_474_976_710_655.0], Stored::Integer),
            (&[281_474_976_710_656.0], Stored::Double),
            (&[0.5, 16_777_216.0], Stored::Single),
            (&[0.5, 16_777_217.0], Stored::Double),
            (&[0.5, 33_554_432.0], Stored::Double),
            (&[0.1], Stored::Double),
            (&[-0.0], Stored::Single),
        ] {
            assert_eq!(Stored::of(values.iter().copied()), stored, "{values:?}");
        }
    }
}
