//! Re-exported from `datadog-agent-runtime`: host, container and process facts.

pub use datadog_agent_runtime::proc::*;
