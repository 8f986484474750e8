//! Keys of the subject *Core*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{HOUR, Kind, MILLISECOND, Outside, Unit};

const BASE: Key = Key::of(Pipeline::Core);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "config_strict",
        env: &["DD_CONFIG_STRICT"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Fatal,
        doc: "Treats every malformed value as fatal.",
        set: |config, value| put(&mut config.config_strict, value),
        ..BASE
    },
    Key {
        name: "api_key",
        env: &["DD_API_KEY"],
        kind: Kind::ApiKey,
        default: Default::Described("none; required"),
        class: Class::Fatal,
        secret: true,
        doc: "API key of the organisation; blanks and line ends in it are removed.",
        set: |config, value| put(&mut config.api_key, value),
        ..BASE
    },
    Key {
        name: "api_key_file",
        env: &["DD_API_KEY_FILE"],
        kind: Kind::Path,
        class: Class::Fatal,
        doc: "File whose first non-empty line is the API key; read again when its modification time changes.",
        set: |config, value| put(&mut config.api_key_file, value),
        ..BASE
    },
    Key {
        name: "site",
        env: &["DD_SITE"],
        kind: Kind::Site,
        default: Default::Text("datadoghq.com"),
        class: Class::Fatal,
        doc: "Site whose intakes are used, or a short name of a region such as `us5` or `eu`.",
        set: |config, value| put(&mut config.site, value),
        ..BASE
    },
    Key {
        name: "service",
        env: &["DD_SERVICE"],
        kind: Kind::Text,
        class: Class::Free,
        doc: "Unified tag `service`; kept exactly as written, but for logs, where it is in lower case.",
        set: |config, value| put(&mut config.service, value),
        ..BASE
    },
    Key {
        name: "env",
        env: &["DD_ENV"],
        kind: Kind::Text,
        class: Class::Free,
        doc: "Unified tag `env`; kept exactly as written.",
        set: |config, value| put(&mut config.env, value),
        ..BASE
    },
    Key {
        name: "version",
        env: &["DD_VERSION"],
        kind: Kind::Text,
        class: Class::Free,
        doc: "Unified tag `version`; kept exactly as written, so `1.10` stays `1.10`.",
        set: |config, value| put(&mut config.version, value),
        ..BASE
    },
    Key {
        name: "tags",
        env: &["DD_TAGS"],
        kind: Kind::Tags,
        default: Default::Text(""),
        doc: "Tags for everything that is sent, in this order.",
        set: |config, value| put(&mut config.tags, value),
        ..BASE
    },
    Key {
        name: "extra_tags",
        env: &["DD_EXTRA_TAGS"],
        kind: Kind::Tags,
        default: Default::Text(""),
        doc: "More tags, appended to `tags`.",
        ..BASE
    },
    Key {
        name: "hostname",
        env: &["DD_HOSTNAME"],
        kind: Kind::Hostname,
        default: Default::Described("found out at start"),
        doc: "Host name that telemetry carries; an invalid one makes way for the next source.",
        set: |config, value| put(&mut config.hostname, value),
        ..BASE
    },
    Key {
        name: "hostname_file",
        env: &["DD_HOSTNAME_FILE"],
        kind: Kind::Path,
        doc: "File with the host name, used when `hostname` is not set.",
        set: |config, value| put(&mut config.hostname_file, value),
        ..BASE
    },
    Key {
        name: "log_level",
        env: &["DD_LOG_LEVEL"],
        kind: Kind::LogLevel,
        default: Default::Text("info"),
        doc: "How much the agent says about itself.",
        set: |config, value| put(&mut config.log_level, value),
        ..BASE
    },
    Key {
        name: "log_format_json",
        env: &["DD_LOG_FORMAT_JSON"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Writes the agent's own log lines as JSON.",
        set: |config, value| put(&mut config.log_format_json, value),
        ..BASE
    },
    Key {
        name: "rust_log",
        env: &["RUST_LOG"],
        kind: Kind::LogFilter,
        doc: "Filter in the syntax of `tracing`'s environment filter; replaces `log_level` when set.",
        set: |config, value| put(&mut config.rust_log, value),
        ..BASE
    },
    Key {
        name: "flush_timeout",
        env: &["DD_FLUSH_TIMEOUT"],
        kind: Kind::WholeSeconds { min: 1, max: 300 },
        default: Default::Text("5"),
        doc: "Default of `http_timeout` and `flush_interval`, nothing else.",
        set: |config, value| put(&mut config.flush_timeout, value),
        ..BASE
    },
    Key {
        name: "http_timeout",
        env: &["DD_HTTP_TIMEOUT"],
        kind: Kind::WholeSeconds { min: 1, max: 300 },
        default: Default::Like("flush_timeout"),
        doc: "Longest time for one request to an intake, in every pipeline.",
        set: |config, value| put(&mut config.http_timeout, value),
        ..BASE
    },
    Key {
        name: "flush_interval",
        env: &["DD_FLUSH_INTERVAL"],
        kind: Kind::WholeSeconds { min: 1, max: 300 },
        default: Default::Like("flush_timeout"),
        pipeline: Pipeline::Traces,
        doc: "Timer of traces and buffered proxies.",
        set: |config, value| put(&mut config.flush_interval, value),
        ..BASE
    },
    Key {
        name: "operational_mode",
        env: &["DD_AGENT_MODE", "DD_OPERATIONAL_MODE"],
        kind: Kind::Mode,
        default: Default::Text("http_fixed_port"),
        class: Class::Fatal,
        doc: "Whether the listeners use fixed ports, ports chosen by the system, or a Unix socket.",
        set: |config, value| put(&mut config.operational_mode, value),
        ..BASE
    },
    Key {
        name: "org_uuid",
        env: &["DD_ORG_UUID"],
        kind: Kind::Uuid,
        class: Class::Fatal,
        pipeline: Pipeline::KeySources,
        doc: "Organisation for delegated authentication.",
        set: |config, value| put(&mut config.org_uuid, value),
        ..BASE
    },
    Key {
        name: "event_bus_capacity",
        env: &["DD_EVENT_BUS_CAPACITY"],
        kind: Kind::Int {
            min: 1,
            max: 65536,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        doc: "Notices that the event bus holds.",
        set: |config, value| put(&mut config.event_bus_capacity, value),
        ..BASE
    },
    Key {
        name: "shutdown_timeout",
        env: &["DD_SHUTDOWN_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::ByProfile {
            standalone: "30",
            embedded: "30",
            serverless: "5",
            lambda: "2",
        },
        doc: "Deadline of the whole stop, final flush included; never more than 2 seconds in Lambda.",
        set: |config, value| put(&mut config.shutdown_timeout, value),
        ..BASE
    },
    Key {
        name: "external_env",
        env: &["DD_EXTERNAL_ENV"],
        kind: Kind::Text,
        class: Class::Free,
        pipeline: Pipeline::Traces,
        doc: "Opaque text copied to the header `Datadog-External-Env`.",
        set: |config, value| put(&mut config.external_env, value),
        ..BASE
    },
];
