//! Traces that an inspector wants to see again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_forwarder::ApiKey;
use datadog_traces_agent::inspect::{Chance, Inspector, Look};
use datadog_traces_agent::span::Chunk;
use datadog_traces_agent::{Config, FlushStrategy};
use serde_json::json;

use crate::agent::*;

/// Wants traces to wait whose resource says so, until all is known.
#[derive(Debug, Default)]
struct Waits {
    all_is_known: AtomicBool,
    shown: Mutex<Vec<Chance>>,
}

impl Inspector for Waits {
    fn is_on(&self) -> bool {
        true
    }

    fn inspect(&self, chunk: &mut Chunk<'_>, chance: Chance) -> Look {
        let span = &mut chunk.spans[0];
        if !span.resource.starts_with("later") {
            return Look::Done;
        }
        self.shown.lock().unwrap().push(chance);
        if chance == Chance::Open && !self.all_is_known.load(Ordering::Relaxed) {
            return Look::Later(Duration::from_secs(10));
        }
        span.meta.insert("seen", "yes".into());
        Look::Done
    }
}

async fn with(config: Config) -> (Arc<Waits>, Agent) {
    let waits = Arc::new(Waits::default());
    let agent = Agent::inspected(config, Some(Arc::clone(&waits) as Arc<dyn Inspector>)).await;
    (waits, agent)
}

fn let_go(agent: &Agent) -> serde_json::Value {
    agent.running.status().to_json()["held"]["let_go"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_trace_waits_for_as_long_as_was_asked_and_goes_on() {
    // Nothing is sent.
    let key = Some(ApiKey::fixed("0123456789abcdef"));
    let mut config = Config::from_intake("http://127.0.0.1:9", key, "127.0.0.1:9");
    config.listen = vec![loopback()];
    config.flush = FlushStrategy::OnDemand;
    let (waits, agent) = with(config).await;
    let chunks = vec![chunk(1, "later", 1.0), chunk(2, "now", 1.0)];
    let door = agent.running.flush_handle();
    door.submit(body(chunks).into()).await.unwrap();
    let kept = || agent.sum(Metric::TracesKept);
    let held = || agent.sum(Metric::TracesHeld);
    assert_eq!((kept(), held()), (1, 1));
    tokio::time::sleep(Duration::from_millis(9_900)).await;
    assert_eq!((kept(), held()), (1, 1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((kept(), held()), (2, 0));
    assert_eq!(agent.sum(Metric::TracesHeldBytes), 0);
    assert_eq!(let_go(&agent), json!({"timed_out": 1}));
    let shown = waits.shown.lock().unwrap();
    assert_eq!(shown.last(), Some(&Chance::Last));
    assert_eq!(
        shown.iter().filter(|it| **it == Chance::Last).count(),
        1,
        "and no more afterwards"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_waited_goes_all_the_way_that_others_go() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.obfuscation.http.remove_query_string = true;
    let (waits, agent) = with(config).await;
    let mut later = chunk(1, "later", 1.0);
    let url = "http://shop.example/cart?q=secret";
    later.spans[0].meta.push("http.url", url.into());
    agent
        .trace(vec![
            later,
            chunk(2, "now", 1.0),
            chunk(3, "later, dropped", 0.0),
        ])
        .await;
    let status = agent.running.status().to_json();
    assert_eq!(status["held"]["traces"], 2);
    assert!(status["held"]["bytes"].as_u64().unwrap() > 500, "{status}");
    waits.all_is_known.store(true, Ordering::Relaxed);
    let settled = async {
        while agent.sum(Metric::TracesHeld) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, settled).await.unwrap();
    assert_eq!(let_go(&agent), json!({"settled": 2}));
    agent.flush().await;
    assert_eq!(arrived(&intake), ["later", "now"]);
    assert_eq!(hits(&intake), 3);
    let traces = intake.traces();
    let later = traces.iter().find(|it| it.resource == "later").unwrap();
    let span = &later.spans()[0];
    assert_eq!(span.meta["http.url"], "http://shop.example/cart?");
    assert_eq!(span.meta["seen"], "yes");
    assert_eq!(later.tracer.env, "prod");
    assert!(!waits.shown.lock().unwrap().contains(&Chance::Last));
    agent.stop_within(LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_and_a_stop_wait_for_nothing_and_lose_nothing() {
    let intake = Intake::start().await;
    let (waits, agent) = with(config(&intake)).await;
    agent.trace(vec![chunk(1, "later 1", 1.0)]).await;
    let reports = agent.flush().await;
    assert_eq!(reports.traces.items_sent, 1);
    assert_eq!(let_go(&agent), json!({"flushed": 1}));
    agent.trace(vec![chunk(2, "later 2", 1.0)]).await;
    let report = agent.stop_within(LONG).await;
    assert_eq!((report.sent, report.pending), (2, 0));
    assert!(report.dropped.is_empty());
    assert_eq!(arrived(&intake), ["later 1", "later 2"]);
    for trace in intake.traces() {
        assert_eq!(trace.spans()[0].meta["seen"], "yes");
    }
    let mut shown = waits.shown.lock().unwrap().clone();
    shown.dedup();
    assert_eq!(
        shown,
        [Chance::Open, Chance::Last, Chance::Open, Chance::Last]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_trace_goes_on_for_a_new_one() {
    let intake = Intake::start().await;
    let (_, agent) = with(config(&intake)).await;
    let chunks = (1..=1_001).map(|number| chunk(number, &format!("later {number}"), 1.0));
    agent.trace(chunks.collect()).await;
    let counted = let_go(&agent);
    assert_eq!(counted, json!({"made_way": 1}));
    agent.flush().await;
    assert_eq!(let_go(&agent), json!({"made_way": 1, "flushed": 1_000}));
    agent.stop_within(LONG).await;
    assert_eq!(arrived(&intake).len(), 1_001);
    let traces = intake.traces();
    assert_eq!(traces[0].resource, "later 1", "it was the first to go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_to_be_held_goes_on_and_so_does_what_is_too_much() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.requests.traces_bytes = 4 << 20;
    config.requests.stats_bytes = 4 << 20;
    config.requests.memory_bytes = 4 << 20;
    let (_, agent) = with(config).await;
    // A quarter of the memory may be held: a megabyte.
    agent
        .trace(vec![large(1, "later, too large", 1 << 20)])
        .await;
    assert_eq!(let_go(&agent), json!({"no_memory": 1}));
    for number in 2..=4 {
        agent.trace(vec![large(number, "later", 400_000)]).await;
    }
    assert_eq!(let_go(&agent), json!({"no_memory": 1, "made_way": 1}));
    assert_eq!(agent.sum(Metric::TracesHeld), 2);
    // What was held gives its memory back, each time: bodies would be refused otherwise.
    for number in 5..=24 {
        agent.trace(vec![large(number, "later", 400_000)]).await;
        agent.flush().await;
    }
    agent.trace(vec![large(25, "now", 3_500_000)]).await;
    assert_eq!(agent.sum(Metric::TracesPayloadsRefused), 0);
    assert_eq!(agent.sum(Metric::TracesHeldBytes), 0);
    let report = agent.stop_within(LONG).await;
    assert!(report.dropped.is_empty(), "{report:?}");
    assert_eq!(arrived(&intake).len(), 25);
}
