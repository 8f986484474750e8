//! What can go wrong with the agent as a whole.

use std::io;

/// The decisions open to whoever runs an agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The configuration cannot be used; the text names every offending key.
    #[error("Configuration error: {0}")]
    ConfigError(String),
    /// Something that is needed before any listener could not be made, such as the HTTP client.
    #[error("Initialization error: {0}")]
    InitError(String),
    /// A listener or pipeline could not be started; nothing is left running.
    #[error("Startup error: {0}")]
    StartupError(String),
    /// The agent stopped, but not everything was delivered in time; the text counts what was lost.
    #[error("Shutdown error: {0}")]
    ShutdownError(String),
    /// Remote configuration failed.
    #[error("Remote Config error: {0}")]
    RemoteConfigError(String),
    /// The operating system refused something.
    #[error("I/O error: {0}")]
    IoError(#[from] io::Error),
}
