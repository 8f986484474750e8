//! What the metrics agent is told; the caller decides where it comes from.
//!
//! Reads no environment and no file. [`Config::check`] refuses what would lose metrics or send them astray; it corrects
//! nothing, since whoever read the value knows how to name it to the user.

use std::time::Duration;

use datadog_forwarder::ApiKey;
use datadog_forwarder::service::Pauses;

use crate::aggregator::{self, Which};
use crate::enhanced;
use crate::flusher;
use crate::parse;
use crate::rules::{Mapper, MapperError};
use crate::server::{self, Listen};

/// The port on which clients expect DogStatsD.
pub const DEFAULT_PORT: u16 = 8_125;
/// What the agent calls itself, unless told otherwise.
const PRODUCT: &str = "datadog-agent-native";

/// Configuration of the metrics agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where DogStatsD listens. Default: UDP port 8125 of this machine.
    pub listen: Vec<Listen>,
    /// How sockets are read.
    pub server: server::Options,
    /// Host and port of another server that gets a copy of every packet of a socket. Default: none.
    pub forward_to: Option<(String, u16)>,
    /// Whether malformed messages are told of at the level of debugging only. Default: no.
    pub quiet: bool,
    /// What of a message is looked at.
    pub parse: parse::Options,
    /// Bytes of packets that were read and not yet parsed, at most. Default: 8 MiB.
    pub queue_bytes: usize,
    /// How samples are aggregated.
    pub aggregation: aggregator::Config,
    /// When payloads are sent without being asked for. Default: every 10 seconds.
    pub flush: FlushStrategy,
    /// Which buckets a flush takes that somebody asks for. Default: the closed ones.
    pub flush_on_request: Which,
    /// Which buckets are sent at the end. Default: the closed ones.
    pub flush_at_the_end: Which,
    /// Samples with a timestamp that are sent together. Default: 2048.
    pub pass_batch: usize,
    /// Whether what the pipeline counts about itself is sent as metrics, whose names begin with `datadog.agent.`.
    /// Default: no.
    pub own_metrics: bool,
    /// What is said about the function or container itself. Default: nothing.
    pub enhanced: Option<enhanced::Config>,
    /// Base of the primary intake's URLs.
    pub url: String,
    /// The key of the primary intake.
    pub api_key: Option<ApiKey>,
    /// How often the key is checked; never if zero. Default: every hour.
    pub validate_every: Duration,
    /// Further intakes, each of which gets everything too.
    pub additional_endpoints: Vec<AdditionalEndpoint>,
    /// Longest time of one attempt. Default: 5 seconds.
    pub request_timeout: Duration,
    /// Pauses between attempts. Default: those of the core agent.
    pub pauses: Pauses,
    /// Requests in flight at once, per endpoint. Default: 1.
    pub concurrency: usize,
    /// Encoded bytes that wait for another try, per endpoint. Default: 15 MiB.
    pub redrive_bytes: usize,
    /// Age past which a waiting payload is given up. Default: one day.
    pub redrive_age: Duration,
    /// `User-Agent` of every request. Default: product and version.
    pub user_agent: String,
    /// The version that the agent gives of itself. Default: that of this crate.
    pub agent_version: String,
}

/// A further intake with a key of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct AdditionalEndpoint {
    /// Base of its URLs.
    pub url: String,
    /// Its key.
    pub api_key: String,
}

impl std::fmt::Debug for AdditionalEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdditionalEndpoint")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// When payloads are sent without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushStrategy {
    /// This often.
    Interval(Duration),
    /// Only when a flush is asked for: where the machine sleeps between invocations.
    OnDemand,
}

/// Why a configuration cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number outside of what works.
    #[error("{name} is {given}, and must be from {min} to {max}")]
    OutOfRange {
        /// The field.
        name: &'static str,
        /// Its value.
        given: usize,
        /// The smallest that works.
        min: usize,
        /// The largest that works.
        max: usize,
    },
    /// A time of zero.
    #[error("{name} is zero")]
    NoTime {
        /// The field.
        name: &'static str,
    },
    /// The intake refuses whoever brings no key.
    #[error("no API key for the metrics intake")]
    NoApiKey,
    /// A key that cannot stand in a header; the text does not show it.
    #[error("the API key of {endpoint} holds characters which no key has")]
    BadApiKey {
        /// Whose key.
        endpoint: String,
    },
    /// A URL that cannot be posted to; the text leaves it out, since it may hold a password.
    #[error("the URL of a metrics intake {problem}")]
    BadUrl {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A version that cannot be sent.
    #[error("the version of the agent holds characters which no header may have")]
    BadHeader,
    /// A pattern of the mapper that cannot be used.
    #[error(transparent)]
    Mapper(#[from] MapperError),
}

impl Config {
    /// Everything at its default, for this primary intake.
    #[must_use]
    pub fn from_intake(url: &str, api_key: Option<ApiKey>) -> Self {
        Self {
            listen: vec![Listen::Udp {
                host: "127.0.0.1".to_owned(),
                port: DEFAULT_PORT,
            }],
            server: server::Options::default(),
            forward_to: None,
            quiet: false,
            parse: parse::Options::default(),
            queue_bytes: 8 * 1_024 * 1_024,
            aggregation: aggregator::Config::default(),
            flush: FlushStrategy::Interval(Duration::from_secs(10)),
            flush_on_request: Which::Closed,
            flush_at_the_end: Which::Closed,
            pass_batch: 2_048,
            own_metrics: false,
            enhanced: None,
            url: url.to_owned(),
            api_key,
            validate_every: Duration::from_secs(60 * 60),
            additional_endpoints: Vec::new(),
            request_timeout: Duration::from_secs(5),
            pauses: Pauses::ErrorCount {
                factor: 2.0,
                base_s: 2.0,
                max_s: 64.0,
                recovery_interval: 2,
                recovery_reset: false,
            },
            concurrency: 1,
            redrive_bytes: 15 * 1_024 * 1_024,
            redrive_age: Duration::from_secs(24 * 60 * 60),
            user_agent: format!("{PRODUCT}/{}", env!("CARGO_PKG_VERSION")),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether this can be run.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    pub fn check(&self) -> Result<(), ConfigError> {
        within(
            "the read buffer in bytes",
            self.server.buffer_bytes,
            1,
            65_535,
        )?;
        within("the batch of datagrams", self.server.batch, 1, 1 << 16)?;
        // A batch must fit, or no client of a Unix socket would ever get through.
        let least = 64 * 1_024;
        within("the queue in bytes", self.queue_bytes, least, usize::MAX)?;
        within(
            "the limit of contexts",
            self.aggregation.max_contexts,
            1,
            u32::MAX as usize,
        )?;
        within("the number of requests in flight", self.concurrency, 1, 64)?;
        within(
            "the batch of passed samples",
            self.pass_batch,
            1,
            usize::MAX,
        )?;
        if self.aggregation.bucket_s < 1 {
            return Err(ConfigError::NoTime {
                name: "the length of a bucket",
            });
        }
        if self.flush == FlushStrategy::Interval(Duration::ZERO) {
            return Err(ConfigError::NoTime {
                name: "the flush interval",
            });
        }
        if self.request_timeout.is_zero() {
            return Err(ConfigError::NoTime {
                name: "the request timeout",
            });
        }
        Mapper::compile(&self.aggregation.rules.mapper)?;
        flusher::endpoints(self).map(drop)
    }
}

fn within(name: &'static str, given: usize, min: usize, max: usize) -> Result<(), ConfigError> {
    match (min..=max).contains(&given) {
        true => Ok(()),
        false => Err(ConfigError::OutOfRange {
            name,
            given,
            min,
            max,
        }),
    }
}
