//! Texts, numbers and errors on spans, and a log that is found beside its trace.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::config::Config;
use serde_json::{Value, json};

const SERVICE: &str = "example-trace-enrichment";
const TRACE_ID: u64 = 7;

/// What is set besides what the environment says.
const SETTINGS: [(&str, &str); 7] = [
    ("DD_AGENT_MODE", "http_ephemeral_port"),
    ("DD_DOGSTATSD_ENABLED", "true"),
    ("DD_ENV", "examples"),
    ("DD_LOGS_ENABLED", "true"),
    ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
    ("DD_SERVICE", SERVICE),
    ("DD_VERSION", "2.1.0"),
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
    let trace = declined(SystemTime::now())?;
    agent
        .submit_traces(json!([trace]).to_string().into())
        .await?;
    println!("sent a trace: checkout, with payment.charge, which failed");
    let metrics = agent.metrics().ok_or("metrics are off")?;
    let tags = format!("service:{SERVICE},env:examples,payment.provider:acme");
    metrics.send(format!("example.enrichment.declined:1|c|#{tags}").as_bytes())?;
    println!("sent a metric: example.enrichment.declined");
    let log = json!({
        "message": "the card was declined",
        "service": SERVICE,
        "status": "error",
        "ddtags": "env:examples,version:2.1.0",
        // By these two, the log is found beside the trace.
        "dd.trace_id": TRACE_ID.to_string(),
        "dd.span_id": "2",
    });
    agent.submit_logs(log.to_string().into())?;
    println!("sent a log: the card was declined");
    let report = agent.flush(Duration::from_secs(10)).await;
    println!("{}", report.unsent().as_deref().unwrap_or("flushed"));
    coordinator.shutdown().await?;
    println!("stopped");
    Ok(())
}

/// A checkout whose payment was declined: two spans of one trace.
fn declined(begin: SystemTime) -> Result<Value, Box<dyn Error>> {
    let start = u64::try_from(begin.duration_since(UNIX_EPOCH)?.as_nanos())?;
    let span = |span_id: u64, name: &str, resource: &str, mut meta: Value| {
        // How an error is told: a flag, and its type and words.
        meta["error.type"] = "PermissionError".into();
        meta["error.message"] = "card declined".into();
        json!({
            "service": SERVICE, "name": name, "resource": resource,
            "trace_id": TRACE_ID, "span_id": span_id, "parent_id": span_id - 1,
            "start": start, "duration": 5_000_000, "error": 1, "meta": meta,
        })
    };
    let mut checkout = span(
        1,
        "checkout",
        "POST /checkout",
        json!({ "span.kind": "server", "usr.id": "u-77" }),
    );
    // On the first span of a service stands how the whole trace was sampled. 2: kept, because the program says so.
    checkout["metrics"] =
        json!({ "cart.items": 3, "cart.total": 42.5, "_sampling_priority_v1": 2 });
    let payment = span(
        2,
        "payment.charge",
        "charge card",
        json!({ "span.kind": "client", "peer.service": "payments", "payment.provider": "acme" }),
    );
    Ok(json!([checkout, payment]))
}
