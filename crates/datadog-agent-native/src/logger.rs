//! The agent's own log lines, as the configuration wants them; the rest is re-exported from `datadog-agent-runtime`.

pub use datadog_agent_runtime::logger::*;

use tracing::level_filters::LevelFilter;

use crate::config::{Config as AgentConfig, LogLevel};

/// What the configuration says about the agent's own log lines.
#[must_use]
pub fn config_of(config: &AgentConfig) -> Config {
    Config {
        level: level(config.log_level),
        filter: config.rust_log.clone(),
        format: match config.log_format_json {
            true => Format::Json,
            false => Config::default().format,
        },
        timestamps: match config.profile.is_serverless() {
            true => Timestamps::Hidden,
            false => Timestamps::Shown,
        },
    }
}

/// The level of a name that `DD_LOG_LEVEL` takes; `None` for any other.
pub(crate) fn level_of(name: &str) -> Option<LevelFilter> {
    name.parse().ok().map(level)
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_and_form_are_those_of_the_configuration() {
        let config = AgentConfig::from_env_iter([
            ("DD_LOG_LEVEL", "critical"),
            ("DD_LOG_FORMAT_JSON", "true"),
        ]);
        let logger = config_of(&config);
        assert_eq!(logger.level, LevelFilter::ERROR);
        assert_eq!(logger.format, Format::Json);
    }
}
