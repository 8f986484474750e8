//! Tests of requests with stats: their limits, and that dealing loses nothing.

use proptest::prelude::*;

use super::*;

fn group(name: usize, sketch_bytes: usize) -> ClientGroupedStats {
    ClientGroupedStats {
        name: name.to_string(),
        hits: 1,
        ok_summary: vec![0; sketch_bytes].into(),
        ..ClientGroupedStats::default()
    }
}

/// A payload with something in every field, and so many groups in each bucket.
fn payload(buckets: &[usize]) -> ClientStatsPayload {
    let mut name = 0;
    let mut bucket = |(index, groups): (usize, &usize)| ClientStatsBucket {
        start: index as u64 * 10,
        duration: 10,
        stats: (0..*groups)
            .map(|_| {
                name += 1;
                group(name, 0)
            })
            .collect(),
        agent_time_shift: 7,
    };
    ClientStatsPayload {
        hostname: "host".into(),
        env: "prod".into(),
        version: "1".into(),
        stats: buckets.iter().enumerate().map(&mut bucket).collect(),
        lang: "go".into(),
        tracer_version: "2".into(),
        runtime_id: "id".into(),
        sequence: 3,
        agent_aggregation: "counts".into(),
        service: "web".into(),
        container_id: "abc".into(),
        tags: vec!["a:b".into()],
        git_commit_sha: "fff".into(),
        image_tag: "latest".into(),
        process_tags_hash: 4,
        process_tags: "x:y".into(),
    }
}

fn agent() -> Agent {
    Agent {
        hostname: "h".into(),
        env: "e".into(),
        version: "v".into(),
    }
}

fn groups(request: &StatsPayload) -> usize {
    request.stats.iter().map(|payload| size(payload).0).sum()
}

fn of_client(stats: Vec<ClientStatsPayload>) -> Vec<StatsPayload> {
    requests(&agent(), Origin::Client, stats)
}

#[test]
fn tags_have_the_hash_of_all_agents_in_any_order() {
    let hash = |tags: &[&'static str]| tags_hash(tags.iter().copied());
    assert_eq!(
        hash(&["db.name:d1", "peer.service:pg"]),
        391_456_395_674_418_677
    );
    assert_eq!(
        hash(&["peer.service:pg", "db.name:d1"]),
        391_456_395_674_418_677
    );
    assert_eq!(hash(&["a:b"]), 16_600_709_238_102_167_904);
    assert_eq!(hash(&[]), 0);
    assert_eq!(process_tags_hash(""), 0);
    assert_eq!(
        process_tags_hash("peer.service:pg,db.name:d1"),
        391_456_395_674_418_677
    );
}

#[test]
fn few_groups_are_one_request() {
    let requests = of_client(vec![payload(&[2, 1]), payload(&[]), payload(&[1])]);
    assert_eq!(
        requests,
        [StatsPayload {
            agent_hostname: "h".into(),
            agent_env: "e".into(),
            stats: vec![payload(&[2, 1]), payload(&[1])],
            agent_version: "v".into(),
            client_computed: true,
            split_payload: false,
        }]
    );
    let read: StatsPayload = rmp_serde::from_slice(&encode(&requests[0]).unwrap()).unwrap();
    assert_eq!(read, requests[0]);
    let own = super::requests(&agent(), Origin::Agent, vec![payload(&[1])]);
    assert!(!own[0].client_computed);
    assert_eq!(of_client(vec![payload(&[0])]), []);
}

#[test]
fn four_thousand_groups_are_one_request_and_one_more_are_two() {
    assert_eq!(of_client(vec![payload(&[4000])]).len(), 1);
    let split = of_client(vec![payload(&[4001])]);
    assert_eq!(split.iter().map(groups).collect::<Vec<_>>(), [2001, 2000]);
    assert!(split.iter().all(|request| request.split_payload));
    let split = of_client(vec![payload(&[3999]), payload(&[1]), payload(&[1])]);
    assert_eq!(split.iter().map(groups).collect::<Vec<_>>(), [4000, 1]);
}

#[test]
fn parts_have_all_fields_and_the_buckets_of_the_whole() {
    let whole = payload(&[3000, 0, 1002]);
    let parts = of_client(vec![whole.clone()]);
    assert_eq!(parts.len(), 2);
    for part in parts.iter().flat_map(|request| &request.stats) {
        let windows: Vec<(u64, u64, i64)> = part
            .stats
            .iter()
            .map(|bucket| (bucket.start, bucket.duration, bucket.agent_time_shift))
            .collect();
        assert_eq!(windows, [(0, 10, 7), (20, 10, 7)]);
        let without_groups = |payload: &ClientStatsPayload| ClientStatsPayload {
            stats: Vec::new(),
            ..payload.clone()
        };
        assert_eq!(without_groups(part), without_groups(&whole));
    }
}

#[test]
fn large_sketches_make_more_requests() {
    let mut whole = payload(&[0]);
    whole.stats[0].stats = (0..2000).map(|name| group(name, 30_000)).collect();
    let requests = of_client(vec![whole]);
    assert!(requests.len() >= 3);
    assert_eq!(requests.iter().map(groups).sum::<usize>(), 2000);
    for request in &requests {
        let bytes = encode(request).unwrap().len();
        assert!(bytes <= MAX_BYTES, "{bytes}");
    }
}

#[test]
fn what_is_counted_for_a_payload_is_enough() {
    let mut whole = payload(&[10]);
    for group in &mut whole.stats[0].stats {
        group.peer_tags = vec!["a".repeat(300); 5];
        group.duration = u64::MAX;
        group.resource = "r".repeat(5000);
    }
    let (_, bytes) = size(&whole);
    let requests = of_client(vec![whole]);
    assert!(encode(&requests[0]).unwrap().len() < bytes);
}

#[test]
fn containers_are_resolved_or_their_ids_taken_out() {
    let mut stats = vec![payload(&[1]); 4];
    stats[1].tags.clear();
    (stats[2].tags, stats[2].container_id) = (Vec::new(), "gone".into());
    stats[3].container_id.clear();
    resolve_containers(&mut stats, |id| {
        (id == "abc").then(|| vec!["found:yes".into()])
    });
    let found: Vec<(&str, Option<&str>)> = stats
        .iter()
        .map(|payload| {
            let tag = payload.tags.first().map(String::as_str);
            (payload.container_id.as_str(), tag)
        })
        .collect();
    let expected = [
        ("abc", Some("a:b")),
        ("abc", Some("found:yes")),
        ("", None),
        ("", None),
    ];
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_group_is_in_one_request(
        payloads in proptest::collection::vec(
            proptest::collection::vec(0usize..5000, 0..4), 0..4,
        ),
    ) {
        let stats: Vec<ClientStatsPayload> =
            payloads.iter().map(|buckets| payload(buckets)).collect();
        let requests = of_client(stats);
        let mut names: Vec<(u64, String)> = Vec::new();
        for request in &requests {
            prop_assert!((1..=MAX_GROUPS).contains(&groups(request)));
            for bucket in request.stats.iter().flat_map(|payload| &payload.stats) {
                names.extend(bucket.stats.iter().map(|group| (bucket.start, group.name.clone())));
            }
        }
        let mut expected = Vec::new();
        for buckets in &payloads {
            let whole = payload(buckets);
            for bucket in &whole.stats {
                expected.extend(bucket.stats.iter().map(|group| (bucket.start, group.name.clone())));
            }
        }
        names.sort();
        expected.sort();
        prop_assert_eq!(names, expected);
    }
}
