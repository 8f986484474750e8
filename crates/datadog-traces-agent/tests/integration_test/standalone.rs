//! Traces that are only there to carry what a firewall finds.

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_traces_agent::Config;
use datadog_traces_agent::config::Stats;
use datadog_traces_agent::sampler::Mode;
use datadog_traces_agent::span::Chunk;
use serde_json::{Value, json};

use crate::agent::*;
use crate::delivery::msgpack_of;

fn standalone(intake: &Intake) -> Config {
    let mut config = config(intake);
    config.sampler.mode = Mode::Security;
    config.stats = Stats::Nobody;
    config
}

fn for_products(mut chunk: Chunk<'static>, products: &'static str) -> Chunk<'static> {
    chunk.spans[0].meta.push("_dd.p.ts", products.into());
    chunk
}

#[tokio::test(flavor = "multi_thread")]
async fn only_findings_and_a_sign_of_life_are_sent_and_nothing_is_counted_into_stats() {
    let intake = Intake::start().await;
    let agent = Agent::start(standalone(&intake)).await;
    let mut child = chunk(5, "found below", 0.0);
    let mut of_other = span(5, "other service", 0.0);
    (of_other.span_id, of_other.parent_id) = (7, child.spans[0].span_id);
    of_other.service = "other".into();
    let mut inner = span(5, "inner", 0.0);
    (inner.span_id, inner.parent_id) = (8, 7);
    inner.service = "other".into();
    inner.meta.push("_dd.p.ts", "02".into());
    child.spans.extend([of_other, inner]);
    // A user's own wish is not heard either: nobody traces.
    let wanted = chunk(6, "wanted", 2.0);
    agent
        .trace(vec![
            chunk(1, "first", 0.0),
            chunk(2, "second", 1.0),
            for_products(chunk(3, "found", 2.0), "02"),
            for_products(chunk(4, "streams", 2.0), "04"),
            child,
            wanted,
        ])
        .await;
    agent.flush().await;
    assert_eq!(arrived(&intake), ["first", "found", "found below"]);
    assert_eq!(intake.stats().len(), 0);
    let reason = [("reason", "standalone")];
    let dropped = agent.telemetry.sum(Metric::TracesDropped, &reason);
    let spans = agent.telemetry.sum(Metric::TracesSpansDropped, &reason);
    assert_eq!((dropped, spans), (3, 3));
    let status = agent.running.status().to_json();
    assert_eq!(status["traces"]["dropped"]["standalone"], 3);
    assert_eq!(
        status["traces"]["kept"],
        json!({"finding": 2, "heartbeat": 1})
    );
    for trace in intake.traces() {
        assert!(!trace.chunk.dropped_trace);
        let marked = trace.spans().iter().filter_map(|span| {
            let mark = span.metrics.get("_dd.apm.enabled")?;
            Some((span.resource.clone(), mark.to_bits()))
        });
        let marked: Vec<_> = marked.collect();
        let entries: &[&str] = match trace.resource.as_str() {
            "found below" => &["found below", "other service"],
            resource => &[resource],
        };
        let entries: Vec<_> = entries.iter().map(|it| ((*it).to_owned(), 0)).collect();
        assert_eq!(marked, entries);
        let asks = trace
            .spans()
            .iter()
            .any(|span| span.meta.contains_key("_dd.compute_stats"));
        assert!(!asks);
    }
    let report = agent.stop_within(LONG).await;
    assert!(report.dropped.is_empty(), "nothing of it was to be sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn tracers_are_told_to_send_all_traces_and_no_stats_and_those_that_come_are_counted() {
    let intake = Intake::start().await;
    let agent = Agent::start(standalone(&intake)).await;
    let mut connection = agent.connect().await;
    connection
        .write("GET /info HTTP/1.1\r\nHost: agent\r\n\r\n")
        .await;
    let info: Value = serde_json::from_str(&connection.answer().await.body).unwrap();
    assert_eq!(info["client_drop_p0s"], false);
    let endpoints = info["endpoints"].as_array().unwrap();
    assert!(endpoints.contains(&json!("/v0.4/traces")));
    assert!(!endpoints.contains(&json!("/v0.6/stats")));
    // Rates would have tracers drop what nobody has looked at.
    agent.trace(vec![chunk(1, "a", 1.0); 100]).await;
    let answer = agent
        .post("/v0.4/traces", MSGPACK, body(vec![chunk(2, "a", 1.0)]))
        .await;
    answer.expect(200, NO_RATES);
    let stats = msgpack_of(&json!({
        "Hostname": "h", "Env": "prod",
        "Stats": [{"Start": 1_700_000_000_000_000_000_u64, "Duration": 10_000_000_000_u64, "Stats": [
            {"Service": "a", "Name": "n", "Resource": "r", "Hits": 7},
            {"Service": "b", "Name": "n", "Resource": "r", "Hits": 7},
        ]}],
    }));
    agent
        .post("/v0.6/stats", MSGPACK, &stats)
        .await
        .expect(200, "");
    let status = agent.running.status().to_json();
    assert_eq!(status["stats"]["groups"], 2);
    assert_eq!(status["stats"]["dropped"], json!({"standalone": 2}));
    agent.stop_within(LONG).await;
    assert_eq!(intake.stats().len(), 0);
}
