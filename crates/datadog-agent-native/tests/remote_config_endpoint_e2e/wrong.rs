//! A whole agent against the development intake: what is in force stays so, whatever goes wrong, and its status says why.

use datadog_agent_native::agent::AgentCoordinator;
use datadog_dev_intake::{Intake, RemoteConfig, RemoteConfigSettings, Tamper};
use datadog_wire::remote_config::CONFIGURATIONS_PATH;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{LIMIT, SAMPLING, asked_by, config, start};

fn push(intake: &Intake, target_tps: u32) {
    let config = json!({"all_envs": {"priority_sampler_target_tps": target_tps}});
    let file = RemoteConfig::new("APM_SAMPLING", "all", config.to_string());
    intake.push_config(file).unwrap();
}

/// Waits for a status. Meanwhile new tracers ask, and for each of them the backend is asked at once: after a failure
/// its turn would not come for long.
async fn asked_until(
    agent: &AgentCoordinator,
    clients: &mut u32,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    let begun = Instant::now();
    loop {
        let health = agent.health();
        let status = &health.pipelines["remote_config"];
        if is_so(status) {
            return status.clone();
        }
        assert!(begun.elapsed() < LIMIT, "{status}");
        *clients += 1;
        asked_by(agent, &format!("c{clients}")).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

fn target_tps(status: &Value) -> &Value {
    &status["active"]["sampling"]["target_tps"]
}

/// Goes by a first push; then something is wrong while there is a second one; then nothing is any longer.
async fn stays_in_force(wrong: impl Fn(&Intake), reason: &str) {
    let intake = Intake::start().await;
    push(&intake, 5);
    let agent = start(config(&intake, &[])).await;
    let mut clients = 0;
    let before = asked_until(&agent, &mut clients, |status| target_tps(status) == 5.0).await;
    assert_eq!(before["state"], "running");
    assert_eq!(before["files"], json!({ SAMPLING: 1 }));

    wrong(&intake);
    push(&intake, 7);
    let is_failing = |status: &Value| status["state"] == "failing";
    let during = asked_until(&agent, &mut clients, is_failing).await;
    let said = during["last_error"].as_str().unwrap();
    assert!(said.starts_with(reason), "{said}");
    for kept in ["active", "files", "director_targets_version"] {
        assert_eq!(during[kept], before[kept], "{kept}");
    }
    if said.starts_with("tuf: ") {
        hears(&intake, &agent, &mut clients, said).await;
    }

    intake.set_faults(Vec::new());
    let after = asked_until(&agent, &mut clients, |status| target_tps(status) == 7.0).await;
    assert_eq!(after["last_error"], Value::Null);
    assert_eq!(after["files"], json!({ SAMPLING: 2 }));
    agent.shutdown().await.unwrap();
}

/// The backend hears of a failure with the next question.
async fn hears(intake: &Intake, agent: &AgentCoordinator, clients: &mut u32, said: &str) {
    let begun = Instant::now();
    loop {
        let known = intake.remote_config();
        if known
            .agents
            .iter()
            .any(|it| it.has_error && it.error == said)
        {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{known:?}");
        *clients += 1;
        asked_by(agent, &format!("c{clients}")).await;
    }
}

fn tampered(tamper: Tamper) -> impl Fn(&Intake) {
    move |intake| drop(intake.on(CONFIGURATIONS_PATH).tamper(tamper))
}

#[tokio::test]
async fn a_forged_signature_changes_nothing_and_the_status_says_so() {
    let reason = "tuf: director targets: 0 valid signatures of 2";
    stays_in_force(tampered(Tamper::BadSignature), reason).await;
}

#[tokio::test]
async fn versions_played_again_change_nothing_and_the_status_says_so() {
    let reason = "tuf: config timestamp: rollback of ";
    stays_in_force(tampered(Tamper::Replayed), reason).await;
}

#[tokio::test]
async fn a_file_that_is_missing_changes_nothing_and_the_status_says_so() {
    let reason = "tuf: file datadog/2/APM_SAMPLING/all/config: missing";
    stays_in_force(tampered(Tamper::MissingFile), reason).await;
}

#[tokio::test]
async fn another_organisation_changes_nothing_and_the_status_says_so() {
    let reason = "tuf: config snapshot: organisation 00000000-0000-4000-8000-000000000666 instead of \
                  00000000-0000-4000-8000-000000000002";
    stays_in_force(tampered(Tamper::WrongOrg), reason).await;
}

#[tokio::test]
async fn a_backend_that_hangs_up_or_fails_changes_nothing_and_the_status_says_so() {
    let closes = |intake: &Intake| drop(intake.on(CONFIGURATIONS_PATH).close());
    stays_in_force(closes, "api: ").await;
    let fails = |intake: &Intake| drop(intake.on(CONFIGURATIONS_PATH).reply(503));
    stays_in_force(fails, "api: ").await;
}

#[tokio::test]
async fn a_backend_that_is_gone_changes_nothing_and_its_successor_is_believed() {
    let intake = Intake::start().await;
    let addr = intake.addr();
    push(&intake, 5);
    let agent = start(config(&intake, &[])).await;
    let mut clients = 0;
    let before = asked_until(&agent, &mut clients, |status| target_tps(status) == 5.0).await;

    intake.stop().await;
    let is_failing = |status: &Value| status["state"] == "failing";
    let during = asked_until(&agent, &mut clients, is_failing).await;
    let said = during["last_error"].as_str().unwrap();
    assert!(said.starts_with("api: "), "{said}");
    for kept in ["active", "files", "director_targets_version"] {
        assert_eq!(during[kept], before[kept], "{kept}");
    }

    // It remembers nothing of the agent, and signs with the same keys.
    let successor = Intake::builder().addr(addr).start().await.unwrap();
    push(&successor, 7);
    let after = asked_until(&agent, &mut clients, |status| target_tps(status) == 7.0).await;
    assert_eq!(after["last_error"], Value::Null);
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_frozen_backend_is_found_out_when_its_timestamp_has_expired() {
    let wrong = |intake: &Intake| {
        drop(intake.on(CONFIGURATIONS_PATH).tamper(Tamper::Frozen));
    };
    let intake = Intake::start().await;
    intake.set_remote_config(RemoteConfigSettings {
        timestamp_lifetime_s: Some(8),
        ..RemoteConfigSettings::default()
    });
    push(&intake, 5);
    let agent = start(config(&intake, &[])).await;
    let mut clients = 0;
    asked_until(&agent, &mut clients, |status| target_tps(status) == 5.0).await;
    wrong(&intake);
    push(&intake, 7);
    let is_failing = |status: &Value| status["state"] == "failing";
    let status = asked_until(&agent, &mut clients, is_failing).await;
    let said = status["last_error"].as_str().unwrap();
    assert!(
        said.starts_with("tuf: config timestamp: expired at "),
        "{said}"
    );
    assert_eq!(target_tps(&status), 5.0);
    assert_eq!(status["files"], json!({ SAMPLING: 1 }));
    // Tracers are told that what they have is not to be relied on any longer, once it has expired too.
    let expired = async {
        loop {
            let (_, answer) = asked_by(&agent, "c1").await;
            if answer["config_status"] == 1 {
                break answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    let answer = tokio::time::timeout(LIMIT, expired).await.unwrap();
    assert_eq!(answer["client_configs"], Value::Null);

    intake.set_faults(Vec::new());
    let status = asked_until(&agent, &mut clients, |status| target_tps(status) == 7.0).await;
    assert_eq!(status["last_error"], Value::Null);
    agent.shutdown().await.unwrap();
}
