//! What the firewall is told, from the configuration.

use std::path::PathBuf;
use std::time::Duration;

use datadog_appsec::config::{ApiSecurity, Config as AppSecConfig, UseOfTraces};
use tracing::warn;

use crate::config::Config;
use crate::keys::Keys;
use crate::traces::sampling::is_transport;

/// What the configuration says of the firewall. Nobody obeys verdicts, unless whoever loads it says so.
#[must_use]
pub fn read(config: &Config) -> AppSecConfig {
    let keys = Keys(config);
    let text = |name: &str| keys.text(name).map(str::to_owned);
    let path = |name: &str| keys.text(name).map(PathBuf::from);
    let usual = AppSecConfig::default();
    let limit = keys.number("appsec_trace_rate_limit", usual.trace_rate_limit as usize);
    AppSecConfig {
        library_path: path("appsec_libddwaf_path"),
        rules_path: path("appsec_rules"),
        waf_timeout: keys.time("appsec_waf_timeout", usual.waf_timeout),
        api_security: ApiSecurity {
            enabled: keys.on("api_security_enabled"),
            sample_delay: keys.time("api_security_sample_delay", Duration::from_secs(30)),
            parse_response_body: keys.on("api_security_parse_response_body"),
        },
        trace_rate_limit: u32::try_from(limit).unwrap_or(usual.trace_rate_limit),
        obfuscation_key: text("appsec_obfuscation_parameter_key_regexp"),
        obfuscation_value: text("appsec_obfuscation_parameter_value_regexp"),
        blocked_template_html: path("appsec_http_blocked_template_html"),
        blocked_template_json: path("appsec_http_blocked_template_json"),
        client_ip_header: text("trace_client_ip_header"),
        use_of_traces: match is_transport(config) {
            true => UseOfTraces::Transport,
            false => UseOfTraces::Tracing,
        },
        ..usual
    }
}

/// Keys that are read and checked, and do nothing in this build.
const WITHOUT_EFFECT: [&str; 1] = ["appsec_rasp_enabled"];

/// Says which keys are set that do nothing.
pub(super) fn warn_of_what_does_nothing(config: &Config) {
    for name in WITHOUT_EFFECT {
        if config.report.is_set(name) {
            warn!(key = name, "this setting has no effect in this build");
        }
    }
}
