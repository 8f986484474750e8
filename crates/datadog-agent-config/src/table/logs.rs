//! Keys of the subject *Logs*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{DAY, GIB, HOUR, Kind, MIB, MILLISECOND, Outside, SECOND, Unit};

const BASE: Key = Key::of(Pipeline::Logs);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "logs_enabled",
        env: &["DD_LOGS_ENABLED"],
        deprecated: &["DD_LOG_ENABLED"],
        kind: Kind::Bool,
        default: Default::Described("`false`; `true` in Lambda"),
        doc: "Turns the log pipeline on.",
        set: |config, value| put(&mut config.logs_enabled, value),
        ..BASE
    },
    Key {
        name: "serverless_logs_enabled",
        env: &["DD_SERVERLESS_LOGS_ENABLED"],
        kind: Kind::Bool,
        default: Default::Described("not set; `true` in Lambda"),
        doc: "The log pipeline is on when this or `logs_enabled` is `true`.",
        set: |config, value| put(&mut config.serverless_logs_enabled, value),
        ..BASE
    },
    Key {
        name: "logs_agent_port",
        env: &["DD_LOGS_AGENT_PORT", "DD_LOGS_PORT"],
        kind: Kind::Port,
        default: Default::Described("`10517`"),
        class: Class::Fatal,
        doc: "Port of the log server; `0` lets the system choose.",
        set: |config, value| put(&mut config.logs_agent_port, value),
        ..BASE
    },
    Key {
        name: "logs_bind_host",
        env: &["DD_LOGS_BIND_HOST"],
        kind: Kind::Host,
        default: Default::Text("127.0.0.1"),
        class: Class::Security,
        doc: "Address or name of the interface that the log server listens on.",
        set: |config, value| put(&mut config.logs_bind_host, value),
        ..BASE
    },
    Key {
        name: "logs_socket",
        env: &["DD_LOGS_SOCKET"],
        kind: Kind::SocketPath,
        class: Class::Fatal,
        doc: "Unix socket of the log server, besides its port.",
        set: |config, value| put(&mut config.logs_socket, value),
        ..BASE
    },
    Key {
        name: "logs_max_body_bytes",
        env: &["DD_LOGS_MAX_BODY_BYTES"],
        kind: Kind::Bytes {
            min: 1,
            max: 64 * MIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("4194304"),
        doc: "Largest request body that the log server accepts, as received.",
        set: |config, value| put(&mut config.logs_max_body_bytes, value),
        ..BASE
    },
    Key {
        name: "logs_buffer_max_entries",
        env: &["DD_LOGS_BUFFER_MAX_ENTRIES"],
        kind: Kind::Int {
            min: 1,
            max: 100000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("10000"),
        doc: "Entries that wait for a batch at most.",
        set: |config, value| put(&mut config.logs_buffer_max_entries, value),
        ..BASE
    },
    Key {
        name: "logs_buffer_max_bytes",
        env: &["DD_LOGS_BUFFER_MAX_BYTES"],
        kind: Kind::Bytes {
            min: MIB,
            max: 16 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("10000000"),
        doc: "Bytes that wait for a batch at most.",
        set: |config, value| put(&mut config.logs_buffer_max_bytes, value),
        ..BASE
    },
    Key {
        name: "logs_memory_limit",
        env: &["DD_LOGS_MEMORY_LIMIT"],
        kind: Kind::Bytes {
            min: 4 * MIB,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "64MiB",
            embedded: "64MiB",
            serverless: "16MiB",
            lambda: "16MiB",
        },
        doc: "Memory that queued, building, in-flight and waiting log data may take together.",
        set: |config, value| put(&mut config.logs_memory_limit, value),
        ..BASE
    },
    Key {
        name: "logs_config.api_key",
        env: &["DD_LOGS_CONFIG_API_KEY"],
        kind: Kind::ApiKey,
        default: Default::Described("`api_key`"),
        class: Class::Fatal,
        secret: true,
        doc: "API key for logs.",
        set: |config, value| put(&mut config.logs_config_api_key, value),
        ..BASE
    },
    Key {
        name: "logs_config.logs_dd_url",
        env: &["DD_LOGS_CONFIG_LOGS_DD_URL"],
        kind: Kind::Address,
        default: Default::Described("`https://http-intake.logs.{site}`"),
        class: Class::Fatal,
        doc: "Log intake, as `host`, `host:port` or a URL; `/api/v2/logs` is appended unless it is there.",
        set: |config, value| put(&mut config.logs_config_logs_dd_url, value),
        ..BASE
    },
    Key {
        name: "logs_config.logs_no_ssl",
        env: &["DD_LOGS_CONFIG_LOGS_NO_SSL"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Sends logs over plain HTTP when `logs_config.logs_dd_url` has no scheme.",
        set: |config, value| put(&mut config.logs_config_logs_no_ssl, value),
        ..BASE
    },
    Key {
        name: "logs_config.processing_rules",
        env: &["DD_LOGS_CONFIG_PROCESSING_RULES"],
        kind: Kind::ProcessingRules,
        class: Class::Security,
        doc: "What is dropped from logs and what is masked in them, in this order.",
        set: |config, value| put(&mut config.logs_config_processing_rules, value),
        ..BASE
    },
    Key {
        name: "logs_config.use_compression",
        env: &["DD_LOGS_CONFIG_USE_COMPRESSION"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Compresses log batches before sending.",
        set: |config, value| put(&mut config.logs_config_use_compression, value),
        ..BASE
    },
    Key {
        name: "logs_config.compression_kind",
        env: &["DD_LOGS_CONFIG_COMPRESSION_KIND"],
        kind: Kind::Choice(&["zstd", "gzip"]),
        default: Default::Text("zstd"),
        doc: "Compression of log batches.",
        set: |config, value| put(&mut config.logs_config_compression_kind, value),
        ..BASE
    },
    Key {
        name: "logs_config.compression_level",
        env: &[
            "DD_LOGS_CONFIG_COMPRESSION_LEVEL",
            "DD_LOGS_CONFIG_ZSTD_COMPRESSION_LEVEL",
        ],
        yaml: &["logs_config.zstd_compression_level"],
        kind: Kind::Int {
            min: 1,
            max: 19,
            outside: Outside::Clamp,
        },
        default: Default::Like("compression_level"),
        doc: "Compression level of log batches; at most 9 for gzip.",
        set: |config, value| put(&mut config.logs_config_compression_level, value),
        ..BASE
    },
    Key {
        name: "logs_config.batch_wait",
        env: &["DD_LOGS_CONFIG_BATCH_WAIT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: SECOND,
            max: 10 * SECOND,
            outside: Outside::Refuse,
        },
        default: Default::Text("5"),
        doc: "Age of the oldest entry at which a batch is sent.",
        set: |config, value| put(&mut config.logs_config_batch_wait, value),
        ..BASE
    },
    Key {
        name: "logs_config.batch_max_size",
        env: &["DD_LOGS_CONFIG_BATCH_MAX_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 1000,
            outside: Outside::Refuse,
        },
        default: Default::Text("1000"),
        doc: "Entries in a batch at most.",
        set: |config, value| put(&mut config.logs_config_batch_max_size, value),
        ..BASE
    },
    Key {
        name: "logs_config.batch_max_content_size",
        env: &["DD_LOGS_CONFIG_BATCH_MAX_CONTENT_SIZE"],
        kind: Kind::Bytes {
            min: 1_048_578,
            max: 5_242_880,
            outside: Outside::Refuse,
        },
        default: Default::Text("5000000"),
        doc: "Bytes in a batch at most, before compression.",
        set: |config, value| put(&mut config.logs_config_batch_max_content_size, value),
        ..BASE
    },
    Key {
        name: "logs_config.batch_max_concurrent_send",
        env: &["DD_LOGS_CONFIG_BATCH_MAX_CONCURRENT_SEND"],
        kind: Kind::Int {
            min: 1,
            max: 64,
            outside: Outside::Clamp,
        },
        default: Default::Text("4"),
        doc: "Requests in flight at once to one endpoint; 1 keeps batches in order.",
        set: |config, value| put(&mut config.logs_config_batch_max_concurrent_send, value),
        ..BASE
    },
    Key {
        name: "logs_config.max_message_size_bytes",
        env: &["DD_LOGS_CONFIG_MAX_MESSAGE_SIZE_BYTES"],
        kind: Kind::Bytes {
            min: 1_000,
            max: 1_000_000,
            outside: Outside::Refuse,
        },
        default: Default::Text("900000"),
        doc: "Bytes of a message that are kept; the rest is cut and marked.",
        set: |config, value| put(&mut config.logs_config_max_message_size_bytes, value),
        ..BASE
    },
    Key {
        name: "logs_config.message_channel_size",
        env: &["DD_LOGS_CONFIG_MESSAGE_CHANNEL_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        pipeline: Pipeline::Collectors,
        doc: "Messages between two steps of a collector.",
        set: |config, value| put(&mut config.logs_config_message_channel_size, value),
        ..BASE
    },
    Key {
        name: "logs_config.http_protocol",
        env: &["DD_LOGS_CONFIG_HTTP_PROTOCOL"],
        kind: Kind::Choice(&["auto", "http1", "http2"]),
        default: Default::Described("`http_protocol`"),
        class: Class::Fatal,
        doc: "HTTP version towards the log intakes.",
        set: |config, value| put(&mut config.logs_config_http_protocol, value),
        ..BASE
    },
    Key {
        name: "logs_config.sender_backoff_factor",
        env: &["DD_LOGS_CONFIG_SENDER_BACKOFF_FACTOR"],
        kind: Kind::Float {
            min: 2.0,
            max: 1000.0,
        },
        default: Default::Text("2"),
        doc: "How far below its upper bound a pause between attempts may lie, as a divisor.",
        set: |config, value| put(&mut config.logs_config_sender_backoff_factor, value),
        ..BASE
    },
    Key {
        name: "logs_config.sender_backoff_base",
        env: &["DD_LOGS_CONFIG_SENDER_BACKOFF_BASE"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("1"),
        doc: "Pause that doubles with each failure.",
        set: |config, value| put(&mut config.logs_config_sender_backoff_base, value),
        ..BASE
    },
    Key {
        name: "logs_config.sender_backoff_max",
        env: &["DD_LOGS_CONFIG_SENDER_BACKOFF_MAX"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("120"),
        doc: "Longest pause between attempts.",
        set: |config, value| put(&mut config.logs_config_sender_backoff_max, value),
        ..BASE
    },
    Key {
        name: "logs_config.sender_recovery_interval",
        env: &["DD_LOGS_CONFIG_SENDER_RECOVERY_INTERVAL"],
        kind: Kind::Int {
            min: 1,
            max: 1000,
            outside: Outside::Refuse,
        },
        default: Default::Text("2"),
        doc: "Failures that one success makes good.",
        set: |config, value| put(&mut config.logs_config_sender_recovery_interval, value),
        ..BASE
    },
    Key {
        name: "logs_config.sender_recovery_reset",
        env: &["DD_LOGS_CONFIG_SENDER_RECOVERY_RESET"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Lets one success make good all failures.",
        set: |config, value| put(&mut config.logs_config_sender_recovery_reset, value),
        ..BASE
    },
    Key {
        name: "logs_config.connection_reset_interval",
        env: &["DD_LOGS_CONFIG_CONNECTION_RESET_INTERVAL"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "Age at which a connection is not used again, so that a changed DNS answer is seen; `0` is never.",
        set: |config, value| put(&mut config.logs_config_connection_reset_interval, value),
        ..BASE
    },
    Key {
        name: "logs_config.retry_queue_max_bytes",
        env: &["DD_LOGS_CONFIG_RETRY_QUEUE_MAX_BYTES"],
        kind: Kind::Bytes {
            min: 0,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("15MiB"),
        doc: "Encoded bytes that wait for another attempt at most, per endpoint.",
        set: |config, value| put(&mut config.logs_config_retry_queue_max_bytes, value),
        ..BASE
    },
    Key {
        name: "logs_config.disk_retry_max_size_bytes",
        env: &["DD_LOGS_CONFIG_DISK_RETRY_MAX_SIZE_BYTES"],
        kind: Kind::Bytes {
            min: 0,
            max: 1024 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        pipeline: Pipeline::DiskRetry,
        doc: "Disk space for batches that wait for another attempt; `0` keeps them in memory only.",
        set: |config, value| put(&mut config.logs_config_disk_retry_max_size_bytes, value),
        ..BASE
    },
    Key {
        name: "logs_config.stop_grace_period",
        env: &["DD_LOGS_CONFIG_STOP_GRACE_PERIOD"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Like("shutdown_timeout"),
        doc: "Time for logs at the end; shortens `shutdown_timeout`, never lengthens it.",
        set: |config, value| put(&mut config.logs_config_stop_grace_period, value),
        ..BASE
    },
    Key {
        name: "logs_config.additional_endpoints",
        env: &["DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS"],
        kind: Kind::LogsEndpoints,
        default: Default::Text("[]"),
        class: Class::Fatal,
        secret: true,
        doc: "Further log intakes, each with a key of its own, that get every batch too.",
        set: |config, value| put(&mut config.logs_config_additional_endpoints, value),
        ..BASE
    },
    Key {
        name: "observability_pipelines_worker.logs.enabled",
        env: &[
            "DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_ENABLED",
            "DD_VECTOR_LOGS_ENABLED",
        ],
        yaml: &["vector.logs.enabled"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends logs to an Observability Pipelines Worker in place of Datadog.",
        set: |config, value| {
            put(
                &mut config.observability_pipelines_worker_logs_enabled,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "observability_pipelines_worker.logs.url",
        env: &[
            "DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_URL",
            "DD_VECTOR_LOGS_URL",
        ],
        yaml: &["vector.logs.url"],
        kind: Kind::Address,
        class: Class::Fatal,
        doc: "The worker's URL, used as it is when it has a path; required when the worker is enabled.",
        set: |config, value| put(&mut config.observability_pipelines_worker_logs_url, value),
        ..BASE
    },
    Key {
        name: "observability_pipelines_worker.logs.use_compression",
        env: &["DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_USE_COMPRESSION"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Compresses what is sent to the worker.",
        set: |config, value| {
            put(
                &mut config.observability_pipelines_worker_logs_use_compression,
                value,
            )
        },
        ..BASE
    },
];
