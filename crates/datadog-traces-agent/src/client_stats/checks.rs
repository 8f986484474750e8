//! What must hold of stats of tracers, from the body to requests for the intake: run by the fuzz target on bytes it
//! makes up, and by tests.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::Telemetry;
use datadog_wire::stats::{ClientStatsPayload, MAX_BODY_BYTES, MAX_GROUPS, StatsPayload};

use super::{Aggregator, Due, Facts, Obfuscated, decode, process};
use crate::aggregator::service::SharedStats;
use crate::config::Config;
use crate::processor::Processor;
use crate::replace::Rule;
use crate::stats::{self, Agent, Origin};

/// Bytes that open buckets may have where memory is short, and where it is not.
const MEMORY: [usize; 2] = [4_000, 16 * 1_024 * 1_024];
/// By how much a group and its sketches may go beyond that, beside what the body holds.
const BEYOND: usize = 256 * 1_024;
/// The time; inputs have starts around it.
const NOW: Duration = Duration::from_secs(1_700_000_000);

/// The rules of an agent that ignores, replaces and obfuscates.
static RULES: LazyLock<Arc<Processor>> = LazyLock::new(|| {
    let mut config = Config::from_intake("http://localhost", None, "localhost");
    config.filter.ignore_resources = vec!["^GET /health".to_owned()];
    config.replace = vec![Rule {
        name: "*".to_owned(),
        pattern: "[0-9]{3,}".to_owned(),
        repl: "404".to_owned(),
    }];
    let rules = Processor::new(
        &config,
        SharedStats::new(&config),
        &Telemetry::default(),
        event_bus::Sender::default(),
        None,
    );
    rules.unwrap_or_else(|error| panic!("{error}"))
});

/// Takes a body that follows a byte of choices all the way.
pub fn client_stats(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let Ok(mut payload) = decode(body) else {
        return;
    };
    let came = groups(&payload);
    let facts = Facts {
        container_id: if choice & 1 == 0 { "" } else { "abc" },
        lang: "go",
        tracer_version: "1",
        agent_env: "none",
        obfuscated: if choice & 2 == 0 {
            Obfuscated::NotYet
        } else {
            Obfuscated::ByClient
        },
    };
    let ignored = process(&mut payload, &facts, RULES.as_ref());
    assert_eq!(came, groups(&payload) + ignored);
    check_processed(&payload);
    let mut aggregator = Aggregator::new(MEMORY[usize::from(choice >> 2 & 1)], NOW);
    let times = 1 + u64::from(choice >> 3 & 1);
    for _ in 0..times {
        aggregator.add(payload.clone(), NOW);
    }
    let limit = MEMORY[usize::from(choice >> 2 & 1)] + 8 * body.len() + BEYOND;
    assert!(
        aggregator.bytes() <= limit,
        "{} bytes of {limit}",
        aggregator.bytes()
    );
    let due = if choice & 16 == 0 {
        Due::All
    } else {
        Due::Complete
    };
    let later = NOW + Duration::from_secs(60);
    let taken = aggregator.flush(due, later);
    assert_eq!(aggregator.bytes(), 0);
    let lost = aggregator.counts().dropped_hits;
    check_requests(taken, hits(&payload).saturating_mul(times.into()), lost);
}

/// Every group has what the backend tells groups apart by, within its limits.
fn check_processed(payload: &ClientStatsPayload) {
    // The agent has one for those who have none.
    assert!(!payload.env.is_empty());
    for group in payload.stats.iter().flat_map(|bucket| &bucket.stats) {
        assert!(
            !group.service.is_empty() && group.service.len() <= 100,
            "{}",
            group.service
        );
        assert!(
            !group.name.is_empty() && group.name.len() <= 100,
            "{}",
            group.name
        );
    }
}

/// No hit is lost but with a count, and every request is what the intake takes.
fn check_requests(taken: Vec<ClientStatsPayload>, came: u128, lost: u64) {
    let requests = stats::requests(&Agent::default(), Origin::Client, taken);
    let mut sent = 0_u128;
    for request in &requests {
        assert_eq!(request.split_payload, requests.len() > 1);
        let groups: usize = request.stats.iter().map(groups).sum();
        assert!((1..=MAX_GROUPS).contains(&groups));
        sent += request.stats.iter().map(hits).sum::<u128>();
        let written = stats::encode(request).unwrap_or_else(|error| panic!("{error}"));
        assert!(written.len() <= MAX_BODY_BYTES);
        let read: StatsPayload =
            rmp_serde::from_slice(&written).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(&read, request);
    }
    // Counts stop at the largest number, which only made up ones reach.
    if came < u64::MAX.into() {
        assert_eq!(sent + u128::from(lost), came);
    }
}

fn groups(payload: &ClientStatsPayload) -> usize {
    payload.stats.iter().map(|bucket| bucket.stats.len()).sum()
}

fn hits(payload: &ClientStatsPayload) -> u128 {
    let buckets = payload.stats.iter().flat_map(|bucket| &bucket.stats);
    buckets.map(|group| u128::from(group.hits)).sum()
}
