//! Keys of the subject *OTLP*.

use super::{Class, Default, Key, Pipeline};
use crate::kind::{Kind, Outside};

const BASE: Key = Key::of(Pipeline::Otlp);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "otlp_config.traces.enabled",
        env: &["DD_OTLP_CONFIG_TRACES_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Accepts traces.",
        ..BASE
    },
    Key {
        name: "otlp_config.traces.span_name_as_resource_name",
        env: &["DD_OTLP_CONFIG_TRACES_SPAN_NAME_AS_RESOURCE_NAME"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Takes the span's name as its resource.",
        ..BASE
    },
    Key {
        name: "otlp_config.traces.span_name_remappings",
        env: &["DD_OTLP_CONFIG_TRACES_SPAN_NAME_REMAPPINGS"],
        kind: Kind::Mapping,
        default: Default::Text(""),
        doc: "Span names to replace.",
        ..BASE
    },
    Key {
        name: "otlp_config.traces.ignore_missing_datadog_fields",
        env: &[
            "DD_OTLP_CONFIG_IGNORE_MISSING_DATADOG_FIELDS",
            "DD_OTLP_CONFIG_TRACES_IGNORE_MISSING_DATADOG_FIELDS",
        ],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Leaves fields that Datadog's attributes do not set empty.",
        ..BASE
    },
    Key {
        name: "otlp_config.traces.probabilistic_sampler.sampling_percentage",
        env: &["DD_OTLP_CONFIG_TRACES_PROBABILISTIC_SAMPLER_SAMPLING_PERCENTAGE"],
        kind: Kind::Int {
            min: 0,
            max: 100,
            outside: Outside::Refuse,
        },
        doc: "Percentage of traces that is kept.",
        ..BASE
    },
    Key {
        name: "otlp_config.receiver.protocols.http.endpoint",
        env: &["DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT"],
        kind: Kind::HostPort,
        class: Class::Fatal,
        doc: "Address of the HTTP receiver; off when not set.",
        ..BASE
    },
    Key {
        name: "otlp_config.receiver.protocols.grpc.endpoint",
        env: &["DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_GRPC_ENDPOINT"],
        kind: Kind::HostPort,
        class: Class::Fatal,
        doc: "Address of the gRPC receiver; off when not set.",
        ..BASE
    },
    Key {
        name: "otlp_config.receiver.protocols.grpc.transport",
        env: &["DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_GRPC_TRANSPORT"],
        kind: Kind::Text,
        doc: "Transport of the gRPC receiver.",
        ..BASE
    },
    Key {
        name: "otlp_config.receiver.protocols.grpc.max_recv_msg_size_mib",
        env: &["DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_GRPC_MAX_RECV_MSG_SIZE_MIB"],
        kind: Kind::Int {
            min: 0,
            max: 4096,
            outside: Outside::Refuse,
        },
        doc: "Largest gRPC message, in MiB.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.enabled",
        env: &["DD_OTLP_CONFIG_METRICS_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Accepts metrics.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.resource_attributes_as_tags",
        env: &["DD_OTLP_CONFIG_METRICS_RESOURCE_ATTRIBUTES_AS_TAGS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Turns attributes of the resource into tags.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.instrumentation_scope_metadata_as_tags",
        env: &["DD_OTLP_CONFIG_METRICS_INSTRUMENTATION_SCOPE_METADATA_AS_TAGS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Turns name and version of the scope into tags.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.tag_cardinality",
        env: &["DD_OTLP_CONFIG_METRICS_TAG_CARDINALITY"],
        kind: Kind::Text,
        doc: "Which origin tags are added.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.delta_ttl",
        env: &["DD_OTLP_CONFIG_METRICS_DELTA_TTL"],
        kind: Kind::Int {
            min: 0,
            max: 1000000000,
            outside: Outside::Refuse,
        },
        doc: "Seconds for which a cumulative series is remembered.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.histograms.mode",
        env: &["DD_OTLP_CONFIG_METRICS_HISTOGRAMS_MODE"],
        kind: Kind::Text,
        doc: "How histograms are sent.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.histograms.send_count_sum_metrics",
        env: &["DD_OTLP_CONFIG_METRICS_HISTOGRAMS_SEND_COUNT_SUM_METRICS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends count and sum of histograms.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.histograms.send_aggregation_metrics",
        env: &["DD_OTLP_CONFIG_METRICS_HISTOGRAMS_SEND_AGGREGATION_METRICS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends minimum and maximum of histograms too.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.sums.cumulative_monotonic_mode",
        env: &["DD_OTLP_CONFIG_METRICS_SUMS_CUMULATIVE_MONOTONIC_MODE"],
        kind: Kind::Text,
        doc: "How cumulative monotonic sums are sent.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.sums.initial_cumulative_monotonic_value",
        env: &[
            "DD_OTLP_CONFIG_METRICS_SUMS_INITIAL_CUMULATIVE_MONOTONIC_VALUE",
            "DD_OTLP_CONFIG_METRICS_SUMS_INITIAL_CUMULATIV_MONOTONIC_VALUE",
        ],
        yaml: &["otlp_config.metrics.sums.initial_cumulativ_monotonic_value"],
        kind: Kind::Text,
        doc: "What the first point of such a sum means.",
        ..BASE
    },
    Key {
        name: "otlp_config.metrics.summaries.mode",
        env: &["DD_OTLP_CONFIG_METRICS_SUMMARIES_MODE"],
        kind: Kind::Text,
        doc: "How summaries are sent.",
        ..BASE
    },
    Key {
        name: "otlp_config.logs.enabled",
        env: &["DD_OTLP_CONFIG_LOGS_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Accepts logs.",
        ..BASE
    },
];
