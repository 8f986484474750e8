//! A list of addresses that remote configuration puts and takes while requests are asked about without a pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::appsec::{AppSec, Blocking, HttpRequest, WafVerdict};
use datadog_dev_intake::{Intake, RemoteConfig};
use serde_json::json;

use crate::{library, patient_intake, remote, until};

/// Threads that ask.
const ASKERS: usize = 3;
/// Where remote configuration is asked for.
const POLLS: &str = "/api/v0.1/configurations";

/// What the verdicts of one thread were.
#[derive(Debug, Default)]
struct Verdicts {
    asked: AtomicU64,
    blocked: AtomicU64,
    /// 1 for let through, 2 for blocked, the last one; 0 before the first.
    last: AtomicU8,
    /// How often that changed.
    changes: AtomicU64,
}

/// Threads that ask about the same request again and again.
struct Traffic {
    is_over: Arc<AtomicBool>,
    askers: Vec<(Arc<Verdicts>, JoinHandle<()>)>,
}

fn ask(appsec: &AppSec, verdicts: &Verdicts) {
    let request = HttpRequest {
        method: "GET".to_owned(),
        uri: "/cart?item=7".to_owned(),
        client_ip: Some("5.6.7.8".to_owned()),
        ..HttpRequest::default()
    };
    let verdict = appsec.transaction().request(&request);
    let now = match verdict {
        WafVerdict::Allow => 1,
        WafVerdict::Block(page) if page.status == 403 => 2,
        other => panic!("{other:?} is of no set of rules"),
    };
    verdicts.asked.fetch_add(1, Ordering::Relaxed);
    verdicts
        .blocked
        .fetch_add(u64::from(now == 2), Ordering::Relaxed);
    let before = verdicts.last.swap(now, Ordering::Relaxed);
    let is_change = before != 0 && before != now;
    verdicts
        .changes
        .fetch_add(u64::from(is_change), Ordering::Relaxed);
}

impl Traffic {
    fn start(appsec: &AppSec) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let asker = |_| {
            let verdicts = Arc::new(Verdicts::default());
            let (own, appsec, is_over) =
                (Arc::clone(&verdicts), appsec.clone(), Arc::clone(&is_over));
            let asks = thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    ask(&appsec, &own);
                }
            });
            (verdicts, asks)
        };
        Self {
            askers: (0..ASKERS).map(asker).collect(),
            is_over,
        }
    }

    /// Whether the last verdict of every thread was this one.
    fn all(&self, verdict: u8) -> bool {
        let mut askers = self.askers.iter();
        askers.all(|(it, _)| it.last.load(Ordering::Relaxed) == verdict)
    }

    /// Ends; returns the verdicts in all, those that blocked, and the changes of each thread.
    fn end(self) -> (u64, u64, Vec<u64>) {
        self.is_over.store(true, Ordering::Relaxed);
        let (mut asked, mut blocked, mut changes) = (0, 0, Vec::new());
        for (verdicts, asker) in self.askers {
            asker.join().unwrap();
            asked += verdicts.asked.load(Ordering::Relaxed);
            blocked += verdicts.blocked.load(Ordering::Relaxed);
            changes.push(verdicts.changes.load(Ordering::Relaxed));
        }
        (asked, blocked, changes)
    }
}

/// Waits until that holds; it must by the next question to the backend.
async fn by_the_next_poll(intake: &Intake, what: &str, holds: impl Fn() -> bool) {
    let before = intake.requests(POLLS);
    until(what, holds).await;
    let polls = intake.requests(POLLS) - before;
    assert!(polls <= 1, "{what} after {polls} polls");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_blocked_from_one_question_to_another_and_no_request_goes_unexamined() {
    let Some(path) = library() else { return };
    let intake = patient_intake().await;
    let extra = [
        ("DD_APPSEC_LIBDDWAF_PATH", path),
        ("DD_APPSEC_WAF_TIMEOUT", "1s"),
    ];
    let mut agent = AgentCoordinator::builder(remote(&intake, &extra))
        .appsec_blocking()
        .build()
        .unwrap();
    agent.start().await.unwrap();
    let on = RemoteConfig::new("ASM_FEATURES", "on", r#"{"asm":{"enabled":true}}"#);
    let of_features = on.path();
    intake.push_config(on).unwrap();
    intake.expect_acknowledged(&of_features).await;
    let appsec = agent.appsec().unwrap();
    assert_eq!(appsec.blocking(), Blocking::Obeyed);
    let before = appsec.counts();

    let traffic = Traffic::start(&appsec);
    until("all are let through", || traffic.all(1)).await;
    let list = json!({"rules_data": [{
        "id": "blocked_ips", "type": "ip_with_expiration",
        "data": [{"value": "5.6.7.0/24", "expiration": 0}],
    }]});
    let data = RemoteConfig::new("ASM_DATA", "ips", list.to_string());
    let of_data = data.path();
    intake.push_config(data).unwrap();
    by_the_next_poll(&intake, "all are blocked", || traffic.all(2)).await;
    intake.expect_acknowledged(&of_data).await;
    assert!(intake.withdraw_config(&of_data));
    by_the_next_poll(&intake, "all are let through again", || traffic.all(1)).await;
    let (asked, blocked, changes) = traffic.end();

    // Each saw the list come once and go once: no request fell between two sets of rules.
    assert_eq!(changes, [2; ASKERS]);
    let counts = appsec.counts();
    assert_eq!(counts.requests - before.requests, asked);
    assert_eq!(counts.blocked - before.blocked, blocked);
    assert_eq!(
        (counts.errors, counts.timeouts),
        (before.errors, before.timeouts)
    );
    agent.shutdown().await.unwrap();
}
