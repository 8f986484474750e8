//! What applications say over DogStatsD: metrics, events and service checks.
//!
//! The way of a sample: [`server`] → queue → [`parse`] → [`rules`] → [`aggregator`] (contexts and buckets) → payloads →
//! forwarder. Reads no environment: the caller fills a [`Config`], and [`start`] does the rest.

pub mod agent;
pub mod aggregator;
mod columns;
pub mod config;
pub mod context;
pub mod enhanced;
mod flusher;
pub mod parse;
pub mod payload;
mod protobuf;
pub mod rules;
pub mod series;
pub mod server;
mod sketches;

pub use agent::{DrainReport, Failure, Running, Shared, StartError, Status, start};
pub use aggregator::service::{
    AggregatorHandle, AggregatorService, InsertError, Stopped, Transport,
};
pub use aggregator::{Aggregator, Which};
pub use config::{AdditionalEndpoint, Config, ConfigError, FlushStrategy};
pub use datadog_forwarder::FlushReport;
pub use server::Listen;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
