//! Traces and trace stats: what is taken, answered, shown and refused.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use datadog_dev_intake::Intake;
use datadog_wire::stats::{
    BUCKET_NS, ClientGroupedStats, ClientStatsBucket, ClientStatsPayload, StatsPayload,
};
use datadog_wire::traces::attribute_any_value::AttributeAnyValueType;
use datadog_wire::traces::attribute_array_value::AttributeArrayValueType;
use datadog_wire::traces::{
    AgentPayload, AttributeAnyValue, AttributeArray, AttributeArrayValue, Span, SpanEvent,
    SpanLink, TraceChunk, TracerPayload,
};
use prost::Message;
use serde_json::json;

use crate::client::{Answer, Lines, get, send, send_raw};

pub(crate) const TRACES: &str = "/api/v0.2/traces";
pub(crate) const STATS: &str = "/api/v0.2/stats";
const KEY: (&str, &str) = ("dd-api-key", "0123456789abcdef");
pub(crate) const PROTOBUF: [(&str, &str); 2] = [KEY, ("content-type", "application/x-protobuf")];
pub(crate) const MSGPACK: [(&str, &str); 3] = [
    KEY,
    ("content-type", "application/msgpack"),
    ("content-encoding", "gzip"),
];
/// A span of trace 1, id 2, made by no encoder of this project.
const GOLDEN: &str = "0a01681201652a4c1a02676f324308011a3f0a017312016e1a017220012802388080a8b1e39fe7cb17400552080a03656e761201655a150a0a5f746f705f6c6576656c11000000000000f03f62037765624201653a0131410000000000002440490000000000002440";
/// A sketch of the value 1000.
const THOUSAND: &str = "0a0909fd4a815abf52f03f120d1208000000000000f03f18b205";

type Headers<'a> = &'a [(&'a str, &'a str)];

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(crate) fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn span(trace_id: u64, span_id: u64, resource: &str) -> Span {
    Span {
        service: "web".to_owned(),
        name: "web.request".to_owned(),
        resource: resource.to_owned(),
        trace_id,
        span_id,
        start: 1_700_000_000_123_456_789,
        duration: 1_500_000,
        ..Span::default()
    }
}

pub(crate) fn chunk(spans: Vec<Span>) -> TraceChunk {
    TraceChunk {
        priority: 1,
        spans,
        ..TraceChunk::default()
    }
}

pub(crate) fn payload(chunks: Vec<TraceChunk>) -> AgentPayload {
    AgentPayload {
        host_name: "h".to_owned(),
        tracer_payloads: vec![TracerPayload {
            language_name: "python".to_owned(),
            env: "prod".to_owned(),
            chunks,
            ..TracerPayload::default()
        }],
        agent_version: "7.70.0".to_owned(),
        target_tps: 10.0,
        ..AgentPayload::default()
    }
}

pub(crate) fn one(resource: &str) -> Vec<u8> {
    payload(vec![chunk(vec![span(1, 2, resource)])]).encode_to_vec()
}

pub(crate) async fn post_traces(intake: &Intake, body: impl Into<Bytes>) -> Answer {
    send(intake, "POST", TRACES, &PROTOBUF, body).await
}

pub(crate) fn group(service: &str, resource: &str, hits: u64) -> ClientGroupedStats {
    ClientGroupedStats {
        service: service.to_owned(),
        name: "web.request".to_owned(),
        resource: resource.to_owned(),
        kind: "web".to_owned(),
        hits,
        errors: 1,
        duration: 1_000 * hits,
        top_level_hits: hits,
        ok_summary: bytes_of(THOUSAND).into(),
        peer_tags: vec!["db.name:d".to_owned()],
        is_trace_root: 1,
        ..ClientGroupedStats::default()
    }
}

/// The start of the bucket that is now.
pub(crate) fn start() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs() / 10 * BUCKET_NS
}

pub(crate) fn stats(start: u64, groups: Vec<ClientGroupedStats>) -> Vec<u8> {
    let payload = StatsPayload {
        agent_hostname: "h".to_owned(),
        agent_env: "none".to_owned(),
        agent_version: "7.70.0".to_owned(),
        stats: vec![ClientStatsPayload {
            env: "prod".to_owned(),
            lang: "python".to_owned(),
            process_tags_hash: u64::MAX,
            stats: vec![ClientStatsBucket {
                start,
                duration: BUCKET_NS,
                stats: groups,
                agent_time_shift: 0,
            }],
            ..ClientStatsPayload::default()
        }],
        ..StatsPayload::default()
    };
    rmp_serde::to_vec_named(&payload).unwrap()
}

pub(crate) async fn post_stats(intake: &Intake, raw: &[u8]) -> Answer {
    send(intake, "POST", STATS, &MSGPACK, gzip(raw)).await
}

fn problems(intake: &Intake) -> Vec<String> {
    intake.raw_requests().last().unwrap().problems.clone()
}

#[tokio::test]
async fn a_known_payload_is_shown_to_the_last_field() {
    let intake = Intake::start().await;

    let answer = post_traces(&intake, bytes_of(GOLDEN)).await;

    assert_eq!((answer.status, answer.text()), (202, "{}"));
    assert_eq!(problems(&intake), [""; 0]);
    let mut lines = get(&intake, "/inspect/traces").await.lines();
    assert_eq!(lines.len(), 1);
    let received_at = lines[0].as_object_mut().unwrap().remove("received_at");
    assert!(received_at.unwrap().is_i64());
    assert_eq!(
        lines[0],
        json!({
            "seq": 2,
            "via": "http",
            "api_key": "cdef",
            "endpoint": "/api/v0.2/traces",
            "request": 1,
            "trace_id": "00000000000000000000000000000001",
            "agent": {
                "hostName": "h",
                "env": "e",
                "tags": {},
                "agentVersion": "1",
                "targetTPS": 10.0,
                "errorTPS": 10.0,
                "rareSamplerEnabled": false,
            },
            "tracer": {
                "containerID": "",
                "languageName": "",
                "languageVersion": "go",
                "tracerVersion": "",
                "runtimeID": "",
                "tags": {},
                "env": "e",
                "hostname": "",
                "appVersion": "",
                "containerDebug": null,
            },
            "priority": 1,
            "origin": "",
            "tags": {},
            "droppedTrace": false,
            "spans": [{
                "service": "s",
                "name": "n",
                "resource": "r",
                "traceID": "1",
                "spanID": "2",
                "parentID": "0",
                "start": "1700000000000000000",
                "duration": 5,
                "error": 0,
                "meta": {"env": "e"},
                "metrics": {"_top_level": 1.0},
                "type": "web",
                "meta_struct": {},
                "spanLinks": [],
                "spanEvents": [],
            }],
        })
    );
}

#[tokio::test]
async fn ids_links_events_and_structures_lose_nothing() {
    let intake = Intake::start().await;
    let mut full = span(u64::MAX, u64::MAX - 1, "r");
    full.meta
        .insert("_dd.p.tid".to_owned(), "ffffffffffffffff".to_owned());
    full.metrics.insert("m".to_owned(), f64::INFINITY);
    full.meta_struct.insert("s".to_owned(), vec![0xc4, 1, 0xff]);
    full.span_links.push(SpanLink {
        trace_id: u64::MAX,
        trace_id_high: 1,
        span_id: 1 << 63,
        attributes: [("k".to_owned(), "v".to_owned())].into(),
        tracestate: "dd=s:1".to_owned(),
        flags: 1 << 31,
    });
    let value = |kind: AttributeAnyValueType| AttributeAnyValue {
        r#type: kind.into(),
        ..AttributeAnyValue::default()
    };
    let element = AttributeArrayValue {
        r#type: AttributeArrayValueType::BoolValue.into(),
        bool_value: true,
        ..AttributeArrayValue::default()
    };
    let attributes = [
        (
            "a",
            AttributeAnyValue {
                string_value: "x".to_owned(),
                ..value(AttributeAnyValueType::StringValue)
            },
        ),
        (
            "b",
            AttributeAnyValue {
                int_value: i64::MIN,
                ..value(AttributeAnyValueType::IntValue)
            },
        ),
        (
            "c",
            AttributeAnyValue {
                double_value: 0.5,
                ..value(AttributeAnyValueType::DoubleValue)
            },
        ),
        (
            "d",
            AttributeAnyValue {
                array_value: Some(AttributeArray {
                    values: vec![element],
                }),
                ..value(AttributeAnyValueType::ArrayValue)
            },
        ),
    ];
    full.span_events.push(SpanEvent {
        time_unix_nano: u64::MAX,
        name: "exception".to_owned(),
        attributes: attributes
            .map(|(key, value)| (key.to_owned(), value))
            .into(),
    });

    post_traces(&intake, payload(vec![chunk(vec![full])]).encode_to_vec()).await;

    let line = get(&intake, "/inspect/traces").await.lines().remove(0);
    assert_eq!(line["trace_id"], "f".repeat(32));
    let span = &line["spans"][0];
    assert_eq!(span["traceID"], "18446744073709551615");
    assert_eq!(span["spanID"], "18446744073709551614");
    assert_eq!(span["start"], "1700000000123456789");
    assert_eq!(span["metrics"], json!({"m": "inf"}));
    assert_eq!(span["meta_struct"], json!({"s": "xAH/"}));
    assert_eq!(
        span["spanLinks"],
        json!([{
            "traceID": "18446744073709551615",
            "traceID_high": "1",
            "spanID": "9223372036854775808",
            "attributes": {"k": "v"},
            "tracestate": "dd=s:1",
            "flags": 2_147_483_648_u32,
        }])
    );
    assert_eq!(
        span["spanEvents"],
        json!([{
            "time_unix_nano": "18446744073709551615",
            "name": "exception",
            "attributes": {"a": "x", "b": i64::MIN, "c": 0.5, "d": [true]},
        }])
    );
}

#[tokio::test]
async fn every_encoding_of_traces_is_taken_and_no_other() {
    let intake = Intake::start().await;
    let raw = one("GET /");
    let bodies = [
        ("identity", raw.clone(), 202),
        ("gzip", gzip(&raw), 202),
        ("zstd", zstd::bulk::compress(&raw, 3).unwrap(), 202),
        ("deflate", raw.clone(), 400),
        ("zstd", raw.clone(), 400),
    ];
    for (encoding, body, status) in bodies {
        let headers = [PROTOBUF[0], PROTOBUF[1], ("content-encoding", encoding)];
        let answer = send(&intake, "POST", TRACES, &headers, body).await;
        assert_eq!(answer.status, status, "{encoding}");
    }
    let listed: Vec<_> = intake
        .raw_requests()
        .into_iter()
        .map(|request| request.problems)
        .collect();
    assert_eq!(
        listed[3],
        ["Content-Encoding is none of zstd, gzip and identity"]
    );
    assert_eq!(listed[4], ["body does not match its Content-Encoding"]);
    assert_eq!(intake.traces().len(), 3);
}

#[tokio::test]
async fn stats_are_shown_with_their_quantiles() {
    let intake = Intake::start().await;
    let at = start();

    let answer = post_stats(&intake, &stats(at, vec![group("web", "GET /", 3)])).await;

    assert_eq!((answer.status, answer.text()), (202, "{}"));
    assert_eq!(problems(&intake), [""; 0]);
    let line = get(&intake, "/inspect/stats").await.lines().remove(0);
    assert_eq!(
        (&line["seq"], &line["request"], &line["api_key"]),
        (&json!(2), &json!(1), &json!("cdef"))
    );
    assert_eq!(
        line["payload"],
        json!({
            "AgentHostname": "h",
            "AgentEnv": "none",
            "AgentVersion": "7.70.0",
            "ClientComputed": false,
            "SplitPayload": false,
        })
    );
    assert_eq!(line["client"]["Lang"], "python");
    assert_eq!(line["client"]["ProcessTagsHash"], "18446744073709551615");
    assert_eq!(
        line["bucket"],
        json!({"Start": at.to_string(), "Duration": BUCKET_NS, "AgentTimeShift": 0})
    );
    assert_eq!(
        (
            &line["Service"],
            &line["Resource"],
            &line["Hits"],
            &line["Errors"],
            &line["Duration"]
        ),
        (
            &json!("web"),
            &json!("GET /"),
            &json!(3),
            &json!(1),
            &json!(3_000)
        )
    );
    assert_eq!(line["PeerTags"], json!(["db.name:d"]));
    assert_eq!(line["ErrorSummary"], json!(null));
    let ok = &line["OkSummary"];
    assert_eq!(ok["count"], 1.0);
    for share in ["p50", "p95", "p99"] {
        let quantile = ok[share].as_f64().unwrap();
        assert!((990.0..=1_010.0).contains(&quantile), "{share} {quantile}");
    }
}

#[tokio::test]
async fn stats_are_taken_as_msgpack_under_gzip_alone() {
    let intake = Intake::start().await;
    let raw = stats(start(), vec![group("web", "GET /", 1)]);
    let type_of = |media_type| ("content-type", media_type);
    let cases: [(Headers<'_>, Vec<u8>, &str); 4] = [
        (
            &[KEY, type_of("application/msgpack")],
            raw.clone(),
            "Content-Encoding is not gzip",
        ),
        (
            &[
                KEY,
                type_of("application/msgpack"),
                ("content-encoding", "zstd"),
            ],
            zstd::bulk::compress(&raw, 1).unwrap(),
            "Content-Encoding is not gzip",
        ),
        (
            &[
                KEY,
                type_of("application/x-protobuf"),
                ("content-encoding", "gzip"),
            ],
            gzip(&raw),
            "Content-Type is not application/msgpack",
        ),
        (
            &MSGPACK,
            gzip(b"\x0a\x01h"),
            "body not decodable: payload at byte 0: byte 0: not a map",
        ),
    ];
    for (headers, body, problem) in cases {
        let answer = send(&intake, "POST", STATS, headers, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json(), json!({"errors": [problem]}));
    }
    assert_eq!(intake.stats(), []);
}

#[tokio::test]
async fn another_type_of_traces_is_refused_with_what_is_wrong() {
    let intake = Intake::start().await;
    for headers in [&[KEY, ("content-type", "application/msgpack")][..], &[KEY]] {
        let answer = send(&intake, "POST", TRACES, headers, one("r")).await;
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.json(),
            json!({"errors": ["Content-Type is not application/x-protobuf"]})
        );
    }
    assert_eq!(intake.traces(), []);
}

#[tokio::test]
async fn tests_read_what_arrived_through_the_library() {
    let intake = Intake::start().await;
    let mut child = span(7, 3, "SELECT");
    child.parent_id = 2;
    let chunks = vec![
        chunk(vec![child, span(7, 2, "GET /")]),
        chunk(vec![span(8, 4, "POST /")]),
    ];

    post_traces(&intake, payload(chunks).encode_to_vec()).await;
    post_stats(
        &intake,
        &stats(
            start(),
            vec![group("web", "GET /", 2), group("db", "SELECT", 5)],
        ),
    )
    .await;

    intake.expect_traces(&["POST /", "GET /"]).await;
    intake.expect_stats(&["SELECT", "GET /"]).await;
    let traces = intake.traces();
    assert_eq!(
        (traces[0].trace_id, traces[0].resource.as_str()),
        (7, "GET /")
    );
    assert_eq!((traces[0].seq, traces[1].seq, traces[1].request), (2, 3, 1));
    assert_eq!(traces[0].spans().len(), 2);
    assert_eq!(traces[1].tracer.language_name, "python");
    assert_eq!(traces[1].agent.target_tps, 10.0);
    let stats = intake.stats();
    assert_eq!(
        (stats[1].group.hits, stats[1].client.env.as_str()),
        (5, "prod")
    );
    assert_eq!(stats[1].bucket.duration, BUCKET_NS);
    assert_eq!(stats[1].ok.as_ref().unwrap().count(), 1.0);
}

#[tokio::test]
async fn an_expectation_that_fails_prints_what_arrived() {
    let intake = Intake::builder()
        .deadline(Duration::ZERO)
        .start()
        .await
        .unwrap();
    post_traces(&intake, one("GET /")).await;
    post_stats(&intake, &stats(start(), vec![group("web", "GET /", 2)])).await;

    let waiting = tokio::spawn(async move { intake.expect_traces(&["POST /"]).await });
    let panic = waiting.await.unwrap_err().into_panic();
    let words = panic.downcast_ref::<String>().unwrap();
    assert!(
        words.contains("did not get the traces [\"POST /\"]"),
        "{words}"
    );
    assert!(
        words.contains("00000000000000000000000000000001 priority 1: web web.request \"GET /\""),
        "{words}"
    );
    assert!(
        words.contains("web web.request \"GET /\": 2 hits, 1 errors at "),
        "{words}"
    );
}

#[tokio::test]
async fn records_are_asked_for_by_service_and_by_trace() {
    let intake = Intake::start().await;
    let mut other = span(9, 3, "SELECT");
    other.service = "db".to_owned();
    let chunks = vec![chunk(vec![span(7, 2, "GET /")]), chunk(vec![other])];
    post_traces(&intake, payload(chunks).encode_to_vec()).await;
    post_stats(
        &intake,
        &stats(
            start(),
            vec![group("web", "GET /", 2), group("db", "SELECT", 5)],
        ),
    )
    .await;

    let seqs = async |path: &str| {
        let lines = get(&intake, path).await.lines();
        lines
            .iter()
            .map(|line| line["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(seqs("/inspect/traces").await, [2, 3]);
    assert_eq!(seqs("/inspect/traces?service=db").await, [3]);
    assert_eq!(seqs("/inspect/traces?trace_id=7").await, [2]);
    assert_eq!(
        seqs(&format!("/inspect/traces?trace_id={:032x}", 9)).await,
        [3]
    );
    assert_eq!(seqs("/inspect/traces?trace_id=70").await, [0; 0]);
    assert_eq!(seqs("/inspect/traces?after=2&limit=1").await, [3]);
    assert_eq!(seqs("/inspect/stats").await, [5, 6]);
    assert_eq!(seqs("/inspect/stats?service=db").await, [6]);
    let refused = get(&intake, "/inspect/stats?trace_id=7").await;
    assert_eq!(
        (refused.status, refused.text()),
        (400, "unknown parameter trace_id\n")
    );
}

#[tokio::test]
async fn a_follower_is_told_of_each_chunk_as_it_comes() {
    let intake = Intake::start().await;
    let mut lines = Lines::open(&intake, "/inspect/traces?follow=1").await;
    post_traces(&intake, one("first")).await;
    assert_eq!(
        lines.next().await.unwrap().unwrap()["spans"][0]["resource"],
        "first"
    );
    post_traces(&intake, one("second")).await;
    assert_eq!(
        lines.next().await.unwrap().unwrap()["spans"][0]["resource"],
        "second"
    );
}

#[tokio::test]
async fn the_summary_counts_spans_hits_and_problems() {
    let intake = Intake::start().await;
    let raw = payload(vec![
        chunk(vec![span(7, 2, "r"), span(7, 3, "r")]),
        chunk(vec![span(8, 2, "")]),
    ]);
    let raw = raw.encode_to_vec();
    post_traces(&intake, raw.clone()).await;
    post_stats(
        &intake,
        &stats(
            start(),
            vec![group("web", "GET /", 2), group("db", "SELECT", 5)],
        ),
    )
    .await;

    let summary = get(&intake, "/inspect/summary").await.json();
    assert_eq!(
        summary["signals"]["traces"],
        json!({
            "items": 2,
            "requests": 1,
            "raw_bytes": raw.len(),
            "wire_bytes": raw.len(),
            "spans": 3,
            "by_service": {"web": 3},
        })
    );
    assert_eq!(summary["signals"]["stats"]["items"], 2);
    assert_eq!(summary["signals"]["stats"]["hits"], 7);
    assert_eq!(
        summary["signals"]["stats"]["by_service"],
        json!({"db": 5, "web": 2})
    );
    assert_eq!(summary["problems"], json!({"no resource": 1}));
}

#[tokio::test]
async fn a_key_is_missed_and_may_be_required() {
    let lenient = Intake::start().await;
    let strict = Intake::builder().require_key().start().await.unwrap();
    for (intake, traces, stats_status) in [(&lenient, 202, 202), (&strict, 403, 403)] {
        let answer = send(intake, "POST", TRACES, &PROTOBUF[1..], one("r")).await;
        assert_eq!(answer.status, traces);
        assert_eq!(problems(intake), ["no DD-API-KEY header"]);
        let raw = gzip(&stats(start(), vec![group("web", "r", 1)]));
        let answer = send(intake, "POST", STATS, &MSGPACK[1..], raw).await;
        assert_eq!(answer.status, stats_status);
        assert_eq!(problems(intake), ["no DD-API-KEY header"]);
    }
    assert_eq!((lenient.traces().len(), strict.traces().len()), (1, 0));
    assert_eq!((lenient.stats().len(), strict.stats().len()), (1, 0));
}

#[tokio::test]
async fn bodies_that_grow_too_large_are_refused() {
    let intake = Intake::start().await;
    let zeros = vec![0; 25_000_001];
    for (path, headers, body) in [
        (
            TRACES,
            [KEY, PROTOBUF[1], ("content-encoding", "gzip")],
            gzip(&zeros),
        ),
        (
            TRACES,
            [KEY, PROTOBUF[1], ("content-encoding", "zstd")],
            zstd::bulk::compress(&zeros, 1).unwrap(),
        ),
        (STATS, MSGPACK, gzip(&zeros)),
    ] {
        let answer = send(&intake, "POST", path, &headers, body).await;
        assert_eq!(answer.status, 413, "{path}");
        let told = ["body over 25000000 bytes decompressed"];
        assert_eq!(answer.json(), json!({"errors": told}));
        assert_eq!(problems(&intake), told);
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_read() {
    let intake = Intake::start().await;
    let head = "POST /api/v0.2/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ndd-api-key: k\r\ncontent-type: application/x-protobuf\r\ncontent-length: 25000001\r\n\r\n";
    let answer = send_raw(&intake, head.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 413 "));
    assert_eq!(problems(&intake), ["body over 25000000 bytes as sent"]);
    assert_eq!(intake.raw_requests()[0].wire_body, Bytes::new());
}

#[tokio::test]
async fn the_largest_body_is_taken() {
    let intake = Intake::start().await;
    let mut large = span(1, 2, "r");
    // A text that is not looked at, as long as is left.
    large.meta.insert("_dd.x.json".to_owned(), String::new());
    let around = payload(vec![chunk(vec![large.clone()])]).encoded_len();
    let length = 25_000_000 - around - 5 * 4;
    large
        .meta
        .insert("_dd.x.json".to_owned(), "x".repeat(length));
    let mut body = payload(vec![chunk(vec![large])]);
    let missing = 25_000_000 - body.encoded_len();
    body.host_name.push_str(&"h".repeat(missing));
    assert_eq!(body.encoded_len(), 25_000_000);

    let answer = post_traces(&intake, body.encode_to_vec()).await;

    assert_eq!((answer.status, problems(&intake)), (202, vec![]));
    let line = get(&intake, "/inspect/traces").await.lines().remove(0);
    let text = line["spans"][0]["meta"]["_dd.x.json"].as_str().unwrap();
    assert_eq!(text.len(), length);
}

#[tokio::test]
async fn a_refused_body_is_kept_as_a_request_alone() {
    let intake = Intake::start().await;
    let whole = one("r");
    let answer = post_traces(&intake, whole[..whole.len() / 2].to_vec()).await;
    assert_eq!(answer.status, 400);
    let problem = answer.json()["errors"][0].as_str().unwrap().to_owned();
    assert!(problem.starts_with("body not decodable: "), "{problem}");
    assert_eq!(intake.traces(), []);
    let record = get(&intake, "/inspect/requests").await.lines().remove(0);
    assert_eq!(record["problems"], json!([problem]));
    let body = get(&intake, "/inspect/requests/1/body").await.body;
    assert_eq!(body, whole[..whole.len() / 2]);
}

#[tokio::test]
async fn what_is_evicted_takes_its_chunks_with_it() {
    let intake = Intake::builder().keep_bytes(6_000).start().await.unwrap();
    for number in 0..20 {
        post_traces(&intake, one(&format!("r{number}"))).await;
    }
    let kept: Vec<_> = intake
        .traces()
        .into_iter()
        .map(|trace| trace.resource)
        .collect();
    assert!((1..20).contains(&kept.len()), "{kept:?}");
    assert_eq!(kept.last().unwrap(), "r19");
    let summary = intake.summary();
    assert_eq!(summary["signals"]["traces"]["items"], 20);
    assert_eq!(summary["evicted"]["records"], 2 * (20 - kept.len()));
    assert!(summary["kept_bytes"].as_u64().unwrap() <= 6_000);
}
