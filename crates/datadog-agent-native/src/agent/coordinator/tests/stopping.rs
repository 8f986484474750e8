//! Stops, in time and out of time, and drops without a stop.

use std::path::Path;

use datadog_agent_runtime::drain;
use datadog_agent_runtime::tasks::Watch;

use super::*;

/// A request with so many spans, one trace each.
fn spans(count: u64) -> Vec<u8> {
    let spans: Vec<String> = (1..=count)
        .map(|id| {
            format!(
                r#"[{{"service":"shop","name":"web.request","resource":"GET /","type":"web","trace_id":{id},
                "span_id":{id},"start":1700000000000000000,"duration":5,"metrics":{{"_sampling_priority_v1":1}}}}]"#
            )
        })
        .collect();
    let body = format!("[{}]", spans.join(","));
    post("/v0.4/traces", "application/json", &body)
}

#[tokio::test]
async fn a_hundred_spans_are_delivered_by_a_stop_at_once() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    agent.start().await.unwrap();
    assert!(tell(&agent, &spans(100)).await.starts_with("HTTP/1.1 200"));
    agent.stop().await.unwrap();
    let arrived: usize = intake.traces().iter().map(|it| it.spans().len()).sum();
    assert_eq!(arrived, 100);
    let report = agent.last_stop().unwrap();
    let traces = report.traces.as_ref().unwrap();
    assert_eq!((traces.sent, traces.pending), (100, 0));
    assert_eq!((traces.stats_sent, traces.stats_pending), (1, 0));
    assert_eq!(report.dropped(), 0);
    let hits: u64 = intake.stats().iter().map(|it| it.group.hits).sum();
    assert_eq!(hits, 100);
}

#[tokio::test]
async fn a_hundred_spans_that_no_intake_answers_for_are_counted_when_the_time_is_over() {
    let intake = Intake::start().await;
    intake.on("/api/v0.2/traces").hang();
    let limit = [("DD_SHUTDOWN_TIMEOUT", "1")];
    let mut agent = AgentCoordinator::new(config(&intake, &limit)).unwrap();
    agent.start().await.unwrap();
    assert!(tell(&agent, &spans(100)).await.starts_with("HTTP/1.1 200"));
    agent.logs().unwrap().insert_batch(&entry("fine")).unwrap();
    let error = agent.stop().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "Shutdown error: 100 spans were not delivered in time"
    );
    // The time was theirs to the end, and cost no other pipeline anything.
    let report = agent.last_stop().unwrap();
    assert!(report.took >= Duration::from_secs(1), "{report:?}");
    assert_eq!(report.logs.as_ref().unwrap().sent, 1);
    assert_eq!(report.traces.as_ref().unwrap().stats_sent, 1);
    assert_eq!(intake.messages(), ["fine"]);
}

#[tokio::test]
async fn logs_have_only_the_time_that_they_were_given() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").hang();
    let extra = [
        ("DD_SHUTDOWN_TIMEOUT", "60"),
        ("DD_LOGS_CONFIG_STOP_GRACE_PERIOD", "100ms"),
    ];
    let mut agent = AgentCoordinator::new(config(&intake, &extra)).unwrap();
    agent.start().await.unwrap();
    agent.logs().unwrap().insert_batch(&entry("lost")).unwrap();
    assert!(tell(&agent, &spans(1)).await.starts_with("HTTP/1.1 200"));
    let error = agent.stop().await.unwrap_err().to_string();
    assert_eq!(error, "Shutdown error: 1 logs were not delivered in time");
    let report = agent.last_stop().unwrap();
    assert!(report.took < Duration::from_secs(60), "{report:?}");
    assert_eq!(report.traces.as_ref().unwrap().sent, 1);
}

#[tokio::test]
async fn a_stop_twice_is_a_stop_once_and_a_shutdown_after_it_too() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    agent.stop().await.unwrap();
    agent.start().await.unwrap();
    agent.stop().await.unwrap();
    agent.stop().await.unwrap();
    agent.shutdown().await.unwrap();
}

fn on_sockets(folder: &Path, intake: &Intake) -> Config {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (traces, logs, statsd) = (path("apm.sock"), path("logs.sock"), path("dsd.sock"));
    config(
        intake,
        &[
            ("DD_TRACE_AGENT_PORT", ""),
            ("DD_TRACE_AGENT_UDS_PATH", &traces),
            ("DD_LOGS_SOCKET", &logs),
            ("DD_DOGSTATSD_ENABLED", "true"),
            ("DD_DOGSTATSD_PORT", "0"),
            ("DD_DOGSTATSD_SOCKET", &statsd),
        ],
    )
}

fn files(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_agent_that_is_dropped_while_it_runs_removes_its_sockets_at_once() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut agent = AgentCoordinator::new(on_sockets(folder.path(), &intake)).unwrap();
    agent.start().await.unwrap();
    assert_eq!(files(folder.path()), ["apm.sock", "dsd.sock", "logs.sock"]);
    let handle = agent.handle().clone();
    // Nothing is awaited in between: no task had a turn.
    drop(agent);
    assert!(files(folder.path()).is_empty());
    assert!(handle.logs().is_none());

    // Another one can take the paths, and keeps them when the tasks of the first come to their end.
    let mut agent = AgentCoordinator::new(on_sockets(folder.path(), &intake)).unwrap();
    agent.start().await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(files(folder.path()).len(), 3);
    agent.stop().await.unwrap();
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn a_start_that_fails_half_way_frees_what_it_had_bound() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    // Logs are bound first, traces last; there a file is in the way.
    std::fs::write(folder.path().join("apm.sock"), "precious").unwrap();
    let mut agent = AgentCoordinator::new(on_sockets(folder.path(), &intake)).unwrap();
    let error = agent.start().await.unwrap_err().to_string();
    assert!(error.starts_with("Startup error: traces: "), "{error}");
    assert!(error.contains("exists and is not a socket"), "{error}");
    assert_eq!(files(folder.path()), ["apm.sock"]);
    assert_eq!(agent.health().state, State::Failed);
    assert_eq!(*agent.listeners(), Listeners::default());
    assert!(agent.logs().is_none() && agent.events().is_none());
}

#[tokio::test]
async fn a_task_that_dies_makes_the_agent_failed_and_ends_the_wait() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    agent.start().await.unwrap();
    let health = agent.health();
    assert_eq!(health.components["logs"], State::Running);
    assert_eq!(health.components.get("metrics"), None);

    let (_signal, drain) = drain::channel();
    let watch = Watch::new("logs", drain);
    let (board, handle) = (agent.board.clone(), agent.handle.clone());
    let running = agent.running.as_mut().unwrap();
    let events = running.events.clone();
    let supervise = keepers::supervise("logs", watch.failure(), board, handle, events);
    running.keepers.spawn(supervise);
    let died = tokio::spawn(watch.over("aggregator", async { panic!("as asked") }));
    assert!(died.await.unwrap_err().is_panic());

    assert_eq!(agent.wait_for_shutdown().await, ShutdownReason::FatalError);
    let health = agent.health();
    assert_eq!(health.state, State::Failed);
    assert_eq!(health.components["logs"], State::Failed);
    assert_eq!(health.components["traces"], State::Running);
    agent.stop().await.unwrap();
    assert_eq!(agent.health().state, State::Stopped);
}
