//! What an embedded agent costs its host: to start, to stop, and while nothing happens.
//!
//! Every pipeline is on, on ports that the system chooses, with remote configuration off; no intake is there, since
//! nothing is sent. The runtime has two workers, as that of the C interface. Prints one line of JSON per figure.
//!
//! `cargo bench -p datadog-agent-native --bench lifecycle [-- SECONDS]`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "figures are printed, and a bench that cannot run must fail"
)]

use std::fs;
use std::time::{Duration, Instant};

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::config::Config;
use serde_json::json;
use tokio::runtime::Builder;

/// Starts and stops that are timed.
const CYCLES: usize = 100;
/// Those before, after which what is made once is there.
const WARM_UP: usize = 10;
const WORKERS: usize = 2;
/// Clock ticks in a second, as `/proc` counts.
const TICKS: f64 = 100.0;

fn main() {
    let seconds = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let seconds: u64 = seconds.unwrap_or(20);
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // First, while the process is as small as that of a host.
        idle(seconds).await;
        cycles().await;
    });
}

fn agent() -> AgentCoordinator {
    let config = Config::from_env_iter([
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_AGENT_MODE", "http_ephemeral_port"),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_DOGSTATSD_ENABLED", "true"),
        ("DD_HOSTNAME", "bench"),
        ("DD_APM_DD_URL", "http://127.0.0.1:9"),
        ("DD_DD_URL", "http://127.0.0.1:9"),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", "http://127.0.0.1:9"),
    ]);
    AgentCoordinator::new(config).unwrap()
}

async fn idle(seconds: u64) {
    let before = status("VmRSS:");
    let mut agent = agent();
    agent.start().await.unwrap();
    let cpu = cpu_s();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let cpu = cpu_s() - cpu;
    figure(
        "lifecycle_idle_cpu",
        cpu / seconds as f64 * 100.0,
        "% of a core",
    );
    figure("lifecycle_idle_rss", status("VmRSS:") / 1_024.0, "MiB");
    figure(
        "lifecycle_idle_rss_of_agent",
        (status("VmRSS:") - before) / 1_024.0,
        "MiB",
    );
    figure("lifecycle_threads", status("Threads:"), "threads");
    agent.stop().await.unwrap();
}

async fn cycles() {
    let (mut starts, mut stops) = (Vec::new(), Vec::new());
    let (mut files, mut memory) = (0, 0.0);
    for run in 0..WARM_UP + CYCLES {
        if run == WARM_UP {
            (files, memory) = (open_files(), status("VmRSS:"));
        }
        let mut agent = agent();
        let begin = Instant::now();
        agent.start().await.unwrap();
        let started = begin.elapsed();
        let begin = Instant::now();
        agent.stop().await.unwrap();
        if run >= WARM_UP {
            starts.push(started);
            stops.push(begin.elapsed());
        }
    }
    for (name, mut times) in [("start", starts), ("stop", stops)] {
        times.sort();
        for (of, percent) in [("p50", 50), ("p99", 99)] {
            let ms = times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
            figure(&format!("lifecycle_{name}_{of}"), ms, "ms");
        }
    }
    let more = open_files() as f64 - files as f64;
    figure("lifecycle_100_cycles_files", more, "files");
    figure(
        "lifecycle_100_cycles_rss",
        (status("VmRSS:") - memory) / 1_024.0,
        "MiB",
    );
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A number of `/proc/self/status`.
fn status(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Processor time of this process.
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks = fields.skip(11).take(2).map(|it| it.parse::<f64>().unwrap());
    ticks.sum::<f64>() / TICKS
}

fn figure(name: &str, value: f64, unit: &str) {
    let value = (value * 100.0).round() / 100.0;
    println!("{}", json!({ "name": name, "value": value, "unit": unit }));
}
