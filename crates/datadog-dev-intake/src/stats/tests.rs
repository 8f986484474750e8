//! Tests of what is taken, disliked and refused, on bodies made of the schema's own types.

use bytes::Bytes;
use datadog_wire::stats::ClientGroupedStats;
use proptest::prelude::*;

use super::*;

/// The start of the buckets, in seconds.
const AT_S: i64 = 1_700_000_000;
/// A sketch of the value 1000.
const THOUSAND: &[u8] =
    b"\x0a\x09\x09\xfd\x4a\x81\x5a\xbf\x52\xf0\x3f\x12\x0d\x12\x08\0\0\0\0\0\0\xf0\x3f\x18\xb2\x05";

fn problems_of(media_type: &str, raw: &[u8]) -> (Decoded, Vec<String>) {
    let mut problems = Problems::default();
    let body = Body {
        raw,
        wire_bytes: crate::store::as_u64(raw.len()),
        media_type,
        now_ms: AT_S * 1_000,
    };
    let decoded = decode(body, &mut problems);
    (decoded, problems.lines())
}

#[track_caller]
fn taken(raw: &[u8], groups: usize, problems: &[&str]) -> Stats {
    let (decoded, found) = problems_of(CONTENT_TYPE, raw);
    assert_eq!(found, problems);
    assert_eq!((decoded.refusal, decoded.items), (None, Some(groups)));
    match decoded.records {
        Some(Records::Stats(stats)) => stats,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(raw: &[u8], refusal: Refusal, problem: &str) {
    let (decoded, found) = problems_of(CONTENT_TYPE, raw);
    assert_eq!(found.last().map(String::as_str), Some(problem));
    assert_eq!((decoded.refusal, decoded.records), (Some(refusal), None));
}

/// A group with which nothing is wrong.
fn group(resource: &str) -> ClientGroupedStats {
    ClientGroupedStats {
        service: "web".to_owned(),
        name: "web.request".to_owned(),
        resource: resource.to_owned(),
        hits: 1,
        duration: 1_000,
        ok_summary: Bytes::from_static(THOUSAND),
        is_trace_root: 1,
        ..ClientGroupedStats::default()
    }
}

fn bucket(groups: Vec<ClientGroupedStats>) -> ClientStatsBucket {
    ClientStatsBucket {
        start: AT_S.unsigned_abs() * SECOND_NS,
        duration: BUCKET_NS,
        stats: groups,
        agent_time_shift: 0,
    }
}

fn payload(buckets: Vec<ClientStatsBucket>) -> StatsPayload {
    StatsPayload {
        agent_version: "7.70.0".to_owned(),
        stats: vec![ClientStatsPayload {
            env: "prod".to_owned(),
            stats: buckets,
            ..ClientStatsPayload::default()
        }],
        ..StatsPayload::default()
    }
}

fn bytes_of(payload: &StatsPayload) -> Vec<u8> {
    rmp_serde::to_vec_named(payload).unwrap()
}

fn body(groups: Vec<ClientGroupedStats>) -> Vec<u8> {
    bytes_of(&payload(vec![bucket(groups)]))
}

/// What is said of a body with one group that was changed.
#[track_caller]
fn group_with(change: impl FnOnce(&mut ClientGroupedStats), problems: &[&str]) {
    let mut changed = group("r");
    change(&mut changed);
    taken(&body(vec![changed]), 1, problems);
}

/// What is said of a body with one bucket that was changed.
#[track_caller]
fn bucket_with(
    client_computed: bool,
    change: impl FnOnce(&mut ClientStatsBucket),
    problems: &[&str],
) {
    let mut changed = bucket(vec![group("r")]);
    change(&mut changed);
    let mut payload = payload(vec![changed]);
    payload.client_computed = client_computed;
    taken(&bytes_of(&payload), 1, problems);
}

#[test]
fn groups_keep_their_bucket_and_their_client() {
    let mut payload = payload(vec![
        bucket(vec![group("a"), group("b")]),
        bucket(vec![group("a")]),
    ]);
    payload.stats.push(ClientStatsPayload {
        env: "dev".to_owned(),
        stats: vec![bucket(vec![group("c")])],
        ..ClientStatsPayload::default()
    });
    payload.stats[0].stats[1].start += BUCKET_NS;
    let raw = bytes_of(&payload);
    let stats = taken(&raw, 4, &[]);
    let found: Vec<_> = (0..4)
        .map(|index| {
            let (client, bucket) = stats.around(index).unwrap();
            let place = &stats.groups[index].place;
            let group = Group::read(crate::records::within(&raw, place)).unwrap();
            (client.env.as_str(), bucket.start, group.message.resource)
        })
        .collect();
    let at = AT_S.unsigned_abs() * SECOND_NS;
    assert_eq!(
        found,
        [
            ("prod", at, "a".to_owned()),
            ("prod", at, "b".to_owned()),
            ("prod", at + BUCKET_NS, "a".to_owned()),
            ("dev", at, "c".to_owned()),
        ]
    );
    assert_eq!(stats.around(4), None);
    assert_eq!(stats.payload.stats, []);
    let (decoded, _) = problems_of(CONTENT_TYPE, &raw);
    assert_eq!(decoded.facets.points, 4);
    assert_eq!(decoded.facets.named.0, [("web".to_owned(), 4)]);
}

#[test]
fn a_known_sketch_is_read_within_one_percent() {
    let group = Group::read(&rmp_serde::to_vec_named(&group("r")).unwrap()).unwrap();
    let ok = group.ok.unwrap();
    assert_eq!(ok.count(), 1.0);
    assert!((990.0..=1_010.0).contains(&ok.quantile(0.99).unwrap()));
    assert!(group.error.unwrap().is_empty());
}

#[test]
fn another_type_is_refused_by_name() {
    for media_type in ["application/x-protobuf", "application/json", ""] {
        let (decoded, problems) = problems_of(media_type, &body(vec![group("r")]));
        assert_eq!(problems, ["Content-Type is not application/msgpack"]);
        assert_eq!(
            (decoded.refusal, decoded.records),
            (Some(Refusal::Malformed), None)
        );
    }
}

#[test]
fn buckets_that_agents_do_not_make_are_told() {
    let told = "bucket 0: start of a bucket is not a multiple of its length: 1700000001000000000";
    bucket_with(false, |bucket| bucket.start += SECOND_NS, &[told]);
    bucket_with(true, |bucket| bucket.start += SECOND_NS, &[]);
    let told = "bucket 0: start of a bucket is not a multiple of its length: 1700000000000000001";
    bucket_with(true, |bucket| bucket.start += 1, &[told]);
    let told = "bucket 0: start of a bucket is not a multiple of its length: 0";
    bucket_with(false, |bucket| bucket.start = 0, &[told]);
    let told = "bucket 0: bucket is not 10 seconds long: 5";
    bucket_with(false, |bucket| bucket.duration = 5, &[told]);
    bucket_with(false, |bucket| bucket.start += 600 * SECOND_NS, &[]);
    let told = "bucket 0: bucket over 10 minutes ahead: 1700000610";
    bucket_with(false, |bucket| bucket.start += 610 * SECOND_NS, &[told]);
}

#[test]
fn counts_that_cannot_be_are_told() {
    group_with(|group| group.hits = 0, &["group 0: no hits"]);
    let more = "group 0: more errors or top-level hits than hits";
    group_with(|group| group.errors = 2, &[more]);
    group_with(|group| group.top_level_hits = 2, &[more]);
    group_with(|group| group.top_level_hits = 1, &[]);
    group_with(
        |group| group.ok_summary.clear(),
        &["group 0: hits without a sketch"],
    );
    group_with(
        |group| group.error_summary = std::mem::take(&mut group.ok_summary),
        &[],
    );
}

#[test]
fn sketches_that_are_none_are_told() {
    group_with(
        |group| group.error_summary = Bytes::from_static(b"\x0a"),
        &["group 0: no valid sketch: ErrorSummary: the message ends inside of a field"],
    );
    group_with(
        |group| group.ok_summary = Bytes::from_static(b"\x21\0\0\0\0\0\0\xf0\x3f"),
        &[
            "group 0: no valid sketch: OkSummary: the mapping of the sketch is missing or has no meaning",
        ],
    );
}

#[test]
fn names_that_an_agent_would_change_are_told() {
    group_with(|group| group.service.clear(), &["group 0: no service"]);
    group_with(
        |group| group.service = "A".to_owned(),
        &["group 0: service has characters that an agent replaces: \"A\""],
    );
    group_with(|group| group.name.clear(), &["group 0: no name"]);
    group_with(|group| group.resource.clear(), &["group 0: no resource"]);
    group_with(
        |group| group.http_status_code = 99,
        &["group 0: http.status_code is none of 100 to 599: 99"],
    );
    group_with(
        |group| group.is_trace_root = 3,
        &["group 0: IsTraceRoot is none of 0 to 2"],
    );
    group_with(
        |group| group.peer_tags = vec!["a:b".to_owned(), "c".to_owned()],
        &["group 0: a tag is not key:value"],
    );
}

#[test]
fn a_group_twice_in_a_bucket_is_told() {
    let mut same = group("a");
    same.hits = 7;
    let twice = body(vec![group("a"), group("b"), same.clone()]);
    taken(&twice, 3, &["group 2: a group twice in one bucket"]);
    let apart = bytes_of(&payload(vec![bucket(vec![group("a")]), bucket(vec![same])]));
    taken(&apart, 2, &[]);
}

#[test]
fn what_concerns_the_whole_body_is_told() {
    let nothing = ["nothing in the body", "no version of the agent"];
    taken(b"\x80", 0, &nothing);
    taken(b"\xc0", 0, &nothing);
    let mut nobody = payload(vec![bucket(vec![]), bucket(vec![group("r")])]);
    nobody.stats[0].env.clear();
    nobody.stats.push(ClientStatsPayload {
        env: "dev".to_owned(),
        ..ClientStatsPayload::default()
    });
    taken(
        &bytes_of(&nobody),
        1,
        &[
            "client 0: no env, neither of the tracer nor of the agent",
            "client 1: client stats without buckets",
            "bucket 0: a bucket without groups",
        ],
    );
    let groups = (0..=MAX_GROUPS).map(|number| group(&number.to_string()));
    let many = body(groups.collect());
    taken(&many, MAX_GROUPS + 1, &["more than 4000 groups"]);
}

#[test]
fn keeping_a_body_is_paid_for() {
    let mut payload = payload(vec![bucket(vec![group("r")])]);
    let small = taken(&bytes_of(&payload), 1, &[]).cost();
    payload.stats[0].tags = vec!["x".repeat(100); 10];
    let large = taken(&bytes_of(&payload), 1, &[]).cost();
    assert!(
        large >= small + 10 * (100 + size_of::<String>()),
        "{small} {large}"
    );
}

#[test]
fn what_is_missing_or_nil_is_zero() {
    let raw = b"\x83\xacAgentVersion\xa17\xa5Other\x91\xc0\xa5Stats\x91\x82\xa3Env\xa1e\xa5Stats\x91\x83\xa5Start\xcf\x17\x97\x9c\xfe\x36\x2a\0\0\xa8Duration\xcf\0\0\0\x02\x54\x0b\xe4\0\xa5Stats\x91\xc0";
    taken(
        raw,
        1,
        &[
            "group 0: no service",
            "group 0: no name",
            "group 0: no resource",
            "group 0: no hits",
        ],
    );
}

#[test]
fn what_is_no_msgpack_is_refused_with_its_place() {
    let whole = body(vec![group("r")]);
    for end in 0..whole.len() {
        let (decoded, _) = problems_of(CONTENT_TYPE, &whole[..end]);
        let found = (decoded.refusal, decoded.records);
        assert_eq!(found, (Some(Refusal::Malformed), None), "{end}");
    }
    refused(
        b"\x0a\x01h",
        Refusal::Malformed,
        "body not decodable: payload at byte 0: byte 0: not a map",
    );
    refused(
        b"\x81\xa5Stats\x91\x81\xa5Stats\x07",
        Refusal::Malformed,
        "body not decodable: client 0 at byte 8: byte 7: not an array",
    );
    refused(
        b"\x81\xa5Stats\x91\x81\xa5Stats\x91\x81\xa5Stats\x91\x07",
        Refusal::Malformed,
        "body not decodable: group 0 at byte 24: invalid type: integer `7`, expected struct ClientGroupedStats",
    );
}

#[test]
fn more_than_can_be_kept_is_refused_before_it_is_built() {
    let array = |count: u32, element: &[u8]| {
        let mut body = b"\x81\xa5Stats\xdd".to_vec();
        body.extend_from_slice(&count.to_be_bytes());
        for _ in 0..count {
            body.extend_from_slice(element);
        }
        body
    };
    let many = u32::try_from(scan::MAX_RECORDS).unwrap() + 1;
    let told = "more than 20000 records";
    refused(&array(many, b"\x80"), Refusal::TooLarge, told);
    refused(
        &array(1, &array(many - 1, b"\x80")),
        Refusal::TooLarge,
        told,
    );
    let groups = array(1, &array(1, &array(many - 2, b"\x80")));
    refused(&groups, Refusal::TooLarge, told);
}

#[test]
fn declared_lengths_and_depth_cost_nothing() {
    refused(
        b"\x81\xa5Stats\xdd\xff\xff\xff\xff\x80",
        Refusal::Malformed,
        "body not decodable: payload at byte 0: byte 13: the document ends inside of a value",
    );
    let deep = |levels: usize| {
        let mut raw = b"\x81\xa1x".to_vec();
        raw.resize(3 + levels, 0x91);
        raw.push(0x01);
        raw
    };
    taken(
        &deep(10),
        0,
        &["nothing in the body", "no version of the agent"],
    );
    refused(
        &deep(1_000_000),
        Refusal::Malformed,
        "body not decodable: payload at byte 0: depth limit exceeded",
    );
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(bytes: Vec<u8>) {
        let (decoded, _) = problems_of(CONTENT_TYPE, &bytes);
        prop_assert_eq!(decoded.refusal.is_none(), decoded.records.is_some());
    }

    #[test]
    fn damaged_payloads_are_taken_or_refused(at: prop::sample::Index, byte: u8) {
        let mut raw = body(vec![group("r")]);
        let at = at.index(raw.len());
        raw[at] = byte;
        let (decoded, _) = problems_of(CONTENT_TYPE, &raw);
        prop_assert_eq!(decoded.refusal.is_none(), decoded.records.is_some());
    }
}
