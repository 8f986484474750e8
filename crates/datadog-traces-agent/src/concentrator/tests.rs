//! Tests of the concentrator: buckets, keys, weights, and what happens at its limits.

mod properties;

use super::*;
use datadog_sketch::dd::{Message, Sketch};
use datadog_wire::stats::{ClientGroupedStats, trace_root};

const SECOND: i64 = 1_000_000_000;
const T0: i64 = 1_700_000_000;

const fn at(seconds: i64) -> Duration {
    Duration::from_secs((T0 + seconds).unsigned_abs())
}

/// A top-level span that ends at a second after [`T0`].
fn span(end: i64, duration: i64) -> Span<'static> {
    Span {
        service: "web".into(),
        name: "request".into(),
        resource: "GET /".into(),
        start: (T0 + end) * SECOND - duration,
        duration,
        metrics: [("_top_level".into(), 1.0)].into_iter().collect(),
        ..Span::default()
    }
}

fn chunk(spans: Vec<Span<'static>>) -> Chunk<'static> {
    Chunk {
        spans,
        ..Chunk::default()
    }
}

fn with(config: Config) -> Concentrator {
    Concentrator::new(config, at(0))
}

fn default() -> Concentrator {
    with(Config::default())
}

fn add(concentrator: &mut Concentrator, spans: Vec<Span<'static>>) {
    concentrator.add(&chunk(spans), 0, &Facts::default(), at(0));
}

fn flush_all(concentrator: &mut Concentrator) -> Vec<ClientStatsPayload> {
    let payloads = concentrator.flush(Due::All, at(0), || 0.5);
    assert_eq!(concentrator.bytes(), 0);
    payloads
}

fn groups(payloads: &[ClientStatsPayload]) -> Vec<&ClientGroupedStats> {
    let buckets = payloads.iter().flat_map(|payload| &payload.stats);
    buckets.flat_map(|bucket| &bucket.stats).collect()
}

/// The only group of what was added.
fn only_group(spans: Vec<Span<'static>>) -> ClientGroupedStats {
    let mut concentrator = default();
    add(&mut concentrator, spans);
    let payloads = flush_all(&mut concentrator);
    let groups = groups(&payloads);
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups[0].clone()
}

fn sketch(bytes: &[u8]) -> Sketch {
    Sketch::from_message(&Message::decode(bytes).unwrap()).unwrap()
}

#[test]
fn durations_lose_the_bits_that_no_sketch_sees() {
    for (duration, masked) in [
        (187_940, 187_904.0),
        (123_456_789, 123_338_752.0),
        (1_000_000_007, 999_292_928.0),
    ] {
        assert_eq!(bucket::masked(duration), masked);
    }
}

#[test]
fn durations_have_the_bins_of_all_agents() {
    for (duration, index) in [(1, 0), (1000, 345), (187_940, 607), (1_000_000, 690)] {
        let group = only_group(vec![span(0, duration)]);
        let message = Message::decode(&group.ok_summary).unwrap();
        assert_eq!(message.positive.contiguous_offset, index, "{duration}");
        assert_eq!(message.positive.contiguous, [1.0]);
    }
    let group = only_group(vec![span(0, 1000)]);
    // The bytes of the agent for this value.
    let bytes = b"\x0a\x09\x09\xfd\x4a\x81\x5a\xbf\x52\xf0\x3f\
        \x12\x0d\x12\x08\0\0\0\0\0\0\xf0\x3f\x18\xb2\x05";
    assert_eq!(*group.ok_summary, bytes[..]);
}

#[test]
fn a_span_is_counted_when_it_ends_and_sent_ten_seconds_after_its_bucket() {
    let mut concentrator = default();
    let mut late = span(12, 9 * SECOND);
    late.start = (T0 + 3) * SECOND;
    add(&mut concentrator, vec![late]);
    assert_eq!(
        concentrator.flush(Due::Complete, at(29), || 0.0),
        [],
        "too early"
    );
    let payloads = concentrator.flush(Due::Complete, at(30), || 0.0);
    assert_eq!(payloads.len(), 1);
    let bucket = &payloads[0].stats[0];
    assert_eq!(bucket.start, 1_700_000_010_000_000_000);
    assert_eq!(bucket.duration, 10_000_000_000);
    assert_eq!(concentrator.flush(Due::All, at(30), || 0.0), []);
}

#[test]
fn what_ended_long_ago_is_counted_in_the_oldest_open_bucket() {
    let mut concentrator = default();
    add(&mut concentrator, vec![span(-1000, 1)]);
    concentrator.flush(Due::Complete, at(35), || 0.0);
    // Now the bucket before the current one is the oldest.
    add(&mut concentrator, vec![span(-1000, 1), span(39, 1)]);
    let payloads = flush_all(&mut concentrator);
    let starts: Vec<u64> = payloads[0]
        .stats
        .iter()
        .map(|bucket| bucket.start)
        .collect();
    let expected = [20, 30].map(|seconds| (T0 + seconds).unsigned_abs() * 1_000_000_000);
    assert_eq!(starts, expected);
}

#[test]
fn what_ends_far_in_the_future_is_counted_in_ten_minutes() {
    let mut concentrator = default();
    let mut endless = span(0, 0);
    endless.start = i64::MAX;
    add(&mut concentrator, vec![span(599, 1), span(620, 1), endless]);
    let payloads = flush_all(&mut concentrator);
    let buckets: Vec<(u64, u64)> = payloads[0]
        .stats
        .iter()
        .map(|bucket| {
            (
                bucket.start / 1_000_000_000 - T0.unsigned_abs(),
                bucket.stats[0].hits,
            )
        })
        .collect();
    assert_eq!(buckets, [(590, 1), (600, 2)]);
    assert_eq!(concentrator.counts().in_future, 2);
}

#[test]
fn a_root_that_stands_for_four_traces_counts_four_times() {
    let mut root = span(0, 1000);
    root.error = 2;
    root.metrics.insert("_sample_rate", 0.25);
    let group = only_group(vec![root]);
    assert_eq!(
        (
            group.hits,
            group.errors,
            group.top_level_hits,
            group.duration
        ),
        (4, 4, 4, 4000)
    );
    assert_eq!(sketch(&group.ok_summary).count(), 0.0);
    let errors = sketch(&group.error_summary);
    assert_eq!(errors.count(), 4.0);
    assert!((errors.quantile(0.5).unwrap() - 1000.0).abs() < 10.0);
}

#[test]
fn a_rate_without_a_meaning_is_none() {
    for rate in [0.0, -1.0, 1.5, f64::NAN] {
        let mut root = span(0, 1);
        root.metrics.insert("_sample_rate", rate);
        assert_eq!(only_group(vec![root]).hits, 1, "{rate}");
    }
    let mut root = span(0, 1);
    root.metrics.insert("_sample_rate", f64::MIN_POSITIVE);
    assert_eq!(only_group(vec![root]).hits, 1_000_000_000);
}

#[test]
fn fractions_are_rounded_by_chance_and_parts_are_never_more_than_the_whole() {
    for (random, hits) in [(0.0, 4), (0.3, 4), (0.34, 3), (0.99, 3)] {
        let mut concentrator = default();
        let mut root = span(0, 3);
        root.error = 1;
        root.metrics.insert("_sample_rate", 0.3);
        add(&mut concentrator, vec![root]);
        let payloads = concentrator.flush(Due::All, at(0), || random);
        let group = groups(&payloads)[0];
        let counts = (
            group.hits,
            group.errors,
            group.top_level_hits,
            group.duration,
        );
        assert_eq!(counts, (hits, hits, hits, 10));
    }
}

#[test]
fn all_that_tells_a_group_is_in_it() {
    let mut root = span(0, 1);
    root.kind = "web".into();
    root.parent_id = 1;
    for (key, value) in [
        ("span.kind", "client"),
        ("http.status_code", "404"),
        ("grpc.code", "NOT_FOUND"),
        ("_dd.svc_src", "m"),
        ("_dd.base_service", "base"),
        ("db.name", "d1"),
        ("peer.service", "pg"),
        ("db.system", ""),
        ("region", "eu"),
    ] {
        root.meta.insert(key, value.into());
    }
    let mut concentrator = with(Config {
        additional_tags: vec!["region".into()],
        ..Config::default()
    });
    let mut chunk = chunk(vec![root]);
    chunk.origin = "synthetics-browser".into();
    concentrator.add(&chunk, 0, &Facts::default(), at(0));
    let payloads = flush_all(&mut concentrator);
    let mut group = groups(&payloads)[0].clone();
    group.ok_summary.clear();
    group.error_summary.clear();
    assert_eq!(
        group,
        ClientGroupedStats {
            service: "web".into(),
            name: "request".into(),
            resource: "GET /".into(),
            http_status_code: 404,
            kind: "web".into(),
            hits: 1,
            duration: 1,
            synthetics: true,
            top_level_hits: 1,
            span_kind: "client".into(),
            peer_tags: vec![
                "_dd.base_service:base".into(),
                "db.name:d1".into(),
                "peer.service:pg".into(),
            ],
            is_trace_root: trace_root::FALSE,
            grpc_status_code: "5".into(),
            service_source: "m".into(),
            additional_metric_tags: vec!["region:eu".into()],
            ..ClientGroupedStats::default()
        }
    );
}

#[test]
fn a_difference_in_anything_makes_another_group() {
    type Change = fn(&mut Span<'static>);
    let changes: [Change; 12] = [
        |_| {},
        |span| span.service = "other".into(),
        |span| span.name = "other".into(),
        |span| span.resource = "other".into(),
        |span| span.kind = "other".into(),
        |span| span.parent_id = 1,
        |span| span.meta.insert("span.kind", "server".into()),
        |span| span.meta.insert("http.status_code", "1".into()),
        |span| span.meta.insert("grpc.code", "1".into()),
        |span| span.meta.insert("_dd.svc_src", "x".into()),
        |span| span.meta.insert("_dd.base_service", "x".into()),
        |span| span.error = 1,
    ];
    let mut spans = Vec::new();
    for change in changes {
        let mut changed = span(0, 1);
        change(&mut changed);
        spans.push(changed);
    }
    let mut concentrator = default();
    // The base service of the root is of the payload; here it is that of a span.
    add(&mut concentrator, spans);
    let payloads = flush_all(&mut concentrator);
    // An error is in the same group.
    assert_eq!(groups(&payloads).len(), changes.len() - 1);
    let first = groups(&payloads)[0];
    assert_eq!((first.hits, first.errors), (2, 1));
}

#[test]
fn addresses_are_taken_out_of_peer_tags_where_there_may_be_some() {
    let mut concentrator = with(Config {
        quantize_peer: |value| {
            assert_ne!(value, "postgres");
            Cow::Owned(value.replace("10.0.0.1", "blocked"))
        },
        ..Config::default()
    });
    let mut call = span(0, 1);
    call.meta.insert("span.kind", "client".into());
    call.meta.insert("out.host", "10.0.0.1".into());
    call.meta.insert("db.system", "postgres".into());
    add(&mut concentrator, vec![call.clone(), call]);
    let payloads = flush_all(&mut concentrator);
    let tags = &groups(&payloads)[0].peer_tags;
    assert_eq!(*tags, ["db.system:postgres", "out.host:blocked"]);
    assert_eq!(groups(&payloads).len(), 1);
}

#[test]
fn peer_tags_can_be_switched_off() {
    let mut concentrator = with(Config {
        peer_tags: Vec::new(),
        ..Config::default()
    });
    let mut call = span(0, 1);
    call.meta.insert("span.kind", "client".into());
    call.meta.insert("db.name", "d".into());
    let mut inner = span(0, 1);
    inner.meta.insert("_dd.base_service", "b".into());
    add(&mut concentrator, vec![call, inner]);
    let payloads = flush_all(&mut concentrator);
    assert!(
        groups(&payloads)
            .iter()
            .all(|group| group.peer_tags.is_empty())
    );
}

#[test]
fn payloads_are_told_apart_and_hold_what_is_known() {
    let mut concentrator = with(Config {
        agent_hostname: "agent".into(),
        ..Config::default()
    });
    let facts = Facts {
        env: "prod",
        hostname: "host",
        version: "1",
        container_id: "c",
        git_commit_sha: "sha",
        image_tag: "tag",
        lang: "go",
        process_tags: "peer.service:pg,db.name:d1",
    };
    let mut root = span(0, 1);
    root.meta.insert("_dd.base_service", "base".into());
    for _ in 0..2 {
        concentrator.add(&chunk(vec![root.clone()]), 0, &facts, at(0));
    }
    concentrator.add(&chunk(vec![span(0, 1)]), 0, &Facts::default(), at(0));
    concentrator.add(&chunk(vec![span(12, 1)]), 0, &Facts::default(), at(0));
    let mut payloads = flush_all(&mut concentrator);
    let counted: Vec<Vec<u64>> = payloads
        .iter_mut()
        .map(|payload| {
            let buckets = std::mem::take(&mut payload.stats).into_iter();
            buckets.map(|bucket| bucket.stats[0].hits).collect()
        })
        .collect();
    assert_eq!(counted, [vec![2], vec![1, 1]]);
    assert_eq!(
        payloads,
        [
            ClientStatsPayload {
                hostname: "host".into(),
                env: "prod".into(),
                version: "1".into(),
                lang: "go".into(),
                service: "base".into(),
                container_id: "c".into(),
                git_commit_sha: "sha".into(),
                image_tag: "tag".into(),
                process_tags_hash: 391_456_395_674_418_677,
                process_tags: "peer.service:pg,db.name:d1".into(),
                ..ClientStatsPayload::default()
            },
            ClientStatsPayload {
                hostname: "agent".into(),
                env: "none".into(),
                ..ClientStatsPayload::default()
            }
        ]
    );
}

#[test]
fn inner_spans_and_chunks_without_a_root_are_not_counted() {
    let mut concentrator = default();
    let mut inner = span(0, 1);
    inner.metrics.remove("_top_level");
    add(&mut concentrator, vec![span(0, 1), inner]);
    concentrator.add(&chunk(vec![span(0, 1)]), 1, &Facts::default(), at(0));
    let counts = concentrator.counts();
    assert_eq!((counts.counted, counts.not_eligible), (1, 1));
}

#[test]
fn memory_is_bounded_and_what_does_not_fit_is_counted_otherwise() {
    let max_bytes = 256 * 1024;
    let mut concentrator = with(Config {
        max_bytes,
        ..Config::default()
    });
    let mut first = span(0, 1);
    first.resource = "0".into();
    for name in 0..5_000 {
        let mut other = span(0, 1 << (name % 40));
        other.resource = name.to_string().into();
        other.meta.insert("http.status_code", "200".into());
        // Few services at first, then more than there is room for.
        if name > 2_000 {
            other.service = name.to_string().into();
        }
        add(&mut concentrator, vec![other]);
        assert!(concentrator.bytes() <= max_bytes + 33 * 1024);
    }
    add(&mut concentrator, vec![first.clone()]);
    let counts = concentrator.counts();
    assert_eq!(counts.counted + counts.dropped, 5_001);
    assert!(
        counts.folded > 1_000 && counts.dropped > 1_000,
        "{counts:?}"
    );
    // A known group is counted, though no sketch has it; in other buckets there is no room.
    let mut known = span(0, 1);
    known.resource = "0".into();
    known.meta.insert("http.status_code", "200".into());
    add(&mut concentrator, vec![known]);
    assert!(concentrator.counts().without_sketch > 0);
    let dropped = concentrator.counts().dropped;
    add(&mut concentrator, vec![span(20, 1)]);
    assert_eq!(concentrator.counts().dropped, dropped + 1);

    let counted = concentrator.counts().counted;
    let payloads = flush_all(&mut concentrator);
    let groups = groups(&payloads);
    assert_eq!(groups.iter().map(|group| group.hits).sum::<u64>(), counted);
    let blocked = groups
        .iter()
        .find(|group| group.resource == "agent_blocked_value" && group.service == "web");
    let blocked = blocked.unwrap();
    assert_eq!((blocked.http_status_code, blocked.kind.as_str()), (0, ""));
    assert!(blocked.hits > 1_000);
    // After a flush there is room again.
    add(&mut concentrator, vec![first]);
    assert_eq!(concentrator.counts().counted, counted + 1);
}
