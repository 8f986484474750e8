//! Keys of the subject *Stateful log stream*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{DAY, GIB, KIB, Kind, MILLISECOND, Outside, Unit};

const BASE: Key = Key::of(Pipeline::Stateful);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "stateful.enabled",
        env: &[
            "DD_STATEFUL_ENABLED",
            "DD_LOGS_CONFIG_USE_GRPC",
            "DD_LOGS_CONFIG_FOLDSPACE_ENABLED",
        ],
        yaml: &["logs_config.use_grpc", "logs_config.foldspace.enabled"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends logs over the stream in place of HTTP batches.",
        set: |config, value| put(&mut config.stateful.enabled, value),
        ..BASE
    },
    Key {
        name: "stateful.wire",
        env: &["DD_STATEFUL_WIRE"],
        kind: Kind::Choice(&["a", "c", "auto"]),
        default: Default::Text("a"),
        class: Class::Fatal,
        doc: "Generation of the protocol; `auto` tries `a`, then `c`.",
        set: |config, value| put(&mut config.stateful.wire, value),
        ..BASE
    },
    Key {
        name: "stateful.dd_url",
        env: &["DD_STATEFUL_DD_URL", "DD_LOGS_CONFIG_FOLDSPACE_DD_URL"],
        yaml: &["logs_config.foldspace.dd_url"],
        kind: Kind::Address,
        default: Default::Described("host and port of `logs_config.logs_dd_url`, if set"),
        class: Class::Fatal,
        doc: "Where the stream goes.",
        set: |config, value| put(&mut config.stateful.dd_url, value),
        ..BASE
    },
    Key {
        name: "stateful.method",
        env: &["DD_STATEFUL_METHOD", "DD_LOGS_CONFIG_FOLDSPACE_GRPC_METHOD"],
        yaml: &["logs_config.foldspace.grpc_method"],
        kind: Kind::GrpcMethod,
        default: Default::Described("by `stateful.wire`"),
        class: Class::Fatal,
        doc: "gRPC method, as `/service/method`.",
        set: |config, value| put(&mut config.stateful.method, value),
        ..BASE
    },
    Key {
        name: "stateful.snapshot",
        env: &["DD_STATEFUL_SNAPSHOT"],
        kind: Kind::Choice(&["full", "lazy", "auto"]),
        default: Default::ByProfile {
            standalone: "auto",
            embedded: "auto",
            serverless: "lazy",
            lambda: "lazy",
        },
        class: Class::Fatal,
        doc: "How much state a new stream repeats.",
        set: |config, value| put(&mut config.stateful.snapshot, value),
        ..BASE
    },
    Key {
        name: "stateful.json",
        env: &["DD_STATEFUL_JSON"],
        kind: Kind::Choice(&["text", "columns", "raw"]),
        default: Default::Text("text"),
        class: Class::Fatal,
        doc: "How JSON logs are encoded.",
        set: |config, value| put(&mut config.stateful.json, value),
        ..BASE
    },
    Key {
        name: "stateful.max_inflight_payloads",
        env: &[
            "DD_STATEFUL_MAX_INFLIGHT_PAYLOADS",
            "DD_LOGS_CONFIG_GRPC_MAX_INFLIGHT_PAYLOADS",
            "DD_LOGS_CONFIG_FOLDSPACE_MAX_INFLIGHT_PAYLOADS",
        ],
        yaml: &[
            "logs_config.grpc.max_inflight_payloads",
            "logs_config.foldspace.max_inflight_payloads",
        ],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "50",
            embedded: "50",
            serverless: "8",
            lambda: "8",
        },
        doc: "Batches that wait for an acknowledgement at most.",
        set: |config, value| put(&mut config.stateful.max_inflight_payloads, value),
        ..BASE
    },
    Key {
        name: "stateful.max_inflight_bytes",
        env: &["DD_STATEFUL_MAX_INFLIGHT_BYTES"],
        kind: Kind::Bytes {
            min: 64 * KIB,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "32MiB",
            embedded: "32MiB",
            serverless: "4MiB",
            lambda: "4MiB",
        },
        doc: "Encoded bytes that wait for an acknowledgement at most.",
        set: |config, value| put(&mut config.stateful.max_inflight_bytes, value),
        ..BASE
    },
    Key {
        name: "stateful.lifetime",
        env: &[
            "DD_STATEFUL_LIFETIME",
            "DD_LOGS_CONFIG_STREAM_LIFETIME",
            "DD_LOGS_CONFIG_FOLDSPACE_STREAM_LIFETIME",
        ],
        yaml: &[
            "logs_config.stream_lifetime",
            "logs_config.foldspace.stream_lifetime",
        ],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "900",
            embedded: "900",
            serverless: "300",
            lambda: "300",
        },
        class: Class::Fatal,
        doc: "Age at which a stream is replaced.",
        set: |config, value| put(&mut config.stateful.lifetime, value),
        ..BASE
    },
    Key {
        name: "stateful.lifetime_jitter",
        env: &["DD_STATEFUL_LIFETIME_JITTER"],
        kind: Kind::Float { min: 0.0, max: 0.5 },
        default: Default::Text("0.1"),
        doc: "Share of the lifetime by which it varies.",
        set: |config, value| put(&mut config.stateful.lifetime_jitter, value),
        ..BASE
    },
    Key {
        name: "stateful.drain_timeout",
        env: &["DD_STATEFUL_DRAIN_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("5"),
        class: Class::Fatal,
        doc: "How long an old stream may finish.",
        set: |config, value| put(&mut config.stateful.drain_timeout, value),
        ..BASE
    },
    Key {
        name: "stateful.connect_timeout",
        env: &["DD_STATEFUL_CONNECT_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("10"),
        class: Class::Fatal,
        doc: "Longest time to connect.",
        set: |config, value| put(&mut config.stateful.connect_timeout, value),
        ..BASE
    },
    Key {
        name: "stateful.send_timeout",
        env: &["DD_STATEFUL_SEND_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("10"),
        class: Class::Fatal,
        doc: "Longest time to send a batch.",
        set: |config, value| put(&mut config.stateful.send_timeout, value),
        ..BASE
    },
    Key {
        name: "stateful.ack_timeout",
        env: &[
            "DD_STATEFUL_ACK_TIMEOUT",
            "DD_LOGS_CONFIG_FOLDSPACE_ACK_TIMEOUT",
        ],
        yaml: &["logs_config.foldspace.ack_timeout"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("30"),
        class: Class::Fatal,
        doc: "Longest wait for an acknowledgement.",
        set: |config, value| put(&mut config.stateful.ack_timeout, value),
        ..BASE
    },
    Key {
        name: "stateful.shutdown_timeout",
        env: &[
            "DD_STATEFUL_SHUTDOWN_TIMEOUT",
            "DD_LOGS_CONFIG_FOLDSPACE_SHUTDOWN_TIMEOUT",
        ],
        yaml: &["logs_config.foldspace.shutdown_timeout"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("15"),
        class: Class::Fatal,
        doc: "Time for the stream at the end; never beyond `shutdown_timeout`.",
        set: |config, value| put(&mut config.stateful.shutdown_timeout, value),
        ..BASE
    },
    Key {
        name: "stateful.keepalive_time",
        env: &[
            "DD_STATEFUL_KEEPALIVE_TIME",
            "DD_LOGS_CONFIG_FOLDSPACE_KEEPALIVE_TIME",
        ],
        yaml: &["logs_config.foldspace.keepalive_time"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("30"),
        class: Class::Fatal,
        doc: "Pause between signs of life.",
        set: |config, value| put(&mut config.stateful.keepalive_time, value),
        ..BASE
    },
    Key {
        name: "stateful.keepalive_timeout",
        env: &[
            "DD_STATEFUL_KEEPALIVE_TIMEOUT",
            "DD_LOGS_CONFIG_FOLDSPACE_KEEPALIVE_TIMEOUT",
        ],
        yaml: &["logs_config.foldspace.keepalive_timeout"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("10"),
        class: Class::Fatal,
        doc: "Longest wait for the answer to a sign of life.",
        set: |config, value| put(&mut config.stateful.keepalive_timeout, value),
        ..BASE
    },
    Key {
        name: "stateful.fallback",
        env: &["DD_STATEFUL_FALLBACK"],
        kind: Kind::Choice(&["http", "none"]),
        default: Default::Text("http"),
        class: Class::Fatal,
        doc: "What takes over when the intake refuses the stream.",
        set: |config, value| put(&mut config.stateful.fallback, value),
        ..BASE
    },
    Key {
        name: "stateful.fallback_recheck",
        env: &["DD_STATEFUL_FALLBACK_RECHECK"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("3600"),
        class: Class::Fatal,
        doc: "Pause before the stream is tried again after that.",
        set: |config, value| put(&mut config.stateful.fallback_recheck, value),
        ..BASE
    },
    Key {
        name: "stateful.auth_fallback_after",
        env: &["DD_STATEFUL_AUTH_FALLBACK_AFTER"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("5"),
        doc: "Refusals of the key after which the fallback takes over.",
        set: |config, value| put(&mut config.stateful.auth_fallback_after, value),
        ..BASE
    },
    Key {
        name: "stateful.ack_status",
        env: &["DD_STATEFUL_ACK_STATUS"],
        kind: Kind::Choice(&["strict", "lenient"]),
        default: Default::Text("strict"),
        class: Class::Fatal,
        doc: "How an acknowledgement with an unknown status is read.",
        set: |config, value| put(&mut config.stateful.ack_status, value),
        ..BASE
    },
    Key {
        name: "stateful.a_none",
        env: &["DD_STATEFUL_A_NONE"],
        kind: Kind::Choice(&["empty_value", "new_batch"]),
        default: Default::Text("empty_value"),
        class: Class::Fatal,
        doc: "How a missing value is written in generation `a`.",
        set: |config, value| put(&mut config.stateful.a_none, value),
        ..BASE
    },
    Key {
        name: "stateful.on_full",
        env: &["DD_STATEFUL_ON_FULL"],
        kind: Kind::Choice(&["block", "drop_oldest", "drop_newest"]),
        default: Default::Text("block"),
        class: Class::Fatal,
        doc: "What happens when too much waits.",
        set: |config, value| put(&mut config.stateful.on_full, value),
        ..BASE
    },
    Key {
        name: "stateful.max_log_bytes",
        env: &["DD_STATEFUL_MAX_LOG_BYTES"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("1MiB"),
        doc: "Largest log that the stream carries.",
        set: |config, value| put(&mut config.stateful.max_log_bytes, value),
        ..BASE
    },
    Key {
        name: "stateful.oversize",
        env: &["DD_STATEFUL_OVERSIZE"],
        kind: Kind::Choice(&["split", "truncate", "drop", "http"]),
        default: Default::Text("http"),
        class: Class::Fatal,
        doc: "What happens to a larger one.",
        set: |config, value| put(&mut config.stateful.oversize, value),
        ..BASE
    },
    Key {
        name: "stateful.send_empty",
        env: &["DD_STATEFUL_SEND_EMPTY"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends empty logs too.",
        set: |config, value| put(&mut config.stateful.send_empty, value),
        ..BASE
    },
    Key {
        name: "stateful.exact_bytes_extension",
        env: &["DD_STATEFUL_EXACT_BYTES_EXTENSION"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Carries logs that are not valid text byte for byte.",
        set: |config, value| put(&mut config.stateful.exact_bytes_extension, value),
        ..BASE
    },
    Key {
        name: "stateful.state_request_bytes",
        env: &[
            "DD_STATEFUL_STATE_REQUEST_BYTES",
            "DD_LOGS_CONFIG_FOLDSPACE_STATE_REQUEST_BYTES",
        ],
        yaml: &["logs_config.foldspace.state_request_bytes"],
        kind: Kind::Bytes {
            min: 1,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::Described("the sum of the two byte limits"),
        doc: "Memory that is asked of the intake.",
        set: |config, value| put(&mut config.stateful.state_request_bytes, value),
        ..BASE
    },
    Key {
        name: "stateful.limits_max_patterns",
        env: &[
            "DD_STATEFUL_LIMITS_MAX_PATTERNS",
            "DD_LOGS_CONFIG_PATTERNS_MAX_PATTERN_COUNT",
        ],
        yaml: &["logs_config.patterns.max_pattern_count"],
        kind: Kind::Int {
            min: 1,
            max: 100000000,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "4096",
            embedded: "4096",
            serverless: "512",
            lambda: "512",
        },
        doc: "Patterns that are remembered at most.",
        set: |config, value| put(&mut config.stateful.limits_max_patterns, value),
        ..BASE
    },
    Key {
        name: "stateful.limits_pattern_bytes",
        env: &[
            "DD_STATEFUL_LIMITS_PATTERN_BYTES",
            "DD_LOGS_CONFIG_PATTERNS_MAX_MEMORY_BYTES",
        ],
        yaml: &["logs_config.patterns.max_memory_bytes"],
        kind: Kind::Bytes {
            min: 1,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "8MiB",
            embedded: "8MiB",
            serverless: "1MiB",
            lambda: "1MiB",
        },
        doc: "Bytes of patterns that are remembered at most.",
        set: |config, value| put(&mut config.stateful.limits_pattern_bytes, value),
        ..BASE
    },
    Key {
        name: "stateful.limits_max_strings",
        env: &[
            "DD_STATEFUL_LIMITS_MAX_STRINGS",
            "DD_LOGS_CONFIG_TAGS_MAX_TAG_COUNT",
        ],
        yaml: &["logs_config.tags.max_tag_count"],
        kind: Kind::Int {
            min: 1,
            max: 100000000,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "8192",
            embedded: "8192",
            serverless: "512",
            lambda: "512",
        },
        doc: "Strings that are remembered at most.",
        set: |config, value| put(&mut config.stateful.limits_max_strings, value),
        ..BASE
    },
    Key {
        name: "stateful.limits_string_bytes",
        env: &[
            "DD_STATEFUL_LIMITS_STRING_BYTES",
            "DD_LOGS_CONFIG_TAGS_MAX_MEMORY_BYTES",
        ],
        yaml: &["logs_config.tags.max_memory_bytes"],
        kind: Kind::Bytes {
            min: 1,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "8MiB",
            embedded: "8MiB",
            serverless: "1MiB",
            lambda: "1MiB",
        },
        doc: "Bytes of strings that are remembered at most.",
        set: |config, value| put(&mut config.stateful.limits_string_bytes, value),
        ..BASE
    },
    Key {
        name: "logs_config.foldspace.dual_ship",
        env: &["DD_LOGS_CONFIG_FOLDSPACE_DUAL_SHIP"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends over HTTP as well as over the stream.",
        set: |config, value| put(&mut config.stateful.dual_ship, value),
        ..BASE
    },
    Key {
        name: "logs_config.foldspace.pipeline_depth",
        env: &["DD_LOGS_CONFIG_FOLDSPACE_PIPELINE_DEPTH"],
        kind: Kind::Int {
            min: 1,
            max: 1024,
            outside: Outside::Refuse,
        },
        default: Default::Text("8"),
        doc: "Batches that a pipeline prepares ahead.",
        set: |config, value| put(&mut config.stateful.pipeline_depth, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.first_word_protection",
        env: &["DD_LOGS_CONFIG_PATTERNS_FIRST_WORD_PROTECTION"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Keeps the first word of a log out of its variables.",
        set: |config, value| put(&mut config.stateful.patterns_first_word_protection, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.first_word_max_cardinality",
        env: &["DD_LOGS_CONFIG_PATTERNS_FIRST_WORD_MAX_CARDINALITY"],
        kind: Kind::Int {
            min: 0,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        doc: "Different first words at which that protection ends.",
        set: |config, value| {
            put(
                &mut config.stateful.patterns_first_word_max_cardinality,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.patterns.saturation_threshold",
        env: &["DD_LOGS_CONFIG_PATTERNS_SATURATION_THRESHOLD"],
        kind: Kind::Int {
            min: 0,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("50"),
        doc: "Logs without a change after which a pattern counts as settled.",
        set: |config, value| put(&mut config.stateful.patterns_saturation_threshold, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.max_patterns_per_cluster",
        env: &["DD_LOGS_CONFIG_PATTERNS_MAX_PATTERNS_PER_CLUSTER"],
        kind: Kind::Int {
            min: 0,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "Patterns of one structure; `0` is no limit.",
        set: |config, value| {
            put(
                &mut config.stateful.patterns_max_patterns_per_cluster,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.patterns.pattern_scan_budget",
        env: &["DD_LOGS_CONFIG_PATTERNS_PATTERN_SCAN_BUDGET"],
        kind: Kind::Int {
            min: 0,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "Patterns that are tried for one log; `0` is no limit.",
        set: |config, value| put(&mut config.stateful.patterns_pattern_scan_budget, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.max_template_bytes",
        env: &["DD_LOGS_CONFIG_PATTERNS_MAX_TEMPLATE_BYTES"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Described("no limit of its own"),
        doc: "Bytes of a pattern's text.",
        set: |config, value| put(&mut config.stateful.patterns_max_template_bytes, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.json_as_raw",
        env: &["DD_LOGS_CONFIG_PATTERNS_JSON_AS_RAW"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends JSON logs without a pattern.",
        set: |config, value| put(&mut config.stateful.patterns_json_as_raw, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.eviction_high_watermark",
        env: &["DD_LOGS_CONFIG_PATTERNS_EVICTION_HIGH_WATERMARK"],
        kind: Kind::Float { min: 0.0, max: 1.0 },
        default: Default::Text("0.95"),
        doc: "Share of the limit at which patterns begin to be forgotten.",
        set: |config, value| put(&mut config.stateful.patterns_eviction_high_watermark, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.eviction_low_watermark",
        env: &["DD_LOGS_CONFIG_PATTERNS_EVICTION_LOW_WATERMARK"],
        kind: Kind::Float { min: 0.0, max: 1.0 },
        default: Default::Text("0.85"),
        doc: "Share of the limit that is left of patterns then.",
        set: |config, value| put(&mut config.stateful.patterns_eviction_low_watermark, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.age_decay_factor",
        env: &["DD_LOGS_CONFIG_PATTERNS_AGE_DECAY_FACTOR"],
        kind: Kind::Float {
            min: 0.0,
            max: 10.0,
        },
        default: Default::Text("0.5"),
        doc: "How much age counts against patterns.",
        set: |config, value| put(&mut config.stateful.patterns_age_decay_factor, value),
        ..BASE
    },
    Key {
        name: "logs_config.patterns.eviction_grace_period_seconds",
        env: &["DD_LOGS_CONFIG_PATTERNS_EVICTION_GRACE_PERIOD_SECONDS"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("30"),
        doc: "How long new patterns are safe.",
        set: |config, value| {
            put(
                &mut config.stateful.patterns_eviction_grace_period_seconds,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.tags.eviction_high_watermark",
        env: &["DD_LOGS_CONFIG_TAGS_EVICTION_HIGH_WATERMARK"],
        kind: Kind::Float { min: 0.0, max: 1.0 },
        default: Default::Text("0.8"),
        doc: "Share of the limit at which strings begin to be forgotten.",
        set: |config, value| put(&mut config.stateful.tags_eviction_high_watermark, value),
        ..BASE
    },
    Key {
        name: "logs_config.tags.eviction_low_watermark",
        env: &["DD_LOGS_CONFIG_TAGS_EVICTION_LOW_WATERMARK"],
        kind: Kind::Float { min: 0.0, max: 1.0 },
        default: Default::Text("0.7"),
        doc: "Share of the limit that is left of strings then.",
        set: |config, value| put(&mut config.stateful.tags_eviction_low_watermark, value),
        ..BASE
    },
    Key {
        name: "logs_config.tags.age_decay_factor",
        env: &["DD_LOGS_CONFIG_TAGS_AGE_DECAY_FACTOR"],
        kind: Kind::Float {
            min: 0.0,
            max: 10.0,
        },
        default: Default::Text("0.5"),
        doc: "How much age counts against strings.",
        set: |config, value| put(&mut config.stateful.tags_age_decay_factor, value),
        ..BASE
    },
    Key {
        name: "logs_config.tags.eviction_grace_period_seconds",
        env: &["DD_LOGS_CONFIG_TAGS_EVICTION_GRACE_PERIOD_SECONDS"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "How long new strings are safe.",
        set: |config, value| {
            put(
                &mut config.stateful.tags_eviction_grace_period_seconds,
                value,
            )
        },
        ..BASE
    },
];
