//! What tracers send: spans, and stats that they computed themselves.
//!
//! Spans borrow their strings from the body they came in, and live no longer than the call that handles it: what is
//! kept beyond it (payloads, stats, what samplers have seen) is copied out.

pub mod agent;
pub mod aggregator;
pub mod client_stats;
pub mod concentrator;
pub mod config;
pub mod decode;
pub mod encode;
pub mod filter;
mod flusher;
mod held;
pub mod inspect;
pub mod normalize;
pub mod obfuscate;
mod percent;
mod processor;
pub mod propagation;
mod proxy;
pub mod replace;
pub mod root;
pub mod rule;
pub mod sampler;
pub mod server;
pub mod service_mapping;
pub mod span;
pub mod span_pointers;
pub mod stats;
#[cfg(test)]
mod testing;
pub mod truncate;

pub use agent::{
    DrainReport, Failure, Flush, Reports, Running, Samplers, Sampling, Shared, StartError, Status,
    Stopped, SubmitError, start,
};
pub use config::{AdditionalEndpoint, Config, ConfigError, FlushStrategy};
#[doc(hidden)]
pub use processor::alone::PipelineForBenches;
pub use server::{Mount, Statsd};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
