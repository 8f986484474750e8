//! Whatever came is sent, dropped with a reason, filtered, sampled out, or pending.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_traces_agent::filter::TagRule;
use datadog_traces_agent::span::Chunk;

use crate::agent::*;

/// The balance of an agent, with so many spans that wait for another try at the primary.
#[track_caller]
fn check(agent: &Agent, primary: &Intake, pending: u64) {
    let name = format!("127.0.0.1:{}", primary.port());
    let of_primary = |metric, label| {
        let all = agent.telemetry.by(metric, label, |endpoint| {
            endpoint.is_none_or(|endpoint| endpoint == name)
        });
        all.values().sum::<u64>()
    };
    let sent = agent
        .telemetry
        .sum(Metric::TracesSent, &[("endpoint", &name)]);
    let left = sent
        + of_primary(Metric::TracesWriterDropped, "reason")
        + agent.sum(Metric::TracesSpansDropped)
        + agent.sum(Metric::TracesSpansFiltered)
        + agent.sum(Metric::TracesSpansSampledOut)
        + pending;
    assert_eq!(agent.sum(Metric::TracesSpansReceived), left, "spans");
    // Those that found no room behind the samplers were kept by them before.
    let kept = agent.telemetry.by(Metric::TracesKept, "sampler", |_| true);
    let mut dropped = agent.by_reason(Metric::TracesDropped);
    for reason in ["queue_full", "too_large", "shutdown", "decoding_error"] {
        dropped.remove(reason);
    }
    let decided = kept.values().sum::<u64>()
        + dropped.values().sum::<u64>()
        + agent.sum(Metric::TracesFiltered)
        + agent.sum(Metric::TracesSampledOut);
    assert_eq!(agent.sum(Metric::TracesReceived), decided, "traces");
}

/// A chunk for each thing that can become of one.
fn of_all_kinds(id: u64) -> Vec<Chunk<'static>> {
    let many = |mut chunk: Chunk<'static>| {
        let mut child = chunk.spans[0].clone();
        child.span_id += 7;
        child.parent_id = chunk.spans[0].span_id;
        chunk.spans.push(child);
        chunk
    };
    let mut foreign = many(chunk(id, "foreign", 1.0));
    foreign.spans[1].trace_id += 1;
    let mut without_id = many(chunk(id, "without id", 1.0));
    without_id.spans[1].span_id = 0;
    let mut filtered = many(chunk(id, "filtered", 1.0));
    filtered.spans[0].meta.push("health", "check".into());
    let mut single = many(chunk(id, "single", 0.0));
    single.spans[1]
        .metrics
        .push("_dd.span_sampling.mechanism", 8.0);
    vec![
        many(chunk(id, "kept", 1.0)),
        many(chunk(id, "not kept", 0.0)),
        many(chunk(id, "dropped by a user", -1.0)),
        foreign,
        without_id,
        filtered,
        single,
        Chunk::default(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trace_and_every_span_is_accounted_for() {
    let (intake, additional) = (Intake::start().await, Intake::start().await);
    additional.on("*").reply(500);
    intake.on(TRACES).reply(400).times(1);
    intake.on(TRACES).reply(503).times(4);
    let mut config = config_of_two(&intake, &additional);
    config.filter.reject = vec![TagRule {
        key: "health".to_owned(),
        value: None,
    }];
    let agent = Agent::start(config).await;
    check(&agent, &intake, 0);
    for round in 1..=3 {
        agent.trace(of_all_kinds(round)).await;
        let report = agent.flush().await.traces;
        let name = format!("127.0.0.1:{}", intake.port());
        let pending = report.per_endpoint[&name].pending_items;
        check(&agent, &intake, pending);
    }
    let too_much = [0xdd, 0xff, 0xff, 0xff, 0xff];
    agent
        .post("/v0.4/traces", "X-Datadog-Trace-Count: 3\r\n", too_much)
        .await;
    let report = agent.flush().await.traces;
    let name = format!("127.0.0.1:{}", intake.port());
    check(&agent, &intake, report.per_endpoint[&name].pending_items);

    assert_eq!(agent.sum(Metric::TracesReceived), 3 * 8);
    assert_eq!(agent.sum(Metric::TracesSpansReceived), 3 * 14);
    assert_eq!(agent.sum(Metric::TracesSpansFiltered), 3 * 2);
    assert_eq!(agent.sum(Metric::TracesSpansSampledOut), 3 * 5);
    let dropped = agent.by_reason(Metric::TracesDropped);
    let dropped: Vec<_> = dropped
        .iter()
        .map(|(it, count)| (it.as_str(), *count))
        .collect();
    let expected = [
        ("decoding_error", 3),
        ("empty_trace", 3),
        ("foreign_span", 3),
        ("span_id_zero", 3),
    ];
    assert_eq!(dropped, expected);
    // Of the first round nothing arrived, for 400 is final; of the others two spans and a single one each.
    assert_eq!(
        agent.by_reason(Metric::TracesWriterDropped)["client_4xx"],
        3
    );
    assert_eq!(arrived(&intake), ["kept", "kept", "single", "single"]);

    let status = agent.running.status().to_json();
    assert_eq!(status["spans"]["received"], 42);
    assert_eq!(status["spans"]["sampled_out"], 15);
    assert_eq!(status["traces"]["filtered"], 3);
    // The additional endpoint takes nothing until the end.
    let report = agent.stop_within(Duration::from_millis(500)).await;
    assert_eq!(report.sent, 6);
    assert_eq!(report.dropped.get("client_4xx"), Some(&3));
}
