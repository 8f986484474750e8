//! What a whole configuration comes to: precedence, issues, and what does not go together.

use std::collections::HashMap;

use super::*;
use crate::issue::{Severity, Source};
use crate::key_source::KeySource;
use crate::rules::TracePropagationStyle;

mod delivery;
mod sources;
mod strictness;
mod telemetry;

/// A key that is as keys are, so that nothing is said about it.
const KEY: (&str, &str) = ("DD_API_KEY", "0123456789abcdef0123456789abcdef");

/// The configuration of these variables and a usual key.
fn read(variables: &[(&str, &str)]) -> Config {
    Config::from_env_iter([KEY].into_iter().chain(variables.iter().copied()))
}

/// Issues of a severity, as texts.
fn issues(config: &Config, severity: Severity) -> Vec<String> {
    config
        .issues()
        .iter()
        .filter(|issue| issue.severity == severity)
        .map(ToString::to_string)
        .collect()
}

fn warnings(config: &Config) -> Vec<String> {
    issues(config, Severity::Warning)
}

fn fatal(config: &Config) -> Vec<String> {
    issues(config, Severity::Fatal)
}

/// The value of a key as `explain` shows it.
fn shown(config: &Config, name: &str) -> String {
    config
        .explain()
        .into_iter()
        .find(|explained| explained.name == name)
        .map(|explained| explained.value)
        .expect("a key")
}

#[test]
fn nothing_set_yields_the_defaults_and_asks_for_a_key() {
    let config = Config::from_env_iter::<&str, &str>([]);
    assert_eq!(config.site, "datadoghq.com");
    assert_eq!(config.operational_mode, OperationalMode::HttpFixedPort);
    assert_eq!(config.trace_agent_port, None);
    assert_eq!(config.trace_port(), Some(8126));
    assert_eq!(config.logs_port(), 10517);
    assert!(!config.dogstatsd_enabled);
    assert_eq!(config.dogstatsd_port, 8125);
    assert!(!config.logs_enabled);
    assert!(config.remote_configuration_enabled);
    assert_eq!(
        (
            config.flush_timeout,
            config.http_timeout,
            config.flush_interval
        ),
        (5, 5, 5)
    );
    assert_eq!(config.log_level, LogLevel::Info);
    assert_eq!(config.trace_agent_uds_permissions, 0o600);
    assert_eq!(config.compression_level, 3);
    assert_eq!(config.event_bus_capacity, 100);
    assert_eq!(config.shutdown_timeout, Duration::from_secs(30));
    assert_eq!(config.appsec_waf_timeout, Duration::from_millis(5));
    assert_eq!(config.api_security_sample_delay, Duration::from_secs(30));
    assert_eq!(
        fatal(&config),
        [
            "DD_API_KEY: API key not configured: set DD_API_KEY or DD_API_KEY_FILE; agent not started"
        ]
    );
    assert_eq!(warnings(&config), Vec::<String>::new());
    assert!(config.validate().is_err());
}

#[test]
fn fields_have_the_names_and_types_that_code_for_the_reference_expects() {
    let config = read(&[]);
    let _: (&String, &String, LogLevel, u64, i32) = (
        &config.site,
        &config.api_key,
        config.log_level,
        config.flush_timeout,
        config.compression_level,
    );
    let _: [&Option<String>; 9] = [
        &config.proxy_https,
        &config.http_protocol,
        &config.env,
        &config.service,
        &config.version,
        &config.appsec_rules,
        &config.remote_configuration_api_key,
        &config.remote_configuration_key,
        &config.trace_agent_uds_path,
    ];
    let _: [&String; 5] = [
        &config.dd_url,
        &config.url,
        &config.apm_dd_url,
        &config.logs_config_logs_dd_url,
        &config.observability_pipelines_worker_logs_url,
    ];
    let _: [&HashMap<String, Vec<String>>; 2] = [
        &config.additional_endpoints,
        &config.apm_additional_endpoints,
    ];
    let _: [&Vec<String>; 3] = [&config.tags, &config.proxy_no_proxy, &config.apm_features];
    let _: [bool; 14] = [
        config.logs_config_use_compression,
        config.observability_pipelines_worker_logs_enabled,
        config.apm_config_obfuscation_http_remove_query_string,
        config.apm_config_obfuscation_http_remove_paths_with_digits,
        config.trace_propagation_extract_first,
        config.trace_propagation_http_baggage_enabled,
        config.trace_aws_service_representation_enabled,
        config.enhanced_metrics,
        config.api_security_enabled,
        config.remote_configuration_enabled,
        config.remote_configuration_no_tls,
        config.remote_configuration_no_tls_validation,
        config.logs_enabled,
        config.dogstatsd_enabled,
    ];
    let _: [i32; 3] = [
        config.logs_config_compression_level,
        config.apm_config_compression_level,
        config.metrics_config_compression_level,
    ];
    let _: [&Option<Vec<String>>; 4] = [
        &config.apm_filter_tags_require,
        &config.apm_filter_tags_reject,
        &config.apm_filter_tags_regex_require,
        &config.apm_filter_tags_regex_reject,
    ];
    let _: [Option<bool>; 2] = [
        config.compute_trace_stats_on_extension,
        config.appsec_enabled,
    ];
    let _: [Option<u16>; 3] = [
        config.trace_agent_port,
        config.metrics_agent_port,
        config.logs_agent_port,
    ];
    let _: (u32, u16) = (config.trace_agent_uds_permissions, config.dogstatsd_port);
    let _: [Duration; 2] = [config.appsec_waf_timeout, config.api_security_sample_delay];
}

#[test]
fn a_key_of_digits_stays_a_text() {
    let config = Config::from_env_iter([("DD_API_KEY", "00000001")]);
    assert_eq!(config.api_key, "00000001");
    assert_eq!(
        warnings(&config),
        ["DD_API_KEY=\"***0001\": API keys are 32 lowercase hexadecimal digits; used as it is"]
    );
    assert_eq!(config.validate(), Ok(()));
}

#[test]
fn blanks_and_line_ends_in_a_key_go() {
    let config = Config::from_env_iter([("DD_API_KEY", " 0123456789abcdef \n0123456789abcdef\n")]);
    assert_eq!(config.api_key, KEY.1);
    assert_eq!(config.issues(), []);
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_without_being_shown() {
    let config = Config::from_env_iter([("DD_API_KEY", "schlüssel-der-nicht-geht")]);
    let fatal = fatal(&config).join("\n");
    assert!(fatal.contains("DD_API_KEY=\"***geht\""), "{fatal}");
    assert!(!fatal.contains("schl"), "{fatal}");
}

#[test]
fn unified_tags_keep_the_text_that_was_written() {
    let config = read(&[
        ("DD_VERSION", "1.10"),
        ("DD_SERVICE", "true"),
        ("DD_ENV", "007"),
    ]);
    assert_eq!(config.version.as_deref(), Some("1.10"));
    assert_eq!(config.service.as_deref(), Some("true"));
    assert_eq!(config.env.as_deref(), Some("007"));
}

#[test]
fn a_port_out_of_range_refuses_the_start_and_zero_is_ephemeral() {
    let config = read(&[("DD_TRACE_AGENT_PORT", "70000")]);
    assert_eq!(
        fatal(&config),
        ["DD_TRACE_AGENT_PORT=\"70000\": port must be 0..=65535; agent not started"]
    );
    let config = read(&[("DD_TRACE_AGENT_PORT", "-1")]);
    assert_eq!(fatal(&config).len(), 1);
    let config = read(&[("DD_TRACE_AGENT_PORT", "0")]);
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(config.trace_port(), Some(0));
}

#[test]
fn permissions_are_octal_however_they_are_written() {
    for text in ["0660", "660", "0o660"] {
        let config = read(&[("DD_TRACE_AGENT_UDS_PERMISSIONS", text)]);
        assert_eq!(config.trace_agent_uds_permissions, 432, "{text}");
    }
    let config = read(&[("DD_TRACE_AGENT_UDS_PERMISSIONS", "0888")]);
    assert_eq!(fatal(&config).len(), 1);
}

#[test]
fn the_mode_has_two_names_and_the_first_wins() {
    let mode = |variables: &[(&str, &str)]| {
        let config = read(variables);
        (
            config.operational_mode,
            warnings(&config).len(),
            fatal(&config).len(),
        )
    };
    assert_eq!(
        mode(&[("DD_AGENT_MODE", "uds")]),
        (OperationalMode::HttpUds, 0, 0)
    );
    assert_eq!(
        mode(&[("DD_OPERATIONAL_MODE", "EPHEMERAL")]),
        (OperationalMode::HttpEphemeralPort, 0, 0)
    );
    assert_eq!(
        mode(&[("DD_AGENT_MODE", "uds"), ("DD_OPERATIONAL_MODE", "HttpUds")]),
        (OperationalMode::HttpUds, 0, 0)
    );
    assert_eq!(
        mode(&[("DD_AGENT_MODE", "ffi_only")]),
        (OperationalMode::HttpFixedPort, 0, 1)
    );
    let config = read(&[
        ("DD_AGENT_MODE", "uds"),
        ("DD_OPERATIONAL_MODE", "ephemeral"),
    ]);
    assert_eq!(config.operational_mode, OperationalMode::HttpUds);
    assert_eq!(
        warnings(&config),
        [
            "DD_AGENT_MODE=\"uds\": DD_OPERATIONAL_MODE=\"ephemeral\" says otherwise; DD_AGENT_MODE wins"
        ]
    );
}

#[test]
fn tags_are_divided_at_commas_and_blanks_and_kept_once() {
    let config = read(&[("DD_TAGS", "a:b, c:d url:http://x:1 bare,,a:b")]);
    assert_eq!(config.tags, ["a:b", "c:d", "url:http://x:1", "bare"]);
    assert_eq!(config.issues(), []);
    let config = read(&[("DD_TAGS", ":v,key:,a:b"), ("DD_EXTRA_TAGS", "a:b,c:d")]);
    assert_eq!(config.tags, ["a:b", "c:d"]);
    assert_eq!(warnings(&config).len(), 2);
}

#[test]
fn unified_tags_replace_those_of_the_same_name() {
    let config = read(&[("DD_TAGS", "env:x,team:y"), ("DD_ENV", "prod")]);
    assert_eq!(config.global_tags(&[]), ["env:prod", "team:y"]);
    assert_eq!(config.effective_env(), Some("prod"));
    let config = read(&[("DD_TAGS", "env:x,team:y"), ("DD_SERVICE", "web")]);
    assert_eq!(config.effective_env(), Some("x"));
    assert_eq!(
        config.global_tags(&["origin:lambda".to_owned()]),
        ["env:x", "team:y", "origin:lambda", "service:web"]
    );
}

#[test]
fn what_surrounds_a_site_is_stripped_with_a_warning() {
    let config = read(&[("DD_SITE", "https://app.datadoghq.eu/")]);
    assert_eq!(config.site, "datadoghq.eu");
    assert_eq!(warnings(&config).len(), 2);
    assert_eq!(fatal(&read(&[("DD_SITE", "not a site")])).len(), 1);
}

#[test]
fn an_unknown_site_is_only_worth_knowing() {
    let config = read(&[("DD_SITE", "intake.example.org")]);
    assert_eq!(config.site, "intake.example.org");
    assert_eq!(issues(&config, Severity::Info).len(), 1);
    assert_eq!(warnings(&config), Vec::<String>::new());
}

#[test]
fn remote_configuration_is_off_on_government_sites_unless_asked_for() {
    let enabled = |variables: &[(&str, &str)]| read(variables).remote_configuration_enabled;
    assert!(!enabled(&[("DD_SITE", "ddog-gov.com")]));
    assert!(enabled(&[
        ("DD_SITE", "ddog-gov.com"),
        ("DD_REMOTE_CONFIGURATION_ENABLED", "true")
    ]));
    assert!(!enabled(&[
        ("DD_REMOTE_CONFIGURATION_ENABLED", "true"),
        ("DD_REMOTE_CONFIGURATION_FORCE_OFF", "1")
    ]));
    let fips = Config::builder().fips_build().build_with_issues();
    assert!(!fips.remote_configuration_enabled);
}

#[test]
fn flush_strategies_are_read() {
    for (text, strategy) in [
        ("end", FlushStrategy::End),
        ("end,1000", FlushStrategy::EndPeriodically(1_000)),
        ("periodically,60000", FlushStrategy::Periodically(60_000)),
        ("continuously,500", FlushStrategy::Continuously(500)),
        ("continuously,2000", FlushStrategy::Continuously(2_000)),
        (" END , 7 ", FlushStrategy::EndPeriodically(7)),
    ] {
        let config = read(&[("DD_SERVERLESS_FLUSH_STRATEGY", text)]);
        assert_eq!(config.serverless_flush_strategy, strategy, "{text}");
        assert_eq!(config.issues(), []);
    }
    for (text, strategy) in [
        ("periodically", FlushStrategy::Periodically(60_000)),
        ("end,0", FlushStrategy::Default),
        ("foo", FlushStrategy::Default),
        ("end,1,2", FlushStrategy::Default),
        ("periodically,x", FlushStrategy::Default),
        ("continuously,900001", FlushStrategy::Default),
        ("continuously", FlushStrategy::Default),
        ("default,1", FlushStrategy::Default),
    ] {
        let config = read(&[("DD_SERVERLESS_FLUSH_STRATEGY", text)]);
        assert_eq!(config.serverless_flush_strategy, strategy, "{text}");
        assert_eq!(warnings(&config).len(), 1, "{text}");
        assert!(warnings(&config)[0].starts_with("DD_SERVERLESS_FLUSH_STRATEGY="));
    }
}

#[test]
fn processing_rules_that_do_not_compile_refuse_the_start() {
    let config = read(&[(
        "DD_LOGS_CONFIG_PROCESSING_RULES",
        r#"[{"type":"mask_sequences","name":"n","pattern":"("}]"#,
    )]);
    assert_eq!(fatal(&config).len(), 1);
    assert!(fatal(&config)[0].contains("rule 0 (n): pattern does not compile"));
}

#[test]
fn processing_rules_keep_their_order_and_text() {
    let config = read(&[(
        "DD_LOGS_CONFIG_PROCESSING_RULES",
        r#"[{"type":"exclude_at_match","name":"no_health","pattern":"GET /health"},
            {"type":"mask_sequences","name":"mask_cc","pattern":"\\b\\d{16}\\b","replace_placeholder":"[card]"}]"#,
    )]);
    let rules = config.logs_config_processing_rules.expect("two rules");
    assert_eq!(rules[0].name, "no_health");
    assert_eq!(rules[0].replace_placeholder, "");
    assert_eq!(rules[1].pattern, r"\b\d{16}\b");
    assert_eq!(rules[1].replace_placeholder, "[card]");
}

#[test]
fn the_flush_timeout_is_the_default_of_two_others() {
    let config = read(&[("DD_FLUSH_TIMEOUT", "7")]);
    assert_eq!((config.flush_interval, config.http_timeout), (7, 7));
    let config = read(&[("DD_FLUSH_TIMEOUT", "7"), ("DD_HTTP_TIMEOUT", "2")]);
    assert_eq!((config.flush_interval, config.http_timeout), (7, 2));
    assert_eq!(config.request_timeout(), Duration::from_secs(2));
}

#[test]
fn no_time_to_flush_becomes_five_seconds() {
    let config = read(&[("DD_FLUSH_TIMEOUT", "0")]);
    assert_eq!((config.flush_timeout, config.http_timeout), (5, 5));
    assert_eq!(
        warnings(&config),
        ["DD_FLUSH_TIMEOUT=\"0\": must be whole seconds in 1..=300; using 5"]
    );
}

#[test]
fn switches_are_words_malformed_or_unset() {
    let compression = |word: &str| {
        let config = read(&[("DD_LOG_FORMAT_JSON", word)]);
        (config.log_format_json, warnings(&config).len())
    };
    assert_eq!(compression("YES"), (true, 0));
    assert_eq!(compression("off"), (false, 0));
    assert_eq!(compression("2"), (false, 1));
    assert_eq!(compression(""), (false, 0));
}

#[test]
fn a_socket_path_selects_the_socket_mode_and_conflicts_with_another() {
    let path = ("DD_TRACE_AGENT_UDS_PATH", "/tmp/x.sock");
    let config = read(&[path]);
    assert_eq!(config.operational_mode, OperationalMode::HttpUds);
    assert_eq!(config.validate(), Ok(()));
    let config = read(&[path, ("DD_AGENT_MODE", "http")]);
    assert_eq!(fatal(&config).len(), 1);
    assert!(fatal(&config)[0].contains("http_uds"));
}

#[test]
fn ports_that_a_mode_ignores_are_warned_of() {
    let ports = [("DD_TRACE_AGENT_PORT", "1"), ("DD_LOGS_AGENT_PORT", "2")];
    for (mode, ignored) in [("uds", 1), ("ephemeral", 2), ("fixed", 0)] {
        let config = read(&[("DD_AGENT_MODE", mode), ports[0], ports[1]]);
        let count = warnings(&config)
            .iter()
            .filter(|text| text.contains("no port is used in the mode"))
            .count();
        assert_eq!(count, ignored, "{mode}");
    }
}

#[test]
fn two_tcp_listeners_cannot_share_a_port_and_udp_may() {
    let config = read(&[("DD_LOGS_ENABLED", "true"), ("DD_LOGS_AGENT_PORT", "8126")]);
    assert_eq!(
        fatal(&config),
        ["DD_LOGS_AGENT_PORT=\"8126\": the trace listener has the same port; agent not started"]
    );
    for variables in [
        vec![
            ("DD_LOGS_ENABLED", "true"),
            ("DD_LOGS_AGENT_PORT", "8126"),
            ("DD_APM_ENABLED", "no"),
        ],
        vec![
            ("DD_LOGS_ENABLED", "true"),
            ("DD_LOGS_AGENT_PORT", "8126"),
            ("DD_AGENT_MODE", "uds"),
        ],
        vec![("DD_LOGS_ENABLED", "true"), ("DD_LOGS_AGENT_PORT", "8125")],
        vec![
            ("DD_LOGS_ENABLED", "true"),
            ("DD_LOGS_PORT", "0"),
            ("DD_TRACE_AGENT_PORT", "0"),
        ],
    ] {
        assert_eq!(
            fatal(&read(&variables)),
            Vec::<String>::new(),
            "{variables:?}"
        );
    }
}

#[test]
fn a_fips_build_checks_certificates() {
    let skip = ("DD_SKIP_SSL_VALIDATION", "true");
    let config = Config::builder()
        .with_env_iter([KEY, skip])
        .fips_build()
        .build_with_issues();
    assert_eq!(fatal(&config).len(), 1);
    let config = read(&[skip]);
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(warnings(&config).len(), 1);
}

#[test]
fn a_government_site_asks_for_a_fips_build() {
    assert_eq!(warnings(&read(&[("DD_SITE", "gov")])).len(), 1);
    let fips = Config::builder()
        .with_env_iter([KEY, ("DD_SITE", "gov")])
        .fips_build()
        .build_with_issues();
    assert_eq!(warnings(&fips), Vec::<String>::new());
}

#[test]
fn security_relevant_values_never_fall_back() {
    for (variable, text) in [
        ("DD_SKIP_SSL_VALIDATION", "maybe"),
        ("DD_PROXY_HTTP", "ftp://x"),
        ("DD_LOGS_CONFIG_LOGS_NO_SSL", "maybe"),
        ("DD_BIND_HOST", "a b"),
        ("DD_LOGS_BIND_HOST", "0.0.0.0:80"),
        ("DD_HTTP_PROTOCOL", "http3"),
        ("DD_MIN_TLS_VERSION", "tlsv1.1"),
        ("DD_LOGS_SOCKET", "relative.sock"),
        ("DD_LOGS_AGENT_PORT", "x"),
        ("DD_API_KEY", "ENC[handle]"),
    ] {
        let config = read(&[(variable, text)]);
        assert_eq!(
            fatal(&config).len(),
            if variable == "DD_API_KEY" { 2 } else { 1 },
            "{variable}"
        );
        assert!(
            fatal(&config)[0].starts_with(variable),
            "{:?}",
            fatal(&config)
        );
    }
}

#[test]
fn a_key_file_gives_the_key_unless_an_option_does() {
    let file = ("DD_API_KEY_FILE", "/run/key");
    let config = Config::from_env_iter([KEY, file]);
    assert_eq!(config.key_source(), KeySource::File("/run/key".into()));
    let config = Config::builder()
        .with_env_iter([file])
        .api_key(KEY.1)
        .build_with_issues();
    assert_eq!(config.key_source(), KeySource::Plain(KEY.1.to_owned()));
    let mut config = Config::from_env_iter([file]);
    assert_eq!(config.validate(), Ok(()));
    config.api_key = "set-by-hand".to_owned();
    assert_eq!(
        config.key_source(),
        KeySource::Plain("set-by-hand".to_owned())
    );
}

#[test]
fn a_key_that_only_aws_could_give_refuses_the_start() {
    for variable in [
        "DD_KMS_API_KEY",
        "DD_API_KEY_SECRET_ARN",
        "DD_API_KEY_SSM_ARN",
    ] {
        let config = Config::from_env_iter([KEY, (variable, "arn:aws:x")]);
        assert_eq!(fatal(&config).len(), 1, "{variable}");
        assert!(fatal(&config)[0].contains("cannot resolve"), "{variable}");
    }
    let organisation = "01234567-89ab-cdef-0123-456789abcdef";
    let config = Config::from_env_iter([("DD_ORG_UUID", organisation)]);
    assert_eq!(fatal(&config).len(), 1);
}

#[test]
fn fields_set_by_hand_count_as_if_they_had_been_read() {
    let mut config = Config::from_env_iter::<&str, &str>([]);
    assert!(config.validate().is_err());
    config.api_key = "k".to_owned();
    assert_eq!(config.validate(), Ok(()));
    config.site = "not a site".to_owned();
    assert!(config.validate().is_err());
    config.site = "us5".to_owned();
    config.apm_dd_url = "http://127.0.0.1:1".to_owned();
    let endpoints = config.endpoints().expect("well formed");
    assert_eq!(endpoints.traces, "http://127.0.0.1:1/api/v0.2/traces");
    config.http_timeout = 0;
    assert_eq!(config.request_timeout(), Duration::from_secs(5));
    assert_eq!(warnings(&config).len(), 1);
    let built = Config {
        api_key: "k".to_owned(),
        ..Config::from_env_iter::<&str, &str>([])
    };
    assert_eq!(built.validate(), Ok(()));
}

#[test]
fn the_debug_text_holds_no_secret() {
    let config = Config::from_env_iter([
        ("DD_API_KEY", "topsecret-key"),
        ("DD_LOGS_CONFIG_API_KEY", "topsecret-logs"),
        ("DD_REMOTE_CONFIGURATION_PAR_JWT", "topsecret-jwt"),
        (
            "DD_ADDITIONAL_ENDPOINTS",
            r#"{"https://x":["topsecret-metrics"]}"#,
        ),
        (
            "DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS",
            r#"[{"api_key":"topsecret-more","Host":"h"}]"#,
        ),
        ("AWS_SECRET_ACCESS_KEY", "topsecret-aws"),
    ]);
    assert_eq!(config.api_key, "topsecret-key");
    let text = format!("{config:?}");
    assert!(!text.contains("topsecret"), "{text}");
    let explained: String = config
        .explain()
        .iter()
        .map(|explained| format!("{explained:?}"))
        .collect();
    assert!(!explained.contains("topsecret"), "{explained}");
}

#[test]
fn explain_names_every_key_with_value_and_source() {
    let config = Config::builder()
        .with_env_iter([KEY, ("DD_LOGS_PORT", "1234")])
        .site("us5")
        .build_with_issues();
    let explained = config.explain();
    assert_eq!(explained.len(), crate::table::keys().count());
    let of = |name: &str| {
        let row = explained
            .iter()
            .find(|row| row.name == name)
            .expect("a key");
        (row.value.clone(), row.source.to_string())
    };
    assert_eq!(
        of("site"),
        ("us5.datadoghq.com".to_owned(), "option".to_owned())
    );
    assert_eq!(
        of("api_key"),
        ("***cdef".to_owned(), "env DD_API_KEY".to_owned())
    );
    assert_eq!(
        of("logs_agent_port"),
        ("1234".to_owned(), "env DD_LOGS_PORT".to_owned())
    );
    assert_eq!(of("flush_timeout"), ("5".to_owned(), "default".to_owned()));
    assert_eq!(
        of("logs_config.batch_wait"),
        ("5s".to_owned(), "default".to_owned())
    );
}

#[test]
fn a_variable_that_is_added_wins_and_a_blank_one_unsets() {
    let config = Config::builder()
        .with_env_iter([
            ("DD_SERVICE", "one"),
            ("DD_ENV", "prod"),
            ("DD_VERSION", "1"),
        ])
        .with_more_env([("DD_SERVICE", "two"), ("DD_ENV", " ")])
        .build_with_issues();
    assert_eq!(config.service.as_deref(), Some("two"));
    assert_eq!(config.env, None);
    assert_eq!(config.version.as_deref(), Some("1"));
}
