//! What tracers are answered.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use datadog_agent_runtime::telemetry::Metric;
use datadog_remote_config::backend::ApiError;
use datadog_remote_config::endpoint::Endpoint;
use datadog_wire::remote_config::{
    Client, ClientGetConfigsRequest, ClientGetConfigsResponse, ClientState, ClientTracer,
    TargetFileHash, TargetFileMeta,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Agent, config, response};
use crate::signer::{Backend, ROLE_FILE, TOP_FILE, sha256, target};

const EARLY: &str = "2026-01-01T00:01:30Z";

pub(super) fn asking(id: &str, products: &[&str]) -> Value {
    json!({
        "client": {
            "id": id, "products": products, "is_tracer": true,
            "client_tracer": {
                "runtime_id": format!("{id}-runtime"), "language": "go",
                "tracer_version": "1.0.0", "service": "web", "env": "prod",
            },
            "state": {"root_version": 1},
        },
        "cached_target_files": null,
    })
}

/// A door to an agent over HTTP.
pub(super) struct Door(Endpoint);

impl Door {
    pub(super) fn of(agent: &Agent) -> Self {
        let prepare = |client: &mut Client, _: &hyper::HeaderMap| {
            if let Some(tracer) = &mut client.client_tracer {
                tracer.service.make_ascii_lowercase();
            }
        };
        Self(Endpoint::new(agent.handle.clone(), Arc::new(prepare)))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (StatusCode, String, Bytes) {
        let response = self.0.handle(request).await;
        let (head, body) = response.into_parts();
        let kind = head.headers["content-type"].to_str().unwrap().to_owned();
        (head.status, kind, body.collect().await.unwrap().to_bytes())
    }

    async fn post(&self, kind: &str, body: impl Into<Bytes>) -> (StatusCode, String, Bytes) {
        let mut request = Request::post("/v0.7/config");
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        self.send(request.body(Full::new(body.into())).unwrap())
            .await
    }

    pub(super) async fn ask(&self, question: &Value) -> Value {
        let (status, kind, body) = self.post("application/json", question.to_string()).await;
        let text = String::from_utf8_lossy(&body);
        assert_eq!(
            (status, kind.as_str()),
            (StatusCode::OK, "application/json"),
            "{text}"
        );
        serde_json::from_slice(&body).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_tracer_gets_the_files_of_its_products_and_what_proves_them() {
    let backend = Backend::new();
    let agent = Agent::refreshed(&backend).await;
    let door = Door::of(&agent);
    let answer = door.ask(&asking("a", &["ASM_FEATURES", "OTHER"])).await;
    let targets = answer["targets"].as_str().unwrap();
    assert_eq!(
        STANDARD.decode(targets).unwrap(),
        backend.director.targets()
    );
    assert_eq!(answer["client_configs"], json!([TOP_FILE]));
    assert_eq!(
        answer["target_files"],
        json!([{"path": TOP_FILE, "raw": STANDARD.encode(b"{\"enabled\":true}")}])
    );
    assert_eq!(answer.get("roots"), None);
    assert_eq!(answer.get("config_status"), None);
    let both = door
        .ask(&asking("b", &["APM_TRACING", "ASM_FEATURES"]))
        .await;
    assert_eq!(both["client_configs"], json!([ROLE_FILE, TOP_FILE]));
    let seen = agent.fake.requests();
    let ids = |index: usize| -> Vec<&str> {
        let clients = &seen[index].active_clients;
        clients.iter().map(|client| client.id.as_str()).collect()
    };
    assert_eq!((ids(1), ids(2)), (vec!["a"], vec!["a", "b"]));
    assert_eq!(seen[1].new_products, ["ASM_FEATURES", "OTHER"]);
    let answered = agent
        .telemetry
        .sum(Metric::RemoteConfigRequests, &[("status_code", "200")]);
    assert_eq!(answered, 2);
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tracer_that_has_it_all_is_answered_with_two_bytes() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let door = Door::of(&agent);
    let mut question = asking("a", &["ASM_FEATURES"]);
    question["client"]["state"]["targets_version"] = json!(1);
    let (status, _, body) = door.post("application/json", question.to_string()).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"{}"[..]));
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn before_the_backend_has_answered_there_is_nothing_new() {
    let config = config(&Backend::new());
    let agent = Agent::start(config, Err(ApiError::Unavailable(503))).await;
    let answer = Door::of(&agent).ask(&asking("a", &["ASM"])).await;
    assert_eq!(answer, json!({}));
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn files_that_a_tracer_has_are_named_and_not_sent_again() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let door = Door::of(&agent);
    let content = b"{\"enabled\":true}";
    for (length, hash, is_sent) in [
        (content.len(), sha256(content), false),
        (content.len(), sha256(content).to_uppercase(), false),
        (content.len() + 1, sha256(content), true),
        (content.len(), sha256(b"other"), true),
    ] {
        let mut question = asking("a", &["ASM_FEATURES"]);
        question["cached_target_files"] = json!([{
            "path": TOP_FILE, "length": length,
            "hashes": [{"algorithm": "sha256", "hash": hash}, {"algorithm": "crc", "hash": "00"}],
        }]);
        let answer = door.ask(&question).await;
        assert_eq!(answer["client_configs"], json!([TOP_FILE]));
        assert_eq!(
            answer.get("target_files").is_some(),
            is_sent,
            "{length} {hash}"
        );
    }
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_files_only_the_one_that_changed_is_sent() {
    let mut backend = Backend::new();
    let path = |index: usize| format!("datadog/2/ASM_DATA/list-{index:03}/config");
    let content = |index: usize| format!("[{index}]");
    for index in 0..100 {
        let raw = content(index);
        for repo in [&mut backend.config, &mut backend.director] {
            repo.files[path(index)] = target(raw.as_bytes());
        }
        backend.files.insert(path(index), raw.into());
    }
    let agent = Agent::refreshed(&backend).await;
    let cached: Vec<_> = (0..100)
        .map(|index| {
            let had = match index {
                42 => "[0000]".to_owned(),
                _ => content(index),
            };
            json!({
                "path": path(index), "length": had.len(),
                "hashes": [{"algorithm": "sha256", "hash": sha256(had.as_bytes())}],
            })
        })
        .collect();
    let mut question = asking("a", &["ASM_DATA"]);
    question["cached_target_files"] = json!(cached);
    let answer = Door::of(&agent).ask(&question).await;
    let all: Vec<_> = (0..100).map(path).collect();
    assert_eq!(answer["client_configs"], json!(all));
    assert_eq!(
        answer["target_files"],
        json!([{"path": path(42), "raw": STANDARD.encode("[42]")}])
    );
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn predicates_decide_by_what_the_rest_of_the_agent_calls_the_tracer() {
    let mut backend = Backend::new();
    backend.director.files[TOP_FILE]["custom"] = json!({
        "v": 3, "tracer-predicates": {"tracer_predicates_v1": [{"service": "web"}]},
    });
    let agent = Agent::refreshed(&backend).await;
    let door = Door::of(&agent);
    for (service, is_for_it) in [("WEB", true), ("api", false)] {
        let mut question = asking(service, &["ASM_FEATURES"]);
        question["client"]["client_tracer"]["service"] = json!(service);
        let answer = door.ask(&question).await;
        assert_eq!(
            answer.get("client_configs").is_some(),
            is_for_it,
            "{service}"
        );
    }
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_is_served_until_its_last_second() {
    let mut backend = Backend::new();
    backend.director.files[TOP_FILE]["custom"] = json!({"v": 1, "expires": crate::NOW + 10});
    let agent = Agent::refreshed(&backend).await;
    let door = Door::of(&agent);
    let has_file = |answer: Value| answer.get("client_configs").is_some();
    assert!(has_file(door.ask(&asking("a", &["ASM_FEATURES"])).await));
    sleep(Duration::from_secs(12)).await;
    assert!(!has_file(door.ask(&asking("a", &["ASM_FEATURES"])).await));
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn roots_follow_the_one_that_the_tracer_has() {
    let mut backend = Backend::new();
    let first = config(&backend);
    let mut roots = Vec::new();
    for version in 2..=3 {
        backend.director.root_version = version;
        roots.push(backend.director.root());
    }
    let mut wanted =
        datadog_wire::remote_config::LatestConfigsResponse::decode(response(&backend)).unwrap();
    wanted.director_metas.as_mut().unwrap().roots = [(2, &roots[0]), (3, &roots[1])]
        .map(|(version, raw)| super::top(version, raw.clone()))
        .into();
    let agent = Agent::start(first, Ok(wanted.encode_to_vec().into())).await;
    agent.asked(1).await;
    let door = Door::of(&agent);
    let written: Vec<_> = roots.iter().map(|raw| STANDARD.encode(raw)).collect();
    for (has, expected) in [(1, &written[..]), (2, &written[1..])] {
        let mut question = asking("a", &["ASM_FEATURES"]);
        question["client"]["state"]["root_version"] = json!(has);
        assert_eq!(door.ask(&question).await["roots"], json!(expected));
    }
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_stands_still_is_told_of_when_its_timestamp_is_over() {
    let mut backend = Backend::new();
    backend.director.timestamp_expires = EARLY;
    let agent = Agent::refreshed(&backend).await;
    let door = Door::of(&agent);
    let before = door.ask(&asking("a", &["ASM_FEATURES"])).await;
    assert_eq!(before.get("config_status"), None);
    agent.fake.answer_with(Err(ApiError::Status(500)));
    sleep(Duration::from_secs(95)).await;
    let answer = door.ask(&asking("a", &["ASM_FEATURES"])).await;
    let targets = STANDARD.encode(backend.director.targets());
    assert_eq!(answer, json!({"targets": targets, "config_status": 1}));
    agent.stop().await;
}

fn protobuf() -> Vec<u8> {
    let request = ClientGetConfigsRequest {
        client: Some(Client {
            id: "p".to_owned(),
            products: vec!["ASM_FEATURES".to_owned()],
            is_tracer: true,
            client_tracer: Some(ClientTracer {
                language: "ruby".to_owned(),
                ..ClientTracer::default()
            }),
            state: Some(ClientState {
                root_version: 1,
                ..ClientState::default()
            }),
            ..Client::default()
        }),
        cached_target_files: vec![TargetFileMeta {
            path: "employee/ASM_DD/x/y".to_owned(),
            length: 1,
            hashes: vec![TargetFileHash {
                algorithm: "sha256".to_owned(),
                hash: "00".to_owned(),
            }],
        }],
    };
    request.encode_to_vec()
}

#[tokio::test(start_paused = true)]
async fn the_encoding_is_that_of_the_request_whatever_the_method_is() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let door = Door::of(&agent);
    let question = asking("a", &["ASM_FEATURES"]).to_string();
    for kind in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "",
        "text/plain",
    ] {
        let (status, answered, body) = door.post(kind, format!(" \n{question}")).await;
        assert_eq!(
            (status, answered.as_str()),
            (StatusCode::OK, "application/json"),
            "{kind}"
        );
        assert_eq!(body.first(), Some(&b'{'));
    }
    for kind in ["application/x-protobuf", "APPLICATION/PROTOBUF", ""] {
        let (status, answered, body) = door.post(kind, protobuf()).await;
        let expected = (StatusCode::OK, "application/x-protobuf");
        assert_eq!((status, answered.as_str()), expected, "{kind}");
        let answer = ClientGetConfigsResponse::decode(body).unwrap();
        assert_eq!(answer.client_configs, [TOP_FILE]);
    }
    for method in [Method::GET, Method::PUT] {
        let mut request = Request::new(Full::new(Bytes::from(question.clone())));
        *request.method_mut() = method;
        assert_eq!(door.send(request).await.0, StatusCode::OK);
    }
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_answered_is_the_fault_of_the_client() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let door = Door::of(&agent);
    let mut without_state = asking("a", &["APM"]);
    without_state["client"]
        .as_object_mut()
        .unwrap()
        .remove("state");
    for (body, problem) in [
        ("{\"client\":".to_owned(), "the body cannot be read"),
        (String::new(), "client is required"),
        ("{}".to_owned(), "client is required"),
        (without_state.to_string(), "client.state is required"),
    ] {
        let (status, kind, text) = door.post("", body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(kind, "text/plain; charset=utf-8");
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.starts_with(problem) && text.ends_with('\n'), "{text}");
    }
    let limit = 5 * 1_024 * 1_024;
    let (status, _, _) = door.post("application/json", vec![b' '; limit + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut fits = asking("a", &["ASM"]).to_string().into_bytes();
    fits.resize(limit, b' ');
    assert_eq!(door.post("application/json", fits).await.0, StatusCode::OK);
    agent.stop().await;
}
