//! A whole agent with a backend of remote configuration at the other end, over real sockets.

mod backend;
mod intake;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_wire::remote_config::LatestConfigsRequest;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode};
use serde_json::{Value, json};

use self::backend::{Backend, Served};
use crate::agent::AgentCoordinator;
use crate::config::Config;
use crate::logger;

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
    Box::pin(agent.start()).await.unwrap();
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
    let waited = tokio::time::timeout(LIMIT, wait).await;
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

/// Longest time to wait for anything.
const LIMIT: Duration = Duration::from_secs(90);

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
    tokio::time::timeout(LIMIT, wait).await.unwrap();
    drop(agent.shutdown().await);
}

#[tokio::test]
async fn a_task_is_refused_and_the_backend_hears_why() {
    let mut backend = Backend::new();
    let flare = json!({"task_type": "flare", "uuid": "u", "args": {"case_id": "1"}});
    backend.offer(&[("datadog/2/AGENT_TASK/flare/config", flare)]);
    let served = Served::start(&backend).await;
    let agent = started(config(&backend, &served.url, &[])).await;
    status_when(&agent, |status| status["state"] == "running").await;
    send(&agent, "POST", "/v0.7/config", question("c1")).await;
    let asked = served.asked();
    let clients = asked[1].active_clients.iter();
    let states = clients.filter_map(|client| client.state.as_ref());
    let told: Vec<_> = states
        .flat_map(|state| &state.config_states)
        .map(|state| (state.apply_state, state.apply_error.as_str()))
        .collect();
    assert_eq!(told, [(3, "unsupported: this agent does no task 'flare'")]);
    agent.shutdown().await.unwrap();
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
