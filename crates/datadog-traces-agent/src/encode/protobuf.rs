//! Protobuf by hand, as far as the payloads of traces need it: appends fields to a buffer, and says how long they get.
//!
//! All fields have numbers below 16, so that the tag of each is one byte. Fields that are zero are left out, but not the
//! keys and values of maps.

use crate::span::{Map, Text};

/// The wire type of a field with its length in front.
const LENGTH_DELIMITED: u8 = 2;

/// The bytes that a bare number takes.
pub(super) const fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// The bytes that a field takes with a head of its own, and so many bytes in it.
pub(super) const fn bytes_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// Appends a bare number.
#[inline]
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends the head of a field of so many bytes, which follow.
#[inline]
pub(super) fn head(out: &mut Vec<u8>, field: u8, len: usize) {
    out.push(field << 3 | LENGTH_DELIMITED);
    varint(out, len as u64);
}

/// Appends a field of bytes, an empty one too.
#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    head(out, field, value.len());
    out.extend_from_slice(value);
}

/// Appends a field of text unless it is empty.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, field: u8, value: &str) {
    if !value.is_empty() {
        bytes(out, field, value.as_bytes());
    }
}

/// The length of [`text`].
#[inline]
pub(super) fn text_len(value: &str) -> usize {
    if value.is_empty() {
        return 0;
    }
    bytes_len(value.len())
}

/// Appends a field with a number unless it is 0.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        out.push(field << 3);
        varint(out, value);
    }
}

/// The length of [`number`].
#[inline]
pub(super) const fn number_len(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_len(value) }
}

/// Appends a field with a number that may be negative, and then takes ten bytes, unless it is 0.
#[inline]
pub(super) fn signed(out: &mut Vec<u8>, field: u8, value: i64) {
    number(out, field, value.cast_unsigned());
}

/// The length of [`signed`].
#[inline]
pub(super) const fn signed_len(value: i64) -> usize {
    number_len(value.cast_unsigned())
}

/// Appends a field of eight bytes, also if they are 0.
#[inline]
pub(super) fn eight(out: &mut Vec<u8>, field: u8, value: [u8; 8]) {
    out.push(field << 3 | 1);
    out.extend_from_slice(&value);
}

/// The length of [`eight`].
pub(super) const EIGHT_LEN: usize = 9;

/// Appends a field with a double unless it is positive 0.
#[inline]
pub(super) fn double(out: &mut Vec<u8>, field: u8, value: f64) {
    if value.to_bits() != 0 {
        eight(out, field, value.to_le_bytes());
    }
}

/// The length of [`double`].
#[inline]
pub(super) fn double_len(value: f64) -> usize {
    if value.to_bits() == 0 { 0 } else { EIGHT_LEN }
}

/// Appends a map as a message for each of its entries, with the value as `write` appends it, in field 2.
#[inline]
pub(super) fn map<V>(
    out: &mut Vec<u8>,
    field: u8,
    map: &Map<'_, V>,
    value_len: impl Fn(&V) -> usize,
    write: impl Fn(&mut Vec<u8>, &V),
) {
    for (key, value) in map {
        head(out, field, bytes_len(key.len()) + value_len(value));
        bytes(out, 1, key.as_bytes());
        write(out, value);
    }
}

/// The length of [`map`].
#[inline]
pub(super) fn map_len<V>(map: &Map<'_, V>, value_len: impl Fn(&V) -> usize) -> usize {
    let entry = |(key, value): &(Text<'_>, V)| bytes_len(bytes_len(key.len()) + value_len(value));
    map.iter().map(entry).sum()
}

/// Appends a map of texts.
#[inline]
pub(super) fn texts(out: &mut Vec<u8>, field: u8, texts: &Map<'_, Text<'_>>) {
    let len = |value: &Text<'_>| bytes_len(value.len());
    map(out, field, texts, len, |out, value| {
        bytes(out, 2, value.as_bytes());
    });
}

/// The length of [`texts`].
#[inline]
pub(super) fn texts_len(texts: &Map<'_, Text<'_>>) -> usize {
    map_len(texts, |value| bytes_len(value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_number_is_known_before_it_is_written() {
        for shift in 0..64 {
            for value in [(1_u64 << shift) - 1, 1 << shift, (1 << shift) + 1] {
                let mut out = Vec::new();
                varint(&mut out, value);
                assert_eq!(out.len(), varint_len(value), "{value}");
            }
        }
    }

    #[test]
    fn fields_that_are_zero_are_left_out_but_not_those_of_maps() {
        let mut out = Vec::new();
        number(&mut out, 1, 0);
        double(&mut out, 2, 0.0);
        text(&mut out, 3, "");
        assert_eq!(out, [0; 0]);
        let mut empty = Map::default();
        empty.push("", Text::Borrowed(""));
        texts(&mut out, 4, &empty);
        assert_eq!(out, [0x22, 4, 0x0a, 0, 0x12, 0]);
        assert_eq!(out.len(), texts_len(&empty));
    }
}
