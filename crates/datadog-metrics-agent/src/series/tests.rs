//! Tests of series: their bytes, what generated types read in them, and limits.

use datadog_wire::metrics::{Metadata, MetricPayload, MetricPoint, MetricSeries, Origin, Resource};
use prost::Message as _;

use super::*;
use crate::context::Tags;

fn identity<'a>(name: &'a str, host: &'a str, tags: &'a str) -> Identity<'a> {
    Identity {
        name,
        host,
        tags: Tags(tags),
        source: Source::DOGSTATSD,
    }
}

fn written(limits: Limits, series: &[Series<'_>]) -> Vec<Finished> {
    let mut writer = SeriesWriter::new(limits, Encoding::Identity);
    let mut done = Vec::new();
    for series in series {
        writer.push(series, &mut done).unwrap();
    }
    writer.finish(&mut done);
    done
}

fn point(timestamp: i64, value: f64) -> Point {
    Point { timestamp, value }
}

#[test]
fn a_payload_has_the_bytes_of_the_agent() {
    let series = Series {
        identity: identity("m.c", "h", "a:b"),
        suffix: "",
        kind: MetricType::Rate,
        interval: 10,
        points: &[point(1_700_000_000, 0.5)],
    };
    let done = written(Limits::SERIES, &[series]);
    let hex: String = done[0]
        .body
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "0a320a090a04686f737412016812036d2e631a03613a62220f09000000000000e03f1080e2cfaa062802400a4a060a04200a280a"
    );
}

#[test]
fn generated_types_read_what_is_written() {
    let tags =
        "device:sda\ndevice:\ndd.internal.resource:pod:a:b\ndd.internal.resource:x\nenv:prod";
    let series = Series {
        identity: Identity {
            source: Source::default(),
            ..identity("m", "", tags)
        },
        suffix: ".95percentile",
        kind: MetricType::Gauge,
        interval: 10,
        points: &[point(10, 0.0), point(20, -1.5), point(0, 1.0)],
    };
    let done = written(Limits::SERIES, &[series]);
    let resource = |kind: &str, name: &str| Resource {
        r#type: kind.to_owned(),
        name: name.to_owned(),
    };
    let wire_point = |timestamp, value| MetricPoint { value, timestamp };
    let expect = MetricSeries {
        resources: vec![
            resource("host", ""),
            resource("device", "sda"),
            resource("pod", "a:b"),
        ],
        metric: "m.95percentile".to_owned(),
        tags: ["device:", "dd.internal.resource:x", "env:prod"]
            .map(str::to_owned)
            .to_vec(),
        points: vec![
            wire_point(10, 0.0),
            wire_point(20, -1.5),
            wire_point(0, 1.0),
        ],
        r#type: 3,
        interval: 10,
        ..MetricSeries::default()
    };
    let found = MetricPayload::decode(done[0].body.clone()).unwrap();
    assert_eq!(found.series, [expect]);
}

#[test]
fn the_source_has_all_three_numbers() {
    let series = Series {
        identity: Identity {
            source: Source {
                product: 1,
                category: 38,
                service: 472,
            },
            ..identity("m", "h", "")
        },
        suffix: "",
        kind: MetricType::Count,
        interval: 0,
        points: &[point(1, 1.0)],
    };
    let done = written(Limits::SERIES, &[series]);
    let found = MetricPayload::decode(done[0].body.clone()).unwrap();
    let origin = Origin {
        origin_product: 1,
        origin_category: 38,
        origin_service: 472,
    };
    assert_eq!(
        found.series[0].metadata,
        Some(Metadata {
            origin: Some(origin)
        })
    );
    assert_eq!((found.series[0].r#type, found.series[0].interval), (1, 0));
}

#[test]
fn a_series_of_more_points_than_a_request_has_is_several() {
    let limits = Limits {
        points: 2,
        ..Limits::SERIES
    };
    let points = [point(1, 1.0), point(2, 2.0), point(3, 3.0)];
    let one = Series {
        identity: identity("m", "h", ""),
        suffix: "",
        kind: MetricType::Gauge,
        interval: 10,
        points: &points,
    };
    let none = Series { points: &[], ..one };
    let done = written(limits, &[none, one]);
    let lengths: Vec<_> = done
        .iter()
        .map(|body| MetricPayload::decode(body.body.clone()).unwrap())
        .map(|payload| payload.series[0].points.len())
        .collect();
    assert_eq!(lengths, [2, 1]);
}
