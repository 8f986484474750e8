//! An intake that misbehaves: whatever it does, an item arrives once, or is counted as dropped with its reason.
//!
//! An item may arrive twice only where the intake took it and its answer did not come in time.

use std::collections::BTreeMap;
use std::time::Duration;

use datadog_agent_runtime::telemetry::Metric;
use datadog_dev_intake::Intake;
use datadog_forwarder::service::Pauses;
use datadog_metrics_agent::{Config, FlushReport};
use tokio::time::Instant;

use super::{Agent, LONG, config, udp};

/// Time for an attempt, where the intake will not answer; it answers anything else far sooner.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time for a flush or an end that cannot succeed.
const SHORT: Duration = Duration::from_millis(200);

/// Items of a round: one of each kind.
const ITEMS: u64 = 4;

/// Pauses as by default, a thousand times shorter.
fn hurried(intake: &Intake) -> Config {
    let mut config = config(intake, vec![udp()]);
    config.pauses = Pauses::ErrorCount {
        factor: 2.0,
        base_s: 0.002,
        max_s: 0.064,
        recovery_interval: 2,
        recovery_reset: false,
    };
    config
}

/// Sends one item of each kind, all named after the round.
fn send(agent: &Agent, round: u64) {
    let lines = format!(
        "series.{round}:1|c\nsketch.{round}:1|d\n_e{{{},0}}:event.{round}|\n_sc|check.{round}|0",
        format!("event.{round}").len()
    );
    agent.running.handle().send(lines.as_bytes()).unwrap();
}

/// How often each item arrived.
fn arrived(intake: &Intake) -> BTreeMap<String, u64> {
    let series = intake.series().into_iter().map(|it| it.metric);
    let sketches = intake.sketches().into_iter().map(|it| it.metric);
    let events = intake.events().into_iter().map(|it| it.title);
    let checks = intake.checks().into_iter().map(|it| it.check);
    let mut arrived = BTreeMap::new();
    for name in series.chain(sketches).chain(events).chain(checks) {
        *arrived.entry(name).or_default() += 1;
    }
    arrived
}

/// All items of these rounds, so often each.
fn rounds(rounds: std::ops::Range<u64>, often: u64) -> BTreeMap<String, u64> {
    let kinds = ["series", "sketch", "event", "check"];
    rounds
        .flat_map(|round| kinds.map(|kind| (format!("{kind}.{round}"), often)))
        .collect()
}

/// What came of everything.
#[derive(Debug, Default, PartialEq, Eq)]
struct Settled {
    sent: u64,
    retried: u64,
    dropped: BTreeMap<&'static str, u64>,
}

impl Settled {
    fn of<const N: usize>(sent: u64, retried: u64, dropped: [(&'static str, u64); N]) -> Self {
        Self {
            sent,
            retried,
            dropped: BTreeMap::from(dropped),
        }
    }
}

/// Flushes until nothing waits any more: each flush tries everything once.
async fn settle(agent: &Agent) -> Settled {
    let mut settled = Settled::default();
    loop {
        let report = flush_for(agent, LONG).await;
        settled.sent += report.items_sent;
        settled.retried += report.retried;
        for (reason, items) in report.dropped {
            *settled.dropped.entry(reason).or_default() += items;
        }
        if report.pending_items == 0 {
            return settled;
        }
    }
}

async fn flush_for(agent: &Agent, time: Duration) -> FlushReport {
    agent.running.flush(Instant::now() + time).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_now_arrives_once() {
    for status in [404, 408, 429, 500, 503] {
        let intake = Intake::start().await;
        intake.on("*").reply(status).times(6);
        let agent = Agent::start(hurried(&intake)).await;
        send(&agent, 0);
        let settled = settle(&agent).await;
        assert_eq!(arrived(&intake), rounds(0..1, 1), "{status}");
        assert_eq!(settled, Settled::of(ITEMS, 6, []), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_intake_asks_for_is_kept_to() {
    let intake = Intake::start().await;
    intake.on("*").reply_once(429).retry_after(1);
    let agent = Agent::start(hurried(&intake)).await;
    send(&agent, 0);
    settle(&agent).await;
    assert_eq!(arrived(&intake), rounds(0..1, 1));
    let requests = intake.raw_requests();
    let [refused, next] = &requests[..2] else {
        panic!("{} requests", requests.len());
    };
    assert_eq!(refused.status, Some(429));
    assert!(next.received_at_ms - refused.received_at_ms >= 1_000);
    assert!(agent.count(Metric::MetricsRetryWaitMs, &[]) >= 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_dropped_with_its_reason_and_nothing_else_is() {
    for (status, reason) in [
        (301, "client_4xx"),
        (400, "client_4xx"),
        (403, "client_4xx"),
        (413, "too_large"),
    ] {
        let intake = Intake::start().await;
        intake.on("/api/v2/series").reply_once(status);
        let agent = Agent::start(hurried(&intake)).await;
        send(&agent, 0);
        let settled = settle(&agent).await;
        let expected = Settled::of(ITEMS - 1, 0, [(reason, 1)]);
        assert_eq!(settled, expected, "{status}");
        send(&agent, 1);
        settle(&agent).await;
        let mut expected = rounds(0..2, 1);
        expected.remove("series.0");
        assert_eq!(arrived(&intake), expected, "{status}");
        let labels = [("reason", reason)];
        assert_eq!(agent.count(Metric::MetricsDropped, &labels), 1, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_are_halved_until_every_item_of_every_kind_arrives_once() {
    let intake = Intake::start().await;
    intake.on("*").min_items(2).reply(413);
    let agent = Agent::start(hurried(&intake)).await;
    for round in 0..7 {
        send(&agent, round);
    }
    let settled = settle(&agent).await;
    assert_eq!(arrived(&intake), rounds(0..7, 1));
    assert_eq!((settled.sent, settled.dropped.len()), (7 * ITEMS, 0));
    // Each kind is refused as 7, 3 and 4, 2, 2 and 2, and taken in ones.
    assert_eq!(intake.requests("/api/v2/series"), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_intake_leaves_without_an_answer_arrives_once() {
    let intake = Intake::start().await;
    intake.on("*").hang().times(2);
    let mut config = hurried(&intake);
    config.request_timeout = PATIENCE;
    let agent = Agent::start(config).await;
    send(&agent, 0);
    let settled = settle(&agent).await;
    assert_eq!(arrived(&intake), rounds(0..1, 1));
    assert_eq!(settled, Settled::of(ITEMS, 2, []));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_before_the_body_is_read_doubles_nothing() {
    let intake = Intake::start().await;
    intake.on("*").close_after_reading(10).times(6);
    let agent = Agent::start(hurried(&intake)).await;
    send(&agent, 0);
    let settled = settle(&agent).await;
    assert_eq!(arrived(&intake), rounds(0..1, 1));
    assert_eq!(settled, Settled::of(ITEMS, 6, []));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_doubles_what_it_was_about_and_nothing_else() {
    let intake = Intake::start().await;
    intake.on("/api/v2/series").delay(LONG).times(1);
    let mut config = hurried(&intake);
    config.request_timeout = PATIENCE;
    let agent = Agent::start(config).await;
    for round in 0..2 {
        send(&agent, round);
        settle(&agent).await;
    }
    let mut expected = rounds(0..2, 1);
    expected.insert("series.0".to_owned(), 2);
    assert_eq!(arrived(&intake), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_the_intake_is_down_arrives_once_when_it_is_back() {
    let intake = Intake::start().await;
    let agent = Agent::start(hurried(&intake)).await;
    send(&agent, 0);
    agent.flush().await;
    intake.kill().await;
    for round in 1..10 {
        send(&agent, round);
        flush_for(&agent, Duration::ZERO).await;
    }
    let report = flush_for(&agent, SHORT).await;
    assert_eq!(report.pending_items, 9 * ITEMS);
    assert_eq!(arrived(&intake), rounds(0..1, 1));
    intake.revive().await.unwrap();
    let settled = settle(&agent).await;
    assert_eq!(arrived(&intake), rounds(0..10, 1));
    assert_eq!((settled.sent, settled.dropped.len()), (9 * ITEMS, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_while_the_intake_is_down_is_dropped_oldest_first_and_counted() {
    let intake = Intake::start().await;
    let mut config = hurried(&intake);
    config.redrive_bytes = 1_500;
    let agent = Agent::start(config).await;
    intake.kill().await;
    for round in 0..40 {
        send(&agent, round);
        // One after the other, so that each has been tried when the next comes.
        flush_for(&agent, Duration::from_millis(20)).await;
    }
    intake.revive().await.unwrap();
    settle(&agent).await;
    let arrived = arrived(&intake);
    let lost = agent.count(Metric::MetricsDropped, &[]);
    assert_eq!(arrived.len() as u64 + lost, 40 * ITEMS);
    assert!(lost > 0, "the queue was full");
    assert!(arrived.values().all(|&times| times == 1), "{arrived:?}");
    assert!(arrived.contains_key("check.39"), "the newest stay");
    assert!(!arrived.contains_key("series.0"), "the oldest go");
    let full = agent.count(Metric::MetricsDropped, &[("reason", "redrive_full")]);
    assert_eq!(full, lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_at_the_end_is_counted() {
    let intake = Intake::start().await;
    let agent = Agent::start(hurried(&intake)).await;
    intake.kill().await;
    send(&agent, 0);
    agent.stop.signal(Instant::now() + SHORT);
    let telemetry = agent.telemetry.clone();
    let report = agent.running.join().await;
    assert_eq!((report.sent, report.pending), (0, ITEMS));
    let lost = BTreeMap::from([("shutdown".to_owned(), ITEMS)]);
    assert_eq!(report.dropped, lost);
    assert_eq!(telemetry.sum(Metric::MetricsDropped, &[]), ITEMS);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_mixture_of_passing_faults_loses_and_doubles_nothing() {
    for seed in 0..4 {
        let intake = Intake::start().await;
        let mut config = hurried(&intake);
        config.concurrency = 1 + seed % 3;
        let agent = Agent::start(config).await;
        let mut random = fastrand::Rng::with_seed(seed as u64);
        for _ in 0..20 {
            let path = ["/api/v2/series", "/api/beta/sketches", "/intake/", "*"][random.usize(..4)];
            let fault = intake.on(path).times(random.u64(1..4));
            drop(match random.usize(..5) {
                0 => fault.reply(429),
                1 => fault.reply(500),
                2 => fault.reply(404),
                3 => fault.min_items(2).reply(413),
                _ => fault.close_after_reading(1),
            });
        }
        for round in 0..30 {
            send(&agent, round);
            if random.bool() {
                agent.flush().await;
            }
        }
        settle(&agent).await;
        assert_eq!(arrived(&intake), rounds(0..30, 1), "seed {seed}");
        assert_eq!(agent.count(Metric::MetricsDropped, &[]), 0, "seed {seed}");
        assert_eq!(
            agent.count(Metric::MetricsSent, &[]),
            30 * ITEMS,
            "seed {seed}"
        );
    }
}
