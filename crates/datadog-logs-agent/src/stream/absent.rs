//! In place of the stateful stream where it is not built in: the same words, of which nothing can exist.

use std::convert::Infallible;

use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::event_bus::Producer;
use datadog_agent_runtime::telemetry::Telemetry;
use datadog_forwarder::Reservation;
use serde_json::Value;
use tokio::time::Instant;

use crate::aggregator::Batch;
use crate::flusher::{FlushReport, Http};

/// How logs travel over the stream; this build has none.
#[derive(Debug, Clone)]
pub struct Config(Infallible);

/// What the stream is to HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Logs go over the stream, and over HTTP where the stream cannot take them.
    #[default]
    Primary,
    /// Logs go over HTTP; the stream carries copies.
    Shadow,
}

/// Tells how the stream is doing; this build has none.
#[derive(Debug, Clone)]
pub struct Status(Infallible);

#[derive(Debug, Clone)]
pub(crate) struct Streams(Infallible);

pub(crate) struct Tasks(Infallible);

impl Config {
    pub(crate) fn role(&self) -> Role {
        match self.0 {}
    }
}

impl Status {
    /// Where the stream goes.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        match self.0 {}
    }

    /// Every pipeline.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self.0 {}
    }
}

impl Streams {
    pub(crate) fn new(
        config: Config,
        _client: &Client,
        _http: Http,
        _telemetry: &Telemetry,
        _notices: Producer,
        _drain: &Drain,
    ) -> (Self, Tasks) {
        match config.0 {}
    }

    pub(crate) fn status(&self) -> Status {
        match self.0 {}
    }

    pub(crate) fn is_shadow(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn mark(&self, _batch: Batch) -> Batch {
        match self.0 {}
    }

    pub(crate) fn copy(&self, _batch: &Batch) {
        match self.0 {}
    }

    #[allow(
        clippy::unused_async,
        reason = "of the same shape as where there is a stream"
    )]
    pub(crate) async fn send(&self, _batch: Batch, _reservation: Option<Reservation>) -> bool {
        match self.0 {}
    }

    #[allow(
        clippy::unused_async,
        reason = "of the same shape as where there is a stream"
    )]
    pub(crate) async fn flush(&self, _deadline: Instant) -> FlushReport {
        match self.0 {}
    }
}

impl Tasks {
    #[allow(
        clippy::unused_async,
        reason = "of the same shape as where there is a stream"
    )]
    pub(crate) async fn run(self, _drain: Drain) {
        match self.0 {}
    }
}
