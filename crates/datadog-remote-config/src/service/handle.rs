//! The door of the service: for requests of clients, for parts of this process, and for whoever stops it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::telemetry::Metric;
use datadog_wire::remote_config::{ClientGetConfigsRequest, ClientGetConfigsResponse};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::shared::{ServiceSnapshot, Shared};
use super::{Bypass, Command, random_uuid};
use crate::consumer::{Interest, Subscriber};
use crate::validate::{self, Invalid};
use crate::{answer, client_json};

/// How long a new client waits for the backend.
const BYPASS_WAIT: Duration = Duration::from_secs(2);
/// How long what a store kept is served although it has expired, for the backend to say something newer.
const GRACE: Duration = Duration::from_secs(60);

/// How a request is written, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// JSON with the names of the schema.
    Json,
    /// Protobuf.
    Protobuf,
}

/// Why a request is not answered; all of it is the client's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It cannot be read.
    #[error("the body cannot be read: {0}")]
    Unreadable(String),
    /// It does not say what it must.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// The door; cheap to clone.
#[derive(Clone, Debug)]
pub struct RemoteConfigHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Sender<Command>,
}

impl RemoteConfigHandle {
    /// Answers a client. One that was not known waits up to two seconds for the backend.
    ///
    /// # Errors
    /// When it does not say what it must.
    pub async fn handle_client_request(
        &self,
        request: ClientGetConfigsRequest,
    ) -> Result<ClientGetConfigsResponse, Invalid> {
        let client = validate::check(&request)?.clone();
        let now = Instant::now();
        let (is_new, evicted) = self.shared.with_registry(|registry| {
            let is_new = !registry.knows(&client.id, now);
            let at = self.shared.clock.milliseconds();
            (is_new, registry.see(client.clone(), now, at))
        });
        if evicted > 0 {
            let telemetry = &self.shared.telemetry;
            telemetry.add(Metric::RemoteConfigClientsEvicted, &[], evicted as u64);
        }
        if is_new {
            self.bypass().await;
        }
        let view = self.shared.view();
        let now = self.shared.clock.seconds();
        let expires = view.trusted.director_timestamp_expires();
        let counts = view.is_fresh || self.shared.begun.elapsed() >= GRACE;
        if counts && expires.is_some_and(|expires| expires <= now) {
            return Ok(answer::expired(&view.trusted));
        }
        let cached = &request.cached_target_files;
        Ok(answer::answer(&view.trusted, &client, cached, now))
    }

    /// Answers a request as it came.
    ///
    /// # Errors
    /// When it cannot be read, or does not say what it must.
    pub async fn handle_client_request_bytes(
        &self,
        body: Bytes,
        encoding: Encoding,
        prepare: impl FnOnce(&mut ClientGetConfigsRequest),
    ) -> Result<Bytes, RequestError> {
        let mut request = match encoding {
            Encoding::Json => client_json::read(&body)
                .map_err(|error| RequestError::Unreadable(error.to_string()))?,
            Encoding::Protobuf => ClientGetConfigsRequest::decode(body)
                .map_err(|error| RequestError::Unreadable(error.to_string()))?,
        };
        prepare(&mut request);
        let answer = self.handle_client_request(request).await?;
        Ok(match encoding {
            Encoding::Json => client_json::write(&answer).into(),
            Encoding::Protobuf => answer.encode_to_vec().into(),
        })
    }

    /// Waits until the backend was asked on behalf of a new client, or not any longer.
    async fn bypass(&self) {
        let asked = async {
            let (done, answered) = oneshot::channel();
            self.commands.send(Command::Bypass(done)).await.ok()?;
            answered.await.ok()
        };
        let outcome = match timeout(BYPASS_WAIT, asked).await {
            Ok(Some(Bypass::Used)) => "used",
            Ok(Some(Bypass::Limited)) => "limited",
            // The service has stopped.
            Ok(None) => return,
            Err(_) => "timeout",
        };
        let telemetry = &self.shared.telemetry;
        telemetry.add(Metric::RemoteConfigBypasses, &[("outcome", outcome)], 1);
    }

    /// Wants to be told of some products.
    #[must_use]
    pub fn subscribe(&self, interest: Interest) -> Subscriber {
        let trusted = self.shared.view().trusted;
        let now = self.shared.clock.seconds();
        let subscriptions = &self.shared.subscriptions;
        subscriptions.add(random_uuid(), interest, &trusted, now)
    }

    /// How the service fares.
    #[must_use]
    pub fn snapshot(&self) -> ServiceSnapshot {
        self.shared.snapshot()
    }

    /// Forgets all that is believed but the first roots, in the store too, and asks the backend anew. Returns when that
    /// is done; at once when the service has stopped.
    pub async fn reset(&self) {
        let (done, ended) = oneshot::channel();
        if self.commands.send(Command::Reset(done)).await.is_ok() {
            drop(ended.await);
        }
    }

    /// Ends a service that runs, without waiting for the backend; what is believed stays served. Returns when it has
    /// ended.
    pub async fn shutdown(&self) {
        self.shared.stop.send_replace(true);
        self.commands.closed().await;
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}
