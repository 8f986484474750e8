//! Reads msgpack where it lies: texts and bytes are borrowed from the body.
//!
//! Knows no format of traces. Nil is the zero value of whatever is asked for.

use std::borrow::Cow;

use super::budget::{Allowance, Budget};
use super::sink::Sink;
use super::{Error, Reason};
use crate::span::{Chunk, Map, Text};

/// Entries of an array or map at most; more is no payload of a tracer.
const MAX_ENTRIES: u32 = 25_000_000;

/// Bytes that may be set aside for the elements of an array, for each byte that is left of the body, before any of them
/// is read. Enough for arrays of real spans to be allocated once.
const AHEAD_PER_BYTE: usize = 8;

const NIL: u8 = 0xc0;

/// A place in a body, and what may still be allocated for it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
    budget: Budget,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8], allowance: Allowance) -> Self {
        Self {
            rest: body,
            len: body.len(),
            budget: Budget::new(body.len(), allowance),
        }
    }

    /// What was taken from the memory of all.
    pub(super) fn into_allowance(self) -> Allowance {
        self.budget.into_allowance()
    }

    /// Bytes from the start of the body.
    fn position(&self) -> usize {
        self.len - self.rest.len()
    }

    /// An error about what comes next.
    #[cold]
    pub(super) fn error(&self, reason: Reason) -> Error {
        Error::new(reason, self.position())
    }

    /// An error about the value whose first byte was read last.
    #[cold]
    fn unexpected(&self, expected: &'static str, found: u8) -> Error {
        Error::new(
            Reason::Unexpected { expected, found },
            self.position().saturating_sub(1),
        )
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Error> {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return Err(self.error(Reason::UnexpectedEnd));
        };
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.error(Reason::UnexpectedEnd));
        };
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((&taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.error(Reason::UnexpectedEnd));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, Error> {
        self.byte()
    }

    fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    /// Skips a nil, if that is what comes next.
    #[inline]
    pub(super) fn nil(&mut self) -> bool {
        match self.rest.split_first() {
            Some((&NIL, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Whether a text comes next, rather than a number that points at one.
    pub(super) fn at_text(&self) -> bool {
        matches!(
            self.rest.first(),
            Some(0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb)
        )
    }

    /// The number of elements of the array that starts here.
    #[inline]
    pub(super) fn array_len(&mut self) -> Result<usize, Error> {
        let count = match self.byte()? {
            marker @ 0x90..=0x9f => u32::from(marker & 0x0f),
            0xdc => self.u16()?.into(),
            0xdd => self.u32()?,
            NIL => 0,
            marker => return Err(self.unexpected("an array", marker)),
        };
        self.checked_len(count, 1)
    }

    /// The number of entries of the map that starts here.
    #[inline]
    pub(super) fn map_len(&mut self) -> Result<usize, Error> {
        let count = match self.byte()? {
            marker @ 0x80..=0x8f => u32::from(marker & 0x0f),
            0xde => self.u16()?.into(),
            0xdf => self.u32()?,
            NIL => 0,
            marker => return Err(self.unexpected("a map", marker)),
        };
        self.checked_len(count, 2)
    }

    /// Refuses counts that no payload has, and those that the rest of the body cannot hold.
    #[inline]
    fn checked_len(&self, count: u32, least_bytes: usize) -> Result<usize, Error> {
        if count > MAX_ENTRIES {
            return Err(self.error(Reason::TooLong(count)));
        }
        let count = count as usize;
        if count > self.rest.len() / least_bytes {
            return Err(self.error(Reason::UnexpectedEnd));
        }
        Ok(count)
    }

    /// A text, or what stands for one as bytes.
    #[inline]
    pub(super) fn text(&mut self) -> Result<Text<'a>, Error> {
        let bytes = self.bytes()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => self.repaired(bytes),
        }
    }

    #[cold]
    fn repaired(&mut self, bytes: &'a [u8]) -> Result<Text<'a>, Error> {
        // Each bad byte becomes three at most.
        self.charge(bytes.len().saturating_mul(3))?;
        Ok(String::from_utf8_lossy(bytes))
    }

    /// The bytes of a text or of bytes.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let len = match self.byte()? {
            marker @ 0xa0..=0xbf => u32::from(marker & 0x1f),
            0xd9 | 0xc4 => self.u8()?.into(),
            0xda | 0xc5 => self.u16()?.into(),
            0xdb | 0xc6 => self.u32()?,
            NIL => 0,
            marker => return Err(self.unexpected("a text", marker)),
        };
        self.take(len as usize)
    }

    /// A whole number that is not negative; negative ones are taken as their two's complement.
    #[inline]
    pub(super) fn unsigned(&mut self) -> Result<u64, Error> {
        Ok(match self.integer()? {
            Integer::Unsigned(number) => number,
            Integer::Signed(number) => number.cast_unsigned(),
        })
    }

    /// Nanoseconds since 1970. JavaScript's tracer writes those of events as a floating point number, of which the
    /// fraction is cut off.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the fraction means nothing, and the range is checked"
    )]
    pub(super) fn moment(&mut self) -> Result<u64, Error> {
        if self.rest.first() != Some(&0xcb) {
            return self.unsigned();
        }
        let number = self.float()?;
        // 2⁶⁴, which a float has exactly.
        if (0.0..18_446_744_073_709_551_616.0).contains(&number) {
            Ok(number as u64)
        } else {
            Err(self.error(Reason::OutOfRange))
        }
    }

    /// A whole number up to the largest of 64 bits with a sign.
    #[inline]
    pub(super) fn signed(&mut self) -> Result<i64, Error> {
        match self.integer()? {
            Integer::Unsigned(number) => {
                i64::try_from(number).map_err(|_| self.error(Reason::OutOfRange))
            }
            Integer::Signed(number) => Ok(number),
        }
    }

    /// A whole number of 32 bits with a sign.
    pub(super) fn signed_32(&mut self) -> Result<i32, Error> {
        let number = self.signed()?;
        i32::try_from(number).map_err(|_| self.error(Reason::OutOfRange))
    }

    /// A whole number of 32 bits without a sign.
    pub(super) fn unsigned_32(&mut self) -> Result<u32, Error> {
        let number = self.signed()?;
        u32::try_from(number).map_err(|_| self.error(Reason::OutOfRange))
    }

    #[inline]
    fn integer(&mut self) -> Result<Integer, Error> {
        let marker = self.byte()?;
        self.integer_of(marker, "a whole number")
    }

    #[inline]
    fn integer_of(&mut self, marker: u8, expected: &'static str) -> Result<Integer, Error> {
        Ok(match marker {
            0x00..=0x7f => Integer::Unsigned(marker.into()),
            0xcc => Integer::Unsigned(self.u8()?.into()),
            0xcd => Integer::Unsigned(self.u16()?.into()),
            0xce => Integer::Unsigned(self.u32()?.into()),
            0xcf => Integer::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => Integer::Signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Integer::Signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Integer::Signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Integer::Signed(i64::from_be_bytes(self.array()?)),
            0xe0..=0xff => Integer::Signed(marker.cast_signed().into()),
            NIL => Integer::Unsigned(0),
            _ => return Err(self.unexpected(expected, marker)),
        })
    }

    /// A number, whole or not.
    #[inline]
    pub(super) fn float(&mut self) -> Result<f64, Error> {
        match self.byte()? {
            0xcb => self.array().map(f64::from_be_bytes),
            0xca => self.array().map(|bytes| f32::from_be_bytes(bytes).into()),
            marker => Ok(match self.integer_of(marker, "a number")? {
                Integer::Unsigned(number) => number as f64,
                Integer::Signed(number) => number as f64,
            }),
        }
    }

    /// A truth value.
    pub(super) fn boolean(&mut self) -> Result<bool, Error> {
        match self.byte()? {
            0xc2 | NIL => Ok(false),
            0xc3 => Ok(true),
            marker => Err(self.unexpected("true or false", marker)),
        }
    }

    /// Skips a value of any type, and all that is in it. Does not recurse.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        let mut pending = 1_u64;
        while pending > 0 {
            pending -= 1;
            let (bytes, values) = self.extent()?;
            self.take(bytes)?;
            pending += values;
        }
        Ok(())
    }

    /// How many bytes, and how many values, follow the head of the value that starts here.
    fn extent(&mut self) -> Result<(usize, u64), Error> {
        let marker = self.byte()?;
        let values = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 0,
            0x80..=0x8f => 2 * u64::from(marker & 0x0f),
            0x90..=0x9f => u64::from(marker & 0x0f),
            0xdc => self.u16()?.into(),
            0xdd => self.u32()?.into(),
            0xde => 2 * u64::from(self.u16()?),
            0xdf => 2 * u64::from(self.u32()?),
            _ => return Ok((self.extent_of_scalar(marker)?, 0)),
        };
        Ok((0, values))
    }

    fn extent_of_scalar(&mut self, marker: u8) -> Result<usize, Error> {
        Ok(match marker {
            0xa0..=0xbf => usize::from(marker & 0x1f),
            0xc4 | 0xd9 => self.u8()?.into(),
            0xc5 | 0xda => self.u16()?.into(),
            0xc6 | 0xdb => self.u32()? as usize,
            // Extensions: a type and the bytes.
            0xc7 => usize::from(self.u8()?) + 1,
            0xc8 => usize::from(self.u16()?) + 1,
            0xc9 => (self.u32()? as usize).saturating_add(1),
            0xd4 => 2,
            0xd5 => 3,
            0xd6 => 5,
            0xd7 => 9,
            0xd8 => 17,
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 => 2,
            0xca | 0xce | 0xd2 => 4,
            0xcb | 0xcf | 0xd3 => 8,
            _ => return Err(self.unexpected("a value", marker)),
        })
    }
}

/// A whole number as the wire has it.
enum Integer {
    Unsigned(u64),
    Signed(i64),
}

/// What is allocated, as far as the budget goes.
impl<'a> Reader<'a> {
    /// Takes so many bytes out of the budget.
    #[inline]
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Error> {
        let position = self.position();
        self.budget.take(bytes, position)
    }

    /// The same for what is held to the end of the body.
    pub(super) fn charge_for_good(&mut self, bytes: usize) -> Result<(), Error> {
        let position = self.position();
        self.budget.take_for_good(bytes, position)
    }

    /// A chunk begins here.
    pub(super) fn begin_chunk(&mut self) {
        let position = self.position();
        self.budget.begin_chunk(position);
    }

    /// Gives a chunk away that ends here.
    pub(super) fn give(
        &mut self,
        chunk: Chunk<'a>,
        sink: &mut dyn Sink<'a>,
        is_last: bool,
    ) -> Result<(), Error> {
        let position = self.position();
        self.budget.give(chunk, sink, is_last, position)
    }

    /// Takes a reference to a text that stands elsewhere out of the budget.
    #[inline]
    pub(super) fn refer(&mut self, text: &str) -> Result<(), Error> {
        let (len, rest) = (self.len, self.rest.len());
        self.budget.refer(text.len(), || len - rest)
    }

    /// A map with room for exactly so many entries, as many as the rest of the body can hold.
    #[inline]
    pub(super) fn map<V>(&mut self, entries: usize) -> Result<Map<'a, V>, Error> {
        let position = self.position();
        self.budget.take_many::<(Text<'_>, V)>(entries, position)?;
        Ok(Map::with_capacity(entries))
    }

    /// An array with room for so many elements, or for fewer if they would be too small for real ones.
    pub(super) fn list<T>(&mut self, elements: usize) -> Result<Vec<T>, Error> {
        let ahead = self.rest.len().saturating_mul(AHEAD_PER_BYTE) / size_of::<T>().max(1);
        let capacity = elements.min(ahead);
        let position = self.position();
        self.budget.take_many::<T>(capacity, position)?;
        Ok(Vec::with_capacity(capacity))
    }

    /// Appends to such an array, which never gets larger than `elements`, and gives the place of what it appended.
    #[inline]
    pub(super) fn push<'v, T>(
        &mut self,
        list: &'v mut Vec<T>,
        elements: usize,
        value: T,
    ) -> Result<&'v mut T, Error> {
        if list.len() == list.capacity() {
            let capacity = (list.capacity() * 2).clamp(4, elements.max(4));
            let more = capacity.saturating_sub(list.len()).max(1);
            let position = self.position();
            self.budget.take_many::<T>(more, position)?;
            list.reserve_exact(more);
        }
        list.push(value);
        let last = list.len() - 1;
        Ok(&mut list[last])
    }
}
