//! The door to the queue: what a source holds.
//!
//! Rules, enrichment and limits are applied on the caller's side of the queue, so that a refused entry costs the
//! queue nothing and no source gets around a rule.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use datadog_agent_runtime::telemetry::{Reason, Telemetry};
use datadog_forwarder::{Budget, Reservation};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Command;
use super::admission::{Admission, Refusal, Size};
use super::counters::{Counters, Losses};
use crate::config::OnFull;
use crate::flusher::FlushReport;
use crate::processor::{BodyError, Defaults, EmptyLines, Enrichment};
use crate::{EntryBlock, IntakeEntry, Processor, Source, Tally};

/// Why entries were not queued. None of them was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsertError {
    /// The queue, the source's share of it or the memory is taken; worth trying again after a second.
    #[error("queue full")]
    Full,
    /// More than the whole memory could hold; trying again cannot help.
    #[error("too large for the memory of the log agent")]
    TooLarge,
    /// The log agent has stopped.
    #[error("the log agent has stopped")]
    Stopped,
    /// The bytes are no log entries.
    #[error(transparent)]
    Invalid(#[from] BodyError),
}

/// The log agent has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log agent has stopped")]
pub struct Stopped;

/// Lines of a group: few enough for the smallest memory, many enough to make the way worth while.
const GROUP_LINES: usize = 1_000;
/// Bytes of a group at which it is closed; every byte may become six in JSON.
const GROUP_BYTES: usize = 64 * 1_024;

/// The next lines that are queued together; at least one, if there is one.
struct Group<'l, L> {
    lines: &'l mut L,
    count: usize,
    bytes: usize,
}

impl<'l, L> Group<'l, L> {
    fn new(lines: &'l mut L) -> Self {
        Self {
            lines,
            count: 0,
            bytes: 0,
        }
    }
}

impl<'a, L: Iterator<Item = &'a [u8]>> Iterator for Group<'_, L> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.count >= GROUP_LINES || self.bytes >= GROUP_BYTES {
            return None;
        }
        let line = self.lines.next()?;
        self.count += 1;
        self.bytes += line.len();
        Some(line)
    }
}

/// What every handle of one queue shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) admission: Admission,
    pub(super) budget: Budget,
    pub(super) losses: Losses,
    on_full: OnFull,
    telemetry: Telemetry,
    clients: Arc<Processor>,
    files: Arc<Processor>,
}

/// The door of one source; cheap to clone. The service ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct AggregatorHandle {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    source: Source,
    processor: Arc<Processor>,
    counters: Counters,
}

impl AggregatorHandle {
    pub(super) fn new(
        shared: Arc<Shared>,
        commands: mpsc::Sender<Command>,
        source: Source,
    ) -> Self {
        Self {
            processor: Arc::clone(shared.processor(source)),
            counters: Counters::new(source, &shared.telemetry, &shared.losses),
            shared,
            commands,
            source,
        }
    }

    /// The door of another source, with the enrichment of its class.
    #[must_use]
    pub fn for_source(&self, source: Source) -> Self {
        Self::new(Arc::clone(&self.shared), self.commands.clone(), source)
    }

    /// The same door with another enrichment: a file with a service of its own, for one.
    #[must_use]
    pub fn with_enrichment(mut self, enrichment: Enrichment) -> Self {
        let mut processor = Processor::clone(&self.processor);
        processor.enrichment = enrichment;
        self.processor = Arc::new(processor);
        self
    }

    /// Rules, enrichment and limits of this source.
    #[must_use]
    pub fn processor(&self) -> &Arc<Processor> {
        &self.processor
    }

    /// Queues entries, all or none, for a source that cannot wait.
    ///
    /// # Errors
    /// When there is no room for them or never will be.
    pub fn insert_batch(&self, entries: &[IntakeEntry]) -> Result<Tally, InsertError> {
        let (block, tally) = self.processor.entries(entries, now_ms());
        self.try_insert(block, &tally)?;
        Ok(tally)
    }

    /// Queues entries, all or none, waiting for room.
    ///
    /// # Errors
    /// When there never will be room.
    pub async fn insert_batch_wait(&self, entries: &[IntakeEntry]) -> Result<Tally, InsertError> {
        let (block, tally) = self.processor.entries(entries, now_ms());
        self.insert(block, &tally).await?;
        Ok(tally)
    }

    /// Queues entries given as JSON: an array, one object, or objects on lines of their own. All or none.
    ///
    /// # Errors
    /// When it is not that, or there is no room.
    pub fn insert_raw(&self, json: Bytes) -> Result<Tally, InsertError> {
        let (block, tally) = self
            .processor
            .body(json, None, &Defaults::default(), now_ms())
            .inspect_err(|_| self.count_unreadable())?;
        self.try_insert(block, &tally)?;
        Ok(tally)
    }

    /// Queues lines without their ends, a group at a time, waiting for room unless the configuration would rather drop:
    /// for files and standard input. A line that
    /// the whole memory could not hold is dropped and counted. What was queued before the wait is dropped stays queued.
    ///
    /// # Errors
    /// When the log agent has stopped.
    pub async fn insert_lines<'a>(
        &self,
        lines: impl Iterator<Item = &'a [u8]>,
        empty: EmptyLines,
    ) -> Result<Tally, InsertError> {
        let mut lines = lines.peekable();
        let mut total = Tally::default();
        while lines.peek().is_some() {
            let group = Group::new(&mut lines);
            let (block, tally) = self.processor.lines(group, empty, now_ms());
            let inserted = match self.shared.on_full {
                OnFull::Block => self.insert(block, &tally).await,
                OnFull::DropOldest | OnFull::DropNewest => self.offer(block, &tally).await,
            };
            match inserted {
                Ok(()) | Err(InsertError::TooLarge) => total.add(&tally),
                Err(stopped) => return Err(stopped),
            }
        }
        Ok(total)
    }

    /// Queues a processed block, all or nothing, for a source that cannot wait. Counts its entries either way.
    ///
    /// # Errors
    /// When there is no room for it or never will be.
    pub fn try_insert(&self, block: EntryBlock, tally: &Tally) -> Result<(), InsertError> {
        let size = Size::of(&block);
        let result = self
            .shared
            .try_reserve(size)
            .and_then(|reservation| self.push(block, size, reservation));
        self.count(&result, tally);
        result
    }

    /// Queues a processed block, waiting for memory and for room. Nothing is queued or counted if the wait is dropped.
    ///
    /// # Errors
    /// When there never will be room.
    pub async fn insert(&self, block: EntryBlock, tally: &Tally) -> Result<(), InsertError> {
        let result = self.insert_waiting(block).await;
        self.count(&result, tally);
        result
    }

    /// Queues a processed block, making room by dropping the oldest entries of the queue, which are counted.
    ///
    /// # Errors
    /// When there is no room even in an empty queue: [`InsertError::Full`] while memory is taken by batches on their
    /// way out.
    pub async fn insert_evict_oldest(
        &self,
        block: EntryBlock,
        tally: &Tally,
    ) -> Result<(), InsertError> {
        let result = self.insert_evicting(block).await;
        self.count(&result, tally);
        result
    }

    /// Queues a processed block as the configuration says for a full queue: at once or not at all, or with room made by
    /// dropping others. What is dropped by that is counted and no error.
    ///
    /// # Errors
    /// When there is no room for it and it is not to be dropped, or never will be.
    pub async fn offer(&self, block: EntryBlock, tally: &Tally) -> Result<(), InsertError> {
        let inserted = match self.shared.on_full {
            OnFull::Block | OnFull::DropNewest => self.try_insert(block, tally),
            OnFull::DropOldest => self.insert_evict_oldest(block, tally).await,
        };
        match inserted {
            Err(InsertError::Full) if self.shared.on_full != OnFull::Block => Ok(()),
            inserted => inserted,
        }
    }

    /// Counts a body that the [`Processor`] could not read, as one entry lost.
    pub fn count_unreadable(&self) {
        self.counters.unreadable();
    }

    /// Entries queued and not yet in a batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.admission.total().entries
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes queued and not yet in a batch, at 64 an entry besides its JSON.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shared.admission.total().bytes
    }

    /// Sends all that was queued before, batches that wait for another try included, until `deadline`; what is not
    /// settled then stays where it is.
    ///
    /// # Errors
    /// When the log agent has stopped, or stops meanwhile.
    pub async fn flush(&self, deadline: Instant) -> Result<FlushReport, Stopped> {
        let (done, report) = oneshot::channel();
        self.commands
            .send(Command::Flush { deadline, done })
            .await
            .map_err(|_| Stopped)?;
        report.await.map_err(|_| Stopped)
    }

    /// Refuses what comes from now on through any handle; the service sends what is queued, and ends.
    pub async fn shutdown(&self) {
        self.shared.admission.close();
        // An error says that the service has ended already.
        let _ended = self.commands.send(Command::Close).await.is_err();
    }

    async fn insert_waiting(&self, block: EntryBlock) -> Result<(), InsertError> {
        let size = Size::of(&block);
        if size.entries == 0 {
            return Ok(());
        }
        let reserve = self.shared.budget.reserve(size.bytes);
        let reservation = tokio::select! {
            reservation = reserve => reservation.ok_or(InsertError::TooLarge)?,
            // The service is gone, and with it whoever would free memory.
            () = self.commands.closed() => return Err(InsertError::Stopped),
        };
        self.shared.admission.enter(self.source, size).await?;
        self.send(block, size, reservation)
    }

    async fn insert_evicting(&self, block: EntryBlock) -> Result<(), InsertError> {
        let size = Size::of(&block);
        loop {
            let pushed = self
                .shared
                .try_reserve(size)
                .and_then(|reservation| self.push(block.clone(), size, reservation));
            if pushed != Err(InsertError::Full) {
                return pushed;
            }
            let (done, evicted) = oneshot::channel();
            self.commands
                .send(Command::Evict { size, done })
                .await
                .map_err(|_| InsertError::Stopped)?;
            match evicted.await {
                Ok(true) => {}
                Ok(false) => return Err(InsertError::Full),
                Err(_) => return Err(InsertError::Stopped),
            }
        }
    }

    fn push(
        &self,
        block: EntryBlock,
        size: Size,
        reservation: Reservation,
    ) -> Result<(), InsertError> {
        if size.entries == 0 {
            return Ok(());
        }
        self.shared
            .admission
            .try_enter(self.source, size, Instant::now())?;
        self.send(block, size, reservation)
    }

    /// The channel has a place for every entry that the queue admits, so that it is full only while many commands of
    /// other kinds wait in it.
    fn send(
        &self,
        block: EntryBlock,
        size: Size,
        reservation: Reservation,
    ) -> Result<(), InsertError> {
        let command = Command::Push {
            source: self.source,
            block,
            size,
            reservation,
            since: Instant::now(),
        };
        self.commands.try_send(command).map_err(|error| {
            self.shared.admission.leave(self.source, size);
            match error {
                mpsc::error::TrySendError::Full(_) => InsertError::Full,
                mpsc::error::TrySendError::Closed(_) => InsertError::Stopped,
            }
        })
    }

    fn count(&self, result: &Result<(), InsertError>, tally: &Tally) {
        match result {
            Ok(()) => self.counters.admitted(tally),
            Err(InsertError::TooLarge) => self.counters.refused(tally, Reason::TooLarge),
            // Whoever comes after the end is told so, and is no longer counted.
            Err(InsertError::Stopped) => {}
            Err(InsertError::Full | InsertError::Invalid(_)) => {
                self.counters.refused(tally, Reason::QueueFull);
            }
        }
    }
}

impl Shared {
    pub(super) fn new(
        admission: Admission,
        on_full: OnFull,
        budget: Budget,
        telemetry: Telemetry,
        clients: Processor,
        files: Processor,
    ) -> Self {
        Self {
            losses: Losses::new(telemetry.clone()),
            admission,
            on_full,
            budget,
            telemetry,
            clients: Arc::new(clients),
            files: Arc::new(files),
        }
    }

    fn processor(&self, source: Source) -> &Arc<Processor> {
        match source {
            Source::Http | Source::Handle => &self.clients,
            Source::File(_) => &self.files,
        }
    }

    fn try_reserve(&self, size: Size) -> Result<Reservation, InsertError> {
        if size.bytes > self.budget.limit() {
            return Err(InsertError::TooLarge);
        }
        self.budget.try_reserve(size.bytes).ok_or(InsertError::Full)
    }
}

impl Size {
    fn of(block: &EntryBlock) -> Self {
        Self {
            entries: block.len(),
            bytes: block.cost(),
        }
    }
}

impl From<Refusal> for InsertError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Self::Full,
            Refusal::Closed => Self::Stopped,
        }
    }
}

/// Now, in the unit of the intake. A clock before 1970 counts as 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
