//! Questions about what is stored: their parameters, and the answers as lines of JSON.
//!
//! Reads a request at a time and lets go of the store in between, so that asking never holds up telemetry.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::record;
use crate::records::{Records, Signal};
use crate::server::answer::FellBehind;
use crate::server::{Shared, now_ms};
use crate::store::{Stored, as_u64};
use crate::streams::compare::compare;
use crate::streams::patterns;
use filter::Filter;
pub(crate) use summary::summary;

mod filter;
mod summary;

/// What a record can be; also the names under `/inspect/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Logs,
    Requests,
    /// Of any other signal.
    Records(Signal),
    /// What a firewall says on the spans of traces.
    Security,
}

impl Kind {
    /// The kinds there are, for people.
    pub(crate) const NAMES: &str =
        "logs, series, sketches, events, checks, traces, stats, security and requests";

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "logs" => Some(Self::Logs),
            "requests" => Some(Self::Requests),
            "security" => Some(Self::Security),
            _ => Signal::ALL
                .into_iter()
                .find(|signal| signal.name() == name)
                .map(Self::Records),
        }
    }
}

/// Bytes of lines gathered before they are handed to the connection.
const CHUNK_BYTES: usize = 64 * 1024;

/// The parameters of a question.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    after: u64,
    limit: Option<u64>,
    follow: bool,
    filter: Filter,
}

impl Query {
    /// Reads the query of a URL. An empty filter is no filter.
    ///
    /// # Errors
    /// Names the first parameter that is unknown or has no meaning.
    pub(crate) fn parse(kind: Kind, query: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| format!("{name} is not a whole number"))
            };
            match (&*name, kind) {
                ("after", _) => parsed.after = number()?,
                ("limit", _) => parsed.limit = Some(number()?),
                ("follow", _) => {
                    parsed.follow = match &*value {
                        "1" | "true" => true,
                        "0" | "false" => false,
                        _ => return Err("follow is neither 1 nor 0".to_owned()),
                    }
                }
                (
                    "service",
                    Kind::Logs | Kind::Records(Signal::Traces | Signal::Stats) | Kind::Security,
                ) => parsed.filter.service = given(&value),
                ("status", Kind::Logs) => parsed.filter.status = given(&value),
                ("source", Kind::Logs) => parsed.filter.source = given(&value),
                ("q", Kind::Logs) => parsed.filter.text = given(&value.to_lowercase()),
                ("metric", Kind::Records(Signal::Series | Signal::Sketches)) => {
                    parsed.filter.metric = given(&value);
                }
                ("trace_id", Kind::Records(Signal::Traces) | Kind::Security) => {
                    parsed.filter.trace_id = given(&value);
                }
                ("rule", Kind::Security) => parsed.filter.rule = given(&value),
                _ => return Err(format!("unknown parameter {name}")),
            }
        }
        Ok(parsed)
    }
}

fn given(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

/// The records that answer a question, as chunks of whole lines.
pub(crate) fn lines(
    shared: Arc<Shared>,
    kind: Kind,
    query: Query,
) -> impl Stream<Item = Result<Bytes, FellBehind>> + Send {
    let reader = Reader::new(shared, kind, query);
    futures_util::stream::unfold(reader, |mut reader| async move {
        let chunk = reader.next().await?;
        if chunk.is_err() {
            reader.is_done = true;
        }
        Some((chunk, reader))
    })
}

/// A place in the store, moving forward.
struct Reader {
    changes: watch::Receiver<u64>,
    shared: Arc<Shared>,
    kind: Kind,
    filter: Filter,
    /// Every number up to this one was looked at.
    after: u64,
    left: u64,
    /// Where to stop; `None` goes on for ever.
    until: Option<u64>,
    is_done: bool,
}

impl Reader {
    fn new(shared: Arc<Shared>, kind: Kind, query: Query) -> Self {
        let changes = shared.changes();
        let (last, evicted) = {
            let store = shared.store();
            (store.last_seq(), store.evicted_seq())
        };
        Self {
            changes,
            shared,
            kind,
            filter: query.filter,
            after: query.after.max(evicted),
            left: query.limit.unwrap_or(u64::MAX),
            until: (!query.follow).then_some(last),
            is_done: false,
        }
    }

    /// The next lines; `None` at the end.
    async fn next(&mut self) -> Option<Result<Bytes, FellBehind>> {
        let mut out = Vec::new();
        while !self.is_done && self.left > 0 && out.len() < CHUNK_BYTES {
            self.changes.mark_unchanged();
            let (next, evicted) = {
                let store = self.shared.store();
                (store.next_after(self.after), store.evicted_seq())
            };
            if evicted > self.after {
                return Some(Err(FellBehind));
            }
            let next = next.filter(|stored| self.until.is_none_or(|until| stored.seq <= until));
            if let Some(stored) = next {
                self.write(&mut out, &stored);
                tokio::task::consume_budget().await;
            } else if self.until.is_some() || !out.is_empty() {
                break;
            } else {
                self.wait().await;
            }
        }
        (!out.is_empty()).then(|| Ok(out.into()))
    }

    async fn wait(&mut self) {
        if self.changes.changed().await.is_err() {
            self.is_done = true;
        }
    }

    fn write(&mut self, out: &mut Vec<u8>, stored: &Stored) {
        match self.kind {
            Kind::Requests => {
                if stored.seq > self.after && stored.received.origin.is_request() {
                    self.write_line(out, |out| {
                        out.extend_from_slice(record::request(stored).to_string().as_bytes())
                    });
                }
                self.after = stored.last_seq();
            }
            Kind::Logs => self.write_each(out, stored, stored.received.logs.len()),
            Kind::Records(signal) => {
                let records = stored.received.records.as_ref();
                let records = records.filter(|records| records.signal() == signal);
                self.write_each(out, stored, records.map_or(0, Records::count));
            }
            Kind::Security => {
                let records = stored.received.records.as_ref();
                let chunks = records.filter(|records| records.signal() == Signal::Traces);
                self.write_each(out, stored, chunks.map_or(0, Records::count));
            }
        }
    }

    /// Writes the first `count` records within a request, as far as there is room. Where one has several lines, it has
    /// all of them: they share its number, and so a reader could not ask for the others.
    fn write_each(&mut self, out: &mut Vec<u8>, stored: &Stored, count: usize) {
        for index in 0..count {
            let seq = stored.log_seq(index);
            if seq <= self.after {
                continue;
            }
            if self.left == 0 || out.len() >= CHUNK_BYTES {
                return;
            }
            self.after = seq;
            let before = out.len();
            self.filter.write(self.kind, out, stored, index);
            if out.len() > before {
                out.push(b'\n');
                let written = out.get(before..).unwrap_or_default();
                let lines = memchr::memchr_iter(b'\n', written).count();
                self.left = self.left.saturating_sub(as_u64(lines));
            }
        }
        self.after = stored.last_seq();
    }

    fn write_line(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        write(out);
        out.push(b'\n');
        self.left -= 1;
    }
}

/// The answer to a question about the streams, `http_bytes` worked out or not.
pub(crate) async fn streams(shared: Arc<Shared>, with_http_bytes: bool) -> Value {
    let left = if with_http_bytes {
        let kept = shared.store().requests();
        let compared = tokio::task::spawn_blocking(move || compare(&kept)).await;
        compared.ok()
    } else {
        None
    };
    let now_ms = now_ms();
    let all = shared.streams().all();
    let streams: Vec<_> = all.iter().map(|live| live.snapshot(now_ms)).collect();
    json!({ "now": now_ms, "streams": streams, "http_batches_left": left })
}

/// The answer to a question about the live patterns.
pub(crate) fn patterns(shared: &Shared, limit: usize) -> Value {
    let streams = shared.streams();
    serde_json::to_value(patterns::shown(&streams, limit)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let query = Query::parse(
            Kind::Logs,
            "after=7&limit=2&follow=1&service=web+1&status=&q=%C3%89a",
        )
        .unwrap();
        assert_eq!(
            query,
            Query {
                after: 7,
                limit: Some(2),
                follow: true,
                filter: Filter {
                    service: Some("web 1".to_owned()),
                    text: Some("éa".to_owned()),
                    ..Filter::default()
                },
            }
        );
    }

    #[test]
    fn a_parameter_without_meaning_is_named() {
        let refused = |kind, query| Query::parse(kind, query).unwrap_err();
        assert_eq!(
            refused(Kind::Logs, "after=x"),
            "after is not a whole number"
        );
        assert_eq!(
            refused(Kind::Logs, "limit=-1"),
            "limit is not a whole number"
        );
        assert_eq!(
            refused(Kind::Logs, "follow=yes"),
            "follow is neither 1 nor 0"
        );
        assert_eq!(
            refused(Kind::Logs, "servise=a"),
            "unknown parameter servise"
        );
        assert_eq!(
            refused(Kind::Requests, "service=a"),
            "unknown parameter service"
        );
        assert_eq!(
            refused(Kind::Records(Signal::Checks), "metric=a"),
            "unknown parameter metric"
        );
    }

    #[test]
    fn every_part_of_a_filter_must_match() {
        let entry =
            r#"{"message":"Disk FULL","service":"web","status":"error","ddsource":"nginx"}"#;
        let matches = |query| {
            Query::parse(Kind::Logs, query)
                .unwrap()
                .filter
                .matches(entry)
        };
        assert!(matches(""));
        assert!(matches("service=web&status=error&source=nginx&q=disk+full"));
        assert!(matches("q=k%20f"));
        assert!(!matches("q=empty"));
        assert!(!matches("service=we"));
        assert!(!matches("service=web&status=info"));
        assert!(!matches("source=(none)"));
    }
}
