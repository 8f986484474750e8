//! Requests with traces: received, given their turn, answered, and settled whoever is still there to hear it.

use std::sync::Arc;

use datadog_agent_runtime::bind::http::receive::{ReceiveError, Received};
use datadog_agent_runtime::budget::Reservation;
use datadog_agent_runtime::telemetry::{Metric, Reason};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::answer::Answer;
use super::client::Client;
use super::route::Version;
use super::work::{INLINE_BYTES, compute};
use super::{Receiver, WORKSPACE_BYTES};
use crate::aggregator::Encoded;
use crate::aggregator::service::now;
use crate::decode::{self, Allowance, memory_of};
use crate::processor::{self, Memory};

/// What became of a body.
struct Done {
    result: Result<(), decode::Error>,
    /// What is still to be handed on.
    messages: Vec<Encoded>,
    received: Received,
}

impl Receiver {
    /// Answers a request with traces; says too whether its connection must end.
    pub(super) async fn traces(
        &self,
        version: Version,
        request: Request<Incoming>,
    ) -> (Answer, bool) {
        let (head, body) = request.into_parts();
        let client = self.client(&head).await;
        let received = match self.receive(&head, body, self.0.limits.traces_bytes).await {
            Ok(received) => received,
            Err(ReceiveError::Crowded) => return (self.overloaded(version, &client), true),
            Err(error) => {
                self.lost(&client, error);
                return (self.not_received(error), true);
            }
        };
        let content_type = head.headers.get(CONTENT_TYPE);
        let content_type = content_type
            .and_then(|it| it.to_str().ok())
            .map(str::to_owned);
        let receiver = self.clone();
        // A task of its own, which goes on if the connection is cut meanwhile.
        let settled = tokio::spawn(async move {
            let client = Arc::new(client);
            receiver
                .settle(version, content_type, received, client)
                .await
        });
        match settled.await {
            Ok(answer) => (answer, false),
            Err(error) if error.is_panic() => (Answer::Failed, true),
            Err(_) => (Answer::Unavailable("shutting down"), true),
        }
    }

    /// Decodes a body and hands on what is to be sent of it.
    pub(super) async fn settle(
        &self,
        version: Version,
        content_type: Option<String>,
        received: Received,
        client: Arc<Client>,
    ) -> Answer {
        let bytes = received.body.len();
        // Kept until all is handed on, so that whoever waits for the last turn waits for that too.
        let Ok(_turn) = self.0.desk.turn().await else {
            return self.overloaded(version, &client);
        };
        let format = version.format(content_type.as_deref());
        let weight = self.weight_of(bytes);
        let is_inline = weight <= INLINE_BYTES;
        let (mut received, mut held) = (received, None);
        loop {
            let (receiver, of_client) = (self.clone(), Arc::clone(&client));
            let had_room = held.is_some();
            let work = move || receiver.process(format, received, held, &of_client, is_inline);
            let Ok(done) = compute(weight, work).await else {
                self.refused("panic", &client);
                return Answer::Failed;
            };
            match done.result {
                Ok(()) => {
                    self.0.accepted.add(1);
                    for message in done.messages {
                        self.queue(message).await;
                    }
                    return self.taken(version, &client);
                }
                Err(error) if error.is_for_want_of_room() && !had_room => {
                    // Others have the memory; nothing of theirs is waited for while some of it is held.
                    let most = memory_of(bytes).min(WORKSPACE_BYTES);
                    let room = self.0.memory.reserve(most);
                    let room = timeout(self.0.limits.decoder_timeout, room).await;
                    let Ok(Some(room)) = room else {
                        return self.overloaded(version, &client);
                    };
                    (received, held) = (done.received, Some(room));
                }
                Err(error) if error.is_for_want_of_room() => {
                    return self.overloaded(version, &client);
                }
                Err(error) => return self.undecodable(&error, &client),
            }
        }
    }

    fn undecodable(&self, error: &decode::Error, client: &Client) -> Answer {
        let (reason, answer) = if error.is_truncated() {
            ("eof", Answer::UnexpectedEnd)
        } else if error.is_too_large() {
            ("payload_too_large", Answer::TooLarge)
        } else {
            ("decoding_error", Answer::Malformed(error.to_string()))
        };
        self.refused(reason, client);
        answer
    }

    /// How much work a body is, in bytes of one that only has to be decoded and rewritten.
    fn weight_of(&self, bytes: usize) -> usize {
        match self.0.processor.inspects() {
            true => usize::MAX,
            false => bytes,
        }
    }

    /// Decodes a body and applies all rules. What is to be sent of a large one is handed on meanwhile.
    fn process(
        &self,
        format: decode::Format,
        mut received: Received,
        held: Option<Reservation>,
        client: &Client,
        is_inline: bool,
    ) -> Done {
        let memory = &self.0.memory;
        let len = received.body.len();
        let allowance = Allowance::new(memory, held, memory.limit().saturating_sub(len));
        let mut memory = Memory {
            of_all: memory,
            of_body: received.share.take(),
            patience: (!is_inline).then_some(self.0.limits.decoder_timeout),
        };
        let mut messages = Vec::new();
        let mut out = |message| match is_inline {
            true => messages.push(message),
            false => Handle::current().block_on(self.queue(message)),
        };
        let body = processor::Body {
            format,
            bytes: &received.body,
            client,
            now: now(),
        };
        let result = self
            .0
            .processor
            .traces(&body, allowance, &mut memory, &mut out);
        received.share = memory.of_body;
        Done {
            result,
            messages,
            received,
        }
    }

    /// Hands a message on; one that finds no room in time is counted.
    pub(super) async fn queue(&self, message: Encoded) {
        let (traces, spans) = (message.chunks, message.spans);
        let added = timeout(self.0.limits.decoder_timeout, self.0.handle.add(message));
        let reason = match added.await {
            Ok(Ok(())) => return,
            Ok(Err(_)) => Reason::Shutdown,
            Err(_) => Reason::QueueFull,
        };
        let telemetry = &self.0.telemetry;
        telemetry.dropped(Metric::TracesDropped, reason, traces);
        telemetry.dropped(Metric::TracesSpansDropped, reason, spans);
    }

    fn taken(&self, version: Version, client: &Client) -> Answer {
        match version.has_rates() {
            true => Answer::Rates(self.0.processor.rates(&client.rates_version)),
            false => Answer::Ok,
        }
    }

    /// The body is lost: this agent has too much to do.
    fn overloaded(&self, version: Version, client: &Client) -> Answer {
        self.refused("overload", client);
        match client.wants_status || self.0.tells_status {
            true => Answer::TooMany,
            false if !version.has_rates() => Answer::Ok,
            false => Answer::Overload(self.0.processor.rates(&client.rates_version)),
        }
    }

    /// Counts traces that were not received.
    fn lost(&self, client: &Client, error: ReceiveError) {
        let reason = match error {
            ReceiveError::TooLarge => "payload_too_large",
            ReceiveError::TimedOut => "timeout",
            ReceiveError::Crowded | ReceiveError::Broken => "eof",
        };
        self.refused(reason, client);
    }

    /// Counts a payload that was refused, and the traces that its client says are in it.
    fn refused(&self, reason: &'static str, client: &Client) {
        let labels = [("reason", reason)];
        let telemetry = &self.0.telemetry;
        telemetry.add(Metric::TracesPayloadsRefused, &labels, 1);
        if client.traces > 0 {
            telemetry.add(Metric::TracesDropped, &labels, client.traces);
        }
    }
}
