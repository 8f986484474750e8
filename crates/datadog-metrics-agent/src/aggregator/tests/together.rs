//! Tests of samples that are looked up together: what comes out is what comes out one by one.

use super::*;

/// Metrics of a datagram.
fn incoming(lines: &str) -> Vec<Incoming<'_>> {
    messages(lines.as_bytes(), &Options::default())
        .map(|message| match message.unwrap() {
            Parsed::Metric(metric) => Incoming {
                metric,
                sender: None,
            },
            other => panic!("{other:?}"),
        })
        .collect()
}

fn odd() -> Config {
    Config {
        max_contexts: 12,
        copy_to_distribution: Some("copy.".to_owned()),
        rules: rules::Config {
            blocklist: vec!["no".to_owned()],
            ..rules::Config::default()
        },
        ..config()
    }
}

#[test]
fn a_message_that_is_new_may_come_twice_at_once() {
    let mut aggregator = new(config());
    let lines = "c:1|c|#a\nc:2|c|#a\nc:4|c|#a,a\nd:1|d\nd:1|d";
    aggregator.metrics(&incoming(lines), 1000);
    assert_eq!(
        closed(&mut aggregator, 1010),
        "c a type=2 every=10 0.7@1000\nd  [1338]x[2] sum=2@1000"
    );
    assert_eq!(aggregator.tally().samples, 5);
}

#[test]
fn a_copy_lives_as_long_as_its_histogram_even_while_there_is_no_memory() {
    let mut aggregator = new(Config {
        copy_to_distribution: Some("copy.".to_owned()),
        aggregates: vec![Aggregate::Max],
        percentiles: Vec::new(),
        max_value_bytes: 100,
        ..config()
    });
    add(&mut aggregator, 1000, "h:1|h").unwrap();
    closed(&mut aggregator, 1010);
    add(&mut aggregator, 1025, &format!("s:{}|s", "x".repeat(200))).unwrap();
    assert_eq!(add(&mut aggregator, 1025, "h:1|h"), Err(Refused::Memory));
    closed(&mut aggregator, 1035);
    add(&mut aggregator, 1036, "h:2|h").unwrap();
    assert_eq!(
        closed(&mut aggregator, 1040),
        "copy.h  [1383]x[1] sum=2@1030\nh.max  type=3 every=10 2@1030"
    );
}

proptest! {
    #[test]
    fn samples_together_are_as_samples_one_by_one(
        samples in prop::collection::vec(
            (
                prop::sample::select(&["a", "b", "c", "no"][..]),
                prop::sample::select(&["1|c", "2:3|c|@0.5", "nan|g", "7|g", "5|h", "6|d", "8|ms|@2", "x|s", "9|g|T900", "4|h|T900"][..]),
                prop::sample::select(&["", "|#t:1", "|#t:2,u", "|#u,t:2"][..]),
            ),
            0..100,
        ),
    ) {
        let (mut one_by_one, mut together) = (new(odd()), new(odd()));
        for (now, samples) in (1_000..).step_by(7).zip(samples.chunks(40)) {
            let line = |(name, value, tags): &(&str, &str, &str)| format!("{name}:{value}{tags}\n");
            let lines: String = samples.iter().map(line).collect();
            let _counted = add(&mut one_by_one, now, &lines).is_err();
            together.metrics(&incoming(&lines), now);
            prop_assert_eq!(one_by_one.tally(), together.tally());
        }
        prop_assert_eq!(closed(&mut one_by_one, 2_000), closed(&mut together, 2_000));
        prop_assert_eq!(one_by_one.value_bytes, together.value_bytes);
    }
}
