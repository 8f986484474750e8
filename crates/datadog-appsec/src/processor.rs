//! Requests that wait for their span: whoever has a request and whoever has its span meet here by an id.
//!
//! Bounded: the oldest request makes way for a new one, and its findings are lost, which is counted. One request is
//! evaluated outside of the lock of all; evaluations of the same one wait for each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::appsec::AppSec;
use crate::http::{HttpRequest, HttpResponse, HttpTransaction};
use crate::tags::{EntrySpan, SpanTags};
use crate::transaction::Transaction;
use crate::verdict::WafVerdict;

/// Requests that may wait.
const MAX_WAITING: usize = 1000;
/// Bytes of an id; a longer one is no id.
const MAX_ID_BYTES: usize = 256;
/// How long a span is to be held back for its response.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests by the ids of their spans.
#[derive(Debug)]
pub struct Processor {
    appsec: AppSec,
    waiting: Mutex<Waiting>,
}

/// What became of a span.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// No request of that id is known.
    Unknown,
    /// Its response was not seen yet: ask again, but not for longer than this; it is ten seconds after the request then.
    Wait(Duration),
    /// What to put on it.
    Finished(SpanTags),
}

#[derive(Debug, Default)]
struct Waiting {
    requests: HashMap<String, Entry>,
    /// Ids by age.
    order: BTreeMap<u64, String>,
    begun: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    number: u64,
    since: Instant,
    request: Arc<Mutex<Request>>,
}

/// A request; empty once it was finished.
#[derive(Debug)]
struct Request {
    transaction: Option<Transaction>,
}

/// Whether a span may still be held back for the response to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Some,
    None,
}

impl Waiting {
    fn insert(&mut self, id: &str, entry: Entry) {
        if let Some(before) = self.requests.insert(id.to_owned(), entry.clone()) {
            self.order.remove(&before.number);
        }
        self.order.insert(entry.number, id.to_owned());
    }

    fn remove(&mut self, id: &str) -> Option<Entry> {
        let entry = self.requests.remove(id)?;
        self.order.remove(&entry.number);
        Some(entry)
    }
}

impl Processor {
    /// One without requests.
    pub fn new(appsec: AppSec) -> Self {
        Self {
            appsec,
            waiting: Mutex::default(),
        }
    }

    /// What evaluates.
    pub fn appsec(&self) -> &AppSec {
        &self.appsec
    }

    /// Evaluates a request, which then waits for its response and its span.
    pub fn process_http_request(
        &self,
        id: &str,
        request: &HttpRequest,
        now: Instant,
    ) -> WafVerdict {
        let mut transaction = self.appsec.transaction();
        let verdict = transaction.request(request);
        self.adopt(id, transaction, now);
        verdict
    }

    /// Takes over a request that was evaluated elsewhere, from its response on if that was not seen yet; it takes the
    /// place of one of the same id. What has no valid id (1 to 256 bytes) is given up, which is counted.
    pub fn adopt(&self, id: &str, transaction: Transaction, now: Instant) {
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            self.appsec.evicted();
            return;
        }
        let mut waiting = self.lock();
        waiting.begun += 1;
        let entry = Entry {
            number: waiting.begun,
            since: now,
            request: Arc::new(Mutex::new(Request {
                transaction: Some(transaction),
            })),
        };
        waiting.insert(id, entry);
        let mut evicted = None;
        if waiting.requests.len() > MAX_WAITING
            && let Some((_, oldest)) = waiting.order.pop_first()
        {
            evicted = waiting.requests.remove(&oldest);
        }
        drop(waiting);
        // Freed outside of the lock: a context may hold a megabyte.
        if evicted.is_some() {
            self.appsec.evicted();
        }
    }

    /// Evaluates the body of a request, if it came later.
    pub fn process_http_request_body(
        &self,
        id: &str,
        body: &[u8],
        headers: &[(String, String)],
    ) -> WafVerdict {
        self.with(id, |request| {
            let transaction = request.transaction.as_mut()?;
            Some(transaction.request_body(body, headers))
        })
        .unwrap_or_default()
    }

    /// Evaluates the response to a request. One of which nothing is known is not looked at, which is counted: its span
    /// was sent already, or the request made way for others.
    pub fn process_http_response(&self, id: &str, response: &HttpResponse) -> WafVerdict {
        let verdict = self.with(id, |request| {
            let transaction = request.transaction.as_mut()?;
            Some(transaction.response(response))
        });
        verdict.unwrap_or_else(|| {
            self.appsec.unmatched();
            WafVerdict::Allow
        })
    }

    /// Evaluates a request with its response, if it has one.
    pub fn process_http_transaction(
        &self,
        id: &str,
        transaction: &HttpTransaction,
        now: Instant,
    ) -> WafVerdict {
        let verdict = self.process_http_request(id, &transaction.request, now);
        match &transaction.response {
            Some(response) if verdict == WafVerdict::Allow => {
                self.process_http_response(id, response)
            }
            _ => verdict,
        }
    }

    /// What the span of an id is to carry. A request that was blocked has no response to wait for.
    pub fn process_span(&self, id: &str, span: &dyn EntrySpan, now: Instant) -> Outcome {
        self.meet(id, span, now, Patience::Some)
    }

    /// The same for a span that cannot be held back: with what is known of its request by now. Never
    /// [`Outcome::Wait`].
    pub fn process_last_span(&self, id: &str, span: &dyn EntrySpan, now: Instant) -> Outcome {
        self.meet(id, span, now, Patience::None)
    }

    fn meet(&self, id: &str, span: &dyn EntrySpan, now: Instant, patience: Patience) -> Outcome {
        let Some(entry) = self.lock().requests.get(id).cloned() else {
            return Outcome::Unknown;
        };
        let taken = {
            let mut request = lock(&entry.request);
            let left = PATIENCE.saturating_sub(now.saturating_duration_since(entry.since));
            let transaction = request.transaction.as_ref();
            let is_open = transaction.is_some_and(|it| !it.is_answered() && !it.is_blocked());
            if is_open && patience == Patience::Some && !left.is_zero() {
                return Outcome::Wait(left);
            }
            if is_open {
                self.appsec.unanswered();
            }
            request.transaction.take()
        };
        let mut waiting = self.lock();
        let is_same = |held: &Entry| held.number == entry.number;
        if waiting.requests.get(id).is_some_and(is_same) {
            waiting.remove(id);
        }
        drop(waiting);
        taken.map_or(Outcome::Unknown, |transaction| {
            Outcome::Finished(transaction.finish(span, now))
        })
    }

    /// Requests that wait.
    pub fn waiting(&self) -> usize {
        self.lock().requests.len()
    }

    /// Acts on a request that is known.
    fn with<T>(&self, id: &str, act: impl FnOnce(&mut Request) -> Option<T>) -> Option<T> {
        let entry = self.lock().requests.get(id).cloned()?;
        act(&mut lock(&entry.request))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
