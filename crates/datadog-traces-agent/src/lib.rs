//! What tracers send: spans, and stats that they computed themselves.
//!
//! Spans borrow their strings from the body they came in, and live no longer than the call that handles it: what is
//! kept beyond it (payloads, stats, what samplers have seen) is copied out.

pub mod client_stats;
pub mod concentrator;
pub mod sampler;
pub mod span;
pub mod stats;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
