//! What hostile clients cost in memory: counted by the allocator, which every byte of the process goes through.
//!
//! A binary of its own, for that reason, and one test: what runs beside it would be counted too. The bodies of the
//! clients are made before, so that they do not count.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a helper of a test fails the test, and figures are for whoever wants them"
)]

use std::sync::Arc;
use std::time::Duration;

use datadog_agent_runtime::bind::Target;
use datadog_agent_runtime::bind::http::Pages;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::ApiKey;
use datadog_traces_agent::{Config, FlushStrategy, Running, Shared, start};
use serde_json::json;
use tokio::task::JoinSet;

#[path = "../../../tests/allocator.rs"]
mod allocator;
// The client of the log agent's tests: both servers are spoken to alike.
#[path = "memory/bodies.rs"]
mod bodies;
#[path = "../../datadog-logs-agent/tests/integration_test/client.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod client;

use client::{Connection, head};

const MIB: usize = 1_024 * 1_024;
/// The memory that bodies, what is decoded of them and encoded traces share.
const SHARED: usize = 50 * MIB;
/// What there is beyond that for large bodies.
const WORKSPACE: usize = 32 * MIB;
/// What else a connection and a request may cost: buffers of sockets, tasks, a request that is put together.
const ELSE: usize = 10 * MIB;

/// What a thousand connections cost, at both ends: buffers of sockets and tasks.
const CONNECTIONS: usize = 64 * MIB;

const MSGPACK: &str = "Content-Type: application/msgpack\r\n";

/// An agent whose intake is not there.
struct Agent {
    running: Running,
    telemetry: Telemetry,
    _signal: drain::DrainSignal,
}

impl Agent {
    async fn start() -> Self {
        let key = Some(ApiKey::fixed("0123456789abcdef"));
        let mut config = Config::from_intake("http://127.0.0.1:9", key, "127.0.0.1:9");
        config.listen = vec![Target::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 0,
        }];
        config.flush = FlushStrategy::OnDemand;
        config.requests.decoder_timeout = Duration::from_secs(60);
        config.requests.timeout = Duration::from_secs(60);
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
            events: datadog_agent_runtime::event_bus::Sender::default(),
            statsd: None,
            inspector: None,
        };
        Self {
            running: start(config, shared, drain).await.unwrap(),
            telemetry,
            _signal: signal,
        }
    }

    async fn connect(&self) -> Connection {
        Connection::open(self.running.local_addrs()[0]).await
    }

    async fn post(&self, path: &str, body: &[u8]) -> u16 {
        let mut connection = self.connect().await;
        connection.post(path, MSGPACK, body).await.status
    }
}

/// How much more was in use meanwhile than before.
async fn peak<T>(work: impl Future<Output = T>) -> (usize, T) {
    let before = allocator::used();
    allocator::forget_most();
    let made = work.await;
    (allocator::most() - before, made)
}

#[track_caller]
fn check(what: &str, peak: usize, limit: usize) {
    // For whoever wants the figures: `cargo test --test memory -- --nocapture`.
    eprintln!("{what}: {:.1} MiB", peak as f64 / MIB as f64);
    assert!(peak <= limit, "{what}: {peak} bytes of {limit}");
}

/// One body that is answered so, by an agent that holds nothing else.
async fn body(what: &str, path: &str, body: Vec<u8>, status: u16, limit: usize) {
    let agent = Agent::start().await;
    let (peak, answered) = peak(agent.post(path, &body)).await;
    assert_eq!(answered, status, "{what}");
    // An overload is answered as if it were none.
    let taken = agent.telemetry.sum(Metric::TracesPayloadsAccepted, &[]);
    assert_eq!(taken, u64::from(status == 200), "{what}");
    check(what, peak, limit);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_clients_cost_no_more_than_the_memory_of_all_and_a_constant() {
    let traces = "/v0.4/traces";
    let nested = vec![0x91; 50 * MIB];
    body("nested arrays", traces, nested, 400, SHARED + ELSE).await;
    for declared in bodies::declared() {
        body("declared lengths", traces, declared, 400, ELSE).await;
    }
    let all = SHARED + WORKSPACE + ELSE;
    let empty = bodies::empty_spans(24_000_000);
    body("empty spans in a chunk", traces, empty, 413, all).await;
    let empty = bodies::empty_chunks(1_000_000);
    body("empty chunks", traces, empty, 200, all).await;
    let long = bodies::spans(1, 100_000);
    // Its message is as large, and is copied once into a request.
    let two = 2 * long.len();
    body("100,000 spans in a chunk", traces, long, 200, all + two).await;
    let large = bodies::spans(1_000, 100);
    assert!(large.len() > 25 * MIB, "{}", large.len());
    body("a large body of many chunks", traces, large, 200, all).await;
    let stats = bodies::empty_groups(20_000_000);
    body("empty groups", "/v0.6/stats", stats, 400, all).await;
    slow_writers(&Agent::start().await).await;
    all_at_once(&Agent::start().await).await;
}

/// A thousand clients that each hold a byte back for as long as they can.
async fn slow_writers(agent: &Agent) {
    let (cost, writers) = peak(async {
        let mut writers = Vec::new();
        for _ in 0..1_000 {
            let mut writer = agent.connect().await;
            let length = "Content-Length: 20000\r\n";
            writer.write(head("/v0.4/traces", length)).await;
            writer.write(vec![0x91; 19_999]).await;
            writers.push(writer);
        }
        for writer in &mut writers {
            writer.write([0x91]).await;
            assert_eq!(writer.answer().await.status, 400);
        }
        writers
    })
    .await;
    check("a thousand slow writers", cost, SHARED + ELSE + CONNECTIONS);
    drop(writers);
}

/// A thousand clients that each send a body, none of which waits for another.
async fn all_at_once(agent: &Agent) {
    let body: Arc<[u8]> = bodies::spans(20, 10).into();
    let mut clients = JoinSet::new();
    let mut connections = Vec::new();
    for _ in 0..1_000 {
        connections.push(agent.connect().await);
    }
    let (cost, ()) = peak(async {
        for mut connection in connections {
            let body = Arc::clone(&body);
            clients.spawn(async move {
                let answer = connection.post("/v0.4/traces", MSGPACK, &body).await;
                assert_eq!(answer.status, 200);
            });
        }
        while let Some(done) = clients.join_next().await {
            done.unwrap();
        }
    })
    .await;
    check(
        "a thousand bodies at once",
        cost,
        SHARED + WORKSPACE + ELSE + CONNECTIONS,
    );
}
