//! What the log agent is told; the caller decides where it comes from.

/// Configuration of the log agent.
#[derive(Debug, Clone)]
pub struct Config {}
