//! One attempt: a request, its answer, and what the answer asks of us at once.
//!
//! Follows no redirect and retries nothing; what the outcome means for the payload is the worker's business.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use datadog_agent_runtime::connect::Client;
use datadog_wire::endpoints::API_KEY_HEADER;
use datadog_wire::status::StatusTable;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, Uri};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use crate::Encoding;
use crate::compress::{self, Encoder};
use crate::config::Config;
use crate::endpoint::{ApiKey, Endpoint};
use crate::payload::{Form, Split};
use crate::retry::{self, Verdict};
use crate::service::worker::{Half, Outcome, Start};

/// The most that is read of an answer, so that its connection can be used again; past it the connection is dropped.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// What all attempts at one endpoint share.
#[derive(Debug)]
pub(crate) struct Route {
    client: Client,
    endpoint: Endpoint,
    content_type: &'static str,
    user_agent: Option<HeaderValue>,
    status: StatusTable,
    split: Split,
}

/// How an attempt ended, and what there is to tell about it.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// The status of the answer, if one came.
    pub(crate) status: Option<u16>,
    /// Why none came; names no header and no body.
    pub(crate) problem: Option<String>,
}

/// The key as sent, and what knows it.
struct Key<'a> {
    source: &'a ApiKey,
    sent: String,
}

impl Route {
    /// The way to `endpoint` for a product's payloads.
    pub(crate) fn new(config: &Config, endpoint: Endpoint, client: Client) -> Self {
        let user_agent = HeaderValue::from_str(&config.user_agent);
        let user_agent = user_agent
            .inspect_err(|error| tracing::warn!(%error, "user agent left out"))
            .ok();
        Self {
            client,
            endpoint,
            content_type: config.content_type,
            user_agent,
            status: config.status,
            split: config.split.clone(),
        }
    }

    /// Makes one attempt, giving up when its time is over.
    pub(crate) async fn attempt(self: Arc<Self>, start: Start) -> Ended {
        let give_up_at = start.give_up_at;
        match timeout_at(give_up_at, self.send(start)).await {
            Ok(ended) => ended,
            Err(_) => Ended::without_answer("timed out".to_owned()),
        }
    }

    async fn send(&self, start: Start) -> Ended {
        let Ok((body, encoding)) = in_encoding(&start).await else {
            return Ended::before_sending(Outcome::Unreadable);
        };
        let key = self.endpoint.api_key.as_ref().map(Key::current);
        let form = start.form.as_deref();
        let Ok(request) = self.request(body, encoding, form, key.as_ref()) else {
            // Only the key can differ from one request to the next: one that no header can carry is as good as refused.
            return Ended::before_sending(key_refused(None, key, &start).await);
        };
        let response = match self.client.send(request).await {
            Ok(response) => response,
            Err(error) => return Ended::without_answer(error.to_string()),
        };
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        if let Err(error) = discard(response.into_body()).await {
            return Ended::without_answer(error.to_string());
        }
        let outcome = match retry::verdict(&self.status, status, encoding) {
            Verdict::Accepted => Outcome::Accepted,
            Verdict::Retry => Outcome::Busy { retry_after },
            Verdict::KeyRefused => key_refused(Some(status), key, &start).await,
            Verdict::KeyDoubted => match key_refused(Some(status), key, &start).await {
                Outcome::KeyRefused { changed: false, .. } => Outcome::Busy { retry_after },
                changed => changed,
            },
            Verdict::TooLarge => Outcome::TooLarge(self.halve(start).await),
            Verdict::EncodingRefused => Outcome::EncodingRefused,
            Verdict::Refused => Outcome::Refused { status },
        };
        Ended {
            outcome,
            status: Some(status),
            problem: None,
        }
    }

    fn request(
        &self,
        body: Bytes,
        encoding: Encoding,
        form: Option<&Form>,
        key: Option<&Key<'_>>,
    ) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let (url, content_type) = match form {
            Some(form) => (below(&self.endpoint.url, form.path)?, form.content_type),
            None => (self.endpoint.url.clone(), self.content_type),
        };
        let mut request = Request::post(url).header(CONTENT_TYPE, content_type);
        if let Some(user_agent) = &self.user_agent {
            request = request.header(USER_AGENT, user_agent);
        }
        if let Some(name) = compress::content_encoding(encoding) {
            request = request.header(CONTENT_ENCODING, name);
        }
        if let Some(key) = key.filter(|key| !key.sent.is_empty()) {
            let mut value = HeaderValue::from_str(&key.sent)?;
            value.set_sensitive(true);
            request = request.header(API_KEY_HEADER, value);
        }
        let mut request = request.body(Full::new(body))?;
        let own = form.map(|form| &form.headers);
        for (name, value) in self
            .endpoint
            .headers
            .iter()
            .chain(own.into_iter().flatten())
        {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }

    /// The halves of the body as the product cuts it, encoded; `None` if it cannot be cut.
    async fn halve(&self, start: Start) -> Option<[Half; 2]> {
        let own = start.form.as_ref().map(|form| &form.split);
        let split = own.unwrap_or(&self.split).clone();
        // Rare and heavy: the whole body is decompressed, parsed and compressed again.
        let halves = spawn_blocking(move || {
            let raw = compress::decode(&start.body, start.encoding, start.raw_len).ok()?;
            let halves = (split.0)(&raw)?;
            let [(_, first), (_, second)] = halves;
            // Halves that do not add up would unbalance the books.
            if first.checked_add(second) != Some(start.items) {
                return None;
            }
            let mut encoder = Encoder::default();
            Some(halves.map(|(raw, items)| {
                let encoded = encoder.encode(&raw, start.travels_in);
                Half {
                    body: encoded.body,
                    encoding: encoded.encoding,
                    raw_len: raw.len(),
                    items,
                }
            }))
        });
        halves.await.ok().flatten()
    }
}

impl Ended {
    fn without_answer(problem: String) -> Self {
        Self {
            outcome: Outcome::Unreachable,
            status: None,
            problem: Some(problem),
        }
    }

    fn before_sending(outcome: Outcome) -> Self {
        Self {
            outcome,
            status: None,
            problem: None,
        }
    }
}

impl<'a> Key<'a> {
    fn current(source: &'a ApiKey) -> Self {
        let key = source.current();
        let sent = key.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        Self {
            source,
            sent: sent.to_owned(),
        }
    }
}

/// The URL with a path behind its own.
fn below(url: &Uri, path: &str) -> Result<Uri, hyper::http::Error> {
    let whole = format!("{}{path}", url.path().trim_end_matches('/'));
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(whole.parse()?);
    Ok(Uri::from_parts(parts)?)
}

/// The body in the encoding that the endpoint takes, which differs from its own once that was refused.
async fn in_encoding(start: &Start) -> io::Result<(Bytes, Encoding)> {
    if start.travels_in != Encoding::Identity || start.encoding == Encoding::Identity {
        return Ok((start.body.clone(), start.encoding));
    }
    let (body, encoding, raw_len) = (start.body.clone(), start.encoding, start.raw_len);
    let raw = spawn_blocking(move || compress::decode(&body, encoding, raw_len));
    let raw = raw.await.map_err(io::Error::other)??;
    Ok((raw, Encoding::Identity))
}

/// Asks for another key, unless this payload has done so before.
async fn key_refused(status: Option<u16>, key: Option<Key<'_>>, start: &Start) -> Outcome {
    let changed = match key {
        Some(key) if start.may_refresh_key => {
            let source = key.source.clone();
            // Another payload may have had it changed while this one was under way.
            let refresh = move || Key::current(&source).sent != key.sent || source.refresh();
            // The source may have to read a file or ask a secret store.
            spawn_blocking(refresh).await.unwrap_or(false)
        }
        _ => false,
    };
    Outcome::KeyRefused { status, changed }
}

fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    retry::retry_after(value, SystemTime::now())
}

/// Reads an answer to its end, or as far as is worth it. Its text may echo what was sent, hence nobody sees it.
async fn discard(mut body: Incoming) -> Result<(), hyper::Error> {
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        read += frame?.data_ref().map_or(0, Bytes::len);
        if read > MAX_ANSWER_BYTES {
            break;
        }
    }
    Ok(())
}
