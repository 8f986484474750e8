//! Datadog's test agent between a tracer and the agent: it checks what passes, and decodes it with its own code.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};

use super::arrived::{Arrived, list, word};
use super::compare::{Findings, STATEMENT_TAG, resource, tags};
use crate::http::request;
use crate::language::Language;
use crate::run::root;

/// Longest time to start.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// What it checks of every request.
const CHECKS: &str =
    "trace_stall,meta_tracer_version_header,trace_count_header,trace_content_length";
/// What the agent adds to spans.
const ADDED: [&str; 3] = ["_dd.p.tid", "_top_level", "_sampling_priority_rate_v1"];

/// The running test agent. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Oracle {
    child: Child,
    /// Where tracers find it.
    pub(crate) url: String,
}

impl Oracle {
    /// Starts it in front of an agent; returns once it answers.
    pub(crate) fn start(program: &Path, agent: &str) -> anyhow::Result<Self> {
        let [port, http, grpc] = free_ports()?;
        let child = Command::new(program)
            .args(["--port", &port, "--agent-url", agent])
            .args(["--otlp-http-port", &http, "--otlp-grpc-port", &grpc])
            // As an argument it would not be understood.
            .env("ENABLED_CHECKS", CHECKS)
            .args(["--pool-trace-check-failures", "true"])
            .args(["--log-level", "ERROR"])
            .current_dir(root().join("tests/tracers"))
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut oracle = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        };
        let give_up = Instant::now() + DEADLINE;
        while request("GET", &format!("{}/info", oracle.url), b"").is_err() {
            let ended = oracle.child.try_wait()?;
            ensure!(ended.is_none(), "the test agent ended with {ended:?}");
            ensure!(Instant::now() < give_up, "the test agent does not answer");
            std::thread::sleep(PAUSE);
        }
        Ok(oracle)
    }

    /// Takes what it has seen, and ends it.
    pub(crate) fn stop(self) -> anyhow::Result<Seen> {
        let (status, failures) = request(
            "GET",
            &format!("{}/test/trace_check/failures", self.url),
            b"",
        )?;
        let ask = |what: &str| -> anyhow::Result<Value> {
            let (_, text) = request("GET", &format!("{}/test/{what}", self.url), b"")?;
            serde_json::from_str(&text).with_context(|| format!("{what} is not JSON: {text}"))
        };
        Ok(Seen {
            failures: (status != 200).then_some(failures),
            checks: ask("trace_check/summary")?,
            traces: ask("traces")?,
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// Ports that nobody listens on; the test agent cannot say which ones it chose.
fn free_ports() -> anyhow::Result<[String; 3]> {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let listeners = [bind()?, bind()?, bind()?];
    let mut ports = [String::new(), String::new(), String::new()];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port().to_string();
    }
    Ok(ports)
}

/// What passed.
#[derive(Debug)]
pub(crate) struct Seen {
    failures: Option<String>,
    checks: Value,
    traces: Value,
}

impl Seen {
    /// No check has failed, some were made, and every span has arrived as it passed.
    pub(crate) fn compare(&self, client: Language, arrived: &Arrived, out: &mut Findings) {
        if let Some(failures) = &self.failures {
            out.add(format!("the test agent: {failures}"));
        }
        let passed = self.checks.as_object().map(Map::values);
        let passed = passed.into_iter().flatten();
        let passed: u64 = passed
            .filter_map(|check| check["Passed_Checks"].as_u64())
            .sum();
        if passed == 0 {
            out.add(format!("the test agent made no check: {}", self.checks));
        }
        let spans: Vec<&Value> = list(&self.traces).iter().flat_map(list).collect();
        out.equal("spans", &spans.len().into(), &arrived.spans.len().into());
        for span in spans {
            let id = word(&span["span_id"]);
            let mut those = arrived.spans.iter();
            match those.find(|((_, other), _)| *other == id) {
                Some((_, found)) => {
                    for one in found {
                        same(client, span, one, out);
                    }
                }
                None => out.add(format!("passed, but did not arrive: {span}")),
            }
        }
    }
}

fn same(client: Language, passed: &Value, arrived: &Value, out: &mut Findings) {
    let what = format!(
        "passed {} {}",
        word(&passed["name"]),
        word(&passed["span_id"])
    );
    for (theirs, ours) in [
        ("trace_id", "traceID"),
        ("parent_id", "parentID"),
        ("start", "start"),
    ] {
        let number = match &passed[theirs] {
            Value::Null => "0".to_owned(),
            other => word(other),
        };
        out.equal(&format!("{what}: {theirs}"), &number.into(), &arrived[ours]);
    }
    for (key, absent) in [
        ("service", json!("")),
        ("name", json!("")),
        ("type", json!("")),
        ("error", json!(0)),
        ("duration", json!(0)),
    ] {
        let value = match &passed[key] {
            Value::Null => &absent,
            other => other,
        };
        out.equal(&format!("{what}: {key}"), value, &arrived[key]);
    }
    resource(client, &what, &passed["resource"], arrived, out);
    for kind in ["meta", "metrics"] {
        tags(&what, &passed[kind], &arrived[kind], out);
        strangers(&what, &passed[kind], &arrived[kind], out);
    }
    let links: Value = list(&passed["span_links"]).iter().map(link).collect();
    out.equal(&format!("{what}: links"), &links, &arrived["spanLinks"]);
    let events: Value = list(&passed["span_events"]).iter().map(event).collect();
    out.equal(&format!("{what}: events"), &events, &arrived["spanEvents"]);
}

/// Tags that nobody sent, and that are none of the agent's.
fn strangers(what: &str, passed: &Value, arrived: &Value, out: &mut Findings) {
    for (key, value) in arrived.as_object().into_iter().flatten() {
        if passed[key].is_null() && !ADDED.contains(&key.as_str()) && key != STATEMENT_TAG {
            out.add(format!("{what}: {key} was not sent, arrived {value}"));
        }
    }
}

/// A link as the intake shows it.
fn link(link: &Value) -> Value {
    let or_nothing = |value: &Value, nothing: Value| match value {
        Value::Null => nothing,
        other => other.clone(),
    };
    json!({
        "traceID": word(&link["trace_id"]),
        "traceID_high": word(&or_nothing(&link["trace_id_high"], json!(0))),
        "spanID": word(&link["span_id"]),
        "attributes": or_nothing(&link["attributes"], json!({})),
        "tracestate": word(&link["tracestate"]),
        "flags": or_nothing(&link["flags"], json!(0)),
    })
}

/// An event as the intake shows it.
fn event(event: &Value) -> Value {
    let attributes = event["attributes"].as_object().into_iter().flatten();
    let attributes: Map<String, Value> = attributes
        .map(|(key, typed)| (key.clone(), attribute(typed)))
        .collect();
    json!({
        "time_unix_nano": word(&event["time_unix_nano"]),
        "name": event["name"],
        "attributes": attributes,
    })
}

/// A value without its type.
fn attribute(typed: &Value) -> Value {
    match typed["type"].as_u64() {
        Some(0) => typed["string_value"].clone(),
        Some(1) => typed["bool_value"].clone(),
        Some(2) => typed["int_value"].clone(),
        Some(3) => typed["double_value"].clone(),
        _ => {
            let values = list(&typed["array_value"]["values"]).iter();
            values.map(attribute).collect()
        }
    }
}
