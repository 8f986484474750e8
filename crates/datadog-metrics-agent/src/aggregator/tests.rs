//! Tests of aggregation: what comes out for what went in, by the clock of the test.

mod memory;
mod messages;
mod together;

use std::fmt::Write as _;

use datadog_wire::metrics::{MetricPayload, SketchPayload};
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::parse::{Message as Parsed, Options, messages};
use crate::payload::Kind;
use crate::rules::Platform;

fn config() -> Config {
    Config {
        encoding: Encoding::Identity,
        ..Config::default()
    }
}

fn serverless() -> Config {
    Config {
        counters: CounterEncoding::Count,
        rules: rules::Config {
            platform: Platform::Serverless,
            ..rules::Config::default()
        },
        ..config()
    }
}

fn new(config: Config) -> Aggregator {
    Aggregator::new(config).unwrap()
}

/// Adds lines at a time; the last refusal.
fn add(aggregator: &mut Aggregator, now: i64, lines: &str) -> Result<(), Refused> {
    let mut result = Ok(());
    for message in messages(lines.as_bytes(), &Options::default()) {
        let added = match message.unwrap() {
            Parsed::Metric(metric) => aggregator.metric(&metric, None, now),
            Parsed::Event(event) => aggregator.event(&event, None, now),
            Parsed::ServiceCheck(check) => aggregator.service_check(&check, None, now),
        };
        result = result.and(added);
    }
    result
}

/// What a flush writes, a line for each series and sketch, in alphabetical order.
fn flushed(aggregator: &mut Aggregator, now: i64, which: Which) -> String {
    render(&aggregator.flush(now, which))
}

fn render(done: &[Finished]) -> String {
    let mut lines = Vec::new();
    for payload in done {
        let raw = payload.body.clone();
        match payload.kind {
            Kind::Series => {
                for series in MetricPayload::decode(raw).unwrap().series {
                    let mut line = format!("{} {}", series.metric, series.tags.join(","));
                    write!(line, " type={} every={}", series.r#type, series.interval).unwrap();
                    for point in &series.points {
                        write!(line, " {}@{}", point.value, point.timestamp).unwrap();
                    }
                    lines.push(line);
                }
            }
            Kind::Sketches => {
                for sketch in SketchPayload::decode(raw).unwrap().sketches {
                    let mut line = format!("{} {}", sketch.metric, sketch.tags.join(","));
                    for it in &sketch.dogsketches {
                        write!(line, " {:?}x{:?} sum={}@{}", it.k, it.n, it.sum, it.ts).unwrap();
                    }
                    lines.push(line);
                }
            }
            Kind::SeriesColumns | Kind::SketchColumns => panic!("no test asks for columns"),
            Kind::Events | Kind::ServiceChecks => {
                lines.push(String::from_utf8(raw.to_vec()).unwrap());
            }
        }
    }
    lines.sort();
    lines.join("\n")
}

fn closed(aggregator: &mut Aggregator, now: i64) -> String {
    flushed(aggregator, now, Which::Closed)
}

#[test]
fn a_counter_is_a_rate_and_then_zero_until_it_expires() {
    let mut aggregator = new(config());
    for now in [1000, 1004, 1009] {
        add(&mut aggregator, now, "c:1|c").unwrap();
    }
    add(&mut aggregator, 1005, "c:2|c|@0.5").unwrap();
    assert_eq!(closed(&mut aggregator, 1015), "c  type=2 every=10 0.7@1000");
    assert_eq!(closed(&mut aggregator, 1030), "c  type=2 every=10 0@1020");
    // Another one that was sampled tells for which buckets there are zeros.
    add(&mut aggregator, 1031, "g:1|g").unwrap();
    add(&mut aggregator, 1042, "g:2|g").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1050),
        "c  type=2 every=10 0@1030 0@1040\ng  type=3 every=10 1@1030 2@1040"
    );
    assert_eq!(closed(&mut aggregator, 1310), "c  type=2 every=10 0@1300");
    assert_eq!(aggregator.contexts(), 0);
    assert_eq!(closed(&mut aggregator, 1320), "");
}

#[test]
fn there_are_no_zeros_before_the_first_sample_of_a_counter() {
    let mut aggregator = new(config());
    add(&mut aggregator, 1001, "g:1|g").unwrap();
    add(&mut aggregator, 1011, "c:1|c").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1025),
        "c  type=2 every=10 0.1@1010\ng  type=3 every=10 1@1000"
    );
}

#[test]
fn a_gauge_is_its_last_value_in_each_bucket() {
    let mut aggregator = new(config());
    add(&mut aggregator, 1001, "g:1|g").unwrap();
    add(&mut aggregator, 1008, "g:4:5|g").unwrap();
    add(&mut aggregator, 1011, "g:7|g|@0.5").unwrap();
    assert_eq!(closed(&mut aggregator, 1015), "g  type=3 every=10 5@1000");
    assert_eq!(closed(&mut aggregator, 1025), "g  type=3 every=10 7@1010");
    assert_eq!(closed(&mut aggregator, 1031), "");
    assert_eq!(aggregator.contexts(), 1);
    assert_eq!(closed(&mut aggregator, 1032), "");
    assert_eq!(aggregator.contexts(), 0);
}

#[test]
fn a_set_is_the_number_of_different_values() {
    let mut aggregator = new(config());
    add(&mut aggregator, 1000, "s:a|s\ns:b|s\ns:a|s").unwrap();
    assert_eq!(closed(&mut aggregator, 1010), "s  type=3 every=10 2@1000");
}

#[test]
fn a_histogram_is_its_aggregates() {
    let mut aggregator = new(config());
    add(&mut aggregator, 1000, "h:1:2|h\nh:4:3|ms").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1010),
        "h.95percentile  type=3 every=10 4@1000\n\
         h.avg  type=3 every=10 2.5@1000\n\
         h.count  type=2 every=10 0.4@1000\n\
         h.max  type=3 every=10 4@1000\n\
         h.median  type=3 every=10 2@1000"
    );
    add(&mut aggregator, 1011, "h:10|h|@0.5\nh:20|h").unwrap();
    add(&mut aggregator, 1021, "h:5|h").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1030),
        format!(
            "h.95percentile  type=3 every=10 20@1010 5@1020\n\
             h.avg  type=3 every=10 {}@1010 5@1020\n\
             h.count  type=2 every=10 0.3@1010 0.1@1020\n\
             h.max  type=3 every=10 20@1010 5@1020\n\
             h.median  type=3 every=10 10@1010 5@1020",
            40.0 / 3.0
        )
    );
}

#[test]
fn aggregates_and_percentiles_are_chosen() {
    let mut aggregator = new(Config {
        aggregates: vec![Aggregate::Min, Aggregate::Sum],
        percentiles: vec![50, 99],
        ..config()
    });
    add(&mut aggregator, 1000, "h:1:2:3|h").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1010),
        "h.50percentile  type=3 every=10 2@1000\n\
         h.99percentile  type=3 every=10 3@1000\n\
         h.min  type=3 every=10 1@1000\n\
         h.sum  type=3 every=10 6@1000"
    );
}

#[test]
fn a_distribution_is_a_sketch_of_each_bucket() {
    let mut aggregator = new(config());
    add(&mut aggregator, 1000, "d:1:2|d|#a:b").unwrap();
    add(&mut aggregator, 1010, "d:8|d|@0.3|#a:b").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1020),
        format!(
            "d a:b [1338, 1383]x[1, 1] sum=3@1000 [1472]x[3] sum={}@1010",
            8.0 * (1.0 / 0.3)
        )
    );
}

#[test]
fn histograms_can_be_distributions_too() {
    let mut aggregator = new(Config {
        copy_to_distribution: Some("dist.".to_owned()),
        aggregates: vec![Aggregate::Max],
        percentiles: Vec::new(),
        ..config()
    });
    add(&mut aggregator, 1000, "h:1|h").unwrap();
    add(&mut aggregator, 1001, "h:2|ms").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1010),
        "dist.h  [1338, 1383]x[1, 1] sum=3@1000\nh.max  type=3 every=10 2@1000"
    );
}

#[test]
fn types_of_one_name_are_apart() {
    let mut aggregator = new(config());
    add(&mut aggregator, 1000, "a:1|c\na:2|g\na:x|s").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1010),
        "a  type=2 every=10 0.1@1000\na  type=3 every=10 1@1000\na  type=3 every=10 2@1000"
    );
}

#[test]
fn the_order_of_tags_makes_no_difference() {
    let mut aggregator = new(config());
    add(&mut aggregator, 1000, "c:1|c|#b,a,a\nc:1|c|#a,b").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1010),
        "c a,b type=2 every=10 0.2@1000"
    );
}

#[test]
fn a_sample_with_a_timestamp_is_passed_on_as_it_is() {
    let mut aggregator = new(config());
    let lines = "c:4|c|@0.5|T1700000003|#t\ng:1:2|g|T1700000004";
    add(&mut aggregator, 1_700_000_010, lines).unwrap();
    assert_eq!(aggregator.contexts(), 0);
    assert_eq!(aggregator.passed(), 3);
    let done = aggregator.flush(1_700_000_010, Which::Closed);
    assert_eq!(
        render(&done),
        "c t type=2 every=10 0.4@1700000003\n\
         g  type=3 every=10 1@1700000004\n\
         g  type=3 every=10 2@1700000004"
    );
    let payload = MetricPayload::decode(done[0].body.clone()).unwrap();
    let origin = payload.series[0].metadata.unwrap().origin.unwrap();
    assert_eq!((origin.origin_product, origin.origin_category), (10, 0));
    assert_eq!(aggregator.tally().late_points, 0);
    add(&mut aggregator, 1_700_004_000, "g:1|g|T1700000000").unwrap();
    add(&mut aggregator, 1_700_000_000, "g:1|g|T1700000601").unwrap();
    assert_eq!(aggregator.tally().late_points, 2);
}

#[test]
fn types_without_timestamps_are_refused_with_one() {
    let mut aggregator = new(config());
    for line in ["h:1:2|h|T1", "d:1|d|T1", "s:1|s|T1"] {
        assert_eq!(
            add(&mut aggregator, 1000, line),
            Err(Refused::UnsupportedType)
        );
    }
    assert_eq!(aggregator.tally().unsupported_type, 4);
    let mut ignoring = new(Config {
        pass_timestamped: false,
        ..config()
    });
    add(&mut ignoring, 1000, "d:1|d|T1").unwrap();
    assert_eq!(closed(&mut ignoring, 1010), "d  [1338]x[1] sum=1@1000");
}

#[test]
fn serverless_counts_are_counts_and_go_at_once() {
    let mut aggregator = new(serverless());
    add(&mut aggregator, 1004, "c:3|c|@0.5\nh:1:2|h").unwrap();
    let all = |it: &mut Aggregator, now| flushed(it, now, Which::Everything);
    assert_eq!(
        all(&mut aggregator, 1005),
        "c  type=1 every=10 6@1000\n\
         h.95percentile  type=3 every=10 2@1000\n\
         h.avg  type=3 every=10 1.5@1000\n\
         h.count  type=1 every=10 2@1000\n\
         h.max  type=3 every=10 2@1000\n\
         h.median  type=3 every=10 1@1000"
    );
    add(&mut aggregator, 1006, "c:1|c").unwrap();
    assert_eq!(all(&mut aggregator, 1007), "c  type=1 every=10 1@1000");
    assert_eq!(all(&mut aggregator, 1100), "");
    assert_eq!(aggregator.contexts(), 0);
}

#[test]
fn serverless_timestamps_choose_the_bucket() {
    let mut aggregator = new(serverless());
    add(
        &mut aggregator,
        1004,
        "c:1|c|T985\nc:1|c|T2000\nd:1|d|T980\ng:5|g|T985",
    )
    .unwrap();
    assert_eq!(
        add(&mut aggregator, 1004, "s:1|s|T985"),
        Err(Refused::UnsupportedType)
    );
    assert_eq!(
        flushed(&mut aggregator, 1005, Which::Everything),
        "c  type=1 every=10 1@980 1@1000\n\
         d  [1338]x[1] sum=1@980\n\
         g  type=3 every=10 5@985"
    );
}

#[test]
fn beyond_the_limit_new_contexts_are_refused_and_known_ones_go_on() {
    let mut aggregator = new(Config {
        max_contexts: 2,
        ..config()
    });
    add(&mut aggregator, 1000, "a:1|c\nb:1|c").unwrap();
    assert_eq!(
        add(&mut aggregator, 1000, "x:1:1:1|c"),
        Err(Refused::ContextLimit)
    );
    add(&mut aggregator, 1001, "a:1|c\nb:1|c").unwrap();
    assert_eq!(aggregator.tally().context_limit, 3);
    assert_eq!(
        closed(&mut aggregator, 1010),
        "a  type=2 every=10 0.2@1000\nb  type=2 every=10 0.2@1000"
    );
}

#[test]
fn what_is_odd_is_counted() {
    let mut aggregator = new(Config {
        rules: rules::Config {
            blocklist: vec!["no".to_owned()],
            ..rules::Config::default()
        },
        ..config()
    });
    add(&mut aggregator, 1000, "a:1:nan:inf|g\na:1|c|@0\na:1|c|@2").unwrap();
    assert_eq!(
        add(&mut aggregator, 1000, "no:1:2|c"),
        Err(Refused::Filtered)
    );
    assert_eq!(add(&mut aggregator, 1000, "no:1|c"), Err(Refused::Filtered));
    let tally = aggregator.tally();
    assert_eq!(
        tally,
        Tally {
            samples: 3,
            not_finite: 2,
            bad_rate: 2,
            filtered: 3,
            ..Tally::default()
        }
    );
    // The sum of what is finite need not be.
    add(&mut aggregator, 1010, "huge:1e308:1e308|c").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1020),
        "a  type=2 every=10 0.2@1000 0@1010\na  type=3 every=10 1@1000"
    );
    assert_eq!(aggregator.tally().not_finite, 3);
}

#[test]
fn what_is_switched_off_is_not_sent() {
    let mut aggregator = new(Config {
        sends: Sends {
            series: false,
            sketches: false,
            events: false,
            service_checks: false,
        },
        ..config()
    });
    let lines = "c:1|c\nd:1|d\ng:1|g|T1000\n_e{1,1}:a|b\n_sc|a|0";
    add(&mut aggregator, 1000, lines).unwrap();
    assert_eq!(closed(&mut aggregator, 1010), "");
    assert_eq!(aggregator.passed(), 0);
}

proptest! {
    #[test]
    fn counts_of_all_flushes_add_up_to_what_was_counted(
        steps in prop::collection::vec((0_i64..30, 0_usize..4, 1_u32..100, any::<bool>()), 1..100),
    ) {
        let mut aggregator = new(serverless());
        let (mut now, mut expect, mut found) = (1_000, 0.0, 0.0);
        let mut take = |aggregator: &mut Aggregator, now, which| {
            for payload in aggregator.flush(now, which) {
                for series in MetricPayload::decode(payload.body).unwrap().series {
                    found += series.points.iter().map(|point| point.value).sum::<f64>();
                }
            }
        };
        for (later, name, count, flushes) in steps {
            now += later;
            add(&mut aggregator, now, &format!("n{name}:{count}|c|#t:{name}")).unwrap();
            expect += f64::from(count);
            if flushes {
                take(&mut aggregator, now, Which::Closed);
            }
        }
        take(&mut aggregator, now, Which::Everything);
        prop_assert_eq!(found, expect);
        prop_assert_eq!(aggregator.value_bytes, 0);
    }
}
