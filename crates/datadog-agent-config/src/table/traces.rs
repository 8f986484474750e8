//! Keys of the subject *Traces*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{DAY, GIB, HOUR, Kind, MILLISECOND, Outside, Unit};

const BASE: Key = Key::of(Pipeline::Traces);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "trace_agent_port",
        env: &[
            "DD_TRACE_AGENT_PORT",
            "DD_APM_RECEIVER_PORT",
            "DD_RECEIVER_PORT",
        ],
        yaml: &["apm_config.receiver_port"],
        kind: Kind::Port,
        default: Default::Described("`8126`"),
        class: Class::Fatal,
        doc: "Port of the trace listener; `0` lets the system choose.",
        set: |config, value| put(&mut config.trace_agent_port, value),
        ..BASE
    },
    Key {
        name: "trace_agent_uds_path",
        env: &["DD_TRACE_AGENT_UDS_PATH"],
        kind: Kind::SocketPath,
        default: Default::Described("chosen at start"),
        class: Class::Fatal,
        doc: "Unix socket of the mode `http_uds`; selects that mode when none is set.",
        set: |config, value| put(&mut config.trace_agent_uds_path, value),
        ..BASE
    },
    Key {
        name: "apm_config.receiver_socket",
        env: &["DD_APM_RECEIVER_SOCKET"],
        kind: Kind::SocketPath,
        class: Class::Fatal,
        doc: "Unix socket besides the port; the path of mode `http_uds` when `trace_agent_uds_path` is not set.",
        set: |config, value| put(&mut config.apm_receiver_socket, value),
        ..BASE
    },
    Key {
        name: "trace_agent_uds_permissions",
        env: &["DD_TRACE_AGENT_UDS_PERMISSIONS"],
        kind: Kind::Octal,
        default: Default::Text("0o600"),
        class: Class::Security,
        doc: "Mode of the Unix socket, in octal.",
        set: |config, value| put(&mut config.trace_agent_uds_permissions, value),
        ..BASE
    },
    Key {
        name: "trace_agent_url",
        env: &["DD_TRACE_AGENT_URL"],
        kind: Kind::Text,
        class: Class::Free,
        pipeline: Pipeline::Core,
        doc: "Where tracers in the same process send; not a setting of the agent, only compared with its socket.",
        ..BASE
    },
    Key {
        name: "bind_host",
        env: &["DD_BIND_HOST"],
        kind: Kind::Host,
        default: Default::Text("127.0.0.1"),
        class: Class::Security,
        doc: "Address or name of the interface that the trace listener uses.",
        set: |config, value| put(&mut config.bind_host, value),
        ..BASE
    },
    Key {
        name: "apm_config.apm_non_local_traffic",
        env: &["DD_APM_NON_LOCAL_TRAFFIC"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Listens on every interface when `bind_host` is not set.",
        set: |config, value| put(&mut config.apm_non_local_traffic, value),
        ..BASE
    },
    Key {
        name: "apm_config.enabled",
        env: &["DD_APM_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Turns the trace pipeline on.",
        set: |config, value| put(&mut config.apm_enabled, value),
        ..BASE
    },
    Key {
        name: "apm_config.env",
        env: &["DD_APM_ENV"],
        kind: Kind::Text,
        default: Default::Described("`env`"),
        class: Class::Free,
        doc: "Environment of traces that name none.",
        ..BASE
    },
    Key {
        name: "apm_config.windows_pipe_name",
        env: &["DD_APM_WINDOWS_PIPE_NAME"],
        kind: Kind::Text,
        class: Class::Fatal,
        doc: "Windows named pipe of the trace listener.",
        ..BASE
    },
    Key {
        name: "apm_config.max_connections",
        env: &["DD_APM_MAX_CONNECTIONS"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("1000"),
        doc: "Connections to the trace listener at once.",
        ..BASE
    },
    Key {
        name: "apm_config.receiver_timeout",
        env: &["DD_APM_RECEIVER_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("5"),
        doc: "Longest time to read a request.",
        ..BASE
    },
    Key {
        name: "apm_config.decoders",
        env: &["DD_APM_DECODERS"],
        kind: Kind::Int {
            min: 1,
            max: 1024,
            outside: Outside::Refuse,
        },
        default: Default::Described("half the processors, at least 1"),
        doc: "Payloads that are decoded at once.",
        ..BASE
    },
    Key {
        name: "apm_config.decoder_timeout",
        env: &["DD_APM_DECODER_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Millis,
            min: MILLISECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("1000"),
        doc: "How long a payload waits for a decoder; a bare number is milliseconds.",
        ..BASE
    },
    Key {
        name: "apm_config.max_payload_size",
        env: &["DD_APM_MAX_PAYLOAD_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("52428800"),
        doc: "Largest trace payload that is accepted.",
        ..BASE
    },
    Key {
        name: "apm_config.trace_buffer",
        env: &["DD_APM_TRACE_BUFFER"],
        kind: Kind::Bytes {
            min: 1,
            max: 64 * GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("52428800"),
        doc: "Bytes of traces held in memory at most.",
        ..BASE
    },
    Key {
        name: "apm_config.max_sender_retries",
        env: &["DD_APM_MAX_SENDER_RETRIES"],
        kind: Kind::Int {
            min: 1,
            max: 100,
            outside: Outside::Refuse,
        },
        default: Default::Text("4"),
        doc: "Attempts to send a payload, the first included.",
        ..BASE
    },
    Key {
        name: "apm_config.apm_dd_url",
        env: &["DD_APM_DD_URL"],
        kind: Kind::Url,
        default: Default::Described("`https://trace.agent.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the trace intake.",
        set: |config, value| put(&mut config.apm_dd_url, value),
        ..BASE
    },
    Key {
        name: "apm_config.profiling_dd_url",
        env: &["DD_APM_PROFILING_DD_URL"],
        kind: Kind::Url,
        default: Default::Described("`https://intake.profile.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the profiling intake.",
        ..BASE
    },
    Key {
        name: "apm_config.profiling_additional_endpoints",
        env: &["DD_APM_PROFILING_ADDITIONAL_ENDPOINTS"],
        kind: Kind::KeysByUrl,
        default: Default::Text("{}"),
        class: Class::Fatal,
        secret: true,
        doc: "Further profiling intakes with their keys.",
        ..BASE
    },
    Key {
        name: "apm_config.profiling_max_request_bytes",
        env: &["DD_APM_PROFILING_MAX_REQUEST_BYTES"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("50MiB"),
        doc: "Largest profile that is passed on.",
        ..BASE
    },
    Key {
        name: "apm_config.additional_endpoints",
        env: &["DD_APM_ADDITIONAL_ENDPOINTS"],
        kind: Kind::KeysByUrl,
        default: Default::Text("{}"),
        class: Class::Fatal,
        secret: true,
        doc: "Further trace intakes with their keys.",
        set: |config, value| put(&mut config.apm_additional_endpoints, value),
        ..BASE
    },
    Key {
        name: "apm_config.replace_tags",
        env: &["DD_APM_REPLACE_TAGS"],
        kind: Kind::ReplaceRules,
        class: Class::Security,
        doc: "What is replaced in span tags and resources, in this order.",
        set: |config, value| put(&mut config.apm_replace_tags, value),
        ..BASE
    },
    Key {
        name: "apm_config.compression_level",
        env: &["DD_APM_CONFIG_COMPRESSION_LEVEL"],
        kind: Kind::Int {
            min: 1,
            max: 19,
            outside: Outside::Clamp,
        },
        default: Default::Like("compression_level"),
        doc: "zstd level of trace payloads.",
        set: |config, value| put(&mut config.apm_config_compression_level, value),
        ..BASE
    },
    Key {
        name: "apm_config.features",
        env: &["DD_APM_FEATURES"],
        kind: Kind::Features,
        default: Default::Text(""),
        doc: "Features by name; unknown names are kept.",
        set: |config, value| put(&mut config.apm_features, value),
        ..BASE
    },
    Key {
        name: "apm_config.filter_tags.require",
        env: &["DD_APM_FILTER_TAGS_REQUIRE"],
        kind: Kind::FilterTags,
        class: Class::Fatal,
        doc: "All of these tags must be on the root span for a trace to be kept.",
        set: |config, value| put(&mut config.apm_filter_tags_require, value),
        ..BASE
    },
    Key {
        name: "apm_config.filter_tags_regex.require",
        env: &["DD_APM_FILTER_TAGS_REGEX_REQUIRE"],
        kind: Kind::FilterTagRegexes,
        class: Class::Fatal,
        doc: "As `apm_config.filter_tags.require`, with expressions for the values.",
        set: |config, value| put(&mut config.apm_filter_tags_regex_require, value),
        ..BASE
    },
    Key {
        name: "apm_config.filter_tags.reject",
        env: &["DD_APM_FILTER_TAGS_REJECT"],
        kind: Kind::FilterTags,
        class: Class::Fatal,
        doc: "Any of these tags being on the root span drops the trace.",
        set: |config, value| put(&mut config.apm_filter_tags_reject, value),
        ..BASE
    },
    Key {
        name: "apm_config.filter_tags_regex.reject",
        env: &["DD_APM_FILTER_TAGS_REGEX_REJECT"],
        kind: Kind::FilterTagRegexes,
        class: Class::Fatal,
        doc: "As `apm_config.filter_tags.reject`, with expressions for the values.",
        set: |config, value| put(&mut config.apm_filter_tags_regex_reject, value),
        ..BASE
    },
    Key {
        name: "apm_config.ignore_resources",
        env: &["DD_APM_IGNORE_RESOURCES"],
        kind: Kind::QuotedRegexes,
        default: Default::Text(""),
        doc: "Expressions of root resources whose traces are dropped.",
        ..BASE
    },
    Key {
        name: "service_mapping",
        env: &["DD_SERVICE_MAPPING"],
        kind: Kind::Mapping,
        default: Default::Text(""),
        doc: "Services to rename.",
        set: |config, value| put(&mut config.service_mapping, value),
        ..BASE
    },
    Key {
        name: "trace_aws_service_representation_enabled",
        env: &["DD_TRACE_AWS_SERVICE_REPRESENTATION_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Names services after the AWS resource.",
        set: |config, value| put(&mut config.trace_aws_service_representation_enabled, value),
        ..BASE
    },
    Key {
        name: "trace_propagation_style",
        env: &["DD_TRACE_PROPAGATION_STYLE"],
        kind: Kind::PropagationStyles,
        default: Default::Text("datadog,tracecontext"),
        doc: "Header styles of trace context.",
        set: |config, value| put(&mut config.trace_propagation_style, value),
        ..BASE
    },
    Key {
        name: "trace_propagation_style_extract",
        env: &["DD_TRACE_PROPAGATION_STYLE_EXTRACT"],
        kind: Kind::PropagationStyles,
        default: Default::Like("trace_propagation_style"),
        doc: "Header styles from which trace context is read.",
        set: |config, value| put(&mut config.trace_propagation_style_extract, value),
        ..BASE
    },
    Key {
        name: "trace_propagation_extract_first",
        env: &["DD_TRACE_PROPAGATION_EXTRACT_FIRST"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Stops at the first style that yields a context.",
        set: |config, value| put(&mut config.trace_propagation_extract_first, value),
        ..BASE
    },
    Key {
        name: "trace_propagation_http_baggage_enabled",
        env: &["DD_TRACE_PROPAGATION_HTTP_BAGGAGE_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Reads and writes baggage headers.",
        set: |config, value| put(&mut config.trace_propagation_http_baggage_enabled, value),
        ..BASE
    },
    Key {
        name: "compute_trace_stats_on_extension",
        env: &[
            "DD_COMPUTE_TRACE_STATS_ON_EXTENSION",
            "DD_AGENT_STATS_COMPUTATION_ENABLED",
            "DD_LAMBDA_EXTENSION_COMPUTE_STATS",
        ],
        kind: Kind::Bool,
        default: Default::Described("computed when the client did not"),
        doc: "Whether the agent computes trace stats; `false` leaves them to the backend.",
        set: |config, value| put(&mut config.compute_trace_stats_on_extension, value),
        ..BASE
    },
    Key {
        name: "span_dedup_timeout",
        env: &["DD_SPAN_DEDUP_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: DAY,
            outside: Outside::Refuse,
        },
        doc: "How long a span is remembered to recognise its copies; `0` is not at all.",
        ..BASE
    },
    Key {
        name: "apm_config.debugger_dd_url",
        env: &["DD_APM_DEBUGGER_DD_URL"],
        kind: Kind::Url,
        default: Default::Described("`https://http-intake.logs.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the intake of debugger data.",
        ..BASE
    },
    Key {
        name: "apm_config.debugger_api_key",
        env: &["DD_APM_DEBUGGER_API_KEY"],
        kind: Kind::ApiKey,
        default: Default::Described("`api_key`"),
        class: Class::Fatal,
        secret: true,
        doc: "API key for debugger data.",
        ..BASE
    },
    Key {
        name: "apm_config.debugger_additional_endpoints",
        env: &["DD_APM_DEBUGGER_ADDITIONAL_ENDPOINTS"],
        kind: Kind::KeysByUrl,
        default: Default::Text("{}"),
        class: Class::Fatal,
        secret: true,
        doc: "Further intakes of debugger data with their keys.",
        ..BASE
    },
    Key {
        name: "apm_config.debugger_diagnostics_dd_url",
        env: &["DD_APM_DEBUGGER_DIAGNOSTICS_DD_URL"],
        kind: Kind::Url,
        default: Default::Described("`https://debugger-intake.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the intake of debugger diagnostics data.",
        ..BASE
    },
    Key {
        name: "apm_config.debugger_diagnostics_api_key",
        env: &["DD_APM_DEBUGGER_DIAGNOSTICS_API_KEY"],
        kind: Kind::ApiKey,
        default: Default::Described("`api_key`"),
        class: Class::Fatal,
        secret: true,
        doc: "API key for debugger diagnostics data.",
        ..BASE
    },
    Key {
        name: "apm_config.debugger_diagnostics_additional_endpoints",
        env: &["DD_APM_DEBUGGER_DIAGNOSTICS_ADDITIONAL_ENDPOINTS"],
        kind: Kind::KeysByUrl,
        default: Default::Text("{}"),
        class: Class::Fatal,
        secret: true,
        doc: "Further intakes of debugger diagnostics data with their keys.",
        ..BASE
    },
    Key {
        name: "apm_config.symdb_dd_url",
        env: &["DD_APM_SYMDB_DD_URL"],
        kind: Kind::Url,
        default: Default::Described("`https://debugger-intake.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the intake of symdb data.",
        ..BASE
    },
    Key {
        name: "apm_config.symdb_api_key",
        env: &["DD_APM_SYMDB_API_KEY"],
        kind: Kind::ApiKey,
        default: Default::Described("`api_key`"),
        class: Class::Fatal,
        secret: true,
        doc: "API key for symdb data.",
        ..BASE
    },
    Key {
        name: "apm_config.symdb_additional_endpoints",
        env: &["DD_APM_SYMDB_ADDITIONAL_ENDPOINTS"],
        kind: Kind::KeysByUrl,
        default: Default::Text("{}"),
        class: Class::Fatal,
        secret: true,
        doc: "Further intakes of symdb data with their keys.",
        ..BASE
    },
    Key {
        name: "apm_config.telemetry_dd_url",
        env: &["DD_APM_TELEMETRY_DD_URL"],
        yaml: &["apm_config.telemetry.dd_url"],
        kind: Kind::Url,
        default: Default::Described("`https://instrumentation-telemetry-intake.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the intake of telemetry data.",
        ..BASE
    },
    Key {
        name: "apm_config.telemetry_api_key",
        env: &["DD_APM_TELEMETRY_API_KEY"],
        kind: Kind::ApiKey,
        default: Default::Described("`api_key`"),
        class: Class::Fatal,
        secret: true,
        doc: "API key for telemetry data.",
        ..BASE
    },
    Key {
        name: "apm_config.telemetry_additional_endpoints",
        env: &["DD_APM_TELEMETRY_ADDITIONAL_ENDPOINTS"],
        kind: Kind::KeysByUrl,
        default: Default::Text("{}"),
        class: Class::Fatal,
        secret: true,
        doc: "Further intakes of telemetry data with their keys.",
        ..BASE
    },
    Key {
        name: "apm_config.install_id",
        env: &["DD_INSTRUMENTATION_INSTALL_ID"],
        kind: Kind::Text,
        doc: "Id of the installation, for telemetry and the first trace of each service.",
        ..BASE
    },
    Key {
        name: "apm_config.install_type",
        env: &["DD_INSTRUMENTATION_INSTALL_TYPE"],
        kind: Kind::Text,
        doc: "What installed the agent, for telemetry and the first trace of each service.",
        ..BASE
    },
    Key {
        name: "apm_config.install_time",
        env: &["DD_INSTRUMENTATION_INSTALL_TIME"],
        kind: Kind::Text,
        doc: "When that was, in seconds since 1970, for telemetry and the first trace of each service.",
        ..BASE
    },
    Key {
        name: "apm_config.telemetry_enabled",
        env: &["DD_APM_TELEMETRY_ENABLED"],
        yaml: &["apm_config.telemetry.enabled"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Passes on what tracers report about themselves.",
        ..BASE
    },
    Key {
        name: "evp_proxy_config.enabled",
        env: &["DD_EVP_PROXY_CONFIG_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Serves the event platform proxy.",
        ..BASE
    },
    Key {
        name: "evp_proxy_config.dd_url",
        env: &["DD_EVP_PROXY_CONFIG_DD_URL"],
        kind: Kind::Site,
        default: Default::Described("`site`"),
        class: Class::Fatal,
        doc: "Site that stands in place of `site` for the event platform proxy.",
        ..BASE
    },
    Key {
        name: "evp_proxy_config.app_key",
        env: &["DD_EVP_PROXY_CONFIG_APP_KEY", "DD_APP_KEY"],
        kind: Kind::Text,
        secret: true,
        doc: "Application key for requests through the event platform proxy that ask for one.",
        ..BASE
    },
    Key {
        name: "evp_proxy_config.max_payload_size",
        env: &["DD_EVP_PROXY_CONFIG_MAX_PAYLOAD_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("10MiB"),
        doc: "Largest body that the event platform proxy passes on.",
        ..BASE
    },
    Key {
        name: "ol_proxy_config.enabled",
        env: &["DD_OL_PROXY_CONFIG_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Serves the OpenLineage proxy.",
        ..BASE
    },
    Key {
        name: "ol_proxy_config.dd_url",
        env: &["DD_OL_PROXY_CONFIG_DD_URL"],
        kind: Kind::Url,
        default: Default::Described("`https://data-obs-intake.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the OpenLineage intake.",
        ..BASE
    },
];
