//! A local Datadog: takes what an agent sends, decodes and stores it, shows it, and misbehaves on request.
//!
//! It is what a newcomer sends the first log to, and the other end of the wire in every integration test.
//! It shares the *names* and schemas on the wire with the agent, and the pure decoders of the stateful log stream and of
//! sketches, which have vectors of their own; never an encoder, batcher or client: both ends must not be wrong together.
//! Meant for a developer's machine; whoever can reach its address can read and change everything in it.
//!
//! ```no_run
//! # async fn example() {
//! use datadog_dev_intake::Intake;
//!
//! let intake = Intake::start().await;
//! intake.on("/api/v2/logs").reply_once(429).retry_after(1);
//! // … send logs to intake.url() …
//! intake.expect_logs(&["hello"]).await;
//! # }
//! ```

mod expect;
mod fault;
mod grpc;
mod intake;
mod logs;
mod metrics;
mod problem;
mod product;
mod protobuf;
mod query;
mod record;
mod records;
mod remote_config;
mod security;
mod server;
mod snapshot;
mod stats;
mod store;
mod streams;
mod traces;
mod ui;

pub use fault::{Ack, On, Rule, ScriptError, Scripted, parse_script};
pub use grpc::GrpcStatus;
pub use intake::{Builder, DEFAULT_ADDR, DEFAULT_KEEP_BYTES, Error, Intake};
pub use remote_config::{
    AcknowledgedBy, AgentSnapshot, ApplyState, ClientConfig, ClientSnapshot, Predicate, PushError,
    PushedSnapshot, RemoteConfig, RemoteConfigSettings, RemoteConfigSnapshot, Repository, Tamper,
    config_root, director_root,
};
pub use security::{MatchedParameter, RuleMatch, SecurityEvent, SecurityRule};
pub use snapshot::{
    BatchRecord, CheckRecord, EventRecord, LogRecord, Part, RequestRecord, SecurityRecord,
    SeriesRecord, SketchBucket, SketchRecord, Snapshot, StatsRecord, StreamLog, TraceRecord,
};
pub use streams::{Compared, EndSnapshot, StateSnapshot, StreamSnapshot};
