//! The trace agent over real sockets: what tracers send it, and what it sends to an intake.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test fails the test"
)]

use datadog_traces_agent::span;

#[path = "integration_test/agent.rs"]
mod agent;
#[path = "integration_test/answers.rs"]
mod answers;
#[path = "integration_test/books.rs"]
mod books;
// The client of the log agent's tests: both servers are spoken to alike.
#[path = "../../datadog-logs-agent/tests/integration_test/client.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod client;
#[path = "integration_test/delivery.rs"]
mod delivery;
#[path = "integration_test/faults.rs"]
mod faults;
#[path = "integration_test/held.rs"]
mod held;
#[path = "integration_test/hostile.rs"]
mod hostile;
#[path = "integration_test/info.rs"]
mod info;
#[path = "integration_test/inspected.rs"]
mod inspected;
#[path = "../src/testing/msgpack.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod msgpack;
#[path = "integration_test/standalone.rs"]
mod standalone;
#[path = "integration_test/stop.rs"]
mod stop;
#[path = "integration_test/unix.rs"]
mod unix;
