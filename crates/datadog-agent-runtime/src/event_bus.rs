//! Tells whoever runs the agent what happened: health, flushes, failures.
//!
//! Notices only; data never goes through it, and a producer never waits for it.

use tokio::sync::mpsc::{self, Receiver};

use crate::telemetry::{Metric, Series, Telemetry};

/// Events that wait at once unless configured otherwise.
pub const MAX_EVENTS: usize = 100;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A tracer sent spans.
    TraceReceived {
        /// The trace of the first span.
        trace_id: u64,
        /// Spans in the request.
        span_count: usize,
    },
    /// Trace chunks were accepted by the intake.
    TracesFlushed {
        /// How many.
        count: usize,
    },
    /// Buckets of trace statistics were accepted by the intake.
    StatsFlushed {
        /// How many.
        count: usize,
    },
    /// Log entries were accepted by the intake.
    LogsFlushed {
        /// How many.
        count: usize,
    },
    /// Metric points were accepted by the intake.
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
    /// Metric points.
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
    buried: bool,
}

/// The end at which events are sent; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    tx: mpsc::Sender<Event>,
    dropped: Series,
}

impl EventBus {
    /// Both ends of a bus on which `capacity` events wait, at least one.
    #[must_use]
    pub fn run(capacity: usize, telemetry: &Telemetry) -> (Self, Sender) {
        let (tx, rx) = mpsc::channel(capacity.max(1));
        let dropped = telemetry.series(Metric::EventsDropped, &[]);
        (Self { rx, buried: false }, Sender { tx, dropped })
    }

    /// Waits for an event; `None` after a [`Event::Tombstone`], or when every sender is gone.
    pub async fn next(&mut self) -> Option<Event> {
        if self.buried {
            return None;
        }
        let event = self.rx.recv().await;
        self.buried = event == Some(Event::Tombstone);
        event
    }
}

impl Sender {
    /// Sends an event; drops and counts it when the bus is full. Once nobody reads any more, nothing is missed.
    pub fn send(&self, event: Event) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.tx.try_send(event) {
            self.dropped.add(1);
        }
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
