//! The word that says what a line is about, and stays out of the values.

use crate::template::Line;
use crate::token::Kind;

/// The first word that is not in brackets: what stands in those says where a line comes from.
pub(super) fn first_word(line: Line<'_>) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, kind) in line.tokens.kinds().iter().enumerate() {
        match kind {
            Kind::Word if depth == 0 => return Some(index),
            Kind::Special => match line.token(index) {
                b"[" | b"(" | b"<" => depth += 1,
                b"]" | b")" | b">" => depth = depth.saturating_sub(1),
                _ => {}
            },
            _ => {}
        }
    }
    None
}
