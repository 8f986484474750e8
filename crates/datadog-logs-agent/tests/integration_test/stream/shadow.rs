//! Both ways at once: HTTP counts, and the stream carries copies as far as it keeps up.

use std::collections::BTreeMap;
use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::{GrpcStatus, Intake};
use datadog_logs_agent::Config;
use datadog_logs_agent::stream::Role;
use datadog_wire::stateful::METHOD_A;
use serde_json::json;

use super::{config_with, expect_no_memory, post, settings};
use crate::agent::{Agent, PATH};

fn shadow(intake: &Intake) -> Config {
    config_with(intake, |stream| {
        stream.role = Role::Shadow;
        stream.endpoint.shadow = true;
        settings(stream).max_inflight_payloads = 1;
        stream.pipeline.shutdown_timeout = Duration::from_millis(200);
    })
}

#[tokio::test]
async fn a_log_and_its_copy_have_the_same_uuid_and_the_same_content() {
    let intake = Intake::start().await;
    let agent = Agent::start(shadow(&intake)).await;
    let entries = json!([
        {"message": "plain", "timestamp": 1_767_323_045_678_u64},
        {"message": "attributes", "timestamp": 1_767_323_045_678_u64, "a": [1, 2], "service": "shop"},
        {"message": "a uuid of the user's", "timestamp": 1_767_323_045_678_u64, "id": {"uuid": 1}},
    ]);
    post(&agent, &entries).await;
    let report = agent.flush().await;
    assert_eq!(report.entries_sent, 3);
    intake
        .expect(|seen| seen.log_count() == 6, "each log twice")
        .await;

    let (mut over_http, mut over_stream) = (BTreeMap::new(), BTreeMap::new());
    for mut log in intake.logs() {
        match log.stream {
            Some(stream) => {
                assert!(stream.shadow);
                over_stream.insert(stream.uuid.unwrap(), log.entry);
            }
            None => {
                let uuid = log.entry.remove("uuid").unwrap();
                over_http.insert(uuid.as_str().unwrap().to_owned(), log.entry);
            }
        }
    }
    assert_eq!(over_http.len(), 3);
    assert_eq!(over_http, over_stream);
    expect_no_memory(&agent).await;
}

#[tokio::test]
async fn http_never_waits_for_a_stream_that_is_stuck() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).hang();
    let agent = Agent::start(shadow(&intake)).await;
    for number in 0..20 {
        agent.log(&format!("log {number}")).await;
        assert_eq!(agent.flush().await.entries_sent, 1);
    }
    assert_eq!(intake.requests(PATH), 20);
    assert!(agent.sum(Metric::LogsStreamShadowDropped) >= 15);
    expect_no_memory(&agent).await;
    let telemetry = agent.telemetry.clone();
    let report = agent.stop().await;
    assert_eq!((report.sent, report.pending), (20, 0));
    assert!(report.dropped.is_empty(), "{report:?}");
    assert_eq!(telemetry.sum(Metric::LogsStreamShadowDropped, &[]), 20);
}

#[tokio::test]
async fn a_stream_that_is_not_taken_sends_nothing_twice_over_http() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).grpc_status(GrpcStatus::Unimplemented);
    let agent = Agent::start(shadow(&intake)).await;
    for number in 0..5 {
        agent.log(&format!("log {number}")).await;
        agent.flush().await;
    }
    let report = agent.stop().await;
    assert_eq!(report.sent, 5);
    assert_eq!(intake.logs().len(), 5);
}
