//! Re-exported from `datadog-agent-runtime`: tag lists and their merge.

pub use datadog_agent_runtime::tags::*;
