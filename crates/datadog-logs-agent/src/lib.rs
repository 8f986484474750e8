//! Logs from a local HTTP intake, files or a handle, to the Datadog logs intake.
//!
//! The way of a log: [`server`] or a source → [`processor`] (entry, rules, enrichment, oversize policy) → queue →
//! [`aggregator`] (batches) → [`flusher`] → forwarder, or [`stream`]. Reads no environment: the caller fills a [`Config`], and
//! [`start`] does the rest.

pub mod agent;
pub mod aggregator;
pub mod config;
pub mod destination;
pub mod flusher;
pub mod intake_entry;
pub mod processor;
pub mod rules;
pub mod server;
#[cfg(feature = "stateful")]
pub mod stream;
#[cfg(not(feature = "stateful"))]
#[path = "stream/absent.rs"]
pub mod stream;

pub use agent::{Failure, Running, Shared, StartError, Status, start};
pub use aggregator::service::{AggregatorHandle, AggregatorService, InsertError, Stopped};
pub use aggregator::{Aggregator, Batch};
pub use config::{Config, ConfigError, FlushStrategy};
pub use destination::{AdditionalEndpoint, Destination};
pub use flusher::{DrainReport, FlushReport, Flusher};
pub use intake_entry::{EntryBlock, IntakeEntry, Source};
pub use processor::{Processor, Tally};
pub use server::{BoundServer, Intake, Server};
