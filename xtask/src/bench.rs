//! Measures what `BENCHMARKS.md` states: one JSON object a line, `{"name","value","unit"}`, medians.

mod appsec;
pub(crate) mod dogstatsd;
mod library;
mod patterns;
mod program;
mod stream;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::run::{command, print, root, say};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Only figures whose name begins with this.
    #[arg(long, default_value = "")]
    only: String,
    /// Also measures the pattern engine and the stateful stream, on every `*.log` and `*.jsonl` of this folder and its
    /// subfolders; with `--only patterns`, or `--only stream`, nothing else is run.
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
}

impl Options {
    /// Whether figures whose names begin like this can be among those that are asked for.
    fn wants(&self, prefix: &str) -> bool {
        self.only.starts_with(prefix) || prefix.starts_with(&self.only)
    }

    /// The same of any of these.
    fn wants_any(&self, prefixes: &[&str]) -> bool {
        prefixes.iter().any(|prefix| self.wants(prefix))
    }
}

/// Bench targets of the crates: package, target, and how the names of its figures begin. Each prints its figures in the
/// same form.
const TARGETS: [(&str, &str, &[&str]); 14] = [
    ("datadog-agent-native", "lifecycle", &["lifecycle_"]),
    (
        "datadog-logs-agent",
        "pure",
        &["aggregator_", "body_", "json_"],
    ),
    ("datadog-logs-agent", "server", &["server_"]),
    ("datadog-logs-patterns", "encode", &["encode"]),
    ("datadog-logs-patterns", "tokenizer", &["tokenizer"]),
    ("datadog-logs-patterns", "write", &["write_", "is_"]),
    (
        "datadog-metrics-agent",
        "aggregate",
        &["dogstatsd_aggregate", "dogstatsd_flush", "dogstatsd_memory"],
    ),
    ("datadog-metrics-agent", "parse", &["dogstatsd_parse"]),
    ("datadog-sketch", "sketch", &["sketch_"]),
    (
        "datadog-traces-agent",
        "decode",
        &[
            "traces_decode",
            "traces_encode",
            "traces_normalize",
            "traces_root",
        ],
    ),
    ("datadog-traces-agent", "latency", &["traces_latency"]),
    ("datadog-traces-agent", "obfuscate", &["obfuscate_"]),
    ("datadog-traces-agent", "pipeline", &["traces_pipeline"]),
    ("datadog-traces-agent", "stats", &["stats_", "sampler_"]),
];

/// How the names of the figures begin that are measured on the whole program.
const PROGRAM: [&str; 5] = ["start_", "stop_", "idle_", "file_", "binary_"];

/// Runs the benches of the pattern engine and of the stream if there are logs for them, those of the crates, then those of the whole
/// program.
///
/// # Errors
/// When one cannot be built or run.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(folder) = &options.logs {
        if options.wants("patterns") {
            patterns::run(folder, options)?;
        }
        if options.wants("stream") {
            stream::run(folder, options)?;
        }
        if ["patterns", "stream"]
            .iter()
            .any(|all| options.only.starts_with(all))
        {
            return Ok(());
        }
    }
    if options.wants("library") {
        library::run(options)?;
    }
    if options.wants("appsec") {
        appsec::run(options)?;
    }
    for (package, bench, figures) in TARGETS {
        if options.wants_any(figures) {
            say(&format!("cargo bench --package {package} --bench {bench}"));
            target(package, bench, &[], &[], options)?;
        }
    }
    if options.wants_any(&dogstatsd::FIGURES) {
        dogstatsd::run(options)?;
    }
    if options.wants_any(&PROGRAM) {
        program::run(options)?;
    }
    Ok(())
}

/// Runs a bench target, with more arguments for Cargo and more variables.
fn target(
    package: &str,
    bench: &str,
    more: &[&str],
    variables: &[(&str, &Path)],
    options: &Options,
) -> anyhow::Result<()> {
    let words = "cargo bench --locked --quiet --package";
    let mut words: Vec<_> = words.split(' ').collect();
    words.extend([package, "--bench", bench]);
    words.extend(more);
    let mut bench = command(&root(), &words);
    let mut child = bench
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().context("no standard output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if let Ok(figure @ Value::Object(_)) = serde_json::from_str(&line) {
            report_value(&figure, options);
        }
    }
    anyhow::ensure!(child.wait()?.success(), "{words:?} failed");
    Ok(())
}

fn report_value(figure: &Value, options: &Options) {
    let wanted = figure["name"]
        .as_str()
        .is_some_and(|name| name.starts_with(&options.only));
    if wanted {
        print(&figure.to_string());
    }
}

fn report(name: &str, value: f64, unit: &str, options: &Options) {
    report_value(
        &json!({ "name": name, "value": (value * 100.0).round() / 100.0, "unit": unit }),
        options,
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
