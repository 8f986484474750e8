//! The verb `run`: the agent as configured.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use datadog_agent_native::agent::{AgentCoordinator, Listeners, ShutdownReason, Signals};
use datadog_agent_native::config::{Builder, Config, Profile};
use datadog_agent_native::logger::{self, LevelControl};
use serde_json::{Map, Value};

use crate::output::{Format, line, note};

/// Runs the agent as configured, until SIGINT or SIGTERM.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A datadog.yaml; `DD_*` variables win over it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to print the addresses.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Serves until asked to stop, then drains and flushes.
pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let config = configured(options.config.as_deref()).build_with_issues();
    let level = install_logger(&config);
    let signals = Signals::install()?;
    let mut agent = AgentCoordinator::new(config)?;
    if let Some(level) = level {
        agent.set_level_control(level);
    }
    agent.start().await?;
    line(&announce(agent.listeners(), options.format));
    let reason = agent.wait_for(signals).await;
    agent.shutdown().await?;
    if reason == ShutdownReason::FatalError {
        bail!("a part of the agent ended by itself");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the environment, and a file if one is given, say to a program of its own.
pub(crate) fn configured(file: Option<&Path>) -> Builder {
    let builder = Config::builder().profile(Profile::Standalone);
    let builder = match file {
        Some(file) => builder.with_yaml(file),
        None => builder,
    };
    builder.with_env()
}

/// Sends the agent's own lines to standard error; gives what changes their level.
pub(crate) fn install_logger(config: &Config) -> Option<LevelControl> {
    let installed = logger::install(logger::config_of(config));
    installed.map_err(|error| note(&error.to_string())).ok()
}

fn announce(listeners: &Listeners, format: Format) -> String {
    let addresses = addresses(listeners);
    match format {
        Format::Json => Value::Object(addresses).to_string(),
        Format::Text if addresses.is_empty() => {
            "running, but nothing is enabled: set DD_LOGS_ENABLED=true or DD_DOGSTATSD_ENABLED=true"
                .to_owned()
        }
        Format::Text => {
            let lines: Vec<_> = addresses
                .iter()
                .map(|(name, address)| {
                    format!("{name:<9} {}", address.as_str().unwrap_or_default())
                })
                .collect();
            lines.join("\n")
        }
    }
}

/// Each listener by its name.
pub(crate) fn addresses(listeners: &Listeners) -> Map<String, Value> {
    let mut addresses = Map::new();
    if let Some(address) = listeners.trace_tcp {
        addresses.insert("traces".to_owned(), format!("http://{address}").into());
    }
    if let Some(path) = &listeners.trace_uds {
        addresses.insert(
            "traces_socket".to_owned(),
            format!("unix://{}", path.display()).into(),
        );
    }
    if let Some(address) = listeners.logs_tcp {
        addresses.insert("logs".to_owned(), format!("http://{address}").into());
    }
    if let Some(path) = &listeners.logs_uds {
        addresses.insert(
            "logs_socket".to_owned(),
            format!("unix://{}", path.display()).into(),
        );
    }
    if let Some(address) = listeners.dogstatsd_udp {
        addresses.insert("dogstatsd".to_owned(), format!("udp://{address}").into());
    }
    for (name, path) in [
        ("dogstatsd_socket", &listeners.dogstatsd_uds),
        ("dogstatsd_stream_socket", &listeners.dogstatsd_stream_uds),
    ] {
        if let Some(path) = path {
            addresses.insert(name.to_owned(), format!("unix://{}", path.display()).into());
        }
    }
    addresses
}
