//! Stats that tracers worked out themselves: reads them, brings them into the form of the agent's, and adds up what
//! several processes say of the same seconds.
//!
//! What a tracer says of its time stays as it is, unless it is too old or lies in the future.

mod aggregator;
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
    shape::check(body).map_err(|refused| match refused {
        Refused::Truncated => DecodeError::Truncated,
        refused => DecodeError::Refused(refused),
    })?;
    Ok(rmp_serde::from_slice(body)?)
}

#[cfg(test)]
mod tests;
