//! Columns of a body: packed numbers and dictionaries of texts, each read from its beginning to its end.

use crate::protobuf;
use crate::records::within;

const ENDS_EARLY: &str = "ends early";

/// The bytes of a column; none of one that is absent.
///
/// # Errors
/// When it is no column, or is there twice.
pub(super) fn column(data: &[u8], field: u64) -> Result<&[u8], String> {
    let (places, count) = protobuf::messages(data, field, 1)?;
    match (places.first(), count) {
        (None, _) => Ok(&[]),
        (Some(place), 1) => Ok(within(data, place)),
        (Some(_), _) => Err(format!("column {field} twice")),
    }
}

/// A dictionary of texts, each behind its length.
pub(super) fn texts(data: &[u8], field: u64) -> Result<Vec<&str>, String> {
    let mut numbers = Numbers::of(data, field)?;
    let mut texts = Vec::new();
    while !numbers.is_empty() {
        let length = usize::try_from(numbers.unsigned()?).unwrap_or(usize::MAX);
        let (text, rest) = numbers
            .rest
            .split_at_checked(length)
            .ok_or_else(|| numbers.broken(ENDS_EARLY))?;
        let text = std::str::from_utf8(text).map_err(|_| numbers.broken("is not UTF-8"))?;
        numbers.rest = rest;
        texts.push(text);
    }
    Ok(texts)
}

/// A column of numbers.
pub(super) struct Numbers<'a> {
    field: u64,
    rest: &'a [u8],
}

impl<'a> Numbers<'a> {
    pub(super) fn of(data: &'a [u8], field: u64) -> Result<Self, String> {
        let rest = column(data, field)?;
        Ok(Self { field, rest })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many numbers are left.
    pub(super) fn count(&self) -> usize {
        self.rest.iter().filter(|byte| **byte < 0x80).count()
    }

    fn broken(&self, why: &str) -> String {
        format!("column {} {why}", self.field)
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let Some((&byte, rest)) = self.rest.split_first() else {
                return Err(self.broken(ENDS_EARLY));
            };
            if shift == 63 && byte > 1 {
                break;
            }
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.broken("has a number of more than 64 bits"))
    }

    /// A number whose lowest bit is its sign.
    pub(super) fn signed(&mut self) -> Result<i64, String> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// # Errors
    /// When there is anything left.
    pub(super) fn end(&self) -> Result<(), String> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(self.broken("is longer than its metrics need")),
        }
    }
}

/// A column of numbers, each of which says how much it is more than the one before. One that is absent is all 0.
pub(super) struct Refs<'a> {
    numbers: Numbers<'a>,
    is_absent: bool,
    before: i64,
}

impl<'a> Refs<'a> {
    pub(super) fn of(data: &'a [u8], field: u64) -> Result<Self, String> {
        let numbers = Numbers::of(data, field)?;
        Ok(Self {
            is_absent: numbers.is_empty(),
            numbers,
            before: 0,
        })
    }

    pub(super) fn value(&mut self) -> Result<i64, String> {
        self.before = self.before.wrapping_add(self.numbers.signed()?);
        Ok(self.before)
    }

    /// The next as a reference to a dictionary.
    pub(super) fn next(&mut self) -> Result<usize, String> {
        if self.is_absent {
            return Ok(0);
        }
        super::reference(self.value()?)
    }

    pub(super) fn end(&self) -> Result<(), String> {
        self.numbers.end()
    }
}

/// A column of numbers of `N` bytes each.
pub(super) struct Floats<'a, const N: usize> {
    field: u64,
    rest: &'a [u8],
}

impl<'a, const N: usize> Floats<'a, N> {
    pub(super) fn of(rest: &'a [u8], field: u64) -> Result<Self, String> {
        match rest.len() % N {
            0 => Ok(Self { field, rest }),
            _ => Err(format!("column {field} {ENDS_EARLY}")),
        }
    }

    pub(super) fn next(&mut self) -> Result<[u8; N], String> {
        let (number, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| format!("column {} {ENDS_EARLY}", self.field))?;
        self.rest = rest;
        Ok(*number)
    }

    pub(super) fn end(&self) -> Result<(), String> {
        match self.rest {
            [] => Ok(()),
            _ => Err(format!(
                "column {} is longer than its metrics need",
                self.field
            )),
        }
    }
}
