//! A shop that a tracer instruments: a program that serves until its standard input ends, and then says which spans its
//! tracer made.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::kit::Kit;
use crate::http::{request, request_with};
use crate::run::command;

/// Longest time to start, and to stop.
const DEADLINE: Duration = Duration::from_secs(90);
/// What every trace by hand belongs to.
pub(crate) const TRACE: &str = "0123456789abcdef0123456789abcdef";
/// Who is said to have called.
const CALLER: &str = "00f067aa0ba902b7";

/// What tracers read besides what they are told.
const SETTINGS: [&str; 21] = [
    "DD_AGENT_HOST",
    "DD_APM_RECEIVER_SOCKET",
    "DD_DOGSTATSD_PORT",
    "DD_DOGSTATSD_URL",
    "DD_HOSTNAME",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED",
    "DD_PROFILING_ENABLED",
    "DD_REMOTE_CONFIGURATION_ENABLED",
    "DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS",
    "DD_TAGS",
    "DD_TRACE_AGENT_PORT",
    "DD_TRACE_AGENT_PROTOCOL_VERSION",
    "DD_TRACE_API_VERSION",
    "DD_TRACE_DEBUG",
    "DD_TRACE_ENABLED",
    "DD_TRACE_NATIVE_SPAN_EVENTS",
    "DD_TRACE_RATE_LIMIT",
    "DD_TRACE_SAMPLE_RATE",
    "DD_TRACE_SAMPLING_RULES",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
];

/// A running shop. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Shop {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<std::io::Result<String>>,
    url: String,
}

impl Shop {
    /// Starts it; returns once it listens.
    pub(crate) fn start(kit: &Kit, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let words: Vec<&str> = kit.words.iter().map(String::as_str).collect();
        let mut command: Command = command(&kit.folder, &words);
        for variable in SETTINGS {
            command.env_remove(variable);
        }
        let mut child = command
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {words:?}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("no standard output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut shop = Self {
            child,
            input,
            lines,
            url: String::new(),
        };
        let announced = shop.line()?;
        let url = announced["app"].as_str();
        shop.url = url.context("the shop announced no address")?.to_owned();
        Ok(shop)
    }

    /// Orders something: one trace with a call to the database.
    pub(crate) fn order(&self, number: usize) -> anyhow::Result<()> {
        let url = format!("{}/orders/{number}", self.url);
        let (status, body) = request("GET", &url, b"")?;
        ensure!(status == 200, "{url} was answered {status}: {body}");
        Ok(())
    }

    /// Calls for the span that is made by hand, as part of a trace that comes from elsewhere.
    pub(crate) fn by_hand(&self) -> anyhow::Result<()> {
        let url = format!("{}/by-hand", self.url);
        let parent = format!("00-{TRACE}-{CALLER}-01");
        let headers = [
            ("traceparent", parent.as_str()),
            ("tracestate", "dd=s:1;o:rum;t.usr.id:x"),
        ];
        let (status, body) = request_with("GET", &url, &headers, b"")?;
        ensure!(status == 200, "{url} was answered {status}: {body}");
        Ok(())
    }

    /// Lets the tracer send what it has, and ends the shop; returns the spans that the tracer made.
    pub(crate) fn close(mut self) -> anyhow::Result<Vec<Value>> {
        drop(self.input.take());
        let spans = self.line()?;
        // The end of its output is its end, but for what a machine does at last.
        while self.lines.recv_timeout(DEADLINE).is_ok() {}
        let status = self.child.wait()?;
        ensure!(status.success(), "the shop ended with {status}");
        match spans {
            Value::Array(spans) => Ok(spans),
            other => anyhow::bail!("the shop said no spans but {other}"),
        }
    }

    /// The next line of JSON; tracers may print other things.
    fn line(&mut self) -> anyhow::Result<Value> {
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.context("the shop ended or did not say anything in time")??;
            if let Ok(value) = serde_json::from_str(&line) {
                return Ok(value);
            }
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}
