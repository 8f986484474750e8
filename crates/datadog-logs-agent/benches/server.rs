//! How many entries the log server takes a second, and how much memory it takes under clients that mean no good.
//!
//! Prints one line of JSON per figure. The server, its queue and the aggregator are real; batches go to a forwarder
//! whose intake is not there and which keeps nothing, so that sending costs next to nothing. Clients run in the same
//! process while throughput is measured, so that the figure is what the machine does for both ends together, and in a
//! process of their own while memory is.
//!
//! `cargo bench -p datadog-logs-agent --bench server [-- SECONDS]`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "figures are printed, and a bench that cannot run must fail"
)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use datadog_agent_runtime::bind::Target;
use datadog_agent_runtime::bind::http::Pages;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain;
use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::service::Overflow;
use datadog_forwarder::{ApiKey, Encoding};
use datadog_logs_agent::{Config, Destination, Running, Shared, start};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections that send all the time.
const CONNECTIONS: usize = 16;
/// Entries in one request.
const ENTRIES: usize = 100;
/// Bytes of one entry.
const ENTRY_BYTES: usize = 200;
/// The argument of a process that attacks the server at an address.
const ATTACK: &str = "--attack";
/// Connections that mean no good.
const BAD_CONNECTIONS: usize = 2_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut seconds = 5;
    let mut victim = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            ATTACK => victim = arguments.next().map(|addr| addr.parse().unwrap()),
            other => seconds = other.parse().unwrap_or(seconds),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let time = Duration::from_secs(seconds);
    runtime.block_on(async {
        if let Some(addr) = victim {
            return attack(addr, time).await;
        }
        memory(time).await;
        throughput(time).await;
    });
}

async fn throughput(time: Duration) {
    let (running, telemetry, _signal) = agent().await;
    let addr = running.local_addrs()[0];
    let request = Arc::new(post(&[], &entries()));
    let refused = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (request, refused) = (Arc::clone(&request), Arc::clone(&refused));
        clients.spawn(async move { load(addr, &request, started + time, &refused).await });
    }
    let mut latencies: Vec<Duration> = clients.join_all().await.concat();
    let elapsed = started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let processed = telemetry.sum(Metric::LogsProcessed, &[]) as f64;
    figure("server_entries", processed / elapsed, "entries/s");
    figure("server_latency_p50", percentile(&latencies, 50), "ms");
    figure("server_latency_p99", percentile(&latencies, 99), "ms");
    figure(
        "server_requests_refused",
        refused.load(Ordering::Relaxed) as f64,
        "requests",
    );
}

/// One client: the next request goes when the answer to the last one is here.
async fn load(
    addr: SocketAddr,
    request: &[u8],
    until: Instant,
    refused: &AtomicU64,
) -> Vec<Duration> {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let mut latencies = Vec::new();
    let mut answer = [0; 1_024];
    while Instant::now() < until {
        let sent = Instant::now();
        socket.write_all(request).await.unwrap();
        // The answer is short and written at once.
        let count = socket.read(&mut answer).await.unwrap();
        if !answer[..count].starts_with(b"HTTP/1.1 200 ") {
            refused.fetch_add(1, Ordering::Relaxed);
        }
        latencies.push(sent.elapsed());
    }
    latencies
}

/// The memory of this process while another one attacks it.
async fn memory(time: Duration) {
    let (running, telemetry, _signal) = agent().await;
    let addr = running.local_addrs()[0];
    let before = resident_bytes();
    let mut attacker = std::process::Command::new(std::env::current_exe().unwrap())
        .args([ATTACK, &addr.to_string(), &time.as_secs().to_string()])
        .spawn()
        .unwrap();
    let mut peak = before;
    while attacker.try_wait().unwrap().is_none() {
        peak = peak.max(resident_bytes());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let received = telemetry.sum(Metric::LogsBytesReceived, &[]);
    figure("server_memory_idle", before as f64, "bytes");
    figure("server_memory_under_attack", peak as f64, "bytes");
    figure("server_received_under_attack", received as f64, "bytes");
}

/// Slow clients with half a body each, and bodies of some kilobytes that grow to gigabytes.
async fn attack(addr: SocketAddr, time: Duration) {
    let half = post(&[], &vec![b' '; 4 * 1_024 * 1_024]);
    let half = Arc::new(half[..half.len() / 2].to_vec());
    let bomb = Arc::new(post(b"Content-Encoding: zstd\r\n", &bomb()));
    let until = Instant::now() + time;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..BAD_CONNECTIONS {
        let request = Arc::clone(if number % 2 == 0 { &half } else { &bomb });
        clients.spawn(async move { pester(addr, &request, until).await });
    }
    tokio::time::sleep(time).await;
    clients.shutdown().await;
}

/// A gibibyte in a frame that does not say so: one that does is refused at its first bytes.
fn bomb() -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    let piece = vec![b'['; 1_024 * 1_024];
    for _ in 0..1_024 {
        encoder.write_all(&piece).unwrap();
    }
    encoder.finish().unwrap()
}

async fn pester(addr: SocketAddr, request: &[u8], until: Instant) {
    while Instant::now() < until {
        let Ok(mut socket) = TcpStream::connect(addr).await else {
            continue;
        };
        // Whether all of it was taken does not matter, as long as the server is kept busy.
        let _taken = socket.write_all(request).await.is_ok();
        let mut answer = [0; 64];
        let _answered = socket.read(&mut answer).await.is_ok();
    }
}

async fn agent() -> (Running, Telemetry, drain::DrainSignal) {
    let destination = Destination::Datadog {
        url: "http://127.0.0.1:9/api/v2/logs".to_owned(),
    };
    let mut config = Config::from_destination(destination, Some(ApiKey::fixed("key")));
    config.listen = vec![Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    }];
    config.encoding = Encoding::Identity;
    config.overflow = Overflow::DropOldest;
    config.redrive_bytes = 1;
    let telemetry = Telemetry::default();
    let shared = Shared {
        events: event_bus::Sender::default(),
        client: Client::new(ConnectConfig::default()).unwrap(),
        telemetry: telemetry.clone(),
        pages: Pages {
            info: Arc::new(|| json!({})),
            status: Arc::new(|| json!({})),
        },
    };
    let (signal, drain) = drain::channel();
    let running = start(config, shared, drain).await.unwrap();
    (running, telemetry, signal)
}

fn entries() -> Vec<u8> {
    let entry = |number: usize| {
        let mut entry = format!(
            r#"{{"timestamp":170000000{number:04},"service":"shop","ddsource":"java","message":""#
        );
        entry.extend(std::iter::repeat_n('x', ENTRY_BYTES - entry.len() - 2));
        entry.push_str(r#""}"#);
        entry
    };
    let entries: Vec<_> = (0..ENTRIES).map(entry).collect();
    format!("[{}]", entries.join(",")).into_bytes()
}

fn post(headers: &[u8], body: &[u8]) -> Vec<u8> {
    let mut request = b"POST /v1/input HTTP/1.1\r\nHost: agent\r\n".to_vec();
    request.extend_from_slice(headers);
    request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    request.extend_from_slice(body);
    request
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(0.0, Duration::as_secs_f64) * 1_000.0
}

/// Pages of this process that are in memory, in bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_u64) * 4_096
}

fn figure(name: &str, value: f64, unit: &str) {
    println!("{}", json!({"name": name, "value": value, "unit": unit}));
}
