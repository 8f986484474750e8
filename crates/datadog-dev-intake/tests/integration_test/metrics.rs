//! Metrics, events and service checks: what is taken, answered, shown and refused.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use datadog_dev_intake::Intake;
use datadog_sketch::agent::key_of;
use datadog_wire::metrics::{
    Dogsketch, Metadata, MetricPayload, MetricPoint, MetricSeries, MetricType, Origin, Resource,
    Sketch, SketchPayload,
};
use prost::Message;
use serde_json::json;

use crate::client::{Answer, Lines, get, post_logs, send};

const PROTOBUF: [(&str, &str); 2] = [
    ("dd-api-key", "0123456789abcdef"),
    ("content-type", "application/x-protobuf"),
];
const JSON: [(&str, &str); 2] = [
    ("dd-api-key", "0123456789abcdef"),
    ("content-type", "application/json"),
];

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn origin() -> Option<Metadata> {
    Some(Metadata {
        origin: Some(Origin {
            origin_product: 10,
            origin_category: 10,
            origin_service: 0,
        }),
    })
}

fn series(metric: &str, value: f64, timestamp: i64) -> MetricSeries {
    MetricSeries {
        resources: vec![Resource {
            r#type: "host".to_owned(),
            name: "h".to_owned(),
        }],
        metric: metric.to_owned(),
        tags: vec!["a:b".to_owned()],
        points: vec![MetricPoint { value, timestamp }],
        r#type: MetricType::Rate.into(),
        interval: 10,
        metadata: origin(),
        ..MetricSeries::default()
    }
}

/// A distribution of the whole numbers from 1 to 100.
fn hundred(timestamp: i64) -> Sketch {
    let mut bucket = Dogsketch {
        ts: timestamp,
        cnt: 100,
        min: 1.0,
        max: 100.0,
        avg: 50.5,
        sum: 5_050.0,
        ..Dogsketch::default()
    };
    for value in 1..=100 {
        let key = i32::from(key_of(f64::from(value)));
        match bucket.k.last() {
            Some(last) if *last == key => *bucket.n.last_mut().unwrap() += 1,
            _ => {
                bucket.k.push(key);
                bucket.n.push(1);
            }
        }
    }
    Sketch {
        metric: "m.d".to_owned(),
        host: "h".to_owned(),
        tags: vec!["a:b".to_owned()],
        dogsketches: vec![bucket],
        metadata: origin(),
    }
}

async fn post_series(intake: &Intake, series: Vec<MetricSeries>) -> Answer {
    let body = MetricPayload { series }.encode_to_vec();
    send(intake, "POST", "/api/v2/series", &PROTOBUF, body).await
}

async fn post_json(intake: &Intake, path: &str, body: &str) -> Answer {
    send(intake, "POST", path, &JSON, body.to_owned()).await
}

fn problems(intake: &Intake) -> Vec<String> {
    intake.raw_requests().last().unwrap().problems.clone()
}

#[tokio::test]
async fn series_are_taken_and_shown_with_all_that_is_known_of_them() {
    let intake = Intake::start().await;
    let at = now_s();

    let answer = post_series(
        &intake,
        vec![series("m.c", 0.5, at), series("m.e", 2.0, at)],
    )
    .await;

    assert_eq!((answer.status, answer.text()), (202, r#"{"errors":[]}"#));
    assert_eq!(problems(&intake), Vec::<String>::new());
    let mut lines = get(&intake, "/inspect/series").await.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[0]["received_at"].as_i64().unwrap() / 1_000 >= at);
    lines[0].as_object_mut().unwrap().remove("received_at");
    assert_eq!(
        lines[0],
        json!({
            "seq": 2, "via": "http", "api_key": "cdef", "endpoint": "/api/v2/series", "request": 1,
            "metric": "m.c", "type": "rate", "interval": 10, "unit": "", "host": "h", "tags": ["a:b"],
            "resources": [{"type": "host", "name": "h"}], "source_type_name": "",
            "metadata": {"origin": {"origin_product": 10, "origin_category": 10, "origin_service": 0}},
            "points": [{"timestamp": at, "value": 0.5}],
        })
    );
    let record = &intake.series()[1];
    assert_eq!(
        (record.seq, record.request, record.metric.as_str()),
        (3, 1, "m.e")
    );
    assert_eq!(record.metric_type, Some(MetricType::Rate));
    assert_eq!(record.host.as_deref(), Some("h"));
    assert_eq!(record.origin, origin().unwrap().origin);
    assert_eq!(
        record.points,
        [MetricPoint {
            value: 2.0,
            timestamp: at
        }]
    );
}

#[tokio::test]
async fn a_sketch_is_shown_with_its_bins_and_quantiles() {
    let intake = Intake::start().await;
    let body = SketchPayload {
        sketches: vec![hundred(now_s())],
        metadata: Some(datadog_wire::metrics::CommonMetadata::default()),
    };

    let answer = send(
        &intake,
        "POST",
        "/api/beta/sketches",
        &PROTOBUF,
        body.encode_to_vec(),
    )
    .await;

    assert_eq!((answer.status, answer.text()), (202, r#"{"errors":[]}"#));
    assert_eq!(problems(&intake), Vec::<String>::new());
    let line = &get(&intake, "/inspect/sketches").await.lines()[0];
    assert_eq!(
        [&line["metric"], &line["host"], &line["tags"][0]],
        ["m.d", "h", "a:b"]
    );
    let bucket = &line["dogsketches"][0];
    assert_eq!(
        [
            &bucket["cnt"],
            &bucket["min"],
            &bucket["max"],
            &bucket["avg"],
            &bucket["sum"]
        ],
        [
            &json!(100),
            &json!(1.0),
            &json!(100.0),
            &json!(50.5),
            &json!(5_050.0)
        ]
    );
    assert_eq!(bucket["k"].as_array().unwrap().len(), 93);
    assert_eq!(bucket["n"].as_array().unwrap().len(), 93);
    for (name, value) in [
        ("p50", 51.31911937625436),
        ("p75", 75.03434915616913),
        ("p95", 95.41452700754016),
        ("p99", 99.18842808205522),
    ] {
        let found = bucket[name].as_f64().unwrap();
        assert!((found - value).abs() < 1e-9, "{name}: {found}");
    }
    let record = &intake.sketches()[0];
    assert_eq!(
        (record.metric.as_str(), record.buckets[0].message.cnt),
        ("m.d", 100)
    );
    assert_eq!(record.buckets[0].quantile(1.0), Some(100.0));
}

#[tokio::test]
async fn a_sketch_that_cannot_be_is_taken_and_said_to_be_wrong() {
    let intake = Intake::start().await;
    let mut sketch = hundred(now_s());
    sketch.dogsketches[0].k.reverse();
    let body = SketchPayload {
        sketches: vec![sketch],
        metadata: None,
    };

    let answer = send(
        &intake,
        "POST",
        "/api/beta/sketches",
        &PROTOBUF,
        body.encode_to_vec(),
    )
    .await;

    assert_eq!(answer.status, 202);
    assert_eq!(
        problems(&intake),
        ["sketch 0: no valid sketch: bucket 0: the keys of the sketch do not ascend"]
    );
    let bucket = &get(&intake, "/inspect/sketches").await.lines()[0]["dogsketches"][0];
    assert_eq!(
        (&bucket["p50"], &bucket["error"]),
        (&json!(null), &json!("the keys of the sketch do not ascend"))
    );
    assert_eq!(intake.sketches()[0].buckets[0].quantile(0.5), None);
    assert_eq!(intake.summary()["problems"]["no valid sketch"], 1);
}

#[tokio::test]
async fn events_of_an_agent_keep_their_keys_and_their_source() {
    let intake = Intake::start().await;

    let answer = post_json(
        &intake,
        "/intake/",
        r#"{"apiKey":"","events":{"api":[{"msg_title":"started","msg_text":"two\nlines","timestamp":1700000000,"seq":"mine","tags":["env:x"]}],"nagios":[ {"msg_title":"down", "source_type_name":"nagios","alert_type":"error"} ]},"internalHostname":"h"}"#,
    )
    .await;

    assert_eq!((answer.status, answer.text()), (202, r#"{"status":"ok"}"#));
    let text = get(&intake, "/inspect/events").await;
    let lines = text.lines();
    assert_eq!(
        [
            &lines[0]["source"],
            &lines[0]["msg_title"],
            &lines[0]["msg_text"],
            &lines[0]["seq"],
            &lines[0]["_seq"]
        ],
        [
            &json!("api"),
            &json!("started"),
            &json!("two\nlines"),
            &json!("mine"),
            &json!(2)
        ]
    );
    assert_eq!(
        [&lines[1]["source"], &lines[1]["alert_type"]],
        ["nagios", "error"]
    );
    let events = intake.events();
    assert_eq!(
        (events[0].title.as_str(), events[0].text.as_str()),
        ("started", "two\nlines")
    );
    assert_eq!(
        (events[0].timestamp, &events[0].tags[..]),
        (Some(1_700_000_000), &["env:x".to_owned()][..])
    );
    assert_eq!(
        (events[1].source.as_deref(), events[1].get("alert_type")),
        (Some("nagios"), Some("error"))
    );
}

#[tokio::test]
async fn an_event_of_the_public_interface_is_an_event_too() {
    let intake = Intake::start().await;

    let answer = post_json(
        &intake,
        "/api/v1/events",
        r#"{"title":"t","text":"x","date_happened":7,"priority":"low"}"#,
    )
    .await;

    assert_eq!((answer.status, answer.text()), (202, r#"{"status":"ok"}"#));
    let event = &intake.events()[0];
    assert_eq!(
        (
            event.title.as_str(),
            event.text.as_str(),
            event.timestamp,
            event.source.as_deref()
        ),
        ("t", "x", Some(7), None)
    );
    assert_eq!(
        get(&intake, "/inspect/events").await.lines()[0]["title"],
        "t"
    );
}

#[tokio::test]
async fn service_checks_are_taken_alone_and_in_arrays() {
    let intake = Intake::start().await;

    let answer = post_json(
        &intake,
        "/api/v1/check_run",
        r#"[{"check":"db.up","host_name":"h","message":"slow","tags":["a"],"timestamp":1700000000,"status":1},{"check":"web.up","status":0}]"#,
    )
    .await;
    post_json(
        &intake,
        "/api/v1/check_run",
        r#"{"check":"alone","status":9}"#,
    )
    .await;

    assert_eq!((answer.status, answer.text()), (202, r#"{"status":"ok"}"#));
    assert_eq!(problems(&intake), ["check 0: status is none of 0 to 3"]);
    let checks = intake.checks();
    assert_eq!(
        checks
            .iter()
            .map(|check| (check.check.as_str(), check.status))
            .collect::<Vec<_>>(),
        [("db.up", Some(1)), ("web.up", Some(0)), ("alone", None)]
    );
    assert_eq!(
        (checks[0].host_name.as_deref(), checks[0].message.as_deref()),
        (Some("h"), Some("slow"))
    );
    assert_eq!(
        get(&intake, "/inspect/checks").await.lines()[2]["status"],
        9
    );
    assert_eq!(
        intake.summary()["signals"]["checks"]["by_status"],
        json!({"(none)": 1, "ok": 1, "warning": 1})
    );
}

#[tokio::test]
async fn series_of_other_clients_come_as_json() {
    let intake = Intake::start().await;
    let at = now_s();

    let v1 = format!(
        r#"{{"series":[{{"metric":"v.one","points":[[{at},3]],"type":"count","host":"h","tags":["a"],"interval":10}}]}}"#
    );
    let answer = post_json(&intake, "/api/v1/series", &v1).await;
    assert_eq!((answer.status, answer.text()), (202, r#"{"status":"ok"}"#));
    let v2 = format!(
        r#"{{"series":[{{"metric":"v.two","points":[{{"timestamp":{at},"value":3}}],"type":3}}]}}"#
    );
    let answer = post_json(&intake, "/api/v2/series", &v2).await;
    assert_eq!((answer.status, answer.text()), (202, r#"{"errors":[]}"#));

    assert_eq!(intake.summary()["problems"], json!({}));
    let types: Vec<_> = intake
        .series()
        .iter()
        .map(|series| (series.metric.clone(), series.metric_type))
        .collect();
    assert_eq!(
        types,
        [
            ("v.one".to_owned(), Some(MetricType::Count)),
            ("v.two".to_owned(), Some(MetricType::Gauge))
        ]
    );
}

#[tokio::test]
async fn compressed_bodies_are_counted_as_sent_and_as_they_were() {
    let intake = Intake::start().await;
    let body = MetricPayload {
        series: vec![series("m.c", 1.0, now_s()); 50],
    }
    .encode_to_vec();
    let compressed = zstd::bulk::compress(&body, 1).unwrap();
    let headers = [PROTOBUF.as_slice(), &[("content-encoding", "zstd")]].concat();

    let answer = send(
        &intake,
        "POST",
        "/api/v2/series",
        &headers,
        compressed.clone(),
    )
    .await;

    assert_eq!(answer.status, 202);
    assert_eq!(
        intake.summary()["signals"]["series"],
        json!({"items": 50, "requests": 1, "raw_bytes": body.len(), "wire_bytes": compressed.len(), "points": 50, "by_metric": {"m.c": 50}})
    );
}

#[tokio::test]
async fn a_broken_body_is_answered_with_what_and_where_and_harms_nothing() {
    let intake = Intake::start().await;
    post_series(&intake, vec![series("before", 1.0, now_s())]).await;
    let mut body = MetricPayload {
        series: vec![series("m.c", 1.0, now_s()); 2],
    }
    .encode_to_vec();
    body.pop();

    let answer = send(&intake, "POST", "/api/v2/series", &PROTOBUF, body).await;

    let words = "body not decodable: byte 52: the message ends inside of a field";
    assert_eq!(
        (answer.status, answer.json()),
        (400, json!({"errors": [words]}))
    );
    assert_eq!(problems(&intake), [words]);
    post_series(&intake, vec![series("after", 1.0, now_s())]).await;
    let names: Vec<_> = intake
        .series()
        .into_iter()
        .map(|series| series.metric)
        .collect();
    assert_eq!(names, ["before", "after"]);
}

#[tokio::test]
async fn a_bomb_is_defused_on_every_path() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..=256 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let headers = [PROTOBUF.as_slice(), &[("content-encoding", "zstd")]].concat();
    let intake = Intake::start().await;
    for path in [
        "/api/v2/series",
        "/api/beta/sketches",
        "/intake/",
        "/api/v1/check_run",
    ] {
        let answer = send(&intake, "POST", path, &headers, bomb.clone()).await;
        assert_eq!(
            (answer.status, answer.json()),
            (413, json!({"errors": ["body over 256 MiB decoded"]})),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_of_its_path_is_refused() {
    let intake = Intake::start().await;
    let answer = send(
        &intake,
        "POST",
        "/api/v2/series",
        &PROTOBUF,
        vec![0; 512_001],
    )
    .await;
    assert_eq!(
        (answer.status, answer.json()),
        (413, json!({"errors": ["body over 512000 bytes as sent"]}))
    );
    let body = zstd::bulk::compress(&vec![b' '; 4_194_305], 1).unwrap();
    let headers = [JSON.as_slice(), &[("content-encoding", "zstd")]].concat();
    let answer = send(&intake, "POST", "/api/v1/check_run", &headers, body).await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            413,
            json!({"errors": ["body over 4194304 bytes decompressed"]})
        )
    );
}

#[tokio::test]
async fn faults_work_on_these_paths_as_on_any() {
    let intake = Intake::start().await;
    intake.on("/api/v2/series").reply_once(429).retry_after(3);
    let refused = post_series(&intake, vec![series("m.c", 1.0, now_s())]).await;
    assert_eq!(
        (refused.status, &refused.headers["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    assert!(intake.series().is_empty());
    assert_eq!(
        post_series(&intake, vec![series("m.c", 1.0, now_s())])
            .await
            .status,
        202
    );
    assert_eq!(
        (intake.series().len(), intake.requests("/api/v2/series")),
        (1, 2)
    );
    intake.set_faults(
        datadog_dev_intake::parse_script(br#"{"rules":[{"path":"*","min_items":2,"status":413}]}"#)
            .unwrap(),
    );
    assert_eq!(
        post_series(&intake, vec![series("m.c", 1.0, now_s()); 2])
            .await
            .status,
        413
    );
    assert_eq!(
        post_series(&intake, vec![series("m.c", 1.0, now_s())])
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn a_missing_key_is_noted_and_refused_only_on_demand() {
    let headers = [("content-type", "application/json")];
    let intake = Intake::start().await;
    let answer = send(
        &intake,
        "POST",
        "/api/v1/check_run",
        &headers,
        r#"[{"check":"c","status":0}]"#,
    )
    .await;
    assert_eq!(
        (answer.status, problems(&intake)),
        (202, vec!["no DD-API-KEY header".to_owned()])
    );
    let strict = Intake::builder().require_key().start().await.unwrap();
    let answer = send(
        &strict,
        "POST",
        "/api/v1/check_run",
        &headers,
        r#"[{"check":"c","status":0}]"#,
    )
    .await;
    assert_eq!(
        (answer.status, answer.json()),
        (403, json!({"errors": ["no DD-API-KEY header"]}))
    );
    assert!(strict.checks().is_empty());
}

#[tokio::test]
async fn records_are_asked_for_by_number_name_and_kind() {
    let intake = Intake::start().await;
    post_series(
        &intake,
        vec![series("a", 1.0, now_s()), series("b", 1.0, now_s())],
    )
    .await; // 1, 2, 3
    post_logs(&intake, r#"[{"message":"x"}]"#).await; // 4, 5
    post_series(&intake, vec![series("a", 2.0, now_s())]).await; // 6, 7
    let seqs = async |question: &str| {
        let lines = get(&intake, &format!("/inspect/{question}")).await.lines();
        lines
            .iter()
            .map(|line| line["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(seqs("series").await, [2, 3, 7]);
    assert_eq!(seqs("series?after=2").await, [3, 7]);
    assert_eq!(seqs("series?limit=2").await, [2, 3]);
    assert_eq!(seqs("series?metric=a").await, [2, 7]);
    assert_eq!(seqs("logs").await, [5]);
    assert_eq!(seqs("sketches").await, Vec::<u64>::new());
    assert_eq!(seqs("requests").await, [1, 4, 6]);
    let mut followed = Lines::open(&intake, "/inspect/series?follow=1&after=7").await;
    post_series(&intake, vec![series("late", 1.0, now_s())]).await;
    assert_eq!(followed.next().await.unwrap().unwrap()["metric"], "late");
}

#[tokio::test]
async fn the_oldest_metrics_make_room_and_are_counted() {
    let intake = Intake::builder().keep_bytes(20_000).start().await.unwrap();
    for number in 0..20 {
        let mut big = series(&format!("m{number}"), 1.0, now_s());
        big.tags = vec!["x".repeat(2_000)];
        post_series(&intake, vec![big]).await;
    }
    let summary = intake.summary();
    let kept = intake.series();
    let evicted = 20 - kept.len();
    assert!((1..10).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().metric, "m19");
    assert!(summary["kept_bytes"].as_u64().unwrap() <= 20_000);
    assert_eq!(summary["evicted"]["records"], 2 * evicted);
    assert_eq!(summary["signals"]["series"]["items"], 20);
    intake.reset();
    assert!(intake.series().is_empty());
    assert_eq!(intake.summary()["signals"]["series"]["items"], 0);
}

#[tokio::test]
async fn columnar_metrics_are_shown_like_any_others() {
    let intake = Intake::start().await;
    // A gauge `a` of 0 at second 100.
    let columns =
        b"\x0a\x02\x01a\x52\x01\x03\x5a\x01\x02\x72\x01\x0a\x7a\x01\x01\x82\x01\x02\xc8\x01";
    let mut body = vec![0x1a, u8::try_from(columns.len()).unwrap()];
    body.extend_from_slice(columns);
    let path = "/api/intake/metrics/v3/series";
    let answer = send(&intake, "POST", path, &PROTOBUF, body.clone()).await;
    assert_eq!(answer.status, 202);
    let request = &intake.raw_requests()[0];
    assert_eq!((&request.body[..], request.items), (&body[..], Some(1)));
    let found = intake.series();
    assert_eq!(found[0].metric, "a");
    assert_eq!(found[0].metric_type, Some(MetricType::Gauge));
    assert_eq!(found[0].endpoint, path);
    let point = (found[0].points[0].timestamp, found[0].points[0].value);
    assert_eq!(point, (100, 0.0));
}

#[tokio::test]
async fn expectations_wait_for_metrics_by_name() {
    let intake = Intake::start().await;
    tokio::join!(
        intake.expect_series(&["a", "b"]),
        intake.expect_sketches(&["m.d"]),
        intake.expect_events(&["t"]),
        intake.expect_checks(&["c"]),
        async {
            post_series(&intake, vec![series("b", 1.0, now_s())]).await;
            post_series(&intake, vec![series("a", 1.0, now_s())]).await;
            let body = SketchPayload {
                sketches: vec![hundred(now_s())],
                metadata: None,
            };
            send(
                &intake,
                "POST",
                "/api/beta/sketches",
                &PROTOBUF,
                body.encode_to_vec(),
            )
            .await;
            post_json(
                &intake,
                "/intake/",
                r#"{"events":{"api":[{"msg_title":"t"}]}}"#,
            )
            .await;
            post_json(
                &intake,
                "/api/v1/check_run",
                r#"[{"check":"c","status":0}]"#,
            )
            .await;
        }
    );
}

#[tokio::test]
async fn an_expectation_that_fails_prints_the_metrics_that_arrived() {
    let impatient = std::time::Duration::from_millis(1);
    let intake = Intake::builder().deadline(impatient).start().await.unwrap();
    post_series(&intake, vec![series("m.c", 0.5, 1_700_000_000)]).await;
    let body = SketchPayload {
        sketches: vec![hundred(1_700_000_000)],
        metadata: None,
    };
    send(
        &intake,
        "POST",
        "/api/beta/sketches",
        &PROTOBUF,
        body.encode_to_vec(),
    )
    .await;
    post_json(
        &intake,
        "/intake/",
        r#"{"events":{"api":[{"msg_title":"t","msg_text":"x","tags":["y"]}]}}"#,
    )
    .await;
    post_json(
        &intake,
        "/api/v1/check_run",
        r#"[{"check":"c","status":2}]"#,
    )
    .await;

    let expectation = tokio::spawn(async move { intake.expect_series(&["wanted", "m.c"]).await });
    let panic = expectation.await.unwrap_err().into_panic();

    let text = panic.downcast_ref::<String>().unwrap();
    assert!(
        text.contains("did not get the series [\"wanted\"]"),
        "{text}"
    );
    let after = text.split_once("0 logs were accepted:\n").unwrap().1;
    assert_eq!(
        after,
        "1 series were accepted:\n  \"m.c\" RATE [\"a:b\"]: 0.5 at 1700000000\n\
         1 sketches were accepted:\n  \"m.d\" [\"a:b\"]: 100 values from 1 to 100 at 1700000000\n\
         1 events were accepted:\n  \"t\" [\"y\"]: \"x\"\n\
         1 checks were accepted:\n  \"c\" status 2 []\n"
    );
}
