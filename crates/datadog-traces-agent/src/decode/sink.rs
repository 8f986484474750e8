//! Where chunks go as they are decoded.
//!
//! A body is never held as a whole but by who wants it so: a chunk that is gone gives its memory back before the next one
//! is decoded.

use crate::span::Chunk;

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It is held, as are those that were held before it.
    Held,
    /// It is gone, and so are all that were held before it.
    Gone,
}

/// Takes chunks, in their order.
pub(crate) trait Sink<'a> {
    /// Takes a chunk. With it, all that are held take so many bytes, their texts counted as if each were a copy.
    fn chunk(&mut self, chunk: Chunk<'a>, bytes: usize, is_last: bool) -> After;
}

/// Holds all chunks.
impl<'a> Sink<'a> for Vec<Chunk<'a>> {
    fn chunk(&mut self, chunk: Chunk<'a>, _: usize, _: bool) -> After {
        self.push(chunk);
        After::Held
    }
}
