//! A whole agent with a backend of remote configuration at the other end, over real sockets.

#[path = "../../../datadog-remote-config/tests/remote_config/signer.rs"]
#[allow(dead_code, reason = "written for the tests of another crate too")]
mod signer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::bind::{Target, bind, http};
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_wire::remote_config::{
    CONFIGURATIONS_PATH, ConfigMetas, DirectorMetas, File, LatestConfigsRequest,
    LatestConfigsResponse, ORG_PATH, OrgDataResponse, OrgStatusResponse, STATUS_PATH, TopMeta,
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use prost::Message as _;
use serde_json::{Value, json};
use signer::{Repo, target};
use tokio::task::JoinHandle;

use crate::agent::AgentCoordinator;
use crate::config::Config;
use crate::logger;

/// A backend that signs what it is told to offer.
struct Backend {
    config: Repo,
    director: Repo,
    files: Vec<(String, Bytes)>,
}

impl Backend {
    fn new() -> Self {
        Self {
            config: Repo::new(10),
            director: Repo::new(20),
            files: Vec::new(),
        }
    }

    /// Offers these files and no others.
    fn offer(&mut self, files: &[(&str, Value)]) {
        self.files = files
            .iter()
            .map(|(path, content)| ((*path).to_owned(), Bytes::from(content.to_string())))
            .collect();
        let listed: Value = self
            .files
            .iter()
            .map(|(path, raw)| {
                let mut listed = target(raw);
                listed["custom"] = json!({"v": 3});
                (path.clone(), listed)
            })
            .collect();
        self.config.files = listed.clone();
        self.director.files = listed;
        self.config.publish();
        self.director.publish();
    }

    fn response(&self) -> Bytes {
        let top = |raw: Bytes| Some(TopMeta { version: 1, raw });
        let files = self.files.iter();
        let response = LatestConfigsResponse {
            config_metas: Some(ConfigMetas {
                timestamp: top(self.config.timestamp()),
                snapshot: top(self.config.snapshot()),
                top_targets: top(self.config.targets()),
                ..ConfigMetas::default()
            }),
            director_metas: Some(DirectorMetas {
                timestamp: top(self.director.timestamp()),
                snapshot: top(self.director.snapshot()),
                targets: top(self.director.targets()),
                ..DirectorMetas::default()
            }),
            target_files: files
                .map(|(path, raw)| File {
                    path: path.clone(),
                    raw: raw.clone(),
                })
                .collect(),
        };
        response.encode_to_vec().into()
    }
}

#[derive(Default)]
struct State {
    answer: Bytes,
    asked: Vec<LatestConfigsRequest>,
}

/// The backend behind a socket.
struct Served {
    url: String,
    state: Arc<Mutex<State>>,
    _drain: DrainSignal,
    _task: JoinHandle<()>,
}

impl Served {
    async fn start(backend: &Backend) -> Self {
        let state = Arc::new(Mutex::new(State {
            answer: backend.response(),
            asked: Vec::new(),
        }));
        let target = Target::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 0,
        };
        let listener = bind(&target).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (signal, told) = drain::channel();
        let shared = Arc::clone(&state);
        let handler = move |request: Request<Incoming>| {
            let state = Arc::clone(&shared);
            async move { answer(&state, request).await }
        };
        let task = tokio::spawn(async move {
            http::serve(listener, http::Limits::default(), told, handler).await;
        });
        Self {
            url,
            state,
            _drain: signal,
            _task: task,
        }
    }

    fn offer(&self, backend: &Backend) {
        self.state.lock().unwrap().answer = backend.response();
    }

    fn asked(&self) -> Vec<LatestConfigsRequest> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer(state: &Mutex<State>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let answer = match path.as_str() {
        CONFIGURATIONS_PATH => {
            let mut state = state.lock().unwrap();
            state
                .asked
                .push(LatestConfigsRequest::decode(body).unwrap());
            state.answer.clone()
        }
        ORG_PATH => {
            let uuid = "u-1".to_owned();
            OrgDataResponse { uuid }.encode_to_vec().into()
        }
        STATUS_PATH => {
            let status = OrgStatusResponse {
                enabled: true,
                authorized: true,
            };
            status.encode_to_vec().into()
        }
        other => panic!("{other} is none of the three"),
    };
    Response::new(Full::new(answer))
}

fn config(backend: &Backend, url: &str, extra: &[(&str, &str)]) -> Config {
    let text = |root: Bytes| String::from_utf8(root.to_vec()).unwrap();
    let roots = (text(backend.config.root()), text(backend.director.root()));
    let base = [
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_TRACE_AGENT_PORT", "0"),
        ("DD_APM_DD_URL", "http://127.0.0.1:1"),
        ("DD_ENV", "prod"),
        ("DD_SHUTDOWN_TIMEOUT", "1"),
        ("DD_REMOTE_CONFIGURATION_RC_DD_URL", url),
        ("DD_REMOTE_CONFIGURATION_CONFIG_ROOT", &roots.0),
        ("DD_REMOTE_CONFIGURATION_DIRECTOR_ROOT", &roots.1),
        ("DD_REMOTE_CONFIGURATION_REFRESH_INTERVAL", "5s"),
    ];
    Config::from_env_iter(base.into_iter().chain(extra.iter().copied()))
}

async fn started(config: Config) -> AgentCoordinator {
    let mut agent = AgentCoordinator::new(config).unwrap();
    agent.start().await.unwrap();
    agent
}

/// Waits until the part of `/status` about remote configuration is as it should be.
async fn status_when(agent: &AgentCoordinator, is_so: impl Fn(&Value) -> bool) -> Value {
    let wait = async {
        loop {
            let health = agent.health();
            match health.pipelines.get("remote_config") {
                Some(status) if is_so(status) => return status.clone(),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let last = || agent.health().pipelines.get("remote_config").cloned();
    let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
    waited.unwrap_or_else(|_| panic!("{:?}", last()))
}

async fn send(
    agent: &AgentCoordinator,
    method: &str,
    path: &str,
    body: Value,
) -> (StatusCode, Bytes) {
    let port = agent.get_bound_port().unwrap();
    let client = Client::new(ConnectConfig::default()).unwrap();
    let body = match body {
        Value::Null => Bytes::new(),
        body => body.to_string().into(),
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("http://127.0.0.1:{port}{path}"))
        .header("content-type", "application/json")
        .body(Full::new(body))
        .unwrap();
    let answer = client.send(request).await.unwrap();
    let status = answer.status();
    (
        status,
        answer.into_body().collect().await.unwrap().to_bytes(),
    )
}

async fn endpoints(agent: &AgentCoordinator) -> Vec<String> {
    let (_, body) = send(agent, "GET", "/info", Value::Null).await;
    let info: Value = serde_json::from_slice(&body).unwrap();
    serde_json::from_value(info["endpoints"].clone()).unwrap()
}

fn question(id: &str) -> Value {
    json!({"client": {
        "id": id, "products": ["APM_TRACING"], "is_tracer": true,
        "client_tracer": {"runtime_id": "r1", "language": "go", "tracer_version": "1.64.0",
            "service": "My Shop", "env": "PROD"},
        "state": {"root_version": 1},
    }})
}

const TRACING: &str = "datadog/2/APM_TRACING/rates/config";
const SAMPLING: &str = "datadog/2/APM_SAMPLING/all/config";

#[tokio::test]
async fn tracers_find_what_was_verified_on_the_trace_port() {
    let mut backend = Backend::new();
    backend.offer(&[(TRACING, json!({"rate": 1}))]);
    backend.director.files[TRACING]["custom"]["tracer-predicates"] = json!({
        "tracer_predicates_v1": [{"service": "my_shop", "environment": "prod"}],
    });
    let served = Served::start(&backend).await;
    let agent = started(config(&backend, &served.url, &[])).await;
    assert!(agent.is_remote_config_enabled());
    let status = status_when(&agent, |status| status["state"] == "running").await;
    assert_eq!(status["url"], served.url.as_str());
    assert_eq!(status["roots"], "settings");
    assert_eq!(status["store"], "memory");
    assert_eq!(status["files"], json!({ TRACING: 3 }));
    assert_eq!(status["last_error"], Value::Null);
    let found = endpoints(&agent).await;
    assert!(found.iter().any(|it| it == "/v0.7/config"), "{found:?}");
    for method in ["POST", "GET"] {
        let (status, body) = send(&agent, method, "/v0.7/config", question("c1")).await;
        assert_eq!(status, StatusCode::OK);
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(answer["client_configs"], json!([TRACING]));
    }
    let asked = served.asked();
    let client = &asked.last().unwrap().active_clients;
    let tracer = client.iter().find(|client| client.id == "c1").unwrap();
    assert_eq!(tracer.client_tracer.as_ref().unwrap().service, "my_shop");
    assert_eq!(asked[0].agent_version, "7.70.0");
    assert_eq!(asked[0].trace_agent_env, "prod");
    agent.shutdown().await.unwrap();
}

/// A trace without a priority, which a rate decides about.
fn trace() -> Value {
    json!([[{
        "service": "web", "name": "request", "resource": "GET /", "trace_id": 7, "span_id": 8,
        "start": 1_700_000_000_000_000_000_u64, "duration": 5, "parent_id": 0,
    }]])
}

#[tokio::test]
async fn sampling_takes_effect_in_the_running_agent() {
    let mut backend = Backend::new();
    let served = Served::start(&backend).await;
    let agent = started(config(&backend, &served.url, &[])).await;
    let sampled_out = || agent.health().pipelines["traces"]["traces"]["sampled_out"].clone();
    status_when(&agent, |status| {
        status["last_error"] != Value::Null || status["is_fresh"] == true
    })
    .await;
    assert_eq!(
        send(&agent, "POST", "/v0.4/traces", trace()).await.0,
        StatusCode::OK
    );
    assert_eq!(sampled_out(), 0);
    backend.offer(&[(
        SAMPLING,
        json!({
            "all_envs": {"priority_sampler_target_tps": 5, "errors_sampler_target_tps": 1},
            "by_env": [{"env": "prod", "config": {"priority_sampler_target_tps": 0}}],
        }),
    )]);
    served.offer(&backend);
    // For a new client the backend is asked at once.
    send(&agent, "POST", "/v0.7/config", question("c1")).await;
    let status = status_when(&agent, |status| status["active"] != json!({})).await;
    assert_eq!(
        status["active"]["sampling"],
        json!({"target_tps": 0.0, "error_tps": 1.0, "rare": null, "version": 3})
    );
    assert_eq!(
        send(&agent, "POST", "/v0.4/traces", trace()).await.0,
        StatusCode::OK
    );
    assert_eq!(sampled_out(), 1);
    let told = |request: &LatestConfigsRequest| {
        let clients = request.active_clients.iter();
        let states = clients.filter_map(|client| client.state.clone());
        let states = states.flat_map(|state| state.config_states);
        states
            .map(|state| (state.id, state.version, state.apply_state))
            .collect::<Vec<_>>()
    };
    send(&agent, "POST", "/v0.7/config", question("c2")).await;
    let wait = async {
        while served.asked().last().map(told) != Some(vec![("all".to_owned(), 3, 2)]) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap();
    drop(agent.shutdown().await);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_level_takes_effect_and_is_restored_at_the_end() {
    let lines = Lines::default();
    let (subscriber, level) = logger::controlled(logger::Config::default(), lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut backend = Backend::new();
    backend.offer(&[
        (
            "datadog/2/AGENT_CONFIG/layer/name",
            json!({"name": "layer", "config": {"log_level": "debug"}}),
        ),
        (
            "datadog/2/AGENT_CONFIG/configuration_order/name",
            json!({"order": ["layer"], "internal_order": []}),
        ),
    ]);
    let served = Served::start(&backend).await;
    let mut agent = AgentCoordinator::new(config(&backend, &served.url, &[])).unwrap();
    agent.set_level_control(level);
    agent.start().await.unwrap();
    let status = status_when(&agent, |status| status["active"] != json!({})).await;
    assert_eq!(status["active"], json!({"log_level": "debug"}));
    tracing::debug!(target: "own", "during");
    agent.shutdown().await.unwrap();
    tracing::debug!(target: "own", "after");
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("| DEBUG | own | during"), "{text}");
    assert!(!text.contains("| own | after"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_with_it_does_not_keep_the_agent_from_starting() {
    let backend = Backend::new();
    let refused = [
        (
            "DD_REMOTE_CONFIGURATION_CONFIG_ROOT",
            "{\"signed\":{}}",
            "config root",
        ),
        (
            "DD_REMOTE_CONFIGURATION_RC_DD_URL",
            "http://example.com",
            "plain HTTP",
        ),
        (
            "DD_SKIP_SSL_VALIDATION",
            "true",
            "DD_REMOTE_CONFIGURATION_NO_TLS_VALIDATION",
        ),
    ];
    for (name, value, problem) in refused {
        let agent = started(config(&backend, "http://127.0.0.1:1", &[(name, value)])).await;
        let status = agent.health().pipelines["remote_config"].clone();
        assert_eq!(status["state"], "failed", "{name}");
        let text = status["last_error"].as_str().unwrap();
        assert!(text.contains(problem), "{text}");
        assert!(agent.remote_config().is_none());
        assert_eq!(
            send(&agent, "POST", "/v0.7/config", question("c1")).await.0,
            StatusCode::NOT_FOUND
        );
        agent.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn where_it_is_off_tracers_are_told_so() {
    let backend = Backend::new();
    let off = [("DD_REMOTE_CONFIGURATION_ENABLED", "false")];
    let agent = started(config(&backend, "http://127.0.0.1:1", &off)).await;
    assert!(!agent.is_remote_config_enabled());
    assert!(!agent.health().pipelines.contains_key("remote_config"));
    let found = endpoints(&agent).await;
    assert!(!found.iter().any(|it| it == "/v0.7/config"), "{found:?}");
    assert_eq!(
        send(&agent, "GET", "/v0.7/config", question("c1")).await.0,
        StatusCode::NOT_FOUND
    );
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_backend_that_is_not_there_shows_in_the_status() {
    let backend = Backend::new();
    let agent = started(config(&backend, "http://127.0.0.1:1", &[])).await;
    let status = status_when(&agent, |status| status["state"] == "failing").await;
    let text = status["last_error"].as_str().unwrap();
    assert!(text.starts_with("api: "), "{text}");
    let (status, body) = send(&agent, "POST", "/v0.7/config", question("c1")).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"{}"[..]));
    agent.shutdown().await.unwrap();
}
