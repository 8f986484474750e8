//! Sends a trace, a metric and a log through one Unix socket, whose file only this user may write to.
//!
//! As other processes of the same machine would; this one needs none of it, see `quickstart.rs`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::config::Config;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

const SERVICE: &str = "example-unix-socket";

/// What is set besides what the environment says.
const SETTINGS: [(&str, &str); 7] = [
    ("DD_AGENT_MODE", "http_uds"),
    ("DD_DOGSTATSD_ENABLED", "true"),
    ("DD_ENV", "examples"),
    ("DD_LOGS_ENABLED", "true"),
    ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
    ("DD_SERVICE", SERVICE),
    ("DD_TRACE_AGENT_UDS_PERMISSIONS", "0600"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::builder()
        .with_env()
        .with_more_env(SETTINGS)
        .build()?;
    let mut coordinator = AgentCoordinator::new(config)?;
    coordinator.start().await?;
    let socket = coordinator.listeners().trace_uds.clone();
    let socket = socket.ok_or("no socket")?;
    let mode = std::fs::metadata(&socket)?.permissions().mode() & 0o777;
    let path = socket.display();
    println!("traces, metrics and logs on {path} ({mode:o})");
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let span = json!({
        "service": SERVICE,
        "name": "file.read",
        "resource": "read a file",
        "trace_id": 1,
        "span_id": 1,
        "start": u64::try_from(now.as_nanos())?,
        "duration": 3_000_000,
    });
    post(&socket, "/v0.4/traces", &json!([[span]]).to_string()).await?;
    println!("sent a trace: file.read");
    // What a client of DogStatsD would send as a datagram.
    let metric = format!("example.unix_socket.files:1|c|#service:{SERVICE}\n");
    post(&socket, "/dogstatsd/v2/proxy", &metric).await?;
    println!("sent a metric: example.unix_socket.files");
    let log = json!({ "message": "file read", "service": SERVICE, "status": "info" });
    post(&socket, "/v1/input", &log.to_string()).await?;
    println!("sent a log: file read");
    let report = coordinator.flush(Duration::from_secs(10)).await;
    println!("{}", report.unsent().as_deref().unwrap_or("flushed"));
    coordinator.shutdown().await?;
    let rest = if socket.exists() {
        "still there"
    } else {
        "gone"
    };
    println!("stopped, and the socket is {rest}");
    Ok(())
}

/// Posts over HTTP to the socket.
async fn post(socket: &Path, path: &str, body: &str) -> Result<(), Box<dyn Error>> {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    match status.starts_with('2') {
        true => Ok(()),
        false => Err(format!("{path} answered {answer}").into()),
    }
}
