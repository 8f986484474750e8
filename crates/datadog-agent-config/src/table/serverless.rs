//! Keys of the subject *Serverless*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{DAY, HOUR, Kind, Outside, Unit};

const BASE: Key = Key::of(Pipeline::Serverless);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "serverless_flush_strategy",
        env: &["DD_SERVERLESS_FLUSH_STRATEGY"],
        kind: Kind::FlushStrategy,
        default: Default::Text("default"),
        pipeline: Pipeline::Core,
        doc: "When data is flushed.",
        set: |config, value| put(&mut config.serverless_flush_strategy, value),
        ..BASE
    },
    Key {
        name: "api_key_secret_arn",
        env: &["DD_API_KEY_SECRET_ARN"],
        kind: Kind::Text,
        class: Class::Fatal,
        pipeline: Pipeline::KeySources,
        secret: true,
        doc: "Secret of AWS Secrets Manager that holds the API key.",
        set: |config, value| put(&mut config.api_key_secret_arn, value),
        ..BASE
    },
    Key {
        name: "kms_api_key",
        env: &["DD_KMS_API_KEY"],
        kind: Kind::Text,
        class: Class::Fatal,
        pipeline: Pipeline::KeySources,
        secret: true,
        doc: "API key, encrypted with AWS KMS.",
        set: |config, value| put(&mut config.kms_api_key, value),
        ..BASE
    },
    Key {
        name: "api_key_ssm_arn",
        env: &["DD_API_KEY_SSM_ARN"],
        kind: Kind::Text,
        class: Class::Fatal,
        pipeline: Pipeline::KeySources,
        secret: true,
        doc: "Parameter of AWS Systems Manager that holds the API key.",
        set: |config, value| put(&mut config.api_key_ssm_arn, value),
        ..BASE
    },
    Key {
        name: "api_key_secret_reload_interval",
        env: &["DD_API_KEY_SECRET_RELOAD_INTERVAL"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: 365 * DAY,
            outside: Outside::Refuse,
        },
        pipeline: Pipeline::KeySources,
        doc: "How often the key is resolved again; `0` is never.",
        ..BASE
    },
    Key {
        name: "capture_lambda_payload",
        env: &["DD_CAPTURE_LAMBDA_PAYLOAD"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Adds the payload of an invocation to its span.",
        ..BASE
    },
    Key {
        name: "capture_lambda_payload_max_depth",
        env: &["DD_CAPTURE_LAMBDA_PAYLOAD_MAX_DEPTH"],
        kind: Kind::Int {
            min: 0,
            max: 4294967295,
            outside: Outside::Refuse,
        },
        default: Default::Text("10"),
        doc: "Depth to which that payload is added.",
        ..BASE
    },
    Key {
        name: "lambda_durable_function_log_buffer_size",
        env: &["DD_LAMBDA_DURABLE_FUNCTION_LOG_BUFFER_SIZE"],
        kind: Kind::Int {
            min: 0,
            max: 1000000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("0"),
        doc: "Log lines held until a durable function is known.",
        ..BASE
    },
    Key {
        name: "lambda_fips_mode",
        env: &["DD_LAMBDA_FIPS_MODE"],
        kind: Kind::Bool,
        default: Default::Described("`true` in regions that start with `us-gov-`"),
        pipeline: Pipeline::Core,
        doc: "Whether FIPS cryptography is expected.",
        ..BASE
    },
    Key {
        name: "azure_resource_group",
        env: &["DD_AZURE_RESOURCE_GROUP"],
        kind: Kind::Text,
        class: Class::Fatal,
        pipeline: Pipeline::Core,
        doc: "Resource group; needed on the Flex Consumption plan of Azure Functions.",
        ..BASE
    },
    Key {
        name: "serverless_platform",
        env: &["DD_SERVERLESS_PLATFORM"],
        kind: Kind::Choice(&[
            "lambda",
            "azure_functions",
            "google_functions",
            "azure_spring",
            "none",
        ]),
        default: Default::Described("detected"),
        class: Class::Fatal,
        pipeline: Pipeline::Core,
        doc: "Takes this platform for granted; `none` runs without one.",
        ..BASE
    },
    Key {
        name: "serverless_compat_version",
        env: &["DD_SERVERLESS_COMPAT_VERSION"],
        kind: Kind::Text,
        class: Class::Free,
        pipeline: Pipeline::Core,
        doc: "Value of the tag `serverless_compat_version`.",
        ..BASE
    },
    Key {
        name: "debug_wait_for_attach",
        env: &["DD_DEBUG_WAIT_FOR_ATTACH"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: HOUR,
            outside: Outside::Refuse,
        },
        doc: "Pause before the start in debug builds, to attach a debugger.",
        ..BASE
    },
];
