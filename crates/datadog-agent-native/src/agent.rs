//! The agent as a whole: its coordinator, the handle to it, what can go wrong, how it fares.

mod coordinator;
mod error;
mod handle;
mod health;
mod identity;
mod shared;
mod signals;
mod submit;

pub use coordinator::{AgentCoordinator, FlushReport, Listeners};
pub use error::AgentError;
pub use handle::{AgentHandle, ShutdownReason};
pub(crate) use health::{Board, Face};
pub use health::{Health, State};
pub(crate) use identity::api_key;
pub(crate) use shared::Shared;
pub use signals::Signals;
pub use submit::SubmitError;
