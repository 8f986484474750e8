//! The log agent over real sockets: what clients send it, and what it sends to an intake.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test fails the test"
)]

#[path = "integration_test/agent.rs"]
mod agent;
#[path = "integration_test/client.rs"]
mod client;
#[path = "integration_test/delivery.rs"]
mod delivery;
#[path = "integration_test/limits.rs"]
mod limits;
#[path = "integration_test/queue.rs"]
mod queue;
#[path = "integration_test/server.rs"]
mod server;
#[path = "integration_test/stop.rs"]
mod stop;
#[path = "integration_test/stream.rs"]
#[cfg(feature = "stateful")]
mod stream;
