//! How many bytes each log takes in a batch of the stateful stream, before compression.

use super::engine::Wire;

/// Adds up, for each log of a `DatumSequence` in its order, the bytes of its datum with its frame; `None` when the
/// sequence cannot be read.
pub(super) fn log_sizes(wire: Wire, sequence: &[u8]) -> Option<Vec<u64>> {
    let log = match wire {
        Wire::A => 6,
        Wire::C => 4,
    };
    let mut sizes = Vec::new();
    let mut rest = sequence;
    while !rest.is_empty() {
        let before = rest.len();
        let _datum = varint(&mut rest)?;
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        let (mut datum, behind) = rest.split_at_checked(length)?;
        rest = behind;
        if varint(&mut datum)? >> 3 == log {
            sizes.push((before - rest.len()) as u64);
        }
    }
    Some(sizes)
}

fn varint(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = data.split_first()?;
        *data = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_told_from_definitions_by_their_field() {
        // Two datums: field 1 with one byte of content, field 6 with three.
        let sequence = b"\x0A\x03\x0A\x01x\x0A\x05\x32\x03abc";
        assert_eq!(log_sizes(Wire::A, sequence), Some(vec![7]));
        assert_eq!(log_sizes(Wire::C, sequence), Some(vec![]));
        assert_eq!(log_sizes(Wire::A, &sequence[..9]), None);
        assert_eq!(log_sizes(Wire::A, b""), Some(vec![]));
    }
}
