//! What every pipeline of the agent shares: listeners, the outbound client, drain, budgets, watched tasks, host facts,
//! counters, logger.
//!
//! The list of nouns is closed: a thing enters this crate only when two pipelines already use it.
//! Nothing here reads the environment, and nothing is global, so that two agents can live in one process.

pub mod bind;
pub mod budget;
pub mod connect;
pub mod drain;
pub mod event_bus;
pub mod logger;
pub mod proc;
pub mod tasks;
pub mod telemetry;
