//! What the log agent is told; the caller decides where it comes from.
//!
//! Reads no environment and no file. [`Config::check`] refuses what would lose logs or send them astray; it corrects
//! nothing, since whoever read the value knows how to name it to the user.

use std::ops::RangeInclusive;
use std::time::Duration;

use datadog_agent_runtime::bind::http::receive;
use datadog_agent_runtime::bind::{Target, http};
use datadog_forwarder::service::{Order, Overflow, Pauses};
use datadog_forwarder::{ApiKey, Encoding};
use datadog_wire::logs;

use crate::aggregator::BatchLimits;
use crate::destination::DestinationError;
use crate::processor::{Enrichment, EntryLimits, Oversize};
use crate::rules::{RuleConfig, RuleError, Rules};
use crate::{AdditionalEndpoint, Destination, flusher, stream};

/// The port on which log clients expect the agent.
pub const DEFAULT_PORT: u16 = 10_517;
/// The largest request body that may be configured, as received or decompressed.
const MAX_BODY_BYTES: usize = 64 * 1_024 * 1_024;
/// The smallest batch limit: a batch of one entry of the largest size, with its brackets.
const MIN_BATCH_BYTES: usize = logs::MAX_ENTRY_BYTES + 2;
/// The smallest memory: one batch on its way out while the next is filled.
const MIN_MEMORY_BYTES: usize = 2 * MIN_BATCH_BYTES;
/// Entries that the queue can hold; each may come by a command of its own, for which the channel has a place.
const MAX_BUFFER_ENTRIES: usize = 100_000_000;
/// Requests in flight at once to one endpoint, at most.
const MAX_CONCURRENCY: usize = 64;
/// What the agent calls itself, unless told otherwise.
const PRODUCT: &str = "datadog-agent-native";

/// Configuration of the log agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the log server listens; none: there is no server, and logs come by handle only.
    pub listen: Vec<Target>,
    /// Limits of each listener's connections.
    pub http: http::Limits,
    /// Limits of each request's body.
    pub body: BodyLimits,
    /// Bytes of memory that entries may take from their admission until they are delivered or dropped. Default: 64 MiB.
    pub memory_bytes: usize,
    /// Limits of what is queued and not yet in a batch.
    pub buffer: BufferLimits,
    /// What happens to entries that find it full. Default: they wait, or are refused.
    pub on_full: OnFull,
    /// Limits of one batch. Default: 1,000 entries, 5,000,000 bytes.
    pub batch: BatchLimits,
    /// When a batch that is not full is sent without being asked for. Default: 5 seconds after its oldest entry.
    pub flush: FlushStrategy,
    /// Applied to every entry, in order. Default: none.
    pub rules: Vec<RuleConfig>,
    /// Added to the entries of clients: the log server and handles. Default: nothing.
    pub client_enrichment: Enrichment,
    /// Added to the lines of files. Default: the status `info`.
    pub file_enrichment: Enrichment,
    /// Limits of one entry. Default: messages of 900,000 bytes, entries of 1 MiB, longer ones cut.
    pub entry: EntryLimits,
    /// The primary intake.
    pub destination: Destination,
    /// The key of the primary intake; an Observability Pipelines Worker needs none.
    pub api_key: Option<ApiKey>,
    /// Further intakes, each of which gets every batch too.
    pub additional_endpoints: Vec<AdditionalEndpoint>,
    /// How logs go over the stateful stream. Default: not at all.
    pub stream: Option<stream::Config>,
    /// How bodies to Datadog intakes are compressed. Default: zstd at level 3.
    pub encoding: Encoding,
    /// How bodies to an Observability Pipelines Worker are compressed. Default: not at all.
    pub worker_encoding: Encoding,
    /// Whether batches keep their order on the way out. Default: a batch that waits is overtaken.
    pub order: Order,
    /// What happens when too much waits for another try. Default: the oldest is dropped and counted.
    pub overflow: Overflow,
    /// Longest time of one attempt. Default: 5 seconds.
    pub request_timeout: Duration,
    /// Attempts before a batch waits for the next round. Default: 3.
    pub attempts: u32,
    /// Pauses between attempts. Default: those of the core agent.
    pub pauses: Pauses,
    /// Requests in flight at once, per endpoint. Default: 4.
    pub concurrency: usize,
    /// Encoded bytes that wait for another try, per reliable endpoint. Default: 15 MiB.
    pub redrive_bytes: usize,
    /// Age past which a waiting batch is given up. Default: 18 hours, beyond which the intake may not show it.
    pub redrive_age: Duration,
    /// `User-Agent` of every request. Default: product and version.
    pub user_agent: String,
    /// Names the product to Datadog intakes. Default: the product.
    pub origin: String,
    /// Its version. Default: that of this crate.
    pub origin_version: String,
}

/// Limits of request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of a body as received. Default: 4 MiB.
    pub received_bytes: usize,
    /// Bytes of a body after decompression. Default: 8 MiB.
    pub decoded_bytes: usize,
    /// Bytes being received by all requests together. Default: 32 MiB.
    pub reception_bytes: usize,
    /// Longest time to receive a body. Default: 30 seconds.
    pub timeout: Duration,
    /// Longest time without a byte of a body. Default: 10 seconds.
    pub idle_timeout: Duration,
}

/// Limits of what is queued and not yet in a batch. A request is admitted while the queue is below both, so that
/// it may overshoot them by that one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferLimits {
    /// Entries. Default: 10,000.
    pub entries: usize,
    /// Bytes, at 64 an entry besides its JSON. Default: 10,000,000.
    pub bytes: usize,
}

/// What happens to entries that find the queue full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFull {
    /// Who can wait waits; a client of the log server is told to come back.
    #[default]
    Block,
    /// The oldest entries of the queue make room, and are counted as `evicted`.
    DropOldest,
    /// They are dropped, and counted as `queue_full`.
    DropNewest,
}

/// When a batch that is not full is sent without being asked for. Full batches are sent at once in any case, or the
/// queue would fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushStrategy {
    /// When its oldest entry has waited this long.
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
    /// A Datadog intake refuses whoever brings no key.
    #[error("no API key for the logs intake")]
    NoApiKey,
    /// A key that cannot stand in a header; the text does not show it.
    #[error("the API key of {endpoint} holds characters which no key has")]
    BadApiKey {
        /// Whose key.
        endpoint: String,
    },
    /// A URL that is missing or cannot be posted to.
    #[error("{endpoint}: {problem}")]
    BadUrl {
        /// Whose URL.
        endpoint: &'static str,
        /// What is wrong with it.
        problem: DestinationError,
    },
    /// A header value that cannot be sent.
    #[error("{name} holds characters which no header may have")]
    BadHeader {
        /// The field.
        name: &'static str,
    },
    /// A processing rule that cannot be applied.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

impl Config {
    /// Everything at its default, for this primary intake.
    #[must_use]
    pub fn from_destination(destination: Destination, api_key: Option<ApiKey>) -> Self {
        Self {
            listen: vec![Target::Tcp {
                host: "127.0.0.1".to_owned(),
                port: DEFAULT_PORT,
            }],
            http: http::Limits::default(),
            body: BodyLimits::default(),
            memory_bytes: 64 * 1_024 * 1_024,
            buffer: BufferLimits::default(),
            on_full: OnFull::Block,
            batch: BatchLimits {
                entries: logs::MAX_ENTRIES,
                bytes: 5_000_000,
            },
            flush: FlushStrategy::Interval(Duration::from_secs(5)),
            rules: Vec::new(),
            client_enrichment: Enrichment::default(),
            file_enrichment: Enrichment {
                status: Some("info".to_owned()),
                ..Enrichment::default()
            },
            entry: EntryLimits {
                message_bytes: 900_000,
                entry_bytes: logs::MAX_ENTRY_BYTES,
                oversize: Oversize::Truncate,
            },
            destination,
            api_key,
            additional_endpoints: Vec::new(),
            stream: None,
            encoding: Encoding::Zstd(3),
            worker_encoding: Encoding::Identity,
            order: Order::Free,
            overflow: Overflow::DropOldest,
            request_timeout: Duration::from_secs(5),
            attempts: 3,
            pauses: Pauses::ErrorCount {
                factor: 2.0,
                base_s: 1.0,
                max_s: 120.0,
                recovery_interval: 2,
                recovery_reset: false,
            },
            concurrency: 4,
            redrive_bytes: 15 * 1_024 * 1_024,
            redrive_age: Duration::from_secs(18 * 60 * 60),
            user_agent: format!("{PRODUCT}/{}", env!("CARGO_PKG_VERSION")),
            origin: PRODUCT.to_owned(),
            origin_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether this can be run.
    ///
    /// # Errors
    /// The first thing that stands in the way.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_receiving()?;
        self.check_sending()?;
        Rules::compile(&self.rules)?;
        flusher::endpoints(self).map(|_| ())
    }

    fn check_receiving(&self) -> Result<(), ConfigError> {
        let body = &self.body;
        within("the body limit", body.received_bytes, 1..=MAX_BODY_BYTES)?;
        within(
            "the limit of a decompressed body",
            body.decoded_bytes,
            1..=MAX_BODY_BYTES,
        )?;
        within(
            "the limit of bytes in reception",
            body.reception_bytes,
            body.received_bytes..=usize::MAX,
        )?;
        not_zero("the timeout of a body", body.timeout)?;
        not_zero("the idle timeout of a body", body.idle_timeout)?;
        within(
            "the limit of an entry in bytes",
            self.entry.entry_bytes,
            1..=logs::MAX_ENTRY_BYTES,
        )?;
        within(
            "the buffer limit in entries",
            self.buffer.entries,
            1..=MAX_BUFFER_ENTRIES,
        )?;
        within(
            "the buffer limit in bytes",
            self.buffer.bytes,
            1..=usize::MAX,
        )?;
        within(
            "the memory limit",
            self.memory_bytes,
            MIN_MEMORY_BYTES..=usize::MAX,
        )
    }

    fn check_sending(&self) -> Result<(), ConfigError> {
        within(
            "the batch limit in bytes",
            self.batch.bytes,
            MIN_BATCH_BYTES..=logs::MAX_CONTENT_BYTES,
        )?;
        within(
            "the batch limit in entries",
            self.batch.entries,
            1..=logs::MAX_ENTRIES,
        )?;
        if let FlushStrategy::Interval(interval) = self.flush {
            not_zero("the flush interval", interval)?;
        }
        not_zero("the request timeout", self.request_timeout)?;
        within("the number of attempts", self.attempts as usize, 1..=100)?;
        within(
            "the number of requests in flight",
            self.concurrency,
            1..=MAX_CONCURRENCY,
        )?;
        check_level(self.encoding)?;
        check_level(self.worker_encoding)
    }
}

fn within(
    name: &'static str,
    given: usize,
    range: RangeInclusive<usize>,
) -> Result<(), ConfigError> {
    if range.contains(&given) {
        return Ok(());
    }
    Err(ConfigError::OutOfRange {
        name,
        given,
        min: *range.start(),
        max: *range.end(),
    })
}

fn not_zero(name: &'static str, time: Duration) -> Result<(), ConfigError> {
    match time {
        Duration::ZERO => Err(ConfigError::NoTime { name }),
        _ => Ok(()),
    }
}

/// Whether the level is one that can be had at a bearable price.
fn check_level(encoding: Encoding) -> Result<(), ConfigError> {
    match encoding {
        Encoding::Identity => Ok(()),
        Encoding::Gzip(level) => within("the gzip level", level as usize, 1..=9),
        Encoding::Deflate(level) => within("the zlib level", level as usize, 1..=9),
        Encoding::Zstd(level) => within(
            "the zstd level",
            usize::try_from(level).unwrap_or_default(),
            1..=19,
        ),
    }
}

impl BodyLimits {
    /// Those of the reception of one body.
    pub(crate) const fn reception(&self) -> receive::Limits {
        receive::Limits {
            bytes: self.received_bytes,
            timeout: self.timeout,
            idle_timeout: self.idle_timeout,
        }
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            received_bytes: 4 * 1_024 * 1_024,
            decoded_bytes: 8 * 1_024 * 1_024,
            reception_bytes: 32 * 1_024 * 1_024,
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(10),
        }
    }
}

impl Default for BufferLimits {
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 10_000_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleKind;

    fn config() -> Config {
        Config::from_destination(
            Destination::Datadog {
                url: "https://intake/api/v2/logs".to_owned(),
            },
            Some(ApiKey::fixed("key")),
        )
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Config), expected: &str) {
        let mut config = config();
        change(&mut config);
        let error = config.check().expect_err("must be refused");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn the_defaults_can_be_run() {
        config().check().unwrap();
    }

    #[test]
    fn a_batch_must_hold_the_largest_entry_and_fit_the_intake() {
        check(
            |config| config.batch.bytes = 1_048_577,
            "the batch limit in bytes is 1048577, and must be from 1048578 to 5242880",
        );
        check(
            |config| config.batch.bytes = 5_242_881,
            "the batch limit in bytes is 5242881, and must be from 1048578 to 5242880",
        );
        let mut config = config();
        for bytes in [1_048_578, 5_242_880] {
            config.batch.bytes = bytes;
            config.check().unwrap();
        }
    }

    #[test]
    fn compression_levels_are_checked() {
        check(
            |config| config.encoding = Encoding::Zstd(0),
            "the zstd level is 0, and must be from 1 to 19",
        );
        check(
            |config| config.encoding = Encoding::Zstd(-5),
            "the zstd level is 0, and must be from 1 to 19",
        );
        check(
            |config| config.worker_encoding = Encoding::Gzip(10),
            "the gzip level is 10, and must be from 1 to 9",
        );
    }

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        check(
            |config| config.body.received_bytes = 64 * 1_024 * 1_024 + 1,
            "the body limit is 67108865, and must be from 1 to 67108864",
        );
        check(
            |config| config.flush = FlushStrategy::Interval(Duration::ZERO),
            "the flush interval is zero",
        );
        check(
            |config| config.concurrency = 0,
            "the number of requests in flight is 0, and must be from 1 to 64",
        );
    }

    #[test]
    fn a_rule_that_cannot_be_applied_is_refused() {
        let mut config = config();
        config.rules.push(RuleConfig {
            kind: RuleKind::MaskSequences,
            name: "cards".to_owned(),
            pattern: "(".to_owned(),
            replace_placeholder: String::new(),
        });
        let error = config.check().expect_err("must be refused").to_string();
        assert!(error.starts_with("processing rule cards: "), "{error}");
    }
}
