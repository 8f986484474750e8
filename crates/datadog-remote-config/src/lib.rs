//! Remote configuration, verified before anybody sees it: the pure part.
//!
//! [`Trusted`] is what is believed at one moment; [`Trusted::update`] makes of it and of what the backend sent the
//! next state, or an [`Error`].
//! Knows no clock, socket, thread or environment; time, trust roots and the organisation are arguments.

pub mod checks;
pub mod cjson;
mod error;
pub mod path;
pub mod predicate;
pub mod tuf;
pub mod verify;

pub use error::Error;
pub use verify::{Trusted, Update};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
