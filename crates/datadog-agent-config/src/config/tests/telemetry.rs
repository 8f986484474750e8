//! Keys of traces, metrics and AppSec, which are read though nothing uses them yet.

use super::*;
use crate::table::Pipeline;

#[test]
fn replace_rules_that_are_no_json_refuse_the_start() {
    assert_eq!(
        fatal(&read(&[("DD_APM_REPLACE_TAGS", "not json")])).len(),
        1
    );
    let config = read(&[(
        "DD_APM_REPLACE_TAGS",
        r#"[{"name":"*","pattern":"\\d+","repl":"?"}]"#,
    )]);
    let rules = config.apm_replace_tags.as_ref().expect("one rule");
    assert_eq!((rules[0].name.as_str(), rules[0].repl.as_str()), ("*", "?"));
    let config = read(&[("DD_APM_REPLACE_TAGS", r#"[{"name":"*","pattern":"["}]"#)]);
    assert_eq!(fatal(&config).len(), 1);
}

#[test]
fn filters_without_a_key_are_left_out() {
    let config = read(&[("DD_APM_FILTER_TAGS_REJECT", "debug:true key: :v a")]);
    assert_eq!(
        config.apm_filter_tags_reject,
        Some(vec![
            "debug:true".to_owned(),
            "key".to_owned(),
            "a".to_owned()
        ])
    );
    assert!(
        warnings(&config)[0].contains("item 2"),
        "{:?}",
        warnings(&config)
    );
    let config = read(&[("DD_APM_FILTER_TAGS_REQUIRE", r#"["a:b c","d"]"#)]);
    assert_eq!(
        config.apm_filter_tags_require,
        Some(vec!["a:b c".to_owned(), "d".to_owned()])
    );
    assert_eq!(
        fatal(&read(&[("DD_APM_FILTER_TAGS_REQUIRE", "[1]")])).len(),
        1
    );
}

#[test]
fn filter_patterns_keep_their_commas_and_must_compile() {
    let config = read(&[("DD_APM_FILTER_TAGS_REGEX_REJECT", "a:x{1,2} b")]);
    assert_eq!(
        config.apm_filter_tags_regex_reject,
        Some(vec!["a:x{1,2}".to_owned(), "b".to_owned()])
    );
    assert_eq!(
        fatal(&read(&[("DD_APM_FILTER_TAGS_REGEX_REJECT", "a:(")])).len(),
        1
    );
}

#[test]
fn a_mapping_has_one_colon_to_an_item() {
    let config = read(&[("DD_SERVICE_MAPPING", "old:new, x:y:z")]);
    assert_eq!(
        config.service_mapping,
        HashMap::from([("old".to_owned(), "new".to_owned())])
    );
    assert!(
        warnings(&config)[0].contains("item 1"),
        "{:?}",
        warnings(&config)
    );
}

#[test]
fn unknown_styles_are_left_out_and_extraction_follows() {
    let config = read(&[("DD_TRACE_PROPAGATION_STYLE", "datadog,wat,b3")]);
    let styles = [TracePropagationStyle::Datadog, TracePropagationStyle::B3];
    assert_eq!(config.trace_propagation_style, styles);
    assert_eq!(config.trace_propagation_style_extract, styles);
    assert!(
        warnings(&config)[0].contains("item 1"),
        "{:?}",
        warnings(&config)
    );
    let config = read(&[
        ("DD_TRACE_PROPAGATION_STYLE", "b3 single header"),
        ("DD_TRACE_PROPAGATION_STYLE_EXTRACT", "tracecontext"),
    ]);
    assert_eq!(config.trace_propagation_style, [TracePropagationStyle::B3]);
    assert_eq!(
        config.trace_propagation_style_extract,
        [TracePropagationStyle::TraceContext]
    );
}

#[test]
fn the_rules_budget_is_in_microseconds_and_one_bad_value_spoils_no_other() {
    let config = read(&[("DD_APPSEC_WAF_TIMEOUT", "1000000")]);
    assert_eq!(config.appsec_waf_timeout, Duration::from_secs(1));
    let config = read(&[("DD_APPSEC_WAF_TIMEOUT", "abc"), ("DD_SITE", "us3")]);
    assert_eq!(config.appsec_waf_timeout, Duration::from_millis(5));
    assert_eq!(config.site, "us3.datadoghq.com");
    assert!(warnings(&config)[0].starts_with("DD_APPSEC_WAF_TIMEOUT=\"abc\""));
    let config = read(&[("DD_APPSEC_WAF_TIMEOUT", "500us")]);
    assert_eq!(config.appsec_waf_timeout, Duration::from_micros(500));
}

#[test]
fn a_metric_namespace_is_a_name_or_ignored() {
    let config = read(&[("DD_STATSD_METRIC_NAMESPACE", "my-app")]);
    assert_eq!(shown(&config, "statsd_metric_namespace"), "");
    assert_eq!(warnings(&config).len(), 1);
    assert!(warnings(&config)[0].ends_with("; ignored"));
    let config = read(&[("DD_STATSD_METRIC_NAMESPACE", "my_app.x")]);
    assert_eq!(shown(&config, "statsd_metric_namespace"), "my_app.x");
}

#[test]
fn dogstatsd_has_an_older_switch_and_an_older_port() {
    let config = read(&[("DD_USE_DOGSTATSD", "true"), ("DD_METRICS_AGENT_PORT", "9")]);
    assert!(config.dogstatsd_enabled);
    assert_eq!(
        (config.dogstatsd_port, config.metrics_agent_port),
        (9, Some(9))
    );
    let config = read(&[
        ("DD_USE_DOGSTATSD", "true"),
        ("DD_DOGSTATSD_ENABLED", "false"),
        ("DD_METRICS_AGENT_PORT", "9"),
        ("DD_DOGSTATSD_PORT", "8"),
    ]);
    assert!(!config.dogstatsd_enabled);
    assert_eq!(config.dogstatsd_port, 8);
}

#[test]
fn further_endpoints_are_urls_with_keys() {
    let config = read(&[(
        "DD_APM_ADDITIONAL_ENDPOINTS",
        r#"{"https://trace.agent.datadoghq.eu/":["k1","k2"]}"#,
    )]);
    assert_eq!(
        config.apm_additional_endpoints["https://trace.agent.datadoghq.eu"],
        ["k1", "k2"]
    );
    for json in [r#"{"https://x":"k"}"#, r#"["https://x"]"#, r#"{"":["k"]}"#] {
        assert_eq!(
            fatal(&read(&[("DD_APM_ADDITIONAL_ENDPOINTS", json)])).len(),
            1,
            "{json}"
        );
    }
}

#[test]
fn keys_of_pipelines_that_are_not_there_are_read_and_warned_of_and_never_fatal() {
    for strict in ["false", "true"] {
        let config = read(&[
            ("DD_CONFIG_STRICT", strict),
            ("DD_APPSEC_ENABLED", "true"),
            ("DD_OTLP_CONFIG_TRACES_ENABLED", "true"),
        ]);
        assert_eq!(config.validate(), Ok(()));
        let missing = ["DD_APPSEC_ENABLED: this build is without the feature `appsec`; no effect"];
        let wanted: &[&str] = match Pipeline::AppSec.available() {
            true => &[],
            false => &missing,
        };
        assert_eq!(warnings(&config), wanted);
        assert_eq!(
            issues(&config, Severity::Info),
            [
                "DD_OTLP_CONFIG_TRACES_ENABLED: this build has no pipeline for it yet (OTLP); no effect"
            ],
            "a value that is the default asks for nothing"
        );
    }
}

#[test]
fn a_tracer_that_sends_to_another_socket_is_worth_knowing() {
    let url = ("DD_TRACE_AGENT_URL", "unix:///a.sock");
    let config = read(&[url, ("DD_TRACE_AGENT_UDS_PATH", "/b.sock")]);
    let infos = issues(&config, Severity::Info).join("\n");
    assert!(infos.contains("DD_TRACE_AGENT_URL"), "{infos}");
    let config = read(&[url, ("DD_TRACE_AGENT_UDS_PATH", "/a.sock")]);
    let infos = issues(&config, Severity::Info).join("\n");
    assert!(!infos.contains("DD_TRACE_AGENT_URL"), "{infos}");
}

#[test]
fn open_listeners_are_asked_for_and_a_host_wins() {
    assert_eq!(read(&[]).bind_host, "127.0.0.1");
    let open = ("DD_APM_NON_LOCAL_TRAFFIC", "true");
    assert_eq!(read(&[open]).bind_host, "0.0.0.0");
    assert_eq!(
        read(&[open, ("DD_BIND_HOST", "10.0.0.1")]).bind_host,
        "10.0.0.1"
    );
}
