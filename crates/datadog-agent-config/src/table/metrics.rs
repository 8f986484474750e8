//! Keys of the subject *Metrics and DogStatsD*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{DAY, GIB, HOUR, Kind, MILLISECOND, MINUTE, Outside, SECOND, Unit};

const BASE: Key = Key::of(Pipeline::Metrics);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "dogstatsd_enabled",
        env: &["DD_DOGSTATSD_ENABLED", "DD_USE_DOGSTATSD"],
        kind: Kind::Bool,
        default: Default::ByProfile {
            standalone: "false",
            embedded: "false",
            serverless: "true",
            lambda: "true",
        },
        doc: "Turns the DogStatsD listener on.",
        set: |config, value| put(&mut config.dogstatsd_enabled, value),
        ..BASE
    },
    Key {
        name: "dogstatsd_port",
        env: &["DD_DOGSTATSD_PORT"],
        kind: Kind::Port,
        default: Default::Text("8125"),
        class: Class::Fatal,
        doc: "UDP port of DogStatsD; `0` lets the system choose.",
        set: |config, value| put(&mut config.dogstatsd_port, value),
        ..BASE
    },
    Key {
        name: "metrics_agent_port",
        env: &["DD_METRICS_AGENT_PORT"],
        kind: Kind::Port,
        class: Class::Fatal,
        doc: "Older name of `dogstatsd_port`, which wins.",
        set: |config, value| put(&mut config.metrics_agent_port, value),
        ..BASE
    },
    Key {
        name: "dogstatsd_socket",
        env: &["DD_DOGSTATSD_SOCKET"],
        kind: Kind::SocketPath,
        class: Class::Fatal,
        doc: "Unix datagram socket of DogStatsD.",
        ..BASE
    },
    Key {
        name: "dogstatsd_stream_socket",
        env: &["DD_DOGSTATSD_STREAM_SOCKET"],
        kind: Kind::SocketPath,
        doc: "Unix stream socket of DogStatsD.",
        ..BASE
    },
    Key {
        name: "dogstatsd_stream_log_too_big",
        env: &["DD_DOGSTATSD_STREAM_LOG_TOO_BIG"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Logs the head of a frame that was too large.",
        ..BASE
    },
    Key {
        name: "dogstatsd_pipe_name",
        env: &["DD_DOGSTATSD_WINDOWS_PIPE_NAME", "DD_DOGSTATSD_PIPE_NAME"],
        kind: Kind::Text,
        class: Class::Fatal,
        doc: "Windows named pipe of DogStatsD; turns UDP off.",
        ..BASE
    },
    Key {
        name: "dogstatsd_windows_pipe_security_descriptor",
        env: &["DD_DOGSTATSD_WINDOWS_PIPE_SECURITY_DESCRIPTOR"],
        kind: Kind::Text,
        default: Default::Text("D:AI(A;;GA;;;WD)"),
        doc: "Security descriptor of that pipe.",
        ..BASE
    },
    Key {
        name: "dogstatsd_so_rcvbuf",
        env: &["DD_DOGSTATSD_SO_RCVBUF"],
        kind: Kind::Bytes {
            min: 0,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "Receive buffer of the sockets; `0` leaves it to the system.",
        ..BASE
    },
    Key {
        name: "dogstatsd_buffer_size",
        env: &["DD_DOGSTATSD_BUFFER_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: 65_535,
            outside: Outside::Refuse,
        },
        default: Default::Text("8192"),
        doc: "Bytes of one read.",
        ..BASE
    },
    Key {
        name: "dogstatsd_packet_buffer_size",
        env: &["DD_DOGSTATSD_PACKET_BUFFER_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 65536,
            outside: Outside::Refuse,
        },
        default: Default::Text("32"),
        doc: "Datagrams that are handed on together.",
        ..BASE
    },
    Key {
        name: "dogstatsd_packet_buffer_flush_timeout",
        env: &["DD_DOGSTATSD_PACKET_BUFFER_FLUSH_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Millis,
            min: MILLISECOND,
            max: MINUTE,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        doc: "Longest time that a datagram waits to be handed on; a bare number is milliseconds.",
        ..BASE
    },
    Key {
        name: "dogstatsd_queue_size",
        env: &["DD_DOGSTATSD_QUEUE_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("1024"),
        doc: "Batches between reader and parser.",
        ..BASE
    },
    Key {
        name: "dogstatsd_non_local_traffic",
        env: &["DD_DOGSTATSD_NON_LOCAL_TRAFFIC"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Lets DogStatsD listen on every interface.",
        ..BASE
    },
    Key {
        name: "dogstatsd_eol_required",
        env: &["DD_DOGSTATSD_EOL_REQUIRED"],
        kind: Kind::Choices(&["udp", "uds", "named_pipe"]),
        default: Default::Text(""),
        doc: "Listeners that drop a last line without its end.",
        ..BASE
    },
    Key {
        name: "dogstatsd_origin_detection",
        env: &["DD_DOGSTATSD_ORIGIN_DETECTION"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Finds the sender's container through the Unix socket.",
        ..BASE
    },
    Key {
        name: "dogstatsd_origin_detection_client",
        env: &["DD_DOGSTATSD_ORIGIN_DETECTION_CLIENT"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Trusts the container that a client names.",
        ..BASE
    },
    Key {
        name: "dogstatsd_origin_optout_enabled",
        env: &["DD_DOGSTATSD_ORIGIN_OPTOUT_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Lets a client refuse origin tags.",
        ..BASE
    },
    Key {
        name: "dogstatsd_entity_id_precedence",
        env: &["DD_DOGSTATSD_ENTITY_ID_PRECEDENCE"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Prefers the entity that a client names to the one of the socket.",
        ..BASE
    },
    Key {
        name: "dogstatsd_tag_cardinality",
        env: &["DD_DOGSTATSD_TAG_CARDINALITY"],
        kind: Kind::Choice(&["none", "low", "orchestrator", "high"]),
        default: Default::Text("low"),
        doc: "Which origin tags are added.",
        ..BASE
    },
    Key {
        name: "dogstatsd_tags",
        env: &["DD_DOGSTATSD_TAGS"],
        kind: Kind::Tags,
        default: Default::Text(""),
        doc: "Tags added to everything that DogStatsD receives.",
        ..BASE
    },
    Key {
        name: "dogstatsd_expiry_seconds",
        env: &["DD_DOGSTATSD_EXPIRY_SECONDS"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("300"),
        doc: "How long a silent counter goes on as zero.",
        ..BASE
    },
    Key {
        name: "dogstatsd_context_expiry_seconds",
        env: &["DD_DOGSTATSD_CONTEXT_EXPIRY_SECONDS"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("20"),
        doc: "How long a silent context is remembered.",
        ..BASE
    },
    Key {
        name: "dogstatsd_no_aggregation_pipeline",
        env: &["DD_DOGSTATSD_NO_AGGREGATION_PIPELINE"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Passes on metrics with a timestamp as they are.",
        ..BASE
    },
    Key {
        name: "dogstatsd_no_aggregation_pipeline_batch_size",
        env: &["DD_DOGSTATSD_NO_AGGREGATION_PIPELINE_BATCH_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("2048"),
        doc: "Metrics with a timestamp that are sent together.",
        ..BASE
    },
    Key {
        name: "dogstatsd_flush_incomplete_buckets",
        env: &["DD_DOGSTATSD_FLUSH_INCOMPLETE_BUCKETS"],
        kind: Kind::Bool,
        default: Default::ByProfile {
            standalone: "false",
            embedded: "true",
            serverless: "true",
            lambda: "true",
        },
        doc: "Sends the open bucket at the stop.",
        ..BASE
    },
    Key {
        name: "dogstatsd_string_interner_size",
        env: &["DD_DOGSTATSD_STRING_INTERNER_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 100000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("4096"),
        doc: "Strings that a worker shares.",
        ..BASE
    },
    Key {
        name: "dogstatsd_mapper_cache_size",
        env: &["DD_DOGSTATSD_MAPPER_CACHE_SIZE"],
        kind: Kind::Int {
            min: 0,
            max: 100000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("1000"),
        doc: "Results of name mapping that are remembered.",
        ..BASE
    },
    Key {
        name: "dogstatsd_mapper_profiles",
        env: &["DD_DOGSTATSD_MAPPER_PROFILES"],
        kind: Kind::JsonList,
        doc: "Rules that turn parts of metric names into tags.",
        ..BASE
    },
    Key {
        name: "dogstatsd_workers_count",
        env: &["DD_DOGSTATSD_WORKERS_COUNT"],
        kind: Kind::Int {
            min: 0,
            max: 1024,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "Parsers; `0` lets the agent choose.",
        ..BASE
    },
    Key {
        name: "dogstatsd_pipeline_count",
        env: &["DD_DOGSTATSD_PIPELINE_COUNT"],
        kind: Kind::Int {
            min: 1,
            max: 1024,
            outside: Outside::Refuse,
        },
        default: Default::Text("1"),
        doc: "Aggregators among which contexts are divided.",
        ..BASE
    },
    Key {
        name: "dogstatsd_disable_verbose_logs",
        env: &["DD_DOGSTATSD_DISABLE_VERBOSE_LOGS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Logs malformed lines at debug only.",
        ..BASE
    },
    Key {
        name: "statsd_metric_namespace",
        env: &["DD_STATSD_METRIC_NAMESPACE"],
        kind: Kind::MetricNamespace,
        doc: "Put in front of every metric name, with a dot between.",
        ..BASE
    },
    Key {
        name: "statsd_metric_namespace_blacklist",
        env: &["DD_STATSD_METRIC_NAMESPACE_BLACKLIST"],
        kind: Kind::Words,
        default: Default::Described("the standard prefixes"),
        doc: "Prefixes of metric names that get no namespace.",
        ..BASE
    },
    Key {
        name: "statsd_metric_blocklist",
        env: &["DD_STATSD_METRIC_BLOCKLIST"],
        kind: Kind::Words,
        default: Default::Text(""),
        doc: "Metric names that are dropped.",
        ..BASE
    },
    Key {
        name: "statsd_metric_blocklist_match_prefix",
        env: &["DD_STATSD_METRIC_BLOCKLIST_MATCH_PREFIX"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Lets an item of the blocklist match the beginning of a name.",
        ..BASE
    },
    Key {
        name: "statsd_forward_host",
        env: &["DD_STATSD_FORWARD_HOST"],
        kind: Kind::Host,
        doc: "Host that gets a copy of every datagram.",
        ..BASE
    },
    Key {
        name: "statsd_forward_port",
        env: &["DD_STATSD_FORWARD_PORT"],
        kind: Kind::Port,
        default: Default::Text("0"),
        doc: "Port that gets a copy of every datagram; `0` is none.",
        ..BASE
    },
    Key {
        name: "histogram_aggregates",
        env: &["DD_HISTOGRAM_AGGREGATES"],
        kind: Kind::Choices(&["max", "min", "median", "avg", "sum", "count"]),
        default: Default::Text("max,median,avg,count"),
        doc: "What is sent of a histogram.",
        ..BASE
    },
    Key {
        name: "histogram_percentiles",
        env: &["DD_HISTOGRAM_PERCENTILES"],
        kind: Kind::Percentiles,
        default: Default::Text("0.95"),
        doc: "Percentiles that are sent of a histogram.",
        ..BASE
    },
    Key {
        name: "histogram_copy_to_distribution",
        env: &["DD_HISTOGRAM_COPY_TO_DISTRIBUTION"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends histograms as distributions too.",
        ..BASE
    },
    Key {
        name: "histogram_copy_to_distribution_prefix",
        env: &["DD_HISTOGRAM_COPY_TO_DISTRIBUTION_PREFIX"],
        kind: Kind::Text,
        doc: "Put in front of the names of those distributions.",
        ..BASE
    },
    Key {
        name: "aggregator_bucket_size_seconds",
        env: &["DD_AGGREGATOR_BUCKET_SIZE_SECONDS"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: SECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("10"),
        doc: "Length of an aggregation bucket.",
        ..BASE
    },
    Key {
        name: "aggregate_context_limit",
        env: &["DD_AGGREGATE_CONTEXT_LIMIT"],
        kind: Kind::Int {
            min: 1,
            max: 1000000000,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "250000",
            embedded: "10240",
            serverless: "10240",
            lambda: "10240",
        },
        doc: "Contexts that are aggregated at most.",
        ..BASE
    },
    Key {
        name: "telemetry.enabled",
        env: &["DD_TELEMETRY_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends what the metrics pipeline counts about itself, as metrics `datadog.agent.*`.",
        ..BASE
    },
    Key {
        name: "lambda_customer_metrics_exclude_tags",
        env: &["DD_LAMBDA_CUSTOMER_METRICS_EXCLUDE_TAGS"],
        kind: Kind::Words,
        default: Default::Text(""),
        doc: "Tags that are not added to custom metrics.",
        ..BASE
    },
    Key {
        name: "enhanced_metrics",
        env: &["DD_ENHANCED_METRICS", "DD_ENHANCED_METRICS_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends metrics about the function that the agent runs beside.",
        set: |config, value| put(&mut config.enhanced_metrics, value),
        ..BASE
    },
    Key {
        name: "lambda_proc_enhanced_metrics",
        env: &["DD_LAMBDA_PROC_ENHANCED_METRICS"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends those of them that come from /proc.",
        ..BASE
    },
    Key {
        name: "container_enhanced_metrics",
        env: &["DD_CONTAINER_ENHANCED_METRICS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends metrics `datadog.agent.container.*` about the container, on Google Cloud and Azure Spring Apps.",
        ..BASE
    },
    Key {
        name: "metrics_config.compression_level",
        env: &[
            "DD_METRICS_CONFIG_COMPRESSION_LEVEL",
            "DD_SERIALIZER_ZSTD_COMPRESSOR_LEVEL",
        ],
        kind: Kind::Int {
            min: 1,
            max: 19,
            outside: Outside::Clamp,
        },
        default: Default::Like("compression_level"),
        doc: "zstd level of series and sketches.",
        set: |config, value| put(&mut config.metrics_config_compression_level, value),
        ..BASE
    },
];
