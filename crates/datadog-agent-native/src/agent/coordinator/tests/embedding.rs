//! What an embedder decides: runtime, client, notices, signals; and how long it waits.

use datadog_agent_runtime::connect::ConnectConfig;
use tokio::sync::mpsc;

use super::*;
use crate::event_bus::Product;
use crate::http::Client;

#[test]
fn an_agent_runs_on_the_runtime_that_it_was_given() {
    let own = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let intake = own.block_on(Intake::start());
    let mut agent = AgentCoordinator::builder(config(&intake, &[]))
        .runtime(own.handle().clone())
        .build()
        .unwrap();
    // Has neither a clock nor sockets: whatever the agent did here would panic.
    let caller = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    caller.block_on(async {
        agent.start().await.unwrap();
        agent.logs().unwrap().insert_batch(&entry("one")).unwrap();
        let report = agent.flush(Duration::from_secs(10)).await;
        assert_eq!(report.logs.unwrap().entries_sent, 1);
        let limit = Duration::from_millis(1);
        let reason = agent.wait_for_shutdown_timeout(limit).await;
        assert_eq!(reason, ShutdownReason::Timeout);
        agent.logs().unwrap().insert_batch(&entry("two")).unwrap();
        agent.stop().await.unwrap();
    });
    assert_eq!(intake.messages(), ["one", "two"]);
}

#[tokio::test]
async fn an_agent_sends_with_the_client_that_it_was_given() {
    let intake = Intake::builder()
        .addr("127.0.0.1:0".parse().unwrap())
        .allow_host("intake.invalid")
        .start()
        .await
        .unwrap();
    // Only this client knows the way.
    let client = Client::new(ConnectConfig {
        proxy_http: Some(intake.url()),
        ..ConnectConfig::default()
    });
    let nowhere = ("DD_LOGS_CONFIG_LOGS_DD_URL", "http://intake.invalid");
    let mut agent = AgentCoordinator::builder(config(&intake, &[nowhere]))
        .http_client(client.unwrap())
        .build()
        .unwrap();
    agent.start().await.unwrap();
    agent.logs().unwrap().insert_batch(&entry("hello")).unwrap();
    agent.stop().await.unwrap();
    assert_eq!(intake.messages(), ["hello"]);
}

#[tokio::test]
async fn a_wait_that_takes_too_long_asks_nothing_of_the_agent() {
    let intake = Intake::start().await;
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    agent.start().await.unwrap();
    let limit = Duration::from_millis(1);
    let reason = agent.wait_for_shutdown_timeout(limit).await;
    assert_eq!(reason, ShutdownReason::Timeout);
    assert!(!agent.handle().is_shutdown_requested());
    assert_eq!(agent.health().state, State::Running);
    agent.handle().shutdown();
    let reason = agent.wait_for_shutdown_timeout(limit).await;
    assert_eq!(reason, ShutdownReason::GracefulShutdown);
    agent.stop().await.unwrap();
}

/// Reads notices until all of these came, in whatever order.
async fn expect(notices: &mut mpsc::Receiver<Event>, mut wanted: Vec<Event>) {
    while !wanted.is_empty() {
        let event = notices.recv().await.unwrap_or_else(|| panic!("{wanted:?}"));
        wanted.retain(|it| *it != event);
    }
}

#[tokio::test]
async fn an_embedder_is_told_of_what_came_of_what_was_sent_and_of_what_failed() {
    let intake = Intake::start().await;
    let url = intake.url();
    let extra = [
        ("DD_DOGSTATSD_ENABLED", "true"),
        ("DD_DOGSTATSD_PORT", "0"),
        ("DD_DOGSTATSD_FLUSH_INCOMPLETE_BUCKETS", "true"),
        ("DD_DD_URL", url.as_str()),
    ];
    let (sender, mut notices) = mpsc::channel(1_000);
    let mut agent = AgentCoordinator::builder(config(&intake, &extra))
        .on_event(move |event| sender.try_send(event).unwrap())
        .build()
        .unwrap();
    agent.start().await.unwrap();
    let span = r#"[[{"service":"shop","name":"web","resource":"GET /","trace_id":7,"span_id":8,
        "start":1700000000000000000,"duration":5,"metrics":{"_sampling_priority_v1":1}}]]"#;
    tell(&agent, &post("/v0.4/traces", "application/json", span)).await;
    agent.logs().unwrap().insert_batch(&entry("hello")).unwrap();
    agent.flush(Duration::from_secs(10)).await;
    let health = Event::HealthChanged;
    let seen = vec![
        health(event_bus::Health::Running),
        Event::TraceReceived {
            trace_id: 7,
            span_count: 1,
        },
        Event::TracesFlushed { count: 1 },
        Event::StatsFlushed { count: 1 },
        Event::LogsFlushed { count: 1 },
    ];
    expect(&mut notices, seen).await;

    intake.on("/api/v2/logs").reply_once(503);
    agent.logs().unwrap().insert_batch(&entry("again")).unwrap();
    agent.metrics().unwrap().send(b"orders:1|c").unwrap();
    agent.stop().await.unwrap();
    let failed = Event::FlushFailed {
        product: Product::Logs,
        retries: 0,
    };
    let seen = vec![
        health(event_bus::Health::Stopping),
        failed,
        Event::LogsFlushed { count: 1 },
        Event::MetricsFlushed { count: 1 },
    ];
    expect(&mut notices, seen).await;
    // Everything was told by the time the stop came back, and nobody is told any more.
    drop(agent);
    while let Ok(event) = notices.try_recv() {
        assert!(!matches!(event, Event::HealthChanged(_)), "{event:?}");
    }
    assert!(notices.is_closed());
}

#[tokio::test]
async fn who_panics_when_told_of_something_stops_nothing() {
    let intake = Intake::start().await;
    let (sender, mut notices) = mpsc::channel(1_000);
    let mut agent = AgentCoordinator::builder(config(&intake, &[]))
        .on_event(move |event| match event {
            Event::LogsFlushed { .. } => sender.try_send(event).unwrap(),
            _ => panic!("as asked"),
        })
        .build()
        .unwrap();
    agent.start().await.unwrap();
    agent.logs().unwrap().insert_batch(&entry("hello")).unwrap();
    agent.stop().await.unwrap();
    assert_eq!(notices.recv().await, Some(Event::LogsFlushed { count: 1 }));
}
