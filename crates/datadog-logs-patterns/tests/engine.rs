//! The encoder, held against two decoders: every byte comes back, and both ends know the same.

#![allow(
    clippy::unwrap_used,
    reason = "a stream that cannot be decoded is a failed test"
)]

#[path = "support/fields.rs"]
mod fields;
#[path = "support/minimal_decoder.rs"]
mod minimal_decoder;
#[path = "support/engine.rs"]
mod stream;

#[path = "engine/bad_input.rs"]
mod bad_input;
#[path = "engine/cases.rs"]
mod cases;
#[path = "engine/columns.rs"]
mod columns;
#[path = "engine/learning.rs"]
mod learning;
#[path = "engine/objects.rs"]
mod objects;
#[path = "engine/properties.rs"]
mod properties;
