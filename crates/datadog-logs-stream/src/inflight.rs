//! The batches that are not acknowledged: those sent on the current stream in front, those still to be sent behind.
//!
//! Their number and bytes bound what a pipeline holds; while there is no space, no further log is encoded.

use std::collections::VecDeque;

use bytes::Bytes;
use datadog_logs_patterns::operation::Operations;
use datadog_wire::stateful::FIRST_BATCH_ID;

/// A sealed batch.
#[derive(Debug)]
pub struct Batch<R> {
    /// What the encoder made of its logs.
    pub operations: Operations,
    /// The same as it is sent, compressed.
    pub data: Bytes,
    /// What the owner of the logs gets back when their fate is known; with the last of several batches that were made
    /// of them.
    pub receipt: Option<R>,
}

/// A batch, or a part of one, on its way.
#[derive(Debug)]
pub(crate) struct Entry<R> {
    pub(crate) operations: Operations,
    pub(crate) data: Bytes,
    /// With the last part of what the owner gave.
    pub(crate) receipt: Option<R>,
    /// Streams on which it was sent.
    pub(crate) attempts: u32,
    /// Streams in a row that ended because of it, perhaps.
    pub(crate) refusals: u32,
    /// Whether its logs were made raw, since their patterns seemed to be the cause.
    pub(crate) is_raw: bool,
    /// When it was handed to the current stream.
    pub(crate) sent_at: std::time::Duration,
}

impl<R> Entry<R> {
    fn new(operations: Operations, data: Bytes, receipt: Option<R>) -> Self {
        Self {
            operations,
            data,
            receipt,
            attempts: 0,
            refusals: 0,
            is_raw: false,
            sent_at: std::time::Duration::ZERO,
        }
    }

    pub(crate) fn logs(&self) -> u64 {
        self.operations.logs() as u64
    }

    /// Memory: what is sent, and what it was made of.
    fn bytes(&self) -> usize {
        self.data.len() + self.operations.held_bytes()
    }
}

/// The batches that are not acknowledged, oldest first.
#[derive(Debug)]
pub(crate) struct Inflight<R> {
    entries: VecDeque<Entry<R>>,
    /// How many of them, from the front, were sent on the current stream.
    sent: usize,
    /// The id of the next batch on the current stream.
    next_id: u32,
    bytes: usize,
}

impl<R> Inflight<R> {
    pub(crate) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            sent: 0,
            next_id: FIRST_BATCH_ID,
            bytes: 0,
        }
    }

    pub(crate) fn append(&mut self, batch: Batch<R>) {
        let entry = Entry::new(batch.operations, batch.data, batch.receipt);
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
    }

    /// The oldest batch that was not sent on the current stream.
    pub(crate) fn next_unsent(&self) -> Option<&Entry<R>> {
        self.entries.get(self.sent)
    }

    /// Counts it as sent; returns its id and whether it was sent before, on another stream.
    pub(crate) fn mark_sent(&mut self, now: std::time::Duration) -> Option<Sent> {
        let entry = self.entries.get_mut(self.sent)?;
        entry.attempts += 1;
        entry.sent_at = now;
        let sent = Sent {
            batch_id: self.next_id,
            logs: entry.logs(),
            is_again: entry.attempts > 1,
        };
        self.sent += 1;
        self.next_id += 1;
        Some(sent)
    }

    /// The id of the oldest batch that was sent and not acknowledged.
    pub(crate) fn head_id(&self) -> Option<u32> {
        let sent = u32::try_from(self.sent).unwrap_or(u32::MAX);
        (sent > 0).then(|| self.next_id - sent)
    }

    /// The id that the next batch will have.
    pub(crate) fn next_id(&self) -> u32 {
        self.next_id
    }

    /// The oldest batch.
    pub(crate) fn head_mut(&mut self) -> Option<&mut Entry<R>> {
        self.entries.front_mut()
    }

    /// The oldest batch.
    pub(crate) fn head(&self) -> Option<&Entry<R>> {
        self.entries.front()
    }

    /// Takes the oldest batch out, because it was acknowledged or given up.
    pub(crate) fn pop(&mut self) -> Option<Entry<R>> {
        let entry = self.entries.pop_front()?;
        self.sent = self.sent.saturating_sub(1);
        self.bytes -= entry.bytes();
        Some(entry)
    }

    /// Puts other operations in the place of those of the oldest batch, which must not be under way.
    pub(crate) fn replace_head(&mut self, operations: Operations, data: Bytes) {
        if let Some(entry) = self.entries.front_mut() {
            self.bytes -= entry.bytes();
            entry.operations = operations;
            entry.data = data;
            self.bytes += entry.bytes();
        }
    }

    /// Puts two parts in the place of a batch that was not sent on the current stream; the receipt goes with the
    /// second.
    pub(crate) fn divide(&mut self, at: usize, parts: [(Operations, Bytes); 2]) {
        let Some(whole) = self.entries.remove(at) else {
            return;
        };
        self.bytes -= whole.bytes();
        let [(operations, data), second] = parts;
        let first = Entry {
            attempts: whole.attempts,
            ..Entry::new(operations, data, None)
        };
        let second = Entry {
            attempts: whole.attempts,
            ..Entry::new(second.0, second.1, whole.receipt)
        };
        self.bytes += first.bytes() + second.bytes();
        self.entries.insert(at, second);
        self.entries.insert(at, first);
    }

    /// Makes all batches unsent, for a new stream.
    pub(crate) fn reset(&mut self) {
        self.sent = 0;
        self.next_id = FIRST_BATCH_ID;
    }

    /// Takes everything out, oldest first.
    pub(crate) fn drain(&mut self) -> Vec<Entry<R>> {
        self.reset();
        self.bytes = 0;
        self.entries.drain(..).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry<R>> {
        self.entries.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Batches sent on the current stream and not acknowledged.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.sent
    }

    /// Memory of all batches.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What was counted as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) batch_id: u32,
    pub(crate) logs: u64,
    /// It had been sent before, on another stream.
    pub(crate) is_again: bool,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn inflight(receipts: &[char]) -> Inflight<char> {
        let mut inflight = Inflight::new();
        for &receipt in receipts {
            inflight.append(Batch {
                operations: Operations::default(),
                data: Bytes::from_static(b"12345"),
                receipt: Some(receipt),
            });
        }
        inflight
    }

    fn unsent(inflight: &mut Inflight<char>) -> Vec<(u32, char)> {
        let mut unsent = Vec::new();
        while let Some(entry) = inflight.next_unsent() {
            let receipt = entry.receipt.unwrap();
            unsent.push((inflight.mark_sent(NOW).unwrap().batch_id, receipt));
        }
        unsent
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_from_the_first_id_on() {
        let mut inflight = inflight(&['1', '2', '3', '4']);
        for id in 1..=3 {
            assert_eq!(inflight.mark_sent(NOW).unwrap().batch_id, id);
        }
        assert_eq!(inflight.head_id(), Some(1));
        assert_eq!(inflight.pop().unwrap().receipt, Some('1'));
        assert_eq!(inflight.head_id(), Some(2));
        inflight.reset();
        assert_eq!(inflight.head_id(), None);
        assert_eq!(unsent(&mut inflight), [(1, '2'), (2, '3'), (3, '4')]);
    }

    #[test]
    fn bytes_are_those_of_the_batches_held() {
        let mut inflight = inflight(&['1', '2']);
        assert_eq!((inflight.len(), inflight.bytes()), (2, 10));
        inflight.replace_head(Operations::default(), Bytes::from_static(b"1"));
        assert_eq!(inflight.bytes(), 6);
        inflight.divide(
            1,
            [
                (Operations::default(), Bytes::from_static(b"12")),
                (Operations::default(), Bytes::from_static(b"3")),
            ],
        );
        assert_eq!((inflight.len(), inflight.bytes()), (3, 4));
        let receipts: Vec<_> = inflight.drain().into_iter().map(|it| it.receipt).collect();
        assert_eq!(receipts, [Some('1'), None, Some('2')]);
        assert_eq!((inflight.bytes(), inflight.is_empty()), (0, true));
    }
}
