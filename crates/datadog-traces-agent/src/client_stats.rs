//! Stats that tracers worked out themselves: reads them, brings them into the form of the agent's, and adds up what
//! several processes say of the same seconds.
//!
//! What a tracer says of its time stays as it is, unless it is too old or lies in the future.

mod aggregator;
#[cfg(any(test, fuzzing))]
pub mod checks;
mod group;
mod process;
mod shape;
mod summary;

use datadog_wire::stats::ClientStatsPayload;

pub use self::aggregator::{Aggregator, Counts, Due};
pub use self::process::{Facts, Obfuscated, Rules, process};
pub use self::shape::Refused;

/// Why a body holds no stats.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The body ends before it is complete.
    #[error("the body of the stats ends too early")]
    Truncated,
    /// It would take far more memory than it has bytes, or is nested too deeply.
    #[error(transparent)]
    Refused(Refused),
    /// There is no memory for it now.
    #[error("there is no memory for the stats now")]
    NoRoom,
    /// It is no msgpack, or not of stats.
    #[error("the stats cannot be read: {0}")]
    Malformed(#[from] rmp_serde::decode::Error),
}

/// Reads the msgpack of a tracer, whose length the caller has bounded.
///
/// Keys that are missing or nil are zero, unknown ones are skipped.
///
/// # Errors
/// When the body is no msgpack of stats, or would take far more memory than it has bytes.
pub fn decode(body: &[u8]) -> Result<ClientStatsPayload, DecodeError> {
    decode_in(body, |_| true)
}

/// Reads it once there is memory for it: `reserve` is told how many bytes it takes, and says whether there are.
///
/// # Errors
/// The same, and when there is no memory.
pub(crate) fn decode_in(
    body: &[u8],
    reserve: impl FnOnce(usize) -> bool,
) -> Result<ClientStatsPayload, DecodeError> {
    let parts = shape::check(body).map_err(|refused| match refused {
        Refused::Truncated => DecodeError::Truncated,
        refused => DecodeError::Refused(refused),
    })?;
    // Texts and sketches are copied.
    if !reserve(parts + body.len()) {
        return Err(DecodeError::NoRoom);
    }
    Ok(rmp_serde::from_slice(body)?)
}

#[cfg(test)]
mod tests;
