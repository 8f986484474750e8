//! The service with a backend in this process, on a clock that stands still until somebody waits.

mod bypass;
mod consuming;
mod http;
mod keeping;
mod killed;
mod polling;
mod serving;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_agent_runtime::telemetry::Telemetry;
use datadog_remote_config::backend::{Answer, ApiError, Call, FixedKey, KeySource, Transport};
use datadog_remote_config::consumer::{Interest, Subscriber};
use datadog_remote_config::roots::TrustRoots;
use datadog_remote_config::service::{Clock, ServiceSnapshot};
use datadog_remote_config::{
    Identity, RemoteConfigHandle, RemoteConfigService, ServiceConfig, StoreMode,
};
use datadog_wire::remote_config::{
    ConfigMetas, DelegatedMeta, DirectorMetas, File, LatestConfigsRequest, LatestConfigsResponse,
    OrgDataResponse, OrgStatusResponse, TopMeta,
};
use prost::Message as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::NOW;
use crate::signer::{Backend, sha256};

/// What the backend answers until it is told otherwise, and what it was asked.
struct State {
    configurations: Result<Bytes, ApiError>,
    org: Result<&'static str, ApiError>,
    status: (bool, bool),
    hangs: bool,
    asked: Vec<(Duration, LatestConfigsRequest)>,
    org_asked: usize,
    keys: Vec<String>,
}

/// A backend in this process.
pub(crate) struct Fake {
    state: Mutex<State>,
    begun: Instant,
}

impl Fake {
    fn new(configurations: Result<Bytes, ApiError>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                configurations,
                org: Ok("u-1"),
                status: (true, true),
                hangs: false,
                asked: Vec::new(),
                org_asked: 0,
                keys: Vec::new(),
            }),
            begun: Instant::now(),
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    fn answer_with(&self, configurations: Result<Bytes, ApiError>) {
        self.with(|state| state.configurations = configurations);
    }

    fn requests(&self) -> Vec<LatestConfigsRequest> {
        self.with(|state| {
            state
                .asked
                .iter()
                .map(|(_, request)| request.clone())
                .collect()
        })
    }

    /// Seconds since the start at which it was asked.
    fn times(&self) -> Vec<u64> {
        self.with(|state| state.asked.iter().map(|(at, _)| at.as_secs()).collect())
    }
}

impl Transport for Fake {
    fn call<'a>(&'a self, call: Call, api_key: &'a str) -> Answer<'a> {
        Box::pin(async move {
            let (answer, hangs) = self.with(|state| {
                state.keys.push(api_key.to_owned());
                let answer = match call {
                    Call::Configurations(body) => {
                        let request = LatestConfigsRequest::decode(body).unwrap();
                        state.asked.push((self.begun.elapsed(), request));
                        state.configurations.clone()
                    }
                    Call::Org => {
                        state.org_asked += 1;
                        let uuid = state.org.clone();
                        uuid.map(|uuid| {
                            let uuid = uuid.to_owned();
                            OrgDataResponse { uuid }.encode_to_vec().into()
                        })
                    }
                    Call::Status => {
                        let (enabled, authorized) = state.status;
                        let status = OrgStatusResponse {
                            enabled,
                            authorized,
                        };
                        Ok(status.encode_to_vec().into())
                    }
                };
                (answer, state.hangs)
            });
            if hangs {
                std::future::pending::<()>().await;
            }
            answer
        })
    }
}

fn top(version: u64, raw: Bytes) -> TopMeta {
    TopMeta { version, raw }
}

/// The file with its hash in its name, as the backend writes it.
fn hashed(path: &str, raw: &Bytes) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap();
    format!("{folder}/{}.{name}", sha256(raw))
}

/// Everything a backend has.
pub(crate) fn response(backend: &Backend) -> Bytes {
    let (config, director) = (&backend.config, &backend.director);
    let delegated = config.delegations().into_iter();
    let files = backend.files.iter();
    let response = LatestConfigsResponse {
        config_metas: Some(ConfigMetas {
            roots: vec![top(config.root_version, config.root())],
            timestamp: Some(top(config.timestamp_version, config.timestamp())),
            snapshot: Some(top(config.snapshot_version, config.snapshot())),
            top_targets: Some(top(config.targets_version, config.targets())),
            delegated_targets: delegated
                .map(|(role, raw)| DelegatedMeta {
                    version: 1,
                    role,
                    raw,
                })
                .collect(),
        }),
        director_metas: Some(DirectorMetas {
            roots: vec![top(director.root_version, director.root())],
            timestamp: Some(top(director.timestamp_version, director.timestamp())),
            snapshot: Some(top(director.snapshot_version, director.snapshot())),
            targets: Some(top(director.targets_version, director.targets())),
        }),
        target_files: files
            .map(|(path, raw)| File {
                path: hashed(path, raw),
                raw: raw.clone(),
            })
            .collect(),
    };
    response.encode_to_vec().into()
}

fn config(backend: &Backend) -> ServiceConfig {
    let roots = TrustRoots {
        config: backend.config.root(),
        director: backend.director.root(),
        origin: "settings",
    };
    let identity = Identity {
        hostname: "web-1".to_owned(),
        agent_version: "7.70.0".to_owned(),
        trace_agent_env: "prod".to_owned(),
        tags: vec!["a:b".to_owned()],
    };
    ServiceConfig::new("http://backend".to_owned(), roots, identity)
}

/// A service, and the backend that it asks.
pub(crate) struct Agent {
    handle: RemoteConfigHandle,
    fake: Arc<Fake>,
    telemetry: Telemetry,
    drain: DrainSignal,
    task: JoinHandle<()>,
}

/// The time of day that goes with the clock of the test.
fn clock() -> Clock {
    let begun = Instant::now();
    let at_first = Duration::from_secs(NOW.unsigned_abs());
    Clock::new(move || at_first + begun.elapsed())
}

impl Agent {
    async fn with(config: ServiceConfig, key: Arc<dyn KeySource>, fake: Arc<Fake>) -> Self {
        let telemetry = Telemetry::default();
        let transport = Arc::clone(&fake) as Arc<dyn Transport>;
        let (service, handle) =
            RemoteConfigService::open(config, transport, key, clock(), telemetry.clone())
                .await
                .unwrap();
        let (drain, told) = drain::channel();
        Self {
            handle,
            fake,
            telemetry,
            drain,
            task: tokio::spawn(service.run(told)),
        }
    }

    async fn start(config: ServiceConfig, answer: Result<Bytes, ApiError>) -> Self {
        let key = Arc::new(FixedKey("key".to_owned()));
        Self::with(config, key, Fake::new(answer)).await
    }

    /// One that asks this backend, in memory.
    async fn of(backend: &Backend) -> Self {
        Self::start(config(backend), Ok(response(backend))).await
    }

    /// One that has asked once.
    async fn refreshed(backend: &Backend) -> Self {
        let agent = Self::of(backend).await;
        agent.asked(1).await;
        agent
    }

    fn snapshot(&self) -> ServiceSnapshot {
        self.handle.snapshot()
    }

    /// Waits until the backend was asked so often, and the answer is worked on.
    async fn asked(&self, times: usize) {
        while self.fake.with(|state| state.asked.len()) < times {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // What is done elsewhere keeps the clock from moving.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    fn subscribe(&self, products: &[&str]) -> Subscriber {
        let products = products.iter().copied();
        self.handle.subscribe(Interest {
            name: "agent".to_owned(),
            version: "1".to_owned(),
            products: products.map(str::to_owned).collect(),
            capabilities: vec![1, 2],
        })
    }

    async fn stop(self) {
        self.drain.signal(Instant::now());
        self.task.await.unwrap();
    }
}

fn persistent(backend: &Backend, directory: &std::path::Path) -> ServiceConfig {
    ServiceConfig {
        store: StoreMode::Persistent(directory.to_owned()),
        ..config(backend)
    }
}
