//! Where data goes, through what, and how it is compressed.

use super::*;
use crate::endpoints::LogsDestination;

#[test]
fn overrides_of_intakes_gain_their_paths() {
    let endpoints = read(&[
        ("DD_APM_DD_URL", "http://127.0.0.1:9/"),
        (
            "DD_LOGS_CONFIG_LOGS_DD_URL",
            "agent-http-intake-pci.logs.datadoghq.com:443",
        ),
        ("DD_DD_URL", "http://a"),
        ("DD_URL", "http://b"),
    ])
    .endpoints()
    .expect("well formed");
    assert_eq!(endpoints.traces, "http://127.0.0.1:9/api/v0.2/traces");
    assert_eq!(endpoints.trace_stats, "http://127.0.0.1:9/api/v0.2/stats");
    assert_eq!(
        endpoints.logs.url(),
        "https://agent-http-intake-pci.logs.datadoghq.com:443/api/v2/logs"
    );
    assert_eq!(endpoints.metrics_base, "http://a");
    assert_eq!(
        endpoints.remote_configuration,
        "https://config.datadoghq.com/api/v0.1/configurations"
    );
}

#[test]
fn the_older_name_of_the_metrics_intake_counts_alone() {
    let endpoints = read(&[("DD_URL", "http://b/")])
        .endpoints()
        .expect("well formed");
    assert_eq!(endpoints.metrics_base, "http://b");
}

#[test]
fn a_loopback_site_serves_every_product_over_plain_http() {
    let endpoints = read(&[("DD_SITE", "127.0.0.1:9000")])
        .endpoints()
        .expect("well formed");
    assert_eq!(endpoints.traces, "http://127.0.0.1:9000/api/v0.2/traces");
    assert_eq!(endpoints.logs.url(), "http://127.0.0.1:9000/api/v2/logs");
    assert_eq!(
        endpoints.remote_configuration,
        "http://127.0.0.1:9000/api/v0.1/configurations"
    );
}

#[test]
fn logs_go_to_the_site_or_to_the_override() {
    let url = |variables: &[(&str, &str)]| {
        let endpoints = read(variables).endpoints().expect("well formed");
        endpoints.logs.url().to_owned()
    };
    assert_eq!(
        url(&[("DD_SITE", "datadoghq.eu")]),
        "https://http-intake.logs.datadoghq.eu/api/v2/logs"
    );
    assert_eq!(
        url(&[("DD_LOGS_CONFIG_LOGS_DD_URL", "https://x.y/")]),
        "https://x.y/api/v2/logs"
    );
    assert_eq!(
        url(&[
            ("DD_LOGS_CONFIG_LOGS_DD_URL", "x.y:80"),
            ("DD_LOGS_CONFIG_LOGS_NO_SSL", "true")
        ]),
        "http://x.y:80/api/v2/logs"
    );
}

#[test]
fn a_worker_takes_logs_without_a_key_and_needs_a_url() {
    let enabled = [
        ("DD_LOGS_ENABLED", "true"),
        ("DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_ENABLED", "true"),
    ];
    let config = Config::from_env_iter(enabled);
    assert_eq!(fatal(&config).len(), 1);
    assert!(fatal(&config)[0].contains("is required when the worker is enabled"));
    let url = (
        "DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_URL",
        "http://opw:8282",
    );
    let config = Config::from_env_iter(enabled.into_iter().chain([url]));
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(config.key_source(), KeySource::None);
    assert_eq!(config.logs_compression(), LogsCompression::None);
    assert_eq!(
        config.endpoints().expect("well formed").logs,
        LogsDestination::ObservabilityPipelinesWorker {
            url: "http://opw:8282/api/v2/logs".to_owned()
        }
    );
}

#[test]
fn a_worker_may_be_named_by_its_older_variables() {
    let config = Config::from_env_iter([
        ("DD_LOGS_ENABLED", "true"),
        ("DD_VECTOR_LOGS_ENABLED", "true"),
        ("DD_VECTOR_LOGS_URL", "http://vector:8282/in"),
    ]);
    assert_eq!(
        config.endpoints().expect("well formed").logs.url(),
        "http://vector:8282/in"
    );
}

#[test]
fn logs_with_a_key_of_their_own_need_no_other() {
    let config = Config::from_env_iter([
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_CONFIG_API_KEY", "fedcba9876543210fedcba9876543210"),
    ]);
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(
        config.logs_key_source(),
        KeySource::Plain("fedcba9876543210fedcba9876543210".to_owned())
    );
    let config = Config::from_env_iter([("DD_LOGS_ENABLED", "true")]);
    assert_eq!(fatal(&config).len(), 1);
}

#[test]
fn further_log_intakes_have_their_urls_and_a_bad_one_is_left_out() {
    let urls = |json: &str| {
        let config = read(&[("DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS", json)]);
        let urls: Vec<String> = config
            .endpoints()
            .expect("well formed")
            .logs_additional
            .into_iter()
            .map(|endpoint| endpoint.url)
            .collect();
        (urls, warnings(&config))
    };
    let (both, none) = urls(
        r#"[{"api_key":"k1","Host":"h1","Port":443,"is_reliable":true},
            {"api_key":"k2","Host":"h2","Port":10516,"is_reliable":false}]"#,
    );
    assert_eq!(
        both,
        ["https://h1:443/api/v2/logs", "https://h2:10516/api/v2/logs"]
    );
    assert_eq!(none, Vec::<String>::new());
    assert_eq!(
        urls(r#"[{"api_key":"k","host":"h"}]"#).0,
        ["https://h:443/api/v2/logs"]
    );
    assert_eq!(urls("").0, Vec::<String>::new());
    let (one, warned) = urls(r#"[{"Host":"h"},{"api_key":"k","Host":"g"}]"#);
    assert_eq!(one, ["https://g:443/api/v2/logs"]);
    assert_eq!(warned.len(), 1);
    assert!(
        warned[0].contains("endpoint 0: api_key is missing"),
        "{}",
        warned[0]
    );
}

#[test]
fn further_log_intakes_keep_what_was_said_of_them() {
    let config = read(&[(
        "DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS",
        r#"[{"API_KEY":"k1","HOST":"h1","is_reliable":false,"use_ssl":false,
             "compression_kind":"gzip","compression_level":12,"path_prefix":"/p"}]"#,
    )]);
    let endpoint = &config.logs_config_additional_endpoints[0];
    assert!(!endpoint.is_reliable);
    assert_eq!(
        config.additional_logs_compression(endpoint),
        LogsCompression::Gzip(9)
    );
    assert_eq!(
        config.endpoints().expect("well formed").logs_additional[0].url,
        "http://h1:80/p/api/v2/logs"
    );
}

#[test]
fn further_log_intakes_that_are_no_list_refuse_the_start() {
    for json in ["not json", "{}", "[", "3"] {
        let config = read(&[("DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS", json)]);
        assert_eq!(fatal(&config).len(), 1, "{json}");
    }
}

#[test]
fn a_further_log_intake_that_repeats_the_primary_one_is_left_out() {
    let json = format!(
        r#"[{{"api_key":"{}","Host":"http-intake.logs.datadoghq.com"}},
            {{"api_key":"other","Host":"http-intake.logs.datadoghq.com"}}]"#,
        KEY.1
    );
    let config = read(&[("DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS", &json)]);
    let additional = config.endpoints().expect("well formed").logs_additional;
    assert_eq!(additional.len(), 1);
    assert_eq!(additional[0].configured.api_key, "other");
    assert!(
        warnings(&config)
            .join("\n")
            .contains("endpoint 0 is the primary one")
    );
}

#[test]
fn a_proxy_that_is_no_url_refuses_the_start_without_showing_its_user() {
    let config = read(&[("DD_PROXY_HTTPS", "http://u:p@:bad")]);
    let fatal = fatal(&config);
    assert_eq!(fatal.len(), 1);
    assert!(
        fatal[0].starts_with("DD_PROXY_HTTPS=\"http://***@:bad\""),
        "{}",
        fatal[0]
    );
    assert!(!fatal[0].contains("u:p"), "{}", fatal[0]);
}

#[test]
fn a_proxy_without_scheme_is_an_http_proxy() {
    let config = read(&[("HTTPS_PROXY", "u:hunter2@my-proxy:3128")]);
    assert_eq!(
        config.proxy_https.as_deref(),
        Some("http://u:hunter2@my-proxy:3128")
    );
    assert_eq!(shown(&config, "proxy.https"), "http://***@my-proxy:3128");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn deprecated_names_work_with_a_warning() {
    let config = read(&[
        ("DD_HTTPS_PROXY", "my-proxy:3128"),
        ("DD_LOG_ENABLED", "true"),
    ]);
    assert_eq!(config.proxy_https.as_deref(), Some("http://my-proxy:3128"));
    assert!(config.logs_enabled);
    assert_eq!(
        warnings(&config),
        [
            "DD_HTTPS_PROXY: is deprecated, use DD_PROXY_HTTPS; used as it is",
            "DD_LOG_ENABLED: is deprecated, use DD_LOGS_ENABLED; used as it is",
        ]
    );
}

#[test]
fn the_bypass_list_is_divided_at_commas_and_blanks() {
    let config = read(&[("DD_PROXY_NO_PROXY", "a b,c")]);
    assert_eq!(config.proxy_no_proxy, ["a", "b", "c"]);
    assert_eq!(
        config.bypass_list(),
        ["a", "b", "c", "169.254.169.254", "100.100.100.200"]
    );
    let config = read(&[
        ("NO_PROXY", "x"),
        ("DD_USE_PROXY_FOR_CLOUD_METADATA", "true"),
    ]);
    assert_eq!(config.bypass_list(), ["x"]);
    let config = read(&[(
        "NO_PROXY",
        ".good,http://bad,10.0.0.0/8,10.0.0.0/99,*,[::1]:80",
    )]);
    assert_eq!(
        config.proxy_no_proxy,
        [".good", "10.0.0.0/8", "*", "[::1]:80"]
    );
    assert_eq!(warnings(&config).len(), 2);
}

#[test]
fn one_level_of_compression_serves_all_pipelines_but_those_with_their_own() {
    let config = read(&[
        ("DD_COMPRESSION_LEVEL", "4"),
        ("DD_LOGS_CONFIG_COMPRESSION_LEVEL", "1"),
    ]);
    assert_eq!(config.logs_config_compression_level, 1);
    assert_eq!(config.logs_compression(), LogsCompression::Zstd(1));
    assert_eq!(config.apm_config_compression_level, 4);
    assert_eq!(config.metrics_config_compression_level, 4);
}

#[test]
fn levels_out_of_range_become_the_nearest_one() {
    for (text, level) in [("0", 1), ("22", 19), ("-7", 1)] {
        let config = read(&[("DD_COMPRESSION_LEVEL", text)]);
        assert_eq!(config.compression_level, level);
        assert_eq!(config.logs_config_compression_level, level);
        assert_eq!(
            warnings(&config),
            [format!(
                "DD_COMPRESSION_LEVEL=\"{text}\": must be in 1..=19; using {level}"
            )]
        );
    }
}

#[test]
fn gzip_has_no_level_above_nine() {
    let config = read(&[
        ("DD_LOGS_CONFIG_COMPRESSION_KIND", "gzip"),
        ("DD_LOGS_CONFIG_COMPRESSION_LEVEL", "12"),
    ]);
    assert_eq!(config.logs_compression(), LogsCompression::Gzip(9));
    assert_eq!(
        warnings(&config),
        ["DD_LOGS_CONFIG_COMPRESSION_LEVEL=\"12\": must be in 1..=9; using 9"]
    );
}

#[test]
fn compression_of_logs_can_be_switched_off() {
    let config = read(&[("DD_LOGS_CONFIG_USE_COMPRESSION", "off")]);
    assert_eq!(config.logs_compression(), LogsCompression::None);
}
