//! When a batch is due, who is refused meanwhile, and how the service ends. Nothing is sent: the forwarder does not
//! run, and takes one batch.

use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::Metric;
use datadog_forwarder::ApiKey;
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use super::*;
use crate::flusher::Tasks;
use crate::{Destination, IntakeEntry};

struct Rig {
    handle: AggregatorHandle,
    service: JoinHandle<()>,
    budget: Budget,
    telemetry: Telemetry,
    signal: DrainSignal,
    _tasks: Tasks,
}

impl Rig {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let destination = Destination::Datadog {
            url: "http://127.0.0.1:9/api/v2/logs".to_owned(),
        };
        let mut config = Config::from_destination(destination, Some(ApiKey::fixed("key")));
        change(&mut config);
        let telemetry = Telemetry::default();
        let client = Client::new(ConnectConfig::default()).unwrap();
        let (signal, drain) = drain::channel();
        let (flusher, tasks) = Flusher::new(
            &config,
            client,
            telemetry.clone(),
            &event_bus::Sender::default(),
            &drain,
        )
        .unwrap();
        let budget = Budget::new(config.memory_bytes);
        let (service, handle) = AggregatorService::new(
            &config,
            Rules::compile(&[]).unwrap(),
            flusher,
            budget.clone(),
            telemetry.clone(),
            drain,
        );
        Self {
            handle,
            service: tokio::spawn(service.run()),
            budget,
            telemetry,
            signal,
            _tasks: tasks,
        }
    }

    fn insert(&self, entries: usize) {
        let entries = vec![IntakeEntry::from_message("x", 1_700_000_000_000); entries];
        self.handle.insert_batch(&entries).unwrap();
    }

    /// What is queued once the service has done all it can: the clock stands still until then.
    async fn queued(&self) -> usize {
        sleep(Duration::from_millis(1)).await;
        self.handle.len()
    }

    fn lost(&self, reason: &str) -> u64 {
        self.telemetry
            .sum(Metric::LogsDropped, &[("reason", reason)])
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_due_when_its_oldest_entry_has_waited() {
    let rig = Rig::new(|_| {});
    rig.insert(1);
    advance(Duration::from_secs(3)).await;
    rig.insert(1);
    advance(Duration::from_millis(1_990)).await;
    assert_eq!(rig.queued().await, 2);
    advance(Duration::from_millis(9)).await;
    assert_eq!(rig.queued().await, 0);
}

#[tokio::test(start_paused = true)]
async fn on_demand_nothing_but_a_full_batch_is_due() {
    let rig = Rig::new(|config| config.flush = FlushStrategy::OnDemand);
    rig.insert(999);
    advance(Duration::from_secs(3_600)).await;
    assert_eq!(rig.queued().await, 999);
    rig.insert(1);
    assert_eq!(rig.queued().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_before_a_batch_is_does_not_wait() {
    let rig = Rig::new(|config| {
        config.flush = FlushStrategy::OnDemand;
        config.buffer.entries = 10;
    });
    rig.insert(10);
    assert_eq!(rig.queued().await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_answered_while_the_forwarder_takes_nothing() {
    let rig = Rig::new(|config| {
        config.batch.entries = 1;
        config.buffer.entries = 3;
    });
    // One batch is in the forwarder's channel, and one on its way there.
    rig.insert(2);
    assert_eq!(rig.queued().await, 0);
    rig.insert(3);
    assert_eq!(rig.queued().await, 3);
    let entry = [IntakeEntry::from_message("x", 1)];
    assert_eq!(rig.handle.insert_batch(&entry), Err(InsertError::Full));
    assert_eq!(rig.lost("queue_full"), 1);
    // The memory of all five is held, at 41 bytes of JSON each.
    assert_eq!(rig.budget.used(), 5 * (41 + 64));
    assert_eq!(rig.handle.bytes(), 3 * (41 + 64));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_waits_enters_as_soon_as_a_batch_goes() {
    let rig = Rig::new(|config| {
        config.buffer.entries = 10;
        config.flush = FlushStrategy::OnDemand;
    });
    let file = rig.handle.for_source(Source::File(1));
    rig.insert(10);
    let entries = vec![IntakeEntry::from_message("x", 1); 3];
    file.insert_batch_wait(&entries).await.unwrap();
    assert_eq!(rig.queued().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_memory_ends_with_the_service() {
    let rig = Rig::new(|config| {
        config.batch.entries = 1;
        config.memory_bytes = 3 * 1_024 * 1_024;
    });
    let entry = [IntakeEntry::from_message("x".repeat(800_000), 1)];
    for _ in 0..3 {
        rig.handle.insert_batch(&entry).unwrap();
    }
    let waiting = tokio::spawn({
        let file = rig.handle.for_source(Source::File(1));
        async move { file.insert_batch_wait(&entry).await }
    });
    sleep(Duration::from_millis(1)).await;
    rig.service.abort();
    assert_eq!(waiting.await.unwrap(), Err(InsertError::Stopped));
}

#[tokio::test(start_paused = true)]
async fn the_service_ends_when_every_handle_is_gone() {
    let rig = Rig::new(|_| {});
    rig.insert(5);
    let Rig {
        handle, service, ..
    } = rig;
    let second = handle.for_source(Source::Http);
    drop(handle);
    sleep(Duration::from_millis(1)).await;
    assert!(!service.is_finished());
    drop(second);
    service.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_forwarder_does_not_take_in_time_is_counted() {
    let rig = Rig::new(|config| config.batch.entries = 1);
    rig.insert(5);
    rig.handle.shutdown().await;
    let entry = [IntakeEntry::from_message("late", 1)];
    assert_eq!(rig.handle.insert_batch(&entry), Err(InsertError::Stopped));
    let start = Instant::now();
    rig.signal.signal(start + Duration::from_secs(3_600));
    sleep(Duration::from_secs(1)).await;
    rig.signal.signal(start + Duration::from_secs(2));
    rig.service.await.unwrap();
    assert_eq!(
        start.elapsed(),
        Duration::from_secs(2),
        "the last word counts"
    );
    assert_eq!(
        rig.telemetry
            .sum(Metric::LogsDropped, &[("reason", "shutdown")]),
        4,
        "one is in the forwarder's hands"
    );
    assert_eq!(rig.handle.len(), 0);
    assert_eq!(rig.telemetry.sum(Metric::LogsEntriesReceived, &[]), 5);
}
