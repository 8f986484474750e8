//! Reads the fields of a protobuf message from a borrowed slice, one by one, without a copy.
//!
//! A field that the caller does not know is skipped, groups included.
//! A known field of another wire type is an error: to skip it would lose a value in silence.

use crate::decoder::{Limit, Reason};

/// Groups inside of groups that are skipped.
const MAX_GROUP_DEPTH: usize = 64;
/// A varint is at most this long.
const MAX_VARINT: usize = 10;

/// The fields of one message.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// The content of a field, as its wire type shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    /// A group that was skipped.
    Group,
}

/// What follows a tag.
enum Wire {
    Varint,
    Fixed64,
    Bytes,
    StartGroup,
    EndGroup,
    Fixed32,
}

/// A message that collects its fields from one or more pieces: protobuf merges what is repeated.
pub(super) trait Message<'a>: Default {
    /// Takes one field; a number that it does not know is skipped.
    fn field(&mut self, number: u32, field: Field<'a>, max_values: usize) -> Result<(), Reason>;

    /// Takes all fields of a piece.
    fn merge(&mut self, piece: &'a [u8], max_values: usize) -> Result<(), Reason> {
        let mut reader = Reader::new(piece);
        while let Some((number, field)) = reader.next()? {
            self.field(number, field, max_values)?;
        }
        Ok(())
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field with its number; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Reason> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire) = self.tag()?;
        let field = match wire {
            Wire::StartGroup => self.skip_group(number)?,
            Wire::EndGroup => return Err(Reason::Malformed("a group ends that did not begin")),
            wire => self.content(&wire)?,
        };
        Ok(Some((number, field)))
    }

    fn tag(&mut self) -> Result<(u32, Wire), Reason> {
        let tag = u32::try_from(self.varint()?).map_err(|_| Reason::Malformed("tag too large"))?;
        let wire = match tag & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Bytes,
            3 => Wire::StartGroup,
            4 => Wire::EndGroup,
            5 => Wire::Fixed32,
            _ => return Err(Reason::Malformed("unknown wire type")),
        };
        match tag >> 3 {
            0 => Err(Reason::Malformed("field number 0")),
            number => Ok((number, wire)),
        }
    }

    /// What follows a tag that is not one of a group.
    fn content(&mut self, wire: &Wire) -> Result<Field<'a>, Reason> {
        Ok(match wire {
            Wire::Varint => Field::Varint(self.varint()?),
            Wire::Fixed64 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            Wire::Fixed32 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            Wire::Bytes => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                Field::Bytes(self.take(length)?)
            }
            Wire::StartGroup | Wire::EndGroup => Field::Group,
        })
    }

    /// Reads up to the end of the group that has just begun.
    fn skip_group(&mut self, number: u32) -> Result<Field<'a>, Reason> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let (number, wire) = self.tag()?;
            match wire {
                Wire::StartGroup => {
                    Limit::Depth.check(open.len() + 1, MAX_GROUP_DEPTH)?;
                    open.push(number);
                }
                Wire::EndGroup if number == innermost => {
                    open.pop();
                }
                Wire::EndGroup => return Err(Reason::Malformed("another group ends")),
                wire => {
                    self.content(&wire)?;
                }
            }
        }
        Ok(Field::Group)
    }

    /// A varint of any length up to ten bytes; more bytes than needed are legal, more bits are not.
    pub(super) fn varint(&mut self) -> Result<u64, Reason> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().enumerate().take(MAX_VARINT) {
            if index == MAX_VARINT - 1 && byte > 1 {
                return Err(Reason::Malformed("varint too large"));
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = self.rest.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(Reason::Malformed("varint without end"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let (&array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(Reason::Malformed("cut short"))?;
        self.rest = rest;
        Ok(array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Reason> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Reason::Malformed("cut short"))?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Field<'a> {
    /// A `uint64`, or an `int64` by its bits.
    pub(super) fn varint(self) -> Result<u64, Reason> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(OTHER_TYPE),
        }
    }

    /// A `uint32`; protobuf drops the upper half of what is larger.
    pub(super) fn u32(self) -> Result<u32, Reason> {
        Ok(lower_half(self.varint()?))
    }

    /// An `sint64`.
    pub(super) fn zigzag(self) -> Result<i64, Reason> {
        Ok(unzigzag(self.varint()?))
    }

    /// A `double`.
    pub(super) fn double(self) -> Result<f64, Reason> {
        match self {
            Self::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(OTHER_TYPE),
        }
    }

    /// `bytes`, or an embedded message.
    pub(super) fn bytes(self) -> Result<&'a [u8], Reason> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(OTHER_TYPE),
        }
    }

    /// A `string`.
    pub(super) fn text(self) -> Result<&'a str, Reason> {
        simdutf8::basic::from_utf8(self.bytes()?)
            .map_err(|_| Reason::Malformed("string that is not UTF-8"))
    }

    /// Adds what a field holds of a repeated number, packed or not, up to `max` in all.
    pub(super) fn repeated<T>(
        self,
        list: &mut Vec<T>,
        max: usize,
        convert: impl Fn(u64) -> T,
    ) -> Result<(), Reason> {
        let mut push = |value| {
            Limit::Values.check(list.len() + 1, max)?;
            list.push(convert(value));
            Ok(())
        };
        match self {
            Self::Varint(value) => push(value),
            Self::Bytes(packed) => {
                let mut reader = Reader::new(packed);
                while !reader.rest.is_empty() {
                    push(reader.varint()?)?;
                }
                Ok(())
            }
            _ => Err(OTHER_TYPE),
        }
    }

    /// Adds what a field holds of a repeated `double`, packed or not, up to `max` in all.
    pub(super) fn doubles(self, list: &mut Vec<f64>, max: usize) -> Result<(), Reason> {
        match self {
            Self::Fixed64(bits) => {
                Limit::Values.check(list.len() + 1, max)?;
                list.push(f64::from_bits(bits));
                Ok(())
            }
            Self::Bytes(packed) => {
                let (chunks, rest) = packed.as_chunks();
                if !rest.is_empty() {
                    return Err(Reason::Malformed("cut short"));
                }
                Limit::Values.check(list.len() + chunks.len(), max)?;
                list.extend(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)));
                Ok(())
            }
            _ => Err(OTHER_TYPE),
        }
    }
}

const OTHER_TYPE: Reason = Reason::Malformed("field of another wire type");

/// The number of an `sint64`.
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// The number of a `uint32`.
pub(super) fn lower_half(value: u64) -> u32 {
    // Masked, so nothing is lost that was not meant to be.
    u32::try_from(value & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests;
