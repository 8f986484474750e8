//! Keys of the subject *Sending metrics*.

use super::{Default, Key, Pipeline};
use crate::kind::{DAY, GIB, HOUR, Kind, MILLISECOND, Outside, SECOND, Unit};

const BASE: Key = Key::of(Pipeline::Metrics);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "serializer_max_payload_size",
        env: &["DD_SERIALIZER_MAX_PAYLOAD_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("2621440"),
        doc: "Largest compressed payload of sketches, events and checks.",
        ..BASE
    },
    Key {
        name: "serializer_max_uncompressed_payload_size",
        env: &["DD_SERIALIZER_MAX_UNCOMPRESSED_PAYLOAD_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("4194304"),
        doc: "The same before compression.",
        ..BASE
    },
    Key {
        name: "serializer_max_series_payload_size",
        env: &["DD_SERIALIZER_MAX_SERIES_PAYLOAD_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("512000"),
        doc: "Largest compressed payload of series.",
        ..BASE
    },
    Key {
        name: "serializer_max_series_uncompressed_payload_size",
        env: &["DD_SERIALIZER_MAX_SERIES_UNCOMPRESSED_PAYLOAD_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("5242880"),
        doc: "The same before compression.",
        ..BASE
    },
    Key {
        name: "serializer_max_series_points_per_payload",
        env: &["DD_SERIALIZER_MAX_SERIES_POINTS_PER_PAYLOAD"],
        kind: Kind::Int {
            min: 1,
            max: 1000000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("10000"),
        doc: "Points in a payload of series at most.",
        ..BASE
    },
    Key {
        name: "serializer_compressor_kind",
        env: &["DD_SERIALIZER_COMPRESSOR_KIND"],
        kind: Kind::Choice(&["zstd", "gzip", "zlib", "deflate", "none"]),
        default: Default::Text("zstd"),
        doc: "Compression of metric payloads.",
        ..BASE
    },
    Key {
        name: "use_v2_api.series",
        env: &["DD_USE_V2_API_SERIES"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends series to version 2 of their API.",
        ..BASE
    },
    Key {
        name: "use_v3_api.series",
        env: &["DD_USE_V3_API_SERIES"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends series to version 3 of their API.",
        ..BASE
    },
    Key {
        name: "use_v3_api.sketches",
        env: &["DD_USE_V3_API_SKETCHES"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Sends sketches to version 3 of their API.",
        ..BASE
    },
    Key {
        name: "enable_payloads.series",
        env: &["DD_ENABLE_PAYLOADS_SERIES"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends series.",
        ..BASE
    },
    Key {
        name: "enable_payloads.sketches",
        env: &["DD_ENABLE_PAYLOADS_SKETCHES"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends sketches.",
        ..BASE
    },
    Key {
        name: "enable_payloads.events",
        env: &["DD_ENABLE_PAYLOADS_EVENTS"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends events.",
        ..BASE
    },
    Key {
        name: "enable_payloads.service_checks",
        env: &["DD_ENABLE_PAYLOADS_SERVICE_CHECKS"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Sends service checks.",
        ..BASE
    },
    Key {
        name: "forwarder_timeout",
        env: &["DD_FORWARDER_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: 300 * SECOND,
            outside: Outside::Refuse,
        },
        default: Default::Like("http_timeout"),
        doc: "Longest time for one request to a metrics intake.",
        ..BASE
    },
    Key {
        name: "forwarder_num_workers",
        env: &["DD_FORWARDER_NUM_WORKERS"],
        kind: Kind::Int {
            min: 1,
            max: 1024,
            outside: Outside::Refuse,
        },
        default: Default::Text("1"),
        doc: "Requests to a metrics intake at once.",
        ..BASE
    },
    Key {
        name: "forwarder_retry_queue_payloads_max_size",
        env: &["DD_FORWARDER_RETRY_QUEUE_PAYLOADS_MAX_SIZE"],
        kind: Kind::Bytes {
            min: 0,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("15728640"),
        doc: "Bytes of metrics that wait for another attempt at most.",
        ..BASE
    },
    Key {
        name: "forwarder_high_prio_buffer_size",
        env: &["DD_FORWARDER_HIGH_PRIO_BUFFER_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        doc: "New payloads that wait to be sent.",
        ..BASE
    },
    Key {
        name: "forwarder_low_prio_buffer_size",
        env: &["DD_FORWARDER_LOW_PRIO_BUFFER_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        doc: "Failed payloads that wait to be sent.",
        ..BASE
    },
    Key {
        name: "forwarder_requeue_buffer_size",
        env: &["DD_FORWARDER_REQUEUE_BUFFER_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        doc: "Payloads that wait to be queued again.",
        ..BASE
    },
    Key {
        name: "forwarder_backoff_base",
        env: &["DD_FORWARDER_BACKOFF_BASE"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("2"),
        doc: "Pause that doubles with each failure.",
        ..BASE
    },
    Key {
        name: "forwarder_backoff_factor",
        env: &["DD_FORWARDER_BACKOFF_FACTOR"],
        kind: Kind::Float {
            min: 1.0,
            max: 1000.0,
        },
        default: Default::Text("2"),
        doc: "How far below its upper bound a pause may lie, as a divisor.",
        ..BASE
    },
    Key {
        name: "forwarder_backoff_max",
        env: &["DD_FORWARDER_BACKOFF_MAX"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("64"),
        doc: "Longest pause between attempts.",
        ..BASE
    },
    Key {
        name: "forwarder_recovery_interval",
        env: &["DD_FORWARDER_RECOVERY_INTERVAL"],
        kind: Kind::Int {
            min: 1,
            max: 1000,
            outside: Outside::Refuse,
        },
        default: Default::Text("2"),
        doc: "Failures that one success makes good.",
        ..BASE
    },
    Key {
        name: "forwarder_apikey_validation_interval",
        env: &["DD_FORWARDER_APIKEY_VALIDATION_INTERVAL"],
        kind: Kind::Span {
            bare: Unit::Minutes,
            min: SECOND,
            max: 365 * DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("60"),
        doc: "How often the API key is validated; a bare number is minutes.",
        ..BASE
    },
    Key {
        name: "forwarder_stop_timeout",
        env: &["DD_FORWARDER_STOP_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Like("shutdown_timeout"),
        doc: "Time for metrics at the end; shortens `shutdown_timeout`, never lengthens it.",
        ..BASE
    },
];
