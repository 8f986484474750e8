//! Logs from a local HTTP intake, files or a handle, to the Datadog logs intake.
//!
//! The way of a log: [`server`] or a source → [`processor`] (entry, rules, enrichment, oversize policy) → queue →
//! [`aggregator`] (batches) → [`flusher`] → forwarder. Reads no environment: the caller fills a [`Config`].

pub mod aggregator;
pub mod config;
pub mod destination;
pub mod flusher;
pub mod intake_entry;
pub mod processor;
pub mod rules;
pub mod server;

pub use aggregator::{Aggregator, Batch};
pub use config::Config;
pub use destination::{AdditionalEndpoint, Destination};
pub use intake_entry::{EntryBlock, IntakeEntry, Source};
pub use processor::{Processor, Tally};
