//! The pattern engine of the stateful log stream: log text in, patterns and variables out, every byte back.
//!
//! The encoder tokenizes log lines, learns their patterns online in bounded memory,
//! and turns each line into the id of a pattern and typed values;
//! the decoder, given the same batches, gives back exactly the bytes that went in.
//!
//! This crate is pure: it knows no clock, socket, thread, environment or global.
//! Time is an argument, so is the seed of its hashes, and the same input gives the same output.

mod admission;
pub mod cluster;
pub mod decoder;
mod delta;
mod dictionary;
mod direct;
pub mod encoder;
pub mod eviction;
pub mod integer;
mod joint;
mod json;
pub mod operation;
mod protobuf;
#[cfg(test)]
mod runs;
pub mod snapshot;
mod template;
pub mod token;
pub mod tokenizer;
pub mod view;
mod waiting;
pub mod wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
