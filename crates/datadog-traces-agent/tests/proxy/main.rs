//! Requests that the trace agent passes on, over real sockets: what clients are answered, and what reaches the intakes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test fails the test"
)]

mod agent;
mod buffered;
mod client;
mod copies;
mod intake;
mod products;
mod streaming;
mod telemetry;
