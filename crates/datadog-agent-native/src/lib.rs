//! The embeddable agent: one coordinator that starts, flushes and stops the pipelines.
//!
//! ```no_run
//! use datadog_agent_native::agent::AgentCoordinator;
//! use datadog_agent_native::config::Config;
//!
//! # async fn example() -> Result<(), datadog_agent_native::agent::AgentError> {
//! let mut agent = AgentCoordinator::new(Config::default())?;
//! agent.start().await?;
//! agent.wait_for_shutdown().await;
//! agent.shutdown().await
//! # }
//! ```
//!
//! Each pipeline is assembled in one file of its own; this crate holds no behaviour of theirs.

pub mod agent;
pub mod config;
pub mod event_bus;
pub mod ffi;
pub mod http;
mod keys;
pub mod logger;
pub mod logs;
pub mod metrics;
mod platform;
pub mod proc;
pub mod tags;
pub mod traces;

/// The version that this agent reports of itself.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
