//! Re-exported from `datadog-agent-runtime`: health and flush notices.

pub use datadog_agent_runtime::event_bus::*;
