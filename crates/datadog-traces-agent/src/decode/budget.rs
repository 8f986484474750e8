//! How much memory a decoded body may take, and where that comes from.
//!
//! Counts what is allocated for good, before it is; the short-lived second copy of an array that grows is not counted.
//! Counts too what texts that stand once and are referred to often would be if each reference were a text: that is what
//! rules read and what is written into payloads.
//!
//! What is counted of chunks that were given away and are gone is given back, so that a large body of many chunks takes
//! no more than a few of them do.

use datadog_agent_runtime::budget::{self, Reservation};

use super::sink::{After, Sink};
use super::{Error, Reason};
use crate::span::Chunk;

/// Bytes of memory that a byte of the body may become.
pub const MEMORY_PER_BYTE: usize = 40;

/// Bytes of memory that any body may become, however small.
pub const MEMORY_FREE: usize = 65_536;

/// Bytes of memory that chunks of a body which are held at once may become, however large it is.
pub const MEMORY_MAX: usize = 64 * 1_024 * 1_024;

/// Bytes of texts that references may stand for, for each byte of the body.
pub const TEXTS_PER_BYTE: usize = 10;

/// Bytes of texts that the references of any body may stand for, however small.
pub const TEXTS_FREE: usize = 64 * 1_024 * 1_024;

/// Bytes that are taken from the memory of all at once, so that this is done a few times a body.
const STEP: usize = 256 * 1_024;

/// Memory for a body that is decoded: taken from that of all as it is needed, and given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct Allowance(Option<Source>);

#[derive(Debug)]
struct Source {
    memory: budget::Budget,
    held: Option<Reservation>,
    /// The most that there could ever be.
    limit: usize,
}

impl Allowance {
    /// Takes from this memory, `limit` bytes at most; begins with what is held already.
    pub(crate) fn new(memory: &budget::Budget, held: Option<Reservation>, limit: usize) -> Self {
        Self(Some(Source {
            memory: memory.clone(),
            held,
            limit: limit.min(MEMORY_MAX),
        }))
    }

    fn limit(&self) -> usize {
        self.0.as_ref().map_or(MEMORY_MAX, |source| source.limit)
    }

    /// Bytes that are held.
    pub(crate) fn room(&self) -> usize {
        let held = |source: &Source| source.held.as_ref().map_or(0, Reservation::bytes);
        self.0.as_ref().map_or(usize::MAX, held)
    }

    /// Takes more for what rules copy; says whether there is that much.
    pub(crate) fn grow_by(&mut self, bytes: usize) -> bool {
        match self.0 {
            Some(_) => self.grow_to(self.room().saturating_add(bytes)),
            None => true,
        }
    }

    /// Another one of the same memory, which begins with so many bytes of this one.
    pub(crate) fn split_off(&mut self, bytes: usize) -> Self {
        Self(self.0.as_mut().map(|source| Source {
            memory: source.memory.clone(),
            held: source.held.as_mut().map(|held| held.split_off(bytes)),
            limit: source.limit,
        }))
    }

    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if let Some(held) = self.0.as_mut().and_then(|source| source.held.as_mut()) {
            held.shrink_to(bytes);
        }
    }

    /// Takes more, until so many bytes are held; says whether there are.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let missing = bytes.saturating_sub(self.room());
        let Some(source) = &mut self.0 else {
            return true;
        };
        if missing == 0 {
            return true;
        }
        let more = source.memory.try_reserve(missing.max(STEP));
        let Some(more) = more.or_else(|| source.memory.try_reserve(missing)) else {
            return false;
        };
        match &mut source.held {
            Some(held) => held.absorb(more),
            None => source.held = Some(more),
        }
        true
    }
}

/// What may still be allocated for a body.
#[derive(Debug)]
pub(super) struct Budget {
    /// The most that may be held at once.
    all: usize,
    held: usize,
    /// What is held of it to the end, such as texts that are referred to.
    kept: usize,
    /// What is there to be held before more is asked for.
    room: usize,
    allowance: Allowance,
    texts: usize,
    texts_left: usize,
    /// What was held when the first of the chunks came that are held now.
    before: Option<Mark>,
}

/// A place in a body.
#[derive(Debug, Clone, Copy)]
struct Mark {
    held: usize,
    texts_left: usize,
    position: usize,
}

/// The memory that a body of so many bytes may become.
pub(crate) fn memory_of(body_bytes: usize) -> usize {
    body_bytes
        .saturating_mul(MEMORY_PER_BYTE)
        .saturating_add(MEMORY_FREE)
        .min(MEMORY_MAX)
}

impl Budget {
    pub(super) fn new(body_bytes: usize, allowance: Allowance) -> Self {
        let all = memory_of(body_bytes).min(allowance.limit());
        let texts = body_bytes
            .saturating_mul(TEXTS_PER_BYTE)
            .saturating_add(TEXTS_FREE);
        Self {
            all,
            held: 0,
            kept: 0,
            room: all.min(allowance.room()),
            allowance,
            texts,
            texts_left: texts,
            before: None,
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
    #[inline]
    pub(super) fn take(&mut self, bytes: usize, position: usize) -> Result<(), Error> {
        let held = self.held.saturating_add(bytes);
        if held > self.room {
            self.grow(held, position)?;
        }
        self.held = held;
        Ok(())
    }

    /// The same for what is held to the end of the body.
    pub(super) fn take_for_good(&mut self, bytes: usize, position: usize) -> Result<(), Error> {
        self.take(bytes, position)?;
        self.kept += bytes;
        Ok(())
    }

    /// Takes the memory of so many values out of what is left.
    pub(super) fn take_many<T>(&mut self, count: usize, position: usize) -> Result<(), Error> {
        self.take(count.saturating_mul(size_of::<T>()), position)
    }

    /// A chunk begins here.
    pub(super) fn begin_chunk(&mut self, position: usize) {
        let (held, texts_left) = (self.held - self.kept, self.texts_left);
        self.before.get_or_insert(Mark {
            held,
            texts_left,
            position,
        });
    }

    /// Gives a chunk away that ends here. The sink is told its texts too, as if each were copied, since rules may do so.
    pub(super) fn give<'a>(
        &mut self,
        chunk: Chunk<'a>,
        sink: &mut dyn Sink<'a>,
        is_last: bool,
        position: usize,
    ) -> Result<(), Error> {
        // Twice, because the array of chunks grows.
        self.take_many::<Chunk<'_>>(2, position)?;
        let before = self.before.unwrap_or(Mark {
            held: 0,
            texts_left: self.texts,
            position: 0,
        });
        let texts = (before.texts_left - self.texts_left) + (position - before.position);
        let bytes = self.held - before.held - self.kept + texts;
        if sink.chunk(chunk, bytes, is_last) == After::Gone {
            self.held = before.held + self.kept;
            self.before = None;
        }
        Ok(())
    }

    /// What was taken from the memory of all.
    pub(super) fn into_allowance(self) -> Allowance {
        self.allowance
    }

    #[cold]
    fn grow(&mut self, held: usize, position: usize) -> Result<(), Error> {
        if held > self.all {
            let reason = match self.all == self.allowance.limit() {
                true => Reason::TooLarge(self.all),
                false => Reason::TooMuchMemory(self.all),
            };
            return Err(Error::new(reason, position));
        }
        if !self.allowance.grow_to(held) {
            return Err(Error::new(Reason::NoRoom, position));
        }
        self.room = self.all.min(self.allowance.room());
        Ok(())
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn all(&self) -> usize {
        self.all
    }
}
