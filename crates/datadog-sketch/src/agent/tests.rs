//! Tests of the metric sketch: the figures of the agent, and what holds of all values.

use proptest::prelude::*;

use super::*;

fn of(values: &[f64]) -> Sketch {
    let mut sketch = Sketch::default();
    for &value in values {
        sketch.insert(value).unwrap();
    }
    sketch
}

fn columns(sketch: &Sketch) -> (Vec<i32>, Vec<u32>) {
    (sketch.keys().collect(), sketch.counts().collect())
}

#[test]
fn one_to_five() {
    let sketch = of(&[1.0, 2.0, 3.0, 4.0, 5.0]);
    let summary = Summary {
        count: 5,
        min: 1.0,
        max: 5.0,
        sum: 15.0,
        avg: 3.0,
    };
    assert_eq!(sketch.summary(), summary);
    assert_eq!(
        columns(&sketch),
        (vec![1338, 1383, 1409, 1427, 1442], vec![1; 5])
    );
}

#[test]
fn negative_values_and_zero_have_bins() {
    let sketch = of(&[-1.0, 0.0, 1.0]);
    assert_eq!(columns(&sketch), (vec![-1338, 0, 1338], vec![1; 3]));
    assert_eq!(sketch.summary().avg, 0.0);
}

#[test]
fn equal_values_share_a_bin() {
    let sketch = of(&[10.0, 10.0, 10.0, 20.0]);
    assert_eq!(columns(&sketch), (vec![1487, 1531], vec![3, 1]));
    assert_eq!(sketch.summary().avg, 12.5);
}

#[test]
fn quantiles_are_those_of_the_agent() {
    let values: Vec<f64> = (1..=100).map(f64::from).collect();
    let sketch = of(&values);
    assert_eq!(sketch.bins().len(), 93);
    for (share, expected) in [
        (0.5, 51.31911937625436),
        (0.75, 75.03434915616913),
        (0.95, 95.41452700754016),
        (0.99, 99.18842808205522),
    ] {
        let quantile = sketch.quantile(share).unwrap();
        assert!((quantile - expected).abs() < 1e-9, "{share}: {quantile}");
    }
    for (share, expected) in [(-1.0, 1.0), (0.0, 1.0), (1.0, 100.0), (2.0, 100.0)] {
        assert_eq!(sketch.quantile(share), Some(expected));
    }
}

#[test]
fn the_quantile_of_a_value_without_bounds_stays_between_the_extremes() {
    let sketch = of(&[f64::MIN, 1.0, f64::MAX, f64::MAX]);
    assert_eq!(sketch.quantile(0.1), Some(f64::MIN));
    assert_eq!(sketch.quantile(0.9), Some(f64::MAX));
    assert_eq!(Sketch::default().quantile(0.5), None);
}

#[test]
fn a_large_count_takes_several_narrow_bins_or_one_wide_bin() {
    for (width, columns_of) in [
        (BinWidth::U16, (vec![1338, 1338], vec![4465, 65_535])),
        (BinWidth::U32, (vec![1338], vec![70_000])),
    ] {
        let mut one_by_one = Sketch::new(width);
        for _ in 0..70_000 {
            one_by_one.insert(1.0).unwrap();
        }
        let mut together = Sketch::new(width);
        together.insert_many(&[1.0; 70_000]);
        assert_eq!(columns(&one_by_one), columns_of);
        assert_eq!(together, one_by_one);
    }
}

#[test]
fn a_sampled_value_is_counted_in_whole_numbers() {
    let mut sketch = Sketch::default();
    let weight = Weight::from_rate(0.3).unwrap();
    sketch.insert_weighted(8.0, weight).unwrap();
    assert_eq!(columns(&sketch).1, [3]);
    assert_eq!(sketch.summary().count, 3);
    assert_eq!(sketch.summary().sum, 8.0 * (1.0 / 0.3));
}

#[test]
fn what_is_not_finite_is_refused_and_changes_nothing() {
    let mut sketch = of(&[1.0]);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(sketch.insert(value), Err(Refused::NotFinite));
    }
    let refusals = sketch.insert_many(&[f64::NAN, 2.0, f64::INFINITY]);
    let expected = Refusals {
        not_finite: 2,
        full: 0,
    };
    assert_eq!(refusals, expected);
    assert_eq!(sketch, of(&[1.0, 2.0]));
}

#[test]
fn a_full_sketch_takes_nothing_and_its_memory_is_bounded() {
    for (width, rate) in [(BinWidth::U16, 1e-5), (BinWidth::U32, 1e-9)] {
        let mut sketch = Sketch::new(width);
        let weight = Weight::from_rate(rate).unwrap();
        for key in (1000..6000).cycle() {
            if sketch.insert_weighted(value_of(key), weight) == Err(Refused::Full) {
                break;
            }
            assert!(sketch.bins().len() <= 2 * BIN_LIMIT);
            assert!(sketch.bytes() <= 130 * 1024, "{}", sketch.bytes());
        }
        let before = sketch.clone();
        assert_eq!(sketch.merge(&before), Err(Refused::Full));
        assert_eq!(sketch, before);

        let room = width.max_count() - sketch.summary().count;
        assert!(room < weight.copies());
        let rest = Weight::from_rate(1.0 / (room - 1) as f64).unwrap();
        sketch.insert_weighted(2.0, rest).unwrap();
        while sketch.summary().count < width.max_count() {
            sketch.insert(3.0).unwrap();
        }
        assert_eq!(sketch.insert(1.0), Err(Refused::Full));
        let refusals = sketch.insert_many(&[1.0, f64::NAN, 2.0]);
        let expected = Refusals {
            not_finite: 1,
            full: 2,
        };
        assert_eq!(refusals, expected);
        let in_bins: u64 = sketch.counts().map(u64::from).sum();
        assert_eq!(in_bins, width.max_count());
        assert!(sketch.bytes() <= 130 * 1024, "{}", sketch.bytes());
    }
}

#[test]
fn a_small_sketch_is_small_and_a_cleared_one_is_empty() {
    assert_eq!(Sketch::default().bytes(), size_of::<Sketch>());
    let mut sketch = of(&[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(sketch.bytes(), size_of::<Sketch>() + 4 * size_of::<Bin>());
    let bytes = sketch.bytes();
    sketch.clear();
    assert!(sketch.is_empty());
    assert_eq!(sketch, Sketch::default());
    assert_eq!(sketch.bytes(), bytes);
}

#[test]
fn a_value_below_all_bins_of_a_full_sketch_joins_the_lowest() {
    let mut sketch = Sketch::default();
    for key in 1000_i16..6000 {
        sketch.insert(value_of(key)).unwrap();
    }
    assert_eq!(sketch.bins().len(), BIN_LIMIT);
    assert_eq!(
        sketch.bins()[0],
        Bin {
            key: 1904,
            count: 905
        }
    );
    sketch.insert(value_of(7)).unwrap();
    assert_eq!(
        sketch.bins()[0],
        Bin {
            key: 1904,
            count: 906
        }
    );
    sketch.insert(value_of(7000)).unwrap();
    assert_eq!(
        sketch.bins()[0],
        Bin {
            key: 1905,
            count: 907
        }
    );
}

/// Values of all sizes and signs, often the same.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-20.0..20.0, any::<bool>()).prop_map(|(power, negative)| {
            let size = 10f64.powf(power);
            if negative { -size } else { size }
        }),
        (0i32..50).prop_map(f64::from),
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
    ]
}

fn close(left: f64, right: f64) -> bool {
    left == right || (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1e-300)
}

proptest! {
    #[test]
    fn quantiles_are_within_the_accuracy(
        mut values in proptest::collection::vec(-20.0..20.0, 1..500),
        share in 0.0..1.0,
        negative: bool,
    ) {
        let sign = if negative { -1.0 } else { 1.0 };
        for value in &mut values {
            *value = sign * 10f64.powf(*value);
        }
        let quantile = of(&values).quantile(share).unwrap();
        values.sort_by(f64::total_cmp);
        let rank = (share * (values.len() - 1) as f64).round_ties_even();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let exact = values[rank as usize];
        // Half a bin down from its middle, or one up from it.
        let bound = key::GAMMA.powf(1.5) - 1.0;
        prop_assert!((quantile - exact).abs() <= bound * exact.abs() + 1e-9, "{quantile} for {exact}");
    }

    #[test]
    fn many_values_are_as_values_one_by_one(values in proptest::collection::vec(value(), 0..2000)) {
        let mut together = Sketch::default();
        prop_assert_eq!(together.insert_many(&values), Refusals::default());
        prop_assert_eq!(together, of(&values));
    }

    #[test]
    fn a_merge_holds_what_both_hold(
        // Sums of what is larger may stop at the largest double, in one order and not in another.
        left in proptest::collection::vec(value().prop_map(|value| value.clamp(-1e300, 1e300)), 0..500),
        right in proptest::collection::vec(value().prop_map(|value| value.clamp(-1e300, 1e300)), 0..500),
    ) {
        let mut merged = of(&left);
        merged.merge(&of(&right)).unwrap();
        let both = of(&[left, right].concat());
        prop_assert_eq!(merged.bins(), both.bins());
        let (merged, both) = (merged.summary(), both.summary());
        prop_assert_eq!((merged.count, merged.min, merged.max), (both.count, both.min, both.max));
        let scale = both.max.abs().max(both.min.abs()).max(1e-300);
        prop_assert!((merged.avg / scale - both.avg / scale).abs() <= 1e-9);
        prop_assert!(close(merged.sum, both.sum) || (merged.sum - both.sum).abs() / scale <= 1e-9);
    }

    #[test]
    fn counts_add_up_and_statistics_are_finite(
        values in proptest::collection::vec((value(), 0.0..1.0), 0..300),
    ) {
        let mut sketch = Sketch::new(BinWidth::U16);
        for (value, rate) in values {
            let weight = Weight::from_rate(rate).unwrap_or(Weight::ONE);
            sketch.insert_weighted(value, weight).ok();
        }
        let summary = sketch.summary();
        prop_assert_eq!(sketch.counts().map(u64::from).sum::<u64>(), summary.count);
        prop_assert!(summary.sum.is_finite() && summary.avg.is_finite());
        prop_assert!(sketch.bins().is_sorted_by_key(|bin| bin.key));
    }
}
