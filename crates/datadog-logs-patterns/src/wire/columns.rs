//! The members of a JSON object in profile C: a column for each kind, each in the order of the schema.

use super::message::span_len;
use crate::operation::{ColumnKind, Member, Operations};
use crate::protobuf::{bytes_field, bytes_field_len, message_field, varint, varint_len, zigzag};

/// The fields of a log that hold columns.
mod column {
    pub(super) const INTS: u32 = 9;
    pub(super) const DICT: u32 = 11;
    pub(super) const RAW: u32 = 12;
    pub(super) const TEXT: u32 = 13;
    pub(super) const BOOLS: u32 = 14;
}

/// The number of a kind in a schema.
///
/// There is one for floating point numbers, too, but a number has several spellings and that kind has one.
pub(super) fn kind_byte(kind: ColumnKind) -> u8 {
    match kind {
        ColumnKind::Null => 1,
        ColumnKind::Bool => 2,
        ColumnKind::Int => 3,
        ColumnKind::Dict => 5,
        ColumnKind::Text => 6,
        ColumnKind::Raw => 7,
    }
}

/// Members with the lengths of their columns.
#[derive(Default)]
pub(super) struct Columns<'a> {
    members: &'a [Member],
    ints_len: usize,
    dict_len: usize,
    bools: usize,
    /// The bytes of the columns that are one field for each value.
    single_len: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn new(members: &'a [Member]) -> Self {
        let mut columns = Self {
            members,
            ..Self::default()
        };
        for member in members {
            match member {
                Member::Bool(_) => columns.bools += 1,
                Member::Int(number) => columns.ints_len += varint_len(zigzag(*number)),
                Member::Dict(id) => columns.dict_len += varint_len(*id),
                Member::Raw(text) => {
                    columns.single_len += bytes_field_len(column::RAW, span_len(text));
                }
                Member::Text(text) => {
                    columns.single_len += bytes_field_len(column::TEXT, span_len(text));
                }
            }
        }
        columns
    }

    /// The bytes of all columns.
    pub(super) fn len(&self) -> usize {
        packed_len(column::INTS, self.ints_len)
            + packed_len(column::DICT, self.dict_len)
            + packed_len(column::BOOLS, self.bools.div_ceil(8))
            + self.single_len
    }

    /// Appends all columns.
    pub(super) fn write(&self, operations: &Operations, out: &mut Vec<u8>) {
        if self.members.is_empty() {
            return;
        }
        if self.ints_len > 0 {
            message_field(out, column::INTS, self.ints_len);
        }
        for member in self.members {
            if let Member::Int(number) = member {
                varint(out, zigzag(*number));
            }
        }
        if self.dict_len > 0 {
            message_field(out, column::DICT, self.dict_len);
        }
        for member in self.members {
            if let Member::Dict(id) = member {
                varint(out, *id);
            }
        }
        for member in self.members {
            if let Member::Raw(text) = member {
                bytes_field(out, column::RAW, operations.text(text));
            }
        }
        for member in self.members {
            if let Member::Text(text) = member {
                bytes_field(out, column::TEXT, operations.text(text));
            }
        }
        self.write_bools(out);
    }

    /// One bit each, the lowest bit of the first byte first.
    fn write_bools(&self, out: &mut Vec<u8>) {
        if self.bools == 0 {
            return;
        }
        message_field(out, column::BOOLS, self.bools.div_ceil(8));
        let (mut byte, mut bits) = (0_u8, 0);
        for member in self.members {
            let Member::Bool(value) = member else {
                continue;
            };
            byte |= u8::from(*value) << (bits % 8);
            bits += 1;
            if bits % 8 == 0 || bits == self.bools {
                out.push(std::mem::take(&mut byte));
            }
        }
    }
}

/// The bytes of a field that holds all its values, and is left out without any.
fn packed_len(field: u32, len: usize) -> usize {
    match len {
        0 => 0,
        len => bytes_field_len(field, len),
    }
}
