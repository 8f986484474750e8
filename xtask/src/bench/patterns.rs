//! Figures of the pattern engine on logs of a folder: bytes and time of the stateful stream against HTTP.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::{Options, median, report_value};
use crate::program::{Profile, build};
use crate::run::say;

/// Runs of which the medians are taken.
const ROUNDS: usize = 3;
/// Logs in a batch.
const BATCHES: [u32; 3] = [1_000, 100, 10];

/// What is measured: the name, and the two keys whose ratio it is.
const FIGURES: [(&str, &str, &str); 3] = [
    ("bytes", "stateful_bytes", "http_bytes"),
    ("zstd_stream_bytes", "zstd_stream_bytes", "http_bytes"),
    ("seconds", "stateful_seconds", "http_seconds"),
];

/// Runs the verb `patterns` on every log of `folder` and its subfolders.
///
/// # Errors
/// When there is none, or a line does not come back.
pub(super) fn run(folder: &Path, options: &Options) -> anyhow::Result<()> {
    let mut logs = Vec::new();
    find_logs(folder, &mut logs)?;
    logs.sort();
    ensure!(
        !logs.is_empty(),
        "no *.log or *.jsonl in {}",
        folder.display()
    );
    let program = build(Profile::Release)?;
    for batch_logs in BATCHES {
        say(&format!(
            "patterns of {} files, {batch_logs} logs a batch",
            logs.len()
        ));
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(measure(&program, &logs, batch_logs)?);
        }
        for (number, log) in logs.iter().enumerate() {
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            let of_file: Vec<_> = rounds.iter().map(|round| &round["files"][number]).collect();
            report_all(batch_logs, &format!(":{name}"), &of_file, options);
        }
        let totals: Vec<_> = rounds.iter().map(|round| &round["total"]).collect();
        report_all(batch_logs, "", &totals, options);
    }
    Ok(())
}

/// Every `*.log` and `*.jsonl` below a folder.
pub(super) fn find_logs(folder: &Path, logs: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let is_log = path
            .extension()
            .is_some_and(|end| end == "log" || end == "jsonl");
        if path.is_dir() {
            find_logs(&path, logs)?;
        } else if is_log {
            logs.push(path);
        }
    }
    Ok(())
}

fn measure(program: &Path, logs: &[PathBuf], batch_logs: u32) -> anyhow::Result<Value> {
    let output = std::process::Command::new(program)
        .args(["patterns", "--format", "json", "--batch-logs"])
        .arg(batch_logs.to_string())
        .args(logs)
        .output()
        .context("cannot run the verb patterns")?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    ensure!(
        output.status.success(),
        "a line did not come back: {report}"
    );
    Ok(report)
}

/// The median of each ratio; both sides of one come from the same run.
fn report_all(batch_logs: u32, of: &str, rounds: &[&Value], options: &Options) {
    for (name, part, whole) in FIGURES {
        let ratio = |figures: &&Value| Some(figures[part].as_f64()? / figures[whole].as_f64()?);
        let value = median(rounds.iter().filter_map(ratio).collect());
        // An empty file has no ratio.
        if value.is_finite() {
            let value = (value * 10_000.0).round() / 10_000.0;
            let name = format!("patterns_{name}_{batch_logs}{of}");
            report_value(
                &json!({ "name": name, "value": value, "unit": "ratio" }),
                options,
            );
        }
    }
}
