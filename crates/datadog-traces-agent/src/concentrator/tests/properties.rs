//! What holds of all spans: sums are conserved, quantiles are near, and anything may come.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_sampled_out_is_counted_all_the_same() {
    let mut concentrator = default();
    let mut sampler = crate::sampler::Sampler::new(crate::sampler::Config::default());
    let mut kept = 0;
    for priority in [1, 0, 2] {
        let mut chunk = chunk(vec![span(0, 1)]);
        chunk.priority = priority;
        concentrator.add(&chunk, 0, &Facts::default(), at(0));
        let facts = crate::sampler::Facts::default();
        let decision = sampler.decide(&mut chunk, 0, &facts, at(0));
        kept += i32::from(decision.verdict != crate::sampler::Verdict::Dropped);
    }
    let payloads = flush_all(&mut concentrator);
    assert_eq!((kept, groups(&payloads)[0].hits), (2, 3));
}

#[test]
fn hits_equal_spans_when_the_tracer_keeps_a_tenth() {
    let mut concentrator = default();
    let mut sent = 0;
    let mut made = 0;
    for id in 0..10_000_u64 {
        made += 1;
        let trace_id = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if !crate::sampler::keeps(trace_id, 0.1) {
            continue;
        }
        sent += 1;
        let mut root = span(0, 1000);
        root.metrics.insert("_sample_rate", 0.1);
        add(&mut concentrator, vec![root, span(0, 10)]);
    }
    let payloads = flush_all(&mut concentrator);
    let group = groups(&payloads)[0];
    assert_eq!(group.hits, sent * 2 * 10);
    assert!(
        (group.hits as f64 / f64::from(made * 2) - 1.0).abs() < 0.02,
        "{}",
        group.hits
    );
    // Sketches stand for as many.
    assert!((sketch(&group.ok_summary).count() - group.hits as f64).abs() < 1.0);
}

proptest! {
    #[test]
    fn weights_are_conserved(
        spans in proptest::collection::vec((0u8..4, 0i32..2, 1u32..1000, 0i64..40), 1..200),
        random in 0.0..1.0,
    ) {
        let mut concentrator = default();
        let mut expected = 0.0;
        let mut expected_duration = 0.0;
        for (resource, error, rate, end) in &spans {
            let rate = f64::from(*rate) / 1000.0;
            let mut root = span(*end, 1000);
            root.resource = resource.to_string().into();
            root.error = *error;
            root.metrics.insert("_sample_rate", rate);
            add(&mut concentrator, vec![root]);
            expected += 1.0 / rate;
            expected_duration += 1000.0 / rate;
        }
        let payloads = concentrator.flush(Due::All, at(0), || random);
        let groups = groups(&payloads);
        let (mut hits, mut duration, mut sketched) = (0.0, 0.0, 0.0);
        for group in &groups {
            prop_assert!(group.errors <= group.hits && group.top_level_hits == group.hits);
            hits += group.hits as f64;
            duration += group.duration as f64;
            sketched += sketch(&group.ok_summary).count() + sketch(&group.error_summary).count();
        }
        let groups = groups.len() as f64;
        prop_assert!((hits - expected).abs() < groups + 1e-6);
        prop_assert!((duration - expected_duration).abs() < groups + 1e-3);
        prop_assert!((sketched - expected).abs() < 1e-6);
    }

    #[test]
    fn quantiles_are_within_one_percent(durations in proptest::collection::vec(1i64..1 << 40, 1..100)) {
        let spans = durations.iter().map(|duration| span(0, *duration)).collect();
        let group = only_group(spans);
        let sketch = sketch(&group.ok_summary);
        let mut sorted = durations;
        sorted.sort_unstable();
        for (place, exact) in sorted.iter().enumerate() {
            // The middle of a rank, so that no rounding takes the next one.
            let share = (place as f64 + 0.5) / (sorted.len() as f64 - 1.0).max(1.0);
            let exact = *exact as f64;
            let quantile = sketch.quantile(share).unwrap();
            // One percent of the sketch, and a 512th for the bits that it does not see.
            prop_assert!((quantile - exact).abs() <= 0.012 * exact, "{quantile} {exact}");
        }
    }

    #[test]
    fn anything_may_come(
        start in any::<i64>(),
        duration in any::<i64>(),
        now in any::<u64>(),
        metrics in proptest::collection::vec(("_[a-z_.]{0,12}|http.status_code|_sample_rate", any::<f64>()), 0..5),
    ) {
        let mut any = span(0, 0);
        (any.start, any.duration) = (start, duration);
        for (key, value) in metrics {
            any.metrics.insert(key, value);
        }
        let now = Duration::from_nanos(now);
        let mut concentrator = Concentrator::new(Config::default(), at(0));
        concentrator.add(&chunk(vec![any]), 0, &Facts::default(), now);
        let counts = concentrator.counts();
        prop_assert_eq!(counts.counted + counts.not_eligible, 1);
        let payloads = concentrator.flush(Due::All, now, || 0.0);
        prop_assert_eq!(payloads.len() as u64, counts.counted);
        prop_assert_eq!(concentrator.bytes(), 0);
    }
}
