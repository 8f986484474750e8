//! Finds the messages within a message of protobuf, by number, without reading them.
//!
//! Whoever reads them can then say which one is broken. Borrows nothing and never goes past the end; groups, which
//! proto3 does not have, are refused.

use std::ops::Range;

/// A field as it stands in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u64,
    /// Number, type and value.
    pub(crate) whole: Range<u32>,
    /// The value, if it is one with a length.
    value: Option<Range<u32>>,
}

impl Field {
    /// Where the message stands that the field is.
    ///
    /// # Errors
    /// In words, when it is none.
    pub(crate) fn message(&self) -> Result<Range<u32>, String> {
        let (start, number) = (self.whole.start, self.number);
        let none = || format!("byte {start}: field {number} is not a message");
        self.value.clone().ok_or_else(none)
    }
}

/// Shows each field of `message` to `visit`, in order.
///
/// # Errors
/// In words, at which byte the message is broken and how; or what `visit` says.
pub(crate) fn fields(
    message: &[u8],
    mut visit: impl FnMut(Field) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = Reader { message, at: 0 };
    while reader.at < message.len() {
        let start = reader.at;
        let broken = |why: &str| format!("byte {start}: {why}");
        let key = reader.varint().map_err(broken)?;
        let value = reader.value(key & 7).map_err(broken)?;
        visit(Field {
            number: key >> 3,
            whole: offset(start)..offset(reader.at),
            value,
        })?;
    }
    Ok(())
}

/// Where the messages with the number `field` stand in `message`: at most `most` of them, and how many there are.
///
/// # Errors
/// In words, at which byte the message is broken and how.
pub(crate) fn messages(
    message: &[u8],
    field: u64,
    most: usize,
) -> Result<(Vec<Range<u32>>, usize), String> {
    let mut places = Vec::new();
    let mut count = 0;
    fields(message, |found| {
        if found.number == field {
            let place = found.message()?;
            count += 1;
            if places.len() < most {
                places.push(place);
            }
        }
        Ok(())
    })?;
    Ok((places, count))
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX) // a decoded body is far below 4 GiB
}

const ENDS_EARLY: &str = "the message ends inside of a field";

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// Skips a value; where it stands, if it is one with a length.
    fn value(&mut self, wire_type: u64) -> Result<Option<Range<u32>>, &'static str> {
        match wire_type {
            0 => self.varint().map(|_| None),
            1 => self.skip(8).map(|_| None),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| ENDS_EARLY)?;
                self.skip(length).map(Some)
            }
            5 => self.skip(4).map(|_| None),
            _ => Err("a field has a wire type that proto3 does not use"),
        }
    }

    fn varint(&mut self) -> Result<u64, &'static str> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = *self.message.get(self.at).ok_or(ENDS_EARLY)?;
            self.at += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number has more than 64 bits")
    }

    fn skip(&mut self, length: usize) -> Result<Range<u32>, &'static str> {
        let end = self.at.checked_add(length).ok_or(ENDS_EARLY)?;
        if end > self.message.len() {
            return Err(ENDS_EARLY);
        }
        let place = offset(self.at)..offset(end);
        self.at = end;
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(message: &[u8], expected: Result<(&[Range<u32>], usize), &str>) {
        let found = messages(message, 1, 2);
        let found = found.as_ref().map_err(String::as_str);
        assert_eq!(
            found.map(|(places, count)| (places.as_slice(), *count)),
            expected,
            "{message:x?}"
        );
    }

    #[test]
    fn messages_with_the_number_are_found_among_others() {
        check(b"", Ok((&[], 0)));
        check(b"\x0a\x02hi\x12\x01x\x0a\x00", Ok((&[2..4, 9..9], 2)));
        check(
            b"\x10\x96\x01\x19abcdefgh\x25abcd\x0a\x01x\x0a\x00",
            Ok((&[19..20, 22..22], 2)),
        );
    }

    #[test]
    fn messages_past_the_most_are_only_counted() {
        check(b"\x0a\x00\x0a\x00\x0a\x00", Ok((&[2..2, 4..4], 3)));
    }

    #[test]
    fn a_broken_message_is_broken_at_a_byte() {
        let ends = "byte 2: the message ends inside of a field";
        for message in [
            &b"\x0a\x00\x0a"[..],
            b"\x0a\x00\x0a\x02x",
            b"\x0a\x00\x80",
            b"\x0a\x00\x19abcdefg",
            b"\x0a\x00\x25abc",
            b"\x0a\x00\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            check(message, Err(ends));
        }
        check(
            b"\x0b",
            Err("byte 0: a field has a wire type that proto3 does not use"),
        );
        check(b"\x08\x01", Err("byte 0: field 1 is not a message"));
        check(
            b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            Err("byte 0: a number has more than 64 bits"),
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok((places, _)) = messages(&bytes, 1, 10) {
                for place in places {
                    prop_assert!(place.start <= place.end);
                    prop_assert!(usize::try_from(place.end).unwrap() <= bytes.len());
                }
            }
        }
    }
}
