//! Tests of the stats of tracers: reading, processing, windows, and that adding up loses nothing.

mod properties;

use std::borrow::Cow;
use std::time::Duration;

use super::*;
use crate::span::Text;
use bytes::Bytes;
use datadog_sketch::dd::{Interpolation, MappingMessage, Message, Sketch, StoreMessage};
use datadog_wire::stats::{ClientGroupedStats, ClientStatsBucket};

const T0: u64 = 1_700_000_000;
const MIB: usize = 1024 * 1024;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(T0 + seconds)
}

fn group(resource: &str, hits: u64) -> ClientGroupedStats {
    ClientGroupedStats {
        service: "web".into(),
        name: "request".into(),
        resource: resource.into(),
        hits,
        errors: 1,
        duration: 10,
        top_level_hits: hits,
        ..ClientGroupedStats::default()
    }
}

fn payload(start: u64, groups: Vec<ClientGroupedStats>) -> ClientStatsPayload {
    ClientStatsPayload {
        env: "prod".into(),
        runtime_id: "a-process".into(),
        sequence: 7,
        tracer_version: "1".into(),
        stats: vec![ClientStatsBucket {
            start: start * 1_000_000_000,
            duration: 10_000_000_000,
            stats: groups,
            agent_time_shift: 0,
        }],
        ..ClientStatsPayload::default()
    }
}

/// The sketch of values in the mapping of the agent, or in that of a tracer of Python.
fn sketch(values: &[f64]) -> Bytes {
    let mut sketch = Sketch::default();
    for value in values {
        sketch.insert(*value).unwrap();
    }
    encoded(&sketch.to_message())
}

fn sketch_of_python(values: &[f64]) -> Bytes {
    let (gamma, index_offset) = (1.015_625_f64, 1338.5);
    let index = |value: &f64| {
        #[expect(clippy::cast_possible_truncation, reason = "small")]
        let index = (value.ln() / gamma.ln() + index_offset).floor() as i32;
        index
    };
    let mut bins = std::collections::BTreeMap::new();
    for value in values {
        *bins.entry(index(value)).or_insert(0.0) += 1.0;
    }
    encoded(&Message {
        mapping: Some(MappingMessage {
            gamma,
            index_offset,
            interpolation: Interpolation::None,
        }),
        positive: StoreMessage {
            sparse: bins.into_iter().collect(),
            ..StoreMessage::default()
        },
        ..Message::default()
    })
}

fn encoded(message: &Message) -> Bytes {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes.into()
}

fn decoded(bytes: &[u8]) -> Sketch {
    Sketch::from_message(&Message::decode(bytes).unwrap()).unwrap()
}

fn aggregator() -> Aggregator {
    Aggregator::new(MIB, at(0))
}

fn flush_all(aggregator: &mut Aggregator) -> Vec<ClientStatsPayload> {
    let payloads = aggregator.flush(Due::All, at(0));
    assert_eq!(aggregator.bytes(), 0);
    payloads
}

/// The only group of the only payload.
fn only_group(aggregator: &mut Aggregator) -> ClientGroupedStats {
    let payloads = flush_all(aggregator);
    assert_eq!(payloads.len(), 1, "{payloads:?}");
    assert_eq!(payloads[0].stats[0].stats.len(), 1);
    payloads[0].stats[0].stats[0].clone()
}

#[test]
fn a_body_is_read_or_refused() {
    let body = b"\x82\xa3Env\xa4prod\xa5Stats\x91\x82\xa5Start\x05\xa5Stats\x91\x81\xa4Hits\x03";
    let read = decode(body).unwrap();
    assert_eq!(read.env, "prod");
    assert_eq!(read.stats[0].start, 5);
    assert_eq!(read.stats[0].stats[0].hits, 3);
    for end in 0..body.len() {
        assert!(
            matches!(decode(&body[..end]), Err(DecodeError::Truncated)),
            "{end}"
        );
    }
    assert!(matches!(
        decode(b"\x81\xa3Env\x05"),
        Err(DecodeError::Malformed(_))
    ));
    let nested = [[0x91; 100].as_slice(), b"\xc0"].concat();
    assert!(matches!(
        decode(&nested),
        Err(DecodeError::Refused(Refused::TooDeep))
    ));
}

struct TestRules;

impl Rules for TestRules {
    fn env<'t>(&self, env: &'t str) -> Cow<'t, str> {
        env.to_lowercase().into()
    }

    fn service<'t>(&self, service: &'t str, lang: &str) -> Cow<'t, str> {
        match service {
            "" => format!("unnamed-{lang}-service").into(),
            service => service.into(),
        }
    }

    fn name<'t>(&self, name: &'t str) -> Cow<'t, str> {
        name.trim_end_matches('!').into()
    }

    fn ignores(&self, resource: &str) -> bool {
        resource == "GET /health"
    }

    fn obfuscate<'t>(&self, kind: &str, resource: &'t str, database: &str) -> Cow<'t, str> {
        match (kind, database) {
            ("sql", "") => resource.replace("42", "?").into(),
            ("sql", "mysql") => "mysql".into(),
            _ => resource.into(),
        }
    }

    fn truncate(&self, resource: &mut Text<'_>) {
        if let Some(short) = resource.get(..20) {
            *resource = Text::Owned(short.to_owned());
        }
    }

    fn replace(&self, resource: &mut Text<'_>, http_status: &mut u32) {
        if resource.contains("secret") {
            *resource = Text::Owned(resource.replace("secret", "*"));
            *http_status = 299;
        }
    }
}

fn processed(obfuscated: Obfuscated) -> ClientStatsPayload {
    let with = |resource: &str, kind: &str| ClientGroupedStats {
        kind: kind.into(),
        name: "op!".into(),
        service: String::new(),
        ..group(resource, 1)
    };
    let mut payload = payload(
        T0,
        vec![
            with("", ""),
            with("GET /health", ""),
            with("select 42", "sql"),
            with("select 42", "web"),
            with("a secret that is much too long", ""),
            ClientGroupedStats {
                db_type: "mysql".into(),
                ..with("select 42", "sql")
            },
        ],
    );
    (payload.env, payload.container_id) = (String::new(), "of-body".into());
    payload.tracer_version.clear();
    let facts = Facts {
        container_id: "of-header",
        lang: "go",
        tracer_version: "2",
        agent_env: "NONE",
        obfuscated,
    };
    assert_eq!(process(&mut payload, &facts, &TestRules), 1);
    payload
}

#[test]
fn stats_are_brought_into_the_form_of_the_agents() {
    let payload = processed(Obfuscated::NotYet);
    assert_eq!(payload.env, "none");
    assert_eq!(payload.container_id, "of-header");
    assert_eq!(
        (payload.lang.as_str(), payload.tracer_version.as_str()),
        ("go", "2")
    );
    let groups = &payload.stats[0].stats;
    let resources: Vec<&str> = groups.iter().map(|group| group.resource.as_str()).collect();
    assert_eq!(
        resources,
        ["op", "select ?", "select 42", "a * that is muc", "mysql"]
    );
    assert_eq!(groups[3].http_status_code, 299);
    assert!(groups.iter().all(|group| group.name == "op"));
    assert!(
        groups
            .iter()
            .all(|group| group.service == "unnamed-go-service")
    );
}

#[test]
fn what_the_tracer_obfuscated_is_not_obfuscated_again() {
    let payload = processed(Obfuscated::ByClient);
    assert_eq!(payload.stats[0].stats[1].resource, "select 42");
}

#[test]
fn what_headers_say_fills_what_the_body_leaves_empty() {
    let mut full = payload(T0, Vec::new());
    full.lang = "python".into();
    full.container_id = "of-body".into();
    let facts = Facts {
        container_id: "",
        lang: "go",
        tracer_version: "2",
        agent_env: "none",
        obfuscated: Obfuscated::NotYet,
    };
    process(&mut full, &facts, &TestRules);
    assert_eq!((full.env.as_str(), full.lang.as_str()), ("prod", "python"));
    assert_eq!(
        (full.container_id.as_str(), full.tracer_version.as_str()),
        ("of-body", "1")
    );
}

#[test]
fn buckets_begin_at_odd_seconds_and_wait_eighteen() {
    let mut aggregator = aggregator();
    for start in [T0, T0 + 1, T0 + 2] {
        aggregator.add(payload(start, vec![group("/", 1)]), at(10));
    }
    // The bucket of T0 + 1 is complete when that of T0 + 3 is the oldest: at T0 + 20.
    assert_eq!(aggregator.flush(Due::Complete, at(19)), []);
    let payloads = aggregator.flush(Due::Complete, at(20));
    assert_eq!(payloads.len(), 1);
    let bucket = &payloads[0].stats[0];
    assert_eq!(bucket.start, (T0 + 1) * 1_000_000_000);
    assert_eq!(bucket.duration, 10_000_000_000);
    assert_eq!(bucket.stats[0].hits, 2);
    assert_eq!(
        aggregator.flush(Due::Complete, at(22))[0].stats[0].start,
        (T0 + 3) * 1_000_000_000
    );
}

#[test]
fn old_stats_go_to_the_oldest_bucket_and_those_of_the_future_to_the_current_one() {
    let mut aggregator = aggregator();
    for start in [0, T0 - 1000, T0 + 5, u64::MAX / 1_000_000_000] {
        aggregator.add(payload(start, vec![group("/", 1)]), at(4));
    }
    assert_eq!(aggregator.counts().moved_buckets, 4);
    let starts: Vec<(u64, u64)> = flush_all(&mut aggregator)
        .iter()
        .map(|payload| {
            (
                payload.stats[0].start / 1_000_000_000,
                payload.stats[0].stats[0].hits,
            )
        })
        .collect();
    // Eighteen seconds before T0, and T0 + 4, each on the odd second.
    assert_eq!(starts, [(T0 - 17, 2), (T0 + 5, 2)]);
}

#[test]
fn no_stats_are_no_payloads() {
    let mut aggregator = aggregator();
    aggregator.add(ClientStatsPayload::default(), at(0));
    aggregator.add(payload(T0, Vec::new()), at(0));
    assert_eq!(flush_all(&mut aggregator), []);
}

#[test]
fn what_only_one_tracer_says_stays_to_the_bit_without_what_is_of_its_process() {
    let mut aggregator = aggregator();
    let mut group = group("/", 3);
    group.ok_summary = sketch_of_python(&[1e6, 2e6]);
    group.error_summary = Bytes::from_static(b"whatever");
    group.db_type = "x".into();
    group.http_method = "GET".into();
    group.peer_tags = vec!["b:1".into(), "a:2".into()];
    let mut sent = payload(T0, vec![group.clone()]);
    sent.tags = vec!["t:1".into()];
    sent.process_tags = "p:1".into();
    sent.process_tags_hash = 9;
    aggregator.add(sent, at(0));
    group.peer_tags.reverse();
    let expected = ClientStatsPayload {
        env: "prod".into(),
        stats: vec![ClientStatsBucket {
            start: (T0 + 1) * 1_000_000_000,
            duration: 10_000_000_000,
            stats: vec![group],
            agent_time_shift: 0,
        }],
        tags: vec!["t:1".into()],
        process_tags: "p:1".into(),
        process_tags_hash: 9,
        ..ClientStatsPayload::default()
    };
    assert_eq!(flush_all(&mut aggregator), [expected]);
}

#[test]
fn what_two_tracers_say_is_added_up_in_the_mapping_of_the_agent() {
    let mut aggregator = aggregator();
    for summary in [
        sketch_of_python(&[1e6, 2e6]),
        sketch(&[3e6]),
        sketch_of_python(&[4e6]),
    ] {
        let mut group = group("/", 2);
        group.ok_summary = summary;
        aggregator.add(payload(T0, vec![group]), at(0));
    }
    let group = only_group(&mut aggregator);
    assert_eq!(
        (
            group.hits,
            group.errors,
            group.duration,
            group.top_level_hits
        ),
        (6, 3, 30, 6)
    );
    let message = Message::decode(&group.ok_summary).unwrap();
    let mapping = message.mapping.unwrap();
    assert_eq!((mapping.gamma, mapping.index_offset), (1.01 / 0.99, 0.0));
    assert!((decoded(&group.ok_summary).count() - 4.0).abs() < 1e-9);
    assert_eq!(group.error_summary, "");
}

#[test]
fn groups_that_became_equal_within_a_payload_are_added_up() {
    let mut aggregator = aggregator();
    let mut groups = vec![group("/", 1), group("/", 2), group("/other", 4)];
    groups[0].ok_summary = sketch(&[1.0]);
    groups[1].ok_summary = sketch(&[2.0, 3.0]);
    aggregator.add(payload(T0, groups), at(0));
    let payloads = flush_all(&mut aggregator);
    let mut groups = payloads[0].stats[0].stats.clone();
    groups.sort_by_key(|group| group.hits);
    assert_eq!((groups[0].hits, groups[1].hits), (3, 4));
    assert_eq!(decoded(&groups[0].ok_summary).count(), 3.0);
}

#[test]
fn sketches_that_are_none_are_counted_and_spoil_no_other() {
    let mut aggregator = aggregator();
    let mut add = |summary: Bytes| {
        let mut group = group("/", 1);
        group.ok_summary = summary;
        aggregator.add(payload(T0, vec![group]), at(0));
        aggregator.counts().malformed_sketches
    };
    assert_eq!(add(Bytes::from_static(b"what")), 0, "not looked at yet");
    assert_eq!(add(sketch(&[1.0])), 1, "the first was none");
    assert_eq!(add(Bytes::from_static(b"what")), 2);
    assert_eq!(add(sketch(&[2.0])), 2);
    assert_eq!(add(vec![0; 300_000].into()), 3);
    assert_eq!(add(Bytes::new()), 3);
    let group = only_group(&mut aggregator);
    assert_eq!(group.hits, 6);
    assert_eq!(decoded(&group.ok_summary), decoded(&sketch(&[1.0, 2.0])));
}

#[test]
fn processes_are_added_up_and_services_are_not() {
    let mut aggregator = aggregator();
    for (runtime_id, service) in [("1", "a"), ("2", "a"), ("3", "b")] {
        let mut payload = payload(T0, vec![group("/", 1)]);
        payload.runtime_id = runtime_id.into();
        payload.service = service.into();
        aggregator.add(payload, at(0));
    }
    let mut hits: Vec<(String, u64)> = flush_all(&mut aggregator)
        .into_iter()
        .map(|payload| (payload.service, payload.stats[0].stats[0].hits))
        .collect();
    hits.sort();
    assert_eq!(hits, [("a".into(), 2), ("b".into(), 1)]);
}

#[test]
fn memory_is_bounded_and_what_does_not_fit_is_counted() {
    let mut aggregator = Aggregator::new(100_000, at(0));
    for resource in 0..1_000 {
        let mut group = group(&resource.to_string(), 2);
        group.ok_summary = sketch(&[1.0]);
        aggregator.add(payload(T0, vec![group]), at(0));
        assert!(aggregator.bytes() <= 100_000 + 64 * 1024);
    }
    let counts = aggregator.counts();
    assert!(counts.groups > 20);
    assert_eq!(counts.groups + counts.dropped_groups, 1_000);
    assert_eq!(counts.dropped_hits, counts.dropped_groups * 2);
    let mut known = group("0", 2);
    known.ok_summary = sketch(&[1.0]);
    aggregator.add(payload(T0, vec![known]), at(0));
    assert_eq!(
        aggregator.counts().dropped_sketches,
        counts.dropped_sketches + 1
    );
    assert_eq!(aggregator.counts().groups, counts.groups + 1);
    // Neither are there new payloads.
    let mut other = payload(T0, vec![group("0", 2)]);
    other.env = "other".into();
    let bytes = aggregator.bytes();
    aggregator.add(other, at(0));
    assert_eq!(aggregator.bytes(), bytes);
    assert_eq!(
        aggregator.counts().dropped_groups,
        counts.dropped_groups + 1
    );
    flush_all(&mut aggregator);
}

#[test]
fn the_stored_inputs_of_the_fuzz_target_pass_its_check() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = corpus.join("../../fuzz/corpus/traces_stats");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::client_stats(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 10, "the corpus is where it should be");
}
