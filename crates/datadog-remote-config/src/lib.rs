//! Remote configuration, verified before anybody sees it: the pure part.
//!
//! Knows what the backend publishes and what of it may be believed; knows no clock, socket, thread or environment.
//! Time, trust roots and the organisation are arguments.

pub mod cjson;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
