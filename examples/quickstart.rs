//! Starts an agent inside of this program, sends a trace, a metric and a log through it, flushes and stops.
//!
//! Nothing goes over a socket on its way to the agent: it is in the same process.
//!
//! `DD_API_KEY=… cargo run -p datadog-agent-native --example quickstart`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datadog_agent_native::agent::{AgentCoordinator, AgentHandle};
use datadog_agent_native::config::Config;
use serde_json::{Value, json};

const SERVICE: &str = "example-quickstart";

/// What is set besides what the environment says.
const SETTINGS: [(&str, &str); 6] = [
    ("DD_AGENT_MODE", "http_ephemeral_port"),
    ("DD_DOGSTATSD_ENABLED", "true"),
    ("DD_ENV", "examples"),
    ("DD_LOGS_ENABLED", "true"),
    ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
    ("DD_SERVICE", SERVICE),
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
    send_trace(agent).await?;
    send_metric(agent)?;
    send_log(agent)?;
    let report = agent.flush(Duration::from_secs(10)).await;
    println!("{}", report.unsent().as_deref().unwrap_or("flushed"));
    coordinator.shutdown().await?;
    println!("stopped");
    Ok(())
}

async fn send_trace(agent: &AgentHandle) -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let span = json!({
        "service": SERVICE,
        "name": "order.place",
        "resource": "place order",
        "trace_id": 1,
        "span_id": 1,
        "start": u64::try_from(now.as_nanos())?,
        "duration": 12_000_000,
    });
    // An array of traces, each an array of spans: in msgpack, as tracers have them, or in JSON.
    agent.submit_traces(bytes(&json!([[span]]))).await?;
    println!("sent a trace: order.place");
    Ok(())
}

fn send_metric(agent: &AgentHandle) -> Result<(), Box<dyn Error>> {
    let metrics = agent.metrics().ok_or("metrics are off")?;
    metrics.send(format!("example.quickstart.orders:1|c|#service:{SERVICE}").as_bytes())?;
    println!("sent a metric: example.quickstart.orders");
    Ok(())
}

fn send_log(agent: &AgentHandle) -> Result<(), Box<dyn Error>> {
    let log = json!({ "message": "order placed", "service": SERVICE, "status": "info" });
    agent.submit_logs(bytes(&log))?;
    println!("sent a log: order placed");
    Ok(())
}

fn bytes(value: &Value) -> bytes::Bytes {
    value.to_string().into()
}
