//! How long a tracer waits for its answer, and what that costs in memory: 50 traces of 10 spans in a body of v0.4, over
//! connections that stay open, at a fixed rate and as fast as the answers come.
//!
//! Prints one line of JSON per figure. The agent is real, but for its intake, which is not there: requests wait for
//! another try until the oldest make room. Clients run in the same process, so that the figures are what the machine
//! does for both ends.
//!
//! `cargo bench -p datadog-traces-agent --bench latency [-- SECONDS]`

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "figures are printed, and a bench that cannot run must fail"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datadog_agent_runtime::bind::Target;
use datadog_agent_runtime::bind::http::Pages;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::ApiKey;
use datadog_traces_agent::{Config, Running, Shared, span, start};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[path = "../src/testing/msgpack.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod msgpack;
#[path = "payload/web.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod web;

/// Connections, each of which sends one request at a time.
const CONNECTIONS: usize = 8;
/// Traces in a body, of ten spans each.
const TRACES: usize = 50;
/// Requests a second over all connections, where the rate is fixed: 100,000 spans.
const RATE: usize = 200;

fn main() {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(5));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(time));
}

async fn measure(time: Duration) {
    let (running, telemetry, _signal) = agent().await;
    let addr = running.local_addrs()[0];
    let request: Arc<[u8]> = request().into();
    figure("traces_latency_rss_at_rest", status("VmRSS"), "MiB");
    let pause =
        Duration::from_secs(1) * u32::try_from(CONNECTIONS).unwrap() / u32::try_from(RATE).unwrap();
    for (name, pause) in [("rate", pause), ("saturation", Duration::ZERO)] {
        let before = telemetry.sum(Metric::TracesSpansReceived, &[]);
        let begin = Instant::now();
        let mut clients = JoinSet::new();
        for client in 0..CONNECTIONS {
            let request = Arc::clone(&request);
            let first = begin + pause * u32::try_from(client).unwrap() / 8;
            clients.spawn(load(addr, request, first, pause, begin + time));
        }
        let mut times: Vec<Duration> = clients.join_all().await.concat();
        times.sort_unstable();
        let spans = telemetry.sum(Metric::TracesSpansReceived, &[]) - before;
        let rate = spans as f64 / begin.elapsed().as_secs_f64();
        figure(
            &format!("traces_latency_{name}_p50"),
            percentile(&times, 50),
            "ms",
        );
        figure(
            &format!("traces_latency_{name}_p99"),
            percentile(&times, 99),
            "ms",
        );
        figure(&format!("traces_latency_{name}_spans"), rate, "spans/s");
        figure(
            &format!("traces_latency_{name}_rss"),
            status("VmRSS"),
            "MiB",
        );
    }
    figure("traces_latency_rss_peak", status("VmHWM"), "MiB");
}

/// One client. A request is due after each pause, whenever the last answer came; it counts as sent when it was due.
async fn load(
    addr: SocketAddr,
    request: Arc<[u8]>,
    first: Instant,
    pause: Duration,
    until: Instant,
) -> Vec<Duration> {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let mut times = Vec::new();
    let mut answer = [0; 4_096];
    let mut due = first;
    while Instant::now() < until {
        tokio::time::sleep_until(due.into()).await;
        let sent = match pause.is_zero() {
            true => Instant::now(),
            false => due,
        };
        socket.write_all(&request).await.unwrap();
        // The answer is short and written at once.
        let count = socket.read(&mut answer).await.unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200 "));
        times.push(sent.elapsed());
        due += pause;
    }
    times
}

async fn agent() -> (Running, Telemetry, drain::DrainSignal) {
    let key = Some(ApiKey::fixed("0123456789abcdef"));
    let mut config = Config::from_intake("http://127.0.0.1:9", key, "127.0.0.1:9");
    config.listen = vec![Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    }];
    let (signal, drain) = drain::channel();
    let telemetry = Telemetry::default();
    let shared = Shared {
        client: Client::new(ConnectConfig::default()).unwrap(),
        telemetry: telemetry.clone(),
        pages: Pages {
            info: Arc::new(|| json!({})),
            status: Arc::new(|| json!({})),
        },
        mounts: Vec::new(),
        statsd: None,
        inspector: None,
        events: datadog_agent_runtime::event_bus::Sender::default(),
    };
    (
        start(config, shared, drain).await.unwrap(),
        telemetry,
        signal,
    )
}

fn request() -> Vec<u8> {
    let mut payload = web::payload();
    payload.chunks.truncate(TRACES);
    let body = msgpack::v04(&payload);
    let head = format!(
        "PUT /v0.4/traces HTTP/1.1\r\nhost: agent\r\ncontent-type: application/msgpack\r\n\
         datadog-meta-lang: python\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

/// A percentile in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent / 100).min(times.len() - 1);
    times[index].as_secs_f64() * 1e3
}

/// A figure of this process in MiB, as Linux tells it.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1_024.0
}

fn figure(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.2},\"unit\":\"{unit}\"}}");
}
