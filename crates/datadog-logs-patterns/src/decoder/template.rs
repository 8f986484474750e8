//! A template with the places of its values, cut into pieces once so that logs are rebuilt fast.

use crate::decoder::{Limit, Reason};

/// A template as a decoder keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    text: Box<str>,
    /// Where the values go, in code points; never decreasing.
    positions: Box<[u32]>,
    /// The same in bytes. Empty where it would say the same: in a template of ASCII.
    offsets: Box<[u32]>,
    /// Which value goes to each position. Empty where that is the value of the same number.
    order: Box<[u32]>,
}

impl Template {
    /// Cuts a template at its positions, which count code points.
    ///
    /// Positions that decrease are sorted, and take their values with them; equal ones stay in their order.
    pub(super) fn new(text: &str, mut positions: Vec<u32>) -> Result<Self, Reason> {
        // Counts in 32 bits suffice for any message of protobuf, which is less than 2 GiB.
        Limit::StateBytes.check(text.len(), u32::MAX as usize)?;
        let order = if positions.is_sorted() {
            Box::default()
        } else {
            sort(&mut positions)
        };
        let length = text.chars().count();
        match positions.last() {
            Some(&position) if position as usize > length => {
                return Err(Reason::Position { position, length });
            }
            _ => {}
        }
        let offsets = if text.len() == length {
            Box::default()
        } else {
            byte_offsets(text, &positions)
        };
        Ok(Self {
            text: text.into(),
            positions: positions.into(),
            offsets,
            order,
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The bytes that hang on a template, beside its own fields.
    pub(super) fn heap_bytes(&self) -> usize {
        let numbers = self.positions.len() + self.offsets.len() + self.order.len();
        self.text.len() + numbers * size_of::<u32>()
    }

    /// The literal pieces, each with the number of the value that follows it.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let offsets = self.offsets();
        let starts = std::iter::once(0).chain(offsets.iter().map(|&offset| offset as usize));
        starts
            .zip(offsets)
            .enumerate()
            .map(|(index, (start, &end))| {
                let piece = self.text.as_bytes().get(start..end as usize);
                let value = self.order.get(index).map_or(index, |&value| value as usize);
                (piece.unwrap_or_default(), value)
            })
    }

    /// The literal piece behind the last value.
    pub(super) fn tail(&self) -> &[u8] {
        let start = self.offsets().last().map_or(0, |&offset| offset as usize);
        self.text.as_bytes().get(start..).unwrap_or_default()
    }

    fn offsets(&self) -> &[u32] {
        if self.offsets.is_empty() {
            &self.positions
        } else {
            &self.offsets
        }
    }
}

/// Sorts the positions; says where each stood before.
fn sort(positions: &mut [u32]) -> Box<[u32]> {
    let mut sorted: Vec<(u32, u32)> = (0..).zip(positions.iter().copied()).collect();
    sorted.sort_by_key(|&(_, position)| position);
    for (slot, &(_, position)) in positions.iter_mut().zip(&sorted) {
        *slot = position;
    }
    sorted.into_iter().map(|(index, _)| index).collect()
}

/// Positions in code points as positions in bytes; they do not decrease and none is past the end.
fn byte_offsets(text: &str, positions: &[u32]) -> Box<[u32]> {
    let ends = text.char_indices().map(|(offset, _)| offset);
    let mut boundaries = (0..).zip(ends.chain([text.len()])).peekable();
    let mut offset = 0;
    positions
        .iter()
        .map(|&position| {
            while let Some((_, next)) = boundaries.next_if(|&(point, _)| point <= position) {
                offset = u32::try_from(next).unwrap_or(u32::MAX);
            }
            offset
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The template with the value `<n>` at the place of value n.
    #[track_caller]
    fn check(text: &str, positions: &[u32], expected: &str) {
        let template = Template::new(text, positions.to_vec()).unwrap();
        let mut rebuilt = Vec::new();
        for (piece, value) in template.pieces() {
            rebuilt.extend_from_slice(piece);
            rebuilt.extend_from_slice(format!("<{value}>").as_bytes());
        }
        rebuilt.extend_from_slice(template.tail());
        assert_eq!(String::from_utf8(rebuilt).unwrap(), expected);
    }

    #[test]
    fn values_go_to_their_positions() {
        check("", &[], "");
        check("abc", &[], "abc");
        check("", &[0, 0], "<0><1>");
        check("ab", &[0, 1, 2], "<0>a<1>b<2>");
        check("ab", &[1, 1], "a<0><1>b");
    }

    #[test]
    fn positions_count_code_points() {
        check("é=", &[0, 1, 2], "<0>é<1>=<2>");
        check("a😀é", &[1, 2, 2, 3], "a<0>😀<1><2>é<3>");
    }

    #[test]
    fn positions_out_of_order_take_their_values_with_them() {
        check("abc", &[3, 1, 1, 0], "<3>a<1><2>bc<0>");
        check("éb", &[2, 1], "é<1>b<0>");
    }

    #[test]
    fn a_position_past_the_end_is_an_error() {
        let (position, length) = (3, 2);
        assert_eq!(
            Template::new("é=", vec![3, 0]),
            Err(Reason::Position { position, length })
        );
    }
}
