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
#[cfg(feature = "appsec")]
pub mod appsec;
#[cfg(not(feature = "appsec"))]
#[path = "appsec/absent.rs"]
mod appsec;
pub mod config;
pub mod event_bus;
pub mod ffi;
pub mod fips;
pub mod http;
mod keys;
pub mod logger;
pub mod logs;
pub mod metrics;
pub mod platform;
pub mod proc;
pub mod remote_config;
mod strategy;
pub mod tags;
pub mod traces;

/// The version of Datadog's agent whose protocols this one speaks: what backends are told that ask for an agent's
/// version, such as that of remote configuration.
pub const AGENT_VERSION: &str = "7.70.0";

/// The version that this agent reports of itself.
pub const VERSION: &str = fips::VERSION;
