//! The verb `config`: each key, its value and where it came from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::config::{Config, ConfigIssue, Explained, Severity, Source};
use serde_json::{Value, json};

use crate::output::{Format, line};
use crate::run::configured;

/// Shows the effective configuration; ends with status 1 when the agent would refuse to start.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A datadog.yaml; `DD_*` variables win over it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only what was set, not the defaults.
    #[arg(long)]
    set: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints every key with its source, then everything that is wrong.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = configured(options.config.as_deref()).build_with_issues();
    let keys: Vec<_> = config
        .explain()
        .into_iter()
        .filter(|key| !options.set || key.source != Source::Default)
        .collect();
    let issues = issues(&config);
    // What a start would find besides: files that cannot be read, rules that do not compile.
    let fatal = issues.iter().any(|issue| issue.severity == Severity::Fatal);
    let unusable = match fatal {
        true => None,
        false => AgentCoordinator::new(config)
            .and_then(|agent| agent.preflight())
            .err()
            .map(|error| error.to_string()),
    };
    match options.format {
        Format::Json => line(&to_json(&keys, &issues, unusable.as_deref()).to_string()),
        Format::Text => line(&to_text(&keys, &issues, unusable.as_deref())),
    }
    Ok(match fatal || unusable.is_some() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// What was wrong with the values, and what does not go together.
fn issues(config: &Config) -> Vec<ConfigIssue> {
    let mut issues = config.issues();
    for fatal in config.validate().err().unwrap_or_default() {
        if !issues.contains(&fatal) {
            issues.push(fatal);
        }
    }
    issues
}

fn to_text(keys: &[Explained], issues: &[ConfigIssue], unusable: Option<&str>) -> String {
    let width = keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
    let mut lines: Vec<_> = keys
        .iter()
        .map(|key| format!("{:<width$}  {}  ({})", key.name, shown(key), key.source))
        .collect();
    lines.extend(
        issues
            .iter()
            .map(|issue| format!("{}: {issue}", word(issue.severity))),
    );
    lines.extend(unusable.map(|problem| format!("fatal: {problem}")));
    lines.join("\n")
}

/// The value, or what holds where nothing is set.
fn shown(key: &Explained) -> &str {
    match (key.value.as_str(), key.otherwise) {
        ("", "") => "-",
        ("", otherwise) => otherwise,
        (value, _) => value,
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Fatal => "fatal",
    }
}

fn to_json(keys: &[Explained], issues: &[ConfigIssue], unusable: Option<&str>) -> Value {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "key": key.name,
                "value": key.value,
                "source": key.source.to_string(),
                "pipeline": key.pipeline.label(),
                "available": key.pipeline.available(),
            })
        })
        .collect();
    let issues: Vec<_> = issues
        .iter()
        .map(|issue| json!({ "severity": word(issue.severity), "key": issue.key, "text": issue.to_string() }))
        .collect();
    json!({ "keys": keys, "issues": issues, "unusable": unusable })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(variables: &[(&str, &str)]) -> (String, Vec<ConfigIssue>) {
        let config = Config::from_env_iter(variables.iter().copied());
        let keys: Vec<_> = config
            .explain()
            .into_iter()
            .filter(|key| key.source != Source::Default)
            .collect();
        let issues = issues(&config);
        (to_text(&keys, &issues, None), issues)
    }

    #[test]
    fn a_value_stands_with_its_source_and_a_secret_is_masked() {
        let (text, _) = shown(&[
            ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
            ("DD_SITE", "us5"),
        ]);
        assert!(text.contains("us5.datadoghq.com  (env DD_SITE)"), "{text}");
        assert!(
            text.contains("cdef") && !text.contains("89abcdef"),
            "{text}"
        );
    }

    #[test]
    fn what_is_fatal_is_listed_once() {
        let (text, issues) = shown(&[("DD_LOGS_AGENT_PORT", "70000")]);
        assert_eq!(
            issues
                .iter()
                .filter(|issue| issue.key == "logs_agent_port")
                .count(),
            1
        );
        assert!(
            text.contains("fatal: DD_LOGS_AGENT_PORT=\"70000\""),
            "{text}"
        );
    }
}
