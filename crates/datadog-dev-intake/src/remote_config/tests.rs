//! What the backend holds and how its versions rise, without sockets; what verifies its signatures stands elsewhere.

use datadog_wire::remote_config::{
    Client, ClientState, ClientTracer, ConfigState, LatestConfigsRequest, LatestConfigsResponse,
};

use super::*;
use crate::problem::Problems;

/// 2026-01-01T00:00:00Z.
const NOW: u64 = 1_767_225_600;
const NOW_MS: i64 = 1_767_225_600_000;

fn file(id: impl Into<String>) -> RemoteConfig {
    RemoteConfig::new("APM_TRACING", id, "{}")
}

fn poll() -> LatestConfigsRequest {
    LatestConfigsRequest {
        agent_version: "7.70.0".to_owned(),
        agent_uuid: "agent".to_owned(),
        new_products: vec!["APM_TRACING".to_owned()],
        ..LatestConfigsRequest::default()
    }
}

fn client() -> Client {
    Client {
        state: Some(ClientState {
            root_version: 1,
            ..ClientState::default()
        }),
        id: "c".to_owned(),
        products: vec!["APM_TRACING".to_owned()],
        is_tracer: true,
        client_tracer: Some(ClientTracer {
            runtime_id: "r".to_owned(),
            language: "go".to_owned(),
            ..ClientTracer::default()
        }),
        last_seen: NOW * 1_000,
        ..Client::default()
    }
}

fn ask(
    backend: &mut Backend,
    request: &LatestConfigsRequest,
    now_ms: i64,
) -> LatestConfigsResponse {
    LatestConfigsResponse::decode(backend.poll(request, None, now_ms)).unwrap()
}

fn stamp(answer: &LatestConfigsResponse) -> (u64, u64) {
    let config = answer.config_metas.as_ref().unwrap();
    let director = answer.director_metas.as_ref().unwrap();
    let version =
        |meta: &Option<datadog_wire::remote_config::TopMeta>| meta.as_ref().unwrap().version;
    (version(&config.timestamp), version(&director.timestamp))
}

#[test]
fn versions_follow_the_clock_and_never_fall() {
    let mut backend = Backend::new(1, NOW);
    assert_eq!(backend.snapshot, NOW);
    backend.push(vec![file("a")], NOW).unwrap();
    assert_eq!(backend.snapshot, NOW + 1);
    backend.push(vec![file("b"), file("c")], NOW + 10).unwrap();
    assert_eq!(backend.snapshot, NOW + 10);
    backend.push(vec![file("a")], NOW - 10).unwrap();
    assert_eq!(backend.snapshot, NOW + 11);
    backend.reset(NOW);
    assert_eq!((backend.snapshot, backend.count()), (NOW + 12, 0));
    backend.reset(NOW);
    assert_eq!(backend.snapshot, NOW + 12);
    assert!(!backend.withdraw("datadog/2/APM_TRACING/a/config", NOW));
}

#[test]
fn timestamps_are_made_anew_once_half_of_their_time_is_over() {
    let mut backend = Backend::new(1, NOW);
    let first = stamp(&ask(&mut backend, &poll(), NOW_MS));
    let half_ms = 1_800_000;
    assert_eq!(
        stamp(&ask(&mut backend, &poll(), NOW_MS + half_ms - 1_000)),
        first
    );
    let second = stamp(&ask(&mut backend, &poll(), NOW_MS + half_ms));
    assert!(second.0 > first.0 && second.1 > first.1);
}

#[test]
fn the_same_question_has_the_same_answer_byte_for_byte() {
    let mut backend = Backend::new(1, NOW);
    backend.push(vec![file("a")], NOW).unwrap();
    let first = backend.poll(&poll(), None, NOW_MS);
    assert_eq!(backend.poll(&poll(), None, NOW_MS + 5_000), first);
}

#[test]
fn two_agents_are_told_of_their_own_products() {
    let mut backend = Backend::new(1, NOW);
    backend.push(vec![file("a")], NOW).unwrap();
    let other = LatestConfigsRequest {
        agent_uuid: "other".to_owned(),
        new_products: vec!["ASM".to_owned()],
        ..poll()
    };
    let first = ask(&mut backend, &poll(), NOW_MS);
    assert_eq!(ask(&mut backend, &other, NOW_MS).target_files, []);
    assert_eq!(ask(&mut backend, &poll(), NOW_MS), first);
}

#[test]
fn agents_and_files_are_bounded() {
    let mut backend = Backend::new(1, NOW);
    for number in 0..20 {
        let request = LatestConfigsRequest {
            agent_uuid: number.to_string(),
            ..poll()
        };
        backend.poll(&request, None, NOW_MS);
    }
    let agents = backend.snapshot().agents;
    let first = agents.first().map(|agent| agent.agent_uuid.as_str());
    assert_eq!((agents.len(), first), (16, Some("4")));

    let many: Vec<_> = (0..1_000).map(|id: i32| file(id.to_string())).collect();
    backend.push(many, NOW).unwrap();
    backend.push(vec![file("7")], NOW).unwrap();
    let error = backend.push(vec![file("1000")], NOW).unwrap_err();
    assert_eq!(error.to_string(), "more than 1000 files");
    assert_eq!(backend.count(), 1_000);

    let mut backend = Backend::new(1, NOW);
    let large = |id: &str| RemoteConfig::new("ASM_DD", id, vec![b'1'; (8 << 20) - 1_024]);
    let ids = ["0", "1", "2", "3", "4", "5", "6", "7"];
    backend.push(ids.map(large).into(), NOW).unwrap();
    backend.push(vec![large("7")], NOW).unwrap();
    let error = backend.push(vec![large("8")], NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "files of more than 67108864 bytes together"
    );
}

#[test]
fn a_version_that_no_clock_can_have_reached_is_not_gone_on_from() {
    let mut backend = Backend::new(1, NOW);
    let request = LatestConfigsRequest {
        current_config_snapshot_version: u64::MAX,
        current_config_root_version: u64::MAX,
        ..poll()
    };
    let answer = ask(&mut backend, &request, NOW_MS);
    assert_eq!(backend.snapshot, NOW);
    assert_eq!(backend.config_root, 1_000);
    assert!(answer.config_metas.unwrap().top_targets.is_some());
    assert!(!backend.rotate(Repository::Config, NOW));
}

#[test]
fn two_lives_that_begin_in_one_second_are_told_apart() {
    let state =
        |life: u64, version: u64| format!(r#"{{"life":{life},"version":{version}}}"#).into_bytes();
    let mut backend = Backend::new(2, NOW);
    let mut request = LatestConfigsRequest {
        current_config_snapshot_version: NOW,
        backend_client_state: state(2, NOW),
        ..poll()
    };
    let brings_all = |answer: LatestConfigsResponse| {
        let config = answer.config_metas.unwrap();
        (config.top_targets.is_some(), config.delegated_targets.len())
    };
    assert_eq!(brings_all(ask(&mut backend, &request, NOW_MS)), (false, 0));
    request.backend_client_state = state(1, NOW);
    for _ in 0..2 {
        assert_eq!(brings_all(ask(&mut backend, &request, NOW_MS)), (true, 10));
    }
    // The answer to the second poll of the same old state is no further life.
    let born = backend.born;
    ask(&mut backend, &request, NOW_MS);
    assert_eq!(backend.born, born);
    assert!(born > NOW);
}

#[track_caller]
fn problems(change: impl FnOnce(&mut LatestConfigsRequest), expected: &[&str]) {
    let mut request = LatestConfigsRequest {
        active_clients: vec![client()],
        ..poll()
    };
    change(&mut request);
    let mut problems = Problems::default();
    check::check(&Backend::new(1, NOW), &request, NOW_MS, &mut problems);
    assert_eq!(problems.lines(), expected);
}

#[test]
fn what_an_agent_leaves_out_or_contradicts_is_a_problem() {
    problems(|_| {}, &[]);
    problems(|poll| poll.agent_version.clear(), &["no agent_version"]);
    problems(
        |poll| poll.agent_version = "dev".to_owned(),
        &["agent_version is no version"],
    );
    problems(|poll| poll.agent_uuid.clear(), &["no agent_uuid"]);
    problems(|poll| poll.org_uuid = ORG_UUID.to_owned(), &[]);
    problems(
        |poll| poll.org_uuid = "x".to_owned(),
        &["org_uuid is not that of the organisation"],
    );
    problems(
        |poll| poll.has_error = true,
        &["has_error without an error"],
    );
    problems(
        |poll| poll.error = "x".to_owned(),
        &["error without has_error"],
    );
    problems(
        |poll| poll.current_director_root_version = 1_001,
        &["version of a root that there is not"],
    );
    problems(
        |poll| {
            poll.products = vec![String::new(), "APM_TRACING".to_owned()];
        },
        &["empty product", "product listed twice: APM_TRACING"],
    );
}

#[test]
fn what_is_wrong_with_a_client_is_said_with_its_number() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Client), expected: &[&str]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|one| format!("client 0: {one}"))
            .collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        problems(|poll| change(&mut poll.active_clients[0]), &expected);
    }
    check(|client| client.id.clear(), &["no id"]);
    check(
        |client| client.id = "r".to_owned(),
        &["id is the runtime_id"],
    );
    check(|client| client.state = None, &["no state"]);
    check(
        |client| client.is_agent = true,
        &["not one of tracer, agent and updater"],
    );
    check(
        |client| client.client_tracer = None,
        &["no facts of its kind"],
    );
    check(|client| client.products.clear(), &["no products"]);
    check(
        |client| client.products.push("ASM".to_owned()),
        &["product of a client is not asked for"],
    );
    check(
        |client| client.last_seen = NOW,
        &["last_seen is not within a day, in milliseconds"],
    );
    check(
        |client| client.client_tracer = Some(ClientTracer::default()),
        &["no language"],
    );
    check(
        |client| {
            let state = client.state.as_mut().unwrap();
            state.root_version = 0;
            state.has_error = true;
            state.config_states = vec![
                ConfigState {
                    apply_state: 4,
                    ..ConfigState::default()
                },
                ConfigState {
                    id: "a".to_owned(),
                    product: "b".to_owned(),
                    version: 1,
                    apply_state: 3,
                    ..ConfigState::default()
                },
            ];
        },
        &[
            "root_version is 0",
            "has_error without an error",
            "config state without id, product or version",
            "unknown apply_state",
            "apply_state is error without an apply_error",
        ],
    );
    problems(
        |poll| poll.active_clients.push(client()),
        &["client 1: client listed twice"],
    );
}

#[test]
fn an_agent_says_again_what_it_was_given() {
    let mut backend = Backend::new(1, NOW);
    backend.poll(&poll(), None, NOW_MS);
    let mut request = LatestConfigsRequest {
        current_config_snapshot_version: NOW,
        ..poll()
    };
    let lines = |backend: &Backend, request: &LatestConfigsRequest| {
        let mut problems = Problems::default();
        check::check(backend, request, NOW_MS, &mut problems);
        problems.lines()
    };
    assert_eq!(
        lines(&backend, &request),
        ["backend_client_state is not what was given"]
    );
    request.backend_client_state = br#"{"version":5}"#.to_vec();
    assert_eq!(lines(&backend, &request), Vec::<String>::new());
}
