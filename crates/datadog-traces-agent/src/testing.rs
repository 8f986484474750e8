//! What tests of several modules share: an encoder of each format that tracers send, a reader of protobuf, and payloads
//! made up by chance. None of it shares code with what it tests.

pub(crate) mod arbitrary;
pub(crate) mod msgpack;
pub(crate) mod protobuf;
pub(crate) mod v1;

use crate::span;

/// The bytes of a hexadecimal text.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
