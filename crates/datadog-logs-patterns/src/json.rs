//! JSON objects whose members travel beside their message, as columns.
//!
//! Of all the ways to write an object the other end knows one, the canonical form: no white space, the keys of every
//! object sorted by their bytes and none of them twice, no more escapes in strings than needed.

pub(crate) mod object;
pub(crate) mod paths;
