//! In place of the stateful stream where it is not built in: turning it on is an error, not a silence.

use datadog_forwarder::ApiKey;
use datadog_logs_agent::processor::EntryLimits;
use datadog_logs_agent::stream::Config as StreamConfig;

use crate::agent::AgentError;
use crate::config::{Config, Stateful};

pub(super) fn stream_config(
    config: &Config,
    _key: Option<&ApiKey>,
) -> Result<Option<StreamConfig>, AgentError> {
    if config.stateful.enabled || config.stateful.dual_ship {
        let text = "stateful.enabled: this build has no stateful stream (feature `stateful`)";
        return Err(AgentError::ConfigError(text.to_owned()));
    }
    Ok(None)
}

pub(super) fn entry_limits(_stateful: &Stateful, limits: EntryLimits) -> EntryLimits {
    limits
}
