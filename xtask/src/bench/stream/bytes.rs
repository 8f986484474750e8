//! Bytes at the socket, against those of HTTP and against what the verb `patterns` says for the same batches.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::corpus;
use super::sink::Sink;
use super::{BATCHES, LEVEL, Way};
use crate::bench::{Options, report_value};
use crate::http::request;
use crate::program::Program;
use crate::run::say;

/// Pause before the agent is asked again to take what it had no room for.
const FULL: Duration = Duration::from_millis(20);

/// Bytes of one way.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    socket: u64,
    /// Bodies of requests, or messages with the prefix of gRPC.
    payloads: u64,
    /// What the verb says that these are.
    expected: u64,
}

/// Every file goes through an agent of its own, both ways, in batches of each size.
pub(super) fn run(
    program: &Path,
    logs: &[PathBuf],
    sink: &Sink,
    options: &Options,
) -> anyhow::Result<()> {
    for batch_logs in BATCHES {
        say(&format!(
            "bytes of {} files at the socket, {batch_logs} logs a batch",
            logs.len()
        ));
        let mut totals = [Bytes::default(); 2];
        for log in logs {
            let verb = verb(program, log, batch_logs)?;
            let requests = corpus::requests(log)?;
            let mut of_file = [Bytes::default(); 2];
            for (number, way) in Way::BOTH.into_iter().enumerate() {
                let mut bytes = send(program, &requests, way, batch_logs, sink)?;
                bytes.expected = verb[number];
                of_file[number] = bytes;
                totals[number].add(bytes);
            }
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            report(batch_logs, &format!(":{name}"), of_file, options);
        }
        report(batch_logs, "", totals, options);
    }
    Ok(())
}

impl Bytes {
    fn add(&mut self, other: Self) {
        self.socket += other.socket;
        self.payloads += other.payloads;
        self.expected += other.expected;
    }
}

fn report(batch_logs: usize, of: &str, [stream, http]: [Bytes; 2], options: &Options) {
    for (way, bytes) in Way::BOTH.into_iter().zip([stream, http]) {
        let name = format!("stream_bytes{}", way.name());
        for (what, value) in [("socket", bytes.socket), ("payloads", bytes.payloads)] {
            let name = format!("{name}_{what}_{batch_logs}");
            let figure = json!({ "name": format!("{name}{of}"), "value": value, "unit": "bytes" });
            report_value(&figure, options);
            ratio(
                &format!("{name}_of_patterns{of}"),
                value,
                bytes.expected,
                options,
            );
        }
    }
    let name = format!("stream_bytes_ratio_{batch_logs}{of}");
    ratio(&name, stream.socket, http.socket, options);
}

fn ratio(name: &str, part: u64, whole: u64, options: &Options) {
    let value = (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0;
    report_value(
        &json!({ "name": name, "value": value, "unit": "ratio" }),
        options,
    );
}

/// What the verb `patterns` says: bytes of the stream, and of HTTP.
fn verb(program: &Path, log: &Path, batch_logs: usize) -> anyhow::Result<[u64; 2]> {
    let output = std::process::Command::new(program)
        .args(["patterns", "--format", "json", "--level", LEVEL])
        .args(["--batch-logs", &batch_logs.to_string()])
        .arg(log)
        .output()
        .context("cannot run the verb patterns")?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let of = |name: &str| {
        let bytes = report["total"][name].as_u64();
        bytes.with_context(|| format!("no {name} in {report}"))
    };
    Ok([of("stateful_bytes")?, of("http_bytes")?])
}

/// Sends one file through an agent that is started for it and stopped behind it.
fn send(
    program: &Path,
    requests: &[Vec<u8>],
    way: Way,
    batch_logs: usize,
    sink: &Sink,
) -> anyhow::Result<Bytes> {
    let mut environment = way.environment(&sink.url(), batch_logs);
    // Only the last batch may end before it is full.
    environment.push(("DD_LOGS_CONFIG_BATCH_WAIT", "10".to_owned()));
    sink.seen.forget();
    let agent = start(program, &environment)?;
    let url = format!("{}/api/v2/logs", agent.url("logs")?);
    let mut entries = 0;
    for body in requests {
        post(&url, body)?;
        entries += corpus::count(body)?;
    }
    agent.stop()?;
    let bytes = Bytes {
        socket: sink.seen.socket_bytes(),
        payloads: sink.seen.payload_bytes(),
        expected: 0,
    };
    let least = entries.div_ceil(batch_logs as u64);
    let payloads = sink.seen.payloads();
    ensure!(
        payloads == least,
        "{entries} logs came in {payloads} batches of {batch_logs}, not {least}"
    );
    Ok(bytes)
}

/// Starts the agent.
pub(super) fn start(
    program: &Path,
    environment: &[(&'static str, String)],
) -> anyhow::Result<Program> {
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Program::start(program, &["run"], &environment)
}

/// Posts an array, as often as the agent has no room.
pub(super) fn post(url: &str, body: &[u8]) -> anyhow::Result<()> {
    loop {
        match request("POST", url, body)? {
            (200..=299, _) => return Ok(()),
            (429, _) => std::thread::sleep(FULL),
            (status, text) => anyhow::bail!("the agent answered {status}: {text}"),
        }
    }
}
