//! Tells whoever runs the agent what happened: health, flushes, failures.
//!
//! Notices only; data never goes through it, and a producer never waits for it. What is full drops and counts, but for
//! received traces, which are added up: one notice of them in [`TRACES_EVERY`], however many came.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{Instant, sleep_until};

use crate::telemetry::{Metric, Series, Telemetry};

/// Events that wait at once unless configured otherwise.
pub const MAX_EVENTS: usize = 100;

/// Received traces are told of at most once in this time.
pub const TRACES_EVERY: Duration = Duration::from_millis(100);

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Tracers sent spans.
    TraceReceived {
        /// The trace of the first span.
        trace_id: u64,
        /// Spans that came since the notice before.
        span_count: usize,
    },
    /// Spans were accepted by the intake.
    TracesFlushed {
        /// How many.
        count: usize,
    },
    /// Groups of trace statistics were accepted by the intake.
    StatsFlushed {
        /// How many.
        count: usize,
    },
    /// Log entries were accepted by the intake.
    LogsFlushed {
        /// How many.
        count: usize,
    },
    /// Series, sketches, events and service checks were accepted by the intake.
    MetricsFlushed {
        /// How many.
        count: usize,
    },
    /// A payload was given up, or waits for another try.
    FlushFailed {
        /// Whose payload.
        product: Product,
        /// Attempts after the first.
        retries: u32,
    },
    /// The agent's health is another than before.
    HealthChanged(Health),
    /// Remote configuration took effect.
    ConfigUpdated,
    /// The process with this id ran out of memory.
    OutOfMemory(i64),
    /// The last event: whoever reads stops reading, and the agent shuts down.
    Tombstone,
}

/// A pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Product {
    /// Spans.
    Traces,
    /// Statistics about spans.
    Stats,
    /// Log entries.
    Logs,
    /// Series, sketches, events and service checks.
    Metrics,
}

/// How the agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Everything that was asked for runs.
    Running,
    /// Shutting down as asked.
    Stopping,
    /// A task that the agent cannot do without has ended.
    Failed,
}

/// The end at which events are read.
#[derive(Debug)]
pub struct EventBus {
    /// The events, for those who have a use for what follows a [`Event::Tombstone`]; else see [`EventBus::next`].
    pub rx: Receiver<Event>,
    traces: Arc<Traces>,
    buried: bool,
}

/// The end at which events are sent; cheap to clone. The default one leads nowhere.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    door: Option<Door>,
}

#[derive(Debug, Clone)]
struct Door {
    tx: mpsc::Sender<Event>,
    traces: Arc<Traces>,
    dropped: Series,
}

/// Received traces that nobody was told of yet.
#[derive(Debug, Default)]
struct Traces {
    held: Mutex<Option<Held>>,
    came: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    trace_id: u64,
    span_count: usize,
    since: Instant,
}

/// Tells of the flushes of one product; cheap to clone.
#[derive(Debug, Clone)]
pub struct Producer {
    events: Sender,
    product: Product,
}

impl EventBus {
    /// Both ends of a bus on which `capacity` events wait, at least one.
    #[must_use]
    pub fn run(capacity: usize, telemetry: &Telemetry) -> (Self, Sender) {
        let (tx, rx) = mpsc::channel(capacity.max(1));
        let traces = Arc::<Traces>::default();
        let door = Door {
            tx,
            traces: Arc::clone(&traces),
            dropped: telemetry.series(Metric::EventsDropped, &[]),
        };
        let bus = Self {
            rx,
            traces,
            buried: false,
        };
        (bus, Sender { door: Some(door) })
    }

    /// Waits for an event; `None` after a [`Event::Tombstone`], or when every sender is gone. May be dropped unharmed.
    pub async fn next(&mut self) -> Option<Event> {
        if self.buried {
            return None;
        }
        let event = tokio::select! {
            biased;
            event = self.rx.recv() => event.or_else(|| self.traces.take()),
            event = self.traces.due() => Some(event),
        };
        self.buried = event == Some(Event::Tombstone);
        event
    }
}

impl Traces {
    /// Adds what came; never waits for more than another who adds.
    fn add(&self, trace_id: u64, span_count: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut() {
            held.span_count = held.span_count.saturating_add(span_count);
            return;
        }
        *held = Some(Held {
            trace_id,
            span_count,
            since: Instant::now(),
        });
        self.came.notify_one();
    }

    fn take(&self) -> Option<Event> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.take().map(|held| Event::TraceReceived {
            trace_id: held.trace_id,
            span_count: held.span_count,
        })
    }

    /// Waits until there is something that has waited for long enough.
    async fn due(&self) -> Event {
        loop {
            let since = {
                let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.as_ref().map(|held| held.since)
            };
            match since {
                Some(since) => sleep_until(since + TRACES_EVERY).await,
                None => {
                    self.came.notified().await;
                    continue;
                }
            }
            if let Some(event) = self.take() {
                return event;
            }
        }
    }
}

impl Sender {
    /// Sends an event; drops and counts it when the bus is full. Once nobody reads any more, nothing is missed.
    pub fn send(&self, event: Event) {
        let Some(door) = &self.door else { return };
        if let Event::TraceReceived {
            trace_id,
            span_count,
        } = event
        {
            door.traces.add(trace_id, span_count);
        } else if let Err(mpsc::error::TrySendError::Full(_)) = door.tx.try_send(event) {
            door.dropped.add(1);
        }
    }

    /// The same door, for the flushes of one product.
    #[must_use]
    pub fn of(&self, product: Product) -> Producer {
        Producer {
            events: self.clone(),
            product,
        }
    }
}

impl Producer {
    /// The intake accepted a payload with so many items.
    pub fn flushed(&self, items: u64) {
        let count = usize::try_from(items).unwrap_or(usize::MAX);
        self.events.send(match self.product {
            Product::Traces => Event::TracesFlushed { count },
            Product::Stats => Event::StatsFlushed { count },
            Product::Logs => Event::LogsFlushed { count },
            Product::Metrics => Event::MetricsFlushed { count },
        });
    }

    /// An attempt to send a payload failed, after so many others.
    pub fn failed(&self, retries: u32) {
        let product = self.product;
        self.events.send(Event::FlushFailed { product, retries });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_bus_drops_and_counts_and_never_blocks() {
        let telemetry = Telemetry::default();
        let (mut bus, sender) = EventBus::run(MAX_EVENTS, &telemetry);
        for count in 0..150 {
            sender.send(Event::LogsFlushed { count });
        }
        assert_eq!(telemetry.sum(Metric::EventsDropped, &[]), 50);
        for count in 0..100 {
            assert_eq!(bus.rx.try_recv(), Ok(Event::LogsFlushed { count }));
        }
        assert!(bus.rx.try_recv().is_err());
    }

    #[tokio::test]
    async fn nothing_is_read_after_the_tombstone() {
        let (mut bus, sender) = EventBus::run(MAX_EVENTS, &Telemetry::default());
        for event in [Event::ConfigUpdated, Event::Tombstone, Event::ConfigUpdated] {
            sender.send(event);
        }
        assert_eq!(bus.next().await, Some(Event::ConfigUpdated));
        assert_eq!(bus.next().await, Some(Event::Tombstone));
        assert_eq!(bus.next().await, None);
        assert_eq!(bus.next().await, None);
    }

    #[tokio::test]
    async fn bus_ends_with_its_last_sender() {
        let (mut bus, sender) = EventBus::run(0, &Telemetry::default());
        let other = sender.clone();
        sender.send(Event::HealthChanged(Health::Running));
        drop((sender, other));
        assert_eq!(
            bus.next().await,
            Some(Event::HealthChanged(Health::Running))
        );
        assert_eq!(bus.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn received_traces_are_told_of_once_in_100_ms_however_many_came() {
        let telemetry = Telemetry::default();
        let (mut bus, sender) = EventBus::run(1, &telemetry);
        let begin = Instant::now();
        for trace_id in 7..1_007 {
            sender.send(Event::TraceReceived {
                trace_id,
                span_count: 3,
            });
        }
        let told = Event::TraceReceived {
            trace_id: 7,
            span_count: 3_000,
        };
        assert_eq!(bus.next().await, Some(told));
        assert_eq!(begin.elapsed(), TRACES_EVERY);
        assert_eq!(telemetry.sum(Metric::EventsDropped, &[]), 0);

        // What is held when the last sender goes is told of before the end.
        let last = Event::TraceReceived {
            trace_id: 1,
            span_count: 1,
        };
        sender.send(last);
        drop(sender);
        assert_eq!(bus.next().await, Some(last));
        assert_eq!(bus.next().await, None);
    }

    #[tokio::test]
    async fn a_producer_tells_of_its_product() {
        let (mut bus, sender) = EventBus::run(MAX_EVENTS, &Telemetry::default());
        sender.of(Product::Stats).flushed(3);
        sender.of(Product::Metrics).failed(2);
        assert_eq!(bus.next().await, Some(Event::StatsFlushed { count: 3 }));
        let failed = Event::FlushFailed {
            product: Product::Metrics,
            retries: 2,
        };
        assert_eq!(bus.next().await, Some(failed));
        Sender::default().send(Event::ConfigUpdated);
    }

    #[test]
    fn bus_that_nobody_reads_any_more_counts_nothing() {
        let telemetry = Telemetry::default();
        let (bus, sender) = EventBus::run(1, &telemetry);
        drop(bus);
        sender.send(Event::ConfigUpdated);
        sender.send(Event::ConfigUpdated);
        assert_eq!(telemetry.sum(Metric::EventsDropped, &[]), 0);
    }
}
