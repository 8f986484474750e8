//! Sends every type of metric that DogStatsD knows, an event and a service check; a trace and a log of the same work.
//!
//! No client library is needed: a metric is a line of text, here without a socket.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datadog_agent_native::agent::{AgentCoordinator, AgentHandle};
use datadog_agent_native::config::Config;
use serde_json::json;

const SERVICE: &str = "example-custom-metrics";

/// What is set besides what the environment says.
const SETTINGS: [(&str, &str); 6] = [
    ("DD_AGENT_MODE", "http_ephemeral_port"),
    ("DD_DOGSTATSD_ENABLED", "true"),
    ("DD_ENV", "examples"),
    ("DD_LOGS_ENABLED", "true"),
    ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
    ("DD_SERVICE", SERVICE),
];

const METRICS: [&str; 8] = [
    // Counted: the sum of ten seconds.
    "example.custom.orders:3|c",
    // Counted by one in ten, and multiplied again by the agent.
    "example.custom.views:1|c|@0.1",
    // Measured: the last value of ten seconds.
    "example.custom.queue:42|g",
    // Percentiles and an average, worked out in the agent; several values in one line.
    "example.custom.basket:19.90:7.50:120|h",
    // Percentiles over all hosts, worked out at the other end.
    "example.custom.latency:12:15:80|d",
    // A duration in milliseconds.
    "example.custom.checkout:250|ms",
    // How many different values there were.
    "example.custom.customers:ada|s",
    "example.custom.customers:grace|s",
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::builder()
        .with_env()
        .with_more_env(SETTINGS)
        .build()?;
    let mut coordinator = AgentCoordinator::new(config)?;
    coordinator.start().await?;
    let agent = coordinator.handle();
    let begin = SystemTime::now();
    send_metrics(agent)?;
    let span = json!({
        "service": SERVICE,
        "name": "metrics.send",
        "resource": "send metrics",
        "trace_id": 1,
        "span_id": 1,
        "start": u64::try_from(begin.duration_since(UNIX_EPOCH)?.as_nanos())?,
        "duration": u64::try_from(begin.elapsed()?.as_nanos())?,
        "metrics": { "metrics.sent": METRICS.len() },
    });
    agent
        .submit_traces(json!([[span]]).to_string().into())
        .await?;
    println!("sent a trace: metrics.send");
    let log = json!({ "message": "metrics sent", "service": SERVICE, "status": "info" });
    agent.submit_logs(log.to_string().into())?;
    println!("sent a log: metrics sent");
    let report = agent.flush(Duration::from_secs(10)).await;
    println!("{}", report.unsent().as_deref().unwrap_or("flushed"));
    // The end of the agent closes the buckets of time that metrics are counted in, and sends them.
    coordinator.shutdown().await?;
    println!("stopped");
    Ok(())
}

fn send_metrics(agent: &AgentHandle) -> Result<(), Box<dyn Error>> {
    let metrics = agent.metrics().ok_or("metrics are off")?;
    let tags = format!("#service:{SERVICE},shop:berlin");
    // Many lines may go together, as in a datagram.
    let lines = METRICS.map(|line| format!("{line}|{tags}"));
    metrics.send(lines.join("\n").as_bytes())?;
    let (title, text) = ("deployed", "version 2 of the shop");
    let (title_bytes, text_bytes) = (title.len(), text.len());
    let event = format!("_e{{{title_bytes},{text_bytes}}}:{title}|{text}|t:success|{tags}");
    metrics.send(event.as_bytes())?;
    metrics.send(format!("_sc|example.custom.database|0|{tags}").as_bytes())?;
    let count = METRICS.len();
    println!("sent {count} metrics, an event and a service check");
    Ok(())
}
