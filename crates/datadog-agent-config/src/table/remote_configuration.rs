//! Keys of the subject *Remote configuration*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{DAY, Kind, MINUTE, Outside, SECOND, Unit};

const BASE: Key = Key::of(Pipeline::RemoteConfiguration);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "remote_configuration.enabled",
        env: &["DD_REMOTE_CONFIGURATION_ENABLED"],
        kind: Kind::Bool,
        default: Default::Described("`true`; `false` on government sites and in FIPS builds"),
        doc: "Turns remote configuration on.",
        set: |config, value| put(&mut config.remote_configuration_enabled, value),
        ..BASE
    },
    Key {
        name: "remote_configuration.force_off",
        env: &["DD_REMOTE_CONFIGURATION_FORCE_OFF"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Turns remote configuration off whatever else is set.",
        set: |config, value| put(&mut config.remote_configuration_force_off, value),
        ..BASE
    },
    Key {
        name: "remote_configuration.api_key",
        env: &["DD_REMOTE_CONFIGURATION_API_KEY"],
        kind: Kind::ApiKey,
        default: Default::Described("`api_key`"),
        class: Class::Free,
        secret: true,
        doc: "API key for remote configuration.",
        set: |config, value| put(&mut config.remote_configuration_api_key, value),
        ..BASE
    },
    Key {
        name: "remote_configuration.key",
        env: &["DD_REMOTE_CONFIGURATION_KEY"],
        kind: Kind::RemoteConfigurationKey,
        class: Class::Fatal,
        secret: true,
        doc: "Older key of remote configuration.",
        set: |config, value| put(&mut config.remote_configuration_key, value),
        ..BASE
    },
    Key {
        name: "remote_configuration.par_jwt",
        env: &["DD_REMOTE_CONFIGURATION_PAR_JWT"],
        kind: Kind::Text,
        class: Class::Free,
        secret: true,
        doc: "Token sent with each poll.",
        ..BASE
    },
    Key {
        name: "remote_configuration.config_root",
        env: &["DD_REMOTE_CONFIGURATION_CONFIG_ROOT"],
        kind: Kind::JsonObject,
        default: Default::Described("built in"),
        class: Class::Security,
        doc: "Root of trust of the configuration repository.",
        ..BASE
    },
    Key {
        name: "remote_configuration.director_root",
        env: &["DD_REMOTE_CONFIGURATION_DIRECTOR_ROOT"],
        kind: Kind::JsonObject,
        default: Default::Described("built in"),
        class: Class::Security,
        doc: "Root of trust of the director repository.",
        ..BASE
    },
    Key {
        name: "remote_configuration.no_tls",
        env: &["DD_REMOTE_CONFIGURATION_NO_TLS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Permits plain HTTP to the backend.",
        set: |config, value| put(&mut config.remote_configuration_no_tls, value),
        ..BASE
    },
    Key {
        name: "remote_configuration.no_tls_validation",
        env: &["DD_REMOTE_CONFIGURATION_NO_TLS_VALIDATION"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Permits a backend whose certificate is not checked.",
        set: |config, value| put(&mut config.remote_configuration_no_tls_validation, value),
        ..BASE
    },
    Key {
        name: "remote_configuration.rc_dd_url",
        env: &["DD_REMOTE_CONFIGURATION_RC_DD_URL"],
        kind: Kind::Url,
        default: Default::Described("`https://config.{site}`"),
        class: Class::Fatal,
        doc: "Base URL of the backend.",
        set: |config, value| put(&mut config.remote_configuration_rc_dd_url, value),
        ..BASE
    },
    Key {
        name: "remote_configuration.refresh_interval",
        env: &["DD_REMOTE_CONFIGURATION_REFRESH_INTERVAL"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 5 * SECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Described("60 seconds, or what the backend says"),
        doc: "Pause between polls.",
        ..BASE
    },
    Key {
        name: "remote_configuration.org_status_refresh_interval",
        env: &["DD_REMOTE_CONFIGURATION_ORG_STATUS_REFRESH_INTERVAL"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 5 * SECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("60"),
        doc: "Pause between questions about the organisation's status.",
        ..BASE
    },
    Key {
        name: "remote_configuration.max_backoff_interval",
        env: &["DD_REMOTE_CONFIGURATION_MAX_BACKOFF_INTERVAL"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 2 * MINUTE,
            max: 5 * MINUTE,
            outside: Outside::Clamp,
        },
        default: Default::Text("120"),
        doc: "Longest pause after failures.",
        ..BASE
    },
    Key {
        name: "remote_configuration.clients.ttl_seconds",
        env: &["DD_REMOTE_CONFIGURATION_CLIENTS_TTL_SECONDS"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 5 * SECOND,
            max: MINUTE,
            outside: Outside::Refuse,
        },
        default: Default::Text("30"),
        doc: "How long a client counts as alive after its last question.",
        ..BASE
    },
    Key {
        name: "remote_configuration.clients.cache_bypass_limit",
        env: &["DD_REMOTE_CONFIGURATION_CLIENTS_CACHE_BYPASS_LIMIT"],
        kind: Kind::Int {
            min: 1,
            max: 10,
            outside: Outside::Refuse,
        },
        default: Default::Text("5"),
        doc: "Polls out of turn for new clients.",
        ..BASE
    },
    Key {
        name: "remote_configuration.apm_sampling.enabled",
        env: &["DD_REMOTE_CONFIGURATION_APM_SAMPLING_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Takes sampling rates from remote configuration.",
        ..BASE
    },
    Key {
        name: "remote_configuration.agent_config.enabled",
        env: &["DD_REMOTE_CONFIGURATION_AGENT_CONFIG_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Takes the log level from remote configuration.",
        ..BASE
    },
    Key {
        name: "remote_configuration.no_websocket_echo",
        env: &["DD_REMOTE_CONFIGURATION_NO_WEBSOCKET_ECHO"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Has no effect; accepted for compatibility.",
        ..BASE
    },
    Key {
        name: "remote_config_store_path",
        env: &["DD_REMOTE_CONFIG_STORE_PATH"],
        kind: Kind::Path,
        default: Default::Described("a private directory for a program of its own, else in memory"),
        doc: "Directory in which verified configuration is kept.",
        ..BASE
    },
];
