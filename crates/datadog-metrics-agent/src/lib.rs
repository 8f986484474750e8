//! What applications say over DogStatsD: metrics, events and service checks.
//!
//! Holds the parser of datagrams, which is pure: no socket, clock, thread or environment.

pub mod parse;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
