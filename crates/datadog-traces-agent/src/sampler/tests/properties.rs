//! What holds of samplers over time, and whatever comes.

use proptest::prelude::*;

use super::*;

#[test]
fn a_tracer_that_obeys_keeps_about_as_many_as_are_wanted() {
    let mut sampler = default();
    let mut id = 0_u64;
    let mut kept_late = 0;
    for seconds in 0..600_u64 {
        let now = NOW + Duration::from_secs(seconds);
        for service in ["web", "web", "web", "db", "cache"] {
            for _ in 0..40 {
                id = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let rate = sampler.rates().rate(service, "prod").unwrap_or(1.0);
                let priority = i32::from(keeps(id, rate));
                let mut chunk = chunk(id, priority);
                chunk.spans[0].service = service.into();
                sampler.decide(&mut chunk, 0, &FACTS, now);
                kept_late += i32::from(seconds >= 300 && priority == 1);
            }
        }
    }
    let a_second = f64::from(kept_late) / 300.0;
    assert!((9.0..11.0).contains(&a_second), "{a_second}");
}

#[test]
fn traces_without_a_priority_are_kept_about_as_many_as_are_wanted() {
    let mut sampler = default();
    let mut id = 0_u64;
    let mut kept = 0;
    for seconds in 0..600_u64 {
        for _ in 0..100 {
            id = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let now = NOW + Duration::from_secs(seconds);
            let mut chunk = chunk(id, PRIORITY_NONE);
            let verdict = sampler.decide(&mut chunk, 0, &FACTS, now).verdict;
            kept += i32::from(seconds >= 300 && verdict == Verdict::Kept(By::NoPriority));
        }
    }
    let a_second = f64::from(kept) / 300.0;
    assert!((9.0..11.0).contains(&a_second), "{a_second}");
}

/// Chunks as tracers send them, sane or not.
fn chunks() -> impl Strategy<Value = Vec<Chunk<'static>>> {
    let metric = prop_oneof![
        Just("_sample_rate"),
        Just("_dd1.sr.rapre"),
        Just("_dd1.sr.eausr"),
        Just("_top_level"),
        Just("_dd.span_sampling.mechanism"),
    ];
    let number = prop_oneof![Just(1.0), 0.0..1.0, any::<f64>()];
    let span = (0u8..20, 0i32..2, proptest::option::of((metric, number)));
    let spans = proptest::collection::vec(span, 1..4);
    let chunk = (spans, any::<u64>(), -2i32..4).prop_map(|(spans, trace_id, priority)| {
        let spans = spans.into_iter().map(|(service, error, metric)| Span {
            service: service.to_string().into(),
            error,
            trace_id,
            metrics: metric
                .into_iter()
                .map(|(key, number)| (key.into(), number))
                .collect(),
            ..Span::default()
        });
        Chunk {
            spans: spans.collect(),
            priority: if priority == -2 {
                PRIORITY_NONE
            } else {
                priority
            },
            ..Chunk::default()
        }
    });
    proptest::collection::vec(chunk, 1..60)
}

proptest! {
    #[test]
    fn what_tracers_drop_stays_dropped_and_rates_stay_rates(
        chunks in chunks(),
        pauses in proptest::collection::vec(0u64..10, 60),
        rare in any::<bool>(),
        dropped in any::<u64>(),
    ) {
        let mut sampler = Sampler::new(Config { rare, ..Config::default() });
        let facts = Facts { client_dropped_p0_traces: dropped, ..FACTS };
        let mut now = NOW;
        for (mut chunk, pause) in chunks.into_iter().zip(pauses) {
            now += Duration::from_secs(pause);
            let before = chunk.clone();
            let verdict = sampler.decide(&mut chunk, 0, &facts, now).verdict;
            let single = before
                .spans
                .iter()
                .any(|span| span.metrics.contains("_dd.span_sampling.mechanism"));
            if before.priority == -1 {
                let expected = if single { Verdict::SingleSpans } else { Verdict::Dropped };
                prop_assert_eq!(verdict, expected);
            }
            match verdict {
                Verdict::Kept(_) => prop_assert_eq!(chunk.spans.len(), before.spans.len()),
                Verdict::SingleSpans | Verdict::Events => prop_assert!(!chunk.spans.is_empty()),
                Verdict::Dropped | Verdict::Unwanted => prop_assert!(!single),
            }
            for service in 0..20 {
                let rate = sampler.rates().rate(&service.to_string(), "prod");
                prop_assert!(rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)));
            }
        }
    }
}
