//! Looks at the shape of a msgpack before it is read: how deep it is, and how much memory its parts would take.
//!
//! A part of one byte may stand for a structure of hundreds, so that a body of some megabytes could ask for gigabytes.
//! The walk itself takes no more time than the body has bytes, and no memory to speak of.

use datadog_wire::stats::ClientGroupedStats;

/// The memory that what is read may take beside its texts and sketches.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How deep parts may be within one another; stats have six.
const MAX_DEPTH: usize = 32;
/// What a map takes when it is read, or a nil in the place of one.
const MAP_BYTES: usize = size_of::<ClientGroupedStats>();
/// What any other element of a list takes.
const ELEMENT_BYTES: usize = size_of::<String>();

/// Why a msgpack is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It ends too early.
    #[error("the msgpack ends too early")]
    Truncated,
    /// It has a byte that means nothing.
    #[error("a byte of the msgpack means nothing")]
    Malformed,
    /// Its parts are too deep within one another.
    #[error("the parts of the msgpack are too deep within one another")]
    TooDeep,
    /// It would take too much memory.
    #[error("the msgpack would take too much memory")]
    TooLarge,
}

/// A list or a map of which some parts are still to come.
#[derive(Clone, Copy)]
struct Level {
    is_list: bool,
    left: u64,
}

/// What a value begins with.
enum Head {
    /// A value of so many bytes, which is all.
    Scalar(u64),
    Nil,
    List(u64),
    Map(u64),
}

/// Whether a msgpack may be read; says how many bytes of memory its parts would take.
pub(super) fn check(mut body: &[u8]) -> Result<usize, Refused> {
    let mut levels = vec![Level {
        is_list: false,
        left: 1,
    }];
    let mut bytes = 0_usize;
    while let Some(level) = levels.last_mut() {
        if level.left == 0 {
            levels.pop();
            continue;
        }
        level.left -= 1;
        let is_element = level.is_list;
        let head = head(&mut body)?;
        bytes += match head {
            Head::Map(_) => MAP_BYTES,
            Head::Nil if is_element => MAP_BYTES,
            _ if is_element => ELEMENT_BYTES,
            _ => 0,
        };
        if bytes > MAX_BYTES {
            return Err(Refused::TooLarge);
        }
        let within = match head {
            Head::Scalar(len) => {
                let len = usize::try_from(len).map_err(|_| Refused::Truncated)?;
                body = body.get(len..).ok_or(Refused::Truncated)?;
                continue;
            }
            Head::Nil => continue,
            Head::List(left) => Level {
                is_list: true,
                left,
            },
            Head::Map(entries) => Level {
                is_list: false,
                left: entries * 2,
            },
        };
        if levels.len() > MAX_DEPTH {
            return Err(Refused::TooDeep);
        }
        levels.push(within);
    }
    Ok(bytes)
}

/// Takes the head of a value.
fn head(body: &mut &[u8]) -> Result<Head, Refused> {
    let marker = number(body, 1)?;
    Ok(match marker {
        0x00..=0x7f | 0xe0..=0xff | 0xc2 | 0xc3 => Head::Scalar(0),
        0x80..=0x8f => Head::Map(marker & 0x0f),
        0x90..=0x9f => Head::List(marker & 0x0f),
        0xa0..=0xbf => Head::Scalar(marker & 0x1f),
        0xc0 => Head::Nil,
        0xc4 | 0xd9 => Head::Scalar(number(body, 1)?),
        0xc5 | 0xda => Head::Scalar(number(body, 2)?),
        0xc6 | 0xdb => Head::Scalar(number(body, 4)?),
        // Extensions have a byte of type beside.
        0xc7 => Head::Scalar(number(body, 1)? + 1),
        0xc8 => Head::Scalar(number(body, 2)? + 1),
        0xc9 => Head::Scalar(number(body, 4)? + 1),
        0xd4..=0xd8 => Head::Scalar((1 << (marker - 0xd4)) + 1),
        0xcc | 0xd0 => Head::Scalar(1),
        0xcd | 0xd1 => Head::Scalar(2),
        0xca | 0xce | 0xd2 => Head::Scalar(4),
        0xcb | 0xcf | 0xd3 => Head::Scalar(8),
        0xdc => Head::List(number(body, 2)?),
        0xdd => Head::List(number(body, 4)?),
        0xde => Head::Map(number(body, 2)?),
        0xdf => Head::Map(number(body, 4)?),
        _ => return Err(Refused::Malformed),
    })
}

/// Takes a number of so many bytes.
fn number(body: &mut &[u8], bytes: usize) -> Result<u64, Refused> {
    let (number, rest) = body.split_at_checked(bytes).ok_or(Refused::Truncated)?;
    *body = rest;
    Ok(number
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_has_its_length() {
        for body in [
            &b"\x05"[..],
            b"\xff",
            b"\xc0",
            b"\xc3",
            b"\xa2ab",
            b"\xd9\x02ab",
            b"\xda\x00\x02ab",
            b"\xdb\x00\x00\x00\x02ab",
            b"\xc4\x02ab",
            b"\xc5\x00\x02ab",
            b"\xc6\x00\x00\x00\x02ab",
            b"\xc7\x02\x07ab",
            b"\xc8\x00\x02\x07ab",
            b"\xc9\x00\x00\x00\x02\x07ab",
            b"\xd4\x07a",
            b"\xd5\x07ab",
            b"\xd6\x07abcd",
            b"\xd7\x07abcdefgh",
            b"\xd8\x07abcdefghabcdefgh",
            b"\xcc\x01",
            b"\xd1\x01\x01",
            b"\xca\x01\x01\x01\x01",
            b"\xcb\x01\x01\x01\x01\x01\x01\x01\x01",
            b"\x92\x01\x02",
            b"\xdc\x00\x01\x01",
            b"\xdd\x00\x00\x00\x01\x01",
            b"\x81\x01\x02",
            b"\xde\x00\x01\x01\x02",
            b"\xdf\x00\x00\x00\x01\x01\x02",
        ] {
            assert!(check(body).is_ok(), "{body:02x?}");
            let (_, short) = body.split_last().unwrap();
            assert_eq!(check(short), Err(Refused::Truncated), "{body:02x?}");
            // A value after it is not looked at.
            assert_eq!(check(&[body, b"\xc1"].concat()), check(body));
        }
        assert_eq!(check(b"\x91\xc1"), Err(Refused::Malformed));
    }

    #[test]
    fn what_takes_much_more_memory_than_bytes_is_refused() {
        let nils = |count: usize| {
            let mut body = vec![0xdd];
            body.extend(u32::try_from(count).unwrap().to_be_bytes());
            body.resize(body.len() + count, 0xc0);
            body
        };
        let fit = MAX_BYTES / MAP_BYTES;
        assert_eq!(check(&nils(fit)), Ok(fit * MAP_BYTES));
        assert_eq!(check(&nils(fit + 1)), Err(Refused::TooLarge));
        // A length that is only declared costs nothing.
        assert_eq!(check(b"\xdd\xff\xff\xff\xff\x01"), Err(Refused::Truncated));
    }

    #[test]
    fn parts_may_be_thirty_two_deep() {
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert_eq!(check(&nested(32)), Ok(31 * ELEMENT_BYTES + MAP_BYTES));
        assert_eq!(check(&nested(33)), Err(Refused::TooDeep));
    }
}
