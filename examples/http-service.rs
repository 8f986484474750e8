//! A web service whose every request makes a trace, a metric and a log. Serves itself three requests, and ends.
//!
//! The agent starts before the first request and stops after the last; a layer around the handlers tells it of each.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, serve};
use datadog_agent_native::agent::{AgentCoordinator, AgentHandle};
use datadog_agent_native::config::Config;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SERVICE: &str = "example-http-service";

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
    let agent = coordinator.handle().clone();
    let app = Router::new()
        .route("/orders/{number}", get(order))
        .layer(from_fn_with_state(agent.clone(), observe));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener, app).into_future());
    for number in 1..=3 {
        println!("GET /orders/{number}: {}", status(address, number).await?);
    }
    server.abort();
    let report = agent.flush(Duration::from_secs(10)).await;
    println!("{}", report.unsent().as_deref().unwrap_or("flushed"));
    coordinator.shutdown().await?;
    println!("stopped");
    Ok(())
}

async fn order(Path(number): Path<u32>) -> (StatusCode, &'static str) {
    match number {
        1 => (StatusCode::OK, "tea"),
        2 => (StatusCode::OK, "milk"),
        _ => (StatusCode::NOT_FOUND, "no such order"),
    }
}

/// Tells the agent of a request before it is answered, so that who has the answer knows that it was told.
async fn observe(State(agent): State<AgentHandle>, request: Request, next: Next) -> Response {
    let begin = SystemTime::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let told = tell(&agent, method.as_str(), &path, response.status(), begin).await;
    if let Err(error) = told {
        // The agent's troubles are not those of who asked for an order.
        println!("{error}");
    }
    response
}

async fn tell(
    agent: &AgentHandle,
    method: &str,
    path: &str,
    status: StatusCode,
    begin: SystemTime,
) -> Result<(), Box<dyn Error>> {
    let start = u64::try_from(begin.duration_since(UNIX_EPOCH)?.as_nanos())?;
    // Two requests never begin in the same nanosecond here; a tracer draws its ids at random.
    let id = start;
    let span = json!({
        "service": SERVICE,
        "name": "http.request",
        "resource": format!("{method} /orders/{{number}}"),
        "type": "web",
        "trace_id": id,
        "span_id": id,
        "start": start,
        "duration": u64::try_from(begin.elapsed()?.as_nanos())?,
        "meta": {
            "span.kind": "server",
            "http.method": method,
            "http.url": path,
            "http.status_code": status.as_str(),
        },
    });
    agent
        .submit_traces(json!([[span]]).to_string().into())
        .await?;
    let metrics = agent.metrics().ok_or("metrics are off")?;
    let status = status.as_str();
    metrics
        .send(format!("example.http.requests:1|c|#service:{SERVICE},status:{status}").as_bytes())?;
    let log = json!({
        "message": format!("{method} {path} answered {status}"),
        "service": SERVICE,
        "status": if status < "400" { "info" } else { "warn" },
        "dd.trace_id": id.to_string(),
        "dd.span_id": id.to_string(),
    });
    agent.submit_logs(log.to_string().into())?;
    Ok(())
}

/// The status that the service answers with.
async fn status(service: SocketAddr, number: u32) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(service).await?;
    let request =
        format!("GET /orders/{number} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    Ok(status.to_owned())
}
