//! What applications say over DogStatsD: metrics, events and service checks.
//!
//! Holds the parser of datagrams, which is pure: no socket, clock, thread or environment.

pub mod aggregator;
pub mod context;
pub mod parse;
pub mod payload;
mod protobuf;
pub mod rules;
pub mod series;
mod sketches;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
