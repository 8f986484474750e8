//! What arrives at the intakes of traces and stats, and in which form.

use std::io::Read as _;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::{Intake, RequestRecord};

use crate::agent::*;

/// What the intake got on a path.
fn requests(intake: &Intake, path: &str) -> Vec<RequestRecord> {
    let all = intake.raw_requests();
    all.into_iter().filter(|it| it.path == path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_that_are_not_kept_count_in_stats() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let chunks = vec![chunk(1, "a", 1.0), chunk(2, "b", 0.0), chunk(3, "c", 1.0)];
    let answer = agent.post("/v0.4/traces", MSGPACK, body(chunks)).await;
    answer.expect(200, ALL);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let report = agent.flush().await;
    assert_eq!((report.traces.items_sent, report.stats.items_sent), (2, 3));
    assert_eq!(arrived(&intake), ["a", "c"]);
    assert_eq!(hits(&intake), 3);
    assert_eq!(agent.sum(Metric::TracesSampledOut), 1);
    assert!(
        intake
            .raw_requests()
            .iter()
            .all(|it| it.problems.is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_are_left_to_tracers_that_work_them_out() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let headers = format!("{MSGPACK}Datadog-Client-Computed-Stats: yes\r\n");
    let answer = agent
        .post("/v0.4/traces", &headers, body(vec![chunk(1, "a", 1.0)]))
        .await;
    assert_eq!(answer.status, 200);
    let report = agent.flush().await;
    assert_eq!((report.traces.items_sent, report.stats.items_sent), (1, 0));
    assert_eq!(intake.requests(STATS), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_say_what_the_intake_wants_to_know() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    for language in ["python", "go", "go|x"] {
        let headers = format!("{MSGPACK}Datadog-Meta-Lang: {language}\r\n");
        let chunk = chunk(1, "a", 1.0);
        agent
            .post("/v0.4/traces", &headers, body(vec![chunk]))
            .await;
    }
    agent.flush().await;
    let [traces] = requests(&intake, TRACES).try_into().unwrap();
    let [stats] = requests(&intake, STATS).try_into().unwrap();
    for (request, content_type, encoding) in [
        (&traces, "application/x-protobuf", "zstd"),
        (&stats, "application/msgpack", "gzip"),
    ] {
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("content-type"), Some(content_type));
        assert_eq!(request.header("content-encoding"), Some(encoding));
        assert_eq!(request.header("dd-api-key"), Some("0123456789abcdef"));
        let languages = request.header("x-datadog-reported-languages");
        assert_eq!(languages, Some("go|python"));
        let user_agent = request.header("user-agent").unwrap();
        assert!(
            user_agent.starts_with("Datadog Trace Agent/"),
            "{user_agent}"
        );
    }
    let record = &intake.traces()[0];
    assert_eq!(record.agent.host_name, "box");
    assert_eq!(record.agent.env, "none");
    assert_eq!(
        (record.agent.target_tps, record.agent.error_tps),
        (10.0, 10.0)
    );
    assert_eq!(record.tracer.env, "prod");
    let languages = intake
        .traces()
        .into_iter()
        .map(|it| it.tracer.language_name);
    assert_eq!(languages.collect::<Vec<_>>(), ["python", "go", "go|x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_larger_than_a_request_should_be_holds_nobody_up() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    agent.trace(vec![large(1, "large", 4_000_000)]).await;
    agent.trace(vec![chunk(2, "small", 1.0)]).await;
    let report = agent.flush().await;
    assert_eq!(report.traces.dropped.len(), 0);
    assert_eq!(arrived(&intake), ["large", "small"]);
    assert_eq!(requests(&intake, TRACES).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_larger_than_the_intake_takes_is_dropped_alone_and_counted() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let spans = large(1, "huge", 26_000_000).spans.len() as u64;
    agent
        .trace(vec![large(1, "huge", 26_000_000), chunk(2, "small", 1.0)])
        .await;
    agent.flush().await;
    assert_eq!(arrived(&intake), ["small"]);
    let lost = [("reason", "too_large")];
    assert_eq!(agent.telemetry.sum(Metric::TracesDropped, &lost), 1);
    assert_eq!(
        agent.telemetry.sum(Metric::TracesSpansDropped, &lost),
        spans
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_filled_up_to_what_the_intake_wants_and_no_further() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.tags = vec![("team".to_owned(), "x".repeat(1_000))];
    let agent = Agent::start(config).await;
    for number in 0..24 {
        agent.trace(vec![large(1 + number, "a", 400_000)]).await;
    }
    agent.flush().await;
    let bodies: Vec<_> = requests(&intake, TRACES)
        .iter()
        .map(|it| it.body.len())
        .collect();
    assert!(bodies.iter().all(|&len| len <= 3_200_000), "{bodies:?}");
    assert!(bodies.len() <= 4, "{bodies:?}");
    assert_eq!(arrived(&intake).len(), 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_endpoint_that_fails_costs_the_other_nothing_and_doubles_nothing() {
    for primary_fails in [true, false] {
        let (primary, additional) = (Intake::start().await, Intake::start().await);
        let (bad, good) = match primary_fails {
            true => (&primary, &additional),
            false => (&additional, &primary),
        };
        bad.on("*").reply(500).times(20);
        let agent = Agent::start(config_of_two(&primary, &additional)).await;
        agent
            .trace(vec![chunk(1, "a", 1.0), chunk(2, "b", 1.0)])
            .await;
        agent.flush().await;
        agent.flush().await;
        assert_eq!(arrived(good), ["a", "b"]);
        assert_eq!((good.requests(TRACES), good.requests(STATS)), (1, 1));
        assert_eq!(bad.requests(TRACES), 8, "four attempts a flush");
        for _ in 0..3 {
            agent.flush().await;
        }
        assert_eq!(arrived(bad), ["a", "b"]);
        assert_eq!((hits(bad), hits(good)), (2, 2));
        assert_eq!((good.requests(TRACES), good.requests(STATS)), (1, 1));
        let keys = additional.raw_requests();
        let mut keys = keys.iter().map(|it| it.header("dd-api-key"));
        assert!(keys.all(|key| key == Some("fedcba9876543210")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_has_all_that_was_answered_before() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = agent.connect().await;
    for round in 1..=10_u64 {
        for part in 0..4 {
            let chunk = chunk(round * 10 + part, "a", 1.0);
            let answer = connection
                .post("/v0.4/traces", MSGPACK, body(vec![chunk]))
                .await;
            assert_eq!(answer.status, 200);
        }
        let report = agent.flush().await;
        assert_eq!(report.traces.items_sent, 4, "round {round}");
    }
    assert_eq!(arrived(&intake).len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_of_tracers_arrive_with_the_rules_applied() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let start = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        * 1_000_000_000;
    let stats = serde_json::json!({
        "Hostname": "h", "Env": "Prod", "Lang": "go", "Tags": null,
        "Stats": [{"Start": start, "Duration": 10_000_000_000_u64, "Stats": [{
            "Service": "My Service", "Name": "sql.query", "Type": "sql",
            "Resource": "SELECT * FROM users WHERE id = 42",
            "Hits": 7, "TopLevelHits": 7, "Duration": 70,
        }]}],
    });
    let mut body = msgpack_of(&stats);
    let answer = agent.post("/v0.6/stats", MSGPACK, &body).await;
    answer.expect(200, "");
    // Nothing but a list is no harm.
    let empty = serde_json::json!({"Hostname": "h", "Env": "e", "Stats": []});
    let answer = agent.post("/v0.6/stats", MSGPACK, msgpack_of(&empty)).await;
    answer.expect(200, "");
    agent.flush().await;
    let [record] = intake.stats().try_into().unwrap();
    assert!(record.payload.client_computed);
    assert_eq!(record.client.env, "prod");
    assert_eq!(record.group.service, "my_service");
    assert_eq!(record.group.resource, "SELECT * FROM users WHERE id = ?");
    assert_eq!(record.group.hits, 7);
    body.pop();
    let answer = agent.post("/v0.6/stats", MSGPACK, &body).await;
    answer.expect(400, "unexpected-eof");
    let answer = agent.post("/v0.6/stats", MSGPACK, [0xc1]).await;
    assert_eq!(answer.status, 400);
}

/// A JSON document as msgpack.
pub(crate) fn msgpack_of(value: &serde_json::Value) -> Vec<u8> {
    rmp_serde::to_vec(value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_tried_again_is_the_same_to_the_byte() {
    let intake = Intake::start().await;
    intake.on(TRACES).reply(503).times(2);
    let agent = Agent::start(config(&intake)).await;
    agent.trace(vec![chunk(1, "a", 1.0)]).await;
    let report = agent.flush().await;
    assert_eq!((report.traces.items_sent, report.traces.retried), (1, 2));
    let requests = requests(&intake, TRACES);
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|it| it.wire_body == requests[0].wire_body)
    );
    let mut raw = Vec::new();
    zstd::Decoder::new(requests[0].wire_body.as_ref())
        .unwrap()
        .read_to_end(&mut raw)
        .unwrap();
    assert_eq!(raw, requests[0].body);
}
