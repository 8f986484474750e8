//! Finds values within a document of msgpack without reading them.
//!
//! Never goes past the end, nor deeper than one call: a value within another is one more to skip. Builds nothing but
//! ranges, of which a caller says how many.

use std::ops::Range;

const ENDS_EARLY: &str = "the document ends inside of a value";

/// Whether `bytes` are one value and nothing else.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    let mut reader = Reader { bytes, at: 0 };
    reader.skip().is_ok() && reader.at == bytes.len()
}

/// A map of which one value was taken out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// A map of the other keys.
    pub(super) head: Vec<u8>,
    /// Where the elements stand of the array that was taken out, of as many as are allowed.
    pub(super) places: Vec<Range<usize>>,
    /// How many elements it has.
    pub(super) count: usize,
}

/// Takes the array with that key out of the map that `bytes` are. Nil is a map or an array of nothing.
///
/// # Errors
/// In words, what the bytes are not and at which byte.
pub(super) fn split(bytes: &[u8], key: &[u8], most: usize) -> Result<Split, String> {
    let mut reader = Reader { bytes, at: 0 };
    let keys = match reader.header()? {
        Header::Map(keys) => keys,
        Header::Nil => 0,
        _ => return Err("byte 0: not a map".to_owned()),
    };
    let mut split = Split::default();
    let mut others = 0_u32;
    let mut pairs = Vec::new();
    let mut is_found = false;
    for _ in 0..keys {
        let start = reader.at;
        let is_wanted = reader.text()?.is_some_and(|found| found == key);
        if !is_wanted {
            reader.skip()?;
            others += 1;
            pairs.extend_from_slice(bytes.get(start..reader.at).unwrap_or_default());
            continue;
        }
        if std::mem::replace(&mut is_found, true) {
            return Err(format!("byte {start}: a key twice"));
        }
        reader.elements(&mut split, most)?;
    }
    if reader.at < bytes.len() {
        return Err(format!("byte {}: more than one value", reader.at));
    }
    split.head.push(0xdf);
    split.head.extend_from_slice(&others.to_be_bytes());
    split.head.append(&mut pairs);
    Ok(split)
}

/// What a value begins with.
#[derive(Debug, PartialEq, Eq)]
enum Header {
    Nil,
    Map(u32),
    Array(u32),
    /// A text or bytes, of so many bytes.
    Text(usize),
    /// Anything else, of so many further bytes.
    Other(usize),
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Notes where the elements of an array stand.
    fn elements(&mut self, split: &mut Split, most: usize) -> Result<(), String> {
        let start = self.at;
        let count = match self.header()? {
            Header::Array(count) => count,
            Header::Nil => 0,
            _ => return Err(format!("byte {start}: not an array")),
        };
        for _ in 0..count {
            let start = self.at;
            self.skip()?;
            split.count += 1;
            if split.places.len() < most {
                split.places.push(start..self.at);
            }
        }
        Ok(())
    }

    /// The bytes of a text; anything else is skipped.
    fn text(&mut self) -> Result<Option<&'a [u8]>, String> {
        let start = self.at;
        if let Header::Text(length) = self.header()? {
            return self.take(length).map(Some);
        }
        self.at = start;
        self.skip().map(|()| None)
    }

    /// Skips one value with all that is in it.
    fn skip(&mut self) -> Result<(), String> {
        let mut left = 1_u64;
        while left > 0 {
            left -= 1;
            match self.header()? {
                Header::Nil => {}
                Header::Map(pairs) => left += 2 * u64::from(pairs),
                Header::Array(count) => left += u64::from(count),
                Header::Text(length) | Header::Other(length) => {
                    self.take(length)?;
                }
            }
        }
        Ok(())
    }

    fn header(&mut self) -> Result<Header, String> {
        let start = self.at;
        let first = self.number(1)?;
        Ok(match first {
            0x00..=0x7f | 0xc2 | 0xc3 | 0xe0..=0xff => Header::Other(0),
            0x80..=0x8f => Header::Map(first & 0xf),
            0x90..=0x9f => Header::Array(first & 0xf),
            0xa0..=0xbf => Header::Text(length(first & 0x1f)),
            0xc0 => Header::Nil,
            0xc4 | 0xd9 => Header::Text(length(self.number(1)?)),
            0xc5 | 0xda => Header::Text(length(self.number(2)?)),
            0xc6 | 0xdb => Header::Text(length(self.number(4)?)),
            0xc7 => Header::Other(length(self.number(1)?) + 1),
            0xc8 => Header::Other(length(self.number(2)?) + 1),
            0xc9 => Header::Other(length(self.number(4)?).saturating_add(1)),
            0xcc | 0xd0 => Header::Other(1),
            0xcd | 0xd1 | 0xd4 => Header::Other(2),
            0xd5 => Header::Other(3),
            0xca | 0xce | 0xd2 => Header::Other(4),
            0xd6 => Header::Other(5),
            0xcb | 0xcf | 0xd3 => Header::Other(8),
            0xd7 => Header::Other(9),
            0xd8 => Header::Other(17),
            0xdc => Header::Array(self.number(2)?),
            0xdd => Header::Array(self.number(4)?),
            0xde => Header::Map(self.number(2)?),
            0xdf => Header::Map(self.number(4)?),
            _ => return Err(format!("byte {start}: no value begins so")),
        })
    }

    /// A number of up to four bytes, the highest first.
    fn number(&mut self, bytes: usize) -> Result<u32, String> {
        let digits = self.take(bytes)?;
        Ok(digits
            .iter()
            .fold(0, |number, digit| number << 8 | u32::from(*digit)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let start = self.at;
        let end = start.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(start..end));
        let taken = taken.ok_or_else(|| format!("byte {start}: {ENDS_EARLY}"))?;
        self.at += length;
        Ok(taken)
    }
}

fn length(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The head, the places and the count, or why not.
    type Expected<'a> = Result<(&'a [u8], &'a [Range<usize>], usize), &'a str>;

    #[track_caller]
    fn check(bytes: &[u8], expected: Expected<'_>) {
        let found = split(bytes, b"Stats", 2);
        let found = found.as_ref().map_err(String::as_str);
        assert_eq!(
            found.map(|split| (&split.head[..], &split.places[..], split.count)),
            expected,
            "{bytes:x?}"
        );
    }

    #[test]
    fn the_array_is_taken_out_and_the_other_keys_stay() {
        let none: &[u8] = b"\xdf\0\0\0\0";
        check(b"\x80", Ok((none, &[], 0)));
        check(b"\xc0", Ok((none, &[], 0)));
        check(b"\x81\xa5Stats\xc0", Ok((none, &[], 0)));
        check(
            b"\x83\xa1a\x01\xa5Stats\x92\x80\xc0\x07\x91\xa1x",
            Ok((
                b"\xdf\0\0\0\x02\xa1a\x01\x07\x91\xa1x",
                &[11..12, 12..13],
                2,
            )),
        );
        check(
            b"\xde\0\x01\xc4\x05Stats\xdc\0\x03\x01\x02\x03",
            Ok((none, &[13..14, 14..15], 3)),
        );
    }

    #[test]
    fn every_kind_of_value_is_skipped() {
        let values: [&[u8]; 24] = [
            b"\x7f",
            b"\xe0",
            b"\xc0",
            b"\xc2",
            b"\xc3",
            b"\xcc1",
            b"\xcd12",
            b"\xce1234",
            b"\xcf12345678",
            b"\xd01",
            b"\xd112",
            b"\xd21234",
            b"\xd312345678",
            b"\xca1234",
            b"\xcb12345678",
            b"\xd41e",
            b"\xd51e2",
            b"\xd61e234",
            b"\xd71e2345678",
            b"\xd81e234567812345678"[..18].as_ref(),
            b"\xc7\x01e1",
            b"\xc8\0\x01e1",
            b"\xc9\0\0\0\x01e1",
            b"\xd9\x011",
        ];
        for value in values {
            assert!(is_document(value), "{value:x?}");
            assert!(!is_document(&value[..value.len() - 1]), "{value:x?}");
            assert!(!is_document(&[value, b"\0"].concat()), "{value:x?}");
        }
        assert!(is_document(b"\xdb\0\0\0\x01x"));
        assert!(is_document(b"\xc5\0\x01x"));
        assert!(is_document(b"\xdd\0\0\0\x01\xdf\0\0\0\x01\xa0\x90"));
        assert!(!is_document(b"\xc1"));
    }

    #[test]
    fn what_is_broken_is_broken_at_a_byte() {
        check(b"", Err("byte 0: the document ends inside of a value"));
        check(b"\x90", Err("byte 0: not a map"));
        check(b"\x81\xa5Stats\x01", Err("byte 7: not an array"));
        check(b"\x80\x80", Err("byte 1: more than one value"));
        check(
            b"\x82\xa5Stats\x90\xa5Stats\x90",
            Err("byte 8: a key twice"),
        );
        check(b"\x81\xc1", Err("byte 1: no value begins so"));
        check(
            b"\x81\xa1a\xdf\xff\xff\xff\xff\x01",
            Err("byte 9: the document ends inside of a value"),
        );
        check(
            b"\x81\xa1a\xc6\xff\xff\xff\xff",
            Err("byte 8: the document ends inside of a value"),
        );
    }

    #[test]
    fn depth_takes_no_stack() {
        let mut deep = vec![0x91; 1_000_000];
        deep.push(0x01);
        assert!(is_document(&deep));
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_or_refused(bytes: Vec<u8>) {
            if let Ok(split) = split(&bytes, b"Stats", 10) {
                prop_assert!(is_document(&split.head));
                for place in split.places {
                    prop_assert!(is_document(&bytes[place]));
                }
            }
        }
    }
}
