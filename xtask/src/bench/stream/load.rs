//! What it costs the agent to send as fast as it can: logs a second, processor time, memory.
//!
//! The verb `logs` reads a file and waits while its pipeline is full, so that nothing but the pipeline is the limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::corpus;
use super::sink::Sink;
use super::{BATCHES, Way};
use crate::bench::program::{cpu_ms, status_field};
use crate::bench::{Options, median, report};
use crate::program::target_folder;
use crate::run::say;

/// Runs of which the medians are taken.
const ROUNDS: usize = 5;
/// How often the logs are sent in one run, lest the start of the program count.
const PASSES: usize = 12;
/// Pause between two looks at the memory of the agent.
const LOOK: Duration = Duration::from_millis(5);

/// What one run cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    logs: f64,
    seconds: f64,
    cpu_ms: f64,
    peak_kib: f64,
}

impl Cost {
    fn cpu_us_per_log(&self) -> f64 {
        self.cpu_ms * 1e3 / self.logs
    }
}

/// Sends all logs both ways in turn, in batches of each size.
pub(super) fn run(
    program: &Path,
    logs: &[PathBuf],
    sink: &Sink,
    options: &Options,
) -> anyhow::Result<()> {
    let file = target_folder()?.join("bench-stream.log");
    corpus::write_passes(logs, PASSES, &file)?;
    for batch_logs in BATCHES {
        say(&format!(
            "sending {} files {PASSES} times, {batch_logs} logs a batch",
            logs.len()
        ));
        let mut costs = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (way, costs) in Way::BOTH.into_iter().zip(&mut costs) {
                costs.push(send(program, &file, way, batch_logs, sink)?);
            }
        }
        report_all(batch_logs, &costs, options);
    }
    Ok(fs::remove_file(&file)?)
}

fn report_all(batch_logs: usize, costs: &[Vec<Cost>; 2], options: &Options) {
    for (way, costs) in Way::BOTH.into_iter().zip(costs) {
        let of = |figure: fn(&Cost) -> f64| median(costs.iter().map(figure).collect());
        let name = format!("stream_load{}", way.name());
        let each = [
            ("rate", of(|it| it.logs / it.seconds), "logs/s"),
            ("cpu", of(Cost::cpu_us_per_log), "us/log"),
            ("peak_rss", of(|it| it.peak_kib / 1_024.0), "MiB"),
        ];
        for (figure, value, unit) in each {
            report(
                &format!("{name}_{figure}_{batch_logs}"),
                value,
                unit,
                options,
            );
        }
    }
    let [stream, http] = costs;
    let ratios = (stream.iter().zip(http))
        .map(|(stream, http)| stream.cpu_us_per_log() / http.cpu_us_per_log())
        .collect();
    let name = format!("stream_load_cpu_ratio_{batch_logs}");
    report(&name, median(ratios), "ratio", options);
}

fn send(
    program: &Path,
    file: &Path,
    way: Way,
    batch_logs: usize,
    sink: &Sink,
) -> anyhow::Result<Cost> {
    sink.seen.forget();
    let child = Command::new(program)
        .args(["logs", "--format", "json", "--source", "app"])
        .arg(file)
        .envs(way.environment(&sink.url(), batch_logs))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run the verb logs")?;
    let id = child.id();
    let mut peak_kib = 0.0;
    // When it has ended it keeps its times until it is waited for, but no memory.
    while !has_ended(id)? {
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        peak_kib = status_field(&status, "VmHWM:").unwrap_or(peak_kib);
        std::thread::sleep(LOOK);
    }
    let cpu_ms = cpu_ms(id)?;
    let output = child.wait_with_output()?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(
        output.status.success() && report["entries"] == report["delivered"],
        "not everything was delivered: {report}"
    );
    let number = |name: &str| report[name].as_f64().context("no such number");
    let (told, seen) = (number("bytes_wire")?, sink.seen.payload_bytes() as f64);
    ensure!(
        (told - seen).abs() <= 0.01 * seen,
        "the agent tells of {told} bytes on the wire, and {seen} came"
    );
    Ok(Cost {
        logs: number("delivered")?,
        seconds: number("seconds")?,
        cpu_ms,
        peak_kib,
    })
}

fn has_ended(id: u32) -> anyhow::Result<bool> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields = stat.rsplit_once(')').context("no command in stat")?.1;
    Ok(fields.trim_start().starts_with('Z'))
}
