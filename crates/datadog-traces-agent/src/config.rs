//! What the trace agent is told; the caller decides where it comes from.
//!
//! Reads no environment and no file. [`Config::check`] refuses what would lose traces or send them astray; it corrects
//! nothing, since whoever read the value knows how to name it to the user.

mod proxies;

use std::time::Duration;

use datadog_agent_runtime::bind::{Target, http};
use datadog_forwarder::ApiKey;
use datadog_forwarder::service::Pauses;

pub(crate) use self::proxies::is_local;
pub use self::proxies::{CloudResource, EvpTarget, Install, Proxies, ProxyMode, ProxyTarget};
use crate::rule::RuleError;
use crate::service_mapping::ServiceMapping;
use crate::truncate::Resources;
use crate::{concentrator, filter, flusher, obfuscate, proxy, replace, sampler};

/// The port on which tracers expect the agent.
pub const DEFAULT_PORT: u16 = 8_126;
/// The version of Datadog's agent whose features tracers may expect of this one.
const COMPATIBLE_VERSION: &str = "7.70.0";

/// Configuration of the trace agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where tracers are listened to. Default: TCP port 8126 of this machine.
    pub listen: Vec<Target>,
    /// Limits of connections. Default: 1,000 connections, 5 seconds to send a head, 60 seconds of rest.
    pub connections: http::Limits,
    /// Limits of requests.
    pub requests: RequestLimits,
    /// What this agent says of itself.
    pub identity: Identity,
    /// Tags of the agent, which every payload carries.
    pub tags: Vec<(String, String)>,
    /// Which traces are dropped.
    pub filter: filter::Config,
    /// What is replaced in spans.
    pub replace: Vec<replace::Rule>,
    /// What is obfuscated in spans.
    pub obfuscation: obfuscate::Config,
    /// Which services are renamed.
    pub service_mapping: ServiceMapping,
    /// Whether spans are named after their `component`. Default: no.
    pub component_as_name: bool,
    /// How long resources may be. Default: 5,000 bytes.
    pub resources: Resources,
    /// Which traces are kept.
    pub sampler: sampler::Config,
    /// How spans become stats.
    pub concentrator: concentrator::Config,
    /// Who works stats out where tracers do not. Default: this agent.
    pub stats: Stats,
    /// How often stats of tracers are sent on. Default: every second.
    pub client_stats_every: Duration,
    /// Bytes of stats of tracers in memory at most. Default: 16 MiB.
    pub client_stats_bytes: usize,
    /// When payloads are sent without being asked for. Default: every 5 seconds.
    pub flush: FlushStrategy,
    /// Base of the primary intake's URLs.
    pub url: String,
    /// The key of the primary intake.
    pub api_key: Option<ApiKey>,
    /// Further intakes, each of which gets everything too.
    pub additional_endpoints: Vec<AdditionalEndpoint>,
    /// zstd level of traces. Default: 3.
    pub compression_level: i32,
    /// Longest time of one attempt. Default: 5 seconds.
    pub request_timeout: Duration,
    /// Attempts of one payload in a row. Default: 4.
    pub attempts: u32,
    /// How long to wait between them. Default: about 200 milliseconds, twice as long each time, at most 10 seconds.
    pub pauses: Pauses,
    /// Encoded bytes of traces that wait for another try, per endpoint, and half of `requests.memory_bytes` at most.
    /// Default: 50 MiB.
    pub redrive_bytes: usize,
    /// Age past which a waiting payload is given up. Default: one hour.
    pub redrive_age: Duration,
    /// What is passed on to intakes, and to which.
    pub proxies: Proxies,
    /// What `/info` says of the parts of the agent that are not this one.
    pub info: Info,
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

/// Limits of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of a body with traces. Default: 50 MiB.
    pub traces_bytes: usize,
    /// Bytes of a body with stats. Default: 25 MiB.
    pub stats_bytes: usize,
    /// Bytes of bodies in reception and of encoded traces together. Default: 50 MiB.
    pub memory_bytes: usize,
    /// Bodies that are decoded at once. Default: one for every two processors.
    pub decoders: usize,
    /// How long a body may wait for that, and for memory. Default: 1 second.
    pub decoder_timeout: Duration,
    /// Longest time to receive a body, and longest time without a byte of it. Default: 5 seconds.
    pub timeout: Duration,
}

/// What this agent says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The host of traces that name none.
    pub hostname: String,
    /// The environment of traces that name none, as a valid tag. Default: `none`.
    pub env: String,
    /// The version of Datadog's agent whose features tracers may expect. Default: 7.70.0.
    pub compatible_version: String,
    /// The version of this agent. Default: that of this crate.
    pub version: String,
}

/// Who works stats out where tracers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stats {
    /// This agent.
    #[default]
    Agent,
    /// The backend, which every span asks to.
    Backend,
    /// Nobody: none are wanted, and those of tracers are dropped.
    Nobody,
}

/// When payloads are sent without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushStrategy {
    /// This often.
    Interval(Duration),
    /// Only when a flush is asked for: where the machine sleeps between invocations.
    OnDemand,
}

/// What `/info` says of the parts of the agent that are not this one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Info {
    /// The port of DogStatsD; 0 where there is none.
    pub statsd_port: u16,
    /// Names of features, as the user gave them.
    pub features: Vec<String>,
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
    /// A key that cannot stand in a header; the text does not show it.
    #[error("the API key of {endpoint} holds characters which no key has")]
    BadApiKey {
        /// Whose key.
        endpoint: String,
    },
    /// A URL that cannot be posted to; the text leaves it out, since it may hold a password.
    #[error("the URL of {of} {problem}")]
    BadUrl {
        /// Whose URL.
        of: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A version or host that cannot be sent.
    #[error("{name} holds characters which no header may have")]
    BadHeader {
        /// What it is.
        name: &'static str,
    },
    /// A rule that cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

impl Config {
    /// Everything at its default, for this primary intake and site.
    #[must_use]
    pub fn from_intake(url: &str, api_key: Option<ApiKey>, site: &str) -> Self {
        Self {
            listen: vec![Target::Tcp {
                host: "127.0.0.1".to_owned(),
                port: DEFAULT_PORT,
            }],
            connections: http::Limits {
                connections: 1_000,
                ..http::Limits::default()
            },
            requests: RequestLimits::default(),
            identity: Identity::default(),
            tags: Vec::new(),
            filter: filter::Config::default(),
            replace: Vec::new(),
            obfuscation: obfuscate::Config::default(),
            service_mapping: ServiceMapping::default(),
            component_as_name: false,
            resources: Resources::Usual,
            sampler: sampler::Config::default(),
            concentrator: concentrator::Config {
                quantize_peer: obfuscate::quantize_peers,
                ..concentrator::Config::default()
            },
            stats: Stats::Agent,
            client_stats_every: Duration::from_secs(1),
            client_stats_bytes: 16 * 1_024 * 1_024,
            flush: FlushStrategy::Interval(Duration::from_secs(5)),
            url: url.to_owned(),
            api_key,
            additional_endpoints: Vec::new(),
            compression_level: 3,
            request_timeout: Duration::from_secs(5),
            attempts: 4,
            pauses: Pauses::Jitter {
                first: Duration::from_millis(200),
                max: Duration::from_secs(10),
            },
            redrive_bytes: 50 * 1_024 * 1_024,
            redrive_age: Duration::from_secs(60 * 60),
            proxies: Proxies::of_site(site),
            info: Info::default(),
        }
    }

    /// Whether this can be run.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    pub fn check(&self) -> Result<(), ConfigError> {
        let requests = &self.requests;
        let any = usize::MAX;
        within(
            "the limit of a body with traces",
            requests.traces_bytes,
            1,
            any,
        )?;
        within(
            "the limit of a body with stats",
            requests.stats_bytes,
            1,
            any,
        )?;
        // Else no body of the largest size would ever get in.
        let least = requests.traces_bytes.max(requests.stats_bytes);
        within(
            "the memory of traces in bytes",
            requests.memory_bytes,
            least,
            any,
        )?;
        within("the number of decoders", requests.decoders, 1, 1_024)?;
        within("the number of attempts", self.attempts as usize, 1, 100)?;
        for (name, time) in [
            ("the time to receive a body", requests.timeout),
            ("the time of a request", self.request_timeout),
            (
                "the time between payloads of tracers' stats",
                self.client_stats_every,
            ),
        ] {
            not_zero(name, time)?;
        }
        if let FlushStrategy::Interval(interval) = self.flush {
            not_zero("the time between payloads", interval)?;
        }
        filter::Filter::new(self.filter.clone())?;
        replace::Replacer::new(self.replace.clone())?;
        flusher::endpoints(self, flusher::Kind::Traces)?;
        self.proxies.check()?;
        proxy::check(self)
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

fn not_zero(name: &'static str, time: Duration) -> Result<(), ConfigError> {
    match time.is_zero() {
        true => Err(ConfigError::NoTime { name }),
        false => Ok(()),
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            traces_bytes: 50 * 1_024 * 1_024,
            stats_bytes: 25 * 1_024 * 1_024,
            memory_bytes: 50 * 1_024 * 1_024,
            decoders: (processors / 2).max(1),
            decoder_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
        }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            hostname: String::new(),
            env: "none".to_owned(),
            compatible_version: COMPATIBLE_VERSION.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
