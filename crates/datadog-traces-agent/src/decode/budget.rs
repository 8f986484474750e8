//! How much memory a decoded body may take.
//!
//! Counts what is allocated for good, before it is; the short-lived second copy of an array that grows is not counted.

use super::{Error, Reason};

/// Bytes of memory that a byte of the body may become.
pub const MEMORY_PER_BYTE: usize = 40;

/// Bytes of memory that any body may become, however small.
pub const MEMORY_FREE: usize = 65_536;

/// What may still be allocated for a body.
#[derive(Debug)]
pub(super) struct Budget {
    all: usize,
    left: usize,
}

impl Budget {
    pub(super) fn new(body_bytes: usize) -> Self {
        let all = body_bytes
            .saturating_mul(MEMORY_PER_BYTE)
            .saturating_add(MEMORY_FREE);
        Self { all, left: all }
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
