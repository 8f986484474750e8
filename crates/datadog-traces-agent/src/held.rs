//! Chunks that wait for what another part of the agent is still to learn of their requests.
//!
//! Bounded in chunks and in bytes, which are taken from the memory of all: the oldest is let go for a new one. Decides
//! nothing: who asks takes them out, and puts back those that are to wait on. Nobody works on them meanwhile.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datadog_agent_runtime::budget::Reservation;
use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::server::client::Client;
use crate::span::Payload;

/// Chunks that may wait.
const MAX_CHUNKS: usize = 1_000;

/// A chunk that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// That chunk alone, and what its body says beside it.
    pub(crate) payload: Payload<'static>,
    pub(crate) client: Client,
    /// When it waits no longer.
    pub(crate) until: Instant,
    /// The bytes that it takes.
    pub(crate) memory: Reservation,
}

/// Why a chunk waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LetGo {
    /// All is known that was waited for.
    Settled,
    /// It waited for as long as it may.
    TimedOut,
    /// A newer one took its place.
    MadeWay,
    /// There was no memory to hold it.
    NoMemory,
    /// All that is held was to be sent.
    Flushed,
}

/// All chunks that wait.
#[derive(Debug)]
pub(crate) struct Held {
    queue: Mutex<Queue>,
    max_bytes: usize,
    came: Notify,
    chunks: Series,
    bytes: Series,
    let_go: [Series; 5],
}

#[derive(Debug, Default)]
struct Queue {
    /// The oldest first.
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Those that were taken out to be asked about, which count too.
    out: usize,
    out_bytes: usize,
    is_closed: bool,
}

impl Queue {
    fn pop(&mut self) -> Option<Waiting> {
        let oldest = self.waiting.pop_front()?;
        self.bytes -= oldest.memory.bytes();
        Some(oldest)
    }

    fn is_full(&self, max_bytes: usize) -> bool {
        self.waiting.len() + self.out > MAX_CHUNKS || self.bytes + self.out_bytes > max_bytes
    }
}

impl LetGo {
    const ALL: [Self; 5] = [
        Self::Settled,
        Self::TimedOut,
        Self::MadeWay,
        Self::NoMemory,
        Self::Flushed,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::TimedOut => "timed_out",
            Self::MadeWay => "made_way",
            Self::NoMemory => "no_memory",
            Self::Flushed => "flushed",
        }
    }
}

impl Held {
    /// Nothing, with room for so many bytes.
    pub(crate) fn new(max_bytes: usize, telemetry: &Telemetry) -> Self {
        let of = |why: LetGo| telemetry.series(Metric::TracesLetGo, &[("outcome", why.name())]);
        Self {
            queue: Mutex::default(),
            max_bytes,
            came: Notify::new(),
            chunks: telemetry.series(Metric::TracesHeld, &[]),
            bytes: telemetry.series(Metric::TracesHeldBytes, &[]),
            let_go: LetGo::ALL.map(of),
        }
    }

    /// Bytes that one chunk may take at most.
    pub(crate) const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Holds a chunk; gives back those that are to go on for it, which is itself once nothing is held any more.
    #[must_use]
    pub(crate) fn push(&self, chunk: Waiting) -> Vec<Waiting> {
        let mut queue = self.lock();
        if queue.is_closed {
            return vec![chunk];
        }
        queue.bytes += chunk.memory.bytes();
        queue.waiting.push_back(chunk);
        let mut gone = Vec::new();
        while queue.is_full(self.max_bytes) {
            match queue.pop() {
                Some(oldest) => gone.push(oldest),
                None => break,
            }
        }
        self.publish(&queue);
        drop(queue);
        self.came.notify_one();
        gone
    }

    /// Takes all out, to be asked about; [`put_back`](Self::put_back) must follow. One at a time does so.
    #[must_use]
    pub(crate) fn take(&self) -> Vec<Waiting> {
        let mut queue = self.lock();
        queue.out = queue.waiting.len();
        queue.out_bytes = std::mem::take(&mut queue.bytes);
        queue.waiting.drain(..).collect()
    }

    /// Puts back those that are to wait on, in their order and before those that came meanwhile.
    pub(crate) fn put_back(&self, still: Vec<Waiting>) {
        let mut queue = self.lock();
        (queue.out, queue.out_bytes) = (0, 0);
        for chunk in still.into_iter().rev() {
            queue.bytes += chunk.memory.bytes();
            queue.waiting.push_front(chunk);
        }
        self.publish(&queue);
    }

    /// Holds nothing from now on but what it has.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// Waits until there is something.
    pub(crate) async fn filled(&self) {
        while self.is_empty() {
            self.came.notified().await;
        }
    }

    /// Counts a chunk that waits no longer.
    pub(crate) fn count(&self, why: LetGo) {
        let mut all = LetGo::ALL.iter().zip(&self.let_go);
        if let Some((_, series)) = all.find(|(it, _)| **it == why) {
            series.add(1);
        }
    }

    fn publish(&self, queue: &Queue) {
        self.chunks.set((queue.waiting.len() + queue.out) as u64);
        self.bytes.set((queue.bytes + queue.out_bytes) as u64);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use datadog_agent_runtime::budget::Budget;

    use super::*;
    use crate::span::Chunk;

    fn waiting(memory: &Budget, number: i32, bytes: usize) -> Waiting {
        Waiting {
            payload: Payload {
                chunks: vec![Chunk {
                    priority: number,
                    ..Chunk::default()
                }],
                ..Payload::default()
            },
            client: Client::default(),
            until: Instant::now(),
            memory: memory.try_reserve(bytes).unwrap(),
        }
    }

    fn numbers(chunks: &[Waiting]) -> Vec<i32> {
        let chunks = chunks.iter().flat_map(|it| &it.payload.chunks);
        chunks.map(|chunk| chunk.priority).collect()
    }

    #[test]
    fn the_oldest_goes_for_a_new_one_by_number_and_by_bytes() {
        let (memory, telemetry) = (Budget::new(usize::MAX), Telemetry::default());
        let held = Held::new(10_000, &telemetry);
        for number in 0..1_000 {
            assert!(held.push(waiting(&memory, number, 10)).is_empty());
        }
        assert_eq!(numbers(&held.push(waiting(&memory, 1_000, 10))), [0]);
        assert_eq!(telemetry.sum(Metric::TracesHeld, &[]), 1_000);
        assert_eq!(numbers(&held.push(waiting(&memory, 1_001, 25))), [1, 2, 3]);
        assert_eq!(
            memory.used() as u64,
            telemetry.sum(Metric::TracesHeldBytes, &[])
        );
        drop(held);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn those_that_are_asked_about_count_and_keep_their_place() {
        let (memory, telemetry) = (Budget::new(usize::MAX), Telemetry::default());
        let held = Held::new(100, &telemetry);
        for number in 0..3 {
            assert!(held.push(waiting(&memory, number, 30)).is_empty());
        }
        let mut out = held.take();
        assert!(held.is_empty());
        assert!(held.push(waiting(&memory, 3, 10)).is_empty());
        assert_eq!(numbers(&held.push(waiting(&memory, 4, 10))), [3]);
        out.remove(0);
        held.put_back(out);
        assert_eq!(numbers(&held.take()), [1, 2, 4]);
        held.put_back(Vec::new());
        assert_eq!(
            (memory.used(), telemetry.sum(Metric::TracesHeld, &[])),
            (0, 0)
        );
    }

    #[test]
    fn once_closed_it_holds_no_more() {
        let memory = Budget::new(100);
        let held = Held::new(100, &Telemetry::default());
        assert!(held.push(waiting(&memory, 1, 1)).is_empty());
        held.close();
        assert_eq!(numbers(&held.push(waiting(&memory, 2, 1))), [2]);
        assert_eq!(numbers(&held.take()), [1]);
    }
}
