//! When the backend is asked, and what it is told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::telemetry::Metric;
use datadog_remote_config::ServiceConfig;
use datadog_remote_config::backend::{ApiError, KeySource};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{Agent, Fake, config, response};
use crate::signer::{Backend, TOP_FILE};

#[tokio::test(start_paused = true)]
async fn the_first_question_asks_for_everything_and_the_next_says_what_is_believed() {
    let mut backend = Backend::new();
    backend.config.org_uuid = Some("u-1");
    backend.director.custom = json!({"opaque_backend_state": "eyJhIjoxfQ=="});
    backend.config.publish();
    let agent = Agent::of(&backend).await;
    let _subscriber = agent.subscribe(&["ASM_FEATURES", "APM_TRACING"]);
    agent.asked(2).await;
    let requests = agent.fake.requests();
    let first = &requests[0];
    assert_eq!(
        (first.hostname.as_str(), first.agent_version.as_str()),
        ("web-1", "7.70.0")
    );
    assert_eq!(first.trace_agent_env, "prod");
    assert_eq!(first.tags, ["a:b"]);
    assert_eq!(first.current_config_root_version, 0);
    assert_eq!(first.current_director_root_version, 0);
    assert_eq!(first.current_config_snapshot_version, 0);
    assert_eq!(first.products, [""; 0]);
    assert_eq!(first.new_products, ["APM_TRACING", "ASM_FEATURES"]);
    assert_eq!(first.org_uuid, "");
    assert!(!first.has_error);
    assert_eq!(first.agent_uuid.len(), 36);
    let client = &first.active_clients[0];
    assert!(client.is_agent);
    assert_eq!(client.capabilities, [6]);
    assert_eq!(client.last_seen / 1_000, crate::NOW.unsigned_abs());
    let second = &requests[1];
    assert_eq!(second.current_config_root_version, 1);
    assert_eq!(second.current_director_root_version, 1);
    assert_eq!(second.current_config_snapshot_version, 2);
    assert_eq!(second.products, ["APM_TRACING", "ASM_FEATURES"]);
    assert_eq!(second.new_products, [""; 0]);
    assert_eq!(second.backend_client_state, br#"{"a":1}"#);
    assert_eq!(second.org_uuid, "u-1");
    assert_eq!(second.agent_uuid, first.agent_uuid);
    assert_eq!(agent.fake.with(|state| state.org_asked), 1);
    assert_eq!(agent.fake.times(), [0, 60]);
    let snapshot = agent.snapshot();
    assert_eq!(snapshot.files.len(), 2);
    assert_eq!(
        (snapshot.org_enabled, snapshot.api_key_scoped),
        (Some(true), Some(true))
    );
    assert_eq!(snapshot.store, "memory");
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_with_its_kind_and_waited_after() {
    let backend = Backend::new();
    let agent = Agent::start(config(&backend), Err(ApiError::Status(500))).await;
    agent.asked(1).await;
    let spoiled = {
        let mut spoiled = Backend::new();
        spoiled.director.targets = crate::signer::keys(&[99]);
        response(&spoiled)
    };
    agent.fake.answer_with(Ok(spoiled));
    agent.asked(2).await;
    assert_eq!(
        agent.snapshot().last_error.as_deref(),
        Some("tuf: director targets: 0 valid signatures of 1")
    );
    assert_eq!(agent.snapshot().director_targets_version, 0);
    agent.fake.answer_with(Ok(response(&backend)));
    agent.asked(4).await;
    let requests = agent.fake.requests();
    assert_eq!(requests[1].error, "api: non-200 response code: 500");
    assert!(requests[1].has_error);
    assert_eq!(
        requests[2].error,
        "tuf: director targets: 0 valid signatures of 1"
    );
    // Nothing has succeeded yet.
    assert_eq!(requests[2].current_director_root_version, 0);
    assert!(!requests[3].has_error);
    assert_eq!(requests[3].error, "");
    let times = agent.fake.times();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((90..120).contains(&pauses[0]), "{pauses:?}");
    assert!((120..180).contains(&pauses[1]), "{pauses:?}");
    // Two failures are forgiven for one success.
    assert_eq!(pauses[2], 60);
    let refreshes = agent
        .telemetry
        .by(Metric::RemoteConfigRefreshes, "outcome", |_| true);
    let expected = [("api", 1), ("ok", 2), ("tuf", 1)];
    assert_eq!(
        refreshes,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_backend_steers_the_pause_unless_it_is_set() {
    let mut backend = Backend::new();
    backend.director.custom = json!({"agent_refresh_interval": 50});
    let steered = Agent::of(&backend).await;
    steered.asked(3).await;
    assert_eq!(steered.fake.times(), [0, 50, 100]);
    assert_eq!(steered.snapshot().interval_s, 50);
    steered.stop().await;
    let fixed = ServiceConfig {
        refresh_interval: Some(Duration::from_secs(7)),
        ..config(&backend)
    };
    let fixed = Agent::start(fixed, Ok(response(&backend))).await;
    fixed.asked(3).await;
    assert_eq!(fixed.fake.times(), [0, 7, 14]);
    fixed.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_changes_nothing() {
    let mut backend = Backend::new();
    let agent = Agent::refreshed(&backend).await;
    let mut subscriber = agent.subscribe(&["ASM_FEATURES"]);
    assert_eq!(subscriber.changed().await.unwrap().len(), 1);
    let before = agent.snapshot();
    backend.change_top_file(b"{\"enabled\":false}");
    let other = Bytes::from_static(b"{\"enabled\":maybe}");
    backend.files.insert(TOP_FILE.to_owned(), other);
    agent.fake.answer_with(Ok(response(&backend)));
    agent.asked(2).await;
    let after = agent.snapshot();
    assert_eq!(
        after.last_error.as_deref(),
        Some("tuf: file datadog/2/ASM_FEATURES/asm-on/config: sha256 differs")
    );
    assert_eq!(after.files, before.files);
    assert_eq!(after.director_targets_version, 1);
    assert_eq!(&*subscriber.current()[0].raw, b"{\"enabled\":true}");
    assert!(
        timeout(Duration::from_secs(1), subscriber.changed())
            .await
            .is_err()
    );
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_older_answer_is_a_rollback() {
    let mut backend = Backend::new();
    let old = response(&backend);
    backend.config.publish();
    backend.director.publish();
    let agent = Agent::refreshed(&backend).await;
    agent.fake.answer_with(Ok(old));
    agent.asked(2).await;
    assert_eq!(
        agent.snapshot().last_error.as_deref(),
        Some("tuf: config timestamp: rollback of the timestamp from version 2 to 1")
    );
    assert_eq!(agent.snapshot().director_targets_version, 2);
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn configuration_of_another_organisation_is_refused() {
    let mut backend = Backend::new();
    backend.config.org_uuid = Some("u-2");
    let agent = Agent::refreshed(&backend).await;
    assert_eq!(
        agent.snapshot().last_error.as_deref(),
        Some("tuf: config snapshot: organisation u-2 instead of u-1")
    );
    agent.stop().await;
}

/// A key that changes.
struct Rotating(std::sync::Mutex<&'static str>);

impl KeySource for Rotating {
    fn current(&self) -> String {
        (*self.0.lock().unwrap()).to_owned()
    }

    fn refresh(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_of_another_organisation_asks_for_nothing() {
    let mut backend = Backend::new();
    backend.config.org_uuid = Some("u-1");
    let key = Arc::new(Rotating(std::sync::Mutex::new("first")));
    let fake = Fake::new(Ok(response(&backend)));
    let agent = Agent::with(config(&backend), key.clone(), fake).await;
    agent.asked(1).await;
    *key.0.lock().unwrap() = "second";
    agent.fake.with(|state| state.org = Ok("u-2"));
    sleep(Duration::from_secs(70)).await;
    assert_eq!(agent.fake.requests().len(), 1);
    assert_eq!(
        agent.snapshot().last_error.as_deref(),
        Some("tuf: the API key is of organisation u-2, and what is believed of u-1")
    );
    assert_eq!(agent.snapshot().files.len(), 2);
    agent.fake.with(|state| state.org = Ok("u-1"));
    agent.asked(2).await;
    assert_eq!(agent.snapshot().last_error, None);
    let last = agent.fake.with(|state| state.keys.last().cloned());
    assert_eq!(last.as_deref(), Some("second"));
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_key_nothing_is_asked() {
    let backend = Backend::new();
    let key = Arc::new(Rotating(std::sync::Mutex::new(" ")));
    let agent = Agent::with(config(&backend), key, Fake::new(Ok(response(&backend)))).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(agent.fake.requests().len(), 0);
    assert_eq!(
        agent.snapshot().last_error.as_deref(),
        Some("api: no API key that could be sent")
    );
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_the_backend() {
    let backend = Backend::new();
    for by_handle in [true, false] {
        let agent = Agent::of(&backend).await;
        agent.fake.with(|state| state.hangs = true);
        agent.asked(1).await;
        let begin = Instant::now();
        if by_handle {
            agent.handle.shutdown().await;
            agent.task.await.unwrap();
        } else {
            agent.stop().await;
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_forgets_and_asks_for_everything_again() {
    let backend = Backend::new();
    let agent = Agent::refreshed(&backend).await;
    agent.fake.answer_with(Err(ApiError::Unavailable(503)));
    agent.handle.reset().await;
    assert_eq!(agent.snapshot().files, []);
    assert_eq!(agent.snapshot().director_root_version, 1);
    let requests = agent.fake.requests();
    assert_eq!(requests[1].current_director_root_version, 0);
    agent.stop().await;
}
