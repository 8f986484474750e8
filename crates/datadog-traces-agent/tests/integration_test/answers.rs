//! What tracers are answered.

use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_traces_agent::Config;
use datadog_traces_agent::span::Payload;

use crate::agent::*;
use crate::client::{Answer, Connection, chunk as chunk_of_body, head};
use crate::msgpack;

/// One span of version 0.4, as hexadecimal digits.
const ONE_SPAN: &str = "91918ca773657276696365a173a46e616d65a16ea87265736f75726365a172a874726163655f6964\
    01a77370616e5f696402a9706172656e745f696400a57374617274cf17979cfe362a0000a86475726174696f6e05a56572726f72\
    00a46d65746181a3656e76a165a76d65747269637381b55f73616d706c696e675f7072696f726974795f7631cb3ff0000000000000\
    a474797065a3776562";
/// The same span of version 0.5.
const ONE_SPAN_V05: &str = "9298a0a173a16ea172a3656e76a165b55f73616d706c696e675f7072696f726974795f7631a3776562\
    91919c010203010200cf17979cfe362a000005008104058106cb3ff000000000000007";
/// A span of version 1.0, with an attribute, in a container.
const ONE_SPAN_V1: &str = "8402a363696403a2676f07a1650b9183010104918b01a17302a16e03a1720402050006cf17979cfe36\
    2a0000070508c20993a16b01a1760aa3776562100206c41000000000000000000000000000000001";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .bytes()
        .filter(|it| !it.is_ascii_whitespace())
        .collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The rates, whichever they are: they change with the seconds.
#[track_caller]
fn taken(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(
        answer.body.starts_with("{\"rate_by_service\":{"),
        "{}",
        answer.body
    );
}

/// Waits for nothing, and takes bodies of 64 KiB.
async fn small(change: impl FnOnce(&mut Config)) -> (Intake, Agent) {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.requests.traces_bytes = 65_536;
    config.requests.stats_bytes = 65_536;
    config.requests.memory_bytes = 65_536;
    config.requests.decoder_timeout = Duration::from_millis(5);
    change(&mut config);
    let agent = Agent::start(config).await;
    (intake, agent)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_span_arrives_from_every_version() {
    for (path, body) in [
        ("/v0.3/traces", ONE_SPAN),
        ("/v0.4/traces", ONE_SPAN),
        ("/v0.5/traces", ONE_SPAN_V05),
        ("/v1.0/traces", ONE_SPAN_V1),
    ] {
        let intake = Intake::start().await;
        let agent = Agent::start(config(&intake)).await;
        let answer = agent.post(path, MSGPACK, hex(body)).await;
        match path {
            "/v0.3/traces" => answer.expect(200, "OK\n"),
            _ => answer.expect(200, ALL),
        }
        agent.flush().await;
        let [record] = intake.traces().try_into().unwrap();
        let span = &record.spans()[0];
        assert_eq!(
            (&*span.service, &*span.name, &*span.resource),
            ("s", "n", "r")
        );
        assert_eq!((span.trace_id, span.span_id, span.parent_id), (1, 2, 0));
        assert_eq!((span.start, span.duration), (1_700_000_000_000_000_000, 5));
        assert_eq!(span.r#type, "web");
        assert_eq!(span.metrics["_top_level"], 1.0);
        assert_eq!((record.chunk.priority, &*record.tracer.env), (1, "e"));
        assert_eq!(hits(&intake), 1, "{path}");
        let problems = intake.raw_requests().into_iter().flat_map(|it| it.problems);
        assert_eq!(problems.collect::<Vec<_>>(), Vec::<String>::new(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_payload_says_itself_arrives_from_version_0_7() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut chunk = chunk(1, "a", 1.0);
    chunk.priority = 2;
    let payload = Payload {
        language_name: "php".into(),
        runtime_id: "r-1".into(),
        chunks: vec![chunk],
        ..Payload::default()
    };
    let headers = "Datadog-Meta-Lang: go\r\nDatadog-Container-ID: abc\r\n";
    let answer = agent
        .post("/v0.7/traces", headers, msgpack::v07(&payload))
        .await;
    answer.expect(200, NO_RATES);
    agent.flush().await;
    let [record] = intake.traces().try_into().unwrap();
    assert_eq!(
        (&*record.tracer.language_name, &*record.tracer.runtime_id),
        ("php", "r-1")
    );
    assert_eq!(
        (record.chunk.priority, &*record.tracer.container_id),
        (2, "abc")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_taken_by_its_type_and_anything_else_as_what_it_is() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let json = r#"[[{"service":"s","name":"n","resource":"j","trace_id":1,"span_id":2}]]"#;
    for headers in [
        "",
        "Content-Type: text/json\r\n",
        "Content-Type: text/plain\r\n",
    ] {
        let answer = agent.post("/v0.4/traces", headers, json).await;
        // These have no priority.
        answer.expect(200, NO_RATES);
    }
    let other = "Content-Type: application/octet-stream\r\n";
    agent
        .post("/v0.4/traces", other, hex(ONE_SPAN))
        .await
        .expect(200, ALL);
    let answer = agent.post("/v0.4/traces", MSGPACK, json).await;
    assert_eq!(answer.status, 400);
    agent.flush().await;
    assert_eq!(arrived(&intake), ["j", "j", "j", "r"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_short_or_no_trace_is_the_tracers_fault() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = agent.connect().await;
    let whole = hex(ONE_SPAN);
    let cut = &whole[..whole.len() - 1];
    let headers = format!("{MSGPACK}X-Datadog-Trace-Count: 2\r\n");
    let answer = connection.post("/v0.4/traces", &headers, cut).await;
    answer.expect(400, "unexpected-eof");
    let answer = connection
        .post("/v0.5/traces", &headers, [0x92, 1, 2])
        .await;
    assert_eq!(answer.status, 400);
    let answer = connection.post("/v0.4/traces", MSGPACK, &whole).await;
    answer.expect(200, ALL);
    let refused = agent.by_reason(Metric::TracesPayloadsRefused);
    let refused: Vec<_> = refused.into_iter().collect();
    let expected = [("decoding_error".to_owned(), 1), ("eof".to_owned(), 1)];
    assert_eq!(refused, expected);
    assert_eq!(
        agent
            .telemetry
            .sum(Metric::TracesDropped, &[("reason", "eof")]),
        2
    );
    assert_eq!(agent.sum(Metric::TracesPayloadsAccepted), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_have_a_version_for_those_who_ask() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = agent.connect().await;
    let name = "datadog-rates-payload-version";
    let empty = [0x90];
    let answer = connection.post("/v0.4/traces", MSGPACK, empty).await;
    answer.expect(200, NO_RATES);
    assert_eq!(answer.header(name), None);
    let asking = |version: &str| format!("{MSGPACK}Datadog-Rates-Payload-Version: {version}\r\n");
    let answer = connection.post("/v0.4/traces", &asking("1-1"), empty).await;
    answer.expect(200, NO_RATES);
    assert_eq!(answer.header(name).map(str::trim), Some(""));
    let body = hex(ONE_SPAN);
    let mut version = "1-1".to_owned();
    // Rates may change between two answers, as the clock has it; soon they do not.
    loop {
        let answer = connection
            .post("/v0.4/traces", &asking(&version), &body)
            .await;
        let newer = answer.header(name).unwrap().to_owned();
        if newer == version {
            break answer.expect(200, "{}");
        }
        taken(&answer);
        version = newer;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_and_paths_that_are_none_are_told_so() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = agent.connect().await;
    for method in ["GET", "DELETE", "PATCH"] {
        for path in ["/v0.4/traces", "/v0.6/stats", "/v0.3/services"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: agent\r\n\r\n");
            connection.write(request).await;
            let answer = connection.answer().await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("POST, PUT"));
        }
    }
    for method in ["PUT", "POST"] {
        let body = hex(ONE_SPAN);
        let length = body.len();
        let request = format!(
            "{method} /v0.4/traces HTTP/1.1\r\nHost: agent\r\n{MSGPACK}Content-Length: {length}\r\n\r\n"
        );
        connection.write(request).await;
        connection.write(body).await;
        taken(&connection.answer().await);
    }
    for path in [
        "/",
        "/v0.4/traces/",
        "/v0.4/trace",
        "/evp_proxy/v5/a",
        "/v0.7/config",
    ] {
        let answer = agent.post(path, "", "x").await;
        answer.expect(404, "Not Found");
        assert!(answer.header("datadog-agent-version").is_some());
    }
    for path in ["/services", "/v0.3/services", "/v0.4/services"] {
        agent.post(path, "", "x").await.expect(200, "OK\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_are_turned_away_everywhere() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    for path in [
        "/v0.4/traces",
        "/v0.6/stats",
        "/info",
        "/status",
        "/evp_proxy/v4/a",
    ] {
        let answer = agent
            .post(path, "Sec-Fetch-Site: cross-site\r\n", "x")
            .await;
        answer.expect(403, "cross-site request rejected");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    let answer = agent
        .post("/info", "Sec-Fetch-Site: same-origin\r\n", "")
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_whether_it_is_announced_or_not() {
    let (_intake, agent) = small(|_| ()).await;
    let mut connection = agent.connect().await;
    let headers = "Content-Length: 65537\r\nExpect: 100-continue\r\n";
    connection.write(head("/v0.4/traces", headers)).await;
    let answer = connection.answer().await;
    answer.expect(413, "payload-too-large");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(connection.is_closed().await);

    let mut connection = agent.connect().await;
    let headers = "Transfer-Encoding: chunked\r\n";
    connection.write(head("/v0.4/traces", headers)).await;
    for _ in 0..9 {
        connection.write(chunk_of_body(&[0xc0; 8_192])).await;
    }
    connection.answer().await.expect(413, "payload-too-large");
    let lost = [("reason", "payload_too_large")];
    assert_eq!(agent.telemetry.sum(Metric::TracesPayloadsRefused, &lost), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_pieces_and_bodies_that_wait_for_leave_are_taken() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake)).await;
    let mut connection = agent.connect().await;
    let headers = format!("{MSGPACK}Transfer-Encoding: chunked\r\n");
    connection.write(head("/v0.4/traces", &headers)).await;
    for byte in hex(ONE_SPAN) {
        connection.write(chunk_of_body(&[byte])).await;
    }
    connection.write(chunk_of_body(&[])).await;
    taken(&connection.answer().await);
    let body = hex(ONE_SPAN_V05);
    let headers = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len());
    connection.write(head("/v0.5/traces", &headers)).await;
    connection.continues().await;
    connection.write(body).await;
    taken(&connection.answer().await);
    agent.flush().await;
    assert_eq!(arrived(&intake), ["r", "r"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_too_slow_is_told_so() {
    let (_intake, agent) = small(|config| {
        config.requests.timeout = Duration::from_millis(50);
    })
    .await;
    for path in ["/v0.4/traces", "/v0.6/stats"] {
        let mut connection = agent.connect().await;
        connection.write(head(path, "Content-Length: 10\r\n")).await;
        connection.write("12345").await;
        let answer = connection.answer().await;
        answer.expect(408, "timeout");
        assert_eq!(answer.header("connection"), Some("close"));
    }
}

/// A client that holds all memory of bodies: it sends all of the largest body but a byte.
async fn hog(agent: &Agent) -> Connection {
    let mut hog = agent.connect().await;
    hog.write(head("/v0.4/traces", "Content-Length: 65536\r\n"))
        .await;
    hog.write(vec![0xc0; 65_535]).await;
    hog
}

/// Posts until the memory is seen to be used up.
async fn crowded(agent: &Agent, path: &str, headers: &str) -> Answer {
    loop {
        let before = agent.sum(Metric::TracesPayloadsAccepted);
        let answer = agent.post(path, headers, hex(ONE_SPAN)).await;
        if agent.sum(Metric::TracesPayloadsAccepted) == before {
            return answer;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_there_is_too_much_to_do_only_those_who_ask_are_told_so() {
    let (_intake, agent) = small(|_| ()).await;
    let mut hog = hog(&agent).await;
    let counted = format!("{MSGPACK}X-Datadog-Trace-Count: 5\r\n");
    let answer = crowded(&agent, "/v0.4/traces", &counted).await;
    taken(&answer);
    let asking = format!("{MSGPACK}Datadog-Send-Real-Http-Status: 1\r\n");
    let answer = crowded(&agent, "/v0.4/traces", &asking).await;
    answer.expect(429, "");
    crowded(&agent, "/v0.3/traces", MSGPACK)
        .await
        .expect(200, "OK\n");
    let answer = agent.post("/v0.6/stats", MSGPACK, [0x80]).await;
    answer.expect(408, "timeout");
    // Without a length too.
    let mut connection = agent.connect().await;
    let headers = format!("{asking}Transfer-Encoding: chunked\r\n");
    connection.write(head("/v0.4/traces", &headers)).await;
    connection.write(chunk_of_body(&hex(ONE_SPAN))).await;
    connection.answer().await.expect(429, "");
    let lost = [("reason", "overload")];
    assert_eq!(agent.telemetry.sum(Metric::TracesPayloadsRefused, &lost), 4);
    assert_eq!(agent.telemetry.sum(Metric::TracesDropped, &lost), 5);
    // All is well again when the memory is free.
    hog.write([0xc0]).await;
    assert_eq!(hog.answer().await.status, 400);
    let answer = agent.post("/v0.4/traces", &asking, hex(ONE_SPAN)).await;
    taken(&answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feature_tells_everybody() {
    let (_intake, agent) = small(|config| config.info.features = vec!["429".to_owned()]).await;
    let _hog = hog(&agent).await;
    crowded(&agent, "/v0.4/traces", MSGPACK)
        .await
        .expect(429, "");
}
