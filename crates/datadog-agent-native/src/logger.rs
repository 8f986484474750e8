//! Re-exported from `datadog-agent-runtime`: the agent's own log lines.

pub use datadog_agent_runtime::logger::*;
