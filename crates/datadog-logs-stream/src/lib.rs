//! The stateful log stream: batches of patterns over bidirectional gRPC, with acknowledgement, replay and rotation.
//!
//! [`state`] decides and knows no socket, task or clock; what it decides is carried out by a driver.
//! Delivery is at least once: a batch is kept until the other end has acknowledged it, and sent again on the next
//! stream if this one ends before.

pub mod backoff;
pub mod client;
mod codec;
pub mod coder;
pub mod failure;
mod inflight;
mod line;
pub mod pipeline;
pub mod report;
pub mod service;
pub mod state;
mod watched;
pub mod writer;

pub use failure::{Code, Failure};
pub use inflight::Batch;
pub use state::{Effect, Event, Machine, Return, Settings, StreamId};
pub use writer::{Compression, Writer};
