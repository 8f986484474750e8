//! Where another part of the agent looks at traces before anything in them is hidden.
//!
//! Knows nothing of what it looks for: it is handed a chunk that no filter was for, and may change it, or ask for it to
//! be held and shown again.

use std::fmt::Debug;
use std::time::Duration;

use crate::span::Chunk;

/// Looks at every chunk that is to be taken, between the filters and the obfuscation: all values are as the tracer sent
/// them, and what it adds counts for samplers and stats.
///
/// It is called on a thread that may block, for several chunks at once.
pub trait Inspector: Debug + Send + Sync {
    /// Whether it looks at chunks now. While it does not, bodies go the shortest way.
    fn is_on(&self) -> bool;

    /// Looks at one chunk. What it adds is memory of the body, which is counted afterwards: it should be little.
    fn inspect(&self, chunk: &mut Chunk<'_>, chance: Chance) -> Look;
}

/// Whether a chunk may be shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chance {
    /// It may: [`Look::Later`] is heard.
    Open,
    /// It goes on whatever is said.
    Last,
}

/// What is to become of a chunk that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It goes on.
    Done,
    /// Something is still to be learnt of it: it is held and shown again now and then, for the last time after so long at
    /// most, and after a minute in any case. It comes earlier if others need its place, or if all is to be sent.
    Later(Duration),
}
