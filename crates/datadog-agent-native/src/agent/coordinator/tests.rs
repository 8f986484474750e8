//! The life of an agent, with a real intake at the other end.

mod embedding;
mod stopping;

use datadog_agent_runtime::bind::{Target, bind};
use datadog_dev_intake::Intake;

use super::*;
use crate::config::Profile;

fn config(intake: &Intake, extra: &[(&str, &str)]) -> Config {
    let url = intake.url();
    let base = [
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_AGENT_PORT", "0"),
        ("DD_TRACE_AGENT_PORT", "0"),
        ("DD_APM_DD_URL", url.as_str()),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", url.as_str()),
        ("DD_SHUTDOWN_TIMEOUT", "5"),
        ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
    ];
    Config::from_env_iter(base.into_iter().chain(extra.iter().copied()))
}

fn entry(message: &str) -> Vec<logs::IntakeEntry> {
    vec![logs::IntakeEntry::from_message(message, 1_700_000_000_000)]
}

#[test]
fn a_configuration_without_a_key_is_refused_by_name() {
    let error =
        AgentCoordinator::new(Config::from_env_iter([("DD_LOGS_ENABLED", "true")])).unwrap_err();
    assert!(
        error.to_string().starts_with("Configuration error: "),
        "{error}"
    );
    assert!(
        error.to_string().contains("API key not configured"),
        "{error}"
    );
}

#[tokio::test]
async fn logs_of_the_process_are_delivered_by_a_flush() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    agent.start().await.unwrap();
    agent
        .logs()
        .unwrap()
        .insert_batch(&entry("from a handle"))
        .unwrap();
    let report = agent.flush(Duration::from_secs(10)).await;
    assert_eq!(report.logs.unwrap().entries_sent, 1);
    assert_eq!(intake.messages(), ["from a handle"]);
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn only_an_agent_on_lambda_takes_its_events() {
    use metrics::invocations::{Billing, Event, Start};

    let intake = Intake::start().await;
    let url = intake.url();
    let variables = [
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_APM_ENABLED", "false"),
        ("DD_DD_URL", url.as_str()),
        ("DD_DOGSTATSD_PORT", "0"),
        ("DD_LOGS_ENABLED", "false"),
    ];
    let start = Start::Cold;
    for (profile, enhanced, takes) in [
        (Profile::Lambda, "true", true),
        (Profile::Lambda, "false", false),
        (Profile::Serverless, "true", false),
    ] {
        let extra = ("DD_ENHANCED_METRICS", enhanced);
        let config = Config::builder()
            .profile(profile)
            .with_env_iter(variables.into_iter().chain([extra]))
            .build_with_issues();
        let mut agent = AgentCoordinator::new(config).unwrap();
        assert!(
            agent.invocations(Billing::OnDemand).is_none(),
            "not started"
        );
        agent.start().await.unwrap();
        let invocations = agent.invocations(Billing::OnDemand);
        assert_eq!(invocations.is_some(), takes, "{profile:?} {enhanced}");
        if let Some(mut invocations) = invocations {
            invocations
                .tell(&Event::Invoked { start }, 1_700_000_000)
                .unwrap();
        }
        agent.shutdown().await.unwrap();
        let requests = intake.raw_requests();
        let mut paths = requests.iter().map(|request| request.path.as_str());
        assert!(paths.any(|path| path == "/api/beta/sketches"));
    }
}

#[tokio::test]
async fn a_stop_delivers_what_was_accepted_and_the_agent_can_start_again() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    for run in ["first", "second"] {
        agent.start().await.unwrap();
        assert_eq!(agent.health().state, State::Running);
        assert_ne!(agent.listeners().logs_tcp.unwrap().port(), 0);
        agent.logs().unwrap().insert_batch(&entry(run)).unwrap();
        agent.stop().await.unwrap();
        assert_eq!(agent.health().state, State::Stopped);
        assert_eq!(*agent.listeners(), Listeners::default());
    }
    agent.stop().await.unwrap();
    assert_eq!(intake.messages(), ["first", "second"]);
}

#[tokio::test]
async fn a_taken_port_fails_the_start_and_leaves_nothing_running() {
    let intake = Intake::start().await;
    let taken = bind(&Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    })
    .await
    .unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut agent =
        AgentCoordinator::new(config(&intake, &[("DD_LOGS_AGENT_PORT", &port)])).unwrap();
    let error = agent.start().await.unwrap_err().to_string();
    assert!(error.starts_with("Startup error: "), "{error}");
    assert!(
        error.contains(&format!("Address already in use (port {port})")),
        "{error}"
    );
    assert_eq!(agent.health().state, State::Failed);
    drop(taken);
    agent.start().await.unwrap();
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_is_refused() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    agent.start().await.unwrap();
    let error = agent.start().await.unwrap_err().to_string();
    assert!(error.contains("already started"), "{error}");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_an_intake_never_took_is_counted_when_the_time_to_stop_is_over() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").reply(503);
    let mut agent =
        AgentCoordinator::new(config(&intake, &[("DD_SHUTDOWN_TIMEOUT", "1")])).unwrap();
    agent.start().await.unwrap();
    agent.logs().unwrap().insert_batch(&entry("lost")).unwrap();
    let error = agent.stop().await.unwrap_err().to_string();
    assert_eq!(error, "Shutdown error: 1 logs were not delivered in time");

    // The next run does not answer for it.
    intake.reset();
    agent.start().await.unwrap();
    agent.logs().unwrap().insert_batch(&entry("kept")).unwrap();
    agent.stop().await.unwrap();
    assert_eq!(intake.messages(), ["kept"]);
}

#[tokio::test]
async fn a_request_or_a_tombstone_ends_the_wait() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    agent.start().await.unwrap();
    agent.handle().shutdown();
    assert_eq!(
        agent.wait_for_shutdown().await,
        ShutdownReason::GracefulShutdown
    );
    agent.stop().await.unwrap();

    agent.start().await.unwrap();
    assert!(!agent.handle().is_shutdown_requested());
    agent.events().unwrap().send(Event::Tombstone);
    assert_eq!(
        agent.wait_for_shutdown().await,
        ShutdownReason::GracefulShutdown
    );
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn two_agents_live_side_by_side() {
    let (one, other) = (Intake::start().await, Intake::start().await);
    let mut first = AgentCoordinator::new(config(&one, &[])).unwrap();
    let mut second = AgentCoordinator::new(config(&other, &[])).unwrap();
    first.start().await.unwrap();
    second.start().await.unwrap();
    first.logs().unwrap().insert_batch(&entry("one")).unwrap();
    second
        .logs()
        .unwrap()
        .insert_batch(&entry("other"))
        .unwrap();
    first.stop().await.unwrap();
    second.stop().await.unwrap();
    assert_eq!(
        (one.messages(), other.messages()),
        (vec!["one".to_owned()], vec!["other".to_owned()])
    );
}

#[tokio::test]
async fn metrics_of_a_socket_and_of_the_process_are_delivered_by_a_stop() {
    let intake = Intake::start().await;
    let url = intake.url();
    let extra = [
        ("DD_DOGSTATSD_ENABLED", "true"),
        ("DD_DOGSTATSD_PORT", "0"),
        ("DD_DOGSTATSD_FLUSH_INCOMPLETE_BUCKETS", "true"),
        ("DD_DD_URL", url.as_str()),
    ];
    let mut agent = AgentCoordinator::new(config(&intake, &extra)).unwrap();
    agent.start().await.unwrap();
    let address = agent.listeners().dogstatsd_udp.unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"a:1|g", address).unwrap();
    agent.metrics().unwrap().send(b"b:2|d").unwrap();
    let report = agent.flush(Duration::from_secs(10)).await;
    assert_eq!(report.metrics.unwrap().dropped.len(), 0);
    let health = agent.health();
    assert_eq!(health.pipelines["metrics"]["samples"], 2);
    assert_eq!(health.pipelines["metrics"]["contexts"]["known"], 2);
    agent.shutdown().await.unwrap();
    assert!(intake.requests("/api/v2/series") > 0);
    assert!(intake.requests("/api/beta/sketches") > 0);
}

/// Sends a request to the trace listener; returns its answer.
async fn tell(agent: &AgentCoordinator, request: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = agent.listeners().trace_tcp.unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_trace_arrives_with_its_stats_and_the_trace_port_takes_logs_and_metrics_too() {
    let intake = Intake::start().await;
    let url = intake.url();
    let extra = [
        ("DD_DOGSTATSD_ENABLED", "true"),
        ("DD_DOGSTATSD_PORT", "0"),
        ("DD_DD_URL", url.as_str()),
    ];
    let mut agent = AgentCoordinator::new(config(&intake, &extra)).unwrap();
    agent.start().await.unwrap();
    let span = r#"[[{"service":"shop","name":"web.request","resource":"GET /","type":"web","trace_id":7,
        "span_id":8,"start":1700000000000000000,"duration":5,"metrics":{"_sampling_priority_v1":1}}]]"#;
    let answer = tell(&agent, &post("/v0.4/traces", "application/json", span)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("rate_by_service"), "{answer}");
    let answer = tell(
        &agent,
        &post("/v1/input", "application/json", r#"{"message":"hello"}"#),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = tell(
        &agent,
        &post("/dogstatsd/v2/proxy", "text/plain", "orders:1|c"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let report = agent.flush(Duration::from_secs(10)).await;

    let traces = report.traces.unwrap();
    assert_eq!((traces.traces.items_sent, traces.stats.items_sent), (1, 1));
    assert_eq!(intake.traces().len(), 1);
    let stats = intake.stats();
    let group = &stats[0].group;
    assert_eq!((group.hits, group.service.as_str()), (1, "shop"));
    assert_eq!(intake.messages(), ["hello"]);
    agent.shutdown().await.unwrap();
    assert_eq!(
        intake.series().len(),
        1,
        "a closed bucket is sent at the end"
    );
}
