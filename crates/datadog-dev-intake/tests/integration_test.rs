//! The intake over real sockets: what is posted, asked and provoked.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "integration_test/client.rs"]
mod client;
#[path = "integration_test/faults.rs"]
mod faults;
#[path = "integration_test/logs.rs"]
mod logs;
