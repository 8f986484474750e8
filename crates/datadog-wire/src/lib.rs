//! The shapes on the wire: keys of JSON and msgpack, protobuf messages, endpoint paths, headers and what status codes mean.
//!
//! Both ends of the wire are built on this crate, so it holds names, numbers and schemas only:
//! it encodes nothing, decodes nothing, and knows no clock, socket or environment.

pub mod endpoints;
pub mod logs;
pub mod metrics;
pub mod remote_config;
pub mod stateful;
pub mod stats;
pub mod status;
pub mod traces;
