//! Columns against messages: the same metrics, written in both forms, are the same to an intake that reads them.

use bytes::Bytes;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_dev_intake::{Intake, SeriesRecord, SketchRecord};
use datadog_wire::endpoints::{SERIES_V2_PATH, SERIES_V3_PATH, SKETCHES_PATH, SKETCHES_V3_PATH};
use http_body_util::Full;
use hyper::Request;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::context::Tags;
use crate::series::{Form, Point, SeriesWriter, Source};
use crate::sketches::SketchWriter;

/// A series whose texts it owns.
#[derive(Debug, Clone)]
struct Owned {
    name: String,
    suffix: &'static str,
    host: String,
    tags: String,
    source: Source,
    kind: MetricType,
    points: Vec<Point>,
}

impl Owned {
    fn identity(&self) -> Identity<'_> {
        Identity {
            name: &self.name,
            host: &self.host,
            tags: Tags(&self.tags),
            source: self.source,
        }
    }

    fn series(&self) -> Series<'_> {
        Series {
            identity: self.identity(),
            suffix: self.suffix,
            kind: self.kind,
            interval: 10,
            points: &self.points,
        }
    }
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-0.0),
        (-1_000_i32..1_000).prop_map(f64::from),
        (-(1_i64 << 60)..1 << 60).prop_map(|it| it as f64),
        any::<f32>().prop_map(f64::from),
        any::<f64>(),
    ]
    .prop_filter("the aggregator gives no other", |value| value.is_finite())
}

fn tags() -> impl Strategy<Value = String> {
    let tag = prop_oneof![
        "[a-c]:[xyz]",
        "device:[a-b]",
        "dd\\.internal\\.resource:k:[a-b]"
    ];
    prop::collection::btree_set(tag, 0..5)
        .prop_map(|tags| tags.into_iter().collect::<Vec<_>>().join("\n"))
}

fn owned() -> impl Strategy<Value = Owned> {
    let points = prop::collection::vec(
        (1_700_000_000_i64..1_700_001_000, value())
            .prop_map(|(timestamp, value)| Point { timestamp, value }),
        1..6,
    );
    let kinds = [MetricType::Count, MetricType::Rate, MetricType::Gauge];
    let sources = [
        Source::default(),
        Source::DOGSTATSD,
        Source {
            product: 1,
            category: 38,
            service: 473,
        },
    ];
    (
        "[a-c]{1,2}",
        prop::sample::select(vec!["", ".max"]),
        "[h-i]{0,1}",
        tags(),
        prop::sample::select(sources.to_vec()),
        prop::sample::select(kinds.to_vec()),
        points,
    )
        .prop_map(|(name, suffix, host, tags, source, kind, points)| Owned {
            name,
            suffix,
            host,
            tags,
            source,
            kind,
            points,
        })
}

fn only(done: Vec<Finished>) -> Bytes {
    assert_eq!(done.len(), 1);
    done[0].body.clone()
}

fn series_body(form: Form, all: &[Owned]) -> Bytes {
    let mut writer = SeriesWriter::of(form, Limits::SERIES, Encoding::Identity);
    let mut done = Vec::new();
    for one in all {
        writer.push(&one.series(), &mut done).unwrap();
    }
    writer.finish(&mut done);
    only(done)
}

fn sketch_body(form: Form, all: &[Owned]) -> Bytes {
    let mut writer = SketchWriter::of(form, Limits::OTHERS, Encoding::Identity);
    let mut done = Vec::new();
    for one in all {
        // Each point is a bucket of a few values.
        let sketches: Vec<(i64, Sketch)> = (one.points.iter())
            .map(|point| {
                let mut sketch = Sketch::default();
                sketch.insert_many(&[point.value, 1.0, 2.5, point.value]);
                (point.timestamp, sketch)
            })
            .collect();
        let buckets = sketches.iter().map(|(start, sketch)| (*start, sketch));
        writer.push(one.identity(), buckets, &mut done).unwrap();
    }
    writer.finish(&mut done);
    only(done)
}

async fn post(client: &Client, intake: &Intake, path: &str, body: Bytes) {
    let request = Request::post(format!("{}{path}", intake.url()))
        .header("content-type", "application/x-protobuf")
        .header("dd-api-key", "0123456789abcdef")
        .body(Full::new(body))
        .unwrap();
    let status = client.send(request).await.unwrap().status();
    assert_eq!(status.as_u16(), 202, "{path}");
}

/// A set of tags travels in the order of the dictionary.
fn sorted(tags: &[String]) -> Vec<String> {
    let mut tags = tags.to_vec();
    tags.sort();
    tags
}

/// The generated types, with which the intake writes what columns stand for, leave out a zero of either sign.
fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

/// All that is not about how it came.
fn plain_series(record: &SeriesRecord) -> impl PartialEq + std::fmt::Debug + use<> {
    let points: Vec<_> = (record.points.iter())
        .map(|point| (point.timestamp, bits(point.value)))
        .collect();
    (
        (record.metric.clone(), record.metric_type, record.interval),
        (sorted(&record.tags), record.host.clone()),
        (record.resources.clone(), record.origin),
        points,
    )
}

/// The average does not travel in columns: the intake divides, which rounds otherwise.
fn plain_sketch(record: &SketchRecord) -> impl PartialEq + std::fmt::Debug + use<> {
    let buckets: Vec<_> = (record.buckets.iter())
        .map(|bucket| {
            let it = &bucket.message;
            let bits = [it.min, it.max, it.sum].map(bits);
            (it.ts, it.cnt, bits, it.k.clone(), it.n.clone())
        })
        .collect();
    let identity = (record.metric.clone(), record.host.clone());
    (identity, sorted(&record.tags), record.origin, buckets)
}

/// Runs `check` for many lists of metrics, with an intake of its own.
fn for_any(check: impl Fn(&Client, &Intake, &tokio::runtime::Runtime, &[Owned])) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let intake = runtime.block_on(Intake::start());
    let client = Client::new(ConnectConfig::default()).unwrap();
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&prop::collection::vec(owned(), 1..12), |all| {
            intake.reset();
            check(&client, &intake, &runtime, &all);
            Ok(())
        })
        .unwrap();
}

#[test]
fn series_are_the_same_in_both_forms() {
    for_any(|client, intake, runtime, all| {
        let messages = series_body(Form::Messages, all);
        let columns = series_body(Form::Columns, all);
        runtime.block_on(async {
            post(client, intake, SERIES_V2_PATH, messages).await;
            post(client, intake, SERIES_V3_PATH, columns).await;
        });
        let found: Vec<_> = intake.series().iter().map(plain_series).collect();
        assert_eq!(found.len(), 2 * all.len());
        let (messages, columns) = found.split_at(all.len());
        assert_eq!(messages, columns);
    });
}

#[test]
fn sketches_are_the_same_in_both_forms() {
    for_any(|client, intake, runtime, all| {
        let messages = sketch_body(Form::Messages, all);
        let columns = sketch_body(Form::Columns, all);
        runtime.block_on(async {
            post(client, intake, SKETCHES_PATH, messages).await;
            post(client, intake, SKETCHES_V3_PATH, columns).await;
        });
        let found = intake.sketches();
        assert_eq!(found.len(), 2 * all.len());
        let (messages, columns) = found.split_at(all.len());
        for (message, column) in messages.iter().zip(columns) {
            assert_eq!(plain_sketch(message), plain_sketch(column));
        }
    });
}

fn named(name: &str, points: usize) -> Owned {
    let point = |at: usize| Point {
        timestamp: 1_700_000_000 + at as i64,
        value: 0.1 + at as f64,
    };
    Owned {
        name: name.to_owned(),
        suffix: "",
        host: "box".to_owned(),
        tags: "a:b\nc".to_owned(),
        source: Source::DOGSTATSD,
        kind: MetricType::Gauge,
        points: (0..points).map(point).collect(),
    }
}

#[test]
fn texts_that_come_again_cost_almost_nothing() {
    let one = series_body(Form::Columns, &[named("a.long.name.of.a.metric", 1)]);
    let two = vec![named("a.long.name.of.a.metric", 1); 2];
    // A byte for each of nine columns, and eight for the value.
    assert_eq!(series_body(Form::Columns, &two).len(), one.len() + 9 + 8);
}

#[test]
fn bodies_stay_within_the_limits_and_nothing_is_missing() {
    let limits = Limits {
        raw_bytes: 4_000,
        bytes: 2_000,
        points: 40,
    };
    for encoding in [Encoding::Identity, Encoding::Zstd(3), Encoding::Deflate(6)] {
        let mut writer = ColumnWriter::new(Kind::SeriesColumns, limits, encoding);
        let mut done = Vec::new();
        for index in 0..500 {
            let one = named(&format!("metric.{index}"), 1 + index % 7);
            writer.series(&one.series(), &mut done).unwrap();
        }
        writer.finish(&mut done);
        writer.finish(&mut done);
        assert_eq!(done.iter().map(|it| it.items).sum::<u64>(), 500);
        for body in &done {
            assert!(body.body.len() <= limits.bytes && body.raw_len <= limits.raw_bytes);
            assert_eq!((body.kind, body.encoding), (Kind::SeriesColumns, encoding));
        }
    }
}

#[test]
fn a_metric_that_fits_nowhere_is_refused_alone() {
    let limits = Limits {
        raw_bytes: 2_000,
        ..Limits::SERIES
    };
    let mut writer = ColumnWriter::new(Kind::SeriesColumns, limits, Encoding::Identity);
    let mut done = Vec::new();
    writer.series(&named("a", 1).series(), &mut done).unwrap();
    let large = named(&"x".repeat(2_000), 1);
    assert_eq!(writer.series(&large.series(), &mut done), Err(TooLarge));
    writer.finish(&mut done);
    assert_eq!((done.len(), done[0].items), (1, 1));
}
