//! The verb `status`: asks a running agent how it fares.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use datadog_agent_native::http;
use serde_json::Value;

use crate::output::{Format, line};

/// Longest wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks a running agent how it fares.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Address of any of its HTTP listeners.
    #[arg(long, default_value = "127.0.0.1:10517")]
    addr: String,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints what `GET /status` answers.
pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let host = options
        .addr
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let answer = tokio::time::timeout(TIMEOUT, http::get(&format!("http://{host}/status")))
        .await
        .with_context(|| format!("no answer from {host} within {} seconds", TIMEOUT.as_secs()))?
        .with_context(|| format!("no agent answers at {host}"))?;
    let status: Value =
        serde_json::from_slice(&answer).with_context(|| format!("{host} is not an agent"))?;
    match options.format {
        Format::Json => line(&status.to_string()),
        Format::Text => line(&text(&status)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The document as an outline: one line a value, nested by indentation.
fn text(status: &Value) -> String {
    let mut out = String::new();
    outline(status, 0, &mut out);
    out.trim_end().to_owned()
}

fn outline(value: &Value, depth: usize, out: &mut String) {
    let Value::Object(fields) = value else { return };
    for (name, field) in fields {
        out.push_str(&"  ".repeat(depth));
        out.push_str(name);
        match field {
            Value::Null => out.push_str("  none\n"),
            Value::Object(inner) if inner.is_empty() => out.push_str("  none\n"),
            Value::Object(_) => {
                out.push('\n');
                outline(field, depth + 1, out);
            }
            Value::Array(items) if items.iter().all(is_nothing) => out.push_str("  none\n"),
            Value::Array(items) => {
                out.push('\n');
                for item in items.iter().filter(|item| !is_nothing(item)) {
                    out.push_str(&"  ".repeat(depth + 1));
                    out.push_str(&item_text(item));
                    out.push('\n');
                }
            }
            other => {
                out.push_str("  ");
                out.push_str(&item_text(other));
                out.push('\n');
            }
        }
    }
}

/// A counter that has not counted anything.
fn is_nothing(item: &Value) -> bool {
    item["value"] == 0
}

/// A text without its quotes; a counter's series as its labels and value; else JSON.
fn item_text(item: &Value) -> String {
    if let Some(text) = item.as_str() {
        return text.to_owned();
    }
    match (item["labels"].as_object(), item.get("value")) {
        (Some(labels), Some(value)) => {
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, label)| format!("{name}={}", item_text(label)))
                .collect();
            format!("{value}  {}", labels.join(" "))
                .trim_end()
                .to_owned()
        }
        _ => item.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_document_is_shown_as_an_outline() {
        let status = json!({
            "state": "running",
            "warnings": [],
            "listeners": { "logs_uds": null },
            "pipelines": { "logs": { "queued": 3 } },
            "counters": { "logs.sent": [{ "labels": { "endpoint": "a:1" }, "value": 5 }, { "labels": {}, "value": 2 }, { "labels": {}, "value": 0 }], "logs.retries": [{ "labels": {}, "value": 0 }] },
        });
        let expected = "state  running\nwarnings  none\nlisteners\n  logs_uds  none\npipelines\n  logs\n    queued  3\ncounters\n  logs.sent\n    5  endpoint=a:1\n    2\n  logs.retries  none";
        assert_eq!(text(&status), expected);
    }
}
