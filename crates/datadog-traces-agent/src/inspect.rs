//! Where another part of the agent looks at traces before anything in them is hidden.
//!
//! Knows nothing of what it looks for: it is handed a chunk that no filter was for, and may change it.

use std::fmt::Debug;

use crate::span::Chunk;

/// Looks at every chunk that is to be taken, between the filters and the obfuscation: all values are as the tracer sent
/// them, and what it adds counts for samplers and stats.
///
/// It is called on a thread that may block, for several chunks at once.
pub trait Inspector: Debug + Send + Sync {
    /// Whether it looks at chunks now. While it does not, bodies go the shortest way.
    fn is_on(&self) -> bool;

    /// Looks at one chunk. What it adds is memory of the body, which is counted afterwards: it should be little.
    fn inspect(&self, chunk: &mut Chunk<'_>);
}
