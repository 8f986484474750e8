//! Protobuf by hand: appends fields to a buffer and knows their lengths beforehand.
//!
//! Knows no message; a caller gives the number of a field and writes fields in ascending order.

/// How the value of a field is laid out.
#[derive(Debug, Clone, Copy)]
enum WireType {
    Varint = 0,
    Bytes = 2,
}

/// The bytes that a number takes.
pub(crate) fn varint_len(value: u64) -> usize {
    // Seven bits a byte, and 0 takes one: (bits + 6) / 7, without the division.
    let bits = 63 - (value | 1).leading_zeros();
    (bits as usize * 9 + 73) / 64
}

/// The bytes that a length takes.
pub(crate) fn len_len(len: usize) -> usize {
    varint_len(len as u64)
}

/// A signed number as one that is small when it is near 0.
pub(crate) fn zigzag(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

/// The bytes of a field with a number.
pub(crate) fn varint_field_len(field: u32, value: u64) -> usize {
    key_len(field) + varint_len(value)
}

/// The bytes of a field with so many bytes.
pub(crate) fn bytes_field_len(field: u32, len: usize) -> usize {
    key_len(field) + len_len(len) + len
}

/// Appends a number.
#[inline]
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a field with a number.
#[inline]
pub(crate) fn varint_field(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, key(field, WireType::Varint));
    varint(out, value);
}

/// Appends a field with bytes.
#[inline]
pub(crate) fn bytes_field(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    message_field(out, field, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends the head of a field with so many bytes, which the caller appends next.
#[inline]
pub(crate) fn message_field(out: &mut Vec<u8>, field: u32, len: usize) {
    varint(out, key(field, WireType::Bytes));
    varint(out, len as u64);
}

const fn key(field: u32, wire_type: WireType) -> u64 {
    ((field as u64) << 3) | wire_type as u64
}

#[inline]
fn key_len(field: u32) -> usize {
    varint_len(key(field, WireType::Varint))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        let numbers = [0, -1, 1, -2, 2, i64::MAX, i64::MIN].map(zigzag);
        assert_eq!(numbers, [0, 1, 2, 3, 4, u64::MAX - 1, u64::MAX]);
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_library(shift in 0u32..64, bits: u64, field in 1u32..2_000) {
            let value = bits >> shift;
            let mut ours = Vec::new();
            varint_field(&mut ours, field, value);
            bytes_field(&mut ours, field, &[7; 200]);
            let mut theirs = Vec::new();
            prost::encoding::uint64::encode(field, &value, &mut theirs);
            prost::encoding::bytes::encode(field, &vec![7; 200], &mut theirs);
            prop_assert_eq!(&ours, &theirs);
            let lens = varint_field_len(field, value) + bytes_field_len(field, 200);
            prop_assert_eq!(lens, theirs.len());
        }
    }
}
