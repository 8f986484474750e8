//! One request to one intake, and what comes back.
//!
//! Sets no time: callers drop what takes too long.

use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::{self, ReceiveError, announced, receive};
use datadog_agent_runtime::connect::{Body, Client, SendError, SendErrorKind};
use datadog_forwarder::ApiKey;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::{Response, StatusCode};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::warn;

use super::ledger::Ledger;
use super::memory::Memory;
use super::outgoing::{Outgoing, without_connection};
use super::refusal::Refusal;
use super::target::Target;
use super::upload::{Passing, Upload};
use crate::server::route::Product;

/// Bytes of an answer that is passed back.
const MAX_ANSWER_BYTES: usize = 25 * 1_024 * 1_024;
/// Bytes of an answer that nobody waits for: read so that the connection can be used again.
const MAX_DISCARDED_BYTES: usize = 64 * 1_024;

/// Sends requests; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) ledger: Ledger,
    pub(super) memory: Memory,
    /// Longest time of one request that nobody waits for.
    pub(super) timeout: Duration,
}

impl Sender {
    /// Sends a body while it comes. Where the intake refuses the key another is asked for, which helps the next request.
    pub(super) async fn pass(
        &self,
        outgoing: &Outgoing,
        target: &Target,
        upload: &Upload<Incoming>,
        body: Passing<Incoming>,
    ) -> Result<Response<Incoming>, Refusal> {
        let key = current(target);
        let body = Body::streaming(body);
        let request = outgoing.request(target, &key, body);
        let request = request.ok_or(Refusal::BadKey)?;
        let sent = self.client.send_streaming(request).await;
        // The client's end explains why the intake's failed.
        let answer = sent.map_err(|error| match upload.why() {
            Some(why) => why,
            None => failed(outgoing, &error),
        })?;
        self.ledger.answered(outgoing.product, answer.status());
        if let (true, Some(source)) = (is_key_refused(answer.status()), &target.key) {
            let source = source.clone();
            // Whether it changes is seen by the next request, which nobody waits for here.
            drop(spawn_blocking(move || refresh(&source, &key)));
        }
        Ok(answer)
    }

    /// Sends a body that is there as a whole; once more with another key if the intake refused the first.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        target: &Target,
        body: &Bytes,
    ) -> Result<Response<Incoming>, Refusal> {
        let key = current(target);
        let answer = self.send_with(outgoing, target, &key, body).await?;
        let source = match &target.key {
            Some(source) if is_key_refused(answer.status()) => source.clone(),
            _ => return Ok(answer),
        };
        let refreshed = spawn_blocking(move || refresh(&source, &key)).await;
        if !refreshed.unwrap_or(false) {
            return Ok(answer);
        }
        discard(answer).await;
        self.send_with(outgoing, target, &current(target), body)
            .await
    }

    async fn send_with(
        &self,
        outgoing: &Outgoing,
        target: &Target,
        key: &str,
        body: &Bytes,
    ) -> Result<Response<Incoming>, Refusal> {
        let request = outgoing.request(target, key, Full::new(body.clone()));
        let request = request.ok_or(Refusal::BadKey)?;
        let sent = self.client.send(request).await;
        let answer = sent.map_err(|error| failed(outgoing, &error))?;
        self.ledger.answered(outgoing.product, answer.status());
        Ok(answer)
    }

    /// The answer of an intake as the client gets it.
    pub(super) async fn collect(
        &self,
        product: Product,
        answer: Response<Incoming>,
        deadline: Instant,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let (head, body) = answer.into_parts();
        let time = deadline.saturating_duration_since(Instant::now());
        let limits = receive::Limits {
            bytes: MAX_ANSWER_BYTES,
            timeout: time,
            idle_timeout: time.max(Duration::from_millis(1)),
        };
        let length = announced(&head.headers);
        let received = receive(body, length, &limits, self.memory.held()).await;
        let (body, share) = match received {
            Ok(received) => self.memory.share(received),
            Err(ReceiveError::TooLarge) => return Err(Refusal::AnswerTooLarge),
            Err(ReceiveError::Crowded) => return Err(Refusal::AnswerCrowded),
            Err(ReceiveError::TimedOut) => return Err(Refusal::TimedOut),
            Err(ReceiveError::Broken) => return Err(Refusal::Unreachable),
        };
        let mut response = Response::new(Full::new(share.keep_with(body)));
        // Profilers know no other word for it.
        *response.status_mut() = match (product, head.status) {
            (Product::Profiling, StatusCode::ACCEPTED) => StatusCode::OK,
            (_, status) => status,
        };
        let headers = response.headers_mut();
        *headers = without_connection(&head.headers);
        headers.remove(CONTENT_LENGTH);
        Ok(response)
    }
}

/// Reads an answer that nobody waits for to its end, or as far as is worth it.
pub(super) async fn discard(answer: Response<Incoming>) {
    let mut body = answer.into_body();
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MAX_DISCARDED_BYTES {
            return;
        }
    }
}

const fn is_key_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn current(target: &Target) -> String {
    let key = target.key.as_ref().map(ApiKey::current);
    let key = key.unwrap_or_default();
    key.trim_matches(|c: char| c.is_whitespace() || c.is_control())
        .to_owned()
}

/// Asks for another key than this one, unless there is one already; it may have to be read from a file or a store.
fn refresh(source: &ApiKey, refused: &str) -> bool {
    source.current().trim() != refused || source.refresh()
}

fn failed(outgoing: &Outgoing, error: &SendError) -> Refusal {
    let product = outgoing.product.name();
    warn!(product, %error, "request could not be passed on");
    match error.kind() {
        SendErrorKind::Timeout => Refusal::TimedOut,
        _ => Refusal::Unreachable,
    }
}
