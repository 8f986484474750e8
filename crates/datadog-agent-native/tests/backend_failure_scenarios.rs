//! What an agent does while intakes fail, refuse, are not there, or do not answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::Duration;

use datadog_agent_native::agent::AgentCoordinator;
use datadog_dev_intake::Intake;
use support::{ask, assert_ok, config, post, start, trace};

/// One log and one trace.
async fn send(agent: &AgentCoordinator) {
    let at = agent.listeners();
    let log = post("/v1/input", r#"[{"message":"hello"}]"#);
    assert_ok(&ask(at.logs_tcp.unwrap(), &log).await);
    let trace = post("/v0.4/traces", &trace(7, "shop"));
    assert_ok(&ask(at.trace_tcp.unwrap(), &trace).await);
}

#[tokio::test]
async fn intakes_that_fail_for_a_while_get_everything_in_the_end() {
    let intake = Intake::start().await;
    for path in ["/api/v2/logs", "/api/v0.2/traces", "/api/v0.2/stats"] {
        intake.on(path).times(2).reply(503);
    }
    let agent = start(config(&intake, &[])).await;
    send(&agent).await;
    agent.shutdown().await.unwrap();
    assert_eq!(intake.messages(), ["hello"]);
    assert_eq!((intake.traces().len(), intake.stats().len()), (1, 1));
    assert_eq!(intake.requests("/api/v0.2/traces"), 3);
}

#[tokio::test]
async fn what_is_refused_for_good_is_counted_and_is_no_failure_of_the_stop() {
    let intake = Intake::start().await;
    for path in ["/api/v2/logs", "/api/v0.2/traces"] {
        intake.on(path).reply(400);
    }
    let mut agent = start(config(&intake, &[])).await;
    send(&agent).await;
    agent.stop().await.unwrap();
    let report = agent.last_stop().unwrap();
    assert_eq!(report.logs.as_ref().unwrap().dropped["client_4xx"], 1);
    assert_eq!(report.traces.as_ref().unwrap().dropped["client_4xx"], 1);
    assert_eq!(report.dropped(), 2);
    assert!(intake.messages().is_empty() && intake.traces().is_empty());
}

#[tokio::test]
async fn an_agent_starts_and_accepts_while_no_intake_is_there() {
    let intake = Intake::start().await;
    let config = config(&intake, &[]);
    intake.kill().await;
    let agent = start(config).await;
    send(&agent).await;
    intake.revive().await.unwrap();
    agent.shutdown().await.unwrap();
    assert_eq!((intake.messages().len(), intake.traces().len()), (1, 1));
}

#[tokio::test]
async fn one_intake_that_hangs_costs_the_other_pipelines_nothing() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").hang();
    let mut agent = start(config(&intake, &[("DD_SHUTDOWN_TIMEOUT", "1")])).await;
    send(&agent).await;
    agent.metrics().unwrap().send(b"orders:1|c").unwrap();
    let flushed = agent.flush(Duration::from_millis(200)).await;
    assert_eq!(flushed.traces.unwrap().traces.items_sent, 1);
    assert_eq!(flushed.logs.unwrap().pending_entries, 1);
    let error = agent.stop().await.unwrap_err().to_string();
    assert_eq!(error, "Shutdown error: 1 logs were not delivered in time");
    assert_eq!((intake.traces().len(), intake.series().len()), (1, 1));
}
