//! Requests with traces: received, given their turn, answered, and settled whoever is still there to hear it.

use std::sync::Arc;

use datadog_agent_runtime::bind::http::receive::{ReceiveError, Received};
use datadog_agent_runtime::telemetry::{Metric, Reason};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use tokio::time::timeout;

use super::answer::Answer;
use super::client::Client;
use super::route::Version;
use super::work::{NotDone, compute};
use super::{Receiver, client};
use crate::aggregator::Encoded;
use crate::aggregator::service::now;
use crate::decode;
use crate::processor::Memory;

impl Receiver {
    /// Answers a request with traces; says too whether its connection must end.
    pub(super) async fn traces(
        &self,
        version: Version,
        request: Request<Incoming>,
    ) -> (Answer, bool) {
        let (head, body) = request.into_parts();
        let client = client(&head);
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
        let Ok(_turn) = self.0.desk.turn(bytes).await else {
            return self.overloaded(version, &client);
        };
        let (receiver, of_client) = (self.clone(), Arc::clone(&client));
        let work = move || receiver.process(version, content_type.as_deref(), received, &of_client);
        match compute(bytes, work).await {
            Err(NotDone) => {
                self.refused("panic", &client);
                Answer::Failed
            }
            Ok(Ok(encoded)) => {
                self.0.accepted.add(1);
                self.queue(encoded).await;
                self.taken(version, &client)
            }
            Ok(Err(error)) => {
                let (reason, answer) = match error.is_truncated() {
                    true => ("eof", Answer::UnexpectedEnd),
                    false => ("decoding_error", Answer::Malformed(error.to_string())),
                };
                self.refused(reason, &client);
                answer
            }
        }
    }

    fn process(
        &self,
        version: Version,
        content_type: Option<&str>,
        received: Received,
        client: &Client,
    ) -> Result<Vec<Encoded>, decode::Error> {
        let Received { body, share } = received;
        let memory = Memory {
            of_body: share,
            of_all: &self.0.memory,
        };
        self.0
            .processor
            .traces(version, content_type, &body, client, memory, now())
    }

    /// Hands messages on; those that find no room in time are counted.
    async fn queue(&self, encoded: Vec<Encoded>) {
        for message in encoded {
            let (traces, spans) = (message.chunks, message.spans);
            let added = timeout(self.0.limits.decoder_timeout, self.0.handle.add(message));
            let reason = match added.await {
                Ok(Ok(())) => continue,
                Ok(Err(_)) => Reason::Shutdown,
                Err(_) => Reason::QueueFull,
            };
            let telemetry = &self.0.telemetry;
            telemetry.dropped(Metric::TracesDropped, reason, traces);
            telemetry.dropped(Metric::TracesSpansDropped, reason, spans);
        }
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
