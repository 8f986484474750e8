//! What holds of all stats of tracers: the order makes no difference, and quantiles stay near.

use proptest::prelude::*;

use super::*;

/// Durations between a microsecond and a minute.
fn durations() -> impl Strategy<Value = Vec<f64>> {
    let duration = (3.0..10.8).prop_map(|power| 10f64.powf(power));
    proptest::collection::vec(duration, 1..50)
}

proptest! {
    #[test]
    fn adding_up_is_the_same_in_any_order(
        parts in proptest::collection::vec((0u8..3, 0u64..100, durations(), any::<bool>()), 1..12),
        by in any::<usize>(),
    ) {
        let add = |parts: &[(u8, u64, Vec<f64>, bool)]| {
            let mut aggregator = aggregator();
            for (resource, hits, values, python) in parts {
                let mut group = group(&resource.to_string(), *hits);
                group.ok_summary = if *python { sketch_of_python(values) } else { sketch(values) };
                aggregator.add(payload(T0, vec![group]), at(0));
            }
            let mut groups = flush_all(&mut aggregator).remove(0).stats.remove(0).stats;
            groups.sort_by(|left, right| left.resource.cmp(&right.resource));
            groups
        };
        let mut turned = parts.clone();
        turned.rotate_left(by % parts.len());
        turned.reverse();
        let (one, other) = (add(&parts), add(&turned));
        prop_assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            prop_assert_eq!(one.hits, other.hits);
            prop_assert_eq!((one.errors, one.duration), (other.errors, other.duration));
            let of = |group: &ClientGroupedStats| {
                let sketch = decoded(&group.ok_summary);
                (sketch.count(), sketch.quantile(0.5).unwrap())
            };
            let ((count, median), (other_count, other_median)) = (of(one), of(other));
            prop_assert!((count - other_count).abs() < 1e-6);
            // Sums of fractions differ in their last bits, which may move a rank by a bin.
            prop_assert!((median / other_median - 1.0).abs() < 0.021, "{median} {other_median}");
        }
        let hits: u64 = parts.iter().map(|(_, hits, _, _)| hits).sum();
        prop_assert_eq!(one.iter().map(|group| group.hits).sum::<u64>(), hits);
    }

    #[test]
    fn quantiles_of_sketches_added_up_are_within_three_percent(
        python in durations(),
        node in durations(),
        share in 0.0..1.0,
    ) {
        let mut aggregator = aggregator();
        for summary in [sketch_of_python(&python), sketch(&node)] {
            let mut group = group("/", 1);
            group.ok_summary = summary;
            aggregator.add(payload(T0, vec![group]), at(0));
        }
        let sketch = decoded(&only_group(&mut aggregator).ok_summary);
        let mut all = [python, node].concat();
        all.sort_by(f64::total_cmp);
        let quantile = sketch.quantile(share).unwrap();
        // A converted bin is divided, so that ranks within it are estimates: the neighbours are right too.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let rank = (share * (all.len() - 1) as f64) as usize;
        let low = all[rank.saturating_sub(1)];
        let high = all[(rank + 2).min(all.len() - 1)];
        prop_assert!(quantile > low * 0.97 && quantile < high * 1.03, "{low} {quantile} {high}");
    }

    #[test]
    fn any_body_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(payload) = decode(&body) {
            aggregator().add(payload, at(0));
        }
    }
}
