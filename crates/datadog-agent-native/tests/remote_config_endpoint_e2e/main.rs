//! Remote configuration from the backend to tracers and to the agent's own parts, through a whole agent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/mod.rs"]
mod support;
mod wrong;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::config::Config;
use datadog_agent_native::logger;
use datadog_dev_intake::{ApplyState, Intake, Predicate, RemoteConfig, RemoteConfigSnapshot};
use serde_json::{Value, json};
use support::{ask, request, start};

/// An agent's configuration that lets it ask this intake.
fn config(intake: &Intake, extra: &[(&str, &str)]) -> Config {
    let own = [
        ("DD_ENV", "prod"),
        ("DD_SHUTDOWN_TIMEOUT", "1"),
        // A test has many clients that are new, each of which has the backend asked at once.
        ("DD_REMOTE_CONFIGURATION_CLIENTS_CACHE_BYPASS_LIMIT", "10"),
    ];
    support::remote(intake, &[&own, extra].concat())
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

/// The status and the body of an answer on the trace port.
async fn send(agent: &AgentCoordinator, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let address = agent.listeners().trace_tcp.unwrap();
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let request = request(method, path, "application/json", body.as_bytes());
    let answer = ask(address, &request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Asks for what a tracer of this id is to go by.
async fn asked_by(agent: &AgentCoordinator, id: &str) -> (u16, Value) {
    send(agent, "POST", "/v0.7/config", &question(id)).await
}

async fn endpoints(agent: &AgentCoordinator) -> Vec<String> {
    let (_, info) = send(agent, "GET", "/info", &Value::Null).await;
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

const SAMPLING: &str = "datadog/2/APM_SAMPLING/all/config";

/// Waits until the intake has heard something.
async fn heard(intake: &Intake, is_so: impl Fn(&RemoteConfigSnapshot) -> bool) {
    let wait = async {
        while !is_so(&intake.remote_config()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(LIMIT, wait).await;
    waited.unwrap_or_else(|_| panic!("{:?}", intake.remote_config()));
}

#[tokio::test]
async fn tracers_find_what_was_verified_on_the_trace_port() {
    let intake = Intake::start().await;
    let ours = Predicate {
        service: "my_shop".to_owned(),
        environment: "prod".to_owned(),
        ..Predicate::default()
    };
    let rates = RemoteConfig::new("APM_TRACING", "rates", r#"{"rate":1}"#).only_for(ours);
    let path = rates.path();
    intake.push_config(rates).unwrap();
    let agent = start(config(&intake, &[])).await;
    assert!(agent.is_remote_config_enabled());
    // Files are asked for once somebody wants them.
    asked_by(&agent, "c1").await;
    let status = status_when(&agent, |status| status["files"] != json!({})).await;
    assert_eq!(status["state"], "running");
    assert_eq!(status["url"], intake.url());
    assert_eq!(status["roots"], "settings");
    assert_eq!(status["store"], "memory");
    assert_eq!(status["files"], json!({ &path: 1 }));
    assert_eq!(status["last_error"], Value::Null);
    let found = endpoints(&agent).await;
    assert!(found.iter().any(|it| it == "/v0.7/config"), "{found:?}");
    for method in ["POST", "GET"] {
        let (status, answer) = send(&agent, method, "/v0.7/config", &question("c1")).await;
        assert_eq!(status, 200);
        assert_eq!(answer["client_configs"], json!([path]));
    }
    // The predicate names the service as it is written in tags.
    let others = json!({"client": {
        "id": "c2", "products": ["APM_TRACING"], "is_tracer": true,
        "client_tracer": {"runtime_id": "r2", "language": "go", "tracer_version": "1.64.0",
            "service": "Cart", "env": "prod"},
        "state": {"root_version": 1},
    }});
    let (_, answer) = send(&agent, "POST", "/v0.7/config", &others).await;
    assert_eq!(answer["client_configs"], Value::Null);
    let known = intake.remote_config();
    let told = &known.agents[0];
    assert_eq!(
        (&*told.agent_version, &*told.trace_agent_env),
        ("7.70.0", "prod")
    );
    let tracer = told.clients.iter().find(|it| it.id == "c1").unwrap();
    assert_eq!(tracer.name, "my_shop");
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
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[])).await;
    let sampled_out = || agent.health().pipelines["traces"]["traces"]["sampled_out"].clone();
    status_when(&agent, |status| status["is_fresh"] == true).await;
    assert_eq!(send(&agent, "POST", "/v0.4/traces", &trace()).await.0, 200);
    assert_eq!(sampled_out(), 0);
    let rates = json!({
        "all_envs": {"priority_sampler_target_tps": 5, "errors_sampler_target_tps": 1},
        "by_env": [{"env": "prod", "config": {"priority_sampler_target_tps": 0}}],
    });
    let file = RemoteConfig::new("APM_SAMPLING", "all", rates.to_string());
    intake.push_config(file).unwrap();
    // For a new client the backend is asked at once.
    asked_by(&agent, "c1").await;
    let status = status_when(&agent, |status| status["active"] != json!({})).await;
    assert_eq!(
        status["active"]["sampling"],
        json!({"target_tps": 0.0, "error_tps": 1.0, "rare": null, "version": 1})
    );
    assert_eq!(send(&agent, "POST", "/v0.4/traces", &trace()).await.0, 200);
    assert_eq!(sampled_out(), 1);
    asked_by(&agent, "c2").await;
    heard(&intake, |known| {
        let clients = known.pushed[0].clients.iter();
        let states: Vec<_> = clients.map(|it| (it.kind, it.apply_state)).collect();
        states == [("agent", ApplyState::Acknowledged)]
    })
    .await;
    drop(agent.shutdown().await);
}

#[tokio::test]
async fn a_task_is_refused_and_the_backend_hears_why() {
    let intake = Intake::start().await;
    let flare = json!({"task_type": "flare", "uuid": "u", "args": {"case_id": "1"}});
    let file = RemoteConfig::new("AGENT_TASK", "flare", flare.to_string());
    intake.push_config(file).unwrap();
    let agent = start(config(&intake, &[])).await;
    status_when(&agent, |status| status["state"] == "running").await;
    asked_by(&agent, "c1").await;
    heard(&intake, |known| {
        let clients = known.pushed[0].clients.iter();
        let told: Vec<_> = clients
            .map(|it| (it.apply_state, it.apply_error.as_str()))
            .collect();
        let why = "unsupported: this agent does no task 'flare'";
        told == [(ApplyState::Error, why)]
    })
    .await;
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
    let intake = Intake::start().await;
    for (id, content) in [
        (
            "layer",
            json!({"name": "layer", "config": {"log_level": "debug"}}),
        ),
        (
            "configuration_order",
            json!({"order": ["layer"], "internal_order": []}),
        ),
    ] {
        let file = RemoteConfig::new("AGENT_CONFIG", id, content.to_string()).name("name");
        intake.push_config(file).unwrap();
    }
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
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
    let intake = Intake::start().await;
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
        let agent = start(config(&intake, &[(name, value)])).await;
        let status = agent.health().pipelines["remote_config"].clone();
        assert_eq!(status["state"], "failed", "{name}");
        let text = status["last_error"].as_str().unwrap();
        assert!(text.contains(problem), "{text}");
        assert!(agent.remote_config().is_none());
        assert_eq!(asked_by(&agent, "c1").await.0, 404);
        agent.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn where_it_is_off_tracers_are_told_so() {
    let intake = Intake::start().await;
    let off = [("DD_REMOTE_CONFIGURATION_ENABLED", "false")];
    let agent = start(config(&intake, &off)).await;
    assert!(!agent.is_remote_config_enabled());
    assert!(!agent.health().pipelines.contains_key("remote_config"));
    let found = endpoints(&agent).await;
    assert!(!found.iter().any(|it| it == "/v0.7/config"), "{found:?}");
    let (status, _) = send(&agent, "GET", "/v0.7/config", &question("c1")).await;
    assert_eq!(status, 404);
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_backend_that_is_not_there_shows_in_the_status() {
    let intake = Intake::start().await;
    let nowhere = [("DD_REMOTE_CONFIGURATION_RC_DD_URL", "http://127.0.0.1:1")];
    let agent = start(config(&intake, &nowhere)).await;
    let status = status_when(&agent, |status| status["state"] == "failing").await;
    let text = status["last_error"].as_str().unwrap();
    assert!(text.starts_with("api: "), "{text}");
    assert_eq!(asked_by(&agent, "c1").await, (200, json!({})));
    agent.shutdown().await.unwrap();
}
