//! The tasks around the pipelines: who reads notices, who watches for failures, who listens to signals.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use datadog_agent_runtime::event_bus::{self, Event, EventBus};
use datadog_agent_runtime::tasks::Failure;
use tokio::sync::oneshot;
use tracing::{debug, error, warn};

use super::builder::Listener;
use super::health::Board;
use super::{AgentHandle, ShutdownReason, Signals, State};

/// Hands notices on, until the bus ends or is closed; a tombstone asks the agent to stop, if nothing has yet.
pub(super) async fn consume(
    mut bus: EventBus,
    handle: AgentHandle,
    listener: Option<Listener>,
    closing: oneshot::Receiver<()>,
) {
    let mut closing = pin!(closing);
    let mut is_open = true;
    loop {
        let event = tokio::select! {
            biased;
            _ = &mut closing, if is_open => {
                // What is queued is still read; what comes later is nobody's business.
                bus.rx.close();
                is_open = false;
                continue;
            }
            event = bus.next() => event,
        };
        let Some(event) = event else { return };
        debug!(?event, "notice");
        if let Some(listener) = &listener
            && catch_unwind(AssertUnwindSafe(|| listener(event))).is_err()
        {
            error!(?event, "who listens to notices panicked");
        }
        if event == Event::Tombstone {
            handle.shutdown();
        }
    }
}

/// Asks the agent to stop when a task of a pipeline ended that must not end.
pub(super) async fn supervise(
    pipeline: &'static str,
    failure: Failure,
    board: Board,
    handle: AgentHandle,
    events: event_bus::Sender,
) {
    let task = failure.seen().await;
    error!(pipeline, task, "a task of a pipeline ended by itself");
    board.set_component(pipeline, State::Failed);
    board.set_state(State::Failed);
    events.send(Event::HealthChanged(event_bus::Health::Failed));
    handle.request(ShutdownReason::FatalError);
}

/// Asks the agent to stop when a signal comes.
pub(super) async fn heed(signals: Signals, handle: AgentHandle) {
    let reason = signalled(signals).await;
    handle.request(reason);
}

/// Waits for a signal; for ever where none can be waited for.
pub(super) async fn signalled(signals: Signals) -> ShutdownReason {
    match signals.next().await {
        Ok(reason) => reason,
        Err(error) => {
            warn!(%error, "signals cannot be waited for");
            std::future::pending().await
        }
    }
}
