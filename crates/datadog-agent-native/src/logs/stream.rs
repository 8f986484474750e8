//! What the stateful stream is told for a configuration.

use datadog_forwarder::ApiKey;
use datadog_logs_agent::processor::{EntryLimits, Oversize};
use datadog_logs_agent::stream::transport::client::{Endpoint, Key};
use datadog_logs_agent::stream::transport::coder::ANone;
use datadog_logs_agent::stream::transport::pipeline::Options;
use datadog_logs_agent::stream::transport::state::{AckStatus, Fallback, Settings, Wire};
use datadog_logs_agent::stream::transport::{Compression, backoff, service};
use datadog_logs_agent::stream::{Config as StreamConfig, Role};
use datadog_logs_patterns::cluster::Learning;
use datadog_logs_patterns::encoder::{self, BatchLimits, JsonMode};
use datadog_logs_patterns::eviction::Limits;
use datadog_logs_patterns::snapshot::SnapshotMode;

use crate::agent::AgentError;
use crate::config::{Config, LogsCompression, Stateful};

/// The most pipelines that are used unless told otherwise.
const MAX_PIPELINES: usize = 4;
/// Batches of copies that may wait: ten thousand logs, where a batch has a thousand.
const SHADOW_QUEUE: usize = 10;
/// The product in the metadata of a stream.
const ORIGIN: &str = "agent";
/// What user agents begin with that speak this protocol.
const USER_AGENT: &str = concat!("datadog-agent/", env!("CARGO_PKG_VERSION"));

/// The stream, if it is turned on.
pub(super) fn stream_config(
    config: &Config,
    key: Option<&ApiKey>,
) -> Result<Option<StreamConfig>, AgentError> {
    let stateful = &config.stateful;
    if !stateful.enabled && !stateful.dual_ship {
        return Ok(None);
    }
    let origin =
        (config.stateful_origin()).map_err(|error| AgentError::ConfigError(error.to_string()))?;
    let origin = (origin.parse())
        .map_err(|_| AgentError::ConfigError(format!("stateful.dd_url: {origin} is no address")))?;
    let compression = match config.logs_compression() {
        LogsCompression::None => Compression::Identity,
        LogsCompression::Gzip(level) => Compression::Gzip(level),
        LogsCompression::Zstd(level) => Compression::Zstd(level),
    };
    let state_bytes = stateful.limits_pattern_bytes + stateful.limits_string_bytes;
    Ok(Some(StreamConfig {
        endpoint: Endpoint {
            origin,
            method: stateful.method.clone(),
            key: key.map_or_else(|| Key::fixed(""), key_of),
            user_agent: USER_AGENT.to_owned(),
            origin_name: Some((ORIGIN.to_owned(), env!("CARGO_PKG_VERSION").to_owned())),
            state_request_bytes: stateful.state_request_bytes.unwrap_or(state_bytes),
            compression,
            shadow: stateful.dual_ship,
            keepalive_time: stateful.keepalive_time,
            keepalive_timeout: stateful.keepalive_timeout,
        },
        pipeline: service::Config {
            options: options(config, compression),
            shutdown_timeout: stateful.shutdown_timeout,
            queue: match stateful.dual_ship {
                true => SHADOW_QUEUE,
                false => 1,
            },
            rests_after_flush: config.profile.is_serverless(),
        },
        pipelines: pipelines(config),
        role: match stateful.dual_ship {
            true => Role::Shadow,
            false => Role::Primary,
        },
        http_above_bytes: sends_large_over_http(stateful).then_some(stateful.max_log_bytes),
        send_empty: stateful.send_empty,
    }))
}

/// The key of the logs, read and refreshed where they read it.
fn key_of(key: &ApiKey) -> Key {
    let (current, refreshed) = (key.clone(), key.clone());
    Key::new(
        move || current.current(),
        move || {
            let changed = refreshed.refresh();
            tracing::debug!(changed, "the intake of the stream refused the key");
        },
    )
}

fn pipelines(config: &Config) -> usize {
    if config.profile.is_serverless() {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores.min(MAX_PIPELINES)
}

/// A log that is too large for the stream goes over HTTP only where there is HTTP.
fn sends_large_over_http(stateful: &Stateful) -> bool {
    stateful.oversize == "http" && stateful.fallback == "http"
}

/// What the limits of an entry become when large logs are not to go over HTTP.
pub(super) fn entry_limits(stateful: &Stateful, limits: EntryLimits) -> EntryLimits {
    if sends_large_over_http(stateful) {
        return limits;
    }
    EntryLimits {
        message_bytes: limits.message_bytes.min(stateful.max_log_bytes),
        oversize: match stateful.oversize.as_str() {
            "drop" => Oversize::Drop,
            // Lines of files are cut into pieces by this, messages of clients are cut off.
            _ => Oversize::Truncate,
        },
        ..limits
    }
}

fn options(config: &Config, compression: Compression) -> Options {
    let stateful = &config.stateful;
    Options {
        settings: settings(config),
        encoder: encoder_options(config),
        compression,
        a_none: match stateful.a_none.as_str() {
            "new_batch" => ANone::NewBatch,
            _ => ANone::EmptyValue,
        },
    }
}

fn settings(config: &Config) -> Settings {
    let stateful = &config.stateful;
    Settings {
        wire: match stateful.wire.as_str() {
            "c" => Wire::C,
            "auto" => Wire::Auto,
            _ => Wire::A,
        },
        snapshot: match stateful.snapshot.as_str() {
            "full" => SnapshotMode::Full,
            "lazy" => SnapshotMode::Lazy,
            _ => SnapshotMode::Auto,
        },
        max_inflight_payloads: stateful.max_inflight_payloads,
        max_inflight_bytes: stateful.max_inflight_bytes,
        lifetime: stateful.lifetime,
        lifetime_jitter: stateful.lifetime_jitter,
        drain_timeout: stateful.drain_timeout,
        connect_timeout: stateful.connect_timeout,
        send_timeout: stateful.send_timeout,
        ack_timeout: stateful.ack_timeout,
        fallback: match stateful.fallback.as_str() {
            "none" => Fallback::None,
            _ => Fallback::Http,
        },
        fallback_recheck: stateful.fallback_recheck,
        auth_fallback_after: u32::try_from(stateful.auth_fallback_after).unwrap_or(u32::MAX),
        ack_status: match stateful.ack_status.as_str() {
            "lenient" => AckStatus::Lenient,
            _ => AckStatus::Strict,
        },
        backoff: backoff::Settings {
            factor: config.logs_config_sender_backoff_factor,
            base: config.logs_config_sender_backoff_base,
            max: config.logs_config_sender_backoff_max,
        },
        ..Settings::default()
    }
}

fn encoder_options(config: &Config) -> encoder::Options {
    let stateful = &config.stateful;
    let defaults = encoder::Options::default();
    let learned = Learning::default();
    // Zero is no limit of the user's; the encoder keeps its own.
    let limit = |limit: usize, own: usize| if limit == 0 { own } else { limit };
    encoder::Options {
        json: match stateful.json.as_str() {
            "columns" => JsonMode::Columns,
            "raw" => JsonMode::Raw,
            _ if stateful.patterns_json_as_raw => JsonMode::Raw,
            _ => JsonMode::Text,
        },
        learning: Learning {
            first_word_protection: stateful.patterns_first_word_protection,
            first_word_max_cardinality: stateful.patterns_first_word_max_cardinality,
            saturation_threshold: u32::try_from(stateful.patterns_saturation_threshold)
                .unwrap_or(u32::MAX),
            max_patterns_per_cluster: limit(
                stateful.patterns_max_patterns_per_cluster,
                learned.max_patterns_per_cluster,
            ),
            pattern_scan_budget: limit(
                stateful.patterns_pattern_scan_budget,
                learned.pattern_scan_budget,
            ),
            max_template_bytes: (stateful.patterns_max_template_bytes)
                .unwrap_or(learned.max_template_bytes),
        },
        pattern_limits: Limits {
            max_items: stateful.limits_max_patterns,
            max_bytes: stateful.limits_pattern_bytes,
            high_watermark: stateful.patterns_eviction_high_watermark,
            low_watermark: stateful.patterns_eviction_low_watermark,
            age_decay: stateful.patterns_age_decay_factor,
            grace_ms: milliseconds(stateful.patterns_eviction_grace_period_seconds),
        },
        text_limits: Limits {
            max_items: stateful.limits_max_strings,
            max_bytes: stateful.limits_string_bytes,
            high_watermark: stateful.tags_eviction_high_watermark,
            low_watermark: stateful.tags_eviction_low_watermark,
            age_decay: stateful.tags_age_decay_factor,
            grace_ms: milliseconds(stateful.tags_eviction_grace_period_seconds),
        },
        batch: BatchLimits {
            logs: config.logs_config_batch_max_size,
            raw_bytes: config.logs_config_batch_max_content_size,
            ..defaults.batch
        },
        // Larger ones were cut before, or go over HTTP; JSON around a message may make a body a little longer.
        max_log_bytes: usize::MAX,
        exact_bytes_extension: stateful.exact_bytes_extension,
        ..defaults
    }
}

fn milliseconds(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
