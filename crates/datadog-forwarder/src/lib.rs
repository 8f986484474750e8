//! Finished payloads in, delivered or accounted for: endpoints, keys, retries, compression.
//!
//! Knows nothing of logs, spans or metrics: a product states its status table, its counters and how to halve a
//! payload, and this crate does the rest.

mod compress;
mod config;
pub mod endpoint;
pub mod payload;
pub mod queue;
mod report;
mod retry;
pub mod service;

pub use datadog_agent_runtime::budget::{Budget, Reservation};
pub use endpoint::{ApiKey, Encoding, Endpoint, Reliability};
pub use payload::{Compressed, Form, Payload, Split};
pub use service::{Config, FlushReport, Forwarder, ForwarderHandle};
