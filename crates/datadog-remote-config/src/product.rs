//! What the configurations say that this agent itself takes.
//!
//! Reads them; what is done with what they say is the caller's.

pub mod agent_config;
pub mod agent_task;
pub mod apm_sampling;
