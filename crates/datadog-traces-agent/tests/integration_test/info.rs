//! What the agent says of itself.

use std::collections::HashSet;

use datadog_agent_runtime::bind::Target;
use datadog_dev_intake::Intake;
use datadog_traces_agent::Config;
use serde_json::{Value, json};

use crate::agent::*;
use crate::client::{Answer, Connection};

async fn get(connection: &mut Connection, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: agent\r\n\r\n");
    connection.write(request).await;
    connection.answer().await
}

async fn document(agent: &Agent) -> Value {
    let answer = get(&mut agent.connect().await, "/info").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("datadog-agent-state"), None);
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_that_is_shown_is_there() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let document = document(&agent).await;
    let endpoints = document["endpoints"].as_array().unwrap();
    let endpoints: HashSet<_> = endpoints.iter().map(|it| it.as_str().unwrap()).collect();
    for path in [
        "/v0.4/traces",
        "/v0.5/traces",
        "/v0.6/stats",
        "/telemetry/proxy/",
    ] {
        assert!(endpoints.contains(path), "{path}");
    }
    assert!(!endpoints.iter().any(|it| it.starts_with("/dogstatsd/")));
    for path in endpoints {
        // The form without a slash is how some tracers compare; nobody calls it.
        let path = match path.starts_with("/evp_proxy/v") && path.len() == 13 {
            true => format!("{path}/"),
            false => path.to_owned(),
        };
        assert_ne!(agent.post(&path, "", "x").await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_how_it_is() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.requests.traces_bytes = 1_000_000;
    config.identity.env = "prod".to_owned();
    config.sampler.target_tps = 7.0;
    config.proxies.telemetry = Vec::new();
    config.proxies.evp = None;
    config.connections.connections = 17;
    let agent = Agent::start(config).await;
    let document = document(&agent).await;
    let settings = &document["config"];
    assert_eq!(settings["max_request_bytes"], 1_000_000);
    assert_eq!(settings["default_env"], "prod");
    assert_eq!(settings["target_tps"], 7.0);
    assert_eq!(settings["connection_limit"], 17);
    assert_eq!(settings["receiver_port"], agent.addr().port());
    assert_eq!(settings["statsd_port"], 0);
    assert_eq!(document["client_drop_p0s"], true);
    assert_eq!(document["version"], "7.70.0");
    let kinds = json!(["client", "consumer", "producer", "server"]);
    assert_eq!(document["span_kinds_stats_computed"], kinds);
    let peer_tags: Vec<_> = document["peer_tags"].as_array().unwrap().iter().collect();
    assert!(peer_tags.is_sorted_by_key(|it| it.as_str()));
    let endpoints = document["endpoints"].to_string();
    assert!(!endpoints.contains("/evp_proxy/") && !endpoints.contains("/telemetry/"));
    let mut connection = agent.connect().await;
    let large = connection
        .post("/v0.4/traces", "", vec![b' '; 1_000_001])
        .await;
    assert_eq!(large.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_other_answers_tell_whether_it_is_still_the_same() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = agent.connect().await;
    let info = get(&mut connection, "/info").await;
    let state = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, info.body.as_bytes());
    let state: String = state
        .as_ref()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    for path in [
        "/v0.4/traces",
        "/v0.6/stats",
        "/services",
        "/status",
        "/none",
    ] {
        let answer = get(&mut connection, path).await;
        assert_eq!(
            answer.header("datadog-agent-state"),
            Some(&*state),
            "{path}"
        );
        assert_eq!(
            answer.header("datadog-agent-version"),
            Some("7.70.0"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_same_after_a_hundred_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apm.socket");
    let intake = Intake::start().await;
    let make = || -> Config {
        let mut config = config(&intake);
        config.listen = vec![Target::Unix {
            path: path.clone(),
            mode: 0o600,
        }];
        config
    };
    let mut states = HashSet::new();
    for _ in 0..100 {
        let agent = Agent::start(make()).await;
        let mut connection = Connection::open_unix(&path).await;
        let answer = get(&mut connection, "/services").await;
        states.insert(answer.header("datadog-agent-state").unwrap().to_owned());
        drop(connection);
        agent.stop_within(LONG).await;
    }
    assert_eq!(states.len(), 1);
    let mut changed = make();
    changed.sampler.target_tps = 11.0;
    let _agent = Agent::start(changed).await;
    let mut connection = Connection::open_unix(&path).await;
    let answer = get(&mut connection, "/services").await;
    assert!(!states.contains(answer.header("datadog-agent-state").unwrap()));
}
