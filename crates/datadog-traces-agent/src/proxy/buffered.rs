//! Requests that are answered at once and sent at the next flush: for machines that sleep between invocations.
//!
//! A request is sent to each of its intakes by itself, so that none gets it twice because another refused it. It is
//! tried once in a flush and four times in all, and only while another try can help; those that wait for another try
//! come after new ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use datadog_wire::status::{self, Action};
use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::exchange::{Sender, discard};
use super::ledger::{Lost, Ticket};
use super::memory::Share;
use super::outgoing::Outgoing;
use super::refusal::Refusal;

/// Requests that wait, each counted once for each of its intakes.
const MAX_REQUESTS: usize = 1_000;
/// Their bytes, heads included.
pub(super) const MAX_BYTES: usize = 25 * 1_024 * 1_024;
/// How often a request is tried.
const ATTEMPTS: u32 = 4;
/// Requests that are sent at once.
const CONCURRENCY: usize = 10;

/// Requests that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    queue: Mutex<Queue>,
    /// Held by a flush, so that another one waits for what this one sends.
    flushing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Queue {
    fresh: VecDeque<Pending>,
    /// Those that were tried, the oldest first.
    tried: VecDeque<Pending>,
    bytes: usize,
}

/// A request to one intake.
#[derive(Debug)]
struct Pending {
    request: Arc<Request>,
    /// The place of its intake among those of the request.
    target: usize,
    attempts: u32,
    ticket: Ticket,
}

/// A request with its body.
#[derive(Debug)]
struct Request {
    outgoing: Outgoing,
    body: Bytes,
    _share: Share,
}

/// What became of an attempt.
enum Outcome {
    Done,
    Again,
    Lost(Lost),
}

/// A request that is being sent; goes back to the queue if that is cut short.
struct Taken<'a> {
    pending: Option<Pending>,
    buffer: &'a Buffer,
}

impl Buffer {
    /// Takes a request; the oldest make room for it.
    pub(super) fn push(&self, sender: &Sender, outgoing: Outgoing, body: Bytes, share: Share) {
        let product = outgoing.product;
        let targets = outgoing.targets.len();
        let request = Arc::new(Request {
            outgoing,
            body,
            _share: share,
        });
        let mut queue = self.lock();
        for target in 0..targets {
            queue.push(Pending {
                request: Arc::clone(&request),
                target,
                attempts: 0,
                ticket: sender.ledger.open(product, Lost::Shutdown),
            });
        }
    }

    /// Tries every request that waits once, and those that came last first; what is not sent by the deadline stays.
    pub(super) async fn flush(&self, sender: &Sender, deadline: Instant) {
        let Ok(_turn) = timeout_at(deadline, self.flushing.lock()).await else {
            return;
        };
        let left = Mutex::new({
            let queue = self.lock();
            (queue.fresh.len(), queue.tried.len())
        });
        let workers = (0..CONCURRENCY).map(|_| async {
            while Instant::now() < deadline {
                let Some(taken) = self.take(&left) else {
                    return;
                };
                taken.attempt(sender, deadline).await;
            }
        });
        join_all(workers).await;
    }

    /// Counts all that waits as lost.
    pub(super) fn give_up(&self) {
        let queue = std::mem::take(&mut *self.lock());
        for pending in queue.fresh.into_iter().chain(queue.tried) {
            pending.ticket.lost(Lost::Shutdown);
        }
    }

    /// The next of so many that are fresh, and of so many that were tried.
    fn take(&self, left: &Mutex<(usize, usize)>) -> Option<Taken<'_>> {
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queue = self.lock();
        let pending = if left.0 > 0 && !queue.fresh.is_empty() {
            left.0 -= 1;
            queue.fresh.pop_front()
        } else if left.1 > 0 {
            left.1 -= 1;
            queue.tried.pop_front()
        } else {
            None
        }?;
        queue.bytes -= pending.bytes();
        Some(Taken {
            pending: Some(pending),
            buffer: self,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, pending: Pending) {
        let more = pending.bytes();
        while self.bytes + more > MAX_BYTES || self.fresh.len() + self.tried.len() >= MAX_REQUESTS {
            let oldest = self.tried.pop_front().or_else(|| self.fresh.pop_front());
            let Some(oldest) = oldest else {
                // Alone too large: its head is.
                return pending.ticket.lost(Lost::Refused(Refusal::TooLarge));
            };
            self.bytes -= oldest.bytes();
            oldest.ticket.lost(Lost::Evicted);
        }
        self.bytes += more;
        match pending.attempts {
            0 => self.fresh.push_back(pending),
            _ => self.tried.push_back(pending),
        }
    }
}

impl Pending {
    fn bytes(&self) -> usize {
        self.request.body.len() + self.request.outgoing.bytes()
    }
}

impl Taken<'_> {
    async fn attempt(mut self, sender: &Sender, deadline: Instant) {
        let Some(pending) = &mut self.pending else {
            return;
        };
        pending.attempts += 1;
        let outcome = match timeout_at(deadline, pending.send(sender)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Again,
        };
        let may_try_again = pending.attempts < ATTEMPTS;
        match outcome {
            // Goes back when this is dropped.
            Outcome::Again if may_try_again => {}
            Outcome::Again => self.settle(Some(Lost::Expired)),
            Outcome::Done => self.settle(None),
            Outcome::Lost(lost) => self.settle(Some(lost)),
        }
    }

    fn settle(&mut self, lost: Option<Lost>) {
        if let Some(pending) = self.pending.take() {
            match lost {
                Some(lost) => pending.ticket.lost(lost),
                None => pending.ticket.done(),
            }
        }
    }
}

impl Pending {
    async fn send(&self, sender: &Sender) -> Outcome {
        let request = &self.request;
        let Some(target) = request.outgoing.targets.get(self.target) else {
            return Outcome::Done;
        };
        let sent = sender.send(&request.outgoing, target, &request.body);
        let answer = match timeout_at(Instant::now() + sender.timeout, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Refusal::BadKey)) => return Outcome::Lost(Lost::Refused(Refusal::BadKey)),
            Ok(Err(_)) | Err(_) => return Outcome::Again,
        };
        let status = answer.status();
        // What the intake says besides its status is of no use here, however long it takes to say it.
        drop(tokio::time::timeout(sender.timeout, discard(answer)).await);
        match status::TRACES.action(status.as_u16()) {
            Action::Accept => Outcome::Done,
            Action::Retry | Action::RefreshKey => Outcome::Again,
            _ => Outcome::Lost(Lost::Status(status)),
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.buffer.lock().push(pending);
        }
    }
}
