//! Protobuf by hand, as far as the payloads of metrics need it: appends fields to a buffer.
//!
//! Knows no message and reads nothing but the outermost fields, by which a payload is halved.

/// The wire type of a field with its length in front.
const LENGTH_DELIMITED: u8 = 2;

/// The bytes that a number takes.
pub(crate) const fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// The bytes of a field with its head and so many bytes.
pub(crate) const fn bytes_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// Appends a number.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a field with a number unless it is 0, which proto3 leaves out.
pub(crate) fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        out.push(field << 3);
        varint(out, value);
    }
}

/// Appends a field with a double unless it is positive 0.
pub(crate) fn double(out: &mut Vec<u8>, field: u8, value: f64) {
    if value.to_bits() != 0 {
        out.push(field << 3 | 1);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends the head of a field of so many bytes, which follow.
pub(crate) fn head(out: &mut Vec<u8>, field: u8, len: usize) {
    out.push(field << 3 | LENGTH_DELIMITED);
    varint(out, len as u64);
}

/// Appends a field of bytes, an empty one too.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    head(out, field, value.len());
    out.extend_from_slice(value);
}

/// Appends a field of text unless it is empty.
pub(crate) fn text(out: &mut Vec<u8>, field: u8, value: &str) {
    if !value.is_empty() {
        bytes(out, field, value.as_bytes());
    }
}

/// The outermost fields of a message, all of which have their length in front: number and bytes, the head included.
/// Ends at the first byte that is none.
pub(crate) fn outermost(message: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = message;
    std::iter::from_fn(move || {
        let (&tag, after) = rest.split_first()?;
        if tag & 7 != LENGTH_DELIMITED {
            return None;
        }
        let (len, head) = read_varint(after)?;
        let (field, after) = rest.split_at_checked(len.checked_add(1 + head)?)?;
        rest = after;
        Some((tag >> 3, field))
    })
}

/// A number and the bytes that it takes.
fn read_varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((usize::try_from(value).ok()?, index + 1));
        }
    }
    None
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
    fn fields_that_are_zero_are_left_out() {
        let mut out = Vec::new();
        number(&mut out, 1, 0);
        double(&mut out, 2, 0.0);
        text(&mut out, 3, "");
        assert_eq!(out, [0; 0]);
        double(&mut out, 2, -0.0);
        assert_eq!(out.len(), 9);
    }

    #[test]
    fn outermost_fields_are_found_until_the_first_that_is_none() {
        let mut out = Vec::new();
        bytes(&mut out, 1, &[7; 200]);
        bytes(&mut out, 2, b"");
        let fields: Vec<_> = outermost(&out)
            .map(|(field, bytes)| (field, bytes.len()))
            .collect();
        assert_eq!(fields, [(1, 203), (2, 2)]);
        out.pop();
        out.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
        assert_eq!(outermost(&out).count(), 1);
        assert_eq!(outermost(&[0x08, 0x01]).count(), 0);
    }
}
