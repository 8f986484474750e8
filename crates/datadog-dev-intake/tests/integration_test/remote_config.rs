//! The backend of remote configuration as an agent and as an inspector meet it; its signatures are verified by the
//! tests of the crate that verifies them for the agent.

use datadog_dev_intake::{ApplyState, Intake, RemoteConfig, Repository, Tamper};
use datadog_wire::remote_config::{
    Client, ClientState, ClientTracer, ConfigState, LatestConfigsRequest, LatestConfigsResponse,
    OrgDataResponse, OrgStatusResponse,
};
use prost::Message as _;
use serde_json::{Value, json};

use crate::client::{Answer, get, send, try_send};

const POLL: &str = "/api/v0.1/configurations";
const PAGE: &str = "/inspect/remote_config";
const HEADERS: [(&str, &str); 2] = [
    ("dd-api-key", "0123456789abcdef"),
    ("content-type", "application/x-protobuf"),
];
const PATH: &str = "datadog/2/APM_TRACING/rates/config";

fn request() -> LatestConfigsRequest {
    LatestConfigsRequest {
        hostname: "box-1".to_owned(),
        agent_version: "7.70.0".to_owned(),
        agent_uuid: "agent".to_owned(),
        new_products: vec!["APM_TRACING".to_owned()],
        ..LatestConfigsRequest::default()
    }
}

/// A tracer that says how it took the file `rates`.
fn tracer(version: u64, apply_state: u64, apply_error: &str) -> Client {
    let now_ms = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    Client {
        state: Some(ClientState {
            root_version: 1,
            targets_version: 9,
            config_states: vec![ConfigState {
                id: "rates".to_owned(),
                version,
                product: "APM_TRACING".to_owned(),
                apply_state,
                apply_error: apply_error.to_owned(),
            }],
            ..ClientState::default()
        }),
        id: "client-1".to_owned(),
        products: vec!["APM_TRACING".to_owned()],
        is_tracer: true,
        client_tracer: Some(ClientTracer {
            runtime_id: "run-1".to_owned(),
            language: "python".to_owned(),
            tracer_version: "3.0.0".to_owned(),
            service: "web".to_owned(),
            env: "prod".to_owned(),
            ..ClientTracer::default()
        }),
        last_seen: now_ms.try_into().unwrap(),
        capabilities: vec![0x10, 0x00],
        ..Client::default()
    }
}

async fn poll(intake: &Intake, request: &LatestConfigsRequest) -> Answer {
    send(intake, "POST", POLL, &HEADERS, request.encode_to_vec()).await
}

async fn post(intake: &Intake, path: &str, body: Value) -> Answer {
    send(intake, "POST", path, &[], body.to_string()).await
}

fn decoded(answer: &Answer) -> LatestConfigsResponse {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/x-protobuf");
    LatestConfigsResponse::decode(&answer.body[..]).unwrap()
}

/// The director's targets of an answer, as they are signed.
fn targets(answer: &LatestConfigsResponse) -> Value {
    let director = answer.director_metas.as_ref().unwrap();
    let raw = &director.targets.as_ref().unwrap().raw;
    let document: Value = serde_json::from_slice(raw).unwrap();
    document["signed"].clone()
}

#[tokio::test]
async fn what_is_pushed_is_shown_and_answered_and_withdrawn() {
    let intake = Intake::start().await;
    let pushed = json!({
        "product": "APM_TRACING", "id": "rates", "config": {"rate": 0.5}, "expires": 4_000_000_000_u64,
        "predicates": [{"service": "web", "environment": "prod"}],
    });
    let answer = post(&intake, PAGE, pushed).await;
    assert_eq!(answer.status, 200);
    let shown = &answer.json()["pushed"][0];
    assert_eq!(shown["path"], PATH);
    assert_eq!(shown["text"], r#"{"rate":0.5}"#);
    assert_eq!(
        (&shown["version"], &shown["bytes"]),
        (&json!(1), &json!(12))
    );
    assert_eq!(shown["clients"], json!([]));

    let answer = decoded(&poll(&intake, &request()).await);
    let target = &targets(&answer)["targets"][PATH];
    assert_eq!(target["length"], 12);
    assert_eq!(
        target["custom"],
        json!({
            "v": 1, "expires": 4_000_000_000_u64,
            "tracer-predicates": {"tracer_predicates_v1": [{"service": "web", "environment": "prod"}]},
        })
    );
    let [file] = &answer.target_files[..] else {
        panic!("{:?}", answer.target_files);
    };
    let hash = target["hashes"]["sha256"].as_str().unwrap();
    assert_eq!(
        file.path,
        format!("datadog/2/APM_TRACING/rates/{hash}.config")
    );
    assert_eq!(file.raw, r#"{"rate":0.5}"#);

    let gone = send(&intake, "DELETE", &format!("{PAGE}?path={PATH}"), &[], "").await;
    assert_eq!((gone.status, &gone.json()["pushed"]), (200, &json!([])));
    let again = send(&intake, "DELETE", &format!("{PAGE}?path={PATH}"), &[], "").await;
    assert_eq!(
        (again.status, again.text()),
        (
            404,
            "nothing is pushed as datadog/2/APM_TRACING/rates/config\n"
        )
    );
    let answer = decoded(&poll(&intake, &request()).await);
    assert_eq!(targets(&answer)["targets"], json!({}));
}

#[tokio::test]
async fn several_files_are_pushed_at_once_or_none() {
    let intake = Intake::start().await;
    let good = json!({"product": "ASM", "id": "a", "config": 1});
    let bad = json!({"product": "ASM", "id": "a/b", "config": 1});
    let answer = post(&intake, PAGE, json!([good, bad])).await;
    assert_eq!(
        (answer.status, answer.text()),
        (
            400,
            "id is not 1 to 200 bytes without slashes and control characters\n"
        )
    );
    assert_eq!(intake.remote_config().pushed, []);
    let other = json!({"product": "ASM", "id": "b", "config_base64": "/w=="});
    let before = intake.remote_config().config_snapshot_version;
    let answer = post(&intake, PAGE, json!([good, other])).await.json();
    assert_eq!(answer["pushed"][1]["text"], Value::Null);
    assert_eq!(answer["pushed"].as_array().unwrap().len(), 2);
    assert!(intake.remote_config().config_snapshot_version > before);
    assert_eq!(
        get(&intake, "/inspect/summary").await.json()["remote_config"],
        json!({"pushed": 2})
    );

    send(&intake, "DELETE", PAGE, &[], "").await;
    assert_eq!(intake.remote_config().pushed, []);
    post(&intake, PAGE, good).await;
    post(&intake, "/inspect/reset", json!({})).await;
    assert_eq!(intake.remote_config().pushed, []);
}

#[tokio::test]
async fn what_clients_say_of_a_file_stands_beside_it() {
    let intake = Intake::start().await;
    let push =
        |rate: &'static str| intake.push_config(RemoteConfig::new("APM_TRACING", "rates", rate));
    push("1").unwrap();
    let mut request = request();
    request.active_clients = vec![tracer(1, 2, "")];
    poll(&intake, &request).await;
    intake.expect_acknowledged(PATH).await;
    let shown = get(&intake, PAGE).await.json();
    assert_eq!(
        shown["pushed"][0]["clients"],
        json!([{
            "client": "client-1", "kind": "tracer", "name": "web", "language": "python",
            "runtime_id": "run-1", "apply_state": "acknowledged", "apply_error": "",
        }])
    );
    let agent = &shown["agents"][0];
    assert_eq!(
        (&agent["hostname"], &agent["polls"]),
        (&json!("box-1"), &json!(1))
    );
    assert_eq!(agent["new_products"], json!(["APM_TRACING"]));
    let client = &agent["clients"][0];
    assert_eq!(client["capabilities"], json!([12]));
    assert_eq!(
        (&client["root_version"], &client["targets_version"]),
        (&json!(1), &json!(9))
    );

    push("2").unwrap();
    assert_eq!(intake.remote_config().pushed[0].clients, []);
    request.active_clients = vec![tracer(2, 3, "no such rate")];
    poll(&intake, &request).await;
    let pushed = intake.remote_config().pushed.remove(0);
    assert_eq!(pushed.clients[0].apply_state, ApplyState::Error);
    assert_eq!(pushed.clients[0].apply_error, "no such rate");
}

#[tokio::test]
async fn the_organisation_and_the_key_are_told() {
    let intake = Intake::start().await;
    let org = async || {
        let answer = send(&intake, "GET", "/api/v0.1/org", &HEADERS, "").await;
        OrgDataResponse::decode(&answer.body[..]).unwrap().uuid
    };
    let status = async || {
        let answer = send(&intake, "GET", "/api/v0.1/status", &HEADERS, "").await;
        let status = OrgStatusResponse::decode(&answer.body[..]).unwrap();
        (status.enabled, status.authorized)
    };
    assert_eq!(org().await, intake.remote_config().org_uuid);
    assert_eq!(status().await, (true, true));
    let settings = format!("{PAGE}/settings");
    post(&intake, &settings, json!({"authorized": false})).await;
    assert_eq!(status().await, (true, false));
    post(&intake, &settings, json!({"enabled": false})).await;
    assert_eq!(status().await, (false, false));
    let refused = post(&intake, &settings, json!({"speed": 1})).await;
    assert_eq!(refused.status, 400);

    drop(intake.on("*").tamper(Tamper::WrongOrg));
    assert_eq!(org().await, intake.remote_config().org_uuid);
    intake.set_faults(Vec::new());
    intake.on("/api/v0.1/org").tamper(Tamper::WrongOrg).times(1);
    assert_eq!(org().await, "00000000-0000-4000-8000-000000000666");
    assert_eq!(org().await, intake.remote_config().org_uuid);
}

#[tokio::test]
async fn agents_are_steered_and_roots_are_new_on_request() {
    let intake = Intake::start().await;
    assert_eq!(
        targets(&decoded(&poll(&intake, &request()).await))["custom"].get("agent_refresh_interval"),
        None
    );
    let settings = json!({"refresh_interval_s": 5, "timestamp_lifetime_s": 2});
    let shown = post(&intake, &format!("{PAGE}/settings"), settings)
        .await
        .json();
    assert_eq!(
        shown["settings"],
        json!({"refresh_interval_s": 5, "timestamp_lifetime_s": 2, "enabled": true, "authorized": true})
    );
    let answer = decoded(&poll(&intake, &request()).await);
    assert_eq!(targets(&answer)["custom"]["agent_refresh_interval"], 5);
    let zero = json!({"refresh_interval_s": 0});
    post(&intake, &format!("{PAGE}/settings"), zero).await;
    let answer = decoded(&poll(&intake, &request()).await);
    assert_eq!(targets(&answer)["custom"]["agent_refresh_interval"], 0);
    intake.reset();
    let answer = decoded(&poll(&intake, &request()).await);
    let custom = &targets(&answer)["custom"];
    assert_eq!(custom.get("agent_refresh_interval"), None);

    let rotate = format!("{PAGE}/rotate");
    post(&intake, &rotate, json!({"repository": "director"})).await;
    send(&intake, "POST", &rotate, &[], "").await;
    let shown = intake.remote_config();
    assert_eq!(
        (shown.config_root_version, shown.director_root_version),
        (2, 3)
    );
    let answer = decoded(&poll(&intake, &request()).await);
    let versions: Vec<u64> = answer
        .director_metas
        .unwrap()
        .roots
        .iter()
        .map(|root| root.version)
        .collect();
    assert_eq!(versions, [1, 2, 3]);
    assert_eq!(
        post(&intake, &rotate, json!({"repository": "agent"}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_poll_is_recorded_with_its_product_its_words_and_its_problems() {
    let intake = Intake::start().await;
    let mut request = request();
    request.agent_version.clear();
    request.active_clients = vec![tracer(1, 2, "")];
    let headers = [("dd-par-jwt", "secret-token")];
    let answer = send(&intake, "POST", POLL, &headers, request.encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    let record = get(&intake, "/inspect/requests").await.lines().remove(0);
    assert_eq!(
        (&record["product"], &record["items"]),
        (&json!("remote_config"), &json!(1))
    );
    assert_eq!(
        record["problems"],
        json!([
            "no DD-API-KEY header",
            "Content-Type is not application/x-protobuf",
            "no agent_version"
        ])
    );
    assert_eq!(record["headers"]["dd-par-jwt"], "***oken");
    assert_eq!(record["poll"]["hostname"], "box-1");
    assert_eq!(record["poll"]["clients"][0]["name"], "web");
    assert_eq!(intake.raw_requests()[0].product, Some("remote_config"));

    let answer = send(&intake, "POST", POLL, &HEADERS, "\u{0}").await;
    assert_eq!(answer.status, 400);
    let why = answer.json()["errors"][0].as_str().unwrap().to_owned();
    assert!(why.starts_with("body not decodable: "), "{why}");
    assert_eq!(intake.remote_config().agents[0].polls, 1);
}

#[tokio::test]
async fn faults_concern_polls_as_any_other_request() {
    let intake = Intake::start().await;
    intake.on(POLL).reply_once(503);
    assert_eq!(poll(&intake, &request()).await.status, 503);
    assert_eq!(intake.remote_config().agents, []);
    intake.on(POLL).close_after(400).times(1);
    let cut = try_send(&intake, "POST", POLL, &HEADERS, request().encode_to_vec()).await;
    assert!(cut.is_err(), "{cut:?}");
    intake.on(POLL).tamper(Tamper::NotProtobuf).times(1);
    let answer = poll(&intake, &request()).await;
    assert_eq!(answer.status, 200);
    assert!(LatestConfigsResponse::decode(&answer.body[..]).is_err());
    assert_eq!(
        intake.raw_requests().pop().unwrap().fault.as_deref(),
        Some("tamper not_protobuf")
    );
    decoded(&poll(&intake, &request()).await);
}

#[tokio::test]
async fn a_script_that_tampers_is_taken_or_refused_with_the_reason() {
    let intake = Intake::start().await;
    let script =
        async |rule: Value| post(&intake, "/inspect/faults", json!({"rules": [rule]})).await;
    let rule =
        json!({"path": POLL, "tamper": "bad_signature", "document": "config/snapshot", "times": 2});
    let taken = script(rule).await.json();
    assert_eq!(taken["rules"][0]["tamper"], "bad_signature");
    poll(&intake, &request()).await;
    send(&intake, "POST", "/api/v2/logs", &HEADERS, "[]").await;
    let rules = get(&intake, "/inspect/faults").await.json();
    assert_eq!(rules["rules"][0]["hits"], 1);
    for (rule, why) in [
        (
            json!({"document": "config/root", "status": 500}),
            "rule 0 has a document without tamper\n",
        ),
        (
            json!({"path": "/api/v2/logs", "tamper": "frozen"}),
            "rule 0 has tamper, and a path where no remote configuration is asked for\n",
        ),
        (
            json!({"tamper": "frozen", "status": 503}),
            "rule 0 has tamper, and gives another answer instead\n",
        ),
        (
            json!({"tamper": "frozen", "slow_read_bytes_per_s": 1}),
            "rule 0 has tamper beside what is not about answers\n",
        ),
        (
            json!({"tamper": "expired", "document": "config/root"}),
            "rule 0 has tamper expired, which a root cannot be\n",
        ),
    ] {
        let refused = script(rule).await;
        assert_eq!((refused.status, refused.text()), (400, why));
    }
}

#[tokio::test]
async fn the_roots_that_an_agent_must_trust_are_told() {
    let intake = Intake::start().await;
    intake.rotate_root(Repository::Config);
    let roots = get(&intake, &format!("{PAGE}/roots")).await.json();
    assert_eq!(roots["config"], datadog_dev_intake::config_root());
    assert_eq!(roots["director"], datadog_dev_intake::director_root());
    let root: Value = serde_json::from_str(roots["config"].as_str().unwrap()).unwrap();
    assert_eq!(root["signed"]["version"], 1);
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let intake = Intake::start().await;
    assert_eq!(get(&intake, &format!("{PAGE}/x")).await.status, 404);
    assert_eq!(get(&intake, &format!("{PAGE}/rotate")).await.status, 405);
    assert_eq!(get(&intake, "/inspect/remote_configs").await.status, 404);
    let odd = send(&intake, "DELETE", &format!("{PAGE}?id=1"), &[], "").await;
    assert_eq!(
        (odd.status, odd.text()),
        (400, "the only parameter is path\n")
    );
    let origin = [("origin", "http://elsewhere.example")];
    let foreign = send(&intake, "POST", PAGE, &origin, "{}").await;
    assert_eq!(foreign.status, 403);
}
