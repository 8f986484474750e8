//! The one table of configuration keys, and the [`Config`] that it yields.
//!
//! Environment variables, `datadog.yaml` and options of the program are read here and nowhere else, each value by the
//! grammar of its key, from its raw text: a version `1.10` stays `1.10`, and an API key of digits stays a text.
//! What cannot be understood is an issue with a name, never a silent default.
//!
//! This crate opens no socket, starts nothing and resolves no secret that needs the network.
//! It does not match hosts against the proxy bypass list: the client does that, for each request.
//!
//! ```
//! use datadog_agent_config::Config;
//!
//! let config = Config::from_env_iter([
//!     ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
//!     ("DD_SITE", "us5"),
//! ]);
//! assert_eq!(config.site, "us5.datadoghq.com");
//! assert!(config.validate().is_ok());
//! ```

mod config;
mod document;
pub mod endpoints;
pub mod flush_strategy;
mod issue;
pub mod key_source;
mod kind;
pub mod log_level;
pub mod operational_mode;
mod profile;
mod rules;
mod source;
mod stateful;
pub mod table;
mod tags;
mod value;

pub use config::{Builder, Config, Explained, LogsCompression, Report};
pub use document::render_markdown;
pub use flush_strategy::FlushStrategy;
pub use issue::{ConfigError, ConfigIssue, Severity, Source};
pub use log_level::LogLevel;
pub use operational_mode::OperationalMode;
pub use profile::Profile;
pub use rules::{
    LogsAdditionalEndpoint, ProcessingRule, ProcessingRuleKind, ReplaceRule, TracePropagationStyle,
};
pub use source::PlatformInputs;
pub use stateful::Stateful;
pub use value::Value;
