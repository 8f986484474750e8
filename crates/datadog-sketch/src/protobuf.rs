//! Protobuf by hand: appends fields to a buffer, knows their lengths beforehand, and reads them back.
//!
//! Knows no message. Reading borrows from its input, allocates nothing and never goes past the end; groups, which
//! proto3 does not have, are refused.

/// Why bytes are no protobuf, or not the message that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The bytes end inside of a field.
    #[error("the message ends inside of a field")]
    Truncated,
    /// A number takes more than ten bytes, or more than 64 bits.
    #[error("a number has more than 64 bits")]
    LongVarint,
    /// A field has the number 0 or one that does not fit.
    #[error("a field has an invalid number")]
    FieldNumber,
    /// A field has a wire type that proto3 does not use, or not the one of its number.
    #[error("field {field} has an unexpected wire type")]
    WireType {
        /// Number of the field.
        field: u32,
    },
}

/// The value of a field, as it is laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// Of four bytes, which no message here has.
    Fixed32,
}

impl<'a> Value<'a> {
    pub(crate) fn varint(self, field: u32) -> Result<u64, Malformed> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(Malformed::WireType { field }),
        }
    }

    pub(crate) fn double(self, field: u32) -> Result<f64, Malformed> {
        match self {
            Self::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(Malformed::WireType { field }),
        }
    }

    pub(crate) fn bytes(self, field: u32) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed::WireType { field }),
        }
    }
}

/// What is left to read of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next field and its number; `None` at the end of the message.
    pub(crate) fn field(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let field = u32::try_from(key >> 3)
            .ok()
            .filter(|field| (1..1 << 29).contains(field))
            .ok_or(Malformed::FieldNumber)?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.fixed64()?),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
                Value::Bytes(self.take(len)?)
            }
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            _ => return Err(Malformed::WireType { field }),
        };
        Ok(Some((field, value)))
    }

    /// The next number of a packed field; `None` at its end.
    pub(crate) fn packed_varint(&mut self) -> Result<Option<u64>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.varint().map(Some)
    }

    /// The next double of a packed field; `None` at its end.
    pub(crate) fn packed_double(&mut self) -> Result<Option<f64>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.fixed64().map(|bits| Some(f64::from_bits(bits)))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (index, &byte) in self.0.iter().enumerate() {
            if index == 9 && byte > 1 {
                return Err(Malformed::LongVarint);
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.0 = self.0.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(Malformed::Truncated)
    }

    fn fixed64(&mut self) -> Result<u64, Malformed> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }
}

/// The bytes that a number takes.
pub(crate) const fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// A signed number as one that is small when it is near 0.
pub(crate) const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

/// The reverse of [`zigzag`]; `None` for a number that no `i32` becomes.
pub(crate) fn unzigzag(value: u64) -> Option<i32> {
    let value = u32::try_from(value).ok()?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// Appends a number.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a field with a number unless it is 0, which proto3 leaves out. All fields here are below 16.
pub(crate) fn varint_field(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        out.push(field << 3);
        varint(out, value);
    }
}

/// The bytes that [`varint_field`] appends.
pub(crate) const fn varint_field_len(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_len(value) }
}

/// Appends a field with a double unless it is positive 0, which proto3 leaves out.
pub(crate) fn double_field(out: &mut Vec<u8>, field: u8, value: f64) {
    if value.to_bits() != 0 {
        out.push(field << 3 | 1);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// The bytes that [`double_field`] appends.
pub(crate) const fn double_field_len(value: f64) -> usize {
    if value.to_bits() == 0 { 0 } else { 9 }
}

/// Appends the head of a field with so many bytes, which the caller appends next.
pub(crate) fn head(out: &mut Vec<u8>, field: u8, len: usize) {
    out.push(field << 3 | 2);
    varint(out, len as u64);
}

/// The bytes of a field with a head and so many bytes.
pub(crate) const fn bytes_field_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<(u32, Value<'_>)>, Malformed> {
        Reader(bytes).field()
    }

    #[test]
    fn a_number_takes_a_byte_for_seven_bits() {
        for (value, len) in [
            (0, 1),
            (0x7f, 1),
            (0x80, 2),
            (0x3fff, 2),
            (0x4000, 3),
            (u64::MAX >> 1, 9),
            (u64::MAX, 10),
        ] {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!((out.len(), varint_len(value)), (len, len), "{value:#x}");
        }
    }

    #[test]
    fn numbers_near_zero_are_small_of_either_sign() {
        let numbers = [0, -1, 1, -2, 2, i32::MAX, i32::MIN];
        assert_eq!(numbers.map(zigzag), [0, 1, 2, 3, 4, u32::MAX - 1, u32::MAX]);
        let back = numbers.map(|number| unzigzag(zigzag(number).into()));
        assert_eq!(back, numbers.map(Some));
        assert_eq!(unzigzag(1 << 32), None);
    }

    #[test]
    fn fields_of_each_wire_type_are_read() {
        assert_eq!(read(b""), Ok(None));
        assert_eq!(read(b"\x08\x96\x01"), Ok(Some((1, Value::Varint(150)))));
        assert_eq!(
            read(b"\x11\x00\x00\x00\x00\x00\x00\xf0\x3f"),
            Ok(Some((2, Value::Fixed64(1.0_f64.to_bits()))))
        );
        assert_eq!(read(b"\x1a\x02hi!"), Ok(Some((3, Value::Bytes(b"hi")))));
        assert_eq!(read(b"\x25abcd"), Ok(Some((4, Value::Fixed32))));
    }

    #[test]
    fn what_is_no_field_is_refused() {
        assert_eq!(read(b"\x08"), Err(Malformed::Truncated));
        assert_eq!(read(b"\x08\x80"), Err(Malformed::Truncated));
        assert_eq!(read(b"\x11abcdefg"), Err(Malformed::Truncated));
        assert_eq!(read(b"\x1a\x03hi"), Err(Malformed::Truncated));
        assert_eq!(read(b"\x25abc"), Err(Malformed::Truncated));
        assert_eq!(read(b"\x00\x00"), Err(Malformed::FieldNumber));
        assert_eq!(
            read(b"\x80\x80\x80\x80\x10\x00"),
            Err(Malformed::FieldNumber)
        );
        assert_eq!(read(b"\x0b"), Err(Malformed::WireType { field: 1 }));
        assert_eq!(
            read(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
            Err(Malformed::LongVarint)
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(shift in 0u32..64, bits: u64, double in 1.0f64..2.0) {
            let value = (bits | 1) >> shift | 1;
            let mut out = Vec::new();
            varint_field(&mut out, 1, value);
            double_field(&mut out, 2, double);
            prop_assert_eq!(out.len(), varint_field_len(value) + double_field_len(double));
            let mut reader = Reader(&out);
            prop_assert_eq!(reader.field(), Ok(Some((1, Value::Varint(value)))));
            prop_assert_eq!(reader.field(), Ok(Some((2, Value::Fixed64(double.to_bits())))));
            prop_assert_eq!(reader.field(), Ok(None));
        }
    }
}
