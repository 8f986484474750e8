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
    /// Its response was not seen yet: ask again, but not for longer than ten seconds after the request.
    Wait,
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
    is_answered: bool,
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
        self.hold(id, transaction, now);
        verdict
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
    }

    /// Evaluates the response to a request; a request of which nothing is known was not blocked.
    pub fn process_http_response(&self, id: &str, response: &HttpResponse) -> WafVerdict {
        self.with(id, |request| {
            let transaction = request.transaction.as_mut()?;
            request.is_answered = true;
            Some(transaction.response(response))
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
        let Some(entry) = self.lock().requests.get(id).cloned() else {
            return Outcome::Unknown;
        };
        let taken = {
            let mut request = lock(&entry.request);
            let is_over = now.saturating_duration_since(entry.since) >= PATIENCE;
            let transaction = request.transaction.as_ref();
            let is_blocked = transaction.is_some_and(Transaction::is_blocked);
            if !request.is_answered && !is_blocked && !is_over {
                return Outcome::Wait;
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

    fn hold(&self, id: &str, transaction: Transaction, now: Instant) {
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
                is_answered: false,
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

    fn with(&self, id: &str, act: impl FnOnce(&mut Request) -> Option<WafVerdict>) -> WafVerdict {
        let entry = self.lock().requests.get(id).cloned();
        entry
            .and_then(|entry| act(&mut lock(&entry.request)))
            .unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Blocking;
    use crate::engine::{Action, Evaluation};
    use crate::rules::Source;
    use crate::{Config, FakeEngine, NewSpan};

    fn processor(engine: &FakeEngine) -> Processor {
        let config = Config {
            blocking: Blocking::Obeyed,
            ..Config::default()
        };
        let rules = br#"{"rules":[{"id":"a"}]}"#.to_vec();
        let appsec = AppSec::with_engine(config, engine, Source::User, rules);
        Processor::new(appsec.unwrap())
    }

    fn get() -> HttpRequest {
        HttpRequest {
            method: "GET".to_owned(),
            uri: "/".to_owned(),
            ..HttpRequest::default()
        }
    }

    fn ok() -> HttpResponse {
        HttpResponse {
            status_code: 200,
            ..HttpResponse::default()
        }
    }

    fn status(outcome: Outcome) -> Option<String> {
        let Outcome::Finished(tags) = outcome else {
            panic!("{outcome:?}");
        };
        let mut found = tags.meta.into_iter();
        found
            .find(|(name, _)| name == "http.status_code")
            .map(|(_, value)| value)
    }

    #[test]
    fn a_span_waits_for_its_response() {
        let processor = processor(&FakeEngine::default());
        let now = Instant::now();
        let span = |id| processor.process_span(id, &NewSpan, now);
        processor.process_http_request("1", &get(), now);
        assert_eq!((span("1"), span("2")), (Outcome::Wait, Outcome::Unknown));
        processor.process_http_response("1", &ok());
        assert_eq!(status(span("1")).as_deref(), Some("200"));
        assert_eq!((span("1"), processor.waiting()), (Outcome::Unknown, 0));
    }

    #[test]
    fn a_span_waits_for_ten_seconds() {
        let processor = processor(&FakeEngine::default());
        let now = Instant::now();
        processor.process_http_transaction("1", &HttpTransaction::from_request(get()), now);
        let span = |millis| {
            let at = now + Duration::from_millis(millis);
            processor.process_span("1", &NewSpan, at)
        };
        assert_eq!(span(9_999), Outcome::Wait);
        assert_eq!(status(span(10_000)), None);
    }

    #[test]
    fn a_request_that_was_blocked_has_no_response() {
        let engine = FakeEngine::default();
        engine.answer(Ok(Evaluation {
            actions: vec![Action {
                kind: "block_request".to_owned(),
                parameters: json!({}),
            }],
            ..Evaluation::default()
        }));
        let processor = processor(&engine);
        let now = Instant::now();
        let whole = HttpTransaction::from_request(get()).with_response(ok());
        let verdict = processor.process_http_transaction("1", &whole, now);
        assert_eq!(verdict.status(), Some(403));
        assert_eq!(
            status(processor.process_span("1", &NewSpan, now)).as_deref(),
            Some("403")
        );
    }

    #[test]
    fn the_oldest_request_makes_way() {
        let processor = processor(&FakeEngine::default());
        let now = Instant::now();
        for id in 0..=MAX_WAITING {
            processor.process_http_request(&id.to_string(), &get(), now);
        }
        // The same id again takes the place of the request before it.
        processor.process_http_request("1", &get(), now);
        assert_eq!(processor.waiting(), MAX_WAITING);
        assert_eq!(processor.lock().order.len(), MAX_WAITING);
        assert_eq!(processor.appsec().counts().evicted, 1);
        let span = |id| processor.process_span(id, &NewSpan, now);
        assert_eq!((span("0"), span("1")), (Outcome::Unknown, Outcome::Wait));
        processor.process_http_request(&"x".repeat(257), &get(), now);
        assert_eq!(processor.appsec().counts().evicted, 2, "that is no id");
        assert_eq!(
            processor.process_http_response("none", &ok()),
            WafVerdict::Allow
        );
    }

    #[test]
    fn a_late_body_belongs_to_its_request() {
        let engine = FakeEngine::default();
        let processor = processor(&engine);
        processor.process_http_request("1", &get(), Instant::now());
        processor.process_http_request_body("1", b"[1]", &[]);
        assert_eq!(
            engine.evaluated().pop(),
            Some(json!({"server.request.body": [1]}))
        );
    }
}
