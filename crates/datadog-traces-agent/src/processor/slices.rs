//! Bodies in slices: most are one, and large ones are as many as keep their memory small.
//!
//! A large body is decoded twice: first to know that all of it can be, so that nothing is used of one that cannot, then
//! slice by slice. What it says beside its chunks holds for all slices, as does what spans of earlier ones say of it.

use crate::decode::{After, Sink};
use crate::span::{Chunk, Payload};

/// Bytes of decoded chunks, with their texts, beyond which a body is taken in slices.
const SLICE_BYTES: usize = 8 * 1_024 * 1_024;

/// Holds the chunks of a body unless they are too many to be held at once.
#[derive(Debug, Default)]
pub(super) struct Held<'a> {
    chunks: Vec<Chunk<'a>>,
    count: usize,
    is_over: bool,
}

impl<'a> Held<'a> {
    /// How many chunks the body has.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// All chunks; `None` if they must be decoded again.
    pub(super) fn into_chunks(self) -> Option<Vec<Chunk<'a>>> {
        (!self.is_over).then_some(self.chunks)
    }
}

impl<'a> Sink<'a> for Held<'a> {
    fn chunk(&mut self, chunk: Chunk<'a>, bytes: usize, is_last: bool) -> After {
        self.count += 1;
        // The last one is there already, however large.
        self.is_over |= bytes > SLICE_BYTES && !is_last;
        if self.is_over {
            self.chunks = Vec::new();
            return After::Gone;
        }
        self.chunks.push(chunk);
        After::Held
    }
}

/// Takes a body slice by slice.
#[derive(Debug)]
pub(super) struct Slices<'a, F> {
    /// What holds for all slices, and the chunks of the present one.
    payload: Payload<'a>,
    take: F,
}

impl<'a, F: FnMut(&mut Payload<'a>)> Slices<'a, F> {
    pub(super) const fn new(head: Payload<'a>, take: F) -> Self {
        Self {
            payload: head,
            take,
        }
    }

    /// Takes what is left.
    pub(super) fn finish(mut self) {
        self.slice();
    }

    fn slice(&mut self) {
        if !self.payload.chunks.is_empty() {
            (self.take)(&mut self.payload);
            self.payload.chunks.clear();
        }
    }
}

impl<'a, F: FnMut(&mut Payload<'a>)> Sink<'a> for Slices<'a, F> {
    fn chunk(&mut self, chunk: Chunk<'a>, bytes: usize, _: bool) -> After {
        self.payload.chunks.push(chunk);
        if bytes <= SLICE_BYTES {
            return After::Held;
        }
        self.slice();
        After::Gone
    }
}
