//! The processor by itself, for benches: no socket, no queue, and the time as an argument.

use std::sync::Arc;
use std::time::Duration;

use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::Telemetry;
use datadog_forwarder::Budget;

use super::{Body, Memory, Processor};
use crate::aggregator::service::SharedStats;
use crate::config::{Config, ConfigError};
use crate::decode::Allowance;
use crate::server::WORKSPACE_BYTES;
use crate::server::client::Client;
use crate::server::route::{self, Route};

/// The processor of an agent that is not there.
#[derive(Debug)]
pub struct PipelineForBenches {
    processor: Arc<Processor>,
    memory: Budget,
    client: Client,
}

impl PipelineForBenches {
    /// As an agent of this configuration would have it.
    ///
    /// # Errors
    /// A rule that cannot be used.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let stats = SharedStats::new(config);
        let client = Client {
            language: "python".to_owned(),
            ..Client::default()
        };
        Ok(Self {
            processor: Processor::new(
                config,
                stats,
                &Telemetry::default(),
                event_bus::Sender::default(),
                None,
            )?,
            memory: Budget::new(config.requests.memory_bytes + WORKSPACE_BYTES),
            client,
        })
    }

    /// Does all that is done to a body of msgpack, and forgets what would be sent; returns the spans of it. `None` for
    /// a path that takes no traces, and for a body that cannot be decoded.
    #[must_use]
    pub fn process(&self, path: &str, body: &[u8], now: Duration) -> Option<u64> {
        let Some(Route::Traces(version)) = route::of(path) else {
            return None;
        };
        let body = Body {
            format: version.format(Some("application/msgpack")),
            bytes: body,
            client: &self.client,
            now,
        };
        let mut memory = Memory {
            of_all: &self.memory,
            of_body: None,
            patience: None,
        };
        let mut spans = 0;
        let allowance = Allowance::new(&self.memory, None, usize::MAX);
        let taken = self
            .processor
            .traces(&body, allowance, &mut memory, &mut |message| {
                spans += message.spans;
            });
        taken.ok().map(|()| spans)
    }
}
