//! The intake over real sockets: what is posted, asked and provoked.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "integration_test/client.rs"]
mod client;
#[path = "integration_test/expectations.rs"]
mod expectations;
#[path = "integration_test/faults.rs"]
mod faults;
#[path = "integration_test/grpc.rs"]
mod grpc;
#[path = "integration_test/inspection.rs"]
mod inspection;
#[path = "integration_test/limits.rs"]
mod limits;
#[path = "integration_test/logs.rs"]
mod logs;
#[path = "integration_test/metrics.rs"]
mod metrics;
#[path = "integration_test/page.rs"]
mod page;
#[path = "integration_test/products.rs"]
mod products;
#[path = "integration_test/remote_config.rs"]
mod remote_config;
#[path = "integration_test/security.rs"]
mod security;
#[path = "integration_test/stream_errors.rs"]
mod stream_errors;
#[path = "integration_test/stream_faults.rs"]
mod stream_faults;
#[path = "integration_test/stream_inspection.rs"]
mod stream_inspection;
#[path = "integration_test/stream_logs.rs"]
mod stream_logs;
#[path = "integration_test/streams.rs"]
mod streams;
#[path = "integration_test/trace_faults.rs"]
mod trace_faults;
#[path = "integration_test/traces.rs"]
mod traces;
