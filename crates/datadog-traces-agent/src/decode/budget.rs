//! How much memory a decoded body may take.
//!
//! Counts what is allocated for good, before it is; the short-lived second copy of an array that grows is not counted.
//! Counts too what texts that stand once and are referred to often would be if each reference were a text: that is what
//! rules read and what is written into payloads.

use super::{Error, Reason};

/// Bytes of memory that a byte of the body may become.
pub const MEMORY_PER_BYTE: usize = 40;

/// Bytes of memory that any body may become, however small.
pub const MEMORY_FREE: usize = 65_536;

/// Bytes of memory that a body may become, however large: bodies of tracers, of 20 MB at most, become some 160 MB.
pub const MEMORY_MAX: usize = 256 * 1_024 * 1_024;

/// Bytes of texts that references may stand for, for each byte of the body.
pub const TEXTS_PER_BYTE: usize = 10;

/// Bytes of texts that the references of any body may stand for, however small.
pub const TEXTS_FREE: usize = 64 * 1_024 * 1_024;

/// What may still be allocated for a body.
#[derive(Debug)]
pub(super) struct Budget {
    all: usize,
    left: usize,
    texts: usize,
    texts_left: usize,
}

/// The memory that a body of so many bytes may become.
pub(crate) fn memory_of(body_bytes: usize) -> usize {
    body_bytes
        .saturating_mul(MEMORY_PER_BYTE)
        .saturating_add(MEMORY_FREE)
        .min(MEMORY_MAX)
}

impl Budget {
    pub(super) fn new(body_bytes: usize) -> Self {
        let all = memory_of(body_bytes);
        let texts = body_bytes
            .saturating_mul(TEXTS_PER_BYTE)
            .saturating_add(TEXTS_FREE);
        Self {
            all,
            left: all,
            texts,
            texts_left: texts,
        }
    }

    /// Takes a reference to a text of so many bytes out of what is left of those.
    #[inline]
    pub(super) fn refer(
        &mut self,
        bytes: usize,
        position: impl Fn() -> usize,
    ) -> Result<(), Error> {
        match self.texts_left.checked_sub(bytes) {
            Some(left) => {
                self.texts_left = left;
                Ok(())
            }
            None => Err(Error::new(Reason::TooMuchText(self.texts), position())),
        }
    }

    /// Takes so many bytes out of what is left.
    pub(super) fn take(&mut self, bytes: usize, position: usize) -> Result<(), Error> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.exceeded(position)),
        }
    }

    #[cold]
    pub(super) fn exceeded(&self, position: usize) -> Error {
        Error::new(Reason::TooMuchMemory(self.all), position)
    }

    /// Takes the memory of so many values out of what is left.
    pub(super) fn take_many<T>(&mut self, count: usize, position: usize) -> Result<(), Error> {
        self.take(count.saturating_mul(size_of::<T>()), position)
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn all(&self) -> usize {
        self.all
    }
}
