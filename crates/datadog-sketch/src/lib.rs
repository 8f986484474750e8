//! The two quantile sketches of the agent: [`agent::Sketch`] for distributions of metrics, [`dd::Sketch`] for the
//! latencies of trace stats.
//!
//! They share an idea, bins whose widths grow with the values, and nothing else: mappings, stores and wire formats
//! differ, and the intake of the one refuses the other.
//! This crate is pure: it knows no clock, socket, thread, environment or global, and the same input gives the same
//! output.

pub mod agent;
pub mod dd;
mod protobuf;

pub use protobuf::Malformed;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
