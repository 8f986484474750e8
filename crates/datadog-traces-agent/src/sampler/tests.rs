//! Tests of all samplers together: their order, what they write, and how much they keep over time.

mod properties;

use super::*;

const NOW: Duration = Duration::from_secs(1_700_000_000);

const FACTS: Facts<'static> = Facts {
    env: "prod",
    client_dropped_p0_traces: 0,
    chunks: 1,
};

/// A chunk of one root span.
fn chunk(trace_id: u64, priority: i32) -> Chunk<'static> {
    Chunk {
        priority,
        spans: vec![Span {
            service: "web".into(),
            name: "request".into(),
            resource: "GET /".into(),
            trace_id,
            span_id: 1,
            ..Span::default()
        }],
        ..Chunk::default()
    }
}

fn failed(trace_id: u64, priority: i32) -> Chunk<'static> {
    let mut chunk = chunk(trace_id, priority);
    chunk.spans[0].error = 1;
    chunk
}

fn decide(sampler: &mut Sampler, chunk: &mut Chunk<'_>) -> Verdict {
    sampler.decide(chunk, 0, &FACTS, NOW).verdict
}

fn default() -> Sampler {
    Sampler::new(Config::default())
}

fn rare() -> Sampler {
    Sampler::new(Config {
        rare: true,
        ..Config::default()
    })
}

fn top_level(mut chunk: Chunk<'static>) -> Chunk<'static> {
    chunk.spans[0].metrics.insert("_top_level", 1.0);
    chunk
}

#[test]
fn a_rate_keeps_the_same_ids_everywhere() {
    for (rate, kept) in [
        (0.1, [true, false, false]),
        (0.5, [true, true, false]),
        (0.9, [true, true, true]),
        (0.0, [false; 3]),
        (1.0, [true; 3]),
    ] {
        assert_eq!([1, 2, 12345].map(|id| keeps(id, rate)), kept, "{rate}");
    }
}

#[test]
fn priorities_are_obeyed() {
    let mut sampler = default();
    for (priority, verdict) in [
        (-1, Verdict::Dropped),
        (0, Verdict::Dropped),
        (1, Verdict::Kept(By::Priority)),
        (2, Verdict::Kept(By::Priority)),
        (PRIORITY_NONE, Verdict::Kept(By::NoPriority)),
    ] {
        let mut chunk = chunk(1, priority);
        assert_eq!(decide(&mut sampler, &mut chunk), verdict, "{priority}");
        assert_eq!(chunk.dropped_trace, verdict == Verdict::Dropped);
        assert_eq!(chunk.priority, priority);
    }
}

#[test]
fn a_chunk_without_its_root_is_dropped() {
    let mut chunk = chunk(1, 2);
    let decision = default().decide(&mut chunk, 1, &FACTS, NOW);
    assert_eq!(decision.verdict, Verdict::Dropped);
}

#[test]
fn an_error_keeps_what_its_priority_does_not_unless_the_tracer_drops_it() {
    let mut sampler = default();
    let mut auto_drop = failed(1, 0);
    assert_eq!(
        decide(&mut sampler, &mut auto_drop),
        Verdict::Kept(By::Error)
    );
    assert_eq!(auto_drop.spans[0].metric("_dd.errors_sr"), Some(1.0));
    assert_eq!(decide(&mut sampler, &mut failed(1, -1)), Verdict::Dropped);
    let mut kept = failed(1, 1);
    assert_eq!(decide(&mut sampler, &mut kept), Verdict::Kept(By::Priority));
    assert_eq!(kept.spans[0].metric("_dd.errors_sr"), None);
    sampler.set_error_tps(0.0);
    assert_eq!(decide(&mut sampler, &mut failed(1, 0)), Verdict::Dropped);
}

#[test]
fn drops_of_tracers_may_be_overruled_but_not_those_of_people() {
    let mut sampler = Sampler::new(Config {
        error_rare_sample_tracer_drop: true,
        rare: true,
        ..Config::default()
    });
    assert_eq!(
        decide(&mut sampler, &mut failed(1, -1)),
        Verdict::Kept(By::Error)
    );
    assert_eq!(decide(&mut sampler, &mut chunk(1, -1)), Verdict::Dropped);
    let mut manual = failed(1, -1);
    manual.tags.insert("_dd.p.dm", "-4".into());
    assert_eq!(decide(&mut sampler, &mut manual), Verdict::Dropped);
    let mut seldom = top_level(chunk(1, -1));
    assert_eq!(decide(&mut sampler, &mut seldom), Verdict::Kept(By::Rare));
}

#[test]
fn what_is_rare_is_kept_first_and_seen_even_if_the_tracer_drops_it() {
    let mut sampler = rare();
    let mut seldom = top_level(chunk(1, 0));
    assert_eq!(decide(&mut sampler, &mut seldom), Verdict::Kept(By::Rare));
    assert_eq!(seldom.spans[0].metric("_dd.rare"), Some(1.0));
    let mut again = top_level(chunk(2, 0));
    assert_eq!(decide(&mut sampler, &mut again), Verdict::Dropped);

    let mut sampler = rare();
    let mut dropped = top_level(chunk(1, -1));
    assert_eq!(decide(&mut sampler, &mut dropped), Verdict::Dropped);
    assert_eq!(decide(&mut sampler, &mut again), Verdict::Dropped);
    sampler.set_rare(false);
    let mut other = top_level(chunk(1, 0));
    other.spans[0].resource = "GET /other".into();
    assert_eq!(decide(&mut sampler, &mut other), Verdict::Dropped);
}

#[test]
fn the_rate_is_named_on_roots_of_tracers_that_do_not() {
    let mut sampler = default();
    let mut kept = chunk(1, 1);
    decide(&mut sampler, &mut kept);
    let named = |chunk: &Chunk<'_>| chunk.spans[0].metric("_sampling_priority_rate_v1");
    assert_eq!(named(&kept), Some(1.0));
    for key in ["_dd.agent_psr", "_dd.rule_psr"] {
        let mut told = chunk(1, 1);
        told.spans[0].metrics.insert(key, 0.5);
        decide(&mut sampler, &mut told);
        assert_eq!(named(&told), None);
    }
    let mut local_root = chunk(1, 1);
    local_root.spans[0].parent_id = 9;
    decide(&mut sampler, &mut local_root);
    assert_eq!(named(&local_root), None);
    for priority in [0, 2] {
        let mut other = chunk(1, priority);
        decide(&mut sampler, &mut other);
        assert_eq!(named(&other), None);
    }
}

#[test]
fn spans_that_were_sampled_one_by_one_are_rescued_from_any_drop() {
    for priority in [-1, 0] {
        let mut chunk = chunk(1, priority);
        chunk.spans.push(Span::default());
        chunk.spans[1]
            .metrics
            .insert("_dd.span_sampling.mechanism", 8.0);
        assert_eq!(decide(&mut default(), &mut chunk), Verdict::SingleSpans);
        assert_eq!((chunk.spans.len(), chunk.priority), (1, 2));
        assert!(!chunk.dropped_trace);
        assert!(
            chunk.spans[0]
                .metrics
                .contains("_dd.span_sampling.mechanism")
        );
    }
}

#[test]
fn a_share_of_all_traces_overrules_priorities() {
    let mut sampler = Sampler::new(Config {
        mode: Mode::Probabilistic(Probabilistic {
            percentage: 60.0,
            hash_seed: 0,
            trace_ids: TraceIds::Low64,
        }),
        ..Config::default()
    });
    let mut kept = chunk(1, -1);
    assert_eq!(
        decide(&mut sampler, &mut kept),
        Verdict::Kept(By::Probability)
    );
    assert_eq!(kept.priority, 1);
    assert_eq!(kept.tags.get("_dd.p.dm").map(AsRef::as_ref), Some("-9"));
    let share = kept.spans[0].metric("_dd.prob_sr");
    assert_eq!(share, Some(f64::from(60.0_f32) / 100.0));
    let mut dropped = chunk(12345, 2);
    assert_eq!(decide(&mut sampler, &mut dropped), Verdict::Dropped);
    assert_eq!((dropped.priority, dropped.tags.len()), (0, 0));
    // An error outside of the share: kept by its own rate, which keeps the id.
    let mut error = failed(12345, 0);
    assert_eq!(decide(&mut sampler, &mut error), Verdict::Kept(By::Error));
    assert_eq!((error.priority, error.tags.len()), (1, 0));
}

#[test]
fn error_tracking_alone_keeps_errors_and_nothing_else() {
    let mut sampler = Sampler::new(Config {
        mode: Mode::ErrorTracking,
        ..Config::default()
    });
    let mut error = failed(1, -1);
    assert_eq!(decide(&mut sampler, &mut error), Verdict::Kept(By::Error));
    let tag = |chunk: &Chunk<'_>| {
        let tag = chunk.tags.get("_dd.error_tracking_standalone.error");
        tag.map(ToString::to_string)
    };
    assert_eq!(tag(&error).as_deref(), Some("true"));
    let mut exception = chunk(1, 2);
    exception.spans[0]
        .meta
        .insert("_dd.span_events.has_exception", "true".into());
    assert_eq!(
        decide(&mut sampler, &mut exception),
        Verdict::Kept(By::Error)
    );
    let mut fine = chunk(1, 2);
    fine.spans[0]
        .metrics
        .insert("_dd.span_sampling.mechanism", 8.0);
    fine.spans[0].metrics.insert("_dd1.sr.eausr", 1.0);
    assert_eq!(
        sampler.decide(&mut fine, 0, &FACTS, NOW),
        Decision {
            verdict: Verdict::Dropped,
            events: 0
        }
    );
    assert_eq!((tag(&fine), fine.spans.len()), (None, 1));
}

#[test]
fn events_outlive_their_trace_unless_the_tracer_drops_it() {
    let mut sampler = default();
    let event = |priority| {
        let mut chunk = chunk(1, priority);
        chunk.spans.push(Span {
            trace_id: 1,
            ..Span::default()
        });
        chunk.spans[1].metrics.insert("_dd1.sr.eausr", 0.5);
        chunk.spans[0].metrics.insert("_dd1.sr.rcusr", 0.25);
        chunk
    };
    let mut dropped = event(0);
    let decision = sampler.decide(&mut dropped, 0, &FACTS, NOW);
    assert_eq!((decision.verdict, decision.events), (Verdict::Events, 1));
    assert!(dropped.dropped_trace);
    let metrics = &dropped.spans[0].metrics;
    assert_eq!(dropped.spans.len(), 1);
    assert_eq!(metrics.get("_dd.analyzed"), Some(&1.0));
    assert_eq!(metrics.get("_dd1.sr.eausr"), Some(&0.5));
    assert_eq!(metrics.get("_dd1.sr.rcusr"), Some(&0.25));
    assert_eq!(metrics.get("_dd1.sr.eamax"), None);
    assert_eq!(
        sampler.decide(&mut event(-1), 0, &FACTS, NOW).verdict,
        Verdict::Dropped
    );
    let mut by_user = event(2);
    let decision = sampler.decide(&mut by_user, 0, &FACTS, NOW);
    assert_eq!(decision.events, 1);
    assert_eq!(decision.verdict, Verdict::Kept(By::Priority));
    assert_eq!(by_user.spans[1].metric("_dd1.sr.eausr"), None);
    assert_eq!(by_user.spans.len(), 2);
}

#[test]
fn events_are_limited_by_the_second_and_found_by_configuration() {
    let mut sampler = Sampler::new(Config {
        max_eps: 2.0,
        analyzed_spans: vec![AnalyzedSpan {
            service: "WEB".into(),
            operation: "Request".into(),
            rate: 1.0,
        }],
        ..Config::default()
    });
    // The hash of 2 is at 0.1205, which is the rate from 84 events in five seconds on.
    let mut marked = |_| sampler.decide(&mut chunk(2, 0), 0, &FACTS, NOW).events;
    assert_eq!((0..40).map(&mut marked).sum::<usize>(), 40);
    assert_eq!(
        (0..1000)
            .map(&mut marked)
            .filter(|events| *events > 0)
            .count(),
        43
    );
}

#[test]
fn traces_that_the_tracer_dropped_count_for_the_rates() {
    let run = |dropped| {
        let mut sampler = default();
        let facts = Facts {
            client_dropped_p0_traces: dropped,
            chunks: 2,
            ..FACTS
        };
        for seconds in [0, 5] {
            let now = NOW + Duration::from_secs(seconds);
            sampler.decide(&mut chunk(1, 1), 0, &facts, now);
        }
        sampler.rates().rate("web", "prod")
    };
    assert_eq!(run(0), Some(1.0));
    // 199 by half, and itself: 20 a second.
    assert_eq!(run(198), Some(0.5));
    assert!(run(u64::MAX).is_some_and(|rate| rate > 0.0 && rate < 1e-6));
}

#[test]
fn rates_are_told_for_each_service_and_without_the_environment_of_the_agent() {
    let mut sampler = Sampler::new(Config {
        agent_env: "prod".into(),
        ..Config::default()
    });
    for (seconds, env) in [(0, ""), (0, "dev"), (5, "prod")] {
        let facts = Facts { env, ..FACTS };
        let now = NOW + Duration::from_secs(seconds);
        sampler.decide(&mut chunk(1, 0), 0, &facts, now);
    }
    let reply = sampler.rates().reply("");
    assert_eq!(
        std::str::from_utf8(&reply.body),
        Ok(
            "{\"rate_by_service\":{\"service:,env:\":1,\"service:web,env:\":1,\
            \"service:web,env:dev\":1,\"service:web,env:prod\":1}}\n"
        )
    );
    assert_eq!(sampler.rates().version(), "6553f105-2");
}

#[test]
fn where_only_findings_are_wanted_nothing_else_saves_a_trace() {
    let mut sampler = Sampler::new(Config {
        mode: Mode::Security,
        rare: true,
        ..Config::default()
    });
    let beat = decide(&mut sampler, &mut chunk(1, 0));
    assert_eq!(beat, Verdict::Kept(By::Heartbeat));
    let mut single = failed(2, 2);
    single.spans[0]
        .metrics
        .insert("_dd.span_sampling.mechanism", 8.0);
    assert_eq!(decide(&mut sampler, &mut single), Verdict::Unwanted);
    let mut found = chunk(3, 0);
    found.spans[0].meta.insert("_dd.p.ts", "03".into());
    assert_eq!(decide(&mut sampler, &mut found), Verdict::Kept(By::Finding));
    assert_eq!(sampler.rates().reply("").body, "{\"rate_by_service\":{}}\n");
}
