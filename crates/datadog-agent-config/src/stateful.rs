//! What is configured of the stateful log stream.
//!
//! Words of a choice are kept as written; the table has checked them.

use std::time::Duration;

/// The stateful log stream, each field under the key in its description.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stateful {
    /// `stateful.enabled`: sends logs over the stream in place of HTTP batches.
    pub enabled: bool,
    /// `stateful.wire`: generation of the protocol; `auto` tries `a`, then `c`.
    pub wire: String,
    /// `stateful.dd_url`: where the stream goes.
    pub dd_url: Option<String>,
    /// `stateful.method`: gRPC method, as `/service/method`.
    pub method: Option<String>,
    /// `stateful.snapshot`: how much state a new stream repeats.
    pub snapshot: String,
    /// `stateful.json`: how JSON logs are encoded.
    pub json: String,
    /// `stateful.max_inflight_payloads`: batches that wait for an acknowledgement at most.
    pub max_inflight_payloads: usize,
    /// `stateful.max_inflight_bytes`: encoded bytes that wait for an acknowledgement at most.
    pub max_inflight_bytes: usize,
    /// `stateful.lifetime`: age at which a stream is replaced.
    pub lifetime: Duration,
    /// `stateful.lifetime_jitter`: share of the lifetime by which it varies.
    pub lifetime_jitter: f64,
    /// `stateful.drain_timeout`: how long an old stream may finish.
    pub drain_timeout: Duration,
    /// `stateful.connect_timeout`: longest time to connect.
    pub connect_timeout: Duration,
    /// `stateful.send_timeout`: longest time to send a batch.
    pub send_timeout: Duration,
    /// `stateful.ack_timeout`: longest wait for an acknowledgement.
    pub ack_timeout: Duration,
    /// `stateful.shutdown_timeout`: time for the stream at the end; never beyond `shutdown_timeout`.
    pub shutdown_timeout: Duration,
    /// `stateful.keepalive_time`: pause between signs of life.
    pub keepalive_time: Duration,
    /// `stateful.keepalive_timeout`: longest wait for the answer to a sign of life.
    pub keepalive_timeout: Duration,
    /// `stateful.fallback`: what takes over when the intake refuses the stream.
    pub fallback: String,
    /// `stateful.fallback_recheck`: pause before the stream is tried again after that.
    pub fallback_recheck: Duration,
    /// `stateful.auth_fallback_after`: refusals of the key after which the fallback takes over.
    pub auth_fallback_after: usize,
    /// `stateful.ack_status`: how an acknowledgement with an unknown status is read.
    pub ack_status: String,
    /// `stateful.a_none`: how a missing value is written in generation `a`.
    pub a_none: String,
    /// `stateful.on_full`: what happens when too much waits.
    pub on_full: String,
    /// `stateful.max_log_bytes`: largest log that the stream carries.
    pub max_log_bytes: usize,
    /// `stateful.oversize`: what happens to a larger one.
    pub oversize: String,
    /// `stateful.send_empty`: sends empty logs too.
    pub send_empty: bool,
    /// `stateful.exact_bytes_extension`: carries logs that are not valid text byte for byte.
    pub exact_bytes_extension: bool,
    /// `stateful.state_request_bytes`: memory that is asked of the intake.
    pub state_request_bytes: Option<usize>,
    /// `stateful.limits_max_patterns`: patterns that are remembered at most.
    pub limits_max_patterns: usize,
    /// `stateful.limits_pattern_bytes`: bytes of patterns that are remembered at most.
    pub limits_pattern_bytes: usize,
    /// `stateful.limits_max_strings`: strings that are remembered at most.
    pub limits_max_strings: usize,
    /// `stateful.limits_string_bytes`: bytes of strings that are remembered at most.
    pub limits_string_bytes: usize,
    /// `logs_config.foldspace.dual_ship`: sends over HTTP as well as over the stream.
    pub dual_ship: bool,
    /// `logs_config.foldspace.pipeline_depth`: batches that a pipeline prepares ahead.
    pub pipeline_depth: usize,
    /// `logs_config.patterns.first_word_protection`: keeps the first word of a log out of its variables.
    pub patterns_first_word_protection: bool,
    /// `logs_config.patterns.first_word_max_cardinality`: different first words at which that protection ends.
    pub patterns_first_word_max_cardinality: usize,
    /// `logs_config.patterns.saturation_threshold`: logs without a change after which a pattern counts as settled.
    pub patterns_saturation_threshold: usize,
    /// `logs_config.patterns.max_patterns_per_cluster`: patterns of one structure; `0` is no limit.
    pub patterns_max_patterns_per_cluster: usize,
    /// `logs_config.patterns.pattern_scan_budget`: patterns that are tried for one log; `0` is no limit.
    pub patterns_pattern_scan_budget: usize,
    /// `logs_config.patterns.max_template_bytes`: bytes of a pattern's text.
    pub patterns_max_template_bytes: Option<usize>,
    /// `logs_config.patterns.json_as_raw`: sends JSON logs without a pattern.
    pub patterns_json_as_raw: bool,
    /// `logs_config.patterns.eviction_high_watermark`: share of the limit at which patterns begin to be forgotten.
    pub patterns_eviction_high_watermark: f64,
    /// `logs_config.patterns.eviction_low_watermark`: share of the limit that is left of patterns then.
    pub patterns_eviction_low_watermark: f64,
    /// `logs_config.patterns.age_decay_factor`: how much age counts against patterns.
    pub patterns_age_decay_factor: f64,
    /// `logs_config.patterns.eviction_grace_period_seconds`: how long new patterns are safe.
    pub patterns_eviction_grace_period_seconds: Duration,
    /// `logs_config.tags.eviction_high_watermark`: share of the limit at which strings begin to be forgotten.
    pub tags_eviction_high_watermark: f64,
    /// `logs_config.tags.eviction_low_watermark`: share of the limit that is left of strings then.
    pub tags_eviction_low_watermark: f64,
    /// `logs_config.tags.age_decay_factor`: how much age counts against strings.
    pub tags_age_decay_factor: f64,
    /// `logs_config.tags.eviction_grace_period_seconds`: how long new strings are safe.
    pub tags_eviction_grace_period_seconds: Duration,
}
