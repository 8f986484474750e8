//! What tracers send: spans, and stats that they computed themselves.
//!
//! Spans borrow their strings from the body they came in, and live no longer than the call that handles it: what is
//! kept beyond it (payloads, stats, what samplers have seen) is copied out.

pub mod filter;
pub mod obfuscate;
mod percent;
pub mod propagation;
pub mod replace;
pub mod rule;
pub mod service_mapping;
pub mod span;
pub mod span_pointers;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
