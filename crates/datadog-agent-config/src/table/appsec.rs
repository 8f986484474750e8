//! Keys of the subject *AppSec*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{DAY, HOUR, Kind, MICROSECOND, Outside, Unit};

const BASE: Key = Key::of(Pipeline::AppSec);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "appsec_enabled",
        env: &["DD_APPSEC_ENABLED", "DD_SERVERLESS_APPSEC_ENABLED"],
        kind: Kind::Bool,
        default: Default::Described("`false`"),
        doc: "Turns AppSec on; `false` also forbids remote configuration to do so.",
        set: |config, value| put(&mut config.appsec_enabled, value),
        ..BASE
    },
    Key {
        name: "appsec_rules",
        env: &["DD_APPSEC_RULES"],
        kind: Kind::Path,
        default: Default::Described("`rules.json` beside the library"),
        class: Class::Security,
        doc: "File with the rules.",
        set: |config, value| put(&mut config.appsec_rules, value),
        ..BASE
    },
    Key {
        name: "appsec_waf_timeout",
        env: &["DD_APPSEC_WAF_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Micros,
            min: MICROSECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("5000"),
        doc: "Time that the rules may take on one request; a bare number is microseconds.",
        set: |config, value| put(&mut config.appsec_waf_timeout, value),
        ..BASE
    },
    Key {
        name: "api_security_enabled",
        env: &["DD_API_SECURITY_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Extracts the schema of requests.",
        set: |config, value| put(&mut config.api_security_enabled, value),
        ..BASE
    },
    Key {
        name: "api_security_sample_delay",
        env: &["DD_API_SECURITY_SAMPLE_DELAY"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: 0,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("30"),
        doc: "Pause between two schemas of one route; `0` is every request.",
        set: |config, value| put(&mut config.api_security_sample_delay, value),
        ..BASE
    },
    Key {
        name: "api_security_parse_response_body",
        env: &["DD_API_SECURITY_PARSE_RESPONSE_BODY"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Looks at response bodies too.",
        ..BASE
    },
    Key {
        name: "appsec_rasp_enabled",
        env: &["DD_APPSEC_RASP_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Lets a host ask for a verdict inside the application; has no effect yet.",
        ..BASE
    },
    Key {
        name: "appsec_trace_rate_limit",
        env: &["DD_APPSEC_TRACE_RATE_LIMIT"],
        kind: Kind::Int {
            min: 0,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Text("100"),
        doc: "Traces per second that AppSec keeps.",
        ..BASE
    },
    Key {
        name: "appsec_obfuscation_parameter_key_regexp",
        env: &["DD_APPSEC_OBFUSCATION_PARAMETER_KEY_REGEXP"],
        kind: Kind::Regex,
        default: Default::Described("built in"),
        class: Class::Security,
        doc: "Keys whose values are hidden in security events.",
        ..BASE
    },
    Key {
        name: "appsec_obfuscation_parameter_value_regexp",
        env: &["DD_APPSEC_OBFUSCATION_PARAMETER_VALUE_REGEXP"],
        kind: Kind::Regex,
        default: Default::Described("built in"),
        class: Class::Security,
        doc: "Values that are hidden in security events.",
        ..BASE
    },
    Key {
        name: "appsec_http_blocked_template_html",
        env: &["DD_APPSEC_HTTP_BLOCKED_TEMPLATE_HTML"],
        kind: Kind::Path,
        doc: "Page for blocked requests, as HTML.",
        ..BASE
    },
    Key {
        name: "appsec_http_blocked_template_json",
        env: &["DD_APPSEC_HTTP_BLOCKED_TEMPLATE_JSON"],
        kind: Kind::Path,
        doc: "Page for blocked requests, as JSON.",
        ..BASE
    },
    Key {
        name: "appsec_libddwaf_path",
        env: &["DD_APPSEC_LIBDDWAF_PATH"],
        kind: Kind::Path,
        doc: "Where the library of the firewall is.",
        ..BASE
    },
    Key {
        name: "trace_client_ip_header",
        env: &["DD_TRACE_CLIENT_IP_HEADER"],
        kind: Kind::HeaderName,
        doc: "The only header that the client's address is taken from.",
        ..BASE
    },
];
