//! Tests of bodies that are written here, field by field.

use datadog_wire::metrics::{MetricPayload, MetricType, SketchPayload};
use proptest::prelude::*;

use super::*;

/// A field with its length in front.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(number << 3 | 2, &mut out);
    prost::encoding::encode_varint(crate::store::as_u64(bytes.len()), &mut out);
    out.extend_from_slice(bytes);
    out
}

fn payload(columns: &[(u64, &[u8])]) -> Vec<u8> {
    let data: Vec<u8> = columns
        .iter()
        .flat_map(|(number, bytes)| field(*number, bytes))
        .collect();
    field(3, &data)
}

/// Two series of one host: a rate of 0.5 at 100, and a gauge of 0 at 100 and at 110, with tags.
const SERIES: [(u64, &[u8]); 16] = [
    (1, b"\x01a\x03b.c"),
    (2, b"\x01x\x03y:z"),
    (3, &[4, 2, 2]),
    (4, b"\x04host\x01h"),
    (5, &[1]),
    (6, &[2]),
    (7, &[4]),
    (9, &[10, 10, 0]),
    (10, &[0x22, 0x03]),
    (11, &[2, 2]),
    (12, &[0, 2]),
    (13, &[2, 0]),
    (14, &[10, 10]),
    (15, &[1, 2]),
    (16, &[0xc8, 0x01, 0, 20]),
    (18, &[0, 0, 0, 0x3f]),
];

fn series(columns: &[(u64, &[u8])]) -> Result<Vec<MetricSeries>, String> {
    let body = messages(Signal::Series, &payload(columns))?;
    Ok(MetricPayload::decode(body).unwrap().series)
}

#[track_caller]
fn refused(columns: &[(u64, &[u8])], why: &str) {
    assert_eq!(series(columns).unwrap_err(), why);
}

/// The series with one column in place of that with its number.
fn with(number: u64, bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut columns = SERIES.to_vec();
    columns.retain(|(other, _)| *other != number);
    columns.push((number, bytes));
    columns
}

#[test]
fn columns_become_the_series_that_they_stand_for() {
    let host = || {
        vec![Resource {
            r#type: "host".to_owned(),
            name: "h".to_owned(),
        }]
    };
    let point = |timestamp, value| MetricPoint { value, timestamp };
    let one = MetricSeries {
        resources: host(),
        metric: "a".to_owned(),
        points: vec![point(100, 0.5)],
        r#type: MetricType::Rate.into(),
        interval: 10,
        ..MetricSeries::default()
    };
    let other = MetricSeries {
        resources: host(),
        metric: "b.c".to_owned(),
        tags: vec!["x".to_owned(), "y:z".to_owned()],
        points: vec![point(100, 0.0), point(110, 0.0)],
        r#type: MetricType::Gauge.into(),
        interval: 10,
        ..MetricSeries::default()
    };
    assert_eq!(series(&SERIES).unwrap(), [one, other]);
}

#[test]
fn origins_units_and_source_types_are_found() {
    let mut columns = with(10, &[0xa2, 0x04, 0x03]);
    columns.extend([
        (8, &b"\x03src"[..]),
        (23, &[0, 2]),
        (24, &[2, 1]),
        (25, b"\x02ms"),
        (26, &[2]),
    ]);
    let found = series(&columns).unwrap();
    assert_eq!((found[0].unit.as_str(), found[1].unit.as_str()), ("ms", ""));
    assert_eq!(found[1].source_type_name, "src");
    let origin = found[0].metadata.unwrap().origin.unwrap();
    assert_eq!((origin.origin_product, origin.origin_category), (10, 10));
    assert_eq!(found[1].metadata, None);
}

#[test]
fn columns_become_the_sketches_that_they_stand_for() {
    let columns: [(u64, &[u8]); 10] = [
        (1, b"\x01d"),
        (10, &[0x14]),
        (11, &[2]),
        (14, &[0]),
        (15, &[1]),
        (16, &[20]),
        (17, &[6, 2, 4, 4]),
        (20, &[2]),
        (21, &[0xf4, 0x14, 0x5a]),
        (22, &[1, 1]),
    ];
    let body = messages(Signal::Sketches, &payload(&columns)).unwrap();
    let sketches = SketchPayload::decode(body).unwrap().sketches;
    let dogsketch = Dogsketch {
        ts: 10,
        cnt: 2,
        min: 1.0,
        max: 2.0,
        avg: 1.5,
        sum: 3.0,
        k: vec![1_338, 1_383],
        n: vec![1, 1],
    };
    assert_eq!(sketches[0].metric, "d");
    assert_eq!(sketches[0].dogsketches, [dogsketch]);
    refused(&columns, "metric 0: type 4 does not belong to this intake");
}

#[test]
fn columns_that_do_not_belong_together_are_refused() {
    refused(&with(11, &[2]), "metric 1: column 11 ends early");
    refused(
        &with(11, &[2, 2, 0]),
        "column 11 is longer than its metrics need",
    );
    refused(
        &with(11, &[2, 4]),
        "metric 1: there is no entry 3 in the dictionary",
    );
    refused(&with(12, &[0, 1]), "metric 1: a reference is -1");
    refused(&with(15, &[1, 3]), "metric 1: column 16 ends early");
    refused(&with(18, &[0, 0, 0]), "column 18 ends early");
    refused(
        &with(10, &[0x52, 0x03]),
        "metric 0: unknown type of values 0x50",
    );
    refused(
        &with(10, &[0xa2, 0x08, 0x03]),
        "metric 0: unknown type 0x422",
    );
    refused(&with(1, b"\x01a\x02b"), "column 1 ends early");
    refused(&with(1, b"\x01\xff\x01b"), "column 1 is not UTF-8");
    let mut twice = SERIES.to_vec();
    twice.push(SERIES[0]);
    refused(&twice, "column 1 twice");
}

#[test]
fn a_body_that_would_grow_beyond_measure_is_refused() {
    let mut name = vec![0x80, 0x80, 0x40];
    name.resize(3 + (1 << 20), b'a');
    let many = 100;
    let mut refs = vec![2];
    refs.resize(many, 0);
    let columns: [(u64, &[u8]); 5] = [
        (1, &name),
        (10, &vec![3; many]),
        (11, &refs),
        (14, &vec![0; many]),
        (15, &vec![0; many]),
    ];
    refused(&columns, "over 67108864 bytes of messages");
}

#[test]
fn nothing_stands_for_nothing() {
    assert_eq!(series(&[]).unwrap(), []);
    assert!(messages(Signal::Series, b"").unwrap().is_empty());
}

proptest! {
    #[test]
    fn any_columns_are_read_or_refused(
        columns in prop::collection::vec((1_u64..27, prop::collection::vec(any::<u8>(), 0..20)), 0..27),
        at in 0_usize..16,
        byte: u8,
    ) {
        let columns: Vec<_> = columns.iter().map(|(number, bytes)| (*number, bytes.as_slice())).collect();
        let _read_or_refused = series(&columns).is_ok();
        let mut changed: Vec<u8> = SERIES[at].1.to_vec();
        changed[0] = byte;
        let _read_or_refused = series(&with(SERIES[at].0, &changed)).is_ok();
    }
}
