//! Re-exported from `datadog-agent-config`: the table of keys and the `Config` that it yields.

pub use datadog_agent_config::*;
