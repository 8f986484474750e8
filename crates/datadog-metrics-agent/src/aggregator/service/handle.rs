//! The door to the aggregator, and the barrier that a flush raises before it.

use std::sync::Arc;

use datadog_agent_runtime::telemetry::{Metric, Reason, Telemetry};
use datadog_forwarder::{Budget, FlushReport};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Batch, Command, Transport, Wait};

/// Why messages were not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// There is no room now; it is counted.
    #[error("queue full")]
    Full,
    /// The metrics agent has stopped.
    #[error("the metrics agent has stopped")]
    Stopped,
}

/// The metrics agent has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the metrics agent has stopped")]
pub struct Stopped;

/// Held by each socket that is being read before a flush.
type Token = mpsc::Sender<()>;

/// The door to the aggregator; cheap to clone. The service ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct AggregatorHandle {
    commands: mpsc::Sender<Command>,
    barriers: Arc<broadcast::Sender<Token>>,
    budget: Budget,
    telemetry: Telemetry,
}

/// Tells a socket that a flush comes.
#[derive(Debug)]
pub(crate) struct Barrier(broadcast::Receiver<Token>);

impl Barrier {
    /// Waits until a flush comes. Whoever reads the socket drops the token when it is empty. May be dropped unharmed.
    pub(crate) async fn raised(&mut self) -> Token {
        loop {
            match self.0.recv().await {
                Ok(token) => return token,
                // So many flushes at once are one.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl AggregatorHandle {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        barriers: broadcast::Sender<Token>,
        budget: Budget,
        telemetry: &Telemetry,
    ) -> Self {
        Self {
            commands,
            barriers: Arc::new(barriers),
            budget,
            telemetry: telemetry.clone(),
        }
    }

    /// Queues messages in the words of DogStatsD, as a datagram has them.
    ///
    /// # Errors
    /// When there is no room for them, or the agent has stopped.
    pub fn send(&self, datagram: &[u8]) -> Result<(), InsertError> {
        let mut batch = Batch::new(Transport::Handle);
        batch.push(datagram, None);
        self.try_take(batch)
    }

    /// Sends all that came before, through sockets too, until `deadline`; what is not settled then stays where it is.
    ///
    /// Sockets are read until they are empty first. Where buckets are sent as they close, those still open stay.
    ///
    /// # Errors
    /// When the agent has stopped, or stops meanwhile.
    pub async fn flush(&self, deadline: Instant) -> Result<FlushReport, Stopped> {
        let (token, mut read) = mpsc::channel(1);
        // Without sockets, the token is gone at once.
        let _no_sockets = self.barriers.send(token).is_err();
        let _late = timeout_at(deadline, read.recv()).await.is_err();
        let (done, report) = oneshot::channel();
        self.commands
            .send(Command::Flush { deadline, done })
            .await
            .map_err(|_| Stopped)?;
        report.await.map_err(|_| Stopped)
    }

    /// Ends the service once it has taken what is queued.
    pub async fn shutdown(&self) {
        // An error says that the service has ended already.
        let _ended = self.commands.send(Command::Close).await.is_err();
    }

    /// The barrier of a socket.
    pub(crate) fn barrier(&self) -> Barrier {
        Barrier(self.barriers.subscribe())
    }

    /// Queues packets; those for which there is no room are counted, or waited with.
    pub(crate) async fn take(&self, batch: Batch, wait: Wait) {
        if wait == Wait::Never {
            // What went wrong is counted.
            let _refused = self.try_take(batch).is_err();
            return;
        }
        let (transport, packets) = (batch.transport, batch.len());
        let Some(reservation) = self.budget.reserve(batch.cost()).await else {
            return self.lost(Reason::TooLarge, transport, packets);
        };
        let command = Command::Take { batch, reservation };
        if self.commands.send(command).await.is_err() {
            self.lost(Reason::Shutdown, transport, packets);
        }
    }

    fn try_take(&self, batch: Batch) -> Result<(), InsertError> {
        let (transport, packets) = (batch.transport, batch.len());
        let refuse = |reason, error| {
            self.lost(reason, transport, packets);
            Err(error)
        };
        let Some(reservation) = self.budget.try_reserve(batch.cost()) else {
            return refuse(Reason::QueueFull, InsertError::Full);
        };
        match self.commands.try_send(Command::Take { batch, reservation }) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => refuse(Reason::QueueFull, InsertError::Full),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                refuse(Reason::Shutdown, InsertError::Stopped)
            }
        }
    }

    fn lost(&self, reason: Reason, transport: Transport, packets: usize) {
        let labels = [("reason", reason.name()), ("transport", transport.name())];
        self.telemetry
            .add(Metric::MetricsPacketsDropped, &labels, packets as u64);
    }
}
