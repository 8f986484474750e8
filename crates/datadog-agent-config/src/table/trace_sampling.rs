//! Keys of the subject *Trace sampling and stats*.

use super::{Default, Key, Pipeline};
use crate::kind::{HOUR, Kind, MILLISECOND, Outside, Unit};

const BASE: Key = Key::of(Pipeline::Traces);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "apm_config.target_traces_per_second",
        env: &["DD_APM_TARGET_TPS", "DD_APM_MAX_TPS"],
        yaml: &["apm_config.max_traces_per_second"],
        kind: Kind::Float { min: 0.0, max: 1e9 },
        default: Default::Text("10"),
        doc: "Traces that priority sampling keeps per second.",
        ..BASE
    },
    Key {
        name: "apm_config.errors_per_second",
        env: &["DD_APM_ERROR_TPS"],
        kind: Kind::Float { min: 0.0, max: 1e9 },
        default: Default::Text("10"),
        doc: "Traces with errors that are kept besides, per second; `0` is none.",
        ..BASE
    },
    Key {
        name: "apm_config.max_events_per_second",
        env: &["DD_APM_MAX_EPS"],
        kind: Kind::Float { min: 0.0, max: 1e9 },
        default: Default::Text("200"),
        doc: "Analysed events that are kept per second.",
        ..BASE
    },
    Key {
        name: "apm_config.enable_rare_sampler",
        env: &["DD_APM_ENABLE_RARE_SAMPLER"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Keeps traces with rare combinations of service, name and resource.",
        ..BASE
    },
    Key {
        name: "apm_config.error_tracking_standalone.enabled",
        env: &["DD_APM_ERROR_TRACKING_STANDALONE_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Keeps traces with errors only.",
        ..BASE
    },
    Key {
        name: "apm_tracing_enabled",
        env: &["DD_APM_TRACING_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "`false` uses traces only to carry security events: others are dropped but for one a minute of each service, and nothing is counted into stats.",
        ..BASE
    },
    Key {
        name: "apm_config.probabilistic_sampler.enabled",
        env: &["DD_APM_PROBABILISTIC_SAMPLER_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Samples by a hash of the trace id in place of priorities.",
        ..BASE
    },
    Key {
        name: "apm_config.probabilistic_sampler.sampling_percentage",
        env: &["DD_APM_PROBABILISTIC_SAMPLER_SAMPLING_PERCENTAGE"],
        kind: Kind::Float {
            min: 0.0,
            max: 100.0,
        },
        default: Default::Text("0"),
        doc: "Percentage that the probabilistic sampler keeps.",
        ..BASE
    },
    Key {
        name: "apm_config.probabilistic_sampler.hash_seed",
        env: &["DD_APM_PROBABILISTIC_SAMPLER_HASH_SEED"],
        kind: Kind::Int {
            min: 0,
            max: 4294967295,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "Seed of the probabilistic sampler's hash.",
        ..BASE
    },
    Key {
        name: "apm_config.analyzed_spans",
        env: &["DD_APM_ANALYZED_SPANS"],
        kind: Kind::AnalyzedSpans,
        default: Default::Text(""),
        doc: "Spans that become analysed events, as `service|operation=rate`.",
        ..BASE
    },
    Key {
        name: "apm_config.peer_tags",
        env: &["DD_APM_PEER_TAGS"],
        kind: Kind::JsonList,
        default: Default::Text("[]"),
        doc: "Further tags by which stats of client spans are grouped.",
        ..BASE
    },
    Key {
        name: "apm_config.span_derived_primary_tags",
        env: &["DD_APM_SPAN_DERIVED_PRIMARY_TAGS"],
        kind: Kind::JsonList,
        default: Default::Text("[]"),
        doc: "Further tags by which stats are grouped.",
        ..BASE
    },
    Key {
        name: "apm_config.peer_tags_aggregation",
        env: &["DD_APM_PEER_TAGS_AGGREGATION"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Groups stats of client spans by peer tags.",
        ..BASE
    },
    Key {
        name: "apm_config.compute_stats_by_span_kind",
        env: &["DD_APM_COMPUTE_STATS_BY_SPAN_KIND"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Computes stats for client, server, producer and consumer spans that are not top-level.",
        ..BASE
    },
    Key {
        name: "apm_config.client_stats_flush_interval",
        env: &["DD_APM_CLIENT_STATS_FLUSH_INTERVAL"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("1"),
        doc: "How often stats that clients computed are sent.",
        ..BASE
    },
];
